/*
 * The transaction of the effect, and the waves in which a handler gets its events.
 */
#include "core/service/effect.h"

#include <stdio.h>
#include <string.h>

#include "core/base/crash.h"
#include "core/base/log.h"
#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/service/metrics.h"
#include "core/service/outbox.h"
#include "core/service/private.h"

struct effect {
	struct service *service;
	/* Scratch for one transaction. */
	const struct event **left; /* what the inbox has not seen */
	const struct event **wave;
	int *wave_of;
	bool *is_new;
	int cap;
};

struct effect *effect_new(struct service *s)
{
	struct effect *x = xcalloc(1, sizeof(*x));

	x->service = s;
	return x;
}

void effect_free(struct effect *x)
{
	if (x == NULL)
		return;
	free(x->left);
	free(x->wave);
	free(x->wave_of);
	free(x->is_new);
	free(x);
}

static void reserve(struct effect *x, int n)
{
	size_t cap = (size_t)n;

	if (n <= x->cap)
		return;
	x->left = xreallocarray(x->left, cap, sizeof(*x->left));
	x->wave = xreallocarray(x->wave, cap, sizeof(*x->wave));
	x->wave_of = xreallocarray(x->wave_of, cap, sizeof(*x->wave_of));
	x->is_new = xreallocarray(x->is_new, cap, sizeof(*x->is_new));
	x->cap = n;
}

/*
 * Numbers the events so that those of one aggregate fall into successive waves: a wave has each key at most
 * once. Returns the number of waves.
 */
static int assign_waves(struct effect *x, int n)
{
	struct map next = {0}; /* key → number of its waves so far */
	int waves = 0;

	for (int i = 0; i < n; i++) {
		const char *key = x->left[i]->aggregate_id;
		intptr_t used = (intptr_t)map_gets(&next, key);

		x->wave_of[i] = (int)used;
		map_puts(&next, key, (void *)(used + 1));
		if (used + 1 > waves)
			waves = (int)used + 1;
	}
	map_done(&next, NULL);
	return waves;
}

static int handle_waves(struct effect *x, struct service_batch *b, int n, struct error *err)
{
	int waves = x->service->spec->own_dedupe || n == 1 ? 1 : assign_waves(x, n);

	for (int w = 0; w < waves; w++) {
		int rc;

		b->count = 0;
		for (int i = 0; i < n; i++)
			if (waves == 1 || x->wave_of[i] == w)
				x->wave[b->count++] = x->left[i];
		b->events = x->wave;
		rc = x->service->spec->handle(x->service, b, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Leaves in x->left only what the inbox has not seen; the number left. */
static int drop_duplicates(struct effect *x, const struct effect_run *run, struct db_conn *tx, int *ret_left,
			   struct error *err)
{
	int rc, kept = 0;

	*ret_left = run->count;
	memcpy(x->left, run->events, (size_t)run->count * sizeof(*x->left));
	if (run->count == 0 || x->service->spec->own_dedupe)
		return 0;
	rc = inbox_claim(tx, x->service->info->name, run->events, run->count, x->is_new, err);
	if (rc < 0)
		return rc;
	for (int i = 0; i < run->count; i++)
		if (x->is_new[i])
			x->left[kept++] = run->events[i];
	*ret_left = kept;
	return 0;
}

/* Of events that have all had their effect. */
static int requeue(struct service *s, struct effect_run *run, struct service_batch *b, struct error *err)
{
	b->events = run->events;
	b->count = run->count;
	return s->spec->requeue(s, b, &run->requeued, err);
}

static int run_in(struct effect *x, struct effect_run *run, struct service_batch *b, struct error *err)
{
	const struct service_spec *spec = x->service->spec;
	int left = 0, rc = db_begin(b->tx, err);

	if (rc == 0 && run->also != NULL)
		rc = run->also(run->arg, b->tx, err);
	if (rc == 0)
		rc = drop_duplicates(x, run, b->tx, &left, err);
	if (rc == 0 && left > 0)
		rc = handle_waves(x, b, left, err);
	if (rc == 0 && left == 0 && run->again && spec->requeue != NULL)
		rc = requeue(x->service, run, b, err);
	CRASH_POINT("consumer-effect");
	if (rc == 0)
		rc = db_commit(b->tx, err);
	CRASH_POINT("consumer-committed");
	if (rc < 0)
		db_rollback(b->tx);
	run->fresh = left - b->known;
	return rc;
}

int effect_run(struct effect *x, struct effect_run *run, struct error *err)
{
	struct service *s = x->service;
	struct service_batch b = {0};
	struct mono started = mono_now();
	int rc;

	run->requeued = false;
	reserve(x, run->count + 1);
	rc = db_acquire(s->effects, &b.tx, err);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&s->handling);
	rc = run_in(x, run, &b, err);
	db_release(b.tx);
	if (s->spec->settled != NULL)
		s->spec->settled(s, b.state, rc == 0);
	pthread_mutex_unlock(&s->handling);
	if (rc < 0)
		return rc;
	metric_observe(metric_series(METRIC_CONSUMER_BATCH_SECONDS, NULL, NULL, NULL),
		       (double)mono_since_us(started) / 1e6);
	if (s->info->outbox)
		outbox_notify(s);
	return 0;
}

void effect_log_context(const struct event *e)
{
	struct log_context context = {0};
	struct uuid order;
	char trace[56];

	uuid_format(e->id, context.event_id);
	uuid_format(e->correlation_id, context.correlation_id);
	if (uuid_parse(e->aggregate_id, &order))
		uuid_format(order, context.order_id);
	snprintf(context.trace_id, sizeof(context.trace_id), "%.32s",
		 event_traceparent(&e->id, &e->correlation_id, trace) + 3);
	log_context_set(&context);
}
