/*
 * A figure over time as a curve of braille dots, eight to a cell, with a line to compare it with; without
 * UTF-8, as characters.  No state.
 */
#ifndef PIZZA_TUI_PLOT_H
#define PIZZA_TUI_PLOT_H

#include "tui/grid.h"
#include "tui/model.h"

/* The latest points that fit; level: where the line is, NAN: nowhere.  The scale stands at the left. */
void plot_draw(struct grid *g, struct rect r, const struct history *h, double level);

#endif
