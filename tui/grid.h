/*
 * A screen as cells: what the dashboard draws on, before any terminal.  Everything drawn goes through
 * grid_text, so that no data can move the cursor, change colours or spoil the columns.  Without UTF-8 all
 * cells are ASCII.  No input, no output; one thread.
 */
#ifndef PIZZA_TUI_GRID_H
#define PIZZA_TUI_GRID_H

#include <stdbool.h>
#include <wchar.h>

#include "core/base/buf.h"

/* What a cell means; the terminal's face decides how it looks.  Meaning never hangs on it alone. */
enum style {
	STYLE_PLAIN,
	STYLE_DIM,
	STYLE_STRONG,
	STYLE_TITLE, /* headings */
	STYLE_FRAME,
	STYLE_GOOD,
	STYLE_WARN,
	STYLE_BAD,
	STYLE_ACCENT, /* graphs, what is alive */
	STYLE_KEY,    /* keys in hints */
	STYLE_BAR,    /* header and footer */
	STYLE_COUNT
};

struct cell {
	wchar_t text[2];     /* a character and what combines with it; text[0] 0: behind a wide one */
	unsigned char style; /* enum style */
	bool reverse;	     /* under the cursor */
};

struct zone;

struct grid {
	int width, height;
	bool utf8;
	struct cell *cells; /* owned; row after row */
	struct zone *zones; /* owned; the latest lies on top */
	int zone_count;
};

struct rect {
	int x, y, w, h;
};

/* What a click into a part of the screen means. */
enum zone_kind {
	ZONE_KEY,    /* presses a key */
	ZONE_ROW,    /* goes to a row of the list */
	ZONE_COLUMN, /* sorts by a column */
};
struct zone {
	struct rect at;
	enum zone_kind kind;
	int value;
};

/* Makes it so large and empty; also anew. */
void grid_init(struct grid *g, int width, int height, bool utf8);
void grid_done(struct grid *g);
/* Within the grid only; NULL elsewhere. */
struct cell *grid_cell(const struct grid *g, int x, int y);

/*
 * Draws text in at most `max` columns; what does not fit ends with "…".  Answers the columns used.
 */
int grid_text(struct grid *g, int x, int y, int max, enum style style, const char *text);
int grid_printf(struct grid *g, int x, int y, int max, enum style style, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
/* The same with its end at the last of `max` columns. */
int grid_right(struct grid *g, int x, int y, int max, enum style style, const char *text);
/* The same, but what does not fit loses its beginning: for ids. */
int grid_tail(struct grid *g, int x, int y, int max, enum style style, const char *text);
/* Columns that grid_text would use with room enough. */
int grid_columns(const struct grid *g, const char *text);
void grid_fill(struct grid *g, struct rect r, enum style style);
/* A frame with a title; answers what is inside. */
struct rect grid_box(struct grid *g, struct rect r, const char *title);
/* Notes what a click there means, and finds it again: NULL where there is nothing. */
void grid_zone(struct grid *g, struct rect at, enum zone_kind kind, int value);
const struct zone *grid_zone_at(const struct grid *g, int x, int y);
/* Shows `w` cells as under the cursor. */
void grid_reverse(struct grid *g, int x, int y, int w);

/* Columns of a line without trailing spaces. */
int grid_line_end(const struct grid *g, int y);
/* A cell's characters as UTF-8. */
void grid_add_cell(const struct cell *c, struct buf *out);
/* Lines of UTF-8 text without trailing spaces. */
void grid_dump(const struct grid *g, struct buf *out);

#endif
