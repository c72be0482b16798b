/*
 * A pager for what is listed or shown on a terminal: $PIZZA_PAGER, else $PAGER, else less, which leaves at
 * once when everything fits on one screen.
 */
#ifndef PIZZA_CLI_PAGER_H
#define PIZZA_CLI_PAGER_H

#include <sys/types.h>

#include "cli/cli.h"

struct pager {
	const char *command; /* NULL: none is wanted */
	bool started;
	pid_t pid; /* 0: it does not run */
	int fd;	   /* that leads to it */
	FILE *before;
};

/*
 * Lets c->out lead to it when stdout is a terminal; it starts with the first that is written.  Without one,
 * or when it is "" or "cat", nothing.  ret must stay where it is until pager_finish.
 */
void pager_start(struct cli *c, struct pager *ret);
/* Ends what is written to it and waits until its reader has had enough.  Answers rc, or why it failed. */
int pager_finish(struct cli *c, struct pager *p, int rc, struct error *err) MUST_USE;

#endif
