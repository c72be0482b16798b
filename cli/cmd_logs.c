/*
 * pizzactl logs: the logs of all services in order of time.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/follow.h"
#include "cli/human.h"
#include "cli/interrupt.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/logs.h"

#define TAIL "200"

static const char *level_color(const char *level)
{
	if (strcmp(level, "error") == 0)
		return "\033[31m";
	if (strcmp(level, "warn") == 0)
		return "\033[33m";
	return strcmp(level, "debug") == 0 ? "\033[2m" : NULL;
}

static bool is_fixed(const char *name)
{
	static const char *const fixed[] = {"ts", "level", "service", "replica", "msg"};

	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		if (strcmp(fixed[i], name) == 0)
			return true;
	return false;
}

/* Everything else the line says, as name=value. */
static void add_fields(struct buf *out, const json_t *row)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)row, name, value) {
		AUTO_FREE char *text = NULL;

		if (is_fixed(name) || json_is_null(value))
			continue;
		buf_addf(out, " %s=", name);
		text = json_is_string(value) ? xstrdup(json_string_value(value)) : json_text(value);
		human_safe(out, text, strlen(text));
	}
}

/* "12:30:01.114 warn  paymentd.1   the breaker is open provider=stripe" */
static void add_line(void *arg, const json_t *row, struct buf *out)
{
	const struct cli *c = arg;
	const char *ts = json_string_or(row, "ts", ""), *level = json_string_or(row, "level", "info");
	const char *msg = json_string_or(row, "msg", ""), *shade = c->color ? level_color(level) : NULL;
	char who[64];
	int64_t replica = json_int_or(row, "replica", 0);

	if (replica > 0)
		snprintf(who, sizeof(who), "%s.%lld", json_string_or(row, "service", "?"),
			 (long long)replica);
	else
		snprintf(who, sizeof(who), "%s", json_string_or(row, "service", "?"));
	cli_add_moment(c, out, ts);
	buf_addf(out, " %s%-5s%s %-13s ", shade != NULL ? shade : "", level, shade != NULL ? "\033[0m" : "",
		 who);
	human_safe(out, msg, strlen(msg));
	add_fields(out, row);
	buf_addc(out, '\n');
}

static int read_logs(struct cli *c, struct follow *f, struct error *err)
{
	int64_t since = cli_ms(c, "since", -1);
	bool narrowed = since >= 0 || cli_text(c, "order") != NULL;
	char id[UUID_TEXT_SIZE];
	struct uuid order;
	struct logs_query q = {
	    .services = c->given.arguments,
	    .service_count = cli_arguments(c),
	    .since_us = since < 0 ? -1 : clock_wall_us() - since * 1000,
	    .tail = narrowed && !cli_given(c, "number") ? -1 : cli_int(c, "number", 0),
	    .follow = cli_flag(c, "follow"),
	    .stop = &interrupted,
	    .cursor = f->cursor,
	};
	struct console *console = NULL;
	int rc = cli_order_option(c, &order, err);

	if (rc == 0 && !uuid_is_nil(order))
		q.order_id = uuid_format(order, id);
	if (rc == 0)
		rc = cli_console(c, &console, err);
	if (!log_level_parse(cli_text(c, "level"), &q.level))
		q.level = LOG_DEBUG;
	if (q.tail == 0 && !q.follow)
		q.tail = -1;
	return rc < 0 ? rc : logs_read(&q, follow_row, f, err);
}

static int logs(struct cli *c, struct error *err)
{
	struct follow f;
	int rc = follow_open(c, cli_flag(c, "follow"), &f, err);

	if (rc < 0)
		return rc;
	output_lines(f.out, add_line, c);
	rc = read_logs(c, &f, err);
	return follow_close(&f, rc, err);
}

static const struct column log_columns[] = {
    {.name = "ts", .title = "time", .kind = COLUMN_TIME, .text = "when"},
    {.name = "level", .kind = COLUMN_STATE, .text = "debug, info, warn or error"},
    {.name = "service", .flags = COLUMN_ID, .text = "who"},
    {.name = "replica", .kind = COLUMN_INT, .text = "which instance"},
    {.name = "msg", .title = "message", .text = "what"},
    {.name = NULL},
};

static const char *const level_words[] = {"debug", "info", "warn", "error", NULL};

static const struct option_def log_options[] = {
    FOLLOW_OPTION,
    CURSOR_OPTION,
    {.name = "level",
     .kind = VALUE_WORD,
     .value = "LEVEL",
     .text = "at least this serious",
     .fallback = "debug",
     .words = level_words},
    {.name = "order",
     .kind = VALUE_TEXT,
     .value = "ORDER",
     .text = "only lines that name this order; its id's beginning is enough"},
    {.name = "since", .kind = VALUE_DURATION, .value = "D", .text = "only lines of the last D"},
    {.name = "number",
     .letter = 'n',
     .kind = VALUE_INT,
     .value = "N",
     .text = "the last N lines, 0: all; with --since or --order all",
     .fallback = TAIL},
    {.name = NULL},
};

static const struct argument_def log_arguments[] = {
    {.name = "DAEMON", .text = "these alone, also postgres and kafka", .optional = true, .repeat = true},
    {.name = NULL},
};

const struct noun noun_logs = {
    .name = "logs",
    .group = "system",
    .summary = "the logs of all services in order of time",
    .commands =
	(const struct command[]){
	    {.summary = "the logs of all services in order of time",
	     .arguments = log_arguments,
	     .options = log_options,
	     .columns = log_columns,
	     .shape = SHAPE_STREAM,
	     .examples = {"pizzactl logs -f --level warn", "pizzactl logs paymentd orderd --since 5m",
			  "pizzactl logs --order 01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11"},
	     .run = logs},
	    {.run = NULL},
	},
};
