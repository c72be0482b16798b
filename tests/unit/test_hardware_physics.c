/*
 * The physics of the virtual hardware: energy is kept, temperatures settle, dough bakes as the product table
 * says, every fault has its consequence, the same seed gives the same kitchen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemons/hardware/physics.c"

static const struct hardware_device oven = {1, HARDWARE_OVEN, 1, 4, "oven-1"};
static const struct hardware_device pan = {2, HARDWARE_PAN, 1, 1, "pan-1"};
static const struct hardware_device timer = {3, HARDWARE_TIMER, 1, 0, "timer-1"};

static struct physics_world world;
static struct physics_device s;

static int begin(void **state)
{
	(void)state;
	physics_world_init(&world, 60, 1);
	return 0;
}

static void fresh(const struct hardware_device *d)
{
	physics_device_init(&world, d, &s);
}

/* Seconds of the kitchen. */
static void pass(const struct hardware_device *d, double seconds)
{
	int64_t ticks = (int64_t)(seconds / (world.step_s * world.steps));

	while (ticks-- > 0)
		physics_tick(&world, d, &s);
}

static void heat_up(const struct hardware_device *d)
{
	fresh(d);
	s.power = true;
	pass(d, 1800);
}

static struct hardware_reading reading(const struct hardware_device *d)
{
	struct hardware_reading r;

	physics_read(d, &s, &r);
	return r;
}

static bool status(const struct hardware_device *d, unsigned bit)
{
	return (reading(d).status & bit) != 0;
}

static void assert_between(double value, double low, double high)
{
	if (value < low || value > high)
		fail_msg("%g is not between %g and %g", value, low, high);
}

/* --- heat --- */

static void test_a_cold_device_stays_cold(void **state)
{
	(void)state;
	fresh(&oven);
	pass(&oven, 3600);
	assert_between(s.temperature, 21.9, 22.1);
	assert_true(s.energy == 0);
	assert_false(status(&oven, HARDWARE_STATUS_BIT(READY)));
}

static void assert_heats_up(const struct hardware_device *d, double within)
{
	double setpoint = hardware_kinds[d->kind].setpoint_first / 10.0;

	fresh(d);
	s.power = true;
	pass(d, within);
	assert_between(s.temperature, setpoint - 15, setpoint + 15);
	assert_true(status(d, HARDWARE_STATUS_BIT(READY)));
	for (int i = 0; i < 600; i++) {
		pass(d, 6);
		assert_between(s.temperature, setpoint - 8, setpoint + 8);
	}
	assert_false(s.cutout);
}

static void test_thermostats_settle_and_hold(void **state)
{
	(void)state;
	assert_heats_up(&oven, 600);
	assert_heats_up(&pan, 600);
}

static void test_the_heater_rests_within_the_hysteresis(void **state)
{
	int switched = 0;
	bool before;

	(void)state;
	heat_up(&oven);
	before = s.heater;
	for (int i = 0; i < 6000; i++) {
		physics_tick(&world, &oven, &s);
		switched += s.heater != before;
		before = s.heater;
	}
	assert_between(switched, 20, 400); /* in an hour */
}

/* What went in is what was lost, taken by dough, or is stored. */
static void assert_energy_balance(const struct hardware_device *d)
{
	double stored = physics_bodies[d->kind].capacity * d->decks * (s.temperature - PHYSICS_AMBIENT);
	double balance = s.energy - s.lost - s.taken - stored;

	assert_true(s.energy > 0 && fabs(balance) < s.energy * 1e-6);
}

static void test_energy_is_kept(void **state)
{
	(void)state;
	heat_up(&oven);
	for (int deck = 0; deck < 4; deck++)
		assert_int_equal(physics_load(&oven, &s, deck, HARDWARE_PRODUCT_LARGE, 7), PHYSICS_OK);
	pass(&oven, 300);
	s.door = true;
	pass(&oven, 300);
	assert_true(s.taken > 0);
	assert_energy_balance(&oven);
	heat_up(&pan);
	assert_energy_balance(&pan);
}

/* Heating at full power follows the solution of the differential equation. */
static void test_heating_is_first_order(void **state)
{
	const struct physics_body *b = &physics_bodies[HARDWARE_OVEN];
	double final = PHYSICS_AMBIENT + b->power / b->loss, k = b->loss / b->capacity;

	(void)state;
	fresh(&oven);
	s.faults = HARDWARE_FAULT_BIT(THERMOSTAT_STUCK);
	pass(&oven, 300);
	assert_between(s.temperature - (final + (PHYSICS_AMBIENT - final) * exp(-k * 300)), -1, 1);
}

static void test_switched_off_it_cools(void **state)
{
	const struct physics_body *b = &physics_bodies[HARDWARE_OVEN];
	double from;

	(void)state;
	heat_up(&oven);
	s.power = false;
	pass(&oven, 60);
	from = s.temperature - PHYSICS_AMBIENT;
	pass(&oven, 900);
	assert_between(s.temperature - PHYSICS_AMBIENT - from * exp(-b->loss / b->capacity * 900), -1, 1);
}

/* --- dough --- */

/* Seconds until the deck is in the state; fails after an hour. */
static double until(const struct hardware_device *d, int deck, enum hardware_deck_state wanted)
{
	double seconds = 0, tick = world.step_s * world.steps;

	while (physics_deck_state(&s.deck[deck]) != wanted && seconds < 3600) {
		physics_tick(&world, d, &s);
		seconds += tick;
	}
	if (seconds >= 3600)
		fail_msg("%s never came to be %s", d->name, hardware_deck_states[wanted].word);
	return seconds;
}

static void assert_bakes(const struct hardware_device *d, int product)
{
	double nominal = hardware_products[product].seconds[d->kind], done, burnt;

	heat_up(d);
	assert_int_equal(physics_load(d, &s, 0, product, 1), PHYSICS_OK);
	assert_int_equal(physics_deck_state(&s.deck[0]), HARDWARE_DECK_BAKING);
	done = until(d, 0, HARDWARE_DECK_DONE);
	assert_between(done, nominal * 0.9, nominal * 1.25);
	assert_true(s.deck[0].core >= HARDWARE_CORE_DONE / 10.0);
	burnt = until(d, 0, HARDWARE_DECK_BURNT);
	assert_between(burnt, nominal * 0.8, nominal * 2);
}

static void test_products_bake_as_the_table_says(void **state)
{
	(void)state;
	for (int p = HARDWARE_PRODUCT_NONE + 1; p < HARDWARE_PRODUCT_COUNT; p++) {
		assert_bakes(&oven, p);
		assert_bakes(&pan, p);
	}
}

static void test_a_full_oven_still_bakes(void **state)
{
	(void)state;
	heat_up(&oven);
	for (int deck = 0; deck < 4; deck++)
		assert_int_equal(physics_load(&oven, &s, deck, HARDWARE_PRODUCT_LARGE, (uint32_t)deck + 1),
				 PHYSICS_OK);
	assert_between(until(&oven, 3, HARDWARE_DECK_DONE), 240, 400);
	assert_energy_balance(&oven);
}

static void test_cold_dough_draws_heat(void **state)
{
	double before;

	(void)state;
	heat_up(&oven);
	s.power = false;
	s.heater = false;
	before = s.temperature;
	pass(&oven, 60);
	before -= s.temperature;
	for (int deck = 0; deck < 4; deck++)
		assert_int_equal(physics_load(&oven, &s, deck, 3, 9), PHYSICS_OK);
	s.door_left = 0;
	{
		double loaded = s.temperature;

		pass(&oven, 60);
		assert_true(loaded - s.temperature > before * 1.5);
	}
}

static void test_a_cold_oven_bakes_nothing(void **state)
{
	(void)state;
	fresh(&oven);
	assert_int_equal(physics_load(&oven, &s, 0, HARDWARE_PRODUCT_SMALL, 1), PHYSICS_OK);
	pass(&oven, 3600);
	assert_int_equal(physics_deck_state(&s.deck[0]), HARDWARE_DECK_BAKING);
	assert_true(s.deck[0].browning < 0.05);
}

static void test_loading_and_unloading(void **state)
{
	struct hardware_deck deck;

	(void)state;
	heat_up(&oven);
	assert_int_equal(physics_unload(&oven, &s, 1, 5), PHYSICS_ALREADY);
	assert_int_equal(physics_load(&oven, &s, 1, HARDWARE_PRODUCT_SMALL, 5), PHYSICS_OK);
	assert_int_equal(physics_load(&oven, &s, 1, HARDWARE_PRODUCT_SMALL, 5), PHYSICS_ALREADY);
	assert_int_equal(physics_load(&oven, &s, 1, HARDWARE_PRODUCT_SMALL, 6), PHYSICS_BUSY);
	assert_int_equal(physics_unload(&oven, &s, 1, 6), PHYSICS_BUSY);
	until(&oven, 1, HARDWARE_DECK_DONE);
	assert_int_equal(reading(&oven).deck[1].state, HARDWARE_DECK_DONE);
	assert_int_equal(reading(&oven).deck[1].tag, 5);
	assert_int_equal(physics_unload(&oven, &s, 1, 5), PHYSICS_OK);
	deck = reading(&oven).deck[1];
	assert_int_equal(deck.state, HARDWARE_DECK_EMPTY);
	assert_int_equal(deck.tag, 0);
	assert_int_equal(deck.last_tag, 5);
	assert_int_equal(deck.last_state, HARDWARE_DECK_DONE);
	assert_int_equal(deck.loads, 1);
	assert_true(deck.last_browning >= HARDWARE_BROWNING_DONE);
}

static void test_the_door_opens_for_a_loading(void **state)
{
	(void)state;
	heat_up(&oven);
	assert_false(status(&oven, HARDWARE_STATUS_BIT(DOOR)));
	assert_int_equal(physics_load(&oven, &s, 0, 1, 1), PHYSICS_OK);
	assert_true(status(&oven, HARDWARE_STATUS_BIT(DOOR)));
	pass(&oven, PHYSICS_DOOR_S + 1);
	assert_false(status(&oven, HARDWARE_STATUS_BIT(DOOR)));
	heat_up(&pan);
	assert_int_equal(physics_load(&pan, &s, 0, 1, 1), PHYSICS_OK);
	assert_false(status(&pan, HARDWARE_STATUS_BIT(DOOR)));
}

/* --- faults --- */

static void fault(enum hardware_fault f)
{
	physics_set_faults(&s, s.faults | 1u << f);
}

static void test_heater_dead_cools(void **state)
{
	(void)state;
	heat_up(&oven);
	fault(HARDWARE_FAULT_HEATER_DEAD);
	pass(&oven, 900);
	assert_true(s.temperature < 200);
	assert_true(status(&oven, HARDWARE_STATUS_BIT(HEATER))); /* it is asked to heat */
	assert_false(status(&oven, HARDWARE_STATUS_BIT(READY)));
	physics_set_faults(&s, 0);
	pass(&oven, 900);
	assert_true(status(&oven, HARDWARE_STATUS_BIT(READY)));
}

static void assert_trips(const struct hardware_device *d)
{
	double limit = physics_bodies[d->kind].cutout, peak = 0;

	fault(HARDWARE_FAULT_THERMOSTAT_STUCK);
	for (int i = 0; i < 6000; i++) {
		physics_tick(&world, d, &s);
		peak = fmax(peak, s.temperature);
	}
	assert_true(s.cutout && s.trips == 1);
	assert_between(peak, limit, limit + 3);
	assert_false(s.heater);
	assert_true(s.temperature < limit - 100);
}

static void test_thermostat_stuck_trips_the_cutout(void **state)
{
	(void)state;
	heat_up(&oven);
	assert_trips(&oven);
	fresh(&oven); /* switched off, welded contacts still heat */
	assert_trips(&oven);
	heat_up(&pan);
	assert_trips(&pan);
}

static void test_the_cutout_waits_for_its_reset(void **state)
{
	(void)state;
	heat_up(&oven);
	fault(HARDWARE_FAULT_THERMOSTAT_STUCK);
	while (!s.cutout)
		physics_tick(&world, &oven, &s);
	physics_set_faults(&s, 0);
	s.reset = true;
	pass(&oven, 6);
	assert_true(s.cutout && s.reset); /* still too hot */
	pass(&oven, 900);
	assert_false(s.cutout || s.reset);
	assert_true(status(&oven, HARDWARE_STATUS_BIT(READY)));
	assert_int_equal(reading(&oven).trips, 1);
}

static void test_sensor_stuck_low_overheats(void **state)
{
	double shown;

	(void)state;
	fresh(&oven);
	s.power = true;
	pass(&oven, 200);
	fault(HARDWARE_FAULT_SENSOR_STUCK);
	shown = reading(&oven).temperature;
	assert_int_equal(physics_load(&oven, &s, 0, HARDWARE_PRODUCT_MEDIUM, 1), PHYSICS_OK);
	pass(&oven, 1200);
	assert_true(reading(&oven).temperature == shown);
	assert_true(s.trips >= 1);
	assert_int_equal(physics_deck_state(&s.deck[0]), HARDWARE_DECK_BURNT);
}

static void test_sensor_stuck_high_cools(void **state)
{
	(void)state;
	heat_up(&oven);
	s.reading = 330;
	fault(HARDWARE_FAULT_SENSOR_STUCK);
	pass(&oven, 1800);
	assert_int_equal(reading(&oven).temperature, 3300);
	assert_true(s.temperature < 100);
}

/* Root of the mean square of what the sensor is off by, over a minute. */
static double scatter_now(void)
{
	double sum = 0;

	for (int i = 0; i < 100; i++) {
		physics_tick(&world, &oven, &s);
		sum += (s.reading - s.temperature) * (s.reading - s.temperature);
	}
	return sqrt(sum / 100);
}

static void test_sensor_noisy_scatters(void **state)
{
	(void)state;
	heat_up(&oven);
	assert_between(scatter_now(), 0.05, 4);
	fault(HARDWARE_FAULT_SENSOR_NOISY);
	assert_between(scatter_now(), 15, 40);
}

static void test_sensor_disconnected_is_safe(void **state)
{
	(void)state;
	heat_up(&oven);
	fault(HARDWARE_FAULT_SENSOR_DISCONNECTED);
	pass(&oven, 900);
	assert_int_equal(reading(&oven).temperature, HARDWARE_NO_READING);
	assert_true(status(&oven, HARDWARE_STATUS_BIT(NO_READING)));
	assert_false(status(&oven, HARDWARE_STATUS_BIT(READY)));
	assert_true(!s.heater && s.temperature < 200);
}

static void test_door_open_never_gets_hot(void **state)
{
	(void)state;
	heat_up(&oven);
	fault(HARDWARE_FAULT_DOOR_OPEN);
	pass(&oven, 900);
	assert_true(s.temperature < 260);
	assert_true(s.heater && status(&oven, HARDWARE_STATUS_BIT(DOOR)));
	assert_int_equal(physics_load(&oven, &s, 0, HARDWARE_PRODUCT_MEDIUM, 1), PHYSICS_OK);
	assert_true(until(&oven, 0, HARDWARE_DECK_DONE) >
		    2 * hardware_products[HARDWARE_PRODUCT_MEDIUM].seconds[HARDWARE_OVEN]);
}

static void test_timers(void **state)
{
	(void)state;
	fresh(&timer);
	s.duration = s.left = 100;
	s.running = true;
	pass(&timer, 60);
	assert_between(reading(&timer).left, 39, 41);
	assert_true(status(&timer, HARDWARE_STATUS_BIT(RUNNING)));
	pass(&timer, 41);
	assert_int_equal(reading(&timer).left, 0);
	assert_false(status(&timer, HARDWARE_STATUS_BIT(RUNNING)));
	assert_true(status(&timer, HARDWARE_STATUS_BIT(EXPIRED)));
}

static void test_a_drifting_timer_is_late(void **state)
{
	(void)state;
	fresh(&timer);
	fault(HARDWARE_FAULT_TIMER_DRIFT);
	s.duration = s.left = 100;
	s.running = true;
	pass(&timer, 102);
	assert_true(s.running);
	assert_between(s.left, 18, 20);
	pass(&timer, 25);
	assert_true(s.expired);
}

/* --- determinism, time --- */

static void test_a_seed_is_a_kitchen(void **state)
{
	struct physics_device first;

	(void)state;
	heat_up(&oven);
	first = s;
	heat_up(&oven);
	assert_memory_equal(&first, &s, sizeof(s));
	physics_world_init(&world, 60, 2);
	heat_up(&oven);
	assert_true(first.reading != s.reading);
}

static void test_heartbeat_beats(void **state)
{
	int before;

	(void)state;
	fresh(&timer);
	before = reading(&timer).heartbeat;
	for (int i = 0; i < 100; i++) /* a second of the wall clock */
		physics_tick(&world, &timer, &s);
	assert_int_equal(reading(&timer).heartbeat, before + 10);
	s.tick = 655359;
	assert_int_equal(reading(&timer).heartbeat, 65535);
	physics_tick(&world, &timer, &s);
	assert_int_equal(reading(&timer).heartbeat, 0);
}

/* The time scale changes how fast, not what. */
static void test_every_time_scale_bakes_alike(void **state)
{
	static const int scales[] = {1, 7, 60, 250, 1000};

	(void)state;
	for (size_t i = 0; i < sizeof(scales) / sizeof(scales[0]); i++) {
		physics_world_init(&world, scales[i], 1);
		assert_true(world.step_s <= STEP_MAX);
		heat_up(&oven);
		assert_between(s.temperature, 310, 330);
		assert_int_equal(physics_load(&oven, &s, 0, HARDWARE_PRODUCT_MEDIUM, 1), PHYSICS_OK);
		assert_between(until(&oven, 0, HARDWARE_DECK_DONE), 200, 260);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_cold_device_stays_cold),
	    TEST(test_thermostats_settle_and_hold),
	    TEST(test_the_heater_rests_within_the_hysteresis),
	    TEST(test_energy_is_kept),
	    TEST(test_heating_is_first_order),
	    TEST(test_switched_off_it_cools),
	    TEST(test_products_bake_as_the_table_says),
	    TEST(test_a_full_oven_still_bakes),
	    TEST(test_cold_dough_draws_heat),
	    TEST(test_a_cold_oven_bakes_nothing),
	    TEST(test_loading_and_unloading),
	    TEST(test_the_door_opens_for_a_loading),
	    TEST(test_heater_dead_cools),
	    TEST(test_thermostat_stuck_trips_the_cutout),
	    TEST(test_the_cutout_waits_for_its_reset),
	    TEST(test_sensor_stuck_low_overheats),
	    TEST(test_sensor_stuck_high_cools),
	    TEST(test_sensor_noisy_scatters),
	    TEST(test_sensor_disconnected_is_safe),
	    TEST(test_door_open_never_gets_hot),
	    TEST(test_timers),
	    TEST(test_a_drifting_timer_is_late),
	    TEST(test_a_seed_is_a_kitchen),
	    TEST(test_heartbeat_beats),
	    TEST(test_every_time_scale_bakes_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
