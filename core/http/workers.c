/*
 * The worker pool for blocking routes: a queue of suspended requests and a few threads that run their
 * handlers.
 */
#include "core/base/mem.h"
#include "core/http/private.h"

static struct http_request *take(struct http_workers *w)
{
	struct http_request *r;

	pthread_mutex_lock(&w->lock);
	while (w->first == NULL && !w->stopping) {
		w->idle++;
		pthread_cond_wait(&w->wake, &w->lock);
		w->idle--;
	}
	r = w->first;
	if (r != NULL) {
		w->first = r->waiting;
		if (w->first == NULL)
			w->last = NULL;
	}
	pthread_mutex_unlock(&w->lock);
	return r;
}

/* The server outlives its workers, so that arg is read from it even after the request was abandoned. */
static void run(struct http_request *r)
{
	if (atomic_load(&r->state) != REQUEST_DEFERRED) {
		http_request_unref(r); /* the stopping server has answered it */
		return;
	}
	atomic_fetch_add(&r->refs, 1); /* ours: the handler's reply may drop all others */
	r->route->handler(r, r->server->options.arg);
	if (!r->handed_on && atomic_load(&r->state) == REQUEST_DEFERRED) {
		struct error err;

		error_set(&err, ERR_BUG, "answer the request", "no reply was given");
		http_reply_error(r, &err);
	}
	http_request_unref(r);
}

static void *work(void *arg)
{
	struct http_request *r;

	while ((r = take(arg)) != NULL)
		run(r);
	return NULL;
}

void http_workers_start(struct http_workers *w, int count)
{
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	w->threads = xcalloc((size_t)count, sizeof(*w->threads));
	for (w->count = 0; w->count < count; w->count++) {
		if (pthread_create(&w->threads[w->count], NULL, work, w) != 0)
			abort();
	}
}

void http_workers_add(struct http_workers *w, struct http_request *r)
{
	bool wake;

	r->waiting = NULL;
	pthread_mutex_lock(&w->lock);
	if (w->last != NULL)
		w->last->waiting = r;
	else
		w->first = r;
	w->last = r;
	wake = w->idle > 0;
	pthread_mutex_unlock(&w->lock);
	if (wake)
		pthread_cond_signal(&w->wake);
}

void http_workers_stop(struct http_workers *w)
{
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
	for (int i = 0; i < w->count; i++)
		pthread_join(w->threads[i], NULL);
	free(w->threads);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
}
