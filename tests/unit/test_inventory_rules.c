/*
 * Reservations: every cell of the table, the arithmetic of the stock, and what orders need.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/service/patience.h"
#include "daemons/inventory/need.c"
#include "daemons/inventory/rules.c"

/* --- the table --- */

static void test_every_cell(void **state)
{
	static const enum stock_act expected[RESERVATION_STATE_COUNT][CAUSE_COUNT] = {
	    /* OrderCreated, OrderCancelled, CookingStarted, TicketRemade */
	    [RESERVATION_NONE] = {ACT_RESERVE, ACT_TOMBSTONE, ACT_WAIT, ACT_WAIT},
	    [RESERVATION_RESERVED] = {ACT_IGNORE, ACT_RELEASE, ACT_CONSUME, ACT_CONSUME_MORE},
	    [RESERVATION_REJECTED] = {ACT_IGNORE, ACT_IGNORE, ACT_IGNORE, ACT_IGNORE},
	    [RESERVATION_RELEASED] = {ACT_IGNORE, ACT_IGNORE, ACT_IGNORE, ACT_IGNORE},
	    [RESERVATION_CONSUMED] = {ACT_IGNORE, ACT_IGNORE, ACT_IGNORE, ACT_CONSUME_MORE},
	    [RESERVATION_CANCELLED] = {ACT_IGNORE, ACT_IGNORE, ACT_IGNORE, ACT_IGNORE},
	};

	(void)state;
	for (int s = 0; s < RESERVATION_STATE_COUNT; s++)
		for (int c = 0; c < CAUSE_COUNT; c++)
			assert_int_equal(stock_rule((enum reservation_state)s, (enum stock_cause)c),
					 expected[s][c]);
}

static void test_only_four_events_matter(void **state)
{
	enum stock_cause cause;
	int n = 0;

	(void)state;
	for (int type = 0; type < EVENT_TYPE_COUNT; type++)
		n += stock_cause_of((enum event_type)type, &cause);
	assert_int_equal(n, CAUSE_COUNT);
	assert_true(stock_cause_of(EVENT_ORDER_CANCELLED, &cause));
	assert_int_equal(cause, CAUSE_ORDER_CANCELLED);
	assert_false(stock_cause_of(EVENT_ORDER_PAID, &cause));
}

static void test_state_words(void **state)
{
	enum reservation_state s;

	(void)state;
	for (int i = RESERVATION_NONE + 1; i < RESERVATION_STATE_COUNT; i++) {
		assert_true(reservation_state_parse(reservation_words[i], &s));
		assert_int_equal(s, i);
	}
	assert_false(reservation_state_parse("", &s));
	assert_false(reservation_state_parse("reserve", &s));
}

/* --- the stock --- */

static struct stock_level *new_levels(void)
{
	static struct stock_level levels[3];
	const struct stock_level fresh[3] = {
	    {.ingredient_id = "basil", .on_hand = 10, .low_threshold = 5},
	    {.ingredient_id = "dough", .on_hand = 1000, .low_threshold = 100},
	    {.ingredient_id = "ham", .on_hand = 50, .low_threshold = 0},
	};

	memcpy(levels, fresh, sizeof(levels));
	return levels;
}

static struct stock new_stock(void)
{
	return (struct stock){.levels = new_levels(), .count = 3};
}

static void test_find(void **state)
{
	struct stock s = new_stock();
	const struct stock empty = {0};

	(void)state;
	assert_int_equal(stock_find(&s, "basil"), 0);
	assert_int_equal(stock_find(&s, "dough"), 1);
	assert_int_equal(stock_find(&s, "ham"), 2);
	assert_int_equal(stock_find(&s, "eel"), -1);
	assert_int_equal(stock_find(&empty, "basil"), -1);
}

static void test_reserve_moves_all(void **state)
{
	struct stock s = new_stock();
	const int64_t need[3] = {10, 250, 0};
	int lacking = -1;

	(void)state;
	assert_true(stock_reserve(&s, need, &lacking));
	assert_int_equal(s.levels[0].on_hand, 0);
	assert_int_equal(s.levels[0].reserved, 10);
	assert_int_equal(s.levels[1].on_hand, 750);
	assert_int_equal(s.levels[1].reserved, 250);
	assert_true(s.levels[0].changed && s.levels[1].changed);
	assert_false(s.levels[2].changed || s.levels[2].mentioned);
}

static void test_reserve_is_all_or_nothing(void **state)
{
	struct stock s = new_stock();
	const int64_t need[3] = {1, 250, 51};
	int lacking = -1;

	(void)state;
	assert_false(stock_reserve(&s, need, &lacking));
	assert_int_equal(lacking, 2);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(s.levels[i].reserved, 0);
		assert_false(s.levels[i].changed);
		assert_true(s.levels[i].mentioned);
	}
}

static void test_release_undoes_reserve(void **state)
{
	struct stock s = new_stock();
	const int64_t need[3] = {10, 250, 50};
	int lacking;

	(void)state;
	assert_true(stock_reserve(&s, need, &lacking));
	stock_release(&s, need);
	assert_int_equal(s.levels[0].on_hand, 10);
	assert_int_equal(s.levels[1].on_hand, 1000);
	assert_int_equal(s.levels[2].on_hand, 50);
	for (int i = 0; i < 3; i++)
		assert_int_equal(s.levels[i].reserved, 0);
}

static void test_consume(void **state)
{
	struct stock s = new_stock();
	const int64_t need[3] = {4, 250, 0};
	int lacking;

	(void)state;
	assert_true(stock_reserve(&s, need, &lacking));
	stock_consume(&s, need);
	assert_int_equal(s.levels[0].on_hand, 6);
	assert_int_equal(s.levels[0].reserved, 0);
	assert_int_equal(s.levels[0].consumed, 4);
	assert_int_equal(s.levels[1].consumed, 250);
}

static void test_consume_more_is_all_or_nothing(void **state)
{
	struct stock s = new_stock();
	const int64_t need[3] = {0, 250, 40}, too_much[3] = {0, 250, 40};
	int lacking = -1;

	(void)state;
	assert_true(stock_consume_more(&s, need, &lacking));
	assert_int_equal(s.levels[1].on_hand, 750);
	assert_int_equal(s.levels[1].consumed, 250);
	assert_int_equal(s.levels[2].on_hand, 10);
	assert_int_equal(s.levels[2].reserved, 0);
	assert_false(stock_consume_more(&s, too_much, &lacking));
	assert_int_equal(lacking, 2);
	assert_int_equal(s.levels[1].on_hand, 750);
}

static void test_low_is_told_once(void **state)
{
	struct stock_level l = {.on_hand = 100, .low_threshold = 100, .seq = 7};

	(void)state;
	assert_false(stock_fell_low(&l));
	l.on_hand = 99;
	assert_true(stock_fell_low(&l));
	assert_int_equal(l.seq, 8);
	assert_true(l.changed);
	l.on_hand = 10;
	assert_false(stock_fell_low(&l));
	assert_int_equal(l.seq, 8);
}

/* --- needs --- */

static struct recipe_line margherita_lines[] = {{"dough", {180, 250, 350}}, {"basil", {1, 2, 3}}};
static struct recipe_line odd_lines[] = {{"dough", {180, 250, 350}}, {"caviar", {1, 2, 3}}};
static const struct menu_pizza pizzas[] = {
    {.pizza_id = "margherita", .version = 3, .available = true, .line_count = 2, .lines = margherita_lines},
    {.pizza_id = "odd", .version = 1, .available = true, .line_count = 2, .lines = odd_lines},
};

static const struct menu_pizza *find(void *arg, const char *pizza_id)
{
	(void)arg;
	for (size_t i = 0; i < ARRAY_LEN(pizzas); i++)
		if (strcmp(pizzas[i].pizza_id, pizza_id) == 0)
			return &pizzas[i];
	return NULL;
}

static bool wait_always(void *arg, const char *pizza_id, int64_t version)
{
	(void)arg;
	(void)pizza_id;
	(void)version;
	return true;
}

static bool wait_never(void *arg, const char *pizza_id, int64_t version)
{
	return !wait_always(arg, pizza_id, version);
}

static char reason[NEED_REASON_SIZE];
static int64_t need[3];
static struct error err;

static int need_of(const char *text, bool wait)
{
	AUTO_JSON json_t *data = json_loads(text, 0, NULL);
	const struct menu_view menu = {.find = find, .wait = wait ? wait_always : wait_never};
	struct stock s = new_stock();

	assert_non_null(data);
	return need_of_items(data, &s, &menu, need, reason, &err);
}

static void test_need_sums_items(void **state)
{
	(void)state;
	assert_int_equal(
	    need_of("{\"items\":[{\"pizza_id\":\"margherita\",\"size\":\"large\",\"quantity\":2,\"menu_"
		    "version\":3},"
		    "{\"pizza_id\":\"margherita\",\"size\":\"small\",\"quantity\":1,\"menu_version\":2},"
		    "{\"pizza_id\":\"margherita\",\"quantity\":1}]}",
		    true),
	    0);
	assert_string_equal(reason, "");
	assert_int_equal(need[0], 2 * 3 + 1 + 2);
	assert_int_equal(need[1], 2 * 350 + 180 + 250);
	assert_int_equal(need[2], 0);
}

static void test_need_waits_for_the_menu(void **state)
{
	const char *newer = "{\"items\":[{\"pizza_id\":\"margherita\",\"quantity\":1,\"menu_version\":4}]}";
	const char *new_pizza = "{\"items\":[{\"pizza_id\":\"calzone\",\"quantity\":1,\"menu_version\":1}]}";

	(void)state;
	assert_int_equal(need_of(newer, true), ERR_NOT_YET);
	assert_int_equal(need_of(new_pizza, true), ERR_NOT_YET);
	assert_int_equal(need_of(newer, false), 0);
	assert_string_equal(reason, "");
	assert_int_equal(need[1], 250);
	assert_int_equal(need_of(new_pizza, false), 0);
	assert_string_equal(reason, "unknown pizza: calzone");
}

static void test_need_of_the_unknown(void **state)
{
	(void)state;
	assert_int_equal(need_of("{\"items\":[{\"pizza_id\":\"calzone\",\"quantity\":1}]}", true), 0);
	assert_string_equal(reason, "unknown pizza: calzone");
	assert_int_equal(need_of("{\"items\":[{\"pizza_id\":\"odd\",\"quantity\":1}]}", true), 0);
	assert_string_equal(reason, "unknown ingredient: caviar");
}

static void test_need_refuses_nonsense(void **state)
{
	static const char *const bad[] = {
	    "{}",
	    "{\"items\":[]}",
	    "{\"items\":{\"pizza_id\":\"margherita\"}}",
	    "{\"items\":[7]}",
	    "{\"items\":[{\"quantity\":1}]}",
	    "{\"items\":[{\"pizza_id\":\"margherita\"}]}",
	    "{\"items\":[{\"pizza_id\":\"margherita\",\"quantity\":0}]}",
	    "{\"items\":[{\"pizza_id\":\"margherita\",\"quantity\":-1}]}",
	    "{\"items\":[{\"pizza_id\":\"margherita\",\"quantity\":\"2\"}]}",
	    "{\"items\":[{\"pizza_id\":\"margherita\",\"quantity\":1,\"size\":\"huge\"}]}",
	    "{\"items\":[{\"pizza_id\":\"margherita\",\"quantity\":9223372036854775807}]}",
	    "{\"items\":[{\"pizza_id\":\"margherita\",\"quantity\":4000000000001}]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(need_of(bad[i], true), ERR_MALFORMED);
}

static void test_need_as_text(void **state)
{
	CLEANUP(buf_done) struct buf text = {0};
	struct stock s = new_stock();
	const int64_t some[3] = {5, 0, 7}, none[3] = {0};
	int64_t back[3];

	(void)state;
	need_write(some, &s, &text);
	assert_string_equal(buf_str(&text), "[{\"ingredient_id\":\"basil\",\"quantity\":5},"
					    "{\"ingredient_id\":\"ham\",\"quantity\":7}]");
	assert_int_equal(need_read(buf_str(&text), &s, back, &err), 0);
	assert_memory_equal(back, some, sizeof(back));
	buf_reset(&text);
	need_write(none, &s, &text);
	assert_string_equal(buf_str(&text), "[]");
	assert_int_equal(need_read("[{\"ingredient_id\":\"eel\",\"quantity\":1}]", &s, back, &err), ERR_BUG);
}

static void test_patience_ends(void **state)
{
	struct patience p = {0};
	const struct mono start = {1000000000};

	(void)state;
	assert_true(patience_wait(&p, "nope", 1, start));
	assert_true(patience_wait(&p, "nope", 1, mono_add_ms(start, PATIENCE_MS - 1)));
	assert_true(patience_wait(&p, "nope", 2, mono_add_ms(start, PATIENCE_MS)));
	assert_true(patience_wait(&p, "other", 1, mono_add_ms(start, PATIENCE_MS)));
	assert_false(patience_wait(&p, "nope", 1, mono_add_ms(start, PATIENCE_MS)));
	assert_false(patience_wait(&p, "nope", 1, mono_add_ms(start, 2 * PATIENCE_MS)));
}

static void test_patience_forgets_the_oldest(void **state)
{
	struct patience p = {0};
	const struct mono start = {1000000000};

	(void)state;
	for (int i = 0; i < PATIENCE_SLOTS; i++)
		assert_true(patience_wait(&p, "nope", 1 + i, start));
	assert_false(patience_wait(&p, "nope", 1, mono_add_ms(start, PATIENCE_MS)));
	assert_true(patience_wait(&p, "one more", 1, mono_add_ms(start, PATIENCE_MS)));
	assert_false(patience_wait(&p, "nope", 2, mono_add_ms(start, PATIENCE_MS)));
	assert_true(patience_wait(&p, "nope", 1, mono_add_ms(start, PATIENCE_MS)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_cell),
	    cmocka_unit_test(test_only_four_events_matter),
	    cmocka_unit_test(test_state_words),
	    cmocka_unit_test(test_find),
	    cmocka_unit_test(test_reserve_moves_all),
	    cmocka_unit_test(test_reserve_is_all_or_nothing),
	    cmocka_unit_test(test_release_undoes_reserve),
	    cmocka_unit_test(test_consume),
	    cmocka_unit_test(test_consume_more_is_all_or_nothing),
	    cmocka_unit_test(test_low_is_told_once),
	    cmocka_unit_test(test_need_sums_items),
	    cmocka_unit_test(test_need_waits_for_the_menu),
	    cmocka_unit_test(test_need_of_the_unknown),
	    cmocka_unit_test(test_need_refuses_nonsense),
	    cmocka_unit_test(test_need_as_text),
	    cmocka_unit_test(test_patience_ends),
	    cmocka_unit_test(test_patience_forgets_the_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
