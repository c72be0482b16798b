/*
 * Rows as JSON: an array of objects, one of them a line, or one indented object; and as JSON Lines.
 */
#include "cli/output.h"

#include "core/base/json.h"

static void json_add_row(struct output *o, const json_t *row, size_t flags)
{
	AUTO_JSON json_t *picked = output_pick(o, row);

	json_add(&o->text, picked, flags);
}

static void array_begin(struct output *o)
{
	if (o->list)
		buf_addc(&o->text, '[');
}

static void array_row(struct output *o, const json_t *row)
{
	if (o->list)
		buf_adds(&o->text, o->rows > 0 ? ",\n" : "\n");
	json_add_row(o, row, o->list ? 0 : JSON_INDENT(2));
	if (!o->list)
		buf_addc(&o->text, '\n');
}

static void array_end(struct output *o, bool failed)
{
	if (o->list && !failed)
		buf_adds(&o->text, o->rows > 0 ? "\n]\n" : "]\n");
}

const struct renderer render_json = {.begin = array_begin, .row = array_row, .end = array_end};

static void lines_begin(struct output *o)
{
	(void)o;
}

static void lines_end(struct output *o, bool failed)
{
	(void)o;
	(void)failed;
}

static void lines_row(struct output *o, const json_t *row)
{
	json_add_row(o, row, JSON_COMPACT);
	buf_addc(&o->text, '\n');
}

const struct renderer render_jsonl = {.begin = lines_begin, .row = lines_row, .end = lines_end};
