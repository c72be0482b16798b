/*
 * The catalogue's validation: what may be written, and that a refusal names every bad field.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/money.h"
#include "daemons/menu/rules.c"
#include "daemons/menu/seed.c"

#define RECIPE                                                                                             \
	"\"recipe\":[{\"ingredient_id\":\"dough\",\"quantities\":{\"small\":180,\"medium\":250,\"large\":" \
	"350}}]"
#define GOOD "\"pizza_id\":\"calzone\",\"name\":\"Calzone\",\"price_amount\":45000," RECIPE

struct attempt {
	struct menu_item item;
	struct http_problems problems;
};

static void attempt_done(struct attempt *a)
{
	menu_item_done(&a->item);
	json_decref(a->problems.list);
}

static json_t *parse(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	return json;
}

static struct attempt create(const char *text)
{
	AUTO_JSON json_t *body = parse(text);
	struct attempt a = {0};

	menu_item_create(&a.item, body, "RUB", &a.problems);
	return a;
}

/* An update of a valid pizza. */
static struct attempt update(const char *text)
{
	AUTO_JSON json_t *body = parse(text);
	struct attempt a = create("{" GOOD "}");

	assert_null(a.problems.list);
	a.item.version = 4;
	menu_item_update(&a.item, body, &a.problems);
	return a;
}

static bool names(const struct attempt *a, const char *field)
{
	size_t i;
	json_t *problem;

	json_array_foreach (a->problems.list, i, problem)
		if (strcmp(json_string_or(problem, "field", ""), field) == 0)
			return true;
	return false;
}

static void test_slug(void **state)
{
	char text[MENU_SLUG_MAX + 2];

	(void)state;
	assert_true(menu_slug_valid("margherita"));
	assert_true(menu_slug_valid("quattro-formaggi-4"));
	assert_false(menu_slug_valid(""));
	assert_false(menu_slug_valid("Margherita"));
	assert_false(menu_slug_valid("mar gherita"));
	assert_false(menu_slug_valid("пицца"));
	memset(text, 'a', sizeof(text));
	text[MENU_SLUG_MAX + 1] = '\0';
	assert_false(menu_slug_valid(text));
	text[MENU_SLUG_MAX] = '\0';
	assert_true(menu_slug_valid(text));
}

static void test_create(void **state)
{
	CLEANUP(attempt_done) struct attempt a = create("{" GOOD ",\"colour\":\"red\"}");

	(void)state;
	assert_null(a.problems.list);
	assert_string_equal(a.item.pizza_id, "calzone");
	assert_string_equal(a.item.name, "Calzone");
	assert_string_equal(a.item.description, "");
	assert_string_equal(a.item.currency, "RUB");
	assert_true(a.item.available);
	assert_int_equal(a.item.bake_c, MENU_BAKE_C);
	for (int i = 0; i < SIZE_COUNT; i++)
		assert_int_equal(a.item.price[i], 45000);
}

static void test_create_with_prices(void **state)
{
	CLEANUP(attempt_done)
	struct attempt a =
	    create("{\"pizza_id\":\"x\",\"name\":\"X\",\"currency\":\"EUR\",\"available\":false,"
		   "\"prices\":{\"small\":1,\"medium\":2,\"large\":3},\"price_amount\":2," RECIPE "}");

	(void)state;
	assert_null(a.problems.list);
	assert_int_equal(a.item.price[SIZE_SMALL], 1);
	assert_int_equal(a.item.price[SIZE_MEDIUM], 2);
	assert_int_equal(a.item.price[SIZE_LARGE], 3);
	assert_string_equal(a.item.currency, "EUR");
	assert_false(a.item.available);
}

static void test_bake_temperature(void **state)
{
	CLEANUP(attempt_done) struct attempt a = create("{" GOOD ",\"bake_temperature_c\":280}");
	CLEANUP(attempt_done) struct attempt cold = create("{" GOOD ",\"bake_temperature_c\":149}");
	CLEANUP(attempt_done) struct attempt word = create("{" GOOD ",\"bake_temperature_c\":\"hot\"}");

	(void)state;
	assert_null(a.problems.list);
	assert_int_equal(a.item.bake_c, 280);
	assert_true(names(&cold, "bake_temperature_c"));
	assert_true(names(&word, "bake_temperature_c"));
}

static void test_create_names_all_that_is_missing(void **state)
{
	CLEANUP(attempt_done) struct attempt a = create("{}");

	(void)state;
	assert_true(names(&a, "pizza_id"));
	assert_true(names(&a, "name"));
	assert_true(names(&a, "prices"));
	assert_true(names(&a, "recipe"));
	assert_int_equal(json_array_size(a.problems.list), 4);
}

static void test_bad_fields(void **state)
{
	static const struct {
		const char *text, *field;
	} cases[] = {
	    {"{\"name\":\"\"}", "name"},
	    {"{\"name\":7}", "name"},
	    {"{\"name\":\"a\\u0007b\"}", "name"},
	    {"{\"description\":[]}", "description"},
	    {"{\"currency\":\"rub\"}", "currency"},
	    {"{\"currency\":null}", "currency"},
	    {"{\"available\":\"yes\"}", "available"},
	    {"{\"pizza_id\":\"other\"}", "pizza_id"},
	    {"{\"prices\":7}", "prices"},
	    {"{\"prices\":{\"small\":0}}", "prices.small"},
	    {"{\"prices\":{\"medium\":-5}}", "prices.medium"},
	    {"{\"prices\":{\"large\":1000000000001}}", "prices.large"},
	    {"{\"prices\":{\"large\":1.5}}", "prices.large"},
	    {"{\"price_amount\":\"450\"}", "price_amount"},
	    {"{\"price_amount\":5,\"prices\":{\"medium\":6}}", "price_amount"},
	    {"{\"recipe\":[]}", "recipe"},
	    {"{\"recipe\":{}}", "recipe"},
	    {"{\"recipe\":[7]}", "recipe[0].ingredient_id"},
	    {"{\"recipe\":[{\"ingredient_id\":\"dough\"}]}", "recipe[0].quantities"},
	    {"{\"recipe\":[{\"ingredient_id\":\"Dough\",\"quantities\":{}}]}", "recipe[0].ingredient_id"},
	    {"{\"recipe\":[{\"ingredient_id\":\"dough\",\"quantities\":{\"small\":1,\"medium\":0,\"large\":1}"
	     "}]}",
	     "recipe[0].quantities.medium"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(attempt_done) struct attempt a = update(cases[i].text);

		if (!names(&a, cases[i].field))
			fail_msg("%s: %s was not named", cases[i].text, cases[i].field);
	}
}

static void test_lengths_are_characters(void **state)
{
	char text[64 + 3 * MENU_NAME_MAX];
	char name[3 * MENU_NAME_MAX] = "";

	(void)state;
	for (int i = 0; i < MENU_NAME_MAX; i++)
		strcat(name, "ж");
	snprintf(text, sizeof(text), "{\"name\":\"%s\"}", name);
	CLEANUP(attempt_done) struct attempt fits = update(text);
	assert_null(fits.problems.list);
	assert_string_equal(fits.item.name, name);
	snprintf(text, sizeof(text), "{\"name\":\"%sx\"}", name);
	CLEANUP(attempt_done) struct attempt too_long = update(text);
	assert_true(names(&too_long, "name"));
}

static void test_recipe_lines(void **state)
{
	CLEANUP(buf_done) struct buf text = {0};

	(void)state;
	CLEANUP(attempt_done)
	struct attempt twice = update(
	    "{\"recipe\":[{\"ingredient_id\":\"a\",\"quantities\":{\"small\":1,\"medium\":1,\"large\":1}},"
	    "{\"ingredient_id\":\"a\",\"quantities\":{\"small\":1,\"medium\":1,\"large\":1}}]}");
	assert_true(names(&twice, "recipe[1].ingredient_id"));
	buf_adds(&text, "{\"recipe\":[");
	for (int i = 0; i <= MENU_RECIPE_MAX; i++) {
		buf_adds(&text, i > 0 ? "," : "");
		buf_addf(&text,
			 "{\"ingredient_id\":\"i%d\",\"quantities\":{\"small\":1,\"medium\":1,\"large\":1}}",
			 i);
	}
	buf_adds(&text, "]}");
	CLEANUP(attempt_done) struct attempt many = update(buf_str(&text));
	assert_true(names(&many, "recipe"));
}

static void test_update_leaves_the_rest(void **state)
{
	CLEANUP(attempt_done) struct attempt a = update("{\"price_amount\":50000,\"available\":false}");

	(void)state;
	assert_null(a.problems.list);
	assert_string_equal(a.item.name, "Calzone");
	assert_int_equal(a.item.price[SIZE_SMALL], 45000);
	assert_int_equal(a.item.price[SIZE_MEDIUM], 50000);
	assert_int_equal(a.item.price[SIZE_LARGE], 45000);
	assert_false(a.item.available);
	assert_int_equal(json_array_size(a.item.recipe), 1);
}

static void test_version_wanted(void **state)
{
	AUTO_JSON json_t *body = parse("{\"version\":7}");
	AUTO_JSON json_t *bad = parse("{\"version\":\"x\"}");
	struct http_problems none = {0}, some = {0};

	(void)state;
	assert_int_equal(menu_version_wanted(NULL, NULL, &none), 0);
	assert_int_equal(menu_version_wanted(NULL, body, &none), 7);
	assert_int_equal(menu_version_wanted("\"3\"", body, &none), 3);
	assert_int_equal(menu_version_wanted("W/\"12\"", NULL, &none), 12);
	assert_int_equal(menu_version_wanted("5", NULL, &none), 5);
	assert_int_equal(menu_version_wanted("*", NULL, &none), 0);
	assert_null(none.list);
	menu_version_wanted("\"abc\"", NULL, &some);
	menu_version_wanted("\"-1\"", NULL, &some);
	menu_version_wanted("3x", NULL, &some);
	menu_version_wanted(NULL, bad, &some);
	assert_int_equal(json_array_size(some.list), 4);
	json_decref(some.list);
}

static void test_event(void **state)
{
	CLEANUP(attempt_done) struct attempt a = update("{}");
	AUTO_FREE char *text = menu_item_event(&a.item);
	AUTO_JSON json_t *data = parse(text);

	(void)state;
	assert_string_equal(json_string_or(data, "pizza_id", ""), "calzone");
	assert_int_equal(json_int_or(data, "menu_version", 0), 4);
	assert_int_equal(json_int_or(data, "price_amount", 0), 45000);
	assert_int_equal(json_int_or(json_object_get(data, "prices"), "large", 0), 45000);
	assert_true(json_bool_or(data, "available", false));
	assert_false(json_bool_or(data, "deleted", true));
	assert_int_equal(json_array_size(json_object_get(data, "recipe")), 1);
}

/* What is seeded would also be accepted from an operator. */
static void test_seed_is_valid(void **state)
{
	(void)state;
	for (int i = 0; i < MENU_SEED_COUNT; i++) {
		CLEANUP(menu_item_done) struct menu_item item = {0};
		CLEANUP(attempt_done) struct attempt again = {0};
		AUTO_JSON json_t *json = NULL;

		menu_seed_item(i, "RUB", &item);
		json = menu_item_json(&item);
		menu_item_create(&again.item, json, "EUR", &again.problems);
		if (again.problems.list != NULL)
			fail_msg("%s is not valid", item.pizza_id);
		assert_string_equal(again.item.currency, "RUB");
		assert_true(json_equal(again.item.recipe, item.recipe));
		assert_true(item.price[SIZE_SMALL] < item.price[SIZE_MEDIUM] &&
			    item.price[SIZE_MEDIUM] < item.price[SIZE_LARGE]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_slug),
	    cmocka_unit_test(test_create),
	    cmocka_unit_test(test_create_with_prices),
	    cmocka_unit_test(test_bake_temperature),
	    cmocka_unit_test(test_create_names_all_that_is_missing),
	    cmocka_unit_test(test_bad_fields),
	    cmocka_unit_test(test_lengths_are_characters),
	    cmocka_unit_test(test_recipe_lines),
	    cmocka_unit_test(test_update_leaves_the_rest),
	    cmocka_unit_test(test_version_wanted),
	    cmocka_unit_test(test_event),
	    cmocka_unit_test(test_seed_is_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
