/*
 * Percent-encoding and form-encoded pairs (WHATWG URL, "application/x-www-form-urlencoded").
 * Pure functions, safe from every thread.
 */
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/http/private.h"

bool http_decode(char *text, size_t *ret_len, bool plus)
{
	char *out = text;

	for (const char *p = text; *p != '\0'; p++) {
		char c = *p;

		if (c == '%') {
			int high = text_hex(p[1]);
			int low = high < 0 ? -1 : text_hex(p[2]);

			if (low < 0 || high * 16 + low == 0)
				return false;
			c = (char)(high * 16 + low);
			p += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		*out++ = c;
	}
	*out = '\0';
	*ret_len = (size_t)(out - text);
	return text_is_utf8(text, *ret_len);
}

static int count_pairs(const char *text)
{
	int n = 1;

	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '&')
			n++;
	}
	return n;
}

static bool parse_pair(char *text, struct http_pair *ret)
{
	char *value = strchr(text, '=');
	size_t len;

	if (value != NULL)
		*value++ = '\0';
	else
		value = text + strlen(text);
	ret->name = text;
	ret->value = value;
	return http_decode(text, &len, true) && http_decode(value, &len, true);
}

bool http_pairs_parse(char *text, struct http_pairs *ret)
{
	int n = count_pairs(text);
	char *save, *part;

	*ret = (struct http_pairs){0};
	if (n > HTTP_PAIRS_MAX)
		return false;
	ret->list = xcalloc((size_t)n, sizeof(*ret->list));
	for (part = strtok_r(text, "&", &save); part != NULL; part = strtok_r(NULL, "&", &save)) {
		if (!parse_pair(part, &ret->list[ret->count]))
			return false;
		ret->count++;
	}
	return true;
}

const char *http_pairs_get(const struct http_pairs *pairs, const char *name)
{
	for (int i = 0; i < pairs->count; i++) {
		if (strcmp(pairs->list[i].name, name) == 0)
			return pairs->list[i].value;
	}
	return NULL;
}
