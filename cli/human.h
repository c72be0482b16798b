/*
 * How people see a value: "1 200.00 RUB", "2h14m", "212M".  Whatever stands in the data, nothing written here
 * can move the cursor, change colours or reverse the text of a terminal.  No state.
 */
#ifndef PIZZA_CLI_HUMAN_H
#define PIZZA_CLI_HUMAN_H

#include <stdbool.h>

#include "cli/output.h"

/*
 * Appends n bytes with everything harmful made visible: control characters and bytes that are not UTF-8 as
 * \x1b, characters that turn the direction of writing as \u{202e}.
 */
void human_safe(struct buf *out, const char *text, size_t n);
/* Columns on a terminal of text that human_safe has written. */
int human_width(const char *text);
/* Appends the row's value of the column; "-" for none.  settings: time and now_us. */
void human_value(struct buf *out, const struct column *c, const json_t *row,
		 const struct output_settings *settings);
/* The column's heading. */
void human_title(struct buf *out, const struct column *c);
/* Numbers stand to the right. */
bool human_right(const struct column *c);
/* ANSI colour of a state's word ("\033[31m"), or NULL. */
const char *human_state_color(const char *word);
/* "2026-11-21 12:30:01Z", "5m ago" or as it is, of an RFC 3339 text. */
void human_time(struct buf *out, const char *rfc3339, const struct output_settings *settings);
/* Appends a list of words as "a, b". */
void human_words(struct buf *out, const json_t *list);
/* "212M" */
void human_bytes(struct buf *out, int64_t bytes);

#endif
