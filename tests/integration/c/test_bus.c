/*
 * core/bus against Kafka: PIZZA_TEST_KAFKA="127.0.0.1:5092".  Uses topics and groups of its own names.
 * Without the variable nothing is tested and the program says so.
 */
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

static int count_true(const bool *seen, int n)
{
	int count = 0;

	for (int i = 0; i < n; i++)
		count += seen[i];
	return count;
}

/* --- producer and consumer --- */

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

/* --- reader --- */

static void the_reader_sees_all_and_then_what_is_new(void **state)
{
	enum { N = 1000 };
	char topic[96];
	struct bus_batch b = {0};
	struct bus_reader *r = NULL;
	struct mono begin = mono_now();
	struct error err;
	bool at_end = false;
	int got = 0;

	(void)state;
	produce_numbers(fresh_topic(topic, 4), 0, N);
	must(bus_reader_new(&options, topic, &r, &err), &err);
	while (!at_end && mono_since_ms(begin) < DEADLINE_MS) {
		must(bus_reader_poll(r, 100, 500, &b, &at_end, &err), &err);
		assert_true(b.count <= 100);
		got += b.count;
	}
	assert_true(at_end);
	assert_int_equal(got, N);
	produce_numbers(topic, N, 10);
	while (got < N + 10 && mono_since_ms(begin) < DEADLINE_MS) {
		must(bus_reader_poll(r, 100, 500, &b, &at_end, &err), &err);
		assert_true(at_end);
		got += b.count;
	}
	assert_int_equal(got, N + 10);
	bus_batch_done(&b);
	bus_reader_free(r);
}

static void the_reader_of_an_empty_topic_is_at_the_end(void **state)
{
	char topic[96], absent[96];
	struct bus_batch b = {0};
	struct bus_reader *r = NULL;
	struct mono begin = mono_now();
	struct error err;
	bool at_end = false;

	(void)state;
	must(bus_reader_new(&options, fresh_topic(topic, 12), &r, &err), &err);
	while (!at_end && mono_since_ms(begin) < DEADLINE_MS)
		must(bus_reader_poll(r, 100, 500, &b, &at_end, &err), &err);
	assert_true(at_end);
	assert_int_equal(b.count, 0);
	bus_batch_done(&b);
	bus_reader_free(r);
	assert_int_equal(bus_reader_new(&options, fresh_name("absent", absent), &r, &err), ERR_NOT_FOUND);
}

/* --- administration --- */

static void topics_are_created_once_and_listed(void **state)
{
	const struct bus_topic_config config[] = {{"cleanup.policy", "compact"}};
	const struct bus_topic_config wrong[] = {{"no.such.key", "1"}};
	struct bus_partition_info *list;
	const char *names[1];
	char topic[96], other[96];
	struct error err;
	int n = 0;

	(void)state;
	must(bus_admin_ping(admin, &err), &err);
	names[0] = fresh_name("topic", topic);
	must(bus_admin_create_topic(admin, topic, 3, -1, config, 1, &err), &err);
	snprintf(made[made_count++], sizeof(made[0]), "%s", topic);
	must(bus_admin_create_topic(admin, topic, 3, -1, config, 1, &err), &err);
	assert_int_equal(bus_admin_create_topic(admin, fresh_name("t", other), 1, -1, wrong, 1, &err),
			 ERR_INVALID);
	produce_numbers(topic, 0, 50);
	must(bus_admin_partitions(admin, names, 1, true, &list, &n, &err), &err);
	assert_int_equal(n, 3);
	for (int i = 0; i < 3; i++) {
		assert_string_equal(list[i].topic, topic);
		assert_int_equal(list[i].partition, i);
		assert_true(list[i].leader >= 0);
		assert_int_equal(list[i].begin, 0);
	}
	assert_int_equal(list[0].end + list[1].end + list[2].end, 50);
	bus_partitions_free(list, n);
	must(bus_admin_partitions(admin, NULL, 0, false, &list, &n, &err), &err);
	for (int i = 0; i < n; i++)
		assert_true(strncmp(list[i].topic, "__", 2) != 0);
	bus_partitions_free(list, n);
}

static int64_t total_lag(const char *group, enum bus_lag_state state, bool seconds, int *ret_rows,
			 double *ret_age)
{
	const char *const groups[] = {group};
	struct bus_lag *lag;
	struct error err;
	int64_t sum = 0;
	int n = 0;

	must(bus_admin_lag(admin, groups, 1, seconds, &lag, &n, &err), &err);
	for (int i = 0; i < n; i++) {
		assert_string_equal(lag[i].group, group);
		assert_int_equal(lag[i].state, state);
		sum += lag[i].lag;
		if (ret_age != NULL && lag[i].lag > 0 && lag[i].lag_seconds > *ret_age)
			*ret_age = lag[i].lag_seconds;
		if (lag[i].lag == 0)
			assert_true(lag[i].lag_seconds == 0);
	}
	if (ret_rows != NULL)
		*ret_rows = n;
	bus_lag_free(lag, n);
	return sum;
}

/* The same by a handle beside the group. */
static int64_t own_lag(const char *group, const char *topic, enum bus_lag_state state)
{
	struct bus_admin *beside;
	struct bus_lag *lag;
	struct error err;
	int64_t sum = 0;
	int n = 0;

	must(bus_admin_new_beside(&options, group, 10000, &beside, &err), &err);
	must(bus_admin_own_lag(beside, &topic, 1, &lag, &n, &err), &err);
	for (int i = 0; i < n; i++) {
		assert_string_equal(lag[i].group, group);
		assert_int_equal(lag[i].state, state);
		sum += lag[i].lag;
	}
	bus_lag_free(lag, n);
	bus_admin_free(beside);
	return sum;
}

/* The member of partition 0. */
static void member_of(const char *group, char ret[96])
{
	struct bus_lag *lag;
	struct error err;
	int n = 0;

	must(bus_admin_lag(admin, &group, 1, false, &lag, &n, &err), &err);
	assert_true(n > 0);
	snprintf(ret, 96, "%s", lag[0].member);
	bus_lag_free(lag, n);
}

static void lag_is_counted_and_aged(void **state)
{
	struct bus_group_info *groups;
	char topic[96], group[96], member[96];
	struct bus_consumer *c;
	struct error err;
	double age = -1;
	int rows = 0, n = 0, found = 0;

	(void)state;
	produce_numbers(fresh_topic(topic, 4), 0, 1000);
	c = consumer(fresh_name("group", group), "i-1", topic);
	/* Taken, but not committed. */
	assert_int_equal(take(c, 1000, false, NULL, 0), 1000);
	assert_int_equal(total_lag(group, BUS_LAG_NO_COMMIT, false, &rows, NULL), 1000);
	assert_int_equal(rows, 4);
	assert_int_equal(own_lag(group, topic, BUS_LAG_NO_COMMIT), 1000);
	bus_consumer_free(c);
	c = consumer(group, "i-1", topic);
	assert_int_equal(take(c, 1000, true, NULL, 0), 1000);
	member_of(group, member);
	assert_string_equal(member, "i-1");
	bus_consumer_free(c);
	assert_int_equal(total_lag(group, BUS_LAG_OK, true, NULL, NULL), 0);
	produce_numbers(topic, 0, 100);
	assert_int_equal(total_lag(group, BUS_LAG_OK, true, NULL, &age), 100);
	assert_true(age >= 0 && age < 60);
	assert_int_equal(own_lag(group, topic, BUS_LAG_OK), 100);
	must(bus_admin_groups(admin, &groups, &n, &err), &err);
	for (int i = 0; i < n; i++)
		found += strcmp(groups[i].group, group) == 0 && groups[i].members == 1;
	assert_int_equal(found, 1);
	bus_groups_free(groups, n);
}

static void reset_is_refused_while_the_group_is_active(void **state)
{
	char topic[96], group[96];
	struct bus_consumer *c;
	struct error err;

	(void)state;
	produce_numbers(fresh_topic(topic, 1), 0, 100);
	c = consumer(fresh_name("group", group), "i-1", topic);
	assert_int_equal(take(c, 100, true, NULL, 0), 100);
	assert_int_equal(bus_admin_reset(admin, group, topic, 0, -2, &err), ERR_REFUSED);
	assert_non_null(strstr(err.why, "1 active member"));
	bus_consumer_free(c);
	must(bus_admin_remove_member(admin, group, "i-1", &err), &err);
	must(bus_admin_reset(admin, group, topic, 0, -2, &err), &err);
	assert_int_equal(total_lag(group, BUS_LAG_OK, false, NULL, NULL), 100);
	must(bus_admin_reset(admin, group, topic, 0, 40, &err), &err);
	assert_int_equal(total_lag(group, BUS_LAG_OK, false, NULL, NULL), 60);
	must(bus_admin_reset(admin, group, topic, 0, -1, &err), &err);
	assert_int_equal(total_lag(group, BUS_LAG_OK, false, NULL, NULL), 0);
	assert_int_equal(bus_admin_reset(admin, group, fresh_name("absent", topic), 0, -1, &err),
			 ERR_NOT_FOUND);
}

struct seen {
	int count, first, last, stop_after;
	int64_t time;
	volatile bool *stop;
	const char *grow; /* after the fifth message ten more are produced to this topic */
};

static int on_message(void *arg, const struct bus_message *m)
{
	struct seen *s = arg;

	assert_true(m->timestamp_ms >= s->time);
	s->time = m->timestamp_ms;
	s->last = number(m);
	if (s->grow != NULL && s->count == 4)
		produce_numbers(s->grow, 100, 10);
	if (s->count++ == 0)
		s->first = s->last;
	if (s->count == s->stop_after && s->stop != NULL)
		*s->stop = true;
	return s->stop == NULL && s->count == s->stop_after ? 1 : 0;
}

static void wait_for_the_next_millisecond(int64_t us)
{
	while (clock_wall_us() / 1000 <= us / 1000 + 1)
		usleep(200);
}

static void a_topic_is_read_by_range(void **state)
{
	volatile bool stop = false;
	char topic[96], absent[96];
	struct seen s = {0};
	struct error err;
	int64_t middle;

	(void)state;
	produce_numbers(fresh_topic(topic, 5), 0, 500);
	middle = clock_wall_us();
	wait_for_the_next_millisecond(middle);
	middle = clock_wall_us();
	produce_numbers(topic, 500, 300);
	must(bus_admin_read(admin, topic, -1, -1, false, NULL, NULL, on_message, &s, &err), &err);
	assert_int_equal(s.count, 800);
	s = (struct seen){0};
	must(bus_admin_read(admin, topic, middle, -1, false, NULL, NULL, on_message, &s, &err), &err);
	assert_int_equal(s.count, 300);
	assert_true(s.first >= 500);
	s = (struct seen){0};
	must(bus_admin_read(admin, topic, -1, 10, false, NULL, NULL, on_message, &s, &err), &err);
	assert_int_equal(s.count, 10);
	assert_true(s.first >= 500);
	s = (struct seen){0};
	must(bus_admin_read(admin, topic, -1, 0, false, NULL, NULL, on_message, &s, &err), &err);
	assert_int_equal(s.count, 0);
	s = (struct seen){.stop_after = 3};
	must(bus_admin_read(admin, topic, -1, -1, false, NULL, NULL, on_message, &s, &err), &err);
	assert_int_equal(s.count, 3);
	s = (struct seen){.stop_after = 20, .stop = &stop};
	must(bus_admin_read(admin, topic, -1, 20, true, NULL, &stop, on_message, &s, &err), &err);
	assert_int_equal(s.count, 20);
	must(bus_admin_read(admin, topic, clock_wall_us() + 1000000, -1, false, NULL, NULL, on_message, &s,
			    &err),
	     &err);
	assert_int_equal(s.count, 20);
	assert_int_equal(bus_admin_read(admin, fresh_name("absent", absent), -1, -1, false, NULL, NULL,
					on_message, &s, &err),
			 ERR_NOT_FOUND);
}

static void following_sees_what_comes_later(void **state)
{
	char topic[96];
	struct seen s = {.stop_after = 15, .grow = topic};
	struct error err;

	(void)state;
	produce_numbers(fresh_topic(topic, 3), 0, 100);
	must(bus_admin_read(admin, topic, -1, 5, true, NULL, NULL, on_message, &s, &err), &err);
	assert_int_equal(s.count, 15);
	assert_true(s.first < 100);
	assert_true(s.last >= 100);
}

/* Commits 0 for every partition of a topic, so that a group has that many rows of lag. */
static void commit_everywhere(const char *group, const char *topic)
{
	struct bus_consumer *c = consumer(group, "i-1", topic);
	struct error err;

	take(c, 4000, true, NULL, 0);
	bus_consumer_free(c);
	must(bus_admin_remove_member(admin, group, "i-1", &err), &err);
}

static void lag_of_2000_partitions_is_quick(void **state)
{
	char topic[96], group[96];
	struct bus_admin *fresh;
	struct bus_lag *lag;
	struct mono begin;
	const char *groups[1];
	struct error err;
	int n = 0;

	(void)state;
	/* More partitions than the other tests want: only when asked for. */
	if (getenv("PIZZA_TEST_KAFKA_MANY") == NULL)
		skip();
	fresh_topic(topic, 2000);
	groups[0] = fresh_name("group", group);
	commit_everywhere(group, topic);
	for (int i = 0; i < 2000; i++)
		must(bus_admin_reset(admin, group, topic, i, 0, &err), &err);
	for (int i = 0; i < 3; i++) {
		begin = mono_now();
		must(bus_admin_new(&options, 10000, &fresh, &err), &err);
		must(bus_admin_lag(fresh, groups, 1, false, &lag, &n, &err), &err);
		bus_admin_free(fresh);
		fprintf(stderr, "lag of %d partitions: %lld ms with connecting and closing\n", n,
			(long long)mono_since_ms(begin));
		assert_int_equal(n, 2000);
		bus_lag_free(lag, n);
	}
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
	    cmocka_unit_test(the_reader_sees_all_and_then_what_is_new),
	    cmocka_unit_test(the_reader_of_an_empty_topic_is_at_the_end),
	    cmocka_unit_test(topics_are_created_once_and_listed),
	    cmocka_unit_test(lag_is_counted_and_aged),
	    cmocka_unit_test(reset_is_refused_while_the_group_is_active),
	    cmocka_unit_test(a_topic_is_read_by_range),
	    cmocka_unit_test(following_sees_what_comes_later),
	    cmocka_unit_test(lag_of_2000_partitions_is_quick),
	};

	if (getenv("PIZZA_TEST_KAFKA") == NULL) {
		fprintf(stderr, "test_bus: skipped: PIZZA_TEST_KAFKA is not set\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, start, stop);
}
