/*
 * Keys, where nothing is typed: moving, choosing, acting.  What is typed is in prompt.c.
 */
#include "tui/keys.h"

#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "tui/draw.h"
#include "tui/list.h"
#include "tui/prompt.h"

/* --- moving --- */

static bool is_sheet(const struct model *m)
{
	return m->views[m->depth - 1].screen->write != NULL;
}

static void move(struct model *m, int by)
{
	struct view *v = model_view(m);

	if (is_sheet(m))
		v->top = v->top + by > 0 ? v->top + by : 0; /* drawing knows the end */
	else
		list_go(v, v->cursor + by);
}

static void up(struct model *m)
{
	move(m, -1);
}

static void down(struct model *m)
{
	move(m, 1);
}

static void page_up(struct model *m)
{
	move(m, -draw_page(m));
}

static void page_down(struct model *m)
{
	move(m, draw_page(m));
}

static void first(struct model *m)
{
	move(m, -(1 << 24));
}

static void last(struct model *m)
{
	move(m, 1 << 24);
}

/* To the next row or line that the filter is about. */
static void seek(struct model *m, int step)
{
	struct view *v = model_view(m);

	if (v->filter[0] == '\0') {
		model_say(m, STYLE_WARN, "nothing to look for: / and some text");
	} else if (is_sheet(m)) {
		draw_seek(m, step);
	} else if (v->count > 0) {
		list_go(v, (v->cursor + step + v->count) % v->count);
	}
}

static void seek_next(struct model *m)
{
	seek(m, 1);
}

static void seek_previous(struct model *m)
{
	seek(m, -1);
}

/* --- screens --- */

static void next_screen(struct model *m)
{
	int at = -1;

	for (int i = 0; screens[i] != NULL; i++)
		if (screens[i] == m->views[0].screen)
			at = i;
	while (screens[++at] != NULL)
		if (screens[at]->key != 0) {
			model_show(m, screens[at], "");
			return;
		}
	model_show(m, screens[0], "");
}

static void back(struct model *m)
{
	struct view *v = model_view(m);

	if (m->message[0] != '\0' && m->message_until_us == 0) {
		m->message[0] = '\0';
	} else if (v->filter[0] != '\0') {
		v->filter[0] = '\0';
		list_refresh(m, v);
	} else {
		model_back(m);
	}
}

static void open_row(struct model *m)
{
	const struct action *a = model_view(m)->screen->actions;

	for (; a != NULL && a->name != NULL; a++)
		if (a->opens != NULL) {
			keys_act(m, a);
			return;
		}
}

static bool can_open(const struct screen *s)
{
	for (const struct action *a = s->actions; a != NULL && a->name != NULL; a++)
		if (a->opens != NULL)
			return true;
	return false;
}

static void narrow(struct model *m)
{
	const struct view *v = model_view(m);
	const char *const *words = v->screen->narrows;
	int i = 0;

	if (words == NULL || words[0] == NULL)
		return;
	while (words[i] != NULL && strcmp(words[i], v->subject) != 0)
		i++;
	if (words[i] == NULL || words[++i] == NULL)
		i = 0;
	model_narrow(m, words[i]);
	model_say(m, STYLE_PLAIN, "%s: %s", v->screen->name, words[i][0] != '\0' ? words[i] : "all");
}

static void show_details(struct model *m)
{
	const struct view *v = model_view(m);
	const char *id = list_id(v, list_row(v));

	if (is_sheet(m) || list_row(v) == NULL)
		return;
	model_open(m, &screen_details, *id != '\0' ? id : v->screen->name);
}

static bool is_list(const struct screen *s)
{
	return s->write == NULL;
}

static bool can_narrow(const struct screen *s)
{
	return s->narrows != NULL;
}

static void mark(struct model *m)
{
	if (is_sheet(m))
		return;
	list_mark(model_view(m));
	move(m, 1);
}

static void sort_next(struct model *m)
{
	struct view *v = model_view(m);
	int n = 0;

	while (v->screen->columns != NULL && v->screen->columns[n].name != NULL)
		n++;
	if (n == 0)
		return;
	v->sort = v->sort + 1 < n ? v->sort + 1 : -1;
	list_refresh(m, v);
	if (v->sort < 0)
		model_say(m, STYLE_PLAIN, "in the order in which they come");
}

static void sort_reverse(struct model *m)
{
	struct view *v = model_view(m);

	v->downwards = !v->downwards;
	list_refresh(m, v);
}

#define SECOND_US INT64_C(1000000)

static void ten_back(struct model *m)
{
	model_wind(m, -10 * SECOND_US);
}

static void ten_on(struct model *m)
{
	model_wind(m, 10 * SECOND_US);
}

static void minute_back(struct model *m)
{
	model_wind(m, -60 * SECOND_US);
}

static void minute_on(struct model *m)
{
	model_wind(m, 60 * SECOND_US);
}

static void copy(struct model *m)
{
	struct view *v = model_view(m);
	const char *id = list_id(v, list_row(v));

	if (*id == '\0')
		id = v->subject;
	if (*id == '\0')
		return;
	model_do(m, EFFECT_COPY, id, NULL);
	model_say(m, STYLE_PLAIN, "copied %s", id);
}

static void next_theme(struct model *m)
{
	m->theme++;
	if (m->theme->name == NULL)
		m->theme = &themes[0];
	model_say(m, STYLE_PLAIN, "theme %s: %s", m->theme->name, m->theme->text);
}

static void switch_mouse(struct model *m)
{
	m->mouse = !m->mouse;
	model_say(m, STYLE_PLAIN,
		  m->mouse ? "the mouse chooses and opens" : "the mouse is the terminal's: it selects text");
}

static void show_help(struct model *m)
{
	m->mode = MODE_HELP;
	m->choice = 0;
}

static void show_actions(struct model *m)
{
	const struct action *a = model_view(m)->screen->actions;

	if (a == NULL || a->name == NULL) {
		model_say(m, STYLE_WARN, "there is nothing to be done here");
		return;
	}
	m->mode = MODE_ACTIONS;
	m->choice = 0;
}

static void type_filter(struct model *m)
{
	prompt_begin(m, MODE_FILTER, "");
}

static void type_command(struct model *m)
{
	prompt_begin(m, MODE_COMMAND, "");
}

static void save(struct model *m)
{
	model_do(m, EFFECT_SAVE, NULL, NULL);
}

static void redraw(struct model *m)
{
	model_do(m, EFFECT_REDRAW, NULL, NULL);
}

static void suspend(struct model *m)
{
	model_do(m, EFFECT_SUSPEND, NULL, NULL);
}

static void quit(struct model *m)
{
	model_do(m, EFFECT_QUIT, NULL, NULL);
}

#define CONTROL(c) ((c) - 'A' + 1)

const struct binding bindings[] = {
    {.keys = {'?'}, .shown = "?", .hint = "help", .text = "this", .run = show_help},
    {.keys = {KEYCODE_ENTER, KEYCODE_RIGHT},
     .shown = "enter",
     .hint = "open",
     .text = "opens what is under the cursor",
     .run = open_row,
     .fits = can_open},
    {.keys = {KEYCODE_ESCAPE, KEYCODE_LEFT, KEYCODE_BACKSPACE},
     .shown = "esc",
     .hint = "back",
     .text = "goes back; takes a filter away first",
     .run = back},
    {.keys = {'/'},
     .shown = "/",
     .hint = "filter",
     .text = "shows only what contains a text; in texts, looks for it",
     .run = type_filter},
    {.keys = {':'},
     .shown = ":",
     .hint = "command",
     .text = "goes to a screen, sorts, acts; tab completes, ↑ repeats",
     .run = type_command},
    {.keys = {'!'},
     .shown = "!",
     .hint = "actions",
     .text = "what can be done here, with the pizzactl command that does the same",
     .run = show_actions},
    {.keys = {'f'},
     .shown = "f",
     .hint = "kind",
     .text = "next kind of rows: sagas by state or mine, logs by level",
     .run = narrow,
     .fits = can_narrow},
    {.keys = {'q', CONTROL('C')}, .shown = "q ^C", .hint = "quit", .text = "ends the dashboard", .run = quit},
    {.keys = {'i'},
     .shown = "i",
     .hint = "details",
     .text = "all that is known of the row under the cursor",
     .run = show_details,
     .fits = is_list},
    {.keys = {KEYCODE_UP, 'k'}, .shown = "↑ k", .text = "up", .run = up},
    {.keys = {KEYCODE_DOWN, 'j'}, .shown = "↓ j", .text = "down", .run = down},
    {.keys = {KEYCODE_PAGE_UP, CONTROL('B')}, .shown = "PgUp ^B", .text = "a page up", .run = page_up},
    {.keys = {KEYCODE_PAGE_DOWN, CONTROL('F')}, .shown = "PgDn ^F", .text = "a page down", .run = page_down},
    {.keys = {KEYCODE_HOME, 'g'}, .shown = "Home g", .text = "to the beginning", .run = first},
    {.keys = {KEYCODE_END, 'G'},
     .shown = "End G",
     .text = "to the end; streams then go on scrolling",
     .run = last},
    {.keys = {'n'}, .shown = "n", .text = "to the next match", .run = seek_next},
    {.keys = {'N'}, .shown = "N", .text = "to the match before", .run = seek_previous},
    {.keys = {'o'}, .shown = "o", .text = "sorts by the next column", .run = sort_next},
    {.keys = {'O'}, .shown = "O", .text = "sorts the other way round", .run = sort_reverse},
    {.keys = {' '}, .shown = "space", .text = "marks a row: actions then take all marked ones", .run = mark},
    {.keys = {KEYCODE_TAB}, .shown = "tab", .text = "to the next screen", .run = next_screen},
    {.keys = {'y'}, .shown = "y", .text = "copies the id under the cursor (OSC 52)", .run = copy},
    {.keys = {'p'},
     .shown = "p",
     .hint = "pause",
     .text = "stands still, until it is pressed again",
     .run = model_pause},
    {.keys = {'['}, .shown = "[", .text = "winds ten seconds back, of the last 15 minutes", .run = ten_back},
    {.keys = {']'}, .shown = "]", .text = "winds ten seconds on", .run = ten_on},
    {.keys = {'{'}, .shown = "{", .text = "winds a minute back", .run = minute_back},
    {.keys = {'}'}, .shown = "}", .text = "winds a minute on", .run = minute_on},
    {.keys = {'s'}, .shown = "s", .text = "saves the screen as text into the current folder", .run = save},
    {.keys = {'m'},
     .shown = "m",
     .text = "the mouse is the dashboard's, or the terminal's",
     .run = switch_mouse},
    {.keys = {'T'}, .shown = "T", .text = "next theme: dark, light, contrast, mono", .run = next_theme},
    {.keys = {CONTROL('L')}, .shown = "^L", .text = "draws everything anew", .run = redraw},
    {.keys = {CONTROL('Z')}, .shown = "^Z", .text = "suspends; fg comes back", .run = suspend},
    {.shown = NULL},
};

const char *keys_name(int key, char text[8])
{
	static const struct {
		int key;
		const char *name;
	} names[] = {{KEYCODE_ENTER, "enter"}, {KEYCODE_TAB, "tab"}, {' ', "space"}};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].key == key)
			return names[i].name;
	snprintf(text, 8, "%c", key > ' ' && key < 127 ? key : '?');
	return text;
}

/* --- acting --- */

static bool is_refused(struct model *m, const struct action *a)
{
	if (!a->changes || !m->readonly)
		return false;
	if (m->replay)
		model_say(m, STYLE_WARN, "%s: this is a recording, nothing was done", a->name);
	else
		model_say(m, STYLE_WARN, "%s: this is read-only, nothing was done", a->name);
	return true;
}

static void open_screen(struct model *m, const struct action *a)
{
	const struct view *v = model_view(m);
	const json_t *row = list_row(v);
	const char *subject = json_string_or(row, a->member, "");
	const struct screen *s = screen_find(json_string_or(row, "screen", a->opens));

	if (s == NULL || (row == NULL && s->detail))
		return;
	if (s->detail && *subject == '\0') {
		model_say(m, STYLE_WARN, "%s: this row has none", s->name);
		return;
	}
	model_open(m, s, subject);
}

void keys_act(struct model *m, const struct action *a)
{
	AUTO_JSON json_t *rows = NULL;

	if (a->opens != NULL) {
		open_screen(m, a);
		return;
	}
	if (is_refused(m, a))
		return;
	rows = list_chosen(model_view(m), a);
	if (json_array_size(rows) == 0) {
		model_say(m, STYLE_WARN, "%s: nothing is selected", a->name);
		return;
	}
	if (a->edits != NULL) {
		AUTO_FREE char *text = a->edits(json_array_get(rows, 0));

		model_do(m, EFFECT_EDIT, text, job_new(a, rows, ""));
		return;
	}
	job_free(m->asked);
	m->asked = job_new(a, rows, "");
	if (a->prompt != NULL)
		prompt_begin(m, MODE_VALUE, "");
	else
		prompt_decide(m);
}

static bool has_key(const struct binding *b, int key)
{
	for (int i = 0; i < KEYS_PER_BINDING && b->keys[i] != 0; i++)
		if (b->keys[i] == key)
			return true;
	return false;
}

static void press_normal(struct model *m, int key)
{
	for (const struct binding *b = bindings; b->shown != NULL; b++)
		if (has_key(b, key)) {
			b->run(m);
			return;
		}
	for (int i = 0; screens[i] != NULL; i++)
		if (screens[i]->key != 0 && screens[i]->key == key) {
			model_show(m, screens[i], "");
			return;
		}
	for (const struct action *a = model_view(m)->screen->actions; a != NULL && a->name != NULL; a++)
		if (a->key == key) {
			keys_act(m, a);
			return;
		}
}

void keys_click(struct model *m, const struct zone *zone)
{
	struct view *v = model_view(m);

	if (zone == NULL || m->mode != MODE_NORMAL)
		return; /* questions are answered by keys alone */
	switch (zone->kind) {
	case ZONE_KEY:
		keys_press(m, zone->value);
		break;
	case ZONE_ROW:
		if (v->cursor == zone->value)
			open_row(m);
		else
			list_go(v, zone->value);
		break;
	case ZONE_COLUMN:
		if (v->sort == zone->value)
			v->downwards = !v->downwards;
		v->sort = zone->value;
		list_refresh(m, v);
		break;
	}
}

void keys_wheel(struct model *m, int rows)
{
	for (int i = 0; i < 3; i++)
		keys_press(m, rows < 0 ? KEYCODE_UP : KEYCODE_DOWN);
}

void keys_press(struct model *m, int key)
{
	if (key == KEYCODE_NONE)
		return;
	if (key == CONTROL('C')) {
		quit(m);
		return;
	}
	if (m->mode == MODE_NORMAL) {
		if (m->message_until_us != 0)
			m->message[0] = '\0';
		press_normal(m, key);
	} else {
		prompt_press(m, key);
	}
}
