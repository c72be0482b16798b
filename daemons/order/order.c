/*
 * orderd: orders and their state through the saga.  Listens to inventory-events and payment-events; serves
 * /api/v1/orders.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/service/menucopy.h"
#include "core/service/service.h"
#include "daemons/order/intake.h"
#include "daemons/order/moves.h"
#include "daemons/order/reply.h"
#include "daemons/order/rules.h"
#include "daemons/order/store.h"

extern const struct db_migration order_migrations[];
extern const int order_migration_count;

struct orderd {
	struct menucopy *menu;
	struct intake *intake;
};

/* --- HTTP --- */

static void post_order(struct http_request *r, void *arg)
{
	struct orderd *o = service_data(arg);

	intake_request(o->intake, r);
}

static int path_order_id(const struct http_request *r, struct uuid *ret, struct error *err)
{
	if (uuid_parse(http_path_param(r, 0), ret))
		return 0;
	return error_set(err, ERR_NOT_FOUND, "order", "%.60s is no order id", http_path_param(r, 0));
}

static int find_order(struct service *s, struct uuid id, struct buf *out, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *rows = NULL;
	struct db_conn *c;
	int rc = db_acquire(service_db(s), &c, err);

	if (rc < 0)
		return rc;
	rc = store_find(c, id, &rows, err);
	db_release(c);
	if (rc == 0 && db_rows(rows) == 0)
		rc = error_set(err, ERR_NOT_FOUND, "order", "there is no order of that id");
	if (rc == 0)
		reply_order(out, rows, 0);
	return rc;
}

static void reply_buf(struct http_request *r, int rc, struct buf *text, const struct error *err)
{
	size_t len = text->len;

	if (rc < 0) {
		buf_done(text);
		http_reply_error(r, err);
	} else {
		http_reply_take(r, 200, "application/json", buf_take(text), len);
	}
}

static void get_order(struct http_request *r, void *arg)
{
	struct buf text = {0};
	struct error err;
	struct uuid id;
	int rc = path_order_id(r, &id, &err);

	if (rc == 0)
		rc = find_order(arg, id, &text, &err);
	reply_buf(r, rc, &text, &err);
}

struct list_query {
	const char *status;
	struct uuid before;
	int64_t limit;
};

static int read_list_query(const struct http_request *r, struct list_query *q, struct error *err)
{
	const char *cursor = http_query(r, "cursor");

	q->status = http_query(r, "status");
	q->before = (struct uuid){0};
	if (q->status != NULL && order_status_parse(q->status) < 0)
		return error_set(err, ERR_USAGE, "status",
				 "must be pending, reserved, paid, cooking, ready or cancelled");
	if (cursor != NULL && !uuid_parse(cursor, &q->before))
		return error_set(err, ERR_USAGE, "cursor", "is not one that a list gave");
	return http_query_int(r, "limit", 1, 1000, 50, &q->limit, err);
}

static int list_orders(struct service *s, const struct list_query *q, struct buf *out, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *rows = NULL;
	struct db_conn *c;
	int n, rc = db_acquire(service_db(s), &c, err);

	if (rc < 0)
		return rc;
	rc = store_list(c, q->status, q->before, (int)q->limit, &rows, err);
	db_release(c);
	if (rc < 0)
		return rc;
	n = db_rows(rows);
	buf_adds(out, "{\"items\":[");
	for (int i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(out, ',');
		reply_order(out, rows, i);
	}
	if (n == q->limit)
		buf_addf(out, "],\"next_cursor\":\"%s\"}", db_text(rows, n - 1, ORDER_COL_ID));
	else
		buf_adds(out, "],\"next_cursor\":null}");
	return 0;
}

static void get_orders(struct http_request *r, void *arg)
{
	struct buf text = {0};
	struct list_query q = {0};
	struct error err;
	int rc = read_list_query(r, &q, &err);

	if (rc == 0)
		rc = list_orders(arg, &q, &text, &err);
	reply_buf(r, rc, &text, &err);
}

/* {"reason": "…", "version": 3}, both optional, or no body at all. */
static int read_cancel(const struct http_request *r, const char *fallback, char reason[200],
		       int64_t *ret_version, struct error *err)
{
	AUTO_JSON json_t *body = NULL;
	size_t len;
	int rc;

	http_body(r, &len);
	*ret_version = 0;
	snprintf(reason, 200, "%s", fallback);
	if (len == 0)
		return 0;
	rc = http_body_json(r, &body, err);
	if (rc < 0)
		return rc;
	*ret_version = json_int_or(body, "version", 0);
	if (json_object_get(body, "reason") == NULL)
		return 0;
	if (strlen(json_string_or(body, "reason", "")) == 0 ||
	    strlen(json_string_or(body, "reason", "")) >= 200)
		return error_set(err, ERR_INVALID, "reason", "must be a text of 1 to 199 bytes");
	snprintf(reason, 200, "%s", json_string_or(body, "reason", ""));
	return 0;
}

static void cancel(struct http_request *r, struct service *s, const char *by, const char *fallback)
{
	struct buf text = {0};
	char reason[200];
	int64_t version;
	struct error err;
	struct uuid id;
	int rc = path_order_id(r, &id, &err);

	if (rc == 0)
		rc = read_cancel(r, fallback, reason, &version, &err);
	if (rc == 0)
		rc = moves_cancel(s, id, reason, by, version, &err);
	if (rc == 0)
		rc = find_order(s, id, &text, &err);
	reply_buf(r, rc, &text, &err);
}

static void post_cancel(struct http_request *r, void *arg)
{
	cancel(r, arg, "customer", "cancelled by the customer");
}

static void post_compensate(struct http_request *r, void *arg)
{
	cancel(r, arg, "operator", "compensated by an operator");
}

static const struct http_route routes[] = {
    {"POST", "/api/v1/orders", post_order, HTTP_CUSTOMER, false},
    {"GET", "/api/v1/orders", get_orders, HTTP_CUSTOMER, true},
    {"GET", "/api/v1/orders/{id}", get_order, HTTP_CUSTOMER, true},
    {"POST", "/api/v1/orders/{id}/cancel", post_cancel, HTTP_CUSTOMER, true},
    {"POST", "/api/v1/sagas/{id}/compensate", post_compensate, HTTP_OPERATOR, true},
};

/* --- wiring --- */

static int set_deadlines(struct service *s, struct error *err)
{
	struct db_conn *c;
	int rc = db_acquire(service_db(s), &c, err);

	if (rc < 0)
		return rc;
	rc = store_deadlines(c, config_int(CONFIG_ORDER_STUCK), config_int(CONFIG_ORDER_DEADLINE), err);
	db_release(c);
	return rc;
}

static int start(struct service *s, struct error *err)
{
	struct orderd *o = xcalloc(1, sizeof(*o));
	int rc;

	service_set_data(s, o);
	rc = set_deadlines(s, err);
	if (rc == 0)
		rc = menucopy_start(s, &o->menu, err);
	if (rc == 0)
		rc = intake_start(s, o->menu, &o->intake, err);
	return rc;
}

static void stop(struct service *s)
{
	struct orderd *o = service_data(s);

	intake_stop(o->intake);
	menucopy_stop(o->menu);
	free(o);
}

int main(int argc, char **argv)
{
	const struct service_spec spec = {
	    .id = DAEMON_ORDER,
	    .migrations = order_migrations,
	    .migration_count = order_migration_count,
	    .routes = routes,
	    .route_count = ARRAY_LEN(routes),
	    .start = start,
	    .stop = stop,
	    .wants = order_wants,
	    .handle = moves_handle,
	    .settled = moves_settled,
	};

	return service_main(&spec, argc, argv);
}
