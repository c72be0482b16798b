/*
 * What an event does to an order's reservation, and what a reservation does to the stock.  Pure: no database,
 * no clock.
 */
#ifndef PIZZA_INVENTORY_RULES_H
#define PIZZA_INVENTORY_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/contract/events.h"

/* --- the table: state of the reservation × event → act --- */

/* X(symbol, "word in the table") */
#define RESERVATION_STATES(X)                          \
	X(NONE, "") /* the order was never heard of */ \
	X(RESERVED, "reserved")                        \
	X(REJECTED, "rejected")                        \
	X(RELEASED, "released")                        \
	X(CONSUMED, "consumed")                        \
	X(CANCELLED, "cancelled") /* tombstone: the cancellation came first */

enum reservation_state {
#define X(symbol, word) RESERVATION_##symbol,
	RESERVATION_STATES(X)
#undef X
	    RESERVATION_STATE_COUNT
};
extern const char *const reservation_words[RESERVATION_STATE_COUNT];
/* False when the word is none; "" is none. */
bool reservation_state_parse(const char *word, enum reservation_state *ret);

/* The events that matter to a reservation. */
enum stock_cause {
	CAUSE_ORDER_CREATED,
	CAUSE_ORDER_CANCELLED,
	CAUSE_COOKING_STARTED,
	CAUSE_TICKET_REMADE,
	CAUSE_COUNT
};
/* False for events that are none of these. */
bool stock_cause_of(enum event_type type, enum stock_cause *ret);

enum stock_act {
	ACT_RESERVE,	  /* all lines or nothing: reserved or rejected */
	ACT_RELEASE,	  /* what is reserved is free again */
	ACT_TOMBSTONE,	  /* remember the cancellation */
	ACT_CONSUME,	  /* what is reserved is used up */
	ACT_CONSUME_MORE, /* a pizza is made again, from what is free */
	ACT_IGNORE,
	ACT_WAIT,
};
enum stock_act stock_rule(enum reservation_state state, enum stock_cause cause);

/* --- stock levels, as one batch sees them --- */

struct stock_level {
	const char *ingredient_id, *name, *unit; /* borrowed */
	int64_t on_hand, reserved, consumed;
	int64_t low_threshold;
	int64_t version;
	int64_t seq;	/* of the ingredient's last event */
	bool low;	/* StockLow was sent */
	bool mentioned; /* some order of the batch was decided by it */
	bool changed;
};

/* Ascending by ingredient_id (bytes).  A `need` is an array of `count` quantities, one for each level. */
struct stock {
	struct stock_level *levels;
	int count;
};

/* The level's index, or -1. */
int stock_find(const struct stock *s, const char *ingredient_id);
/* Moves all of the need from on hand to reserved, or nothing: then false, and *ret_short is the first level
 * that lacks. */
bool stock_reserve(struct stock *s, const int64_t *need, int *ret_short);
/* From reserved back to on hand. */
void stock_release(struct stock *s, const int64_t *need);
/* From reserved to consumed. */
void stock_consume(struct stock *s, const int64_t *need);
/* All of the need from on hand to consumed, or nothing, as stock_reserve. */
bool stock_consume_more(struct stock *s, const int64_t *need, int *ret_short);
/* True once when the level has fallen below its threshold since the last delivery; its next event number is
 * drawn. */
bool stock_fell_low(struct stock_level *level);

#endif
