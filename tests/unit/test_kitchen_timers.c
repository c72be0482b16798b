/*
 * Timers of the kitchen with the physics of real ones and a clock of the test's own: bakes get them, keep
 * them through crashes and silence, and lose those that are wrong; an operator's are left alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/config/config.h"

static struct mono the_time;
#define mono_now()	  (the_time)
#define mono_since_ms(at) ((the_time.ns - (at).ns) / 1000000)
#define clock_wall_us()	  (the_time.ns / 1000)

#include "daemons/hardware/physics.c"
#include "daemons/kitchen/diagnosis.c"
#include "daemons/kitchen/pool.c"
#include "daemons/kitchen/scheduler.c"

#define happening station_happening
#define repeats	  station_repeats
#define order	  station_order
#include "daemons/kitchen/stations.c"
#undef happening
#undef repeats
#undef order
#include "daemons/kitchen/timers.c"

#define SCALE	   60
#define TIMERS	   2
#define FIRST	   1	  /* device of the first timer: one oven is before it */
#define LOOK_TICKS 10	  /* ten looks in a second */
#define ANSWER_NS  500000 /* until an answer comes */

static struct physics_world world;
static struct physics_device timers[TIMERS];
static struct floor f;
static struct station stations[1 + TIMERS];
static struct timer states[1 + TIMERS];
static struct link_device seen[1 + TIMERS];
static struct ticket tickets[4];
static bool silent, admits; /* they do not answer; they report faults */
static int lost;	    /* so many orders get lost */
static int starts;	    /* orders to run */

/* --- the link --- */

void link_time(struct link *l, int device, int seconds)
{
	struct physics_device *s = &timers[device - FIRST];

	(void)l;
	if (lost > 0) {
		lost--;
		return;
	}
	starts += seconds > 0;
	if (seconds > 0)
		s->duration = seconds;
	s->left = seconds > 0 ? s->duration : 0;
	s->running = seconds > 0;
	s->expired = false;
}

void link_load(struct link *l, int device, int deck, enum hardware_product product, uint32_t tag)
{
	(void)l, (void)device, (void)deck, (void)product, (void)tag;
}

void link_unload(struct link *l, int device, int deck, uint32_t tag)
{
	(void)l, (void)device, (void)deck, (void)tag;
}

void link_heat(struct link *l, int device, bool power, int setpoint)
{
	(void)l, (void)device, (void)power, (void)setpoint;
}

void link_reset(struct link *l, int device)
{
	(void)l, (void)device;
}

struct move *floor_move(struct floor *floor, struct ticket *t, enum ticket_event event, const char *reason,
			...)
{
	(void)floor, (void)t, (void)event, (void)reason;
	return NULL;
}

/* --- the kitchen --- */

/* kitchend begins: nothing is known but the devices. */
static void start_kitchen(void)
{
	memset(stations, 0, sizeof(stations));
	memset(states, 0, sizeof(states));
	memset(seen, 0, sizeof(seen));
	f.stations = stations;
	f.timers = states;
	f.seen = seen;
	f.station_count = FIRST;
	f.device_count = FIRST + TIMERS;
	f.next_timer = 0;
	f.time_scale = SCALE;
	f.devices[0] = (struct hardware_device){1, HARDWARE_OVEN, 1, 4, "oven-1"};
	f.devices[1] = (struct hardware_device){2, HARDWARE_TIMER, 1, 0, "timer-1"};
	f.devices[2] = (struct hardware_device){3, HARDWARE_TIMER, 2, 0, "timer-2"};
	for (int i = 0; i < HARDWARE_KIND_COUNT; i++)
		f.pace[i] = 1;
	for (int i = 0; i < f.device_count; i++)
		stations[i] =
		    (struct station){.info = &f.devices[i], .state = STATION_OFFLINE, .setpoint_c = 320};
	floor_times(&f);
}

static int setup(void **state)
{
	struct error err;

	(void)state;
	if (config_load("", &err) < 0)
		return -1;
	the_time.ns = 1000000000;
	physics_world_init(&world, SCALE, 7);
	start_kitchen();
	for (int i = 0; i < TIMERS; i++)
		physics_device_init(&world, &f.devices[FIRST + i], &timers[i]);
	for (int i = 0; i < 4; i++)
		tickets[i] =
		    (struct ticket){.job = {.id = i + 1, .size = SIZE_LARGE, .bake_c = 320}, .timer = -1};
	silent = false;
	admits = true;
	lost = starts = 0;
	return 0;
}

static void look(void)
{
	for (int i = 0; i < TIMERS && !silent; i++) {
		struct link_device *d = &seen[FIRST + i];
		int heartbeat = d->reading.heartbeat;

		physics_read(&f.devices[FIRST + i], &timers[i], &d->reading);
		d->reading.faults = admits ? d->reading.faults : 0;
		d->asked = the_time;
		d->at = (struct mono){the_time.ns + ANSWER_NS};
		if (heartbeat != d->reading.heartbeat)
			d->beat = the_time;
	}
	the_time.ns += 2 * ANSWER_NS;
	timers_look(&f);
}

static void pass(double wall_s)
{
	for (int64_t n = (int64_t)(wall_s * 1000 / PHYSICS_TICK_MS / LOOK_TICKS); n > 0; n--) {
		for (int k = 0; k < LOOK_TICKS; k++)
			for (int i = 0; i < TIMERS; i++)
				physics_tick(&world, &f.devices[FIRST + i], &timers[i]);
		the_time.ns += INT64_C(1000000) * LOOK_TICKS * PHYSICS_TICK_MS - 2 * ANSWER_NS;
		look();
	}
}

/* A ticket lies in the oven, and gets what timer there is. */
static struct ticket *load(int i)
{
	tickets[i].started_us = clock_wall_us();
	tickets[i].timer = -1;
	timers_take(&f, &tickets[i]);
	return &tickets[i];
}

static enum station_state state_of(int timer)
{
	return stations[timer].state;
}

/* --- what is to be true --- */

static void bakes_get_timers_in_turn(void **state)
{
	struct ticket *a, *b, *c;

	(void)state;
	pass(0.3);
	a = load(0);
	b = load(1);
	c = load(2);
	assert_int_equal(a->timer, FIRST);
	assert_int_equal(b->timer, FIRST + 1);
	assert_int_equal(c->timer, -1); /* there are two */
	assert_int_equal(timers_left_us(&f, a), -1);
	pass(0.5);
	assert_int_equal(starts, 2);
	assert_int_equal(state_of(FIRST), STATION_IN_USE);
	assert_in_range(timers[0].duration, 255, 270); /* as planned, but for the time until the next look */
	assert_in_range(timers_left_us(&f, a), 3900000, 4200000); /* of 270 s ÷ 60, half a second ago */
	assert_int_equal(timers_left_us(&f, c), -1);
	timers_release(&f, a);
	load(2);
	assert_int_equal(c->timer, -1); /* it has not stopped yet */
	pass(0.5);
	assert_false(timers[0].running);
	assert_int_equal(state_of(FIRST), STATION_IDLE);
	load(2);
	assert_int_equal(c->timer, FIRST);
	timers_release(&f, b);
	pass(1);
	load(0);
	assert_int_equal(a->timer, FIRST + 1);
}

static void a_timer_that_has_run_out_stays_with_its_bake(void **state)
{
	struct ticket *a;

	(void)state;
	pass(0.3);
	a = load(0);
	pass(10);
	assert_true(timers[0].expired);
	assert_int_equal(a->timer, FIRST);
	assert_int_equal(timers_left_us(&f, a), 0);
	assert_int_equal(starts, 1);
	timers_release(&f, a);
	pass(0.5);
	assert_false(timers[0].expired);
}

static void one_that_somebody_stops_is_not_believed(void **state)
{
	(void)state;
	pass(0.3);
	load(0);
	pass(0.5);
	link_time(NULL, FIRST, 0);
	pass(0.5);
	assert_int_equal(timers_left_us(&f, &tickets[0]), -1);
	timers_release(&f, &tickets[0]);
	pass(0.5);
	assert_int_equal(load(1)->timer, FIRST + 1);
	assert_int_equal(load(2)->timer, FIRST);
}

static void an_order_that_is_lost_is_given_again(void **state)
{
	(void)state;
	pass(0.3);
	lost = 2;
	load(0);
	pass(1.5);
	assert_true(timers[0].running);
	lost = 1;
	timers_release(&f, &tickets[0]);
	pass(1.5);
	assert_false(timers[0].running);
}

static void a_wrong_timer_is_left_tried_and_taken_back(void **state)
{
	struct ticket *a;

	(void)state;
	admits = false;
	physics_set_faults(&timers[0], HARDWARE_FAULT_BIT(TIMER_DRIFT));
	pass(0.3);
	a = load(0);
	pass(4);
	assert_int_equal(state_of(FIRST), STATION_FAULTED);
	assert_int_equal(stations[FIRST].diagnosis.findings, STATION_FINDING_BIT(WRONG_TIME));
	assert_int_equal(a->timer, -1); /* it bakes on, by the kitchen's clock */
	for (int i = 0; i < 20; i++) {
		assert_int_not_equal(load(1)->timer, FIRST);
		timers_release(&f, &tickets[1]);
		pass(0.5 + 4.0 * (i % 2));
		assert_int_equal(state_of(FIRST), STATION_FAULTED);
	}
	assert_true(timers[0].running); /* on trial */
	physics_set_faults(&timers[0], 0);
	pass(5);
	assert_int_equal(state_of(FIRST), STATION_IDLE);
	assert_false(timers[0].running);
	timers_take(&f, a);
	timers_take(&f, &tickets[1]);
	assert_true(a->timer == FIRST || tickets[1].timer == FIRST);
}

static void one_that_says_so_is_left_at_once_and_not_tried(void **state)
{
	struct ticket *a;

	(void)state;
	pass(0.3);
	a = load(0);
	pass(0.5);
	physics_set_faults(&timers[0], HARDWARE_FAULT_BIT(TIMER_DRIFT));
	pass(0.2);
	assert_int_equal(state_of(FIRST), STATION_FAULTED);
	assert_int_equal(a->timer, -1);
	pass(20);
	assert_int_equal(starts, 1);
	assert_true(states[FIRST].keeping.wrong); /* what it went on counting was looked at */
	physics_set_faults(&timers[0], 0);
	pass(0.2);
	assert_int_equal(state_of(FIRST), STATION_FAULTED);
	pass(5);
	assert_int_equal(state_of(FIRST), STATION_IDLE);
}

/* kitchend is killed: what the database has of tickets and timers is true again. */
static void a_crash_changes_nothing(void **state)
{
	double left;

	(void)state;
	pass(0.3);
	load(0);
	load(1);
	pass(1);
	left = timers[0].left;
	timers[1].running = false; /* as if the order had not been sent */
	timers[1].left = 0;
	start_kitchen();
	tickets[0].timer = tickets[1].timer = -1;
	timers_adopt(&f, &tickets[0], "timer-1");
	timers_adopt(&f, &tickets[1], "timer-2");
	timers_adopt(&f, &tickets[2], ""); /* it has none */
	timers_adopt(&f, &tickets[2], "oven-1");
	assert_int_equal(tickets[2].timer, -1);
	pass(0.3);
	assert_int_equal(starts, 3);
	assert_true(timers[0].left < left);	       /* it has gone on */
	assert_in_range(timers[1].duration, 195, 215); /* what is left of the bake */
	assert_int_equal(tickets[0].timer, FIRST);
	assert_in_range(timers_left_us(&f, &tickets[0]), 3000000, 3400000);
	timers_release(&f, &tickets[0]);
	pass(0.5);
	assert_false(timers[0].running);
}

static void silence_takes_no_timer_away(void **state)
{
	(void)state;
	pass(0.3);
	load(0);
	pass(0.5);
	silent = true;
	pass(1.5);
	assert_int_equal(state_of(FIRST), STATION_OFFLINE);
	assert_int_equal(timers_left_us(&f, &tickets[0]), -1); /* the last reading is not trusted */
	assert_int_equal(load(1)->timer, -1);
	silent = false;
	pass(0.2);
	assert_int_equal(state_of(FIRST), STATION_IN_USE);
	assert_int_equal(tickets[0].timer, FIRST);
	assert_in_range(timers_left_us(&f, &tickets[0]), 2000000, 2500000);
	assert_int_equal(starts, 1);
	silent = true;
	pass(1.5);
	timers_release(&f, &tickets[0]); /* it was done meanwhile */
	silent = false;
	pass(1);
	assert_false(timers[0].running);
}

static void an_operators_timer_is_left_alone(void **state)
{
	(void)state;
	pass(0.3);
	link_time(NULL, FIRST, 600);
	pass(0.3);
	assert_int_equal(state_of(FIRST), STATION_IDLE);
	assert_int_equal(load(0)->timer, FIRST + 1);
	pass(5);
	assert_true(timers[0].running);
	pass(6);
	assert_true(timers[0].expired);
	assert_int_equal(load(1)->timer, FIRST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(bakes_get_timers_in_turn, setup),
	    cmocka_unit_test_setup(a_timer_that_has_run_out_stays_with_its_bake, setup),
	    cmocka_unit_test_setup(one_that_somebody_stops_is_not_believed, setup),
	    cmocka_unit_test_setup(an_order_that_is_lost_is_given_again, setup),
	    cmocka_unit_test_setup(a_wrong_timer_is_left_tried_and_taken_back, setup),
	    cmocka_unit_test_setup(one_that_says_so_is_left_at_once_and_not_tried, setup),
	    cmocka_unit_test_setup(a_crash_changes_nothing, setup),
	    cmocka_unit_test_setup(silence_takes_no_timer_away, setup),
	    cmocka_unit_test_setup(an_operators_timer_is_left_alone, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
