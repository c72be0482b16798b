/*
 * SQL behind the inventory's routes.  A delivery, its StockRestocked and the reply to its idempotency key are
 * one transaction.  No state; thread safe.
 */
#include "daemons/inventory/shelf.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/service/named.h"
#include "core/service/outbox.h"

#define STOCK_MAX INT64_C(1000000000000000) /* of one ingredient, all deliveries together */

/* --- ingredients --- */

/* In the order in which ingredient_json reads them; $1 is the low percentage. */
#define THRESHOLD "coalesce(i.low_threshold, i.initial * $1::int8 / 100)"
#define COLUMNS                                                                           \
	"s.ingredient_id, i.name, i.unit, s.initial, s.on_hand, s.reserved, s.consumed, " \
	"s.restocked, " THRESHOLD ", s.low, s.version, s.seq"

static json_t *ingredient_json(const struct db_result *r, int row)
{
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:I}", "ingredient_id",
			 db_text(r, row, 0), "name", db_text(r, row, 1), "unit", db_text(r, row, 2),
			 "initial", (json_int_t)db_int(r, row, 3), "on_hand", (json_int_t)db_int(r, row, 4),
			 "available", (json_int_t)db_int(r, row, 4), "reserved",
			 (json_int_t)db_int(r, row, 5), "consumed", (json_int_t)db_int(r, row, 6),
			 "restocked", (json_int_t)db_int(r, row, 7), "low_threshold",
			 (json_int_t)db_int(r, row, 8), "low", (int)db_bool(r, row, 9), "version",
			 (json_int_t)db_int(r, row, 10));
}

/* The first `limit` rows as a list. */
static json_t *rows_json(const struct db_result *r, int limit,
			 json_t *(*row_json)(const struct db_result *r, int row))
{
	json_t *list = json_array();

	for (int i = 0; i < db_rows(r) && i < limit; i++)
		json_array_append_new(list, row_json(r, i));
	return list;
}

DB_STATEMENT(shelf_page, "SELECT " COLUMNS " FROM stock_levels s JOIN ingredients i USING (ingredient_id) "
			 "WHERE s.ingredient_id > $2 AND ($3::boolean IS NULL OR s.low = $3) "
			 "ORDER BY s.ingredient_id LIMIT $4")

int shelf_list(struct db_conn *c, const struct shelf_page *page, int low_percent, json_t **ret,
	       bool *ret_more, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc;

	db_param_int(&p, low_percent);
	db_param_text(&p, page->cursor);
	if (page->status == NULL)
		db_param_null(&p);
	else
		db_param_bool(&p, strcmp(page->status, "low") == 0);
	db_param_int(&p, page->limit + 1);
	rc = db_exec(c, &shelf_page, &p, &r, err);
	if (rc < 0)
		return rc;
	*ret_more = db_rows(r) > page->limit;
	*ret = rows_json(r, page->limit, ingredient_json);
	return 0;
}

DB_STATEMENT(shelf_one, "SELECT " COLUMNS " FROM stock_levels s JOIN ingredients i USING (ingredient_id) "
			"WHERE s.ingredient_id = $2")

DB_STATEMENT(shelf_names, "SELECT ingredient_id FROM ingredients")

static int unknown_ingredient(struct db_conn *c, const char *ingredient_id, struct error *err)
{
	error_set(err, ERR_NOT_FOUND, "ingredient", "the ingredient %.63s is unknown", ingredient_id);
	named_hint(c, &shelf_names, ingredient_id, err);
	return ERR_NOT_FOUND;
}

int shelf_get(struct db_conn *c, const char *ingredient_id, int low_percent, json_t **ret, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc;

	db_param_int(&p, low_percent);
	db_param_text(&p, ingredient_id);
	rc = db_exec(c, &shelf_one, &p, &r, err);
	if (rc < 0)
		return rc;
	if (db_rows(r) == 0)
		return unknown_ingredient(c, ingredient_id, err);
	*ret = ingredient_json(r, 0);
	return 0;
}

/* --- reservations --- */

#define RESERVATION_COLUMNS "order_id, state, lines, reason, created_at, updated_at"

static json_t *reservation_json(const struct db_result *r, int row)
{
	char id[UUID_TEXT_SIZE], created[CLOCK_TEXT_SIZE], updated[CLOCK_TEXT_SIZE];
	json_t *json =
	    json_pack("{s:s, s:s, s:s, s:s}", "order_id", uuid_format(db_uuid(r, row, 0), id), "state",
		      db_text(r, row, 1), "created_at", clock_format(db_time(r, row, 4), created),
		      "updated_at", clock_format(db_time(r, row, 5), updated));

	json_object_set_new(json, "lines", json_loads(db_text(r, row, 2), 0, NULL));
	json_object_set_new(json, "reason",
			    db_is_null(r, row, 3) ? json_null() : json_string(db_text(r, row, 3)));
	return json;
}

DB_STATEMENT(reservation_page, "SELECT " RESERVATION_COLUMNS " FROM reservations WHERE order_id < $1 "
			       "ORDER BY order_id DESC LIMIT $2")
DB_STATEMENT(reservation_page_reserved,
	     "SELECT " RESERVATION_COLUMNS " FROM reservations WHERE order_id < $1 "
	     "AND state = 'reserved' ORDER BY order_id DESC LIMIT $2")
/* The condition on 'reserved' lets the partial index serve. */
DB_STATEMENT(reservation_page_rare, "SELECT " RESERVATION_COLUMNS " FROM reservations WHERE order_id < $1 "
				    "AND state = $3 AND state <> 'reserved' ORDER BY order_id DESC LIMIT $2")

static struct db_statement *page_statement(const char *status)
{
	if (status == NULL)
		return &reservation_page;
	return strcmp(status, "reserved") == 0 ? &reservation_page_reserved : &reservation_page_rare;
}

int shelf_reservations(struct db_conn *c, const struct shelf_page *page, json_t **ret, bool *ret_more,
		       struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	struct db_statement *statement = page_statement(page->status);
	int rc;

	db_param_text(&p, page->cursor[0] != '\0' ? page->cursor : "ffffffff-ffff-ffff-ffff-ffffffffffff");
	db_param_int(&p, page->limit + 1);
	if (statement == &reservation_page_rare)
		db_param_text(&p, page->status);
	rc = db_exec(c, statement, &p, &r, err);
	if (rc < 0)
		return rc;
	*ret_more = db_rows(r) > page->limit;
	*ret = rows_json(r, page->limit, reservation_json);
	return 0;
}

DB_STATEMENT(reservation_one, "SELECT " RESERVATION_COLUMNS " FROM reservations WHERE order_id = $1")

int shelf_reservation(struct db_conn *c, struct uuid order_id, json_t **ret, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc;

	db_param_uuid(&p, order_id);
	rc = db_exec(c, &reservation_one, &p, &r, err);
	if (rc == 0)
		*ret = rows_json(r, 1, reservation_json);
	return rc;
}

/* --- deliveries --- */

DB_STATEMENT(restock_claim, "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))")

/* Keeps others with the same key out until the transaction ends. */
static int claim_key(struct db_conn *tx, const char *key, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc;

	db_param_text(&p, key);
	rc = db_exec(tx, &restock_claim, &p, &r, err);
	if (rc == 0 && !db_bool(r, 0, 0))
		rc = error_set(err, ERR_CONFLICT, "Idempotency-Key",
			       "the first request with this Idempotency-Key is still running");
	return rc;
}

DB_STATEMENT(restock_find, "SELECT ingredient_id = $2 AND quantity = $3 AND reason = $4, reply FROM restocks "
			   "WHERE idempotency_key = $1")

/* The first reply to the key into *ret_reply; NULL when it is new. */
static int find_reply(struct db_conn *tx, const struct restock *d, char **ret_reply, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc;

	*ret_reply = NULL;
	if (d->idempotency_key == NULL)
		return 0;
	db_param_text(&p, d->idempotency_key);
	db_param_text(&p, d->ingredient_id);
	db_param_int(&p, d->quantity);
	db_param_text(&p, d->reason);
	rc = claim_key(tx, d->idempotency_key, err);
	if (rc == 0)
		rc = db_exec(tx, &restock_find, &p, &r, err);
	if (rc < 0 || db_rows(r) == 0)
		return rc;
	if (!db_bool(r, 0, 0))
		return error_set(err, ERR_INVALID, "Idempotency-Key",
				 "this Idempotency-Key was used for another request");
	*ret_reply = xstrdup(db_text(r, 0, 1));
	return 0;
}

DB_STATEMENT(
    restock_apply,
    "UPDATE stock_levels s SET on_hand = s.on_hand + $3::int8, restocked = s.restocked + $3::int8, "
    "version = s.version + 1, seq = s.seq + 1, low = s.low AND s.on_hand + $3::int8 < " THRESHOLD " "
    "FROM ingredients i WHERE s.ingredient_id = $2 AND i.ingredient_id = s.ingredient_id RETURNING " COLUMNS)

static int apply_restock(struct db_conn *tx, const struct restock *d, int low_percent, struct db_result **ret,
			 struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc;

	db_param_int(&p, low_percent);
	db_param_text(&p, d->ingredient_id);
	db_param_int(&p, d->quantity);
	rc = db_exec(tx, &restock_apply, &p, ret, err);
	if (rc < 0)
		return rc;
	if (db_rows(*ret) == 0)
		return unknown_ingredient(tx, d->ingredient_id, err);
	if (db_int(*ret, 0, 7) > STOCK_MAX)
		return error_set(err, ERR_INVALID, "quantity",
				 "with this quantity there would be more than can be counted");
	return 0;
}

DB_STATEMENT(restock_insert,
	     "INSERT INTO restocks (event_id, ingredient_id, quantity, reason, idempotency_key, reply) "
	     "VALUES ($1, $2, $3, $4, $5, $6)")

static int record_restock(struct db_conn *tx, const struct restock *d, struct uuid event_id,
			  const char *reply, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};

	db_param_uuid(&p, event_id);
	db_param_text(&p, d->ingredient_id);
	db_param_int(&p, d->quantity);
	db_param_text(&p, d->reason);
	db_param_text(&p, d->idempotency_key);
	db_param_text(&p, reply);
	return db_exec(tx, &restock_insert, &p, NULL, err);
}

static int tell_restock(struct db_conn *tx, const struct restock *d, struct uuid event_id,
			const struct db_result *level, struct error *err)
{
	CLEANUP(outbox_done) struct outbox o = {0};
	AUTO_JSON json_t *json =
	    json_pack("{s:s, s:s, s:s, s:I, s:I, s:s}", "ingredient_id", d->ingredient_id, "name",
		      db_text(level, 0, 1), "unit", db_text(level, 0, 2), "quantity", (json_int_t)d->quantity,
		      "available", (json_int_t)db_int(level, 0, 4), "reason", d->reason);
	AUTO_FREE char *data = json_text(json);
	const struct event_draft draft = {
	    .id = event_id,
	    .type = EVENT_STOCK_RESTOCKED,
	    .aggregate_id = d->ingredient_id,
	    .aggregate_seq = db_int(level, 0, 11),
	    .correlation_id = d->correlation_id,
	    .data = data,
	};

	outbox_add(&o, &draft);
	return outbox_write(&o, tx, err);
}

static int restock_in(struct db_conn *tx, const struct restock *d, int low_percent, char **ret_reply,
		      struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *level = NULL;
	struct uuid event_id = uuid_v7();
	AUTO_JSON json_t *json = NULL;
	int rc = find_reply(tx, d, ret_reply, err);

	if (rc < 0 || *ret_reply != NULL)
		return rc;
	rc = apply_restock(tx, d, low_percent, &level, err);
	if (rc < 0)
		return rc;
	json = ingredient_json(level, 0);
	*ret_reply = json_text(json);
	rc = record_restock(tx, d, event_id, *ret_reply, err);
	if (rc == 0 && d->audit != NULL)
		rc = audit_add(tx, d->audit, err);
	return rc < 0 ? rc : tell_restock(tx, d, event_id, level, err);
}

int shelf_restock(struct db_conn *c, const struct restock *d, int low_percent, char **ret_reply,
		  struct error *err)
{
	char *reply = NULL;
	int rc = db_begin(c, err);

	if (rc == 0)
		rc = restock_in(c, d, low_percent, &reply, err);
	if (rc == 0)
		rc = db_commit(c, err);
	if (rc < 0) {
		db_rollback(c);
		free(reply);
		return rc;
	}
	*ret_reply = reply;
	return 0;
}
