/*
 * Reading JSON with errors that name the field, over jansson (which refuses invalid UTF-8 and NUL in
 * strings). Thread safe for different values.
 */
#ifndef PIZZA_BASE_JSON_H
#define PIZZA_BASE_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/error.h"
#include "core/base/uuid.h"

/* Frees at scope end: AUTO_JSON json_t *j = ...; */
#define AUTO_JSON __attribute__((cleanup(json_auto_decref)))
void json_auto_decref(json_t **j);

/*
 * Parses n bytes as one JSON object; duplicate keys and trailing text are refused.  The result is owned.
 * ERR_MALFORMED with the position and what was expected.
 */
int json_parse_object(const char *text, size_t n, json_t **ret, struct error *err) MUST_USE;

/*
 * A member of an object: of the wrong kind → ERR_MALFORMED naming it; absent or null → ERR_MALFORMED for the
 * plain ones; the _or forms give the fallback instead.  Strings are borrowed from the object.
 */
int json_get_string(const json_t *object, const char *name, const char **ret, struct error *err) MUST_USE;
int json_get_int(const json_t *object, const char *name, int64_t *ret, struct error *err) MUST_USE;
int json_get_uuid(const json_t *object, const char *name, struct uuid *ret, struct error *err) MUST_USE;
int json_get_time(const json_t *object, const char *name, int64_t *ret_us, struct error *err) MUST_USE;
const char *json_string_or(const json_t *object, const char *name, const char *fallback);
int64_t json_int_or(const json_t *object, const char *name, int64_t fallback);
bool json_bool_or(const json_t *object, const char *name, bool fallback);

/*
 * Adds the text of a value, of which NULL is null; flags are those of json_dumps.  A real is the shortest
 * text that reads back as the same: 318.2, which json_dumps alone gives as 318.19999999999999.
 */
void json_add(struct buf *out, const json_t *j, size_t flags);
/* The same as one compact line; owned by the caller. */
char *json_text(const json_t *j);
/* The same indented, for people. */
char *json_pretty(const json_t *j);

#define JSON_REAL_SIZE 32
/* A real as json_add has it, always with a point, as YAML 1.1 wants it; returns text. */
const char *json_real_text(double value, char text[JSON_REAL_SIZE]);

#endif
