/*
 * Every cell of orderd's table, and the rules of cancelling.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemons/order/rules.c"

/* What the contract's picture says; all other cells are ignored. */
static const struct {
	enum order_status from;
	enum event_type event;
	enum order_status to;
} moves[] = {
    {ORDER_PENDING, EVENT_STOCK_RESERVED, ORDER_RESERVED},
    {ORDER_PENDING, EVENT_STOCK_REJECTED, ORDER_CANCELLED},
    {ORDER_RESERVED, EVENT_PAYMENT_COMPLETED, ORDER_PAID},
    {ORDER_RESERVED, EVENT_PAYMENT_FAILED, ORDER_CANCELLED},
    {ORDER_PAID, EVENT_COOKING_STARTED, ORDER_COOKING},
    {ORDER_PAID, EVENT_COOKING_FAILED, ORDER_CANCELLED},
    {ORDER_COOKING, EVENT_COOKING_COMPLETED, ORDER_READY},
    {ORDER_COOKING, EVENT_COOKING_FAILED, ORDER_CANCELLED},
};

static int expected(enum order_status from, enum event_type event)
{
	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++)
		if (moves[i].from == from && moves[i].event == event)
			return (int)moves[i].to;
	return -1;
}

static void every_cell(void **state)
{
	(void)state;
	for (int s = 0; s < ORDER_STATUS_COUNT; s++) {
		for (int e = 0; e < EVENT_TYPE_COUNT; e++) {
			struct rule r = order_rule((enum order_status)s, (enum event_type)e);
			int to = expected((enum order_status)s, (enum event_type)e);

			assert_int_equal(r.action, to < 0 ? RULE_IGNORE : RULE_MOVE);
			if (to >= 0)
				assert_int_equal(r.next, to);
			if (to == ORDER_CANCELLED)
				assert_true(r.by[0] != '\0');
		}
	}
}

static void terminal_statuses_never_move(void **state)
{
	(void)state;
	for (int s = 0; s < ORDER_STATUS_COUNT; s++)
		for (int e = 0; order_status_terminal((enum order_status)s) && e < EVENT_TYPE_COUNT; e++)
			assert_int_equal(order_rule((enum order_status)s, (enum event_type)e).action,
					 RULE_IGNORE);
}

static void cancelling_until_ready(void **state)
{
	(void)state;
	assert_int_equal(order_cancel_rule(ORDER_PENDING), CANCEL_OK);
	assert_int_equal(order_cancel_rule(ORDER_RESERVED), CANCEL_OK);
	assert_int_equal(order_cancel_rule(ORDER_PAID), CANCEL_OK);
	assert_int_equal(order_cancel_rule(ORDER_COOKING), CANCEL_OK);
	assert_int_equal(order_cancel_rule(ORDER_READY), CANCEL_TOO_LATE);
	assert_int_equal(order_cancel_rule(ORDER_CANCELLED), CANCEL_ALREADY);
}

static void each_status_has_its_event(void **state)
{
	(void)state;
	assert_int_equal(order_status_event(ORDER_PENDING), EVENT_ORDER_CREATED);
	assert_int_equal(order_status_event(ORDER_CANCELLED), EVENT_ORDER_CANCELLED);
	for (int s = 0; s < ORDER_STATUS_COUNT; s++)
		assert_int_equal(event_types[order_status_event((enum order_status)s)].topic, TOPIC_ORDER);
	assert_true(order_wants(EVENT_PAYMENT_FAILED));
	assert_false(order_wants(EVENT_PAYMENT_REQUESTED));
}

static void what_an_order_waits_for(void **state)
{
	(void)state;
	assert_int_equal(order_awaits(ORDER_PENDING), EVENT_STOCK_RESERVED);
	assert_int_equal(order_awaits(ORDER_RESERVED), EVENT_PAYMENT_COMPLETED);
	assert_int_equal(order_awaits(ORDER_PAID), EVENT_COOKING_STARTED);
	assert_int_equal(order_awaits(ORDER_COOKING), EVENT_COOKING_COMPLETED);
	for (int i = ORDER_READY; i < ORDER_STATUS_COUNT; i++)
		assert_int_equal(order_awaits((enum order_status)i), -1);
	/* What is awaited moves the order on. */
	for (int i = ORDER_PENDING; i <= ORDER_COOKING; i++)
		assert_int_equal(
		    order_rule((enum order_status)i, (enum event_type)order_awaits((enum order_status)i))
			.action,
		    RULE_MOVE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_an_order_waits_for),	    cmocka_unit_test(every_cell),
	    cmocka_unit_test(terminal_statuses_never_move), cmocka_unit_test(cancelling_until_ready),
	    cmocka_unit_test(each_status_has_its_event),
	};

	return cmocka_run_group_tests_name("order rules", tests, NULL, NULL);
}
