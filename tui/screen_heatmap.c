/*
 * Heatmaps: error rate and latency, daemon × minute.  A cell's glyph says as much as its colour.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/contract/daemons.h"
#include "tui/draw.h"
#include "tui/list.h"
#include "tui/value.h"

#define NAMES	    14 /* columns of the daemons' names */
#define LATEST	    10 /* columns of the latest figure */
#define MINUTES_MAX 90
#define MINUTE_US   INT64_C(60000000)

/* How a figure is shown: from `from` on, at its level. */
struct level {
	double from;
	const char *glyph;
	enum style style;
};

static const struct level error_levels[] = {{0, "·", STYLE_DIM},
					    {0.01, "░", STYLE_WARN},
					    {1, "▒", STYLE_WARN},
					    {5, "▓", STYLE_BAD},
					    {25, "█", STYLE_BAD}};
static const struct level latency_levels[] = {{0, "·", STYLE_DIM},
					      {50, "░", STYLE_GOOD},
					      {250, "▒", STYLE_GOOD},
					      {1000, "▓", STYLE_WARN},
					      {5000, "█", STYLE_BAD}};
#define LEVELS 5

struct map_kind {
	const char *title, *member, *legend;
	const struct level *levels;
};
static const struct map_kind kinds[] = {{"errors, of up to 384 events a minute", "failed_percent",
					 "· none  ░ some  ▒ 1 %  ▓ 5 %  █ 25 %", error_levels},
					{"latency p99 from cause to event, of up to 384 events a minute",
					 "p99_ms", "· to 50 ms  ░ 50 ms  ▒ 250 ms  ▓ 1 s  █ 5 s",
					 latency_levels}};

static const struct level *level_of(const struct map_kind *k, double value)
{
	int i = LEVELS - 1;

	while (i > 0 && value < k->levels[i].from)
		i--;
	return &k->levels[i];
}

/* Rows {daemon, cells: {minute → cell}}, in the order of the daemon table, of those that did anything. */
static json_t *daemon_rows(const struct model *m)
{
	const json_t *cells = m->panels[FEED_HEATMAP].data;
	json_t *rows = json_array();

	for (int i = 0; i < DAEMON_COUNT; i++) {
		json_t *own = json_object();

		for (size_t k = 0; k < json_array_size(cells); k++) {
			json_t *cell = json_array_get(cells, k);

			if (strcmp(json_string_or(cell, "daemon", ""), daemons[i].name) == 0)
				json_object_set(own, json_string_or(cell, "minute", "?"), cell);
		}
		if (json_object_size(own) > 0)
			json_array_append_new(
			    rows, json_pack("{s:s, s:O}", "daemon", daemons[i].name, "cells", own));
		json_decref(own);
	}
	return rows;
}

/* --- drawing --- */

static int64_t minute_at(const struct model *m, int back)
{
	return (m->now_us / MINUTE_US - back) * MINUTE_US;
}

static const json_t *cell_at(const struct model *m, const json_t *row, int back)
{
	char text[CLOCK_TEXT_SIZE];

	return json_object_get(json_object_get(row, "cells"), clock_format(minute_at(m, back), text));
}

static void add_latest(struct buf *out, const struct map_kind *k, const json_t *value)
{
	char text[DURATION_TEXT_SIZE];
	double number = json_number_value(value);

	if (!json_is_number(value))
		return;
	if (k == &kinds[0])
		buf_addf(out, "%.1f %%", number);
	else
		buf_adds(out, duration_format((int64_t)llround(number * 1e3), text));
}

static void draw_daemon(const struct model *m, struct grid *g, struct rect r, const struct map_kind *k,
			const json_t *row)
{
	CLEANUP(buf_done) struct buf latest = {0};
	int minutes = r.w - NAMES - LATEST;

	grid_text(g, r.x, r.y, NAMES, STYLE_PLAIN, json_string_or(row, "daemon", "?"));
	for (int i = 0; i < minutes; i++) {
		const json_t *value = json_object_get(cell_at(m, row, minutes - 1 - i), k->member);
		const struct level *l = level_of(k, json_number_value(value));

		if (json_is_number(value))
			grid_text(g, r.x + NAMES + i, r.y, 1, l->style, l->glyph);
		if (json_is_number(value) && i >= minutes - 2) {
			buf_reset(&latest);
			add_latest(&latest, k, value);
		}
	}
	grid_right(g, r.x + NAMES + minutes, r.y, LATEST, STYLE_STRONG, buf_str(&latest));
}

/* The time of day every ten minutes. */
static void draw_axis(const struct model *m, struct grid *g, struct rect r, const char *legend)
{
	int minutes = r.w - NAMES - LATEST;

	for (int i = 0; i < minutes; i++) {
		int64_t at = minute_at(m, minutes - 1 - i);
		char text[CLOCK_TEXT_SIZE];

		if (at / MINUTE_US % 10 == 0 && i + 5 <= minutes)
			grid_printf(g, r.x + NAMES + i, r.y, 5, STYLE_DIM, "%.5s",
				    clock_format(at, text) + 11);
	}
	grid_text(g, r.x, r.y, NAMES - 1, STYLE_DIM, "UTC");
	if (r.h > 1)
		grid_text(g, r.x + NAMES, r.y + 1, r.w - NAMES, STYLE_DIM, legend);
}

static void draw_map(const struct model *m, struct grid *g, struct rect r, const struct map_kind *k)
{
	const struct view *v = &m->views[m->depth - 1];
	struct rect in = draw_panel(m, g, r, k->title, FEED_HEATMAP);
	int rows = in.h - 2;

	if (in.w - NAMES - LATEST > MINUTES_MAX)
		in.w = MINUTES_MAX + NAMES + LATEST;
	if (in.w - NAMES - LATEST < 8)
		return;
	for (int i = 0; i < rows && v->top + i < v->count; i++) {
		struct rect line = {in.x, in.y + i, in.w, 1};

		draw_daemon(m, g, line, k, json_array_get(v->rows, (size_t)v->order[v->top + i]));
		if (v->top + i == v->cursor)
			grid_reverse(g, line.x, line.y, NAMES - 1);
	}
	rows = v->count - v->top < rows ? v->count - v->top : rows;
	draw_axis(m, g, (struct rect){in.x, in.y + rows, in.w, 2}, k->legend);
}

/* Both where there is room; else the one that `f` chooses. */
static struct rect draw_heatmap(const struct model *m, struct grid *g, struct rect r)
{
	const struct view *v = &m->views[m->depth - 1];
	int each = v->count + 4;
	int chosen = strcmp(v->subject, "latency") == 0;

	if (v->count == 0)
		return r;
	if (r.h >= each * 2) {
		draw_map(m, g, (struct rect){r.x, r.y, r.w, each}, &kinds[0]);
		draw_map(m, g, (struct rect){r.x, r.y + each, r.w, each}, &kinds[1]);
	} else {
		draw_map(m, g, (struct rect){r.x, r.y, r.w, r.h < each ? r.h : each}, &kinds[chosen]);
	}
	return (struct rect){r.x, r.y, r.w, 0};
}

static const char *const choices[] = {"", "latency", NULL};

static const struct list_column columns[] = {{.name = "daemon"}, {.name = NULL}};

static const struct action actions[] = {{.name = "service",
					 .text = "the daemon under the cursor",
					 .command = "status {daemon}",
					 .opens = "service",
					 .member = "daemon"},
					{.key = 'l',
					 .name = "log",
					 .text = "what it says",
					 .command = "logs {daemon} -f",
					 .opens = "logs",
					 .member = "daemon"},
					{.name = NULL}};

const struct screen screen_heatmap = {
    .name = "heatmap",
    .text = "error rate and latency, daemon by minute",
    .key = 'H',
    .feeds = FEED_BIT(HEATMAP),
    .main = FEED_HEATMAP,
    .id = "daemon",
    .columns = columns,
    .empty = "nothing has happened in the last 90 minutes",
    .narrows = choices,
    .rows = daemon_rows,
    .draw = draw_heatmap,
    .actions = actions,
};
