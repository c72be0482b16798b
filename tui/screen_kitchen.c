/*
 * Kitchen: the board of ovens and pans, each with its temperature over time and what lies on its decks, and
 * the tickets that go through.  What kitchend does not say (or when it is away) comes from the hardware
 * itself.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/contract/hardware.h"
#include "core/console/api.h"
#include "core/console/hw.h"
#include "core/console/kitchen.h"
#include "tui/draw.h"
#include "tui/list.h"
#include "tui/plot.h"
#include "tui/value.h"

#define CARD_WIDTH    44
#define CARD_WIDEST   70
#define PLOT_HEIGHT   4
#define TREND	      14
#define BAR	      10
#define BROWN_DONE    (HARDWARE_BROWNING_DONE / 1000.0) /* of browning, from 0 to 1 */
#define BROWN_BURNT   (HARDWARE_BROWNING_BURNT / 1000.0)
#define TICKETS_LEAST 5

/* --- stations --- */

static const json_t *find_device(const json_t *rows, const char *name)
{
	for (size_t i = 0; i < json_array_size(rows); i++)
		if (strcmp(json_string_or(json_array_get(rows, i), "device", ""), name) == 0)
			return json_array_get(rows, i);
	return NULL;
}

static const json_t *board_items(const struct model *m)
{
	return json_object_get(m->panels[FEED_KITCHEN].data, "items");
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

/* Ovens and pans; timers are counted alone. */
static json_t *stations_rows(const struct model *m)
{
	const json_t *board = board_items(m), *hardware = m->panels[FEED_HW].data;
	json_t *rows = json_array();

	for (size_t i = 0; i < json_array_size(board); i++) {
		const json_t *station = json_array_get(board, i);

		json_array_append_new(
		    rows, station_of(station, find_device(hardware, json_string_or(station, "device", ""))));
	}
	for (size_t i = 0; i < json_array_size(hardware); i++) {
		const json_t *device = json_array_get(hardware, i);

		if (find_device(board, json_string_or(device, "device", "")) == NULL &&
		    strcmp(json_string_or(device, "kind", ""), "timer") != 0)
			json_array_append_new(rows, station_of(NULL, device));
	}
	return rows;
}

/* --- values --- */

static void add_degrees(struct buf *out, const json_t *row, const char *member)
{
	const json_t *value = json_object_get(row, member);

	if (json_is_number(value))
		buf_addf(out, "%.1f°", json_number_value(value));
}

static void add_temperature(const struct model *m, const json_t *row, struct buf *out)
{
	(void)m;
	add_degrees(out, row, "temperature_c");
}

static void add_setpoint(const struct model *m, const json_t *row, struct buf *out)
{
	const json_t *value = json_object_get(row, "setpoint_c");

	(void)m;
	if (json_is_number(value))
		buf_addf(out, "%.0f°", json_number_value(value));
}

static const struct history *temperatures(const struct model *m, const json_t *row)
{
	char name[96];

	snprintf(name, sizeof(name), "temperature %s", json_string_or(row, "device", ""));
	return model_history(m, name);
}

static void add_trend(const struct model *m, const json_t *row, struct buf *out)
{
	value_graph(out, temperatures(m, row), TREND, 0);
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
    {.name = "setpoint_c", .title = "set", .format = VALUE_AS_INT, .human = add_setpoint, .drop = 3},
    {.name = "trend", .human = add_trend, .max = TREND, .drop = 6},
    {.name = "loaded", .title = "decks", .human = add_decks, .max = 8},
    {.name = "left_ms", .title = "next in", .format = VALUE_AS_MS, .drop = 4},
    {.name = "order_id", .title = "order", .format = VALUE_AS_ID, .max = 12, .drop = 5},
    {.name = "heartbeat_age_ms", .title = "heart", .format = VALUE_AS_INT, .human = add_heart, .drop = 7},
    {.name = "wrong", .title = "what is wrong", .drop = 1},
    {.name = NULL},
};

/* --- cards --- */

static int deck_count(const json_t *row)
{
	int listed = (int)json_array_size(json_object_get(row, "decks"));

	return listed > 0 ? listed : (int)json_int_or(row, "deck_count", 0);
}

/* What is not done yet, done, and burnt. */
static enum style brown_style(double brown)
{
	return brown >= BROWN_BURNT ? STYLE_BAD : brown >= BROWN_DONE ? STYLE_GOOD : STYLE_WARN;
}

static const char *left_word(const json_t *ms, char text[DURATION_TEXT_SIZE])
{
	int64_t us = llround(json_number_value(ms)) * 1000;

	return us > 0 ? duration_format(us, text) : "0 s";
}

static void draw_deck(struct grid *g, struct rect r, const json_t *deck, int number)
{
	const json_t *browning = json_object_get(deck, "browning"), *left = json_object_get(deck, "left_ms");
	const char *pizza = json_string_or(deck, "pizza_id", json_string_or(deck, "product", NULL));
	const char *state = json_string_or(deck, "state", "?"), *order = json_string_or(deck, "order_id", "");
	double brown = json_number_value(browning), full;
	CLEANUP(buf_done) struct buf text = {0};
	char words[DURATION_TEXT_SIZE];

	grid_printf(g, r.x, r.y, 2, STYLE_DIM, "%d", number);
	if (pizza == NULL) {
		grid_text(g, r.x + 2, r.y, r.w - 2, STYLE_DIM, state);
		return;
	}
	brown = brown > 1 ? brown / 1000 : brown; /* the hardware counts in thousandths */
	full = brown / BROWN_DONE;
	for (int i = 0; i < BAR; i++)
		buf_adds(&text, i < (int)lround(full * BAR) ? "▓" : "░");
	grid_text(g, r.x + 2, r.y, BAR, brown_style(brown), buf_str(&text));
	buf_reset(&text);
	if (json_is_number(left))
		buf_addf(&text, " %s", left_word(left, words));
	else
		buf_addf(&text, " %s", state);
	grid_right(g, r.x + r.w - 9, r.y, 9, STYLE_STRONG, buf_str(&text));
	if (strlen(order) > 4)
		grid_printf(g, r.x + r.w - 16, r.y, 6, STYLE_DIM, "…%s", order + strlen(order) - 4);
	grid_printf(g, r.x + 3 + BAR, r.y, r.w - 20 - BAR, STYLE_PLAIN, "%s%s%.1s", pizza,
		    json_string_or(deck, "size", NULL) != NULL ? " " : "", json_string_or(deck, "size", ""));
}

static void add_title(struct buf *out, const json_t *row)
{
	enum style style = value_style(json_string_or(row, "state", "?"));

	buf_addf(out, "%s ─ %s %s ─ ", json_string_or(row, "device", "?"), value_mark(style),
		 json_string_or(row, "state", "?"));
	add_degrees(out, row, "temperature_c");
	buf_adds(out, " ▸ ");
	add_setpoint(NULL, row, out);
	if (json_bool_or(row, "heater", false))
		buf_adds(out, " heats");
	if (json_bool_or(row, "door", false))
		buf_adds(out, ", door open");
}

static int card_height(const json_t *row)
{
	return 2 + PLOT_HEIGHT + deck_count(row);
}

static void draw_card(const struct model *m, struct grid *g, struct rect r, const json_t *row, bool chosen)
{
	const json_t *decks = json_object_get(row, "decks"), *set = json_object_get(row, "setpoint_c");
	const char *wrong = json_string_or(row, "wrong", "");
	CLEANUP(buf_done) struct buf title = {0};
	struct rect in;
	int plot;

	add_title(&title, row);
	in = grid_box(g, r, buf_str(&title));
	if (chosen)
		grid_reverse(g, r.x + 1, r.y, r.w - 2);
	plot = in.h - (int)json_array_size(decks) - (*wrong != '\0');
	if (plot < 1)
		plot = in.h < 1 ? in.h : 1;
	plot_draw(g, (struct rect){in.x, in.y, in.w, plot}, temperatures(m, row),
		  json_is_number(set) ? json_number_value(set) : NAN);
	if (*wrong != '\0' && plot < in.h)
		grid_printf(g, in.x, in.y + plot++, in.w, STYLE_BAD, "✗ %s", wrong);
	for (size_t i = 0; i < json_array_size(decks) && plot < in.h; i++)
		draw_deck(g, (struct rect){in.x, in.y + plot++, in.w, 1}, json_array_get(decks, i),
			  (int)i + 1);
}

/* --- tickets --- */

static void draw_ticket(struct grid *g, struct rect r, const json_t *t)
{
	const char *order = json_string_or(t, "order_id", ""), *state = json_string_or(t, "state", "?");
	const json_t *ready = json_object_get(t, "ready_in_ms");
	char text[DURATION_TEXT_SIZE];
	grid_printf(g, r.x, r.y, 8, STYLE_DIM, "%7lld", (long long)json_int_or(t, "ticket", 0));
	grid_printf(g, r.x + 9, r.y, 9, STYLE_PLAIN, "%s%s", strlen(order) > 8 ? "…" : "",
		    strlen(order) > 8 ? order + strlen(order) - 8 : order);
	grid_printf(g, r.x + 19, r.y, 20, STYLE_PLAIN, "%s %.1s", json_string_or(t, "pizza_id", "?"),
		    json_string_or(t, "size", ""));
	grid_printf(g, r.x + 40, r.y, 10, value_style(state), "%s", state);
	if (json_string_or(t, "device", NULL) != NULL)
		grid_printf(g, r.x + 51, r.y, 12, STYLE_PLAIN, "%s/%lld", json_string_or(t, "device", ""),
			    (long long)json_int_or(t, "deck", 0));
	grid_right(g, r.x + 63, r.y, 9, STYLE_STRONG, json_is_number(ready) ? left_word(ready, text) : "");
}

static void add_queue(struct buf *out, const json_t *board)
{
	static const char *const states[] = {"queued", "baking", "waiting"};

	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		buf_adds(out, i == 0 ? ": " : ", ");
		value_count(out, json_int_or(board, states[i], 0));
		buf_addf(out, " %s", states[i]);
	}
}

static void add_counts(struct buf *out, const struct model *m)
{
	const json_t *board = m->panels[FEED_KITCHEN].data, *hardware = m->panels[FEED_HW].data;
	double speed = json_number_value(json_object_get(board, "tickets_per_second"));
	int timers = 0, running = 0;

	buf_adds(out, "tickets");
	if (board != NULL)
		add_queue(out, board);
	if (speed > 0)
		buf_addf(out, ", %.1f/s", speed);
	for (size_t i = 0; i < json_array_size(hardware); i++) {
		const json_t *device = json_array_get(hardware, i);

		timers += strcmp(json_string_or(device, "kind", ""), "timer") == 0;
		running += json_bool_or(device, "running", false);
	}
	if (timers > 0)
		buf_addf(out, " ─ %d of %d timers run", running, timers);
}

static void draw_tickets(const struct model *m, struct grid *g, struct rect r)
{
	const json_t *tickets = m->panels[FEED_TICKETS].data;
	CLEANUP(buf_done) struct buf title = {0};
	struct rect in;

	if (r.h < 3)
		return;
	add_counts(&title, m);
	in = draw_panel(m, g, r, buf_str(&title), FEED_TICKETS);
	for (int i = 0; i < in.h && i < (int)json_array_size(tickets); i++)
		draw_ticket(g, (struct rect){in.x, in.y + i, in.w, 1}, json_array_get(tickets, (size_t)i));
}

/* --- the board --- */

static const json_t *row_at(const struct view *v, int i)
{
	return json_array_get(v->rows, (size_t)v->order[i]);
}

/* Cards side by side; false when they do not all fit. */
static bool draw_board(const struct model *m, struct grid *g, struct rect r)
{
	const struct view *v = &m->views[m->depth - 1];
	int across = r.w / CARD_WIDTH, width, height = 0, lines;

	across = across < 1 ? 1 : across > v->count ? v->count : across;
	width = r.w / across;
	width = width < CARD_WIDEST ? width : CARD_WIDEST;
	for (int i = 0; i < v->count; i++)
		height = card_height(row_at(v, i)) > height ? card_height(row_at(v, i)) : height;
	lines = (v->count + across - 1) / across;
	if (across < 2 || lines * height + TICKETS_LEAST > r.h)
		return false;
	for (int i = 0; i < v->count; i++) {
		struct rect card = {r.x + i % across * width, r.y + i / across * height, width, height};

		grid_zone(g, card, ZONE_ROW, i);
		draw_card(m, g, card, row_at(v, i), i == v->cursor);
	}
	draw_tickets(m, g, (struct rect){r.x, r.y + lines * height, r.w, r.h - lines * height});
	return true;
}

/* The list, and the card of the one under the cursor; tickets beside it where there is room. */
static struct rect draw_kitchen(const struct model *m, struct grid *g, struct rect r)
{
	const struct view *v = &m->views[m->depth - 1];
	int list = v->count + 1, below;
	struct rect card;

	if (v->count == 0)
		return r;
	if (draw_board(m, g, r))
		return (struct rect){r.x, r.y, r.w, 0};
	list = list > r.h / 2 ? r.h / 2 : list;
	below = r.h - list;
	if (below < 5)
		return r;
	card = (struct rect){r.x, r.y + list, r.w >= 130 ? r.w / 2 : r.w, below};
	draw_card(m, g, card, row_at(v, v->cursor), false);
	if (card.w < r.w)
		draw_tickets(m, g, (struct rect){r.x + card.w, card.y, r.w - card.w, below});
	return (struct rect){r.x, r.y, r.w, list};
}

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
	if (rc < 0)
		json_decref(body);
	return rc < 0 ? rc : change_hardware(c, call, "PUT", NULL, body, err);
}

static const struct action actions[] = {
    {.name = "tickets",
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
     .text = "breaks it: heater-dead, thermostat-stuck, sensor-noisy, door-open, "
	     "silent …",
     .command = "hw fault {device} {value}",
     .prompt = "which fault",
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
     .text = "sets the temperature that it keeps",
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
    .text = "ovens and pans, their temperatures, and what bakes in them",
    .key = '3',
    .feeds = FEED_BIT(KITCHEN) | FEED_BIT(HW) | FEED_BIT(TICKETS),
    .main = FEED_KITCHEN,
    .id = "device",
    .columns = columns,
    .empty = "the kitchen has neither ovens nor pans",
    .rows = stations_rows,
    .draw = draw_kitchen,
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
