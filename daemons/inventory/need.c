/*
 * Items and recipes to quantities.  Sums are bounded, so that no order overflows them.  No state; thread
 * safe.
 */
#include "daemons/inventory/need.h"

#include <stdio.h>
#include <string.h>

#include "core/base/json.h"

#define NEED_MAX INT64_C(1000000000000000) /* of one ingredient for one order */

/* Adds pizzas * each to the sum. */
static int add_quantity(int64_t *sum, int64_t pizzas, int64_t each, struct error *err)
{
	int64_t more;

	if (__builtin_mul_overflow(pizzas, each, &more) || __builtin_add_overflow(*sum, more, sum) ||
	    *sum > NEED_MAX)
		return error_set(err, ERR_MALFORMED, "items",
				 "need more of an ingredient than can be counted");
	return 0;
}

struct order_item {
	const char *pizza_id; /* borrowed */
	enum pizza_size size;
	int64_t quantity;
	int64_t menu_version; /* 0: not said */
};

static int read_item(const json_t *json, struct order_item *item, struct error *err)
{
	const char *size = json_string_or(json, "size", pizza_sizes[SIZE_MEDIUM]);
	int rc = json_get_string(json, "pizza_id", &item->pizza_id, err);

	if (rc == 0)
		rc = json_get_int(json, "quantity", &item->quantity, err);
	if (rc < 0)
		return rc;
	if (item->quantity < 1)
		return error_set(err, ERR_MALFORMED, "quantity", "must be at least 1");
	if (!pizza_size_parse(size, &item->size))
		return error_set(err, ERR_MALFORMED, "size", "%.20s is none", size);
	item->menu_version = json_int_or(json, "menu_version", 0);
	return 0;
}

static int add_recipe(const struct order_item *item, const struct menu_pizza *pizza,
		      const struct stock *stock, int64_t *need, char reason[NEED_REASON_SIZE],
		      struct error *err)
{
	for (int i = 0; i < pizza->line_count; i++) {
		const struct recipe_line *line = &pizza->lines[i];
		int level = stock_find(stock, line->ingredient_id);
		int rc;

		if (level < 0) {
			snprintf(reason, NEED_REASON_SIZE, "unknown ingredient: %s", line->ingredient_id);
			continue;
		}
		rc = add_quantity(&need[level], item->quantity, line->quantity[item->size], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int add_item(const json_t *json, const struct stock *stock, const struct menu_view *menu,
		    int64_t *need, char reason[NEED_REASON_SIZE], struct error *err)
{
	const struct menu_pizza *pizza;
	struct order_item item;
	int rc = read_item(json, &item, err);

	if (rc < 0)
		return rc;
	pizza = menu->find(menu->arg, item.pizza_id);
	if (item.menu_version > (pizza != NULL ? pizza->version : 0) &&
	    menu->wait(menu->arg, item.pizza_id, item.menu_version))
		return error_set(err, ERR_NOT_YET, "menu", "version %lld of %.63s has not been read yet",
				 (long long)item.menu_version, item.pizza_id);
	if (pizza == NULL) {
		snprintf(reason, NEED_REASON_SIZE, "unknown pizza: %s",
			 strlen(item.pizza_id) < sizeof(pizza->pizza_id) ? item.pizza_id
									 : "its id is too long");
		return 0;
	}
	return add_recipe(&item, pizza, stock, need, reason, err);
}

int need_of_items(const json_t *data, const struct stock *stock, const struct menu_view *menu, int64_t *need,
		  char reason[NEED_REASON_SIZE], struct error *err)
{
	const json_t *items = json_object_get(data, "items");
	size_t i;
	json_t *item;

	reason[0] = '\0';
	memset(need, 0, (size_t)stock->count * sizeof(*need));
	if (json_array_size(items) == 0)
		return error_set(err, ERR_MALFORMED, "items", "must be a list with at least one item");
	json_array_foreach (items, i, item) {
		int rc = add_item(item, stock, menu, need, reason, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

void need_write(const int64_t *need, const struct stock *stock, struct buf *out)
{
	const char *separator = "[";

	for (int i = 0; i < stock->count; i++) {
		const char *id = stock->levels[i].ingredient_id;

		if (need[i] == 0)
			continue;
		buf_adds(out, separator);
		buf_adds(out, "{\"ingredient_id\":");
		buf_add_json(out, id, strlen(id));
		buf_addf(out, ",\"quantity\":%lld}", (long long)need[i]);
		separator = ",";
	}
	buf_adds(out, separator[0] == '[' ? "[]" : "]");
}

int need_read(const char *lines, const struct stock *stock, int64_t *need, struct error *err)
{
	AUTO_JSON json_t *list = json_loads(lines, 0, NULL);
	size_t i;
	json_t *line;

	memset(need, 0, (size_t)stock->count * sizeof(*need));
	json_array_foreach (list, i, line) {
		int level = stock_find(stock, json_string_or(line, "ingredient_id", ""));

		if (level < 0)
			return error_set(err, ERR_BUG, "reservation",
					 "it holds an ingredient that is not in stock_levels");
		need[level] = json_int_or(line, "quantity", 0);
	}
	return 0;
}
