/*
 * The operators' and customers' changes to one order's saga.
 */
#include "daemons/order/saga.h"

#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/service/audit.h"
#include "daemons/order/moves.h"
#include "daemons/order/reply.h"
#include "daemons/order/request.h"
#include "daemons/order/rules.h"

static int reply_with_order(struct service *s, struct uuid id, struct buf *out, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *rows = NULL;
	int rc = request_find(s, id, &rows, err);

	if (rc == 0)
		reply_order(out, rows, 0);
	return rc;
}

static json_t *arguments(const struct request_change *change)
{
	json_t *j = json_pack("{s:s}", "reason", change->reason);

	if (change->expected_version > 0)
		json_object_set_new(j, "expected_version", json_integer(change->expected_version));
	return j;
}

/* --- hastening --- */

/* The daemons that may owe something to an order of this status; none: ERR_CONFLICT. */
static int owing(enum order_status status, const struct daemon_info *ret[2], struct error *err)
{
	int awaited = order_awaits(status);

	ret[0] = ret[1] = NULL;
	if (awaited >= 0) {
		ret[0] = daemon_find(event_types[awaited].owner);
		return 0;
	}
	switch (status) {
	case ORDER_CANCELLED: /* the refund and the release */
		ret[0] = daemon_find(event_types[EVENT_PAYMENT_REFUNDED].owner);
		ret[1] = daemon_find(event_types[EVENT_STOCK_RELEASED].owner);
		return 0;
	case ORDER_READY:
		return error_set(err, ERR_CONFLICT, "retry",
				 "the order is ready already: nothing is awaited");
	case ORDER_PENDING:
	case ORDER_RESERVED:
	case ORDER_PAID:
	case ORDER_COOKING:
	case ORDER_STATUS_COUNT:
		break;
	}
	return 0;
}

static void add_hastened(json_t *list, const char *daemon, int parked, int queued)
{
	json_array_append_new(
	    list, json_pack("{s:s,s:i,s:i}", "daemon", daemon, "parked", parked, "queued", queued));
}

static int hasten(struct service *s, const struct daemon_info *const others[2], const char *order,
		  json_t *list, struct error *err)
{
	int parked, queued, rc = service_hasten(s, order, &parked, &queued, err);

	if (rc == 0)
		add_hastened(list, service_info(s)->name, parked, queued);
	for (int i = 0; rc == 0 && i < 2 && others[i] != NULL; i++) {
		rc = service_hasten_at(s, others[i], order, &parked, &queued, err);
		if (rc == 0)
			add_hastened(list, others[i]->name, parked, queued);
	}
	return rc;
}

/* --- cancelling --- */

static int cancel_audited(struct http_request *r, struct service *s, const struct request_change *change,
			  const char *action, struct uuid order_id, struct error *err)
{
	AUTO_JSON json_t *args = arguments(change);
	struct audit_origin origin;
	char id[UUID_TEXT_SIZE];
	const struct audit_entry entry = {&origin, action, uuid_format(order_id, id), args, "ok"};
	struct cancel_request q = {order_id, change->reason, "operator", change->expected_version, &entry};
	int rc;

	audit_origin(r, args, &origin);
	if (origin.reason[0] != '\0')
		q.reason = origin.reason;
	rc = moves_cancel(s, &q, err);
	if (rc < 0)
		audit_refused(s, r, action, id, args, err);
	return rc;
}

/* --- an order's cancel --- */

#define BY_OPERATOR "cancelled by an operator" /* where no reason is given */

/* Nobody is audited for cancelling his own order; an operator says who he is. */
static int cancel_order(struct http_request *r, struct service *s, struct uuid order_id, struct error *err)
{
	bool by_operator = http_header(r, "X-Pizza-Actor") != NULL;
	struct request_change change;
	int rc =
	    request_read_change(r, by_operator ? BY_OPERATOR : "cancelled by the customer", &change, err);
	const struct cancel_request q = {order_id, change.reason, "customer", change.expected_version, NULL};

	if (rc < 0)
		return rc;
	if (by_operator)
		return cancel_audited(r, s, &change, "order.cancel", order_id, err);
	return moves_cancel(s, &q, err);
}

void saga_post_order_cancel(struct http_request *r, void *service)
{
	struct buf text = {0};
	struct error err;
	struct uuid id;
	int rc = http_path_uuid(r, &id, &err);

	if (rc == 0)
		rc = cancel_order(r, service, id, &err);
	if (rc == 0)
		rc = reply_with_order(service, id, &text, &err);
	request_reply(r, rc, &text, &err);
}

/* --- an operator's cancel and compensate --- */

/* The refund and the release that are owed need not wait for their next try; they come also without this. */
static void hasten_undoing(struct service *s, struct uuid order_id)
{
	const struct daemon_info *others[2];
	AUTO_JSON json_t *list = json_array();
	char id[UUID_TEXT_SIZE];
	struct error err;

	if (owing(ORDER_CANCELLED, others, &err) < 0 ||
	    hasten(s, others, uuid_format(order_id, id), list, &err) < 0)
		log_err(LOG_INFO, &err, "the compensation of order %s is not hastened", id);
}

static void change_by_operator(struct http_request *r, struct service *s, const char *action,
			       const char *fallback)
{
	struct request_change change;
	struct buf text = {0};
	struct error err;
	struct uuid id;
	int rc = http_path_uuid(r, &id, &err);

	if (rc == 0)
		rc = request_read_change(r, fallback, &change, &err);
	if (rc == 0)
		rc = cancel_audited(r, s, &change, action, id, &err);
	if (rc == 0) {
		hasten_undoing(s, id);
		rc = reply_with_order(s, id, &text, &err);
	}
	request_reply(r, rc, &text, &err);
}

void saga_post_cancel(struct http_request *r, void *service)
{
	change_by_operator(r, service, "saga.cancel", BY_OPERATOR);
}

void saga_post_compensate(struct http_request *r, void *service)
{
	change_by_operator(r, service, "saga.compensate", "compensated by an operator");
}

/* --- retry --- */

static int retry(struct service *s, const struct request_change *change, struct uuid order_id, json_t **ret,
		 struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *row = NULL;
	const struct daemon_info *others[2];
	AUTO_JSON json_t *list = json_array();
	enum order_status status;
	int awaited, rc = request_find(s, order_id, &row, err);

	if (rc == 0)
		rc = moves_expect(row, change->expected_version, err);
	if (rc < 0)
		return rc;
	status = (enum order_status)order_status_parse(db_text(row, 0, ORDER_COL_STATUS));
	awaited = order_awaits(status);
	rc = owing(status, others, err);
	if (rc == 0)
		rc = hasten(s, others, db_text(row, 0, ORDER_COL_ID), list, err);
	if (rc == 0)
		*ret = json_pack("{s:s,s:s,s:I,s:s?,s:s?,s:O}", "order_id", db_text(row, 0, ORDER_COL_ID),
				 "status", order_status_word(status), "version",
				 (json_int_t)db_int(row, 0, ORDER_COL_VERSION), "awaiting",
				 awaited >= 0 ? event_types[awaited].name : NULL, "daemon",
				 awaited >= 0 ? event_types[awaited].owner : NULL, "hastened", list);
	return rc;
}

static int write_audit(struct service *s, struct http_request *r, const char *id, const json_t *args,
		       struct error *err)
{
	struct db_conn *c;
	int rc = db_acquire(service_db(s), &c, err);

	if (rc < 0)
		return rc;
	rc = audit_write(c, r, "saga.retry", id, args, "ok", err);
	db_release(c);
	return rc;
}

void saga_post_retry(struct http_request *r, void *service)
{
	AUTO_JSON json_t *args = NULL;
	struct request_change change;
	char id[UUID_TEXT_SIZE] = "";
	json_t *reply = NULL;
	struct error err;
	struct uuid order_id;
	int rc = http_path_uuid(r, &order_id, &err);

	if (rc == 0)
		rc = request_read_change(r, "", &change, &err);
	if (rc == 0) {
		args = arguments(&change);
		rc = retry(service, &change, order_id, &reply, &err);
		uuid_format(order_id, id);
		if (rc < 0)
			audit_refused(service, r, "saga.retry", id, args, &err);
		else
			rc = write_audit(service, r, id, args, &err);
	}
	if (rc == 0)
		http_reply_json(r, 200, reply);
	else
		http_reply_error(r, &err);
}
