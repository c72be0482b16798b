/*
 * Group execution: a ring of waiting items under one lock, and workers that take as many as they may.
 *
 * Nothing waits for a group to fill: a worker takes what is there.  A signal is sent only when a worker is
 * idle and has not been signalled yet, so that under load adding costs no more than the lock.
 */
#include "core/service/group.h"

#include <pthread.h>
#include <string.h>

#include "core/base/mem.h"

struct group_worker {
	struct group *group;
	int number;
	pthread_t thread;
	void **items; /* max_items of them */
};

struct group {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	void **ring; /* cap is a power of two */
	size_t cap, head, len;
	int idle;   /* workers that wait */
	int waking; /* of them, signalled and not yet awake */
	bool stopping;
	int max_items;
	group_run *run;
	void *arg;
	int worker_count;
	struct group_worker *workers;
};

/* Under the lock: true when one more idle worker is to be signalled. */
static bool promise_wake(struct group *g)
{
	if (g->len == 0 || g->idle <= g->waking)
		return false;
	g->waking++;
	return true;
}

/* Under the lock: moves up to max_items into items. */
static int take(struct group *g, void **items)
{
	int n = 0;

	while (g->len > 0 && n < g->max_items) {
		items[n++] = g->ring[g->head];
		g->head = (g->head + 1) & (g->cap - 1);
		g->len--;
	}
	return n;
}

static void *work(void *arg)
{
	struct group_worker *w = arg;
	struct group *g = w->group;

	pthread_mutex_lock(&g->lock);
	for (;;) {
		int n = take(g, w->items);

		if (n > 0) {
			if (promise_wake(g)) /* for what is left */
				pthread_cond_signal(&g->wake);
			pthread_mutex_unlock(&g->lock);
			g->run(g->arg, w->number, w->items, n);
			pthread_mutex_lock(&g->lock);
		} else if (g->stopping) {
			break;
		} else {
			g->idle++;
			pthread_cond_wait(&g->wake, &g->lock);
			g->idle--;
			if (g->waking > 0)
				g->waking--;
		}
	}
	pthread_mutex_unlock(&g->lock);
	return NULL;
}

static void grow(struct group *g)
{
	size_t cap = g->cap * 2;
	void **ring = xmalloc(cap * sizeof(*ring));

	for (size_t i = 0; i < g->len; i++)
		ring[i] = g->ring[(g->head + i) & (g->cap - 1)];
	free(g->ring);
	g->ring = ring;
	g->cap = cap;
	g->head = 0;
}

int group_new(int workers, int max_items, group_run *run, void *arg, struct group **ret, struct error *err)
{
	struct group *g = xcalloc(1, sizeof(*g));

	g->max_items = max_items;
	g->run = run;
	g->arg = arg;
	g->cap = 256;
	g->ring = xmalloc(g->cap * sizeof(*g->ring));
	g->workers = xcalloc((size_t)workers, sizeof(*g->workers));
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->wake, NULL);
	for (; g->worker_count < workers; g->worker_count++) {
		struct group_worker *w = &g->workers[g->worker_count];

		w->group = g;
		w->number = g->worker_count;
		w->items = xmalloc((size_t)max_items * sizeof(*w->items));
		if (pthread_create(&w->thread, NULL, work, w) != 0) {
			error_errno(err, "start a group worker");
			free(w->items);
			group_free(g);
			return ERR_IO;
		}
	}
	*ret = g;
	return 0;
}

bool group_add(struct group *g, void *item, int queue_max)
{
	bool wake;

	pthread_mutex_lock(&g->lock);
	if (g->stopping || g->len >= (size_t)queue_max) {
		pthread_mutex_unlock(&g->lock);
		return false;
	}
	if (g->len == g->cap)
		grow(g);
	g->ring[(g->head + g->len++) & (g->cap - 1)] = item;
	wake = promise_wake(g);
	pthread_mutex_unlock(&g->lock);
	if (wake)
		pthread_cond_signal(&g->wake);
	return true;
}

void group_free(struct group *g)
{
	if (g == NULL)
		return;
	pthread_mutex_lock(&g->lock);
	g->stopping = true;
	pthread_cond_broadcast(&g->wake);
	pthread_mutex_unlock(&g->lock);
	for (int i = 0; i < g->worker_count; i++) {
		pthread_join(g->workers[i].thread, NULL);
		free(g->workers[i].items);
	}
	pthread_cond_destroy(&g->wake);
	pthread_mutex_destroy(&g->lock);
	free(g->workers);
	free(g->ring);
	free(g);
}
