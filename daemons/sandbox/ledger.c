/*
 * The ledger is a view over intents, refunds and messages; ids are version 7 UUIDs, so "newest first" is
 * "highest id first", and an id is the cursor.
 */
#include "daemons/sandbox/ledger.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

const char *object_id(const char *prefix, struct uuid id, char text[OBJECT_ID_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	char *p = stpcpy(text, prefix);

	for (int i = 0; i < 16; i++) {
		*p++ = digits[id.b[i] >> 4];
		*p++ = digits[id.b[i] & 15];
	}
	*p = '\0';
	return text;
}

bool object_id_parse(const char *prefix, const char *text, struct uuid *ret)
{
	static const int cuts[] = {8, 4, 4, 4, 12};
	char hyphened[UUID_TEXT_SIZE];
	size_t n = strlen(prefix);
	char *p = hyphened;

	if (strncmp(text, prefix, n) != 0 || strlen(text + n) != 32)
		return false;
	text += n;
	for (int i = 0; i < 5; i++) {
		memcpy(p, text, (size_t)cuts[i]);
		p += cuts[i];
		text += cuts[i];
		*p++ = i < 4 ? '-' : '\0';
	}
	return uuid_parse(hyphened, ret);
}

static const char *id_prefix(const char *kind)
{
	if (strcmp(kind, "refund") == 0)
		return "re_";
	return strcmp(kind, "sms") == 0 ? "SM" : "pi_";
}

static json_t *row_json(const struct db_result *r, int row)
{
	char at[CLOCK_TEXT_SIZE], id[OBJECT_ID_SIZE];
	const char *kind = db_text(r, row, 2);

	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:s}", "at", clock_format(db_time(r, row, 1), at),
			 "kind", kind, "id", object_id(id_prefix(kind), db_uuid(r, row, 0), id), "order_id",
			 db_is_null(r, row, 3) ? json_null() : json_string(db_text(r, row, 3)), "amount",
			 db_is_null(r, row, 4) ? json_null() : json_integer(db_int(r, row, 4)), "currency",
			 db_is_null(r, row, 5) ? json_null() : json_string(db_text(r, row, 5)), "status",
			 db_text(r, row, 6));
}

/* Both statements: $1 limit, $2 before. */
DB_STATEMENT(ledger_newest, "SELECT id, at, kind, order_id, amount, currency, status FROM ledger "
			    "WHERE id < $2::uuid ORDER BY id DESC LIMIT $1::int8");
DB_STATEMENT(ledger_of_order, "SELECT id, at, kind, order_id, amount, currency, status FROM ledger "
			      "WHERE id < $2::uuid AND order_id = $3::text ORDER BY id DESC LIMIT $1::int8");

int ledger_rows(struct db *db, const char *order_id, struct uuid before, int limit, json_t **ret,
		struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc;

	if (uuid_is_nil(before))
		memset(before.b, 0xff, sizeof(before.b));
	db_param_int(&p, limit);
	db_param_uuid(&p, before);
	if (order_id != NULL)
		db_param_text(&p, order_id);
	rc = db_once(db, order_id != NULL ? &ledger_of_order : &ledger_newest, &p, &r, err);
	if (rc < 0)
		return rc;
	*ret = json_array();
	for (int i = 0; i < db_rows(r); i++)
		json_array_append_new(*ret, row_json(r, i));
	return 0;
}

/* captures, refunds, declines, sms, captured, refunded, from column `first` on. */
#define LEDGER_SUMS                                                                           \
	"count(*) FILTER (WHERE kind = 'capture'), count(*) FILTER (WHERE kind = 'refund'), " \
	"count(*) FILTER (WHERE kind = 'decline'), count(*) FILTER (WHERE kind = 'sms'), "    \
	"coalesce(sum(amount) FILTER (WHERE kind = 'capture'), 0), "                          \
	"coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0)"

static json_t *sums_json(const struct db_result *r, int row, int first)
{
	int64_t captured = db_int(r, row, first + 4), refunded = db_int(r, row, first + 5);

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "captures", (json_int_t)db_int(r, row, first),
			 "refunds", (json_int_t)db_int(r, row, first + 1), "declines",
			 (json_int_t)db_int(r, row, first + 2), "sms", (json_int_t)db_int(r, row, first + 3),
			 "captured", (json_int_t)captured, "refunded", (json_int_t)refunded, "net",
			 (json_int_t)(captured - refunded));
}

DB_STATEMENT(ledger_sums, "SELECT " LEDGER_SUMS " FROM ledger");
DB_STATEMENT(ledger_sums_of_order, "SELECT " LEDGER_SUMS " FROM ledger WHERE order_id = $1::text");
DB_STATEMENT(ledger_twice, "SELECT count(*) FROM (SELECT FROM payment_intents WHERE status = 'succeeded' "
			   "AND order_id IS NOT NULL GROUP BY order_id HAVING count(*) > 1) twice");

int ledger_summary(struct db *db, const char *order_id, json_t **ret, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *sums = NULL;
	CLEANUP(db_result_auto) struct db_result *twice = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	struct db_conn *c;
	int rc = db_acquire(db, &c, err);

	if (rc < 0)
		return rc;
	if (order_id != NULL)
		db_param_text(&p, order_id);
	rc = db_exec(c, order_id != NULL ? &ledger_sums_of_order : &ledger_sums, order_id != NULL ? &p : NULL,
		     &sums, err);
	if (rc == 0 && order_id == NULL)
		rc = db_exec(c, &ledger_twice, NULL, &twice, err);
	db_release(c);
	if (rc < 0)
		return rc;
	*ret = sums_json(sums, 0, 0);
	if (twice != NULL)
		json_object_set_new(*ret, "orders_captured_twice", json_integer(db_int(twice, 0, 0)));
	return 0;
}

DB_STATEMENT(ledger_by_order, "SELECT order_id, " LEDGER_SUMS " FROM ledger WHERE order_id > $2::text "
			      "GROUP BY order_id ORDER BY order_id LIMIT $1::int8");

int ledger_orders(struct db *db, const char *after, int limit, json_t **ret, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc;

	db_param_int(&p, limit);
	db_param_text(&p, after != NULL ? after : "");
	rc = db_once(db, &ledger_by_order, &p, &r, err);
	if (rc < 0)
		return rc;
	*ret = json_array();
	for (int i = 0; i < db_rows(r); i++) {
		json_t *sums = sums_json(r, i, 1);

		json_object_set_new(sums, "order_id", json_string(db_text(r, i, 0)));
		json_array_append_new(*ret, sums);
	}
	return 0;
}
