/*
 * The rebuild's thread.
 *
 * Ends of the topics are asked for before each pass, and a pass reads at least up to them: a first one, a
 * second for what came meanwhile, and a last one while another connection holds the lock under which the
 * tables are exchanged. Each batch is a transaction of its own, so an exchange that fails (a reader does not
 * let go) can be tried again.
 */
#include "daemons/aggregator/rebuild.h"

#include <pthread.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/cond.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/bus/admin.h"
#include "core/config/config.h"
#include "core/contract/topics.h"
#include "core/http/retry.h"
#include "core/service/service.h"
#include "daemons/aggregator/store.h"

#define POLL_MS	 100
#define KAFKA_MS 10000
#define IDLE_END_MS                                                                            \
	1000 /* at the end and silent for so long: gaps before the end offset are compaction's \
	      */
#define BATCH_EVENTS	  2000
#define EXCHANGE_TRIES	  60
#define EXCHANGE_PAUSE_MS 1000 /* for those who were kept waiting */
#define ASK_AGAIN_MS	  1000

struct rebuild {
	struct service *service;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool requested;
	bool stopping;
};

/* One topic being read. */
struct feed {
	const char *topic;
	struct bus_reader *reader;
	int64_t *next; /* per partition: offset after the last message read */
	int partitions;
	bool at_end;
	struct mono heard; /* when it last gave a message, or the pass began */
};

/* One attempt. */
struct attempt {
	struct rebuild *rebuild;
	struct db_conn *db;
	struct store *store;
	struct bus_admin *admin;
	struct feed feeds[DAEMON_TOPICS_MAX];
	int feed_count;
	struct bus_partition_info *ends;
	int end_count;
	struct bus_batch batch;
	struct event *events;
	const struct event **pointers;
	int event_cap;
	bool lost;	     /* messages were taken from a reader and not written: only a new attempt helps */
	int64_t passed_over; /* messages that cannot be read */
};

static bool stopping(struct rebuild *r)
{
	bool stop;

	pthread_mutex_lock(&r->lock);
	stop = r->stopping;
	pthread_mutex_unlock(&r->lock);
	return stop;
}

/* Waits until there is something to do, or for ms milliseconds (-1: for ever). */
static void wait_request(struct rebuild *r, int64_t ms)
{
	struct mono until = mono_add_ms(mono_now(), ms);

	pthread_mutex_lock(&r->lock);
	while (!r->stopping && !r->requested) {
		if (ms < 0)
			pthread_cond_wait(&r->wake, &r->lock);
		else if (!cond_wait_until(&r->wake, &r->lock, until))
			break;
	}
	r->requested = false;
	pthread_mutex_unlock(&r->lock);
}

/* --- reading --- */

static int parse_messages(struct attempt *a)
{
	const struct bus_batch *b = &a->batch;
	int n = 0;

	if (b->count > a->event_cap) {
		a->events = xreallocarray(a->events, (size_t)b->count, sizeof(*a->events));
		a->pointers = xreallocarray(a->pointers, (size_t)b->count, sizeof(*a->pointers));
		a->event_cap = b->count;
	}
	for (int i = 0; i < b->count; i++) {
		const struct bus_message *m = &b->messages[i];
		struct event *e = &a->events[n];

		if (event_parse(m->value, m->value_len, e, NULL) < 0) {
			a->passed_over++; /* a dead letter of the consumer */
			continue;
		}
		e->topic = m->topic;
		e->partition = m->partition;
		e->offset = m->offset;
		a->pointers[n++] = e;
	}
	return n;
}

static void note_positions(struct feed *f, const struct bus_batch *b)
{
	for (int i = 0; i < b->count; i++) {
		const struct bus_message *m = &b->messages[i];

		if (m->partition >= f->partitions) {
			int more = m->partition + 1;

			f->next = xreallocarray(f->next, (size_t)more, sizeof(*f->next));
			memset(f->next + f->partitions, 0, (size_t)(more - f->partitions) * sizeof(*f->next));
			f->partitions = more;
		}
		f->next[m->partition] = m->offset + 1;
	}
	if (b->count > 0)
		f->heard = mono_now();
}

static bool reached(const struct attempt *a, const struct feed *f)
{
	if (f->at_end && mono_since_ms(f->heard) > IDLE_END_MS)
		return true;
	for (int i = 0; i < a->end_count; i++) {
		const struct bus_partition_info *p = &a->ends[i];

		if (strcmp(p->topic, f->topic) != 0 || p->end <= p->begin)
			continue;
		if (p->partition >= f->partitions || f->next[p->partition] < p->end)
			return false;
	}
	return true;
}

static int ask_ends(struct attempt *a, struct error *err)
{
	const char *names[DAEMON_TOPICS_MAX];

	bus_partitions_free(a->ends, a->end_count);
	a->ends = NULL;
	a->end_count = 0;
	for (int i = 0; i < a->feed_count; i++) {
		names[i] = a->feeds[i].topic;
		a->feeds[i].heard = mono_now();
	}
	return bus_admin_partitions(a->admin, names, a->feed_count, true, &a->ends, &a->end_count, err);
}

/* --- writing --- */

DB_STATEMENT(rebuild_count, "UPDATE public.rebuilds SET events_done = events_done + $1");

static int apply(struct attempt *a, int n, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc = store_apply(a->store, a->db, a->pointers, n, err);

	if (rc < 0)
		return rc;
	db_param_int(&p, a->batch.count);
	rc = db_exec(a->db, &rebuild_count, &p, NULL, err);
	return rc;
}

#define USE_NEW_TABLES "SET LOCAL search_path = rebuild, public"

static int apply_and_commit(struct attempt *a, int n, struct error *err)
{
	int rc = db_begin(a->db, err);

	if (rc == 0)
		rc = db_run(a->db, USE_NEW_TABLES, err);
	if (rc == 0)
		rc = apply(a, n, err);
	if (rc == 0)
		rc = db_commit(a->db, err);
	if (rc < 0)
		db_rollback(a->db);
	return rc;
}

/* Takes what a topic gives next into the new tables. */
static int step(struct attempt *a, struct feed *f, struct error *err)
{
	int n, rc = bus_reader_poll(f->reader, BATCH_EVENTS, POLL_MS, &a->batch, &f->at_end, err);

	if (rc < 0 || a->batch.count == 0)
		return rc;
	n = parse_messages(a);
	rc = apply_and_commit(a, n, err);
	if (rc == 0)
		note_positions(f, &a->batch);
	a->lost |= rc < 0;
	for (int i = 0; i < n; i++)
		event_done(&a->events[i]);
	bus_batch_reset(&a->batch);
	return rc;
}

/* Reads all topics, in turns, at least up to where they end now. */
static int pass(struct attempt *a, struct error *err)
{
	int rc = ask_ends(a, err);

	for (bool busy = true; rc == 0 && busy;) {
		busy = false;
		for (int i = 0; rc == 0 && i < a->feed_count; i++) {
			if (reached(a, &a->feeds[i]))
				continue;
			busy = true;
			rc = step(a, &a->feeds[i], err);
		}
		if (rc == 0 && stopping(a->rebuild))
			rc = error_set(err, ERR_CONFLICT, "rebuild", "the daemon is stopping");
	}
	return rc;
}

/* --- the exchange --- */

DB_STATEMENT(
    rebuild_keep_compacted,
    "INSERT INTO events SELECT * FROM public.events o WHERE o.order_id IS NULL AND o.topic = ANY ($1::text[])"
    " ON CONFLICT (event_id) DO NOTHING");

/* What compaction has removed from a topic stays in the read model. */
static int keep_compacted(struct db_conn *tx, struct error *err)
{
	struct db_array names;
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc;

	db_array_init(&names, DB_TEXT);
	for (int i = 0; i < TOPIC_COUNT; i++)
		if (topics[i].compacted)
			db_array_text(&names, topics[i].name);
	db_param_array(&p, &names);
	rc = db_exec(tx, &rebuild_keep_compacted, &p, NULL, err);
	db_array_done(&names);
	return rc;
}

/* Readers go on until the tables are dropped; writers wait for the commit and then find the new tables by
 * name. */
static int lock_and_exchange(struct attempt *a, struct db_conn *tx, struct error *err)
{
	int rc =
	    db_run(tx,
		   USE_NEW_TABLES "; SET LOCAL lock_timeout = '1s';"
				  " LOCK TABLE public.events, public.sagas, public.kpi_minutes IN SHARE ROW"
				  " EXCLUSIVE MODE",
		   err);

	if (rc == 0)
		rc = pass(a, err);
	if (rc == 0)
		rc = keep_compacted(tx, err);
	if (rc == 0)
		rc = db_run(tx,
			    "DROP TABLE public.events, public.sagas, public.kpi_minutes;"
			    " ALTER TABLE rebuild.events SET SCHEMA public;"
			    " ALTER TABLE rebuild.sagas SET SCHEMA public;"
			    " ALTER TABLE rebuild.kpi_minutes SET SCHEMA public;"
			    " DROP SCHEMA rebuild;"
			    " UPDATE public.rebuilds SET running = false, finished_at = clock_timestamp()",
			    err);
	return rc;
}

static int try_exchange(struct attempt *a, struct error *err)
{
	struct db_conn *tx = NULL;
	int rc = db_acquire(service_db(a->rebuild->service), &tx, err);

	if (rc == 0)
		rc = db_begin(tx, err);
	if (rc == 0)
		rc = lock_and_exchange(a, tx, err);
	if (rc == 0)
		rc = db_commit(tx, err);
	db_release(tx);
	return rc;
}

static int exchange(struct attempt *a, struct error *err)
{
	int rc = try_exchange(a, err);

	for (int i = 1; rc == ERR_TRANSIENT && !a->lost && i < EXCHANGE_TRIES && !stopping(a->rebuild); i++) {
		log_err(LOG_WARN, err, "the new tables cannot take the place of the old ones yet");
		wait_request(a->rebuild, EXCHANGE_PAUSE_MS);
		rc = pass(a, err);
		if (rc == 0)
			rc = try_exchange(a, err);
	}
	if (rc == 0 && db_run(a->db, "ANALYZE events, sagas, kpi_minutes", NULL) < 0)
		log_debug("no statistics about the new tables");
	return rc;
}

/* --- one attempt --- */

/* The new tables, empty; LIKE leaves the fill factor out. */
static int create_tables(struct attempt *a, struct error *err)
{
	return db_run(a->db,
		      "BEGIN;"
		      " DROP SCHEMA IF EXISTS rebuild CASCADE;"
		      " CREATE SCHEMA rebuild;"
		      " CREATE TABLE rebuild.events (LIKE public.events INCLUDING ALL);"
		      " CREATE TABLE rebuild.sagas (LIKE public.sagas INCLUDING ALL) WITH (fillfactor = 60);"
		      " CREATE TABLE rebuild.kpi_minutes (LIKE public.kpi_minutes INCLUDING ALL) WITH "
		      "(fillfactor = 50);"
		      " UPDATE public.rebuilds SET attempts = attempts + 1, events_done = 0;"
		      " COMMIT",
		      err);
}

DB_STATEMENT(rebuild_total, "UPDATE public.rebuilds SET events_total = $1");

static int tell_total(struct attempt *a, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	int64_t total = 0;
	int rc = ask_ends(a, err);

	if (rc < 0)
		return rc;
	for (int i = 0; i < a->end_count; i++)
		if (a->ends[i].end > a->ends[i].begin && a->ends[i].begin >= 0)
			total += a->ends[i].end - a->ends[i].begin;
	db_param_int(&p, total);
	rc = db_exec(a->db, &rebuild_total, &p, NULL, err);
	return rc;
}

static int open_feeds(struct attempt *a, struct error *err)
{
	struct service *s = a->rebuild->service;
	const struct bus_options options = {service_bootstrap(s), service_client_id(s)};
	const char *const *names = service_info(s)->consumes;
	int rc = bus_admin_new(&options, KAFKA_MS, &a->admin, err);

	for (int i = 0; rc == 0 && i < DAEMON_TOPICS_MAX && names[i] != NULL; i++) {
		a->feeds[i] = (struct feed){.topic = names[i]};
		rc = bus_reader_new(&options, names[i], &a->feeds[i].reader, err);
		if (rc == 0)
			a->feed_count++;
	}
	return rc;
}

static void close_attempt(struct attempt *a)
{
	for (int i = 0; i < a->feed_count; i++) {
		bus_reader_free(a->feeds[i].reader);
		free(a->feeds[i].next);
	}
	bus_partitions_free(a->ends, a->end_count);
	bus_admin_free(a->admin);
	bus_batch_done(&a->batch);
	store_free(a->store);
	db_release(a->db);
	free(a->events);
	free(a->pointers);
}

static int run_attempt(struct rebuild *r, struct error *err)
{
	struct attempt a = {.rebuild = r, .store = store_new()};
	int rc = db_acquire(service_db(r->service), &a.db, err);

	if (rc == 0)
		rc = create_tables(&a, err);
	if (rc == 0)
		rc = open_feeds(&a, err);
	if (rc == 0)
		rc = tell_total(&a, err);
	if (rc == 0)
		rc = pass(&a, err);
	if (rc == 0)
		rc = pass(&a, err);
	if (rc == 0)
		rc = exchange(&a, err);
	if (rc == 0 && a.passed_over > 0)
		log_warn("%lld messages could not be read", (long long)a.passed_over);
	close_attempt(&a);
	return rc;
}

/* --- the thread --- */

DB_STATEMENT(rebuild_wanted, "SELECT 1 FROM rebuilds WHERE running");

/* 1 when the marker stands, 0 when not, negative when the database does not tell. */
static int wanted(struct rebuild *r)
{
	CLEANUP(db_result_auto) struct db_result *rows = NULL;
	int rc = db_once(service_db(r->service), &rebuild_wanted, NULL, &rows, NULL);

	return rc < 0 ? rc : db_rows(rows) > 0;
}

static void rebuild_until_done(struct rebuild *r)
{
	const struct backoff backoff = {500, 30000};
	struct mono started = mono_now();

	log_info("the read model is rebuilt from the topics");
	for (int attempt = 1; !stopping(r); attempt++) {
		struct error err;

		if (run_attempt(r, &err) == 0) {
			log_info("the read model has been rebuilt in %lld ms",
				 (long long)mono_since_ms(started));
			return;
		}
		if (stopping(r))
			return;
		log_err(LOG_WARN, &err, "rebuilding the read model, attempt %d", attempt);
		wait_request(r, backoff_ms(&backoff, attempt));
	}
}

static void *rebuild_main(void *arg)
{
	struct rebuild *r = arg;

	while (!stopping(r)) {
		int answer = wanted(r);

		if (answer > 0)
			rebuild_until_done(r);
		else
			wait_request(r, answer == 0 ? -1 : ASK_AGAIN_MS);
	}
	return NULL;
}

int rebuild_new(struct service *s, struct rebuild **ret, struct error *err)
{
	struct rebuild *r = xcalloc(1, sizeof(*r));

	r->service = s;
	pthread_mutex_init(&r->lock, NULL);
	cond_init(&r->wake);
	if (pthread_create(&r->thread, NULL, rebuild_main, r) != 0) {
		error_errno(err, "start the rebuild's thread");
		free(r);
		return ERR_IO;
	}
	*ret = r;
	return 0;
}

void rebuild_free(struct rebuild *r)
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	r->stopping = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->thread, NULL);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->wake);
	free(r);
}

/* --- from the API --- */

DB_STATEMENT(
    rebuild_begin,
    "INSERT INTO rebuilds AS r (running) VALUES (true) ON CONFLICT (one) DO UPDATE SET running = true,"
    " requested_at = clock_timestamp(), finished_at = NULL, events_done = 0, events_total = 0, attempts = 0"
    " WHERE NOT r.running");

int rebuild_request(struct rebuild *r, const struct audit_entry *audit, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *res = NULL;
	struct db_conn *c = NULL;
	int rc = db_acquire(service_db(r->service), &c, err);

	if (rc == 0)
		rc = db_begin(c, err);
	if (rc == 0)
		rc = db_exec(c, &rebuild_begin, NULL, &res, err);
	if (rc == 0 && db_affected(res) == 0)
		rc = error_set(err, ERR_CONFLICT, "rebuild", "one is running already");
	if (rc == 0)
		rc = audit_add(c, audit, err);
	if (rc == 0)
		rc = db_commit(c, err);
	db_release(c); /* rolls back what is open */
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&r->lock);
	r->requested = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	return 0;
}

static json_t *moment(const struct db_result *r, int row, int column)
{
	char text[CLOCK_TEXT_SIZE];

	return db_is_null(r, row, column) ? json_null()
					  : json_string(clock_format(db_time(r, row, column), text));
}

DB_STATEMENT(rebuild_show,
	     "SELECT running, requested_at, finished_at, events_done, events_total, attempts FROM rebuilds");

int rebuild_progress(struct rebuild *r, json_t **ret, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *row = NULL;
	int rc = db_once(service_db(r->service), &rebuild_show, NULL, &row, err);

	if (rc < 0)
		return rc;
	if (db_rows(row) == 0)
		*ret = json_pack("{s:b, s:n, s:n, s:i, s:i, s:i}", "running", 0, "requested_at",
				 "finished_at", "events_done", 0, "events_total", 0, "attempts", 0);
	else
		*ret = json_pack("{s:b, s:o, s:o, s:I, s:I, s:I}", "running", db_bool(row, 0, 0),
				 "requested_at", moment(row, 0, 1), "finished_at", moment(row, 0, 2),
				 "events_done", (json_int_t)db_int(row, 0, 3), "events_total",
				 (json_int_t)db_int(row, 0, 4), "attempts", (json_int_t)db_int(row, 0, 5));
	return 0;
}
