/*
 * Queries on the read model.  One thread.
 */
#include "core/console/readmodel.h"

#include <ctype.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"

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

	for (int i = 0; kinds[i] != '\0' && i < db_columns(r); i++) {
		json_t *value = cell(r, row, i, kinds[i]);

		json_object_set_new(object, db_column_name(r, i), value != NULL ? value : json_null());
	}
	return object;
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
		return rc;
	console_db_lost(c);
	rc = console_db(c, &conn, err);
	return rc < 0 ? rc : db_query(conn, sql, params, ret, err);
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
		rc = db_stream(conn, sql, params, stream_row, &s, err);
	return rc < 0 ? rc : 0;
}

/* Order ids are in the order of creation, so lists walk the primary key and a start in time is a start among
 * ids. */
static void add_filter(struct db_params *p, struct buf *sql, const struct readmodel_filter *f,
		       const char *state)
{
	const char *joint = "WHERE";

	if (f->state != NULL) {
		db_param_text(p, f->state);
		buf_addf(sql, " %s %s = $%d", joint, state, p->count);
		joint = "AND";
	}
	if (f->since_ms >= 0) {
		db_param_int(p, f->since_ms);
		buf_addf(sql, " %s started_at >= clock_timestamp() - $%d::bigint * interval '1 ms'", joint,
			 p->count);
		joint = "AND";
	}
	if (f->stuck_ms >= 0) {
		db_param_int(p, f->stuck_ms);
		buf_addf(sql, " %s due AND updated_at <= clock_timestamp() - $%d::bigint * interval '1 ms'",
			 joint, p->count);
	}
	buf_adds(sql, " ORDER BY order_id DESC");
	if (f->limit >= 0) {
		db_param_int(p, f->limit);
		buf_addf(sql, " LIMIT $%d::bigint", p->count);
	}
}

int readmodel_orders(struct console *c, const struct readmodel_filter *filter, console_row *row, void *arg,
		     struct error *err)
{
	CLEANUP(buf_done) struct buf sql = {0};
	CLEANUP(db_params_done) struct db_params params = {0};

	buf_adds(&sql,
		 "SELECT order_id, CASE state WHEN 'compensating' THEN 'cancelled' ELSE state END AS status,"
		 " customer_name, item_count, total_amount, currency, payment_method, reason,"
		 " coalesce(created_at, started_at) AS created_at, updated_at FROM sagas");
	add_filter(&params, &sql, filter, "CASE state WHEN 'compensating' THEN 'cancelled' ELSE state END");
	return stream(c, buf_str(&sql), &params, "sssiisssttt", row, arg, err);
}

int readmodel_sagas(struct console *c, const struct readmodel_filter *filter, console_row *row, void *arg,
		    struct error *err)
{
	CLEANUP(buf_done) struct buf sql = {0};
	CLEANUP(db_params_done) struct db_params params = {0};

	buf_adds(
	    &sql,
	    "SELECT order_id, state, awaiting, daemon, started_at, updated_at, ended_at,"
	    " extract(epoch FROM coalesce(ended_at, clock_timestamp()) - started_at)::float8 AS age_seconds,"
	    " extract(epoch FROM clock_timestamp() - updated_at)::float8 AS waiting_seconds,"
	    " steps, due, customer_name, total_amount, currency, correlation_id, reason FROM sagas");
	add_filter(&params, &sql, filter, "state");
	return stream(c, buf_str(&sql), &params, "sssstttddibsisss", row, arg, err);
}

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
	    "SELECT k.*, (SELECT currency FROM sagas WHERE currency IS NOT NULL"
	    " ORDER BY order_id DESC LIMIT 1) AS currency FROM kpi($1::bigint * interval '1 ms') k",
	    &params, &r, err);
	if (rc < 0)
		return rc;
	if (db_rows(r) != 1)
		return error_set(err, ERR_FAILED, "key figures", "the read model has none");
	*ret = readmodel_json(r, 0, "iiidddddidds");
	return 0;
}

/* The UUID that prefix becomes when the missing digits are all `filler`. */
static bool fill_uuid(const char *prefix, char filler, struct uuid *ret)
{
	char digits[33], text[UUID_TEXT_SIZE];
	int n = 0;

	for (const char *p = prefix; *p != '\0'; p++)
		if (*p != '-' && n < 32)
			digits[n++] = (char)tolower((unsigned char)*p);
	while (n < 32)
		digits[n++] = filler;
	digits[32] = '\0';
	snprintf(text, sizeof(text), "%.8s-%.4s-%.4s-%.4s-%.12s", digits, digits + 8, digits + 12,
		 digits + 16, digits + 20);
	return uuid_parse(text, ret);
}

int readmodel_complete_id(struct console *c, const char *prefix, struct uuid *ret, struct error *err)
{
	CLEANUP(db_params_done) struct db_params params = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	struct uuid low = {0}, high = {0};
	int rc;

	if (!fill_uuid(prefix, '0', &low) || !fill_uuid(prefix, 'f', &high))
		return error_set(err, ERR_USAGE, prefix, "is no order id");
	db_param_uuid(&params, low);
	db_param_uuid(&params, high);
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
