/*
 * The model as cells: header, where one is, the screen, hints.  What lies over the screen is in overlay.c.
 */
#include "tui/draw.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/contract/daemons.h"
#include "tui/complete.h"
#include "tui/keys.h"
#include "tui/list.h"
#include "tui/overlay.h"
#include "tui/value.h"

#define TABS_FROM_HEIGHT 16

/* --- header --- */

static int count_state(const json_t *services, const char *state, const char *other)
{
	int n = 0;

	for (size_t i = 0; i < json_array_size(services); i++) {
		const char *word = json_string_or(json_array_get(services, i), "state", "");

		n += strcmp(word, state) == 0 || strcmp(word, other) == 0;
	}
	return n;
}

/* "● 10 up  ! 1 degraded", as far as there is room. */
static void draw_health(const struct model *m, struct grid *g, int x, int max)
{
	static const struct {
		const char *state, *other;
	} states[] = {{"up", ""}, {"degraded", "starting"}, {"down", "failed"}};
	const struct panel *p = &m->panels[FEED_STATUS];

	if (p->data == NULL || p->error.code != 0) {
		enum style style = p->error.code != 0 ? STYLE_BAD : STYLE_BAR;

		if (p->error.code != 0)
			grid_printf(g, x, 0, max, style, "✗ %s: %s", p->error.what, p->error.why);
		else
			grid_text(g, x, 0, max, style, "…");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		int n = count_state(p->data, states[i].state, states[i].other), used;
		enum style style = value_style(states[i].state);

		if (n == 0 || max < 8)
			continue;
		used =
		    grid_printf(g, x, 0, max, style, "%s %d %s", value_mark(style), n, states[i].state) + 2;
		x += used;
		max -= used;
	}
}

/* "PAUSED -34 s  " */
static const char *moment_word(const struct model *m, char word[64])
{
	char text[DURATION_TEXT_SIZE];
	int64_t behind_us = m->wall_us - m->now_us;

	word[0] = '\0';
	if (m->replay)
		snprintf(word, 64, "REPLAY%s  ", m->paused ? " PAUSED" : "");
	else if (m->paused)
		snprintf(word, 64, "PAUSED %s%s  ", behind_us >= 1000000 ? "-" : "",
			 duration_format(behind_us / 1000000 * 1000000, text));
	return word;
}

static void draw_header(const struct model *m, struct grid *g)
{
	char clock[CLOCK_TEXT_SIZE], right[160], word[64];
	int x, used;

	grid_fill(g, (struct rect){0, 0, g->width, 1}, STYLE_BAR);
	clock_format(m->now_us, clock);
	snprintf(right, sizeof(right), "%s%s%s%.8sZ ", moment_word(m, word),
		 m->readonly && !m->replay ? "READ-ONLY  " : "", m->protected ? "PROTECTED  " : "",
		 clock + 11);
	used = grid_columns(g, right);
	grid_right(g, 0, 0, g->width, m->protected || m->paused || m->replay ? STYLE_WARN : STYLE_BAR, right);
	x = grid_printf(g, 0, 0, g->width - used - 1, STYLE_BAR, " pizza  %s  ", m->context);
	draw_health(m, g, x, g->width - used - x - 1);
}

/* --- where one is, and how old what is seen is --- */

static int draw_path(const struct model *m, struct grid *g, int y)
{
	int x = 1;

	for (int i = 0; i < m->depth; i++) {
		const struct view *v = &m->views[i];
		size_t len = strlen(v->subject);
		const char *subject = len > 16 && i < m->depth - 1 ? v->subject + len - 8 : v->subject;

		x += grid_printf(g, x, y, g->width - x, i == m->depth - 1 ? STYLE_STRONG : STYLE_DIM,
				 "%s%s%s%s", i > 0 ? " › " : "", v->screen->name, *subject != '\0' ? " " : "",
				 subject);
	}
	return x;
}

/* The feed that tells least: the one whose failure should be known. */
static enum feed_id worst_feed(const struct model *m, unsigned wanted)
{
	enum feed_id worst = FEED_NONE;

	for (int i = 0; i < FEED_COUNT; i++)
		if ((wanted & 1u << i) != 0 && model_is_stale(m, (enum feed_id)i) &&
		    (worst == FEED_NONE ||
		     model_age_seconds(m, (enum feed_id)i) < model_age_seconds(m, worst)))
			worst = (enum feed_id)i;
	return worst;
}

/* The read model answers, but nobody brings it what happens. */
static bool is_cut_off(const struct model *m, enum feed_id feed)
{
	const json_t *writer = model_service(m, daemons[DAEMON_AGGREGATOR].name);

	return feed < FEED_COUNT && feeds[feed].backend == BACKEND_DATABASE && writer != NULL &&
	       value_style(json_string_or(writer, "state", "")) == STYLE_BAD;
}

/* A stream, and how much of it is kept when that is not all. */
static void add_kept(const struct model *m, enum feed_id feed, struct buf *out)
{
	const struct panel *p = &m->panels[feed];

	buf_adds(out, m->paused || m->replay ? "recorded" : "live");
	if (p->cut) {
		buf_adds(out, ", the last ");
		value_count(out, (int64_t)json_array_size(p->data));
	}
}

static enum style add_freshness(const struct model *m, struct buf *out)
{
	const struct screen *s = m->views[m->depth - 1].screen;
	enum feed_id worst = worst_feed(m, s->feeds);
	int64_t age = worst != FEED_NONE ? model_age_seconds(m, worst) : -1;

	if (worst != FEED_NONE) {
		buf_addf(out, "✗ %s ", feeds[worst].name);
		if (age < 0) {
			buf_adds(out, "not there");
		} else {
			buf_adds(out, "STALE ");
			value_seconds(out, age);
		}
		buf_adds(out, ", trying again");
		return STYLE_BAD;
	}
	if (is_cut_off(m, s->main)) {
		buf_addf(out, "✗ nothing new comes: %s does not run", daemons[DAEMON_AGGREGATOR].name);
		return STYLE_BAD;
	}
	if (s->main < FEED_COUNT && m->panels[s->main].data != NULL) {
		if (feeds[s->main].stream != NULL) {
			add_kept(m, s->main, out);
		} else {
			value_seconds(out, model_age_seconds(m, s->main));
			buf_adds(out, " old");
		}
	}
	return STYLE_DIM;
}

static void draw_place(const struct model *m, struct grid *g, int y)
{
	const struct view *v = &m->views[m->depth - 1];
	CLEANUP(buf_done) struct buf right = {0};
	int x = draw_path(m, g, y), columns;
	enum style style;

	if (v->screen->write == NULL && v->count > 0)
		buf_addf(&right, "%d/%d  ", v->cursor + 1, v->count);
	if (v->filter[0] != '\0')
		buf_addf(&right, "/%s  ", v->filter);
	if (list_marked(v) > 0)
		buf_addf(&right, "%d marked  ", list_marked(v));
	style = add_freshness(m, &right);
	columns = grid_columns(g, buf_str(&right));
	if (columns > g->width - x - 2)
		columns = g->width - x - 2;
	if (columns > 4)
		grid_text(g, g->width - columns - 1, y, columns, style, buf_str(&right));
}

/* --- hints --- */

/* A click on it presses the key. */
static int draw_hint(struct grid *g, int x, int y, int code, const char *key, const char *word,
		     enum style style)
{
	int need = grid_columns(g, key) + 1 + grid_columns(g, word) + 2;

	if (x + need > g->width)
		return x;
	grid_zone(g, (struct rect){x, y, need - 1, 1}, ZONE_KEY, code);
	x += grid_text(g, x, y, g->width - x, STYLE_KEY, key) + 1;
	return x + grid_text(g, x, y, g->width - x, style, word) + 2;
}

static void draw_hints(const struct model *m, struct grid *g, int y)
{
	const struct screen *s = m->views[m->depth - 1].screen;
	const struct action *a = s->actions;
	char key[8];
	int x = draw_hint(g, 1, y, bindings[0].keys[0], bindings[0].shown, bindings[0].hint,
			  STYLE_PLAIN); /* help, always */

	for (; a != NULL && a->name != NULL; a++)
		if (a->key != 0)
			x = draw_hint(g, x, y, a->key, keys_name(a->key, key), a->name,
				      a->changes && m->readonly ? STYLE_DIM : STYLE_PLAIN);
	for (const struct binding *b = &bindings[1]; b->shown != NULL; b++)
		if (b->hint != NULL && (b->fits == NULL || b->fits(s)))
			x = draw_hint(g, x, y, b->keys[0], b->shown, b->hint, STYLE_PLAIN);
}

static void draw_tabs(const struct model *m, struct grid *g, int y)
{
	int x = 1;

	grid_fill(g, (struct rect){0, y, g->width, 1}, STYLE_BAR);
	for (int i = 0; screens[i] != NULL; i++) {
		char key[8];
		int from = x;

		if (screens[i]->key == 0)
			continue;
		x = draw_hint(g, x, y, screens[i]->key, keys_name(screens[i]->key, key), screens[i]->name,
			      STYLE_BAR);
		if (screens[i] == m->views[0].screen && x > from)
			grid_reverse(g, from - 1, y, x - from);
	}
}

static void draw_typing(const struct model *m, struct grid *g, int y, const char *what)
{
	int x = grid_printf(g, 0, y, g->width - 2, STYLE_KEY, "%s", what);
	int room = g->width - x - 1;

	x += grid_columns(g, m->input) <= room ? grid_text(g, x, y, room, STYLE_PLAIN, m->input)
					       : grid_tail(g, x, y, room, STYLE_PLAIN, m->input);
	grid_reverse(g, x, y, 1);
}

static void draw_footer(const struct model *m, struct grid *g, int y)
{
	char what[96];

	if (m->mode == MODE_FILTER) {
		draw_typing(m, g, y, "/");
	} else if (m->mode == MODE_COMMAND) {
		draw_typing(m, g, y, ":");
	} else if (m->mode == MODE_VALUE) {
		snprintf(what, sizeof(what), "%s, %s: ", m->asked->action->name, m->asked->action->prompt);
		draw_typing(m, g, y, what);
	} else if (m->mode == MODE_REASON) {
		snprintf(what, sizeof(what),
			 "%s, why (for the audit; may be empty): ", m->asked->action->name);
		draw_typing(m, g, y, what);
	} else if (m->mode == MODE_NAME) {
		snprintf(what, sizeof(what), "%.40s is PROTECTED; type its name: ", m->context);
		draw_typing(m, g, y, what);
	} else if (m->message[0] != '\0' && m->mode == MODE_NORMAL) {
		grid_text(g, 1, y, g->width - 2, m->message_style, m->message);
	} else {
		draw_hints(m, g, y);
	}
}

/* --- the screen --- */

static bool has_tabs(const struct model *m)
{
	return m->height >= TABS_FROM_HEIGHT;
}

static struct rect body_of(const struct model *m)
{
	int h = m->height - 3 - has_tabs(m);

	return (struct rect){0, 2, m->width, h > 0 ? h : 0};
}

int draw_page(const struct model *m)
{
	int h = body_of(m).h - 2;

	return h > 1 ? h : 1;
}

static void write_sheet(const struct model *m, struct sheet *s)
{
	const struct view *v = &m->views[m->depth - 1];
	const struct panel *p = v->screen->main < FEED_COUNT ? &m->panels[v->screen->main] : NULL;

	if (v->count > 0) {
		v->screen->write(m, s, m->width - 2);
	} else if (p != NULL && p->error.code != 0) {
		sheet_line(s, STYLE_BAD, "%s: %s", p->error.what, p->error.why);
		sheet_line(s, STYLE_DIM, "%s", p->error.hint);
	} else {
		sheet_line(s, STYLE_DIM,
			   p == NULL || p->data != NULL ? "there is nothing"
			   : m->paused || m->replay	? "nothing was recorded of it"
							: "waiting for data …");
	}
}

static void draw_sheet(const struct model *m, struct view *v, struct grid *g, struct rect r)
{
	CLEANUP(sheet_done) struct sheet s = {0};

	write_sheet(m, &s);
	if (v->top > s.lines - r.h)
		v->top = s.lines - r.h;
	if (v->top < 0)
		v->top = 0;
	sheet_draw(&s, g, (struct rect){r.x + 1, r.y, r.w - 2, r.h}, v->top, v->filter);
	if (v->top + r.h < s.lines && r.h > 0)
		grid_right(g, r.x, r.y + r.h - 1, r.w, STYLE_KEY, "↓");
}

void draw_seek(struct model *m, int step)
{
	struct view *v = model_view(m);
	CLEANUP(sheet_done) struct sheet s = {0};
	int line;

	write_sheet(m, &s);
	line = sheet_search(&s, v->filter, step > 0 ? v->top + 1 : v->top, step);
	if (line < 0)
		model_say(m, STYLE_WARN, "no %s match of \"%.60s\"", step > 0 ? "further" : "earlier",
			  v->filter);
	else
		v->top = line;
}

static void draw_body(struct model *m, struct grid *g, struct rect r)
{
	struct view *v = model_view(m);

	if (v->screen->write != NULL) {
		draw_sheet(m, v, g, r);
		return;
	}
	if (v->screen->draw != NULL)
		r = v->screen->draw(m, g, r);
	list_draw(m, v, g, r);
}

struct rect draw_panel(const struct model *m, struct grid *g, struct rect r, const char *title,
		       enum feed_id feed)
{
	CLEANUP(buf_done) struct buf text = {0};
	int64_t age = model_age_seconds(m, feed);

	buf_adds(&text, title);
	if (age < 0 && m->panels[feed].error.code == 0) {
		buf_adds(&text, " …");
	} else if (age < 0) {
		buf_adds(&text, " ✗ not there");
	} else if (model_is_stale(m, feed)) {
		buf_adds(&text, " ✗ STALE ");
		value_seconds(&text, age);
	}
	return grid_box(g, r, buf_str(&text));
}

/* There are words to be chosen from. */
static bool is_completed(const struct model *m)
{
	return m->mode == MODE_COMMAND || (m->mode == MODE_VALUE && m->asked->action->choice != NULL);
}

void draw_model(struct model *m, struct grid *g)
{
	struct rect body = body_of(m);

	grid_init(g, m->width, m->height, g->utf8);
	draw_body(m, g, body);
	draw_header(m, g);
	if (g->height > 1) {
		grid_fill(g, (struct rect){0, 1, g->width, 1}, STYLE_PLAIN);
		draw_place(m, g, 1);
	}
	overlay_draw(m, g, body);
	if (is_completed(m) && g->height > 4)
		complete_draw(m, g, g->height - 2);
	else if (has_tabs(m))
		draw_tabs(m, g, g->height - 2);
	if (g->height > 2) {
		grid_fill(g, (struct rect){0, g->height - 1, g->width, 1}, STYLE_PLAIN);
		draw_footer(m, g, g->height - 1);
	}
}
