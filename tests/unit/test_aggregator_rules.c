/*
 * The read model's rules: where a saga stands for every combination of events seen, rows that do not depend
 * on the order of arrival, buckets, and the part of a message that is stored.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/base/json.h"
#include "daemons/aggregator/rules.c"

#define ALL_BITS ((SAW_COOKING_FAILED << 1) - 1)

static enum event_type type_named(const char *name)
{
	int type = event_find(name);

	assert_true(type >= 0);
	return (enum event_type)type;
}

/* Every combination of bits, possible or not. */
static void test_every_combination_has_a_sound_stage(void **state)
{
	(void)state;
	for (int64_t seen = 0; seen <= ALL_BITS; seen++) {
		struct saga_stage s = saga_stage(seen);
		bool over = s.awaiting == NULL;
		bool cancelled = (seen & SAW_ORDER_CANCELLED) != 0;

		assert_int_equal(over, s.state == SAGA_READY || s.state == SAGA_CANCELLED);
		assert_int_equal(cancelled, s.state == SAGA_CANCELLED || s.state == SAGA_COMPENSATING);
		if (over) {
			assert_null(s.daemon);
			assert_false(s.due);
			continue;
		}
		assert_string_equal(s.daemon, event_types[type_named(s.awaiting)].owner);
		assert_int_equal(seen & saga_bit(type_named(s.awaiting)), 0);
		assert_int_equal(s.due, strcmp(s.daemon, "kitchend") != 0); /* its capacity is what it is */
	}
}

struct expectation {
	int64_t seen;
	enum saga_state state;
	const char *awaiting;
};

#define TO_RESERVED (SAW_ORDER_CREATED | SAW_STOCK_RESERVED | SAW_ORDER_RESERVED)
#define TO_PAID	    (TO_RESERVED | SAW_PAYMENT_REQUESTED | SAW_PAYMENT_COMPLETED | SAW_ORDER_PAID)
#define TO_COOKING  (TO_PAID | SAW_COOKING_STARTED | SAW_STOCK_CONSUMED | SAW_ORDER_COOKING)

static const struct expectation expectations[] = {
    {0, SAGA_PENDING, "OrderCreated"},
    {SAW_ORDER_CREATED, SAGA_PENDING, "StockReserved"},
    {SAW_STOCK_RESERVED, SAGA_PENDING, "OrderReserved"},
    {SAW_ORDER_CREATED | SAW_STOCK_RESERVED, SAGA_PENDING, "OrderReserved"},
    {SAW_ORDER_CREATED | SAW_STOCK_REJECTED, SAGA_PENDING, "OrderCancelled"},
    {SAW_ORDER_CREATED | SAW_STOCK_REJECTED | SAW_ORDER_CANCELLED, SAGA_CANCELLED, NULL},
    {TO_RESERVED, SAGA_RESERVED, "PaymentCompleted"},
    {SAW_ORDER_CREATED | SAW_ORDER_RESERVED, SAGA_RESERVED, "PaymentCompleted"},
    {TO_RESERVED | SAW_PAYMENT_REQUESTED, SAGA_RESERVED, "PaymentCompleted"},
    {TO_RESERVED | SAW_PAYMENT_COMPLETED, SAGA_RESERVED, "OrderPaid"},
    {SAW_ORDER_CREATED | SAW_PAYMENT_COMPLETED, SAGA_PENDING, "OrderReserved"},
    {TO_RESERVED | SAW_PAYMENT_FAILED, SAGA_RESERVED, "OrderCancelled"},
    {TO_RESERVED | SAW_PAYMENT_FAILED | SAW_ORDER_CANCELLED, SAGA_COMPENSATING, "StockReleased"},
    {TO_RESERVED | SAW_PAYMENT_FAILED | SAW_ORDER_CANCELLED | SAW_STOCK_RELEASED, SAGA_CANCELLED, NULL},
    {TO_PAID, SAGA_PAID, "CookingStarted"},
    {TO_PAID | SAW_COOKING_STARTED, SAGA_PAID, "OrderCooking"},
    {TO_PAID | SAW_ORDER_CANCELLED, SAGA_COMPENSATING, "StockReleased"},
    {TO_PAID | SAW_ORDER_CANCELLED | SAW_STOCK_RELEASED, SAGA_COMPENSATING, "PaymentRefunded"},
    {TO_PAID | SAW_ORDER_CANCELLED | SAW_PAYMENT_REFUNDED, SAGA_COMPENSATING, "StockReleased"},
    {TO_PAID | SAW_ORDER_CANCELLED | SAW_STOCK_RELEASED | SAW_PAYMENT_REFUNDED, SAGA_CANCELLED, NULL},
    {TO_PAID | SAW_STOCK_CONSUMED | SAW_ORDER_CANCELLED, SAGA_COMPENSATING, "PaymentRefunded"},
    {TO_COOKING, SAGA_COOKING, "CookingCompleted"},
    {TO_COOKING | SAW_TICKET_REMADE, SAGA_COOKING, "CookingCompleted"},
    {TO_COOKING | SAW_COOKING_COMPLETED, SAGA_COOKING, "OrderReady"},
    {TO_COOKING | SAW_COOKING_FAILED, SAGA_COOKING, "OrderCancelled"},
    {TO_COOKING | SAW_COOKING_COMPLETED | SAW_ORDER_READY, SAGA_READY, NULL},
    {TO_COOKING | SAW_ORDER_READY | SAW_PAYMENT_REFUNDED, SAGA_READY, NULL},
};

static void test_stages_of_the_paths_through_a_saga(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
		const struct expectation *x = &expectations[i];
		struct saga_stage s = saga_stage(x->seen);

		assert_string_equal(saga_states[s.state], saga_states[x->state]);
		assert_string_equal(s.awaiting != NULL ? s.awaiting : "-",
				    x->awaiting != NULL ? x->awaiting : "-");
	}
}

static void test_bits_are_distinct(void **state)
{
	int64_t all = 0;

	(void)state;
	for (int t = 0; t < EVENT_TYPE_COUNT; t++) {
		int64_t bit = saga_bit((enum event_type)t);

		assert_int_equal(all & bit, 0);
		assert_int_equal(bit & (bit - 1), 0);
		all |= bit;
	}
	assert_int_equal(all, ALL_BITS);
}

/* One event per type of the saga, at distinct moments. */
static int make_events(struct event *events)
{
	int n = 0;

	for (int t = 0; t < EVENT_TYPE_COUNT; t++) {
		struct event *e = &events[n];

		if (saga_bit((enum event_type)t) == 0)
			continue;
		memset(e, 0, sizeof(*e));
		e->type = (enum event_type)t;
		e->timestamp_us = 1000000 + n * 1000;
		e->correlation_id.b[15] = 7;
		e->data = json_pack("{s:s, s:i, s:s, s:{s:s}, s:[{s:i}, {s:i}]}", "reason",
				    event_types[t].name, "total_amount", 500, "currency", "RUB", "customer",
				    "name", "Ivan", "items", "quantity", 2, "quantity", 3);
		n++;
	}
	return n;
}

static void shuffle(struct event *events, int n)
{
	for (int i = n - 1; i > 0; i--) {
		int j = (int)(random() % (i + 1));
		struct event e = events[i];

		events[i] = events[j];
		events[j] = e;
	}
}

static void test_rows_do_not_depend_on_the_order_of_arrival(void **state)
{
	struct event events[EVENT_TYPE_COUNT];
	int n = make_events(events);
	struct saga first = {0};

	(void)state;
	srandom(20261121);
	for (int i = 0; i < n; i++)
		saga_add(&first, &events[i]);
	assert_int_equal(first.steps, n);
	assert_int_equal(first.seen, ALL_BITS);
	assert_int_equal(first.item_count, 5);
	assert_int_equal(first.total_amount, 500);
	assert_string_equal(first.customer_name, "Ivan");
	assert_string_equal(first.reason, "OrderCancelled");
	assert_int_equal(first.started_us, 1000000);
	assert_int_equal(first.updated_us, 1000000 + (n - 1) * 1000);
	for (int round = 0; round < 1000; round++) {
		struct saga s;

		memset(&s, 0, sizeof(s));
		shuffle(events, n);
		for (int i = 0; i < n; i++)
			saga_add(&s, &events[i]);
		assert_int_equal(s.seen, first.seen);
		assert_int_equal(s.steps, first.steps);
		assert_int_equal(s.started_us, first.started_us);
		assert_int_equal(s.updated_us, first.updated_us);
		assert_int_equal(s.created_us, first.created_us);
		assert_int_equal(s.paid_us, first.paid_us);
		assert_int_equal(s.ready_us, first.ready_us);
		assert_int_equal(s.undone_us, first.undone_us);
		assert_int_equal(s.item_count, first.item_count);
		assert_string_equal(s.reason, first.reason);
		assert_string_equal(s.customer_name, first.customer_name);
		assert_true(uuid_equal(s.correlation_id, first.correlation_id));
	}
	for (int i = 0; i < n; i++)
		json_decref(events[i].data);
}

static void test_orders_of_events(void **state)
{
	struct event e = {.type = EVENT_STOCK_LOW};
	struct uuid order;

	(void)state;
	strcpy(e.aggregate_id, "mozzarella");
	assert_false(event_order(&e, &order));
	e.type = EVENT_NOTIFICATION_SENT;
	strcpy(e.aggregate_id, "01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11");
	assert_false(event_order(&e, &order)); /* a free message */
	e.data = json_pack("{s:s}", "order_id", e.aggregate_id);
	assert_true(event_order(&e, &order));
	json_decref(e.data);
	e.type = EVENT_MESSAGE_REPLAYED; /* its aggregate is a letter */
	assert_false(event_order(&e, &order));
}

static void test_buckets_grow_by_a_quarter_power_of_two(void **state)
{
	(void)state;
	assert_int_equal(latency_bucket(-5), 0);
	assert_int_equal(latency_bucket(0), 0);
	assert_int_equal(latency_bucket(1000), 0);
	assert_int_equal(latency_bucket(2000), 4);
	assert_int_equal(latency_bucket(1024000), 40);
	assert_int_equal(latency_bucket(INT64_MAX), LATENCY_BUCKETS - 1);
	for (int64_t us = 1, before = 0; us < INT64_C(100000000000); us += 1 + us / 7) {
		int bucket = latency_bucket(us);

		assert_true(bucket >= before);
		before = bucket;
	}
	assert_int_equal(minute_of(INT64_C(1763726459999999)), INT64_C(1763726400000000));
	assert_int_equal(minute_of(INT64_C(1763726400000000)), INT64_C(1763726400000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_combination_has_a_sound_stage),
	    cmocka_unit_test(test_stages_of_the_paths_through_a_saga),
	    cmocka_unit_test(test_bits_are_distinct),
	    cmocka_unit_test(test_rows_do_not_depend_on_the_order_of_arrival),
	    cmocka_unit_test(test_orders_of_events),
	    cmocka_unit_test(test_buckets_grow_by_a_quarter_power_of_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
