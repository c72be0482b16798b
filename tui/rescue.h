/*
 * Giving the terminal back when the program ends by a fault of its own.
 */
#ifndef PIZZA_TUI_RESCUE_H
#define PIZZA_TUI_RESCUE_H

#include "core/base/error.h"

/* Notes how the terminal is; before anything is changed. */
int rescue_begin(struct error *err) MUST_USE;
/* Notes what gives it back; once its kind is known. */
void rescue_prepare(void);
/* It has been given back. */
void rescue_end(void);
/* Gives it back; may be called from a signal handler. */
void rescue_now(void);

#endif
