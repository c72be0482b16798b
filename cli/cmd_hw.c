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
#include "core/console/guard.h"
#include "core/console/hw.h"

#define WORDS_MAX 16

/* --- looking --- */

static int write_devices(struct console *console, void *arg, struct output *o, struct error *err)
{
	(void)arg;
	return hw_list(console, output_wanted(o, false), resource_row, o, err);
}

static int ls(struct cli *c, struct error *err)
{
	return cli_rows(c, write_devices, NULL, err);
}

static int show(struct cli *c, struct error *err)
{
	struct console *console = NULL;
	json_t *row = NULL;
	int rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = hw_show(console, cli_argument(c, 0), &row, err);
	return rc < 0 ? rc : cli_show(c, row, err);
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

static int set(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};
	struct console *console = NULL;
	json_t *body = json_object();
	int rc = read_settings(c, body, err);

	if (rc == 0 && !cli_flag(c, "dry-run")) {
		rc = cli_console(c, &console, err);
		if (rc == 0)
			rc = guard_change("hw set", err);
		if (rc == 0)
			rc = hw_check(console, cli_argument(c, 0), body, err);
	}
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

static int fault(struct cli *c, struct error *err)
{
	return change_faults(c, "fault", err);
}

static int clear(struct cli *c, struct error *err)
{
	return change_faults(c, "clear", err);
}

/* --- checking --- */

struct verdict {
	int64_t max_age_ms;
	json_t *bad; /* rows with "why" */
	size_t total;
};

static int check_row(void *arg, json_t *row, struct error *err)
{
	CLEANUP(buf_done) struct buf why = {0};
	struct verdict *v = arg;

	(void)err;
	v->total++;
	hw_judge(row, v->max_age_ms, &why);
	if (why.len > 0) {
		json_object_set_new(row, "why", json_string(buf_str(&why)));
		json_array_append(v->bad, row);
	}
	json_decref(row);
	return 0;
}

static int check(struct cli *c, struct error *err)
{
	struct verdict verdict = {.max_age_ms = cli_ms(c, "max-age", 0), .bad = json_array()};
	struct console *console = NULL;
	size_t bad;
	int rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = hw_list(console, -1, check_row, &verdict, err);
	bad = json_array_size(verdict.bad);
	if (rc < 0 || bad == 0) {
		json_decref(verdict.bad);
		if (rc == 0)
			cli_say(c, "ok: every device is in order (%zu looked at)", verdict.total);
		return rc;
	}
	error_set(err, ERR_BREACHED, "hw", "%zu of %zu devices are not in order", bad, verdict.total);
	rc = cli_list(c, verdict.bad, NULL);
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
	human_words(out, json_object_get(row, "faults"));
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
	    {.name = "ticket",                                                                              \
	     .flags = COLUMN_MACHINE,                                                                       \
	     .text = "the first that it bakes, or that a timer counts for, as the kitchen says"},           \
	    {.name = "order_id", .title = "order", .flags = COLUMN_WIDE, .text = "and for whom"},           \
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
    {.name = "ticket", .kind = COLUMN_INT},
    {.name = "order_id", .title = "order"},
    {.name = "timer"},
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
	     .run = ls},
	    {.verb = "show",
	     .summary = "show one device and what lies on its decks",
	     .arguments = device_argument,
	     .columns = show_columns,
	     .shape = SHAPE_SHOW,
	     .examples = {"pizzactl hw show oven-1"},
	     .run = show},
	    {.verb = "set",
	     .summary = "set what a device has",
	     .arguments = set_arguments,
	     .columns = show_columns,
	     .shape = SHAPE_SHOW,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl hw set oven-1 setpoint=300 power=on --dry-run",
			  "pizzactl hw set timer-1 duration=90 run=on"},
	     .run = set},
	    {.verb = "fault",
	     .summary = "break a device",
	     .arguments = fault_arguments,
	     .columns = show_columns,
	     .shape = SHAPE_SHOW,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl hw fault oven-1 heater-dead --reason 'drill'"},
	     .run = fault},
	    {.verb = "clear",
	     .summary = "mend a device",
	     .arguments = clear_arguments,
	     .columns = show_columns,
	     .shape = SHAPE_SHOW,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl hw clear oven-1"},
	     .run = clear},
	    {.verb = "watch",
	     .summary = "list the devices again and again",
	     .columns = ls_columns,
	     .shape = SHAPE_LIST,
	     .flags = COMMAND_WATCHES,
	     .examples = {"pizzactl hw watch"},
	     .run = ls},
	    {.verb = "check",
	     .summary = "exit 4 when a device is faulted or stale",
	     .options = check_options,
	     .columns = check_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl hw check --max-age 5s"},
	     .run = check},
	    {.run = NULL},
	},
};
