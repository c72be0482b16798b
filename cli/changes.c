/*
 * Comparing lists row by row.  One thread.
 */
#include "cli/changes.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"

struct changes {
	json_t *seen; /* rows of the look before by key */
};

struct changes *changes_new(void)
{
	struct changes *c = xcalloc(1, sizeof(*c));

	c->seen = json_object();
	return c;
}

void changes_free(struct changes *c)
{
	if (c == NULL)
		return;
	json_decref(c->seen);
	free(c);
}

static void add_key_part(struct buf *key, const json_t *value)
{
	AUTO_FREE char *text = value != NULL ? json_text(value) : xstrdup("null");

	buf_addf(key, "%s ", text);
}

/* Rows that have the same key are told apart by their order. */
static void key_of(struct buf *key, const struct column *columns, const json_t *row, const json_t *taken)
{
	size_t len;

	buf_reset(key);
	for (const struct column *c = columns; c->name != NULL; c++)
		if ((c->flags & (COLUMN_ID | COLUMN_KEY)) != 0)
			add_key_part(key, json_object_get(row, c->name));
	if (key->len == 0)
		add_key_part(key, json_object_get(row, columns->name));
	len = key->len;
	for (int n = 2; json_object_get(taken, buf_str(key)) != NULL; n++) {
		key->len = len;
		buf_addf(key, "#%d", n);
	}
}

static bool differs(const struct column *columns, const json_t *before, const json_t *now)
{
	for (const struct column *c = columns; c->name != NULL; c++) {
		const json_t *a = json_object_get(before, c->name), *b = json_object_get(now, c->name);

		if ((c->flags & COLUMN_PASSING) == 0 && a != b &&
		    (a == NULL || b == NULL || !json_equal(a, b)))
			return true;
	}
	return false;
}

static void add_change(json_t *list, const json_t *row, const char *change, const char *at)
{
	json_t *changed = json_pack("{s:s, s:s}", "change", change, "change_at", at);

	json_object_update_missing(changed, (json_t *)row);
	json_array_append_new(list, changed);
}

json_t *changes_update(struct changes *c, const struct column *columns, const json_t *rows, int64_t now_us)
{
	CLEANUP(buf_done) struct buf key = {0};
	json_t *list = json_array(), *now = json_object(), *row, *before;
	char at[CLOCK_TEXT_SIZE];
	const char *name;
	size_t i;

	clock_format(now_us, at);
	json_array_foreach (rows, i, row) {
		key_of(&key, columns, row, now);
		before = json_object_get(c->seen, buf_str(&key));
		if (before == NULL)
			add_change(list, row, "new", at);
		else if (differs(columns, before, row))
			add_change(list, row, "changed", at);
		json_object_set(now, buf_str(&key), row);
	}
	json_object_foreach (c->seen, name, before)
		if (json_object_get(now, name) == NULL)
			add_change(list, before, "gone", at);
	json_decref(c->seen);
	c->seen = now;
	return list;
}
