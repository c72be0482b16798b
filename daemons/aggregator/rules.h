/*
 * What an event means for the saga of its order and for the key figures.
 *
 * A saga's row is made of commutative data only (a set of bits, sums, earliest and latest moments, fields
 * that only one event type carries), and everything else about it is a function of these: so any order of
 * arrival, and a rebuild, give the same row.  Pure; thread safe for different values.
 */
#ifndef PIZZA_AGGREGATOR_RULES_H
#define PIZZA_AGGREGATOR_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/contract/events.h"

/* The bits of sagas.seen.  Stored: numbers are never changed or used again. */
enum saga_bit {
	SAW_ORDER_CREATED = 1 << 0,
	SAW_ORDER_RESERVED = 1 << 1,
	SAW_ORDER_PAID = 1 << 2,
	SAW_ORDER_COOKING = 1 << 3,
	SAW_ORDER_READY = 1 << 4,
	SAW_ORDER_CANCELLED = 1 << 5,
	SAW_STOCK_RESERVED = 1 << 6,
	SAW_STOCK_REJECTED = 1 << 7,
	SAW_STOCK_RELEASED = 1 << 8,
	SAW_STOCK_CONSUMED = 1 << 9,
	SAW_PAYMENT_REQUESTED = 1 << 10,
	SAW_PAYMENT_COMPLETED = 1 << 11,
	SAW_PAYMENT_FAILED = 1 << 12,
	SAW_PAYMENT_REFUNDED = 1 << 13,
	SAW_COOKING_STARTED = 1 << 14,
	SAW_TICKET_REMADE = 1 << 15,
	SAW_COOKING_COMPLETED = 1 << 16,
	SAW_COOKING_FAILED = 1 << 17,
};
/* The bit of an event type; 0 for events that are no step of a saga. */
int64_t saga_bit(enum event_type type);

enum saga_state {
	SAGA_PENDING,
	SAGA_RESERVED,
	SAGA_PAID,
	SAGA_COOKING,
	SAGA_READY,
	SAGA_COMPENSATING,
	SAGA_CANCELLED,
	SAGA_STATE_COUNT
};
extern const char *const saga_states[SAGA_STATE_COUNT];

/* Where a saga stands and what it waits for. */
struct saga_stage {
	enum saga_state state;
	const char *awaiting; /* event type; NULL when it has ended */
	const char *daemon;   /* who owes it */
	bool due;	      /* the wait has a deadline */
};
/* Total: every combination of bits has a stage. */
struct saga_stage saga_stage(int64_t seen);

/* A saga's row, or what one batch adds to it.  Moments are 0 and strings NULL when not known; strings are
 * borrowed. */
struct saga {
	struct uuid order_id;
	struct uuid correlation_id;
	int64_t seen;
	int steps;
	int64_t started_us, updated_us; /* earliest and latest step */
	int64_t created_us, paid_us, cooking_us, cooked_us, ready_us;
	int64_t undone_us; /* latest of cancellation, release and refund */
	int64_t total_amount;
	int item_count; /* pizzas */
	const char *customer_name, *currency, *payment_method, *reason;
};
/* Adds a step; the first one into a zeroed saga. */
void saga_add(struct saga *s, const struct event *e);

/* The order an event belongs to; false when it belongs to none. */
bool event_order(const struct event *e, struct uuid *ret);
#define MINUTE_US	INT64_C(60000000)
#define LATENCY_BUCKETS 96
/* The bucket of a duration: four per power of two, from 1 ms. Shorter ones fall into the first, longer into
 * the last. */
int latency_bucket(int64_t us);
/* The minute of a moment. */
int64_t minute_of(int64_t us);

#endif
