/*
 * What flows from whom to whom: topics as lanes from top to bottom, daemons as rows, an arrow for each topic
 * that a daemon reads or writes, with the traffic or the lag on it.  All of it follows from the tables of
 * daemons and topics.
 */
#ifndef PIZZA_TUI_TOPOLOGY_H
#define PIZZA_TUI_TOPOLOGY_H

#include "tui/grid.h"
#include "tui/model.h"

/* Columns that it takes at least, and lines that it takes. */
int topology_width(void);
int topology_height(void);
void topology_draw(const struct model *m, struct grid *g, struct rect r);

#endif
