/*
 * Rate, errors and duration.  Every count is a figure over time of its own; rates are those of the last
 * seconds (model_rate), and a quantile is that of the buckets' rates.
 */
#include "tui/red.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/metrics.h"
#include "tui/note.h"

#define NAME_SIZE 96

static void name_of(char name[NAME_SIZE], const char *what, const char *daemon)
{
	snprintf(name, NAME_SIZE, "%s %s", what, daemon);
}

static double number(const json_t *row, const char *member)
{
	return json_number_value(json_object_get(row, member));
}

static void note_buckets(struct model *m, const char *what, const char *daemon, const json_t *buckets)
{
	char name[NAME_SIZE];

	for (size_t i = 0; i < json_array_size(buckets); i++) {
		snprintf(name, sizeof(name), "%s%zu %s", what, i, daemon);
		note_point(m, name, json_number_value(json_array_get(buckets, i)));
	}
}

void red_note(struct model *m, const json_t *rows)
{
	char name[NAME_SIZE];

	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		const char *daemon = json_string_or(row, "daemon", "?");
		double rate;

		if (json_int_or(row, "answered", 0) == 0)
			continue;
		name_of(name, "work", daemon);
		note_point(m, name, number(row, "requests") + number(row, "messages"));
		name_of(name, "errors", daemon);
		note_point(m, name, number(row, "request_errors") + number(row, "dead"));
		name_of(name, "calls", daemon);
		note_point(m, name, number(row, "calls"));
		note_buckets(m, "took", daemon, json_object_get(row, "buckets"));
		note_buckets(m, "called", daemon, json_object_get(row, "call_buckets"));
		rate = red_of(m, daemon).rate;
		name_of(name, "rate", daemon);
		if (isfinite(rate))
			note_point(m, name, rate);
	}
}

/* A restarted daemon counts from 0: that is no negative rate. */
static double rate(const struct model *m, const char *what, const char *daemon)
{
	char name[NAME_SIZE];
	const struct history *h;

	name_of(name, what, daemon);
	h = model_history(m, name);
	return h == NULL || h->count < 2 ? NAN : fmax(model_rate(m, name), 0);
}

static void rates(const struct model *m, const char *what, const char *daemon, double ret[METRIC_BUCKETS])
{
	for (int i = 0; i < METRIC_BUCKETS; i++) {
		char bucket[32];

		snprintf(bucket, sizeof(bucket), "%s%d", what, i);
		ret[i] = rate(m, bucket, daemon);
		ret[i] = isfinite(ret[i]) ? ret[i] : 0;
	}
}

struct red red_of(const struct model *m, const char *daemon)
{
	struct red r = {.rate = rate(m, "work", daemon), .calls = rate(m, "calls", daemon)};
	double buckets[METRIC_BUCKETS];

	r.errors_percent = r.rate > 0 ? 100 * rate(m, "errors", daemon) / r.rate : NAN;
	rates(m, "took", daemon, buckets);
	r.p50_ms = metrics_quantile_ms(buckets, 0.5);
	r.p99_ms = metrics_quantile_ms(buckets, 0.99);
	rates(m, "called", daemon, buckets);
	r.call_p99_ms = metrics_quantile_ms(buckets, 0.99);
	return r;
}

const json_t *red_row(const struct model *m, const char *daemon)
{
	const json_t *rows = m->panels[FEED_METRICS].data;

	for (size_t i = 0; i < json_array_size(rows); i++)
		if (strcmp(json_string_or(json_array_get(rows, i), "daemon", ""), daemon) == 0)
			return json_array_get(rows, i);
	return NULL;
}

const char *red_breaker(const struct model *m, const char *daemon)
{
	static const char *const words[] = {"closed", "half-open", "open"};
	const json_t *breakers = json_object_get(red_row(m, daemon), "breakers");
	int worst = -1;

	for (size_t i = 0; i < json_array_size(breakers); i++)
		for (int k = 0; k < (int)ARRAY_LEN(words); k++)
			if (k > worst &&
			    strcmp(words[k], json_string_or(json_array_get(breakers, i), "state", "")) == 0)
				worst = k;
	return worst < 0 ? NULL : words[worst];
}
