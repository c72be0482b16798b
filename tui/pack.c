/*
 * A packed row is a string: the JSON text of its object.
 */
#include "tui/pack.h"

#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/mem.h"

static void add_value(struct buf *out, const json_t *value)
{
	AUTO_FREE char *text = NULL;

	if (json_is_string(value)) {
		buf_add_json(out, json_string_value(value), json_string_length(value));
	} else if (json_is_integer(value)) {
		buf_addf(out, "%lld", (long long)json_integer_value(value));
	} else {
		text = json_text(value);
		buf_adds(out, text);
	}
}

json_t *pack_row(const json_t *row, const char *const *members)
{
	CLEANUP(buf_done) struct buf text = {0};

	for (int i = 0; members[i] != NULL; i++) {
		const json_t *value = json_object_get(row, members[i]);

		if (value == NULL || json_is_null(value))
			continue;
		buf_addf(&text, "%c\"%s\":", text.len > 0 ? ',' : '{', members[i]);
		add_value(&text, value);
	}
	buf_adds(&text, text.len > 0 ? "}" : "{}");
	return json_stringn_nocheck(buf_str(&text), text.len);
}

json_t *pack_open(const json_t *row)
{
	json_t *object = json_is_string(row)
			     ? json_loadb(json_string_value(row), json_string_length(row), 0, NULL)
			     : json_incref((json_t *)row);

	return object != NULL ? object : json_object();
}

/* Within a text the quotes would be escaped: what is found is the member. */
json_t *pack_member(const json_t *row, const char *name)
{
	const char *text = json_string_value(row), *at;
	char wanted[64];
	int n;

	if (text == NULL)
		return json_incref(json_object_get(row, name));
	n = snprintf(wanted, sizeof(wanted), "\"%s\":", name);
	at = strstr(text, wanted);
	while (at != NULL && at[-1] != '{' && at[-1] != ',')
		at = strstr(at + 1, wanted);
	return at != NULL ? json_loads(at + n, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, NULL) : NULL;
}

char *pack_row_text(const json_t *row)
{
	return json_is_string(row) ? xstrdup(json_string_value(row)) : json_text(row);
}

json_t *pack_all(const json_t *row)
{
	AUTO_FREE char *text = pack_row_text(row);

	return json_stringn_nocheck(text, strlen(text));
}

json_t *pack_with(const json_t *row, const char *name, const char *value)
{
	AUTO_FREE char *text = pack_row_text(row);
	CLEANUP(buf_done) struct buf all = {0};
	bool more = strcmp(text, "{}") != 0;

	buf_addf(&all, "{\"%s\":", name);
	buf_add_json(&all, value, strlen(value));
	buf_addf(&all, "%s%s", more ? "," : "", text + 1);
	return json_stringn_nocheck(buf_str(&all), all.len);
}

char *pack_text(const json_t *data, size_t most)
{
	size_t n = json_array_size(data);
	struct buf text = {0};

	if (!json_is_array(data))
		return json_text(data);
	for (size_t i = 0; i < n && i < most; i++) {
		AUTO_FREE char *row = pack_row_text(json_array_get(data, i));

		buf_addc(&text, i > 0 ? ',' : '[');
		buf_adds(&text, row);
	}
	buf_adds(&text, text.len > 0 ? "]" : "[]");
	return buf_take(&text);
}

json_t *pack_open_all(const json_t *data, size_t most)
{
	size_t n = json_array_size(data);
	json_t *open;

	if (!json_is_array(data) || (n <= most && !json_is_string(json_array_get(data, 0))))
		return json_incref((json_t *)data);
	open = json_array();
	for (size_t i = 0; i < n && i < most; i++)
		json_array_append_new(open, pack_open(json_array_get(data, i)));
	return open;
}
