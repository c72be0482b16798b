/*
 * The drawing.  An arrow to the right ends at the lane it writes to, one to the left begins at the lane it
 * reads from; a dotted one is cut off because its daemon does not run.  Lanes and arrows are double where
 * something flows.
 */
#include "tui/topology.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/contract/daemons.h"
#include "core/contract/topics.h"
#include "tui/value.h"

#define NAMES	   13 /* columns of the daemons' names */
#define LANE_LEAST 9
#define NO_COMMIT  -2
#define AROUND	   3 /* titles, traffic, and those without topics */

/* --- from the tables --- */

static bool has(const char *const *names, const char *name)
{
	for (int i = 0; name != NULL && i < DAEMON_TOPICS_MAX && names[i] != NULL; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static bool has_topics(const struct daemon_info *d)
{
	return d->consumes[0] != NULL || d->produces[0] != NULL;
}

int topology_width(void)
{
	return NAMES + TOPIC_COUNT * LANE_LEAST;
}

int topology_height(void)
{
	int n = AROUND;

	for (int i = 0; i < DAEMON_COUNT; i++)
		n += has_topics(&daemons[i]);
	return n;
}

/* --- from the data --- */

/* NO_COMMIT: the group has read nothing of it yet; -1: nobody knows. */
static int64_t lag_of(const struct model *m, const char *group, const char *topic)
{
	const json_t *all = m->panels[FEED_LAG].data;

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *each = json_array_get(all, i);

		if (strcmp(json_string_or(each, "group", ""), group) == 0 &&
		    strcmp(json_string_or(each, "topic", ""), topic) == 0)
			return strcmp(json_string_or(each, "state", ""), "no-commit") == 0
				   ? NO_COMMIT
				   : json_int_or(each, "lag", -1);
	}
	return -1;
}

static bool is_running(const struct model *m, const struct daemon_info *d)
{
	const json_t *service = model_service(m, d->name);

	return service == NULL || value_style(json_string_or(service, "state", "")) != STYLE_BAD;
}

/* Messages per second into a topic; -1: it takes two looks to know. */
static double traffic_of(const struct model *m, const char *topic)
{
	char name[160];
	const struct history *h;

	snprintf(name, sizeof(name), "traffic %s", topic);
	h = model_history(m, name);
	return h != NULL && h->count > 0 ? h->points[h->count - 1] : -1;
}

/* --- drawing --- */

struct lane {
	int x; /* of its line */
	const struct topic_info *topic;
	double traffic;
};

/* ` ◀══812══` or ` ══412/s═▶`, left of the lane. */
static void draw_arrow(struct grid *g, int x, int y, int w, bool writes, const char *fill, const char *label,
		       enum style style)
{
	int columns = grid_columns(g, label), before, from = x + 1, to = x + w - 1;

	if (columns > w - 3) {
		label = "…";
		columns = 1;
	}
	for (int i = from; i <= to; i++)
		grid_text(g, i, y, 1, style, fill);
	before = from + (w - 1 - columns) / 2 + (writes ? -1 : 1);
	before = before < from + !writes ? from + !writes : before;
	grid_text(g, before, y, columns, style, label);
	grid_text(g, writes ? to : from, y, 1, style, writes ? "▶" : "◀");
}

static void draw_write(const struct model *m, struct grid *g, const struct lane *l, int y, int w,
		       const struct daemon_info *d)
{
	char label[24] = "?";
	bool flows = l->traffic > 0, runs = is_running(m, d);

	if (l->traffic >= 0)
		snprintf(label, sizeof(label), "%.*f/s", flows && l->traffic < 9.95 ? 1 : 0, l->traffic);
	draw_arrow(g, l->x - w, y, w, true,
		   !runs   ? "┈"
		   : flows ? "═"
			   : "─",
		   runs ? label : "✗",
		   !runs   ? STYLE_BAD
		   : flows ? STYLE_ACCENT
			   : STYLE_DIM);
}

static void draw_read(const struct model *m, struct grid *g, const struct lane *l, int y, int w,
		      const struct daemon_info *d, const char *topic, bool dead)
{
	int64_t lag = lag_of(m, d->name, topic);
	bool flows = l->traffic > 0 && !dead, runs = is_running(m, d);
	CLEANUP(buf_done) struct buf label = {0};
	enum style style = !runs		  ? STYLE_BAD
			   : lag > 0 || lag == -1 ? STYLE_WARN
			   : flows		  ? STYLE_ACCENT
						  : STYLE_DIM;

	if (!runs)
		buf_adds(&label, "✗ ");
	if (lag == NO_COMMIT)
		buf_adds(&label, "none");
	else if (lag < 0)
		buf_addc(&label, '?');
	else
		value_count(&label, lag);
	draw_arrow(g, l->x - w, y, w, false, !runs ? "┈" : flows ? "═" : "─", buf_str(&label), style);
	grid_text(g, l->x, y, 1, STYLE_FRAME, l->traffic > 0 ? "╣" : "┤");
}

static void draw_daemon(const struct model *m, struct grid *g, struct rect r, const struct lane *lanes, int w,
			const struct daemon_info *d)
{
	const char *state = json_string_or(model_service(m, d->name), "state", "?");
	enum style style = value_style(state);

	grid_printf(g, r.x, r.y, NAMES, style, "%s %s", value_mark(style), d->name);
	for (int i = 0; i < TOPIC_COUNT; i++) {
		const struct lane *l = &lanes[i];

		if (has(d->produces, l->topic->name))
			draw_write(m, g, l, r.y, w - 1, d);
		else if (has(d->consumes, l->topic->name))
			draw_read(m, g, l, r.y, w - 1, d, l->topic->name, false);
		else if (has(d->consumes, l->topic->dead_letters))
			draw_read(m, g, l, r.y, w - 1, d, l->topic->dead_letters, true);
	}
}

static void draw_heads(const struct model *m, struct grid *g, struct rect r, const struct lane *lanes, int w)
{
	grid_text(g, r.x, r.y, NAMES, STYLE_DIM, "writes ▶");
	grid_text(g, r.x, r.y + 1, NAMES, STYLE_DIM, "reads ◀ lag");
	for (int i = 0; i < TOPIC_COUNT; i++) {
		CLEANUP(buf_done) struct buf graph = {0};
		const char *name = lanes[i].topic->name;
		char text[160];

		snprintf(text, sizeof(text), "traffic %s", name);
		value_graph(&graph, model_history(m, text), w - 2, 0);
		grid_text(g, lanes[i].x - w + 2, r.y + 1, w - 2, STYLE_ACCENT, buf_str(&graph));
		snprintf(text, sizeof(text), "%.*s", (int)strcspn(name, "-"), name);
		grid_right(g, lanes[i].x - w + 2, r.y, w - 1, STYLE_TITLE, text);
	}
}

/* "● postgres  ● kafka  ● outboxd 3 unpublished": who moves no topic's messages itself. */
static void draw_others(const struct model *m, struct grid *g, struct rect r)
{
	const json_t *all = m->panels[FEED_STATUS].data;
	int x = r.x;

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *each = json_array_get(all, i);
		const char *name = json_string_or(each, "name", "?");
		const struct daemon_info *d = daemon_find(name);
		enum style style = value_style(json_string_or(each, "state", "?"));

		if (d != NULL && has_topics(d))
			continue;
		x += grid_printf(g, x, r.y, r.x + r.w - x, style, "%s %s", value_mark(style), name) + 2;
		if (d != NULL && d->id == DAEMON_OUTBOX && model_history(m, "outbox") != NULL)
			x += grid_printf(
				 g, x - 1, r.y, r.x + r.w - x, STYLE_DIM, "relays, %.0f unpublished",
				 model_history(m, "outbox")->points[model_history(m, "outbox")->count - 1]) +
			     1;
	}
}

void topology_draw(const struct model *m, struct grid *g, struct rect r)
{
	struct lane lanes[TOPIC_COUNT];
	int w = (r.w - NAMES) / TOPIC_COUNT, y = r.y + 2;

	for (int i = 0; i < TOPIC_COUNT; i++)
		lanes[i] =
		    (struct lane){r.x + NAMES + (i + 1) * w - 1, &topics[i], traffic_of(m, topics[i].name)};
	draw_heads(m, g, r, lanes, w);
	for (int i = 0; i < DAEMON_COUNT && y < r.y + r.h; i++) {
		if (!has_topics(&daemons[i]))
			continue;
		for (int k = 0; k < TOPIC_COUNT; k++)
			grid_text(g, lanes[k].x, y, 1, STYLE_FRAME, lanes[k].traffic > 0 ? "║" : "│");
		draw_daemon(m, g, (struct rect){r.x, y++, r.w, 1}, lanes, w, &daemons[i]);
	}
	if (y < r.y + r.h)
		draw_others(m, g, (struct rect){r.x, y, r.w, 1});
}
