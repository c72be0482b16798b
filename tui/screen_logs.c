/*
 * Logs: all daemons in order of time, and one line.
 */
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "tui/list.h"
#include "tui/value.h"

static bool is_fixed(const char *name)
{
	static const char *const fixed[] = {"ts", "level", "service", "replica", "msg", "number"};

	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		if (strcmp(fixed[i], name) == 0)
			return true;
	return false;
}

static void add_text(struct buf *out, const json_t *value)
{
	if (json_is_string(value))
		buf_adds(out, json_string_value(value));
	else if (value != NULL)
		json_add(out, value, JSON_COMPACT);
}

/* The message, then everything else as name=value. */
static void add_line(const struct model *m, const json_t *row, struct buf *out)
{
	const char *name;
	json_t *value;

	(void)m;
	buf_adds(out, json_string_or(row, "msg", ""));
	json_object_foreach ((json_t *)row, name, value) {
		if (is_fixed(name) || json_is_null(value))
			continue;
		buf_addf(out, " %s=", name);
		add_text(out, value);
	}
}

static void add_who(const struct model *m, const json_t *row, struct buf *out)
{
	int64_t replica = json_int_or(row, "replica", 0);

	(void)m;
	buf_adds(out, json_string_or(row, "service", "?"));
	if (replica > 0)
		buf_addf(out, ".%lld", (long long)replica);
}

static const struct list_column columns[] = {
    {.name = "ts", .title = "time", .format = VALUE_AS_CLOCK, .drop = 2},
    {.name = "level", .format = VALUE_AS_STATE},
    {.name = "service", .human = add_who, .max = 16, .drop = 1},
    {.name = "msg", .title = "message", .human = add_line, .max = 400},
    {.name = NULL},
};

static const struct action actions[] = {{.name = "show",
					 .text = "the whole line",
					 .command = "logs {service} -o yaml",
					 .opens = "line",
					 .member = "service"},
					{.key = 'v',
					 .name = "saga",
					 .text = "what happened to the order it names",
					 .command = "saga show {order_id}",
					 .opens = "saga",
					 .member = "order_id"},
					{.name = NULL}};

static const char *const levels[] = {"", "info", "warn", "error", NULL};

const struct screen screen_logs = {
    .name = "logs",
    .text = "what the services say; also :logs LEVEL SERVICE ORDER",
    .key = '0',
    .feeds = FEED_BIT(LOGS),
    .main = FEED_LOGS,
    .id = "number",
    .columns = columns,
    .empty = "nothing was said in the last 15 minutes",
    .narrows = levels,
    .subjects = {FEED_STATUS, "name"},
    .actions = actions,
};

static void write_line(const struct model *m, struct sheet *s, int width)
{
	const json_t *row = json_array_get(m->views[m->depth - 1].rows, 0);
	const char *level = json_string_or(row, "level", "?"), *name;
	json_t *value;

	sheet_add(s, STYLE_DIM, "%s   ", json_string_or(row, "ts", "-"));
	sheet_add(s, value_style(level), "%s %s   ", value_mark(value_style(level)), level);
	sheet_line(s, STYLE_STRONG, "%s", json_string_or(row, "service", "?"));
	sheet_end(s);
	sheet_text(s, STYLE_PLAIN, json_string_or(row, "msg", ""), width);
	sheet_end(s);
	json_object_foreach ((json_t *)row, name, value) {
		CLEANUP(buf_done) struct buf text = {0};

		if (is_fixed(name))
			continue;
		add_text(&text, value);
		sheet_line(s, STYLE_DIM, "%s", name);
		sheet_text(s, STYLE_PLAIN, buf_str(&text), width);
	}
}

const struct screen screen_line = {
    .name = "line",
    .text = "one line of a log, opened from the logs",
    .main = FEED_NONE,
    .id = "order_id",
    .detail = true,
    .write = write_line,
    .actions = &actions[1],
};
