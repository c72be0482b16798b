/*
 * Dead letters as lists, the figures about them, and one of them.
 */
#include "cli/dlq.h"
#include "cli/interrupt.h"
#include "cli/resource.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/wait.h"

/* --- columns --- */

#define LETTER_COLUMNS                                                                                      \
	{.name = "letter_id", .title = "letter", .flags = COLUMN_ID, .text = "the letter's id"},            \
	    {.name = "failed_at", .title = "failed", .kind = COLUMN_TIME, .text = "when it failed last"},   \
	    {.name = "state",                                                                               \
	     .kind = COLUMN_STATE,                                                                          \
	     .text = "unresolved, replaying, resolved, discarded or expired"},                              \
	    {.name = "consumer_group", .title = "group", .text = "who failed"},                             \
	    {.name = "topic", .text = "where the message came from"},                                       \
	    {.name = "event_type", .title = "event", .text = "what happened; none: it cannot be read"},     \
	    {.name = "failed_step", .title = "step", .text = "what failed"},                                \
	    {.name = "error_code", .title = "error", .text = "class of the failure"},                       \
	    {.name = "error_reason", .title = "why", .text = "the failure's own words"},                    \
	    {.name = "order_id", .title = "order", .flags = COLUMN_WIDE, .text = "whose event it is"},      \
	    {.name = "retry_count",                                                                         \
	     .title = "retries",                                                                            \
	     .kind = COLUMN_INT,                                                                            \
	     .flags = COLUMN_WIDE,                                                                          \
	     .text = "tries after the first, before it became a letter"},                                   \
	    {.name = "replay_count", .title = "replays", .kind = COLUMN_INT, .text = "how often replayed"}, \
	    {.name = "quarantined",                                                                         \
	     .kind = COLUMN_BOOL,                                                                           \
	     .flags = COLUMN_WIDE,                                                                          \
	     .text = "too many replays have failed"},                                                       \
	    {.name = "fingerprint", .flags = COLUMN_WIDE, .text = "of error and step: its group's name"},   \
	    {.name = "partition", .kind = COLUMN_INT, .flags = COLUMN_MACHINE, .text = "of the message"},   \
	    {.name = "offset", .kind = COLUMN_INT, .flags = COLUMN_MACHINE, .text = "of the message"},      \
	    {.name = "event_id", .flags = COLUMN_MACHINE, .text = "of the event"},                          \
	    {.name = "correlation_id", .flags = COLUMN_MACHINE, .text = "of the event"},                    \
	    {.name = "first_failed_at",                                                                     \
	     .kind = COLUMN_TIME,                                                                           \
	     .flags = COLUMN_MACHINE,                                                                       \
	     .text = "when it became a letter"},                                                            \
	    {.name = "original_at",                                                                         \
	     .kind = COLUMN_TIME,                                                                           \
	     .flags = COLUMN_MACHINE,                                                                       \
	     .text = "the message's own time"},                                                             \
	    {.name = "state_at", .kind = COLUMN_TIME, .flags = COLUMN_MACHINE, .text = "state since"},      \
	    {.name = "expires_at",                                                                          \
	     .kind = COLUMN_TIME,                                                                           \
	     .flags = COLUMN_MACHINE,                                                                       \
	     .text = "when it is given up unless somebody acts"},                                           \
	    {.name = "age_seconds",                                                                         \
	     .title = "age",                                                                                \
	     .kind = COLUMN_SECONDS,                                                                        \
	     .flags = COLUMN_MACHINE | COLUMN_PASSING,                                                      \
	     .text = "since it failed last"},                                                               \
	    {.name = "replay_cap",                                                                          \
	     .kind = COLUMN_INT,                                                                            \
	     .flags = COLUMN_MACHINE,                                                                       \
	     .text = "failed replays until quarantine"},                                                    \
	    {.name = "readable",                                                                            \
	     .kind = COLUMN_BOOL,                                                                           \
	     .flags = COLUMN_MACHINE,                                                                       \
	     .text = "its dlq_ headers are there"},                                                         \
	    {.name = "edited",                                                                              \
	     .kind = COLUMN_BOOL,                                                                           \
	     .flags = COLUMN_MACHINE,                                                                       \
	     .text = "its value was changed"},                                                              \
	    {.name = "value_bytes",                                                                         \
	     .title = "bytes",                                                                              \
	     .kind = COLUMN_BYTES,                                                                          \
	     .flags = COLUMN_MACHINE,                                                                       \
	     .text = "size of the message"},                                                                \
	    {.name = "job_id",                                                                              \
	     .title = "job",                                                                                \
	     .kind = COLUMN_INT,                                                                            \
	     .flags = COLUMN_MACHINE,                                                                       \
	     .text = "that has it, or had it last"},                                                        \
	{                                                                                                   \
		.name = "arrival", .kind = COLUMN_INT, .flags = COLUMN_MACHINE, .text = "order of arrival"  \
	}

const struct column dlq_letter_columns[] = {LETTER_COLUMNS, {.name = NULL}};

const struct column dlq_show_columns[] = {
    LETTER_COLUMNS,
    {.name = "dlq_topic", .flags = COLUMN_MACHINE, .text = "where the letter is kept"},
    {.name = "dlq_partition", .kind = COLUMN_INT, .flags = COLUMN_MACHINE, .text = "of the letter"},
    {.name = "dlq_offset", .kind = COLUMN_INT, .flags = COLUMN_MACHINE, .text = "of the letter"},
    {.name = "key", .kind = COLUMN_JSON, .flags = COLUMN_MACHINE, .text = "the message's key"},
    {.name = "headers", .kind = COLUMN_JSON, .flags = COLUMN_MACHINE, .text = "the original ones"},
    {.name = "value", .kind = COLUMN_JSON, .flags = COLUMN_MACHINE, .text = "JSON, text, or null"},
    {.name = "value_base64", .flags = COLUMN_MACHINE, .text = "the same, byte for byte"},
    {.name = "edited_value", .kind = COLUMN_JSON, .flags = COLUMN_MACHINE, .text = "what is replayed"},
    {.name = "saga", .kind = COLUMN_JSON, .flags = COLUMN_MACHINE, .text = "where its order stands"},
    {.name = "history", .kind = COLUMN_JSON, .flags = COLUMN_MACHINE, .text = "what has happened to it"},
    {.name = NULL},
};

const struct column dlq_group_columns[] = {
    {.name = "fingerprint", .flags = COLUMN_ID, .text = "of error and step"},
    {.name = "letters", .kind = COLUMN_INT, .text = "of this kind"},
    {.name = "open", .kind = COLUMN_INT, .text = "unresolved or replaying"},
    {.name = "quarantined", .kind = COLUMN_INT, .flags = COLUMN_WIDE, .text = "too many replays failed"},
    {.name = "orders", .kind = COLUMN_INT, .flags = COLUMN_WIDE, .text = "how many are touched"},
    {.name = "consumer_group", .title = "group", .text = "who failed"},
    {.name = "topic", .text = "where the messages came from"},
    {.name = "failed_step", .title = "step", .text = "what failed"},
    {.name = "error_code", .title = "error", .text = "class of the failure"},
    {.name = "first_failed_at", .title = "first", .kind = COLUMN_TIME, .text = "the earliest failure"},
    {.name = "last_failed_at", .title = "last", .kind = COLUMN_TIME, .text = "the latest failure"},
    {.name = "example", .text = "one of the letters"},
    {.name = "error_reason", .title = "why", .text = "the latest one's words"},
    {.name = NULL},
};

const struct column dlq_stats_columns[] = {
    {.name = "topic", .flags = COLUMN_ID, .text = "where the messages came from"},
    {.name = "letters", .kind = COLUMN_INT, .text = "all of them"},
    {.name = "unresolved", .kind = COLUMN_INT, .text = "nobody has dealt with them"},
    {.name = "replaying", .kind = COLUMN_INT, .text = "in a job"},
    {.name = "resolved", .kind = COLUMN_INT, .flags = COLUMN_WIDE, .text = "in effect"},
    {.name = "discarded", .kind = COLUMN_INT, .flags = COLUMN_WIDE, .text = "given up"},
    {.name = "expired", .kind = COLUMN_INT, .flags = COLUMN_WIDE, .text = "nobody came in time"},
    {.name = "quarantined", .kind = COLUMN_INT, .text = "too many replays failed"},
    {.name = "last_minute", .title = "1 min", .kind = COLUMN_INT, .text = "failed in the last minute"},
    {.name = "last_hour", .title = "1 h", .kind = COLUMN_INT, .text = "failed in the last hour"},
    {.name = "last_day",
     .title = "24 h",
     .kind = COLUMN_INT,
     .flags = COLUMN_WIDE,
     .text = "in the last day"},
    {.name = "per_minute", .title = "per min", .kind = COLUMN_REAL, .text = "over the last hour"},
    {.name = "oldest_age_seconds",
     .title = "oldest",
     .kind = COLUMN_SECONDS,
     .flags = COLUMN_PASSING,
     .text = "age of the oldest that is open"},
    {.name = "messages", .kind = COLUMN_INT, .flags = COLUMN_WIDE, .text = "in the topic"},
    {.name = "dead_messages",
     .kind = COLUMN_INT,
     .flags = COLUMN_MACHINE,
     .text = "messages of the topic that are letters of any group"},
    {.name = "share_percent", .title = "share", .kind = COLUMN_PERCENT, .text = "of the topic's messages"},
    {.name = "last_failed_at",
     .title = "last",
     .kind = COLUMN_TIME,
     .flags = COLUMN_WIDE,
     .text = "the latest failure"},
    {.name = NULL},
};

/* --- lists --- */

static int note_arrival(void *arg, json_t *row, struct error *err)
{
	int64_t *latest = arg, arrival = json_int_or(row, "arrival", 0);

	(void)err;
	if (arrival > *latest)
		*latest = arrival;
	json_decref(row);
	return 0;
}

/* What is there (-n of it), then what comes: in the order of arrival, without gaps or duplicates. */
static int follow(struct cli *c, struct console *console, const struct dlq_filter *f, struct output *o,
		  struct error *err)
{
	struct saga_watch *watch = dlq_watch(console);
	int64_t cursor = 0;
	int rc = 0;

	interrupt_catch();
	output_live(o);
	if (cli_flag(c, "new")) {
		struct dlq_filter all = {.state = "any", .min_age_ms = -1};

		rc = dlq_letters_after(console, &all, &cursor, note_arrival, &cursor, err);
	}
	while (rc == 0 && !interrupted) {
		rc = dlq_letters_after(console, f, &cursor, resource_row, o, err);
		if (rc == 0)
			saga_watch_wait(watch, 250);
	}
	saga_watch_free(watch);
	return rc;
}

struct letters {
	struct cli *cli;
	struct dlq_filter filter;
};

static int write_letters(struct console *console, void *arg, struct output *o, struct error *err)
{
	const struct letters *l = arg;

	if (cli_flag(l->cli, "follow"))
		return follow(l->cli, console, &l->filter, o, err);
	return dlq_letters(console, &l->filter, false, output_wanted(o, false), resource_row, o, err);
}

int dlq_ls(struct cli *c, struct error *err)
{
	struct letters l = {.cli = c};
	int rc = dlq_filter_of(c, &l.filter, err);

	return rc < 0 ? rc : cli_rows(c, write_letters, &l, err);
}

static int write_groups(struct console *console, void *arg, struct output *o, struct error *err)
{
	return dlq_groups(console, arg, resource_row, o, err);
}

int dlq_groups_ls(struct cli *c, struct error *err)
{
	struct dlq_filter f;
	int rc = dlq_filter_of(c, &f, err);

	f.where = NULL; /* it is about groups here */
	return rc < 0 ? rc : cli_rows(c, write_groups, &f, err);
}

static int write_stats(struct console *console, void *arg, struct output *o, struct error *err)
{
	(void)arg;
	return dlq_stats(console, resource_row, o, err);
}

int dlq_stats_ls(struct cli *c, struct error *err)
{
	return cli_rows(c, write_stats, NULL, err);
}

int dlq_show(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf text = {0};
	AUTO_JSON json_t *letter = NULL;
	struct console *console = NULL;
	int rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = dlq_letter(console, cli_argument(c, 0), &letter, err);
	if (rc < 0)
		return rc;
	if (!cli_human(c) || cli_text(c, "columns") != NULL)
		return cli_show(c, json_incref(letter), err);
	dlq_draw(&text, letter, c);
	(void)cli_print(c, &text, false);
	return 0;
}
