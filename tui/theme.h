/*
 * How meanings look: a theme is a row per meaning, with an attribute that says it without colour and a colour
 * for terminals that have 256 of them, or 16.  No state.
 */
#ifndef PIZZA_TUI_THEME_H
#define PIZZA_TUI_THEME_H

#include "core/base/buf.h"
#include "tui/grid.h"

enum look_attribute { LOOK_BOLD = 1, LOOK_DIM = 2, LOOK_UNDERLINE = 4 };

struct look {
	unsigned attributes;
	short color16, color256; /* -1: the terminal's own */
};

struct theme {
	const char *name;
	const char *text;
	struct look looks[STYLE_COUNT];
};

extern const struct theme themes[]; /* name NULL ends; the first one is the default */
/* NULL: there is no such theme. */
const struct theme *theme_find(const char *name);

/* The grid with escapes (ECMA-48 SGR) of 256 colours; of none when not colored. */
void theme_dump(const struct theme *t, const struct grid *g, bool colored, struct buf *out);

#endif
