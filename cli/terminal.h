/*
 * The terminal at stdout: its size, and a screen of our own on it.
 */
#ifndef PIZZA_CLI_TERMINAL_H
#define PIZZA_CLI_TERMINAL_H

/* Columns: COLUMNS in the environment, else what the terminal says, else 80. */
int terminal_width(void);
/* Lines: LINES, else what the terminal says, else 24. */
int terminal_height(void);

#endif
