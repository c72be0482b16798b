/*
 * Messages put aside for a later try, and the later ones of the same key behind them, in the consumer's own
 * database.  The consumer thread puts them there, in the transaction that advances past them, and tries them
 * again: whoever is free takes the first of a key, whatever replica parked it; a claim in the row keeps the
 * others away and counts the try before it begins.
 */
#ifndef PIZZA_SERVICE_PARKING_H
#define PIZZA_SERVICE_PARKING_H

#include "core/bus/bus.h"
#include "core/service/deadletter.h"
#include "core/service/effect.h"

struct parking;

struct parking *parking_new(struct service *s, struct effect *x, struct deadletter *letters);
void parking_free(struct parking *p); /* NULL is fine */

/* Looks how many there are, and when the next is due. */
int parking_look(struct parking *p, struct error *err) MUST_USE;
int64_t parking_count(const struct parking *p); /* as of the last look and what was parked here since */

/* behind[i]: an earlier message of the same topic and key is parked.  Asks the database only when any is. */
int parking_behind(struct parking *p, const struct event *const *events, int n, bool *behind,
		   struct error *err) MUST_USE;

struct parked {
	const struct bus_message *message;
	const struct event *event;
	int tries;		 /* begun; 0 for those that only wait behind another */
	int64_t delay_ms;	 /* until the next one */
	const struct error *why; /* of the last one; NULL */
};
/* In the transaction that advances past them. */
int parking_put(struct parking *p, struct db_conn *tx, const struct parked *list, int n,
		struct error *err) MUST_USE;
/* The same in a transaction of its own. */
int parking_put_one(struct parking *p, const struct parked *one, struct error *err) MUST_USE;
/* After the commit. */
void parking_added(struct parking *p, int n);

/* Tries what is due, for a short while; what goes wrong is logged and left for later. */
void parking_work(struct parking *p);
/* Milliseconds until there is something to try, at most max_ms.  */
int64_t parking_wait_ms(const struct parking *p, int64_t max_ms);

/* Makes what is parked of a key due now, whoever tries it; the number of messages. */
int parking_hasten(struct db_conn *c, const char *key, int *ret_count, struct error *err) MUST_USE;

#endif
