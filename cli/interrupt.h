/*
 * Ctrl-C for commands that follow something: it ends them in order, with what they have written.
 */
#ifndef PIZZA_CLI_INTERRUPT_H
#define PIZZA_CLI_INTERRUPT_H

#include <stdbool.h>

/* Set by SIGINT and SIGTERM after interrupt_catch. */
extern volatile bool interrupted;
void interrupt_catch(void);

#endif
