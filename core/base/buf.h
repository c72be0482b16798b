/*
 * A growing byte buffer that is always NUL-terminated.  `struct buf b = {0};` is an empty one.
 * Not thread safe; one owner.
 */
#ifndef PIZZA_BASE_BUF_H
#define PIZZA_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct buf {
	char *data; /* NULL as long as nothing was added */
	size_t len; /* bytes, without the terminating NUL */
	size_t cap;
};

/* Makes room for at least `more` further bytes and the NUL. */
void buf_reserve(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *data, size_t len);
void buf_adds(struct buf *b, const char *text);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_addv(struct buf *b, const char *fmt, va_list ap);
/* A quoted JSON string (RFC 8259) of n bytes of UTF-8; bytes below 0x20, '"' and '\' are escaped. */
void buf_add_json(struct buf *b, const char *text, size_t n);
/* The contents as a C string: "" when empty; borrowed until the next change. */
const char *buf_str(const struct buf *b);
/* Empties it and keeps the memory. */
void buf_reset(struct buf *b);
/* Hands the memory to the caller (free() it; never NULL) and leaves an empty buffer. */
char *buf_take(struct buf *b);
/* Frees the memory; the buffer can be used again. */
void buf_done(struct buf *b);

#endif
