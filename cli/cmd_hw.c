/*
 * pizzactl hw: the kitchen's hardware.
 */
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/human.h"
#include "cli/resource.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/api.h"
#include "core/console/hw.h"

#define WORDS_MAX 16

/* --- looking --- */

static int hw_ls(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};

	hw_path(&path, NULL, NULL);
	return resource_list(c, HW_DAEMON, buf_str(&path), err);
}

static int hw_show(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};

	hw_path(&path, cli_argument(c, 0), NULL);
	return resource_show(c, HW_DAEMON, buf_str(&path), NULL, err);
}

/* --- changing --- */

/* NAME=VALUE, or NAME and VALUE one after the other. */
static int read_settings(const struct cli *c, json_t *body, struct error *err)
{
	int rc = 0;

	for (int i = 1; rc == 0 && i < cli_arguments(c); i++) {
		const char *word = cli_argument(c, i), *equals = strchr(word, '=');
		AUTO_FREE char *name =
		    xstrndup(word, equals != NULL ? (size_t)(equals - word) : strlen(word));
		const char *value = equals != NULL ? equals + 1 : cli_argument(c, ++i);

		if (value == NULL)
			return error_set(err, ERR_USAGE, name, "has no value: %s=VALUE", name);
		rc = hw_setting(body, name, value, err);
	}
	return rc;
}

static int hw_set(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};
	json_t *body = json_object();
	int rc = read_settings(c, body, err);

	if (rc < 0) {
		json_decref(body);
		return rc;
	}
	hw_path(&path, cli_argument(c, 0), NULL);
	return cli_change(c, "PUT", HW_DAEMON, buf_str(&path), body, err);
}

static int change_faults(struct cli *c, const char *action, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};
	const char *names[WORDS_MAX];
	int n = 0;

	while (n < WORDS_MAX && n + 1 < cli_arguments(c)) {
		names[n] = cli_argument(c, n + 1);
		n++;
	}
	hw_path(&path, cli_argument(c, 0), action);
	return cli_change(c, "POST", HW_DAEMON, buf_str(&path), hw_faults(names, n), err);
}

static int hw_fault(struct cli *c, struct error *err)
{
	return change_faults(c, "fault", err);
}

static int hw_clear(struct cli *c, struct error *err)
{
	return change_faults(c, "clear", err);
}

/* --- checking --- */

struct check {
	int64_t max_age_ms;
	json_t *bad; /* rows with "why" */
	size_t total;
};

static int check_row(void *arg, json_t *row, struct error *err)
{
	CLEANUP(buf_done) struct buf why = {0};
	struct check *check = arg;

	(void)err;
	check->total++;
	hw_judge(row, check->max_age_ms, &why);
	if (why.len > 0) {
		json_object_set_new(row, "why", json_string(buf_str(&why)));
		json_array_append(check->bad, row);
	}
	json_decref(row);
	return 0;
}

static int hw_check(struct cli *c, struct error *err)
{
	struct check check = {.max_age_ms = cli_ms(c, "max-age", 0), .bad = json_array()};
	CLEANUP(buf_done) struct buf path = {0};
	struct console *console = NULL;
	size_t bad;
	int rc = cli_console(c, &console, err);

	hw_path(&path, NULL, NULL);
	if (rc == 0)
		rc = api_list(console, HW_DAEMON, buf_str(&path), -1, check_row, &check, err);
	bad = json_array_size(check.bad);
	if (rc < 0 || bad == 0) {
		json_decref(check.bad);
		if (rc == 0)
			cli_say(c, "ok: every device is in order (%zu looked at)", check.total);
		return rc;
	}
	error_set(err, ERR_BREACHED, "hw", "%zu of %zu devices are not in order", bad, check.total);
	rc = cli_list(c, check.bad, NULL);
	return rc < 0 ? rc : ERR_BREACHED;
}

/* --- columns --- */

static void add_celsius(const json_t *row, const char *member, struct buf *out)
{
	const json_t *value = json_object_get(row, member);

	if (json_is_number(value))
		buf_addf(out, "%.1f", json_number_value(value));
}

static void add_temperature(const json_t *row, struct buf *out)
{
	add_celsius(row, "temperature_c", out);
}

static void add_setpoint(const json_t *row, struct buf *out)
{
	add_celsius(row, "setpoint_c", out);
}

static void add_core(const json_t *row, struct buf *out)
{
	add_celsius(row, "core_c", out);
}

/* "2/4": decks with something on them. */
static void add_loaded(const json_t *row, struct buf *out)
{
	int64_t decks = json_int_or(row, "deck_count", 0);

	if (decks > 0)
		buf_addf(out, "%lld/%lld", (long long)json_int_or(row, "loaded", 0), (long long)decks);
}

static void add_faults(const json_t *row, struct buf *out)
{
	const json_t *faults = json_object_get(row, "faults");

	for (size_t i = 0; i < json_array_size(faults); i++) {
		const char *name = json_string_value(json_array_get(faults, i));

		buf_adds(out, i > 0 ? ", " : "");
		human_safe(out, name, strlen(name));
	}
}

#define DEVICE_COLUMNS                                                                                      \
	{.name = "device", .flags = COLUMN_ID, .text = "kind and number"},                                  \
	    {.name = "kind", .flags = COLUMN_WIDE, .text = "oven, pan or timer"},                           \
	    {.name = "unit", .kind = COLUMN_INT, .flags = COLUMN_WIDE, .text = "Modbus unit id"},           \
	    {.name = "state",                                                                               \
	     .kind = COLUMN_STATE,                                                                          \
	     .text = "offline, faulted, in use, ready, heating or idle"},                                   \
	    {.name = "temperature_c",                                                                       \
	     .title = "°C",                                                                                 \
	     .kind = COLUMN_REAL,                                                                           \
	     .human = add_temperature,                                                                      \
	     .text = "by its own sensor; none: no reading"},                                                \
	    {.name = "setpoint_c",                                                                          \
	     .title = "set to",                                                                             \
	     .kind = COLUMN_REAL,                                                                           \
	     .human = add_setpoint,                                                                         \
	     .text = "what the thermostat holds"},                                                          \
	    {.name = "heater", .kind = COLUMN_BOOL, .text = "it heats at this moment"},                     \
	    {.name = "door", .kind = COLUMN_BOOL, .flags = COLUMN_WIDE, .text = "the door is open"},        \
	    {.name = "cutout",                                                                              \
	     .title = "cut-out",                                                                            \
	     .kind = COLUMN_BOOL,                                                                           \
	     .flags = COLUMN_WIDE,                                                                          \
	     .text = "the over-temperature cut-out has tripped"},                                           \
	    {.name = "loaded",                                                                              \
	     .title = "decks",                                                                              \
	     .kind = COLUMN_INT,                                                                            \
	     .human = add_loaded,                                                                           \
	     .text = "decks with something on them"},                                                       \
	    {.name = "ticket", .flags = COLUMN_MACHINE, .text = "null: pizzactl kitchen knows it"},         \
	    {.name = "order_id", .flags = COLUMN_MACHINE, .text = "null: pizzactl kitchen knows it"},       \
	    {.name = "left_seconds",                                                                        \
	     .title = "left",                                                                               \
	     .kind = COLUMN_SECONDS,                                                                        \
	     .text = "of a timer, in seconds of the kitchen"},                                              \
	    {.name = "heartbeat_age_ms",                                                                    \
	     .title = "heard",                                                                              \
	     .kind = COLUMN_MS,                                                                             \
	     .flags = COLUMN_PASSING,                                                                       \
	     .text = "how long ago it could last be heard"},                                                \
	{                                                                                                   \
		.name = "faults", .kind = COLUMN_JSON, .human = add_faults, .text = "what is wrong with it" \
	}

static const struct column ls_columns[] = {DEVICE_COLUMNS, {.name = NULL}};

static const struct column check_columns[] = {
    DEVICE_COLUMNS,
    {.name = "why", .text = "why it is not in order"},
    {.name = NULL},
};

static const struct column deck_columns[] = {
    {.name = "deck", .kind = COLUMN_INT},
    {.name = "state", .kind = COLUMN_STATE},
    {.name = "product"},
    {.name = "tag", .kind = COLUMN_INT},
    {.name = "core_c", .title = "core °C", .kind = COLUMN_REAL, .human = add_core},
    {.name = "browning", .kind = COLUMN_INT},
    {.name = "seconds", .kind = COLUMN_SECONDS},
    {.name = "loads", .kind = COLUMN_INT},
    {.name = NULL},
};

static const struct column show_columns[] = {
    DEVICE_COLUMNS,
    {.name = "power", .kind = COLUMN_BOOL, .text = "heating is switched on"},
    {.name = "at_temperature", .title = "at temperature", .kind = COLUMN_BOOL, .text = "near its setpoint"},
    {.name = "no_reading",
     .title = "no reading",
     .kind = COLUMN_BOOL,
     .text = "its temperature sensor is silent"},
    {.name = "resetting", .kind = COLUMN_BOOL, .text = "the cut-out is reset as soon as it has cooled"},
    {.name = "running", .kind = COLUMN_BOOL, .text = "the timer counts down"},
    {.name = "expired", .kind = COLUMN_BOOL, .text = "the timer has reached 0"},
    {.name = "duration_seconds",
     .title = "duration",
     .kind = COLUMN_SECONDS,
     .text = "from where the timer counts down"},
    {.name = "energy_wh", .title = "Wh", .kind = COLUMN_INT, .text = "used by the heater, modulo 65536"},
    {.name = "trips", .kind = COLUMN_INT, .text = "of the cut-out, modulo 65536"},
    {.name = "decks", .kind = COLUMN_JSON, .nested = deck_columns, .text = "what lies on each"},
    {.name = NULL},
};

/* --- the rows --- */

static const struct argument_def device_argument[] = {
    {.name = "DEVICE", .text = "a device, such as oven-1"},
    {.name = NULL},
};

static const struct argument_def set_arguments[] = {
    {.name = "DEVICE", .text = "a device, such as oven-1"},
    {.name = "SETTING=VALUE", .text = "what is set, such as setpoint=300 or power=on", .repeat = true},
    {.name = NULL},
};

static const struct argument_def fault_arguments[] = {
    {.name = "DEVICE", .text = "a device, such as oven-1"},
    {.name = "FAULT", .text = "a fault, such as heater-dead", .repeat = true},
    {.name = NULL},
};

static const struct argument_def clear_arguments[] = {
    {.name = "DEVICE", .text = "a device, such as oven-1"},
    {.name = "FAULT", .text = "a fault; none: all of them", .optional = true, .repeat = true},
    {.name = NULL},
};

static const struct option_def check_options[] = {
    {.name = "max-age",
     .kind = VALUE_DURATION,
     .value = "D",
     .text = "a device that was not heard for so long is stale",
     .fallback = "2s"},
    {.name = NULL},
};

const struct noun noun_hw = {
    .name = "hw",
    .group = "data",
    .summary = "the kitchen's hardware: ovens, pans, timers and their faults",
    .commands =
	(const struct command[]){
	    {.verb = "ls",
	     .summary = "list the devices",
	     .columns = ls_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl hw ls", "pizzactl hw ls --where 'state = faulted' -o name"},
	     .run = hw_ls},
	    {.verb = "show",
	     .summary = "show one device and what lies on its decks",
	     .arguments = device_argument,
	     .columns = show_columns,
	     .shape = SHAPE_SHOW,
	     .examples = {"pizzactl hw show oven-1"},
	     .run = hw_show},
	    {.verb = "set",
	     .summary = "set what a device has",
	     .arguments = set_arguments,
	     .columns = show_columns,
	     .shape = SHAPE_SHOW,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl hw set oven-1 setpoint=300 power=on",
			  "pizzactl hw set timer-1 duration=90 run=on"},
	     .run = hw_set},
	    {.verb = "fault",
	     .summary = "break a device",
	     .arguments = fault_arguments,
	     .columns = show_columns,
	     .shape = SHAPE_SHOW,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl hw fault oven-1 heater-dead --reason 'drill'"},
	     .run = hw_fault},
	    {.verb = "clear",
	     .summary = "mend a device",
	     .arguments = clear_arguments,
	     .columns = show_columns,
	     .shape = SHAPE_SHOW,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl hw clear oven-1"},
	     .run = hw_clear},
	    {.verb = "watch",
	     .summary = "list the devices again and again",
	     .columns = ls_columns,
	     .shape = SHAPE_LIST,
	     .flags = COMMAND_WATCHES,
	     .examples = {"pizzactl hw watch"},
	     .run = hw_ls},
	    {.verb = "check",
	     .summary = "exit 4 when a device is faulted or stale",
	     .options = check_options,
	     .columns = check_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl hw check --max-age 5s"},
	     .run = hw_check},
	    {.run = NULL},
	},
};
