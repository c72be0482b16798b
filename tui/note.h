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

/* What a feed has given at a moment; nothing is noted of feeds that are not among NOTE_FEEDS. */
void note_data(struct model *m, enum feed_id feed, int64_t at_us, const json_t *data);
/* One point, at m->now_us. */
void note_point(struct model *m, const char *name, double value);

void note_done(struct model *m);

#endif
