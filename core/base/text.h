/*
 * Text of unknown origin.  Thread safe.
 */
#ifndef PIZZA_BASE_TEXT_H
#define PIZZA_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"

/* Bytes of the UTF-8 sequence at text, n at most, and its code point; 0 when it is none (RFC 3629). */
size_t text_decode(const char *text, size_t n, uint32_t *ret);
/*
 * Appends n bytes with everything made visible that could harm a terminal: control characters and bytes that
 * are not UTF-8 as \x1b, characters that turn the direction of writing as \u{202e}.
 */
void text_safe(struct buf *out, const char *text, size_t n);

#endif
