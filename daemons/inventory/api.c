/*
 * HTTP: what is in stock, what is held for whom, deliveries.  Handlers run on the server's worker threads and
 * use the database.
 */
#include "daemons/inventory/api.h"

#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/service/audit.h"
#include "core/service/outbox.h"
#include "core/service/service.h"
#include "daemons/inventory/rules.h"
#include "daemons/inventory/shelf.h"

#define LIST_LIMIT     50
#define LIST_LIMIT_MAX 1000

static int low_percent(void)
{
	return (int)config_int(CONFIG_STOCK_LOW);
}

/* The query's limit, cursor and status ("" and absent are the same). */
static int read_page(const struct http_request *r, struct shelf_page *page, struct error *err)
{
	const char *cursor = http_query(r, "cursor");
	const char *status = http_query(r, "status");
	int64_t limit;
	int rc = http_query_int(r, "limit", 1, LIST_LIMIT_MAX, LIST_LIMIT, &limit, err);

	if (rc < 0)
		return rc;
	page->limit = (int)limit;
	page->cursor = cursor != NULL ? cursor : "";
	page->status = status != NULL && status[0] != '\0' ? status : NULL;
	return 0;
}

/* Takes the list. */
static void reply_list(struct http_request *r, json_t *items, bool more, const char *id_member)
{
	json_t *last = json_object_get(json_array_get(items, json_array_size(items) - 1), id_member);
	json_t *reply = json_pack("{s:o}", "items", items);

	json_object_set_new(reply, "next_cursor", more ? json_incref(last) : json_null());
	http_reply_json(r, 200, reply);
}

/* --- ingredients --- */

static int list_stock(struct service *s, const struct http_request *r, json_t **ret, bool *ret_more,
		      struct error *err)
{
	struct shelf_page page = {0};
	struct db_conn *c = NULL;
	int rc = read_page(r, &page, err);

	if (rc == 0 && page.status != NULL && strcmp(page.status, "low") != 0 &&
	    strcmp(page.status, "ok") != 0)
		rc = error_set(err, ERR_USAGE, "status", "must be low or ok");
	if (rc == 0)
		rc = db_acquire(service_db(s), &c, err);
	if (rc < 0)
		return rc;
	rc = shelf_list(c, &page, low_percent(), ret, ret_more, err);
	db_release(c);
	return rc;
}

static void get_stock(struct http_request *r, void *arg)
{
	struct error err;
	json_t *items = NULL;
	bool more = false;

	if (list_stock(arg, r, &items, &more, &err) < 0)
		http_reply_error(r, &err);
	else
		reply_list(r, items, more, "ingredient_id");
}

static void get_ingredient(struct http_request *r, void *arg)
{
	struct db_conn *c = NULL;
	struct error err;
	json_t *json = NULL;
	int rc = db_acquire(service_db(arg), &c, &err);

	if (rc == 0) {
		rc = shelf_get(c, http_path_param(r, 0), low_percent(), &json, &err);
		db_release(c);
	}
	if (rc < 0)
		http_reply_error(r, &err);
	else
		http_reply_json(r, 200, json);
}

/* --- reservations --- */

/* What the query of a list of reservations says. */
struct reservation_query {
	struct shelf_page page;
	struct uuid order_id; /* only this order's; nil: all */
};

static int read_reservation_query(const struct http_request *r, struct reservation_query *q,
				  struct error *err)
{
	enum reservation_state state;
	struct uuid cursor;
	int rc = read_page(r, &q->page, err);

	if (rc < 0)
		return rc;
	if (q->page.status != NULL && !reservation_state_parse(q->page.status, &state))
		return error_set(err, ERR_USAGE, "status",
				 "must be reserved, rejected, released, consumed or cancelled");
	rc = http_query_cursor(r, &cursor, err);
	return rc < 0 ? rc : http_query_uuid(r, "order_id", &q->order_id, err);
}

static int list_reservations(struct service *s, const struct http_request *r, json_t **ret, bool *ret_more,
			     struct error *err)
{
	struct reservation_query q = {0};
	struct db_conn *c = NULL;
	int rc = read_reservation_query(r, &q, err);

	if (rc == 0)
		rc = db_acquire(service_db(s), &c, err);
	if (rc < 0)
		return rc;
	*ret_more = false;
	if (!uuid_is_nil(q.order_id))
		rc = shelf_reservation(c, q.order_id, ret, err);
	else
		rc = shelf_reservations(c, &q.page, ret, ret_more, err);
	db_release(c);
	return rc;
}

static void get_reservations(struct http_request *r, void *arg)
{
	struct error err;
	json_t *items = NULL;
	bool more = false;

	if (list_reservations(arg, r, &items, &more, &err) < 0)
		http_reply_error(r, &err);
	else
		reply_list(r, items, more, "order_id");
}

/* --- deliveries --- */

static void check_text(const char *text, const char *field, size_t max, struct http_problems *p)
{
	if (text != NULL && (strlen(text) > max || (max == RESTOCK_KEY_MAX && text[0] == '\0')))
		http_problem(p, field, "must have at most %zu bytes", max);
}

/* The strings are borrowed from the request and the body. */
static void read_restock(const struct http_request *r, const json_t *body, struct restock *d,
			 struct http_problems *p)
{
	const json_t *quantity = json_object_get(body, "quantity");
	const json_t *reason = json_object_get(body, "reason");
	const char *correlation = http_header(r, "X-Correlation-ID");

	d->ingredient_id = http_path_param(r, 0);
	d->quantity = json_is_integer(quantity) ? json_integer_value(quantity) : 0;
	d->reason = json_is_string(reason) ? json_string_value(reason) : "";
	d->idempotency_key = http_header(r, "Idempotency-Key");
	if (correlation == NULL || !uuid_parse(correlation, &d->correlation_id))
		d->correlation_id = uuid_v7();
	if (d->quantity < 1 || d->quantity > RESTOCK_MAX)
		http_problem(p, "quantity", "must be an integer from 1 to %lld", (long long)RESTOCK_MAX);
	if (reason != NULL && !json_is_string(reason) && !json_is_null(reason))
		http_problem(p, "reason", "must be a string");
	check_text(d->reason, "reason", RESTOCK_REASON_MAX, p);
	check_text(d->idempotency_key, "Idempotency-Key", RESTOCK_KEY_MAX, p);
}

static void restock(struct http_request *r, struct service *s, const json_t *body)
{
	struct http_problems problems = {0};
	struct restock d;
	struct audit_origin origin;
	const struct audit_entry audit = {&origin, "inventory.restock", http_path_param(r, 0), body, "ok"};
	struct db_conn *c = NULL;
	struct error err;
	char *reply = NULL;
	int rc;

	audit_origin(r, body, &origin);
	read_restock(r, body, &d, &problems);
	d.audit = &audit;
	if (problems.list != NULL) {
		http_reply_problems(r, "The delivery is not valid", &problems);
		return;
	}
	rc = db_acquire(service_db(s), &c, &err);
	if (rc == 0) {
		rc = shelf_restock(c, &d, low_percent(), &reply, &err);
		db_release(c);
	}
	if (rc < 0 || reply == NULL) {
		audit_refused(s, r, audit.action, audit.target, body, &err);
		http_reply_error(r, &err);
		return;
	}
	outbox_notify(s);
	http_reply_take(r, 200, "application/json", reply, strlen(reply));
}

static void post_restock(struct http_request *r, void *arg)
{
	AUTO_JSON json_t *body = NULL;
	struct error err;

	if (http_body_json(r, &body, &err) < 0)
		http_reply_error(r, &err);
	else
		restock(r, arg, body);
}

const struct http_route inventory_routes[] = {
    {"GET", "/api/v1/inventory", get_stock, HTTP_CUSTOMER, true},
    {"GET", "/api/v1/inventory/reservations", get_reservations, HTTP_CUSTOMER, true},
    {"GET", "/api/v1/inventory/{id}", get_ingredient, HTTP_CUSTOMER, true},
    {"POST", "/api/v1/inventory/{id}/restock", post_restock, HTTP_OPERATOR, true},
};
const int inventory_route_count = ARRAY_LEN(inventory_routes);
