/*
 * OrderReserved and OrderCancelled, in batches: rows and events are written here, the provider is called by
 * the work queue after the commit.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/money.h"
#include "daemons/payment/settle.h"
#include "daemons/payment/store.h"

/* The handler's own for one transaction: claimed rows to be charged once it is committed. */
struct intake {
	struct job **jobs;
	int count, cap;
	bool due; /* unclaimed rows are due */
};

bool intake_wants(enum event_type type)
{
	return type == EVENT_ORDER_RESERVED || type == EVENT_ORDER_CANCELLED;
}

static int read_order(const struct event *e, struct uuid *ret, struct error *err)
{
	if (!uuid_parse(e->aggregate_id, ret))
		return error_set(err, ERR_MALFORMED, "aggregate_id", "must be the order's UUID");
	return 0;
}

/* --- OrderReserved --- */

static int read_reserved(const struct event *e, struct payment *p, struct error *err)
{
	const char *currency, *method = json_string_or(e->data, "payment_method", "card");
	int rc = read_order(e, &p->order_id, err);

	if (rc < 0 || (rc = json_get_int(e->data, "amount", &p->amount, err)) < 0 ||
	    (rc = json_get_string(e->data, "currency", &currency, err)) < 0)
		return rc;
	if (p->amount < 0 || p->amount > MONEY_MAX)
		return error_set(err, ERR_MALFORMED, "amount", "is out of range");
	if (!money_currency_valid(currency))
		return error_set(err, ERR_MALFORMED, "currency", "must be three capital letters");
	strcpy(p->currency, currency);
	snprintf(p->method, sizeof(p->method), "%s", method);
	p->payment_id = uuid_v7();
	p->correlation_id = e->correlation_id;
	p->asking.attempt = 1;
	p->version = 1;
	return 0;
}

/* The new row's state and its first event. */
static struct announcement open_payment(struct payment *p, const struct event *e, bool claim)
{
	const char *method = json_string_or(e->data, "payment_method", "card");

	if (payment_method_map(method) != NULL) {
		p->status = claim ? PAYMENT_PROCESSING : PAYMENT_REQUESTED;
		return announcement_next(p, EVENT_PAYMENT_REQUESTED, e->id);
	}
	p->status = PAYMENT_FAILED;
	snprintf(p->reason, sizeof(p->reason),
		 "payment method %.60s is not accepted: card, or pm_… of the provider", method);
	return announcement_next(p, EVENT_PAYMENT_FAILED, e->id);
}

static void add_job(struct intake *in, struct job *job)
{
	if (in->count == in->cap) {
		in->cap = in->cap == 0 ? 256 : in->cap * 2;
		in->jobs = xreallocarray(in->jobs, (size_t)in->cap, sizeof(struct job *));
	}
	in->jobs[in->count++] = job;
}

static int reserve(struct payments *app, struct intake *in, struct db_conn *tx,
		   const struct event *const *events, int n, struct outbox *o, struct error *err)
{
	AUTO_FREE struct payment *rows = xcalloc((size_t)n + 1, sizeof(*rows));
	AUTO_FREE struct announcement *says = xcalloc((size_t)n + 1, sizeof(*says));
	AUTO_FREE bool *inserted = xcalloc((size_t)n + 1, sizeof(*inserted));
	bool claim = queue_has_room(app, in->count + n);
	int rc = 0;

	if (n == 0)
		return 0;
	for (int i = 0; i < n; i++) {
		rc = read_reserved(events[i], &rows[i], err);
		if (rc < 0)
			return rc;
		says[i] = open_payment(&rows[i], events[i], claim);
	}
	rc = store_insert(tx, rows, n, queue_claim_now(app), inserted, err);
	for (int i = 0; rc == 0 && i < n; i++) {
		if (!inserted[i])
			continue; /* known, or cancelled before it came */
		announce(o, &says[i], &rows[i], NULL);
		if (rows[i].status == PAYMENT_PROCESSING)
			add_job(in, job_new(app, JOB_CHARGE, &rows[i], NULL));
		else if (rows[i].status == PAYMENT_REQUESTED)
			in->due = true;
	}
	return rc;
}

/* --- OrderCancelled --- */

/* Takes the order's job back when it was made in this very transaction: then nothing can have been sent. */
static bool take_back(struct intake *in, const struct uuid *order_id)
{
	for (int i = 0; i < in->count; i++) {
		if (!uuid_equal(in->jobs[i]->payment.order_id, *order_id))
			continue;
		in->jobs[i]->recorded = true;
		job_free(in->jobs[i]);
		in->jobs[i] = in->jobs[--in->count];
		return true;
	}
	return false;
}

/* What a transaction of cancellations writes. */
struct cancelling {
	struct payment_change *changes;
	int change_count;
	struct refund *refunds;
	int refund_count;
};

static void cancel_one(struct intake *in, struct cancelling *out, const struct payment *row,
		       struct uuid cause)
{
	struct payment_change change = {*row, DUE_NEVER};
	struct payment *p = &change.now;

	if (p->status == PAYMENT_PROCESSING && take_back(in, &p->order_id))
		p->status = PAYMENT_REQUESTED;
	switch (payment_demand(p->status, DEMAND_CANCEL)) {
	case ACT_DROP:
		p->status = PAYMENT_CANCELLED;
		snprintf(p->reason, sizeof(p->reason), "the order was cancelled before it was charged");
		break;
	case ACT_MARK:
		if (p->cancel_requested)
			return;
		p->cancel_requested = true;
		change.delay_ms = DUE_KEEP; /* settled by its claim, or by the next one when that ran out */
		if (p->status == PAYMENT_HELD) { /* nobody is at it: what became of it is asked once more */
			p->status = PAYMENT_PROCESSING;
			p->asking.lookup = true;
			change.delay_ms = 0;
		}
		break;
	case ACT_REFUND:
		p->cancel_requested = true;
		out->refunds[out->refund_count++] =
		    refund_open(p, p->amount - p->refunded_amount, cause, "the order is cancelled");
		break;
	case ACT_IGNORE:
	case ACT_CREATE:
	case ACT_TOMBSTONE:
	case ACT_REFUSE:
		return;
	}
	out->changes[out->change_count++] = change;
}

static const struct event *event_of(const struct event *const *events, const struct uuid *orders, int n,
				    const struct uuid *order_id)
{
	for (int i = 0; i < n; i++)
		if (uuid_equal(orders[i], *order_id))
			return events[i];
	return NULL;
}

static int write_cancelling(struct db_conn *tx, const struct cancelling *c, struct error *err)
{
	AUTO_FREE bool *hit = xcalloc((size_t)c->change_count + 1, sizeof(*hit));
	int rc = store_change(tx, c->changes, c->change_count, hit, err);

	return rc < 0 ? rc : store_refund_insert(tx, c->refunds, c->refund_count, err);
}

/* Rows that say: this order is cancelled, whatever comes later. */
static int bury(struct db_conn *tx, const struct event *const *events, const struct uuid *orders, int n,
		bool *buried, struct error *err)
{
	AUTO_FREE struct payment *rows = xcalloc((size_t)n, sizeof(*rows));

	for (int i = 0; i < n; i++) {
		rows[i].payment_id = uuid_v7();
		rows[i].order_id = orders[i];
		rows[i].status = PAYMENT_CANCELLED;
		rows[i].correlation_id = events[i]->correlation_id;
		rows[i].causation_id = events[i]->id;
		strcpy(rows[i].currency, "XXX");
		strcpy(rows[i].method, "none");
		snprintf(rows[i].reason, REASON_SIZE, "the order was cancelled before it was to be paid");
	}
	return store_insert(tx, rows, n, (struct claim){0}, buried, err);
}

/* *ret_count: rows that change. */
static int cancel(struct intake *in, struct db_conn *tx, const struct event *const *events, int n,
		  int *ret_count, struct error *err)
{
	AUTO_FREE struct uuid *orders = xcalloc((size_t)n + 1, sizeof(*orders));
	AUTO_FREE struct payment *rows = xcalloc((size_t)n + 1, sizeof(*rows));
	AUTO_FREE struct payment_change *changes = xcalloc((size_t)n + 1, sizeof(*changes));
	AUTO_FREE struct refund *refunds = xcalloc((size_t)n + 1, sizeof(*refunds));
	AUTO_FREE bool *buried = xcalloc((size_t)n + 1, sizeof(*buried));
	struct cancelling out = {.changes = changes, .refunds = refunds};
	int count = 0, rc = 0;

	if (n == 0)
		return 0;
	for (int i = 0; rc == 0 && i < n; i++)
		rc = read_order(events[i], &orders[i], err);
	/* Tombstones first: then every order has a row, and no other transaction can slip one in. */
	if (rc == 0)
		rc = bury(tx, events, orders, n, buried, err);
	if (rc == 0)
		rc = store_lock(tx, orders, n, rows, &count, err);
	for (int i = 0; rc == 0 && i < count; i++) {
		const struct event *e = event_of(events, orders, n, &rows[i].order_id);

		cancel_one(in, &out, &rows[i], e->id);
	}
	*ret_count = out.change_count;
	return rc < 0 ? rc : write_cancelling(tx, &out, err);
}

/* --- the handler --- */

int intake_handle(struct service *s, struct service_batch *b, struct error *err)
{
	AUTO_FREE const struct event **sorted = xcalloc((size_t)b->count + 1, sizeof(const struct event *));
	struct intake *in = b->state != NULL ? b->state : xcalloc(1, sizeof(*in));
	CLEANUP(outbox_done) struct outbox o = {0};
	int reserved = 0, cancelled = 0, changed = 0, rc;

	b->state = in;
	for (int i = 0; i < b->count; i++)
		if (b->events[i]->type == EVENT_ORDER_RESERVED)
			sorted[reserved++] = b->events[i];
	for (int i = 0; i < b->count; i++)
		if (b->events[i]->type == EVENT_ORDER_CANCELLED)
			sorted[reserved + cancelled++] = b->events[i];
	rc = reserve(payments_of(s), in, b->tx, sorted, reserved, &o, err);
	if (rc == 0)
		rc = cancel(in, b->tx, sorted + reserved, cancelled, &changed, err);
	if (rc == 0)
		rc = outbox_write(&o, b->tx, err);
	if (rc == 0 && cancelled > 0)
		in->due = true; /* refunds */
	return rc;
}

/* A replay of OrderReserved goes on with a held charge, one of OrderCancelled with a refund that was refused.
 */
int intake_requeue(struct service *s, struct service_batch *b, bool *ret_found, struct error *err)
{
	struct intake *in = b->state != NULL ? b->state : xcalloc(1, sizeof(*in));
	int count = 0, rc = 0;

	(void)s;
	b->state = in;
	in->due = true;
	for (int i = 0; rc == 0 && i < b->count; i++) {
		struct uuid order_id;

		rc = read_order(b->events[i], &order_id, err);
		if (rc == 0 && b->events[i]->type == EVENT_ORDER_RESERVED)
			rc = store_requeue(b->tx, order_id, &count, err);
		else if (rc == 0)
			rc = cancel(in, b->tx, &b->events[i], 1, &count, err);
		*ret_found |= count > 0;
	}
	return rc;
}

int intake_hasten(struct service *s, struct service_batch *b, const char *order, int *ret_count,
		  struct error *err)
{
	struct intake *in = b->state != NULL ? b->state : xcalloc(1, sizeof(*in));
	struct uuid order_id;

	(void)s;
	b->state = in;
	in->due = true;
	if (!uuid_parse(order, &order_id))
		return 0;
	return store_hasten(b->tx, order_id, ret_count, err);
}

void intake_settled(struct service *s, void *state, bool committed)
{
	struct payments *app = payments_of(s);
	struct intake *in = state;

	if (in == NULL)
		return;
	if (committed) {
		if (in->count > 0 && workqueue_push(app->queue, (void **)in->jobs, in->count) < in->count) {
			queue_release_dropped(app);
			in->due = true;
		}
		if (in->due)
			workqueue_wake(app->queue);
	}
	for (int i = 0; !committed && i < in->count; i++) {
		in->jobs[i]->recorded = true; /* its row does not exist */
		job_free(in->jobs[i]);
	}
	free(in->jobs);
	free(in);
}
