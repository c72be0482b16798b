/*
 * What operators see and do: ingredients with their levels, deliveries, lists of reservations.
 */
#ifndef PIZZA_INVENTORY_SHELF_H
#define PIZZA_INVENTORY_SHELF_H

#include <jansson.h>

#include "core/db/db.h"
#include "core/service/audit.h"

#define RESTOCK_MAX	   INT64_C(1000000000000)
#define RESTOCK_REASON_MAX 500 /* bytes */
#define RESTOCK_KEY_MAX	   255 /* bytes */

/* Lists: up to `limit` rows as JSON; *ret_more tells whether further ones follow.  The list is owned by the
 * caller. */
struct shelf_page {
	const char *status; /* NULL: all; ingredients: "low" or "ok"; reservations: a state */
	const char *
	    cursor; /* after (ingredients) or before (reservations: newest first) this id; "" for the start */
	int limit;
};
int shelf_list(struct db_conn *c, const struct shelf_page *page, int low_percent, json_t **ret,
	       bool *ret_more, struct error *err) MUST_USE;
/* status is a state's word. */
int shelf_reservations(struct db_conn *c, const struct shelf_page *page, json_t **ret, bool *ret_more,
		       struct error *err) MUST_USE;
/* The reservation of one order, as a list of one or none. */
int shelf_reservation(struct db_conn *c, struct uuid order_id, json_t **ret, struct error *err) MUST_USE;
/* One ingredient; ERR_NOT_FOUND. */
int shelf_get(struct db_conn *c, const char *ingredient_id, int low_percent, json_t **ret,
	      struct error *err) MUST_USE;

struct restock {
	const char *ingredient_id;
	int64_t quantity;
	const char *reason;
	const char *idempotency_key; /* NULL: none */
	struct uuid correlation_id;
	const struct audit_entry *audit; /* written with it; NULL: none */
};
/*
 * Books a delivery and tells of it, in a transaction of its own; the ingredient as it is then, as text.  The
 * same key with the same delivery gives the first reply again, with another one ERR_INVALID, while the first
 * is under way ERR_CONFLICT.
 */
int shelf_restock(struct db_conn *c, const struct restock *d, int low_percent, char **ret_reply,
		  struct error *err) MUST_USE;

#endif
