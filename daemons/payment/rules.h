/*
 * paymentd's pure decisions: what an event, an operator or a provider's answer does to a payment in each
 * state.  Every table is total: no pair is left out.  No input or output, no state; thread safe.
 */
#ifndef PIZZA_PAYMENT_RULES_H
#define PIZZA_PAYMENT_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(symbol, "word in the database") */
#define PAYMENT_STATUSES(X)                                                    \
	X(NONE, "none")		    /* there is no row */                      \
	X(REQUESTED, "requested")   /* never sent to the provider */           \
	X(PROCESSING, "processing") /* may have been sent */                   \
	X(HELD, "held")		    /* failed too often: waits for a replay */ \
	X(COMPLETED, "completed")                                              \
	X(FAILED, "failed")                                                    \
	X(CANCELLED, "cancelled") /* never charged, never will be */           \
	X(REFUNDING, "refunding")                                              \
	X(REFUNDED, "refunded")

enum payment_status {
#define X(symbol, word) PAYMENT_##symbol,
	PAYMENT_STATUSES(X)
#undef X
	    PAYMENT_STATUS_COUNT
};
const char *payment_status_word(enum payment_status s);
/* False when the word is none. */
bool payment_status_parse(const char *word, enum payment_status *ret);

/* --- what others ask for --- */

enum payment_demand {
	DEMAND_CHARGE,
	DEMAND_CANCEL,
	DEMAND_REFUND
}; /* OrderReserved, OrderCancelled, an operator */
enum payment_act {
	ACT_IGNORE,    /* it is so already, or it is too late to matter */
	ACT_CREATE,    /* a new payment is requested */
	ACT_TOMBSTONE, /* a cancelled row, so that a later OrderReserved does nothing */
	ACT_DROP,      /* cancelled before anything was sent */
	ACT_MARK,      /* under way: settled first, then refunded */
	ACT_REFUND,    /* refund what is left */
	ACT_REFUSE,    /* there is nothing to refund */
};
enum payment_act payment_demand(enum payment_status status, enum payment_demand demand);

/* --- what the provider answers --- */

enum outcome {
	OUTCOME_DONE,	     /* captured, or refunded */
	OUTCOME_REFUSED,     /* for good: declined, or the request is wrong */
	OUTCOME_PENDING,     /* accepted, not settled yet */
	OUTCOME_BUSY,	     /* the same key is under way, or too many requests: ask again */
	OUTCOME_BROKEN,	     /* 5xx */
	OUTCOME_UNKNOWN,     /* no reply: it may have happened */
	OUTCOME_UNREACHABLE, /* nothing was received */
	OUTCOME_ABSENT,	     /* looked up: neither done nor pending */
	OUTCOME_NOT_SENT,    /* the lease was too short to start the call */
	OUTCOME_COUNT
};
const char *outcome_word(enum outcome o); /* for the metric */

enum settle_act {
	SETTLE_IGNORE,
	SETTLE_COMPLETE,
	SETTLE_COMPLETE_REFUND, /* the money came, but the order is cancelled */
	SETTLE_FAIL,
	SETTLE_HOLD, /* given up for now: a dead letter */
	SETTLE_AGAIN,
};
/*
 * A charge's outcome.  current: the answer is to the row's latest claim and attempt; an older one matters
 * only when the money has moved.
 */
enum settle_act charge_settle(enum payment_status status, bool cancel_requested, enum outcome outcome,
			      bool current);

/* The state of asking, in the row of a charge or a refund. */
struct asking {
	int attempt;  /* from 1; in the provider's key */
	int failures; /* 5xx in a row under this attempt */
	int tries;    /* calls without a result; for the delay */
	int strikes;  /* attempts that failed while the provider worked */
	bool lookup;  /* the next call asks what became of it */
};

enum again { AGAIN_LATER, AGAIN_NOW, AGAIN_GIVE_UP };
/*
 * How to go on after an outcome without a result: the next state, and when.  A stored 5xx is repeated for its
 * key, so the second one looks the object up; the next attempt number is taken only when nothing was found.
 * working: the provider serves others, so that a failed attempt is the charge's own.  max_attempts 0: never
 * given up.
 */
enum again asking_next(const struct asking *now, enum outcome outcome, bool working, int max_attempts,
		       struct asking *ret);

/* --- the rest --- */

/* The provider's name of an order's payment method: "card" → "pm_card_visa", "pm_…" as it is; NULL: not
 * accepted. */
const char *payment_method_map(const char *method);

#endif
