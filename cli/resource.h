/*
 * Commands over the daemons' routes: listing what a route lists and showing what a route shows.
 */
#ifndef PIZZA_CLI_RESOURCE_H
#define PIZZA_CLI_RESOURCE_H

#include "cli/cli.h"

/* A console_row whose arg is a struct output. */
int resource_row(void *arg, json_t *row, struct error *err) MUST_USE;
/* Lists what a daemon's list route gives, page by page. */
int resource_list(struct cli *c, const char *daemon, const char *path, struct error *err) MUST_USE;
/* Shows what a GET gives; member (NULL: the answer itself) is the part to show: an object, or an array as a
 * list. */
int resource_show(struct cli *c, const char *daemon, const char *path, const char *member,
		  struct error *err) MUST_USE;

#endif
