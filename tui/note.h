/*
 * Figures over time: what is noted of a feed's data each time it comes, for graphs and rates.
 */
#ifndef PIZZA_TUI_NOTE_H
#define PIZZA_TUI_NOTE_H

#include "tui/model.h"

/* The feeds of which something is noted, as bits. */
#define NOTE_FEEDS                                                                               \
	(FEED_BIT(STATUS) | FEED_BIT(KPI) | FEED_BIT(STUCK) | FEED_BIT(LAG) | FEED_BIT(TOPICS) | \
	 FEED_BIT(LETTER_GROUPS) | FEED_BIT(OUTBOX) | FEED_BIT(METRICS) | FEED_BIT(HOSTS) | FEED_BIT(HW))

void note_data(struct model *m, enum feed_id feed);
void note_point(struct model *m, const char *name, double value);

#endif
