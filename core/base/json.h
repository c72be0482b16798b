/*
 * Reading JSON with errors that name the field, over jansson (which refuses invalid UTF-8 and NUL in
 * strings). Thread safe for different values.
 */
#ifndef PIZZA_BASE_JSON_H
#define PIZZA_BASE_JSON_H

#include <jansson.h>
#include <stdint.h>

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

/* Compact text of a value; owned by the caller. */
char *json_text(const json_t *j);

#endif
