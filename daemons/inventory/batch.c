/*
 * Read, decide in memory, write.  Stock levels are read without locks; when someone else has changed one of
 * them by the time they are written, the decision is made again on fresh ones, which are locked by then. One
 * batch belongs to one thread.
 */
#include "daemons/inventory/batch.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/service/outbox.h"
#include "daemons/inventory/store.h"

#define TRIES_MAX 5

struct batch {
	const struct event *const *events;
	int count;
	const struct menu_view *menu;
	struct uuid *order_ids;
	struct store_snapshot snap;
	/* What is decided. */
	struct store_changes changes;
	struct outbox outbox;
	/* Scratch for one event. */
	int64_t *need;
	struct buf lines, data;
};

/* --- events of our own --- */

static void add_event(struct batch *b, const struct event *cause, enum event_type type,
		      const char *aggregate_id, int64_t seq)
{
	const struct event_draft draft = {
	    .id = uuid_v7(),
	    .type = type,
	    .aggregate_id = aggregate_id,
	    .aggregate_seq = seq,
	    .correlation_id = cause->correlation_id,
	    .causation_id = cause->id,
	    .data = buf_str(&b->data),
	};

	outbox_add(&b->outbox, &draft);
}

/* The lines are those in b->lines; reason may be NULL. */
static void tell_order(struct batch *b, const struct event *cause, enum event_type type, int64_t seq,
		       const char *reason)
{
	buf_reset(&b->data);
	buf_adds(&b->data, "{\"order_id\":");
	buf_add_json(&b->data, cause->aggregate_id, strlen(cause->aggregate_id));
	buf_adds(&b->data, ",\"lines\":");
	buf_add(&b->data, b->lines.data, b->lines.len);
	if (reason != NULL) {
		buf_adds(&b->data, ",\"reason\":");
		buf_add_json(&b->data, reason, strlen(reason));
	}
	if (cause->type == EVENT_TICKET_REMADE) /* the kitchen hears by it which ticket is meant */
		buf_addf(&b->data, ",\"ticket_id\":%lld",
			 (long long)json_int_or(cause->data, "ticket_id", 0));
	buf_addc(&b->data, '}');
	add_event(b, cause, type, cause->aggregate_id, seq);
}

static void add_member(struct buf *data, const char *name, const char *value)
{
	buf_addf(data, "\"%s\":", name);
	buf_add_json(data, value, strlen(value));
	buf_addc(data, ',');
}

/* StockLow for each needed ingredient that has just fallen below its threshold. */
static void tell_low(struct batch *b, const struct event *cause)
{
	for (int i = 0; i < b->snap.stock.count; i++) {
		struct stock_level *l = &b->snap.stock.levels[i];

		if (b->need[i] == 0 || !stock_fell_low(l))
			continue;
		buf_reset(&b->data);
		buf_addc(&b->data, '{');
		add_member(&b->data, "ingredient_id", l->ingredient_id);
		add_member(&b->data, "name", l->name);
		add_member(&b->data, "unit", l->unit);
		buf_addf(&b->data, "\"available\":%lld,\"low_threshold\":%lld}", (long long)l->on_hand,
			 (long long)l->low_threshold);
		add_event(b, cause, EVENT_STOCK_LOW, l->ingredient_id, l->seq);
	}
}

/* --- acts --- */

static void write_lines(struct batch *b)
{
	buf_reset(&b->lines);
	need_write(b->need, &b->snap.stock, &b->lines);
}

static void out_of_stock(const struct batch *b, int lacking, char reason[NEED_REASON_SIZE])
{
	snprintf(reason, NEED_REASON_SIZE, "out of stock: %s", b->snap.stock.levels[lacking].ingredient_id);
}

static int reserve(struct batch *b, int i, struct error *err)
{
	const struct event *e = b->events[i];
	char reason[NEED_REASON_SIZE];
	int lacking;
	int rc = need_of_items(e->data, &b->snap.stock, b->menu, b->need, reason, err);

	if (rc < 0)
		return rc;
	write_lines(b);
	if (reason[0] == '\0' && !stock_reserve(&b->snap.stock, b->need, &lacking))
		out_of_stock(b, lacking, reason);
	if (reason[0] != '\0') {
		store_add_reservation(&b->changes, b->order_ids[i], RESERVATION_REJECTED, buf_str(&b->lines),
				      1, reason);
		tell_order(b, e, EVENT_STOCK_REJECTED, 1, reason);
		return 0;
	}
	store_add_reservation(&b->changes, b->order_ids[i], RESERVATION_RESERVED, buf_str(&b->lines), 1,
			      NULL);
	tell_order(b, e, EVENT_STOCK_RESERVED, 1, NULL);
	tell_low(b, e);
	return 0;
}

static int release(struct batch *b, int i, const struct reservation *r, struct error *err)
{
	const struct event *e = b->events[i];
	int rc = need_read(r->lines, &b->snap.stock, b->need, err);

	if (rc < 0)
		return rc;
	stock_release(&b->snap.stock, b->need);
	write_lines(b);
	store_change_reservation(&b->changes, r->order_id, RESERVATION_RELEASED, r->seq + 1);
	tell_order(b, e, EVENT_STOCK_RELEASED, r->seq + 1, json_string_or(e->data, "reason", NULL));
	return 0;
}

static int consume(struct batch *b, int i, const struct reservation *r, struct error *err)
{
	int rc = need_read(r->lines, &b->snap.stock, b->need, err);

	if (rc < 0)
		return rc;
	stock_consume(&b->snap.stock, b->need);
	write_lines(b);
	store_change_reservation(&b->changes, r->order_id, RESERVATION_CONSUMED, r->seq + 1);
	tell_order(b, b->events[i], EVENT_STOCK_CONSUMED, r->seq + 1, NULL);
	return 0;
}

/*
 * The event names what is made again by items, as OrderCreated does.  All of it is there, or StockRejected
 * tells the kitchen that the ticket cannot be made again.
 */
static int consume_more(struct batch *b, int i, const struct reservation *r, struct error *err)
{
	const struct event *e = b->events[i];
	char reason[NEED_REASON_SIZE];
	int lacking;
	int rc = need_of_items(e->data, &b->snap.stock, b->menu, b->need, reason, err);

	if (rc < 0)
		return rc;
	write_lines(b);
	if (reason[0] == '\0' && !stock_consume_more(&b->snap.stock, b->need, &lacking))
		out_of_stock(b, lacking, reason);
	store_change_reservation(&b->changes, r->order_id, r->state, r->seq + 1);
	if (reason[0] != '\0') {
		tell_order(b, e, EVENT_STOCK_REJECTED, r->seq + 1, reason);
		return 0;
	}
	tell_order(b, e, EVENT_STOCK_CONSUMED, r->seq + 1, NULL);
	tell_low(b, e);
	return 0;
}

static int decide_one(struct batch *b, int i, struct error *err)
{
	static const struct reservation none = {.state = RESERVATION_NONE, .lines = "[]"};
	const struct reservation *found = store_find(&b->snap, b->order_ids[i]);
	const struct reservation *r = found != NULL ? found : &none;
	enum stock_cause cause;

	if (!stock_cause_of(b->events[i]->type, &cause))
		return 0;
	switch (stock_rule(r->state, cause)) {
	case ACT_RESERVE:
		return reserve(b, i, err);
	case ACT_RELEASE:
		return release(b, i, r, err);
	case ACT_TOMBSTONE:
		store_add_reservation(&b->changes, b->order_ids[i], RESERVATION_CANCELLED, "[]", 0,
				      json_string_or(b->events[i]->data, "reason", NULL));
		return 0;
	case ACT_CONSUME:
		return consume(b, i, r, err);
	case ACT_CONSUME_MORE:
		return consume_more(b, i, r, err);
	case ACT_IGNORE:
		return 0;
	case ACT_WAIT:
		return error_set(err, ERR_NOT_YET, "reservation", "order %s has not been read yet",
				 b->events[i]->aggregate_id);
	}
	return 0;
}

static int decide(struct batch *b, struct error *err)
{
	store_changes_reset(&b->changes);
	outbox_reset(&b->outbox);
	for (int i = 0; i < b->count; i++) {
		int rc = decide_one(b, i, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* --- the batch --- */

static int read_keys(struct batch *b, struct error *err)
{
	for (int i = 0; i < b->count; i++)
		if (!uuid_parse(b->events[i]->aggregate_id, &b->order_ids[i]))
			return error_set(err, ERR_MALFORMED, "aggregate_id", "%.60s is no order id",
					 b->events[i]->aggregate_id);
	return 0;
}

/* Decides, and writes the stock levels, until the decision was made on what the levels still are. */
static int settle_stock(struct batch *b, struct db_conn *tx, int low_percent, struct error *err)
{
	bool conflict = false;

	for (int try = 1;; try++) {
		int rc = decide(b, err);

		if (rc == 0)
			rc = store_apply_stock(tx, &b->snap.stock, &conflict, err);
		if (rc < 0 || !conflict)
			return rc;
		if (try == TRIES_MAX)
			return error_set(err, ERR_TRANSIENT, "stock", "the levels changed %d times meanwhile",
					 try);
		rc = store_load_stock(tx, low_percent, &b->snap, err);
		if (rc < 0)
			return rc;
	}
}

static int run(struct batch *b, struct db_conn *tx, int low_percent, struct error *err)
{
	int rc = read_keys(b, err);

	if (rc == 0)
		rc = store_load(tx, b->order_ids, b->count, low_percent, &b->snap, err);
	if (rc < 0)
		return rc;
	b->need = xcalloc((size_t)b->snap.stock.count + 1, sizeof(*b->need));
	rc = settle_stock(b, tx, low_percent, err);
	if (rc == 0)
		rc = store_write_reservations(tx, &b->changes, err);
	if (rc == 0)
		rc = outbox_write(&b->outbox, tx, err);
	return rc;
}

int batch_handle(struct db_conn *tx, const struct event *const *events, int n, const struct menu_view *menu,
		 int low_percent, struct error *err)
{
	struct batch b = {.events = events, .count = n, .menu = menu};
	int rc;

	b.order_ids = xcalloc((size_t)n + 1, sizeof(*b.order_ids));
	store_changes_init(&b.changes);
	rc = run(&b, tx, low_percent, err);
	free(b.order_ids);
	free(b.need);
	buf_done(&b.lines);
	buf_done(&b.data);
	store_changes_done(&b.changes);
	outbox_done(&b.outbox);
	store_snapshot_done(&b.snap);
	return rc;
}
