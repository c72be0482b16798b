/*
 * Rows on a screen.
 *
 * Drawing touches the rows that are seen and no others, so that ten thousand scroll as ten do.
 */
#include "tui/list.h"

#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "tui/pack.h"
#include "tui/value.h"

#define COLUMNS_MAX 24
#define COLUMN_GAP  2

const char *list_id(const struct view *v, const json_t *row)
{
	return json_string_or(row, v->screen->id != NULL ? v->screen->id : "id", "");
}

const json_t *list_row(const struct view *v)
{
	return v->row;
}

/* The row at a place among those that are shown, owned. */
static json_t *row_at(const struct view *v, int i)
{
	return pack_open(json_array_get(v->rows, (size_t)v->order[i]));
}

static void set_cursor(struct view *v, int to)
{
	v->cursor = to >= v->count ? v->count - 1 : to;
	v->cursor = v->cursor < 0 ? 0 : v->cursor;
	json_decref(v->row);
	v->row = v->count > 0 ? row_at(v, v->cursor) : NULL;
}

/* What a mark's id leads to in the map: ids are never taken out of it. */
static char marked, unmarked;

static bool is_marked(const struct view *v, const json_t *row)
{
	return v->marks.len > 0 && map_gets(&v->marks, list_id(v, row)) == &marked;
}

json_t *list_chosen(const struct view *v, const struct action *a)
{
	json_t *chosen = json_array();
	const json_t *row = list_row(v);

	for (int i = 0; i < v->count && a->opens == NULL && v->marks.len > 0; i++) {
		AUTO_JSON json_t *each = row_at(v, i);

		if (is_marked(v, each))
			json_array_append(chosen, each);
	}
	if (json_array_size(chosen) == 0 && row != NULL)
		json_array_append(chosen, (json_t *)row);
	return chosen;
}

static void note_selected(struct view *v)
{
	snprintf(v->selected, sizeof(v->selected), "%s", list_id(v, list_row(v)));
	v->follow = v->count == 0 || v->cursor == v->count - 1;
}

void list_go(struct view *v, int to)
{
	set_cursor(v, to);
	note_selected(v);
}

void list_mark(struct view *v)
{
	const json_t *row = list_row(v);
	const char *id = list_id(v, row);

	if (*id != '\0')
		(void)map_puts(&v->marks, id, is_marked(v, row) ? &unmarked : &marked);
}

int list_marked(const struct view *v)
{
	const char *id;
	void *value;
	size_t at = 0;
	int n = 0;

	while (map_next(&v->marks, &at, &id, &value))
		n += value == &marked;
	return n;
}

/* --- filter and order --- */

static bool contains(const json_t *value, const char *text);

/* A packed row is opened only when its text may contain it: escapes differ. */
static bool row_contains(const json_t *row, const char *text)
{
	AUTO_JSON json_t *open = NULL;

	if (json_is_string(row) && strpbrk(text, "\"\\") == NULL &&
	    strcasestr(json_string_value(row), text) == NULL)
		return false;
	open = pack_open(row);
	return contains(open, text);
}

static bool contains(const json_t *value, const char *text)
{
	const char *name;
	json_t *member;

	if (json_is_string(value))
		return strcasestr(json_string_value(value), text) != NULL;
	if (json_is_integer(value)) {
		char digits[24];

		snprintf(digits, sizeof(digits), "%lld", (long long)json_integer_value(value));
		return strstr(digits, text) != NULL;
	}
	json_object_foreach ((json_t *)value, name, member)
		if (contains(member, text))
			return true;
	for (size_t i = 0; i < json_array_size(value); i++)
		if (contains(json_array_get(value, i), text))
			return true;
	return false;
}

struct sort_key {
	int index;
	double number;
	char *text; /* owned; NULL: a number; both none: last */
	bool none;
};

static int compare_up(const void *left, const void *right)
{
	const struct sort_key *a = left, *b = right;
	int c = 0;

	if (a->none != b->none)
		return a->none ? 1 : -1;
	if (a->text != NULL && b->text != NULL)
		c = strcmp(a->text, b->text);
	else if (!a->none)
		c = (a->number > b->number) - (a->number < b->number);
	return c != 0 ? c : (a->index > b->index) - (a->index < b->index);
}

static int compare_down(const void *left, const void *right)
{
	const struct sort_key *a = left, *b = right;

	if (a->none != b->none)
		return a->none ? 1 : -1;
	return compare_up(right, left);
}

static struct sort_key key_of(const json_t *row, const char *name, int index)
{
	AUTO_JSON json_t *value = pack_member(row, name);
	struct sort_key k = {.index = index};

	if (json_is_string(value))
		k.text = xstrdup(json_string_value(value));
	else if (json_is_number(value))
		k.number = json_number_value(value);
	else
		k.none = !json_is_true(value);
	return k;
}

static void sort_rows(struct view *v)
{
	struct sort_key *keys = xcalloc((size_t)v->count, sizeof(*keys));

	for (int i = 0; i < v->count; i++) {
		const json_t *row = json_array_get(v->rows, (size_t)v->order[i]);

		keys[i] = key_of(row, v->screen->columns[v->sort].name, v->order[i]);
	}
	qsort(keys, (size_t)v->count, sizeof(*keys), v->downwards ? compare_down : compare_up);
	for (int i = 0; i < v->count; i++) {
		v->order[i] = keys[i].index;
		free(keys[i].text);
	}
	free(keys);
}

/* The cursor goes back to its row; when that is gone it stays where it is. */
static void restore_cursor(struct view *v)
{
	if (v->follow && v->screen->main < FEED_COUNT && feeds[v->screen->main].stream != NULL) {
		list_go(v, v->count - 1);
		return;
	}
	for (int i = 0; i < v->count && v->selected[0] != '\0'; i++) {
		const json_t *each = json_array_get(v->rows, (size_t)v->order[i]);
		AUTO_JSON json_t *row = NULL;

		if (json_is_string(each) && strstr(json_string_value(each), v->selected) == NULL)
			continue;
		row = row_at(v, i);
		if (strcmp(list_id(v, row), v->selected) != 0)
			continue;
		set_cursor(v, i);
		return;
	}
	list_go(v, v->cursor);
}

void list_refresh(const struct model *m, struct view *v)
{
	size_t n = json_array_size(v->rows);

	(void)m;
	v->count = 0;
	v->order = xreallocarray(v->order, n > 0 ? n : 1, sizeof(*v->order));
	for (size_t i = 0; i < n; i++)
		if (v->filter[0] == '\0' || row_contains(json_array_get(v->rows, i), v->filter))
			v->order[v->count++] = (int)i;
	if (v->sort >= 0 && v->count > 1)
		sort_rows(v);
	restore_cursor(v);
}

/* --- drawing --- */

struct layout {
	const struct list_column *columns[COLUMNS_MAX];
	int widths[COLUMNS_MAX];
	int sorted; /* place of the column sorted by; -1 */
	int count;
	json_t *rows; /* those that are seen, open; owned */
};

static json_t *rows_seen(const struct view *v, int height)
{
	json_t *rows = json_array();

	for (int i = v->top; i < v->count && i < v->top + height; i++)
		json_array_append_new(rows, row_at(v, i));
	return rows;
}

static const char *title_of(const struct list_column *c)
{
	return c->title != NULL ? c->title : c->name;
}

static int widest(const struct model *m, const struct view *v, const struct list_column *c, struct grid *g,
		  const json_t *rows)
{
	bool sorted = v->sort >= 0 && c == &v->screen->columns[v->sort];
	int width = grid_columns(g, title_of(c)) + sorted, most = c->max > 0 ? c->max : 40;

	for (size_t i = 0; i < json_array_size(rows); i++) {
		CLEANUP(buf_done) struct buf text = {0};
		int columns;

		value_add(&text, m, c, json_array_get(rows, i));
		columns = grid_columns(g, buf_str(&text)) + (c->format == VALUE_AS_STATE ? 2 : 0);
		width = columns > width ? columns : width;
	}
	return width > most ? most : width;
}

static int total_width(const struct layout *l)
{
	int sum = 0;

	for (int i = 0; i < l->count; i++)
		sum += l->widths[i] + (i > 0 ? COLUMN_GAP : 0);
	return sum;
}

/* Takes the column away that can be missed best; false when none can. */
static bool drop_one(struct layout *l)
{
	int worst = -1;

	for (int i = 0; i < l->count; i++)
		if (l->columns[i]->drop > 0 && (worst < 0 || l->columns[i]->drop >= l->columns[worst]->drop))
			worst = i;
	if (worst < 0 || l->count == 1)
		return false;
	for (int i = worst; i + 1 < l->count; i++) {
		l->columns[i] = l->columns[i + 1];
		l->widths[i] = l->widths[i + 1];
	}
	l->count--;
	return true;
}

/* An id can be recognised by its end, and is shortened before anything is dropped. */
#define ID_SHORT 9

static void shorten_ids(struct layout *l, int width)
{
	for (int i = 0; i < l->count; i++) {
		int over = total_width(l) - width;

		if (over <= 0 || l->columns[i]->format != VALUE_AS_ID || l->widths[i] <= ID_SHORT)
			continue;
		l->widths[i] = l->widths[i] - over > ID_SHORT ? l->widths[i] - over : ID_SHORT;
	}
}

/* What is shrunk first: the widest text that has more than that. */
static bool shrink_one(struct layout *l, int least, bool numbers)
{
	int widest_text = -1;

	for (int i = 0; i < l->count; i++)
		if (l->widths[i] > least && (numbers || !value_is_number(l->columns[i]->format)) &&
		    (widest_text < 0 || l->widths[i] > l->widths[widest_text]))
			widest_text = i;
	if (widest_text >= 0)
		l->widths[widest_text]--;
	return widest_text >= 0;
}

/* The last column, when it is text, takes what the others leave. */
#define LAST_LEAST 12

static struct layout make_layout(const struct model *m, const struct view *v, struct grid *g, struct rect r)
{
	struct layout l = {.sorted = -1, .rows = rows_seen(v, r.h)};
	int *last;

	for (const struct list_column *c = v->screen->columns; c->name != NULL && l.count < COLUMNS_MAX;
	     c++) {
		l.columns[l.count] = c;
		l.widths[l.count++] = widest(m, v, c, g, l.rows);
	}
	if (l.count == 0)
		return l;
	shorten_ids(&l, r.w);
	last = &l.widths[l.count - 1];
	if (!value_is_number(l.columns[l.count - 1]->format) && *last > LAST_LEAST)
		*last = LAST_LEAST;
	while (total_width(&l) > r.w && drop_one(&l))
		;
	while (total_width(&l) > r.w && (shrink_one(&l, 8, false) || shrink_one(&l, 3, true)))
		;
	last = &l.widths[l.count - 1];
	if (total_width(&l) < r.w && !value_is_number(l.columns[l.count - 1]->format))
		*last += r.w - total_width(&l);
	for (int i = 0; i < l.count; i++)
		if (v->sort >= 0 && l.columns[i] == &v->screen->columns[v->sort])
			l.sorted = i;
	return l;
}

static void draw_titles(const struct view *v, const struct layout *l, struct grid *g, struct rect r)
{
	int x = r.x;

	for (int i = 0; i < l->count; i++) {
		CLEANUP(buf_done) struct buf title = {0};
		const char *text = title_of(l->columns[i]);

		for (; *text != '\0'; text++)
			buf_addc(&title, *text == '_'
					     ? ' '
					     : (char)(*text >= 'a' && *text <= 'z' ? *text - 32 : *text));
		grid_zone(g, (struct rect){x, r.y, l->widths[i] + 1, 1}, ZONE_COLUMN,
			  (int)(l->columns[i] - v->screen->columns));
		if (i == l->sorted)
			buf_adds(&title, v->downwards ? "▼" : "▲");
		if (value_is_number(l->columns[i]->format))
			grid_right(g, x, r.y, l->widths[i], STYLE_TITLE, buf_str(&title));
		else
			grid_text(g, x, r.y, l->widths[i] + 1, STYLE_TITLE, buf_str(&title));
		x += l->widths[i] + COLUMN_GAP;
	}
}

static void draw_value(const struct model *m, const struct list_column *c, const json_t *row, struct grid *g,
		       int x, int y, int width)
{
	CLEANUP(buf_done) struct buf text = {0};
	enum style style = STYLE_PLAIN;
	int used = 0;

	value_add(&text, m, c, row);
	if (c->format == VALUE_AS_STATE) {
		style = value_style(json_string_or(row, c->name, ""));
		used = grid_text(g, x, y, width, style, value_mark(style)) + 1;
	}
	if (value_is_number(c->format))
		grid_right(g, x, y, width, style, buf_str(&text));
	else if (c->format == VALUE_AS_ID)
		grid_tail(g, x, y, width, style, buf_str(&text));
	else
		grid_text(g, x + used, y, width - used, style, buf_str(&text));
}

static void draw_row(const struct model *m, const struct view *v, const struct layout *l, int i,
		     struct grid *g, struct rect line)
{
	const json_t *row = json_array_get(l->rows, (size_t)(i - v->top));
	int x = line.x;

	grid_zone(g, line, ZONE_ROW, i);
	for (int k = 0; k < l->count; k++) {
		draw_value(m, l->columns[k], row, g, x, line.y, l->widths[k]);
		x += l->widths[k] + COLUMN_GAP;
	}
	if (is_marked(v, row))
		grid_text(g, line.x - 1, line.y, 1, STYLE_KEY, "*");
	if (i == v->cursor)
		grid_reverse(g, line.x - 1, line.y, line.w + 1);
}

/* Something that the screen shows has not been answered yet. */
static bool is_waiting(const struct model *m, const struct screen *s)
{
	for (int i = 0; i < FEED_COUNT; i++)
		if ((s->feeds & 1u << i) != 0 && m->panels[i].data == NULL && m->panels[i].error.code == 0)
			return true;
	return false;
}

static void draw_empty(const struct model *m, const struct view *v, struct grid *g, struct rect r)
{
	const struct panel *p = v->screen->main < FEED_COUNT ? &m->panels[v->screen->main] : NULL;

	if (v->filter[0] != '\0' && json_array_size(v->rows) > 0)
		grid_printf(g, r.x, r.y, r.w, STYLE_DIM, "nothing matches \"%s\"; / and enter show all again",
			    v->filter);
	else if (p != NULL ? p->data == NULL && p->error.code == 0 : is_waiting(m, v->screen))
		grid_text(g, r.x, r.y, r.w, STYLE_DIM,
			  m->paused || m->replay ? "nothing was recorded of it" : "waiting for data …");
	else if (p == NULL || p->error.code == 0 || p->data != NULL)
		grid_text(g, r.x, r.y, r.w, STYLE_DIM, v->screen->empty != NULL ? v->screen->empty : "none");
	else {
		grid_printf(g, r.x, r.y, r.w, STYLE_BAD, "%s: %s", p->error.what, p->error.why);
		grid_text(g, r.x, r.y + 1, r.w, STYLE_DIM, p->error.hint);
	}
}

/* The cursor is always to be seen. */
static void scroll(struct view *v, int height)
{
	if (v->cursor < v->top)
		v->top = v->cursor;
	if (v->cursor >= v->top + height)
		v->top = v->cursor - height + 1;
	if (v->top > v->count - height)
		v->top = v->count - height;
	if (v->top < 0)
		v->top = 0;
}

void list_draw(const struct model *m, struct view *v, struct grid *g, struct rect r)
{
	struct layout l;

	if (r.h < 1 || r.w < 4)
		return;
	r.x++; /* marks stand before the rows */
	r.w--;
	if (v->count == 0) {
		draw_empty(m, v, g, r);
		return;
	}
	scroll(v, r.h > 1 ? r.h - 1 : 1);
	l = make_layout(m, v, g, r);
	if (r.h > 1) {
		draw_titles(v, &l, g, r);
		r.y++;
		r.h--;
	}
	for (int i = 0; i < r.h && v->top + i < v->count; i++)
		draw_row(m, v, &l, v->top + i, g, (struct rect){r.x, r.y + i, r.w, 1});
	json_decref(l.rows);
}
