/*
 * The texts of messages: {{placeholders}}, and e-mail as RFC 5322 and MIME want it.  Pure; thread safe.
 */
#ifndef PIZZA_NOTIFY_TEXT_H
#define PIZZA_NOTIFY_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"

/* The placeholders: X(name). */
#define TEXT_VALUES(X)   \
	X(name)          \
	X(order_id)      \
	X(order)         \
	X(items)         \
	X(total)         \
	X(reason)        \
	X(ingredient)    \
	X(ingredient_id) \
	X(available)     \
	X(threshold)     \
	X(unit)

/* Values borrowed; NULL reads as "". */
struct text_values {
#define X(field) const char *field;
	TEXT_VALUES(X)
#undef X
};

/* Appends the template with its placeholders replaced; what is none is left as it is. */
void text_render(struct buf *out, const char *template, const struct text_values *values);
/* The first {{word}} of a template that is no placeholder, copied into word; false when there is none. */
bool text_unknown_placeholder(const char *template, char *word, size_t size);

/* An e-mail to write; all strings UTF-8 without restrictions but `to` and `from`, which are plain addresses.
 */
struct text_mail {
	const char *from, *to;
	const char *message_id; /* without brackets */
	const char *subject;	/* white space and controls become single spaces */
	const char *body;
	int64_t date_us;
};
/*
 * Appends the message with the given line ending ("\n" or "\r\n").  Header lines stay below 78 characters;
 * a subject beyond ASCII is written in encoded words (RFC 2047), a body beyond ASCII, or with long lines, in
 * quoted-printable (RFC 2045).  Nothing in subject or body can start a header line.
 */
void text_mail(struct buf *out, const struct text_mail *m, const char *eol);

#endif
