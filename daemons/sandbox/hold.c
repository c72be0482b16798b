/*
 * A binary heap under one lock; the thread sleeps until the earliest item is due or a new one comes.
 */
#include "daemons/sandbox/hold.h"

#include <pthread.h>

#include "core/base/cond.h"
#include "core/base/mem.h"

#define HURRY_MS 100

struct held {
	struct mono due;
	void *item;
};

struct hold {
	struct hold_options options;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	bool ending;
	int count, cap;
	struct held *heap;
};

static bool earlier(const struct held *a, const struct held *b)
{
	return a->due.ns < b->due.ns;
}

static void heap_push(struct hold *h, struct held entry)
{
	int i = h->count++;

	if (h->count > h->cap) {
		h->cap = h->cap == 0 ? 64 : h->cap * 2;
		h->heap = xreallocarray(h->heap, (size_t)h->cap, sizeof(*h->heap));
	}
	while (i > 0 && earlier(&entry, &h->heap[(i - 1) / 2])) {
		h->heap[i] = h->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	h->heap[i] = entry;
}

static void *heap_pop(struct hold *h)
{
	void *item = h->heap[0].item;
	struct held last = h->heap[--h->count];
	int i = 0;

	for (;;) {
		int child = 2 * i + 1;

		if (child + 1 < h->count && earlier(&h->heap[child + 1], &h->heap[child]))
			child++;
		if (child >= h->count || !earlier(&h->heap[child], &last))
			break;
		h->heap[i] = h->heap[child];
		i = child;
	}
	if (h->count > 0)
		h->heap[i] = last;
	return item;
}

static bool due_now(struct hold *h)
{
	if (h->count == 0)
		return false;
	return h->ending || h->count > h->options.max || mono_left_ms(h->heap[0].due) == 0 ||
	       (h->options.hurry != NULL && h->options.hurry(h->options.arg));
}

/* Sleeps until something may have become due. */
static void wait_due(struct hold *h)
{
	struct mono until = mono_add_ms(mono_now(), HURRY_MS);

	if (h->count == 0) {
		pthread_cond_wait(&h->changed, &h->lock);
		return;
	}
	if (h->heap[0].due.ns < until.ns)
		until = h->heap[0].due;
	(void)cond_wait_until(&h->changed, &h->lock, until);
}

static void *run(void *arg)
{
	struct hold *h = arg;

	pthread_mutex_lock(&h->lock);
	while (!h->ending || h->count > 0) {
		if (due_now(h)) {
			void *item = heap_pop(h);

			pthread_mutex_unlock(&h->lock);
			h->options.release(item);
			pthread_mutex_lock(&h->lock);
		} else {
			wait_due(h);
		}
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

int hold_new(const struct hold_options *options, struct hold **ret, struct error *err)
{
	struct hold *h = xcalloc(1, sizeof(*h));
	int rc;

	h->options = *options;
	pthread_mutex_init(&h->lock, NULL);
	cond_init(&h->changed);
	rc = pthread_create(&h->thread, NULL, run, h);
	if (rc != 0) {
		pthread_cond_destroy(&h->changed);
		pthread_mutex_destroy(&h->lock);
		free(h);
		return error_set(err, ERR_FAILED, "start the thread of held replies", "error %d", rc);
	}
	*ret = h;
	return 0;
}

void hold_add(struct hold *h, struct mono due, void *item)
{
	pthread_mutex_lock(&h->lock);
	heap_push(h, (struct held){due, item});
	pthread_cond_signal(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

void hold_free(struct hold *h)
{
	if (h == NULL)
		return;
	pthread_mutex_lock(&h->lock);
	h->ending = true;
	pthread_cond_signal(&h->changed);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->thread, NULL);
	pthread_cond_destroy(&h->changed);
	pthread_mutex_destroy(&h->lock);
	free(h->heap);
	free(h);
}
