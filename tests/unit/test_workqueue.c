/*
 * The work queue over a table in memory: claims, pushes, the breaker, recording through failures, and
 * stopping.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/service/workqueue.h"

#define ROWS 2000

enum row_state { ROW_NONE, ROW_DUE, ROW_LEASED, ROW_DONE };

struct item {
	int row;
};

/* The table, the provider and what is counted; all under the lock. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum row_state rows[ROWS];
	int calls[ROWS];
	int claims, done, freed, made, records, largest_record, in_flight, most_in_flight;
	int claim_failures, record_failures; /* to come */
	int record_failure;		     /* their code */
	int poison;			     /* a row that can never be recorded; -1: none */
	bool hold_calls;		     /* calls stay in flight */
	bool provider_down;
	struct item *held[ROWS];
	int held_count;
	struct breaker *breaker;
} world = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static struct workqueue *queue;

static int setup(void **state)
{
	(void)state;
	memset(world.rows, 0, sizeof(world.rows));
	memset(world.calls, 0, sizeof(world.calls));
	world.claims = world.done = world.freed = world.made = world.records = world.largest_record = 0;
	world.in_flight = world.most_in_flight = world.claim_failures = world.record_failures = 0;
	world.poison = -1;
	world.hold_calls = world.provider_down = false;
	world.held_count = 0;
	world.breaker = NULL;
	return 0;
}

static struct item *make_item(int row)
{
	struct item *item = xmalloc(sizeof(*item));

	item->row = row;
	world.rows[row] = ROW_LEASED;
	world.made++;
	return item;
}

static int claim(void *arg, int limit, void **items, int *ret_count, struct error *err)
{
	int n = 0, rc = 0;

	(void)arg;
	pthread_mutex_lock(&world.lock);
	world.claims++;
	if (world.claim_failures > 0) {
		world.claim_failures--;
		rc = error_set(err, ERR_UNAVAILABLE, "claim", "the database is away");
	} else {
		for (int i = 0; i < ROWS && n < limit; i++) {
			if (world.rows[i] == ROW_DUE)
				items[n++] = make_item(i);
		}
		*ret_count = n;
	}
	pthread_cond_broadcast(&world.changed);
	pthread_mutex_unlock(&world.lock);
	return rc;
}

static void finish(struct workqueue *q, struct item *item)
{
	bool failed;

	pthread_mutex_lock(&world.lock);
	world.in_flight--;
	failed = world.provider_down;
	pthread_mutex_unlock(&world.lock);
	if (world.breaker != NULL && failed)
		breaker_failure(world.breaker, mono_now());
	else if (world.breaker != NULL)
		breaker_success(world.breaker, mono_now());
	workqueue_finished(q, item);
}

static void start(void *arg, struct workqueue *q, void *p)
{
	struct item *item = p;
	bool held;

	(void)arg;
	pthread_mutex_lock(&world.lock);
	world.calls[item->row]++;
	if (++world.in_flight > world.most_in_flight)
		world.most_in_flight = world.in_flight;
	held = world.hold_calls;
	if (held)
		world.held[world.held_count++] = item;
	pthread_cond_broadcast(&world.changed);
	pthread_mutex_unlock(&world.lock);
	if (!held)
		finish(q, item);
}

static int record(void *arg, void **items, int n, struct error *err)
{
	int rc = 0;

	(void)arg;
	pthread_mutex_lock(&world.lock);
	for (int i = 0; i < n; i++) {
		if (((struct item *)items[i])->row == world.poison)
			rc = error_set(err, ERR_INVALID, "record", "poison");
	}
	if (world.record_failures > 0) {
		world.record_failures--;
		rc = error_set(err, world.record_failure, "record", "not now");
	}
	for (int i = 0; rc == 0 && i < n; i++) {
		struct item *item = items[i];

		world.rows[item->row] = world.provider_down ? ROW_DUE : ROW_DONE;
		world.done += !world.provider_down;
	}
	if (rc == 0) {
		world.records++;
		world.largest_record = n > world.largest_record ? n : world.largest_record;
	}
	pthread_cond_broadcast(&world.changed);
	pthread_mutex_unlock(&world.lock);
	return rc;
}

static void free_item(void *item)
{
	/* May be called under the queue's lock, never under ours. */
	pthread_mutex_lock(&world.lock);
	world.freed++;
	pthread_cond_broadcast(&world.changed);
	pthread_mutex_unlock(&world.lock);
	free(item);
}

static const struct workqueue_ops ops = {claim, start, record, free_item};

static void open_queue(int parallel, struct breaker *breaker)
{
	struct workqueue_options o = {
	    .name = "test", .parallel = parallel, .poll_ms = 60000, .breaker = breaker, .ops = &ops};
	struct error err;

	world.breaker = breaker;
	assert_int_equal(workqueue_new(&o, &queue, &err), 0);
}

/* Waits until *value (under the lock) is at least `want`. */
static void wait_for(const int *value, int want)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 20;
	pthread_mutex_lock(&world.lock);
	while (*value < want)
		assert_int_equal(pthread_cond_timedwait(&world.changed, &world.lock, &until), 0);
	pthread_mutex_unlock(&world.lock);
}

static void make_due(int from, int to)
{
	pthread_mutex_lock(&world.lock);
	for (int i = from; i < to; i++)
		world.rows[i] = ROW_DUE;
	pthread_mutex_unlock(&world.lock);
}

/* Ends the calls that are held; later ones end by themselves. */
static void release_held(void)
{
	struct item *held[ROWS];
	int n;

	pthread_mutex_lock(&world.lock);
	world.hold_calls = false;
	n = world.held_count;
	memcpy(held, world.held, (size_t)n * sizeof(struct item *));
	world.held_count = 0;
	pthread_mutex_unlock(&world.lock);
	for (int i = 0; i < n; i++)
		finish(queue, held[i]);
}

static void *release_thread(void *arg)
{
	release_held();
	return arg;
}

static void check_all_once(int rows)
{
	for (int i = 0; i < rows; i++)
		assert_int_equal(world.calls[i], 1);
	assert_int_equal(world.made, world.freed);
}

static void test_claims_all(void **state)
{
	(void)state;
	make_due(0, 1000);
	open_queue(16, NULL);
	wait_for(&world.done, 1000);
	make_due(1000, ROWS);
	workqueue_wake(queue);
	wait_for(&world.done, ROWS);
	workqueue_free(queue, 1000);
	assert_in_range(world.most_in_flight, 1, 16);
	check_all_once(ROWS);
}

static void test_wake_during_idle(void **state)
{
	(void)state;
	open_queue(4, NULL);
	wait_for(&world.claims, 1);
	for (int i = 0; i < 50; i++) {
		make_due(i, i + 1);
		workqueue_wake(queue);
		wait_for(&world.done, i + 1);
	}
	workqueue_free(queue, 1000);
	check_all_once(50);
}

static void test_push(void **state)
{
	void *items[300];

	(void)state;
	open_queue(8, NULL);
	wait_for(&world.claims, 1);
	pthread_mutex_lock(&world.lock);
	for (int i = 0; i < 300; i++)
		items[i] = make_item(i);
	pthread_mutex_unlock(&world.lock);
	assert_int_equal(workqueue_push(queue, items, 300), 300);
	wait_for(&world.done, 300);
	workqueue_free(queue, 1000);
	assert_in_range(world.most_in_flight, 1, 8);
	assert_int_equal(world.claims, 1);
	check_all_once(300);
}

/* What falls due while all places are taken is claimed when one is free again, though nobody wakes the queue.
 */
static void test_due_while_full(void **state)
{
	struct workqueue_options o = {.name = "test", .parallel = 1, .poll_ms = 10, .ops = &ops};
	struct timespec several_polls = {.tv_nsec = 100000000};
	struct error err;
	void *item;

	(void)state;
	world.hold_calls = true;
	assert_int_equal(workqueue_new(&o, &queue, &err), 0);
	wait_for(&world.claims, 1);
	pthread_mutex_lock(&world.lock);
	item = make_item(0);
	pthread_mutex_unlock(&world.lock);
	assert_int_equal(workqueue_push(queue, &item, 1), 1);
	wait_for(&world.held_count, 1);
	nanosleep(&several_polls, NULL);
	make_due(1, 2);
	release_held();
	wait_for(&world.done, 2);
	workqueue_free(queue, 1000);
	check_all_once(2);
}

static void test_parallel_and_groups(void **state)
{
	(void)state;
	world.hold_calls = true;
	make_due(0, 100);
	open_queue(64, NULL);
	wait_for(&world.held_count, 64);
	assert_int_equal(workqueue_in_flight(queue), 64);
	release_held();
	wait_for(&world.done, 100);
	workqueue_free(queue, 1000);
	assert_true(world.largest_record > 1);
	check_all_once(100);
}

static void test_push_overflow_is_freed(void **state)
{
	enum { PUSHED = 5000 };
	AUTO_FREE void **items = xcalloc(PUSHED, sizeof(*items));

	(void)state;
	world.hold_calls = true;
	open_queue(1, NULL);
	wait_for(&world.claims, 1);
	pthread_mutex_lock(&world.lock);
	for (int i = 0; i < PUSHED; i++)
		items[i] = make_item(i % ROWS);
	pthread_mutex_unlock(&world.lock);
	assert_in_range(workqueue_push(queue, items, PUSHED), 4096, 4097);
	wait_for(&world.held_count, 1);
	assert_true(world.freed >= PUSHED - 4097);
	release_held();
	workqueue_free(queue, 1000);
	assert_int_equal(world.freed, PUSHED);
}

static void test_late_push_is_freed(void **state)
{
	struct workqueue_options o = {
	    .name = "test", .parallel = 1, .poll_ms = 60000, .hold_ms = 20, .ops = &ops};
	struct error err;
	void *items[3];

	(void)state;
	world.hold_calls = true;
	assert_int_equal(workqueue_new(&o, &queue, &err), 0);
	pthread_mutex_lock(&world.lock);
	for (int i = 0; i < 3; i++)
		items[i] = make_item(i);
	pthread_mutex_unlock(&world.lock);
	assert_int_equal(workqueue_push(queue, items, 3), 3);
	wait_for(&world.freed, 2);
	release_held();
	workqueue_free(queue, 1000);
	assert_int_equal(world.freed, 3);
}

static void test_breaker_stops_and_probes(void **state)
{
	struct breaker breaker;

	(void)state;
	breaker_init(&breaker, 5, 100);
	world.provider_down = true;
	make_due(0, 200);
	open_queue(8, &breaker);
	/* The rows become due again each time, and yet only a few calls go out. */
	wait_for(&world.claims, 3);
	pthread_mutex_lock(&world.lock);
	world.provider_down = false;
	pthread_mutex_unlock(&world.lock);
	wait_for(&world.done, 200);
	workqueue_free(queue, 1000);
	assert_int_equal(breaker_state(&breaker, mono_now()), BREAKER_CLOSED);
	assert_int_equal(world.made, world.freed);
	breaker_done(&breaker);
}

static void test_open_breaker_claims_nothing(void **state)
{
	struct breaker breaker;

	(void)state;
	breaker_init(&breaker, 1, 60000);
	breaker_failure(&breaker, mono_now());
	make_due(0, 10);
	open_queue(8, &breaker);
	workqueue_wake(queue);
	workqueue_free(queue, 0);
	assert_int_equal(world.claims, 0);
	assert_int_equal(world.calls[0], 0);
	breaker_done(&breaker);
}

static void test_claim_failures(void **state)
{
	(void)state;
	world.claim_failures = 2;
	make_due(0, 10);
	open_queue(8, NULL);
	wait_for(&world.done, 10);
	workqueue_free(queue, 1000);
	assert_in_range(world.claims, 3, 5);
	check_all_once(10);
}

static void test_record_is_repeated(void **state)
{
	static const int codes[] = {ERR_UNAVAILABLE, ERR_UNKNOWN};

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		setup(state);
		world.record_failures = 3;
		world.record_failure = codes[i];
		make_due(0, 10);
		open_queue(8, NULL);
		wait_for(&world.done, 10);
		workqueue_free(queue, 1000);
		check_all_once(10);
	}
}

static void test_poison_spares_its_neighbours(void **state)
{
	(void)state;
	world.poison = 5;
	make_due(0, 10);
	open_queue(10, NULL);
	wait_for(&world.done, 9);
	workqueue_free(queue, 20000);
	assert_int_equal(world.rows[5], ROW_LEASED);
	check_all_once(10);
}

static void test_stop_records_what_runs(void **state)
{
	pthread_t releaser;

	(void)state;
	world.hold_calls = true;
	make_due(0, 10);
	open_queue(4, NULL);
	wait_for(&world.held_count, 4);
	assert_int_equal(pthread_create(&releaser, NULL, release_thread, NULL), 0);
	workqueue_free(queue, 10000);
	pthread_join(releaser, NULL);
	assert_true(world.done >= 4);
	assert_int_equal(world.made, world.freed);
}

static void test_stop_while_database_is_away(void **state)
{
	(void)state;
	world.record_failures = 1000000;
	world.record_failure = ERR_UNAVAILABLE;
	make_due(0, 3);
	open_queue(4, NULL);
	wait_for(&world.calls[2], 1);
	workqueue_free(queue, 50);
	assert_int_equal(world.done, 0);
	check_all_once(3);
}

static void test_late_calls_after_stop(void **state)
{
	(void)state;
	world.hold_calls = true;
	make_due(0, 4);
	open_queue(4, NULL);
	wait_for(&world.held_count, 4);
	workqueue_free(queue, 0);
	assert_int_equal(world.freed, 0);
	release_held();
	assert_int_equal(world.freed, 4);
	assert_int_equal(world.done, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_claims_all, setup),
	    cmocka_unit_test_setup(test_wake_during_idle, setup),
	    cmocka_unit_test_setup(test_push, setup),
	    cmocka_unit_test_setup(test_due_while_full, setup),
	    cmocka_unit_test_setup(test_parallel_and_groups, setup),
	    cmocka_unit_test_setup(test_push_overflow_is_freed, setup),
	    cmocka_unit_test_setup(test_late_push_is_freed, setup),
	    cmocka_unit_test_setup(test_breaker_stops_and_probes, setup),
	    cmocka_unit_test_setup(test_open_breaker_claims_nothing, setup),
	    cmocka_unit_test_setup(test_claim_failures, setup),
	    cmocka_unit_test_setup(test_record_is_repeated, setup),
	    cmocka_unit_test_setup(test_poison_spares_its_neighbours, setup),
	    cmocka_unit_test_setup(test_stop_records_what_runs, setup),
	    cmocka_unit_test_setup(test_stop_while_database_is_away, setup),
	    cmocka_unit_test_setup(test_late_calls_after_stop, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
