/*
 * Group execution: many callers hand in items, a few worker threads take all that wait, up to a limit, and do
 * them with one set-based statement.  The busier it gets the larger the groups, and the cheaper each item.
 */
#ifndef PIZZA_SERVICE_GROUP_H
#define PIZZA_SERVICE_GROUP_H

#include <stdbool.h>

#include "core/base/error.h"

struct group;

/* Does n items in worker thread `worker` (0 …); may block.  The items are the worker's from then on. */
typedef void group_run(void *arg, int worker, void **items, int n);

int group_new(int workers, int max_items, group_run *run, void *arg, struct group **ret,
	      struct error *err) MUST_USE;
/* Hands in one item; false when the group is stopping or more than `queue_max` items wait (the item stays the
 * caller's). */
bool group_add(struct group *g, void *item, int queue_max);
/* Does what waits, joins the workers, frees.  NULL is fine. */
void group_free(struct group *g);

#endif
