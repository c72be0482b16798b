/*
 * A saga as lines.
 */
#include "tui/flow.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/money.h"
#include "tui/value.h"

#define BAR_MIN 10
#define BAR_MAX 40
#define NARROW	70 /* below it nobody is told who did a step */

static double number(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

static const char *duration(double ms, char text[DURATION_TEXT_SIZE])
{
	return ms < 1 ? "0 ms" : duration_format((int64_t)llround(ms * 1e3), text);
}

static void write_head(struct sheet *s, const json_t *saga)
{
	const char *state = json_string_or(saga, "state", "?"),
		   *reason = json_string_or(saga, "reason", NULL);
	char money[MONEY_TEXT_SIZE], took[DURATION_TEXT_SIZE];

	sheet_add(s, value_style(state), "%s %s", value_mark(value_style(state)), state);
	sheet_line(s, STYLE_STRONG, "   order %s", json_string_or(saga, "order_id", "?"));
	sheet_add(s, STYLE_PLAIN, "%s", json_string_or(saga, "customer_name", "somebody"));
	if (json_is_integer(json_object_get(saga, "item_count")))
		sheet_add(s, STYLE_PLAIN, "   %lld pizza%s", (long long)json_int_or(saga, "item_count", 0),
			  json_int_or(saga, "item_count", 0) == 1 ? "" : "s");
	if (json_is_integer(json_object_get(saga, "total_amount")))
		sheet_add(s, STYLE_PLAIN, "   %s",
			  money_format(json_int_or(saga, "total_amount", 0),
				       json_string_or(saga, "currency", ""), money));
	sheet_end(s);
	sheet_line(s, STYLE_DIM, "started %.19sZ   took %s   correlation %s",
		   json_string_or(saga, "started_at", "-"), duration(number(saga, "duration_ms"), took),
		   json_string_or(saga, "correlation_id", "-"));
	if (reason != NULL)
		sheet_line(s, STYLE_WARN, "because %s", reason);
	sheet_end(s);
}

/* Columns of each part; what does not fit is left out from the right. */
struct layout {
	int event, daemon, bar, took;
};

static struct layout make_layout(const json_t *steps, int width)
{
	struct layout l = {.took = 9};

	for (size_t i = 0; i < json_array_size(steps); i++) {
		const json_t *step = json_array_get(steps, i);
		int event = (int)strlen(json_string_or(step, "event_type", "?"));
		int daemon = (int)strlen(json_string_or(step, "daemon", "?"));

		l.event = event > l.event ? event : l.event;
		l.daemon = daemon > l.daemon ? daemon : l.daemon;
	}
	if (width < NARROW)
		l.daemon = 0;
	l.bar = (width - 12 - l.event - l.daemon - l.took - 6) * 2 / 3;
	if (l.bar > BAR_MAX)
		l.bar = BAR_MAX;
	if (l.bar < BAR_MIN)
		l.bar = 0;
	return l;
}

/* From where to where a step was under way, in eighths of a column; something is always to be seen. */
static void write_bar(struct sheet *s, double from, double to, double total, int cells)
{
	static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	CLEANUP(buf_done) struct buf text = {0};
	double scale = total > 0 ? cells / total : 0;
	int start = (int)(from * scale), eighth;

	start = start > cells - 1 ? cells - 1 : start;
	eighth = (int)lround((to * scale - start) * 8);
	eighth = eighth < 1 ? 1 : eighth > (cells - start) * 8 ? (cells - start) * 8 : eighth;
	buf_addf(&text, "%*s", start, "");
	for (int i = 0; i < eighth / 8; i++)
		buf_adds(&text, "█");
	buf_adds(&text, eighths[eighth % 8]);
	buf_addf(&text, "%*s  ", cells - start - eighth / 8 - (eighth % 8 != 0), "");
	sheet_add(s, STYLE_ACCENT, "%s", buf_str(&text));
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && strcmp(text + len - n, end) == 0;
}

static enum style event_style(const char *type)
{
	bool bad = ends_with(type, "Failed") || ends_with(type, "Rejected") || ends_with(type, "Cancelled");

	return bad ? STYLE_BAD : STYLE_STRONG;
}

static void write_step(struct sheet *s, const json_t *step, const struct layout *l, double total)
{
	const char *type = json_string_or(step, "event_type", "?");
	double at = number(step, "since_start_ms"), took = number(step, "took_ms");
	char offset[DURATION_TEXT_SIZE], text[DURATION_TEXT_SIZE + 1];

	snprintf(text, sizeof(text), "+%s", duration(at, offset));
	sheet_add(s, STYLE_DIM, "%9s │ ", text);
	sheet_add(s, event_style(type), "%-*s  ", l->event, type);
	if (l->daemon > 0)
		sheet_add(s, STYLE_PLAIN, "%-*s  ", l->daemon, json_string_or(step, "daemon", "?"));
	if (l->bar > 0)
		write_bar(s, number(step, "from_ms"), at, total, l->bar);
	sheet_add(s, STYLE_PLAIN, "%*s  ", l->took, took > 0 ? duration(took, offset) : "");
	sheet_add(s, STYLE_DIM, "%s", json_string_or(step, "detail", ""));
	sheet_end(s);
}

static void write_waiting(struct sheet *s, const json_t *saga, const json_t *service, int64_t now_us,
			  int width)
{
	const char *awaiting = json_string_or(saga, "awaiting", NULL);
	const char *daemon = json_string_or(saga, "daemon", "?");
	const char *state = json_string_or(service, "state", "unknown");
	CLEANUP(buf_done) struct buf age = {0}, why = {0};

	if (awaiting == NULL)
		return;
	value_age(&age, json_string_or(saga, "updated_at", ""), now_us);
	if (json_bool_or(saga, "due", false))
		sheet_add(s, STYLE_WARN, "%9s ┆ waiting %s for %s from %s", "", buf_str(&age), awaiting,
			  daemon);
	else
		sheet_add(s, STYLE_DIM, "%9s ┆ next: %s from %s", "", awaiting, daemon);
	sheet_end(s);
	if (service == NULL || strcmp(state, "up") == 0)
		return;
	buf_addf(&why, "%s is %s: %s", daemon, state, json_string_or(service, "reason", "?"));
	sheet_text(s, STYLE_BAD, buf_str(&why), width);
}

void flow_write(struct sheet *s, const json_t *saga, const json_t *service, int64_t now_us, int width)
{
	const json_t *steps = json_object_get(saga, "steps");
	struct layout l = make_layout(steps, width);
	const char *messages = json_string_or(saga, "messages", "");

	write_head(s, saga);
	for (size_t i = 0; i < json_array_size(steps); i++)
		write_step(s, json_array_get(steps, i), &l, number(saga, "duration_ms"));
	write_waiting(s, saga, service, now_us, width);
	if (*messages != '\0')
		sheet_line(s, STYLE_DIM, "%9s   notifications: %s", "", messages);
}
