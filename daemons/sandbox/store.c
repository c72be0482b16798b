/*
 * The sandbox's SQL.  Charges and messages are written many at a time; refunds, lookups and faults one by
 * one.
 */
#include "daemons/sandbox/store.h"

#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"

/* --- charges --- */

enum {
	CHARGE_KEY,
	CHARGE_FINGERPRINT,
	CHARGE_STATUS,
	CHARGE_BODY,
	CHARGE_INTENT,
	CHARGE_AMOUNT,
	CHARGE_CURRENCY,
	CHARGE_METHOD,
	CHARGE_STATE,
	CHARGE_REASON,
	CHARGE_ORDER,
	CHARGE_METADATA,
	CHARGE_COLUMNS
};

static const enum db_type charge_types[CHARGE_COLUMNS] = {
    DB_TEXT, DB_UUID, DB_INT4, DB_TEXT, DB_UUID, DB_INT8,
    DB_TEXT, DB_TEXT, DB_TEXT, DB_TEXT, DB_TEXT, DB_TEXT,
};

static void add_charge(struct db_array *a, const struct charge_row *row)
{
	const struct intent *in = row->intent;

	db_array_text(&a[CHARGE_KEY], row->key);
	db_array_uuid(&a[CHARGE_FINGERPRINT], &row->fingerprint);
	db_array_int(&a[CHARGE_STATUS], row->http_status);
	db_array_text(&a[CHARGE_BODY], row->body);
	if (in == NULL) {
		for (int i = CHARGE_INTENT; i < CHARGE_COLUMNS; i++)
			db_array_null(&a[i]);
		return;
	}
	db_array_uuid(&a[CHARGE_INTENT], &in->id);
	db_array_int(&a[CHARGE_AMOUNT], in->amount);
	db_array_text(&a[CHARGE_CURRENCY], in->currency);
	db_array_text(&a[CHARGE_METHOD], in->method);
	db_array_text(&a[CHARGE_STATE], in->status);
	db_array_text(&a[CHARGE_REASON], in->reason);
	db_array_text(&a[CHARGE_ORDER], in->order_id);
	db_array_text(&a[CHARGE_METADATA], in->metadata);
}

DB_STATEMENT(
    charges_insert,
    "WITH input AS (SELECT * FROM unnest($1::text[], $2::uuid[], $3::int4[], $4::text[], $5::uuid[], "
    "$6::int8[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[]) WITH ORDINALITY "
    "AS t (key, fingerprint, http_status, body, intent, amount, currency, method, status, reason, order_id, "
    "metadata, n)), "
    "fresh AS (INSERT INTO answers (key, fingerprint, http_status, body) "
    "SELECT key, fingerprint, http_status, body FROM input WHERE key IS NOT NULL "
    "ON CONFLICT (key) DO NOTHING RETURNING key), "
    "written AS (INSERT INTO payment_intents (id, amount, currency, payment_method, status, reason, "
    "order_id, "
    "metadata) SELECT intent, amount, currency, method, status, reason, order_id, metadata FROM input "
    "WHERE intent IS NOT NULL AND (key IS NULL OR key IN (SELECT key FROM fresh))) "
    "SELECT i.n, a.fingerprint, a.http_status, a.body FROM input i JOIN answers a ON a.key = i.key "
    "WHERE i.key IS NOT NULL AND i.key NOT IN (SELECT key FROM fresh)");

static void take_replays(const struct db_result *r, struct replay *replays)
{
	for (int row = 0; row < db_rows(r); row++) {
		struct replay *known = &replays[db_int(r, row, 0) - 1];

		known->fingerprint = db_uuid(r, row, 1);
		known->answer.http_status = (int)db_int(r, row, 2);
		known->answer.body = xstrdup(db_text(r, row, 3));
	}
}

int store_charges(struct db *db, const struct charge_row *rows, int n, struct replay *replays,
		  struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	struct db_array columns[CHARGE_COLUMNS] = {0};
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc;

	memset(replays, 0, (size_t)n * sizeof(*replays));
	for (int i = 0; i < CHARGE_COLUMNS; i++)
		db_array_init(&columns[i], charge_types[i]);
	for (int i = 0; i < n; i++)
		add_charge(columns, &rows[i]);
	for (int i = 0; i < CHARGE_COLUMNS; i++) {
		db_param_array(&p, &columns[i]);
		db_array_done(&columns[i]);
	}
	rc = db_once(db, &charges_insert, &p, &r, err);
	if (rc == 0)
		take_replays(r, replays);
	return rc;
}

/* --- intents --- */

#define INTENT_COLUMNS                                                                                  \
	"id, created_at, amount, amount_refunded, currency, payment_method, status, reason, order_id, " \
	"metadata"

static struct intent intent_of(const struct db_result *r, int row)
{
	return (struct intent){
	    .id = db_uuid(r, row, 0),
	    .created_us = db_time(r, row, 1),
	    .amount = db_int(r, row, 2),
	    .refunded = db_int(r, row, 3),
	    .currency = db_text(r, row, 4),
	    .method = db_text(r, row, 5),
	    .status = db_text(r, row, 6),
	    .reason = db_is_null(r, row, 7) ? NULL : db_text(r, row, 7),
	    .order_id = db_is_null(r, row, 8) ? NULL : db_text(r, row, 8),
	    .metadata = db_text(r, row, 9),
	};
}

/* Runs one statement on a connection of its own and hands its rows out as intents. */
static int each_intent(struct db *db, struct db_statement *s, const struct db_params *p, intent_row *row,
		       void *arg, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc = db_once(db, s, p, &r, err);

	for (int i = 0; rc == 0 && i < db_rows(r); i++) {
		struct intent intent = intent_of(r, i);

		row(arg, &intent);
	}
	return rc;
}

DB_STATEMENT(intent_settle, "UPDATE payment_intents SET status = 'succeeded' WHERE id = $1::uuid "
			    "AND status = 'processing' AND created_at < clock_timestamp() - interval '2 s'");
DB_STATEMENT(intent_get, "SELECT " INTENT_COLUMNS " FROM payment_intents WHERE id = $1::uuid");

static void no_row(void *arg, const struct intent *intent)
{
	(void)arg;
	(void)intent;
}

int store_intent(struct db *db, struct uuid id, intent_row *row, void *arg, struct error *err)
{
	struct db_params p = {0};
	int rc;

	db_param_uuid(&p, id);
	rc = each_intent(db, &intent_settle, &p, no_row, NULL, err);
	if (rc == 0)
		rc = each_intent(db, &intent_get, &p, row, arg, err);
	db_params_done(&p);
	return rc;
}

DB_STATEMENT(order_settle, "UPDATE payment_intents SET status = 'succeeded' WHERE order_id = $1::text "
			   "AND status = 'processing' AND created_at < clock_timestamp() - interval '2 s'");
DB_STATEMENT(order_intents, "SELECT " INTENT_COLUMNS " FROM payment_intents WHERE order_id = $1::text "
			    "AND ($2::text = '' OR status = $2::text) ORDER BY id DESC LIMIT 20");

int store_intents_of_order(struct db *db, const char *order_id, const char *status, intent_row *row,
			   void *arg, struct error *err)
{
	struct db_params p = {0};
	int rc;

	db_param_text(&p, order_id);
	rc = each_intent(db, &order_settle, &p, no_row, NULL, err);
	db_param_text(&p, status);
	if (rc == 0)
		rc = each_intent(db, &order_intents, &p, row, arg, err);
	db_params_done(&p);
	return rc;
}

DB_STATEMENT(intent_cancel, "UPDATE payment_intents SET status = 'canceled' WHERE id = $1::uuid "
			    "AND status IN ('processing', 'requires_payment_method')");

int store_cancel(struct db *db, struct uuid id, intent_row *row, void *arg, struct error *err)
{
	struct db_params p = {0};
	int rc;

	db_param_uuid(&p, id);
	rc = each_intent(db, &intent_settle, &p, no_row, NULL, err);
	if (rc == 0)
		rc = each_intent(db, &intent_cancel, &p, no_row, NULL, err);
	if (rc == 0)
		rc = each_intent(db, &intent_get, &p, row, arg, err);
	db_params_done(&p);
	return rc;
}

/* --- refunds --- */

DB_STATEMENT(answer_get, "SELECT fingerprint, http_status, body FROM answers WHERE key = $1::text");

/* The answer kept for the key, if there is one. */
static int find_answer(struct db_conn *c, const char *key, struct replay *ret, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc;

	db_param_text(&p, key);
	rc = db_exec(c, &answer_get, &p, &r, err);
	if (rc < 0 || db_rows(r) == 0)
		return rc;
	ret->fingerprint = db_uuid(r, 0, 0);
	ret->answer = (struct answer){(int)db_int(r, 0, 1), xstrdup(db_text(r, 0, 2))};
	return 0;
}

DB_STATEMENT(answer_keep, "INSERT INTO answers (key, fingerprint, http_status, body) "
			  "VALUES ($1::text, $2::uuid, $3::int4, $4::text)");

static int keep_answer(struct db_conn *c, const struct refund_request *q, const struct answer *a,
		       struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};

	db_param_text(&p, q->key);
	db_param_uuid(&p, q->fingerprint);
	db_param_int(&p, a->http_status);
	db_param_text(&p, a->body);
	return db_exec(c, &answer_keep, &p, NULL, err);
}

DB_STATEMENT(refund_insert,
	     "WITH paid AS (UPDATE payment_intents SET amount_refunded = amount_refunded + $3::int8 WHERE id "
	     "= $2::uuid) "
	     "INSERT INTO refunds (id, payment_intent, amount, currency, status, order_id, metadata) "
	     "VALUES ($1::uuid, $2::uuid, $3::int8, $4::text, $5::text, $6::text, $7::text)");

static int write_refund(struct db_conn *c, const struct refund *refund, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};

	db_param_uuid(&p, refund->id);
	db_param_uuid(&p, refund->intent);
	db_param_int(&p, refund->amount);
	db_param_text(&p, refund->currency);
	db_param_text(&p, refund->status);
	db_param_text(&p, refund->order_id);
	db_param_text(&p, refund->metadata);
	return db_exec(c, &refund_insert, &p, NULL, err);
}

DB_STATEMENT(intent_lock, "SELECT " INTENT_COLUMNS " FROM payment_intents WHERE id = $1::uuid FOR UPDATE");

/* Locks the intent, asks what to do, does it, keeps the answer: within the open transaction. */
static int execute_refund(struct db_conn *c, const struct refund_request *q, struct answer *answer,
			  struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	struct intent intent = {0};
	struct refund refund = {0};
	bool write;
	int rc;

	db_param_uuid(&p, q->intent);
	rc = db_exec(c, &intent_lock, &p, &r, err);
	if (rc < 0)
		return rc;
	if (db_rows(r) > 0)
		intent = intent_of(r, 0);
	write = q->decide(q->arg, db_rows(r) > 0 ? &intent : NULL, &refund, answer);
	if (write)
		rc = write_refund(c, &refund, err);
	if (rc == 0 && q->key != NULL)
		rc = keep_answer(c, q, answer, err);
	return rc;
}

int store_refund(struct db *db, const struct refund_request *q, struct answer *ret, struct replay *ret_known,
		 struct error *err)
{
	struct answer answer = {0};
	struct db_conn *c;
	int rc = db_acquire(db, &c, err);

	if (rc < 0)
		return rc;
	rc = db_begin(c, err);
	if (rc == 0 && q->key != NULL)
		rc = find_answer(c, q->key, ret_known, err);
	if (rc == 0 && ret_known->answer.body == NULL)
		rc = execute_refund(c, q, &answer, err);
	if (rc == 0)
		rc = db_commit(c, err);
	if (rc < 0) {
		db_rollback(c);
		free(answer.body);
	} else {
		*ret = answer;
	}
	db_release(c);
	return rc;
}

#define REFUND_COLUMNS "id, payment_intent, created_at, amount, currency, status, order_id, metadata"

static int each_refund(struct db *db, struct db_statement *s, struct uuid id, refund_row *row, void *arg,
		       struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc;

	db_param_uuid(&p, id);
	rc = db_once(db, s, &p, &r, err);
	for (int i = 0; rc == 0 && i < db_rows(r); i++)
		row(arg, &(struct refund){
			     .id = db_uuid(r, i, 0),
			     .intent = db_uuid(r, i, 1),
			     .created_us = db_time(r, i, 2),
			     .amount = db_int(r, i, 3),
			     .currency = db_text(r, i, 4),
			     .status = db_text(r, i, 5),
			     .order_id = db_is_null(r, i, 6) ? NULL : db_text(r, i, 6),
			     .metadata = db_text(r, i, 7),
			 });
	return rc;
}

DB_STATEMENT(refund_get, "SELECT " REFUND_COLUMNS " FROM refunds WHERE id = $1::uuid");

int store_refund_find(struct db *db, struct uuid id, refund_row *row, void *arg, struct error *err)
{
	return each_refund(db, &refund_get, id, row, arg, err);
}

DB_STATEMENT(refunds_get, "SELECT " REFUND_COLUMNS
			  " FROM refunds WHERE payment_intent = $1::uuid ORDER BY id DESC LIMIT 100");

int store_refunds_of(struct db *db, struct uuid intent, refund_row *row, void *arg, struct error *err)
{
	return each_refund(db, &refunds_get, intent, row, arg, err);
}

/* --- SMS --- */

DB_STATEMENT(sms_insert, "INSERT INTO sms_messages (id, account, recipient, sender, body) "
			 "SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])");

int store_sms(struct db *db, const struct sms *rows, int n, struct error *err)
{
	struct db_array columns[5] = {0};
	CLEANUP(db_params_done) struct db_params p = {0};

	db_array_init(&columns[0], DB_UUID);
	for (int i = 1; i < 5; i++)
		db_array_init(&columns[i], DB_TEXT);
	for (int i = 0; i < n; i++) {
		db_array_uuid(&columns[0], &rows[i].id);
		db_array_text(&columns[1], rows[i].account);
		db_array_text(&columns[2], rows[i].to);
		db_array_text(&columns[3], rows[i].from);
		db_array_text(&columns[4], rows[i].body);
	}
	for (int i = 0; i < 5; i++) {
		db_param_array(&p, &columns[i]);
		db_array_done(&columns[i]);
	}
	return db_once(db, &sms_insert, &p, NULL, err);
}

DB_STATEMENT(sms_get, "SELECT id, created_at, account, recipient, sender, body FROM sms_messages "
		      "WHERE account = $1::text AND id = $2::uuid LIMIT $3::int8");
DB_STATEMENT(sms_list, "SELECT id, created_at, account, recipient, sender, body FROM sms_messages "
		       "WHERE account = $1::text ORDER BY id DESC LIMIT $2::int8");

int store_sms_find(struct db *db, const char *account, struct uuid id, int limit, sms_row *row, void *arg,
		   struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc;

	db_param_text(&p, account);
	if (!uuid_is_nil(id))
		db_param_uuid(&p, id);
	db_param_int(&p, limit);
	rc = db_once(db, uuid_is_nil(id) ? &sms_list : &sms_get, &p, &r, err);
	for (int i = 0; rc == 0 && i < db_rows(r); i++)
		row(arg, &(struct sms){db_uuid(r, i, 0), db_time(r, i, 1), db_text(r, i, 2), db_text(r, i, 3),
				       db_text(r, i, 4), db_text(r, i, 5)});
	return rc;
}

/* --- faults --- */

DB_STATEMENT(faults_get, "SELECT settings FROM faults WHERE provider = $1::text");

int store_faults_load(struct db *db, const char *provider, struct fault_set *faults, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	AUTO_JSON json_t *settings = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc;

	db_param_text(&p, provider);
	rc = db_once(db, &faults_get, &p, &r, err);
	if (rc < 0 || db_rows(r) == 0)
		return rc;
	rc = json_parse_object(db_text(r, 0, 0), (size_t)db_length(r, 0, 0), &settings, err);
	return rc < 0 ? rc : faults_read(settings, faults, err);
}

DB_STATEMENT(faults_put, "INSERT INTO faults (provider, settings) VALUES ($1::text, $2::text) "
			 "ON CONFLICT (provider) DO UPDATE SET settings = excluded.settings");

int store_faults_save(struct db_conn *tx, const char *provider, const struct fault_set *faults,
		      struct error *err)
{
	AUTO_JSON json_t *settings = faults_json(faults);
	AUTO_FREE char *text = json_text(settings);
	CLEANUP(db_params_done) struct db_params p = {0};

	db_param_text(&p, provider);
	db_param_text(&p, text);
	return db_exec(tx, &faults_put, &p, NULL, err);
}
