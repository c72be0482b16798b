/*
 * Lines of styled text, written by screens and scrolled by their readers.  One thread.
 */
#ifndef PIZZA_TUI_SHEET_H
#define PIZZA_TUI_SHEET_H

#include "tui/grid.h"

struct sheet_span {
	char *text; /* owned */
	enum style style;
	int line;
};

struct sheet {
	struct sheet_span *spans; /* in order of lines; owned */
	int count;
	int lines; /* finished, or begun */
};

void sheet_done(struct sheet *s);
/* Goes on with the line. */
void sheet_add(struct sheet *s, enum style style, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Ends the line. */
void sheet_end(struct sheet *s);
/* A whole line. */
void sheet_line(struct sheet *s, enum style style, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* "name   value" */
void sheet_fact(struct sheet *s, const char *name, enum style style, const char *value);
/* Lines of text that has some, cut at `width` columns into more. */
void sheet_text(struct sheet *s, enum style style, const char *text, int width);
/* The line at or behind (step 1) or before (step -1) `from` that contains text, case aside; -1: none. */
int sheet_search(const struct sheet *s, const char *text, int from, int step);
/* Draws the lines from `top` on. */
void sheet_draw(const struct sheet *s, struct grid *g, struct rect r, int top, const char *marked);

#endif
