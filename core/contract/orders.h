/*
 * Order statuses: one row each, in the order of the saga (contract.md, "Order life and saga").
 */
#ifndef PIZZA_CONTRACT_ORDERS_H
#define PIZZA_CONTRACT_ORDERS_H

#include <stdbool.h>

/* X(symbol, "status", event that tells of it, terminal) */
#define ORDER_STATUS_TABLE(X)                                \
	X(PENDING, "pending", EVENT_ORDER_CREATED, false)    \
	X(RESERVED, "reserved", EVENT_ORDER_RESERVED, false) \
	X(PAID, "paid", EVENT_ORDER_PAID, false)             \
	X(COOKING, "cooking", EVENT_ORDER_COOKING, false)    \
	X(READY, "ready", EVENT_ORDER_READY, true)           \
	X(CANCELLED, "cancelled", EVENT_ORDER_CANCELLED, true)

enum order_status {
#define X(symbol, word, event, terminal) ORDER_##symbol,
	ORDER_STATUS_TABLE(X)
#undef X
	    ORDER_STATUS_COUNT
};

/* "pending" …; -1 from order_status_parse when the word is none. */
const char *order_status_word(enum order_status s);
int order_status_parse(const char *word);
bool order_status_terminal(enum order_status s);

#endif
