/*
 * Set-based statements over payments and refunds.
 *
 * A row's version guards every change: a change planned from a row as it was claimed takes effect only when
 * nobody has changed it since.
 */
#include "daemons/payment/store.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/service/named.h"

/* --- rows to structs --- */

#define PAYMENT_FIELDS(p)                                                                                   \
	p "payment_id, " p "order_id, " p "amount, " p "refunded_amount, " p "currency, " p                 \
	  "payment_method, " p "status, " p "cancel_requested, " p "attempt, " p "failures, " p "tries, " p \
	  "lookup_needed, " p "provider_id, " p "reason, " p "seq, " p "version, " p "correlation_id, " p   \
	  "causation_id, " p "created_at, " p "updated_at, " p "strikes"

#define REFUND_FIELDS(p)                                                                              \
	p "refund_id, " p "payment_id, " p "order_id, " p "amount, " p "status, " p "attempt, " p     \
	  "failures, " p "tries, " p "lookup_needed, " p "provider_id, " p "reason, " p "version, " p \
	  "causation_id, " p "created_at, " p "updated_at"

static void copy_text(char *out, size_t size, const struct db_result *r, int row, int column)
{
	snprintf(out, size, "%s", db_text(r, row, column));
}

/* The payment in columns first … of a row. */
static void read_payment(const struct db_result *r, int row, int first, struct payment *p)
{
	memset(p, 0, sizeof(*p));
	p->payment_id = db_uuid(r, row, first);
	p->order_id = db_uuid(r, row, first + 1);
	p->amount = db_int(r, row, first + 2);
	p->refunded_amount = db_int(r, row, first + 3);
	copy_text(p->currency, sizeof(p->currency), r, row, first + 4);
	copy_text(p->method, sizeof(p->method), r, row, first + 5);
	if (!payment_status_parse(db_text(r, row, first + 6), &p->status))
		p->status = PAYMENT_NONE;
	p->cancel_requested = db_bool(r, row, first + 7);
	p->asking = (struct asking){(int)db_int(r, row, first + 8), (int)db_int(r, row, first + 9),
				    (int)db_int(r, row, first + 10), 0, db_bool(r, row, first + 11)};
	copy_text(p->provider_id, sizeof(p->provider_id), r, row, first + 12);
	copy_text(p->reason, sizeof(p->reason), r, row, first + 13);
	p->seq = db_int(r, row, first + 14);
	p->version = db_int(r, row, first + 15);
	p->correlation_id = db_uuid(r, row, first + 16);
	p->causation_id = db_uuid(r, row, first + 17);
	p->created_us = db_time(r, row, first + 18);
	p->updated_us = db_time(r, row, first + 19);
	p->asking.strikes = (int)db_int(r, row, first + 20);
}

static const char *const refund_words[] = {"requested", "completed", "failed"};

const char *refund_status_word(enum refund_status s)
{
	return refund_words[s];
}

static enum refund_status refund_status_of(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(refund_words); i++)
		if (strcmp(refund_words[i], word) == 0)
			return (enum refund_status)i;
	return REFUND_FAILED;
}

static void read_refund(const struct db_result *r, int row, struct refund *out)
{
	memset(out, 0, sizeof(*out));
	out->refund_id = db_uuid(r, row, 0);
	out->payment_id = db_uuid(r, row, 1);
	out->order_id = db_uuid(r, row, 2);
	out->amount = db_int(r, row, 3);
	out->status = refund_status_of(db_text(r, row, 4));
	out->asking = (struct asking){(int)db_int(r, row, 5), (int)db_int(r, row, 6), (int)db_int(r, row, 7),
				      0, db_bool(r, row, 8)};
	copy_text(out->provider_id, sizeof(out->provider_id), r, row, 9);
	copy_text(out->reason, sizeof(out->reason), r, row, 10);
	out->version = db_int(r, row, 11);
	out->causation_id = db_uuid(r, row, 12);
	out->created_us = db_time(r, row, 13);
	out->updated_us = db_time(r, row, 14);
}

/* --- array parameters --- */

static void init_arrays(struct db_array *a, const enum db_type *types, int n)
{
	memset(a, 0, (size_t)n * sizeof(*a));
	for (int i = 0; i < n; i++)
		db_array_init(&a[i], types[i]);
}

/* Runs a statement whose first n parameters are the arrays (freed here), then the claim (NULL: none). */
static int exec_arrays(struct db_conn *c, struct db_statement *s, struct db_array *a, int n,
		       const struct claim *claim, struct db_result **ret, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};

	for (int i = 0; i < n; i++) {
		db_param_array(&p, &a[i]);
		db_array_done(&a[i]);
	}
	if (claim != NULL) {
		db_param_int(&p, claim->lease_ms);
		db_param_int(&p, claim->replica);
	}
	return db_exec(c, s, &p, ret, err);
}

static void add_text(struct db_array *a, const char *text)
{
	AUTO_FREE char *whole =
	    text[0] != '\0' ? text_mended(text) : NULL; /* it may be cut off in a character */

	db_array_text(a, whole);
}

static void add_uuid(struct db_array *a, const struct uuid *u)
{
	db_array_uuid(a, uuid_is_nil(*u) ? NULL : u);
}

/* flags[i] = the order of row i is among the first column of r.  Both sides are few or all. */
static void mark_orders(const struct db_result *r, const struct uuid *(*order_of)(const void *rows, int i),
			const void *rows, int n, bool *flags)
{
	int found = db_rows(r);

	memset(flags, found == n, (size_t)n * sizeof(*flags));
	if (found == n)
		return;
	for (int row = 0; row < found; row++) {
		struct uuid id = db_uuid(r, row, 0);

		for (int i = 0; i < n; i++)
			if (uuid_equal(*order_of(rows, i), id))
				flags[i] = true;
	}
}

/* --- new payments --- */

static const enum db_type insert_types[] = {DB_UUID, DB_UUID, DB_INT8, DB_TEXT, DB_TEXT,
					    DB_TEXT, DB_TEXT, DB_INT8, DB_UUID, DB_UUID};

static void add_insert(struct db_array *a, const struct payment *p)
{
	db_array_uuid(&a[0], &p->payment_id);
	db_array_uuid(&a[1], &p->order_id);
	db_array_int(&a[2], p->amount);
	db_array_text(&a[3], p->currency);
	db_array_text(&a[4], p->method);
	db_array_text(&a[5], payment_status_word(p->status));
	add_text(&a[6], p->reason);
	db_array_int(&a[7], p->seq);
	db_array_uuid(&a[8], &p->correlation_id);
	add_uuid(&a[9], &p->causation_id);
}

static const struct uuid *payment_order(const void *rows, int i)
{
	return &((const struct payment *)rows)[i].order_id;
}

DB_STATEMENT(
    payments_insert,
    "INSERT INTO payments (payment_id, order_id, amount, currency, payment_method, status, reason, seq, "
    "correlation_id, causation_id, claimed_by, next_attempt_at) "
    "SELECT t.*, $12::int4, CASE t.status WHEN 'processing' THEN clock_timestamp() + $11::int8 * interval '1 "
    "ms' "
    "WHEN 'requested' THEN clock_timestamp() END "
    "FROM unnest($1::uuid[], $2::uuid[], $3::int8[], $4::text[], $5::text[], $6::text[], $7::text[], "
    "$8::int8[], $9::uuid[], $10::uuid[]) AS t (payment_id, order_id, amount, currency, payment_method, "
    "status, reason, seq, correlation_id, causation_id) "
    "ON CONFLICT (order_id) DO NOTHING RETURNING order_id");

int store_insert(struct db_conn *tx, const struct payment *rows, int n, struct claim claim, bool *inserted,
		 struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	struct db_array a[ARRAY_LEN(insert_types)];
	int rc;

	init_arrays(a, insert_types, ARRAY_LEN(insert_types));
	for (int i = 0; i < n; i++)
		add_insert(a, &rows[i]);
	rc = exec_arrays(tx, &payments_insert, a, ARRAY_LEN(insert_types), &claim, &r, err);
	if (rc == 0)
		mark_orders(r, payment_order, rows, n, inserted);
	return rc;
}

/* --- changed payments --- */

DB_STATEMENT(payments_lock, "SELECT " PAYMENT_FIELDS("") " FROM payments WHERE order_id = ANY ($1::uuid[]) "
							 "ORDER BY order_id FOR UPDATE");

int store_lock(struct db_conn *tx, const struct uuid *orders, int n, struct payment *ret, int *ret_count,
	       struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	struct db_array ids = {0};
	int rc;

	db_array_init(&ids, DB_UUID);
	for (int i = 0; i < n; i++)
		db_array_uuid(&ids, &orders[i]);
	rc = exec_arrays(tx, &payments_lock, &ids, 1, NULL, &r, err);
	if (rc < 0)
		return rc;
	*ret_count = db_rows(r);
	for (int i = 0; i < *ret_count; i++)
		read_payment(r, i, 0, &ret[i]);
	return 0;
}

static const enum db_type change_types[] = {DB_UUID, DB_INT8, DB_TEXT, DB_BOOL, DB_INT4,
					    DB_INT4, DB_INT4, DB_BOOL, DB_TEXT, DB_TEXT,
					    DB_INT8, DB_INT8, DB_UUID, DB_INT8, DB_INT4};

static void add_change(struct db_array *a, const struct payment_change *c)
{
	const struct payment *p = &c->now;

	db_array_uuid(&a[0], &p->order_id);
	db_array_int(&a[1], p->version);
	db_array_text(&a[2], payment_status_word(p->status));
	db_array_bool(&a[3], p->cancel_requested);
	db_array_int(&a[4], p->asking.attempt);
	db_array_int(&a[5], p->asking.failures);
	db_array_int(&a[6], p->asking.tries);
	db_array_bool(&a[7], p->asking.lookup);
	add_text(&a[8], p->provider_id);
	add_text(&a[9], p->reason);
	db_array_int(&a[10], p->seq);
	db_array_int(&a[11], p->refunded_amount);
	add_uuid(&a[12], &p->causation_id);
	if (c->delay_ms == DUE_NEVER)
		db_array_null(&a[13]);
	else
		db_array_int(&a[13], c->delay_ms);
	db_array_int(&a[14], p->asking.strikes);
}

static const struct uuid *change_order(const void *rows, int i)
{
	return &((const struct payment_change *)rows)[i].now.order_id;
}

DB_STATEMENT(
    payments_change,
    "UPDATE payments p SET status = t.status, cancel_requested = t.cancel_requested, attempt = t.attempt, "
    "failures = t.failures, tries = t.tries, strikes = t.strikes, lookup_needed = t.lookup_needed, "
    "provider_id = t.provider_id, "
    "reason = t.reason, seq = t.seq, refunded_amount = t.refunded_amount, causation_id = t.causation_id, "
    "next_attempt_at = CASE t.delay_ms WHEN -2 THEN p.next_attempt_at "
    "ELSE clock_timestamp() + t.delay_ms * interval '1 ms' END, version = p.version + 1, "
    "updated_at = clock_timestamp() "
    "FROM unnest($1::uuid[], $2::int8[], $3::text[], $4::bool[], $5::int4[], $6::int4[], $7::int4[], "
    "$8::bool[], $9::text[], $10::text[], $11::int8[], $12::int8[], $13::uuid[], $14::int8[], $15::int4[]) "
    "AS "
    "t (order_id, "
    "version, status, cancel_requested, attempt, failures, tries, lookup_needed, provider_id, reason, seq, "
    "refunded_amount, causation_id, delay_ms, strikes) "
    "WHERE p.order_id = t.order_id AND p.version = t.version RETURNING p.order_id");

int store_change(struct db_conn *tx, const struct payment_change *changes, int n, bool *hit,
		 struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	struct db_array a[ARRAY_LEN(change_types)];
	int rc;

	if (n == 0)
		return 0;
	init_arrays(a, change_types, ARRAY_LEN(change_types));
	for (int i = 0; i < n; i++)
		add_change(a, &changes[i]);
	rc = exec_arrays(tx, &payments_change, a, ARRAY_LEN(change_types), NULL, &r, err);
	if (rc == 0)
		mark_orders(r, change_order, changes, n, hit);
	return rc;
}

/* --- refunds --- */

static const enum db_type refund_insert_types[] = {DB_UUID, DB_UUID, DB_UUID, DB_INT8, DB_TEXT, DB_UUID};

DB_STATEMENT(
    refunds_insert,
    "INSERT INTO refunds (refund_id, payment_id, order_id, amount, status, reason, causation_id, "
    "next_attempt_at) SELECT refund_id, payment_id, order_id, amount, 'requested', reason, causation_id, "
    "clock_timestamp() FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int8[], $5::text[], $6::uuid[]) "
    "AS t (refund_id, payment_id, order_id, amount, reason, causation_id)");

int store_refund_insert(struct db_conn *tx, const struct refund *rows, int n, struct error *err)
{
	struct db_array a[ARRAY_LEN(refund_insert_types)];

	if (n == 0)
		return 0;
	init_arrays(a, refund_insert_types, ARRAY_LEN(refund_insert_types));
	for (int i = 0; i < n; i++) {
		db_array_uuid(&a[0], &rows[i].refund_id);
		db_array_uuid(&a[1], &rows[i].payment_id);
		db_array_uuid(&a[2], &rows[i].order_id);
		db_array_int(&a[3], rows[i].amount);
		add_text(&a[4], rows[i].reason);
		add_uuid(&a[5], &rows[i].causation_id);
	}
	return exec_arrays(tx, &refunds_insert, a, ARRAY_LEN(refund_insert_types), NULL, NULL, err);
}

DB_STATEMENT(refunds_lock, "SELECT " REFUND_FIELDS("") " FROM refunds WHERE refund_id = ANY ($1::uuid[]) "
						       "ORDER BY refund_id FOR UPDATE");

int store_refund_lock(struct db_conn *tx, const struct uuid *refund_ids, int n, struct refund *ret,
		      int *ret_count, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	struct db_array ids = {0};
	int rc;

	db_array_init(&ids, DB_UUID);
	for (int i = 0; i < n; i++)
		db_array_uuid(&ids, &refund_ids[i]);
	rc = exec_arrays(tx, &refunds_lock, &ids, 1, NULL, &r, err);
	if (rc < 0)
		return rc;
	*ret_count = db_rows(r);
	for (int i = 0; i < *ret_count; i++)
		read_refund(r, i, &ret[i]);
	return 0;
}

static const enum db_type refund_change_types[] = {DB_UUID, DB_TEXT, DB_INT4, DB_INT4, DB_INT4,
						   DB_BOOL, DB_TEXT, DB_TEXT, DB_INT8};

DB_STATEMENT(
    refunds_change,
    "UPDATE refunds f SET status = t.status, attempt = t.attempt, failures = t.failures, tries = t.tries, "
    "lookup_needed = t.lookup_needed, provider_id = t.provider_id, reason = t.reason, "
    "next_attempt_at = clock_timestamp() + t.delay_ms * interval '1 ms', version = f.version + 1, "
    "updated_at = clock_timestamp() "
    "FROM unnest($1::uuid[], $2::text[], $3::int4[], $4::int4[], $5::int4[], $6::bool[], $7::text[], "
    "$8::text[], $9::int8[]) AS t (refund_id, status, attempt, failures, tries, lookup_needed, provider_id, "
    "reason, delay_ms) WHERE f.refund_id = t.refund_id");

int store_refund_change(struct db_conn *tx, const struct refund_change *changes, int n, struct error *err)
{
	struct db_array a[ARRAY_LEN(refund_change_types)];

	if (n == 0)
		return 0;
	init_arrays(a, refund_change_types, ARRAY_LEN(refund_change_types));
	for (int i = 0; i < n; i++) {
		const struct refund *f = &changes[i].now;

		db_array_uuid(&a[0], &f->refund_id);
		db_array_text(&a[1], refund_status_word(f->status));
		db_array_int(&a[2], f->asking.attempt);
		db_array_int(&a[3], f->asking.failures);
		db_array_int(&a[4], f->asking.tries);
		db_array_bool(&a[5], f->asking.lookup);
		add_text(&a[6], f->provider_id);
		add_text(&a[7], f->reason);
		if (changes[i].delay_ms == DUE_NEVER)
			db_array_null(&a[8]);
		else
			db_array_int(&a[8], changes[i].delay_ms);
	}
	return exec_arrays(tx, &refunds_change, a, ARRAY_LEN(refund_change_types), NULL, NULL, err);
}

/* --- claims --- */

static int exec_claim(struct db_conn *c, struct db_statement *s, int limit, struct claim claim,
		      struct db_result **ret, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};

	db_param_int(&p, limit);
	db_param_int(&p, claim.lease_ms);
	db_param_int(&p, claim.replica);
	return db_exec(c, s, &p, ret, err);
}

DB_STATEMENT(
    payments_claim,
    "WITH due AS MATERIALIZED (SELECT payment_id FROM payments WHERE next_attempt_at <= clock_timestamp() "
    "ORDER BY next_attempt_at LIMIT $1::int8 FOR UPDATE SKIP LOCKED) "
    "UPDATE payments p SET status = 'processing', version = p.version + 1, claimed_by = $3::int4, "
    "next_attempt_at = clock_timestamp() + $2::int8 * interval '1 ms', updated_at = clock_timestamp() "
    "FROM due WHERE p.payment_id = due.payment_id RETURNING " PAYMENT_FIELDS("p."));

int store_claim(struct db_conn *c, int limit, struct claim claim, struct payment *ret, int *ret_count,
		struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc = exec_claim(c, &payments_claim, limit, claim, &r, err);

	if (rc < 0)
		return rc;
	*ret_count = db_rows(r);
	for (int i = 0; i < *ret_count; i++)
		read_payment(r, i, 0, &ret[i]);
	return 0;
}

#define REFUND_FIELD_COUNT 15

DB_STATEMENT(
    refunds_claim,
    "WITH due AS MATERIALIZED (SELECT refund_id FROM refunds WHERE next_attempt_at <= clock_timestamp() "
    "ORDER BY next_attempt_at LIMIT $1::int8 FOR UPDATE SKIP LOCKED) "
    "UPDATE refunds f SET version = f.version + 1, claimed_by = $3::int4, "
    "next_attempt_at = clock_timestamp() + $2::int8 * interval '1 ms', updated_at = clock_timestamp() "
    "FROM due, payments p WHERE f.refund_id = due.refund_id AND p.payment_id = f.payment_id "
    "RETURNING " REFUND_FIELDS("f.") ", " PAYMENT_FIELDS("p."));

int store_refund_claim(struct db_conn *c, int limit, struct claim claim, struct refund *refunds,
		       struct payment *payments, int *ret_count, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc = exec_claim(c, &refunds_claim, limit, claim, &r, err);

	if (rc < 0)
		return rc;
	*ret_count = db_rows(r);
	for (int i = 0; i < *ret_count; i++) {
		read_refund(r, i, &refunds[i]);
		read_payment(r, i, REFUND_FIELD_COUNT, &payments[i]);
	}
	return 0;
}

DB_STATEMENT(payments_release,
	     "WITH t AS (SELECT * FROM unnest($1::uuid[], $2::int8[]) AS t (id, version)), "
	     "refund AS (UPDATE refunds f SET next_attempt_at = clock_timestamp() FROM t "
	     "WHERE f.refund_id = t.id AND f.version = t.version AND f.next_attempt_at IS NOT NULL) "
	     "UPDATE payments p SET next_attempt_at = clock_timestamp() FROM t "
	     "WHERE p.payment_id = t.id AND p.version = t.version AND p.next_attempt_at IS NOT NULL");

int store_release(struct db_conn *c, struct job *const *jobs, int n, struct error *err)
{
	static const enum db_type types[] = {DB_UUID, DB_INT8};
	struct db_array a[ARRAY_LEN(types)];

	init_arrays(a, types, ARRAY_LEN(types));
	for (int i = 0; i < n; i++) {
		bool charge = jobs[i]->kind == JOB_CHARGE;

		db_array_uuid(&a[0], charge ? &jobs[i]->payment.payment_id : &jobs[i]->refund.refund_id);
		db_array_int(&a[1], charge ? jobs[i]->payment.version : jobs[i]->refund.version);
	}
	return exec_arrays(c, &payments_release, a, ARRAY_LEN(types), NULL, NULL, err);
}

/* A statement about one order. */
static int exec_order(struct db_conn *tx, struct db_statement *s, struct uuid order_id,
		      struct db_result **ret, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};

	db_param_uuid(&p, order_id);
	return db_exec(tx, s, &p, ret, err);
}

/* The next attempt number: nothing was found under the last one when it was given up. */
DB_STATEMENT(
    payments_requeue,
    "UPDATE payments SET status = 'processing', attempt = attempt + 1, failures = 0, tries = 0, strikes = 0,"
    " lookup_needed = false, version = version + 1, next_attempt_at = clock_timestamp(),"
    " updated_at = clock_timestamp() WHERE order_id = $1::uuid AND status = 'held'");

int store_requeue(struct db_conn *tx, struct uuid order_id, int *ret_count, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc = exec_order(tx, &payments_requeue, order_id, &r, err);

	if (rc == 0)
		*ret_count = (int)db_affected(r);
	return rc;
}

DB_STATEMENT(
    order_hasten,
    "WITH refund AS (UPDATE refunds SET next_attempt_at = clock_timestamp() WHERE order_id = $1::uuid"
    " AND next_attempt_at < clock_timestamp() + interval '30 s' RETURNING 1),"
    " charge AS (UPDATE payments SET next_attempt_at = clock_timestamp() WHERE order_id = $1::uuid"
    " AND next_attempt_at < clock_timestamp() + interval '30 s' RETURNING 1)"
    " SELECT (SELECT count(*) FROM refund) + (SELECT count(*) FROM charge)");

int store_hasten(struct db_conn *tx, struct uuid order_id, int *ret_count, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc = exec_order(tx, &order_hasten, order_id, &r, err);

	if (rc == 0)
		*ret_count = (int)db_int(r, 0, 0);
	return rc;
}

DB_STATEMENT(claims_end, "WITH refund AS (UPDATE refunds SET next_attempt_at = clock_timestamp() "
			 "WHERE next_attempt_at > clock_timestamp() AND claimed_by = $1::int4) "
			 "UPDATE payments SET next_attempt_at = clock_timestamp() "
			 "WHERE next_attempt_at > clock_timestamp() AND claimed_by = $1::int4");

int store_end_claims(struct db_conn *c, int replica, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};

	db_param_int(&p, replica);
	return db_exec(c, &claims_end, &p, NULL, err);
}

/* --- for the API --- */

DB_STATEMENT(payment_ids, "(SELECT payment_id FROM payments WHERE payment_id BETWEEN $1::uuid AND $2::uuid "
			  "ORDER BY payment_id LIMIT 2) UNION (SELECT payment_id FROM payments "
			  "WHERE order_id BETWEEN $1::uuid AND $2::uuid ORDER BY order_id LIMIT 2) LIMIT 2")

int store_complete_id(struct db_conn *c, const char *text, struct uuid *ret, struct error *err)
{
	return named_id(c, &payment_ids, "payment or order", text, ret, err);
}

DB_STATEMENT(payment_find, "SELECT " PAYMENT_FIELDS(
			       "") " FROM payments WHERE payment_id = $1::uuid OR order_id = $1::uuid");

int store_find(struct db_conn *c, struct uuid id, bool *ret_found, struct payment *ret, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc;

	db_param_uuid(&p, id);
	rc = db_exec(c, &payment_find, &p, &r, err);
	if (rc < 0)
		return rc;
	*ret_found = db_rows(r) > 0;
	if (*ret_found)
		read_payment(r, 0, 0, ret);
	return 0;
}

DB_STATEMENT(payments_list,
	     "SELECT " PAYMENT_FIELDS("") " FROM payments WHERE ($2::text IS NULL OR status = $2::text) "
					  "AND ($3::uuid IS NULL OR payment_id < $3::uuid) "
					  "ORDER BY payment_id DESC LIMIT $1::int8");

int store_list(struct db_conn *c, const struct payment_filter *filter, struct payment *ret, int *ret_count,
	       struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc;

	db_param_int(&p, filter->limit);
	db_param_text(&p, filter->status);
	if (uuid_is_nil(filter->before))
		db_param_null(&p);
	else
		db_param_uuid(&p, filter->before);
	rc = db_exec(c, &payments_list, &p, &r, err);
	if (rc < 0)
		return rc;
	*ret_count = db_rows(r);
	for (int i = 0; i < *ret_count; i++)
		read_payment(r, i, 0, &ret[i]);
	return 0;
}

DB_STATEMENT(refunds_of, "SELECT " REFUND_FIELDS(
			     "") " FROM refunds WHERE payment_id = ANY ($1::uuid[]) ORDER BY refund_id");

int store_refunds_of(struct db_conn *c, const struct payment *payments, int n, struct refund **ret,
		     int *ret_count, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	struct db_array ids = {0};
	int rc;

	db_array_init(&ids, DB_UUID);
	for (int i = 0; i < n; i++)
		db_array_uuid(&ids, &payments[i].payment_id);
	rc = exec_arrays(c, &refunds_of, &ids, 1, NULL, &r, err);
	if (rc < 0)
		return rc;
	*ret_count = db_rows(r);
	*ret = xcalloc((size_t)*ret_count + 1, sizeof(**ret));
	for (int i = 0; i < *ret_count; i++)
		read_refund(r, i, &(*ret)[i]);
	return 0;
}
