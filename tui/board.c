/*
 * The board of the kitchen: a card for each oven and pan, the timers, and the tickets that go through.
 */
#include "tui/board.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/contract/hardware.h"
#include "tui/draw.h"
#include "tui/list.h"
#include "tui/plot.h"
#include "tui/value.h"

#define CARD_WIDTH    44
#define CARD_WIDEST   70
#define PLOT_HEIGHT   4
#define BAR	      10
#define BROWN_DONE    (HARDWARE_BROWNING_DONE / 1000.0) /* of browning, from 0 to 1 */
#define BROWN_BURNT   (HARDWARE_BROWNING_BURNT / 1000.0)
#define TICKETS_LEAST 5

/* --- what is known --- */

const json_t *board_part(const struct model *m, const char *what)
{
	return json_object_get(m->panels[FEED_KITCHEN].data, what);
}

bool board_is_timer(const json_t *row)
{
	return strcmp(json_string_or(row, "kind", ""), "timer") == 0;
}

void board_degrees(struct buf *out, const json_t *row, const char *member)
{
	const json_t *value = json_object_get(row, member);

	if (json_is_number(value))
		buf_addf(out, "%.1f°", json_number_value(value));
}

void board_setpoint(const struct model *m, const json_t *row, struct buf *out)
{
	const json_t *value = json_object_get(row, "setpoint_c");

	(void)m;
	if (json_is_number(value))
		buf_addf(out, "%.0f°", json_number_value(value));
}

const struct history *board_temperatures(const struct model *m, const json_t *row)
{
	char name[96];

	snprintf(name, sizeof(name), "temperature %s", json_string_or(row, "device", ""));
	return model_history(m, name);
}

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
	board_degrees(out, row, "temperature_c");
	buf_adds(out, "▸");
	board_setpoint(NULL, row, out);
	if (json_bool_or(row, "heater", false))
		buf_adds(out, " heats");
	if (json_bool_or(row, "door", false))
		buf_adds(out, ", open");
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
	plot_draw(g, (struct rect){in.x, in.y, in.w, plot}, board_temperatures(m, row),
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

static void draw_ticket_titles(struct grid *g, struct rect r)
{
	grid_right(g, r.x, r.y, 7, STYLE_TITLE, "TICKET");
	grid_text(g, r.x + 9, r.y, 9, STYLE_TITLE, "ORDER");
	grid_text(g, r.x + 19, r.y, 20, STYLE_TITLE, "PIZZA");
	grid_text(g, r.x + 40, r.y, 10, STYLE_TITLE, "STATE");
	grid_text(g, r.x + 51, r.y, 12, STYLE_TITLE, "DECK");
	grid_right(g, r.x + 63, r.y, 9, STYLE_TITLE, "READY IN");
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
	const json_t *board = m->panels[FEED_KITCHEN].data;
	double speed = json_number_value(json_object_get(board, "tickets_per_second"));

	buf_adds(out, "tickets");
	if (board != NULL)
		add_queue(out, board);
	if (speed > 0)
		buf_addf(out, ", %.1f/s", speed);
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
	if (tickets == NULL && (m->paused || m->replay))
		grid_text(g, in.x, in.y, in.w, STYLE_DIM, "nothing was recorded of it");
	if (in.h > 2 && json_array_size(tickets) > 0) {
		draw_ticket_titles(g, in);
		in.y++;
		in.h--;
	}
	for (int i = 0; i < in.h && i < (int)json_array_size(tickets); i++)
		draw_ticket(g, (struct rect){in.x, in.y + i, in.w, 1}, json_array_get(tickets, (size_t)i));
}

/* --- timers --- */

/* Where the timer's pizza lies: "oven-2/1". */
static void add_place(struct buf *out, const struct model *m, const char *timer)
{
	const json_t *board = board_part(m, "items");

	for (size_t i = 0; i < json_array_size(board); i++) {
		const json_t *station = json_array_get(board, i), *decks = json_object_get(station, "decks");

		for (size_t k = 0; k < json_array_size(decks); k++) {
			const json_t *deck = json_array_get(decks, k);

			if (strcmp(json_string_or(deck, "timer", ""), timer) == 0)
				buf_addf(out, "%s/%lld", json_string_or(station, "device", "?"),
					 (long long)json_int_or(deck, "deck", 0));
		}
	}
}

#define TIMER_WIDTH 32

/* "timer-5  ● oven-2/1   2.08 s", or what is wrong with it. */
static void draw_timer(const struct model *m, struct grid *g, struct rect r, const json_t *row)
{
	const char *state = json_string_or(row, "state", "?"), *wrong = json_string_or(row, "wrong", "");
	const json_t *left = json_object_get(row, "left_ms");
	enum style style = *wrong != '\0' ? STYLE_BAD : value_style(state);
	CLEANUP(buf_done) struct buf place = {0};
	char words[DURATION_TEXT_SIZE];

	grid_text(g, r.x, r.y, 9, STYLE_PLAIN, json_string_or(row, "device", "?"));
	grid_text(g, r.x + 9, r.y, 2, style, value_mark(style));
	add_place(&place, m, json_string_or(row, "device", ""));
	if (*wrong != '\0') {
		grid_text(g, r.x + 11, r.y, r.w - 12, STYLE_BAD, wrong);
	} else if (json_is_number(left)) {
		grid_text(g, r.x + 11, r.y, 9, STYLE_PLAIN, buf_str(&place));
		grid_right(g, r.x + 20, r.y, 9, STYLE_STRONG, left_word(left, words));
	} else {
		grid_text(g, r.x + 11, r.y, r.w - 12, STYLE_DIM, state);
	}
}

/* The one under the cursor, where there is no board. */
static void draw_timer_card(const struct model *m, struct grid *g, struct rect r, const json_t *row)
{
	CLEANUP(sheet_done) struct sheet s = {0};
	CLEANUP(buf_done) struct buf place = {0}, title = {0};
	const json_t *left = json_object_get(row, "left_ms");
	const char *state = json_string_or(row, "state", "?"), *wrong = json_string_or(row, "wrong", "");
	char words[DURATION_TEXT_SIZE];

	buf_addf(&title, "%s ─ %s %s", json_string_or(row, "device", "?"), value_mark(value_style(state)),
		 state);
	add_place(&place, m, json_string_or(row, "device", ""));
	if (*wrong != '\0')
		sheet_line(&s, STYLE_BAD, "✗ %s", wrong);
	sheet_fact(&s, "left", STYLE_STRONG, json_is_number(left) ? left_word(left, words) : "-");
	sheet_fact(&s, "pizza", STYLE_PLAIN, place.len > 0 ? buf_str(&place) : "-");
	sheet_fact(&s, "order", STYLE_PLAIN, json_string_or(row, "order_id", "-"));
	sheet_draw(&s, g, grid_box(g, r, buf_str(&title)), 0, NULL);
}

/* --- the board --- */

static const json_t *row_at(const struct view *v, int i)
{
	return json_array_get(v->rows, (size_t)v->order[i]);
}

/* How many cards or timers there are, in how many columns and lines. */
struct raster {
	int count, across, width, lines, height;
};

static struct raster cards_raster(const struct view *v, int width)
{
	struct raster t = {0};

	for (int i = 0; i < v->count; i++) {
		const json_t *row = row_at(v, i);

		t.count += !board_is_timer(row);
		if (!board_is_timer(row) && card_height(row) > t.height)
			t.height = card_height(row);
	}
	t.across = width / CARD_WIDTH < t.count ? width / CARD_WIDTH : t.count;
	t.across = t.across < 1 ? 1 : t.across;
	t.width = width / t.across < CARD_WIDEST ? width / t.across : CARD_WIDEST;
	t.lines = (t.count + t.across - 1) / t.across;
	return t;
}

static struct raster timers_raster(const struct view *v, int width)
{
	struct raster t = {.height = 1, .width = TIMER_WIDTH};

	for (int i = 0; i < v->count; i++)
		t.count += board_is_timer(row_at(v, i));
	t.across = (width - 2) / TIMER_WIDTH < 1 ? 1 : (width - 2) / TIMER_WIDTH;
	t.lines = (t.count + t.across - 1) / t.across;
	return t;
}

static void draw_timers(const struct model *m, struct grid *g, struct rect r, const struct raster *t)
{
	const struct view *v = &m->views[m->depth - 1];
	int n = 0, counting = 0;
	char title[64];
	struct rect in;

	for (int i = 0; i < v->count; i++)
		counting +=
		    board_is_timer(row_at(v, i)) && json_is_number(json_object_get(row_at(v, i), "left_ms"));
	snprintf(title, sizeof(title), "timers: %d of %d count", counting, t->count);
	in = grid_box(g, r, title);
	for (int i = 0; i < v->count; i++) {
		struct rect cell = {in.x + n % t->across * t->width, in.y + n / t->across, t->width, 1};

		if (!board_is_timer(row_at(v, i)))
			continue;
		n++;
		grid_zone(g, cell, ZONE_ROW, i);
		draw_timer(m, g, cell, row_at(v, i));
		if (i == v->cursor)
			grid_reverse(g, cell.x, cell.y, cell.w - 2);
	}
}

/* Cards side by side, timers and tickets below; false when they do not all fit. */
static bool draw_board(const struct model *m, struct grid *g, struct rect r)
{
	const struct view *v = &m->views[m->depth - 1];
	struct raster cards = cards_raster(v, r.w), timers = timers_raster(v, r.w);
	int cards_h = cards.lines * cards.height, timers_h = timers.count > 0 ? timers.lines + 2 : 0, n = 0;

	if (cards.across < 2 || cards_h + timers_h + TICKETS_LEAST > r.h)
		return false;
	for (int i = 0; i < v->count; i++) {
		struct rect card = {r.x + n % cards.across * cards.width,
				    r.y + n / cards.across * cards.height, cards.width, cards.height};

		if (board_is_timer(row_at(v, i)))
			continue;
		n++;
		grid_zone(g, card, ZONE_ROW, i);
		draw_card(m, g, card, row_at(v, i), i == v->cursor);
	}
	if (timers.count > 0)
		draw_timers(m, g, (struct rect){r.x, r.y + cards_h, r.w, timers_h}, &timers);
	r.y += cards_h + timers_h;
	r.h -= cards_h + timers_h;
	draw_tickets(m, g, r);
	return true;
}

/* The list, and the card of the one under the cursor; tickets beside it where there is room. */
struct rect board_draw(const struct model *m, struct grid *g, struct rect r)
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
	if (board_is_timer(row_at(v, v->cursor)))
		draw_timer_card(m, g, card, row_at(v, v->cursor));
	else
		draw_card(m, g, card, row_at(v, v->cursor), false);
	if (card.w < r.w)
		draw_tickets(m, g, (struct rect){r.x + card.w, card.y, r.w - card.w, below});
	return (struct rect){r.x, r.y, r.w, list};
}
