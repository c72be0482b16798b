/*
 * Orders as JSON.  Items are stored as the JSON they are replied with.
 */
#include "daemons/order/reply.h"

#include <string.h>

#include "core/base/clock.h"
#include "daemons/order/store.h"

static void add_text(struct buf *out, const char *name, const char *text)
{
	buf_addf(out, ",\"%s\":", name);
	if (text != NULL && text[0] != '\0')
		buf_add_json(out, text, strlen(text));
	else
		buf_adds(out, "null");
}

static void created(struct buf *out, const char *id, int64_t total, const char *currency, const char *items,
		    const char *method, int64_t created_us)
{
	char time[CLOCK_TEXT_SIZE];

	buf_addf(out,
		 "{\"order_id\":\"%s\",\"status\":\"pending\",\"total_amount\":%lld,\"currency\":\"%s\","
		 "\"items\":%s",
		 id, (long long)total, currency, items);
	add_text(out, "payment_method", method);
	buf_addf(out, ",\"created_at\":\"%s\"}", clock_format(created_us, time));
}

void reply_created(struct buf *out, const struct order_draft *d, int64_t created_us)
{
	char id[UUID_TEXT_SIZE];

	created(out, uuid_format(d->order_id, id), d->total, d->currency, buf_str(&d->items),
		d->payment_method, created_us);
}

void reply_created_row(struct buf *out, const struct db_result *r, int row)
{
	created(out, db_text(r, row, ORDER_COL_ID), db_int(r, row, ORDER_COL_TOTAL),
		db_text(r, row, ORDER_COL_CURRENCY), db_text(r, row, ORDER_COL_ITEMS),
		db_text(r, row, ORDER_COL_METHOD), db_time(r, row, ORDER_COL_CREATED));
}

void reply_order(struct buf *out, const struct db_result *r, int row)
{
	char time[CLOCK_TEXT_SIZE];

	buf_addf(out, "{\"order_id\":\"%s\",\"status\":\"%s\",\"version\":%lld",
		 db_text(r, row, ORDER_COL_ID), db_text(r, row, ORDER_COL_STATUS),
		 (long long)db_int(r, row, ORDER_COL_VERSION));
	add_text(out, "customer_name", db_text(r, row, ORDER_COL_NAME));
	add_text(out, "customer_email", db_text(r, row, ORDER_COL_EMAIL));
	add_text(out, "customer_phone", db_text(r, row, ORDER_COL_PHONE));
	add_text(out, "delivery_address", db_text(r, row, ORDER_COL_ADDRESS));
	add_text(out, "payment_method", db_text(r, row, ORDER_COL_METHOD));
	buf_addf(out, ",\"total_amount\":%lld,\"currency\":\"%s\",\"items\":%s",
		 (long long)db_int(r, row, ORDER_COL_TOTAL), db_text(r, row, ORDER_COL_CURRENCY),
		 db_text(r, row, ORDER_COL_ITEMS));
	add_text(out, "correlation_id", db_text(r, row, ORDER_COL_CORRELATION));
	add_text(out, "payment_id", db_text(r, row, ORDER_COL_PAYMENT));
	add_text(out, "reason", db_text(r, row, ORDER_COL_REASON));
	add_text(out, "cancelled_by", db_text(r, row, ORDER_COL_CANCELLED_BY));
	buf_addf(out, ",\"created_at\":\"%s\"", clock_format(db_time(r, row, ORDER_COL_CREATED), time));
	buf_addf(out, ",\"updated_at\":\"%s\"}", clock_format(db_time(r, row, ORDER_COL_UPDATED), time));
}
