/*
 * Kitchen: the board of ovens and pans, each with its temperature over time and what lies on its decks, the
 * timers, and the tickets that go through.  What kitchend does not say (or when it is away) comes from the
 * hardware itself.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/api.h"
#include "core/console/hw.h"
#include "core/console/kitchen.h"
#include "core/contract/hardware.h"
#include "tui/board.h"
#include "tui/list.h"
#include "tui/value.h"

#define TREND 14

/* --- stations --- */

static const json_t *find_device(const json_t *rows, const char *name)
{
	for (size_t i = 0; i < json_array_size(rows); i++)
		if (strcmp(json_string_or(json_array_get(rows, i), "device", ""), name) == 0)
			return json_array_get(rows, i);
	return NULL;
}

static void add_words(struct buf *out, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		buf_addf(out, "%s%s", out->len > 0 ? ", " : "",
			 json_string_value(json_array_get(list, i)) != NULL
			     ? json_string_value(json_array_get(list, i))
			     : "?");
}

/* What is wrong with it, or what an operator has decided. */
static void add_trouble(struct buf *out, const json_t *row)
{
	const char *mode = json_string_or(row, "mode", ""), *trouble = json_string_or(row, "trouble", "");

	add_words(out, json_object_get(row, "faults"));
	if (json_bool_or(row, "cutout", false))
		buf_addf(out, "%scut-out has tripped", out->len > 0 ? ", " : "");
	if (*mode != '\0' && strcmp(mode, "open") != 0)
		buf_addf(out, "%s%s", out->len > 0 ? ", " : "", mode);
	if (*trouble != '\0')
		buf_addf(out, "%s%s", out->len > 0 ? ", " : "", trouble);
}

/* A station as kitchend has it, with what the hardware adds. */
static json_t *station_of(const json_t *station, const json_t *device)
{
	json_t *row = json_copy((json_t *)(station != NULL ? station : device));
	CLEANUP(buf_done) struct buf trouble = {0};
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)device, name, value)
		if (json_object_get(row, name) == NULL || json_is_null(json_object_get(row, name)))
			json_object_set(row, name, value);
	add_trouble(&trouble, row);
	json_object_set_new(row, "wrong", json_string(buf_str(&trouble)));
	return row;
}

/* What the hardware knows of a running timer is in its own time. */
static void add_left(json_t *row)
{
	const json_t *seconds = json_object_get(row, "left_seconds");

	if (board_is_timer(row) && !json_is_number(json_object_get(row, "left_ms")) &&
	    json_bool_or(row, "running", false) && json_is_number(seconds))
		json_object_set_new(row, "left_ms", json_real(json_number_value(seconds) * 1e3));
}

static void add_stations(const json_t *board, const json_t *hardware, json_t *rows)
{
	for (size_t i = 0; i < json_array_size(board); i++) {
		const json_t *station = json_array_get(board, i);

		json_array_append_new(
		    rows, station_of(station, find_device(hardware, json_string_or(station, "device", ""))));
	}
}

/* Ovens and pans, then timers; what kitchend does not name comes from the hardware. */
static json_t *stations_rows(const struct model *m)
{
	const json_t *hardware = m->panels[FEED_HW].data;
	json_t *rows = json_array();

	add_stations(board_part(m, "items"), hardware, rows);
	add_stations(board_part(m, "timers"), hardware, rows);
	for (size_t i = 0; i < json_array_size(hardware); i++) {
		const json_t *device = json_array_get(hardware, i);

		if (find_device(rows, json_string_or(device, "device", "")) == NULL)
			json_array_append_new(rows, station_of(NULL, device));
	}
	for (size_t i = 0; i < json_array_size(rows); i++)
		add_left(json_array_get(rows, i));
	return rows;
}

/* --- values --- */

static void add_temperature(const struct model *m, const json_t *row, struct buf *out)
{
	(void)m;
	board_degrees(out, row, "temperature_c");
}

static void add_trend(const struct model *m, const json_t *row, struct buf *out)
{
	value_graph(out, board_temperatures(m, row), TREND, 0);
}

/* A sign per deck: empty, or how brown what lies there is. */
static void add_decks(const struct model *m, const json_t *row, struct buf *out)
{
	int64_t loaded = json_int_or(row, "loaded", 0), decks = json_int_or(row, "deck_count", 0);

	(void)m;
	for (int64_t i = 0; i < decks; i++)
		buf_adds(out, i < loaded ? "▓" : "░");
}

static void add_heart(const struct model *m, const json_t *row, struct buf *out)
{
	const json_t *age = json_object_get(row, "heartbeat_age_ms");

	(void)m;
	if (json_is_number(age))
		buf_addf(out, "%.0f ms", json_number_value(age));
}

static const struct list_column columns[] = {
    {.name = "device", .max = 12},
    {.name = "state", .format = VALUE_AS_STATE, .max = 11},
    {.name = "temperature_c", .title = "temp", .format = VALUE_AS_INT, .human = add_temperature},
    {.name = "setpoint_c", .title = "set", .format = VALUE_AS_INT, .human = board_setpoint, .drop = 3},
    {.name = "trend", .human = add_trend, .max = TREND, .drop = 6},
    {.name = "loaded", .title = "decks", .human = add_decks, .max = 8},
    {.name = "left_ms", .title = "next in", .format = VALUE_AS_MS, .drop = 4},
    {.name = "order_id", .title = "order", .format = VALUE_AS_ID, .max = 12, .drop = 5},
    {.name = "heartbeat_age_ms", .title = "heart", .format = VALUE_AS_INT, .human = add_heart, .drop = 7},
    {.name = "wrong", .title = "what is wrong", .drop = 1},
    {.name = NULL},
};

/* --- actions --- */

static int decide(struct console *c, const struct action_call *call, enum station_mode mode,
		  struct error *err)
{
	return kitchen_set_mode(c, json_string_or(call->row, "device", ""), mode, NULL, err);
}

static int pause_station(struct console *c, const struct action_call *call, struct buf *said,
			 struct error *err)
{
	(void)said;
	return decide(c, call, STATION_MODE_PAUSED, err);
}

static int resume(struct console *c, const struct action_call *call, struct buf *said, struct error *err)
{
	(void)said;
	return decide(c, call, STATION_MODE_OPEN, err);
}

static int drain(struct console *c, const struct action_call *call, struct buf *said, struct error *err)
{
	(void)said;
	return decide(c, call, STATION_MODE_DRAINED, err);
}

static int change_hardware(struct console *c, const struct action_call *call, const char *method,
			   const char *action, json_t *body, struct error *err)
{
	AUTO_JSON json_t *owned = body;
	CLEANUP(buf_done) struct buf path = {0};
	struct api_request r = {.method = method, .daemon = HW_DAEMON, .body = owned};

	hw_path(&path, json_string_or(call->row, "device", ""), action);
	r.path = buf_str(&path);
	return api_call(c, &r, NULL, err);
}

static int fault(struct console *c, const struct action_call *call, struct buf *said, struct error *err)
{
	(void)said;
	return change_hardware(c, call, "POST", "fault", hw_faults(&call->value, 1), err);
}

/* The faults that a device of its kind may have. */
static const char *fault_choice(const json_t *row, int i)
{
	enum hardware_kind kind = HARDWARE_OVEN;

	while (kind < HARDWARE_KIND_COUNT &&
	       strcmp(hardware_kinds[kind].word, json_string_or(row, "kind", "")) != 0)
		kind++;
	for (int f = 0; f < HARDWARE_FAULT_COUNT && kind < HARDWARE_KIND_COUNT; f++)
		if ((hardware_faults[f].kinds & 1u << kind) != 0 && i-- == 0)
			return hardware_faults[f].name;
	return NULL;
}

static int clear(struct console *c, const struct action_call *call, struct buf *said, struct error *err)
{
	(void)said;
	return change_hardware(c, call, "POST", "clear", hw_faults(NULL, 0), err);
}

static int set_temperature(struct console *c, const struct action_call *call, struct buf *said,
			   struct error *err)
{
	json_t *body = json_object();
	int rc = hw_setting(body, "setpoint", call->value, err);

	(void)said;
	if (rc == 0)
		rc = hw_check(c, json_string_or(call->row, "device", ""), body, err);
	if (rc < 0)
		json_decref(body);
	return rc < 0 ? rc : change_hardware(c, call, "PUT", NULL, body, err);
}

static const struct action actions[] = {{.name = "tickets",
					 .text = "what bakes in it, and what it has baked",
					 .command = "kitchen tickets --station {device} --state all",
					 .opens = "tickets",
					 .member = "device"},
					{.key = 'w',
					 .name = "pause",
					 .text = "gives it no more tickets, and keeps it hot",
					 .command = "kitchen pause {device}",
					 .reasons = true,
					 .changes = true,
					 .run = pause_station},
					{.key = 'r',
					 .name = "resume",
					 .text = "gives it tickets again",
					 .command = "kitchen resume {device}",
					 .changes = true,
					 .run = resume},
					{.key = 'd',
					 .name = "drain",
					 .text = "lets it finish what it has, and go off",
					 .command = "kitchen drain {device}",
					 .reasons = true,
					 .changes = true,
					 .asks = true,
					 .run = drain},
					{.key = 'F',
					 .name = "fault",
					 .text = "breaks it on purpose, until it is mended",
					 .command = "hw fault {device} {value}",
					 .prompt = "which fault",
					 .choice = fault_choice,
					 .reasons = true,
					 .changes = true,
					 .asks = true,
					 .run = fault},
					{.key = 'c',
					 .name = "clear",
					 .text = "mends all its faults",
					 .command = "hw clear {device}",
					 .changes = true,
					 .run = clear},
					{.key = '=',
					 .name = "setpoint",
					 .text = "sets the temperature it keeps while kitchend is stopped",
					 .command = "hw set {device} setpoint={value}",
					 .prompt = "degrees Celsius",
					 .changes = true,
					 .run = set_temperature},
					{.key = 'v',
					 .name = "saga",
					 .text = "the order that will be ready first in it",
					 .command = "saga show {order_id}",
					 .opens = "saga",
					 .member = "order_id"},
					{.name = NULL}};

const struct screen screen_kitchen = {
    .name = "kitchen",
    .text = "ovens, pans and timers, their temperatures, and what bakes",
    .key = '3',
    .feeds = FEED_BIT(KITCHEN) | FEED_BIT(HW) | FEED_BIT(TICKETS),
    .main = FEED_KITCHEN,
    .id = "device",
    .columns = columns,
    .empty = "the kitchen has neither ovens nor pans",
    .rows = stations_rows,
    .draw = board_draw,
    .actions = actions,
};

/* --- tickets --- */

static const struct list_column ticket_columns[] = {
    {.name = "ticket", .max = 10, .format = VALUE_AS_OTHER},
    {.name = "state", .format = VALUE_AS_STATE, .max = 12},
    {.name = "pizza_id", .title = "pizza", .max = 24},
    {.name = "size", .max = 8, .drop = 5},
    {.name = "device", .max = 12, .drop = 3},
    {.name = "deck", .format = VALUE_AS_INT, .drop = 4},
    {.name = "ready_in_ms", .title = "ready in", .format = VALUE_AS_MS, .drop = 2},
    {.name = "remakes", .format = VALUE_AS_INT, .drop = 6},
    {.name = "created_at", .title = "age", .format = VALUE_AS_AGE, .drop = 4},
    {.name = "order_id", .title = "order", .format = VALUE_AS_ID, .drop = 1},
    {.name = "reason", .drop = 7},
    {.name = NULL},
};

static const struct action ticket_actions[] = {{.name = "saga",
						.text = "what happened to its order",
						.command = "saga show {order_id}",
						.opens = "saga",
						.member = "order_id"},
					       {.key = 'c',
						.name = "cancel",
						.text = "cancels its order, and undoes what was done",
						.command = "order cancel {order_id}",
						.reasons = true,
						.changes = true,
						.asks = true,
						.run = action_cancel_order},
					       {.name = NULL}};

/* With an id as text. */
static json_t *ticket_rows(const struct model *m)
{
	const json_t *all = m->panels[FEED_TICKETS].data;

	for (size_t i = 0; i < json_array_size(all); i++) {
		json_t *row = json_array_get(all, i);
		char id[24];

		snprintf(id, sizeof(id), "%lld", (long long)json_int_or(row, "ticket", 0));
		if (json_object_get(row, "id") == NULL)
			json_object_set_new(row, "id", json_string(id));
	}
	return all != NULL ? json_incref((json_t *)all) : NULL;
}

static const char *const ticket_choices[] = {"", "waiting", "done", "failed", "cancelled", NULL};

const struct screen screen_tickets = {
    .name = "tickets",
    .text = "tickets of the kitchen, or of one station; those that are not done come first",
    .feeds = FEED_BIT(TICKETS),
    .main = FEED_TICKETS,
    .id = "id",
    .columns = ticket_columns,
    .empty = "there are no such tickets",
    .narrows = ticket_choices,
    .rows = ticket_rows,
    .subjects = {FEED_HW, "device"},
    .actions = ticket_actions,
};
