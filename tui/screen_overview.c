/*
 * Overview: what flows where and how fast, the key figures, and what needs attention.
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

#define LAG_SECONDS	10.0
#define OUTBOX_SECONDS	10
#define FIGURES_WIDTH	42
#define WIDE		100 /* from here on flow and figures stand side by side */
#define FIGURE_COUNT	8
#define ATTENTION_LEAST 4
#define ARROW		12 /* columns that " ─ lag 999 ▶" takes */

/* --- attention --- */

static void add_alert(json_t *rows, const char *level, const char *screen, const char *subject,
		      const char *text)
{
	CLEANUP(buf_done) struct buf id = {0};

	buf_addf(&id, "%s %s %.20s", screen, subject, text);
	json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", buf_str(&id), "state", level,
					      "screen", screen, "subject", subject, "what", text));
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
	size_t n = json_array_size(m->panels[FEED_STUCK].data);
	CLEANUP(buf_done) struct buf text = {0};

	if (n == 0)
		return;
	buf_addf(&text, "%zu%s saga%s stuck", n, n == 1000 ? " and more" : "", n == 1 ? " is" : "s are");
	add_alert(rows, "warn", "sagas", "stuck", buf_str(&text));
}

static void add_outbox(const struct model *m, json_t *rows)
{
	const json_t *all = m->panels[FEED_OUTBOX].data;

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *each = json_array_get(all, i);
		double age = json_number_value(json_object_get(each, "oldest_age_ms")) / 1e3;
		CLEANUP(buf_done) struct buf text = {0};
		char words[DURATION_TEXT_SIZE];

		if (age < OUTBOX_SECONDS)
			continue;
		buf_addf(&text, "%s has not published %lld events, the oldest for %s",
			 json_string_or(each, "database", "?"),
			 (long long)json_int_or(each, "unpublished", 0),
			 duration_format((int64_t)(age * 1e6), words));
		add_alert(rows, "error", "service", "outboxd", buf_str(&text));
	}
}

/* Backends that cannot be asked. */
static void add_lost(const struct model *m, json_t *rows)
{
	for (int i = 0; i < FEED_COUNT; i++) {
		const struct panel *p = &m->panels[i];
		CLEANUP(buf_done) struct buf text = {0};

		if ((screen_overview.feeds & 1u << i) == 0 || p->error.code == 0)
			continue;
		buf_addf(&text, "no %s: %s: %s", feeds[i].name, p->error.what, p->error.why);
		add_alert(rows, "error", "services", "", buf_str(&text));
	}
}

static json_t *attention(const struct model *m)
{
	json_t *rows = json_array();

	add_lost(m, rows);
	add_services(m, rows);
	add_letters(m, rows);
	add_outbox(m, rows);
	add_lag(m, rows);
	add_sagas(m, rows);
	return rows;
}

/* --- key figures --- */

static void draw_figure(const struct model *m, struct grid *g, struct rect r, const char *name,
			const char *history, const char *value, enum style style)
{
	CLEANUP(buf_done) struct buf graph = {0};
	int room = r.w - 11 - 10 - 1;

	grid_text(g, r.x, r.y, 11, STYLE_DIM, name);
	grid_right(g, r.x + 11, r.y, r.w - 11 < 10 ? r.w - 11 : 10, style, value);
	if (room < 4)
		return;
	value_graph(&graph, model_history(m, history), room > HISTORY_POINTS ? HISTORY_POINTS : room,
		    strcmp(history, "paid_percent") == 0 ? 100 : 0);
	grid_text(g, r.x + 22, r.y, room, STYLE_ACCENT, buf_str(&graph));
}

static void add_last(struct buf *out, const struct model *m, const char *name, enum value_format format)
{
	const struct history *h = model_history(m, name);
	char text[DURATION_TEXT_SIZE];
	double last = h != NULL && h->count > 0 ? h->points[h->count - 1] : NAN;

	if (isnan(last))
		buf_addc(out, '-');
	else if (format == VALUE_AS_MS)
		buf_adds(out, duration_format((int64_t)(last * 1e3), text));
	else if (format == VALUE_AS_PERCENT)
		buf_addf(out, "%.1f %%", last);
	else
		value_count(out, (int64_t)llround(last));
}

static void draw_figures(const struct model *m, struct grid *g, struct rect r)
{
	static const struct {
		const char *name, *history;
		enum value_format format;
		bool bad; /* when it is not 0 */
	} figures[FIGURE_COUNT] = {
	    {"orders/min", "orders_per_minute", VALUE_AS_INT, false},
	    {"paid", "paid_percent", VALUE_AS_PERCENT, false},
	    {"e2e p50", "end_to_end_p50_ms", VALUE_AS_MS, false},
	    {"e2e p99", "end_to_end_p99_ms", VALUE_AS_MS, false},
	    {"outbox", "outbox", VALUE_AS_INT, false},
	    {"lag", "lag", VALUE_AS_INT, false},
	    {"letters", "letters", VALUE_AS_INT, true},
	    {"stuck", "stuck", VALUE_AS_INT, true},
	};

	for (int i = 0; i < FIGURE_COUNT && i < r.h; i++) {
		const struct history *h = model_history(m, figures[i].history);
		CLEANUP(buf_done) struct buf value = {0};
		bool bad = figures[i].bad && h != NULL && h->points[h->count - 1] > 0;

		add_last(&value, m, figures[i].history, figures[i].format);
		draw_figure(m, g, (struct rect){r.x, r.y + i, r.w, 1}, figures[i].name, figures[i].history,
			    buf_str(&value), bad ? STYLE_BAD : STYLE_STRONG);
	}
}

/* --- flow --- */

/* "order, payment", or "7 topics" where there is no room for them all. */
static void add_topics(struct buf *out, const char *const *names, int room)
{
	int n = 0, length = 0;

	for (; n < DAEMON_TOPICS_MAX && names[n] != NULL; n++)
		length += (int)strcspn(names[n], "-") + 2;
	if (n > 1 && length - 2 > room) {
		buf_addf(out, "%d topics", n);
		return;
	}
	for (int i = 0; i < n; i++)
		buf_addf(out, "%s%.*s", i > 0 ? ", " : "", (int)strcspn(names[i], "-"), names[i]);
}

static int64_t lag_of(const struct model *m, const char *group)
{
	const json_t *all = m->panels[FEED_LAG].data;
	int64_t sum = 0;

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *each = json_array_get(all, i);
		int64_t lag = json_int_or(each, "lag", -1);

		if (strcmp(json_string_or(each, "group", ""), group) == 0)
			sum = lag < 0 || sum < 0 ? -1 : sum + lag;
	}
	return all == NULL ? -1 : sum;
}

/* Events per second into the topics; -1: it takes two looks to know. */
static double rate_of(const struct model *m, const char *const *names)
{
	double sum = -1;
	char name[160];

	for (int i = 0; i < DAEMON_TOPICS_MAX && names[i] != NULL; i++) {
		const struct history *h;
		double rate;

		snprintf(name, sizeof(name), "topic %s", names[i]);
		h = model_history(m, name);
		if (h == NULL || h->count < 2)
			continue;
		rate = model_rate(m, name);
		sum = (sum > 0 ? sum : 0) + (rate > 0 ? rate : 0);
	}
	return sum;
}

/* "order, payment ─ lag 0 ▶ ● inventoryd ─ 12/s ▶ inventory" */
static void draw_daemon(const struct model *m, struct grid *g, struct rect r, const struct daemon_info *d)
{
	CLEANUP(buf_done) struct buf in = {0}, out = {0};
	enum style style = value_style(json_string_or(model_service(m, d->name), "state", "?"));
	int64_t lag = lag_of(m, d->name);
	double rate = rate_of(m, d->produces);
	int left = (r.w - 16) / 2, x = r.x + left;

	if (d->consumes[0] != NULL) {
		add_topics(&in, d->consumes, left - ARROW);
		buf_addf(&in, lag < 0 ? " ─ ? ▶" : " ─ lag %lld ▶", (long long)lag);
		grid_right(g, r.x, r.y, left, lag > 0 ? STYLE_WARN : STYLE_DIM, buf_str(&in));
	}
	x += grid_printf(g, x, r.y, 16, style, " %s %-12s", value_mark(style), d->name);
	if (d->produces[0] == NULL)
		return;
	if (rate < 0)
		buf_adds(&out, "─▶ ");
	else
		buf_addf(&out, rate > 0 ? "═ %.*f/s ▶ " : "─ %.*f/s ▶ ", rate < 10 ? 1 : 0, rate);
	add_topics(&out, d->produces, r.x + r.w - x - ARROW);
	grid_text(g, x, r.y, r.x + r.w - x, rate > 0 ? STYLE_ACCENT : STYLE_DIM, buf_str(&out));
}

static void draw_flow(const struct model *m, struct grid *g, struct rect r)
{
	for (int i = 0; i < DAEMON_COUNT && i < r.h; i++)
		draw_daemon(m, g, (struct rect){r.x, r.y + i, r.w, 1}, &daemons[i]);
}

/* --- layout --- */

static struct rect draw_attention(const struct model *m, struct grid *g, struct rect r)
{
	if (r.h < 3 || r.w < 20)
		return r;
	return draw_panel(m, g, r, "attention", FEED_STATUS);
}

static struct rect draw_overview(const struct model *m, struct grid *g, struct rect r)
{
	int top = DAEMON_COUNT + 2, figures = FIGURE_COUNT + 2;

	if (r.w >= WIDE && r.h >= top + ATTENTION_LEAST) { /* side by side */
		draw_flow(
		    m, g,
		    draw_panel(m, g, (struct rect){r.x, r.y, r.w - FIGURES_WIDTH, top}, "flow", FEED_LAG));
		draw_figures(m, g,
			     draw_panel(m, g,
					(struct rect){r.x + r.w - FIGURES_WIDTH, r.y, FIGURES_WIDTH, top},
					"now", FEED_KPI));
		r.y += top;
		r.h -= top;
	} else {
		if (r.h < figures + ATTENTION_LEAST)
			figures = r.h - ATTENTION_LEAST;
		if (r.h >= top + figures + ATTENTION_LEAST) {
			draw_flow(m, g,
				  draw_panel(m, g, (struct rect){r.x, r.y, r.w, top}, "flow", FEED_LAG));
			r.y += top;
			r.h -= top;
		}
		if (figures >= 3) {
			draw_figures(
			    m, g, draw_panel(m, g, (struct rect){r.x, r.y, r.w, figures}, "now", FEED_KPI));
			r.y += figures;
			r.h -= figures;
		}
	}
	return draw_attention(m, g, r);
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
	     FEED_BIT(LETTER_GROUPS) | FEED_BIT(OUTBOX),
    .main = FEED_NONE,
    .id = "id",
    .columns = columns,
    .empty = "all is well",
    .rows = attention,
    .draw = draw_overview,
    .actions = actions,
};
