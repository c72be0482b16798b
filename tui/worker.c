/*
 * Background threads.
 *
 * A feed is fetched again after its period, but no sooner than REST times the processor time that the whole
 * process spent meanwhile: what is expensive is asked more rarely, so that an idle dashboard stays cheap,
 * also where a library works in threads of its own; the first look does not count.  A failed feed is tried
 * again after a second, for ever.
 */
#include "tui/worker.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/cond.h"
#include "core/base/mem.h"

#define REST	   90
#define REST_MS	   30000 /* at most: processor time that others took counts, too */
#define RETRY_MS   1000
#define SOON_MS	   500 /* to the look that rates take */
#define LEAVING_MS 400
#define RARELY	   5 /* times the period of what is not on screen */

/* What a feed is wanted for. */
struct want {
	bool wanted;
	bool rarely; /* it is not on screen */
	bool anew;   /* nothing was fetched since it is wanted like this */
	char subject[FEED_SUBJECT_MAX];
	int looks; /* since it is wanted like this */
	struct mono due;
	volatile bool stop; /* of a stream */
};

struct queued {
	struct worker_result result;
	struct queued *next;
};

struct member {
	struct worker *worker;
	enum backend backend; /* BACKEND_COUNT: the one for actions */
	struct console *console;
	pthread_t thread;
	bool started;
};

struct worker {
	pthread_mutex_t lock; /* of everything below */
	pthread_cond_t changed;
	bool leaving;
	struct want wants[FEED_COUNT];
	struct queued *first, **last; /* results */
	struct queued *jobs;	      /* to be done, in order */
	struct member members[BACKEND_COUNT + 1];
	int fd;
};

/* --- results --- */

void worker_result_done(struct worker_result *r)
{
	json_decref(r->data);
	job_free(r->job);
	free(r->said);
}

static void wake(struct worker *w)
{
	uint64_t one = 1;

	if (write(w->fd, &one, sizeof(one)) < 0)
		return; /* it is readable already */
}

/* Called with the lock held. */
static void post(struct worker *w, const struct worker_result *r)
{
	struct queued *q = xcalloc(1, sizeof(*q));

	q->result = *r;
	*w->last = q;
	w->last = &q->next;
	wake(w);
}

bool worker_take(struct worker *w, struct worker_result *ret)
{
	struct queued *q;

	pthread_mutex_lock(&w->lock);
	q = w->first;
	if (q != NULL) {
		*ret = q->result;
		w->first = q->next;
		if (w->first == NULL)
			w->last = &w->first;
	}
	pthread_mutex_unlock(&w->lock);
	free(q);
	return q != NULL;
}

int worker_fd(const struct worker *w)
{
	return w->fd;
}

/* --- feeds --- */

static int64_t cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The feed that is due next; FEED_NONE: none is wanted.  Called with the lock held. */
static enum feed_id next_feed(const struct worker *w, enum backend backend)
{
	enum feed_id next = FEED_NONE;

	for (int i = 0; i < FEED_COUNT; i++)
		if (feeds[i].backend == backend && w->wants[i].wanted &&
		    (next == FEED_NONE || w->wants[i].due.ns < w->wants[next].due.ns))
			next = (enum feed_id)i;
	return next;
}

static struct worker_result result_of(enum feed_id feed, const char *subject)
{
	struct worker_result r = {.feed = feed};

	snprintf(r.subject, sizeof(r.subject), "%s", subject);
	return r;
}

/* Until the next look, when this one has spent that much processor time.  Called with the lock held. */
static int64_t rest_ms(const struct want *want, enum feed_id feed, bool failed, int64_t spent_us)
{
	int times = want->rarely ? RARELY : 1;
	int64_t period = (int64_t)feeds[feed].period_ms * times, rest = spent_us * REST / 1000 * times;

	if (failed) /* what librdkafka spends on a lost broker puts nothing off */
		return RETRY_MS;
	if (want->looks < feeds[feed].looks)
		return SOON_MS;
	if (want->looks == 1)
		return period;
	if (rest > REST_MS)
		rest = REST_MS;
	return rest > period ? rest : period;
}

/* Called with the lock held, which is given up meanwhile. */
static void fetch(struct member *t, enum feed_id feed)
{
	struct worker *w = t->worker;
	struct want *want = &w->wants[feed];
	struct worker_result r = result_of(feed, want->subject);
	int64_t before = cpu_us(), spent;

	want->looks = want->anew ? 1 : want->looks + 1;
	want->anew = false;
	pthread_mutex_unlock(&w->lock);
	r.rc = feeds[feed].fetch(t->console, r.subject, &r.data, &r.err);
	spent = cpu_us() - before;
	if (r.rc < 0)
		console_bus_lost(t->console);
	pthread_mutex_lock(&w->lock);
	if (!want->anew) /* else another subject is wanted at once */
		want->due = mono_add_ms(mono_now(), rest_ms(want, feed, r.rc < 0, spent));
	post(w, &r);
}

struct stream {
	struct member *member;
	enum feed_id feed;
	char subject[FEED_SUBJECT_MAX];
};

/* What was there is read anew. */
static void begun(void *arg)
{
	struct stream *s = arg;
	struct worker *w = s->member->worker;
	struct worker_result r = result_of(s->feed, s->subject);

	r.data = json_array();
	pthread_mutex_lock(&w->lock);
	post(w, &r);
	pthread_mutex_unlock(&w->lock);
}

/* The result of this stream that nobody has taken yet; NULL.  Called with the lock held. */
static struct worker_result *last_result(const struct stream *s)
{
	struct worker_result *last = NULL;

	for (struct queued *q = s->member->worker->first; q != NULL; q = q->next)
		if (q->result.feed == s->feed)
			last = &q->result;
	return last != NULL && last->data != NULL && strcmp(last->subject, s->subject) == 0 ? last : NULL;
}

/* Rows that the caller has not taken yet go on together. */
static int take_row(void *arg, json_t *row, struct error *err)
{
	struct stream *s = arg;
	struct worker *w = s->member->worker;
	struct worker_result r = result_of(s->feed, s->subject), *last;

	(void)err;
	pthread_mutex_lock(&w->lock);
	last = last_result(s);
	if (last != NULL) {
		json_array_append_new(last->data, row);
	} else {
		r.data = json_pack("[o]", row);
		r.append = true;
		post(w, &r);
	}
	pthread_mutex_unlock(&w->lock);
	return 0;
}

/* Called with the lock held, which is given up meanwhile. */
static void run_stream(struct member *t, enum feed_id feed)
{
	struct worker *w = t->worker;
	struct want *want = &w->wants[feed];
	struct stream s = {.member = t, .feed = feed};
	struct feed_stream stream = {begun, take_row, &s, &want->stop};
	struct worker_result r = result_of(feed, want->subject);

	snprintf(s.subject, sizeof(s.subject), "%s", want->subject);
	want->anew = false;
	want->stop = false;
	pthread_mutex_unlock(&w->lock);
	r.rc = feeds[feed].stream(t->console, s.subject, &stream, &r.err);
	if (r.rc < 0)
		console_bus_lost(t->console);
	pthread_mutex_lock(&w->lock);
	if (!want->anew)
		want->due = mono_add_ms(mono_now(), RETRY_MS);
	if (r.rc < 0)
		post(w, &r);
}

/* Until the moment, or for ever (0); or until something has changed.  Called with the lock held. */
static void wait_until(struct worker *w, struct mono due)
{
	if (due.ns == 0)
		pthread_cond_wait(&w->changed, &w->lock);
	else
		(void)cond_wait_until(&w->changed, &w->lock, due);
}

static void *run_feeds(void *arg)
{
	struct member *t = arg;
	struct worker *w = t->worker;

	pthread_mutex_lock(&w->lock);
	while (!w->leaving) {
		enum feed_id feed = next_feed(w, t->backend);

		if (feed == FEED_NONE)
			wait_until(w, (struct mono){0});
		else if (w->wants[feed].due.ns > mono_now().ns)
			wait_until(w, w->wants[feed].due);
		else if (feeds[feed].stream != NULL)
			run_stream(t, feed);
		else
			fetch(t, feed);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* --- jobs --- */

static void do_job(struct member *t, struct job *j)
{
	struct worker *w = t->worker;
	struct worker_result r = {.feed = FEED_NONE, .job = j};
	struct buf said = {0};

	pthread_mutex_unlock(&w->lock);
	r.rc = job_run(t->console, j, &said, &r.err);
	r.said = buf_take(&said);
	pthread_mutex_lock(&w->lock);
	for (int i = 0; i < FEED_COUNT; i++) /* what it changed is to be seen */
		w->wants[i].due = (struct mono){1};
	post(w, &r);
	pthread_cond_broadcast(&w->changed);
}

static void *run_jobs(void *arg)
{
	struct member *t = arg;
	struct worker *w = t->worker;

	pthread_mutex_lock(&w->lock);
	while (!w->leaving) {
		struct queued *q = w->jobs;

		if (q == NULL) {
			wait_until(w, (struct mono){0});
			continue;
		}
		w->jobs = q->next;
		do_job(t, q->result.job);
		free(q);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

void worker_do(struct worker *w, struct job *j)
{
	struct queued *q = xcalloc(1, sizeof(*q)), **last = &w->jobs;

	q->result.job = j;
	pthread_mutex_lock(&w->lock);
	while (*last != NULL)
		last = &(*last)->next;
	*last = q;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

/* --- life --- */

/* True when it was not wanted like this before.  Called with the lock held. */
static bool want_feed(struct want *want, bool wanted, bool rarely, const char *subject)
{
	bool same = wanted == want->wanted && (!wanted || strcmp(subject, want->subject) == 0);

	if (same && rarely == want->rarely)
		return false;
	want->rarely = rarely;
	want->due = (struct mono){1};
	if (same)
		return true;
	want->wanted = wanted;
	want->anew = true;
	want->stop = true;
	snprintf(want->subject, sizeof(want->subject), "%s", subject);
	return true;
}

void worker_want(struct worker *w, unsigned wanted, unsigned noted,
		 const char *(*subject)(void *arg, enum feed_id feed), void *arg)
{
	bool changed = false;

	pthread_mutex_lock(&w->lock);
	for (int i = 0; i < FEED_COUNT; i++)
		if (want_feed(&w->wants[i], ((wanted | noted) & 1u << i) != 0, (wanted & 1u << i) == 0,
			      subject(arg, (enum feed_id)i)))
			changed = true;
	if (changed)
		pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

static int start_member(struct worker *w, int i, const struct console *c, struct error *err)
{
	struct member *t = &w->members[i];

	t->worker = w;
	t->backend = (enum backend)i;
	t->console = console_another(c);
	if (pthread_create(&t->thread, NULL, i == BACKEND_COUNT ? run_jobs : run_feeds, t) != 0)
		return error_set(err, ERR_FAILED, "dashboard", "no thread could be started");
	t->started = true;
	return 0;
}

int worker_new(struct console *c, struct worker **ret, struct error *err)
{
	struct worker *w = xcalloc(1, sizeof(*w));
	int rc = 0;

	pthread_mutex_init(&w->lock, NULL);
	cond_init(&w->changed);
	w->last = &w->first;
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->fd < 0)
		rc = error_errno(err, "dashboard");
	for (int i = 0; i <= BACKEND_COUNT && rc == 0; i++)
		rc = start_member(w, i, c, err);
	if (rc < 0)
		worker_free(w);
	else
		*ret = w;
	return rc;
}

/* True when all threads have ended in time. */
static bool join_all(struct worker *w)
{
	struct timespec at;
	bool all = true;

	clock_gettime(CLOCK_REALTIME, &at);
	at.tv_nsec += LEAVING_MS * 1000000L;
	at.tv_sec += at.tv_nsec / 1000000000;
	at.tv_nsec %= 1000000000;
	for (int i = 0; i <= BACKEND_COUNT; i++)
		if (w->members[i].started && pthread_timedjoin_np(w->members[i].thread, NULL, &at) != 0)
			all = false;
	return all;
}

static void free_queue(struct queued *q)
{
	while (q != NULL) {
		struct queued *next = q->next;

		worker_result_done(&q->result);
		free(q);
		q = next;
	}
}

void worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->leaving = true;
	for (int i = 0; i < FEED_COUNT; i++)
		w->wants[i].stop = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	if (!join_all(w))
		return; /* its memory goes with the process */
	free_queue(w->first);
	free_queue(w->jobs);
	for (int i = 0; i <= BACKEND_COUNT; i++)
		console_close(w->members[i].console);
	if (w->fd >= 0)
		close(w->fd);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
