/*
 * The marks of consumer_attempts, and a copy of those that earlier processes left.
 */
#include "core/service/attempts.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/service/private.h"

#define CAREFUL_MS 30000 /* what a dead process worked on comes again well within that */

struct mark {
	char topic[256];
	int32_t partition;
	int64_t first, last;
	int deaths;
};

struct attempts {
	struct service *service;
	bool unclean;
	struct mono since; /* of being careful */
	struct mark *marks;
	int count;
};

/* --- beginning and end --- */

DB_STATEMENT(run_begin,
	     "INSERT INTO consumer_runs AS r (replica, clean) VALUES ($1, false) ON CONFLICT (replica)"
	     " DO UPDATE SET clean = false, started_at = clock_timestamp()"
	     " RETURNING (SELECT o.clean FROM consumer_runs o WHERE o.replica = $1)");
DB_STATEMENT(run_end, "UPDATE consumer_runs SET clean = true WHERE replica = $1");
/* Old ones: their messages have been gone through by others, or are gone. */
DB_STATEMENT(marks_prune,
	     "DELETE FROM consumer_attempts WHERE updated_at < clock_timestamp() - interval '7 days'"
	     " OR (attempts = 0 AND NOT pending)");
DB_STATEMENT(marks_count, "UPDATE consumer_attempts SET pending = false, attempts = attempts + $2::int4"
			  " WHERE pending AND replica = $1");
DB_STATEMENT(marks_read, "SELECT topic, partition, first_offset, last_offset,"
			 " attempts + (pending AND replica <> $1)::int FROM consumer_attempts");

static int exec_int(struct db_conn *c, struct db_statement *s, int64_t one, const int64_t *two,
		    struct db_result **ret, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};

	db_param_int(&p, one);
	if (two != NULL)
		db_param_int(&p, *two);
	return db_exec(c, s, &p, ret, err);
}

static void keep_marks(struct attempts *a, const struct db_result *r)
{
	a->count = 0;
	a->marks = xreallocarray(a->marks, (size_t)db_rows(r) + 1, sizeof(*a->marks));
	for (int i = 0; i < db_rows(r); i++) {
		struct mark *m = &a->marks[a->count];

		*m = (struct mark){.partition = (int32_t)db_int(r, i, 1),
				   .first = db_int(r, i, 2),
				   .last = db_int(r, i, 3),
				   .deaths = (int)db_int(r, i, 4)};
		snprintf(m->topic, sizeof(m->topic), "%s", db_text(r, i, 0));
		a->count += m->deaths > 0;
	}
}

static int read_marks(struct attempts *a, struct db_conn *c, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc = exec_int(c, &marks_read, a->service->replica, NULL, &r, err);

	if (rc == 0)
		keep_marks(a, r);
	return rc;
}

static int begin(struct attempts *a, struct db_conn *c, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int64_t died;
	int rc = exec_int(c, &run_begin, a->service->replica, NULL, &r, err);

	if (rc < 0)
		return rc;
	a->unclean = !db_is_null(r, 0, 0) && !db_bool(r, 0, 0);
	died = a->unclean;
	rc = exec_int(c, &marks_count, a->service->replica, &died, NULL, err);
	if (rc == 0)
		rc = db_exec(c, &marks_prune, NULL, NULL, err);
	return rc < 0 ? rc : read_marks(a, c, err);
}

int attempts_new(struct service *s, struct attempts **ret, struct error *err)
{
	struct attempts *a = xcalloc(1, sizeof(*a));
	struct db_conn *c;
	int rc = db_acquire(s->db, &c, err);

	a->service = s;
	a->since = mono_now();
	if (rc == 0) {
		rc = db_begin(c, err);
		if (rc == 0)
			rc = begin(a, c, err);
		if (rc == 0)
			rc = db_commit(c, err);
		db_release(c);
	}
	if (rc < 0) {
		free(a);
		return rc;
	}
	if (a->count > 0)
		log_warn("the last process ended in the middle of its work: what it was at runs one by one");
	*ret = a;
	return 0;
}

void attempts_free(struct attempts *a)
{
	struct db_conn *c = NULL;
	struct error err;

	if (a == NULL)
		return;
	if (db_acquire(a->service->db, &c, &err) < 0 ||
	    exec_int(c, &run_end, a->service->replica, NULL, NULL, &err) < 0)
		log_err(LOG_WARN, &err, "the next process will be careful for a while");
	db_release(c);
	free(a->marks);
	free(a);
}

int attempts_look(struct attempts *a, struct error *err)
{
	struct db_conn *c;
	int rc = db_acquire(a->service->db, &c, err);

	if (rc < 0)
		return rc;
	rc = read_marks(a, c, err);
	db_release(c);
	return rc;
}

void attempts_paused(struct attempts *a)
{
	a->since = mono_now();
}

/* --- asking --- */

bool attempts_careful(const struct attempts *a)
{
	return a->count > 0 || (a->unclean && mono_since_ms(a->since) < CAREFUL_MS);
}

static bool covers(const struct mark *m, const struct bus_message *message)
{
	return m->partition == message->partition && message->offset >= m->first &&
	       message->offset <= m->last && strcmp(m->topic, message->topic) == 0;
}

int attempts_of(const struct attempts *a, const struct bus_message *message)
{
	int deaths = 0;

	for (int i = 0; i < a->count; i++)
		if (covers(&a->marks[i], message))
			deaths += a->marks[i].deaths;
	return deaths;
}

bool attempts_suspect(const struct attempts *a, const struct bus_message *messages, int n)
{
	for (int i = 0; a->count > 0 && i < n; i++)
		if (attempts_of(a, &messages[i]) > 0)
			return true;
	return false;
}

/* --- ranges of messages: one per partition --- */

struct ranges {
	struct db_array topics, partitions, firsts, lasts;
};

static void ranges_init(struct ranges *r)
{
	db_array_init(&r->topics, DB_TEXT);
	db_array_init(&r->partitions, DB_INT4);
	db_array_init(&r->firsts, DB_INT8);
	db_array_init(&r->lasts, DB_INT8);
}

static void ranges_done(struct ranges *r)
{
	db_array_done(&r->topics);
	db_array_done(&r->partitions);
	db_array_done(&r->firsts);
	db_array_done(&r->lasts);
}

static bool same_partition(const struct bus_message *a, const struct bus_message *b)
{
	return a->partition == b->partition && strcmp(a->topic, b->topic) == 0;
}

/* Messages ascend within their partition, so its first one here opens the range and its last one ends it. */
static void ranges_of(struct ranges *r, const struct bus_message *messages, int n)
{
	AUTO_FREE bool *counted = xcalloc((size_t)n + 1, sizeof(*counted));

	ranges_init(r);
	for (int i = 0; i < n; i++) {
		int64_t last = messages[i].offset;

		if (counted[i])
			continue;
		for (int k = i + 1; k < n; k++) {
			if (!same_partition(&messages[i], &messages[k]))
				continue;
			counted[k] = true;
			last = messages[k].offset;
		}
		db_array_text(&r->topics, messages[i].topic);
		db_array_int(&r->partitions, messages[i].partition);
		db_array_int(&r->firsts, messages[i].offset);
		db_array_int(&r->lasts, last);
	}
}

DB_STATEMENT(marks_write,
	     "INSERT INTO consumer_attempts (topic, partition, first_offset, last_offset, attempts,"
	     " replica, pending) SELECT t, p, f, l, 0, $5, true"
	     " FROM unnest($1::text[], $2::int4[], $3::int8[], $4::int8[]) AS v (t, p, f, l)"
	     " ON CONFLICT (topic, partition, first_offset, last_offset)"
	     " DO UPDATE SET pending = true, replica = excluded.replica, updated_at = clock_timestamp()");

int attempts_mark(struct attempts *a, const struct bus_message *messages, int n, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	CLEANUP(ranges_done) struct ranges r;
	struct db_conn *c;
	int rc = db_acquire(a->service->db, &c, err);

	ranges_of(&r, messages, n);
	if (rc < 0)
		return rc;
	db_param_array(&p, &r.topics);
	db_param_array(&p, &r.partitions);
	db_param_array(&p, &r.firsts);
	db_param_array(&p, &r.lasts);
	db_param_int(&p, a->service->replica);
	rc = db_exec(c, &marks_write, &p, NULL, err);
	db_release(c);
	return rc;
}

DB_STATEMENT(marks_clear,
	     "DELETE FROM consumer_attempts a USING unnest($1::text[], $2::int4[], $3::int8[])"
	     " AS v (t, p, l) WHERE a.topic = v.t AND a.partition = v.p AND a.last_offset <= v.l");

int attempts_clear(struct attempts *a, struct db_conn *tx, const struct bus_message *messages, int n,
		   struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	CLEANUP(ranges_done) struct ranges r;

	(void)a;
	ranges_of(&r, messages, n);
	db_param_array(&p, &r.topics);
	db_param_array(&p, &r.partitions);
	db_param_array(&p, &r.lasts);
	return db_exec(tx, &marks_clear, &p, NULL, err);
}

void attempts_cleared(struct attempts *a, const struct bus_message *messages, int n)
{
	int kept = 0;

	for (int i = 0; i < a->count; i++) {
		bool done = false;

		for (int k = 0; k < n && !done; k++)
			done = messages[k].partition == a->marks[i].partition &&
			       messages[k].offset >= a->marks[i].last &&
			       strcmp(messages[k].topic, a->marks[i].topic) == 0;
		if (!done)
			a->marks[kept++] = a->marks[i];
	}
	a->count = kept;
}
