/*
 * The hardware's tables: devices from the configuration, names, the register map, a device's block.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/contract/hardware.h"

static void set(const char *key, const char *value)
{
	struct error err;

	if (config_override(key, value, &err) < 0)
		fail_msg("%s: %s", err.what, err.why);
}

static void assert_override_refused(const char *key, const char *value)
{
	struct error err;

	assert_int_equal(config_override(key, value, &err), ERR_INVALID);
}

static int setup(void **state)
{
	struct error err;

	(void)state;
	if (unsetenv("PIZZA_PORT_BASE") != 0)
		return -1;
	return config_load("", &err);
}

static void test_default_devices(void **state)
{
	struct hardware_device devices[HARDWARE_DEVICES_MAX];

	(void)state;
	assert_int_equal(hardware_devices(devices), 14);
	assert_string_equal(devices[0].name, "oven-1");
	assert_int_equal(devices[0].unit, 1);
	assert_int_equal(devices[0].decks, 4);
	assert_string_equal(devices[4].name, "pan-1");
	assert_int_equal(devices[4].decks, 1);
	assert_string_equal(devices[13].name, "timer-8");
	assert_int_equal(devices[13].unit, 14);
	assert_int_equal(devices[13].decks, 0);
	assert_ptr_equal(hardware_find(devices, 14, "pan-2"), &devices[5]);
	assert_null(hardware_find(devices, 14, "oven-5"));
	assert_null(hardware_find(devices, 14, "oven"));
	assert_int_equal(hardware_port(), 5502);
}

static void test_largest_kitchen(void **state)
{
	struct hardware_device devices[HARDWARE_DEVICES_MAX];

	(void)state;
	set("kitchen.ovens", "200");
	set("kitchen.decks", "8");
	set("kitchen.pans", "32");
	set("kitchen.timers", "15");
	assert_int_equal(hardware_devices(devices), HARDWARE_DEVICES_MAX);
	assert_string_equal(devices[246].name, "timer-15");
	assert_override_refused("kitchen.ovens", "201");
	assert_override_refused("kitchen.decks", "9");
	assert_override_refused("kitchen.time_scale", "0");
	set("kitchen.ovens", "4");
	set("kitchen.decks", "4");
	set("kitchen.pans", "2");
	set("kitchen.timers", "8");
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < HARDWARE_FAULT_COUNT; i++)
		assert_int_equal(hardware_fault_find(hardware_faults[i].name), i);
	assert_int_equal(hardware_fault_find("on-fire"), -1);
	assert_true(HARDWARE_FAULT_COUNT <= 16 && HARDWARE_STATUS_COUNT <= 16);
	assert_int_equal(hardware_product_find("small"), HARDWARE_PRODUCT_SMALL);
	assert_int_equal(hardware_product_find("large"), HARDWARE_PRODUCT_LARGE);
	assert_int_equal(hardware_product_find("none"), -1);
	assert_true(hardware_faults_of(HARDWARE_OVEN) & HARDWARE_FAULT_BIT(DOOR_OPEN));
	assert_false(hardware_faults_of(HARDWARE_PAN) & HARDWARE_FAULT_BIT(DOOR_OPEN));
	assert_int_equal(hardware_faults_of(HARDWARE_TIMER), HARDWARE_FAULT_BIT(TIMER_DRIFT) |
								 HARDWARE_FAULT_BIT(SILENT) |
								 HARDWARE_FAULT_BIT(BUS_DOWN));
}

/* No two rows of a kind cover one address, and the rows come in the order of the wire. */
static void test_map_is_sound(void **state)
{
	const struct hardware_device oven = {1, HARDWARE_OVEN, 1, HARDWARE_DECKS_MAX, "oven-1"};

	(void)state;
	for (int i = 0; i < hardware_register_count; i++) {
		const struct hardware_register *r = &hardware_registers[i];
		int deck;

		assert_true(r->min <= r->max && r->scale > 0 && r->kinds != 0 && r->text[0] != '\0');
		if (i > 0)
			assert_true(r->space > r[-1].space ||
				    (r->space == r[-1].space && r->address >= r[-1].address));
		if (r->kinds & HARDWARE_OVENS) {
			assert_ptr_equal(hardware_register_at(&oven, r->space, r->address, &deck), r);
			assert_int_equal(deck, 0);
		}
	}
	assert_true(HARDWARE_BLOCK_MAX <= 125);
}

static void test_every_input_of_a_block_has_a_row(void **state)
{
	struct hardware_device devices[HARDWARE_DEVICES_MAX];
	int n = hardware_devices(devices);

	(void)state;
	for (int i = 0; i < n; i++) {
		int deck;

		for (int a = 0; a < hardware_block(&devices[i]); a++)
			assert_non_null(hardware_register_at(&devices[i], HARDWARE_INPUT, a, &deck));
		assert_null(
		    hardware_register_at(&devices[i], HARDWARE_INPUT, hardware_block(&devices[i]), &deck));
		assert_null(hardware_register_at(&devices[i], HARDWARE_INPUT, -1, &deck));
	}
}

static void test_deck_rows(void **state)
{
	const struct hardware_device oven = {1, HARDWARE_OVEN, 1, 4, "oven-1"};
	const struct hardware_register *r;
	int deck;

	(void)state;
	r = hardware_register_at(&oven, HARDWARE_HOLDING, 16 + 3 * 8 + 3, &deck);
	assert_non_null(r);
	assert_string_equal(r->name, "order-command");
	assert_int_equal(deck, 3);
	assert_null(hardware_register_at(&oven, HARDWARE_HOLDING, 16 + 4, &deck));
	assert_null(hardware_register_at(&oven, HARDWARE_HOLDING, 16 + 4 * 8, &deck));
	r = hardware_register_at(&oven, HARDWARE_DISCRETE, HARDWARE_DISCRETE_LOADED + 2, &deck);
	assert_string_equal(r->name, "loaded");
	assert_int_equal(deck, 2);
	assert_null(hardware_register_at(&oven, HARDWARE_DISCRETE, HARDWARE_DISCRETE_LOADED + 4, &deck));
	assert_string_equal(hardware_register_at(&oven, HARDWARE_DISCRETE, 15, &deck)->name, "status");
}

static void test_settings(void **state)
{
	const struct hardware_register *r = hardware_setting_find(HARDWARE_PAN, "setpoint");
	int min, max;

	(void)state;
	assert_non_null(r);
	hardware_limits(r, HARDWARE_PAN, &min, &max);
	assert_int_equal(min, 500);
	assert_int_equal(max, 2800);
	hardware_limits(r, HARDWARE_OVEN, &min, &max);
	assert_int_equal(max, 4000);
	r = hardware_setting_find(HARDWARE_TIMER, "faults");
	hardware_limits(r, HARDWARE_TIMER, &min, &max);
	assert_int_equal(max, hardware_faults_of(HARDWARE_TIMER));
	assert_null(hardware_setting_find(HARDWARE_PAN, "door"));
	assert_null(hardware_setting_find(HARDWARE_TIMER, "setpoint"));
	assert_null(hardware_setting_find(HARDWARE_OVEN, "temperature"));
	assert_null(hardware_setting_find(HARDWARE_OVEN, "order-command"));
}

static const struct hardware_reading busy_oven = {
    .temperature = -125,
    .setpoint = 3200,
    .status = HARDWARE_STATUS_BIT(POWER) | HARDWARE_STATUS_BIT(DOOR),
    .faults = HARDWARE_FAULT_BIT(HEATER_DEAD),
    .heartbeat = 65535,
    .energy = 40000,
    .trips = 3,
    .decks = 3,
    .deck =
	{
	    {.state = HARDWARE_DECK_DONE,
	     .tag = 0xdeadbeef,
	     .core = 934,
	     .browning = 512,
	     .seconds = 221,
	     .product = HARDWARE_PRODUCT_LARGE,
	     .loads = 7},
	    {.last_tag = 0x80000001, .last_state = HARDWARE_DECK_BURNT, .last_browning = 1000},
	    {.state = HARDWARE_DECK_BURNT, .tag = 1, .core = -5, .browning = 999, .product = 1},
	},
};

static void test_block_round_trip(void **state)
{
	const struct hardware_device oven = {1, HARDWARE_OVEN, 1, 3, "oven-1"};
	uint16_t registers[HARDWARE_BLOCK_MAX];
	struct hardware_reading back;
	struct error err;

	(void)state;
	hardware_encode(&oven, &busy_oven, registers);
	assert_int_equal(registers[HARDWARE_IN_LOADED], 5);
	assert_int_equal(registers[HARDWARE_IN_DONE], 1);
	assert_int_equal(registers[HARDWARE_IN_BURNT], 4);
	assert_int_equal(hardware_decode(&oven, registers, hardware_block(&oven), &back, &err), 0);
	assert_memory_equal(&back, &busy_oven, sizeof(back));
}

static void test_timer_block(void **state)
{
	const struct hardware_device timer = {7, HARDWARE_TIMER, 1, 0, "timer-1"};
	const struct hardware_reading counting = {.left = 65000, .duration = 65535, .status = 64};
	uint16_t registers[HARDWARE_BLOCK_MAX];
	struct hardware_reading back;
	struct error err;

	(void)state;
	hardware_encode(&timer, &counting, registers);
	assert_int_equal(hardware_decode(&timer, registers, HARDWARE_IN_HEAD, &back, &err), 0);
	assert_int_equal(back.left, 65000);
	assert_int_equal(back.duration, 65535);
	assert_int_equal(back.temperature, HARDWARE_NO_READING);
}

static void assert_undecodable(const uint16_t *registers, int n)
{
	const struct hardware_device oven = {1, HARDWARE_OVEN, 1, 3, "oven-1"};
	struct hardware_reading back;
	struct error err;

	assert_int_equal(hardware_decode(&oven, registers, n, &back, &err), ERR_INVALID);
}

static void test_foreign_blocks_are_refused(void **state)
{
	const struct hardware_device oven = {1, HARDWARE_OVEN, 1, 3, "oven-1"};
	static const struct {
		int at;
		uint16_t value;
	} wrong[] = {
	    {HARDWARE_IN_KIND, HARDWARE_PAN + 1},
	    {HARDWARE_IN_DECKS, 4},
	    {HARDWARE_IN_HEAD + HARDWARE_DECK_IN_STATE, HARDWARE_DECK_STATE_COUNT},
	    {HARDWARE_IN_HEAD + HARDWARE_DECK_IN_PRODUCT, HARDWARE_PRODUCT_COUNT},
	    {HARDWARE_IN_HEAD + 2 * HARDWARE_DECK_INPUTS + HARDWARE_DECK_IN_BROWNING, 1001},
	    {HARDWARE_IN_HEAD + HARDWARE_DECK_IN_LAST_STATE, 9},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		uint16_t registers[HARDWARE_BLOCK_MAX];

		hardware_encode(&oven, &busy_oven, registers);
		registers[wrong[i].at] = wrong[i].value;
		assert_undecodable(registers, hardware_block(&oven));
	}
	assert_undecodable((uint16_t[HARDWARE_BLOCK_MAX]){0}, 12);
}

static void test_order(void **state)
{
	uint16_t r[HARDWARE_DECK_HOLDINGS];

	(void)state;
	assert_int_equal(hardware_order(2, HARDWARE_COMMAND_LOAD, HARDWARE_PRODUCT_MEDIUM, 0x12345678, r),
			 32);
	assert_int_equal(r[0], HARDWARE_PRODUCT_MEDIUM);
	assert_int_equal(r[1], 0x1234);
	assert_int_equal(r[2], 0x5678);
	assert_int_equal(r[3], HARDWARE_COMMAND_LOAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_default_devices),
	    cmocka_unit_test(test_largest_kitchen),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_map_is_sound),
	    cmocka_unit_test(test_every_input_of_a_block_has_a_row),
	    cmocka_unit_test(test_deck_rows),
	    cmocka_unit_test(test_settings),
	    cmocka_unit_test(test_block_round_trip),
	    cmocka_unit_test(test_timer_block),
	    cmocka_unit_test(test_foreign_blocks_are_refused),
	    cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
