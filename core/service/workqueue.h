/*
 * A work queue over a table, for calls to the outside (charges, SMS, mail): an outage of the provider stops
 * the queue, never the partitions (architecture.md, rule 6).
 *
 * The queue claims due rows (a lease in the row: claimed_until on the database's clock, FOR UPDATE SKIP
 * LOCKED), starts each call asynchronously while fewer than `parallel` are in flight and the breaker allows
 * it, and records outcomes in batches, one transaction each.  Each of the three has a thread of its own, so
 * that none waits for another's round trip.  A crash leaves leases that run out; the calls must be idempotent
 * (the same provider key).
 */
#ifndef PIZZA_SERVICE_WORKQUEUE_H
#define PIZZA_SERVICE_WORKQUEUE_H

#include "core/base/error.h"
#include "core/http/retry.h"

struct workqueue;

struct workqueue_ops {
	/*
	 * Claims up to `limit` due rows, writes one malloc'ed item each into items[], the number into
	 * *ret_count. ERR_UNAVAILABLE when the database is down: tried again with backoff.
	 */
	int (*claim)(void *arg, int limit, void **items, int *ret_count, struct error *err);
	/*
	 * Starts one call, always from the same thread; later, from any thread (or before start returns),
	 * workqueue_finished(q, item) says that it has ended, after its outcome was reported to the breaker.
	 */
	void (*start)(void *arg, struct workqueue *q, void *item);
	/*
	 * Records the outcomes of n finished items in one transaction. On ERR_UNKNOWN and failures of class
	 * CLASS_DEPENDENCY it is called again with the same items until it succeeds; on others a few times,
	 * then with each item alone, and what fails even then is left to the end of its lease.
	 */
	int (*record)(void *arg, void **items, int n, struct error *err);
	void (*free_item)(void *item);
};

struct workqueue_options {
	const char *name; /* for logs */
	int parallel;
	/* Ready items not started within this time are freed and left to their lease's end. 0: 5 s. */
	int64_t hold_ms;
	int64_t linger_ms; /* how long outcomes gather before they are recorded, while calls are in flight. 0:
			      3 ms */
	int64_t poll_ms;   /* fallback when no wake comes: retries that become due, leases that ran out */
	struct breaker
	    *breaker; /* may be NULL; start() and its completion report outcomes to it themselves */
	const struct workqueue_ops *ops;
	void *arg;
};

int workqueue_new(const struct workqueue_options *options, struct workqueue **ret,
		  struct error *err) MUST_USE;
/* There may be due rows: called after the commit that wrote them. Thread safe, cheap. */
void workqueue_wake(struct workqueue *q);
/*
 * Hands over items that the caller has already claimed (inserted with its own lease) and committed, sparing
 * the claim. Items that do not fit are freed and left to the claim after their lease ends; the number taken.
 */
int workqueue_push(struct workqueue *q, void **items, int n);
/* One started item has ended; its outcome is in the item. Thread safe. */
void workqueue_finished(struct workqueue *q, void *item);
int workqueue_in_flight(struct workqueue *q);
/*
 * Starts nothing new, waits for calls in flight up to drain_ms, records, joins.  Calls that end later still
 * may say so; their items are freed unrecorded.  NULL is fine.
 */
void workqueue_free(struct workqueue *q, int drain_ms);

#endif
