/*
 * Over libsodium.
 */
#include "core/base/base64.h"

#include <sodium.h>

#include "core/base/mem.h"

json_t *base64_json(const void *data, size_t len)
{
	size_t size = sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_ORIGINAL);
	AUTO_FREE char *text = NULL;

	if (data == NULL)
		return json_null();
	text = xmalloc(size);
	sodium_bin2base64(text, size, data, len, sodium_base64_VARIANT_ORIGINAL);
	return json_stringn(text, size - 1);
}

int base64_get(const json_t *object, const char *name, struct buf *out, bool *ret_there, struct error *err)
{
	const json_t *value = json_object_get(object, name);
	size_t len, n = 0;

	*ret_there = value != NULL && !json_is_null(value);
	if (!*ret_there)
		return 0;
	if (!json_is_string(value))
		return error_set(err, ERR_MALFORMED, name, "must be base64 text or null");
	len = json_string_length(value);
	buf_reserve(out, len + 1);
	if (sodium_base642bin((unsigned char *)out->data + out->len, len + 1, json_string_value(value), len,
			      NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
		return error_set(err, ERR_MALFORMED, name, "is not base64");
	out->len += n;
	out->data[out->len] = '\0';
	return 0;
}
