/*
 * A saga as lines: what it is, each step with its bar on the time axis, and what it waits for.  No state.
 */
#ifndef PIZZA_TUI_FLOW_H
#define PIZZA_TUI_FLOW_H

#include <jansson.h>
#include <stdint.h>

#include "tui/sheet.h"

/* saga: as the feed gives it; service: whom it waits for, as the status has it; or NULL. */
void flow_write(struct sheet *s, const json_t *saga, const json_t *service, int64_t now_us, int width);

#endif
