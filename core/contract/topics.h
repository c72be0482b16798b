/*
 * The topics: one row each.  Created before the daemons start; auto-creation is off.
 */
#ifndef PIZZA_CONTRACT_TOPICS_H
#define PIZZA_CONTRACT_TOPICS_H

#include <stdbool.h>

#define TOPIC_TABLE(X)                                \
	X(MENU, "menu-events", true)                  \
	X(ORDER, "order-events", false)               \
	X(INVENTORY, "inventory-events", false)       \
	X(PAYMENT, "payment-events", false)           \
	X(KITCHEN, "kitchen-events", false)           \
	X(NOTIFICATION, "notification-events", false) \
	X(DLQ, "dlq-events", false)

enum topic_id {
#define X(symbol, name, compacted) TOPIC_##symbol,
	TOPIC_TABLE(X)
#undef X
	    TOPIC_COUNT
};

struct topic_info {
	const char *name;
	const char *dead_letters; /* "order-events-dlq" */
	bool compacted;
};
extern const struct topic_info topics[TOPIC_COUNT];
/* -1 when the name is none of ours. */
int topic_find(const char *name);

#endif
