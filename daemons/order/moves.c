/*
 * The moves of orders through the saga.  One call: lock all orders concerned, decide each by rules.c, write
 * all moves and their events with two statements.
 */
#include "daemons/order/moves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/service/metrics.h"
#include "core/service/outbox.h"
#include "daemons/order/rules.h"
#include "daemons/order/store.h"

/* What a transaction has moved, for the metrics after its commit. */
struct tally {
	int moved[ORDER_STATUS_COUNT];
};

/* One order's move. */
struct move {
	struct uuid order_id;
	enum order_status next;
	int64_t version; /* the new one */
	struct uuid correlation, cause;
	const char *reason, *by;
	bool paid;
	struct uuid payment;
	const char *payment_text;
};

/* --- the events --- */

static void data_reserved(struct buf *out, const struct db_result *r, int row)
{
	buf_addf(out, "{\"order_id\":\"%s\",\"amount\":%lld,\"currency\":\"%s\",\"payment_method\":",
		 db_text(r, row, ORDER_COL_ID), (long long)db_int(r, row, ORDER_COL_TOTAL),
		 db_text(r, row, ORDER_COL_CURRENCY));
	buf_add_json(out, db_text(r, row, ORDER_COL_METHOD), (size_t)db_length(r, row, ORDER_COL_METHOD));
	buf_addc(out, '}');
}

static void data_paid(struct buf *out, const struct move *m, const struct db_result *r, int row)
{
	char now[CLOCK_TEXT_SIZE];

	buf_addf(out,
		 "{\"order_id\":\"%s\",\"payment_id\":\"%s\",\"amount\":%lld,\"currency\":\"%s\",\"paid_at\":"
		 "\"%s\"",
		 db_text(r, row, ORDER_COL_ID), m->payment_text, (long long)db_int(r, row, ORDER_COL_TOTAL),
		 db_text(r, row, ORDER_COL_CURRENCY), clock_format(clock_wall_us(), now));
	buf_addf(out, ",\"items\":%s}", db_text(r, row, ORDER_COL_ITEMS));
}

static void data_cancelled(struct buf *out, const struct move *m, const struct db_result *r, int row)
{
	buf_addf(out, "{\"order_id\":\"%s\",\"reason\":", db_text(r, row, ORDER_COL_ID));
	buf_add_json(out, m->reason, strlen(m->reason));
	buf_addf(out, ",\"by\":\"%s\",\"status_before\":\"%s\"}", m->by, db_text(r, row, ORDER_COL_STATUS));
}

static void move_data(struct buf *out, const struct move *m, const struct db_result *r, int row)
{
	switch (m->next) {
	case ORDER_RESERVED:
		data_reserved(out, r, row);
		break;
	case ORDER_PAID:
		data_paid(out, m, r, row);
		break;
	case ORDER_CANCELLED:
		data_cancelled(out, m, r, row);
		break;
	case ORDER_PENDING:
	case ORDER_COOKING:
	case ORDER_READY:
	case ORDER_STATUS_COUNT:
		buf_addf(out, "{\"order_id\":\"%s\"}", db_text(r, row, ORDER_COL_ID));
		break;
	}
}

static void tell(struct outbox *outbox, const struct move *m, const struct db_result *r, int row,
		 struct buf *data)
{
	struct event_draft event = {
	    .id = uuid_v7(),
	    .type = order_status_event(m->next),
	    .aggregate_id = db_text(r, row, ORDER_COL_ID),
	    .aggregate_seq = m->version,
	    .correlation_id = m->correlation,
	    .causation_id = m->cause,
	};

	buf_reset(data);
	move_data(data, m, r, row);
	event.data = buf_str(data);
	outbox_add(outbox, &event);
}

static void add_move(struct order_moves *moves, struct outbox *outbox, const struct move *m,
		     const struct db_result *r, int row, struct buf *data)
{
	moves_add(moves, m->order_id, m->next, m->paid ? &m->payment : NULL, m->reason, m->by);
	tell(outbox, m, r, row, data);
}

/* --- a batch of events --- */

static void decide(const struct event *e, const struct db_result *r, int row, struct order_moves *moves,
		   struct outbox *outbox, struct tally *tally, struct buf *data)
{
	int status = order_status_parse(db_text(r, row, ORDER_COL_STATUS));
	struct rule rule = order_rule((enum order_status)status, e->type);
	struct move m = {.next = rule.next, .cause = e->id, .by = rule.by, .reason = ""};

	if (rule.action == RULE_IGNORE)
		return;
	m.order_id = db_uuid(r, row, ORDER_COL_ID);
	m.version = db_int(r, row, ORDER_COL_VERSION) + 1;
	m.correlation = db_uuid(r, row, ORDER_COL_CORRELATION);
	if (rule.next == ORDER_CANCELLED)
		m.reason = json_string_or(e->data, "reason", event_types[e->type].name);
	m.payment_text = json_string_or(e->data, "payment_id", "");
	m.paid = rule.next == ORDER_PAID && uuid_parse(m.payment_text, &m.payment);
	add_move(moves, outbox, &m, r, row, data);
	tally->moved[rule.next]++;
}

/* A key that is no order id belongs to no order of ours; so does an id that is not found. */
static int lock_orders(struct service_batch *b, struct map *by_order, struct db_result **ret,
		       struct error *err)
{
	struct db_array ids = {0};
	int rc;

	db_array_init(&ids, DB_UUID);
	for (int i = 0; i < b->count; i++) {
		struct uuid id;

		if (!uuid_parse(b->events[i]->aggregate_id, &id))
			continue;
		db_array_uuid(&ids, &id);
		map_put(by_order, id.b, sizeof(id.b), (void *)b->events[i]);
	}
	rc = ids.count > 0 ? store_lock(b->tx, &ids, ret, err) : 0;
	db_array_done(&ids);
	return rc;
}

int moves_handle(struct service *s, struct service_batch *b, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	struct order_moves moves;
	struct outbox outbox = {0};
	struct map by_order = {0};
	struct buf data = {0};
	int rc;

	(void)s;
	if (b->state == NULL)
		b->state = xcalloc(1, sizeof(struct tally));
	moves_init(&moves);
	rc = lock_orders(b, &by_order, &r, err);
	for (int row = 0; rc == 0 && r != NULL && row < db_rows(r); row++) {
		struct uuid id = db_uuid(r, row, ORDER_COL_ID);

		decide(map_get(&by_order, id.b, sizeof(id.b)), r, row, &moves, &outbox, b->state, &data);
	}
	if (rc == 0 && moves.count > 0)
		rc = store_move(b->tx, &moves, err);
	if (rc == 0)
		rc = outbox_write(&outbox, b->tx, err);
	moves_done(&moves);
	outbox_done(&outbox);
	map_done(&by_order, NULL);
	buf_done(&data);
	return rc;
}

static void count_moved(const struct tally *t)
{
	for (int i = 0; i < ORDER_STATUS_COUNT; i++)
		if (t->moved[i] > 0)
			metric_count(METRIC_ORDERS, order_status_word((enum order_status)i), NULL,
				     t->moved[i]);
}

void moves_settled(struct service *s, void *state, bool committed)
{
	(void)s;
	if (state != NULL && committed)
		count_moved(state);
	free(state);
}

/* --- cancelling --- */

/* What cancelling some locked orders writes. */
struct cancelling {
	struct order_moves moves;
	struct outbox outbox;
	struct buf data;
};

static void cancel_row(struct cancelling *out, const struct db_result *r, int row, const char *reason,
		       const char *by)
{
	const struct move m = {
	    .order_id = db_uuid(r, row, ORDER_COL_ID),
	    .next = ORDER_CANCELLED,
	    .version = db_int(r, row, ORDER_COL_VERSION) + 1,
	    .correlation = db_uuid(r, row, ORDER_COL_CORRELATION),
	    .reason = reason,
	    .by = by,
	};

	add_move(&out->moves, &out->outbox, &m, r, row, &out->data);
}

static int write_cancelling(struct cancelling *out, struct db_conn *tx, struct error *err)
{
	int rc = store_move(tx, &out->moves, err);

	return rc < 0 ? rc : outbox_write(&out->outbox, tx, err);
}

static void cancelling_done(struct cancelling *out)
{
	moves_done(&out->moves);
	outbox_done(&out->outbox);
	buf_done(&out->data);
}

static int lock_one(struct db_conn *tx, struct uuid order_id, struct db_result **ret, struct error *err)
{
	struct db_array ids = {0};
	int rc;

	db_array_init(&ids, DB_UUID);
	db_array_uuid(&ids, &order_id);
	rc = store_lock(tx, &ids, ret, err);
	db_array_done(&ids);
	if (rc == 0 && db_rows(*ret) == 0)
		rc = error_set(err, ERR_NOT_FOUND, "order", "there is no order of that id");
	return rc;
}

int moves_expect(const struct db_result *r, int64_t expected_version, struct error *err)
{
	int64_t version = db_int(r, 0, ORDER_COL_VERSION);

	if (expected_version == 0 || expected_version == version)
		return 0;
	return error_set(err, ERR_CONFLICT, "version", "the order is at version %lld by now, not %lld",
			 (long long)version, (long long)expected_version);
}

static int cancel_in(struct db_conn *tx, const struct cancel_request *q, bool *ret_moved, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(cancelling_done) struct cancelling out = {0};
	const char *status;
	int rc;

	moves_init(&out.moves);
	rc = lock_one(tx, q->order_id, &r, err);
	if (rc < 0)
		return rc;
	status = db_text(r, 0, ORDER_COL_STATUS);
	switch (order_cancel_rule((enum order_status)order_status_parse(status))) {
	case CANCEL_ALREADY: /* a request that is repeated expects the version before its own effect */
		if (q->expected_version == db_int(r, 0, ORDER_COL_VERSION) - 1)
			return 0;
		return moves_expect(r, q->expected_version, err);
	case CANCEL_TOO_LATE:
		return error_set(err, ERR_CONFLICT, "cancel the order", "it is %s already", status);
	case CANCEL_OK:
		break;
	}
	rc = moves_expect(r, q->expected_version, err);
	if (rc < 0)
		return rc;
	*ret_moved = true;
	cancel_row(&out, r, 0, q->reason, q->by);
	return write_cancelling(&out, tx, err);
}

void moves_cancelled(struct service *s, int n)
{
	outbox_notify(s);
	metric_count(METRIC_ORDERS, order_status_word(ORDER_CANCELLED), NULL, n);
}

int moves_cancel(struct service *s, const struct cancel_request *q, struct error *err)
{
	struct db_conn *c;
	bool moved = false;
	int rc = db_acquire(service_db(s), &c, err);

	if (rc < 0)
		return rc;
	rc = db_begin(c, err);
	if (rc == 0)
		rc = cancel_in(c, q, &moved, err);
	if (rc == 0 && q->audit != NULL)
		rc = audit_add(c, q->audit, err);
	if (rc == 0)
		rc = db_commit(c, err);
	db_release(c); /* rolls back what is open */
	if (rc == 0 && moved)
		moves_cancelled(s, 1);
	return rc;
}

int moves_cancel_overdue(struct db_conn *tx, const struct order_search *search, const char *limit,
			 int *ret_count, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(cancelling_done) struct cancelling out = {0};
	int rc = store_overdue(tx, search, &r, err);

	moves_init(&out.moves);
	for (int row = 0; rc == 0 && row < db_rows(r); row++) {
		int status = order_status_parse(db_text(r, row, ORDER_COL_STATUS));
		int awaited = order_awaits((enum order_status)status);
		char reason[120];

		snprintf(reason, sizeof(reason), "no %s within %s",
			 awaited >= 0 ? event_types[awaited].name : "progress", limit);
		cancel_row(&out, r, row, reason, "deadline");
	}
	if (rc < 0 || out.moves.count == 0)
		return rc;
	*ret_count = out.moves.count;
	return write_cancelling(&out, tx, err);
}
