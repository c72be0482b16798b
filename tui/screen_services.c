/*
 * Services: all, and one with its processes, what it reads and what it writes.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/control.h"
#include "core/console/metrics.h"
#include "core/contract/daemons.h"
#include "tui/list.h"
#include "tui/red.h"
#include "tui/value.h"

static int restart(struct console *c, const struct action_call *call, struct buf *said, struct error *err)
{
	(void)c;
	(void)said;
	return control_restart(json_string_or(call->row, "name", ""), err);
}

static int start(struct console *c, const struct action_call *call, struct buf *said, struct error *err)
{
	(void)c;
	(void)said;
	return control_start(json_string_or(call->row, "name", ""), err);
}

static int stop(struct console *c, const struct action_call *call, struct buf *said, struct error *err)
{
	(void)c;
	(void)said;
	return control_stop(json_string_or(call->row, "name", ""), err);
}

static int scale(struct console *c, const struct action_call *call, struct buf *said, struct error *err)
{
	char warning[200] = "", *end = NULL;
	long n = strtol(call->value, &end, 10);
	int rc;

	(void)c;
	if (end == call->value || *end != '\0' || n < 0 || n > 1000)
		return error_set(err, ERR_USAGE, "replicas", "\"%.40s\" is no number of them", call->value);
	rc = control_scale(json_string_or(call->row, "name", ""), (int)n, warning, err);
	buf_adds(said, warning);
	return rc;
}

#define RESTART                                                                                            \
	{                                                                                                  \
		.key = 'r', .name = "restart", .text = "stops and starts it", .command = "restart {name}", \
		.changes = true, .asks = true, .run = restart                                              \
	}
#define START                                                                                \
	{                                                                                    \
		.key = 'a', .name = "start", .text = "starts it", .command = "start {name}", \
		.changes = true, .run = start                                                \
	}
#define STOP                                                                         \
	{                                                                            \
		.key = 't', .name = "stop", .text = "stops it until it is started",  \
		.command = "stop {name}", .changes = true, .asks = true, .run = stop \
	}
#define SCALE                                                                                           \
	{                                                                                               \
		.key = '=', .name = "scale", .text = "sets how many instances it shall have",           \
		.command = "scale {name}={value}", .prompt = "instances", .changes = true, .run = scale \
	}
#define LOGS                                                                                    \
	{                                                                                       \
		.key = 'l', .name = "log", .text = "what it says", .command = "logs {name} -f", \
		.opens = "logs", .member = "name"                                               \
	}

static const struct action list_actions[] = {{.name = "show",
					      .text = "its processes, what it reads and writes",
					      .command = "status {name} -o yaml",
					      .opens = "service",
					      .member = "name"},
					     RESTART,
					     START,
					     STOP,
					     SCALE,
					     LOGS,
					     {.name = NULL}};
static const struct action service_actions[] = {RESTART, START, STOP, SCALE, LOGS, {.name = NULL}};

/* "2/2" where a number is wanted, "1" for what there is one of. */
static void add_replicas(const struct model *m, const json_t *row, struct buf *out)
{
	int64_t wanted = json_int_or(row, "replicas_wanted", -1);

	(void)m;
	if (!json_is_integer(json_object_get(row, "replicas")))
		return;
	buf_addf(out, "%lld", (long long)json_int_or(row, "replicas", 0));
	if (wanted >= 0 && strcmp(json_string_or(row, "kind", ""), "daemon") == 0)
		buf_addf(out, "/%lld", (long long)wanted);
}

static void add_load(const struct model *m, const json_t *row, struct buf *out)
{
	char name[96];

	snprintf(name, sizeof(name), "cpu %s", json_string_or(row, "name", ""));
	value_graph(out, model_history(m, name), 12, 0);
}

/* Small rates with a decimal. */
static void add_rate(const struct model *m, const json_t *row, struct buf *out)
{
	const json_t *value = json_object_get(row, "rate");
	double rate = json_number_value(value);

	(void)m;
	if (json_is_number(value))
		buf_addf(out, rate > 0 && rate < 9.95 ? "%.1f" : "%.0f", rate);
}

static void set_number(json_t *row, const char *name, double value)
{
	json_object_set_new(row, name, isfinite(value) ? json_real(value) : json_null());
}

/* A service as the status has it, with what its metrics say. */
static json_t *with_red(const struct model *m, const json_t *service)
{
	const char *name = json_string_or(service, "name", ""), *breaker = red_breaker(m, name);
	struct red red = red_of(m, name);
	json_t *row = json_copy((json_t *)service);

	set_number(row, "rate", red.rate);
	set_number(row, "errors_percent", red.errors_percent);
	set_number(row, "p50_ms", red.p50_ms);
	set_number(row, "p99_ms", red.p99_ms);
	json_object_set_new(row, "breaker", breaker != NULL ? json_string(breaker) : json_null());
	return row;
}

static json_t *services_rows(const struct model *m)
{
	const json_t *all = m->panels[FEED_STATUS].data;
	json_t *rows = json_array();

	for (size_t i = 0; i < json_array_size(all); i++)
		json_array_append_new(rows, with_red(m, json_array_get(all, i)));
	return rows;
}

static const struct list_column columns[] = {
    {.name = "name", .max = 16},
    {.name = "state", .format = VALUE_AS_STATE, .max = 12},
    {.name = "replicas", .format = VALUE_AS_INT, .human = add_replicas, .drop = 4},
    {.name = "cpu_percent", .title = "cpu", .format = VALUE_AS_PERCENT, .drop = 2},
    {.name = "load", .title = "cpu trend", .human = add_load, .drop = 6},
    {.name = "rss_bytes", .title = "mem", .format = VALUE_AS_BYTES, .drop = 3},
    {.name = "rate", .title = "work/s", .format = VALUE_AS_INT, .human = add_rate, .drop = 4},
    {.name = "errors_percent", .title = "errors", .format = VALUE_AS_PERCENT, .drop = 4},
    {.name = "p50_ms", .title = "p50", .format = VALUE_AS_MS, .drop = 7},
    {.name = "p99_ms", .title = "p99", .format = VALUE_AS_MS, .drop = 4},
    {.name = "breaker", .format = VALUE_AS_STATE, .drop = 6},
    {.name = "restarts", .format = VALUE_AS_INT, .drop = 5},
    {.name = "uptime_seconds", .title = "up", .format = VALUE_AS_SECONDS, .drop = 5},
    {.name = "reason", .title = "why", .drop = 1},
    {.name = NULL},
};

const struct screen screen_services = {
    .name = "services",
    .text = "daemons and backing services",
    .key = '8',
    .feeds = FEED_BIT(STATUS) | FEED_BIT(METRICS),
    .main = FEED_STATUS,
    .id = "name",
    .rows = services_rows,
    .columns = columns,
    .empty = "nothing runs",
    .actions = list_actions,
};

/* --- one --- */

static json_t *service_rows(const struct model *m)
{
	const json_t *service = model_service(m, m->views[m->depth - 1].subject);

	return service != NULL ? json_pack("[o]", with_red(m, service)) : json_array();
}

static void fact(const struct model *m, struct sheet *s, const json_t *row, const struct list_column *c)
{
	CLEANUP(buf_done) struct buf text = {0};
	enum style style =
	    c->format == VALUE_AS_STATE ? value_style(json_string_or(row, c->name, "")) : STYLE_PLAIN;

	value_add(&text, m, c, row);
	sheet_fact(s, c->title != NULL ? c->title : c->name, style, buf_str(&text));
}

static void write_instances(const struct model *m, struct sheet *s, const json_t *instances)
{
	(void)m;
	sheet_end(s);
	sheet_line(s, STYLE_TITLE, "PROCESSES");
	for (size_t i = 0; i < json_array_size(instances); i++) {
		const json_t *each = json_array_get(instances, i);
		const char *state = json_string_or(each, "state", "?");

		sheet_add(s, STYLE_PLAIN, "%4lld  pid %-8lld",
			  (long long)json_int_or(each, "replica", (int64_t)i),
			  (long long)json_int_or(each, "pid", 0));
		sheet_add(s, value_style(state), "%s %-10s", value_mark(value_style(state)), state);
		sheet_line(s, STYLE_DIM, "  port %lld   restarts %lld",
			   (long long)json_int_or(each, "port", 0),
			   (long long)json_int_or(each, "restarts", 0));
	}
}

static void write_lag(const struct model *m, struct sheet *s, const char *group)
{
	const json_t *rows = m->panels[FEED_LAG].data;
	bool titled = false;

	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		int64_t lag = json_int_or(row, "lag", -1);

		if (strcmp(json_string_or(row, "group", ""), group) != 0)
			continue;
		if (!titled) {
			sheet_end(s);
			sheet_line(s, STYLE_TITLE, "READS");
		}
		titled = true;
		sheet_add(s, STYLE_PLAIN, "      %-26s", json_string_or(row, "topic", "?"));
		if (lag < 0)
			sheet_line(s, STYLE_WARN, "lag unknown");
		else
			sheet_line(s, lag > 0 ? STYLE_WARN : STYLE_GOOD, "lag %lld", (long long)lag);
	}
}

static void write_bar(struct sheet *s, const char *name, int width, double share, double count)
{
	CLEANUP(buf_done) struct buf bar = {0};
	int cells = (int)lround(share * width);

	for (int i = 0; i < (cells > 0 || count <= 0 ? cells : 1); i++)
		buf_adds(&bar, "█");
	sheet_add(s, STYLE_DIM, "%16s  ", name);
	sheet_add(s, STYLE_ACCENT, "%s ", buf_str(&bar));
	sheet_line(s, STYLE_PLAIN, "%.0f", count);
}

/* How long it took since the daemon's start, from the first bucket with something in it to the last. */
static void write_histogram(struct sheet *s, const char *title, const json_t *buckets, int width)
{
	double most = 0;
	int first = -1, last = -1;

	for (size_t i = 0; i < json_array_size(buckets); i++) {
		double n = json_number_value(json_array_get(buckets, i));

		first = n > 0 && first < 0 ? (int)i : first;
		last = n > 0 ? (int)i : last;
		most = n > most ? n : most;
	}
	if (first < 0)
		return;
	sheet_end(s);
	sheet_line(s, STYLE_TITLE, "%s", title);
	for (int i = first; i <= last; i++) {
		double n = json_number_value(json_array_get(buckets, (size_t)i)), bound = metrics_bound_ms(i);
		char name[32];

		if (isfinite(bound))
			snprintf(name, sizeof(name), bound < 1000 ? "%.3g ms" : "%.3g s",
				 bound < 1000 ? bound : bound / 1000);
		else
			snprintf(name, sizeof(name), "more");
		write_bar(s, name, width, n / most, n);
	}
}

static void write_breakers(struct sheet *s, const json_t *breakers)
{
	for (size_t i = 0; i < json_array_size(breakers); i++) {
		const json_t *each = json_array_get(breakers, i);
		const char *state = json_string_or(each, "state", "?");

		sheet_add(s, STYLE_DIM, "%-16s", i == 0 ? "breakers" : "");
		sheet_add(s, value_style(state), "%s %s", value_mark(value_style(state)), state);
		sheet_line(s, STYLE_PLAIN, "   %s", json_string_or(each, "provider", "?"));
	}
}

static void write_service(const struct model *m, struct sheet *s, int width)
{
	const json_t *row = json_array_get(m->views[m->depth - 1].rows, 0);
	const struct daemon_info *d = daemon_find(json_string_or(row, "name", ""));

	const json_t *metrics = red_row(m, json_string_or(row, "name", ""));
	int bars = width > 100 ? 60 : width > 60 ? width - 40 : 20;

	if (d != NULL)
		sheet_line(s, STYLE_STRONG, "%s", d->text);
	for (const struct list_column *c = columns; c->name != NULL; c++)
		fact(m, s, row, c);
	if (d != NULL && d->database != NULL)
		sheet_fact(s, "database", STYLE_PLAIN, d->database);
	write_breakers(s, json_object_get(metrics, "breakers"));
	write_instances(m, s, json_object_get(row, "instances"));
	write_histogram(s, "TIME OF REQUESTS AND BATCHES, SINCE THE START",
			json_object_get(metrics, "buckets"), bars);
	write_histogram(s, "TIME OF CALLS TO PROVIDERS, SINCE THE START",
			json_object_get(metrics, "call_buckets"), bars);
	write_lag(m, s, json_string_or(row, "name", ""));
	if (d != NULL && d->produces[0] != NULL) {
		sheet_end(s);
		sheet_line(s, STYLE_TITLE, "WRITES");
		for (int i = 0; i < DAEMON_TOPICS_MAX && d->produces[i] != NULL; i++)
			sheet_line(s, STYLE_PLAIN, "      %s", d->produces[i]);
	}
}

const struct screen screen_service = {
    .name = "service",
    .text = "one service",
    .feeds = FEED_BIT(STATUS) | FEED_BIT(LAG) | FEED_BIT(METRICS),
    .main = FEED_NONE,
    .id = "name",
    .detail = true,
    .rows = service_rows,
    .write = write_service,
    .subjects = {FEED_STATUS, "name"},
    .actions = service_actions,
};
