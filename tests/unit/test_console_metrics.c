/*
 * What the daemons' metrics say: sums over series and instances, failures, buckets, breakers, quantiles, and
 * texts that mean harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "core/console/metrics.h"

#define REQUEST "pizza_http_request_duration_seconds"

static void test_sums(void **state)
{
	struct metrics_figures f = {0};

	(void)state;
	metrics_add(&f, "# HELP x y\n" REQUEST
			"_count{method=\"GET\",route=\"/metrics\",status=\"200\"} 9\n" REQUEST
			"_count{method=\"POST\",route=\"/api/v1/orders\",status=\"201\"} 40\n" REQUEST
			"_count{method=\"POST\",route=\"/api/v1/orders\",status=\"503\"} 2\n"
			"pizza_consumer_messages_total{topic=\"a\",outcome=\"processed\"} 5\n"
			"pizza_consumer_messages_total{topic=\"a\",outcome=\"dead\"} 1\n"
			"pizza_provider_call_seconds_count{provider=\"payment\",outcome=\"done\"} 7\n"
			"pizza_provider_call_seconds_count{provider=\"payment\",outcome=\"broken\"} 3\n"
			"pizza_breaker_state{provider=\"payment\"} 0\n"
			"pizza_consumer_parked 4");
	metrics_add(&f, REQUEST "_count{method=\"GET\",route=\"/api/v1/orders\",status=\"200\"} 8\n"
				"pizza_breaker_state{provider=\"payment\"} 2\n");
	assert_int_equal(f.answered, 2);
	assert_int_equal((int)f.requests, 50);
	assert_int_equal((int)f.request_errors, 2);
	assert_int_equal((int)f.messages, 6);
	assert_int_equal((int)f.dead, 1);
	assert_int_equal((int)f.calls, 10);
	assert_int_equal((int)f.call_errors, 3);
	assert_int_equal((int)f.parked, 4);
	assert_int_equal(f.breaker_count, 1);
	assert_string_equal(f.breakers[0].provider, "payment");
	assert_int_equal(f.breakers[0].state, 2);
}

/* The text's buckets are cumulative, ours are not. */
static void test_buckets(void **state)
{
	struct metrics_figures f = {0};

	(void)state;
	metrics_add(&f, "pizza_consumer_batch_seconds_bucket{le=\"0.001\"} 5\n"
			"pizza_consumer_batch_seconds_bucket{le=\"0.0025\"} 15\n"
			"pizza_consumer_batch_seconds_bucket{le=\"0.005\"} 15\n"
			"pizza_consumer_batch_seconds_bucket{le=\"60\"} 15\n"
			"pizza_consumer_batch_seconds_bucket{le=\"+Inf\"} 16\n");
	assert_int_equal((int)f.work.buckets[0], 5);
	assert_int_equal((int)f.work.buckets[1], 10);
	assert_int_equal((int)f.work.buckets[2], 0);
	assert_int_equal((int)f.work.buckets[METRIC_BUCKETS - 1], 1);
}

static void test_quantiles(void **state)
{
	double buckets[METRIC_BUCKETS] = {0};

	(void)state;
	assert_true(isnan(metrics_quantile_ms(buckets, 0.5)));
	buckets[1] = 100;
	assert_float_equal(metrics_quantile_ms(buckets, 0.5), 1.75, 1e-9);
	assert_float_equal(metrics_quantile_ms(buckets, 1), 2.5, 1e-9);
	buckets[METRIC_BUCKETS - 1] = 1000; /* nobody knows how long they took */
	assert_float_equal(metrics_quantile_ms(buckets, 0.99), 60000, 1e-9);
	assert_true(isinf(metrics_bound_ms(METRIC_BUCKETS - 1)));
}

static void test_nonsense(void **state)
{
	static const char *const texts[] = {"",
					    "\n\n",
					    "{",
					    "pizza_consumer_parked",
					    "pizza_consumer_parked{ 1",
					    "pizza_breaker_state{provider=} 1",
					    "pizza_breaker_state{provider=\"} 1",
					    "pizza_breaker_state{=} 1",
					    "pizza_consumer_batch_seconds_bucket{le=\"x\"} 1",
					    "pizza_consumer_parked NaN\npizza_consumer_parked +Inf\n"};
	struct metrics_figures f = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		metrics_add(&f, texts[i]);
	assert_int_equal((int)f.parked, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sums),
	    cmocka_unit_test(test_buckets),
	    cmocka_unit_test(test_quantiles),
	    cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
