/*
 * Rows as comma separated values (RFC 4180): a line of names, CRLF line ends, quotes where they are needed.
 * No value is an empty field, truth is true or false, and arrays and objects are JSON.
 */
#include "cli/output.h"

#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"

static void csv_field(struct buf *out, const char *text)
{
	if (strpbrk(text, ",\"\r\n") == NULL) {
		buf_adds(out, text);
		return;
	}
	buf_addc(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			buf_addc(out, '"');
		buf_addc(out, *text);
	}
	buf_addc(out, '"');
}

static void csv_begin(struct output *o)
{
	if (!o->settings.headings)
		return;
	for (int i = 0; o->shown[i] != NULL; i++) {
		buf_adds(&o->text, i > 0 ? "," : "");
		csv_field(&o->text, o->shown[i]->name);
	}
	buf_adds(&o->text, "\r\n");
}

static void csv_row(struct output *o, const json_t *row)
{
	size_t start = o->text.len;

	for (int i = 0; o->shown[i] != NULL; i++) {
		const json_t *value = json_object_get(row, o->shown[i]->name);

		buf_adds(&o->text, i > 0 ? "," : "");
		if (json_is_string(value)) {
			csv_field(&o->text, json_string_value(value));
		} else if (value != NULL && !json_is_null(value)) {
			AUTO_FREE char *text = json_text(value);

			csv_field(&o->text, text);
		}
	}
	if (o->text.len == start)
		buf_adds(&o->text, "\"\""); /* an empty line would be no record */
	buf_adds(&o->text, "\r\n");
}

static void csv_end(struct output *o, bool failed)
{
	(void)o;
	(void)failed;
}

const struct renderer render_csv = {.begin = csv_begin, .row = csv_row, .end = csv_end};
