/*
 * The model as cells.
 */
#ifndef PIZZA_TUI_DRAW_H
#define PIZZA_TUI_DRAW_H

#include "tui/grid.h"
#include "tui/model.h"

/* Draws all of it into a grid of its own size; only where views are scrolled to changes in the model. */
void draw_model(struct model *m, struct grid *g);
/* Rows that a page has. */
int draw_page(const struct model *m);
/* Scrolls a sheet to the next line (step 1) or the one before (-1) that contains the view's filter. */
void draw_seek(struct model *m, int step);
/* A frame for what a feed tells: the title also says when that is stale. */
struct rect draw_panel(const struct model *m, struct grid *g, struct rect r, const char *title,
		       enum feed_id feed);

#endif
