/*
 * The routes of paymentd.  All of them use the database and therefore run on workers.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/service/audit.h"
#include "daemons/payment/settle.h"
#include "daemons/payment/store.h"

/* --- JSON --- */

static json_t *text_or_null(const char *text)
{
	return text[0] != '\0' ? json_string(text) : json_null();
}

static json_t *refund_json(const struct refund *f)
{
	char id[UUID_TEXT_SIZE], created[CLOCK_TEXT_SIZE], updated[CLOCK_TEXT_SIZE];

	return json_pack("{s:s, s:I, s:s, s:o, s:i, s:o, s:s, s:s}", "refund_id",
			 uuid_format(f->refund_id, id), "amount", (json_int_t)f->amount, "status",
			 refund_status_word(f->status), "provider_id", text_or_null(f->provider_id),
			 "attempt", f->asking.attempt, "reason", text_or_null(f->reason), "created_at",
			 clock_format(f->created_us, created), "updated_at",
			 clock_format(f->updated_us, updated));
}

static json_t *payment_json(const struct payment *p, const struct refund *refunds, int n)
{
	char id[UUID_TEXT_SIZE], order[UUID_TEXT_SIZE], created[CLOCK_TEXT_SIZE], updated[CLOCK_TEXT_SIZE];
	json_t *list = json_array();

	for (int i = 0; i < n; i++)
		if (uuid_equal(refunds[i].payment_id, p->payment_id))
			json_array_append_new(list, refund_json(&refunds[i]));
	return json_pack("{s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:b, s:o, s:i, s:o, s:s, s:s, s:o}",
			 "payment_id", uuid_format(p->payment_id, id), "order_id",
			 uuid_format(p->order_id, order), "amount", (json_int_t)p->amount, "refunded_amount",
			 (json_int_t)p->refunded_amount, "currency", p->currency, "payment_method", p->method,
			 "status", payment_status_word(p->status), "cancel_requested", p->cancel_requested,
			 "provider_id", text_or_null(p->provider_id), "attempt", p->asking.attempt, "reason",
			 text_or_null(p->reason), "created_at", clock_format(p->created_us, created),
			 "updated_at", clock_format(p->updated_us, updated), "refunds", list);
}

/* The payments as a JSON array, with their refunds; owned. */
static int payments_json(struct db_conn *c, const struct payment *rows, int n, json_t **ret,
			 struct error *err)
{
	AUTO_FREE struct refund *refunds = NULL;
	int count = 0, rc = n > 0 ? store_refunds_of(c, rows, n, &refunds, &count, err) : 0;

	if (rc < 0)
		return rc;
	*ret = json_array();
	for (int i = 0; i < n; i++)
		json_array_append_new(*ret, payment_json(&rows[i], refunds, count));
	return 0;
}

/* --- one payment --- */

/* Finds it by payment or order id, or the beginning of one; ERR_NOT_FOUND names the id. */
static int find(struct db_conn *c, const char *text, struct payment *ret, struct error *err)
{
	struct uuid id;
	bool found = false;
	int rc = store_complete_id(c, text, &id, err);

	if (rc == 0)
		rc = store_find(c, id, &found, ret, err);
	if (rc == 0 && !found)
		return error_set(err, ERR_NOT_FOUND, "find the payment",
				 "there is no payment %.40s, nor one of such an order", text);
	return rc;
}

static int find_json(struct db *db, const char *id, json_t **ret, struct error *err)
{
	AUTO_JSON json_t *list = NULL;
	struct payment p = {0};
	struct db_conn *c;
	int rc = db_acquire(db, &c, err);

	if (rc < 0)
		return rc;
	rc = find(c, id, &p, err);
	if (rc == 0)
		rc = payments_json(c, &p, 1, &list, err);
	db_release(c);
	if (rc == 0)
		*ret = json_incref(json_array_get(list, 0));
	return rc;
}

static void reply_payment(struct http_request *r, struct db *db, const char *id, int status)
{
	json_t *found = NULL;
	struct error err;

	if (find_json(db, id, &found, &err) < 0)
		http_reply_error(r, &err);
	else
		http_reply_json(r, status, found);
}

static void get_payment(struct http_request *r, void *arg)
{
	reply_payment(r, service_db(arg), http_path_param(r, 0), 200);
}

/* An order has one payment, made when its ingredients are reserved: this returns it and never charges
 * anything. */
static void post_payment(struct http_request *r, void *arg)
{
	AUTO_JSON json_t *body = NULL;
	const char *text;
	struct uuid order_id;
	struct error err;
	int rc = http_body_json(r, &body, &err);

	text = json_string_or(body, "order_id", json_string_or(body, "orderId", ""));
	if (rc == 0 && !uuid_parse(text, &order_id))
		rc = error_set(&err, ERR_INVALID, "order_id", "must be a UUID");
	if (rc < 0)
		http_reply_error(r, &err);
	else
		reply_payment(r, service_db(arg), text, 200);
}

/* --- lists --- */

/* The page's limit, status and cursor. */
static int read_filter(struct http_request *r, struct payment_filter *filter, struct error *err)
{
	const char *status = http_query(r, "status");
	enum payment_status known;
	int64_t limit;
	int rc = http_query_int(r, "limit", 1, 1000, 50, &limit, err);

	if (rc < 0)
		return rc;
	if (status != NULL && !payment_status_parse(status, &known)) {
		error_set(
		    err, ERR_USAGE, "status",
		    "must be requested, processing, completed, failed, cancelled, refunding or refunded");
		return ERR_USAGE;
	}
	*filter = (struct payment_filter){.status = status, .limit = (int)limit};
	return http_query_cursor(r, &filter->before, err);
}

static int list_page(struct db_conn *c, struct http_request *r, json_t **ret, struct error *err)
{
	struct payment_filter filter = {0};
	struct uuid order_id;
	AUTO_FREE struct payment *rows = NULL;
	char cursor[UUID_TEXT_SIZE];
	json_t *items = NULL;
	bool found = false;
	int n = 0, rc = read_filter(r, &filter, err);

	if (rc == 0)
		rc = http_query_uuid(r, "order_id", &order_id, err);
	if (rc < 0)
		return rc;
	rows = xcalloc((size_t)filter.limit, sizeof(*rows));
	if (!uuid_is_nil(order_id)) {
		rc = store_find(c, order_id, &found, &rows[0], err);
		n = found && (filter.status == NULL ||
			      strcmp(payment_status_word(rows[0].status), filter.status) == 0);
	} else {
		rc = store_list(c, &filter, rows, &n, err);
	}
	if (rc == 0)
		rc = payments_json(c, rows, n, &items, err);
	if (rc < 0)
		return rc;
	*ret = json_pack(
	    "{s:o, s:s?}", "items", items, "next_cursor",
	    uuid_is_nil(order_id) && n == filter.limit ? uuid_format(rows[n - 1].payment_id, cursor) : NULL);
	return 0;
}

static void list_payments(struct http_request *r, void *arg)
{
	struct db_conn *c;
	json_t *page = NULL;
	struct error err;
	int rc = db_acquire(service_db(arg), &c, &err);

	if (rc == 0) {
		rc = list_page(c, r, &page, &err);
		db_release(c);
	}
	if (rc < 0)
		http_reply_error(r, &err);
	else
		http_reply_json(r, 200, page);
}

/* --- refunds --- */

#define ID_SIZE 64 /* as asked for, or a whole one */

struct refund_order {
	int64_t amount; /* 0: what is left */
	const char *reason;
};

static int read_refund_order(struct http_request *r, json_t **body, struct refund_order *ret,
			     struct error *err)
{
	size_t n;
	int rc;

	*ret = (struct refund_order){0, "an operator asked for it"};
	http_body(r, &n);
	if (n == 0)
		return 0;
	rc = http_body_json(r, body, err);
	if (rc < 0)
		return rc;
	if (json_object_get(*body, "amount") != NULL) {
		ret->amount = json_int_or(*body, "amount", 0);
		if (ret->amount < 1)
			rc = error_set(err, ERR_INVALID, "amount",
				       "must be a positive integer, or absent for what is left");
	}
	ret->reason = json_string_or(*body, "reason", ret->reason);
	return rc;
}

/* Plans and writes the refund of a locked payment. */
static int refund_locked(struct db_conn *tx, struct payment *p, const struct refund_order *order,
			 struct error *err)
{
	int64_t left = p->amount - p->refunded_amount;
	struct payment_change change;
	struct refund f;
	bool hit;
	int rc;

	if (order->amount > left)
		return error_set(err, ERR_INVALID, "amount", "only %lld is left to refund", (long long)left);
	f = refund_open(p, order->amount > 0 ? order->amount : left, p->causation_id, order->reason);
	change = (struct payment_change){*p, DUE_NEVER};
	rc = store_change(tx, &change, 1, &hit, err);
	return rc < 0 ? rc : store_refund_insert(tx, &f, 1, err);
}

/*
 * Within a transaction, of the payment that id names, a whole one then; *ret_new: a refund was opened (false:
 * one is under way, or it is all refunded).
 */
static int refund_in(struct db_conn *tx, char id[ID_SIZE], const struct refund_order *order, bool *ret_new,
		     struct error *err)
{
	struct payment p = {0};
	int n, rc = find(tx, id, &p, err);

	if (rc == 0)
		rc = store_lock(tx, &p.order_id, 1, &p, &n, err);
	if (rc == 0)
		uuid_format(p.payment_id, id);
	if (rc < 0)
		return rc;
	switch (payment_demand(p.status, DEMAND_REFUND)) {
	case ACT_REFUND:
		*ret_new = true;
		return refund_locked(tx, &p, order, err);
	case ACT_IGNORE:
		return 0;
	case ACT_REFUSE:
	case ACT_CREATE:
	case ACT_TOMBSTONE:
	case ACT_DROP:
	case ACT_MARK:
		break;
	}
	return error_set(err, ERR_CONFLICT, "refund the payment",
			 "it is %s: only a completed payment can be refunded", payment_status_word(p.status));
}

static int refund(struct db *db, char id[ID_SIZE], const struct refund_order *order,
		  const struct audit_entry *audit, bool *ret_new, struct error *err)
{
	struct db_conn *tx;
	int rc = db_acquire(db, &tx, err);

	if (rc < 0)
		return rc;
	rc = db_begin(tx, err);
	if (rc == 0)
		rc = refund_in(tx, id, order, ret_new, err);
	if (rc == 0)
		rc = audit_add(tx, audit, err);
	if (rc == 0)
		rc = db_commit(tx, err);
	if (rc < 0)
		db_rollback(tx);
	db_release(tx);
	return rc;
}

static void refund_payment(struct http_request *r, void *arg)
{
	struct payments *app = payments_of(arg);
	char id[ID_SIZE];
	AUTO_JSON json_t *body = NULL;
	struct refund_order order;
	struct audit_origin origin;
	struct audit_entry audit = {&origin, "payment.refund", id, NULL, "ok"};
	struct error err;
	bool opened = false;
	int rc = read_refund_order(r, &body, &order, &err);

	snprintf(id, sizeof(id), "%s", http_path_param(r, 0));
	audit_origin(r, body, &origin);
	audit.arguments = body;
	if (rc == 0)
		rc = refund(app->db, id, &order, &audit, &opened, &err);
	if (rc < 0) {
		audit_refused(arg, r, audit.action, id, body, &err);
		http_reply_error(r, &err);
		return;
	}
	if (opened) {
		log_info("an operator refunds payment %s", id);
		workqueue_wake(app->queue);
	}
	reply_payment(r, app->db, id, opened ? 202 : 200);
}

const struct http_route payment_routes[] = {
    {"GET", "/api/v1/payments", list_payments, HTTP_CUSTOMER, true},
    {"POST", "/api/v1/payments", post_payment, HTTP_CUSTOMER, true},
    {"GET", "/api/v1/payments/{id}", get_payment, HTTP_CUSTOMER, true},
    {"POST", "/api/v1/payments/{id}/refund", refund_payment, HTTP_OPERATOR, true},
};
const int payment_route_count = ARRAY_LEN(payment_routes);
