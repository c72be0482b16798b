/*
 * The rules of the read model.  Stages are found in one table, read from the top: the first row whose bits
 * are all seen, and none of whose other bits is, says where the saga stands.
 */
#include "daemons/aggregator/rules.h"

#include <math.h>
#include <string.h>

#include "core/base/json.h"

const char *const saga_states[SAGA_STATE_COUNT] = {
    [SAGA_PENDING] = "pending",	    [SAGA_RESERVED] = "reserved", [SAGA_PAID] = "paid",
    [SAGA_COOKING] = "cooking",	    [SAGA_READY] = "ready",	  [SAGA_COMPENSATING] = "compensating",
    [SAGA_CANCELLED] = "cancelled",
};

struct stage_rule {
	int64_t all;  /* all of these bits are seen */
	int64_t none; /* and none of these */
	struct saga_stage stage;
};

#define CANCELLED SAW_ORDER_CANCELLED
#define READY	  SAW_ORDER_READY
#define COOKING	  SAW_ORDER_COOKING
#define PAID	  SAW_ORDER_PAID
#define RESERVED  SAW_ORDER_RESERVED

/* clang-format off */
static const struct stage_rule stage_rules[] = {
	/* Cancelled: what was done is undone, stock first. */
	{CANCELLED | SAW_STOCK_RESERVED, SAW_STOCK_RELEASED | SAW_STOCK_CONSUMED,
	                                          {SAGA_COMPENSATING, "StockReleased", "inventoryd", true}},
	{CANCELLED | SAW_PAYMENT_COMPLETED, SAW_PAYMENT_REFUNDED,
	                                          {SAGA_COMPENSATING, "PaymentRefunded", "paymentd", true}},
	{CANCELLED, 0,                            {SAGA_CANCELLED, NULL, NULL, false}},
	{READY, 0,                                {SAGA_READY, NULL, NULL, false}},
	/* In the kitchen, whose capacity is what it is: no deadline; orderd follows what kitchend says. */
	{COOKING | SAW_COOKING_FAILED, 0,         {SAGA_COOKING, "OrderCancelled", "orderd", true}},
	{COOKING | SAW_COOKING_COMPLETED, 0,      {SAGA_COOKING, "OrderReady", "orderd", true}},
	{COOKING, 0,                              {SAGA_COOKING, "CookingCompleted", "kitchend", false}},
	{PAID | SAW_COOKING_FAILED, 0,            {SAGA_PAID, "OrderCancelled", "orderd", true}},
	{PAID | SAW_COOKING_STARTED, 0,           {SAGA_PAID, "OrderCooking", "orderd", true}},
	{PAID | SAW_COOKING_COMPLETED, 0,         {SAGA_PAID, "OrderCooking", "orderd", true}},
	{PAID, 0,                                 {SAGA_PAID, "CookingStarted", "kitchend", false}},
	/* At the provider. */
	{RESERVED | SAW_PAYMENT_COMPLETED, 0,     {SAGA_RESERVED, "OrderPaid", "orderd", true}},
	{RESERVED | SAW_PAYMENT_FAILED, 0,        {SAGA_RESERVED, "OrderCancelled", "orderd", true}},
	{RESERVED, 0,                             {SAGA_RESERVED, "PaymentCompleted", "paymentd", true}},
	/* At the stock; a later step that is seen first proves that orderd has gone on. */
	{SAW_STOCK_REJECTED, 0,                   {SAGA_PENDING, "OrderCancelled", "orderd", true}},
	{SAW_STOCK_RESERVED, 0,                   {SAGA_PENDING, "OrderReserved", "orderd", true}},
	{SAW_PAYMENT_REQUESTED, 0,                {SAGA_PENDING, "OrderReserved", "orderd", true}},
	{SAW_PAYMENT_COMPLETED, 0,                {SAGA_PENDING, "OrderReserved", "orderd", true}},
	{SAW_PAYMENT_FAILED, 0,                   {SAGA_PENDING, "OrderReserved", "orderd", true}},
	{SAW_ORDER_CREATED, 0,                    {SAGA_PENDING, "StockReserved", "inventoryd", true}},
	{0, 0,                                    {SAGA_PENDING, "OrderCreated", "orderd", true}},
};
/* clang-format on */

struct saga_stage saga_stage(int64_t seen)
{
	const struct stage_rule *r = stage_rules;

	while ((seen & r->all) != r->all || (seen & r->none) != 0)
		r++; /* the last one always fits */
	return r->stage;
}

int64_t saga_bit(enum event_type type)
{
	switch (type) {
	case EVENT_ORDER_CREATED:
		return SAW_ORDER_CREATED;
	case EVENT_ORDER_RESERVED:
		return SAW_ORDER_RESERVED;
	case EVENT_ORDER_PAID:
		return SAW_ORDER_PAID;
	case EVENT_ORDER_COOKING:
		return SAW_ORDER_COOKING;
	case EVENT_ORDER_READY:
		return SAW_ORDER_READY;
	case EVENT_ORDER_CANCELLED:
		return SAW_ORDER_CANCELLED;
	case EVENT_STOCK_RESERVED:
		return SAW_STOCK_RESERVED;
	case EVENT_STOCK_REJECTED:
		return SAW_STOCK_REJECTED;
	case EVENT_STOCK_RELEASED:
		return SAW_STOCK_RELEASED;
	case EVENT_STOCK_CONSUMED:
		return SAW_STOCK_CONSUMED;
	case EVENT_PAYMENT_REQUESTED:
		return SAW_PAYMENT_REQUESTED;
	case EVENT_PAYMENT_COMPLETED:
		return SAW_PAYMENT_COMPLETED;
	case EVENT_PAYMENT_FAILED:
		return SAW_PAYMENT_FAILED;
	case EVENT_PAYMENT_REFUNDED:
		return SAW_PAYMENT_REFUNDED;
	case EVENT_COOKING_STARTED:
		return SAW_COOKING_STARTED;
	case EVENT_TICKET_REMADE:
		return SAW_TICKET_REMADE;
	case EVENT_COOKING_COMPLETED:
		return SAW_COOKING_COMPLETED;
	case EVENT_COOKING_FAILED:
		return SAW_COOKING_FAILED;
	case EVENT_MENU_ITEM_CHANGED:
	case EVENT_STOCK_RESTOCKED:
	case EVENT_STOCK_LOW:
	case EVENT_NOTIFICATION_SENT:
	case EVENT_NOTIFICATION_FAILED:
	case EVENT_MESSAGE_DEAD_LETTERED:
	case EVENT_MESSAGE_REPLAYED:
	case EVENT_MESSAGE_RESOLVED:
	case EVENT_MESSAGE_DISCARDED:
	case EVENT_TYPE_COUNT:
		return 0;
	}
	return 0;
}

static void earlier(int64_t *moment, int64_t us)
{
	if (*moment == 0 || us < *moment)
		*moment = us;
}

static void later(int64_t *moment, int64_t us)
{
	if (us > *moment)
		*moment = us;
}

static int count_pizzas(const json_t *items)
{
	int64_t n = 0;
	size_t i;
	json_t *item;

	json_array_foreach (items, i, item) {
		int64_t quantity = json_int_or(item, "quantity", 0);

		if (quantity > 0 && quantity <= 1000)
			n += quantity;
	}
	return n < INT32_MAX ? (int)n : INT32_MAX;
}

static void add_created(struct saga *s, const struct event *e)
{
	const json_t *customer = json_object_get(e->data, "customer");

	earlier(&s->created_us, e->timestamp_us);
	s->total_amount = json_int_or(e->data, "total_amount", 0);
	s->item_count = count_pizzas(json_object_get(e->data, "items"));
	s->customer_name = json_string_or(customer, "name", NULL);
	s->currency = json_string_or(e->data, "currency", NULL);
	s->payment_method = json_string_or(e->data, "payment_method", NULL);
}

void saga_add(struct saga *s, const struct event *e)
{
	int64_t bit = saga_bit(e->type);

	s->seen |= bit;
	s->steps++;
	earlier(&s->started_us, e->timestamp_us);
	later(&s->updated_us, e->timestamp_us);
	if (uuid_is_nil(s->correlation_id) || uuid_compare(e->correlation_id, s->correlation_id) < 0)
		s->correlation_id = e->correlation_id;
	if (bit == SAW_ORDER_CREATED)
		add_created(s, e);
	if (bit == SAW_ORDER_PAID)
		earlier(&s->paid_us, e->timestamp_us);
	if (bit == SAW_COOKING_STARTED)
		earlier(&s->cooking_us, e->timestamp_us);
	if (bit == SAW_COOKING_COMPLETED)
		earlier(&s->cooked_us, e->timestamp_us);
	if (bit == SAW_ORDER_READY)
		earlier(&s->ready_us, e->timestamp_us);
	if ((bit & (SAW_ORDER_CANCELLED | SAW_STOCK_RELEASED | SAW_PAYMENT_REFUNDED)) != 0)
		later(&s->undone_us, e->timestamp_us);
	if (bit == SAW_ORDER_CANCELLED)
		s->reason = json_string_or(e->data, "reason", NULL);
}

bool event_order(const struct event *e, struct uuid *ret)
{
	enum topic_id topic = event_types[e->type].topic;

	if (topic == TOPIC_MENU)
		return false;
	if (topic == TOPIC_DLQ) /* about a letter, whose event may be an order's */
		return uuid_parse(json_string_or(e->data, "order_id", ""), ret);
	if (topic == TOPIC_NOTIFICATION && json_string_or(e->data, "order_id", NULL) == NULL)
		return false; /* a free message is about itself */
	return uuid_parse(e->aggregate_id, ret);
}

int latency_bucket(int64_t us)
{
	double quarter;

	if (us <= 1000)
		return 0;
	quarter = floor(4 * log2((double)us / 1000));
	return quarter < LATENCY_BUCKETS - 1 ? (int)quarter : LATENCY_BUCKETS - 1;
}

int64_t minute_of(int64_t us)
{
	return us - us % MINUTE_US;
}
