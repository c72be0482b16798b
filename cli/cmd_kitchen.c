/*
 * pizzactl kitchen: the stations, the tickets, and what is decided about them.
 */
#include <langinfo.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/human.h"
#include "cli/resource.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/kitchen.h"

#define GAUGE_CELLS 8

/* --- looking --- */

static void add_faults(const json_t *row, struct buf *out)
{
	const json_t *faults = json_object_get(row, "faults");

	human_words(out, faults);
	if (json_array_size(faults) == 0)
		buf_adds(out, json_string_or(row, "trouble", "-"));
}

/* How many timers count, and which are out of order. */
static void say_timers(struct cli *c, const json_t *timers)
{
	CLEANUP(buf_done) struct buf bad = {0};
	const json_t *timer;
	int count = 0;
	size_t i;

	json_array_foreach ((json_t *)timers, i, timer) {
		const char *state = json_string_or(timer, "state", "");

		count += strcmp(state, station_state_words[STATION_IN_USE]) == 0;
		if (strcmp(state, station_state_words[STATION_FAULTED]) != 0 &&
		    strcmp(state, station_state_words[STATION_OFFLINE]) != 0)
			continue;
		buf_addf(&bad, "; %s is %s ", json_string_or(timer, "device", ""), state);
		add_faults(timer, &bad);
	}
	if (json_array_size(timers) > 0)
		cli_say(c, "%d of %zu timers count%s", count, json_array_size(timers), buf_str(&bad));
}

static int kitchen_status(struct cli *c, struct error *err)
{
	struct console *console = NULL;
	AUTO_JSON json_t *board = NULL;
	int rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = kitchen_board(console, &board, err);
	if (rc == 0)
		rc = cli_list(c, json_incref(json_object_get(board, "items")), err);
	if (rc == 0 && cli_human(c))
		cli_say(
		    c, "%lld baking, %lld queued, %lld waiting for ingredients; about %.1f tickets a second",
		    (long long)json_int_or(board, "baking", 0), (long long)json_int_or(board, "queued", 0),
		    (long long)json_int_or(board, "waiting", 0),
		    json_number_value(json_object_get(board, "tickets_per_second")));
	if (rc == 0 && cli_human(c))
		say_timers(c, json_object_get(board, "timers"));
	return rc;
}

static int write_tickets(struct console *console, void *arg, struct output *o, struct error *err)
{
	return kitchen_tickets(console, arg, output_wanted(o, false), resource_row, o, err);
}

static int kitchen_list(struct cli *c, struct error *err)
{
	struct kitchen_filter f = {.state = cli_text(c, "state"), .device = cli_text(c, "station")};
	int rc = cli_order_option(c, &f.order_id, err);

	if (rc < 0)
		return rc;
	if (!uuid_is_nil(f.order_id) && f.state == NULL)
		f.state = "all";
	return cli_rows(c, write_tickets, &f, err);
}

/* --- changing --- */

static int change_mode(struct cli *c, enum station_mode mode, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};

	kitchen_station_path(&path, cli_argument(c, 0), mode);
	return cli_change(c, "POST", "kitchend", buf_str(&path), json_object(), err);
}

static int kitchen_pause(struct cli *c, struct error *err)
{
	return change_mode(c, STATION_MODE_PAUSED, err);
}

static int kitchen_resume(struct cli *c, struct error *err)
{
	return change_mode(c, STATION_MODE_OPEN, err);
}

static bool asked(const char *device)
{
	char line[16];

	fprintf(stderr, "Drain %s? [y/N] ", device);
	fflush(stderr);
	return fgets(line, sizeof(line), stdin) != NULL && (line[0] == 'y' || line[0] == 'Y');
}

/* Lists what lies in the station, and drains it when that is agreed to. */
static int kitchen_drain(struct cli *c, struct error *err)
{
	const char *device = cli_argument(c, 0);
	struct console *console = NULL;
	json_t *affected = NULL;
	size_t n;
	bool agreed = cli_flag(c, "yes");
	int rc;

	if (cli_flag(c, "dry-run"))
		return change_mode(c, STATION_MODE_DRAINED, err);
	rc = cli_console(c, &console, err);
	if (rc == 0)
		rc = kitchen_affected(console, device, &affected, err);
	if (rc < 0)
		return rc;
	n = json_array_size(affected);
	rc = cli_list(c, affected, err);
	if (rc < 0)
		return rc;
	if (!agreed && isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1)
		agreed = asked(device);
	if (!agreed) {
		cli_say(
		    c, "%s would finish these %zu ticket%s and go off. Nothing was done. Add --yes to do it.",
		    device, n, n == 1 ? "" : "s");
		return 0;
	}
	rc = kitchen_set_mode(console, device, STATION_MODE_DRAINED, NULL, err);
	if (rc == 0)
		cli_say(c, "%s finishes %zu ticket%s and goes off.", device, n, n == 1 ? "" : "s");
	return rc;
}

/* --- columns --- */

/* "318.4 ▰▰▰▰▰▰▰▱": the temperature, and how much of the setpoint it is. */
static void add_gauge(const json_t *row, struct buf *out)
{
	bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	const json_t *temperature = json_object_get(row, "temperature_c");
	double setpoint = (double)json_int_or(row, "setpoint_c", 0), now;
	int full;

	if (!json_is_number(temperature) || setpoint <= 0) {
		buf_adds(out, "-");
		return;
	}
	now = json_number_value(temperature);
	full = (int)(now / setpoint * GAUGE_CELLS + 0.5);
	buf_addf(out, "%5.1f ", now);
	for (int i = 0; i < GAUGE_CELLS; i++)
		buf_adds(out, i < full ? (utf8 ? "▰" : "#") : (utf8 ? "▱" : "."));
	if (full > GAUGE_CELLS)
		buf_adds(out, "!");
}

static void add_decks(const json_t *row, struct buf *out)
{
	buf_addf(out, "%lld/%lld", (long long)json_int_or(row, "loaded", 0),
		 (long long)json_int_or(row, "deck_count", 0));
}

static const struct column deck_columns[] = {
    {.name = "deck", .kind = COLUMN_INT, .text = "from 1"},
    {.name = "ticket", .kind = COLUMN_INT, .flags = COLUMN_ID, .text = "the ticket's number"},
    {.name = "order_id", .title = "order", .text = "of which order"},
    {.name = "pizza_id", .title = "pizza", .text = "what it is"},
    {.name = "size", .text = "small, medium or large"},
    {.name = "state", .kind = COLUMN_STATE, .text = "prepping, baking or checking"},
    {.name = "browning", .kind = COLUMN_REAL, .text = "from 0 to 1; done from 0.3, burnt from 0.85"},
    {.name = "left_ms",
     .title = "left",
     .kind = COLUMN_MS,
     .flags = COLUMN_PASSING,
     .text = "until it is done"},
    {.name = "timer", .text = "the timer that counts for it; none: the kitchen's own clock does"},
    {.name = NULL},
};

#define STATION_COLUMNS                                                                                      \
	{.name = "device", .title = "station", .flags = COLUMN_ID, .text = "an oven or a pan"},              \
	    {.name = "kind", .flags = COLUMN_WIDE, .text = "oven or pan"},                                   \
	    {.name = "state",                                                                                \
	     .kind = COLUMN_STATE,                                                                           \
	     .text = "offline, idle, heating, ready, in use, draining or faulted"},                          \
	    {.name = "mode", .flags = COLUMN_WIDE, .text = "open, paused or drained: as operators decided"}, \
	    {.name = "temperature_c",                                                                        \
	     .title = "°C",                                                                                  \
	     .kind = COLUMN_REAL,                                                                            \
	     .flags = COLUMN_PASSING,                                                                        \
	     .human = add_gauge,                                                                             \
	     .text = "measured; none when it does not answer"},                                              \
	    {.name = "setpoint_c", .title = "set to", .kind = COLUMN_INT, .text = "to what it is heated"},   \
	    {.name = "loaded",                                                                               \
	     .title = "decks",                                                                               \
	     .kind = COLUMN_INT,                                                                             \
	     .human = add_decks,                                                                             \
	     .text = "that are taken"},                                                                      \
	    {.name = "ticket", .kind = COLUMN_INT, .text = "that leaves it first"},                          \
	    {.name = "order_id", .title = "order", .text = "of the first ticket"},                           \
	    {.name = "left_ms",                                                                              \
	     .title = "left",                                                                                \
	     .kind = COLUMN_MS,                                                                              \
	     .flags = COLUMN_PASSING,                                                                        \
	     .text = "until the first ticket is done"},                                                      \
	    {.name = "timer", .flags = COLUMN_WIDE, .text = "that counts for the first ticket"},             \
	    {.name = "heartbeat_age_ms",                                                                     \
	     .title = "heard",                                                                               \
	     .kind = COLUMN_MS,                                                                              \
	     .flags = COLUMN_PASSING,                                                                        \
	     .text = "since its heartbeat was last seen to move"},                                           \
	{                                                                                                    \
		.name = "faults", .kind = COLUMN_JSON, .human = add_faults, .text = "what is wrong with it"  \
	}

static const struct column status_columns[] = {
    STATION_COLUMNS,
    {.name = "decks",
     .kind = COLUMN_JSON,
     .flags = COLUMN_MACHINE,
     .nested = deck_columns,
     .text = "each deck"},
    {.name = NULL},
};

static const struct column station_columns[] = {
    STATION_COLUMNS,
    {.name = "decks", .kind = COLUMN_JSON, .nested = deck_columns, .text = "each deck"},
    {.name = NULL},
};

#define TICKET_COLUMNS                                                                                      \
	{.name = "ticket", .kind = COLUMN_INT, .flags = COLUMN_ID, .text = "its number"},                   \
	    {.name = "order_id", .title = "order", .text = "of which order"},                               \
	    {.name = "pizza_id", .title = "pizza", .text = "what it is"},                                   \
	    {.name = "size", .text = "small, medium or large"},                                             \
	    {.name = "state",                                                                               \
	     .kind = COLUMN_STATE,                                                                          \
	     .text = "queued, prepping, baking, checking, waiting, done, failed or cancelled"},             \
	    {.name = "device", .title = "station", .text = "where it lies, or lay"},                        \
	    {.name = "deck", .kind = COLUMN_INT, .flags = COLUMN_WIDE, .text = "of the station, from 1"},   \
	    {.name = "ready_in_ms",                                                                         \
	     .title = "ready in",                                                                           \
	     .kind = COLUMN_MS,                                                                             \
	     .flags = COLUMN_PASSING,                                                                       \
	     .text = "by what is before it; none: not as things are"},                                      \
	    {.name = "ready_at",                                                                            \
	     .title = "ready at",                                                                           \
	     .kind = COLUMN_TIME,                                                                           \
	     .flags = COLUMN_WIDE | COLUMN_PASSING,                                                         \
	     .text = "the same as a moment"},                                                               \
	    {.name = "promised_at", .title = "promised", .kind = COLUMN_TIME, .text = "the queue's order"}, \
	    {.name = "remakes", .kind = COLUMN_INT, .text = "how often it has burnt"},                      \
	    {.name = "moves",                                                                               \
	     .kind = COLUMN_INT,                                                                            \
	     .flags = COLUMN_WIDE,                                                                          \
	     .text = "how often its station could not finish it, and it was baked anew elsewhere"},         \
	    {.name = "timer",                                                                               \
	     .flags = COLUMN_WIDE,                                                                          \
	     .text = "that counts for it, or did; none: the kitchen's own clock"},                          \
	    {.name = "bake_temperature_c",                                                                  \
	     .title = "baked at",                                                                           \
	     .kind = COLUMN_INT,                                                                            \
	     .flags = COLUMN_WIDE,                                                                          \
	     .text = "the oven's temperature"},                                                             \
	{                                                                                                   \
		.name = "reason", .flags = COLUMN_WIDE, .text = "why it was moved, made again or given up"  \
	}

static const struct column ticket_columns[] = {TICKET_COLUMNS, {.name = NULL}};

static const struct column show_columns[] = {
    TICKET_COLUMNS,
    {.name = "created_at", .title = "created", .kind = COLUMN_TIME, .text = "when its order was paid"},
    {.name = "started_at",
     .title = "started",
     .kind = COLUMN_TIME,
     .text = "when it was last put into a deck"},
    {.name = "ended_at", .title = "ended", .kind = COLUMN_TIME, .text = "when it was done or given up"},
    {.name = NULL},
};

/* --- one ticket or station --- */

static int kitchen_show_one(struct cli *c, struct error *err)
{
	struct console *console = NULL;
	struct output *o = NULL;
	json_t *ticket = NULL;
	int rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = kitchen_show(console, cli_argument(c, 0), &ticket, err);
	if (rc == 0 && json_object_get(ticket, "decks") != NULL) /* a station: its own columns */
		rc = cli_output_of(c, station_columns, false, &o, err);
	if (rc == 0 && o == NULL)
		return cli_show(c, ticket, err);
	if (rc < 0) {
		json_decref(ticket);
		return rc;
	}
	rc = output_row(o, ticket, err);
	return output_close(o, rc, err);
}

/* --- the rows --- */

static const char *const state_words[] = {"open",    "all",  "queued", "prepping",  "baking", "checking",
					  "waiting", "done", "failed", "cancelled", NULL};

static const struct option_def ticket_options[] = {
    {.name = "state",
     .kind = VALUE_WORD,
     .value = "STATE",
     .text = "only these (default: open, those that are not ended)",
     .words = state_words},
    {.name = "station", .kind = VALUE_TEXT, .value = "STATION", .text = "only those of an oven or a pan"},
    OPTION_ORDER,
    {.name = NULL},
};

static const struct argument_def station_argument[] = {
    {.name = "STATION", .text = "an oven or a pan, such as oven-1"},
    {.name = NULL},
};

static const struct argument_def ticket_argument[] = {
    {.name = "TICKET", .text = "a ticket's number, or a station such as oven-1"},
    {.name = NULL},
};

const struct noun noun_kitchen = {
    .name = "kitchen",
    .group = "data",
    .summary = "the kitchen: its stations and their tickets",
    .commands =
	(const struct command[]){
	    {.verb = "status",
	     .summary = "the board: every oven and pan, and what bakes in it",
	     .columns = status_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl kitchen status --watch",
			  "pizzactl kitchen status --where 'state = faulted'"},
	     .run = kitchen_status},
	    {.verb = "tickets",
	     .summary = "list tickets in the order in which they are baked, with the time they need",
	     .options = ticket_options,
	     .columns = ticket_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl kitchen tickets --limit 20", "pizzactl kitchen tickets --state failed"},
	     .run = kitchen_list},
	    {.verb = "show",
	     .summary = "show one ticket, or one station with its decks",
	     .arguments = ticket_argument,
	     .columns = show_columns,
	     .shape = SHAPE_SHOW,
	     .examples = {"pizzactl kitchen show 17"},
	     .run = kitchen_show_one},
	    {.verb = "pause",
	     .summary = "give a station no more tickets; it stays hot",
	     .arguments = station_argument,
	     .columns = station_columns,
	     .shape = SHAPE_SHOW,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl kitchen pause oven-2 --reason 'new stone'"},
	     .run = kitchen_pause},
	    {.verb = "resume",
	     .summary = "give a station tickets again",
	     .arguments = station_argument,
	     .columns = station_columns,
	     .shape = SHAPE_SHOW,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl kitchen resume oven-2"},
	     .run = kitchen_resume},
	    {.verb = "drain",
	     .summary = "let a station finish what it has, and switch it off",
	     .arguments = station_argument,
	     .columns = deck_columns,
	     .shape = SHAPE_LIST,
	     .flags = COMMAND_CHANGES | COMMAND_BULK,
	     .examples = {"pizzactl kitchen drain oven-2", "pizzactl kitchen drain oven-2 --yes"},
	     .run = kitchen_drain},
	    {.run = NULL},
	},
};
