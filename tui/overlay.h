/*
 * What lies over a screen: help, actions with their commands, and questions.
 */
#ifndef PIZZA_TUI_OVERLAY_H
#define PIZZA_TUI_OVERLAY_H

#include "tui/grid.h"
#include "tui/model.h"

/* Nothing in MODE_NORMAL and where something is typed in the footer alone. */
void overlay_draw(const struct model *m, struct grid *g, struct rect r);

#endif
