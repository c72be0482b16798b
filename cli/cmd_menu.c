/*
 * pizzactl menu: the catalogue.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/human.h"
#include "cli/input.h"
#include "cli/resource.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/money.h"
#include "core/base/nearest.h"
#include "core/console/api.h"
#include "core/contract/pizza_size.h"

static int menu_ls(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};

	buf_adds(&path, "/api/v1/menu");
	api_query(&path, "status", cli_text(c, "status"));
	return resource_list(c, "menud", buf_str(&path), err);
}

static void add_path(struct cli *c, struct buf *path)
{
	buf_adds(path, "/api/v1/menu");
	api_segment(path, cli_argument(c, 0));
}

static int menu_show(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};

	add_path(c, &path);
	return resource_show(c, "menud", buf_str(&path), NULL, err);
}

static int menu_add(struct cli *c, struct error *err)
{
	json_t *pizza = NULL;
	int rc;

	if (cli_text(c, "file") == NULL) {
		error_set(err, ERR_USAGE, "menu add", "needs -f FILE");
		error_hint(err, "pizzactl menu show margherita -o json shows what a pizza looks like");
		return ERR_USAGE;
	}
	rc = input_object(cli_text(c, "file"), &pizza, err);
	return rc < 0 ? rc : cli_change(c, "POST", "menud", "/api/v1/menu", pizza, err);
}

/* true, false and numbers stand for themselves, everything else is text. */
static json_t *value_of(const char *text)
{
	char *end;
	long long n = strtoll(text, &end, 10);

	if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
		return json_boolean(*text == 't');
	return *text != '\0' && *end == '\0' ? json_integer(n) : json_string(text);
}

/* A pizza's members that can be changed: the service ignores what it does not know. */
static int check_member(const char *name, struct error *err)
{
	static const char *const members[] = {"name",	"description",	     "price_amount",
					      "prices", "currency",	     "available",
					      "recipe", "bake_temperature_c"};

	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (strcmp(name, members[i]) == 0)
			return 0;
	return nearest_refuse(ERR_USAGE, name, "is no member of a pizza", members, ARRAY_LEN(members), err);
}

/* A member of a member: prices alone has some. */
static int check_inner(const char *name, const char *inner, struct error *err)
{
	enum pizza_size size;

	if (strcmp(name, "prices") != 0)
		return error_set(err, ERR_USAGE, name, "has no member %.40s", inner);
	if (pizza_size_parse(inner, &size))
		return 0;
	return nearest_refuse(ERR_USAGE, inner, "is no size of a pizza", pizza_sizes, SIZE_COUNT, err);
}

/* MEMBER=VALUE; "prices.large=90000" sets a member of a member. */
static int set_member(json_t *body, const char *text, struct error *err)
{
	const char *equals = strchr(text, '=');
	AUTO_FREE char *name = NULL;
	char *dot;
	json_t *inner;
	int rc;

	if (equals == NULL || equals == text) {
		error_set(err, ERR_USAGE, text, "is no change");
		error_hint(
		    err,
		    "write MEMBER=VALUE, such as price_amount=65000, available=false or prices.large=90000");
		return ERR_USAGE;
	}
	name = xstrndup(text, (size_t)(equals - text));
	dot = strchr(name, '.');
	if (dot != NULL)
		*dot = '\0';
	rc = check_member(name, err);
	if (rc == 0 && dot != NULL)
		rc = check_inner(name, dot + 1, err);
	if (rc < 0)
		return rc;
	if (dot == NULL) {
		json_object_set_new(body, name, value_of(equals + 1));
		return 0;
	}
	inner = json_object_get(body, name);
	if (!json_is_object(inner)) {
		inner = json_object();
		json_object_set_new(body, name, inner);
	}
	json_object_set_new(inner, dot + 1, value_of(equals + 1));
	return 0;
}

static int menu_set(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};
	json_t *body = json_object();
	int rc = 0;

	for (int i = 1; i < cli_arguments(c) && rc == 0; i++)
		rc = set_member(body, cli_argument(c, i), err);
	if (rc < 0) {
		json_decref(body);
		return rc;
	}
	add_path(c, &path);
	return cli_change(c, "PUT", "menud", buf_str(&path), body, err);
}

static int menu_rm(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};

	add_path(c, &path);
	return cli_change(c, "DELETE", "menud", buf_str(&path), NULL, err);
}

/* "small 180, medium 250, large 350" of a member; as money when there is a currency. */
static void add_sizes(const json_t *row, const char *member, const char *currency, struct buf *out)
{
	json_t *sizes = json_object_get(row, member), *value;
	char text[MONEY_TEXT_SIZE];
	const char *size, *separator = "";

	json_object_foreach (sizes, size, value) {
		int64_t n = json_integer_value(value);

		buf_adds(out, separator);
		human_safe(out, size, strlen(size));
		if (currency != NULL)
			buf_addf(out, " %s", money_format(n, currency, text));
		else
			buf_addf(out, " %lld", (long long)n);
		separator = ", ";
	}
}

static void add_prices(const json_t *row, struct buf *out)
{
	add_sizes(row, "prices", json_string_or(row, "currency", ""), out);
}

static void add_quantities(const json_t *row, struct buf *out)
{
	add_sizes(row, "quantities", NULL, out);
}

static void add_oven(const json_t *row, struct buf *out)
{
	buf_addf(out, "%lld °C", (long long)json_int_or(row, "bake_temperature_c", 0));
}

static const struct column list_columns[] = {
    {.name = "pizza_id", .title = "pizza", .flags = COLUMN_ID, .text = "the pizza's id"},
    {.name = "name", .text = "what customers see"},
    {.name = "price_amount",
     .title = "price",
     .kind = COLUMN_MONEY,
     .text = "of a medium one, in minor units"},
    {.name = "currency", .flags = COLUMN_MACHINE, .text = "ISO 4217"},
    {.name = "available", .kind = COLUMN_BOOL, .text = "it can be ordered"},
    {.name = "description", .text = "what is on it"},
    {.name = "version", .kind = COLUMN_INT, .flags = COLUMN_WIDE, .text = "rises with every change"},
    {.name = "updated_at",
     .title = "updated",
     .kind = COLUMN_TIME,
     .flags = COLUMN_WIDE,
     .text = "latest change"},
    {.name = NULL},
};

static const struct column recipe_columns[] = {
    {.name = "ingredient_id", .title = "ingredient"},
    {.name = "quantities", .kind = COLUMN_JSON, .human = add_quantities},
    {.name = NULL},
};

static const struct column show_columns[] = {
    {.name = "pizza_id", .title = "pizza", .flags = COLUMN_ID, .text = "the pizza's id"},
    {.name = "name", .text = "what customers see"},
    {.name = "description", .text = "what is on it"},
    {.name = "price_amount",
     .title = "price",
     .kind = COLUMN_MONEY,
     .text = "of a medium one, in minor units"},
    {.name = "prices", .kind = COLUMN_JSON, .human = add_prices, .text = "by size"},
    {.name = "currency", .flags = COLUMN_MACHINE, .text = "ISO 4217"},
    {.name = "available", .kind = COLUMN_BOOL, .text = "it can be ordered"},
    {.name = "bake_temperature_c",
     .title = "baked at",
     .kind = COLUMN_INT,
     .human = add_oven,
     .text = "the oven's temperature"},
    {.name = "version", .kind = COLUMN_INT, .text = "rises with every change"},
    {.name = "created_at", .title = "created", .kind = COLUMN_TIME, .text = "when it came onto the menu"},
    {.name = "updated_at", .title = "updated", .kind = COLUMN_TIME, .text = "latest change"},
    {.name = "recipe", .kind = COLUMN_JSON, .nested = recipe_columns, .text = "ingredients by size"},
    {.name = NULL},
};

static const char *const status_words[] = {"available", "unavailable", NULL};

static const struct option_def ls_options[] = {
    {.name = "status", .kind = VALUE_WORD, .value = "STATUS", .text = "only these", .words = status_words},
    {.name = NULL},
};

static const struct option_def add_options[] = {
    {.name = "file",
     .letter = 'f',
     .kind = VALUE_TEXT,
     .value = "FILE",
     .text = "the pizza as JSON; -: stdin"},
    {.name = NULL},
};

static const struct argument_def pizza_argument[] = {
    {.name = "PIZZA", .text = "a pizza's id, such as margherita"},
    {.name = NULL},
};

static const struct argument_def set_arguments[] = {
    {.name = "PIZZA", .text = "a pizza's id"},
    {.name = "MEMBER=VALUE",
     .text = "name, description, price_amount, prices.SIZE or available",
     .repeat = true},
    {.name = NULL},
};

const struct noun noun_menu = {
    .name = "menu",
    .group = "data",
    .summary = "the catalogue of pizzas",
    .commands =
	(const struct command[]){
	    {.verb = "ls",
	     .summary = "list the pizzas",
	     .options = ls_options,
	     .columns = list_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl menu ls"},
	     .run = menu_ls},
	    {.verb = "show",
	     .summary = "show a pizza with its recipe",
	     .arguments = pizza_argument,
	     .columns = show_columns,
	     .shape = SHAPE_SHOW,
	     .examples = {"pizzactl menu show margherita"},
	     .run = menu_show},
	    {.verb = "add",
	     .summary = "put a pizza on the menu",
	     .options = add_options,
	     .columns = show_columns,
	     .shape = SHAPE_SHOW,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl menu add -f calzone.json"},
	     .run = menu_add},
	    {.verb = "set",
	     .summary = "change a pizza",
	     .arguments = set_arguments,
	     .columns = show_columns,
	     .shape = SHAPE_SHOW,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl menu set diavola available=false",
			  "pizzactl menu set diavola prices.large=95000"},
	     .run = menu_set},
	    {.verb = "rm",
	     .summary = "take a pizza off the menu",
	     .arguments = pizza_argument,
	     .columns = show_columns,
	     .shape = SHAPE_SHOW,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl menu rm hawaiian"},
	     .run = menu_rm},
	    {.run = NULL},
	},
};
