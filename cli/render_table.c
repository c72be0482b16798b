/*
 * Rows as aligned columns for people, over libsmartcols; a show is a list of fields with nested tables.
 *
 * On a terminal rows fit its width; elsewhere nothing is cut, columns are at least two spaces apart and never
 * empty, so that awk -F'  +' finds them.  Rows are laid out in blocks of at most BLOCK, which keeps memory
 * flat; a later block's columns are at least as wide as the ones before.
 */
#include "cli/output.h"

#include <libsmartcols/libsmartcols.h>
#include <string.h>
#include <wchar.h>

#include "cli/human.h"
#include "core/base/json.h"
#include "core/base/mem.h"

#define BLOCK	    1000
#define COLUMNS_MAX 64

struct table {
	struct libscols_table *scols;
	int pending;
	int blocks;		    /* laid out before */
	double widths[COLUMNS_MAX]; /* of the block before */
};

#define BOLD  "\033[1m"
#define PLAIN "\033[0m"

static struct libscols_table *new_table(const struct output_settings *s)
{
	struct libscols_table *t = scols_new_table();

	if (t == NULL)
		abort();
	scols_table_enable_noencoding(t, 1);
	scols_table_set_column_separator(t, "  ");
	if (s->width > 0) {
		scols_table_set_termforce(t, SCOLS_TERMFORCE_ALWAYS);
		scols_table_set_termwidth(t, (size_t)s->width);
	} else {
		scols_table_set_termforce(t, SCOLS_TERMFORCE_NEVER);
	}
	scols_table_enable_colors(t, s->color);
	return t;
}

static void add_columns(struct libscols_table *t, const struct column *const *shown,
			const struct output_settings *s)
{
	CLEANUP(buf_done) struct buf title = {0};

	for (int i = 0; i < COLUMNS_MAX && shown[i] != NULL; i++) {
		int flags = human_right(shown[i]) ? SCOLS_FL_RIGHT : 0;
		struct libscols_column *c;

		buf_reset(&title);
		human_title(&title, shown[i]);
		c = scols_table_new_column(t, buf_str(&title), 0, flags);
		if (s->color)
			scols_cell_set_color(scols_column_get_header(c), BOLD);
	}
}

static void add_line(struct libscols_table *t, const struct column *const *shown, const json_t *row,
		     const struct output_settings *s)
{
	struct libscols_line *line = scols_table_new_line(t, NULL);
	CLEANUP(buf_done) struct buf text = {0};

	for (int i = 0; i < COLUMNS_MAX && shown[i] != NULL; i++) {
		buf_reset(&text);
		human_value(&text, shown[i], row, s);
		scols_line_set_data(line, (size_t)i, buf_str(&text));
		if (s->color && shown[i]->kind == COLUMN_STATE)
			scols_cell_set_color(scols_line_get_cell(line, (size_t)i),
					     human_state_color(buf_str(&text)));
	}
}

/* Bytes of a line that fit into so many columns (0: any number); escape sequences take none. */
static size_t fitting(const char *line, size_t len, int width)
{
	size_t at = 0;
	int columns = 0;

	while (width > 0 && at < len) {
		mbstate_t state = {0};
		wchar_t c;
		size_t n = mbrtowc(&c, line + at, len - at, &state);

		if (line[at] == '\033') {
			at += strcspn(line + at, "m") + 1;
			continue;
		}
		columns += n <= len - at && wcwidth(c) > 0 ? wcwidth(c) : 0;
		if (columns > width)
			return at;
		at += n <= len - at ? n : 1;
	}
	return len;
}

/* Appends the table's text without blanks at the ends of lines, and nothing beyond the width. */
static void add_trimmed(struct buf *out, const char *text, const struct output_settings *s)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n"), keep = fitting(text, len, s->width);
		bool cut = keep < len;

		while (keep > 0 && text[keep - 1] == ' ')
			keep--;
		buf_add(out, text, keep);
		buf_adds(out, cut && s->color ? PLAIN "\n" : "\n");
		text += len + (text[len] == '\n');
	}
}

/* The kinds that give way, in this order, when a table is too wide, and how much of each should be left. */
enum { GIVE_TEXT, GIVE_TIME, GIVE_ID, GIVE_NOTHING };
#define GIVE_LEAVES 10

static int give_order(const struct column *c)
{
	if ((c->flags & COLUMN_ID) != 0)
		return GIVE_ID;
	if (c->kind == COLUMN_TIME)
		return GIVE_TIME;
	return c->kind == COLUMN_TEXT || c->kind == COLUMN_JSON ? GIVE_TEXT : GIVE_NOTHING;
}

static int natural_width(struct libscols_table *t, int column)
{
	struct libscols_column *c = scols_table_get_column(t, (size_t)column);
	const char *title = scols_cell_get_data(scols_column_get_header(c));
	int widest = title != NULL ? human_width(title) : 0;

	for (size_t i = 0; i < scols_table_get_nlines(t); i++) {
		const char *text = scols_line_get_column_data(scols_table_get_line(t, i), c);
		int w = text != NULL ? human_width(text) : 0;

		widest = w > widest ? w : widest;
	}
	return widest;
}

/* Lets as many columns be cut as it takes to fit the terminal. */
static void fit_table(struct libscols_table *t, const struct column *const *shown, int width)
{
	int widths[COLUMNS_MAX] = {0}, excess = -width - 2;

	for (int i = 0; i < COLUMNS_MAX && shown[i] != NULL; i++) {
		widths[i] = natural_width(t, i);
		excess += widths[i] + 2;
	}
	for (int give = GIVE_TEXT; give < GIVE_NOTHING && excess > 0; give++) {
		for (int i = 0; i < COLUMNS_MAX && shown[i] != NULL; i++) {
			struct libscols_column *c = scols_table_get_column(t, (size_t)i);

			if (give_order(shown[i]) != give || widths[i] <= GIVE_LEAVES)
				continue;
			scols_column_set_flags(c, scols_column_get_flags(c) | SCOLS_FL_TRUNC);
			excess -= widths[i] - GIVE_LEAVES;
		}
	}
}

static void print_table(struct libscols_table *t, struct buf *out, const struct output_settings *s)
{
	char *text = NULL;

	if (scols_print_table_to_string(t, &text) == 0 && text != NULL)
		add_trimmed(out, text, s);
	free(text);
}

/* --- lists --- */

static void start_block(struct output *o, struct table *t)
{
	t->scols = new_table(&o->settings);
	scols_table_enable_noheadings(t->scols, t->blocks > 0 || !o->settings.headings);
	add_columns(t->scols, o->shown, &o->settings);
	for (int i = 0; t->blocks > 0 && i < COLUMNS_MAX && o->shown[i] != NULL; i++)
		scols_column_set_whint(scols_table_get_column(t->scols, (size_t)i), t->widths[i]);
}

static void end_block(struct output *o, struct table *t)
{
	if (t->scols == NULL)
		return;
	if (o->settings.width > 0)
		fit_table(t->scols, o->shown, o->settings.width);
	print_table(t->scols, &o->text, &o->settings);
	for (int i = 0; i < COLUMNS_MAX && o->shown[i] != NULL; i++)
		t->widths[i] = (double)scols_column_get_width(scols_table_get_column(t->scols, (size_t)i));
	scols_unref_table(t->scols);
	t->scols = NULL;
	t->pending = 0;
	t->blocks++;
}

/* --- shows --- */

/* Adds an element of a nested list; amounts in it are in the outer row's currency. */
static void add_nested_line(struct libscols_table *t, const struct column *const *shown,
			    const json_t *element, const json_t *row, const struct output_settings *s)
{
	AUTO_JSON json_t *line = json_copy((json_t *)element);
	json_t *currency = json_object_get(row, "currency");

	if (currency != NULL && json_object_get(line, "currency") == NULL)
		json_object_set(line, "currency", currency);
	add_line(t, shown, line, s);
}

static void add_nested(struct output *o, const struct column *c, const json_t *row)
{
	const json_t *value = json_object_get(row, c->name);
	const struct column *shown[COLUMNS_MAX + 1] = {0};
	struct output_settings settings = o->settings;
	struct libscols_table *t;
	CLEANUP(buf_done) struct buf text = {0};
	int n = 0;

	for (const struct column *p = c->nested; p->name != NULL && n < COLUMNS_MAX; p++)
		if ((p->flags & COLUMN_MACHINE) == 0)
			shown[n++] = p;
	if (settings.width > 4)
		settings.width -= 2;
	t = new_table(&settings);
	add_columns(t, shown, &settings);
	for (size_t i = 0; i < json_array_size(value); i++)
		add_nested_line(t, shown, json_array_get(value, i), row, &settings);
	if (settings.width > 0)
		fit_table(t, shown, settings.width);
	print_table(t, &text, &settings);
	scols_unref_table(t);
	for (const char *p = buf_str(&text); *p != '\0';) {
		size_t len = strcspn(p, "\n");

		buf_addf(&o->text, "  %.*s\n", (int)len, p);
		p += len + (p[len] == '\n');
	}
}

static void table_field(struct output *o, const struct column *c, const json_t *row, int width)
{
	CLEANUP(buf_done) struct buf title = {0}, value = {0};
	const char *color = NULL;

	human_title(&title, c);
	human_value(&value, c, row, &o->settings);
	if (o->settings.color && c->kind == COLUMN_STATE)
		color = human_state_color(buf_str(&value));
	buf_addf(&o->text, "%s%*s  %s%s%s\n", buf_str(&title), width - human_width(buf_str(&title)), "",
		 color != NULL ? color : "", buf_str(&value), color != NULL ? PLAIN : "");
}

static bool is_nested(const struct column *c, const json_t *row)
{
	return c->nested != NULL && json_array_size(json_object_get(row, c->name)) > 0;
}

static void table_fields(struct output *o, const json_t *row)
{
	CLEANUP(buf_done) struct buf title = {0};
	int width = 0;

	for (int i = 0; o->shown[i] != NULL; i++) {
		buf_reset(&title);
		human_title(&title, o->shown[i]);
		if (human_width(buf_str(&title)) > width && !is_nested(o->shown[i], row))
			width = human_width(buf_str(&title));
	}
	for (int i = 0; o->shown[i] != NULL; i++)
		if (!is_nested(o->shown[i], row))
			table_field(o, o->shown[i], row, width);
	for (int i = 0; o->shown[i] != NULL; i++) {
		if (!is_nested(o->shown[i], row))
			continue;
		human_title(&o->text, o->shown[i]);
		buf_addc(&o->text, '\n');
		add_nested(o, o->shown[i], row);
	}
}

/* --- the renderer --- */

static void table_begin(struct output *o)
{
	o->state = xcalloc(1, sizeof(struct table));
}

static void table_row(struct output *o, const json_t *row)
{
	struct table *t = o->state;

	if (!o->list) {
		table_fields(o, row);
		return;
	}
	if (t->scols == NULL)
		start_block(o, t);
	add_line(t->scols, o->shown, row, &o->settings);
	if (++t->pending >= BLOCK || o->live)
		end_block(o, t);
}

/* libsmartcols prints nothing of a table without lines. */
static void table_headings(struct output *o)
{
	for (int i = 0; o->shown[i] != NULL; i++) {
		buf_adds(&o->text, i > 0 ? "  " : "");
		human_title(&o->text, o->shown[i]);
	}
	buf_addc(&o->text, '\n');
}

static void table_end(struct output *o, bool failed)
{
	struct table *t = o->state;

	if (o->list && o->rows == 0 && o->settings.headings && !failed)
		table_headings(o);
	end_block(o, t);
	free(t);
	o->state = NULL;
}

const struct renderer render_table = {
    .human = true, .begin = table_begin, .row = table_row, .end = table_end};
