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
#include "daemons/order/request.h"
#include "daemons/order/rules.h"
#include "daemons/order/saga.h"
#include "daemons/order/store.h"
#include "daemons/order/watch.h"

extern const struct db_migration order_migrations[];
extern const int order_migration_count;

struct orderd {
	struct menucopy *menu;
	struct intake *intake;
	struct watch *watch;
};

/* --- HTTP --- */

static void post_order(struct http_request *r, void *arg)
{
	struct orderd *o = service_data(arg);

	intake_request(o->intake, r);
}

static void get_order(struct http_request *r, void *arg)
{
	CLEANUP(db_result_auto) struct db_result *rows = NULL;
	struct buf text = {0};
	struct error err;
	struct uuid id;
	int rc = http_path_uuid(r, &id, &err);

	if (rc == 0)
		rc = request_find(arg, id, &rows, &err);
	if (rc == 0)
		reply_order(&text, rows, 0);
	request_reply(r, rc, &text, &err);
}

struct list_query {
	const char *status;
	struct uuid before;
	int64_t limit;
};

static int read_list_query(const struct http_request *r, struct list_query *q, struct error *err)
{
	int rc = http_query_int(r, "limit", 1, 1000, 50, &q->limit, err);

	q->status = http_query(r, "status");
	if (q->status != NULL && order_status_parse(q->status) < 0)
		return error_set(err, ERR_USAGE, "status",
				 "must be pending, reserved, paid, cooking, ready or cancelled");
	return rc < 0 ? rc : http_query_cursor(r, &q->before, err);
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
	request_reply(r, rc, &text, &err);
}

static const struct http_route routes[] = {
    {"POST", "/api/v1/orders", post_order, HTTP_CUSTOMER, false},
    {"GET", "/api/v1/orders", get_orders, HTTP_CUSTOMER, true},
    {"GET", "/api/v1/orders/{id}", get_order, HTTP_CUSTOMER, true},
    {"POST", "/api/v1/orders/{id}/cancel", saga_post_order_cancel, HTTP_CUSTOMER, true},
    {"POST", "/api/v1/sagas/{id}/cancel", saga_post_cancel, HTTP_OPERATOR, true},
    {"POST", "/api/v1/sagas/{id}/compensate", saga_post_compensate, HTTP_OPERATOR, true},
    {"POST", "/api/v1/sagas/{id}/retry", saga_post_retry, HTTP_OPERATOR, true},
};

/* --- wiring --- */

static int start(struct service *s, struct error *err)
{
	struct orderd *o = xcalloc(1, sizeof(*o));
	int rc = menucopy_start(s, &o->menu, err);

	service_set_data(s, o);
	if (rc == 0)
		rc = intake_start(s, o->menu, &o->intake, err);
	if (rc == 0)
		rc = watch_start(s, &o->watch, err);
	return rc;
}

static void stop(struct service *s)
{
	struct orderd *o = service_data(s);

	watch_stop(o->watch);
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
