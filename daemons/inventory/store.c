/*
 * A batch of events against PostgreSQL: one read, at most three writes, however many orders.
 * Locks are taken in one order everywhere: reservations by order_id, then stock levels by ingredient_id.
 * No state; thread safe.
 */
#include "daemons/inventory/store.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

/* --- reading --- */

DB_STATEMENT(reservation_lock,
	     "SELECT order_id, state, seq, lines FROM reservations WHERE order_id = ANY ($1::uuid[]) "
	     "ORDER BY order_id FOR UPDATE")

DB_STATEMENT(stock_read,
	     "SELECT s.ingredient_id, i.name, i.unit, s.on_hand, s.reserved, s.consumed, "
	     "coalesce(i.low_threshold, i.initial * $1::int8 / 100), s.version, s.seq, s.low "
	     "FROM stock_levels s JOIN ingredients i USING (ingredient_id) ORDER BY s.ingredient_id")

static int read_reservations(struct store_snapshot *snap, struct error *err)
{
	const struct db_result *r = snap->reservation_rows;

	snap->count = db_rows(r);
	snap->reservations = xcalloc((size_t)snap->count + 1, sizeof(*snap->reservations));
	for (int i = 0; i < snap->count; i++) {
		struct reservation *v = &snap->reservations[i];

		v->order_id = db_uuid(r, i, 0);
		if (!reservation_state_parse(db_text(r, i, 1), &v->state))
			return error_set(err, ERR_BUG, "reservation", "its state %.20s is unknown",
					 db_text(r, i, 1));
		v->seq = db_int(r, i, 2);
		v->lines = db_text(r, i, 3);
	}
	return 0;
}

static void read_levels(struct store_snapshot *snap)
{
	const struct db_result *r = snap->level_rows;

	free(snap->stock.levels);
	snap->stock.count = db_rows(r);
	snap->stock.levels = xcalloc((size_t)snap->stock.count + 1, sizeof(*snap->stock.levels));
	for (int i = 0; i < snap->stock.count; i++) {
		snap->stock.levels[i] = (struct stock_level){
		    .ingredient_id = db_text(r, i, 0),
		    .name = db_text(r, i, 1),
		    .unit = db_text(r, i, 2),
		    .on_hand = db_int(r, i, 3),
		    .reserved = db_int(r, i, 4),
		    .consumed = db_int(r, i, 5),
		    .low_threshold = db_int(r, i, 6),
		    .version = db_int(r, i, 7),
		    .seq = db_int(r, i, 8),
		    .low = db_bool(r, i, 9),
		};
	}
}

int store_load(struct db_conn *tx, const struct uuid *order_ids, int n, int low_percent,
	       struct store_snapshot *snap, struct error *err)
{
	CLEANUP(db_params_done) struct db_params ids = {0}, percent = {0};
	CLEANUP(db_array_done) struct db_array array = {0};
	struct db_result *results[2] = {NULL, NULL};
	int rc;

	db_array_init(&array, DB_UUID);
	for (int i = 0; i < n; i++)
		db_array_uuid(&array, &order_ids[i]);
	db_param_array(&ids, &array);
	db_param_int(&percent, low_percent);
	if ((rc = db_pipeline_add(tx, &reservation_lock, &ids, err)) < 0 ||
	    (rc = db_pipeline_add(tx, &stock_read, &percent, err)) < 0 ||
	    (rc = db_pipeline_run(tx, results, 2, err)) < 0)
		return rc;
	snap->reservation_rows = results[0];
	snap->level_rows = results[1];
	read_levels(snap);
	return read_reservations(snap, err);
}

int store_load_stock(struct db_conn *tx, int low_percent, struct store_snapshot *snap, struct error *err)
{
	CLEANUP(db_params_done) struct db_params percent = {0};
	struct db_result *rows;
	int rc;

	db_param_int(&percent, low_percent);
	rc = db_exec(tx, &stock_read, &percent, &rows, err);
	if (rc < 0)
		return rc;
	db_result_free(snap->level_rows);
	snap->level_rows = rows;
	read_levels(snap);
	return 0;
}

static int compare_reservation(const void *id, const void *reservation)
{
	return uuid_compare(*(const struct uuid *)id, ((const struct reservation *)reservation)->order_id);
}

const struct reservation *store_find(const struct store_snapshot *snap, struct uuid order_id)
{
	return bsearch(&order_id, snap->reservations, (size_t)snap->count, sizeof(*snap->reservations),
		       compare_reservation);
}

void store_snapshot_done(struct store_snapshot *snap)
{
	free(snap->reservations);
	free(snap->stock.levels);
	db_result_free(snap->reservation_rows);
	db_result_free(snap->level_rows);
	*snap = (struct store_snapshot){0};
}

/* --- stock levels --- */

/*
 * `now` locks the rows in id order and yields their newest contents; the count makes the update wait for it,
 * and happen for all rows or none.
 */
DB_STATEMENT(
    stock_apply,
    "WITH want AS (SELECT * FROM unnest($1::text[], $2::int8[], $3::int8[], $4::int8[], $5::int8[], "
    "$6::int8[], "
    "$7::bool[], $8::bool[]) AS w (ingredient_id, version, on_hand, reserved, consumed, seq, low, changed)), "
    "now AS MATERIALIZED (SELECT ingredient_id, version FROM stock_levels WHERE ingredient_id = ANY "
    "($1::text[]) "
    "ORDER BY ingredient_id FOR NO KEY UPDATE), "
    "done AS (UPDATE stock_levels s SET on_hand = w.on_hand, reserved = w.reserved, consumed = w.consumed, "
    "seq = w.seq, low = w.low, version = s.version + 1 FROM want w "
    "WHERE s.ingredient_id = w.ingredient_id AND s.version = w.version AND w.changed "
    "AND (SELECT count(*) FROM now WHERE ((ingredient_id, version) IN (SELECT ingredient_id, version FROM "
    "want)) IS TRUE) "
    "= cardinality($1::text[]) RETURNING 1) "
    "SELECT count(*) FROM done")

#define STOCK_ARRAYS 8

static void stock_arrays_done(struct db_array (*a)[STOCK_ARRAYS])
{
	for (int i = 0; i < STOCK_ARRAYS; i++)
		db_array_done(&(*a)[i]);
}

/* Fills the arrays with the mentioned levels; the number of those that changed. */
static int stock_arrays(const struct stock *stock, struct db_array a[STOCK_ARRAYS])
{
	static const enum db_type types[STOCK_ARRAYS] = {DB_TEXT, DB_INT8, DB_INT8, DB_INT8,
							 DB_INT8, DB_INT8, DB_BOOL, DB_BOOL};
	int changed = 0;

	for (int i = 0; i < STOCK_ARRAYS; i++)
		db_array_init(&a[i], types[i]);
	for (int i = 0; i < stock->count; i++) {
		const struct stock_level *l = &stock->levels[i];

		if (!l->mentioned)
			continue;
		db_array_text(&a[0], l->ingredient_id);
		db_array_int(&a[1], l->version);
		db_array_int(&a[2], l->on_hand);
		db_array_int(&a[3], l->reserved);
		db_array_int(&a[4], l->consumed);
		db_array_int(&a[5], l->seq);
		db_array_bool(&a[6], l->low);
		db_array_bool(&a[7], l->changed);
		changed += l->changed;
	}
	return changed;
}

int store_apply_stock(struct db_conn *tx, const struct stock *stock, bool *ret_conflict, struct error *err)
{
	CLEANUP(stock_arrays_done) struct db_array arrays[STOCK_ARRAYS] = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	int changed = stock_arrays(stock, arrays);
	int rc;

	*ret_conflict = false;
	if (changed == 0)
		return 0;
	for (int i = 0; i < STOCK_ARRAYS; i++)
		db_param_array(&p, &arrays[i]);
	rc = db_exec(tx, &stock_apply, &p, &r, err);
	if (rc == 0)
		*ret_conflict = db_int(r, 0, 0) != changed;
	return rc;
}

/* --- reservations --- */

static void each_array(struct store_changes *c, void (*call)(struct db_array *))
{
	struct db_array *all[] = {&c->new_ids,	   &c->new_states, &c->new_lines, &c->new_seqs,
				  &c->new_reasons, &c->ids,	   &c->states,	  &c->seqs};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		call(all[i]);
}

void store_changes_init(struct store_changes *c)
{
	db_array_init(&c->new_ids, DB_UUID);
	db_array_init(&c->new_states, DB_TEXT);
	db_array_init(&c->new_lines, DB_TEXT);
	db_array_init(&c->new_seqs, DB_INT8);
	db_array_init(&c->new_reasons, DB_TEXT);
	db_array_init(&c->ids, DB_UUID);
	db_array_init(&c->states, DB_TEXT);
	db_array_init(&c->seqs, DB_INT8);
}

void store_changes_reset(struct store_changes *c)
{
	each_array(c, db_array_reset);
}

void store_changes_done(struct store_changes *c)
{
	each_array(c, db_array_done);
}

void store_add_reservation(struct store_changes *c, struct uuid order_id, enum reservation_state state,
			   const char *lines, int64_t seq, const char *reason)
{
	db_array_uuid(&c->new_ids, &order_id);
	db_array_text(&c->new_states, reservation_words[state]);
	db_array_text(&c->new_lines, lines);
	db_array_int(&c->new_seqs, seq);
	db_array_text(&c->new_reasons, reason);
}

void store_change_reservation(struct store_changes *c, struct uuid order_id, enum reservation_state state,
			      int64_t seq)
{
	db_array_uuid(&c->ids, &order_id);
	db_array_text(&c->states, reservation_words[state]);
	db_array_int(&c->seqs, seq);
}

static int expect_rows(int64_t affected, int expected, struct error *err)
{
	if (affected == expected)
		return 0;
	return error_set(err, ERR_TRANSIENT, "reservations", "another process has written %lld of %d of them",
			 (long long)(expected - affected), expected);
}

DB_STATEMENT(reservation_insert,
	     "INSERT INTO reservations (order_id, state, lines, seq, reason) SELECT a, b, c::json, d, e "
	     "FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int8[], $5::text[]) AS n (a, b, c, d, e) "
	     "ON CONFLICT DO NOTHING")

static int insert_reservations(struct db_conn *tx, const struct store_changes *c, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc;

	db_param_array(&p, &c->new_ids);
	db_param_array(&p, &c->new_states);
	db_param_array(&p, &c->new_lines);
	db_param_array(&p, &c->new_seqs);
	db_param_array(&p, &c->new_reasons);
	rc = db_exec(tx, &reservation_insert, &p, &r, err);
	return rc < 0 ? rc : expect_rows(db_affected(r), c->new_ids.count, err);
}

DB_STATEMENT(reservation_update,
	     "UPDATE reservations v SET state = n.state, seq = n.seq, updated_at = clock_timestamp() "
	     "FROM unnest($1::uuid[], $2::text[], $3::int8[]) AS n (order_id, state, seq) "
	     "WHERE v.order_id = n.order_id AND v.seq = n.seq - 1")

static int update_reservations(struct db_conn *tx, const struct store_changes *c, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc;

	db_param_array(&p, &c->ids);
	db_param_array(&p, &c->states);
	db_param_array(&p, &c->seqs);
	rc = db_exec(tx, &reservation_update, &p, &r, err);
	return rc < 0 ? rc : expect_rows(db_affected(r), c->ids.count, err);
}

int store_write_reservations(struct db_conn *tx, const struct store_changes *c, struct error *err)
{
	int rc = c->new_ids.count > 0 ? insert_reservations(tx, c, err) : 0;

	if (rc == 0 && c->ids.count > 0)
		rc = update_reservations(tx, c, err);
	return rc;
}
