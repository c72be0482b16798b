/*
 * The seeded pizzas.  Quantities are per pizza, small, medium, large, in grams or (sauce and oil)
 * millilitres. inventoryd's first migration has every ingredient named here, in an amount that lasts for a
 * million large pizzas of any one kind.  No state; thread safe.
 */
#include "daemons/menu/seed.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"

#define INGREDIENTS_MAX 8

struct seed_line {
	const char *ingredient_id; /* NULL: the recipe ends */
	int small, medium, large;
};

struct seed {
	const char *pizza_id, *name, *description;
	int price[SIZE_COUNT];
	int bake_c; /* 0: MENU_BAKE_C */
	struct seed_line recipe[INGREDIENTS_MAX];
};

#define DOUGH	  "dough", 180, 250, 350
#define SAUCE	  "tomato-sauce", 60, 80, 120
#define OLIVE_OIL "olive-oil", 5, 8, 12

static const struct seed seeds[MENU_SEED_COUNT] = {
    {"margherita",
     "Margherita",
     "Tomato sauce, mozzarella, basil",
     {39000, 49000, 64000},
     0,
     {{DOUGH}, {SAUCE}, {"mozzarella", 90, 125, 180}, {"basil", 4, 6, 8}, {OLIVE_OIL}}},
    {"marinara",
     "Marinara",
     "Tomato sauce, garlic, basil, olive oil; no cheese",
     {33000, 42000, 55000},
     0,
     {{DOUGH},
      {"tomato-sauce", 80, 110, 160},
      {"garlic", 4, 6, 8},
      {"basil", 3, 4, 6},
      {"olive-oil", 8, 12, 18}}},
    {"pepperoni",
     "Pepperoni",
     "Tomato sauce, mozzarella, pepperoni",
     {47000, 59000, 77000},
     0,
     {{DOUGH}, {SAUCE}, {"mozzarella", 80, 115, 165}, {"pepperoni", 45, 65, 90}}},
    {"diavola",
     "Diavola",
     "Tomato sauce, mozzarella, spicy salami, olives",
     {49000, 62000, 81000},
     0,
     {{DOUGH},
      {SAUCE},
      {"mozzarella", 80, 110, 160},
      {"spicy-salami", 45, 65, 90},
      {"olives", 15, 20, 30},
      {OLIVE_OIL}}},
    {"quattro-formaggi",
     "Quattro formaggi",
     "Mozzarella, gorgonzola, parmesan on a white base",
     {52000, 66000, 86000},
     300,
     {{DOUGH},
      {"mozzarella", 100, 140, 200},
      {"gorgonzola", 30, 45, 60},
      {"parmesan", 20, 30, 40},
      {OLIVE_OIL}}},
    {"hawaiian",
     "Hawaiian",
     "Tomato sauce, mozzarella, ham, pineapple",
     {46000, 58000, 75000},
     0,
     {{DOUGH}, {SAUCE}, {"mozzarella", 80, 110, 160}, {"ham", 40, 60, 80}, {"pineapple", 50, 70, 100}}},
    {"capricciosa",
     "Capricciosa",
     "Tomato sauce, mozzarella, ham, mushrooms, artichokes, olives",
     {51000, 65000, 84000},
     0,
     {{DOUGH},
      {SAUCE},
      {"mozzarella", 80, 110, 160},
      {"ham", 35, 50, 70},
      {"mushrooms", 35, 50, 70},
      {"artichokes", 30, 45, 60},
      {"olives", 15, 20, 30}}},
    {"vegetariana",
     "Vegetariana",
     "Tomato sauce, mozzarella, bell pepper, onion, mushrooms, olives",
     {45000, 57000, 74000},
     0,
     {{DOUGH},
      {SAUCE},
      {"mozzarella", 80, 110, 160},
      {"bell-pepper", 40, 55, 80},
      {"onion", 20, 30, 40},
      {"mushrooms", 35, 50, 70},
      {"olives", 15, 20, 30}}},
    {"funghi",
     "Funghi",
     "Tomato sauce, mozzarella, mushrooms, garlic",
     {43000, 54000, 70000},
     0,
     {{DOUGH},
      {SAUCE},
      {"mozzarella", 80, 115, 165},
      {"mushrooms", 60, 85, 120},
      {"garlic", 3, 4, 6},
      {OLIVE_OIL}}},
    {"prosciutto",
     "Prosciutto",
     "Tomato sauce, mozzarella, ham, parmesan",
     {49000, 62000, 81000},
     0,
     {{DOUGH}, {SAUCE}, {"mozzarella", 80, 110, 160}, {"ham", 55, 80, 110}, {"parmesan", 10, 15, 20}}},
};

static json_t *line_json(const struct seed_line *line)
{
	return json_pack("{s:s, s:{s:i, s:i, s:i}}", "ingredient_id", line->ingredient_id, "quantities",
			 "small", line->small, "medium", line->medium, "large", line->large);
}

void menu_seed_item(int i, const char *currency, struct menu_item *item)
{
	const struct seed *seed = &seeds[i];

	snprintf(item->pizza_id, sizeof(item->pizza_id), "%s", seed->pizza_id);
	item->name = xstrdup(seed->name);
	item->description = xstrdup(seed->description);
	snprintf(item->currency, sizeof(item->currency), "%s", currency);
	for (int size = 0; size < SIZE_COUNT; size++)
		item->price[size] = seed->price[size];
	item->available = true;
	item->bake_c = seed->bake_c > 0 ? seed->bake_c : MENU_BAKE_C;
	item->recipe = json_array();
	for (int n = 0; n < INGREDIENTS_MAX && seed->recipe[n].ingredient_id != NULL; n++)
		json_array_append_new(item->recipe, line_json(&seed->recipe[n]));
}
