/*
 * Jobs in the database: showing, claiming, recording, ending.
 */
#include "daemons/dlq/jobs.h"

#include <stdio.h>
#include <string.h>

#include "core/base/base64.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "daemons/dlq/rows.h"

#define ALONE_AFTER 3 /* unanswered attempts of a batch, before its letters come alone */
#define BATCH_BYTES "4194304"

/* --- showing --- */

#define JOB_JSON                                                                                          \
	"json_build_object('job_id', job_id, 'state', state, 'waiting_for', waiting_for, 'actor', actor," \
	" 'reason', reason, 'selection', selection::json, 'lock', lock_name, 'rate', rate,"               \
	" 'max_failures', max_failures, 'cancel_requested', cancel_requested, 'total', total,"            \
	" 'done', applied + duplicate + failed + held + released, 'applied', applied,"                    \
	" 'duplicate', duplicate, 'failed', failed, 'held', held, 'released', released,"                  \
	" 'created_at', " ROWS_UTC("created_at") ", 'finished_at', " ROWS_UTC(                            \
	    "finished_at") ","                                                                            \
			   " 'seconds', extract(epoch FROM coalesce(finished_at, clock_timestamp()) - "   \
			   "created_at)::float8)"

DB_STATEMENT(job_show, "SELECT " JOB_JSON " FROM jobs WHERE job_id = $1")
DB_STATEMENT(job_results,
	     "SELECT json_build_object('letter_id', l.letter_id, 'outcome', coalesce(j.outcome, 'open'),"
	     " 'consumer_group', l.consumer_group, 'order_id', l.order_id, 'event_type', l.event_type,"
	     " 'error_code', j.error_code, 'error_reason', j.error_reason, 'failed_step', j.failed_step,"
	     " 'replay_count', l.replay_count, 'state', l.state, 'at', " ROWS_UTC(
		 "j.at") ")"
			 " FROM job_letters j JOIN letters l USING (letter_id) WHERE j.job_id = $1 ORDER BY "
			 "j.position")

static int append_objects(const struct db_result *r, json_t *list)
{
	for (int i = 0; i < db_rows(r); i++)
		json_array_append_new(list, json_loads(db_text(r, i, 0), 0, NULL));
	return db_rows(r);
}

int jobs_show(struct db_conn *c, int64_t job_id, bool letters, json_t **ret, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL, *results = NULL;
	json_t *list;
	int rc;

	db_param_int(&p, job_id);
	rc = db_exec(c, &job_show, &p, &r, err);
	if (rc == 0 && db_rows(r) == 0)
		rc = error_set(err, ERR_NOT_FOUND, "job", "there is no job %lld", (long long)job_id);
	if (rc == 0 && letters)
		rc = db_exec(c, &job_results, &p, &results, err);
	if (rc < 0)
		return rc;
	*ret = json_loads(db_text(r, 0, 0), 0, NULL);
	if (letters) {
		list = json_array();
		append_objects(results, list);
		json_object_set_new(*ret, "letters", list);
	}
	return 0;
}

DB_STATEMENT(job_list, "SELECT " JOB_JSON " FROM jobs WHERE ($1::text IS NULL OR state = $1"
		       " OR $1 = 'open' AND finished_at IS NULL) AND ($2::int8 = 0 OR job_id < $2) ORDER BY "
		       "job_id DESC LIMIT $3")

static int check_status(const char *status, struct error *err)
{
	static const char *const valid[] = {"open", "running", "waiting", "done", "stopped", "cancelled"};

	for (size_t i = 0; i < ARRAY_LEN(valid); i++)
		if (strcmp(status, valid[i]) == 0)
			return 0;
	return error_set(err, ERR_USAGE, "status",
			 "must be open, running, waiting, done, stopped or cancelled");
}

int jobs_list(struct db_conn *c, const char *status, int64_t before, int64_t limit, json_t **ret,
	      struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	bool any = status == NULL || *status == '\0';
	int rc = any ? 0 : check_status(status, err);

	if (rc < 0)
		return rc;
	db_param_text(&p, any ? NULL : status);
	db_param_int(&p, before);
	db_param_int(&p, limit);
	rc = db_exec(c, &job_list, &p, &r, err);
	if (rc < 0)
		return rc;
	*ret = json_array();
	append_objects(r, *ret);
	return 0;
}

DB_STATEMENT(job_cancel, "UPDATE jobs SET cancel_requested = true WHERE job_id = $1 AND finished_at IS NULL")

int jobs_cancel(struct db_conn *tx, int64_t job_id, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	AUTO_JSON json_t *job = NULL;
	int rc;

	db_param_int(&p, job_id);
	rc = db_exec(tx, &job_cancel, &p, &r, err);
	if (rc < 0 || db_affected(r) > 0)
		return rc;
	rc = jobs_show(tx, job_id, false, &job, err);
	if (rc < 0)
		return rc;
	return error_set(err, ERR_CONFLICT, "job", "job %lld has ended: it is %s", (long long)job_id,
			 json_string_or(job, "state", "?"));
}

/* --- running --- */

DB_STATEMENT(job_load, "SELECT actor, reason, rate, max_failures, failed, cancel_requested FROM jobs"
		       " WHERE job_id = $1")

int jobs_load(struct db_conn *c, int64_t job_id, struct job *ret, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc;

	db_param_int(&p, job_id);
	rc = db_exec(c, &job_load, &p, &r, err);
	if (rc == 0 && db_rows(r) == 0)
		rc = error_set(err, ERR_NOT_FOUND, "job", "there is no job %lld", (long long)job_id);
	if (rc < 0)
		return rc;
	*ret = (struct job){
	    .job_id = job_id,
	    .rate = db_double(r, 0, 2),
	    .max_failures = db_is_null(r, 0, 3) ? -1 : db_int(r, 0, 3),
	    .failed = db_int(r, 0, 4),
	    .cancel_requested = db_bool(r, 0, 5),
	};
	snprintf(ret->actor, sizeof(ret->actor), "%s", db_text(r, 0, 0));
	snprintf(ret->reason, sizeof(ret->reason), "%s", db_text(r, 0, 1));
	return 0;
}

DB_STATEMENT(job_unfinished, "SELECT job_id FROM jobs WHERE finished_at IS NULL ORDER BY job_id")

int jobs_unfinished(struct db_conn *c, int64_t **ret, int *ret_count, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc = db_exec(c, &job_unfinished, NULL, &r, err);

	if (rc < 0)
		return rc;
	*ret_count = db_rows(r);
	*ret = xcalloc((size_t)*ret_count + 1, sizeof(**ret));
	for (int i = 0; i < *ret_count; i++)
		(*ret)[i] = db_int(r, i, 0);
	return 0;
}

void job_batch_done(struct job_batch *b)
{
	json_decref(b->messages);
	b->messages = NULL;
	b->count = 0;
}

enum {
	C_POSITION,
	C_ATTEMPTS,
	C_LANE,
	C_LETTER,
	C_GROUP,
	C_TOPIC,
	C_PARTITION,
	C_OFFSET,
	C_ORIGINAL,
	C_KEY,
	C_VALUE,
	C_HEADERS,
	C_REPLAYS,
};

static json_t *bytes_json(const struct db_result *r, int row, int column)
{
	size_t len;
	AUTO_FREE char *data = db_bytes(r, row, column, &len);

	return base64_json(data, len);
}

static json_t *message_json(const struct db_result *r, int row)
{
	return json_pack(
	    "{s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:I}", "letter_id", db_text(r, row, C_LETTER), "topic",
	    db_text(r, row, C_TOPIC), "partition", (json_int_t)db_int(r, row, C_PARTITION), "offset",
	    (json_int_t)db_int(r, row, C_OFFSET), "timestamp_ms",
	    db_is_null(r, row, C_ORIGINAL) ? json_null() : json_integer(db_time(r, row, C_ORIGINAL) / 1000),
	    "key_base64", bytes_json(r, row, C_KEY), "value_base64", bytes_json(r, row, C_VALUE), "headers",
	    json_loads(db_text(r, row, C_HEADERS), 0, NULL), "replay_count",
	    (json_int_t)db_int(r, row, C_REPLAYS));
}

static bool lane_taken(const struct job_batch *b, const char *lane)
{
	for (int i = 0; i < b->count; i++)
		if (strcmp(b->items[i].lane, lane) == 0)
			return true;
	return false;
}

/* Later letters of a lane, and those of other groups, wait for a later batch. */
static void take_rows(const struct db_result *r, int max, struct job_batch *b)
{
	bool alone = db_int(r, 0, C_ATTEMPTS) >= ALONE_AFTER;

	snprintf(b->group, sizeof(b->group), "%s", db_text(r, 0, C_GROUP));
	b->messages = json_array();
	for (int i = 0; i < db_rows(r) && b->count < (alone ? 1 : max); i++) {
		struct job_item *item = &b->items[b->count];

		if (strcmp(db_text(r, i, C_GROUP), b->group) != 0 || lane_taken(b, db_text(r, i, C_LANE)))
			continue;
		*item = (struct job_item){
		    .position = (int)db_int(r, i, C_POSITION),
		    .attempts = (int)db_int(r, i, C_ATTEMPTS),
		    .letter_id = db_uuid(r, i, C_LETTER),
		};
		snprintf(item->lane, sizeof(item->lane), "%s", db_text(r, i, C_LANE));
		json_array_append_new(b->messages, message_json(r, i));
		b->count++;
	}
}

DB_STATEMENT(job_attempts, "UPDATE job_letters SET attempts = attempts + $3::int4, at = clock_timestamp()"
			   " WHERE job_id = $1 AND position = ANY ($2::int4[])")

static int add_attempts(struct db_conn *c, int64_t job_id, const struct job_batch *b, int by,
			struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	CLEANUP(db_array_done) struct db_array positions = {0};

	db_array_init(&positions, DB_INT4);
	for (int i = 0; i < b->count; i++)
		db_array_int(&positions, b->items[i].position);
	db_param_int(&p, job_id);
	db_param_array(&p, &positions);
	db_param_int(&p, by);
	return db_exec(c, &job_attempts, &p, NULL, err);
}

DB_STATEMENT(
    job_next,
    "SELECT o.position, o.attempts, o.lane, l.letter_id, l.consumer_group, l.topic, l.partition,"
    " l.\"offset\", l.original_at, l.key, coalesce(l.edited, l.value), l.headers, l.replay_count FROM ("
    " SELECT j.*, sum(coalesce(octet_length(k.value), 0)) OVER (ORDER BY j.position) AS bytes,"
    " row_number() OVER (ORDER BY j.position) AS n FROM ("
    " SELECT * FROM job_letters WHERE job_id = $1 AND outcome IS NULL ORDER BY position LIMIT $2) j"
    " JOIN letters k USING (letter_id)) o JOIN letters l USING (letter_id)"
    " WHERE o.n = 1 OR o.bytes <= " BATCH_BYTES " ORDER BY o.position")

int jobs_claim(struct db_conn *c, int64_t job_id, int max, struct job_batch *ret, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc;

	*ret = (struct job_batch){0};
	db_param_int(&p, job_id);
	db_param_int(&p, JOB_BATCH_MAX);
	rc = db_exec(c, &job_next, &p, &r, err);
	if (rc < 0 || db_rows(r) == 0)
		return rc;
	take_rows(r, max < JOB_BATCH_MAX ? max : JOB_BATCH_MAX, ret);
	rc = add_attempts(c, job_id, ret, 1, err);
	if (rc < 0)
		job_batch_done(ret);
	return rc;
}

int jobs_unclaim(struct db_conn *c, int64_t job_id, const struct job_batch *b, struct error *err)
{
	return add_attempts(c, job_id, b, -1, err);
}

/* --- recording --- */

static struct job_item *item_of(struct job_batch *b, struct uuid id)
{
	for (int i = 0; i < b->count; i++)
		if (uuid_equal(b->items[i].letter_id, id))
			return &b->items[i];
	return NULL;
}

static void take_failure(struct letter *l, const struct job_item *item)
{
	snprintf(l->error_code, sizeof(l->error_code), "%s", item->error_code);
	snprintf(l->error_reason, sizeof(l->error_reason), "%s", item->error_reason);
	snprintf(l->failed_step, sizeof(l->failed_step), "%s", item->failed_step);
	l->failed_us = clock_wall_us();
}

static void change_letter(struct letter *l, const struct job_item *item, struct letter_changes *changes)
{
	bool failed = strcmp(item->outcome, "failed") == 0;
	struct letter_change *change;
	json_t *detail = json_pack("{s:s}", "outcome", item->outcome);

	letter_step(&l->standing, failed ? INPUT_FAILED : INPUT_SUCCEEDED, l->replay_cap);
	if (failed) {
		take_failure(l, item);
		json_object_set_new(detail, "error_code", json_string(item->error_code));
		json_object_set_new(detail, "error_reason", json_string(item->error_reason));
		json_object_set_new(detail, "failed_step", json_string(item->failed_step));
	}
	change = letter_changes_add(changes, l, "replayed", EVENT_MESSAGE_REPLAYED);
	change->outcome = item->outcome;
	change->detail = json_text(detail);
	if (l->standing.state == LETTER_RESOLVED)
		change->also = EVENT_MESSAGE_RESOLVED;
	json_decref(detail);
}

static int record_letters(struct db_conn *tx, const struct job *job, struct job_batch *b, struct error *err)
{
	const struct change_origin origin = {job->actor, job->reason, job->job_id};
	CLEANUP(letter_changes_done) struct letter_changes changes = {0};
	CLEANUP(db_array_done) struct db_array ids = {0};
	AUTO_FREE struct letter *letters = NULL;
	int n = 0, rc;

	db_array_init(&ids, DB_UUID);
	for (int i = 0; i < b->count; i++)
		if (b->items[i].outcome != NULL)
			db_array_uuid(&ids, &b->items[i].letter_id);
	rc = store_lock(tx, &ids, &letters, &n, err);
	for (int i = 0; rc == 0 && i < n; i++) {
		const struct job_item *item = item_of(b, letters[i].id);

		if (item != NULL && item->outcome != NULL)
			change_letter(&letters[i], item, &changes);
	}
	return rc < 0 ? rc : store_write(tx, &changes, &origin, err);
}

DB_STATEMENT(job_outcomes,
	     "UPDATE job_letters j SET outcome = v.outcome, error_code = nullif(v.code, ''),"
	     " error_reason = nullif(v.reason, ''), failed_step = nullif(v.step, ''), at = clock_timestamp()"
	     " FROM unnest($2::int4[], $3::text[], $4::text[], $5::text[], $6::text[])"
	     " AS v (position, outcome, code, reason, step)"
	     " WHERE j.job_id = $1 AND j.position = v.position AND j.outcome IS NULL")

static int record_outcomes(struct db_conn *tx, int64_t job_id, const struct job_batch *b, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	struct db_array a[5] = {0};
	int rc;

	db_array_init(&a[0], DB_INT4);
	for (int k = 1; k < 5; k++)
		db_array_init(&a[k], DB_TEXT);
	for (int i = 0; i < b->count; i++) {
		const struct job_item *item = &b->items[i];

		if (item->outcome == NULL)
			continue;
		db_array_int(&a[0], item->position);
		db_array_text(&a[1], item->outcome);
		db_array_text(&a[2], item->error_code);
		db_array_text(&a[3], item->error_reason);
		db_array_text(&a[4], item->failed_step);
	}
	db_param_int(&p, job_id);
	for (int k = 0; k < 5; k++)
		db_param_array(&p, &a[k]);
	rc = db_exec(tx, &job_outcomes, &p, NULL, err);
	for (int k = 0; k < 5; k++)
		db_array_done(&a[k]);
	return rc;
}

/* Open letters of the job become `outcome`, those of some lanes (NULL: all), and go back to unresolved. */
DB_STATEMENT(job_give_back, "UPDATE job_letters SET outcome = $2, at = clock_timestamp() WHERE job_id = $1"
			    " AND outcome IS NULL AND ($3::text[] IS NULL OR lane = ANY ($3::text[]))"
			    " RETURNING letter_id")

static int give_back(struct db_conn *tx, const struct job *job, const char *outcome,
		     const struct db_array *lanes, struct error *err)
{
	const struct change_origin origin = {job->actor, job->reason, job->job_id};
	CLEANUP(db_params_done) struct db_params p = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc;

	db_param_int(&p, job->job_id);
	db_param_text(&p, outcome);
	lanes != NULL ? db_param_array(&p, lanes) : db_param_null(&p);
	rc = db_exec(tx, &job_give_back, &p, &r, err);
	return rc < 0 ? rc : store_step(tx, r, INPUT_RELEASE, NULL, &origin, NULL, err);
}

static int hold_lanes(struct db_conn *tx, const struct job *job, const struct job_batch *b, struct error *err)
{
	CLEANUP(db_array_done) struct db_array lanes = {0};

	db_array_init(&lanes, DB_TEXT);
	for (int i = 0; i < b->count; i++)
		if (b->items[i].outcome != NULL && strcmp(b->items[i].outcome, "failed") == 0)
			db_array_text(&lanes, b->items[i].lane);
	return lanes.count > 0 ? give_back(tx, job, "held", &lanes, err) : 0;
}

DB_STATEMENT(
    job_count,
    "UPDATE jobs SET (applied, duplicate, failed, held, released) = ("
    " SELECT count(*) FILTER (WHERE outcome = 'applied'), count(*) FILTER (WHERE outcome = 'duplicate'),"
    " count(*) FILTER (WHERE outcome = 'failed'), count(*) FILTER (WHERE outcome = 'held'),"
    " count(*) FILTER (WHERE outcome = 'released') FROM job_letters WHERE job_id = $1)"
    " WHERE job_id = $1")
DB_STATEMENT(job_add, "UPDATE jobs SET applied = applied + $2::int8, duplicate = duplicate + $3::int8"
		      " WHERE job_id = $1")

static int count_outcomes(struct db_conn *tx, int64_t job_id, const struct job_batch *b, bool held,
			  struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	int applied = 0, duplicate = 0;

	db_param_int(&p, job_id);
	if (held) /* failures are rare: counting all is fine then */
		return db_exec(tx, &job_count, &p, NULL, err);
	for (int i = 0; i < b->count; i++) {
		applied += b->items[i].outcome != NULL && strcmp(b->items[i].outcome, "applied") == 0;
		duplicate += b->items[i].outcome != NULL && strcmp(b->items[i].outcome, "duplicate") == 0;
	}
	db_param_int(&p, applied);
	db_param_int(&p, duplicate);
	return db_exec(tx, &job_add, &p, NULL, err);
}

int jobs_record(struct db_conn *tx, const struct job *job, struct job_batch *b, struct error *err)
{
	bool failed = false;
	int rc = record_letters(tx, job, b, err);

	for (int i = 0; i < b->count; i++)
		failed |= b->items[i].outcome != NULL && strcmp(b->items[i].outcome, "failed") == 0;
	if (rc == 0)
		rc = record_outcomes(tx, job->job_id, b, err);
	if (rc == 0)
		rc = hold_lanes(tx, job, b, err);
	return rc < 0 ? rc : count_outcomes(tx, job->job_id, b, failed, err);
}

DB_STATEMENT(job_wait, "UPDATE jobs SET state = CASE WHEN $2::text IS NULL THEN 'running' ELSE 'waiting' END,"
		       " waiting_for = $2 WHERE job_id = $1 AND finished_at IS NULL"
		       " AND waiting_for IS DISTINCT FROM $2")

int jobs_waiting(struct db_conn *c, int64_t job_id, const char *reason, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};

	db_param_int(&p, job_id);
	db_param_text(&p, reason);
	return db_exec(c, &job_wait, &p, NULL, err);
}

DB_STATEMENT(job_finish, "UPDATE jobs SET state = $2, waiting_for = NULL, finished_at = clock_timestamp()"
			 " WHERE job_id = $1")

int jobs_finish(struct db_conn *tx, const struct job *job, const char *state, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0}, count = {0};
	int rc = give_back(tx, job, "released", NULL, err);

	db_param_int(&p, job->job_id);
	db_param_text(&p, state);
	db_param_int(&count, job->job_id);
	if (rc == 0)
		rc = db_exec(tx, &job_count, &count, NULL, err);
	return rc < 0 ? rc : db_exec(tx, &job_finish, &p, NULL, err);
}
