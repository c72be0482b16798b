/*
 * The terminal: keys from it, cells to it.  The one place that knows ncurses.  One thread.
 */
#ifndef PIZZA_TUI_DISPLAY_H
#define PIZZA_TUI_DISPLAY_H

#include <stdbool.h>

#include "core/base/error.h"
#include "tui/grid.h"
#include "tui/theme.h"

/* Takes the terminal over.  ERR_USAGE: it cannot be drawn on. */
int display_open(bool color, struct error *err) MUST_USE;
/* How it looks from now on, and whether clicks are ours. */
void display_face(const struct theme *theme, bool mouse);
/* Gives it back as it was. */
void display_close(void);
/* The same for a while, and taking it again. */
void display_leave(void);
void display_return(void);
/* The next key (keys.h), KEYCODE_NONE: none is waiting; false: nobody will press one any more. */
bool display_key(int *ret);
/* Where KEYCODE_MOUSE was pressed; wheel: -1 up, 1 down, 0: a click; false: it was neither. */
bool display_mouse(int *ret_x, int *ret_y, int *ret_wheel);
/* How large the terminal is now. */
void display_size(int *ret_width, int *ret_height);
/* Draws what differs from before; all of it with `anew`. */
void display_show(const struct grid *g, bool anew);
/* Hands text to the terminal's clipboard (OSC 52). */
void display_copy(const char *text);

#endif
