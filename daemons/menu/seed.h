/*
 * The pizzas with which an empty catalogue starts.
 */
#ifndef PIZZA_MENU_SEED_H
#define PIZZA_MENU_SEED_H

#include "daemons/menu/rules.h"

#define MENU_SEED_COUNT 10

/* Makes an empty item the i-th seeded pizza, sold in `currency`. */
void menu_seed_item(int i, const char *currency, struct menu_item *item);

#endif
