/*
 * The catalogue in PostgreSQL.  A change and its event are one transaction; the row's version is the event's
 * aggregate_seq, and the row is locked before it rises.  No state; thread safe.
 */
#include "daemons/menu/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/service/named.h"
#include "daemons/menu/seed.h"

/* In the order in which load_row reads them. */
#define COLUMNS                                                                                      \
	"pizza_id, name, description, currency, price_small, price_medium, price_large, available, " \
	"deleted, version, "                                                                         \
	"recipe, bake_temperature_c, created_at, updated_at"

static void load_row(const struct db_result *r, int row, struct menu_item *item)
{
	snprintf(item->pizza_id, sizeof(item->pizza_id), "%s", db_text(r, row, 0));
	item->name = xstrdup(db_text(r, row, 1));
	item->description = xstrdup(db_text(r, row, 2));
	snprintf(item->currency, sizeof(item->currency), "%s", db_text(r, row, 3));
	for (int i = 0; i < SIZE_COUNT; i++)
		item->price[i] = db_int(r, row, 4 + i);
	item->available = db_bool(r, row, 7);
	item->deleted = db_bool(r, row, 8);
	item->version = db_int(r, row, 9);
	item->recipe = json_loads(db_text(r, row, 10), 0, NULL);
	item->bake_c = db_int(r, row, 11);
	item->created_us = db_time(r, row, 12);
	item->updated_us = db_time(r, row, 13);
}

DB_STATEMENT(menu_list, "SELECT " COLUMNS " FROM menu_items WHERE NOT deleted AND pizza_id > $1 "
			"AND ($2::boolean IS NULL OR available = $2) ORDER BY pizza_id LIMIT $3")

int menu_store_list(struct db_conn *c, enum menu_filter filter, const char *after, int limit, json_t **ret,
		    bool *ret_more, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc;

	db_param_text(&p, after);
	if (filter == MENU_ALL)
		db_param_null(&p);
	else
		db_param_bool(&p, filter == MENU_AVAILABLE);
	db_param_int(&p, limit + 1);
	rc = db_exec(c, &menu_list, &p, &r, err);
	if (rc < 0)
		return rc;
	*ret = json_array();
	*ret_more = db_rows(r) > limit;
	for (int i = 0; i < db_rows(r) && i < limit; i++) {
		CLEANUP(menu_item_done) struct menu_item item = {0};

		load_row(r, i, &item);
		json_array_append_new(*ret, menu_item_json(&item));
	}
	return 0;
}

DB_STATEMENT(menu_names, "SELECT pizza_id FROM menu_items WHERE NOT deleted")

static int get_with(struct db_conn *c, struct db_statement *statement, const char *pizza_id,
		    struct menu_item *item, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc;

	db_param_text(&p, pizza_id);
	rc = db_exec(c, statement, &p, &r, err);
	if (rc < 0)
		return rc;
	if (db_rows(r) == 0) {
		error_set(err, ERR_NOT_FOUND, "pizza", "the pizza %.63s is not on the menu", pizza_id);
		named_hint(c, &menu_names, pizza_id, err);
		return ERR_NOT_FOUND;
	}
	load_row(r, 0, item);
	return 0;
}

DB_STATEMENT(menu_get, "SELECT " COLUMNS " FROM menu_items WHERE pizza_id = $1")

int menu_store_get(struct db_conn *c, const char *pizza_id, struct menu_item *item, struct error *err)
{
	return get_with(c, &menu_get, pizza_id, item, err);
}

DB_STATEMENT(menu_lock, "SELECT " COLUMNS " FROM menu_items WHERE pizza_id = $1 FOR UPDATE")

int menu_store_lock(struct db_conn *tx, const char *pizza_id, struct menu_item *item, struct error *err)
{
	return get_with(tx, &menu_lock, pizza_id, item, err);
}

DB_STATEMENT(
    menu_save,
    "INSERT INTO menu_items AS m (pizza_id, name, description, currency, price_small, price_medium, "
    "price_large, available, deleted, version, recipe, bake_temperature_c) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (pizza_id) DO UPDATE SET "
    "name = EXCLUDED.name, description = EXCLUDED.description, currency = EXCLUDED.currency, "
    "price_small = EXCLUDED.price_small, price_medium = EXCLUDED.price_medium, "
    "price_large = EXCLUDED.price_large, available = EXCLUDED.available, "
    "deleted = EXCLUDED.deleted, version = EXCLUDED.version, recipe = EXCLUDED.recipe, "
    "bake_temperature_c = EXCLUDED.bake_temperature_c, updated_at = clock_timestamp() WHERE m.version = "
    "EXCLUDED.version - 1 "
    "RETURNING version, created_at, updated_at, 1 + (SELECT count(*) FROM menu_items WHERE pizza_id <> $1)")

static int save_row(struct db_conn *tx, struct menu_item *item, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	AUTO_FREE char *recipe = json_text(item->recipe);
	int rc;

	db_param_text(&p, item->pizza_id);
	db_param_text(&p, item->name);
	db_param_text(&p, item->description);
	db_param_text(&p, item->currency);
	for (int i = 0; i < SIZE_COUNT; i++)
		db_param_int(&p, item->price[i]);
	db_param_bool(&p, item->available);
	db_param_bool(&p, item->deleted);
	db_param_int(&p, item->version + 1);
	db_param_text(&p, recipe);
	db_param_int(&p, item->bake_c);
	rc = db_exec(tx, &menu_save, &p, &r, err);
	if (rc < 0)
		return rc;
	if (db_rows(r) == 0)
		return error_set(err, ERR_CONFLICT, "pizza", "the pizza %s was changed meanwhile",
				 item->pizza_id);
	item->version = db_int(r, 0, 0);
	item->created_us = db_time(r, 0, 1);
	item->updated_us = db_time(r, 0, 2);
	if (item->catalogue_size <
	    db_int(r, 0, 3)) /* of a catalogue that is just being filled it is known before */
		item->catalogue_size = db_int(r, 0, 3);
	return 0;
}

static void add_event(struct outbox *o, const struct menu_item *item, struct uuid correlation_id)
{
	AUTO_FREE char *data = menu_item_event(item);
	const struct event_draft draft = {
	    .id = uuid_v7(),
	    .type = EVENT_MENU_ITEM_CHANGED,
	    .aggregate_id = item->pizza_id,
	    .aggregate_seq = item->version,
	    .correlation_id = correlation_id,
	    .data = data,
	};

	outbox_add(o, &draft);
}

int menu_store_save(struct db_conn *tx, struct menu_item *item, struct uuid correlation_id, struct error *err)
{
	CLEANUP(outbox_done) struct outbox o = {0};
	int rc = save_row(tx, item, err);

	if (rc < 0)
		return rc;
	add_event(&o, item, correlation_id);
	return outbox_write(&o, tx, err);
}

DB_STATEMENT(menu_any, "SELECT EXISTS (SELECT FROM menu_items)")

static int is_empty(struct db_conn *tx, bool *ret, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc = db_run(tx, "LOCK TABLE menu_items IN SHARE ROW EXCLUSIVE MODE", err);

	if (rc == 0)
		rc = db_exec(tx, &menu_any, NULL, &r, err);
	if (rc == 0)
		*ret = !db_bool(r, 0, 0);
	return rc;
}

static int seed_rows(struct db_conn *tx, const char *currency, int *ret_added, struct error *err)
{
	struct uuid correlation_id = uuid_v7();
	bool empty = false;
	int rc = is_empty(tx, &empty, err);

	for (int i = 0; rc == 0 && empty && i < MENU_SEED_COUNT; i++) {
		CLEANUP(menu_item_done) struct menu_item item = {0};

		menu_seed_item(i, currency, &item);
		item.catalogue_size = MENU_SEED_COUNT;
		rc = menu_store_save(tx, &item, correlation_id, err);
	}
	*ret_added = empty ? MENU_SEED_COUNT : 0;
	return rc;
}

int menu_store_seed(struct db_conn *c, const char *currency, int *ret_added, struct error *err)
{
	int rc = db_begin(c, err);

	if (rc == 0)
		rc = seed_rows(c, currency, ret_added, err);
	if (rc == 0)
		rc = db_commit(c, err);
	if (rc < 0)
		db_rollback(c);
	return rc;
}
