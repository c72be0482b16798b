/*
 * Lag: groups × topics with trend and the time until they have caught up, and the partitions of one.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "tui/list.h"
#include "tui/value.h"

#define TREND 12

/* Rows with an id each. */
static json_t *with_ids(const json_t *rows, const char *first, const char *second)
{
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);
		const json_t *number = json_object_get(row, second);
		char id[256];

		if (json_object_get(row, "id") != NULL)
			continue;
		if (json_is_integer(number))
			snprintf(id, sizeof(id), "%s/%lld", json_string_or(row, first, ""),
				 (long long)json_integer_value(number));
		else
			snprintf(id, sizeof(id), "%s %s", json_string_or(row, first, ""),
				 json_string_or(row, second, ""));
		json_object_set_new(row, "id", json_string(id));
	}
	return rows != NULL ? json_incref((json_t *)rows) : NULL;
}

static json_t *lag_rows(const struct model *m)
{
	return with_ids(m->panels[FEED_LAG].data, "group", "topic");
}

static json_t *partition_rows(const struct model *m)
{
	return with_ids(m->panels[FEED_PARTITIONS].data, "topic", "partition");
}

static void history_name(const json_t *row, char name[160])
{
	snprintf(name, 160, "lag %s %s", json_string_or(row, "group", ""), json_string_or(row, "topic", ""));
}

static void add_trend(const struct model *m, const json_t *row, struct buf *out)
{
	char name[160];

	history_name(row, name);
	value_graph(out, model_history(m, name), TREND, 0);
}

/* "~9 s", "growing", or nothing when there is no lag or nobody knows yet. */
static void add_eta(const struct model *m, const json_t *row, struct buf *out)
{
	int64_t lag = json_int_or(row, "lag", -1);
	char name[160], text[DURATION_TEXT_SIZE];
	const struct history *h;
	double rate;

	history_name(row, name);
	h = model_history(m, name);
	if (lag <= 0 || h == NULL || h->count < 2)
		return;
	rate = model_rate(m, name);
	if (rate < 0)
		buf_addf(out, "~%s", duration_format((int64_t)((double)lag / -rate * 1e6), text));
	else
		buf_adds(out, rate > 0 ? "growing" : "stands");
}

/* What is not known is not 0. */
static void add_lag(const struct model *m, const json_t *row, struct buf *out)
{
	int64_t lag = json_int_or(row, "lag", -1);

	(void)m;
	if (lag < 0)
		buf_adds(out, "unknown");
	else
		value_count(out, lag);
}

static const struct list_column columns[] = {
    {.name = "group", .max = 16},
    {.name = "topic", .max = 26},
    {.name = "lag", .format = VALUE_AS_INT, .human = add_lag},
    {.name = "lag_seconds", .title = "behind", .format = VALUE_AS_SECONDS, .drop = 1},
    {.name = "trend", .human = add_trend, .drop = 3},
    {.name = "caught_up_in", .title = "caught up in", .human = add_eta, .drop = 4},
    {.name = "parked", .format = VALUE_AS_INT, .drop = 5},
    {.name = "members", .format = VALUE_AS_INT, .drop = 6},
    {.name = "state", .format = VALUE_AS_STATE, .drop = 2},
    {.name = NULL},
};

static const struct action actions[] = {{.name = "partitions",
					 .text = "partition by partition",
					 .command = "lag --group {group} --by partition -o wide",
					 .opens = "partitions",
					 .member = "group"},
					{.key = 't',
					 .name = "messages",
					 .text = "what is in the topic",
					 .command = "topic tail {topic} -f",
					 .opens = "messages",
					 .member = "topic"},
					{.key = 'l',
					 .name = "log",
					 .text = "what the group's daemon says",
					 .command = "logs {group} -f",
					 .opens = "logs",
					 .member = "group"},
					{.name = NULL}};

const struct screen screen_lag = {
    .name = "lag",
    .text = "how far consumers are behind",
    .key = '4',
    .feeds = FEED_BIT(LAG),
    .main = FEED_LAG,
    .id = "id",
    .columns = columns,
    .empty = "no group has read anything yet",
    .rows = lag_rows,
    .actions = actions,
};

static const struct list_column partition_columns[] = {
    {.name = "topic", .max = 26},
    {.name = "partition", .title = "part", .format = VALUE_AS_INT},
    {.name = "lag", .format = VALUE_AS_INT, .human = add_lag},
    {.name = "lag_seconds", .title = "behind", .format = VALUE_AS_SECONDS},
    {.name = "committed", .format = VALUE_AS_INT, .drop = 3},
    {.name = "end", .format = VALUE_AS_INT, .drop = 4},
    {.name = "state", .format = VALUE_AS_STATE, .drop = 1},
    {.name = "member", .max = 30, .drop = 2},
    {.name = NULL},
};

static const struct action partition_actions[] = {{.key = 't',
						   .name = "messages",
						   .text = "what is in the topic",
						   .command = "topic tail {topic} -f",
						   .opens = "messages",
						   .member = "topic"},
						  {.name = NULL}};

const struct screen screen_partitions = {
    .name = "partitions",
    .text = "the lag of a group, partition by partition",
    .feeds = FEED_BIT(PARTITIONS),
    .main = FEED_PARTITIONS,
    .id = "id",
    .columns = partition_columns,
    .empty = "there is no such group",
    .detail = true,
    .rows = partition_rows,
    .subjects = {FEED_LAG, "group"},
    .actions = partition_actions,
};
