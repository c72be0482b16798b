/*
 * Every cell of paymentd's tables, and how it asks again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/mem.h"
#include "daemons/payment/rules.c"

/* --- demands --- */

static void test_demands(void **state)
{
	static const enum payment_act want[PAYMENT_STATUS_COUNT][3] = {
	    /* DEMAND_CHARGE, DEMAND_CANCEL, DEMAND_REFUND */
	    [PAYMENT_NONE] = {ACT_CREATE, ACT_TOMBSTONE, ACT_REFUSE},
	    [PAYMENT_REQUESTED] = {ACT_IGNORE, ACT_DROP, ACT_REFUSE},
	    [PAYMENT_PROCESSING] = {ACT_IGNORE, ACT_MARK, ACT_REFUSE},
	    [PAYMENT_HELD] = {ACT_IGNORE, ACT_MARK, ACT_REFUSE},
	    [PAYMENT_COMPLETED] = {ACT_IGNORE, ACT_REFUND, ACT_REFUND},
	    [PAYMENT_FAILED] = {ACT_IGNORE, ACT_IGNORE, ACT_REFUSE},
	    [PAYMENT_CANCELLED] = {ACT_IGNORE, ACT_IGNORE, ACT_REFUSE},
	    [PAYMENT_REFUNDING] = {ACT_IGNORE, ACT_MARK, ACT_IGNORE},
	    [PAYMENT_REFUNDED] = {ACT_IGNORE, ACT_IGNORE, ACT_IGNORE},
	};

	(void)state;
	for (int s = 0; s < PAYMENT_STATUS_COUNT; s++)
		for (int d = DEMAND_CHARGE; d <= DEMAND_REFUND; d++)
			assert_int_equal(payment_demand((enum payment_status)s, (enum payment_demand)d),
					 want[s][d]);
}

static void test_status_words(void **state)
{
	enum payment_status back;

	(void)state;
	for (int s = PAYMENT_REQUESTED; s < PAYMENT_STATUS_COUNT; s++) {
		assert_true(payment_status_parse(payment_status_word((enum payment_status)s), &back));
		assert_int_equal(back, s);
	}
	assert_false(payment_status_parse("none", &back));
	assert_false(payment_status_parse("paid", &back));
}

/* --- outcomes of charges --- */

/* Per outcome, for an open payment: current and wanted, current and cancelled, of an older claim. */
struct open_row {
	enum outcome outcome;
	enum settle_act wanted, cancelled, stale;
};

static const struct open_row open_rows[OUTCOME_COUNT] = {
    {OUTCOME_DONE, SETTLE_COMPLETE, SETTLE_COMPLETE_REFUND, SETTLE_COMPLETE},
    {OUTCOME_REFUSED, SETTLE_FAIL, SETTLE_FAIL, SETTLE_IGNORE},
    {OUTCOME_PENDING, SETTLE_AGAIN, SETTLE_AGAIN, SETTLE_IGNORE},
    {OUTCOME_BUSY, SETTLE_AGAIN, SETTLE_AGAIN, SETTLE_IGNORE},
    {OUTCOME_BROKEN, SETTLE_AGAIN, SETTLE_AGAIN, SETTLE_IGNORE},
    {OUTCOME_UNKNOWN, SETTLE_AGAIN, SETTLE_AGAIN, SETTLE_IGNORE},
    {OUTCOME_UNREACHABLE, SETTLE_AGAIN, SETTLE_AGAIN, SETTLE_IGNORE},
    {OUTCOME_ABSENT, SETTLE_AGAIN, SETTLE_FAIL, SETTLE_IGNORE},
    {OUTCOME_NOT_SENT, SETTLE_AGAIN, SETTLE_AGAIN, SETTLE_IGNORE},
};

static void test_settle_open(void **state)
{
	static const enum payment_status open[] = {PAYMENT_REQUESTED, PAYMENT_PROCESSING, PAYMENT_HELD};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(open); i++) {
		for (int o = 0; o < OUTCOME_COUNT; o++) {
			const struct open_row *row = &open_rows[o];

			assert_int_equal(row->outcome, o);
			assert_int_equal(charge_settle(open[i], false, row->outcome, true), row->wanted);
			assert_int_equal(charge_settle(open[i], true, row->outcome, true), row->cancelled);
			assert_int_equal(charge_settle(open[i], false, row->outcome, false), row->stale);
		}
		assert_int_equal(charge_settle(open[i], true, OUTCOME_DONE, false), SETTLE_COMPLETE_REFUND);
	}
}

/* Money that moved after the end is refunded; everything else changes nothing. */
static void test_settle_ended(void **state)
{
	static const enum payment_status ended[] = {PAYMENT_NONE,      PAYMENT_COMPLETED, PAYMENT_FAILED,
						    PAYMENT_CANCELLED, PAYMENT_REFUNDING, PAYMENT_REFUNDED};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ended); i++) {
		bool owed = ended[i] == PAYMENT_FAILED || ended[i] == PAYMENT_CANCELLED;

		for (int o = 0; o < OUTCOME_COUNT; o++)
			for (int bits = 0; bits < 4; bits++)
				assert_int_equal(charge_settle(ended[i], bits & 1, (enum outcome)o, bits & 2),
						 owed && o == OUTCOME_DONE ? SETTLE_COMPLETE_REFUND
									   : SETTLE_IGNORE);
	}
}

/* --- asking again --- */

static void test_broken_is_asked_then_looked_up(void **state)
{
	struct asking a = {.attempt = 1};

	(void)state;
	assert_int_equal(asking_next(&a, OUTCOME_BROKEN, true, 5, &a), AGAIN_LATER);
	assert_int_equal(a.attempt, 1); /* the same key first */
	assert_false(a.lookup);
	assert_int_equal(asking_next(&a, OUTCOME_BROKEN, true, 5, &a), AGAIN_LATER);
	assert_true(a.lookup); /* the stored 5xx came back */
	assert_int_equal(a.attempt, 1);
	assert_int_equal(asking_next(&a, OUTCOME_BROKEN, true, 5, &a), AGAIN_LATER);
	assert_true(a.lookup); /* the lookup itself failed */
	assert_int_equal(asking_next(&a, OUTCOME_ABSENT, true, 5, &a), AGAIN_LATER);
	assert_false(a.lookup);
	assert_int_equal(a.attempt, 2);
	assert_int_equal(a.failures, 0);
	assert_int_equal(a.tries, 1);
}

static void test_attempts_end(void **state)
{
	struct asking a = {.attempt = 3, .failures = 2, .strikes = 2, .lookup = true}, next = a;

	(void)state;
	assert_int_equal(asking_next(&a, OUTCOME_ABSENT, true, 3, &next), AGAIN_GIVE_UP);
	assert_int_equal(asking_next(&a, OUTCOME_ABSENT, true, 4, &next), AGAIN_LATER);
	assert_int_equal(next.attempt, 4);
	assert_int_equal(next.strikes, 3);
	assert_int_equal(asking_next(&a, OUTCOME_ABSENT, true, 0, &next),
			 AGAIN_LATER); /* refunds are never given up */
}

static void test_an_outage_consumes_no_attempt(void **state)
{
	struct asking a = {.attempt = 1, .lookup = true};

	(void)state;
	for (int i = 0; i < 50; i++)
		assert_int_equal(asking_next(&a, OUTCOME_ABSENT, false, 3, &a), AGAIN_LATER);
	assert_int_equal(a.strikes, 0);
	assert_int_equal(a.attempt, 51); /* each under a key of its own */
}

/* Nothing that may have charged consumes an attempt or gives up, however often it happens. */
static void test_unknown_keeps_the_key(void **state)
{
	static const enum outcome outcomes[] = {OUTCOME_UNKNOWN, OUTCOME_UNREACHABLE, OUTCOME_BUSY};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
		struct asking a = {.attempt = 2};

		for (int n = 1; n <= 100; n++) {
			assert_int_equal(asking_next(&a, outcomes[i], true, 3, &a), AGAIN_LATER);
			assert_int_equal(a.attempt, 2);
			assert_false(a.lookup);
			assert_int_equal(a.tries, n);
		}
	}
}

static void test_pending_is_looked_up(void **state)
{
	struct asking a = {.attempt = 1};

	(void)state;
	assert_int_equal(asking_next(&a, OUTCOME_PENDING, true, 3, &a), AGAIN_LATER);
	assert_true(a.lookup);
	assert_int_equal(a.attempt, 1);
}

static void test_not_sent_changes_nothing(void **state)
{
	struct asking a = {.attempt = 2, .failures = 1, .tries = 7}, next = {0};

	(void)state;
	assert_int_equal(asking_next(&a, OUTCOME_NOT_SENT, true, 3, &next), AGAIN_NOW);
	assert_memory_equal(&a, &next, sizeof(a));
}

/* --- methods --- */

static void test_methods(void **state)
{
	(void)state;
	assert_string_equal(payment_method_map("card"), "pm_card_visa");
	assert_string_equal(payment_method_map("pm_card_chargeDeclined"), "pm_card_chargeDeclined");
	assert_null(payment_method_map("cash"));
	assert_null(payment_method_map(""));
	assert_null(payment_method_map("pm_"));
	assert_null(payment_method_map("pm_card&amount=1"));
	assert_null(
	    payment_method_map("pm_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_demands),
	    cmocka_unit_test(test_status_words),
	    cmocka_unit_test(test_settle_open),
	    cmocka_unit_test(test_settle_ended),
	    cmocka_unit_test(test_broken_is_asked_then_looked_up),
	    cmocka_unit_test(test_attempts_end),
	    cmocka_unit_test(test_an_outage_consumes_no_attempt),
	    cmocka_unit_test(test_unknown_keeps_the_key),
	    cmocka_unit_test(test_pending_is_looked_up),
	    cmocka_unit_test(test_not_sent_changes_nothing),
	    cmocka_unit_test(test_methods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
