/*
 * What is known of a feed: its latest data, since when it fails, and of a stream its latest rows.  One
 * thread.
 */
#ifndef PIZZA_TUI_PANEL_H
#define PIZZA_TUI_PANEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "tui/feed.h"

struct panel {
	char subject[FEED_SUBJECT_MAX];
	json_t *data;	      /* NULL: nothing yet; kept when the backend is lost */
	int64_t at_us;	      /* when it was fetched */
	struct error error;   /* of the latest try; code 0: it succeeded */
	int64_t failed_at_us; /* since when tries fail */
	int looks;	      /* how often it was fetched */
	bool cut;	      /* older rows of a stream are not kept */
};

/* Data (taken) becomes what is known; number: of a stream's first row in it, among all of the stream. */
void panel_put(struct panel *p, enum feed_id feed, json_t *data, bool more, int64_t number, int64_t at_us);
/* What is known stays. */
void panel_fail(struct panel *p, const struct error *err, int64_t at_us);
/* Nothing is known, of this subject. */
void panel_clear(struct panel *p, const char *subject);

#endif
