/*
 * The SQL of deadlines: attention, and the search for overdue orders.
 */
#include "daemons/order/store.h"

#include "core/base/mem.h"

DB_STATEMENT(orders_overdue,
	     "SELECT " ORDER_COLUMNS " FROM orders o WHERE o.order_id >= $1::uuid AND o.order_id < $2::uuid"
	     " AND o.status IN (SELECT d.status FROM order_deadlines d) AND o.updated_at <= $3::timestamptz"
	     " AND NOT EXISTS (SELECT FROM parked p WHERE p.key = o.order_id::text)"
	     " ORDER BY o.order_id LIMIT $4::int8 FOR UPDATE OF o SKIP LOCKED");

int store_overdue(struct db_conn *tx, const struct order_search *search, struct db_result **ret,
		  struct error *err)
{
	CLEANUP(db_params_done) struct db_params params = {0};

	db_param_uuid(&params, search->from);
	db_param_uuid(&params, search->below);
	db_param_time(&params, search->before_us);
	db_param_int(&params, search->limit);
	return db_exec(tx, &orders_overdue, &params, ret, err);
}

DB_STATEMENT(
    search_settled,
    "SELECT coalesce((SELECT o.order_id FROM orders o WHERE o.order_id >= $1::uuid AND o.order_id <"
    " $2::uuid AND o.status IN (SELECT d.status FROM order_deadlines d) ORDER BY o.order_id LIMIT 1),"
    " $2::uuid)");

int store_search_settled(struct db_conn *c, const struct order_search *search, struct uuid *ret,
			 struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params params = {0};
	int rc;

	db_param_uuid(&params, search->from);
	db_param_uuid(&params, search->below);
	rc = db_exec(c, &search_settled, &params, &r, err);
	if (rc == 0)
		*ret = db_uuid(r, 0, 0);
	return rc;
}

DB_STATEMENT(search_load, "SELECT settled_below FROM order_search");

int store_search_load(struct db_conn *c, struct uuid *ret, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc = db_exec(c, &search_load, NULL, &r, err);

	if (rc == 0)
		*ret = db_uuid(r, 0, 0);
	return rc;
}

DB_STATEMENT(search_save, "UPDATE order_search SET settled_below = $1::uuid");

int store_search_save(struct db_conn *c, struct uuid settled_below, struct error *err)
{
	CLEANUP(db_params_done) struct db_params params = {0};

	db_param_uuid(&params, settled_below);
	return db_exec(c, &search_save, &params, NULL, err);
}

DB_STATEMENT(published, "SELECT NOT EXISTS (SELECT FROM outbox o, outbox_position p WHERE o.xid >="
			" pg_snapshot_xmin(p.low) AND NOT pg_visible_in_snapshot(o.xid, p.low) AND"
			" o.created_at < clock_timestamp() - $1::int8 * interval '1 ms'"
			" AND NOT (p.high IS NOT NULL AND pg_visible_in_snapshot(o.xid, p.high)"
			" AND o.seq <= p.done_seq))");

int store_published(struct db_conn *c, int64_t slack_ms, bool *ret, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params params = {0};
	int rc;

	db_param_int(&params, slack_ms);
	rc = db_exec(c, &published, &params, &r, err);
	if (rc == 0)
		*ret = db_bool(r, 0, 0);
	return rc;
}

/* The latest stretch grows, or a new one begins.  A clock that was set back makes none longer. */
DB_STATEMENT(
    attention_grow,
    "WITH grown AS (UPDATE order_attention SET until = greatest(until, clock_timestamp()) WHERE since ="
    " (SELECT max(since) FROM order_attention) AND until >= clock_timestamp() - $1::int8 * interval '1 ms'"
    " RETURNING since) INSERT INTO order_attention SELECT WHERE NOT EXISTS (SELECT FROM grown)"
    " ON CONFLICT DO NOTHING");
/* From the latest stretch backwards until they make up the deadline. */
DB_STATEMENT(attention_before,
	     "WITH stretches AS (SELECT since, sum(until - since) OVER (ORDER BY since DESC) AS total"
	     " FROM order_attention) SELECT since + (total - $1::int8 * interval '1 ms') FROM stretches"
	     " WHERE total >= $1::int8 * interval '1 ms' ORDER BY since DESC LIMIT 1");
DB_STATEMENT(attention_prune, "DELETE FROM order_attention WHERE until < $1::timestamptz - interval '1 day'");

int store_attend(struct db_conn *c, int64_t gap_ms, int64_t deadline_ms, int64_t *ret_before_us,
		 struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params gap = {0}, deadline = {0}, before = {0};
	int rc;

	*ret_before_us = 0;
	db_param_int(&gap, gap_ms);
	db_param_int(&deadline, deadline_ms);
	rc = db_exec(c, &attention_grow, &gap, NULL, err);
	if (rc == 0)
		rc = db_exec(c, &attention_before, &deadline, &r, err);
	if (rc < 0 || db_rows(r) == 0)
		return rc;
	*ret_before_us = db_time(r, 0, 0);
	db_param_time(&before, *ret_before_us);
	return db_exec(c, &attention_prune, &before, NULL, err);
}
