/*
 * The intake.  Numbers of tickets are drawn in memory: there is one kitchen, one consumer thread, and the
 * table's key stands behind it.
 */
#include "daemons/kitchen/intake.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/service/patience.h"
#include "daemons/kitchen/ledger.h"
#include "daemons/kitchen/store.h"

#define PIZZAS_MAX 5000 /* of an order: as many as orderd accepts */

struct intake {
	struct menucopy *menu;
	struct patience patience;
	int64_t last_ticket;
};

struct intake *intake_new(struct menucopy *menu, int64_t last_ticket)
{
	struct intake *in = xcalloc(1, sizeof(*in));

	in->menu = menu;
	in->last_ticket = last_ticket;
	return in;
}

void intake_free(struct intake *in)
{
	free(in);
}

bool intake_wants(enum event_type type)
{
	return type == EVENT_ORDER_PAID || type == EVENT_ORDER_CANCELLED || type == EVENT_STOCK_CONSUMED ||
	       type == EVENT_STOCK_REJECTED;
}

/* --- news --- */

struct news *news_new(void)
{
	return xcalloc(1, sizeof(struct news));
}

void news_free(struct news *n)
{
	if (n == NULL)
		return;
	for (int i = 0; i < n->count; i++)
		free(n->tickets[i]);
	free(n->tickets);
	free(n->gone);
	free(n);
}

static void news_ticket(struct news *n, struct ticket *t)
{
	if (n->count == n->cap) {
		n->cap = n->cap > 0 ? 2 * n->cap : 64;
		n->tickets = xreallocarray(n->tickets, (size_t)n->cap, sizeof(struct ticket *));
	}
	n->tickets[n->count++] = t;
}

static void news_gone(struct news *n, struct uuid order_id)
{
	if (n->gone_count == n->gone_cap) {
		n->gone_cap = n->gone_cap > 0 ? 2 * n->gone_cap : 16;
		n->gone = xreallocarray(n->gone, (size_t)n->gone_cap, sizeof(*n->gone));
	}
	n->gone[n->gone_count++] = order_id;
}

/* --- the events, in the order of their keys --- */

static int by_key(const void *left, const void *right)
{
	const struct event *const *a = left, *const *b = right;

	return strcmp((*a)->aggregate_id, (*b)->aggregate_id);
}

static int read_order(const struct event *e, struct uuid *ret, struct error *err)
{
	if (uuid_parse(e->aggregate_id, ret))
		return 0;
	return error_set(err, ERR_MALFORMED, "aggregate_id", "%.60s is no order id", e->aggregate_id);
}

/* --- OrderPaid --- */

struct item {
	const char *pizza_id; /* borrowed */
	enum pizza_size size;
	int64_t quantity, menu_version;
	int bake_c;
};

static int read_item(struct intake *in, const json_t *json, struct item *item, struct error *err)
{
	const char *size = json_string_or(json, "size", pizza_sizes[SIZE_MEDIUM]);
	const struct menu_pizza *pizza;
	int rc = json_get_string(json, "pizza_id", &item->pizza_id, err);

	if (rc == 0)
		rc = json_get_int(json, "quantity", &item->quantity, err);
	if (rc < 0)
		return rc;
	if (item->quantity < 1 || item->quantity > PIZZAS_MAX)
		return error_set(err, ERR_MALFORMED, "quantity", "must be from 1 to %d", PIZZAS_MAX);
	if (!pizza_size_parse(size, &item->size))
		return error_set(err, ERR_MALFORMED, "size", "%.20s is none", size);
	item->menu_version = json_int_or(json, "menu_version", 0);
	pizza = menucopy_find(in->menu, item->pizza_id);
	if (item->menu_version > (pizza != NULL ? pizza->version : 0) &&
	    patience_wait(&in->patience, item->pizza_id, item->menu_version, mono_now()))
		return error_set(err, ERR_NOT_YET, "menu", "version %lld of %.63s has not been read yet",
				 (long long)item->menu_version, item->pizza_id);
	item->bake_c = pizza != NULL ? pizza->bake_c : MENU_BAKE_C;
	return 0;
}

static struct ticket *make_ticket(struct intake *in, struct uuid order_id, const struct item *item,
				  int64_t promised_us)
{
	struct ticket *t = xcalloc(1, sizeof(*t));

	scheduled_init(&t->job);
	t->job.id = ++in->last_ticket;
	t->job.promised_us = promised_us;
	t->job.bake_c = item->bake_c;
	t->job.size = item->size;
	t->order_id = order_id;
	snprintf(t->pizza_id, sizeof(t->pizza_id), "%s", item->pizza_id);
	t->menu_version = item->menu_version;
	t->state = TICKET_QUEUED;
	t->station = t->deck = t->timer = -1;
	return t;
}

static void add_row(struct store_orders *rows, const struct ticket *t)
{
	db_array_int(&rows->ticket_ids, t->job.id);
	db_array_uuid(&rows->ticket_orders, &t->order_id);
	db_array_text(&rows->pizzas, t->pizza_id);
	db_array_text(&rows->sizes, pizza_sizes[t->job.size]);
	db_array_int(&rows->versions, t->menu_version);
	db_array_int(&rows->bakes, t->job.bake_c);
	db_array_time(&rows->promises, t->job.promised_us);
}

static int64_t promise(const struct event *e)
{
	return e->timestamp_us +
	       config_int(CONFIG_KITCHEN_PROMISE) * 1000 / config_int(CONFIG_KITCHEN_TIME_SCALE);
}

static int add_order(struct intake *in, const struct event *e, struct store_orders *rows, struct news *news,
		     struct error *err)
{
	const json_t *items = json_object_get(e->data, "items"), *value;
	int64_t first = in->last_ticket + 1, pizzas = 0;
	struct uuid order_id;
	size_t i;
	int rc = read_order(e, &order_id, err);

	if (rc == 0 && json_array_size(items) == 0)
		rc = error_set(err, ERR_MALFORMED, "items", "must be a list with at least one item");
	for (i = 0; rc == 0 && i < json_array_size(items); i++) {
		struct item item;

		value = json_array_get(items, i);
		rc = read_item(in, value, &item, err);
		if (rc == 0 && (pizzas += item.quantity) > PIZZAS_MAX)
			rc = error_set(err, ERR_MALFORMED, "items", "are more than %d pizzas", PIZZAS_MAX);
		for (int64_t n = 0; rc == 0 && n < item.quantity; n++) {
			struct ticket *t = make_ticket(in, order_id, &item, promise(e));

			add_row(rows, t);
			news_ticket(news, t);
		}
	}
	if (rc < 0)
		return rc;
	db_array_uuid(&rows->ids, &order_id);
	db_array_int(&rows->firsts, first);
	db_array_int(&rows->counts, pizzas);
	db_array_uuid(&rows->correlations, &e->correlation_id);
	db_array_uuid(&rows->causes, &e->id);
	return 0;
}

/* Orders that were heard of before, cancelled mostly, got no tickets. */
static void drop_unwritten(struct news *news, int from, const struct db_result *r)
{
	CLEANUP(store_numbers_done) struct store_numbers written = {0};
	int kept = from;

	if (db_rows(r) == news->count - from)
		return;
	written = store_numbers(r);
	for (int i = from; i < news->count; i++) {
		struct ticket *t = news->tickets[i];

		if (store_numbers_have(&written, t->job.id))
			news->tickets[kept++] = t;
		else
			free(t);
	}
	news->count = kept;
}

static int add_orders(struct intake *in, struct db_conn *tx, const struct event **events, int n,
		      struct news *news, struct error *err)
{
	CLEANUP(store_orders_done) struct store_orders rows = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int from = news->count, rc = 0;

	if (n == 0)
		return 0;
	store_orders_init(&rows);
	menucopy_lock(in->menu);
	for (int i = 0; i < n && rc == 0; i++)
		rc = add_order(in, events[i], &rows, news, err);
	menucopy_unlock(in->menu);
	if (rc == 0)
		rc = store_add_orders(tx, &rows, &r, err);
	if (rc == 0)
		drop_unwritten(news, from, r);
	return rc;
}

/* --- OrderCancelled --- */

static int cancel_orders(struct db_conn *tx, const struct event **events, int n, struct news *news,
			 struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	struct db_array ids = {0}, correlations = {0}, causes = {0}, reasons = {0};
	int rc = 0;

	if (n == 0)
		return 0;
	db_array_init(&ids, DB_UUID);
	db_array_init(&correlations, DB_UUID);
	db_array_init(&causes, DB_UUID);
	db_array_init(&reasons, DB_TEXT);
	for (int i = 0; i < n && rc == 0; i++) {
		struct uuid id;

		rc = read_order(events[i], &id, err);
		db_array_uuid(&ids, &id);
		db_array_uuid(&correlations, &events[i]->correlation_id);
		db_array_uuid(&causes, &events[i]->id);
		db_array_text(&reasons, json_string_or(events[i]->data, "reason", NULL));
	}
	if (rc == 0)
		rc = store_cancel(tx, &ids, &correlations, &causes, &reasons, &r, err);
	for (int i = 0; rc == 0 && i < db_rows(r); i++)
		news_gone(news, db_uuid(r, i, 0));
	db_array_done(&ids);
	db_array_done(&correlations);
	db_array_done(&causes);
	db_array_done(&reasons);
	return rc;
}

/* --- inventoryd's answers to TicketRemade: those that name a ticket --- */

static int supply(struct db_conn *tx, const struct event **events, int n, struct news *news,
		  struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	struct db_array ids = {0};
	int rc = 0;

	db_array_init(&ids, DB_INT8);
	for (int i = 0; i < n; i++)
		if (events[i]->type == EVENT_STOCK_CONSUMED)
			db_array_int(&ids, json_int_or(events[i]->data, "ticket_id", 0));
	if (ids.count > 0)
		rc = store_supply(tx, &ids, &r, err);
	for (int i = 0; rc == 0 && ids.count > 0 && i < db_rows(r); i++) {
		struct ticket *t = xcalloc(1, sizeof(*t));
		const char *device, *timer;

		store_read_ticket(r, i, t, &device, &timer);
		news_ticket(news, t);
	}
	db_array_done(&ids);
	return rc;
}

static int fail_short(struct db_conn *tx, const struct event **events, int n, struct news *news,
		      struct error *err)
{
	AUTO_FREE struct uuid *ids = xcalloc((size_t)n + 1, sizeof(*ids));
	AUTO_FREE const char **reasons = xcalloc((size_t)n + 1, sizeof(*reasons));
	int count = 0, rc = 0;

	for (int i = 0; i < n && rc == 0; i++) {
		if (events[i]->type != EVENT_STOCK_REJECTED)
			continue;
		rc = read_order(events[i], &ids[count], err);
		reasons[count++] = json_string_or(events[i]->data, "reason", "no ingredients are left");
	}
	if (rc == 0 && count > 0)
		rc = ledger_fail(tx, ids, reasons, count, err);
	for (int i = 0; i < count && rc == 0; i++)
		if (!uuid_is_nil(ids[i]))
			news_gone(news, ids[i]);
	return rc;
}

/* --- the handler --- */

/* The events of one type (other < 0) or of either, that are for us, sorted by key. */
static int pick(const struct service_batch *b, enum event_type type, bool answers, const struct event **ret)
{
	int n = 0;

	for (int i = 0; i < b->count; i++) {
		const struct event *e = b->events[i];
		bool answer = e->type == EVENT_STOCK_CONSUMED || e->type == EVENT_STOCK_REJECTED;

		if (answers ? answer && json_int_or(e->data, "ticket_id", 0) > 0 : e->type == type)
			ret[n++] = e;
	}
	qsort(ret, (size_t)n, sizeof(*ret), by_key);
	return n;
}

int intake_handle(struct intake *in, struct service_batch *b, struct news *news, struct error *err)
{
	AUTO_FREE const struct event **events = xcalloc((size_t)b->count + 1, sizeof(const struct event *));
	int n = pick(b, EVENT_ORDER_PAID, false, events);
	int rc = add_orders(in, b->tx, events, n, news, err);

	n = pick(b, EVENT_ORDER_CANCELLED, false, events);
	if (rc == 0)
		rc = cancel_orders(b->tx, events, n, news, err);
	n = pick(b, EVENT_ORDER_PAID, true, events);
	if (rc == 0)
		rc = supply(b->tx, events, n, news, err);
	return rc < 0 ? rc : fail_short(b->tx, events, n, news, err);
}
