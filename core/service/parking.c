/*
 * The table of parked messages, and trying them again.
 */
#include "core/service/parking.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/service/metrics.h"
#include "core/service/policy.h"
#include "core/service/private.h"

#define HEADERS_MAX  64
#define LEASE_MS     5000 /* of a claim; a try that lasts longer has no effect once another has begun */
#define WORK_MS	     200  /* per call of parking_work */
#define LOOK_MS	     5000 /* others park and try, too */
#define WAIT_MIN_MS  10
#define AFTER_OUTAGE 1000 /* ms until what met an outage is tried again */

/* One that is being tried. */
struct claim {
	char topic[256];
	int32_t partition;
	int64_t offset;
	int tries; /* begun, with this one */
};

struct parking {
	struct service *service;
	struct effect *effect;
	struct deadletter *letters;
	int64_t count;
	struct mono due;    /* when the first one is */
	struct mono looked; /* 0: not yet */
	bool owes_release;
	struct claim to_release; /* its try consumed none: to be said once the database can be reached */
};

struct parking *parking_new(struct service *s, struct effect *x, struct deadletter *letters)
{
	struct parking *p = xcalloc(1, sizeof(*p));

	p->service = s;
	p->effect = x;
	p->letters = letters;
	return p;
}

void parking_free(struct parking *p)
{
	free(p);
}

int64_t parking_count(const struct parking *p)
{
	return p->count;
}

/* --- looking --- */

DB_STATEMENT(
    parked_look,
    "SELECT count(*), (extract(epoch FROM min(greatest(next_at, claimed_until)) FILTER (WHERE NOT EXISTS"
    " (SELECT FROM parked q WHERE q.topic = p.topic AND q.key = p.key AND q.message_offset <"
    " p.message_offset)) - clock_timestamp()) * 1000)::int8 FROM parked p");

static int look(struct parking *p, struct db_conn *c, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc = db_exec(c, &parked_look, NULL, &r, err);

	if (rc < 0)
		return rc;
	p->looked = mono_now();
	p->count = db_int(r, 0, 0);
	p->due = mono_add_ms(p->looked, db_int(r, 0, 1));
	metric_set(metric_series(METRIC_CONSUMER_PARKED, NULL, NULL, NULL), (double)p->count);
	return 0;
}

int parking_look(struct parking *p, struct error *err)
{
	struct db_conn *c;
	int rc = db_acquire(p->service->db, &c, err);

	if (rc < 0)
		return rc;
	rc = look(p, c, err);
	db_release(c);
	return rc;
}

int64_t parking_wait_ms(const struct parking *p, int64_t max_ms)
{
	int64_t left = p->count > 0 ? mono_left_ms(p->due) : max_ms;

	if (left < WAIT_MIN_MS)
		left = WAIT_MIN_MS; /* somebody else may be at it */
	return left < max_ms ? left : max_ms;
}

DB_STATEMENT(parked_keys,
	     "SELECT v.i FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS v (topic, key, i)"
	     " WHERE EXISTS (SELECT FROM parked p WHERE p.topic = v.topic AND p.key = v.key)");

int parking_behind(struct parking *p, const struct event *const *events, int n, bool *behind,
		   struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params params = {0};
	CLEANUP(db_array_done) struct db_array names, keys;
	struct db_conn *c = NULL;
	int rc;

	db_array_init(&names, DB_TEXT);
	db_array_init(&keys, DB_TEXT);
	memset(behind, 0, (size_t)n * sizeof(*behind));
	if (p->count == 0 || n == 0)
		return 0;
	for (int i = 0; i < n; i++) {
		db_array_text(&names, events[i]->topic);
		db_array_text(&keys, events[i]->aggregate_id);
	}
	db_param_array(&params, &names);
	db_param_array(&params, &keys);
	rc = db_acquire(p->service->db, &c, err);
	if (rc == 0)
		rc = db_exec(c, &parked_keys, &params, &r, err);
	db_release(c);
	for (int row = 0; rc == 0 && row < db_rows(r); row++)
		behind[db_int(r, row, 0) - 1] = true;
	return rc;
}

/* --- putting there --- */

static void pack_part(struct buf *out, const void *data, size_t len)
{
	uint32_t size = data != NULL ? (uint32_t)len : UINT32_MAX;

	buf_add(out, &size, sizeof(size));
	if (data != NULL)
		buf_add(out, data, len);
}

static void pack_headers(const struct bus_message *m, struct buf *out)
{
	struct bus_header headers[HEADERS_MAX];
	int n = bus_message_headers(m, headers, HEADERS_MAX);

	for (int i = 0; i < n && i < HEADERS_MAX; i++) {
		pack_part(out, headers[i].name, strlen(headers[i].name) + 1);
		pack_part(out, headers[i].value, headers[i].len);
	}
}

static const char *unpack_part(const char *at, const char *end, const void **ret, size_t *ret_len)
{
	uint32_t size;

	if (end - at < (ptrdiff_t)sizeof(size))
		return NULL;
	memcpy(&size, at, sizeof(size));
	at += sizeof(size);
	*ret = NULL;
	*ret_len = 0;
	if (size == UINT32_MAX)
		return at;
	if (end - at < (ptrdiff_t)size)
		return NULL;
	*ret = at;
	*ret_len = size;
	return at + size;
}

/* The headers point into data. */
static int unpack_headers(const char *data, size_t len, struct bus_header *ret)
{
	const char *at = data, *end = data + len;
	int n = 0;

	while (n < HEADERS_MAX && at != NULL && at < end) {
		const void *name = NULL;
		size_t name_len;

		at = unpack_part(at, end, &name, &name_len);
		if (at != NULL)
			at = unpack_part(at, end, &ret[n].value, &ret[n].len);
		if (at == NULL || name == NULL)
			break;
		ret[n++].name = name;
	}
	return n;
}

static const enum db_type put_types[] = {DB_TEXT,  DB_INT4, DB_INT8, DB_TEXT, DB_BYTEA, DB_BYTEA,
					 DB_BYTEA, DB_INT8, DB_INT4, DB_INT8, DB_TEXT,	DB_TEXT};

DB_STATEMENT(
    parked_insert,
    "INSERT INTO parked (topic, partition, message_offset, key, message_key, message_value, headers,"
    " timestamp_ms, attempts, next_at, error_code, error_reason)"
    " SELECT t, p, o, k, mk, mv, h, ts, a, clock_timestamp() + d * interval '1 ms', ec, er"
    " FROM unnest($1::text[], $2::int4[], $3::int8[], $4::text[], $5::bytea[], $6::bytea[], $7::bytea[],"
    " $8::int8[], $9::int4[], $10::int8[], $11::text[], $12::text[])"
    " AS v (t, p, o, k, mk, mv, h, ts, a, d, ec, er) ON CONFLICT DO NOTHING");

static void add_bytes(struct db_array *a, const void *data, size_t len)
{
	if (data != NULL)
		db_array_bytes(a, data, len);
	else
		db_array_null(a);
}

static void add_parked(struct db_array *a, const struct parked *one)
{
	const struct bus_message *m = one->message;
	CLEANUP(buf_done) struct buf headers = {0};
	char reason[ERROR_LINE_SIZE];

	pack_headers(m, &headers);
	db_array_text(&a[0], m->topic);
	db_array_int(&a[1], m->partition);
	db_array_int(&a[2], m->offset);
	db_array_text(&a[3], one->event->aggregate_id);
	add_bytes(&a[4], m->key, m->key_len);
	add_bytes(&a[5], m->value, m->value_len);
	db_array_bytes(&a[6], buf_str(&headers), headers.len);
	db_array_int(&a[7], m->timestamp_ms);
	db_array_int(&a[8], one->tries);
	db_array_int(&a[9], one->delay_ms);
	db_array_text(&a[10], one->why != NULL ? error_word(one->why->code) : NULL);
	db_array_text(&a[11], one->why != NULL ? error_line(one->why, reason) : NULL);
}

int parking_put(struct parking *p, struct db_conn *tx, const struct parked *list, int n, struct error *err)
{
	CLEANUP(db_params_done) struct db_params params = {0};
	struct db_array a[ARRAY_LEN(put_types)];

	(void)p;
	if (n == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		db_array_init(&a[i], put_types[i]);
	for (int i = 0; i < n; i++)
		add_parked(a, &list[i]);
	for (size_t i = 0; i < ARRAY_LEN(a); i++) {
		db_param_array(&params, &a[i]);
		db_array_done(&a[i]);
	}
	return db_exec(tx, &parked_insert, &params, NULL, err);
}

int parking_put_one(struct parking *p, const struct parked *one, struct error *err)
{
	struct db_conn *c;
	int rc = db_acquire(p->service->db, &c, err);

	if (rc < 0)
		return rc;
	rc = parking_put(p, c, one, 1, err);
	db_release(c);
	if (rc == 0)
		parking_added(p, 1);
	return rc;
}

void parking_added(struct parking *p, int n)
{
	if (n == 0)
		return;
	p->count += n;
	p->looked = (struct mono){0}; /* when the first one is due has to be asked */
}

/* --- trying again --- */

DB_STATEMENT(
    parked_claim,
    "WITH head AS (SELECT topic, partition, message_offset FROM parked p WHERE next_at <= clock_timestamp()"
    " AND coalesce(claimed_until <= clock_timestamp(), true) AND NOT EXISTS (SELECT FROM parked q"
    " WHERE q.topic = p.topic AND q.key = p.key AND q.message_offset < p.message_offset)"
    " ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED)"
    " UPDATE parked p SET attempts = p.attempts + 1, claimed_until = clock_timestamp() + $1 * interval '1 ms'"
    " FROM head h WHERE (p.topic, p.partition, p.message_offset) = (h.topic, h.partition, h.message_offset)"
    " RETURNING p.topic, p.partition, p.message_offset, p.attempts, p.timestamp_ms,"
    " encode(p.message_key, 'hex'), encode(p.message_value, 'hex'), encode(p.headers, 'hex')");
DB_STATEMENT(parked_release, "UPDATE parked SET attempts = attempts - 1, claimed_until = NULL,"
			     " next_at = clock_timestamp() + $5 * interval '1 ms' WHERE topic = $1"
			     " AND partition = $2 AND message_offset = $3 AND attempts = $4");
DB_STATEMENT(parked_again,
	     "UPDATE parked SET claimed_until = NULL, next_at = clock_timestamp() + $5 * interval"
	     " '1 ms', error_code = $6, error_reason = $7 WHERE topic = $1 AND partition = $2"
	     " AND message_offset = $3 AND attempts = $4");
DB_STATEMENT(parked_delete, "DELETE FROM parked WHERE topic = $1 AND partition = $2 AND message_offset = $3"
			    " AND attempts = $4");
DB_STATEMENT(parked_hasten, "UPDATE parked SET next_at = clock_timestamp() WHERE key = $1");

static void claim_params(struct db_params *params, const struct claim *claim)
{
	db_param_text(params, claim->topic);
	db_param_int(params, claim->partition);
	db_param_int(params, claim->offset);
	db_param_int(params, claim->tries);
}

static int release_claim(struct db_conn *c, const struct claim *claim, struct error *err)
{
	CLEANUP(db_params_done) struct db_params params = {0};

	claim_params(&params, claim);
	db_param_int(&params, AFTER_OUTAGE);
	return db_exec(c, &parked_release, &params, NULL, err);
}

static int delay_claim(struct db_conn *c, const struct claim *claim, int64_t delay_ms,
		       const struct error *why, struct error *err)
{
	CLEANUP(db_params_done) struct db_params params = {0};
	char reason[ERROR_LINE_SIZE];

	claim_params(&params, claim);
	db_param_int(&params, delay_ms);
	db_param_text(&params, error_word(why->code));
	db_param_text(&params, error_line(why, reason));
	return db_exec(c, &parked_again, &params, NULL, err);
}

/* Within the transaction of the effect: fails when the claim has run out and another has begun. */
static int delete_claim(void *arg, struct db_conn *tx, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params params = {0};
	int rc;

	claim_params(&params, arg);
	rc = db_exec(tx, &parked_delete, &params, &r, err);
	if (rc == 0 && db_affected(r) == 0)
		rc = error_set(err, ERR_LEASE_LOST, "try a parked message", "another replica is at it");
	return rc;
}

/* One message on its next try; what it points to belongs to it. */
struct attempt {
	struct claim claim;
	struct bus_message message;
	struct bus_header headers[HEADERS_MAX];
	int header_count;
	char *key, *value, *packed;
	struct event event;
	const char *step;
};

static void attempt_done(struct attempt *t)
{
	event_done(&t->event);
	free(t->key);
	free(t->value);
	free(t->packed);
}

static char *from_hex(const struct db_result *r, int column, size_t *ret_len)
{
	size_t len = (size_t)db_length(r, 0, column);
	char *out;

	*ret_len = 0;
	if (db_is_null(r, 0, column))
		return NULL;
	out = xmalloc(len / 2 + 1);
	if (sodium_hex2bin((unsigned char *)out, len / 2 + 1, db_text(r, 0, column), len, NULL, ret_len,
			   NULL) != 0)
		*ret_len = 0;
	return out;
}

static void read_attempt(const struct db_result *r, struct attempt *t)
{
	size_t packed_len;

	snprintf(t->claim.topic, sizeof(t->claim.topic), "%s", db_text(r, 0, 0));
	t->claim.partition = (int32_t)db_int(r, 0, 1);
	t->claim.offset = db_int(r, 0, 2);
	t->claim.tries = (int)db_int(r, 0, 3);
	t->message = (struct bus_message){.topic = t->claim.topic,
					  .partition = t->claim.partition,
					  .offset = t->claim.offset,
					  .timestamp_ms = db_int(r, 0, 4)};
	t->message.key = t->key = from_hex(r, 5, &t->message.key_len);
	t->message.value = t->value = from_hex(r, 6, &t->message.value_len);
	t->packed = from_hex(r, 7, &packed_len);
	t->header_count = unpack_headers(t->packed, packed_len, t->headers);
}

/* 1: there was one that is due. */
static int claim_next(struct parking *p, struct attempt *t, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params params = {0};
	struct db_conn *c;
	int rc = db_acquire(p->service->db, &c, err);

	if (rc < 0)
		return rc;
	if (p->owes_release)
		rc = release_claim(c, &p->to_release, err);
	if (rc == 0) {
		p->owes_release = false;
		db_param_int(&params, LEASE_MS);
		rc = db_exec(c, &parked_claim, &params, &r, err);
	}
	if (rc == 0 && db_rows(r) == 0)
		rc = look(p, c, err);
	else if (rc == 0)
		rc = 1;
	db_release(c);
	if (rc == 1)
		read_attempt(r, t);
	return rc;
}

static int run(struct parking *p, struct attempt *t, struct error *err)
{
	const struct event *events[] = {&t->event};
	struct effect_run one = {.events = events, .count = 1, .also = delete_claim, .arg = &t->claim};
	int rc;

	effect_log_context(&t->event);
	rc = effect_run(p->effect, &one, err);
	log_context_set(NULL);
	return rc;
}

static int bury(struct parking *p, struct attempt *t, const struct error *why, struct error *err)
{
	const struct letter letter = {
	    .message = &t->message,
	    .headers = t->headers,
	    .header_count = t->header_count,
	    .event_id = t->event.id,
	    .why = why,
	    .step = t->step,
	    .retries = t->claim.tries - 1,
	};
	struct db_conn *c = NULL;
	int rc = deadletter_send(p->letters, &letter, err);

	if (rc == 0)
		rc = db_acquire(p->service->db, &c, err);
	if (rc < 0)
		return rc;
	rc = delete_claim(&t->claim, c, err);
	db_release(c);
	if (rc == 0)
		metric_count(METRIC_CONSUMER_MESSAGES, t->claim.topic, "dead", 1);
	return rc;
}

/* The failure of a try, or of burying it, decides how it goes on. */
static int settle(struct parking *p, struct attempt *t, const struct error *why, struct error *err)
{
	const struct policy policy = policy_of(p->service->info);
	struct db_conn *c;
	int rc;

	switch (policy_verdict(&policy, why->code, t->claim.tries)) {
	case VERDICT_PAUSE:
		*err = *why;
		return why->code;
	case VERDICT_BURY:
		return bury(p, t, why, err);
	case VERDICT_RETRY:
		break;
	}
	log_err(LOG_WARN, why, "try %d of %s from %s/%d@%lld failed", t->claim.tries, t->step, t->claim.topic,
		(int)t->claim.partition, (long long)t->claim.offset);
	rc = db_acquire(p->service->db, &c, err);
	if (rc < 0)
		return rc;
	rc = delay_claim(c, &t->claim, policy_delay_ms(&policy, t->claim.tries), why, err);
	db_release(c);
	return rc;
}

static int try_one(struct parking *p, struct attempt *t, struct error *err)
{
	struct error why;
	int rc = event_parse(t->value, t->message.value_len, &t->event, &why);

	t->step = rc == 0 ? event_types[t->event.type].name : "parse";
	if (rc == 0) {
		t->event.topic = t->claim.topic;
		t->event.partition = t->claim.partition;
		t->event.offset = t->claim.offset;
		/* More tries than there may be: the last one ended its process. */
		if (t->claim.tries > policy_of(p->service->info).retries + 1)
			rc = error_set(&why, ERR_BUG, "handle the event",
				       "the daemon ended in the middle of it");
		else
			rc = run(p, t, &why);
	}
	if (rc == 0)
		metric_count(METRIC_CONSUMER_MESSAGES, t->claim.topic, "processed", 1);
	return rc == 0 ? 0 : settle(p, t, &why, err);
}

/* True when there may be more to do at once. */
static bool work_once(struct parking *p)
{
	struct attempt t = {0};
	struct error err;
	int rc = claim_next(p, &t, &err);

	if (rc == 1) {
		rc = try_one(p, &t, &err);
		if (rc < 0) { /* an outage: no try is consumed */
			p->owes_release = true;
			p->to_release = t.claim;
		}
		rc = rc == 0 ? 1 : rc;
	}
	if (rc < 0) {
		log_err(LOG_DEBUG, &err, "parked messages wait");
		p->due = mono_add_ms(mono_now(), AFTER_OUTAGE);
	}
	attempt_done(&t);
	return rc == 1;
}

void parking_work(struct parking *p)
{
	struct mono until = mono_add_ms(mono_now(), WORK_MS);
	struct error err;

	if (atomic_exchange(&p->service->hastened, false) || p->looked.ns == 0 ||
	    mono_since_ms(p->looked) > LOOK_MS)
		if (parking_look(p, &err) < 0)
			return;
	if (p->count == 0 || mono_left_ms(p->due) > 0)
		return;
	while (work_once(p) && mono_left_ms(until) > 0 && !service_stopping(p->service))
		;
}

int parking_hasten(struct db_conn *c, const char *key, int *ret_count, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params params = {0};
	int rc;

	db_param_text(&params, key);
	rc = db_exec(c, &parked_hasten, &params, &r, err);
	if (rc == 0)
		*ret_count = (int)db_affected(r);
	return rc;
}
