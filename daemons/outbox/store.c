/*
 * The relay's SQL.  Each statement runs in an owner's database as role pizza_outbox, which may read the
 * outbox, delete from it, and move the position: nothing else.
 */
#include "daemons/outbox/store.h"

#include "core/base/mem.h"

#define ROW_COLUMNS                                                                           \
	"o.seq, o.id, o.topic, o.event_type, o.aggregate_id, o.aggregate_seq, o.created_at, " \
	"o.correlation_id, "                                                                  \
	"o.causation_id, o.event_data"

void position_done(struct position *p)
{
	free(p->low);
	free(p->high);
	*p = (struct position){0};
}

DB_STATEMENT(position_fence,
	     "UPDATE outbox_position SET epoch = $1 WHERE epoch <= $1 RETURNING low, high, done_seq");

int store_fence(struct db_conn *c, int64_t epoch, struct position *ret, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params params = {0};
	int rc;

	db_param_int(&params, epoch);
	rc = db_exec(c, &position_fence, &params, &r, err);
	if (rc < 0)
		return rc;
	if (db_rows(r) == 0)
		return error_set(err, ERR_LEASE_LOST, "take over the outbox", "a later epoch is there");
	position_done(ret);
	ret->low = xstrdup(db_text(r, 0, 0));
	ret->high = db_is_null(r, 0, 1) ? NULL : xstrdup(db_text(r, 0, 1));
	ret->done_seq = db_int(r, 0, 2);
	return 0;
}

DB_STATEMENT(outbox_window,
	     "SELECT " ROW_COLUMNS ", (SELECT pg_current_snapshot()) FROM outbox o "
	     "WHERE o.xid >= pg_snapshot_xmin($1::pg_snapshot) "
	     "AND NOT pg_visible_in_snapshot(o.xid, $1::pg_snapshot) ORDER BY o.seq LIMIT $2::int8");

int store_window(struct db_conn *c, const char *low, int limit, struct db_result **ret, struct error *err)
{
	CLEANUP(db_params_done) struct db_params params = {0};

	db_param_text(&params, low);
	db_param_int(&params, limit);
	return db_exec(c, &outbox_window, &params, ret, err);
}

int store_open(struct db_conn *c, const struct position *p, struct error *err)
{
	CLEANUP(db_params_done) struct db_params params = {0};
	AUTO_FREE char *sql = NULL;
	int rc = db_begin(c, err);

	if (rc < 0)
		return rc;
	/* Snapshots are digits, ':' and ',' by construction of their type. */
	sql = xasprintf("DECLARE backlog NO SCROLL CURSOR FOR SELECT " ROW_COLUMNS ", '%s' FROM outbox o "
			"WHERE o.xid >= pg_snapshot_xmin('%s') AND NOT pg_visible_in_snapshot(o.xid, '%s') "
			"AND pg_visible_in_snapshot(o.xid, '%s') AND o.seq > %lld ORDER BY o.seq",
			p->high, p->low, p->low, p->high, (long long)p->done_seq);
	rc = db_query(c, sql, NULL, NULL, err);
	if (rc < 0)
		db_rollback(c);
	return rc;
}

int store_fetch(struct db_conn *c, int limit, struct db_result **ret, struct error *err)
{
	AUTO_FREE char *sql = xasprintf("FETCH %d FROM backlog", limit);

	return db_query(c, sql, NULL, ret, err);
}

void store_close(struct db_conn *c)
{
	db_rollback(c);
}

DB_STATEMENT(position_advance,
	     "UPDATE outbox_position SET low = $2::pg_snapshot, high = $3::pg_snapshot, done_seq = $4, "
	     "published_total = published_total + $5, updated_at = clock_timestamp() WHERE epoch = $1");

int store_advance(struct db_conn *c, int64_t epoch, const struct position *p, int published,
		  struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params params = {0};
	int rc;

	db_param_int(&params, epoch);
	db_param_text(&params, p->low);
	db_param_text(&params, p->high);
	db_param_int(&params, p->done_seq);
	db_param_int(&params, published);
	rc = db_exec(c, &position_advance, &params, &r, err);
	if (rc == 0 && db_affected(r) != 1)
		rc = error_set(err, ERR_LEASE_LOST, "move the outbox position", "a later epoch is there");
	return rc;
}

DB_STATEMENT(outbox_mark,
	     "INSERT INTO outbox_marks (snapshot) VALUES ($1::pg_snapshot) ON CONFLICT DO NOTHING");

int store_mark(struct db_conn *c, const char *low, struct error *err)
{
	CLEANUP(db_params_done) struct db_params params = {0};

	db_param_text(&params, low);
	return db_exec(c, &outbox_mark, &params, NULL, err);
}

/* The newest mark older than the retention tells which transactions' rows are old enough. */
DB_STATEMENT(
    outbox_trim,
    "WITH old AS (SELECT snapshot, published_at FROM outbox_marks "
    "WHERE published_at < clock_timestamp() - $1::int8 * interval '1 ms' ORDER BY published_at DESC LIMIT "
    "1), "
    "rows AS (DELETE FROM outbox o USING old WHERE o.xid < pg_snapshot_xmin(old.snapshot) RETURNING 1), "
    "marks AS (DELETE FROM outbox_marks m USING old WHERE m.published_at < old.published_at) "
    "SELECT count(*) FROM rows");

int store_trim(struct db_conn *c, int64_t retention_ms, int64_t *ret, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params params = {0};
	int rc;

	db_param_int(&params, retention_ms);
	rc = db_exec(c, &outbox_trim, &params, &r, err);
	if (rc == 0)
		*ret = db_int(r, 0, 0);
	return rc;
}

#define UNPUBLISHED                                                                      \
	"o.xid >= pg_snapshot_xmin(p.low) AND NOT pg_visible_in_snapshot(o.xid, p.low) " \
	"AND NOT (p.high IS NOT NULL AND pg_visible_in_snapshot(o.xid, p.high) AND o.seq <= p.done_seq)"

DB_STATEMENT(
    outbox_figures,
    "SELECT f.n, coalesce((extract(epoch FROM clock_timestamp() - f.oldest) * 1000)::int8, 0), "
    "p.published_total "
    "FROM outbox_position p, LATERAL (SELECT count(*) AS n, min(o.created_at) AS oldest FROM outbox o "
    "WHERE " UNPUBLISHED ") f");

int store_figures(struct db_conn *c, struct outbox_figures *ret, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc = db_exec(c, &outbox_figures, NULL, &r, err);

	if (rc < 0)
		return rc;
	ret->unpublished = db_int(r, 0, 0);
	ret->oldest_age_ms = db_int(r, 0, 1);
	ret->published_total = db_int(r, 0, 2);
	return 0;
}

DB_STATEMENT(outbox_unpublished,
	     "SELECT o.id, o.seq, o.topic, o.aggregate_id, o.aggregate_seq, o.event_type, o.created_at "
	     "FROM outbox_position p, outbox o WHERE " UNPUBLISHED
	     " AND o.seq > $1::int8 ORDER BY o.seq LIMIT $2::int8");

int store_unpublished(struct db_conn *c, int64_t after, int64_t limit, struct db_result **ret,
		      struct error *err)
{
	CLEANUP(db_params_done) struct db_params params = {0};

	db_param_int(&params, after);
	db_param_int(&params, limit);
	return db_exec(c, &outbox_unpublished, &params, ret, err);
}
