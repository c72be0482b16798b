/*
 * Replies held back until their time: one thread and a heap ordered by it, so that a slow answer costs
 * neither an event loop nor a worker.  Thread safe.
 */
#ifndef PIZZA_SANDBOX_HOLD_H
#define PIZZA_SANDBOX_HOLD_H

#include <stdbool.h>

#include "core/base/clock.h"
#include "core/base/error.h"

struct hold;

struct hold_options {
	int max;		     /* held at most; one more lets the earliest go */
	void (*release)(void *item); /* called once for each item, from the hold's thread */
	bool (*hurry)(
	    void *arg); /* true: everything goes at once (the daemon is stopping); looked at every 100 ms */
	void *arg;
};

int hold_new(const struct hold_options *options, struct hold **ret, struct error *err) MUST_USE;
/* Releases the item at `due`. */
void hold_add(struct hold *h, struct mono due, void *item);
/* Releases what is held and joins the thread.  NULL is fine. */
void hold_free(struct hold *h);

#endif
