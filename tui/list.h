/*
 * Rows on a screen: filtered, sorted, marked, scrolled.  The cursor stays on the same row, by its id, when
 * rows come and go.  One thread.
 */
#ifndef PIZZA_TUI_LIST_H
#define PIZZA_TUI_LIST_H

#include "tui/model.h"

/* After rows, filter or order have changed. */
void list_refresh(const struct model *m, struct view *v);
/* The row under the cursor, borrowed; NULL: there is none. */
const json_t *list_row(const struct view *v);
/* What an action is about: the marked rows, else the one under the cursor, which is all that can be opened;
 * an array, owned. */
json_t *list_chosen(const struct view *v, const struct action *a);
/* Puts the cursor there, as far as there are rows. */
void list_go(struct view *v, int to);
/* Marks the row under the cursor, or takes its mark away. */
void list_mark(struct view *v);
int list_marked(const struct view *v);
const char *list_id(const struct view *v, const json_t *row);
void list_draw(const struct model *m, struct view *v, struct grid *g, struct rect r);

#endif
