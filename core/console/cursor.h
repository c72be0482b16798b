/*
 * Where a reader of a stream has come to, kept in a file so that the next reader goes on there.
 *
 * Who reads a stream stages the place behind a row before handing the row out; who takes the row commits once
 * it has been delivered.  So nothing is left out, and after a kill at the worst moment one row comes again.
 * The file is JSON in one block, written in place, and locked as long as it is open.  Calls are made under
 * the lock that rows are handed out under.
 */
#ifndef PIZZA_CONSOLE_CURSOR_H
#define PIZZA_CONSOLE_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"

struct cursor;

/*
 * Opens the file, or makes an empty one.  what names the stream, "topic tail order-events": ERR_INVALID when
 * the file is damaged or belongs to another stream, ERR_CONFLICT when somebody else has it open, ERR_IO.
 */
int cursor_open(const char *path, const char *what, struct cursor **ret, struct error *err) MUST_USE;
/* NULL is fine. */
void cursor_close(struct cursor *c);

/* The place in one part of the stream (a partition of a topic, a file); false: none is known. */
bool cursor_find(const struct cursor *c, const char *group, const char *part, int64_t *ret);
/* True when nothing is known: the stream is read for the first time. */
bool cursor_is_new(const struct cursor *c);
/* The place behind what is handed out next; NULL for c does nothing. */
void cursor_stage(struct cursor *c, const char *group, const char *part, int64_t place);
/* What is staged holds, and is written.  NULL for c does nothing. */
int cursor_commit(struct cursor *c, struct error *err) MUST_USE;

#endif
