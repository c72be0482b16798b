/*
 * What lies over a screen.
 */
#include "tui/overlay.h"

#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "tui/keys.h"
#include "tui/list.h"
#include "tui/sheet.h"

/* A frame of at most that size in the middle, empty. */
static struct rect open_box(struct grid *g, struct rect r, int w, int h, const char *title)
{
	struct rect box = {r.x, r.y, w < r.w ? w : r.w, h < r.h ? h : r.h};

	box.x += (r.w - box.w) / 2;
	box.y += (r.h - box.h) / 2;
	grid_fill(g, box, STYLE_PLAIN);
	return grid_box(g, box, title);
}

/* --- help --- */

/* Bytes of a text beyond one for each character: printf pads by bytes. */
static int extra_bytes(const char *text)
{
	int n = 0;

	for (; *text != '\0'; text++)
		n += (*text & 0xc0) == 0x80;
	return n;
}

static void write_help(const struct model *m, struct sheet *s)
{
	const struct action *a = m->views[m->depth - 1].screen->actions;
	char key[8];

	if (a != NULL && a->name != NULL)
		sheet_line(s, STYLE_TITLE, "Here: %s", m->views[m->depth - 1].screen->text);
	for (; a != NULL && a->name != NULL; a++) {
		sheet_add(s, STYLE_KEY, "  %-8s", a->key != 0 ? keys_name(a->key, key) : "");
		sheet_line(s, STYLE_PLAIN, "%s: %s", a->name, a->text);
	}
	sheet_line(s, STYLE_TITLE, "Everywhere");
	for (const struct binding *b = bindings; b->shown != NULL; b++) {
		sheet_add(s, STYLE_KEY, "  %-*s", 8 + extra_bytes(b->shown), b->shown);
		sheet_line(s, STYLE_PLAIN, "%s", b->text);
	}
	sheet_line(s, STYLE_TITLE, "Screens, by key or as a command such as :sagas");
	for (int i = 0; screens[i] != NULL; i++) {
		sheet_add(s, STYLE_KEY, "  %-8s",
			  screens[i]->key != 0 ? keys_name(screens[i]->key, key) : "");
		sheet_line(s, STYLE_PLAIN, "%s%s: %s", screens[i]->name,
			   screens[i]->detail && screen_is_named(screens[i]) ? " ID" : "", screens[i]->text);
	}
	sheet_line(s, STYLE_DIM,
		   ":sort COLUMN, :sort -COLUMN, :filter TEXT, :theme NAME, :mouse on|off, :quit");
}

static void draw_help(const struct model *m, struct grid *g, struct rect r)
{
	CLEANUP(sheet_done) struct sheet s = {0};
	struct rect in = open_box(g, r, 84, r.h, "help: ↑ ↓ scroll, any other key closes");
	int top;

	write_help(m, &s);
	top = m->choice > s.lines - in.h ? s.lines - in.h : m->choice;
	sheet_draw(&s, g, in, top > 0 ? top : 0, NULL);
}

/* --- actions --- */

/* The command of the first row, and how many more there are. */
static void add_first(struct buf *out, const struct model *m, const struct action *a)
{
	AUTO_JSON json_t *rows = list_chosen(&m->views[m->depth - 1], a);
	CLEANUP(buf_done) struct buf commands = {0};
	size_t n = json_array_size(rows), len;

	action_command(&commands, a, rows, "", "", m->named);
	len = strcspn(buf_str(&commands), "\n");
	buf_add(out, buf_str(&commands), len);
	if (len < commands.len)
		buf_addf(out, "   … and %zu more", n - 1);
}

static void draw_action(const struct model *m, struct grid *g, struct rect r, const struct action *a)
{
	bool refused = a->changes && m->readonly;
	bool fits = action_fits(a, list_row(&m->views[m->depth - 1]));
	CLEANUP(buf_done) struct buf command = {0};
	char text[8];

	if (fits)
		add_first(&command, m, a);
	else
		buf_adds(&command, "this row has none");
	grid_text(g, r.x, r.y, 6, STYLE_KEY, a->key != 0 ? keys_name(a->key, text) : "");
	grid_printf(g, r.x + 7, r.y, r.w - 7, refused || !fits ? STYLE_DIM : STYLE_STRONG, "%s: %s%s",
		    a->name, a->text, refused ? " (read-only)" : "");
	if (r.h > 1)
		grid_text(g, r.x + 7, r.y + 1, r.w - 7, STYLE_DIM, buf_str(&command));
}

static void draw_actions(const struct model *m, struct grid *g, struct rect r)
{
	const struct action *actions = m->views[m->depth - 1].screen->actions;
	struct rect in;
	int n = 0, top;

	while (actions[n].name != NULL)
		n++;
	in = open_box(g, r, 100, n * 2 + 2, "actions: enter does it, y copies the command, esc closes");
	top = (m->choice + 1) * 2 - in.h;
	top = top > 0 ? (top + 1) / 2 : 0;
	for (int i = top; i < n && (i - top) * 2 < in.h; i++) {
		int y = in.y + (i - top) * 2;

		draw_action(m, g, (struct rect){in.x, y, in.w, in.y + in.h - y}, &actions[i]);
		if (i == m->choice)
			grid_reverse(g, in.x, y, in.w);
	}
}

/* --- questions --- */

/* A plan; lines of a difference say so by their first character. */
static void write_plan(struct sheet *s, const char *text, int width)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		AUTO_FREE char *line = xasprintf("%.*s", (int)len, text);

		sheet_text(s,
			   *line == '+'	  ? STYLE_GOOD
			   : *line == '-' ? STYLE_BAD
					  : STYLE_STRONG,
			   line, width);
		text += len + (text[len] == '\n');
	}
}

/* What a job will do as lines: its plan, then its commands. */
static void write_job(const struct model *m, struct sheet *s, int width)
{
	const struct job *j = m->asked;
	CLEANUP(buf_done) struct buf commands = {0};

	if (j->action->plans && j->told != NULL)
		write_plan(s, j->told, width);
	else
		sheet_line(s, STYLE_STRONG, "%s: %s", j->action->name, j->action->text);
	action_command(&commands, j->action, j->rows, j->value, j->reason, m->named);
	sheet_text(s, STYLE_DIM, buf_str(&commands), width);
}

#define QUESTION_WIDTH 112 /* a command with an id and a reason fits */

static void draw_question(const struct model *m, struct grid *g, struct rect r)
{
	CLEANUP(sheet_done) struct sheet s = {0};
	char title[64];
	struct rect in;
	int width = r.w < QUESTION_WIDTH ? r.w : QUESTION_WIDTH, lines;

	write_job(m, &s, width - 4);
	lines = s.lines + 2;
	snprintf(title, sizeof(title), "%s%s", m->asked->action->name,
		 m->mode == MODE_NAME ? ": protected" : "?");
	in = open_box(g, r, width, lines + 2, title);
	sheet_draw(&s, g, (struct rect){in.x, in.y, in.w, in.h - 1}, 0, NULL);
	if (s.lines > in.h - 1)
		grid_printf(g, in.x, in.y + in.h - 2, in.w, STYLE_DIM, "… and %d more", s.lines - in.h + 2);
	if (m->mode == MODE_CONFIRM)
		grid_text(g, in.x, in.y + in.h - 1, in.w, STYLE_KEY, "y yes   n no");
	else
		grid_text(g, in.x, in.y + in.h - 1, in.w, STYLE_KEY, "enter goes on   esc leaves it");
}

void overlay_draw(const struct model *m, struct grid *g, struct rect r)
{
	switch (m->mode) {
	case MODE_HELP:
		draw_help(m, g, r);
		break;
	case MODE_ACTIONS:
		draw_actions(m, g, r);
		break;
	case MODE_CONFIRM:
	case MODE_NAME:
		draw_question(m, g, r);
		break;
	case MODE_NORMAL:
	case MODE_FILTER:
	case MODE_COMMAND:
	case MODE_VALUE:
	case MODE_REASON:
		break;
	}
}
