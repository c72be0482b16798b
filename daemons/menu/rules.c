/*
 * What may be in the catalogue.  Validation goes on after the first bad field, so that a reply names them
 * all. No state; thread safe.
 */
#include "daemons/menu/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/money.h"

void menu_item_done(struct menu_item *item)
{
	free(item->name);
	free(item->description);
	json_decref(item->recipe);
	*item = (struct menu_item){0};
}

bool menu_slug_valid(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n >= 1 && n <= MENU_SLUG_MAX && n == strlen(text);
}

/* --- single fields --- */

/* Characters of UTF-8 text, or -1 when there is a control character in it. */
static int text_length(const char *text)
{
	int n = 0;

	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
		if (*p < 0x20 || *p == 0x7f)
			return -1;
		if ((*p & 0xc0) != 0x80)
			n++;
	}
	return n;
}

static void read_text(const json_t *value, const char *field, int min, int max, char **text,
		      struct http_problems *p)
{
	int n;

	if (!json_is_string(value)) {
		http_problem(p, field, "must be a string");
		return;
	}
	n = text_length(json_string_value(value));
	if (n < min || n > max) {
		http_problem(p, field, "must have %d to %d characters and no control characters", min, max);
		return;
	}
	free(*text);
	*text = xstrdup(json_string_value(value));
}

static void read_bool(const json_t *value, const char *field, bool *ret, struct http_problems *p)
{
	if (json_is_boolean(value))
		*ret = json_is_true(value);
	else
		http_problem(p, field, "must be true or false");
}

static void read_int(const json_t *value, const char *field, int64_t max, int64_t *ret,
		     struct http_problems *p)
{
	int64_t n = json_is_integer(value) ? json_integer_value(value) : 0;

	if (n < 1 || n > max)
		http_problem(p, field, "must be an integer from 1 to %lld", (long long)max);
	else
		*ret = n;
}

static void read_bake(const json_t *value, int64_t *ret, struct http_problems *p)
{
	int64_t n = json_is_integer(value) ? json_integer_value(value) : 0;

	if (n < MENU_BAKE_MIN_C || n > MENU_BAKE_MAX_C)
		http_problem(p, "bake_temperature_c", "must be an integer from %d to %d", MENU_BAKE_MIN_C,
			     MENU_BAKE_MAX_C);
	else
		*ret = n;
}

static void read_currency(const json_t *value, char currency[4], struct http_problems *p)
{
	if (json_is_string(value) && money_currency_valid(json_string_value(value)))
		strcpy(currency, json_string_value(value));
	else
		http_problem(p, "currency", "must be three capital letters (ISO 4217)");
}

/* --- prices --- */

/* Members that are no sizes. */
static void check_sizes(const json_t *sizes, const char *name, struct http_problems *p)
{
	const char *member;
	json_t *value;

	json_object_foreach ((json_t *)sizes, member, value) {
		enum pizza_size size;
		char field[96];

		if (pizza_size_parse(member, &size))
			continue;
		snprintf(field, sizeof(field), "%s.%.40s", name, member);
		http_problem(p, field, "is no size; there are small, medium and large");
	}
}

static void read_prices(const json_t *prices, bool create, int64_t price[SIZE_COUNT], struct http_problems *p)
{
	char field[32];

	if (!json_is_object(prices)) {
		http_problem(p, "prices", "must be an object with small, medium and large");
		return;
	}
	check_sizes(prices, "prices", p);
	for (int i = 0; i < SIZE_COUNT; i++) {
		const json_t *value = json_object_get(prices, pizza_sizes[i]);

		if (value == NULL && !create)
			continue;
		snprintf(field, sizeof(field), "prices.%s", pizza_sizes[i]);
		read_int(value, field, MONEY_MAX, &price[i], p);
	}
}

static void read_price_amount(const json_t *body, bool create, int64_t price[SIZE_COUNT],
			      struct http_problems *p)
{
	const json_t *medium = json_object_get(json_object_get(body, "prices"), pizza_sizes[SIZE_MEDIUM]);
	int64_t amount = 0;

	read_int(json_object_get(body, "price_amount"), "price_amount", MONEY_MAX, &amount, p);
	if (amount == 0)
		return;
	if (medium != NULL && json_integer_value(medium) != amount)
		http_problem(p, "price_amount", "must equal prices.medium when both are given");
	else if (create && json_object_get(body, "prices") == NULL)
		price[SIZE_SMALL] = price[SIZE_MEDIUM] = price[SIZE_LARGE] = amount;
	else
		price[SIZE_MEDIUM] = amount;
}

/* --- the recipe --- */

static void read_quantities(const json_t *quantities, int line, json_t *out, struct http_problems *p)
{
	char field[64];

	snprintf(field, sizeof(field), "recipe[%d].quantities", line);
	if (!json_is_object(quantities)) {
		http_problem(p, field, "must be an object with small, medium and large");
		return;
	}
	check_sizes(quantities, field, p);
	for (int i = 0; i < SIZE_COUNT; i++) {
		int64_t n = 0;

		snprintf(field, sizeof(field), "recipe[%d].quantities.%s", line, pizza_sizes[i]);
		read_int(json_object_get(quantities, pizza_sizes[i]), field, MENU_QUANTITY_MAX, &n, p);
		json_object_set_new(out, pizza_sizes[i], json_integer(n));
	}
}

static bool recipe_has(const json_t *recipe, const char *ingredient_id)
{
	size_t i;
	json_t *line;

	json_array_foreach (recipe, i, line)
		if (strcmp(json_string_or(line, "ingredient_id", ""), ingredient_id) == 0)
			return true;
	return false;
}

static void read_recipe_line(const json_t *value, int line, json_t *recipe, struct http_problems *p)
{
	const char *ingredient_id = json_string_or(value, "ingredient_id", "");
	json_t *quantities = json_object();
	char field[64];

	snprintf(field, sizeof(field), "recipe[%d].ingredient_id", line);
	if (!menu_slug_valid(ingredient_id))
		http_problem(p, field, "must be 1 to %d of a-z, 0-9 and '-'", MENU_SLUG_MAX);
	else if (recipe_has(recipe, ingredient_id))
		http_problem(p, field, "%s is in the recipe already", ingredient_id);
	read_quantities(json_object_get(value, "quantities"), line, quantities, p);
	json_array_append_new(
	    recipe, json_pack("{s:s, s:o}", "ingredient_id", ingredient_id, "quantities", quantities));
}

static void read_recipe(const json_t *value, json_t **recipe, struct http_problems *p)
{
	size_t i;
	json_t *line;

	if (!json_is_array(value) || json_array_size(value) < 1 || json_array_size(value) > MENU_RECIPE_MAX) {
		http_problem(p, "recipe", "must be a list of 1 to %d ingredients", MENU_RECIPE_MAX);
		return;
	}
	json_decref(*recipe);
	*recipe = json_array();
	json_array_foreach (value, i, line)
		read_recipe_line(line, (int)i, *recipe, p);
}

/* --- whole requests --- */

/* Reads what is given; with create, what is required is read even when it is absent, and so refused. */
static void read_fields(struct menu_item *item, const json_t *body, bool create, struct http_problems *p)
{
	const json_t *description = json_object_get(body, "description");
	const json_t *currency = json_object_get(body, "currency");
	const json_t *available = json_object_get(body, "available");
	const json_t *prices = json_object_get(body, "prices");
	const json_t *bake = json_object_get(body, "bake_temperature_c");
	bool amount = json_object_get(body, "price_amount") != NULL;

	if (create || json_object_get(body, "name") != NULL)
		read_text(json_object_get(body, "name"), "name", 1, MENU_NAME_MAX, &item->name, p);
	if (description != NULL)
		read_text(description, "description", 0, MENU_DESCRIPTION_MAX, &item->description, p);
	if (prices != NULL || (create && !amount))
		read_prices(prices, create, item->price, p);
	if (amount)
		read_price_amount(body, create, item->price, p);
	if (currency != NULL)
		read_currency(currency, item->currency, p);
	if (available != NULL)
		read_bool(available, "available", &item->available, p);
	if (bake != NULL)
		read_bake(bake, &item->bake_c, p);
	if (create || json_object_get(body, "recipe") != NULL)
		read_recipe(json_object_get(body, "recipe"), &item->recipe, p);
}

void menu_item_create(struct menu_item *item, const json_t *body, const char *currency,
		      struct http_problems *p)
{
	const char *pizza_id = json_string_or(body, "pizza_id", "");

	if (menu_slug_valid(pizza_id))
		strcpy(item->pizza_id, pizza_id);
	else
		http_problem(p, "pizza_id", "must be 1 to %d of a-z, 0-9 and '-'", MENU_SLUG_MAX);
	item->description = xstrdup("");
	item->available = true;
	item->bake_c = MENU_BAKE_C;
	snprintf(item->currency, sizeof(item->currency), "%s", currency);
	read_fields(item, body, true, p);
}

void menu_item_update(struct menu_item *item, const json_t *body, struct http_problems *p)
{
	if (strcmp(json_string_or(body, "pizza_id", item->pizza_id), item->pizza_id) != 0)
		http_problem(p, "pizza_id", "cannot be changed");
	read_fields(item, body, false, p);
}

static int64_t version_of_header(const char *if_match, struct http_problems *p)
{
	const char *digits = if_match + strspn(if_match, "W/\" ");
	char *end;
	long long n;

	if (strcmp(if_match, "*") == 0)
		return 0;
	n = strtoll(digits, &end, 10);
	if (end == digits || n < 1 || end[strspn(end, "\" ")] != '\0')
		http_problem(p, "If-Match", "must be a version, as in \"3\"");
	return n;
}

int64_t menu_version_wanted(const char *if_match, const json_t *body, struct http_problems *p)
{
	const json_t *value = json_object_get(body, "version");
	int64_t version = 0;

	if (if_match != NULL)
		return version_of_header(if_match, p);
	if (value != NULL)
		read_int(value, "version", INT64_MAX, &version, p);
	return version;
}

/* --- telling --- */

static json_t *prices_json(const struct menu_item *item)
{
	json_t *prices = json_object();

	for (int i = 0; i < SIZE_COUNT; i++)
		json_object_set_new(prices, pizza_sizes[i], json_integer(item->price[i]));
	return prices;
}

/* The fields that replies and events share. */
static json_t *common_json(const struct menu_item *item)
{
	return json_pack("{s:s, s:s, s:s, s:I, s:o, s:s, s:b, s:b, s:I, s:O}", "pizza_id", item->pizza_id,
			 "name", item->name, "description", item->description, "price_amount",
			 (json_int_t)item->price[SIZE_MEDIUM], "prices", prices_json(item), "currency",
			 item->currency, "available", (int)item->available, "deleted", (int)item->deleted,
			 "bake_temperature_c", (json_int_t)item->bake_c, "recipe", item->recipe);
}

json_t *menu_item_json(const struct menu_item *item)
{
	json_t *json = common_json(item);
	char text[CLOCK_TEXT_SIZE];

	json_object_set_new(json, "version", json_integer(item->version));
	json_object_set_new(json, "created_at", json_string(clock_format(item->created_us, text)));
	json_object_set_new(json, "updated_at", json_string(clock_format(item->updated_us, text)));
	return json;
}

char *menu_item_event(const struct menu_item *item)
{
	AUTO_JSON json_t *json = common_json(item);

	json_object_set_new(json, "menu_version", json_integer(item->version));
	json_object_set_new(json, "catalogue_size", json_integer(item->catalogue_size));
	return json_text(json);
}
