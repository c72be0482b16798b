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

void note_point(struct model *m, const char *name, double value)
{
	struct history *h = map_gets(&m->histories, name);

	if (h == NULL) {
		h = xcalloc(1, sizeof(*h));
		(void)map_puts(&m->histories, name, h);
	}
	if (h->count == HISTORY_POINTS) {
		memmove(h->points, h->points + 1, (HISTORY_POINTS - 1) * sizeof(h->points[0]));
		memmove(h->at_us, h->at_us + 1, (HISTORY_POINTS - 1) * sizeof(h->at_us[0]));
		h->count--;
	}
	h->points[h->count] = value;
	h->at_us[h->count++] = m->now_us;
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

void note_data(struct model *m, enum feed_id feed)
{
	static const char *const figures[] = {"orders_per_minute", "paid_percent", "end_to_end_p50_ms",
					      "end_to_end_p99_ms"};
	const json_t *data = m->panels[feed].data;

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

const struct history *model_history(const struct model *m, const char *name)
{
	return map_gets(&m->histories, name);
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
