/*
 * Properties of the scheduler over random kitchens: no deck is used twice, none that fits is idle while
 * something waits, promises are kept in order, everything is baked; and its estimates.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemons/kitchen/scheduler.c"

#define TICKETS 400

static uint64_t seed;

static int chance(int n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (int)((seed >> 33) % (uint64_t)n);
}

static const int temperatures[] = {320, 280, 250};

struct shop {
	struct scheduler *s;
	int stations;
	struct scheduled tickets[TICKETS];
	bool baked[TICKETS];
	int on[8][8]; /* ticket + 1 on a deck */
};

static void open_shop(struct shop *shop, int ovens, int pans, int decks)
{
	memset(shop, 0, sizeof(*shop));
	shop->stations = ovens + pans;
	shop->s = scheduler_new(shop->stations);
	for (int i = 0; i < shop->stations; i++) {
		struct scheduler_station *st = scheduler_station(shop->s, i);

		*st = (struct scheduler_station){.pan = i >= ovens, .open = true, .hot = true};
		st->decks = i < ovens ? decks : 1;
		st->setpoint_c = st->target_c = i < ovens ? temperatures[0] : 230;
	}
}

static void order_tickets(struct shop *shop, int n, int classes)
{
	for (int i = 0; i < n; i++) {
		struct scheduled *t = &shop->tickets[i];

		scheduled_init(t);
		t->id = i + 1;
		t->promised_us = 1000 * chance(n);
		t->bake_c = temperatures[chance(classes)];
		t->size = SIZE_MEDIUM;
		scheduler_add(shop->s, t);
	}
}

/* Nothing that fits a free deck waits, once there is no next. */
static void assert_no_idle_deck(const struct shop *shop, int n)
{
	for (int i = 0; i < n; i++)
		for (int st = 0; st < shop->stations; st++) {
			const struct scheduler_station *station = scheduler_station(shop->s, st);

			if (scheduled_queued(&shop->tickets[i]) && takes(station) &&
			    fits(station, shop->tickets[i].bake_c))
				assert_int_equal(free_decks(station), 0);
		}
}

static void assert_earliest(const struct shop *shop, const struct placement *p, int n)
{
	for (int i = 0; i < n; i++)
		if (scheduled_queued(&shop->tickets[i]) && shop->tickets[i].bake_c == p->ticket->bake_c)
			assert_true(before(p->ticket, &shop->tickets[i]));
}

static int place_all(struct shop *shop, int n)
{
	struct placement p;
	int placed = 0;

	while (scheduler_next(shop->s, &p)) {
		const struct scheduler_station *st = scheduler_station(shop->s, p.station);

		assert_true(p.deck >= 0 && p.deck < st->decks);
		assert_int_equal(shop->on[p.station][p.deck], 0);
		assert_false(shop->baked[p.ticket->id - 1]);
		assert_true(takes(st) && fits(st, p.ticket->bake_c));
		assert_earliest(shop, &p, n);
		shop->on[p.station][p.deck] = (int)p.ticket->id;
		shop->baked[p.ticket->id - 1] = true;
		placed++;
	}
	assert_no_idle_deck(shop, n);
	return placed;
}

/* Some decks become free, ovens that are to change and are empty do. */
static void time_passes(struct shop *shop)
{
	for (int i = 0; i < shop->stations; i++) {
		struct scheduler_station *st = scheduler_station(shop->s, i);

		for (int d = 0; d < st->decks; d++) {
			if (chance(2) == 0 || shop->on[i][d] == 0)
				continue;
			shop->on[i][d] = 0;
			st->taken &= ~(UINT64_C(1) << d);
		}
		if (st->taken == 0)
			st->setpoint_c = st->target_c;
		st->hot = chance(8) != 0;
		st->open = chance(16) != 0;
	}
}

static void properties_hold(void **state)
{
	static struct shop shop;

	(void)state;
	for (int round = 0; round < 60; round++) {
		int n = 1 + chance(TICKETS), left;

		seed = (uint64_t)round + 1;
		open_shop(&shop, 1 + chance(6), chance(3), 1 + chance(8));
		order_tickets(&shop, n, 1 + chance(3));
		left = n;
		for (int step = 0; left > 0; step++) {
			assert_true(step < 20 * n + 200);
			scheduler_plan(shop.s);
			left -= place_all(&shop, n);
			time_passes(&shop);
		}
		assert_int_equal(scheduler_queued(shop.s), 0);
		for (int i = 0; i < n; i++)
			assert_true(shop.baked[i]);
		scheduler_free(shop.s);
	}
}

static void removing_keeps_the_order(void **state)
{
	static struct shop shop;
	struct placement p;
	int64_t last = -1;

	(void)state;
	seed = 7;
	open_shop(&shop, 6, 0, 8);
	order_tickets(&shop, 300, 1);
	for (int i = 0; i < 300; i += 3) {
		scheduler_remove(shop.s, &shop.tickets[i]);
		scheduler_remove(shop.s, &shop.tickets[i]); /* nothing happens */
	}
	assert_int_equal(scheduler_queued(shop.s), 200);
	while (scheduler_next(shop.s, &p)) {
		assert_true(p.ticket->promised_us >= last);
		assert_int_not_equal((p.ticket->id - 1) % 3, 0);
		last = p.ticket->promised_us;
		scheduler_station(shop.s, p.station)->taken = 0;
	}
	assert_int_equal(scheduler_queued(shop.s), 0);
	scheduler_free(shop.s);
}

/* A single order of another temperature gets an oven, the others keep theirs. */
static void a_temperature_that_is_waited_for_gets_an_oven(void **state)
{
	static struct shop shop;
	int other = 0;

	(void)state;
	seed = 3;
	open_shop(&shop, 4, 0, 4);
	order_tickets(&shop, 50, 1);
	shop.tickets[50] = (struct scheduled){.id = 51, .promised_us = 999999, .bake_c = 250};
	scheduled_init(&shop.tickets[50]);
	scheduler_add(shop.s, &shop.tickets[50]);
	assert_true(scheduler_plan(shop.s) >= 0);
	assert_int_equal(scheduler_plan(shop.s), -1);
	for (int i = 0; i < 4; i++)
		other += scheduler_station(shop.s, i)->target_c == 250;
	assert_int_equal(other, 1);
	scheduler_free(shop.s);
}

static void closed_and_cold_stations_get_nothing(void **state)
{
	static struct shop shop;
	struct placement p = {.station = -1};

	(void)state;
	open_shop(&shop, 2, 1, 2);
	order_tickets(&shop, 5, 1);
	scheduler_station(shop.s, 0)->open = false;
	scheduler_station(shop.s, 1)->hot = false;
	assert_true(scheduler_next(shop.s, &p));
	assert_int_equal(p.station, 2);
	assert_false(scheduler_next(shop.s, &p));
	scheduler_free(shop.s);
}

static void estimates(void **state)
{
	static struct shop shop;
	const struct scheduler_times times = {{100, 100, 100}, {200, 200, 200}, 320, 30};
	struct scheduler_outlook o;

	(void)state;
	open_shop(&shop, 1, 0, 2);
	for (int i = 0; i < 5; i++) {
		struct scheduled *t = &shop.tickets[i];

		*t = (struct scheduled){.id = i + 1, .promised_us = i, .bake_c = 320};
		scheduled_init(t);
		scheduler_add(shop.s, t);
	}
	o = scheduler_estimate(shop.s, 1000, &times);
	assert_int_equal(shop.tickets[0].ready_us, 1100);
	assert_int_equal(shop.tickets[1].ready_us, 1100);
	assert_int_equal(shop.tickets[2].ready_us, 1200);
	assert_int_equal(shop.tickets[4].ready_us, 1300);
	assert_int_equal(o.turn_in_us, 200);
	assert_true(o.tickets_per_second > 19999 && o.tickets_per_second < 20001);
	/* One deck bakes for 30 more, the oven is hot in 50. */
	scheduler_station(shop.s, 0)->taken = 1;
	scheduler_station(shop.s, 0)->free_in_us[0] = 80;
	scheduler_station(shop.s, 0)->hot = false;
	scheduler_station(shop.s, 0)->hot_in_us = 50;
	scheduler_estimate(shop.s, 1000, &times);
	assert_int_equal(shop.tickets[0].ready_us, 1150);
	assert_int_equal(shop.tickets[1].ready_us, 1180);
	assert_int_equal(scheduler_oven_us(&times, SIZE_SMALL, 290), 200);
	/* Nothing is open: never. */
	scheduler_station(shop.s, 0)->open = false;
	o = scheduler_estimate(shop.s, 1000, &times);
	assert_true(shop.tickets[0].ready_us == INT64_MAX && o.turn_in_us == INT64_MAX);
	scheduler_free(shop.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(properties_hold),
	    cmocka_unit_test(removing_keeps_the_order),
	    cmocka_unit_test(a_temperature_that_is_waited_for_gets_an_oven),
	    cmocka_unit_test(closed_and_cold_stations_get_nothing),
	    cmocka_unit_test(estimates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
