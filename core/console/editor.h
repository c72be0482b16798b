/*
 * Changing text in the user's editor: $VISUAL, $EDITOR or vi, on a file of the user's own (mode 0600) that is
 * removed afterwards.
 */
#ifndef PIZZA_CONSOLE_EDITOR_H
#define PIZZA_CONSOLE_EDITOR_H

#include "core/base/buf.h"
#include "core/base/error.h"

/* Blocks until the editor ends; the terminal is the editor's meanwhile.  ERR_FAILED: it ended with a failure.
 */
int editor_edit(const char *text, struct buf *ret, struct error *err) MUST_USE;

#endif
