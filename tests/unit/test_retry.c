/*
 * Backoff and circuit breaker over a clock that the tests turn themselves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/http/retry.h"

static struct mono at(int64_t ms)
{
	return (struct mono){.ns = (1000 + ms) * 1000000};
}

static void test_backoff_doubles_with_jitter(void **state)
{
	const struct backoff b = {100, 1000};
	static const int64_t bounds[] = {100, 200, 400, 800, 1000, 1000};

	(void)state;
	for (int attempt = 1; attempt <= 6; attempt++) {
		int64_t bound = bounds[attempt - 1], low = bound, high = 0;

		for (int i = 0; i < 500; i++) {
			int64_t ms = backoff_ms(&b, attempt);

			assert_in_range(ms, bound / 2, bound);
			low = ms < low ? ms : low;
			high = ms > high ? ms : high;
		}
		/* Spread over the range, not at one end of it. */
		assert_true(low < bound * 6 / 10);
		assert_true(high > bound * 9 / 10);
	}
}

static void test_backoff_edges(void **state)
{
	const struct backoff usual = {100, 60000}, none = {0, 0}, inverted = {500, 100},
			     huge = {1, INT64_MAX};

	(void)state;
	assert_in_range(backoff_ms(&usual, 1000000000), 30000, 60000);
	assert_in_range(backoff_ms(&usual, 0), 50, 100);
	assert_int_equal(backoff_ms(&none, 5), 0);
	assert_in_range(backoff_ms(&inverted, 1), 50, 100);
	assert_true(backoff_ms(&huge, 200) > 0);
}

static void test_opens_after_failures_in_a_row(void **state)
{
	struct breaker b;

	(void)state;
	breaker_init(&b, 3, 1000);
	breaker_failure(&b, at(0));
	breaker_failure(&b, at(1));
	breaker_success(&b, at(2)); /* starts the count anew */
	breaker_failure(&b, at(3));
	breaker_failure(&b, at(4));
	assert_true(breaker_allow(&b, at(5)));
	assert_int_equal(breaker_wait_ms(&b, at(5)), 0);
	breaker_failure(&b, at(6));
	assert_int_equal(breaker_state(&b, at(6)), BREAKER_OPEN);
	assert_false(breaker_allow(&b, at(7)));
	assert_int_equal(breaker_wait_ms(&b, at(106)), 900);
	breaker_done(&b);
}

static void test_one_probe(void **state)
{
	struct breaker b;

	(void)state;
	breaker_init(&b, 1, 1000);
	breaker_failure(&b, at(0));
	assert_false(breaker_allow(&b, at(999)));
	assert_int_equal(breaker_state(&b, at(1000)), BREAKER_HALF_OPEN);
	assert_int_equal(breaker_wait_ms(&b, at(1000)), 0);
	assert_true(breaker_allow(&b, at(1001)));
	assert_false(breaker_allow(&b, at(1002)));
	assert_int_equal(breaker_wait_ms(&b, at(1002)), 999);
	breaker_success(&b, at(1003));
	assert_int_equal(breaker_state(&b, at(1003)), BREAKER_CLOSED);
	assert_true(breaker_allow(&b, at(1004)));
	assert_true(breaker_allow(&b, at(1004)));
	breaker_done(&b);
}

static void test_probe_fails(void **state)
{
	struct breaker b;

	(void)state;
	breaker_init(&b, 1, 1000);
	breaker_failure(&b, at(0));
	assert_true(breaker_allow(&b, at(1500)));
	breaker_failure(&b, at(1600));
	assert_int_equal(breaker_state(&b, at(1600)), BREAKER_OPEN);
	assert_false(breaker_allow(&b, at(2599)));
	assert_true(breaker_allow(&b, at(2600)));
	breaker_done(&b);
}

static void test_lost_probe_is_given_up(void **state)
{
	struct breaker b;

	(void)state;
	breaker_init(&b, 1, 1000);
	breaker_failure(&b, at(0));
	assert_true(breaker_allow(&b, at(1000)));
	assert_false(breaker_allow(&b, at(1999)));
	assert_true(breaker_allow(&b, at(2000)));
	breaker_done(&b);
}

static void test_late_answers_while_open(void **state)
{
	struct breaker b;

	(void)state;
	breaker_init(&b, 2, 1000);
	breaker_failure(&b, at(0));
	breaker_failure(&b, at(0));
	breaker_success(&b, at(500)); /* of a call from before */
	assert_int_equal(breaker_state(&b, at(500)), BREAKER_OPEN);
	breaker_failure(&b, at(900)); /* does not prolong the wait */
	assert_int_equal(breaker_wait_ms(&b, at(900)), 100);
	breaker_done(&b);
}

static void test_words(void **state)
{
	(void)state;
	assert_string_equal(breaker_word(BREAKER_CLOSED), "closed");
	assert_string_equal(breaker_word(BREAKER_OPEN), "open");
	assert_string_equal(breaker_word(BREAKER_HALF_OPEN), "half-open");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_backoff_doubles_with_jitter),
	    cmocka_unit_test(test_backoff_edges),
	    cmocka_unit_test(test_opens_after_failures_in_a_row),
	    cmocka_unit_test(test_one_probe),
	    cmocka_unit_test(test_probe_fails),
	    cmocka_unit_test(test_lost_probe_is_given_up),
	    cmocka_unit_test(test_late_answers_while_open),
	    cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
