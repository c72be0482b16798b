/*
 * Positions that are gone: what a consumer cannot read any more is said aloud, and it goes on with what is
 * there.
 */
#include "tests/integration/c/bus_fixture.h"

#include "core/base/log.h"

static char log_path[64];

static bool logged(const char *words)
{
	FILE *f = fopen(log_path, "re");
	char line[4096];
	bool found = false;

	assert_non_null(f);
	while (!found && fgets(line, sizeof(line), f) != NULL)
		found = strstr(line, words) != NULL;
	fclose(f);
	return found;
}

/* A bare handle for what core/bus has no use for; one administrative request with its result awaited. */
struct bare {
	rd_kafka_t *rk;
	rd_kafka_queue_t *queue;
};

static struct bare bare_open(void)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	struct bare b;

	rd_kafka_conf_set(conf, "bootstrap.servers", options.bootstrap, NULL, 0);
	b.rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
	b.queue = rd_kafka_queue_new(b.rk);
	return b;
}

static void bare_done(struct bare *b)
{
	rd_kafka_event_t *event = rd_kafka_queue_poll(b->queue, 10000);

	assert_non_null(event);
	assert_int_equal(rd_kafka_event_error(event), RD_KAFKA_RESP_ERR_NO_ERROR);
	rd_kafka_event_destroy(event);
	rd_kafka_queue_destroy(b->queue);
	rd_kafka_destroy(b->rk);
}

/* Deletes what lies before an offset of partition 0. */
static void cut_off_before(const char *topic, int64_t offset)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	struct bare b = bare_open();
	rd_kafka_DeleteRecords_t *request;

	rd_kafka_topic_partition_list_add(list, topic, 0)->offset = offset;
	request = rd_kafka_DeleteRecords_new(list);
	rd_kafka_DeleteRecords(b.rk, &request, 1, NULL, b.queue);
	rd_kafka_DeleteRecords_destroy(request);
	rd_kafka_topic_partition_list_destroy(list);
	bare_done(&b);
}

static void forget_group(const char *group)
{
	struct bare b = bare_open();
	rd_kafka_DeleteGroup_t *request = rd_kafka_DeleteGroup_new(group);

	rd_kafka_DeleteGroups(b.rk, &request, 1, NULL, b.queue);
	rd_kafka_DeleteGroup_destroy(request);
	bare_done(&b);
}

/* Reads and commits the first half of 100 messages. */
static void read_half(const char *group, const char *topic)
{
	struct bus_consumer *c;

	produce_numbers(topic, 0, 50);
	c = consumer(group, NULL, topic);
	assert_int_equal(take(c, 50, true, NULL, 0), 50);
	bus_consumer_free(c);
	produce_numbers(topic, 50, 50);
}

static void messages_deleted_before_they_were_read_are_named(void **state)
{
	char topic[96], group[96];
	bool seen[100] = {false};
	struct bus_consumer *c;

	(void)state;
	fresh_topic(topic, 1);
	fresh_name("gone", group);
	read_half(group, topic);
	cut_off_before(topic, 80);
	c = consumer(group, NULL, topic);
	assert_int_equal(take(c, 20, false, seen, 100), 20);
	bus_consumer_free(c);
	for (int i = 0; i < 100; i++)
		assert_int_equal(seen[i], i >= 80);
	assert_true(logged("offsets 50 to 79 are gone from the topic before they were read"));
}

static void a_group_without_its_offsets_starts_at_what_is_left_and_says_so(void **state)
{
	char topic[96], group[96];
	bool seen[100] = {false};
	struct bus_consumer *c;

	(void)state;
	fresh_topic(topic, 1);
	fresh_name("forgotten", group);
	read_half(group, topic);
	cut_off_before(topic, 30);
	forget_group(group);
	c = consumer(group, NULL, topic);
	assert_int_equal(take(c, 70, false, seen, 100), 70);
	bus_consumer_free(c);
	for (int i = 0; i < 100; i++)
		assert_int_equal(seen[i], i >= 30);
	assert_true(logged("no committed offset, and messages before 30 are gone"));
}

/* Paused partitions stand for ones that librdkafka does not fetch any more. */
static void a_consumer_that_stands_still_is_noticed_at_the_second_look(void **state)
{
	struct bus_batch b = {0};
	char topic[96], group[96];
	struct bus_consumer *c;
	struct error err;

	(void)state;
	fresh_topic(topic, 3);
	fresh_name("stalled", group);
	produce_numbers(topic, 0, 30);
	c = consumer(group, NULL, topic);
	assert_int_equal(take(c, 30, true, NULL, 0), 30);
	assert_false(bus_consumer_stalled(c));
	assert_false(bus_consumer_stalled(c));
	bus_consumer_pause(c);
	produce_numbers(topic, 30, 30);
	must(bus_consumer_poll(c, 100, 0, 300, &b, &err), &err);
	assert_int_equal(b.count, 0);
	assert_false(bus_consumer_stalled(c));
	assert_true(bus_consumer_stalled(c));
	bus_consumer_resume(c);
	assert_int_equal(take(c, 30, true, NULL, 0), 30);
	assert_false(bus_consumer_stalled(c));
	assert_false(bus_consumer_stalled(c));
	bus_batch_done(&b);
	bus_consumer_free(c);
}

static int start_logged(void **state)
{
	struct error err;

	snprintf(log_path, sizeof(log_path), "/tmp/test_bus_gone.%d.log", (int)getpid());
	if (log_init("test_bus_gone", 1, log_path, &err) < 0)
		return -1;
	return start(state);
}

static int stop_logged(void **state)
{
	unlink(log_path);
	return stop(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(messages_deleted_before_they_were_read_are_named),
	    cmocka_unit_test(a_group_without_its_offsets_starts_at_what_is_left_and_says_so),
	    cmocka_unit_test(a_consumer_that_stands_still_is_noticed_at_the_second_look),
	};

	if (getenv("PIZZA_TEST_KAFKA") == NULL) {
		fprintf(stderr, "test_bus_gone: skipped: PIZZA_TEST_KAFKA is not set\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, start_logged, stop_logged);
}
