/*
 * What is known of a feed.
 */
#include "tui/panel.h"

#include <stdio.h>

#include "tui/pack.h"

/* The rows from there on, instead of all of them. */
static json_t *rows_from(json_t *all, size_t first)
{
	json_t *rows = json_array();

	for (size_t i = first; i < json_array_size(all); i++)
		json_array_append(rows, json_array_get(all, i));
	json_decref(all);
	return rows;
}

/* A stream keeps its latest rows, packed; each has a number, so that the cursor can stay on it. */
static void append(struct panel *p, json_t *rows, int64_t number)
{
	json_t *all = p->data != NULL ? json_copy(p->data) : json_array();
	size_t bytes = 0, first;
	char text[24];

	for (size_t i = 0; i < json_array_size(rows); i++) {
		snprintf(text, sizeof(text), "%lld", (long long)number + (long long)i);
		json_array_append_new(all, pack_with(json_array_get(rows, i), "number", text));
	}
	for (first = json_array_size(all); first > 0; first--) {
		bytes += json_string_length(json_array_get(all, first - 1));
		if (json_array_size(all) - first == FEED_STREAM_MAX || bytes > FEED_STREAM_BYTES)
			break;
	}
	p->cut = p->cut || first > 0;
	json_decref(p->data);
	json_decref(rows);
	p->data = first > 0 ? rows_from(all, first) : all;
}

void panel_put(struct panel *p, enum feed_id feed, json_t *data, bool more, int64_t number, int64_t at_us)
{
	if (feeds[feed].stream != NULL) {
		if (!more) {
			json_decref(p->data);
			p->data = NULL;
			p->cut = false;
		}
		append(p, data, number);
	} else {
		json_decref(p->data);
		p->data = data;
	}
	p->looks++;
	p->at_us = at_us;
	p->error = (struct error){0};
	p->failed_at_us = 0;
}

void panel_fail(struct panel *p, const struct error *err, int64_t at_us)
{
	if (p->error.code == 0)
		p->failed_at_us = at_us;
	p->error = *err;
	if (p->error.code == 0)
		p->error.code = ERR_FAILED;
}

void panel_clear(struct panel *p, const char *subject)
{
	struct panel empty = {0};

	snprintf(empty.subject, sizeof(empty.subject), "%s", subject);
	json_decref(p->data);
	*p = empty;
}
