/*
 * Overview: what flows where and how fast, the key figures, and what needs attention.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/hw.h"
#include "core/console/readmodel.h"
#include "core/contract/daemons.h"
#include "tui/draw.h"
#include "tui/list.h"
#include "tui/topology.h"
#include "tui/value.h"

#define LAG_SECONDS	10.0
#define OUTBOX_SECONDS	10
#define HEARTBEAT_MS	5000
#define QUEUE_SECONDS	600
#define FIGURES_WIDTH	42
#define ATTENTION_LEAST 4

/* --- attention --- */

static void add_alert(json_t *rows, const char *level, const char *screen, const char *subject,
		      const char *text)
{
	CLEANUP(buf_done) struct buf id = {0};

	buf_addf(&id, "%s %s %.60s", screen, subject, text);
	json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", buf_str(&id), "state", level,
					      "screen", screen, "subject", subject, "what", text));
}

/* "no lag, no topics": what this backend was asked for and could not tell; answers the first failure, or
 * NULL. */
static const struct error *add_missing(const struct model *m, enum backend backend, struct buf *out)
{
	const struct error *first = NULL;

	for (int i = 0; i < FEED_COUNT; i++) {
		const struct error *e = &m->panels[i].error;

		if ((screen_overview.feeds & 1u << i) == 0 || feeds[i].backend != backend || e->code == 0)
			continue;
		buf_addf(out, "%sno %s", first != NULL ? ", " : "", feeds[i].name);
		first = first != NULL ? first : e;
	}
	return first;
}

static void add_missing_of(const struct model *m, const char *service, struct buf *out)
{
	for (int i = 0; i < BACKEND_COUNT; i++) {
		CLEANUP(buf_done) struct buf missing = {0};

		if (feed_services[i] != NULL && strcmp(feed_services[i], service) == 0 &&
		    add_missing(m, (enum backend)i, &missing) != NULL)
			buf_addf(out, "; %s", buf_str(&missing));
	}
}

static void add_services(const struct model *m, json_t *rows)
{
	const json_t *all = m->panels[FEED_STATUS].data;

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *each = json_array_get(all, i);
		const char *state = json_string_or(each, "state", "?"),
			   *why = json_string_or(each, "reason", "");
		const char *name = json_string_or(each, "name", "?");
		CLEANUP(buf_done) struct buf text = {0};

		if (strcmp(state, "up") == 0)
			continue;
		buf_addf(&text, "%s is %s%s%s", name, state, *why != '\0' ? ": " : "", why);
		add_missing_of(m, name, &text);
		add_alert(rows, value_style(state) == STYLE_BAD ? "error" : "warn", "service", name,
			  buf_str(&text));
	}
}

static void add_letters(const struct model *m, json_t *rows)
{
	const json_t *groups = m->panels[FEED_LETTER_GROUPS].data;

	for (size_t i = 0; i < json_array_size(groups); i++) {
		const json_t *g = json_array_get(groups, i);
		int64_t open = json_int_or(g, "open", 0);
		CLEANUP(buf_done) struct buf text = {0};

		if (open <= 0)
			continue;
		value_count(&text, open);
		buf_addf(&text, " dead letter%s: %s, %s: %s", open == 1 ? "" : "s",
			 json_string_or(g, "consumer_group", "?"), json_string_or(g, "failed_step", "?"),
			 json_string_or(g, "error_code", "?"));
		add_alert(rows, "error", "letters", json_string_or(g, "fingerprint", ""), buf_str(&text));
	}
}

static void add_lag(const struct model *m, json_t *rows)
{
	const json_t *all = m->panels[FEED_LAG].data;

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *each = json_array_get(all, i);
		const char *group = json_string_or(each, "group", "?");
		double seconds = json_number_value(json_object_get(each, "lag_seconds"));
		bool known = json_is_integer(json_object_get(each, "lag"));
		CLEANUP(buf_done) struct buf text = {0};
		char age[DURATION_TEXT_SIZE];

		if (known && seconds < LAG_SECONDS)
			continue;
		buf_addf(&text, "%s is behind in %s", group, json_string_or(each, "topic", "?"));
		if (known)
			buf_addf(&text, " by %s", duration_format((int64_t)(seconds * 1e6), age));
		else
			buf_adds(&text, ", nobody knows how far");
		add_alert(rows, "warn", "partitions", group, buf_str(&text));
	}
}

static void add_sagas(const struct model *m, json_t *rows)
{
	int64_t n = json_int_or(m->panels[FEED_STUCK].data, "stuck", 0);
	CLEANUP(buf_done) struct buf text = {0};

	if (n == 0)
		return;
	value_count(&text, n);
	buf_addf(&text, "%s saga%s stuck", n == READMODEL_STUCK_MAX ? " and more" : "",
		 n == 1 ? " is" : "s are");
	add_alert(rows, "warn", "sagas", "stuck", buf_str(&text));
}

/* Where they wait is one alert: they have one cause, mostly. */
static void add_outbox(const struct model *m, json_t *rows)
{
	const json_t *all = m->panels[FEED_OUTBOX].data;
	CLEANUP(buf_done) struct buf text = {0}, where = {0};
	double oldest = 0;
	int64_t events = 0;
	char words[DURATION_TEXT_SIZE];

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *each = json_array_get(all, i);
		double age = json_number_value(json_object_get(each, "oldest_age_ms")) / 1e3;

		if (age < OUTBOX_SECONDS)
			continue;
		oldest = fmax(oldest, age);
		events += json_int_or(each, "unpublished", 0);
		buf_addf(&where, "%s%s", where.len > 0 ? ", " : "", json_string_or(each, "database", "?"));
	}
	if (where.len == 0)
		return;
	value_count(&text, events);
	buf_addf(&text, " event%s not published, the oldest for %s: %s", events == 1 ? " is" : "s are",
		 duration_format((int64_t)(oldest * 1e6), words), buf_str(&where));
	add_alert(rows, "error", "service", "outboxd", buf_str(&text));
}

/* Devices that are not in order. */
static void add_devices(const struct model *m, json_t *rows)
{
	const json_t *all = m->panels[FEED_HW].data;

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *each = json_array_get(all, i);
		CLEANUP(buf_done) struct buf why = {0}, text = {0};

		hw_judge(each, HEARTBEAT_MS, &why);
		if (why.len == 0)
			continue;
		buf_addf(&text, "%s: %s", json_string_or(each, "device", "?"), buf_str(&why));
		add_alert(rows, "error", "kitchen", "", buf_str(&text));
	}
}

/* What waits for ovens and pans takes long. */
static void add_queue(const struct model *m, json_t *rows)
{
	const json_t *board = m->panels[FEED_KITCHEN].data;
	double queued = json_number_value(json_object_get(board, "queued"));
	double speed = json_number_value(json_object_get(board, "tickets_per_second"));
	CLEANUP(buf_done) struct buf text = {0};
	char words[DURATION_TEXT_SIZE];

	if (speed <= 0 || queued / speed < QUEUE_SECONDS)
		return;
	buf_adds(&text, "the kitchen is behind: ");
	value_count(&text, (int64_t)queued);
	buf_addf(&text, " pizzas wait for an oven or a pan, work for %s",
		 duration_format((int64_t)(queued / speed) * 1000000, words));
	add_alert(rows, "warn", "tickets", "queued", buf_str(&text));
}

/* Providers that are not called for a while, whatever their daemon's state says. */
static void add_breakers(const struct model *m, json_t *rows)
{
	const json_t *all = m->panels[FEED_METRICS].data;

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *each = json_array_get(all, i), *breakers = json_object_get(each, "breakers");
		const char *daemon = json_string_or(each, "daemon", "?");

		for (size_t k = 0; k < json_array_size(breakers); k++) {
			const json_t *breaker = json_array_get(breakers, k);
			const char *state = json_string_or(breaker, "state", "closed");
			CLEANUP(buf_done) struct buf text = {0};

			if (strcmp(state, "closed") == 0)
				continue;
			buf_addf(&text, "%s: the circuit breaker of %s is %s", daemon,
				 json_string_or(breaker, "provider", "?"), state);
			add_alert(rows, strcmp(state, "open") == 0 ? "error" : "warn", "service", daemon,
				  buf_str(&text));
		}
	}
}

/* It is told of already, with what it cannot be asked for. */
static bool is_told_of(const struct model *m, const char *service)
{
	const json_t *row = service != NULL ? model_service(m, service) : NULL;

	return row != NULL && strcmp(json_string_or(row, "state", "?"), "up") != 0;
}

/* Backends that cannot be asked, once each. */
static void add_lost(const struct model *m, json_t *rows)
{
	for (int i = 0; i < BACKEND_COUNT; i++) {
		CLEANUP(buf_done) struct buf text = {0};
		const struct error *e;

		if (is_told_of(m, feed_services[i]))
			continue;
		e = add_missing(m, (enum backend)i, &text);
		if (e == NULL)
			continue;
		buf_addf(&text, ": %s: %s", e->what, e->why);
		add_alert(rows, "error", "services", "", buf_str(&text));
	}
}

/* What has failed before what is only doubtful. */
static json_t *worst_first(json_t *rows)
{
	json_t *sorted = json_array();

	for (int warnings = 0; warnings < 2; warnings++)
		for (size_t i = 0; i < json_array_size(rows); i++) {
			json_t *row = json_array_get(rows, i);

			if ((strcmp(json_string_or(row, "state", ""), "warn") == 0) == warnings)
				json_array_append(sorted, row);
		}
	json_decref(rows);
	return sorted;
}

static json_t *attention(const struct model *m)
{
	json_t *rows = json_array();

	add_lost(m, rows);
	add_services(m, rows);
	add_breakers(m, rows);
	add_letters(m, rows);
	add_devices(m, rows);
	add_queue(m, rows);
	add_outbox(m, rows);
	add_lag(m, rows);
	add_sagas(m, rows);
	return worst_first(rows);
}

/* --- key figures --- */

static const struct figure {
	const char *name, *history;
	enum value_format format;
	bool bad; /* when it is not 0 */
} figures[] = {
    {"orders/s", "orders_per_second", VALUE_AS_OTHER, false},
    {"paid", "paid_percent", VALUE_AS_PERCENT, false},
    {"lag", "lag", VALUE_AS_INT, false},
    {"e2e p50", "end_to_end_p50_ms", VALUE_AS_MS, false},
    {"e2e p99", "end_to_end_p99_ms", VALUE_AS_MS, false},
    {"outbox age", "outbox_age_ms", VALUE_AS_MS, false},
    {"letters", "letters", VALUE_AS_INT, true},
    {"stuck", "stuck", VALUE_AS_INT, true},
    {"kitchen", "kitchen_load", VALUE_AS_PERCENT, false},
};
#define FIGURE_COUNT (int)ARRAY_LEN(figures)

static void add_last(struct buf *out, const struct history *h, enum value_format format)
{
	char text[DURATION_TEXT_SIZE];
	double last = h != NULL && h->count > 0 ? h->points[h->count - 1] : NAN;

	if (isnan(last))
		buf_addc(out, '-');
	else if (format == VALUE_AS_MS)
		buf_adds(out, last < 1 ? "0 ms" : duration_format((int64_t)(last * 1e3), text));
	else if (format == VALUE_AS_PERCENT)
		buf_addf(out, "%.1f %%", last);
	else if (format == VALUE_AS_OTHER)
		buf_addf(out, "%.*f", last < 9.95 ? 1 : 0, last);
	else
		value_count(out, (int64_t)llround(last));
}

#define FIGURE_NAME  11
#define FIGURE_VALUE 8

/* Its name, what it is now, and what it was. */
static void draw_figure(const struct model *m, struct grid *g, struct rect r, const struct figure *f)
{
	CLEANUP(buf_done) struct buf value = {0}, graph = {0};
	const struct history *h = model_history(m, f->history);
	int room = r.w - FIGURE_NAME - FIGURE_VALUE - 1;
	bool bad = f->bad && h != NULL && h->count > 0 && h->points[h->count - 1] > 0;

	add_last(&value, h, f->format);
	grid_text(g, r.x, r.y, FIGURE_NAME, STYLE_DIM, f->name);
	grid_right(g, r.x + FIGURE_NAME, r.y, FIGURE_VALUE, bad ? STYLE_BAD : STYLE_STRONG, buf_str(&value));
	if (room < 4)
		return;
	value_graph(&graph, h, room > HISTORY_POINTS ? HISTORY_POINTS : room,
		    f->format == VALUE_AS_PERCENT ? 100 : 0);
	grid_text(g, r.x + FIGURE_NAME + FIGURE_VALUE + 1, r.y, room, STYLE_ACCENT, buf_str(&graph));
}

static void draw_figures(const struct model *m, struct grid *g, struct rect r, int columns)
{
	int w = (r.w + 2) / columns;

	for (int i = 0; i < FIGURE_COUNT && i / columns < r.h; i++)
		draw_figure(m, g, (struct rect){r.x + i % columns * w, r.y + i / columns, w - 2, 1},
			    &figures[i]);
}

/* --- layout --- */

static void draw_flow(const struct model *m, struct grid *g, struct rect r)
{
	topology_draw(m, g, draw_panel(m, g, r, "flow", FEED_LAG));
}

/* The flow and the figures beside it. */
static struct rect draw_wide(const struct model *m, struct grid *g, struct rect r, int flow)
{
	struct rect side = {r.x + r.w - FIGURES_WIDTH, r.y, FIGURES_WIDTH, flow};

	draw_flow(m, g, (struct rect){r.x, r.y, r.w - FIGURES_WIDTH, flow});
	draw_figures(m, g, draw_panel(m, g, side, "now", FEED_KPI), 1);
	return (struct rect){r.x, r.y + flow, r.w, r.h - flow};
}

/* The figures below the flow, framed where there is room. */
static struct rect draw_high(const struct model *m, struct grid *g, struct rect r, int flow)
{
	int columns = r.w >= 66 ? 3 : r.w >= 44 ? 2 : 1;
	int rows = (FIGURE_COUNT + columns - 1) / columns, left = r.h - ATTENTION_LEAST;
	struct rect figures_at;

	if (r.w >= topology_width() + 4 && left >= flow + rows) {
		draw_flow(m, g, (struct rect){r.x, r.y, r.w, flow});
		r.y += flow;
		r.h -= flow;
		left -= flow;
	}
	if (left < 1)
		return r;
	figures_at = (struct rect){r.x + 2, r.y, r.w - 4, rows < left ? rows : left};
	if (left >= rows + 2) {
		figures_at.h = rows + 2;
		draw_figures(m, g,
			     draw_panel(m, g, (struct rect){r.x, r.y, r.w, figures_at.h}, "now", FEED_KPI),
			     columns);
	} else {
		draw_figures(m, g, figures_at, columns);
	}
	return (struct rect){r.x, r.y + figures_at.h, r.w, r.h - figures_at.h};
}

static struct rect draw_overview(const struct model *m, struct grid *g, struct rect r)
{
	int flow = topology_height() + 2;
	bool wide = r.w >= topology_width() + 4 + FIGURES_WIDTH && r.h >= flow + ATTENTION_LEAST;

	r = wide ? draw_wide(m, g, r, flow) : draw_high(m, g, r, flow);
	if (r.h < 3 || r.w < 20)
		return r;
	return draw_panel(m, g, r, "attention", FEED_STATUS);
}

static const struct list_column columns[] = {
    {.name = "state", .title = "what", .format = VALUE_AS_STATE, .max = 8},
    {.name = "what", .title = "", .max = 200},
    {.name = NULL},
};

static const struct action actions[] = {{.name = "open",
					 .text = "shows where it comes from",
					 .command = "status",
					 .opens = "services",
					 .member = "subject"},
					{.name = NULL}};

const struct screen screen_overview = {
    .name = "overview",
    .text = "what flows, how fast, and what needs attention",
    .key = '1',
    .feeds = FEED_BIT(STATUS) | FEED_BIT(KPI) | FEED_BIT(STUCK) | FEED_BIT(LAG) | FEED_BIT(TOPICS) |
	     FEED_BIT(LETTER_GROUPS) | FEED_BIT(OUTBOX) | FEED_BIT(METRICS) | FEED_BIT(HW) |
	     FEED_BIT(KITCHEN),
    .main = FEED_NONE,
    .id = "id",
    .columns = columns,
    .empty = "all is well",
    .rows = attention,
    .draw = draw_overview,
    .actions = actions,
};
