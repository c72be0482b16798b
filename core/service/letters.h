/*
 * Dead letters of work queues: an item that keeps failing for its own reasons becomes a dead letter of the
 * event that gave it.  The letter is owed from the transaction that gives the item up, and sent by a thread
 * of its own, which finds the event in its topic again; so neither the queue nor the consumer waits for
 * Kafka.
 */
#ifndef PIZZA_SERVICE_LETTERS_H
#define PIZZA_SERVICE_LETTERS_H

#include "core/service/service.h"

struct letter_owed {
	const char *key; /* of the event */
	enum event_type type;
	struct uuid event_id;  /* nil: the first event of that type and key */
	int64_t not_before_us; /* the event is no older, as far as clocks tell */
	const struct error *why;
	const char *step; /* the queue: "charge", "refund", "sms", "mail" */
	int retries;
};

/* In the transaction that gives the item up; after its commit letters_wake. */
int letters_owe(struct db_conn *tx, const struct letter_owed *letter, struct error *err) MUST_USE;
void letters_wake(struct service *s);

/* The thread; for daemons with work queues (service_spec.requeue). */
struct letters;
int letters_start(struct service *s, struct letters **ret, struct error *err) MUST_USE;
void letters_stop(struct letters *l); /* NULL is fine */

#endif
