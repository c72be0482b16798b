/*
 * From a row and what happened to it to its new state, its events and the refunds it owes.  Nothing here
 * talks to the database: the caller writes what was planned in one transaction.
 */
#ifndef PIZZA_PAYMENT_SETTLE_H
#define PIZZA_PAYMENT_SETTLE_H

#include "core/contract/events.h"
#include "core/service/outbox.h"
#include "daemons/payment/payment.h"
#include "daemons/payment/store.h"

/* An event to be sent if the row's change takes effect. */
struct announcement {
	enum event_type type;
	struct uuid id, cause;
	int64_t seq;
	int64_t latency_ms; /* negative: not known */
};

/* Adds the event to the outbox: what it says is the payment as it now is, and the refund when it is about
 * one. */
void announce(struct outbox *o, const struct announcement *a, const struct payment *p,
	      const struct refund *refund);
/* Draws the payment's next event: its id becomes the cause of the one after. */
struct announcement announcement_next(struct payment *p, enum event_type type, struct uuid cause);
/* A refund of `amount` of the payment, caused by `cause`; the payment becomes refunding. */
struct refund refund_open(struct payment *p, int64_t amount, struct uuid cause, const char *reason);

struct settle_limits {
	int max_attempts;
	struct backoff backoff;
	int64_t lookup_ms; /* a charge is looked up at the earliest so long after its last failure */
};
struct settle_limits settle_limits(void); /* from the configuration */

/* What becomes of a charged payment. */
struct charge_plan {
	enum settle_act act; /* SETTLE_IGNORE: nothing is written */
	struct payment_change change;
	struct announcement event; /* unless act is SETTLE_AGAIN or SETTLE_HOLD */
	struct refund refund;	   /* of SETTLE_COMPLETE_REFUND */
};
/* now: the row as it is (the claimed one, or read again); current: nobody has changed it since the claim. */
void settle_charge(const struct payment *now, const struct job *job, bool current,
		   const struct settle_limits *limits, struct charge_plan *ret);

/* What becomes of a refund and its payment, both locked. */
struct refund_plan {
	bool write; /* false: it was settled before */
	struct refund_change refund;
	bool ended; /* the payment changes too */
	struct payment_change payment;
	bool announced;
	struct announcement event;
	bool again; /* the order was cancelled meanwhile: the rest is owed */
	struct refund next;
};
void settle_refund(const struct payment *payment, const struct refund *refund, const struct job *job,
		   const struct settle_limits *limits, struct refund_plan *ret);

#endif
