/*
 * A pizza of the catalogue, what a request may make of it, and how it is told.  Pure: no database, no clock.
 */
#ifndef PIZZA_MENU_RULES_H
#define PIZZA_MENU_RULES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/http/server.h"
#include "core/service/menucopy.h"

#define MENU_SLUG_MAX	     63
#define MENU_NAME_MAX	     120  /* characters */
#define MENU_DESCRIPTION_MAX 1000 /* characters */
#define MENU_RECIPE_MAX	     20	  /* lines */
#define MENU_QUANTITY_MAX    INT64_C(1000000)
#define MENU_BAKE_MIN_C	     150
#define MENU_BAKE_MAX_C	     400

/* `struct menu_item item = {0};` is an empty one. */
struct menu_item {
	char pizza_id[MENU_SLUG_MAX + 1];
	char *name;	   /* owned */
	char *description; /* owned */
	char currency[4];
	int64_t price[SIZE_COUNT]; /* minor units */
	bool available;
	bool deleted;
	int64_t version; /* 1, 2, 3 … : aggregate_seq of its events; 0: not stored yet */
	int64_t bake_c;	 /* the oven's temperature, °C */
	json_t *recipe;	 /* owned: [{"ingredient_id", "quantities": {"small", "medium", "large"}}] */
	int64_t created_us, updated_us;
	int64_t catalogue_size; /* pizzas in the catalogue, deleted ones included, when it was saved */
};
void menu_item_done(struct menu_item *item);

/* 1 to 63 of a-z, 0-9 and '-'. */
bool menu_slug_valid(const char *text);

/*
 * Makes an empty item the one that a POST describes; without "currency" it is sold in `currency`, and
 * "price_amount" alone is the price of every size.  Every bad field is noted in p; unknown fields are
 * ignored.
 */
void menu_item_create(struct menu_item *item, const json_t *body, const char *currency,
		      struct http_problems *p);
/* Changes what a PUT names and leaves the rest; "price_amount" is the price of the medium size. */
void menu_item_update(struct menu_item *item, const json_t *body, struct http_problems *p);

/*
 * The version that a request insists on: header If-Match (`"3"`, or NULL) or the body's "version" (body may
 * be NULL); 0: none.
 */
int64_t menu_version_wanted(const char *if_match, const json_t *body, struct http_problems *p);

/* The pizza as replies show it; owned by the caller. */
json_t *menu_item_json(const struct menu_item *item);
/* event_data of MenuItemChanged; owned by the caller. */
char *menu_item_event(const struct menu_item *item);

#endif
