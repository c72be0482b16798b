/*
 * Values for people.  No state.
 */
#include "cli/human.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <wchar.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/money.h"
#include "core/base/text.h"

void human_safe(struct buf *out, const char *text, size_t n)
{
	text_safe(out, text, n);
}

int human_width(const char *text)
{
	mbstate_t state = {0};
	wchar_t c;
	size_t n;
	int columns = 0;

	while ((n = mbrtowc(&c, text, MB_LEN_MAX, &state)) > 0 && n < (size_t)-2) {
		int w = wcwidth(c);

		columns += w > 0 ? w : 0;
		text += n;
	}
	return columns;
}

/* "12s ago", "4m ago", "2h ago", "3d ago"; "in 4m". */
static void add_age(struct buf *out, int64_t us)
{
	static const struct {
		int64_t seconds;
		char unit;
	} steps[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	int64_t s = (us < 0 ? -us : us) / 1000000;
	size_t i = 0;

	if (s == 0) {
		buf_adds(out, "now");
		return;
	}
	while (s < steps[i].seconds)
		i++;
	buf_addf(out, "%s%lld%c%s", us < 0 ? "in " : "", (long long)(s / steps[i].seconds), steps[i].unit,
		 us < 0 ? "" : " ago");
}

void human_time(struct buf *out, const char *rfc3339, const struct output_settings *settings)
{
	int64_t us;
	char text[CLOCK_TEXT_SIZE];

	if (settings->time == OUTPUT_TIME_RAW || !clock_parse(rfc3339, &us)) {
		human_safe(out, rfc3339, strlen(rfc3339));
		return;
	}
	if (settings->time == OUTPUT_TIME_RELATIVE) {
		add_age(out, settings->now_us - us);
		return;
	}
	clock_format(us, text);
	buf_addf(out, "%.10s %.8sZ", text, text + 11);
}

void human_words(struct buf *out, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *word = json_string_value(json_array_get(list, i));

		buf_adds(out, i > 0 ? ", " : "");
		human_safe(out, word, strlen(word));
	}
}

void human_bytes(struct buf *out, int64_t bytes)
{
	static const char units[] = "BKMGTPE";
	double value = (double)bytes;
	int unit = 0;

	while (value >= 1024 && unit < 6) {
		value /= 1024;
		unit++;
	}
	if (unit > 0 && value < 10)
		buf_addf(out, "%.1f%c", value, units[unit]);
	else
		buf_addf(out, "%.0f%c", value, units[unit]);
}

static void add_duration(struct buf *out, double us)
{
	char text[DURATION_TEXT_SIZE];

	if (us < 0)
		buf_adds(out, "-");
	else if (us == 0)
		buf_adds(out, "0 s");
	else
		buf_adds(out, duration_format((int64_t)llround(us), text));
}

static void add_json(struct buf *out, const json_t *value)
{
	AUTO_FREE char *text = NULL;

	if (json_is_string(value)) {
		human_safe(out, json_string_value(value), json_string_length(value));
		return;
	}
	text = json_text(value);
	human_safe(out, text, strlen(text));
}

static void add_number(struct buf *out, const struct column *c, const json_t *row, const json_t *value)
{
	double number = json_number_value(value);
	char text[MONEY_TEXT_SIZE];

	switch (c->kind) {
	case COLUMN_MONEY:
		buf_adds(out, money_format(llround(number), json_string_or(row, "currency", ""), text));
		break;
	case COLUMN_MS:
		add_duration(out, number * 1e3);
		break;
	case COLUMN_SECONDS:
		add_duration(out, number * 1e6);
		break;
	case COLUMN_BYTES:
		human_bytes(out, (int64_t)number);
		break;
	case COLUMN_PERCENT:
		buf_addf(out, fabs(number) < 10 && number != 0 ? "%.1f %%" : "%.0f %%", number);
		break;
	case COLUMN_REAL:
		buf_addf(out, "%.1f", number);
		break;
	case COLUMN_TEXT:
	case COLUMN_STATE:
	case COLUMN_INT:
	case COLUMN_TIME:
	case COLUMN_BOOL:
	case COLUMN_JSON:
		add_json(out, value);
		break;
	}
}

void human_value(struct buf *out, const struct column *c, const json_t *row,
		 const struct output_settings *settings)
{
	const json_t *value = json_object_get(row, c->name);
	size_t before = out->len;

	if (c->human != NULL)
		c->human(row, out);
	else if (json_is_number(value))
		add_number(out, c, row, value);
	else if (json_is_boolean(value))
		buf_adds(out, json_is_true(value) ? "yes" : "no");
	else if (c->kind == COLUMN_TIME && json_is_string(value))
		human_time(out, json_string_value(value), settings);
	else if (value != NULL && !json_is_null(value))
		add_json(out, value);
	if (out->len == before)
		buf_addc(out, '-');
}

void human_title(struct buf *out, const struct column *c)
{
	for (const char *p = c->title != NULL ? c->title : c->name; *p != '\0'; p++)
		buf_addc(out, *p == '_' ? ' ' : (char)toupper((unsigned char)*p));
}

bool human_right(const struct column *c)
{
	switch (c->kind) {
	case COLUMN_INT:
	case COLUMN_REAL:
	case COLUMN_MONEY:
	case COLUMN_MS:
	case COLUMN_SECONDS:
	case COLUMN_BYTES:
	case COLUMN_PERCENT:
		return true;
	case COLUMN_TEXT:
	case COLUMN_STATE:
	case COLUMN_TIME:
	case COLUMN_BOOL:
	case COLUMN_JSON:
		return false;
	}
	return false;
}

const char *human_state_color(const char *word)
{
	static const struct {
		const char *word, *color;
	} colors[] = {
	    {"up", "\033[32m"},	       {"ok", "\033[32m"},	     {"paid", "\033[32m"},
	    {"ready", "\033[32m"},     {"sent", "\033[32m"},	     {"succeeded", "\033[32m"},
	    {"completed", "\033[32m"}, {"captured", "\033[32m"},     {"starting", "\033[33m"},
	    {"degraded", "\033[33m"},  {"compensating", "\033[33m"}, {"no-commit", "\033[33m"},
	    {"stopping", "\033[33m"},  {"unknown", "\033[33m"},	     {"refunded", "\033[33m"},
	    {"down", "\033[31m"},      {"failed", "\033[31m"},	     {"cancelled", "\033[31m"},
	    {"declined", "\033[31m"},  {"error", "\033[31m"},	     {"faulted", "\033[31m"},
	    {"offline", "\033[31m"},   {"burnt", "\033[31m"},	     {"done", "\033[32m"},
	    {"heating", "\033[33m"},
	};

	for (size_t i = 0; i < ARRAY_LEN(colors); i++)
		if (strcmp(colors[i].word, word) == 0)
			return colors[i].color;
	return NULL;
}
