/*
 * The intake: recipients first (that locks them, in the order of their ids, and tells what was heard before),
 * then the decision (rules.c), then notifications and deliveries.
 */
#include "daemons/notify/intake.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"

enum { R_ID, R_HEARD, R_KNOWN, R_NAME, R_EMAIL, R_PHONE, R_ITEMS, R_AMOUNT, R_CURRENCY, R_COLUMNS };
static const enum db_type recipient_columns[R_COLUMNS] = {
    [R_ID] = DB_TEXT,	 [R_HEARD] = DB_INT4,  [R_KNOWN] = DB_BOOL,
    [R_NAME] = DB_TEXT,	 [R_EMAIL] = DB_TEXT,  [R_PHONE] = DB_TEXT,
    [R_ITEMS] = DB_TEXT, [R_AMOUNT] = DB_INT8, [R_CURRENCY] = DB_TEXT,
};

enum {
	N_ID,
	N_ORDER,
	N_EVENT,
	N_CORRELATION,
	N_CREATED,
	N_KIND,
	N_STATUS,
	N_AGGREGATE,
	N_DATA,
	N_SUBJECT,
	N_BODY,
	N_COLUMNS
};
static const enum db_type note_columns[N_COLUMNS] = {
    [N_ID] = DB_UUID,	       [N_ORDER] = DB_UUID,	     [N_EVENT] = DB_UUID,
    [N_CORRELATION] = DB_UUID, [N_CREATED] = DB_TIMESTAMPTZ, [N_KIND] = DB_TEXT,
    [N_STATUS] = DB_TEXT,      [N_AGGREGATE] = DB_TEXT,	     [N_DATA] = DB_TEXT,
    [N_SUBJECT] = DB_TEXT,     [N_BODY] = DB_TEXT,
};

enum { D_ID, D_CHANNEL, D_STATUS, D_ADDRESS, D_ERROR, D_COLUMNS };
static const enum db_type delivery_columns[D_COLUMNS] = {
    [D_ID] = DB_UUID, [D_CHANNEL] = DB_TEXT, [D_STATUS] = DB_TEXT, [D_ADDRESS] = DB_TEXT, [D_ERROR] = DB_TEXT,
};

struct intake {
	struct composer *composer;
	struct db_array recipients[R_COLUMNS];
	struct db_array notes[N_COLUMNS];
	struct db_array deliveries[D_COLUMNS];
	struct db_params params;
	const struct event **sorted;
	int cap;
	struct delivery_list *out;
};

static void init_arrays(struct db_array *arrays, const enum db_type *types, int n)
{
	for (int i = 0; i < n; i++)
		db_array_init(&arrays[i], types[i]);
}

struct intake *intake_new(struct composer *composer)
{
	struct intake *in = xcalloc(1, sizeof(*in));

	in->composer = composer;
	init_arrays(in->recipients, recipient_columns, R_COLUMNS);
	init_arrays(in->notes, note_columns, N_COLUMNS);
	init_arrays(in->deliveries, delivery_columns, D_COLUMNS);
	return in;
}

static void free_arrays(struct db_array *arrays, int n)
{
	for (int i = 0; i < n; i++)
		db_array_done(&arrays[i]);
}

void intake_free(struct intake *in)
{
	if (in == NULL)
		return;
	free_arrays(in->recipients, R_COLUMNS);
	free_arrays(in->notes, N_COLUMNS);
	free_arrays(in->deliveries, D_COLUMNS);
	db_params_done(&in->params);
	free(in->sorted);
	free(in);
}

static void reset_arrays(struct db_array *arrays, int n)
{
	for (int i = 0; i < n; i++)
		db_array_reset(&arrays[i]);
}

static void add_params(struct intake *in, const struct db_array *arrays, int n)
{
	db_params_reset(&in->params);
	for (int i = 0; i < n; i++)
		db_param_array(&in->params, &arrays[i]);
}

/* --- recipients --- */

static enum notify_news news_of(const struct event *e)
{
	return notify_news(e->type, json_string_or(e->data, "by", NULL));
}

/* "2 x margherita (large)", a line each. */
static void list_items(struct buf *out, const json_t *items)
{
	size_t i;
	json_t *item;

	json_array_foreach (items, i, item) {
		buf_addf(out, "%s%lld x %s (%s)", i > 0 ? "\n" : "",
			 (long long)json_int_or(item, "quantity", 1),
			 json_string_or(item, "pizza_id", "pizza"), json_string_or(item, "size", "medium"));
	}
}

static void add_contact(struct db_array *c, const struct event *e)
{
	CLEANUP(buf_done) struct buf items = {0};
	const json_t *customer = json_object_get(e->data, "customer");

	list_items(&items, json_object_get(e->data, "items"));
	db_array_bool(&c[R_KNOWN], true);
	db_array_text(&c[R_NAME], json_string_or(customer, "name", NULL));
	db_array_text(&c[R_EMAIL], json_string_or(customer, "email", NULL));
	db_array_text(&c[R_PHONE], json_string_or(customer, "phone", NULL));
	db_array_text(&c[R_ITEMS], buf_str(&items));
	db_array_int(&c[R_AMOUNT], json_int_or(e->data, "total_amount", 0));
	db_array_text(&c[R_CURRENCY], json_string_or(e->data, "currency", NULL));
}

static void add_recipient(struct intake *in, const struct event *e, const char *operator_email)
{
	struct db_array *c = in->recipients;
	enum notify_news news = news_of(e);

	db_array_text(&c[R_ID], e->aggregate_id);
	db_array_int(&c[R_HEARD], notify_heard(news));
	if (news == NEWS_CREATED) {
		add_contact(c, e);
		return;
	}
	db_array_bool(&c[R_KNOWN], news == NEWS_LOW);
	db_array_null(&c[R_NAME]);
	db_array_text(&c[R_EMAIL], news == NEWS_LOW ? operator_email : NULL);
	for (int i = R_PHONE; i < R_COLUMNS; i++)
		db_array_null(&c[i]);
}

static int by_aggregate(const void *left, const void *right)
{
	const struct event *const *a = left, *const *b = right;

	return strcmp((*a)->aggregate_id, (*b)->aggregate_id);
}

/* Everybody who locks recipients does it in this order. */
static void sort_events(struct intake *in, const struct event *const *events, int n)
{
	if (n > in->cap) {
		in->sorted = xreallocarray(in->sorted, (size_t)n, sizeof(*in->sorted));
		in->cap = n;
	}
	memcpy(in->sorted, events, (size_t)n * sizeof(*in->sorted));
	qsort(in->sorted, (size_t)n, sizeof(*in->sorted), by_aggregate);
}

DB_STATEMENT(
    recipients_upsert,
    "INSERT INTO recipients AS r (aggregate_id, heard, heard_before, known, name, email, phone, items,"
    " total_amount, currency)"
    " SELECT v.id, v.heard, 0, v.known, v.name, v.email, v.phone, v.items, v.amount, v.currency"
    " FROM unnest($1::text[], $2::int[], $3::boolean[], $4::text[], $5::text[], $6::text[], $7::text[],"
    " $8::bigint[], $9::text[]) AS v (id, heard, known, name, email, phone, items, amount, currency)"
    " ON CONFLICT (aggregate_id) DO UPDATE SET heard_before = r.heard, heard = r.heard | excluded.heard,"
    " known = r.known OR excluded.known, name = coalesce(excluded.name, r.name),"
    " email = coalesce(excluded.email, r.email), phone = coalesce(excluded.phone, r.phone),"
    " items = coalesce(excluded.items, r.items),"
    " total_amount = coalesce(excluded.total_amount, r.total_amount),"
    " currency = coalesce(excluded.currency, r.currency)"
    " RETURNING aggregate_id, heard_before, known, name, email, phone, items, total_amount, currency");

static int write_recipients(struct intake *in, struct db_conn *tx, int n, const char *operator_email,
			    struct db_result **ret, struct error *err)
{
	int rc;

	reset_arrays(in->recipients, R_COLUMNS);
	for (int i = 0; i < n; i++)
		add_recipient(in, in->sorted[i], operator_email);
	add_params(in, in->recipients, R_COLUMNS);
	rc = db_exec(tx, &recipients_upsert, &in->params, ret, err);
	if (rc < 0)
		return rc;
	for (int i = 0; i < n; i++)
		if (i >= db_rows(*ret) || strcmp(db_text(*ret, i, R_ID), in->sorted[i]->aggregate_id) != 0)
			return error_set(err, ERR_BUG, "write recipients", "rows came back in another order");
	return 0;
}

/* --- notifications and their deliveries --- */

/* A notification being recorded. */
struct note {
	struct uuid id, event_id, correlation_id;
	int64_t created_us;
	int resends;
	const char *aggregate_id;
	const char *email, *phone; /* NULL or "": none */
	struct compose_input text;
};

static const char *text_or_null(const struct db_result *r, int row, int column)
{
	return db_is_null(r, row, column) ? NULL : db_text(r, row, column);
}

/* The recipient's columns of a row, from the column of `name` on, in the order of recipients_upsert's answer.
 */
static void set_recipient(struct note *n, const struct db_result *r, int row, int first)
{
	n->text.name = text_or_null(r, row, first);
	n->email = text_or_null(r, row, first + 1);
	n->phone = text_or_null(r, row, first + 2);
	n->text.items = text_or_null(r, row, first + 3);
	n->text.total_amount = db_is_null(r, row, first + 4) ? -1 : db_int(r, row, first + 4);
	n->text.currency = text_or_null(r, row, first + 5);
}

static struct delivery *new_delivery(const struct note *n, enum notify_channel channel, const char *address)
{
	struct delivery *d = xcalloc(1, sizeof(*d));

	d->notification_id = n->id;
	d->event_id = n->event_id;
	d->correlation_id = n->correlation_id;
	d->kind = n->text.kind;
	d->channel = channel;
	strncpy(d->aggregate_id, n->aggregate_id, sizeof(d->aggregate_id) - 1);
	d->address = xstrdup(address);
	d->resends = n->resends;
	d->created_us = n->created_us;
	return d;
}

/* Adds the channel's delivery; true when there is something to deliver. */
static bool add_delivery(struct intake *in, const struct note *n, enum notify_channel channel)
{
	const char *address = channel == CHANNEL_EMAIL ? n->email : n->phone;
	bool valid;
	struct delivery *d;

	if (address == NULL || address[0] == '\0')
		return false;
	valid = channel == CHANNEL_EMAIL ? notify_email_valid(address) : notify_phone_valid(address);
	d = new_delivery(n, channel, address);
	if (!compose(in->composer, &n->text, d)) {
		delivery_free(d);
		return false;
	}
	db_array_uuid(&in->deliveries[D_ID], &n->id);
	db_array_text(&in->deliveries[D_CHANNEL], notify_channels[channel]);
	db_array_text(&in->deliveries[D_STATUS], valid ? "pending" : "skipped");
	db_array_text(&in->deliveries[D_ADDRESS], address);
	db_array_text(&in->deliveries[D_ERROR], valid ? NULL : "is no address");
	if (valid)
		delivery_list_add(in->out, d);
	else
		delivery_free(d);
	return valid;
}

/* Adds the deliveries of all channels; the status that the notification has with them. */
static const char *add_deliveries(struct intake *in, const struct note *n)
{
	bool any = false;

	for (int c = 0; c < CHANNEL_COUNT; c++)
		any |= add_delivery(in, n, (enum notify_channel)c);
	return any ? "pending" : "skipped";
}

static void add_note(struct intake *in, const struct note *n, const char *status)
{
	AUTO_FREE char *data = n->text.data != NULL ? json_text(n->text.data) : xstrdup("{}");
	struct db_array *c = in->notes;
	struct uuid order_id;

	db_array_uuid(&c[N_ID], &n->id);
	db_array_uuid(&c[N_ORDER],
		      n->text.order_id != NULL && uuid_parse(n->text.order_id, &order_id) ? &order_id : NULL);
	db_array_uuid(&c[N_EVENT], uuid_is_nil(n->event_id) ? NULL : &n->event_id);
	db_array_uuid(&c[N_CORRELATION], &n->correlation_id);
	db_array_time(&c[N_CREATED], n->created_us);
	db_array_text(&c[N_KIND], notify_kinds[n->text.kind]);
	db_array_text(&c[N_STATUS], status);
	db_array_text(&c[N_AGGREGATE], n->aggregate_id);
	db_array_text(&c[N_DATA], data);
	db_array_text(&c[N_SUBJECT], n->text.subject);
	db_array_text(&c[N_BODY], n->text.body);
}

DB_STATEMENT(
    notifications_insert,
    "INSERT INTO notifications (notification_id, order_id, event_id, correlation_id, created_at, kind, "
    "status,"
    " aggregate_id, data, subject, body)"
    " SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::text[],"
    " $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])");
DB_STATEMENT(deliveries_insert,
	     "INSERT INTO deliveries (notification_id, channel, status, address, error, next_attempt_at)"
	     " SELECT v.id, v.channel, v.status, v.address, v.error, clock_timestamp() + $6 * interval '1 ms'"
	     " FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])"
	     " AS v (id, channel, status, address, error)");

static void begin_notes(struct intake *in, struct delivery_list *out)
{
	reset_arrays(in->notes, N_COLUMNS);
	reset_arrays(in->deliveries, D_COLUMNS);
	in->out = out;
}

/* Writes what was added since begin_notes, without a round trip of its own. */
static int write_notes(struct intake *in, struct db_conn *tx, struct error *err)
{
	int rc = 0;

	if (in->notes[N_ID].count > 0) {
		add_params(in, in->notes, N_COLUMNS);
		rc = db_queue(tx, &notifications_insert, &in->params, err);
	}
	if (rc == 0 && in->deliveries[D_ID].count > 0) {
		add_params(in, in->deliveries, D_COLUMNS);
		db_param_int(&in->params, DELIVERY_LEASE_MS);
		rc = db_queue(tx, &deliveries_insert, &in->params, err);
	}
	return rc;
}

static json_t *number_text(const json_t *data, const char *name)
{
	return json_sprintf("%lld", (long long)json_int_or(data, name, 0));
}

/* The values that only the event knows; owned. */
static json_t *event_values(const struct event *e)
{
	const char *reason = json_string_or(e->data, "reason", NULL);

	if (e->type == EVENT_STOCK_LOW)
		return json_pack("{s:s, s:s, s:s, s:o, s:o}", "ingredient_id", e->aggregate_id, "ingredient",
				 json_string_or(e->data, "name", e->aggregate_id), "unit",
				 json_string_or(e->data, "unit", ""), "available",
				 number_text(e->data, "available"), "threshold",
				 number_text(e->data, "low_threshold"));
	return reason != NULL ? json_pack("{s:s}", "reason", reason) : json_object();
}

/* Records the notification that the event gives, if any; `row` is its recipient's. */
static void tell(struct intake *in, const struct event *e, const struct db_result *r, int row)
{
	AUTO_JSON json_t *values = event_values(e);
	struct note n = {
	    .id = uuid_v7(),
	    .event_id = e->id,
	    .correlation_id = e->correlation_id,
	    .created_us = clock_wall_us(),
	    .aggregate_id = e->aggregate_id,
	    .text = {.order_id = e->type == EVENT_STOCK_LOW ? NULL : e->aggregate_id, .data = values},
	};

	if (!notify_tells(news_of(e), (int)db_int(r, row, R_HEARD), &n.text.kind))
		return;
	set_recipient(&n, r, row, R_NAME);
	add_note(in, &n, db_bool(r, row, R_KNOWN) ? add_deliveries(in, &n) : "waiting");
}

/* --- contacts that come late --- */

DB_STATEMENT(
    notifications_waiting,
    "SELECT n.notification_id, n.event_id, n.correlation_id, n.created_at, n.kind, n.aggregate_id, n.data,"
    " r.name, r.email, r.phone, r.items, r.total_amount, r.currency"
    " FROM notifications n JOIN recipients r ON r.aggregate_id = n.aggregate_id"
    " WHERE n.order_id = ANY ($1::uuid[]) AND n.status = 'waiting' ORDER BY n.notification_id FOR UPDATE OF "
    "n");
DB_STATEMENT(notifications_release,
	     "UPDATE notifications n SET status = v.status"
	     " FROM unnest($1::uuid[], $2::text[]) AS v (id, status) WHERE n.notification_id = v.id");

/* Adds the deliveries of a notification that waited; its id and new status go into ids and statuses. */
static void release(struct intake *in, const struct db_result *r, int row, struct db_array *ids,
		    struct db_array *statuses)
{
	AUTO_JSON json_t *values = NULL;
	struct note n = {
	    .id = db_uuid(r, row, 0),
	    .event_id = db_uuid(r, row, 1),
	    .correlation_id = db_uuid(r, row, 2),
	    .created_us = db_time(r, row, 3),
	    .aggregate_id = db_text(r, row, 5),
	    .text = {.order_id = db_text(r, row, 5)},
	};

	if (!notify_kind_parse(db_text(r, row, 4), &n.text.kind) ||
	    json_parse_object(db_text(r, row, 6), (size_t)db_length(r, row, 6), &values, NULL) < 0)
		return;
	n.text.data = values;
	set_recipient(&n, r, row, 7);
	db_array_uuid(ids, &n.id);
	db_array_text(statuses, add_deliveries(in, &n));
}

static int release_waiting(struct intake *in, struct db_conn *tx, const struct db_array *orders,
			   struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_array_done) struct db_array ids, statuses;
	int rc;

	db_array_init(&ids, DB_UUID);
	db_array_init(&statuses, DB_TEXT);
	add_params(in, orders, 1);
	rc = db_exec(tx, &notifications_waiting, &in->params, &r, err);
	if (rc < 0 || db_rows(r) == 0)
		return rc;
	begin_notes(in, in->out);
	for (int i = 0; i < db_rows(r); i++)
		release(in, r, i, &ids, &statuses);
	rc = write_notes(in, tx, err);
	if (rc < 0)
		return rc;
	db_params_reset(&in->params);
	db_param_array(&in->params, &ids);
	db_param_array(&in->params, &statuses);
	return db_queue(tx, &notifications_release, &in->params, err);
}

/* Orders of which something was heard before they were created. */
static int catch_up(struct intake *in, struct db_conn *tx, const struct db_result *r, int n,
		    struct error *err)
{
	CLEANUP(db_array_done) struct db_array orders;

	db_array_init(&orders, DB_UUID);
	for (int i = 0; i < n; i++) {
		struct uuid order_id;

		if (in->sorted[i]->type == EVENT_ORDER_CREATED && db_int(r, i, R_HEARD) != 0 &&
		    uuid_parse(in->sorted[i]->aggregate_id, &order_id))
			db_array_uuid(&orders, &order_id);
	}
	return orders.count > 0 ? release_waiting(in, tx, &orders, err) : 0;
}

int intake_handle(struct intake *in, struct db_conn *tx, const struct event *const *events, int n,
		  const char *operator_email, struct delivery_list *out, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc = composer_refresh(in->composer, tx, false, err);

	if (rc < 0)
		return rc;
	sort_events(in, events, n);
	rc = write_recipients(in, tx, n, operator_email, &r, err);
	if (rc < 0)
		return rc;
	begin_notes(in, out);
	for (int i = 0; i < n; i++)
		tell(in, in->sorted[i], r, i);
	rc = write_notes(in, tx, err);
	return rc < 0 ? rc : catch_up(in, tx, r, n, err);
}

/* --- from an operator --- */

DB_STATEMENT(recipient_find, "SELECT known, name, email, phone, items, total_amount, currency FROM recipients"
			     " WHERE aggregate_id = $1 FOR UPDATE");
DB_STATEMENT(recipient_make,
	     "INSERT INTO recipients (aggregate_id, heard, heard_before, known) VALUES ($1, 0, 0, true)");

static int find_recipient(struct intake *in, struct db_conn *tx, struct note *n, struct db_result **ret,
			  struct error *err)
{
	int rc;

	db_params_reset(&in->params);
	db_param_text(&in->params, n->aggregate_id);
	if (n->text.kind == NOTIFY_MESSAGE)
		return db_exec(tx, &recipient_make, &in->params, NULL, err);
	rc = db_exec(tx, &recipient_find, &in->params, ret, err);
	if (rc == 0 && (db_rows(*ret) == 0 || !db_bool(*ret, 0, 0)))
		rc = error_set(err, ERR_NOT_FOUND, "order", "nothing is known of order %s", n->aggregate_id);
	if (rc == 0)
		set_recipient(n, *ret, 0, 1);
	return rc;
}

int intake_send(struct intake *in, struct db_conn *tx, const struct intake_request *q, struct uuid *ret_id,
		struct delivery_list *out, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	bool message = q->kind == NOTIFY_MESSAGE;
	char about[UUID_TEXT_SIZE];
	struct note n = {
	    .id = uuid_v7(),
	    .created_us = clock_wall_us(),
	    .aggregate_id = about,
	    .text = {.kind = q->kind, .total_amount = -1, .subject = q->subject, .body = q->body},
	};
	int rc = composer_refresh(in->composer, tx, false, err);

	n.correlation_id = message ? n.id : q->order_id;
	uuid_format(n.correlation_id, about);
	if (!message)
		n.text.order_id = about;
	else if (q->channel == CHANNEL_EMAIL)
		n.email = q->address;
	else
		n.phone = q->address;
	if (rc == 0)
		rc = find_recipient(in, tx, &n, &r, err);
	if (rc < 0)
		return rc;
	begin_notes(in, out);
	add_note(in, &n, add_deliveries(in, &n));
	*ret_id = n.id;
	return write_notes(in, tx, err);
}
