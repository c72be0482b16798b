/*
 * core/bus against Kafka: readers, topics, groups and lag.
 * Without PIZZA_TEST_KAFKA nothing is tested and the program says so.
 */
#include "tests/integration/c/bus_fixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		fprintf(stderr, "test_bus_admin: skipped: PIZZA_TEST_KAFKA is not set\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, start, stop);
}
