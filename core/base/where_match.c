/*
 * A condition on a row in memory.  No state.
 */
#include "core/base/where_internal.h"

#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"

static bool holds(enum where_op op, int difference)
{
	switch (op) {
	case WHERE_EQ:
		return difference == 0;
	case WHERE_LT:
		return difference < 0;
	case WHERE_LE:
		return difference <= 0;
	case WHERE_GT:
		return difference > 0;
	case WHERE_GE:
		return difference >= 0;
	case WHERE_AND:
	case WHERE_OR:
	case WHERE_NOT:
	case WHERE_REGEX:
	case WHERE_NULL:
		break;
	}
	return false;
}

static bool match_regex(const struct where_node *n, const json_t *value)
{
	AUTO_FREE char *text = NULL;

	if (json_is_string(value))
		return where_regex_match(n, json_string_value(value));
	text = json_text(value);
	return where_regex_match(n, text);
}

/* For null tests: whether there is a value. */
static bool match_value(const struct where_node *n, const json_t *value)
{
	const struct where_type *type = &where_types[n->column->kind];
	int difference;

	if (value == NULL || json_is_null(value))
		return false;
	if (n->op == WHERE_NULL)
		return true;
	if (n->op == WHERE_REGEX)
		return match_regex(n, value);
	for (int i = 0; i < n->count; i++)
		if (type->compare(value, &n->values[i], &difference) && holds(n->op, difference))
			return true;
	return false;
}

/* Whether any value at the path does. */
static bool match_path(const struct where_node *n, const json_t *value, const char *path)
{
	AUTO_FREE char *member = NULL;
	size_t len;

	for (size_t i = 0; i < json_array_size(value); i++)
		if (match_path(n, json_array_get(value, i), path))
			return true;
	if (json_is_array(value) && (path != NULL || n->op != WHERE_NULL))
		return false;
	if (path == NULL)
		return match_value(n, value);
	len = strcspn(path, ".");
	member = xstrndup(path, len);
	return match_path(n, json_object_get(value, member), path[len] == '.' ? path + len + 1 : NULL);
}

static bool match(const struct where_node *n, const json_t *row)
{
	const json_t *value;
	bool found;

	if (n->op == WHERE_NOT)
		return !match(n->left, row);
	if (n->op == WHERE_AND)
		return match(n->left, row) && match(n->right, row);
	if (n->op == WHERE_OR)
		return match(n->left, row) || match(n->right, row);
	value = json_object_get(row, n->column->name);
	if (n->column->kind == WHERE_JSON)
		found = match_path(n, value, n->path);
	else
		found = match_value(n, value);
	return n->op == WHERE_NULL ? !found : found;
}

bool where_match(const struct where *w, const json_t *row)
{
	return w == NULL || match(w->root, row);
}
