/*
 * A daemon's own copy of the menu, read from menu-events by each replica without a group: kept in the table
 * menu_copy of its database (so that a restart works while Kafka is down) and in memory.  The condition
 * "menu" is ok once the topic has been read to its end, or the table had a copy.
 */
#ifndef PIZZA_SERVICE_MENUCOPY_H
#define PIZZA_SERVICE_MENUCOPY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/contract/pizza_size.h"

struct service;
struct menucopy;

#define MENU_BAKE_C 320 /* where the menu does not say at which temperature a pizza is baked */

struct recipe_line {
	char ingredient_id[64];
	int64_t quantity[SIZE_COUNT]; /* per pizza, in the ingredient's unit (grams, millilitres, pieces) */
};

struct menu_pizza {
	char pizza_id[64];
	char name[512];
	char currency[4];
	int64_t price[SIZE_COUNT]; /* minor units */
	int bake_c;		   /* the oven's temperature, °C */
	int64_t version;	   /* aggregate_seq of the MenuItemChanged that told of it */
	bool available;		   /* false also when deleted */
	int line_count;
	struct recipe_line *lines;
};

/* Loads the table, starts the reader's thread.  Call from start(). */
int menucopy_start(struct service *s, struct menucopy **ret, struct error *err) MUST_USE;
/* The pizza, or NULL.  Valid until menucopy_unlock; take the lock around one request or batch. */
void menucopy_lock(struct menucopy *m); /* shared */
const struct menu_pizza *menucopy_find(const struct menucopy *m, const char *pizza_id);
/* The id of an available pizza that is spelt like this one, or NULL.  Borrowed as above. */
const char *menucopy_nearest(const struct menucopy *m, const char *pizza_id);
void menucopy_unlock(struct menucopy *m);
void menucopy_stop(struct menucopy *m);

#endif
