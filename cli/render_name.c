/*
 * Rows by their id alone, one a line, for xargs and loops; and rows not at all.
 */
#include "cli/output.h"

#include "core/base/json.h"
#include "core/base/mem.h"

static void name_begin(struct output *o)
{
	(void)o;
}

static void name_end(struct output *o, bool failed)
{
	(void)o;
	(void)failed;
}

static const struct column *id_column(const struct output *o)
{
	if (o->chosen)
		return o->shown[0];
	for (const struct column *c = o->columns; c->name != NULL; c++)
		if ((c->flags & COLUMN_ID) != 0)
			return c;
	return o->columns;
}

static void name_row(struct output *o, const json_t *row)
{
	const json_t *value = json_object_get(row, id_column(o)->name);

	if (value == NULL || json_is_null(value))
		return;
	if (json_is_string(value)) {
		buf_adds(&o->text, json_string_value(value));
	} else {
		AUTO_FREE char *text = json_text(value);

		buf_adds(&o->text, text);
	}
	buf_addc(&o->text, '\n');
}

const struct renderer render_name = {.begin = name_begin, .row = name_row, .end = name_end};

static void no_row(struct output *o, const json_t *row)
{
	(void)o;
	(void)row;
}

const struct renderer render_none = {.begin = name_begin, .row = no_row, .end = name_end};
