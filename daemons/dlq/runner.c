/*
 * A job's loop: claim a batch, hand it over, record its outcomes, wait as the rate asks.
 *
 * The attempt is counted in the database before a batch is handed over, and taken back when the group cannot
 * have seen it.  A batch without an answer is repeated (the group's inbox makes that harmless), from the
 * third time on letter by letter; a letter that got no answer six times has failed: it probably ends the
 * daemon.
 */
#include "daemons/dlq/runner.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/cond.h"
#include "core/base/crash.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/config/paths.h"
#include "core/http/client.h"
#include "core/http/retry.h"
#include "core/service/metrics.h"
#include "core/service/outbox.h"
#include "daemons/dlq/jobs.h"

#define CALL_TIMEOUT_MS 30000
#define UNANSWERED_MAX	6
#define RUNNING_MAX	32
#define PACES		5 /* batches per second of a job with a rate */

struct running {
	struct runner *runner;
	int64_t job_id; /* 0: free */
	pthread_t thread;
	bool ended; /* to be joined */
};

struct runner {
	struct service *service;
	char token[65];
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping;
	unsigned looks; /* counts runner_wake */
	struct running running[RUNNING_MAX];
};

/* Waits for ms milliseconds, or until runner_wake or the end. */
static void rest(struct runner *r, int64_t ms)
{
	struct mono until = mono_add_ms(mono_now(), ms);
	unsigned looks;

	pthread_mutex_lock(&r->lock);
	looks = r->looks;
	while (!r->stopping && r->looks == looks && cond_wait_until(&r->wake, &r->lock, until))
		;
	pthread_mutex_unlock(&r->lock);
}

static bool stopping(struct runner *r)
{
	bool s;

	pthread_mutex_lock(&r->lock);
	s = r->stopping;
	pthread_mutex_unlock(&r->lock);
	return s;
}

/* --- handing over --- */

enum handover { HANDED, NOT_HANDED, NO_ANSWER, TOO_LARGE };

static json_t *body_of(const struct job *job, const struct job_batch *b)
{
	const json_t *first = json_array_get(b->messages, 0);
	char number[24];

	snprintf(number, sizeof(number), "%lld", (long long)job->job_id);
	return json_pack("{s:s, s:s, s:s, s:I, s:O}", "letter_id", json_string_or(first, "letter_id", ""),
			 "job_id", number, "actor", job->actor, "replay_count",
			 (json_int_t)json_int_or(first, "replay_count", 0), "messages", b->messages);
}

static int call_group(struct runner *r, const char *group, const char *body, struct http_result *result,
		      struct error *err)
{
	AUTO_FREE char *bearer = xasprintf("Authorization: Bearer %s", r->token);
	const char *headers[] = {"Content-Type: application/json", bearer, NULL};
	const char *address = config_string(CONFIG_BIND_ADDRESS);
	bool any = strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
	AUTO_FREE char *url =
	    xasprintf(strchr(address, ':') != NULL && !any ? "http://[%s]:%d/internal/v1/replay"
							   : "http://%s:%d/internal/v1/replay",
		      any ? "127.0.0.1" : address, daemon_port(daemon_find(group)));
	struct http_call call = {.method = "POST",
				 .url = url,
				 .headers = headers,
				 .body = body,
				 .body_len = strlen(body),
				 .timeout_ms = CALL_TIMEOUT_MS};

	return http_call(&call, result, err);
}

/* *ret_why (owned): why letters have no outcome yet. */
static enum handover hand_over(struct runner *r, const struct job *job, struct job_batch *b, char **ret_why)
{
	json_t *body = body_of(job, b);
	AUTO_FREE char *text = json_text(body);
	AUTO_JSON json_t *answer = NULL;
	struct http_result result = {0};
	enum handover how = HANDED;
	struct error err;
	int rc = call_group(r, b->group, text, &result, &err);

	json_decref(body);
	if (rc < 0) {
		how = result.code == ERR_UNAVAILABLE ? NOT_HANDED : NO_ANSWER;
		*ret_why = how == NOT_HANDED ? xasprintf("%s cannot be reached: %s", b->group, result.why)
					     : xasprintf("%s gave no answer: %s", b->group, result.why);
	} else if (result.status == 200 &&
		   json_parse_object(buf_str(&result.body), result.body.len, &answer, NULL) == 0) {
		char *why = runner_read_answer(b, answer);

		if (why != NULL)
			*ret_why = xasprintf("%s: %s", b->group, why);
		free(why);
	} else {
		how = result.status == 413 ? TOO_LARGE : NOT_HANDED;
		*ret_why = xasprintf("%s answers with HTTP status %d%s", b->group, result.status,
				     result.status == 404 ? ": it takes no replays" : "");
	}
	http_result_done(&result);
	return how;
}

/* A letter alone that cannot be handed over, or is never answered, has failed. */
static void give_up(struct job_batch *b, enum handover how, const char *why)
{
	struct job_item *item = &b->items[0];

	if (b->count != 1 || item->outcome != NULL ||
	    !(how == TOO_LARGE || (how == NO_ANSWER && item->attempts + 1 >= UNANSWERED_MAX)))
		return;
	item->outcome = "failed";
	snprintf(item->error_code, sizeof(item->error_code), "%s",
		 how == TOO_LARGE ? error_word(ERR_TOO_LARGE) : error_word(ERR_UNKNOWN));
	snprintf(item->error_reason, sizeof(item->error_reason), "%s", why);
	snprintf(item->failed_step, sizeof(item->failed_step), "replay");
}

/* --- recording --- */

typedef int work(struct db_conn *c, void *arg, struct error *err);

/* In one transaction, again and again while the database is down. */
static int transact(struct runner *r, work *do_it, void *arg, struct error *err)
{
	const struct backoff backoff = {50, 1000};

	for (int attempt = 1;; attempt++) {
		struct db_conn *c = NULL;
		int rc = db_acquire(service_db(r->service), &c, err);

		if (rc == 0)
			rc = db_begin(c, err);
		if (rc == 0)
			rc = do_it(c, arg, err);
		if (rc == 0)
			rc = db_commit(c, err);
		if (rc == 0)
			store_notify(c);
		else if (c != NULL)
			db_rollback(c);
		db_release(c);
		if (rc == 0)
			outbox_notify(r->service);
		if (rc == 0 || stopping(r) ||
		    (error_class(rc) == CLASS_PERMANENT && rc != ERR_UNKNOWN && attempt > 3))
			return rc;
		if (attempt == 1)
			log_err(LOG_WARN, err, "a job waits for the database");
		rest(r, backoff_ms(&backoff, attempt));
	}
}

struct step {
	struct job job;
	struct job_batch batch;
	int max;
	const char *text; /* what it waits for, or how it ends */
};

static int do_load(struct db_conn *c, void *arg, struct error *err)
{
	struct step *s = arg;

	return jobs_load(c, s->job.job_id, &s->job, err);
}

static int do_claim(struct db_conn *c, void *arg, struct error *err)
{
	struct step *s = arg;

	job_batch_done(&s->batch);
	return jobs_claim(c, s->job.job_id, s->max, &s->batch, err);
}

static int do_record(struct db_conn *c, void *arg, struct error *err)
{
	struct step *s = arg;

	return jobs_record(c, &s->job, &s->batch, err);
}

static int do_wait(struct db_conn *c, void *arg, struct error *err)
{
	struct step *s = arg;

	return jobs_waiting(c, s->job.job_id, s->text, err);
}

static int do_unclaim(struct db_conn *c, void *arg, struct error *err)
{
	struct step *s = arg;
	int rc = jobs_unclaim(c, s->job.job_id, &s->batch, err);

	return rc < 0 ? rc : jobs_waiting(c, s->job.job_id, s->text, err);
}

static int do_finish(struct db_conn *c, void *arg, struct error *err)
{
	struct step *s = arg;

	return jobs_finish(c, &s->job, s->text, err);
}

/* --- a job --- */

static int batch_size(const struct job *job)
{
	int64_t n = JOB_BATCH_MAX;

	if (job->rate > 0 && job->rate / PACES < (double)n)
		n = (int64_t)(job->rate / PACES);
	if (job->max_failures >= 0 && job->max_failures - job->failed + 1 < n)
		n = job->max_failures - job->failed + 1;
	return n < 1 ? 1 : (int)n;
}

static void count_replays(const struct job_batch *b)
{
	for (int i = 0; i < b->count; i++)
		if (b->items[i].outcome != NULL)
			metric_count(METRIC_REPLAYS, b->group, b->items[i].outcome, 1);
}

/* One batch; false when something has to be waited for.  *ret_done letters got an outcome. */
static bool run_batch(struct runner *r, struct step *s, bool *waiting, int *ret_done, struct error *err)
{
	AUTO_FREE char *why = NULL;
	enum handover how;
	int rc = 0;

	CRASH_POINT("replay-claimed");
	how = hand_over(r, &s->job, &s->batch, &why);
	CRASH_POINT("replay-answered");
	*ret_done = 0;
	s->text = why;
	if (how != HANDED)
		give_up(&s->batch, how, why);
	for (int i = 0; i < s->batch.count; i++)
		*ret_done += s->batch.items[i].outcome != NULL;
	if (*ret_done > 0)
		rc = transact(r, do_record, s, err);
	else if (how == NOT_HANDED || how == HANDED)
		rc = transact(r, do_unclaim, s, err);
	else
		rc = transact(r, do_wait, s, err);
	CRASH_POINT("replay-recorded");
	if (rc == 0 && *ret_done > 0) {
		count_replays(&s->batch);
		if (*waiting || why != NULL)
			rc = transact(r, do_wait, s, err);
	}
	if (why != NULL && !*waiting)
		log_warn("job %lld waits: %s", (long long)s->job.job_id, why);
	*waiting = why != NULL;
	s->text = NULL;
	return rc == 0 && why == NULL;
}

/* How it ends when it ends now; NULL: it goes on, with a batch claimed. */
static const char *next_batch(struct runner *r, struct step *s, struct error *err)
{
	if (transact(r, do_load, s, err) < 0)
		return NULL;
	if (s->job.cancel_requested)
		return "cancelled";
	if (s->job.max_failures >= 0 && s->job.failed > s->job.max_failures)
		return "stopped";
	s->max = batch_size(&s->job);
	if (transact(r, do_claim, s, err) < 0)
		return NULL;
	return s->batch.count == 0 ? "done" : NULL;
}

/* Waits until the letters done are due at the job's rate; a cancelled job need not. */
static void pace(struct runner *r, struct step *s, struct mono *next, int done)
{
	struct error err;

	if (s->job.rate <= 0)
		return;
	*next = mono_add_ms(*next, (int64_t)(1000.0 * done / s->job.rate));
	if (mono_left_ms(*next) == 0)
		*next = mono_now();
	while (mono_left_ms(*next) > 0 && !stopping(r) && !s->job.cancel_requested) {
		rest(r, mono_left_ms(*next));
		if (transact(r, do_load, s, &err) < 0)
			return;
	}
}

static void run_job(struct runner *r, int64_t job_id)
{
	const struct backoff backoff = {250, 2000};
	struct step s = {.job = {.job_id = job_id}};
	struct mono next = mono_now();
	struct error err;
	bool waiting = false;
	int done, pauses = 0;

	while (!stopping(r)) {
		const char *end = next_batch(r, &s, &err);

		if (end != NULL) {
			s.text = end;
			if (transact(r, do_finish, &s, &err) == 0)
				log_info("job %lld is %s", (long long)job_id, end);
			break;
		}
		if (s.batch.count == 0) { /* it cannot even be read: its thread begins again later */
			rest(r, 1000);
			continue;
		}
		if (run_batch(r, &s, &waiting, &done, &err))
			pauses = 0;
		else
			rest(r, backoff_ms(&backoff, ++pauses));
		pace(r, &s, &next, done);
	}
	job_batch_done(&s.batch);
}

static void *job_main(void *arg)
{
	struct running *slot = arg;
	struct runner *r = slot->runner;

	run_job(r, slot->job_id);
	pthread_mutex_lock(&r->lock);
	slot->ended = true;
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

/* --- the threads --- */

/* Joins what has ended; true when the job has a thread. */
static bool tidy(struct runner *r, int64_t job_id)
{
	bool there = false;

	for (int i = 0; i < RUNNING_MAX; i++) {
		struct running *slot = &r->running[i];
		bool ended;

		pthread_mutex_lock(&r->lock);
		ended = slot->job_id != 0 && slot->ended;
		pthread_mutex_unlock(&r->lock);
		if (ended) {
			pthread_join(slot->thread, NULL);
			*slot = (struct running){.runner = r};
		}
		there |= slot->job_id == job_id;
	}
	return there;
}

static void start_job(struct runner *r, int64_t job_id)
{
	if (tidy(r, job_id))
		return;
	for (int i = 0; i < RUNNING_MAX; i++) {
		struct running *slot = &r->running[i];

		if (slot->job_id != 0)
			continue;
		*slot = (struct running){.runner = r, .job_id = job_id};
		if (pthread_create(&slot->thread, NULL, job_main, slot) != 0)
			slot->job_id = 0;
		return;
	}
}

static int64_t *unfinished(struct runner *r, int *ret_count)
{
	struct db_conn *c = NULL;
	int64_t *ids = NULL;
	struct error err;

	*ret_count = 0;
	if (db_acquire(service_db(r->service), &c, &err) < 0 || jobs_unfinished(c, &ids, ret_count, &err) < 0)
		log_err(LOG_WARN, &err, "look for jobs");
	db_release(c);
	return ids;
}

/* Looks when woken, and now and then for jobs whose start failed. */
static void *runner_main(void *arg)
{
	struct runner *r = arg;

	while (!stopping(r)) {
		int n;
		AUTO_FREE int64_t *ids = unfinished(r, &n);

		for (int i = 0; i < n; i++)
			start_job(r, ids[i]);
		metric_set(metric_series(METRIC_JOBS, NULL, NULL, NULL), n);
		rest(r, 5000);
	}
	return NULL;
}

int runner_new(struct service *s, struct runner **ret, struct error *err)
{
	struct runner *r = xcalloc(1, sizeof(*r));
	int rc;

	r->service = s;
	pthread_mutex_init(&r->lock, NULL);
	cond_init(&r->wake);
	rc = paths_operator_token(false, r->token, err);
	if (rc == 0 && pthread_create(&r->thread, NULL, runner_main, r) != 0)
		rc = error_errno(err, "start the job runner");
	if (rc < 0) {
		free(r);
		return rc;
	}
	*ret = r;
	return 0;
}

void runner_wake(struct runner *r)
{
	pthread_mutex_lock(&r->lock);
	r->looks++;
	pthread_cond_broadcast(&r->wake);
	pthread_mutex_unlock(&r->lock);
}

void runner_free(struct runner *r)
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	r->stopping = true;
	pthread_cond_broadcast(&r->wake);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->thread, NULL);
	for (int i = 0; i < RUNNING_MAX; i++)
		if (r->running[i].job_id != 0)
			pthread_join(r->running[i].thread, NULL);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->wake);
	free(r);
}
