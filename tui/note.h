/*
 * Figures over time: what is noted of a feed's data each time it comes, for graphs and rates.
 */
#ifndef PIZZA_TUI_NOTE_H
#define PIZZA_TUI_NOTE_H

#include "tui/model.h"

void note_data(struct model *m, enum feed_id feed);
void note_point(struct model *m, const char *name, double value);

#endif
