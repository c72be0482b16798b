/*
 * The virtual hardware as a whole: its time, its state through a SIGKILL, its register map, and requests from
 * anybody.  The clocks are the test's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemons/hardware/physics.c"
#include "daemons/hardware/plant.c"
#include "daemons/hardware/registers.c"
#include "daemons/hardware/request.c"
#include "daemons/hardware/state.c"

static const struct hardware_device devices[] = {
    {1, HARDWARE_OVEN, 1, 4, "oven-1"},
    {2, HARDWARE_OVEN, 2, 4, "oven-2"},
    {3, HARDWARE_PAN, 1, 1, "pan-1"},
    {4, HARDWARE_TIMER, 1, 0, "timer-1"},
};
enum { OVEN, OVEN_2, PAN, TIMER };

static int64_t mono, wall;
static int bus_changes;
static char file[64];
static struct plant *plant;

static int64_t test_mono(void)
{
	return mono;
}

static int64_t test_wall(void)
{
	return wall;
}

static void pass_ms(int64_t ms)
{
	mono += ms;
	wall += ms * 1000;
}

static void bus_changed_here(void *arg)
{
	(void)arg;
	bus_changes++;
}

static struct plant *open_plant(const struct hardware_device *list, int count)
{
	const struct plant_options o = {.devices = list,
					.count = count,
					.time_scale = 60,
					.seed = 1,
					.file = file,
					.mono_ms = test_mono,
					.wall_us = test_wall,
					.bus_changed = bus_changed_here};
	struct plant *p = NULL;
	struct error err;

	if (plant_new(&o, &p, &err) < 0)
		fail_msg("%s: %s", err.what, err.why);
	return p;
}

static int begin(void **state)
{
	(void)state;
	snprintf(file, sizeof(file), "/tmp/pizza-plant-%d", (int)getpid());
	unlink(file);
	mono = 1000;
	wall = INT64_C(1700000000000000);
	bus_changes = 0;
	plant = open_plant(devices, ARRAY_LEN(devices));
	return 0;
}

static int end(void **state)
{
	(void)state;
	plant_free(plant);
	return unlink(file);
}

/* A process that was killed leaves the file as it is: nothing of it is run. */
static void kill_and_start(int64_t away_ms, const struct hardware_device *list, int count)
{
	pass_ms(away_ms);
	mono = 5; /* another boot */
	plant_free(plant);
	plant = open_plant(list, count);
}

static struct plant_view view_of(int device)
{
	struct plant_view view;

	plant_read(plant, device, &view);
	return view;
}

/* --- time and state --- */

static void test_time_passes_when_it_is_looked_at(void **state)
{
	const struct hardware_register *power = hardware_setting_find(HARDWARE_OVEN, "power");

	(void)state;
	plant_write(plant, OVEN, power, 1);
	pass_ms(20000);
	assert_true(view_of(OVEN).reading.temperature > 3000);
	assert_true(view_of(OVEN_2).reading.temperature < 300);
	assert_int_equal(view_of(OVEN).reading.heartbeat, 200);
	plant_tick(plant);
	assert_int_equal(view_of(TIMER).reading.heartbeat, 200);
}

static void test_how_often_one_looks_changes_nothing(void **state)
{
	struct plant_view seldom, often;

	(void)state;
	plant_write(plant, OVEN, hardware_setting_find(HARDWARE_OVEN, "power"), 1);
	pass_ms(9000);
	seldom = view_of(OVEN);
	end(NULL);
	begin(NULL);
	plant_write(plant, OVEN, hardware_setting_find(HARDWARE_OVEN, "power"), 1);
	for (int i = 0; i < 900; i++) {
		pass_ms(10);
		often = view_of(OVEN);
	}
	assert_memory_equal(&seldom.reading, &often.reading, sizeof(seldom.reading));
}

static void test_state_survives(void **state)
{
	struct hardware_reading r;

	(void)state;
	plant_write(plant, OVEN, hardware_setting_find(HARDWARE_OVEN, "power"), 1);
	pass_ms(20000);
	assert_int_equal(plant_load(plant, OVEN, 2, HARDWARE_PRODUCT_MEDIUM, 0xcafe0001), PHYSICS_OK);
	plant_change_faults(plant, OVEN_2, HARDWARE_FAULT_BIT(HEATER_DEAD), 0);
	kill_and_start(2000, devices, ARRAY_LEN(devices));
	r = view_of(OVEN).reading;
	assert_int_equal(r.deck[2].tag, 0xcafe0001);
	assert_int_equal(r.deck[2].state, HARDWARE_DECK_BAKING);
	assert_int_equal(r.deck[2].seconds, 120); /* time went on meanwhile */
	assert_true(r.temperature > 3000);
	assert_int_equal(r.heartbeat, 220);
	assert_int_equal(view_of(OVEN_2).reading.faults, HARDWARE_FAULT_BIT(HEATER_DEAD));
	pass_ms(2000);
	assert_int_equal(view_of(OVEN).reading.deck[2].state, HARDWARE_DECK_DONE);
}

static void test_a_long_absence_is_cut_short(void **state)
{
	(void)state;
	assert_int_equal(plant_load(plant, OVEN, 0, HARDWARE_PRODUCT_SMALL, 1), PHYSICS_OK);
	kill_and_start(INT64_C(86400000), devices, ARRAY_LEN(devices));
	assert_int_equal(view_of(OVEN).reading.deck[0].seconds, 60 * 60);
	pass_ms(INT64_C(86400000)); /* stopped, not killed */
	assert_int_equal(view_of(OVEN).reading.deck[0].seconds, 2 * 60 * 60);
}

static void test_a_clock_that_goes_back_does_no_harm(void **state)
{
	(void)state;
	pass_ms(1000);
	plant_tick(plant);
	kill_and_start(-3600000, devices, ARRAY_LEN(devices));
	assert_int_equal(view_of(OVEN).reading.heartbeat, 10);
}

/* One record of each device is spoilt, as by a crash in the middle of writing it. */
static void test_a_torn_record_is_passed_over(void **state)
{
	struct record *two;

	(void)state;
	assert_int_equal(plant_load(plant, OVEN, 0, HARDWARE_PRODUCT_SMALL, 7), PHYSICS_OK);
	pass_ms(1000);
	plant_tick(plant);
	two = plant->state->records;
	two[two[1].turn > two[0].turn].device.temperature = 999;
	kill_and_start(0, devices, ARRAY_LEN(devices));
	assert_int_equal(view_of(OVEN).reading.deck[0].tag, 7);
	assert_true(view_of(OVEN).reading.temperature < 500);
}

static void test_a_foreign_file_is_not_read(void **state)
{
	FILE *f = fopen(file, "w");

	(void)state;
	assert_non_null(f);
	assert_true(fputs("not the hardware's state at all, but long enough to look at", f) >= 0);
	assert_int_equal(fclose(f), 0);
	kill_and_start(0, devices, ARRAY_LEN(devices));
	assert_int_equal(view_of(OVEN).reading.deck[0].tag, 0);
}

/* An oven was added and one lost decks: state goes by name. */
static void test_another_kitchen_takes_over_by_name(void **state)
{
	static const struct hardware_device other[] = {
	    {1, HARDWARE_OVEN, 1, 2, "oven-1"},
	    {2, HARDWARE_OVEN, 2, 2, "oven-2"},
	    {3, HARDWARE_OVEN, 3, 2, "oven-3"},
	    {4, HARDWARE_PAN, 1, 1, "pan-1"},
	};

	(void)state;
	assert_int_equal(plant_load(plant, OVEN, 1, 1, 11), PHYSICS_OK);
	assert_int_equal(plant_load(plant, OVEN, 3, 1, 13), PHYSICS_OK);
	assert_int_equal(plant_load(plant, PAN, 0, 1, 31), PHYSICS_OK);
	kill_and_start(0, other, ARRAY_LEN(other));
	assert_int_equal(view_of(0).reading.deck[1].tag, 11);
	assert_int_equal(view_of(0).reading.deck[3].tag, 0);
	assert_int_equal(view_of(2).reading.deck[0].tag, 0);
	assert_int_equal(view_of(3).reading.deck[0].tag, 31);
}

/* --- faults --- */

static void test_a_silent_device_is_not_heard(void **state)
{
	(void)state;
	pass_ms(1000);
	plant_change_faults(plant, OVEN, HARDWARE_FAULT_BIT(SILENT), 0);
	pass_ms(2500);
	assert_false(plant_reachable(plant, OVEN));
	assert_true(plant_reachable(plant, OVEN_2));
	assert_false(view_of(OVEN).reachable);
	assert_int_equal(view_of(OVEN).heartbeat_age_ms, 2500);
	assert_int_equal(view_of(OVEN_2).heartbeat_age_ms, 0);
	plant_change_faults(plant, OVEN, 0, HARDWARE_FAULT_BIT(SILENT));
	assert_int_equal(view_of(OVEN).heartbeat_age_ms, 0);
}

static void test_the_bus_is_one_for_all(void **state)
{
	(void)state;
	plant_change_faults(plant, PAN, HARDWARE_FAULT_BIT(BUS_DOWN), 0);
	assert_int_equal(bus_changes, 1);
	assert_true(plant_bus_down(plant));
	for (int i = 0; i < plant_count(plant); i++) {
		assert_false(plant_reachable(plant, i));
		assert_int_equal(view_of(i).reading.faults, HARDWARE_FAULT_BIT(BUS_DOWN));
	}
	kill_and_start(1000, devices, ARRAY_LEN(devices));
	assert_true(plant_bus_down(plant));
	plant_change_faults(plant, OVEN, 0, hardware_faults_of(HARDWARE_OVEN));
	assert_false(plant_bus_down(plant));
	assert_int_equal(bus_changes, 2);
	assert_true(plant_reachable(plant, PAN));
}

static void test_mending_everything_resets_the_cutout(void **state)
{
	(void)state;
	plant_change_faults(plant, OVEN, HARDWARE_FAULT_BIT(THERMOSTAT_STUCK), 0);
	pass_ms(20000);
	assert_true(view_of(OVEN).reading.status & HARDWARE_STATUS_BIT(CUTOUT));
	plant_change_faults(plant, OVEN, 0, HARDWARE_FAULT_BIT(THERMOSTAT_STUCK));
	pass_ms(20000);
	assert_true(view_of(OVEN).reading.status & HARDWARE_STATUS_BIT(CUTOUT));
	plant_change_faults(plant, OVEN, 0, hardware_faults_of(HARDWARE_OVEN));
	pass_ms(1000);
	assert_false(view_of(OVEN).reading.status & HARDWARE_STATUS_BIT(CUTOUT));
}

static void test_a_fault_that_a_kind_cannot_have_is_not_kept(void **state)
{
	(void)state;
	plant_change_faults(plant, TIMER, HARDWARE_FAULT_BIT(HEATER_DEAD) | HARDWARE_FAULT_BIT(TIMER_DRIFT),
			    0);
	assert_int_equal(view_of(TIMER).reading.faults, HARDWARE_FAULT_BIT(TIMER_DRIFT));
}

/* --- registers --- */

static int write_one(int device, enum hardware_space space, int address, uint16_t value)
{
	const uint16_t values[HARDWARE_DECK_HOLDINGS] = {value};

	return registers_write(plant, device, space, address, 1, values);
}

static uint16_t read_one(int device, enum hardware_space space, int address)
{
	uint16_t values[REGISTERS_EXTENT_MAX];

	registers_read(plant, device, space, values);
	return values[address];
}

static void test_settings_are_written_and_read_back(void **state)
{
	(void)state;
	assert_int_equal(write_one(OVEN, HARDWARE_HOLDING, HARDWARE_HOLD_SETPOINT, 2800), 0);
	assert_int_equal(read_one(OVEN, HARDWARE_HOLDING, HARDWARE_HOLD_SETPOINT), 2800);
	assert_int_equal(read_one(OVEN, HARDWARE_INPUT, HARDWARE_IN_SETPOINT), 2800);
	assert_int_equal(write_one(OVEN, HARDWARE_COIL, HARDWARE_COIL_POWER, 1), 0);
	assert_int_equal(read_one(OVEN, HARDWARE_COIL, HARDWARE_COIL_POWER), 1);
	assert_int_equal(read_one(OVEN, HARDWARE_DISCRETE, HARDWARE_STATUS_POWER), 1);
	assert_int_equal(write_one(OVEN, HARDWARE_COIL, HARDWARE_COIL_DOOR, 1), 0);
	assert_int_equal(read_one(OVEN, HARDWARE_COIL, HARDWARE_COIL_DOOR), 1);
	assert_int_equal(write_one(TIMER, HARDWARE_HOLDING, HARDWARE_HOLD_DURATION, 90), 0);
	assert_int_equal(write_one(TIMER, HARDWARE_COIL, HARDWARE_COIL_RUN, 1), 0);
	assert_int_equal(read_one(TIMER, HARDWARE_INPUT, HARDWARE_IN_VALUE), 90);
	pass_ms(1600);
	assert_int_equal(read_one(TIMER, HARDWARE_DISCRETE, HARDWARE_STATUS_EXPIRED), 1);
	assert_int_equal(write_one(OVEN, HARDWARE_HOLDING, HARDWARE_HOLD_FAULTS, 1), 0);
	assert_int_equal(read_one(OVEN, HARDWARE_INPUT, HARDWARE_IN_FAULTS), 1);
	assert_int_equal(write_one(OVEN, HARDWARE_HOLDING, HARDWARE_HOLD_FAULTS, 0), 0);
	assert_int_equal(read_one(OVEN, HARDWARE_HOLDING, HARDWARE_HOLD_FAULTS), 0);
}

static void test_what_cannot_be_written_is_refused(void **state)
{
	static const struct {
		int device;
		enum hardware_space space;
		int address;
		uint16_t value;
		int exception;
	} wrong[] = {
	    {OVEN, HARDWARE_HOLDING, HARDWARE_HOLD_SETPOINT, 4001, 3},
	    {OVEN, HARDWARE_HOLDING, HARDWARE_HOLD_SETPOINT, 499, 3},
	    {OVEN, HARDWARE_HOLDING, HARDWARE_HOLD_SETPOINT, 65535, 3},
	    {PAN, HARDWARE_HOLDING, HARDWARE_HOLD_SETPOINT, 2801, 3},
	    {PAN, HARDWARE_HOLDING, HARDWARE_HOLD_FAULTS, HARDWARE_FAULT_BIT(DOOR_OPEN), 3},
	    {TIMER, HARDWARE_HOLDING, HARDWARE_HOLD_FAULTS, HARDWARE_FAULT_BIT(HEATER_DEAD), 3},
	    {OVEN, HARDWARE_HOLDING, HARDWARE_HOLD_FAULTS, 0x8000, 3},
	    {TIMER, HARDWARE_HOLDING, HARDWARE_HOLD_DURATION, 0, 3},
	    {TIMER, HARDWARE_HOLDING, HARDWARE_HOLD_SETPOINT, 2000, 2},
	    {OVEN, HARDWARE_HOLDING, HARDWARE_HOLD_DURATION, 60, 2},
	    {OVEN, HARDWARE_HOLDING, 5, 1, 2},
	    {OVEN, HARDWARE_HOLDING, HARDWARE_DECK_HOLDING_FIRST, 1, 2},
	    {OVEN, HARDWARE_COIL, HARDWARE_COIL_RUN, 1, 2},
	    {PAN, HARDWARE_COIL, HARDWARE_COIL_DOOR, 1, 2},
	    {TIMER, HARDWARE_COIL, HARDWARE_COIL_POWER, 1, 2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct plant_view before = view_of(wrong[i].device), after;
		int exception = write_one(wrong[i].device, wrong[i].space, wrong[i].address, wrong[i].value);

		if (exception != wrong[i].exception)
			fail_msg("row %zu: exception %d instead of %d", i, exception, wrong[i].exception);
		after = view_of(wrong[i].device);
		assert_memory_equal(&before.reading, &after.reading, sizeof(after.reading));
	}
}

static void test_a_write_is_whole_or_nothing(void **state)
{
	const uint16_t good_and_bad[HARDWARE_DECK_HOLDINGS] = {2500, 0x8000};

	(void)state;
	assert_int_equal(registers_write(plant, OVEN, HARDWARE_HOLDING, 0, 2, good_and_bad), 3);
	assert_int_equal(read_one(OVEN, HARDWARE_HOLDING, HARDWARE_HOLD_SETPOINT), 3200);
}

static int order_deck(int deck, enum hardware_command command, int product, uint32_t tag)
{
	uint16_t values[HARDWARE_DECK_HOLDINGS];
	int address = hardware_order(deck, command, (enum hardware_product)product, tag, values);

	return registers_write(plant, OVEN, HARDWARE_HOLDING, address, HARDWARE_DECK_HOLDINGS, values);
}

static void test_orders(void **state)
{
	(void)state;
	assert_int_equal(order_deck(3, HARDWARE_COMMAND_LOAD, HARDWARE_PRODUCT_LARGE, 0x10002), 0);
	assert_int_equal(order_deck(3, HARDWARE_COMMAND_LOAD, HARDWARE_PRODUCT_LARGE, 0x10002), 0);
	assert_int_equal(order_deck(3, HARDWARE_COMMAND_LOAD, HARDWARE_PRODUCT_LARGE, 0x10003), 6);
	assert_int_equal(order_deck(3, HARDWARE_COMMAND_UNLOAD, HARDWARE_PRODUCT_NONE, 0x10003), 6);
	assert_int_equal(read_one(OVEN, HARDWARE_DISCRETE, HARDWARE_DISCRETE_LOADED + 3), 1);
	assert_int_equal(view_of(OVEN).reading.deck[3].loads, 1);
	assert_int_equal(order_deck(3, HARDWARE_COMMAND_UNLOAD, HARDWARE_PRODUCT_NONE, 0x10002), 0);
	assert_int_equal(order_deck(3, HARDWARE_COMMAND_UNLOAD, HARDWARE_PRODUCT_NONE, 0x10002), 0);
	assert_int_equal(view_of(OVEN).reading.deck[3].last_tag, 0x10002);
	assert_int_equal(order_deck(0, HARDWARE_COMMAND_LOAD, HARDWARE_PRODUCT_NONE, 1), 3);
	assert_int_equal(order_deck(0, HARDWARE_COMMAND_LOAD, HARDWARE_PRODUCT_COUNT, 1), 3);
	assert_int_equal(order_deck(0, HARDWARE_COMMAND_LOAD, HARDWARE_PRODUCT_SMALL, 0), 3);
	assert_int_equal(order_deck(0, HARDWARE_COMMAND_NONE, HARDWARE_PRODUCT_SMALL, 1), 3);
	assert_int_equal(order_deck(0, (enum hardware_command)9, HARDWARE_PRODUCT_SMALL, 1), 3);
	assert_int_equal(order_deck(4, HARDWARE_COMMAND_LOAD, HARDWARE_PRODUCT_SMALL, 1), 2);
}

/* --- requests --- */

static struct request parsed;

static void parse(const char *bytes, size_t n)
{
	parsed = (struct request){0};
	request_parse((const uint8_t *)bytes, n, &parsed);
}
#define PARSE(bytes) parse(bytes, sizeof(bytes) - 1)

static void test_lengths(void **state)
{
	const uint8_t read[] = {0, 1, 0, 0, 0, 6, 1, 4, 0, 0, 0, 16};
	const uint8_t other_protocol[] = {0, 1, 0, 1, 0, 6, 1, 4};
	const uint8_t too_short[] = {0, 1, 0, 0, 0, 1, 1, 4}, too_long[] = {0, 1, 0, 0, 0, 255, 1, 4};

	(void)state;
	for (size_t n = 0; n < sizeof(read); n++)
		assert_int_equal(request_length(read, n), 0);
	assert_int_equal(request_length(read, sizeof(read)), 12);
	assert_int_equal(request_length(other_protocol, sizeof(other_protocol)), -1);
	assert_int_equal(request_length(too_short, sizeof(too_short)), -1);
	assert_int_equal(request_length(too_long, sizeof(too_long)), -1);
}

static void test_requests_are_read(void **state)
{
	(void)state;
	PARSE("\0\1\0\0\0\6\1\4\0\2\0\20");
	assert_int_equal(parsed.exception, 0);
	assert_true(parsed.unit == 1 && parsed.space == HARDWARE_INPUT && parsed.read_address == 2 &&
		    parsed.read_count == 16 && parsed.write_count == 0);
	PARSE("\0\1\0\0\0\6\2\5\0\0\377\0");
	assert_true(parsed.exception == 0 && parsed.space == HARDWARE_COIL && parsed.write_count == 1 &&
		    parsed.values[0] == 1);
	PARSE("\0\1\0\0\0\11\1\17\0\0\0\12\2\5\2");
	assert_true(parsed.exception == 0 && parsed.write_count == 10 && parsed.values[0] == 1 &&
		    parsed.values[1] == 0 && parsed.values[2] == 1 && parsed.values[9] == 1);
	PARSE("\0\1\0\0\0\13\1\20\0\20\0\2\4\1\2\3\4");
	assert_true(parsed.exception == 0 && parsed.write_address == 16 && parsed.write_count == 2 &&
		    parsed.values[0] == 0x102 && parsed.values[1] == 0x304);
	PARSE("\0\1\0\0\0\10\1\26\0\1\0\362\0\45");
	assert_true(parsed.exception == 0 && parsed.and_mask == 0xf2 && parsed.or_mask == 0x25);
	PARSE("\0\1\0\0\0\15\1\27\0\0\0\3\0\0\0\1\2\13\270");
	assert_true(parsed.exception == 0 && parsed.read_count == 3 && parsed.write_count == 1 &&
		    parsed.values[0] == 3000);
}

static void test_requests_that_are_none(void **state)
{
	(void)state;
	PARSE("\0\1\0\0\0\2\1\101");
	assert_int_equal(parsed.exception, 1);
	PARSE("\0\1\0\0\0\2\1\4");
	assert_int_equal(parsed.exception, 3);
	PARSE("\0\1\0\0\0\6\1\4\0\0\0\0");
	assert_int_equal(parsed.exception, 3);
	PARSE("\0\1\0\0\0\6\1\4\0\0\0\176");
	assert_int_equal(parsed.exception, 3);
	PARSE("\0\1\0\0\0\7\1\4\0\0\0\1\0");
	assert_int_equal(parsed.exception, 3);
	PARSE("\0\1\0\0\0\6\1\5\0\0\1\0");
	assert_int_equal(parsed.exception, 3);
	PARSE("\0\1\0\0\0\10\1\17\0\0\0\12\1\5");
	assert_int_equal(parsed.exception, 3);
	PARSE("\0\1\0\0\0\11\1\20\0\20\0\2\4\1\2");
	assert_int_equal(parsed.exception, 3);
	PARSE("\0\1\0\0\0\6\1\27\0\0\0\1");
	assert_int_equal(parsed.exception, 3);
}

/* Whatever comes, every request is judged and nothing but the registers that may be written changes. */
static void test_nonsense(void **state)
{
	const struct hardware_device *d = &devices[OVEN];
	uint64_t seed = 42;

	(void)state;
	for (int i = 0; i < 50000; i++) {
		uint8_t bytes[REQUEST_MAX] = {0};
		size_t n = 8 + mix(seed++) % 24;

		for (size_t k = 6; k < n; k++)
			bytes[k] = (uint8_t)mix(seed++);
		bytes[5] = (uint8_t)(n - 6);
		if (i % 2 == 0)
			bytes[7] = (uint8_t)(bytes[7] % 24); /* functions that there are */
		if (i % 4 == 0)
			bytes[8] = 0; /* addresses that are near */
		assert_int_equal(request_length(bytes, n), n);
		request_parse(bytes, n, &parsed);
		if (parsed.exception == 0 && parsed.write_count > 0 &&
		    parsed.write_address + parsed.write_count <= registers_extent(d, parsed.space))
			(void)registers_write(plant, OVEN, parsed.space, parsed.write_address,
					      parsed.write_count, parsed.values);
	}
	{
		struct hardware_reading r = view_of(OVEN).reading;

		assert_true(r.setpoint >= 500 && r.setpoint <= 4000);
		assert_int_equal(r.faults & ~hardware_faults_of(HARDWARE_OVEN), 0);
	}
	assert_int_equal(view_of(OVEN_2).reading.setpoint, 3200);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    TEST(test_time_passes_when_it_is_looked_at),
	    TEST(test_how_often_one_looks_changes_nothing),
	    TEST(test_state_survives),
	    TEST(test_a_long_absence_is_cut_short),
	    TEST(test_a_clock_that_goes_back_does_no_harm),
	    TEST(test_a_torn_record_is_passed_over),
	    TEST(test_a_foreign_file_is_not_read),
	    TEST(test_another_kitchen_takes_over_by_name),
	    TEST(test_a_silent_device_is_not_heard),
	    TEST(test_the_bus_is_one_for_all),
	    TEST(test_mending_everything_resets_the_cutout),
	    TEST(test_a_fault_that_a_kind_cannot_have_is_not_kept),
	    TEST(test_settings_are_written_and_read_back),
	    TEST(test_what_cannot_be_written_is_refused),
	    TEST(test_a_write_is_whole_or_nothing),
	    TEST(test_orders),
	    TEST(test_lengths),
	    TEST(test_requests_are_read),
	    TEST(test_requests_that_are_none),
	    TEST(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
