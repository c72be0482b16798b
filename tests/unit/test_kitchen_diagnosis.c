/*
 * What the kitchen finds out about ovens and timers by their behaviour, with the physics of real ones whose
 * registers say nothing of faults: each fault is found, and a sound device never looks faulty, at any time
 * scale.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "daemons/hardware/physics.c"
#include "daemons/kitchen/diagnosis.c"

#define LOOK_TICKS 10 /* ten looks in a second of the wall clock */

static const struct hardware_device oven = {1, HARDWARE_OVEN, 1, 4, "oven-1"};
static struct physics_world world;
static struct physics_device s;
static struct diagnosis d;
static int scale;

static void begin(int time_scale)
{
	scale = time_scale;
	physics_world_init(&world, scale, 7);
	physics_device_init(&world, &oven, &s);
	d = (struct diagnosis){0};
	s.power = true;
}

static unsigned look(void)
{
	struct hardware_reading r;
	struct mono at = {s.tick * PHYSICS_TICK_MS * INT64_C(1000000)};

	physics_read(&oven, &s, &r);
	r.faults = 0; /* it does not say */
	return diagnosis_look(&d, &r, at, scale);
}

/* All that was found in so many seconds of the wall clock. */
static unsigned pass(double wall_s)
{
	int64_t until = s.tick + (int64_t)(wall_s * 1000 / PHYSICS_TICK_MS);
	unsigned found = 0;

	while (s.tick < until) {
		physics_tick(&world, &oven, &s);
		if (s.tick % LOOK_TICKS == 0)
			found |= look();
	}
	return found;
}

/* Bakes as fast as it can: each deck is loaded anew as soon as it is done. */
static unsigned bake_on(double wall_s, uint32_t *tag)
{
	unsigned found = 0;

	for (int n = (int)lround(wall_s * 20); n > 0; n--) {
		for (int k = 0; k < oven.decks; k++) {
			enum hardware_deck_state state = physics_deck_state(&s.deck[k]);

			if (state == HARDWARE_DECK_DONE || state == HARDWARE_DECK_BURNT)
				physics_unload(&oven, &s, k, s.deck[k].tag);
			if (s.deck[k].tag == 0)
				physics_load(&oven, &s, k, HARDWARE_PRODUCT_LARGE, ++*tag);
		}
		found |= pass(0.05);
	}
	return found;
}

static void a_sound_oven_is_never_suspected(void **state)
{
	static const int scales[] = {1, 10, 60, 120, 1000};

	(void)state;
	for (size_t i = 0; i < sizeof(scales) / sizeof(*scales); i++) {
		uint32_t tag = 0;

		begin(scales[i]);
		assert_int_equal(pass(1800.0 / scale + 30), 0); /* heats up */
		assert_int_equal(bake_on(1200.0 / scale + 30, &tag), 0);
		s.setpoint = 250; /* another temperature: it cools down */
		assert_int_equal(pass(1800.0 / scale + 30), 0);
		s.power = false;
		assert_int_equal(pass(36000.0 / scale + 30), 0);
	}
}

static void heat_up(int time_scale)
{
	begin(time_scale);
	assert_int_equal(pass(1800.0 / scale + 5), 0);
}

static void a_stuck_sensor_is_found_and_a_mended_one_is_not(void **state)
{
	(void)state;
	for (int time_scale = 1; time_scale <= 1000; time_scale *= 10) {
		heat_up(time_scale);
		physics_set_faults(&s, HARDWARE_FAULT_BIT(SENSOR_STUCK));
		assert_true(pass(130.0 / scale + 2) & STATION_FINDING_BIT(SENSOR_STILL));
		physics_set_faults(&s, 0);
		s.cutout = false;
		pass(1);
		assert_false(d.findings & STATION_FINDING_BIT(SENSOR_STILL));
	}
}

/* kitchend has started anew: what was found before stays as long as nothing speaks against it. */
static void what_was_found_before_stays_until_it_looks_sound(void **state)
{
	const unsigned still = STATION_FINDING_BIT(SENSOR_STILL);
	const unsigned all = still | STATION_FINDING_BIT(OVERHEATS) | STATION_FINDING_BIT(DOOR_LEFT);

	(void)state;
	heat_up(60);
	physics_set_faults(&s, HARDWARE_FAULT_BIT(SENSOR_STUCK));
	pass(0.1);
	d = (struct diagnosis){.findings = all};
	assert_int_equal(look(), all);
	assert_int_equal(pass(1) & still, still);
	assert_int_equal(d.findings, still);
	physics_set_faults(&s, 0);
	pass(1);
	assert_int_equal(d.findings, 0);
}

static void a_stuck_thermostat_is_found_before_anything_burns(void **state)
{
	uint32_t tag = 0;

	(void)state;
	heat_up(60);
	bake_on(1, &tag);
	physics_set_faults(&s, HARDWARE_FAULT_BIT(THERMOSTAT_STUCK));
	while (pass(0.1) == 0)
		assert_false(s.cutout);
	assert_int_equal(d.findings, STATION_FINDING_BIT(OVERHEATS));
	for (int k = 0; k < oven.decks; k++)
		assert_int_not_equal(physics_deck_state(&s.deck[k]), HARDWARE_DECK_BURNT);
}

static void a_door_that_is_left_open_is_found(void **state)
{
	(void)state;
	heat_up(60);
	s.door = true;
	assert_int_equal(pass(0.9), 0);
	assert_true(pass(0.5) & STATION_FINDING_BIT(DOOR_LEFT));
	s.door = false;
	pass(0.2);
	assert_int_equal(d.findings, 0);
}

/* A device that hangs shows the same reading again and again: that is for its heartbeat to tell. */
static void a_reading_that_is_repeated_says_nothing(void **state)
{
	(void)state;
	heat_up(60);
	for (int i = 0; i < 1000; i++) {
		struct hardware_reading r;
		struct mono at = {(s.tick + i * LOOK_TICKS) * PHYSICS_TICK_MS * INT64_C(1000000)};

		physics_read(&oven, &s, &r);
		assert_int_equal(diagnosis_look(&d, &r, at, scale), 0);
	}
}

/* --- timers --- */

static const struct hardware_device timer = {7, HARDWARE_TIMER, 1, 0, "timer-1"};
static struct timekeeping k;
static int64_t late_ms; /* how late the answers come */

static void begin_timer(int time_scale)
{
	scale = time_scale;
	physics_world_init(&world, scale, 7);
	physics_device_init(&world, &timer, &s);
	k = (struct timekeeping){0};
	late_ms = 1;
}

static void start_timer(double seconds)
{
	s.duration = s.left = seconds;
	s.running = true;
	s.expired = false;
}

static bool look_at_timer(void)
{
	struct hardware_reading r;
	struct mono asked = {s.tick * PHYSICS_TICK_MS * INT64_C(1000000)};

	physics_read(&timer, &s, &r);
	r.faults = 0; /* it does not say */
	return diagnosis_time(&k, &r, asked, mono_add_ms(asked, late_ms), scale);
}

/* Whether it was found wrong at any moment of so many seconds of the wall clock; as long as it lasts it is
 * started anew. */
static bool count_on(double wall_s, double seconds)
{
	int64_t until = s.tick + (int64_t)(wall_s * 1000 / PHYSICS_TICK_MS);
	bool found = false;

	while (s.tick < until) {
		if (!s.running)
			start_timer(seconds);
		for (int i = 0; i < LOOK_TICKS; i++)
			physics_tick(&world, &timer, &s);
		found |= look_at_timer();
	}
	return found;
}

/* Two windows and what begins and ends them. */
static double two_windows_s(void)
{
	return 2 * (scale >= 100 ? 1.0 : 100.0 / scale) + 0.5;
}

static void a_sound_timer_is_never_suspected(void **state)
{
	(void)state;
	for (int time_scale = 1; time_scale <= 1000; time_scale = time_scale == 10  ? 60
								  : time_scale < 10 ? 10
										    : time_scale * 4) {
		begin_timer(time_scale);
		assert_false(count_on(10 * two_windows_s(), 220)); /* bakes */
		assert_false(count_on(10 * two_windows_s(), 60000));
		late_ms = 90;
		assert_false(count_on(10 * two_windows_s(), 60000));
	}
}

static void a_drifting_timer_is_found_and_a_mended_one_is_not(void **state)
{
	(void)state;
	for (int time_scale = 1; time_scale <= 1000; time_scale *= 10) {
		begin_timer(time_scale);
		physics_set_faults(&s, HARDWARE_FAULT_BIT(TIMER_DRIFT));
		assert_false(count_on(two_windows_s() * 0.7, 60000)); /* once is not enough */
		count_on(two_windows_s(), 60000);
		assert_true(k.wrong);
		physics_set_faults(&s, 0);
		count_on(two_windows_s(), 60000);
		assert_false(k.wrong);
	}
}

static void a_drifting_timer_is_found_by_what_it_counts_for_bakes(void **state)
{
	(void)state;
	for (int time_scale = 1; time_scale <= 60; time_scale = time_scale == 1 ? 10 : time_scale * 6) {
		begin_timer(time_scale);
		physics_set_faults(&s, HARDWARE_FAULT_BIT(TIMER_DRIFT));
		assert_true(count_on(3 * two_windows_s(), 180));
	}
}

/* The kitchen that was stopped reads old answers: the next window is as much too fast as the last was too
 * slow. */
static void what_comes_late_is_not_the_timers_fault(void **state)
{
	(void)state;
	begin_timer(60);
	for (int i = 0; i < 20; i++) {
		late_ms = i % 3 == 0 ? 2000 : 1;
		assert_false(count_on(1.7, 60000));
	}
}

static void a_timer_that_is_started_anew_or_lost_is_not_wrong(void **state)
{
	(void)state;
	begin_timer(60);
	for (int i = 0; i < 60; i++) {
		assert_false(count_on(0.4, 60000));
		start_timer(100 + 300 * (i % 5));
		if (i % 7 == 0) {
			s.left /= 2; /* away, and back from another life */
			diagnosis_time_lost(&k);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_sound_oven_is_never_suspected),
	    cmocka_unit_test(a_stuck_sensor_is_found_and_a_mended_one_is_not),
	    cmocka_unit_test(what_was_found_before_stays_until_it_looks_sound),
	    cmocka_unit_test(a_stuck_thermostat_is_found_before_anything_burns),
	    cmocka_unit_test(a_door_that_is_left_open_is_found),
	    cmocka_unit_test(a_reading_that_is_repeated_says_nothing),
	    cmocka_unit_test(a_sound_timer_is_never_suspected),
	    cmocka_unit_test(a_drifting_timer_is_found_and_a_mended_one_is_not),
	    cmocka_unit_test(a_drifting_timer_is_found_by_what_it_counts_for_bakes),
	    cmocka_unit_test(what_comes_late_is_not_the_timers_fault),
	    cmocka_unit_test(a_timer_that_is_started_anew_or_lost_is_not_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
