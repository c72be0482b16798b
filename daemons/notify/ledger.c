/*
 * The ledger of deliveries.
 *
 * Whoever changes a notification's state locks its recipient first, several in the order of their ids: so two
 * channels that finish at once cannot both believe that the other is still under way, and numbers of events
 * are drawn under the lock of their aggregate.
 */
#include "daemons/notify/ledger.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/service/letters.h"
#include "core/service/outbox.h"
#include "daemons/notify/intake.h"

/* --- claims --- */

DB_STATEMENT(
    deliveries_claim,
    "WITH due AS (SELECT notification_id, channel FROM deliveries WHERE channel = $1 AND status = 'pending'"
    " AND next_attempt_at <= clock_timestamp() ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED)"
    " UPDATE deliveries d SET next_attempt_at = clock_timestamp() + $3 * interval '1 ms'"
    " FROM due, notifications n LEFT JOIN recipients r ON r.aggregate_id = n.aggregate_id"
    " WHERE d.notification_id = due.notification_id AND d.channel = due.channel"
    " AND n.notification_id = due.notification_id"
    " RETURNING d.notification_id, d.address, d.attempts, n.event_id, n.correlation_id, n.created_at, "
    "n.resends,"
    " n.kind, n.aggregate_id, n.order_id, n.data, n.subject, n.body, r.name, r.items, r.total_amount,"
    " r.currency");

enum {
	C_ID,
	C_ADDRESS,
	C_ATTEMPTS,
	C_EVENT,
	C_CORRELATION,
	C_CREATED,
	C_RESENDS,
	C_KIND,
	C_AGGREGATE,
	C_ORDER,
	C_DATA,
	C_SUBJECT,
	C_BODY,
	C_NAME,
	C_ITEMS,
	C_AMOUNT,
	C_CURRENCY
};

static const char *text_or_null(const struct db_result *r, int row, int column)
{
	return db_is_null(r, row, column) ? NULL : db_text(r, row, column);
}

static void compose_claimed(struct composer *composer, const struct db_result *r, int row, struct delivery *d)
{
	AUTO_JSON json_t *data = NULL;
	struct compose_input in = {
	    .kind = d->kind,
	    .order_id = text_or_null(r, row, C_ORDER),
	    .name = text_or_null(r, row, C_NAME),
	    .items = text_or_null(r, row, C_ITEMS),
	    .currency = text_or_null(r, row, C_CURRENCY),
	    .total_amount = db_is_null(r, row, C_AMOUNT) ? -1 : db_int(r, row, C_AMOUNT),
	    .subject = text_or_null(r, row, C_SUBJECT),
	    .body = text_or_null(r, row, C_BODY),
	};

	if (json_parse_object(db_text(r, row, C_DATA), (size_t)db_length(r, row, C_DATA), &data, NULL) == 0)
		in.data = data;
	if (!compose(composer, &in, d)) { /* its template was taken away meanwhile */
		d->subject = xstrdup("");
		d->body = NULL;
	}
}

static struct delivery *claimed(struct composer *composer, enum notify_channel channel,
				const struct db_result *r, int row)
{
	struct delivery *d = xcalloc(1, sizeof(*d));

	d->notification_id = db_uuid(r, row, C_ID);
	d->event_id = db_uuid(r, row, C_EVENT);
	d->correlation_id = db_uuid(r, row, C_CORRELATION);
	d->channel = channel;
	if (!notify_kind_parse(db_text(r, row, C_KIND), &d->kind))
		d->kind = NOTIFY_MESSAGE;
	strncpy(d->aggregate_id, db_text(r, row, C_AGGREGATE), sizeof(d->aggregate_id) - 1);
	d->address = xstrdup(db_text(r, row, C_ADDRESS));
	d->attempts = (int)db_int(r, row, C_ATTEMPTS);
	d->resends = (int)db_int(r, row, C_RESENDS);
	d->created_us = db_time(r, row, C_CREATED);
	compose_claimed(composer, r, row, d);
	return d;
}

int ledger_claim(struct db_conn *c, struct composer *composer, enum notify_channel channel, int limit,
		 struct delivery **items, int *ret_count, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc = composer_refresh(composer, c, false, err);

	if (rc < 0)
		return rc;
	db_param_text(&p, notify_channels[channel]);
	db_param_int(&p, limit);
	db_param_int(&p, DELIVERY_LEASE_MS);
	rc = db_exec(c, &deliveries_claim, &p, &r, err);
	if (rc < 0)
		return rc;
	*ret_count = db_rows(r);
	for (int i = 0; i < db_rows(r); i++)
		items[i] = claimed(composer, channel, r, i);
	return 0;
}

/* --- outcomes --- */

DB_STATEMENT(recipients_lock,
	     "SELECT FROM recipients WHERE aggregate_id = ANY ($1::text[]) ORDER BY aggregate_id FOR UPDATE");
/* Not `= 'pending'`: the partial index of what is due would seem to fit, and holds everything under way. */
DB_STATEMENT(
    deliveries_end,
    "UPDATE deliveries d SET status = v.status, attempts = v.attempts, provider_id = v.provider_id,"
    " error = v.error, delivered_at = CASE v.status WHEN 'sent' THEN clock_timestamp() END,"
    " next_attempt_at = clock_timestamp() + v.retry_ms * interval '1 ms'"
    " FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::bigint[])"
    " AS v (id, channel, status, attempts, provider_id, error, retry_ms)"
    " WHERE d.notification_id = v.id AND d.channel = v.channel AND d.status NOT IN ('sent', 'failed', "
    "'skipped')");
/* latency: only of the first sending. */
DB_STATEMENT(
    notifications_settle,
    "UPDATE notifications n SET status = CASE WHEN d.sent IS NULL THEN 'failed' ELSE 'sent' END"
    " FROM (SELECT notification_id, string_agg(channel, ',' ORDER BY channel) AS tried,"
    "  string_agg(channel, ',' ORDER BY channel) FILTER (WHERE status = 'sent') AS sent, max(error) AS error"
    "  FROM deliveries WHERE notification_id = ANY ($1::uuid[]) AND status <> 'skipped'"
    "  GROUP BY notification_id HAVING bool_and(status <> 'pending')) d"
    " WHERE n.notification_id = d.notification_id AND n.status = 'pending'"
    " RETURNING n.notification_id, n.aggregate_id, n.order_id, n.kind, n.event_id, n.correlation_id,"
    " d.sent, d.tried, d.error, CASE n.resends WHEN 0 THEN"
    " (extract(epoch FROM clock_timestamp() - n.created_at) * 1000)::bigint END");

enum { T_ID, T_AGGREGATE, T_ORDER, T_KIND, T_EVENT, T_CORRELATION, T_SENT, T_TRIED, T_ERROR, T_LATENCY };

static int queue_lock(struct db_conn *tx, struct delivery *const *items, int n, struct error *err)
{
	CLEANUP(db_array_done) struct db_array ids;
	CLEANUP(db_params_done) struct db_params p = {0};

	db_array_init(&ids, DB_TEXT);
	for (int i = 0; i < n; i++)
		db_array_text(&ids, items[i]->aggregate_id);
	db_param_array(&p, &ids);
	return db_pipeline_add(tx, &recipients_lock, &p, err);
}

static int queue_end(struct db_conn *tx, struct delivery *const *items, int n, struct error *err)
{
	static const enum db_type types[] = {DB_UUID, DB_TEXT, DB_TEXT, DB_INT4, DB_TEXT, DB_TEXT, DB_INT8};
	CLEANUP(db_params_done) struct db_params p = {0};
	struct db_array a[ARRAY_LEN(types)];
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		db_array_init(&a[i], types[i]);
	for (int i = 0; i < n; i++) {
		const struct delivery *d = items[i];
		struct notify_verdict v =
		    notify_settle(d->outcome, d->attempts, (int)config_int(CONFIG_NOTIFY_ATTEMPTS));

		db_array_uuid(&a[0], &d->notification_id);
		db_array_text(&a[1], notify_channels[d->channel]);
		db_array_text(&a[2], v.status);
		db_array_int(&a[3], v.attempts);
		db_array_text(&a[4], d->provider_id[0] != '\0' ? d->provider_id : NULL);
		db_array_text(&a[5], d->why[0] != '\0' ? d->why : NULL);
		db_array_int(&a[6], v.retry_in_ms);
	}
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		db_param_array(&p, &a[i]);
	rc = db_pipeline_add(tx, &deliveries_end, &p, err);
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		db_array_done(&a[i]);
	return rc;
}

static int queue_settle(struct db_conn *tx, struct delivery *const *items, int n, struct error *err)
{
	CLEANUP(db_array_done) struct db_array ids;
	CLEANUP(db_params_done) struct db_params p = {0};

	db_array_init(&ids, DB_UUID);
	for (int i = 0; i < n; i++)
		db_array_uuid(&ids, &items[i]->notification_id);
	db_param_array(&p, &ids);
	return db_pipeline_add(tx, &notifications_settle, &p, err);
}

/* --- dead letters --- */

static int owe_letter(struct db_conn *tx, const struct delivery *d, struct error *err)
{
	struct error why;
	const struct letter_owed letter = {
	    .key = d->aggregate_id,
	    .type = (enum event_type)notify_event_of(d->kind),
	    .event_id = d->event_id,
	    .not_before_us = uuid_time_us(d->event_id),
	    .why = &why,
	    .step = d->channel == CHANNEL_SMS ? "sms" : "mail",
	    .retries = d->attempts,
	};

	error_set(&why, ERR_FAILED, letter.step, "%s", d->why);
	return letters_owe(tx, &letter, err);
}

/* What was tried often enough and gives an operator something to do; a refusal is an answer. */
static int owe_letters(struct db_conn *tx, struct delivery *const *items, int n, struct error *err)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < n; i++) {
		const struct delivery *d = items[i];
		bool tried = d->outcome == OUTCOME_TROUBLE &&
			     d->attempts + 1 >= (int)config_int(CONFIG_NOTIFY_ATTEMPTS);

		if (tried && !uuid_is_nil(d->event_id) && notify_event_of(d->kind) >= 0)
			rc = owe_letter(tx, d, err);
	}
	return rc;
}

/* --- the events of settled notifications --- */

static void add_member(struct buf *out, const char *name, const char *value)
{
	buf_addf(out, ",\"%s\":", name);
	if (value == NULL)
		buf_adds(out, "null");
	else
		buf_add_json(out, value, strlen(value));
}

static void add_event(struct outbox *o, const struct db_result *r, int row, int64_t seq)
{
	CLEANUP(buf_done) struct buf data = {0};
	bool sent = !db_is_null(r, row, T_SENT);

	buf_adds(&data, "{\"notification_id\":");
	buf_add_json(&data, db_text(r, row, T_ID), (size_t)db_length(r, row, T_ID));
	add_member(&data, "order_id", text_or_null(r, row, T_ORDER));
	add_member(&data, "kind", db_text(r, row, T_KIND));
	add_member(&data, "channel", db_text(r, row, sent ? T_SENT : T_TRIED));
	add_member(&data, "reason", text_or_null(r, row, T_ERROR));
	if (!db_is_null(r, row, T_LATENCY))
		buf_addf(&data, ",\"latency_ms\":%s", db_text(r, row, T_LATENCY));
	buf_addc(&data, '}');
	outbox_add(o, &(struct event_draft){
			  .id = uuid_v7(),
			  .type = sent ? EVENT_NOTIFICATION_SENT : EVENT_NOTIFICATION_FAILED,
			  .aggregate_id = db_text(r, row, T_AGGREGATE),
			  .aggregate_seq = seq,
			  .correlation_id = db_uuid(r, row, T_CORRELATION),
			  .causation_id = db_uuid(r, row, T_EVENT),
			  .data = buf_str(&data),
		      });
}

DB_STATEMENT(recipients_number,
	     "UPDATE recipients r SET seq = r.seq + v.n FROM (SELECT id, count(*) AS n FROM "
	     "unnest($1::text[]) AS u (id)"
	     " GROUP BY id) v WHERE r.aggregate_id = v.id RETURNING r.aggregate_id, r.seq - v.n");

/* The last number before this batch of an aggregate; counts up. */
static int64_t next_seq(const struct db_result *numbers, int64_t *used, const char *aggregate_id)
{
	for (int i = 0; i < db_rows(numbers); i++)
		if (strcmp(db_text(numbers, i, 0), aggregate_id) == 0)
			return db_int(numbers, i, 1) + ++used[i];
	return 0;
}

static int write_events(struct db_conn *tx, const struct db_result *settled, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *numbers = NULL;
	CLEANUP(db_array_done) struct db_array ids;
	CLEANUP(db_params_done) struct db_params p = {0};
	CLEANUP(outbox_done) struct outbox o = {0};
	AUTO_FREE int64_t *used = NULL;
	int rc;

	db_array_init(&ids, DB_TEXT);
	for (int i = 0; i < db_rows(settled); i++)
		db_array_text(&ids, db_text(settled, i, T_AGGREGATE));
	db_param_array(&p, &ids);
	rc = db_exec(tx, &recipients_number, &p, &numbers, err);
	if (rc < 0)
		return rc;
	used = xcalloc((size_t)db_rows(numbers) + 1, sizeof(*used));
	for (int i = 0; i < db_rows(settled); i++) {
		int64_t seq = next_seq(numbers, used, db_text(settled, i, T_AGGREGATE));

		if (seq == 0)
			return error_set(err, ERR_BUG, "record deliveries", "recipient %s is not there",
					 db_text(settled, i, T_AGGREGATE));
		add_event(&o, settled, i, seq);
	}
	return outbox_write(&o, tx, err);
}

int ledger_record(struct db_conn *tx, struct delivery *const *items, int n, struct error *err)
{
	struct db_result *r[3] = {NULL};
	int rc = queue_lock(tx, items, n, err);

	if (rc == 0)
		rc = queue_end(tx, items, n, err);
	if (rc == 0)
		rc = queue_settle(tx, items, n, err);
	if (rc == 0)
		rc = db_pipeline_run(tx, r, 3, err);
	if (rc == 0 && db_rows(r[2]) > 0)
		rc = write_events(tx, r[2], err);
	if (rc == 0)
		rc = owe_letters(tx, items, n, err);
	for (int i = 0; i < 3; i++)
		db_result_free(r[i]);
	return rc;
}

/* --- once more --- */

DB_STATEMENT(requeue_lock, "SELECT FROM recipients WHERE aggregate_id = $1 FOR UPDATE");
DB_STATEMENT(requeue,
	     "WITH again AS (UPDATE deliveries d SET status = 'pending', attempts = 0, next_attempt_at ="
	     " clock_timestamp(), error = NULL FROM notifications n WHERE n.event_id = $1::uuid"
	     " AND (n.order_id = $2::uuid OR $2::uuid IS NULL) AND d.notification_id = n.notification_id"
	     " AND d.status = 'failed' RETURNING d.notification_id)"
	     " UPDATE notifications SET status = 'pending' WHERE notification_id IN"
	     " (SELECT notification_id FROM again) RETURNING notification_id");

int ledger_requeue(struct db_conn *tx, const struct event *e, int *ret_count, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params lock = {0}, p = {0};
	struct uuid order_id;
	int rc;

	db_param_text(&lock, e->aggregate_id);
	db_param_uuid(&p, e->id);
	if (uuid_parse(e->aggregate_id, &order_id))
		db_param_uuid(&p, order_id);
	else
		db_param_null(&p);
	rc = db_exec(tx, &requeue_lock, &lock, NULL, err);
	if (rc == 0)
		rc = db_exec(tx, &requeue, &p, &r, err);
	if (rc == 0)
		*ret_count += db_rows(r);
	return rc;
}

DB_STATEMENT(resend_lock, "SELECT n.status, n.aggregate_id FROM notifications n"
			  " JOIN recipients r ON r.aggregate_id = n.aggregate_id"
			  " WHERE n.notification_id = $1::uuid FOR UPDATE OF r");
DB_STATEMENT(resend_status, "SELECT status FROM notifications WHERE notification_id = $1::uuid");
DB_STATEMENT(resend_deliveries,
	     "UPDATE deliveries SET status = 'pending', attempts = 0, next_attempt_at = clock_timestamp(),"
	     " delivered_at = NULL, provider_id = NULL, error = NULL"
	     " WHERE notification_id = $1::uuid AND status IN ('sent', 'failed')");
DB_STATEMENT(resend_notification, "UPDATE notifications SET status = 'pending', resends = resends + 1"
				  " WHERE notification_id = $1::uuid");

int ledger_resend(struct db_conn *tx, struct uuid notification_id, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *there = NULL;
	CLEANUP(db_result_auto) struct db_result *status = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc;

	db_param_uuid(&p, notification_id);
	rc = db_exec(tx, &resend_lock, &p, &there, err);
	if (rc == 0 && db_rows(there) == 0)
		rc = error_set(err, ERR_NOT_FOUND, "notification", "there is none with this id");
	if (rc == 0) /* as it is under the lock */
		rc = db_exec(tx, &resend_status, &p, &status, err);
	if (rc == 0 && strcmp(db_text(status, 0, 0), "sent") != 0 &&
	    strcmp(db_text(status, 0, 0), "failed") != 0)
		rc = error_set(err, ERR_CONFLICT, "resend", "the notification is %s", db_text(status, 0, 0));
	if (rc == 0)
		rc = db_exec(tx, &resend_deliveries, &p, NULL, err);
	return rc < 0 ? rc : db_exec(tx, &resend_notification, &p, NULL, err);
}
