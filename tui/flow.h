/*
 * A saga as lines: what it is, each step with its bar on the time axis, and what it waits for.  No state.
 */
#ifndef PIZZA_TUI_FLOW_H
#define PIZZA_TUI_FLOW_H

#include <jansson.h>
#include <stdint.h>

#include "tui/sheet.h"

/* saga: as the feed gives it; services: of the status, for what is wrong with whom it waits for; or NULL. */
void flow_write(struct sheet *s, const json_t *saga, const json_t *services, int64_t now_us, int width);

#endif
