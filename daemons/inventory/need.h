/*
 * How much of each ingredient an order needs: its items by the recipes of the menu copy.
 */
#ifndef PIZZA_INVENTORY_NEED_H
#define PIZZA_INVENTORY_NEED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/error.h"
#include "core/service/menucopy.h"
#include "daemons/inventory/rules.h"

/* The recipes.  The pizza found is valid as long as the caller of the batch holds the menu. */
struct menu_view {
	const struct menu_pizza *(*find)(void *arg, const char *pizza_id); /* NULL: unknown */
	/* Is a version that the copy has not got yet waited for?  Else the recipe at hand is taken. */
	bool (*wait)(void *arg, const char *pizza_id, int64_t version);
	void *arg;
};

#define NEED_REASON_SIZE 160

/*
 * Fills need[] (one quantity for each level of the stock) from "items" of event_data.  reason becomes "", or
 * says why the order cannot be had at all (a pizza or an ingredient that nobody knows).  ERR_MALFORMED names
 * the item; ERR_NOT_YET: an item was ordered from a newer menu than ours.
 */
int need_of_items(const json_t *data, const struct stock *stock, const struct menu_view *menu, int64_t *need,
		  char reason[NEED_REASON_SIZE], struct error *err) MUST_USE;

/* Appends the need as JSON: [{"ingredient_id", "quantity"}], without what is 0. */
void need_write(const int64_t *need, const struct stock *stock, struct buf *out);
/* Reads that back. */
int need_read(const char *lines, const struct stock *stock, int64_t *need, struct error *err) MUST_USE;

#endif
