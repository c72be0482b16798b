/*
 * Rows as YAML 1.1: a list is a sequence of mappings, a show is one mapping.  Text is quoted unless it can be
 * nothing but text, so that `no`, `1e3` and dates come back as the text they are.
 */
#include "cli/output.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/json.h"
#include "core/base/mem.h"

static bool yaml_is_plain(const char *text)
{
	static const char *const words[] = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"};

	if (!isalpha((unsigned char)*text))
		return false;
	for (const char *p = text; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("_-./", *p) == NULL)
			return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasecmp(words[i], text) == 0)
			return false;
	return true;
}

/* Code points that YAML wants escaped though JSON does not: DEL, C1 controls, other line ends, the byte order
 * mark, and the two that are none. */
static size_t yaml_special(const unsigned char *p, unsigned *ret)
{
	if (p[0] == 0x7f) {
		*ret = 0x7f;
		return 1;
	}
	if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) {
		*ret = p[1];
		return 2;
	}
	if (p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9)) {
		*ret = 0x2000 + (p[2] & 0x3f);
		return 3;
	}
	if (p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf) {
		*ret = 0xfeff;
		return 3;
	}
	if (p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe) {
		*ret = 0xffc0 | (p[2] & 0x3f);
		return 3;
	}
	return 0;
}

static void yaml_quoted(struct buf *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned c;

	buf_addc(out, '"');
	while (*p != '\0') {
		size_t len = yaml_special(p, &c);

		if (len > 0)
			buf_addf(out, "\\u%04x", c);
		else if (*p < 0x20)
			buf_addf(out, "\\x%02x", *p);
		else if (*p == '"' || *p == '\\')
			buf_addf(out, "\\%c", *p);
		else
			buf_addc(out, (char)*p);
		p += len > 0 ? len : 1;
	}
	buf_addc(out, '"');
}

static void yaml_text(struct buf *out, const char *text)
{
	if (yaml_is_plain(text))
		buf_adds(out, text);
	else
		yaml_quoted(out, text);
}

static void yaml_indent(struct buf *out, int depth)
{
	for (int i = 0; i < depth; i++)
		buf_adds(out, "  ");
}

static bool yaml_is_block(const json_t *value)
{
	return (json_is_object(value) && json_object_size(value) > 0) ||
	       (json_is_array(value) && json_array_size(value) > 0);
}

static void yaml_value(struct buf *out, const json_t *value, int depth, bool started);

static void yaml_mapping(struct buf *out, const json_t *object, int depth, bool started)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)object, name, value) {
		if (!started)
			yaml_indent(out, depth);
		started = false;
		yaml_text(out, name);
		buf_adds(out, yaml_is_block(value) ? ":\n" : ": ");
		yaml_value(out, value, depth + 1, false);
	}
}

static void yaml_sequence(struct buf *out, const json_t *array, int depth)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		yaml_indent(out, depth);
		buf_adds(out, "- ");
		yaml_value(out, json_array_get(array, i), depth + 1, true);
	}
}

/* started: the line's indentation stands there already. */
static void yaml_value(struct buf *out, const json_t *value, int depth, bool started)
{
	char real[JSON_REAL_SIZE];

	if (json_is_object(value) && yaml_is_block(value)) {
		yaml_mapping(out, value, depth, started);
		return;
	}
	if (json_is_array(value) && yaml_is_block(value)) {
		if (started)
			buf_addc(out, '\n');
		yaml_sequence(out, value, depth);
		return;
	}
	if (json_is_string(value))
		yaml_text(out, json_string_value(value));
	else if (json_is_integer(value))
		buf_addf(out, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		buf_adds(out, json_real_text(json_real_value(value), real));
	else if (json_is_boolean(value))
		buf_adds(out, json_is_true(value) ? "true" : "false");
	else if (json_is_object(value))
		buf_adds(out, "{}");
	else if (json_is_array(value))
		buf_adds(out, "[]");
	else
		buf_adds(out, "null");
	buf_addc(out, '\n');
}

static void yaml_begin(struct output *o)
{
	(void)o;
}

static void yaml_row(struct output *o, const json_t *row)
{
	AUTO_JSON json_t *picked = output_pick(o, row);

	if (o->list)
		buf_adds(&o->text, "- ");
	yaml_value(&o->text, picked, o->list ? 1 : 0, o->list);
}

static void yaml_end(struct output *o, bool failed)
{
	if (o->list && o->rows == 0 && !failed)
		buf_adds(&o->text, "[]\n");
}

const struct renderer render_yaml = {.begin = yaml_begin, .row = yaml_row, .end = yaml_end};
