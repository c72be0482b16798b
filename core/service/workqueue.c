/*
 * The work queue: a claimer, a starter and a recorder around one lock.
 *
 * An item is in one place at a time: ready (claimed or pushed, not started), in flight, finished, or with the
 * recorder; the queue owns it in all of them.  A ready item that cannot be started within hold_ms is freed,
 * because its lease may run out and another replica then claims the row.
 */
#include "core/service/workqueue.h"

#include <pthread.h>
#include <string.h>

#include "core/base/cond.h"
#include "core/base/crash.h"
#include "core/base/log.h"
#include "core/base/mem.h"

#define LINGER_MS    3 /* for a group of outcomes to form */
#define GATHER_MS    5 /* for a few calls to end before the next claim */
#define RECORD_MAX   500
#define READY_FACTOR 64 /* pushed items that may wait, times `parallel` */
#define READY_MIN    4096
#define RECORD_TRIES 3
#define HOLD_MS	     5000

static const struct backoff claim_backoff = {100, 5000};
static const struct backoff record_backoff = {50, 2000};

struct ready_item {
	void *item;
	struct mono until; /* freed if not started by then */
};

struct workqueue {
	struct workqueue_options o;
	pthread_mutex_t lock;
	pthread_cond_t claim_wake, start_wake, record_wake, quiet;
	pthread_t claimer, starter, recorder;

	struct ready_item *ready; /* a ring */
	int ready_cap, ready_head, ready_len;
	int in_flight;
	void **finished;
	int finished_len, finished_cap;
	int recording;

	bool due;	/* there may be rows to claim */
	bool stopping;	/* claims and starts end */
	bool closing;	/* the recorder ends once nothing is finished */
	bool giving_up; /* … and does not repeat what fails */
	bool orphaned;	/* freed by the last call that ends */
};

/* --- waiting; all under the lock --- */

static void wait_until(struct workqueue *q, pthread_cond_t *cond, struct mono until)
{
	(void)cond_wait_until(cond, &q->lock, until);
}

static void wait_ms(struct workqueue *q, pthread_cond_t *cond, int64_t ms)
{
	wait_until(q, cond, mono_add_ms(mono_now(), ms));
}

static bool is_quiet(const struct workqueue *q)
{
	return q->in_flight == 0 && q->finished_len == 0 && q->recording == 0;
}

/* --- the ring of ready items; all under the lock --- */

static int ready_max(const struct workqueue *q)
{
	int max = q->o.parallel * READY_FACTOR;

	return max > READY_MIN ? max : READY_MIN;
}

static void grow_ready(struct workqueue *q)
{
	int cap = q->ready_cap > 0 ? q->ready_cap * 2 : 64;
	struct ready_item *ring = xreallocarray(NULL, (size_t)cap, sizeof(*ring));

	for (int i = 0; i < q->ready_len; i++)
		ring[i] = q->ready[(q->ready_head + i) % q->ready_cap];
	free(q->ready);
	q->ready = ring;
	q->ready_cap = cap;
	q->ready_head = 0;
}

static void add_ready(struct workqueue *q, void *item, struct mono until)
{
	if (q->ready_len == q->ready_cap)
		grow_ready(q);
	q->ready[(q->ready_head + q->ready_len++) % q->ready_cap] = (struct ready_item){item, until};
}

static void *take_ready(struct workqueue *q)
{
	void *item = q->ready[q->ready_head].item;

	q->ready_head = (q->ready_head + 1) % q->ready_cap;
	q->ready_len--;
	return item;
}

static void add_ready_items(struct workqueue *q, void **items, int n)
{
	struct mono until = mono_add_ms(mono_now(), q->o.hold_ms);

	for (int i = 0; i < n; i++)
		add_ready(q, items[i], until);
	if (n > 0)
		pthread_cond_signal(&q->start_wake);
}

static void drop_late(struct workqueue *q)
{
	struct mono now = mono_now();

	while (q->ready_len > 0 && q->ready[q->ready_head].until.ns <= now.ns)
		q->o.ops->free_item(take_ready(q));
}

/* --- the claimer --- */

/* How many rows may be claimed now; when none, *ret_wait_ms is the time after which to ask again, or -1. */
static int claim_room(struct workqueue *q, int64_t *ret_wait_ms)
{
	int room = q->o.parallel - q->in_flight - q->ready_len;
	struct mono now = mono_now();

	*ret_wait_ms = -1;
	if (q->o.breaker != NULL) {
		int64_t closed_ms = breaker_wait_ms(q->o.breaker, now);

		if (closed_ms > 0) {
			*ret_wait_ms = closed_ms;
			return 0;
		}
		if (breaker_state(q->o.breaker, now) == BREAKER_HALF_OPEN)
			return q->ready_len == 0 ? 1 : 0;
	}
	return room > 0 ? room : 0;
}

/* Waits until there is reason and room to claim; the limit, or 0 when stopping. */
static int wait_to_claim(struct workqueue *q, struct mono next_poll)
{
	bool gathered = false;

	while (!q->stopping) {
		int64_t again_ms;
		int room = claim_room(q, &again_ms);

		if (!q->due && mono_left_ms(next_poll) > 0) {
			wait_until(q, &q->claim_wake, next_poll);
			continue;
		}
		q->due = true; /* whoever makes room looks at that */
		if (room == 0 && again_ms < 0)
			pthread_cond_wait(&q->claim_wake, &q->lock);
		else if (room == 0)
			wait_ms(q, &q->claim_wake, again_ms);
		else if (room < q->o.parallel / 4 && !gathered) {
			gathered = true;
			wait_ms(q, &q->claim_wake, GATHER_MS);
		} else
			return room;
	}
	return 0;
}

/* Without the lock.  True when rows were claimed or there were none; *failures counts in a row. */
static bool claim(struct workqueue *q, int limit, void **items, int *ret_count, int *failures)
{
	struct error err = {0};

	*ret_count = 0;
	if (q->o.ops->claim(q->o.arg, limit, items, ret_count, &err) == 0) {
		if (*failures > 0)
			log_info("%s: claiming works again", q->o.name);
		*failures = 0;
		return true;
	}
	if ((*failures)++ == 0)
		log_err(LOG_WARN, &err, "%s: cannot claim work", q->o.name);
	*ret_count = 0;
	return false;
}

static void *claim_loop(void *arg)
{
	struct workqueue *q = arg;
	AUTO_FREE void **items = xreallocarray(NULL, (size_t)q->o.parallel, sizeof(*items));
	struct mono next_poll = mono_now();
	int failures = 0, limit, n;

	pthread_mutex_lock(&q->lock);
	while ((limit = wait_to_claim(q, next_poll)) > 0) {
		bool ok;

		q->due = false;
		pthread_mutex_unlock(&q->lock);
		ok = claim(q, limit, items, &n, &failures);
		pthread_mutex_lock(&q->lock);
		add_ready_items(q, items, n);
		next_poll = mono_add_ms(mono_now(), q->o.poll_ms);
		if (!ok && !q->stopping) {
			struct mono until = mono_add_ms(mono_now(), backoff_ms(&claim_backoff, failures));

			while (!q->stopping && mono_left_ms(until) > 0)
				wait_until(q, &q->claim_wake, until);
		}
		if (!ok || n == limit)
			q->due = true;
	}
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

/* --- the starter --- */

/* Waits until the first ready item may be started, and takes it; NULL when stopping. */
static void *wait_to_start(struct workqueue *q)
{
	while (!q->stopping) {
		drop_late(q);
		if (q->ready_len == 0) {
			if (q->due)
				pthread_cond_signal(&q->claim_wake);
			pthread_cond_wait(&q->start_wake, &q->lock);
		} else if (q->in_flight >= q->o.parallel) {
			wait_until(q, &q->start_wake, q->ready[q->ready_head].until);
		} else if (q->o.breaker != NULL && !breaker_allow(q->o.breaker, mono_now())) {
			struct mono until =
			    mono_add_ms(mono_now(), breaker_wait_ms(q->o.breaker, mono_now()));
			struct mono late = q->ready[q->ready_head].until;

			wait_until(q, &q->start_wake, until.ns < late.ns ? until : late);
		} else {
			q->in_flight++;
			return take_ready(q);
		}
	}
	return NULL;
}

static void *start_loop(void *arg)
{
	struct workqueue *q = arg;
	void *item;

	pthread_mutex_lock(&q->lock);
	while ((item = wait_to_start(q)) != NULL) {
		pthread_mutex_unlock(&q->lock);
		q->o.ops->start(q->o.arg, q, item);
		pthread_mutex_lock(&q->lock);
	}
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

/* --- the recorder --- */

static bool must_repeat(int rc)
{
	return rc == ERR_UNKNOWN || error_class(rc) == CLASS_DEPENDENCY;
}

/* Pauses before the next try; false when there shall be none. */
static bool pause_recorder(struct workqueue *q, int attempt)
{
	struct mono until = mono_add_ms(mono_now(), backoff_ms(&record_backoff, attempt));
	bool go_on;

	pthread_mutex_lock(&q->lock);
	while (!q->giving_up && mono_left_ms(until) > 0)
		wait_until(q, &q->record_wake, until);
	go_on = !q->giving_up;
	pthread_mutex_unlock(&q->lock);
	return go_on;
}

/* Without the lock.  0 when recorded; else the failure that stands. */
static int try_record(struct workqueue *q, void **items, int n)
{
	struct error err = {0};
	int attempt = 0, others = 0, rc;

	CRASH_POINT("work-done");
	while ((rc = q->o.ops->record(q->o.arg, items, n, &err)) != 0) {
		if (attempt++ == 0)
			log_err(LOG_WARN, &err, "%s: cannot record %d outcomes", q->o.name, n);
		if (!must_repeat(rc) && ++others >= RECORD_TRIES)
			return rc;
		if (!pause_recorder(q, attempt))
			return rc;
	}
	CRASH_POINT("work-recorded");
	if (attempt > 0)
		log_info("%s: %d outcomes recorded after %d failures", q->o.name, n, attempt);
	return 0;
}

static void record(struct workqueue *q, void **items, int n)
{
	int rc = try_record(q, items, n);

	if (rc != 0 && !must_repeat(rc) && n > 1) {
		for (int i = 0; i < n; i++)
			record(q, &items[i], 1);
		return;
	}
	if (rc != 0)
		log_error("%s: %d outcomes are not recorded; the work is done again when its lease ends",
			  q->o.name, n);
	for (int i = 0; i < n; i++)
		q->o.ops->free_item(items[i]);
}

/* Under the lock: waits for outcomes and takes up to RECORD_MAX; 0 when closing and there are none. */
static int take_finished(struct workqueue *q, void **items)
{
	int n;

	while (q->finished_len == 0 && !q->closing)
		pthread_cond_wait(&q->record_wake, &q->lock);
	if (q->finished_len > 0 && q->in_flight > 0 && !q->closing) {
		struct mono until = mono_add_ms(mono_now(), q->o.linger_ms);

		while (q->finished_len < RECORD_MAX && q->in_flight > 0 && !q->closing &&
		       mono_left_ms(until) > 0)
			wait_until(q, &q->record_wake, until);
	}
	n = q->finished_len < RECORD_MAX ? q->finished_len : RECORD_MAX;
	memcpy(items, q->finished, (size_t)n * sizeof(*items));
	q->finished_len -= n;
	memmove(q->finished, q->finished + n, (size_t)q->finished_len * sizeof(*items));
	q->recording = n;
	return n;
}

static void *record_loop(void *arg)
{
	struct workqueue *q = arg;
	AUTO_FREE void **items = xreallocarray(NULL, RECORD_MAX, sizeof(*items));
	int n;

	pthread_mutex_lock(&q->lock);
	while ((n = take_finished(q, items)) > 0) {
		pthread_mutex_unlock(&q->lock);
		record(q, items, n);
		pthread_mutex_lock(&q->lock);
		q->recording = 0;
		if (is_quiet(q))
			pthread_cond_broadcast(&q->quiet);
	}
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

/* --- for the owner --- */

static void init_locks(struct workqueue *q)
{
	pthread_cond_t *const conds[] = {&q->claim_wake, &q->start_wake, &q->record_wake, &q->quiet};

	pthread_mutex_init(&q->lock, NULL);
	for (size_t i = 0; i < ARRAY_LEN(conds); i++)
		cond_init(conds[i]);
}

static void destroy(struct workqueue *q)
{
	pthread_cond_t *const conds[] = {&q->claim_wake, &q->start_wake, &q->record_wake, &q->quiet};

	for (size_t i = 0; i < ARRAY_LEN(conds); i++)
		pthread_cond_destroy(conds[i]);
	pthread_mutex_destroy(&q->lock);
	free(q->finished);
	free(q->ready);
	free(q);
}

int workqueue_new(const struct workqueue_options *options, struct workqueue **ret, struct error *err)
{
	struct workqueue *q = xcalloc(1, sizeof(*q));

	(void)err;
	q->o = *options;
	if (q->o.parallel < 1)
		q->o.parallel = 1;
	if (q->o.linger_ms == 0)
		q->o.linger_ms = LINGER_MS;
	if (q->o.hold_ms == 0)
		q->o.hold_ms = HOLD_MS;
	q->due = true;
	q->finished_cap = RECORD_MAX;
	q->finished = xreallocarray(NULL, (size_t)q->finished_cap, sizeof(*q->finished));
	init_locks(q);
	if (pthread_create(&q->recorder, NULL, record_loop, q) != 0 ||
	    pthread_create(&q->starter, NULL, start_loop, q) != 0 ||
	    pthread_create(&q->claimer, NULL, claim_loop, q) != 0)
		abort();
	*ret = q;
	return 0;
}

void workqueue_wake(struct workqueue *q)
{
	pthread_mutex_lock(&q->lock);
	if (!q->due)
		pthread_cond_signal(&q->claim_wake);
	q->due = true;
	pthread_mutex_unlock(&q->lock);
}

int workqueue_push(struct workqueue *q, void **items, int n)
{
	int taken;

	pthread_mutex_lock(&q->lock);
	taken = q->stopping ? 0 : ready_max(q) - q->ready_len;
	if (taken > n)
		taken = n;
	if (taken < 0)
		taken = 0;
	add_ready_items(q, items, taken);
	pthread_mutex_unlock(&q->lock);
	for (int i = taken; i < n; i++)
		q->o.ops->free_item(items[i]);
	return taken;
}

static void add_finished(struct workqueue *q, void *item)
{
	if (q->finished_len == q->finished_cap) {
		q->finished_cap *= 2;
		q->finished = xreallocarray(q->finished, (size_t)q->finished_cap, sizeof(*q->finished));
	}
	q->finished[q->finished_len++] = item;
	if (q->finished_len == 1 || q->finished_len == RECORD_MAX || q->in_flight == 0)
		pthread_cond_signal(&q->record_wake);
}

void workqueue_finished(struct workqueue *q, void *item)
{
	bool last;

	pthread_mutex_lock(&q->lock);
	q->in_flight--;
	if (q->orphaned) {
		last = q->in_flight == 0;
		pthread_mutex_unlock(&q->lock);
		q->o.ops->free_item(item);
		if (last)
			destroy(q);
		return;
	}
	add_finished(q, item);
	if (q->ready_len > 0)
		pthread_cond_signal(&q->start_wake);
	else if (q->due)
		pthread_cond_signal(&q->claim_wake);
	pthread_mutex_unlock(&q->lock);
}

int workqueue_in_flight(struct workqueue *q)
{
	int n;

	pthread_mutex_lock(&q->lock);
	n = q->in_flight;
	pthread_mutex_unlock(&q->lock);
	return n;
}

static void stop_starting(struct workqueue *q)
{
	pthread_mutex_lock(&q->lock);
	q->stopping = true;
	pthread_cond_broadcast(&q->claim_wake);
	pthread_cond_broadcast(&q->start_wake);
	pthread_mutex_unlock(&q->lock);
	pthread_join(q->claimer, NULL);
	pthread_join(q->starter, NULL);
}

void workqueue_free(struct workqueue *q, int drain_ms)
{
	struct mono deadline = mono_add_ms(mono_now(), drain_ms);

	if (q == NULL)
		return;
	stop_starting(q);
	pthread_mutex_lock(&q->lock);
	while (q->ready_len > 0)
		q->o.ops->free_item(take_ready(q));
	while (!is_quiet(q) && mono_left_ms(deadline) > 0)
		wait_until(q, &q->quiet, deadline);
	q->closing = true;
	q->giving_up = !is_quiet(q);
	pthread_cond_broadcast(&q->record_wake);
	pthread_mutex_unlock(&q->lock);
	pthread_join(q->recorder, NULL);

	pthread_mutex_lock(&q->lock);
	for (int i = 0; i < q->finished_len; i++)
		q->o.ops->free_item(q->finished[i]);
	q->finished_len = 0;
	q->orphaned = q->in_flight > 0;
	if (q->orphaned) {
		pthread_mutex_unlock(&q->lock);
		return;
	}
	pthread_mutex_unlock(&q->lock);
	destroy(q);
}
