/*
 * The inventory's SQL.  What takes `tx` runs in the caller's open transaction.
 */
#ifndef PIZZA_INVENTORY_STORE_H
#define PIZZA_INVENTORY_STORE_H

#include "core/db/db.h"
#include "daemons/inventory/rules.h"

/* --- a batch of events --- */

struct reservation {
	struct uuid order_id;
	enum reservation_state state;
	int64_t seq;	   /* of its last event */
	const char *lines; /* JSON; borrowed from the snapshot */
};

/* What a batch decides on.  `struct store_snapshot snap = {0};`, freed by store_snapshot_done. */
struct store_snapshot {
	struct reservation *reservations; /* ascending by order_id */
	int count;
	struct stock stock;
	struct db_result *reservation_rows, *level_rows;
};

/* Reads the orders' reservations, and locks them in id order, and all stock levels without locks: one round
 * trip. */
int store_load(struct db_conn *tx, const struct uuid *order_ids, int n, int low_percent,
	       struct store_snapshot *snap, struct error *err) MUST_USE;
/* Reads the stock levels anew. */
int store_load_stock(struct db_conn *tx, int low_percent, struct store_snapshot *snap,
		     struct error *err) MUST_USE;
/* The order's reservation, or NULL. */
const struct reservation *store_find(const struct store_snapshot *snap, struct uuid order_id);
void store_snapshot_done(struct store_snapshot *snap);

/*
 * Optimistic locking: writes the changed levels if no mentioned one has another version by now, else nothing
 * (then *ret_conflict).  Either way the mentioned rows stay locked, in id order, until the transaction ends,
 * so that a second decision on fresh levels prevails.
 */
int store_apply_stock(struct db_conn *tx, const struct stock *stock, bool *ret_conflict,
		      struct error *err) MUST_USE;

/* Changes of reservations, collected for one transaction.  `struct store_changes c = {0};` then
 * store_changes_init. */
struct store_changes {
	struct db_array new_ids, new_states, new_lines, new_seqs, new_reasons;
	struct db_array ids, states, seqs;
};
void store_changes_init(struct store_changes *c);
void store_changes_reset(struct store_changes *c);
void store_changes_done(struct store_changes *c);
/* reason may be NULL. */
void store_add_reservation(struct store_changes *c, struct uuid order_id, enum reservation_state state,
			   const char *lines, int64_t seq, const char *reason);
/* The reservation's next state; its number rises by one to seq. */
void store_change_reservation(struct store_changes *c, struct uuid order_id, enum reservation_state state,
			      int64_t seq);
/* ERR_TRANSIENT when someone else has written one of the reservations meanwhile. */
int store_write_reservations(struct db_conn *tx, const struct store_changes *c, struct error *err) MUST_USE;

#endif
