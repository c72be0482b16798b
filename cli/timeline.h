/*
 * A saga drawn as text: facts, one line per step with its bar on the time axis, notifications, and what it
 * waits for.
 */
#ifndef PIZZA_CLI_TIMELINE_H
#define PIZZA_CLI_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/console/saga.h"

struct timeline_style {
	int width; /* columns; 0: as wide as it gets */
	bool utf8; /* else ASCII */
	bool color;
};

/* waiting_why: what is wrong with the daemon it waits for, or "". */
void timeline_draw(struct buf *out, const struct saga *s, int64_t now_us, const char *waiting_why,
		   const struct timeline_style *style);
/* One line of it: the step's offset, event, daemon, what its data says, and where it lies. */
void timeline_step(struct buf *out, const struct saga *s, int step, const struct timeline_style *style);
/*
 * The bar of a step from from_us to at_us after the start, on an axis of total_us in `cells` columns, in
 * eighths of a column;
 * '=' in ASCII.  Always cells columns wide, and something is always to be seen.
 */
void timeline_bar(struct buf *out, int64_t from_us, int64_t at_us, int64_t total_us, int cells, bool utf8);

#endif
