/*
 * Text of unknown origin.  Thread safe.
 */
#ifndef PIZZA_BASE_TEXT_H
#define PIZZA_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"

/* Bytes of the UTF-8 sequence at text, n (1 or more) at most, and its code point unless ret is NULL; 0 when
 * it is none (RFC 3629). */
size_t text_decode(const char *text, size_t n, uint32_t *ret);
/* The most of the first n bytes that cuts no character in two; text[n] is read. */
size_t text_whole(const char *text, size_t n);
/* n bytes are UTF-8 throughout. */
bool text_is_utf8(const char *text, size_t n);
/* Replaces, in place, each byte that is no part of UTF-8 (a character cut off at the end, too) by '?'. */
void text_mend(char *text);
/* A copy mended so; owned. */
char *text_mended(const char *text);
/*
 * Appends n bytes with everything made visible that could harm a terminal: control characters and bytes that
 * are not UTF-8 as \x1b, characters that turn the direction of writing as \u{202e}.
 */
void text_safe(struct buf *out, const char *text, size_t n);
/* What a hexadecimal digit of either case stands for; -1 when it is none. */
int text_hex(char c);

#endif
