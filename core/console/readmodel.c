/*
 * Queries on the read model.  One thread.
 */
#include "core/console/readmodel.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"

#define COLUMNS_MAX 32

static json_t *cell(const struct db_result *r, int row, int column, char kind)
{
	char text[CLOCK_TEXT_SIZE];

	if (db_is_null(r, row, column))
		return json_null();
	switch (kind) {
	case 'i':
		return json_integer(db_int(r, row, column));
	case 'd':
		return json_real(db_double(r, row, column));
	case 't':
		return json_string(clock_format(db_time(r, row, column), text));
	case 'b':
		return json_boolean(db_bool(r, row, column));
	case 'j':
		return json_loadb(db_text(r, row, column), (size_t)db_length(r, row, column), JSON_DECODE_ANY,
				  NULL);
	default:
		return json_stringn(db_text(r, row, column), (size_t)db_length(r, row, column));
	}
}

json_t *readmodel_json(const struct db_result *r, int row, const char *kinds)
{
	json_t *object = json_object();

	for (int i = 0; i < db_columns(r) && kinds[i] != '\0'; i++) {
		json_t *value = cell(r, row, i, kinds[i]);

		json_object_set_new(object, db_column_name(r, i), value != NULL ? value : json_null());
	}
	return object;
}

/* A backend that is away, and an answer that takes longer than --timeout. */
static int explain(const struct console *c, int rc, struct error *err)
{
	if (rc != ERR_TIMEOUT)
		return console_explain("postgres", rc, err);
	error_set(err, ERR_TIMEOUT, "PostgreSQL", "did not answer within %d ms", console_timeout_ms(c));
	error_hint(err, "--timeout gives it longer, --limit, --since and --where ask for less");
	return rc;
}

int readmodel_query(struct console *c, const char *sql, const struct db_params *params,
		    struct db_result **ret, struct error *err)
{
	struct db_conn *conn = NULL;
	int rc = console_db(c, &conn, err);

	if (rc < 0)
		return rc;
	rc = db_query(conn, sql, params, ret, err);
	if (rc != ERR_UNAVAILABLE)
		return explain(c, rc, err);
	console_db_lost(c);
	rc = console_db(c, &conn, err);
	return rc < 0 ? rc : explain(c, db_query(conn, sql, params, ret, err), err);
}

struct stream {
	const char *kinds;
	console_row *row;
	void *arg;
	struct error *err;
};

static int stream_row(void *arg, const struct db_result *r)
{
	struct stream *s = arg;

	return s->row(s->arg, readmodel_json(r, 0, s->kinds), s->err);
}

static int stream(struct console *c, const char *sql, const struct db_params *params, const char *kinds,
		  console_row *row, void *arg, struct error *err)
{
	struct stream s = {kinds, row, arg, err};
	struct db_conn *conn = NULL;
	int rc = console_db(c, &conn, err);

	if (rc == 0)
		rc = explain(c, db_stream(conn, sql, params, stream_row, &s, err), err);
	return rc < 0 ? rc : 0;
}

/* --- lists --- */

#define ORDER_STATUS "CASE state WHEN 'compensating' THEN 'cancelled' ELSE state END"

const struct where_column readmodel_order_columns[] = {
    {"order_id", WHERE_TEXT, "order_id"},
    {"status", WHERE_TEXT, ORDER_STATUS},
    {"customer_name", WHERE_TEXT, "customer_name"},
    {"item_count", WHERE_INT, "item_count"},
    {"total_amount", WHERE_MONEY, "total_amount"},
    {"currency", WHERE_TEXT, "currency"},
    {"payment_method", WHERE_TEXT, "payment_method"},
    {"reason", WHERE_TEXT, "reason"},
    {"created_at", WHERE_TIME, "coalesce(created_at, started_at)"},
    {"updated_at", WHERE_TIME, "updated_at"},
    {0},
};

const struct where_column readmodel_saga_columns[] = {
    {"order_id", WHERE_TEXT, "order_id"},
    {"state", WHERE_TEXT, "state"},
    {"awaiting", WHERE_TEXT, "awaiting"},
    {"daemon", WHERE_TEXT, "daemon"},
    {"started_at", WHERE_TIME, "started_at"},
    {"updated_at", WHERE_TIME, "updated_at"},
    {"ended_at", WHERE_TIME, "ended_at"},
    {"age_seconds", WHERE_SECONDS,
     "extract(epoch FROM coalesce(ended_at, statement_timestamp()) - started_at)::float8"},
    {"waiting_seconds", WHERE_SECONDS, "extract(epoch FROM statement_timestamp() - updated_at)::float8"},
    {"steps", WHERE_INT, "steps"},
    {"due", WHERE_BOOL, "due"},
    {"customer_name", WHERE_TEXT, "customer_name"},
    {"total_amount", WHERE_MONEY, "total_amount"},
    {"currency", WHERE_TEXT, "currency"},
    {"correlation_id", WHERE_TEXT, "correlation_id"},
    {"reason", WHERE_TEXT, "reason"},
    {0},
};

/* The letters of readmodel_json. */
static char cell_kind(enum where_kind kind)
{
	switch (kind) {
	case WHERE_INT:
	case WHERE_MONEY:
	case WHERE_BYTES:
		return 'i';
	case WHERE_REAL:
	case WHERE_MS:
	case WHERE_SECONDS:
		return 'd';
	case WHERE_BOOL:
		return 'b';
	case WHERE_TIME:
		return 't';
	case WHERE_JSON:
		return 'j';
	case WHERE_TEXT:
		break;
	}
	return 's';
}

static void add_columns(struct buf *sql, const struct where_column *columns, char *kinds)
{
	const char *joint = "SELECT";

	for (const struct where_column *c = columns; c->name != NULL; c++) {
		buf_addf(sql, "%s %s AS %s", joint, c->sql, c->name);
		*kinds++ = cell_kind(c->kind);
		joint = ",";
	}
	*kinds = '\0';
}

/* Order ids are in the order of creation, so lists walk the primary key and a start in time is a start among
 * ids. */
static void add_filter(struct db_params *p, struct buf *sql, const struct readmodel_filter *f,
		       const char *state)
{
	if (f->state != NULL) {
		db_param_text(p, f->state);
		buf_addf(sql, " AND %s = $%d", state, p->count);
	}
	if (f->since_ms >= 0) {
		db_param_int(p, f->since_ms);
		buf_addf(sql, " AND started_at >= clock_timestamp() - $%d::bigint * interval '1 ms'",
			 p->count);
	}
	if (f->stuck_ms >= 0) {
		db_param_int(p, f->stuck_ms);
		buf_addf(sql, " AND due AND updated_at <= clock_timestamp() - $%d::bigint * interval '1 ms'",
			 p->count);
	}
	if (f->since != NULL) {
		db_param_text(p, f->since->xid);
		buf_addf(sql, " AND age(xmin) <= age($%d::text::xid)", p->count);
	}
	if (f->from_id != NULL) {
		db_param_text(p, f->from_id);
		buf_addf(sql, " AND order_id >= $%d::text::uuid", p->count);
	}
}

static void add_order(struct buf *sql, const struct where_column *columns, const char *sort)
{
	bool down = sort != NULL && *sort == '-';

	buf_adds(sql, " ORDER BY ");
	for (const struct where_column *c = columns; sort != NULL && c->name != NULL; c++)
		if (strcmp(c->name, sort + down) == 0)
			buf_addf(sql,
				 c->kind == WHERE_TEXT ? "(%s)::text COLLATE \"C\" %s NULLS LAST, "
						       : "%s %s NULLS LAST, ",
				 c->sql, down ? "DESC" : "ASC");
	buf_adds(sql, "order_id DESC");
}

static int list(struct console *c, const struct where_column *columns, const char *state,
		const struct readmodel_filter *filter, console_row *row, void *arg, struct error *err)
{
	CLEANUP(buf_done) struct buf sql = {0};
	CLEANUP(db_params_done) struct db_params params = {0};
	char kinds[COLUMNS_MAX];
	bool all;

	add_columns(&sql, columns, kinds);
	buf_adds(&sql, " FROM sagas WHERE ");
	all = db_param_where(&params, filter->where, &sql);
	add_filter(&params, &sql, filter, state);
	add_order(&sql, columns, filter->sort);
	if (filter->limit >= 0 && all) {
		db_param_int(&params, filter->limit);
		buf_addf(&sql, " LIMIT $%d::bigint", params.count);
	}
	return stream(c, buf_str(&sql), &params, kinds, row, arg, err);
}

int readmodel_orders(struct console *c, const struct readmodel_filter *filter, console_row *row, void *arg,
		     struct error *err)
{
	return list(c, readmodel_order_columns, ORDER_STATUS, filter, row, arg, err);
}

int readmodel_sagas(struct console *c, const struct readmodel_filter *filter, console_row *row, void *arg,
		    struct error *err)
{
	return list(c, readmodel_saga_columns, "state", filter, row, arg, err);
}

int readmodel_stuck(struct console *c, int64_t stuck_ms, json_t **ret, struct error *err)
{
	CLEANUP(db_params_done) struct db_params params = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc;

	db_param_int(&params, stuck_ms);
	db_param_int(&params, READMODEL_STUCK_MAX);
	rc = readmodel_query(c,
			     "SELECT count(*) AS stuck FROM (SELECT FROM sagas WHERE due AND updated_at <="
			     " clock_timestamp() - $1::bigint * interval '1 ms' LIMIT $2::bigint) s",
			     &params, &r, err);
	if (rc == 0)
		*ret = readmodel_json(r, 0, "i");
	return rc;
}

/* A transaction that is not seen now gets, or has, this id or a later one.  A restarted server may count
 * anew, and a rebuilt read model is another table. */
int readmodel_now(struct console *c, struct readmodel_mark *ret, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc = readmodel_query(c,
				 "SELECT pg_snapshot_xmin(pg_current_snapshot())::xid::text,"
				 " pg_postmaster_start_time()::text || ' ' || 'sagas'::regclass::oid",
				 NULL, &r, err);

	if (rc < 0)
		return rc;
	snprintf(ret->xid, sizeof(ret->xid), "%s", db_text(r, 0, 0));
	snprintf(ret->life, sizeof(ret->life), "%s", db_text(r, 0, 1));
	return 0;
}

/* --- figures and ids --- */

int readmodel_kpi(struct console *c, int64_t since_ms, json_t **ret, struct error *err)
{
	CLEANUP(db_params_done) struct db_params params = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc;

	if (since_ms < 0)
		db_param_null(&params);
	else
		db_param_int(&params, since_ms);
	rc = readmodel_query(
	    c,
	    "SELECT orders_total, paid_total, cancelled_total, orders_per_minute, paid_percent,"
	    " average_order_amount, currency, end_to_end_p50_ms, end_to_end_p99_ms, notifications_total,"
	    " notification_delivery_p50_ms, cooking_p50_ms FROM kpi($1::bigint * interval '1 ms')",
	    &params, &r, err);
	if (rc < 0)
		return rc;
	if (db_rows(r) != 1)
		return error_set(err, ERR_FAILED, "key figures", "the read model has none");
	*ret = readmodel_json(r, 0, "iiiddisddidd");
	return 0;
}

int readmodel_complete_id(struct console *c, const char *prefix, struct uuid *ret, struct error *err)
{
	CLEANUP(db_params_done) struct db_params params = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	struct uuid first = {0}, last = {0};
	int rc;

	if (!uuid_range(prefix, &first, &last))
		return error_set(err, ERR_USAGE, prefix, "is no order id");
	db_param_uuid(&params, first);
	db_param_uuid(&params, last);
	rc = readmodel_query(
	    c, "SELECT order_id FROM sagas WHERE order_id BETWEEN $1::uuid AND $2::uuid LIMIT 2", &params, &r,
	    err);
	if (rc < 0)
		return rc;
	if (db_rows(r) == 0)
		return error_set(err, ERR_NOT_FOUND, prefix, "no order's id begins so");
	if (db_rows(r) > 1) {
		error_set(err, ERR_INVALID, prefix, "several orders' ids begin so");
		error_hint(err, "give more of it");
		return ERR_INVALID;
	}
	*ret = db_uuid(r, 0, 0);
	return 0;
}
