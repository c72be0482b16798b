/*
 * Lists of ten thousand orders of the read model, kept packed: what has changed is asked for, and what has
 * not is the row that was there before, so that a list which is looked at every second costs little.  One
 * thread uses one list.
 */
#ifndef PIZZA_TUI_LONGLIST_H
#define PIZZA_TUI_LONGLIST_H

#include <jansson.h>

#include "core/base/error.h"
#include "core/console/console.h"
#include "core/console/readmodel.h"

struct longlist {
	int (*ask)(struct console *c, const struct readmodel_filter *filter, console_row *row, void *arg,
		   struct error *err);
	int (*now)(struct console *c, struct readmodel_mark *ret, struct error *err);
	const char *const *members; /* what is kept of a row, order_id first; NULL-terminated */
	/* Its own: */
	json_t *rows;		    /* the latest, the newest order first */
	bool whole;		    /* they are all there are, up to FEED_ROWS_MAX */
	struct readmodel_mark mark; /* they are at least as new */
};

/* The rows that the filter lets through (without since and from_id, which are set here); *ret is owned, and
 * never changed afterwards. */
int longlist_fetch(struct longlist *l, struct console *c, struct readmodel_filter *filter, json_t **ret,
		   struct error *err) MUST_USE;

#endif
