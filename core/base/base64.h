/*
 * Bytes in JSON: base64 text (RFC 4648, with padding), null for none.  No state.
 */
#ifndef PIZZA_BASE_BASE64_H
#define PIZZA_BASE_BASE64_H

#include <jansson.h>

#include "core/base/buf.h"
#include "core/base/error.h"

/* A JSON string, or null when data is NULL; owned. */
json_t *base64_json(const void *data, size_t len);
/*
 * A member's bytes appended to out; absent or null: nothing, and *ret_there is false.  ERR_MALFORMED names
 * it.
 */
int base64_get(const json_t *object, const char *name, struct buf *out, bool *ret_there,
	       struct error *err) MUST_USE;

#endif
