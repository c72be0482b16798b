/*
 * core/bus against Kafka: producers and consumers.
 * Without PIZZA_TEST_KAFKA nothing is tested and the program says so.
 */
#include "tests/integration/c/bus_fixture.h"

static int count_true(const bool *seen, int n)
{
	int count = 0;

	for (int i = 0; i < n; i++)
		count += seen[i];
	return count;
}

static void messages_arrive_once_and_in_order(void **state)
{
	enum { N = 5000 };
	bool seen[N] = {false};
	char topic[96], group[96];
	struct bus_consumer *c;

	(void)state;
	produce_numbers(fresh_topic(topic, 12), 0, N);
	c = consumer(fresh_name("group", group), "i-1", topic);
	assert_int_equal(take(c, N, true, seen, N), N);
	assert_int_equal(count_true(seen, N), N);
	assert_int_equal(bus_consumer_assigned(c), 12);
	bus_consumer_free(c);
}

static void headers_keys_tombstones_and_empty_values(void **state)
{
	const struct bus_header headers[] = {
	    {"ce_type", "OrderCreated", 12}, {"none", NULL, 0}, {"ce_type", "Second", 6}};
	struct bus_header read[2];
	struct report report = {0};
	struct bus_producer *p = NULL;
	struct bus_batch b = {0};
	struct bus_consumer *c;
	char topic[96], group[96];
	struct mono begin = mono_now();
	struct error err;
	size_t len = 0;
	int got = 0;

	(void)state;
	fresh_topic(topic, 1);
	must(bus_producer_new(&options, 10000, on_delivered, &report, &p, &err), &err);
	must(bus_produce(p, topic, "k", 1, "v\0w", 3, headers, 3, NULL, &err), &err);
	must(bus_produce(p, topic, "k", 1, NULL, 0, NULL, 0, NULL, &err), &err);
	must(bus_produce(p, topic, NULL, 0, "", 0, NULL, 0, NULL, &err), &err);
	must(bus_producer_flush(p, 10000, &err), &err);
	assert_int_equal(report.last_offset, 2);
	bus_producer_free(p);
	c = consumer(fresh_name("group", group), "i-1", topic);
	while (b.count < 3 && mono_since_ms(begin) < DEADLINE_MS) {
		must(bus_consumer_rewind(c, &b, &err), &err);
		must(bus_consumer_poll(c, 10, 50, 500, &b, &err), &err);
	}
	got = b.count;
	assert_int_equal(got, 3);
	if (b.messages == NULL)
		return;
	assert_int_equal(b.messages[0].value_len, 3);
	assert_memory_equal(b.messages[0].value, "v\0w", 3);
	assert_memory_equal(b.messages[0].key, "k", 1);
	assert_true(b.messages[0].timestamp_ms > 0);
	assert_memory_equal(bus_message_header(&b.messages[0], "ce_type", &len), "Second", 6);
	assert_int_equal(len, 6);
	assert_null(bus_message_header(&b.messages[0], "absent", &len));
	assert_int_equal(bus_message_headers(&b.messages[0], read, 2), 3);
	assert_string_equal(read[1].name, "none");
	assert_null(read[1].value);
	assert_null(b.messages[1].value);
	assert_null(b.messages[2].key);
	assert_non_null(b.messages[2].value);
	assert_int_equal(b.messages[2].value_len, 0);
	bus_batch_done(&b);
	bus_consumer_free(c);
}

static void the_position_survives_a_restart(void **state)
{
	enum { N = 1000 };
	char topic[96], group[96];
	bool seen[2 * N] = {false};
	struct bus_consumer *c;

	(void)state;
	produce_numbers(fresh_topic(topic, 3), 0, N);
	c = consumer(fresh_name("group", group), "i-1", topic);
	assert_int_equal(take(c, N, true, NULL, 0), N);
	bus_consumer_free(c);
	produce_numbers(topic, N, N);
	c = consumer(group, "i-1", topic);
	assert_int_equal(take(c, N, false, seen, 2 * N), N);
	assert_int_equal(count_true(seen, N), 0);
	assert_int_equal(count_true(seen + N, N), N);
	bus_consumer_free(c);
	/* Not committed: it comes again. */
	c = consumer(group, "i-1", topic);
	assert_int_equal(take(c, N, true, NULL, 0), N);
	bus_consumer_free(c);
}

/* Takes one batch that is not empty. */
static void one_batch(struct bus_consumer *c, struct bus_batch *b)
{
	struct mono begin = mono_now();
	struct error err;

	do
		must(bus_consumer_poll(c, 100, 20, 200, b, &err), &err);
	while (b->count == 0 && mono_since_ms(begin) < DEADLINE_MS);
	assert_true(b->count > 0);
}

static void a_rewound_batch_comes_again(void **state)
{
	enum { N = 3000 };
	char topic[96], group[96];
	bool seen[N] = {false};
	struct bus_batch b = {0};
	struct bus_consumer *c;
	struct error err;

	(void)state;
	produce_numbers(fresh_topic(topic, 5), 0, N);
	c = consumer(fresh_name("group", group), "i-1", topic);
	for (int round = 0; round < 20; round++) {
		one_batch(c, &b);
		must(bus_consumer_rewind(c, &b, &err), &err);
	}
	assert_int_equal(take(c, N, true, seen, N), N);
	assert_int_equal(count_true(seen, N), N);
	must(bus_consumer_poll(c, 1, 0, 300, &b, &err), &err);
	assert_int_equal(b.count, 0);
	bus_batch_done(&b);
	bus_consumer_free(c);
}

static void pausing_after_a_rewind_loses_nothing(void **state)
{
	enum { N = 3000 };
	char topic[96], group[96];
	bool seen[N] = {false};
	struct bus_batch b = {0}, stray = {0};
	struct bus_consumer *c;
	struct error err;
	int taken = 0;

	(void)state;
	produce_numbers(fresh_topic(topic, 5), 0, N);
	c = consumer(fresh_name("group", group), "i-1", topic);
	for (int round = 0; round < 10; round++) {
		one_batch(c, &b);
		if (round % 2 == 0) {
			must(bus_consumer_rewind(c, &b, &err), &err);
		} else {
			for (int i = 0; i < b.count; i++)
				seen[number(&b.messages[i])] = true;
			taken += b.count;
			bus_consumer_commit(c, &b);
		}
		bus_consumer_pause(c);
		for (int i = 0; i < 3; i++) {
			must(bus_consumer_poll(c, 10, 0, 20, &stray, &err), &err);
			assert_int_equal(stray.count, 0);
		}
		bus_consumer_resume(c);
	}
	taken += take(c, N - taken, true, seen, N);
	assert_int_equal(taken, N);
	assert_int_equal(count_true(seen, N), N);
	must(bus_consumer_poll(c, 1, 0, 300, &b, &err), &err);
	assert_int_equal(b.count, 0);
	bus_batch_done(&b);
	bus_batch_done(&stray);
	bus_consumer_free(c);
}

static void poll_both(struct bus_consumer *a, struct bus_consumer *b, bool *seen, int n, int want_a,
		      int want_b)
{
	struct bus_consumer *both[] = {a, b};
	struct mono begin = mono_now();
	struct bus_batch batch = {0};
	struct error err;

	while ((bus_consumer_assigned(a) != want_a || bus_consumer_assigned(b) != want_b ||
		count_true(seen, n) < n) &&
	       mono_since_ms(begin) < DEADLINE_MS)
		for (int i = 0; i < 2; i++) {
			must(bus_consumer_poll(both[i], 100, 5, 20, &batch, &err), &err);
			for (int m = 0; m < batch.count; m++)
				seen[number(&batch.messages[m])] = true;
			bus_consumer_commit(both[i], &batch);
		}
	bus_batch_done(&batch);
	assert_int_equal(bus_consumer_assigned(a), want_a);
	assert_int_equal(bus_consumer_assigned(b), want_b);
}

static void two_members_share_the_partitions_and_a_removed_one_gives_them_back(void **state)
{
	enum { N = 2000 };
	char topic[96], group[96];
	bool seen[2 * N] = {false};
	struct bus_consumer *a, *b;
	struct mono begin;
	struct error err;

	(void)state;
	produce_numbers(fresh_topic(topic, 6), 0, N);
	a = consumer(fresh_name("group", group), "i-1", topic);
	b = consumer(group, "i-2", topic);
	poll_both(a, b, seen, N, 3, 3);
	assert_int_equal(count_true(seen, N), N);
	bus_consumer_free(b);
	must(bus_admin_remove_member(admin, group, "i-2", &err), &err);
	must(bus_admin_remove_member(admin, group, "i-2", &err), &err);
	must(bus_admin_remove_member(admin, "no-such-group", "i-2", &err), &err);
	produce_numbers(topic, N, N);
	begin = mono_now();
	assert_true(take(a, N, true, seen, 2 * N) >= N);
	assert_int_equal(count_true(seen, 2 * N), 2 * N);
	assert_int_equal(bus_consumer_assigned(a), 6);
	/* Far below the session's time-out. */
	assert_true(mono_since_ms(begin) < 5000);
	bus_consumer_free(a);
}

static void a_second_consumer_of_the_same_instance_fences_the_first(void **state)
{
	char topic[96], group[96];
	struct bus_consumer *a, *b;
	struct bus_batch batch = {0};
	struct mono begin = mono_now();
	struct error err;
	int rc = 0;

	(void)state;
	produce_numbers(fresh_topic(topic, 2), 0, 10);
	a = consumer(fresh_name("group", group), "i-1", topic);
	assert_int_equal(take(a, 10, true, NULL, 0), 10);
	b = consumer(group, "i-1", topic);
	while (rc != ERR_CONFLICT && mono_since_ms(begin) < DEADLINE_MS) {
		(void)!bus_consumer_poll(b, 10, 0, 50, &batch, &err);
		rc = bus_consumer_poll(a, 10, 0, 50, &batch, &err);
	}
	assert_int_equal(rc, ERR_CONFLICT);
	bus_batch_done(&batch);
	bus_consumer_free(a);
	bus_consumer_free(b);
}

static void without_a_broker_it_is_said(void **state)
{
	const struct bus_options nowhere = {"127.0.0.1:1", "test_bus"};
	const char *const topics[] = {"x"};
	struct bus_consumer_options o = {
	    .bus = nowhere, .group = "g", .instance = "i", .topics = topics, .topic_count = 1};
	struct report report = {0};
	struct bus_producer *p = NULL;
	struct bus_consumer *c = NULL;
	struct bus_batch batch = {0};
	struct mono begin = mono_now();
	struct error err;
	int rc = 0;

	(void)state;
	must(bus_consumer_new(&o, &c, &err), &err);
	while (rc == 0 && mono_since_ms(begin) < DEADLINE_MS)
		rc = bus_consumer_poll(c, 10, 0, 100, &batch, &err);
	assert_int_equal(rc, ERR_UNAVAILABLE);
	bus_consumer_free(c);
	must(bus_producer_new(&nowhere, 1000, on_delivered, &report, &p, &err), &err);
	must(bus_produce(p, "x", "k", 1, "v", 1, NULL, 0, NULL, &err), &err);
	begin = mono_now();
	while (!bus_producer_failed(p, &err) && mono_since_ms(begin) < DEADLINE_MS)
		bus_producer_poll(p, 50);
	assert_int_equal(report.failed, 1);
	assert_int_equal(report.code, ERR_UNAVAILABLE);
	assert_true(bus_producer_failed(p, NULL));
	assert_false(bus_producer_connected(p));
	assert_int_equal(bus_produce(p, "x", "k", 1, "v", 1, NULL, 0, NULL, &err), ERR_UNAVAILABLE);
	bus_producer_free(p);
	assert_true(mono_since_ms(begin) < 10000);
	bus_batch_done(&batch);
}

static void purged_messages_are_reported_as_such(void **state)
{
	const struct bus_options nowhere = {"127.0.0.1:1", "test_bus"};
	struct report report = {0};
	struct bus_producer *p = NULL;
	struct error err;

	(void)state;
	must(bus_producer_new(&nowhere, 60000, on_delivered, &report, &p, &err), &err);
	for (int i = 0; i < 10; i++)
		must(bus_produce(p, "x", "k", 1, "v", 1, NULL, 0, NULL, &err), &err);
	assert_int_equal(bus_producer_flush(p, 50, &err), ERR_TIMEOUT);
	bus_producer_purge(p);
	assert_int_equal(report.failed, 10);
	assert_int_equal(report.code, ERR_LEASE_LOST);
	bus_producer_free(p);
}

static void too_large_a_message_is_refused_at_once(void **state)
{
	AUTO_FREE char *huge = xcalloc(1, 3000000);
	struct bus_producer *p = NULL;
	struct error err;

	(void)state;
	must(bus_producer_new(&options, 1000, NULL, NULL, &p, &err), &err);
	assert_int_equal(bus_produce(p, "x", "k", 1, huge, 3000000, NULL, 0, NULL, &err), ERR_TOO_LARGE);
	bus_producer_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(messages_arrive_once_and_in_order),
	    cmocka_unit_test(headers_keys_tombstones_and_empty_values),
	    cmocka_unit_test(the_position_survives_a_restart),
	    cmocka_unit_test(a_rewound_batch_comes_again),
	    cmocka_unit_test(pausing_after_a_rewind_loses_nothing),
	    cmocka_unit_test(two_members_share_the_partitions_and_a_removed_one_gives_them_back),
	    cmocka_unit_test(a_second_consumer_of_the_same_instance_fences_the_first),
	    cmocka_unit_test(without_a_broker_it_is_said),
	    cmocka_unit_test(purged_messages_are_reported_as_such),
	    cmocka_unit_test(too_large_a_message_is_refused_at_once),
	};

	if (getenv("PIZZA_TEST_KAFKA") == NULL) {
		fprintf(stderr, "test_bus: skipped: PIZZA_TEST_KAFKA is not set\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, start, stop);
}
