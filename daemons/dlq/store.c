/*
 * Set-based writing.  Letters are locked in id order, so that two writers cannot block each other.
 */
#include "daemons/dlq/store.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/service/outbox.h"

/* --- changes --- */

struct letter_change *letter_changes_add(struct letter_changes *c, struct letter *letter, const char *what,
					 int event)
{
	if (c->count == c->cap) {
		c->cap = c->cap > 0 ? 2 * c->cap : 64;
		c->list = xreallocarray(c->list, (size_t)c->cap, sizeof(*c->list));
	}
	c->list[c->count] =
	    (struct letter_change){.letter = letter, .what = what, .event = event, .also = -1};
	return &c->list[c->count++];
}

void letter_changes_done(struct letter_changes *c)
{
	for (int i = 0; i < c->count; i++)
		free(c->list[i].detail);
	free(c->list);
	*c = (struct letter_changes){0};
}

static void copy(char *out, size_t size, const struct db_result *r, int row, int column)
{
	snprintf(out, size, "%s", db_text(r, row, column));
}

enum {
	L_ID,
	L_STATE,
	L_QUARANTINED,
	L_REFAILED,
	L_REPLAYS,
	L_CAP,
	L_READABLE,
	L_JOB,
	L_SEQ,
	L_FAILED,
	L_TOPIC,
	L_PARTITION,
	L_OFFSET,
	L_GROUP,
	L_CODE,
	L_REASON,
	L_STEP,
	L_TYPE,
	L_EVENT,
	L_ORDER,
	L_CORRELATION,
	L_RETRIES,
	L_LANE,
};

static void read_letter(const struct db_result *r, int row, struct letter *l)
{
	l->id = db_uuid(r, row, L_ID);
	letter_state_parse(db_text(r, row, L_STATE), &l->standing.state);
	l->standing.quarantined = db_bool(r, row, L_QUARANTINED);
	l->standing.refailed = db_bool(r, row, L_REFAILED);
	l->standing.replay_count = (int)db_int(r, row, L_REPLAYS);
	l->replay_cap = (int)db_int(r, row, L_CAP);
	l->readable = db_bool(r, row, L_READABLE);
	l->job_id = db_int(r, row, L_JOB);
	l->event_seq = db_int(r, row, L_SEQ);
	l->failed_us = db_time(r, row, L_FAILED);
	l->partition = (int32_t)db_int(r, row, L_PARTITION);
	l->offset = db_int(r, row, L_OFFSET);
	copy(l->topic, sizeof(l->topic), r, row, L_TOPIC);
	copy(l->group, sizeof(l->group), r, row, L_GROUP);
	copy(l->error_code, sizeof(l->error_code), r, row, L_CODE);
	copy(l->error_reason, sizeof(l->error_reason), r, row, L_REASON);
	copy(l->failed_step, sizeof(l->failed_step), r, row, L_STEP);
	copy(l->event_type, sizeof(l->event_type), r, row, L_TYPE);
	l->event_id = db_uuid(r, row, L_EVENT);
	l->order_id = db_uuid(r, row, L_ORDER);
	l->correlation_id = db_uuid(r, row, L_CORRELATION);
	l->retry_count = (int)db_int(r, row, L_RETRIES);
	copy(l->lane, sizeof(l->lane), r, row, L_LANE);
}

DB_STATEMENT(letters_lock,
	     "SELECT l.letter_id, l.state, l.quarantined, l.refailed, l.replay_count,"
	     " coalesce(p.replays, d.replays), l.readable, l.job_id, l.event_seq, l.failed_at, l.topic,"
	     " l.partition, l.\"offset\", l.consumer_group, l.error_code, l.error_reason, l.failed_step,"
	     " l.event_type, l.event_id, l.order_id, l.correlation_id, l.retry_count,"
	     " coalesce(l.order_id::text, md5(l.key), l.letter_id::text)"
	     " FROM letters l JOIN policies d ON d.error_code = '*'"
	     " LEFT JOIN policies p ON p.error_code = l.error_code"
	     " WHERE l.letter_id = ANY ($1::uuid[]) ORDER BY l.letter_id FOR UPDATE OF l")

int store_lock(struct db_conn *tx, const struct db_array *ids, struct letter **ret, int *ret_count,
	       struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc;

	db_param_array(&p, ids);
	rc = db_exec(tx, &letters_lock, &p, &r, err);
	if (rc < 0)
		return rc;
	*ret_count = db_rows(r);
	*ret = xcalloc((size_t)*ret_count + 1, sizeof(**ret));
	for (int i = 0; i < *ret_count; i++)
		read_letter(r, i, &(*ret)[i]);
	return 0;
}

/* --- events --- */

static json_t *uuid_or_null(struct uuid id)
{
	char text[UUID_TEXT_SIZE];

	return uuid_is_nil(id) ? json_null() : json_string(uuid_format(id, text));
}

static char *event_data(const struct letter *l, const char *outcome)
{
	char id[UUID_TEXT_SIZE], failed[CLOCK_TEXT_SIZE];
	/* Of what cannot be read the order is only guessed. */
	struct uuid order = uuid_is_nil(l->event_id) ? l->event_id : l->order_id;
	json_t *data =
	    json_pack("{s:s, s:o, s:s, s:i, s:I, s:s, s:s, s:s, s:s, s:s?, s:o, s:s, s:i, s:i, s:s, s:b}",
		      "letter_id", uuid_format(l->id, id), "order_id", uuid_or_null(order), "topic", l->topic,
		      "partition", (int)l->partition, "offset", (json_int_t)l->offset, "consumer_group",
		      l->group, "error_code", l->error_code, "error_reason", l->error_reason, "failed_step",
		      l->failed_step, "event_type", l->event_type[0] != '\0' ? l->event_type : NULL,
		      "event_id", uuid_or_null(l->event_id), "failed_at", clock_format(l->failed_us, failed),
		      "retry_count", l->retry_count, "replay_count", l->standing.replay_count, "state",
		      letter_state_word(l->standing.state), "quarantined", l->standing.quarantined);
	char *text;

	if (outcome != NULL)
		json_object_set_new(data, "outcome", json_string(outcome));
	text = json_text(data);
	json_decref(data);
	return text;
}

/* A letter's event is about the letter, caused by the event that failed. */
static void announce(struct outbox *o, const struct letter_change *c, int event)
{
	struct letter *l = c->letter;
	AUTO_FREE char *data = event_data(l, c->outcome);
	char id[UUID_TEXT_SIZE];

	outbox_add(o, &(struct event_draft){
			  .id = uuid_v7(),
			  .type = (enum event_type)event,
			  .aggregate_id = uuid_format(l->id, id),
			  .aggregate_seq = ++l->event_seq,
			  .correlation_id = uuid_is_nil(l->correlation_id) ? l->id : l->correlation_id,
			  .causation_id = l->event_id,
			  .data = data,
		      });
}

/* --- writing --- */

DB_STATEMENT(
    letters_update,
    "UPDATE letters l SET state = v.state, quarantined = v.quarantined, refailed = v.refailed,"
    " replay_count = v.replays, event_seq = v.seq, job_id = nullif(v.job, 0), failed_at = v.failed,"
    " error_code = v.code, error_reason = v.reason, failed_step = v.step, fingerprint = v.print,"
    " retry_count = v.retries, state_at = CASE WHEN l.state <> v.state OR l.failed_at <> v.failed"
    " THEN clock_timestamp() ELSE l.state_at END"
    " FROM unnest($1::uuid[], $2::text[], $3::bool[], $4::bool[], $5::int4[], $6::int8[], $7::int8[],"
    " $8::timestamptz[], $9::text[], $10::text[], $11::text[], $12::text[], $13::int4[])"
    " AS v (id, state, quarantined, refailed, replays, seq, job, failed, code, reason, step, print,"
    " retries) WHERE l.letter_id = v.id")

static int update_letters(struct db_conn *tx, const struct letter_changes *changes, struct error *err)
{
	static const enum db_type types[] = {DB_UUID, DB_TEXT, DB_BOOL,	       DB_BOOL, DB_INT4,
					     DB_INT8, DB_INT8, DB_TIMESTAMPTZ, DB_TEXT, DB_TEXT,
					     DB_TEXT, DB_TEXT, DB_INT4};
	CLEANUP(db_params_done) struct db_params p = {0};
	struct db_array a[ARRAY_LEN(types)] = {0};
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		db_array_init(&a[i], types[i]);
	for (int i = 0; i < changes->count; i++) {
		const struct letter *l = changes->list[i].letter;
		char print[FINGERPRINT_SIZE];

		letter_fingerprint(l->error_code, l->failed_step, print);
		db_array_uuid(&a[0], &l->id);
		db_array_text(&a[1], letter_state_word(l->standing.state));
		db_array_bool(&a[2], l->standing.quarantined);
		db_array_bool(&a[3], l->standing.refailed);
		db_array_int(&a[4], l->standing.replay_count);
		db_array_int(&a[5], l->event_seq);
		db_array_int(&a[6], l->job_id);
		db_array_time(&a[7], l->failed_us);
		db_array_text(&a[8], l->error_code);
		db_array_text(&a[9], l->error_reason);
		db_array_text(&a[10], l->failed_step);
		db_array_text(&a[11], print);
		db_array_int(&a[12], l->retry_count);
	}
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		db_param_array(&p, &a[i]);
	rc = db_exec(tx, &letters_update, &p, NULL, err);
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		db_array_done(&a[i]);
	return rc;
}

DB_STATEMENT(history_insert, "INSERT INTO letter_history (letter_id, what, detail, actor, reason, job_id)"
			     " SELECT v.id, v.what, v.detail, $4, nullif($5, ''), nullif($6::int8, 0)"
			     " FROM unnest($1::uuid[], $2::text[], $3::text[]) AS v (id, what, detail)")

static int insert_history(struct db_conn *tx, const struct letter_changes *changes,
			  const struct change_origin *origin, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	CLEANUP(db_array_done) struct db_array ids = {0}, whats = {0}, details = {0};

	db_array_init(&ids, DB_UUID);
	db_array_init(&whats, DB_TEXT);
	db_array_init(&details, DB_TEXT);
	for (int i = 0; i < changes->count; i++) {
		if (changes->list[i].what == NULL)
			continue;
		db_array_uuid(&ids, &changes->list[i].letter->id);
		db_array_text(&whats, changes->list[i].what);
		db_array_text(&details, changes->list[i].detail);
	}
	if (ids.count == 0)
		return 0;
	db_param_array(&p, &ids);
	db_param_array(&p, &whats);
	db_param_array(&p, &details);
	db_param_text(&p, origin->actor);
	db_param_text(&p, origin->reason);
	db_param_int(&p, origin->job_id);
	return db_exec(tx, &history_insert, &p, NULL, err);
}

static int write_events(struct db_conn *tx, const struct letter_changes *changes, struct error *err)
{
	struct outbox o = {0};
	int rc;

	for (int i = 0; i < changes->count; i++) {
		const struct letter_change *c = &changes->list[i];

		if (c->event >= 0)
			announce(&o, c, c->event);
		if (c->also >= 0)
			announce(&o, c, c->also);
	}
	rc = outbox_write(&o, tx, err);
	if (o.count > 0)
		outbox_done(&o);
	return rc;
}

int store_write(struct db_conn *tx, const struct letter_changes *changes, const struct change_origin *origin,
		struct error *err)
{
	int rc;

	if (changes->count == 0)
		return 0;
	rc = write_events(tx, changes, err); /* counts event_seq on */
	if (rc == 0)
		rc = update_letters(tx, changes, err);
	if (rc == 0)
		rc = insert_history(tx, changes, origin, err);
	return rc;
}

int store_step(struct db_conn *tx, const struct db_result *r, enum letter_input input, const char *what,
	       const struct change_origin *origin, int *ret_count, struct error *err)
{
	CLEANUP(letter_changes_done) struct letter_changes changes = {0};
	CLEANUP(db_array_done) struct db_array ids = {0};
	AUTO_FREE struct letter *letters = NULL;
	int n = 0, rc;

	if (db_rows(r) == 0)
		return 0;
	db_array_init(&ids, DB_UUID);
	for (int i = 0; i < db_rows(r); i++) {
		struct uuid id = db_uuid(r, i, 0);

		db_array_uuid(&ids, &id);
	}
	rc = store_lock(tx, &ids, &letters, &n, err);
	for (int i = 0; rc == 0 && i < n; i++)
		if (letter_step(&letters[i].standing, input, letters[i].replay_cap) == ACT_MOVE)
			letter_changes_add(&changes, &letters[i], what, -1);
	if (ret_count != NULL)
		*ret_count = changes.count;
	return rc < 0 ? rc : store_write(tx, &changes, origin, err);
}

int store_note(struct db_conn *tx, struct letter *l, const char *what, const struct change_origin *origin,
	       struct error *err)
{
	CLEANUP(letter_changes_done) struct letter_changes changes = {0};

	letter_changes_add(&changes, l, what, -1);
	return insert_history(tx, &changes, origin, err);
}

/* --- arrivals --- */

DB_STATEMENT(arrivals_lock, "SELECT pg_advisory_xact_lock(hashtextextended('letter_arrivals', 0))")

int store_arrivals_lock(struct db_conn *tx, struct error *err)
{
	return db_exec(tx, &arrivals_lock, NULL, NULL, err);
}

static char *failure_json(const struct arrival *a)
{
	json_t *j =
	    json_pack("{s:s, s:s, s:s, s:s, s:i, s:I}", "error_code", a->error_code, "error_reason",
		      a->error_reason, "failed_step", a->failed_step, "dlq_topic", a->dlq_topic,
		      "dlq_partition", (int)a->dlq_partition, "dlq_offset", (json_int_t)a->dlq_offset);
	char *text = json_text(j);

	json_decref(j);
	return text;
}

/* The letter as it is right after its arrival. */
static void letter_of(const struct arrival *a, struct letter *l)
{
	*l = (struct letter){
	    .id = a->letter_id,
	    .standing = {.state = LETTER_UNRESOLVED, .replay_count = a->replay_count},
	    .readable = a->readable,
	    .failed_us = a->failed_us,
	    .partition = a->partition,
	    .offset = a->offset,
	    .event_id = a->event_id,
	    .order_id = a->order_id,
	    .correlation_id = a->correlation_id,
	    .retry_count = a->retry_count,
	};
	snprintf(l->topic, sizeof(l->topic), "%s", a->topic);
	snprintf(l->group, sizeof(l->group), "%s", a->group);
	snprintf(l->error_code, sizeof(l->error_code), "%s", a->error_code);
	snprintf(l->error_reason, sizeof(l->error_reason), "%s", a->error_reason);
	snprintf(l->failed_step, sizeof(l->failed_step), "%s", a->failed_step);
	snprintf(l->event_type, sizeof(l->event_type), "%s", a->event_type);
}

DB_STATEMENT(
    letters_insert,
    "INSERT INTO letters (letter_id, state, readable, topic, partition, \"offset\", original_at,"
    " consumer_group, error_code, error_reason, failed_step, fingerprint, event_type, event_id, order_id,"
    " correlation_id, failed_at, first_failed_at, retry_count, replay_count, dlq_topic, dlq_partition,"
    " dlq_offset, key, value, headers)"
    " SELECT id, 'unresolved', readable, topic, partition, off, original, grp, code, reason, step, print,"
    " nullif(type, ''), event, ord, correlation, failed, failed, retries, replays, dtopic, dpartition, doff,"
    " key, value, headers FROM unnest($1::uuid[], $2::bool[], $3::text[], $4::int4[], $5::int8[],"
    " $6::timestamptz[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[],"
    " $13::uuid[], $14::uuid[], $15::uuid[], $16::timestamptz[], $17::int4[], $18::int4[], $19::text[],"
    " $20::int4[], $21::int8[], $22::bytea[], $23::bytea[], $24::text[])"
    " AS v (id, readable, topic, partition, off, original, grp, code, reason, step, print, type, event, ord,"
    " correlation, failed, retries, replays, dtopic, dpartition, doff, key, value, headers)"
    " ON CONFLICT (letter_id) DO NOTHING RETURNING letter_id")

static const enum db_type insert_types[] = {
    DB_UUID, DB_BOOL, DB_TEXT, DB_INT4, DB_INT8, DB_TIMESTAMPTZ, DB_TEXT,  DB_TEXT,
    DB_TEXT, DB_TEXT, DB_TEXT, DB_TEXT, DB_UUID, DB_UUID,	 DB_UUID,  DB_TIMESTAMPTZ,
    DB_INT4, DB_INT4, DB_TEXT, DB_INT4, DB_INT8, DB_BYTEA,	 DB_BYTEA, DB_TEXT};

static void add_uuid(struct db_array *a, const struct uuid *id)
{
	db_array_uuid(a, uuid_is_nil(*id) ? NULL : id);
}

static void add_bytes(struct db_array *a, const void *data, size_t len)
{
	if (data == NULL)
		db_array_null(a);
	else
		db_array_bytes(a, data, len);
}

static void add_arrival(struct db_array *c, const struct arrival *a)
{
	char print[FINGERPRINT_SIZE];

	letter_fingerprint(a->error_code, a->failed_step, print);
	db_array_uuid(&c[0], &a->letter_id);
	db_array_bool(&c[1], a->readable);
	db_array_text(&c[2], a->topic);
	db_array_int(&c[3], a->partition);
	db_array_int(&c[4], a->offset);
	if (a->original_us == 0)
		db_array_null(&c[5]);
	else
		db_array_time(&c[5], a->original_us);
	db_array_text(&c[6], a->group);
	db_array_text(&c[7], a->error_code);
	db_array_text(&c[8], a->error_reason);
	db_array_text(&c[9], a->failed_step);
	db_array_text(&c[10], print);
	db_array_text(&c[11], a->event_type);
	add_uuid(&c[12], &a->event_id);
	add_uuid(&c[13], &a->order_id);
	add_uuid(&c[14], &a->correlation_id);
	db_array_time(&c[15], a->failed_us);
	db_array_int(&c[16], a->retry_count);
	db_array_int(&c[17], a->replay_count);
	db_array_text(&c[18], a->dlq_topic);
	db_array_int(&c[19], a->dlq_partition);
	db_array_int(&c[20], a->dlq_offset);
	add_bytes(&c[21], a->key, a->key_len);
	add_bytes(&c[22], a->value, a->value_len);
	db_array_text(&c[23], a->headers);
}

static int insert_letters(struct db_conn *tx, const struct arrival *arrivals, int n, struct db_result **ret,
			  struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	struct db_array c[ARRAY_LEN(insert_types)] = {0};
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(c); i++)
		db_array_init(&c[i], insert_types[i]);
	for (int i = 0; i < n; i++)
		add_arrival(c, &arrivals[i]);
	for (size_t i = 0; i < ARRAY_LEN(c); i++)
		db_param_array(&p, &c[i]);
	rc = db_exec(tx, &letters_insert, &p, ret, err);
	for (size_t i = 0; i < ARRAY_LEN(c); i++)
		db_array_done(&c[i]);
	return rc;
}

/* A letter that is known: a newer failure of it counts, an older one was seen before. */
static void fail_anew(struct letter *l, const struct arrival *a, struct letter_changes *changes,
		      struct store_arrivals *ret)
{
	enum letter_state before = l->standing.state;
	struct letter_change *change;

	if (a->failed_us <= l->failed_us) {
		ret->known++;
		return;
	}
	ret->again++;
	letter_step(&l->standing, INPUT_FAILED_ANEW, l->replay_cap);
	l->failed_us = a->failed_us;
	l->retry_count = a->retry_count;
	snprintf(l->error_code, sizeof(l->error_code), "%s", a->error_code);
	snprintf(l->error_reason, sizeof(l->error_reason), "%s", a->error_reason);
	snprintf(l->failed_step, sizeof(l->failed_step), "%s", a->failed_step);
	change = letter_changes_add(changes, l, "failed again",
				    l->standing.state != before ? EVENT_MESSAGE_DEAD_LETTERED : -1);
	change->detail = failure_json(a);
}

/* arrivals by id → the index of the latest of the batch. */
static int change_known(struct db_conn *tx, const struct arrival *arrivals, const struct map *latest,
			const struct db_array *ids, struct letter_changes *changes, struct letter **ret,
			struct store_arrivals *tally, struct error *err)
{
	int n = 0, rc;

	if (ids->count == 0)
		return 0;
	rc = store_lock(tx, ids, ret, &n, err);
	for (int i = 0; rc == 0 && i < n; i++) {
		struct letter *l = &(*ret)[i];
		intptr_t at = (intptr_t)map_get(latest, l->id.b, sizeof(l->id.b)) - 1;

		fail_anew(l, &arrivals[at], changes, tally);
	}
	return rc;
}

static int write_fresh(struct db_conn *tx, const struct arrival *arrivals, const struct map *latest,
		       const struct db_result *inserted, struct error *err)
{
	int n = db_rows(inserted);
	AUTO_FREE struct letter *letters = xcalloc((size_t)n + 1, sizeof(*letters));
	CLEANUP(letter_changes_done) struct letter_changes changes = {0};
	const struct change_origin origin = {.actor = "dlqd"};
	int rc;

	for (int i = 0; i < n; i++) {
		struct uuid id = db_uuid(inserted, i, 0);
		intptr_t at = (intptr_t)map_get(latest, id.b, sizeof(id.b)) - 1;

		letter_of(&arrivals[at], &letters[i]);
		letter_changes_add(&changes, &letters[i], "dead-lettered", EVENT_MESSAGE_DEAD_LETTERED)
		    ->detail = failure_json(&arrivals[at]);
	}
	if (n == 0)
		return 0;
	rc = write_events(tx, &changes, err); /* draws event_seq 1, which the row has by default */
	return rc < 0 ? rc : insert_history(tx, &changes, &origin, err);
}

static void collect_known(const struct db_result *inserted, const struct arrival *arrivals,
			  const struct map *latest, int n, struct db_array *ids)
{
	struct map fresh = {0};

	for (int i = 0; i < db_rows(inserted); i++) {
		struct uuid id = db_uuid(inserted, i, 0);

		map_put(&fresh, id.b, sizeof(id.b), &fresh);
	}
	for (int i = 0; i < n; i++) {
		const struct uuid *id = &arrivals[i].letter_id;

		if ((intptr_t)map_get(latest, id->b, sizeof(id->b)) == i + 1 &&
		    map_get(&fresh, id->b, sizeof(id->b)) == NULL)
			db_array_uuid(ids, id);
	}
	map_done(&fresh, NULL);
}

int store_arrive(struct db_conn *tx, const struct arrival *arrivals, int n, struct store_arrivals *ret,
		 struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *inserted = NULL;
	CLEANUP(letter_changes_done) struct letter_changes changes = {0};
	CLEANUP(db_array_done) struct db_array known = {0};
	AUTO_FREE struct letter *letters = NULL;
	const struct change_origin origin = {.actor = "dlqd"};
	struct map latest = {0};
	int rc;

	*ret = (struct store_arrivals){0};
	db_array_init(&known, DB_UUID);
	for (intptr_t i = 0; i < n; i++)
		map_put(&latest, arrivals[i].letter_id.b, sizeof(arrivals[i].letter_id.b), (void *)(i + 1));
	rc = store_arrivals_lock(tx, err);
	if (rc == 0)
		rc = insert_letters(tx, arrivals, n, &inserted, err);
	if (rc == 0)
		rc = write_fresh(tx, arrivals, &latest, inserted, err);
	if (rc == 0) {
		ret->fresh = db_rows(inserted);
		collect_known(inserted, arrivals, &latest, n, &known);
		rc = change_known(tx, arrivals, &latest, &known, &changes, &letters, ret, err);
	}
	if (rc == 0)
		rc = store_write(tx, &changes, &origin, err);
	map_done(&latest, NULL);
	return rc;
}

void store_notify(struct db_conn *c)
{
	struct error err;

	if (db_run(c, "NOTIFY dlq", &err) < 0)
		log_debug("notification: %s", err.why);
}
