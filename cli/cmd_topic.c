/*
 * pizzactl topic: topics, their messages, and putting one in.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/follow.h"
#include "cli/human.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/resource.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/topics.h"

#define HEADERS_MAX 32

static int write_topics(struct console *console, void *arg, struct output *o, struct error *err)
{
	(void)arg;
	return topics_list(console, resource_row, o, err);
}

static int topic_ls(struct cli *c, struct error *err)
{
	return cli_rows(c, write_topics, NULL, err);
}

static int topic_show(struct cli *c, struct error *err)
{
	struct console *console = NULL;
	json_t *topic = NULL;
	int rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = topics_show(console, cli_argument(c, 0), &topic, err);
	return rc < 0 ? rc : cli_show(c, topic, err);
}

/* --- tail --- */

/* "12:30:01.114  3@1842  key  OrderCreated  {…}" */
static void add_message(void *arg, const json_t *m, struct buf *text)
{
	const char *at = json_string_or(m, "timestamp", ""), *key = json_string_or(m, "key", "-");
	const json_t *value = json_object_get(m, "value");
	const char *type = json_string_or(value, "event_type", NULL);
	const json_t *data = type != NULL ? json_object_get(value, "event_data") : value;
	AUTO_FREE char *body = data != NULL ? json_text(data) : NULL;

	cli_add_moment(arg, text, at);
	buf_addf(text, "  %lld@%lld  ", (long long)json_int_or(m, "partition", 0),
		 (long long)json_int_or(m, "offset", 0));
	human_safe(text, key, strlen(key));
	buf_adds(text, "  ");
	if (type != NULL) {
		human_safe(text, type, strlen(type));
		buf_adds(text, "  ");
	}
	if (body != NULL)
		human_safe(text, body, strlen(body));
	buf_addc(text, '\n');
}

static int tail(struct cli *c, struct follow *f, struct error *err)
{
	const char *topic = cli_argument(c, 0);
	int64_t since = cli_ms(c, "since", -1);
	bool more = false;
	struct topics_read read = {
	    .topics = &topic,
	    .topic_count = 1,
	    .since_us = since < 0 ? -1 : clock_wall_us() - since * 1000,
	    .tail = cli_int(c, "number", since < 0 ? 10 : -1),
	    .follow = cli_flag(c, "follow"),
	    .stop = &interrupted,
	    .key = cli_text(c, "key"),
	    .type = cli_text(c, "type"),
	    .where = output_where(f->out),
	    .more = &more,
	    .cursor = f->cursor,
	};
	struct console *console = NULL;
	int rc = cli_console(c, &console, err);

	if (read.tail == 0 && !read.follow)
		read.tail = -1;
	if (rc == 0)
		rc = topics_read(console, &read, follow_row, f, err);
	if (rc == 0 && more)
		cli_say(c, "Looked at the last %d messages of each partition; --since D looks further back.",
			TOPICS_LOOK_MAX);
	return rc;
}

static int topic_tail(struct cli *c, struct error *err)
{
	struct follow f;
	int rc = follow_open(c, cli_flag(c, "follow"), &f, err);

	if (rc < 0)
		return rc;
	output_lines(f.out, add_message, c);
	rc = tail(c, &f, err);
	return follow_close(&f, rc, err);
}

/* --- produce --- */

static int read_headers(struct cli *c, struct bus_header *headers, char **names, int *ret, struct error *err)
{
	const char *text;
	int cursor = 0, n = 0;

	while ((text = cli_next(c, "header", &cursor)) != NULL) {
		const char *equals = strchr(text, '=');

		*ret = n;
		if (equals == NULL || equals == text)
			return error_set(err, ERR_USAGE, "--header", "\"%.60s\" is not NAME=VALUE", text);
		if (n == HEADERS_MAX)
			return error_set(err, ERR_USAGE, "--header", "at most %d can be given", HEADERS_MAX);
		names[n] = xstrndup(text, (size_t)(equals - text));
		headers[n] = (struct bus_header){names[n], equals + 1, strlen(equals + 1)};
		n++;
	}
	*ret = n;
	return 0;
}

static int read_value(struct cli *c, struct buf *value, struct error *err)
{
	const char *text = cli_text(c, "value");

	if (text == NULL)
		return input_read(cli_text(c, "file") != NULL ? cli_text(c, "file") : "-", value, err);
	buf_adds(value, text);
	return 0;
}

static int send_message(struct cli *c, const struct topics_message *m, struct error *err)
{
	struct console *console = NULL;
	json_t *answer = NULL;
	int rc;

	if (cli_flag(c, "dry-run")) {
		cli_say(c, "Nothing was done: %zu bytes would go to %s.", m->value_len, m->topic);
		return 0;
	}
	rc = cli_console(c, &console, err);
	if (rc == 0)
		rc = topics_show(console, m->topic, &answer, err);
	if (rc < 0)
		return rc;
	json_decref(answer);
	rc = topics_produce(console, m, &answer, err);
	return rc < 0 ? rc : cli_show(c, answer, err);
}

static int topic_produce(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf value = {0};
	struct bus_header headers[HEADERS_MAX];
	char *names[HEADERS_MAX];
	struct topics_message m = {
	    .topic = cli_argument(c, 0), .key = cli_text(c, "key"), .headers = headers};
	int rc = read_headers(c, headers, names, &m.header_count, err);

	if (rc == 0 && !cli_flag(c, "tombstone"))
		rc = read_value(c, &value, err);
	m.value = cli_flag(c, "tombstone") ? NULL : buf_str(&value);
	m.value_len = value.len;
	if (rc == 0)
		rc = send_message(c, &m, err);
	for (int i = 0; i < m.header_count; i++)
		free(names[i]);
	return rc;
}

/* --- the table --- */

static const struct column list_columns[] = {
    {.name = "topic", .flags = COLUMN_ID, .text = "the topic's name"},
    {.name = "partition_count", .title = "partitions", .kind = COLUMN_INT, .text = "how many it has"},
    {.name = "messages", .kind = COLUMN_INT, .text = "end minus beginning of all partitions"},
    {.name = "leaderless", .kind = COLUMN_INT, .flags = COLUMN_WIDE, .text = "partitions that nobody serves"},
    {.name = NULL},
};

static const struct column partition_columns[] = {
    {.name = "partition", .kind = COLUMN_INT}, {.name = "leader", .kind = COLUMN_INT},
    {.name = "begin", .kind = COLUMN_INT},     {.name = "end", .kind = COLUMN_INT},
    {.name = "messages", .kind = COLUMN_INT},  {.name = NULL},
};

static const struct column show_columns[] = {
    {.name = "topic", .flags = COLUMN_ID, .text = "the topic's name"},
    {.name = "partition_count", .title = "partitions", .kind = COLUMN_INT, .text = "how many it has"},
    {.name = "messages", .kind = COLUMN_INT, .text = "end minus beginning of all partitions"},
    {.name = "leaderless", .kind = COLUMN_INT, .text = "partitions that nobody serves"},
    {.name = "partitions",
     .title = "",
     .kind = COLUMN_JSON,
     .nested = partition_columns,
     .text = "leader, beginning and end of each"},
    {.name = NULL},
};

static const struct column message_columns[] = {
    {.name = "topic", .flags = COLUMN_WIDE, .text = "where it lies"},
    {.name = "partition", .kind = COLUMN_INT, .text = "in the topic"},
    {.name = "offset", .kind = COLUMN_INT, .flags = COLUMN_ID, .text = "in the partition"},
    {.name = "timestamp", .kind = COLUMN_TIME, .text = "when it was written"},
    {.name = "key", .text = "the message's key"},
    {.name = "headers", .kind = COLUMN_JSON, .flags = COLUMN_WIDE, .text = "by name"},
    {.name = "value", .kind = COLUMN_JSON, .text = "JSON where it is, else text"},
    {.name = NULL},
};

static const struct column produced_columns[] = {
    {.name = "topic", .text = "where it lies"},
    {.name = "partition", .kind = COLUMN_INT, .text = "in the topic"},
    {.name = "offset", .kind = COLUMN_INT, .flags = COLUMN_ID, .text = "in the partition"},
    {.name = NULL},
};

static const struct option_def tail_options[] = {
    FOLLOW_OPTION,
    CURSOR_OPTION,
    {.name = "key", .kind = VALUE_TEXT, .value = "KEY", .text = "only messages with this key"},
    {.name = "type", .kind = VALUE_TEXT, .value = "EVENT", .text = "only events of this type"},
    {.name = "since", .kind = VALUE_DURATION, .value = "D", .text = "messages of the last D"},
    {.name = "number",
     .letter = 'n',
     .kind = VALUE_INT,
     .value = "N",
     .text = "the last N that match; 0: all (default 10, with --since all)"},
    {.name = NULL},
};

static const struct option_def produce_options[] = {
    {.name = "key", .kind = VALUE_TEXT, .value = "KEY", .text = "the message's key"},
    {.name = "value", .kind = VALUE_TEXT, .value = "TEXT", .text = "the message itself"},
    {.name = "file",
     .letter = 'f',
     .kind = VALUE_TEXT,
     .value = "FILE",
     .text = "read it from FILE (default -, stdin)"},
    {.name = "tombstone", .kind = VALUE_FLAG, .text = "a message without value"},
    {.name = "header", .kind = VALUE_TEXT, .value = "NAME=VALUE", .text = "a header; may be repeated"},
    {.name = NULL},
};

static const struct argument_def topic_argument[] = {
    {.name = "TOPIC", .text = "a topic's name, such as order-events"},
    {.name = NULL},
};

const struct noun noun_topic = {
    .name = "topic",
    .group = "streams",
    .summary = "topics and their messages",
    .commands =
	(const struct command[]){
	    {.verb = "ls",
	     .summary = "list the topics",
	     .columns = list_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl topic ls"},
	     .run = topic_ls},
	    {.verb = "show",
	     .summary = "show a topic's partitions",
	     .arguments = topic_argument,
	     .columns = show_columns,
	     .shape = SHAPE_SHOW,
	     .examples = {"pizzactl topic show order-events"},
	     .run = topic_show},
	    {.verb = "tail",
	     .summary = "show a topic's latest messages",
	     .arguments = topic_argument,
	     .options = tail_options,
	     .columns = message_columns,
	     .shape = SHAPE_STREAM,
	     .examples = {"pizzactl topic tail order-events -f",
			  "pizzactl topic tail payment-events --type PaymentFailed --since 1h -o jsonl"},
	     .run = topic_tail},
	    {.verb = "produce",
	     .summary = "put one message into a topic",
	     .arguments = topic_argument,
	     .options = produce_options,
	     .columns = produced_columns,
	     .shape = SHAPE_SHOW,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl topic produce order-events --key k --value '{\"not\": \"an event\"}'"},
	     .run = topic_produce},
	    {.run = NULL},
	},
};
