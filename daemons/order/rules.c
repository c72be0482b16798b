/*
 * The total table status × event.  Rows are statuses, columns the events orderd acts on; what is not named is
 * ignored: a late event is no error.
 */
#include "daemons/order/rules.h"

enum input {
	IN_STOCK_RESERVED,
	IN_STOCK_REJECTED,
	IN_PAYMENT_COMPLETED,
	IN_PAYMENT_FAILED,
	IN_COOKING_STARTED,
	IN_COOKING_COMPLETED,
	IN_COOKING_FAILED,
	IN_COUNT,
	IN_OTHER = IN_COUNT
};

#define MOVE(status)                          \
	{                                     \
		RULE_MOVE, ORDER_##status, "" \
	}
#define CANCEL(by_whom)                             \
	{                                           \
		RULE_MOVE, ORDER_CANCELLED, by_whom \
	}
#define IGNORE                                 \
	{                                      \
		RULE_IGNORE, ORDER_PENDING, "" \
	}

static const struct rule table[ORDER_STATUS_COUNT][IN_COUNT] = {
    [ORDER_PENDING] =
	{
	    [IN_STOCK_RESERVED] = MOVE(RESERVED),
	    [IN_STOCK_REJECTED] = CANCEL("inventoryd"),
	    [IN_PAYMENT_COMPLETED] = IGNORE,
	    [IN_PAYMENT_FAILED] = IGNORE,
	    [IN_COOKING_STARTED] = IGNORE,
	    [IN_COOKING_COMPLETED] = IGNORE,
	    [IN_COOKING_FAILED] = IGNORE,
	},
    [ORDER_RESERVED] =
	{
	    [IN_STOCK_RESERVED] = IGNORE,
	    [IN_STOCK_REJECTED] = IGNORE,
	    [IN_PAYMENT_COMPLETED] = MOVE(PAID),
	    [IN_PAYMENT_FAILED] = CANCEL("paymentd"),
	    [IN_COOKING_STARTED] = IGNORE,
	    [IN_COOKING_COMPLETED] = IGNORE,
	    [IN_COOKING_FAILED] = IGNORE,
	},
    [ORDER_PAID] =
	{
	    [IN_STOCK_RESERVED] = IGNORE,
	    [IN_STOCK_REJECTED] = IGNORE,
	    [IN_PAYMENT_COMPLETED] = IGNORE,
	    [IN_PAYMENT_FAILED] = IGNORE,
	    [IN_COOKING_STARTED] = MOVE(COOKING),
	    [IN_COOKING_COMPLETED] = IGNORE,
	    [IN_COOKING_FAILED] = CANCEL("kitchend"),
	},
    [ORDER_COOKING] =
	{
	    [IN_STOCK_RESERVED] = IGNORE,
	    [IN_STOCK_REJECTED] = IGNORE,
	    [IN_PAYMENT_COMPLETED] = IGNORE,
	    [IN_PAYMENT_FAILED] = IGNORE,
	    [IN_COOKING_STARTED] = IGNORE,
	    [IN_COOKING_COMPLETED] = MOVE(READY),
	    [IN_COOKING_FAILED] = CANCEL("kitchend"),
	},
    [ORDER_READY] = {IGNORE, IGNORE, IGNORE, IGNORE, IGNORE, IGNORE, IGNORE},
    [ORDER_CANCELLED] = {IGNORE, IGNORE, IGNORE, IGNORE, IGNORE, IGNORE, IGNORE},
};

static enum input input_of(enum event_type event)
{
	switch (event) {
	case EVENT_STOCK_RESERVED:
		return IN_STOCK_RESERVED;
	case EVENT_STOCK_REJECTED:
		return IN_STOCK_REJECTED;
	case EVENT_PAYMENT_COMPLETED:
		return IN_PAYMENT_COMPLETED;
	case EVENT_PAYMENT_FAILED:
		return IN_PAYMENT_FAILED;
	case EVENT_COOKING_STARTED:
		return IN_COOKING_STARTED;
	case EVENT_COOKING_COMPLETED:
		return IN_COOKING_COMPLETED;
	case EVENT_COOKING_FAILED:
		return IN_COOKING_FAILED;
	case EVENT_MENU_ITEM_CHANGED:
	case EVENT_ORDER_CREATED:
	case EVENT_ORDER_RESERVED:
	case EVENT_ORDER_PAID:
	case EVENT_ORDER_COOKING:
	case EVENT_ORDER_READY:
	case EVENT_ORDER_CANCELLED:
	case EVENT_STOCK_RELEASED:
	case EVENT_STOCK_CONSUMED:
	case EVENT_STOCK_RESTOCKED:
	case EVENT_STOCK_LOW:
	case EVENT_PAYMENT_REQUESTED:
	case EVENT_PAYMENT_REFUNDED:
	case EVENT_TICKET_REMADE:
	case EVENT_NOTIFICATION_SENT:
	case EVENT_NOTIFICATION_FAILED:
	case EVENT_MESSAGE_DEAD_LETTERED:
	case EVENT_MESSAGE_REPLAYED:
	case EVENT_MESSAGE_RESOLVED:
	case EVENT_MESSAGE_DISCARDED:
	case EVENT_TYPE_COUNT:
		break;
	}
	return IN_OTHER;
}

struct rule order_rule(enum order_status status, enum event_type event)
{
	enum input in = input_of(event);

	if (in == IN_OTHER)
		return (struct rule)IGNORE;
	return table[status][in];
}

bool order_wants(enum event_type event)
{
	return input_of(event) != IN_OTHER;
}

enum event_type order_status_event(enum order_status status)
{
	static const enum event_type events[ORDER_STATUS_COUNT] = {
#define X(symbol, word, event, terminal) [ORDER_##symbol] = event,
	    ORDER_STATUS_TABLE(X)
#undef X
	};

	return events[status];
}

int order_awaits(enum order_status status)
{
	switch (status) {
	case ORDER_PENDING:
		return EVENT_STOCK_RESERVED;
	case ORDER_RESERVED:
		return EVENT_PAYMENT_COMPLETED;
	case ORDER_PAID:
		return EVENT_COOKING_STARTED;
	case ORDER_COOKING:
		return EVENT_COOKING_COMPLETED;
	case ORDER_READY:
	case ORDER_CANCELLED:
	case ORDER_STATUS_COUNT:
		break;
	}
	return -1;
}

enum cancel_answer order_cancel_rule(enum order_status status)
{
	switch (status) {
	case ORDER_PENDING:
	case ORDER_RESERVED:
	case ORDER_PAID:
	case ORDER_COOKING:
		return CANCEL_OK;
	case ORDER_CANCELLED:
		return CANCEL_ALREADY;
	case ORDER_READY:
	case ORDER_STATUS_COUNT:
		break;
	}
	return CANCEL_TOO_LATE;
}
