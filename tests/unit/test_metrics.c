/*
 * The metrics registry: values, buckets, escaping, and the text that Prometheus reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/service/metrics.h"

/* The exposition contains this line. */
static void expect_line(const char *line)
{
	CLEANUP(buf_done) struct buf text = {0};
	AUTO_FREE char *whole = xasprintf("\n%s\n", line);
	AUTO_FREE char *all = NULL;

	metrics_expose(&text);
	all = xasprintf("\n%s", buf_str(&text));
	if (strstr(all, whole) == NULL)
		fail_msg("\"%s\" is not in:\n%s", line, all);
}

static int occurrences(const char *part)
{
	CLEANUP(buf_done) struct buf text = {0};
	int n = 0;

	metrics_expose(&text);
	for (const char *p = buf_str(&text); (p = strstr(p, part)) != NULL; p += strlen(part))
		n++;
	return n;
}

static void test_counter(void **state)
{
	struct metric_series *paid = metric_series(METRIC_ORDERS, "paid", NULL, NULL);

	(void)state;
	metric_add(paid, 1);
	metric_add(paid, 2);
	metric_count(METRIC_ORDERS, "cancelled", NULL, 1);
	assert_ptr_equal(paid, metric_series(METRIC_ORDERS, "paid", NULL, NULL));
	assert_ptr_not_equal(paid, metric_series(METRIC_ORDERS, "cancelled", NULL, NULL));
	expect_line("pizza_orders_total{status=\"paid\"} 3");
	expect_line("pizza_orders_total{status=\"cancelled\"} 1");
	expect_line("# TYPE pizza_orders_total counter");
	expect_line("# HELP pizza_orders_total Orders that reached a status.");
	assert_int_equal(occurrences("# TYPE pizza_orders_total"), 1);
}

static void test_gauge(void **state)
{
	struct metric_series *parked = metric_series(METRIC_CONSUMER_PARKED, NULL, NULL, NULL);

	(void)state;
	metric_set(parked, 7);
	metric_add(parked, -2.5);
	expect_line("pizza_consumer_parked 4.5");
	expect_line("# TYPE pizza_consumer_parked gauge");
}

static void test_unused_is_absent(void **state)
{
	(void)state;
	assert_int_equal(occurrences("pizza_cooking_seconds"), 0);
}

static void test_histogram(void **state)
{
	static const double values[] = {0.0005, 0.001, 0.0011, 0.04, 2.5, 61};
	struct metric_series *s = metric_series(METRIC_HTTP_SECONDS, "GET", "/x", "200");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		metric_observe(s, values[i]);
	expect_line("pizza_http_request_duration_seconds_bucket{method=\"GET\",route=\"/"
		    "x\",status=\"200\",le=\"0.001\"} 2");
	expect_line("pizza_http_request_duration_seconds_bucket{method=\"GET\",route=\"/"
		    "x\",status=\"200\",le=\"0.0025\"} 3");
	expect_line("pizza_http_request_duration_seconds_bucket{method=\"GET\",route=\"/"
		    "x\",status=\"200\",le=\"0.05\"} 4");
	expect_line("pizza_http_request_duration_seconds_bucket{method=\"GET\",route=\"/"
		    "x\",status=\"200\",le=\"2.5\"} 5");
	expect_line("pizza_http_request_duration_seconds_bucket{method=\"GET\",route=\"/"
		    "x\",status=\"200\",le=\"60\"} 5");
	expect_line("pizza_http_request_duration_seconds_bucket{method=\"GET\",route=\"/"
		    "x\",status=\"200\",le=\"+Inf\"} 6");
	expect_line(
	    "pizza_http_request_duration_seconds_count{method=\"GET\",route=\"/x\",status=\"200\"} 6");
	expect_line(
	    "pizza_http_request_duration_seconds_sum{method=\"GET\",route=\"/x\",status=\"200\"} 63.5426");
}

static void test_histogram_without_labels(void **state)
{
	(void)state;
	metric_observe(metric_series(METRIC_CONSUMER_BATCH_SECONDS, NULL, NULL, NULL), 0.5);
	expect_line("pizza_consumer_batch_seconds_bucket{le=\"0.25\"} 0");
	expect_line("pizza_consumer_batch_seconds_bucket{le=\"0.5\"} 1");
	expect_line("pizza_consumer_batch_seconds_count 1");
}

static void test_label_escaping(void **state)
{
	(void)state;
	metric_count(METRIC_DEAD_LETTERS, "a\"b\\c\nd", "", 1);
	expect_line("pizza_dead_letters_total{topic=\"a\\\"b\\\\c\\nd\",code=\"\"} 1");
}

static void test_labels_do_not_run_together(void **state)
{
	(void)state;
	metric_count(METRIC_CONSUMER_MESSAGES, "ab", "c", 1);
	metric_count(METRIC_CONSUMER_MESSAGES, "a", "bc", 1);
	expect_line("pizza_consumer_messages_total{topic=\"ab\",outcome=\"c\"} 1");
	expect_line("pizza_consumer_messages_total{topic=\"a\",outcome=\"bc\"} 1");
}

static void test_large_numbers_stay_exact(void **state)
{
	(void)state;
	metric_set(metric_series(METRIC_CONSUMER_LAG, "t", NULL, NULL), 123456789012.0);
	expect_line("pizza_consumer_lag{topic=\"t\"} 123456789012");
}

static void collect(void *arg)
{
	metric_set(metric_series(METRIC_DB_IN_USE, NULL, NULL, NULL), *(int *)arg);
}

static void test_collector(void **state)
{
	static int in_use = 4;

	(void)state;
	metric_collector(collect, &in_use);
	expect_line("pizza_db_pool_in_use 4");
	in_use = 5;
	expect_line("pizza_db_pool_in_use 5");
}

enum { ADDERS = 4, ADDS = 50000, SERIES = 100 };

static void *add_many(void *arg)
{
	(void)arg;
	for (int i = 0; i < ADDS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "db%d", i % SERIES);
		metric_count(METRIC_OUTBOX_PUBLISHED, name, NULL, 1);
		metric_observe(metric_series(METRIC_OUTBOX_SECONDS, "one", NULL, NULL), 0.25);
	}
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t threads[ADDERS];
	char line[128];

	(void)state;
	for (int i = 0; i < ADDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_many, NULL), 0);
	for (int i = 0; i < ADDERS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < SERIES; i++) {
		snprintf(line, sizeof(line), "pizza_outbox_published_total{database=\"db%d\"} %d", i,
			 ADDERS * ADDS / SERIES);
		expect_line(line);
	}
	assert_int_equal(occurrences("pizza_outbox_published_total{"), SERIES);
	snprintf(line, sizeof(line), "pizza_outbox_publish_seconds_count{database=\"one\"} %d",
		 ADDERS * ADDS);
	expect_line(line);
	snprintf(line, sizeof(line), "pizza_outbox_publish_seconds_sum{database=\"one\"} %d",
		 ADDERS * ADDS / 4);
	expect_line(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_counter),
	    cmocka_unit_test(test_gauge),
	    cmocka_unit_test(test_unused_is_absent),
	    cmocka_unit_test(test_histogram),
	    cmocka_unit_test(test_histogram_without_labels),
	    cmocka_unit_test(test_label_escaping),
	    cmocka_unit_test(test_labels_do_not_run_together),
	    cmocka_unit_test(test_large_numbers_stay_exact),
	    cmocka_unit_test(test_collector),
	    cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
