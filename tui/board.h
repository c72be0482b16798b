/*
 * The board of the kitchen, as its screen draws it around its list; and what the list shows as well.  No
 * state.
 */
#ifndef PIZZA_TUI_BOARD_H
#define PIZZA_TUI_BOARD_H

#include "tui/model.h"

/* Cards where they all fit: no room is left for the list.  Else the list, and below it the one under the
 * cursor. */
struct rect board_draw(const struct model *m, struct grid *g, struct rect r);

/* What kitchend says of its "items", which are ovens and pans, or its "timers"; borrowed. */
const json_t *board_part(const struct model *m, const char *what);
bool board_is_timer(const json_t *row);
/* "318.4°" */
void board_degrees(struct buf *out, const json_t *row, const char *member);
/* "320°" */
void board_setpoint(const struct model *m, const json_t *row, struct buf *out);
/* NULL: there are none. */
const struct history *board_temperatures(const struct model *m, const json_t *row);

#endif
