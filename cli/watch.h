/*
 * --watch: a command again and again.
 */
#ifndef PIZZA_CLI_WATCH_H
#define PIZZA_CLI_WATCH_H

#include "cli/cli.h"

/*
 * On a terminal draws what the command shows in place, keeps the last of it when a backend is lost and says
 * since when; elsewhere, and with -o jsonl, appends what has changed.  Ends with Ctrl-C, or when nobody reads
 * any more; a failure at the first look ends it too.
 */
int watch_run(struct cli *c, struct error *err) MUST_USE;

#endif
