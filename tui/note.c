/*
 * Figures over time.  A figure's name is the feed's kind and what it is of: "lag paymentd order-events".
 */
#include "tui/note.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "tui/red.h"

/* All that is kept of a figure; what is shown of it is a part. */
struct series {
	double *points; /* owned */
	int64_t *at_us; /* owned */
	int first, count, cap;
	struct history shown;
};

static void series_free(void *arg)
{
	struct series *s = arg;

	free(s->points);
	free(s->at_us);
	free(s);
}

void note_done(struct model *m)
{
	map_done(&m->histories, series_free);
}

/* Room for one more: a recording keeps everything. */
static void make_room(struct series *s, int64_t oldest_us)
{
	while (s->first < s->count && s->at_us[s->first] < oldest_us)
		s->first++;
	if (s->count < s->cap)
		return;
	if (s->first > s->cap / 4) {
		s->count -= s->first;
		memmove(s->points, s->points + s->first, (size_t)s->count * sizeof(s->points[0]));
		memmove(s->at_us, s->at_us + s->first, (size_t)s->count * sizeof(s->at_us[0]));
		s->first = 0;
		return;
	}
	s->cap = s->cap > 0 ? s->cap + s->cap / 2 : 32;
	s->points = xreallocarray(s->points, (size_t)s->cap, sizeof(s->points[0]));
	s->at_us = xreallocarray(s->at_us, (size_t)s->cap, sizeof(s->at_us[0]));
}

void note_point(struct model *m, const char *name, double value)
{
	struct series *s = map_gets(&m->histories, name);
	int64_t at_us = m->now_us;

	if (s == NULL) {
		s = xcalloc(1, sizeof(*s));
		(void)map_puts(&m->histories, name, s);
	}
	make_room(s, m->tape.endless ? INT64_MIN : at_us - TAPE_US);
	if (s->count > s->first && s->at_us[s->count - 1] > at_us)
		at_us = s->at_us[s->count - 1]; /* the clock was set back */
	s->points[s->count] = value;
	s->at_us[s->count++] = at_us;
}

static void note_member(struct model *m, const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	if (json_is_number(value))
		note_point(m, name, json_number_value(value));
}

static void note_rows(struct model *m, const json_t *rows, const char *kind, const char *first,
		      const char *second, const char *value)
{
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i), *number = json_object_get(row, value);
		char name[160];

		snprintf(name, sizeof(name), "%s %s%s%s", kind, json_string_or(row, first, ""),
			 *second != '\0' ? " " : "", json_string_or(row, second, ""));
		if (json_is_number(number))
			note_point(m, name, json_number_value(number));
	}
}

static double sum(const json_t *rows, const char *member)
{
	double total = 0;

	for (size_t i = 0; i < json_array_size(rows); i++)
		total += json_number_value(json_object_get(json_array_get(rows, i), member));
	return total;
}

static double most(const json_t *rows, const char *member)
{
	double highest = 0;

	for (size_t i = 0; i < json_array_size(rows); i++)
		highest = fmax(highest, json_number_value(json_object_get(json_array_get(rows, i), member)));
	return highest;
}

/* Messages per second into each topic, once there have been two looks. */
static void note_traffic(struct model *m, const json_t *rows)
{
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const char *topic = json_string_or(json_array_get(rows, i), "topic", "");
		const struct history *h;
		char name[160];

		snprintf(name, sizeof(name), "topic %s", topic);
		h = model_history(m, name);
		if (h == NULL || h->count < 2)
			continue;
		snprintf(name, sizeof(name), "traffic %s", topic);
		note_point(m, name,
			   fmax((h->points[h->count - 1] - h->points[h->count - 2]) * 1e6 /
				    fmax((double)(h->at_us[h->count - 1] - h->at_us[h->count - 2]), 1e5),
				0));
	}
}

/* The share of the decks that are taken. */
static void note_load(struct model *m, const json_t *devices)
{
	double decks = sum(devices, "deck_count");

	if (decks > 0)
		note_point(m, "kitchen_load", 100 * sum(devices, "loaded") / decks);
}

static void note(struct model *m, enum feed_id feed, const json_t *data)
{
	static const char *const figures[] = {"orders_per_minute", "paid_percent", "end_to_end_p50_ms",
					      "end_to_end_p99_ms"};

	if (feed == FEED_KPI)
		for (size_t i = 0; i < ARRAY_LEN(figures); i++)
			note_member(m, data, figures[i]);
	if (feed == FEED_KPI && json_is_number(json_object_get(data, "orders_per_minute")))
		note_point(m, "orders_per_second",
			   json_number_value(json_object_get(data, "orders_per_minute")) / 60);
	if (feed == FEED_STUCK)
		note_member(m, data, "stuck");
	if (feed == FEED_LAG) {
		note_rows(m, data, "lag", "group", "topic", "lag");
		note_point(m, "lag", sum(data, "lag"));
	}
	if (feed == FEED_TOPICS) {
		note_rows(m, data, "topic", "topic", "", "messages");
		note_traffic(m, data);
		note_point(m, "messages", sum(data, "messages"));
	}
	if (feed == FEED_LETTER_GROUPS)
		note_point(m, "letters", sum(data, "open"));
	if (feed == FEED_OUTBOX) {
		note_point(m, "outbox", sum(data, "unpublished"));
		note_point(m, "outbox_age_ms", most(data, "oldest_age_ms"));
	}
	if (feed == FEED_STATUS)
		note_rows(m, data, "cpu", "name", "", "cpu_percent");
	if (feed == FEED_METRICS)
		red_note(m, data);
	if (feed == FEED_HW) {
		note_rows(m, data, "temperature", "device", "", "temperature_c");
		note_load(m, data);
	}
	if (feed == FEED_HOSTS)
		note_rows(m, data, "used", "resource", "", "used_percent");
}

void note_data(struct model *m, enum feed_id feed, int64_t at_us, const json_t *data)
{
	int64_t shown_us = m->now_us;

	if ((NOTE_FEEDS & 1u << feed) == 0)
		return;
	m->now_us = at_us; /* rates are those of that moment */
	note(m, feed, data);
	m->now_us = shown_us;
}

/* Index behind the last point at or before the moment. */
static int until(const struct series *s, int64_t at_us)
{
	int low = s->first, high = s->count;

	while (low < high) {
		int middle = low + (high - low) / 2;

		if (s->at_us[middle] <= at_us)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct history *model_history(const struct model *m, const char *name)
{
	struct series *s = map_gets(&m->histories, name);
	int end = s != NULL ? until(s, m->now_us) : 0, from;

	if (s == NULL || end == s->first)
		return NULL;
	from = end - s->first > HISTORY_POINTS ? end - HISTORY_POINTS : s->first;
	s->shown = (struct history){s->points + from, s->at_us + from, end - from};
	return &s->shown;
}

#define RATE_US INT64_C(10000000)

double model_rate(const struct model *m, const char *name)
{
	const struct history *h = model_history(m, name);
	int last = h != NULL ? h->count - 1 : 0, first = last;

	while (first > 0 && h->at_us[last] - h->at_us[first] < RATE_US)
		first--;
	if (first == last || h->at_us[last] <= h->at_us[first])
		return 0;
	return (h->points[last] - h->points[first]) * 1e6 / (double)(h->at_us[last] - h->at_us[first]);
}
