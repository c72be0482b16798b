/*
 * orderd's decisions, pure: what an event does to an order, and whether it may be cancelled.
 */
#ifndef PIZZA_ORDER_RULES_H
#define PIZZA_ORDER_RULES_H

#include <stdbool.h>

#include "core/contract/events.h"
#include "core/contract/orders.h"

enum rule_action {
	RULE_IGNORE, /* late, early or twice: nothing happens */
	RULE_MOVE,   /* to the next status, told by its event */
};

struct rule {
	enum rule_action action;
	enum order_status next;
	const char *by; /* who cancelled, when next is ORDER_CANCELLED */
};

/* Total: every status and every event type has an answer. */
struct rule order_rule(enum order_status status, enum event_type event);
/* True for the events that orderd acts on. */
bool order_wants(enum event_type event);
/* The event that tells of a status. */
enum event_type order_status_event(enum order_status status);

/* The event that an order of this status waits for; -1: there is none, or there are several. */
int order_awaits(enum order_status status);

enum cancel_answer { CANCEL_OK, CANCEL_ALREADY, CANCEL_TOO_LATE };
enum cancel_answer order_cancel_rule(enum order_status status);

#endif
