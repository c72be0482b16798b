/*
 * Stock.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "tui/screen.h"

static int restock(struct console *c, const struct action_call *call, struct buf *said, struct error *err)
{
	const char *text = call->value;

	(void)said;
	if (*text == '\0' || strspn(text, "0123456789") != strlen(text) || strlen(text) > 18)
		return error_set(err, ERR_USAGE, text,
				 "is no quantity: a whole number of the ingredient's unit");
	return action_post(c, "inventoryd", "/api/v1/inventory/{ingredient_id}/restock", call->row,
			   json_pack("{s:I}", "quantity", (json_int_t)strtoll(text, NULL, 10)), err);
}

static const struct action actions[] = {{.key = '+',
					 .name = "restock",
					 .text = "adds what was delivered",
					 .command = "inventory restock {ingredient_id} {value}",
					 .prompt = "how much, in its unit",
					 .changes = true,
					 .run = restock},
					{.name = NULL}};

/* A word, as the figures alone do not tell. */
static void add_low(const struct model *m, const json_t *row, struct buf *out)
{
	(void)m;
	buf_adds(out, json_bool_or(row, "low", false) ? "low" : "enough");
}

static const struct list_column columns[] = {
    {.name = "ingredient_id", .title = "ingredient", .max = 24},
    {.name = "available", .format = VALUE_AS_INT},
    {.name = "unit", .drop = 3},
    {.name = "low", .title = "stock", .human = add_low},
    {.name = "on_hand", .title = "on hand", .format = VALUE_AS_INT, .drop = 4},
    {.name = "reserved", .format = VALUE_AS_INT, .drop = 1},
    {.name = "consumed", .format = VALUE_AS_INT, .drop = 2},
    {.name = "low_threshold", .title = "low below", .format = VALUE_AS_INT, .drop = 5},
    {.name = "name", .drop = 6},
    {.name = NULL},
};

const struct screen screen_inventory = {
    .name = "inventory",
    .text = "ingredients in stock",
    .key = 'I',
    .feeds = FEED_BIT(INVENTORY),
    .main = FEED_INVENTORY,
    .id = "ingredient_id",
    .columns = columns,
    .empty = "there is no stock",
    .actions = actions,
};
