/*
 * What the tests of core/bus share: topics and messages of their own against
 * PIZZA_TEST_KAFKA="127.0.0.1:5092", deleted at the end.
 */
#ifndef TESTS_INTEGRATION_BUS_FIXTURE_H
#define TESTS_INTEGRATION_BUS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/bus/admin.h"
#include "core/bus/bus.h"

#define DEADLINE_MS 20000

static struct bus_options options = {NULL, "test_bus"};
static struct bus_admin *admin;
static int serial;
static char made[64][96]; /* made by this run */
static int made_count;

static void must(int rc, const struct error *err)
{
	if (rc < 0)
		fail_msg("%s: %s", err->what, err->why);
}

/* A name that no other test and no other run uses. */
static const char *fresh_name(const char *stem, char name[96])
{
	snprintf(name, 96, "pizza-test-%s-%d-%d", stem, (int)getpid(), ++serial);
	return name;
}

static const char *fresh_topic(char name[96], int partitions)
{
	struct error err;

	fresh_name("topic", name);
	must(bus_admin_create_topic(admin, name, partitions, 1, NULL, 0, &err), &err);
	snprintf(made[made_count++], sizeof(made[0]), "%s", name);
	return name;
}

struct report {
	int delivered, failed, code;
	int32_t last_partition;
	int64_t last_offset;
};

static void on_delivered(void *arg, void *message_arg, int code, const char *why, int32_t partition,
			 int64_t offset)
{
	struct report *r = arg;

	(void)message_arg;
	(void)why;
	r->delivered += code == 0;
	r->failed += code != 0;
	r->code = code;
	r->last_partition = partition;
	r->last_offset = offset;
}

/* n messages "first", "first + 1", … keyed by number modulo 101. */
static void produce_numbers(const char *topic, int first, int n)
{
	struct report report = {0};
	struct bus_producer *p = NULL;
	struct error err;

	must(bus_producer_new(&options, 10000, on_delivered, &report, &p, &err), &err);
	for (int i = first; i < first + n; i++) {
		char key[16], value[16];

		snprintf(key, sizeof(key), "k%d", i % 101);
		snprintf(value, sizeof(value), "%d", i);
		must(bus_produce(p, topic, key, strlen(key), value, strlen(value), NULL, 0, NULL, &err),
		     &err);
	}
	must(bus_producer_flush(p, 10000, &err), &err);
	assert_int_equal(report.delivered, n);
	assert_int_equal(report.failed, 0);
	assert_int_equal(bus_producer_queued(p), 0);
	assert_true(bus_producer_connected(p));
	bus_producer_free(p);
}

static struct bus_consumer *consumer(const char *group, const char *instance, const char *topic)
{
	const char *const topics[] = {topic};
	struct bus_consumer_options o = {
	    .bus = options, .group = group, .instance = instance, .topics = topics, .topic_count = 1};
	struct bus_consumer *c = NULL;
	struct error err;

	must(bus_consumer_new(&o, &c, &err), &err);
	return c;
}

static int number(const struct bus_message *m)
{
	char text[16];
	size_t n = m->value_len < 15 ? m->value_len : 15;

	memcpy(text, m->value, n);
	text[n] = '\0';
	return atoi(text);
}

/* Takes batches until n messages came, checking that each partition's offsets ascend; commits when told to.
 */
static int take(struct bus_consumer *c, int n, bool commit, bool *seen, int seen_max)
{
	struct bus_batch b = {0};
	struct mono begin = mono_now();
	int64_t last[64];
	struct error err;
	int got = 0;

	memset(last, 0xff, sizeof(last));
	while (got < n && mono_since_ms(begin) < DEADLINE_MS) {
		must(bus_consumer_poll(c, 200, 20, 200, &b, &err), &err);
		for (int i = 0; i < b.count; i++) {
			assert_true(b.messages[i].offset > last[b.messages[i].partition]);
			last[b.messages[i].partition] = b.messages[i].offset;
			if (seen != NULL && number(&b.messages[i]) < seen_max)
				seen[number(&b.messages[i])] = true;
		}
		got += b.count;
		if (commit)
			bus_consumer_commit(c, &b);
	}
	bus_batch_done(&b);
	return got;
}

static int start(void **state)
{
	struct error err;

	(void)state;
	options.bootstrap = getenv("PIZZA_TEST_KAFKA");
	if (bus_admin_new(&options, 10000, &admin, &err) < 0) {
		fprintf(stderr, "%s: %s\n", err.what, err.why);
		return -1;
	}
	return 0;
}

/* Deletes what this run made, also what a failed test left behind. */
static void clean_up(void)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_DeleteTopic_t *doomed[64];
	rd_kafka_t *rk;
	rd_kafka_queue_t *queue;
	rd_kafka_event_t *event;

	rd_kafka_conf_set(conf, "bootstrap.servers", options.bootstrap, NULL, 0);
	rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
	queue = rd_kafka_queue_new(rk);
	for (int i = 0; i < made_count; i++)
		doomed[i] = rd_kafka_DeleteTopic_new(made[i]);
	rd_kafka_DeleteTopics(rk, doomed, (size_t)made_count, NULL, queue);
	event = rd_kafka_queue_poll(queue, 10000);
	if (event != NULL)
		rd_kafka_event_destroy(event);
	rd_kafka_DeleteTopic_destroy_array(doomed, (size_t)made_count);
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(rk);
}

static int stop(void **state)
{
	(void)state;
	bus_admin_free(admin);
	if (made_count > 0)
		clean_up();
	return 0;
}

#endif
