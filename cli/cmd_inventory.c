/*
 * pizzactl inventory: ingredients in stock, and what is held for whom.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/resource.h"
#include "core/base/mem.h"
#include "core/console/api.h"

static int inventory_ls(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};

	buf_adds(&path, "/api/v1/inventory");
	api_query(&path, "status", cli_flag(c, "low") ? "low" : NULL);
	return resource_list(c, "inventoryd", buf_str(&path), err);
}

static int inventory_show(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};

	buf_adds(&path, "/api/v1/inventory");
	api_segment(&path, cli_argument(c, 0));
	return resource_show(c, "inventoryd", buf_str(&path), NULL, err);
}

static bool is_quantity(const char *text)
{
	return strspn(text, "0123456789") == strlen(text) && strlen(text) <= 18 &&
	       strtoll(text, NULL, 10) > 0;
}

static int inventory_restock(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};
	const char *text = cli_argument(c, 1);

	if (!is_quantity(text))
		return error_set(
		    err, ERR_USAGE, text,
		    "is no quantity: it must be a positive whole number of the ingredient's unit");
	buf_adds(&path, "/api/v1/inventory");
	api_segment(&path, cli_argument(c, 0));
	buf_adds(&path, "/restock");
	return cli_change(c, "POST", "inventoryd", buf_str(&path),
			  json_pack("{s:I}", "quantity", (json_int_t)strtoll(text, NULL, 10)), err);
}

static int inventory_reservations(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};
	int rc;

	buf_adds(&path, "/api/v1/inventory/reservations");
	api_query(&path, "status", cli_text(c, "state"));
	rc = cli_order_query(c, &path, err);
	return rc < 0 ? rc : resource_list(c, "inventoryd", buf_str(&path), err);
}

static const struct column stock_columns[] = {
    {.name = "ingredient_id", .title = "ingredient", .flags = COLUMN_ID, .text = "the ingredient's id"},
    {.name = "name", .flags = COLUMN_WIDE, .text = "its name"},
    {.name = "available", .kind = COLUMN_INT, .text = "can still be reserved"},
    {.name = "on_hand", .title = "on hand", .kind = COLUMN_INT, .text = "in stock and not held for an order"},
    {.name = "reserved", .kind = COLUMN_INT, .text = "held for orders"},
    {.name = "consumed", .kind = COLUMN_INT, .text = "went into the oven"},
    {.name = "unit", .text = "g or ml"},
    {.name = "low_threshold", .title = "low below", .kind = COLUMN_INT, .text = "StockLow is sent below it"},
    {.name = "low", .kind = COLUMN_BOOL, .text = "it is below"},
    {.name = NULL},
};

static const struct column reservation_columns[] = {
    {.name = "order_id", .title = "order", .flags = COLUMN_ID, .text = "for whom"},
    {.name = "state", .kind = COLUMN_STATE, .text = "reserved, rejected, released, consumed or cancelled"},
    {.name = "created_at", .title = "created", .kind = COLUMN_TIME, .text = "when it was asked for"},
    {.name = "updated_at", .title = "updated", .kind = COLUMN_TIME, .text = "latest change"},
    {.name = "reason", .text = "why it was rejected"},
    {.name = "lines", .kind = COLUMN_JSON, .flags = COLUMN_MACHINE, .text = "ingredients and quantities"},
    {.name = NULL},
};

static const char *const state_words[] = {"reserved", "rejected", "released", "consumed", "cancelled", NULL};

static const struct option_def ls_options[] = {
    {.name = "low", .kind = VALUE_FLAG, .text = "only what falls short"},
    {.name = NULL},
};

static const struct option_def reservation_options[] = {
    {.name = "state", .kind = VALUE_WORD, .value = "STATE", .text = "only those in it", .words = state_words},
    OPTION_ORDER,
    {.name = NULL},
};

static const struct argument_def ingredient_argument[] = {
    {.name = "INGREDIENT", .text = "an ingredient's id, such as mozzarella"},
    {.name = NULL},
};

static const struct argument_def restock_arguments[] = {
    {.name = "INGREDIENT", .text = "an ingredient's id, such as mozzarella"},
    {.name = "QTY", .text = "how much was delivered, in the ingredient's unit"},
    {.name = NULL},
};

const struct noun noun_inventory = {
    .name = "inventory",
    .group = "data",
    .summary = "ingredients in stock, and what is held for whom",
    .commands =
	(const struct command[]){
	    {.verb = "ls",
	     .summary = "list the ingredients",
	     .options = ls_options,
	     .columns = stock_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl inventory ls --sort available"},
	     .run = inventory_ls},
	    {.verb = "show",
	     .summary = "show one ingredient",
	     .arguments = ingredient_argument,
	     .columns = stock_columns,
	     .shape = SHAPE_SHOW,
	     .examples = {"pizzactl inventory show mozzarella"},
	     .run = inventory_show},
	    {.verb = "restock",
	     .summary = "book a delivery",
	     .arguments = restock_arguments,
	     .columns = stock_columns,
	     .shape = SHAPE_SHOW,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl inventory restock mozzarella 50000 --reason 'Tuesday delivery'"},
	     .run = inventory_restock},
	    {.verb = "reservations",
	     .summary = "list what is held for orders",
	     .options = reservation_options,
	     .columns = reservation_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl inventory reservations --state reserved --limit 20"},
	     .run = inventory_reservations},
	    {.run = NULL},
	},
};
