/*
 * The catalogue's SQL.  Functions that write run in the caller's open transaction.
 */
#ifndef PIZZA_MENU_STORE_H
#define PIZZA_MENU_STORE_H

#include "core/db/db.h"
#include "core/service/outbox.h"
#include "daemons/menu/rules.h"

enum menu_filter { MENU_ALL, MENU_AVAILABLE, MENU_UNAVAILABLE }; /* none shows deleted ones */

/*
 * Up to `limit` pizzas with ids after `after`, as menu_item_json; *ret_more tells whether further ones
 * follow. The list is owned by the caller.
 */
int menu_store_list(struct db_conn *c, enum menu_filter filter, const char *after, int limit, json_t **ret,
		    bool *ret_more, struct error *err) MUST_USE;
/* One pizza, also a deleted one, into an empty item; ERR_NOT_FOUND. */
int menu_store_get(struct db_conn *c, const char *pizza_id, struct menu_item *item,
		   struct error *err) MUST_USE;
/* The same, and locks its row until the transaction ends. */
int menu_store_lock(struct db_conn *tx, const char *pizza_id, struct menu_item *item,
		    struct error *err) MUST_USE;
/*
 * Writes the item as its next version and its MenuItemChanged to the outbox; fills in version and times.  The
 * row was locked, or is new: ERR_CONFLICT when someone else has made it meanwhile.
 */
int menu_store_save(struct db_conn *tx, struct menu_item *item, struct uuid correlation_id,
		    struct error *err) MUST_USE;
/* Fills an empty catalogue with the seeded pizzas, once however many replicas start; the number added. */
int menu_store_seed(struct db_conn *c, const char *currency, int *ret_added, struct error *err) MUST_USE;

#endif
