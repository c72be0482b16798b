/*
 * Events taking effect: inbox, handler and COMMIT as one transaction.  The consumer thread runs batches, a
 * replay runs single events; handlers are called by one thread at a time all the same.
 */
#ifndef PIZZA_SERVICE_EFFECT_H
#define PIZZA_SERVICE_EFFECT_H

#include "core/service/service.h"

struct effect;

struct effect *effect_new(struct service *s);
void effect_free(struct effect *x); /* NULL is fine */

struct effect_run {
	const struct event *const *events;
	int count;
	/* Further statements of the same transaction, before the events'; optional. */
	int (*also)(void *arg, struct db_conn *tx, struct error *err);
	void *arg;
	bool again; /* work that a known event gave and that was given up is queued again
		       (service_spec.requeue) */

	int fresh;     /* out: events that took effect now, not before */
	bool requeued; /* out: there was such work */
};

/* Runs them as one transaction; blocks.  On a failure nothing has happened, but for ERR_UNKNOWN. */
int effect_run(struct effect *x, struct effect_run *run, struct error *err) MUST_USE;

/* What this thread logs from now on says which event it is about; log_context_set(NULL) ends that. */
void effect_log_context(const struct event *e);

#endif
