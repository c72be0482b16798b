/*
 * How values look on a screen.  No state.
 */
#ifndef PIZZA_TUI_VALUE_H
#define PIZZA_TUI_VALUE_H

#include "core/base/buf.h"
#include "tui/model.h"
#include "tui/screen.h"

/* Appends the row's value of a column; "-" for none. */
void value_add(struct buf *out, const struct model *m, const struct list_column *c, const json_t *row);
/* Numbers stand to the right. */
bool value_is_number(enum value_format format);
/* What a state's word means. */
enum style value_style(const char *word);
/* What goes before a state's word, so that its meaning is seen without colours: "●", "!", "✗" or " ". */
const char *value_mark(enum style style);

/* "4 s", "2m14s" */
void value_seconds(struct buf *out, int64_t seconds);
/* The same since a moment (RFC 3339); "-" when there is none. */
void value_age(struct buf *out, const char *rfc3339, int64_t now_us);
/* "12:30:01" of a moment. */
void value_clock(struct buf *out, const char *rfc3339);
/* "1.2M" */
void value_bytes(struct buf *out, double bytes);
/* "1 204" */
void value_count(struct buf *out, int64_t n);
/* A line of bars, the last `width` points, as high as `most` (0: the highest of them). */
void value_graph(struct buf *out, const struct history *h, int width, double most);

#endif
