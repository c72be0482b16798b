/*
 * Topics, the messages of one as they come, and one message.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "tui/list.h"
#include "tui/value.h"

static void topic_history(const json_t *row, char name[160])
{
	snprintf(name, 160, "topic %s", json_string_or(row, "topic", ""));
}

static void add_rate(const struct model *m, const json_t *row, struct buf *out)
{
	char name[160];
	double rate;

	topic_history(row, name);
	rate = model_rate(m, name);
	if (rate > 0)
		buf_addf(out, rate < 10 ? "%.1f/s" : "%.0f/s", rate);
}

static const struct list_column topic_columns[] = {
    {.name = "topic", .max = 32},
    {.name = "partition_count", .title = "partitions", .format = VALUE_AS_INT, .drop = 2},
    {.name = "messages", .format = VALUE_AS_INT},
    {.name = "rate", .format = VALUE_AS_INT, .human = add_rate},
    {.name = "leaderless", .format = VALUE_AS_INT, .drop = 1},
    {.name = NULL},
};

static const struct action topic_actions[] = {{.name = "messages",
					       .text = "its messages, as they come",
					       .command = "topic tail {topic} -f",
					       .opens = "messages",
					       .member = "topic"},
					      {.name = NULL}};

const struct screen screen_topics = {
    .name = "topics",
    .text = "topics and their traffic",
    .key = '6',
    .feeds = FEED_BIT(TOPICS),
    .main = FEED_TOPICS,
    .id = "topic",
    .columns = topic_columns,
    .empty = "there are no topics",
    .actions = topic_actions,
};

/* --- messages --- */

/* What the event says; all of it where it is none. */
static void add_data(const struct model *m, const json_t *row, struct buf *out)
{
	const json_t *value = json_object_get(row, "value");
	const json_t *data = json_object_get(value, "event_data");

	(void)m;
	if (json_is_string(value))
		buf_adds(out, json_string_value(value));
	else if (value != NULL)
		json_add(out, data != NULL ? data : value, JSON_COMPACT);
}

static const struct list_column message_columns[] = {
    {.name = "timestamp", .title = "time", .format = VALUE_AS_CLOCK},
    {.name = "partition", .title = "part", .format = VALUE_AS_INT, .drop = 3},
    {.name = "offset", .format = VALUE_AS_INT, .drop = 2},
    {.name = "type", .max = 22},
    {.name = "key", .format = VALUE_AS_ID, .max = 36},
    {.name = "data", .human = add_data, .max = 60, .drop = 1},
    {.name = NULL},
};

static const struct action message_actions[] = {{.name = "show",
						 .text = "the whole message",
						 .command = "topic tail {topic} --key {key} -o yaml",
						 .opens = "message",
						 .member = "topic"},
						{.key = 'e',
						 .name = "key",
						 .text = "only messages with this key",
						 .command = "topic tail {topic} --key {key} -f",
						 .opens = "messages",
						 .member = "of_key"},
						{.key = 't',
						 .name = "type",
						 .text = "only events of this type",
						 .command = "topic tail {topic} --type {type} -f",
						 .opens = "messages",
						 .member = "of_type"},
						{.key = 'v',
						 .name = "saga",
						 .text = "what happened to the order that is its key",
						 .command = "saga show {key}",
						 .opens = "saga",
						 .member = "key"},
						{.name = NULL}};

const struct screen screen_messages = {
    .name = "messages",
    .text = "messages of a topic, as they come; also :messages TOPIC KEY TYPE",
    .feeds = FEED_BIT(MESSAGES),
    .main = FEED_MESSAGES,
    .id = "number",
    .columns = message_columns,
    .empty = "nothing yet; with a key or a type the topic is searched far back first",
    .detail = true,
    .subjects = {FEED_TOPICS, "topic"},
    .actions = message_actions,
};

/* --- one message --- */

/* What is kept of a large one. */
static void write_value_title(struct sheet *s, const json_t *row)
{
	int64_t bytes = json_int_or(row, "value_bytes", 0);
	CLEANUP(buf_done) struct buf text = {0};

	if (bytes > 0) {
		value_bytes(&text, (double)bytes);
		sheet_line(s, STYLE_TITLE, "VALUE, the beginning of %s", buf_str(&text));
	} else {
		sheet_line(s, STYLE_TITLE, "VALUE");
	}
}

static void write_message(const struct model *m, struct sheet *s, int width)
{
	const json_t *row = json_array_get(m->views[m->depth - 1].rows, 0),
		     *value = json_object_get(row, "value");
	AUTO_FREE char *text = json_is_string(value) ? xstrdup(json_string_value(value)) : json_pretty(value);
	const char *name;
	json_t *header;
	char place[64];

	snprintf(place, sizeof(place), "%lld@%lld", (long long)json_int_or(row, "partition", -1),
		 (long long)json_int_or(row, "offset", -1));
	sheet_fact(s, "topic", STYLE_STRONG, json_string_or(row, "topic", "?"));
	sheet_fact(s, "partition@offset", STYLE_PLAIN, place);
	sheet_fact(s, "time", STYLE_PLAIN, json_string_or(row, "timestamp", "-"));
	sheet_fact(s, "key", STYLE_PLAIN, json_string_or(row, "key", "-"));
	sheet_end(s);
	sheet_line(s, STYLE_TITLE, "HEADERS");
	json_object_foreach (json_object_get(row, "headers"), name, header)
		sheet_fact(s, name, STYLE_PLAIN, json_is_string(header) ? json_string_value(header) : "-");
	sheet_end(s);
	write_value_title(s, row);
	sheet_text(s, STYLE_PLAIN, text, width);
}

const struct screen screen_message = {
    .name = "message",
    .text = "one message, opened from the messages of a topic",
    .main = FEED_NONE,
    .id = "key",
    .detail = true,
    .write = write_message,
    .actions = &message_actions[3],
};
