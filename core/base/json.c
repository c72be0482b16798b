/*
 * Thin readers over jansson.
 */
#include "core/base/json.h"

#include <stdio.h>
#include <stdlib.h>
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
		return error_set(err, ERR_MALFORMED, "the JSON", "line %d, column %d: %s", je.line, je.column,
				 je.text);
	if (!json_is_object(j)) {
		json_decref(j);
		return error_set(err, ERR_MALFORMED, "the JSON", "an object was expected");
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

/* --- text --- */

#define DIGITS_MEANT 15 /* a double holds every decimal number that has so many */
#define DIGITS_ALL   17 /* tell any two doubles apart */

const char *json_real_text(double value, char text[JSON_REAL_SIZE])
{
	size_t n;

	for (int digits = DIGITS_MEANT; digits <= DIGITS_ALL; digits++) {
		snprintf(text, JSON_REAL_SIZE, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	n = strcspn(text, "e");
	if (strchr(text, '.') == NULL) {
		memmove(text + n + 2, text + n, strlen(text + n) + 1);
		text[n] = '.';
		text[n + 1] = '0';
	}
	return text;
}

/* How long the string, the number, or the rest up to one of them is, of valid JSON. */
static size_t token_length(const char *p)
{
	size_t n = 1;

	if (*p != '"')
		return strchr("-0123456789", *p) != NULL ? strspn(p, "+-.0123456789eE")
							 : strcspn(p, "\"-0123456789");
	while (p[n] != '"')
		n += p[n] == '\\' ? 2 : 1;
	return n + 1;
}

/* Shortens the reals in the text behind start, in place. */
static void shorten_reals(struct buf *out, size_t start)
{
	char *from = out->data + start, *to = from, real[JSON_REAL_SIZE];
	size_t n, kept;

	for (; *from != '\0'; from += n) {
		bool shorter;

		n = token_length(from);
		shorter = *from != '"' && n >= DIGITS_ALL && memchr(from, '.', n) != NULL &&
			  strlen(json_real_text(strtod(from, NULL), real)) < n;
		kept = shorter ? strlen(real) : n;
		memmove(to, shorter ? real : from, kept);
		to += kept;
	}
	*to = '\0';
	out->len = (size_t)(to - out->data);
}

static int add_chunk(const char *text, size_t n, void *out)
{
	buf_add(out, text, n);
	return 0;
}

void json_add(struct buf *out, const json_t *j, size_t flags)
{
	size_t start = out->len;

	if (j == NULL)
		buf_adds(out, "null");
	else if (json_dump_callback(j, add_chunk, out, flags | JSON_ENCODE_ANY) < 0)
		abort();
	shorten_reals(out, start);
}

static char *text_of(const json_t *j, size_t flags)
{
	struct buf text = {0};

	json_add(&text, j, flags);
	return buf_take(&text);
}

char *json_text(const json_t *j)
{
	return text_of(j, JSON_COMPACT);
}

char *json_pretty(const json_t *j)
{
	return text_of(j, JSON_INDENT(2));
}
