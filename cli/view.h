/*
 * Running a command as its reader wants to see it: what its columns and conditions mean instead of rows, or
 * its rows.
 */
#ifndef PIZZA_CLI_VIEW_H
#define PIZZA_CLI_VIEW_H

#include "cli/cli.h"

/* Runs the command that was given. */
int view_run(struct cli *c, struct error *err) MUST_USE;

#endif
