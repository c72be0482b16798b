/*
 * Group execution: everything once, groups up to the limit, bounded queues, stopping.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/service/group.h"

#define ITEMS 100000

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int done, runs, largest, running;
	bool blocked; /* runs wait until it is false */
	atomic_int seen[ITEMS];
} world = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static int setup(void **state)
{
	(void)state;
	world.done = world.runs = world.largest = world.running = 0;
	world.blocked = false;
	memset(world.seen, 0, sizeof(world.seen));
	return 0;
}

static void run(void *arg, int worker, void **items, int n)
{
	assert_ptr_equal(arg, &world);
	assert_in_range(worker, 0, 3);
	assert_in_range(n, 1, 64);
	for (int i = 0; i < n; i++)
		atomic_fetch_add((atomic_int *)items[i], 1);
	pthread_mutex_lock(&world.lock);
	world.running++;
	pthread_cond_broadcast(&world.changed);
	while (world.blocked)
		pthread_cond_wait(&world.changed, &world.lock);
	world.running--;
	world.runs++;
	world.done += n;
	world.largest = n > world.largest ? n : world.largest;
	pthread_cond_broadcast(&world.changed);
	pthread_mutex_unlock(&world.lock);
}

static void set_blocked(bool blocked)
{
	pthread_mutex_lock(&world.lock);
	world.blocked = blocked;
	pthread_cond_broadcast(&world.changed);
	pthread_mutex_unlock(&world.lock);
}

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

static struct group *open_group(int workers)
{
	struct group *g;
	struct error err;

	assert_int_equal(group_new(workers, 64, run, &world, &g, &err), 0);
	return g;
}

static void check_once(int from, int to)
{
	for (int i = from; i < to; i++)
		assert_int_equal(atomic_load(&world.seen[i]), 1);
}

static void test_one_by_one(void **state)
{
	struct group *g = open_group(2);

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_true(group_add(g, &world.seen[i], 1000));
		wait_for(&world.done, i + 1);
	}
	group_free(g);
	check_once(0, 100);
	assert_int_equal(world.runs, 100);
}

static void test_groups_form_under_load(void **state)
{
	struct group *g = open_group(1);

	(void)state;
	set_blocked(true);
	assert_true(group_add(g, &world.seen[0], 10000));
	wait_for(&world.running, 1);
	for (int i = 1; i < 1000; i++)
		assert_true(group_add(g, &world.seen[i], 10000));
	set_blocked(false);
	wait_for(&world.done, 1000);
	group_free(g);
	check_once(0, 1000);
	assert_int_equal(world.largest, 64);
	assert_int_equal(world.runs, 1 + (999 + 63) / 64);
}

static void test_queue_is_bounded(void **state)
{
	struct group *g = open_group(1);

	(void)state;
	set_blocked(true);
	assert_true(group_add(g, &world.seen[0], 10));
	wait_for(&world.running, 1);
	for (int i = 1; i <= 10; i++)
		assert_true(group_add(g, &world.seen[i], 10));
	assert_false(group_add(g, &world.seen[11], 10));
	set_blocked(false);
	group_free(g);
	check_once(0, 11);
	assert_int_equal(atomic_load(&world.seen[11]), 0);
}

static void test_free_does_what_waits(void **state)
{
	struct group *g = open_group(3);

	(void)state;
	for (int i = 0; i < 5000; i++)
		assert_true(group_add(g, &world.seen[i], 10000));
	group_free(g);
	check_once(0, 5000);
	group_free(NULL);
}

struct adder {
	pthread_t thread;
	struct group *group;
	int from, to;
};

static void *add_range(void *arg)
{
	struct adder *a = arg;

	for (int i = a->from; i < a->to; i++) {
		if (!group_add(a->group, &world.seen[i], ITEMS))
			return arg;
	}
	return NULL;
}

static void test_many_adders(void **state)
{
	struct group *g = open_group(4);
	struct adder adders[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		adders[i] = (struct adder){.group = g, .from = i * ITEMS / 4, .to = (i + 1) * ITEMS / 4};
		assert_int_equal(pthread_create(&adders[i].thread, NULL, add_range, &adders[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		void *failed;

		pthread_join(adders[i].thread, &failed);
		assert_null(failed);
	}
	group_free(g);
	check_once(0, ITEMS);
	assert_int_equal(world.done, ITEMS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_one_by_one, setup),
	    cmocka_unit_test_setup(test_groups_form_under_load, setup),
	    cmocka_unit_test_setup(test_queue_is_bounded, setup),
	    cmocka_unit_test_setup(test_free_does_what_waits, setup),
	    cmocka_unit_test_setup(test_many_adders, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
