/*
 * Text of unknown origin.
 */
#include "core/base/text.h"

#include <string.h>

#include "core/base/mem.h"

size_t text_decode(const char *bytes, size_t n, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *text = (const unsigned char *)bytes;
	size_t len = text[0] < 0x80 ? 1 : text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
	uint32_t c = text[0];

	if (len > 1)
		c &= 0xff >> (len + 1);
	if (text[0] >= 0xf8 || (text[0] >= 0x80 && text[0] < 0xc2) || len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (text[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	if (ret != NULL)
		*ret = c;
	return len;
}

size_t text_whole(const char *text, size_t n)
{
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

bool text_is_utf8(const char *text, size_t n)
{
	for (size_t i = 0, len; i < n; i += len)
		if ((len = text_decode(text + i, n - i, NULL)) == 0)
			return false;
	return true;
}

void text_mend(char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0, len; i < n; i += len)
		if ((len = text_decode(text + i, n - i, NULL)) == 0) {
			text[i] = '?';
			len = 1;
		}
}

char *text_mended(const char *text)
{
	char *copy = xstrdup(text);

	text_mend(copy);
	return copy;
}

static bool is_direction(uint32_t c)
{
	return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f ||
	       c == 0x2028 || c == 0x2029 || c == 0x061c || c == 0xfeff;
}

void text_safe(struct buf *out, const char *text, size_t n)
{
	for (size_t i = 0; i < n;) {
		uint32_t c = 0;
		size_t len = text_decode(text + i, n - i, &c);

		if (len == 0) {
			buf_addf(out, "\\x%02x", (unsigned char)text[i]);
			len = 1;
		} else if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
			buf_addf(out, "\\x%02x", (unsigned)c);
		} else if (is_direction(c)) {
			buf_addf(out, "\\u{%04x}", (unsigned)c);
		} else {
			buf_add(out, text + i, len);
		}
		i += len;
	}
}

int text_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}
