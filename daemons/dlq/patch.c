/*
 * JSON Merge Patch (RFC 7396) and differences of JSON values.  Pure.
 */
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "daemons/dlq/verbs.h"

json_t *merge_patch(const json_t *target, const json_t *patch)
{
	const char *name;
	json_t *value, *out;

	if (!json_is_object(patch))
		return json_deep_copy(patch);
	out = json_is_object(target) ? json_copy((json_t *)target) : json_object();
	json_object_foreach ((json_t *)patch, name, value) {
		if (json_is_null(value))
			json_object_del(out, name);
		else
			json_object_set_new(out, name, merge_patch(json_object_get(out, name), value));
	}
	return out;
}

/* A segment of a JSON pointer (RFC 6901). */
static void add_segment(struct buf *path, const char *name)
{
	buf_addc(path, '/');
	for (; *name != '\0'; name++) {
		if (*name == '~')
			buf_adds(path, "~0");
		else if (*name == '/')
			buf_adds(path, "~1");
		else
			buf_addc(path, *name);
	}
}

static void diff_at(struct buf *path, const json_t *before, const json_t *after, json_t *out);

static void diff_member(struct buf *path, const char *name, const json_t *before, const json_t *after,
			json_t *out)
{
	size_t len = path->len;

	add_segment(path, name);
	diff_at(path, before, after, out);
	path->len = len;
	path->data[len] = '\0';
}

static void diff_at(struct buf *path, const json_t *before, const json_t *after, json_t *out)
{
	const char *name;
	json_t *value, *row;

	if (before != NULL && after != NULL && json_equal(before, after))
		return;
	if (json_is_object(before) && json_is_object(after)) {
		json_object_foreach ((json_t *)before, name, value)
			diff_member(path, name, value, json_object_get(after, name), out);
		json_object_foreach ((json_t *)after, name, value)
			if (json_object_get(before, name) == NULL)
				diff_member(path, name, NULL, value, out);
		return;
	}
	row = json_pack("{s:s}", "path", buf_str(path));
	if (before != NULL)
		json_object_set_new(row, "before", json_deep_copy(before));
	if (after != NULL)
		json_object_set_new(row, "after", json_deep_copy(after));
	json_array_append_new(out, row);
}

json_t *json_diff(const json_t *before, const json_t *after)
{
	CLEANUP(buf_done) struct buf path = {0};
	json_t *out = json_array();

	diff_at(&path, before, after, out);
	return out;
}
