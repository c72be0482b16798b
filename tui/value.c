/*
 * How values look on a screen.
 */
#include "tui/value.h"

#include <math.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/money.h"

bool value_is_number(enum value_format format)
{
	switch (format) {
	case VALUE_AS_INT:
	case VALUE_AS_MONEY:
	case VALUE_AS_AGE:
	case VALUE_AS_SECONDS:
	case VALUE_AS_MS:
	case VALUE_AS_BYTES:
	case VALUE_AS_PERCENT:
		return true;
	case VALUE_AS_TEXT:
	case VALUE_AS_ID:
	case VALUE_AS_STATE:
	case VALUE_AS_CLOCK:
	case VALUE_AS_OTHER:
		return false;
	}
	return false;
}

enum style value_style(const char *word)
{
	static const struct {
		const char *word;
		enum style style;
	} words[] = {
	    {"up", STYLE_GOOD},	       {"ok", STYLE_GOOD},	 {"paid", STYLE_GOOD},
	    {"ready", STYLE_GOOD},     {"resolved", STYLE_GOOD}, {"completed", STYLE_GOOD},
	    {"starting", STYLE_WARN},  {"degraded", STYLE_WARN}, {"compensating", STYLE_WARN},
	    {"no-commit", STYLE_WARN}, {"stopping", STYLE_WARN}, {"unknown", STYLE_WARN},
	    {"replaying", STYLE_WARN}, {"warn", STYLE_WARN},	 {"waiting", STYLE_WARN},
	    {"down", STYLE_BAD},       {"failed", STYLE_BAD},	 {"cancelled", STYLE_BAD},
	    {"unresolved", STYLE_BAD}, {"error", STYLE_BAD},	 {"expired", STYLE_BAD},
	    {"discarded", STYLE_DIM},  {"debug", STYLE_DIM},	 {"succeeded", STYLE_GOOD},
	    {"saturated", STYLE_WARN}, {"errors", STYLE_BAD},	 {"idle", STYLE_DIM},
	    {"heating", STYLE_WARN},   {"in use", STYLE_GOOD},	 {"draining", STYLE_WARN},
	    {"faulted", STYLE_BAD},    {"offline", STYLE_BAD},	 {"baking", STYLE_GOOD},
	    {"done", STYLE_GOOD},      {"closed", STYLE_GOOD},	 {"half-open", STYLE_WARN},
	    {"open", STYLE_BAD},       {"captured", STYLE_GOOD}, {"refunded", STYLE_WARN},
	    {"declined", STYLE_BAD},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].style;
	return STYLE_PLAIN;
}

const char *value_mark(enum style style)
{
	return style == STYLE_GOOD ? "●" : style == STYLE_WARN ? "!" : style == STYLE_BAD ? "✗" : " ";
}

static void add_duration(struct buf *out, double us)
{
	char text[DURATION_TEXT_SIZE];

	if (us < 0)
		buf_addc(out, '-');
	else if (us < 1000)
		buf_adds(out, "0 s");
	else
		buf_adds(out, duration_format((int64_t)llround(us), text));
}

void value_seconds(struct buf *out, int64_t seconds)
{
	char text[DURATION_TEXT_SIZE];

	if (seconds < 60)
		buf_addf(out, "%lld s", (long long)(seconds > 0 ? seconds : 0));
	else
		buf_adds(out, duration_format(seconds * 1000000, text));
}

void value_age(struct buf *out, const char *rfc3339, int64_t now_us)
{
	int64_t us;

	if (clock_parse(rfc3339, &us))
		value_seconds(out, (now_us - us) / 1000000);
	else
		buf_addc(out, '-');
}

void value_clock(struct buf *out, const char *rfc3339)
{
	buf_addf(out, "%.8s", strlen(rfc3339) >= 19 ? rfc3339 + 11 : "-");
}

void value_count(struct buf *out, int64_t n)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%lld", (long long)n);

	for (int i = 0; i < len; i++) {
		if (i > (n < 0) && (len - i) % 3 == 0)
			buf_addc(out, ' ');
		buf_addc(out, digits[i]);
	}
}

void value_bytes(struct buf *out, double bytes)
{
	static const char units[] = "BKMGTPE";
	int unit = 0;

	while (bytes >= 1024 && unit < 6) {
		bytes /= 1024;
		unit++;
	}
	buf_addf(out, unit > 0 && bytes < 10 ? "%.1f%c" : "%.0f%c", bytes, units[unit]);
}

static void add_number(struct buf *out, const struct list_column *c, const json_t *row, double number)
{
	char text[MONEY_TEXT_SIZE];

	switch (c->format) {
	case VALUE_AS_MONEY:
		buf_adds(out, money_format(llround(number), json_string_or(row, "currency", ""), text));
		break;
	case VALUE_AS_SECONDS:
		add_duration(out, number * 1e6);
		break;
	case VALUE_AS_MS:
		add_duration(out, number * 1e3);
		break;
	case VALUE_AS_BYTES:
		value_bytes(out, number);
		break;
	case VALUE_AS_PERCENT:
		buf_addf(out, fabs(number) < 10 && number != 0 ? "%.1f %%" : "%.0f %%", number);
		break;
	case VALUE_AS_TEXT:
	case VALUE_AS_ID:
	case VALUE_AS_STATE:
	case VALUE_AS_INT:
	case VALUE_AS_CLOCK:
	case VALUE_AS_AGE:
	case VALUE_AS_OTHER:
		if (number == floor(number) && fabs(number) < 1e15)
			value_count(out, (int64_t)number);
		else
			buf_addf(out, "%.1f", number);
		break;
	}
}

static void add_text(struct buf *out, enum value_format format, const char *text, int64_t now_us)
{
	if (format == VALUE_AS_AGE)
		value_age(out, text, now_us);
	else if (format == VALUE_AS_CLOCK)
		value_clock(out, text);
	else
		buf_adds(out, text);
}

void value_add(struct buf *out, const struct model *m, const struct list_column *c, const json_t *row)
{
	const json_t *value = json_object_get(row, c->name);
	size_t before = out->len;

	if (c->human != NULL)
		c->human(m, row, out);
	else if (json_is_number(value))
		add_number(out, c, row, json_number_value(value));
	else if (json_is_boolean(value))
		buf_adds(out, json_is_true(value) ? "yes" : "no");
	else if (json_is_string(value))
		add_text(out, c->format, json_string_value(value), m->now_us);
	else if (json_is_array(value) || json_is_object(value)) {
		AUTO_FREE char *text = json_text(value);

		buf_adds(out, text);
	}
	if (out->len == before)
		buf_addc(out, '-');
}

void value_graph(struct buf *out, const struct history *h, int width, double most)
{
	static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const struct history none;
	const struct history *past = h != NULL ? h : &none;
	int from = past->count > width ? past->count - width : 0;
	double highest = most;

	for (int i = from; i < past->count && most <= 0; i++)
		highest = past->points[i] > highest ? past->points[i] : highest;
	for (int i = width - (past->count - from); i > 0; i--)
		buf_addc(out, ' ');
	for (int i = from; i < past->count; i++) {
		int bar = highest > 0 ? (int)(past->points[i] / highest * 7.999) : 0;

		buf_adds(out, bars[bar < 0 ? 0 : bar > 7 ? 7 : bar]);
	}
}
