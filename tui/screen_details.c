/*
 * All that is known of one row of any list: its columns, then every member as it came.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "tui/list.h"
#include "tui/value.h"

static void write_columns(const struct model *m, struct sheet *s, const struct screen *of, const json_t *row)
{
	for (const struct list_column *c = of->columns; c != NULL && c->name != NULL; c++) {
		enum style style = STYLE_PLAIN;
		CLEANUP(buf_done) struct buf text = {0};

		if (c->format == VALUE_AS_STATE)
			style = value_style(json_string_or(row, c->name, ""));
		value_add(&text, m, c, row);
		if (strcmp(buf_str(&text), "-") != 0)
			sheet_fact(s, c->title != NULL ? c->title : c->name, style, buf_str(&text));
	}
}

static void write_member(struct sheet *s, const char *name, const json_t *value, int width)
{
	AUTO_FREE char *text = json_is_string(value) ? xstrdup(json_string_value(value)) : json_pretty(value);

	if (json_is_null(value) || *text == '\0' || strcmp(text, "[]") == 0 || strcmp(text, "{}") == 0)
		return;
	if (strchr(text, '\n') == NULL && (int)strlen(text) < width - 18) {
		sheet_fact(s, name, STYLE_PLAIN, text);
		return;
	}
	sheet_line(s, STYLE_DIM, "%s", name);
	sheet_text(s, STYLE_PLAIN, text, width);
}

static void write_details(const struct model *m, struct sheet *s, int width)
{
	const struct view *v = &m->views[m->depth - 1];
	const json_t *row = json_array_get(v->rows, 0);
	const char *name;
	json_t *value;

	if (m->depth > 1)
		write_columns(m, s, m->views[m->depth - 2].screen, row);
	sheet_end(s);
	sheet_line(s, STYLE_TITLE, "AS IT CAME");
	json_object_foreach ((json_t *)row, name, value)
		write_member(s, name, value, width);
}

const struct screen screen_details = {
    .name = "details",
    .text = "all that is known of one row, opened from its list",
    .main = FEED_NONE,
    .id = "id",
    .detail = true,
    .write = write_details,
};
