/*
 * Thin readers over jansson.
 */
#include "core/base/json.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

void json_auto_decref(json_t **j)
{
	json_decref(*j);
}

int json_parse_object(const char *text, size_t n, json_t **ret, struct error *err)
{
	json_error_t je;
	json_t *j = json_loadb(text, n, JSON_REJECT_DUPLICATES, &je);

	if (j == NULL)
		return error_set(err, ERR_MALFORMED, "JSON", "line %d, column %d: %s", je.line, je.column,
				 je.text);
	if (!json_is_object(j)) {
		json_decref(j);
		return error_set(err, ERR_MALFORMED, "JSON", "an object was expected");
	}
	*ret = j;
	return 0;
}

static int missing(const char *name, const char *kind, const json_t *value, struct error *err)
{
	if (value == NULL || json_is_null(value))
		return error_set(err, ERR_MALFORMED, name, "is missing");
	return error_set(err, ERR_MALFORMED, name, "must be %s", kind);
}

int json_get_string(const json_t *object, const char *name, const char **ret, struct error *err)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_string(value))
		return missing(name, "a string", value, err);
	*ret = json_string_value(value);
	return 0;
}

int json_get_int(const json_t *object, const char *name, int64_t *ret, struct error *err)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_integer(value))
		return missing(name, "an integer", value, err);
	*ret = json_integer_value(value);
	return 0;
}

int json_get_uuid(const json_t *object, const char *name, struct uuid *ret, struct error *err)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_string(value) || !uuid_parse(json_string_value(value), ret))
		return missing(name, "a UUID", value, err);
	return 0;
}

int json_get_time(const json_t *object, const char *name, int64_t *ret_us, struct error *err)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_string(value) || !clock_parse(json_string_value(value), ret_us))
		return missing(name, "a time as in RFC 3339", value, err);
	return 0;
}

const char *json_string_or(const json_t *object, const char *name, const char *fallback)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value) ? json_string_value(value) : fallback;
}

int64_t json_int_or(const json_t *object, const char *name, int64_t fallback)
{
	const json_t *value = json_object_get(object, name);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool json_bool_or(const json_t *object, const char *name, bool fallback)
{
	const json_t *value = json_object_get(object, name);

	return json_is_boolean(value) ? json_boolean_value(value) : fallback;
}

char *json_text(const json_t *j)
{
	char *text = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY);

	if (text == NULL)
		abort();
	return text;
}
