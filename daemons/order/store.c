/*
 * orderd's SQL.  Set-based: arrays in, one statement out.
 */
#include "daemons/order/store.h"

#include <string.h>

#include "core/base/map.h"
#include "core/base/mem.h"

static const char *or_null(const char *text)
{
	return text != NULL && text[0] != '\0' ? text : NULL;
}

/* --- intake --- */

DB_STATEMENT(order_insert,
	     "WITH inserted AS (INSERT INTO orders (order_id, status, customer_name, customer_email, "
	     "customer_phone, delivery_address, "
	     "payment_method, total_amount, currency, items, correlation_id, created_at, updated_at) "
	     "SELECT u.a, 'pending', u.b, u.c, u.d, u.e, u.f, u.g, u.h, u.i, u.j, statement_timestamp(), "
	     "statement_timestamp() FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], "
	     "$6::text[], "
	     "$7::int8[], $8::text[], $9::text[], $10::uuid[]) AS u (a, b, c, d, e, f, g, h, i, j)) "
	     "SELECT statement_timestamp()");

enum { INSERT_ARRAYS = 10 };

static void fill_arrays(struct db_array a[INSERT_ARRAYS], struct order_draft *const *drafts, int n)
{
	static const enum db_type types[INSERT_ARRAYS] = {DB_UUID, DB_TEXT, DB_TEXT, DB_TEXT, DB_TEXT,
							  DB_TEXT, DB_INT8, DB_TEXT, DB_TEXT, DB_UUID};

	for (int i = 0; i < INSERT_ARRAYS; i++)
		db_array_init(&a[i], types[i]);
	for (int i = 0; i < n; i++) {
		const struct order_draft *d = drafts[i];

		db_array_uuid(&a[0], &d->order_id);
		db_array_text(&a[1], or_null(d->name));
		db_array_text(&a[2], or_null(d->email));
		db_array_text(&a[3], or_null(d->phone));
		db_array_text(&a[4], d->address);
		db_array_text(&a[5], d->payment_method);
		db_array_int(&a[6], d->total);
		db_array_text(&a[7], d->currency);
		db_array_text(&a[8], buf_str(&d->items));
		db_array_uuid(&a[9], &d->correlation_id);
	}
}

int store_insert(struct db_conn *tx, struct order_draft *const *drafts, int n, struct error *err)
{
	CLEANUP(db_params_done) struct db_params params = {0};
	struct db_array arrays[INSERT_ARRAYS] = {0};
	int rc;

	fill_arrays(arrays, drafts, n);
	for (int i = 0; i < INSERT_ARRAYS; i++)
		db_param_array(&params, &arrays[i]);
	rc = db_pipeline_add(tx, &order_insert, &params, err);
	for (int i = 0; i < INSERT_ARRAYS; i++)
		db_array_done(&arrays[i]);
	return rc;
}

/* In key order, so that two groups with the same keys cannot wait for each other. */
DB_STATEMENT(key_claim,
	     "INSERT INTO idempotency_keys (key, request_hash, order_id) SELECT * FROM unnest($1::text[], "
	     "$2::bytea[], "
	     "$3::uuid[]) AS u (key, hash, id) ORDER BY 1 ON CONFLICT DO NOTHING RETURNING order_id");

static void mark_winners(const struct db_result *r, struct key_claim *claims, int n)
{
	struct map won = {0};

	for (int i = 0; i < db_rows(r); i++) {
		struct uuid id = db_uuid(r, i, 0);

		map_put(&won, id.b, sizeof(id.b), claims);
	}
	for (int i = 0; i < n; i++)
		claims[i].won = map_get(&won, claims[i].order_id.b, sizeof(claims[i].order_id.b)) != NULL;
	map_done(&won, NULL);
}

int store_claim_keys(struct db_conn *tx, struct key_claim *claims, int n, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params params = {0};
	struct db_array keys = {0}, hashes = {0}, ids = {0};
	int rc;

	db_array_init(&keys, DB_TEXT);
	db_array_init(&hashes, DB_BYTEA);
	db_array_init(&ids, DB_UUID);
	for (int i = 0; i < n; i++) {
		db_array_text(&keys, claims[i].key);
		db_array_bytes(&hashes, claims[i].hash, 32);
		db_array_uuid(&ids, &claims[i].order_id);
	}
	db_param_array(&params, &keys);
	db_param_array(&params, &hashes);
	db_param_array(&params, &ids);
	rc = db_exec(tx, &key_claim, &params, &r, err);
	if (rc == 0)
		mark_winners(r, claims, n);
	db_array_done(&keys);
	db_array_done(&hashes);
	db_array_done(&ids);
	return rc;
}

DB_STATEMENT(order_find, "SELECT " ORDER_COLUMNS " FROM orders o WHERE o.order_id = $1");

int store_find(struct db_conn *c, struct uuid order_id, struct db_result **ret, struct error *err)
{
	CLEANUP(db_params_done) struct db_params params = {0};

	db_param_uuid(&params, order_id);
	return db_exec(c, &order_find, &params, ret, err);
}

DB_STATEMENT(order_find_by_key, "SELECT " ORDER_COLUMNS ", k.request_hash = $2 FROM idempotency_keys k "
				"JOIN orders o USING (order_id) WHERE k.key = $1");

int store_find_by_key(struct db_conn *c, const char *key, const uint8_t hash[32], struct db_result **ret,
		      struct error *err)
{
	CLEANUP(db_params_done) struct db_params params = {0};

	db_param_text(&params, key);
	db_param_bytes(&params, hash, 32);
	return db_exec(c, &order_find_by_key, &params, ret, err);
}

DB_STATEMENT(order_list, "SELECT " ORDER_COLUMNS " FROM orders o WHERE ($1::text IS NULL OR o.status = $1) "
			 "AND ($2::uuid IS NULL OR o.order_id < $2) ORDER BY o.order_id DESC LIMIT $3::int8");

int store_list(struct db_conn *c, const char *status, struct uuid before, int limit, struct db_result **ret,
	       struct error *err)
{
	CLEANUP(db_params_done) struct db_params params = {0};

	db_param_text(&params, status);
	if (uuid_is_nil(before))
		db_param_null(&params);
	else
		db_param_uuid(&params, before);
	db_param_int(&params, limit);
	return db_exec(c, &order_list, &params, ret, err);
}

/* --- moves --- */

DB_STATEMENT(order_lock, "SELECT " ORDER_COLUMNS " FROM orders o WHERE o.order_id = ANY ($1::uuid[]) "
			 "ORDER BY o.order_id FOR UPDATE");

int store_lock(struct db_conn *tx, const struct db_array *order_ids, struct db_result **ret,
	       struct error *err)
{
	CLEANUP(db_params_done) struct db_params params = {0};

	db_param_array(&params, order_ids);
	return db_exec(tx, &order_lock, &params, ret, err);
}

void moves_init(struct order_moves *m)
{
	*m = (struct order_moves){0};
	db_array_init(&m->ids, DB_UUID);
	db_array_init(&m->statuses, DB_TEXT);
	db_array_init(&m->payments, DB_UUID);
	db_array_init(&m->reasons, DB_TEXT);
	db_array_init(&m->by, DB_TEXT);
}

void moves_done(struct order_moves *m)
{
	db_array_done(&m->ids);
	db_array_done(&m->statuses);
	db_array_done(&m->payments);
	db_array_done(&m->reasons);
	db_array_done(&m->by);
}

void moves_add(struct order_moves *m, struct uuid order_id, enum order_status next,
	       const struct uuid *payment, const char *reason, const char *by)
{
	m->count++;
	db_array_uuid(&m->ids, &order_id);
	db_array_text(&m->statuses, order_status_word(next));
	db_array_uuid(&m->payments, payment);
	db_array_text(&m->reasons, or_null(reason));
	db_array_text(&m->by, or_null(by));
}

DB_STATEMENT(
    order_move,
    "UPDATE orders o SET status = u.status, version = o.version + 1, payment_id = coalesce(u.payment, "
    "o.payment_id), "
    "reason = coalesce(u.reason, o.reason), cancelled_by = coalesce(u.by, o.cancelled_by), "
    "updated_at = clock_timestamp() FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[]) "
    "AS u (id, status, payment, reason, by) WHERE o.order_id = u.id");

int store_move(struct db_conn *tx, const struct order_moves *m, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params params = {0};
	int rc;

	db_param_array(&params, &m->ids);
	db_param_array(&params, &m->statuses);
	db_param_array(&params, &m->payments);
	db_param_array(&params, &m->reasons);
	db_param_array(&params, &m->by);
	rc = db_exec(tx, &order_move, &params, &r, err);
	if (rc == 0 && db_affected(r) != m->count)
		rc = error_set(err, ERR_BUG, "move orders", "%d of %d locked orders were updated",
			       (int)db_affected(r), m->count);
	return rc;
}

DB_STATEMENT(deadlines_set, "UPDATE order_deadlines SET stuck_after = $1::int8 * interval '1 ms', "
			    "cancel_after = $2::int8 * interval '1 ms'");

int store_deadlines(struct db_conn *c, int64_t stuck_ms, int64_t cancel_ms, struct error *err)
{
	CLEANUP(db_params_done) struct db_params params = {0};

	db_param_int(&params, stuck_ms);
	db_param_int(&params, cancel_ms);
	return db_exec(c, &deadlines_set, &params, NULL, err);
}
