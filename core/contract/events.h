/*
 * The events: one row each, and the envelope in which they travel (contract.md, "Envelope").
 */
#ifndef PIZZA_CONTRACT_EVENTS_H
#define PIZZA_CONTRACT_EVENTS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/error.h"
#include "core/base/uuid.h"
#include "core/contract/topics.h"

/* X(symbol, "Type", version, topic, owner, "text") */
#define EVENT_TABLE(X)                                                                                     \
	X(MENU_ITEM_CHANGED, "MenuItemChanged", 1, TOPIC_MENU, "menud",                                    \
	  "a pizza was added, changed or withdrawn")                                                       \
	X(ORDER_CREATED, "OrderCreated", 1, TOPIC_ORDER, "orderd", "an order was accepted")                \
	X(ORDER_RESERVED, "OrderReserved", 1, TOPIC_ORDER, "orderd",                                       \
	  "its ingredients are reserved: charge it")                                                       \
	X(ORDER_PAID, "OrderPaid", 1, TOPIC_ORDER, "orderd", "it is paid: cook it")                        \
	X(ORDER_COOKING, "OrderCooking", 1, TOPIC_ORDER, "orderd", "its first pizza is in the oven")       \
	X(ORDER_READY, "OrderReady", 1, TOPIC_ORDER, "orderd", "all its pizzas are done")                  \
	X(ORDER_CANCELLED, "OrderCancelled", 1, TOPIC_ORDER, "orderd",                                     \
	  "it was cancelled: undo what was done for it")                                                   \
	X(STOCK_RESERVED, "StockReserved", 1, TOPIC_INVENTORY, "inventoryd",                               \
	  "all ingredients of an order are held")                                                          \
	X(STOCK_REJECTED, "StockRejected", 1, TOPIC_INVENTORY, "inventoryd",                               \
	  "an order's ingredients are not there")                                                          \
	X(STOCK_RELEASED, "StockReleased", 1, TOPIC_INVENTORY, "inventoryd",                               \
	  "a cancelled order's hold is undone")                                                            \
	X(STOCK_CONSUMED, "StockConsumed", 1, TOPIC_INVENTORY, "inventoryd",                               \
	  "ingredients went into the oven")                                                                \
	X(STOCK_RESTOCKED, "StockRestocked", 1, TOPIC_INVENTORY, "inventoryd",                             \
	  "an ingredient was delivered")                                                                   \
	X(STOCK_LOW, "StockLow", 1, TOPIC_INVENTORY, "inventoryd", "an ingredient falls short")            \
	X(PAYMENT_REQUESTED, "PaymentRequested", 1, TOPIC_PAYMENT, "paymentd",                             \
	  "a charge is due at the provider")                                                               \
	X(PAYMENT_COMPLETED, "PaymentCompleted", 1, TOPIC_PAYMENT, "paymentd",                             \
	  "the provider has captured the amount")                                                          \
	X(PAYMENT_FAILED, "PaymentFailed", 1, TOPIC_PAYMENT, "paymentd",                                   \
	  "the charge was declined or given up")                                                           \
	X(PAYMENT_REFUNDED, "PaymentRefunded", 1, TOPIC_PAYMENT, "paymentd",                               \
	  "the amount went back to the customer")                                                          \
	X(COOKING_STARTED, "CookingStarted", 1, TOPIC_KITCHEN, "kitchend",                                 \
	  "the first ticket of an order is baking")                                                        \
	X(TICKET_REMADE, "TicketRemade", 1, TOPIC_KITCHEN, "kitchend", "a burnt pizza is made again")      \
	X(COOKING_COMPLETED, "CookingCompleted", 1, TOPIC_KITCHEN, "kitchend",                             \
	  "all tickets of an order are done")                                                              \
	X(COOKING_FAILED, "CookingFailed", 1, TOPIC_KITCHEN, "kitchend", "an order cannot be cooked")      \
	X(NOTIFICATION_SENT, "NotificationSent", 1, TOPIC_NOTIFICATION, "notifyd",                         \
	  "a message was delivered")                                                                       \
	X(NOTIFICATION_FAILED, "NotificationFailed", 1, TOPIC_NOTIFICATION, "notifyd",                     \
	  "a message was given up")                                                                        \
	X(MESSAGE_DEAD_LETTERED, "MessageDeadLettered", 1, TOPIC_DLQ, "dlqd", "a dead letter was indexed") \
	X(MESSAGE_REPLAYED, "MessageReplayed", 1, TOPIC_DLQ, "dlqd", "a dead letter was replayed")         \
	X(MESSAGE_RESOLVED, "MessageResolved", 1, TOPIC_DLQ, "dlqd",                                       \
	  "a dead letter's event has taken effect")                                                        \
	X(MESSAGE_DISCARDED, "MessageDiscarded", 1, TOPIC_DLQ, "dlqd", "a dead letter was given up")

enum event_type {
#define X(symbol, name, version, topic, owner, text) EVENT_##symbol,
	EVENT_TABLE(X)
#undef X
	    EVENT_TYPE_COUNT
};

struct event_info {
	const char *name;
	int version;
	enum topic_id topic;
	const char *owner;
	const char *text;
};
extern const struct event_info event_types[EVENT_TYPE_COUNT];
/* -1 when the name is none of ours. */
int event_find(const char *name);

/* One event as consumed. */
struct event {
	struct uuid id;
	enum event_type type;
	int version;
	char aggregate_id[64]; /* the Kafka key */
	int64_t aggregate_seq;
	int64_t timestamp_us;
	struct uuid correlation_id;
	struct uuid causation_id; /* nil when it has no cause */
	json_t *data;		  /* owned */
	const char *data_text;	  /* the data as received, borrowed from the message; NULL: not known */
	size_t data_len;
	/* Where it came from. */
	const char *topic; /* borrowed */
	int32_t partition;
	int64_t offset;
};

/*
 * Reads an envelope of n bytes.  ERR_MALFORMED names the field; ERR_INVALID: unknown event type or version.
 * On success event_done frees it.  A message spelled as event_envelope spells it is read fastest.
 */
int event_parse(const char *text, size_t n, struct event *ret, struct error *err) MUST_USE;
void event_done(struct event *e);

/* One event as written to the outbox.  Strings are borrowed. */
struct event_draft {
	struct uuid id; /* uuid_v7() */
	enum event_type type;
	const char *aggregate_id;
	int64_t aggregate_seq;
	struct uuid correlation_id;
	struct uuid causation_id; /* nil: no cause */
	const char *data;	  /* compact JSON object, UTF-8 */
};

/* Appends the envelope as JSON.  data is copied verbatim. */
void event_envelope(struct buf *out, const struct uuid *id, const char *type, int version,
		    const char *aggregate_id, int64_t aggregate_seq, int64_t timestamp_us,
		    const struct uuid *correlation_id, const struct uuid *causation_id, const char *data,
		    size_t data_len);
/*
 * W3C traceparent: trace id = the correlation id's 16 bytes, parent id = the event id's last 8 bytes.
 */
const char *event_traceparent(const struct uuid *id, const struct uuid *correlation_id, char text[56]);

#endif
