/*
 * Dead letters: groups of what failed alike, the letters of one, and one letter.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/dlq.h"
#include "tui/list.h"
#include "tui/value.h"

/* --- actions --- */

/* The call's letters: those of its rows, or all of its row's group. */
static json_t *selection_of(const struct action_call *call)
{
	struct dlq_filter f = {.min_age_ms = -1};
	AUTO_JSON json_t *ids = json_array();

	if (call->row != NULL)
		f.fingerprint = json_string_or(call->row, "fingerprint", "?");
	for (size_t i = 0; call->row == NULL && i < json_array_size(call->rows); i++)
		json_array_append(ids, json_object_get(json_array_get(call->rows, i), "letter_id"));
	return dlq_selection(&f, call->row == NULL ? ids : NULL);
}

static void say_plan(struct buf *said, const json_t *plan)
{
	static const struct {
		const char *name, *text;
	} left_out[] = {
	    {"quarantined", "quarantined"}, {"replaying", "in another job"}, {"unreadable", "unreadable"}};
	int64_t chosen = json_int_or(plan, "chosen", 0);

	buf_addf(said, "Would replay %lld of %lld letters, oldest first, about %lld orders",
		 (long long)chosen, (long long)json_int_or(plan, "matched", 0),
		 (long long)json_int_or(plan, "orders", 0));
	for (size_t i = 0; i < ARRAY_LEN(left_out); i++)
		if (json_int_or(plan, left_out[i].name, 0) > 0)
			buf_addf(said, "; left out: %lld %s",
				 (long long)json_int_or(plan, left_out[i].name, 0), left_out[i].text);
	buf_addc(said, '.');
}

static int replay(struct console *c, const struct action_call *call, struct buf *said, struct error *err)
{
	AUTO_JSON json_t *answer = NULL;
	AUTO_JSON json_t *body =
	    json_pack("{s:o, s:b}", "selection", selection_of(call), "dry_run", call->plan);
	int rc = dlq_post(c, "/jobs", body, &answer, err);

	if (rc < 0)
		return rc;
	if (json_int_or(answer, "chosen", 1) == 0) {
		error_set(err, ERR_CONFLICT, "replay", "there is nothing to replay: no open letter");
		return ERR_CONFLICT;
	}
	if (call->plan)
		say_plan(said, answer);
	else
		buf_addf(said, "job %lld runs; pizzactl dlq jobs follows it",
			 (long long)json_int_or(answer, "job_id", 0));
	return 0;
}

static int change(struct console *c, const struct action_call *call, const char *path, const char *verb,
		  struct buf *said, struct error *err)
{
	AUTO_JSON json_t *answer = NULL;
	AUTO_JSON json_t *body =
	    json_pack("{s:o, s:b}", "selection", selection_of(call), "dry_run", call->plan);
	int rc = dlq_post(c, path, body, &answer, err);

	if (rc < 0)
		return rc;
	buf_addf(said, "%lld of %lld letters %s%s", (long long)json_int_or(answer, "changed", 0),
		 (long long)json_int_or(answer, "matched", 0), call->plan ? "would be " : "", verb);
	return 0;
}

static int discard(struct console *c, const struct action_call *call, struct buf *said, struct error *err)
{
	return change(c, call, "/discard", "discarded", said, err);
}

static int restore(struct console *c, const struct action_call *call, struct buf *said, struct error *err)
{
	return change(c, call, "/restore", "restored", said, err);
}

static const struct action group_actions[] = {{.name = "letters",
					       .text = "the letters of the group",
					       .command = "dlq ls --group {fingerprint}",
					       .opens = "letters",
					       .member = "fingerprint"},
					      {.key = 'r',
					       .name = "replay",
					       .text = "hands its open letters back to the group that failed",
					       .command = "dlq replay --group {fingerprint} --yes",
					       .changes = true,
					       .asks = true,
					       .plans = true,
					       .run = replay},
					      {.key = 'd',
					       .name = "discard",
					       .text = "gives its open letters up",
					       .command = "dlq discard --group {fingerprint} --yes",
					       .changes = true,
					       .asks = true,
					       .plans = true,
					       .run = discard},
					      {.key = 'u',
					       .name = "restore",
					       .text = "takes its discarded letters back",
					       .command = "dlq restore --group {fingerprint} --yes",
					       .changes = true,
					       .plans = true,
					       .asks = true,
					       .run = restore},
					      {.name = NULL}};

#define LETTER_ACTIONS                                                                   \
	{.key = 'r',                                                                     \
	 .name = "replay",                                                               \
	 .text = "hands them back to the group that failed",                             \
	 .command = "dlq replay {letter_id...} --yes",                                   \
	 .changes = true,                                                                \
	 .asks = true,                                                                   \
	 .plans = true,                                                                  \
	 .all = true,                                                                    \
	 .run = replay},                                                                 \
	    {.key = 'd',                                                                 \
	     .name = "discard",                                                          \
	     .text = "gives them up; restore takes it back until they expire",           \
	     .command = "dlq discard {letter_id...} --yes",                              \
	     .changes = true,                                                            \
	     .asks = true,                                                               \
	     .plans = true,                                                              \
	     .all = true,                                                                \
	     .run = discard},                                                            \
	    {.key = 'u',                                                                 \
	     .name = "restore",                                                          \
	     .text = "takes discarded letters back",                                     \
	     .command = "dlq restore {letter_id...} --yes",                              \
	     .changes = true,                                                            \
	     .asks = true,                                                               \
	     .plans = true,                                                              \
	     .all = true,                                                                \
	     .run = restore},                                                            \
	{                                                                                \
		.key = 'v', .name = "saga", .text = "what happened to its order",        \
		.command = "saga show {order_id}", .opens = "saga", .member = "order_id" \
	}

static const struct action letters_actions[] = {{.name = "show",
						 .text = "everything about one",
						 .command = "dlq show {letter_id}",
						 .opens = "letter",
						 .member = "letter_id"},
						LETTER_ACTIONS,
						{.name = NULL}};
static const struct action letter_actions[] = {LETTER_ACTIONS, {.name = NULL}};

/* --- lists --- */

static void add_failure(const struct model *m, const json_t *row, struct buf *out)
{
	(void)m;
	buf_addf(out, "%s: %s", json_string_or(row, "failed_step", "?"),
		 json_string_or(row, "error_code", "?"));
}

static const struct list_column group_columns[] = {
    {.name = "fingerprint", .title = "group", .max = 8},
    {.name = "open", .format = VALUE_AS_INT},
    {.name = "letters", .format = VALUE_AS_INT, .drop = 4},
    {.name = "consumer_group", .title = "by", .max = 14},
    {.name = "topic", .max = 22, .drop = 3},
    {.name = "error_code", .title = "what failed", .human = add_failure, .max = 30},
    {.name = "last_failed_at", .title = "last", .format = VALUE_AS_AGE, .drop = 2},
    {.name = "first_failed_at", .title = "first", .format = VALUE_AS_AGE, .drop = 6},
    {.name = "orders", .format = VALUE_AS_INT, .drop = 7},
    {.name = "error_reason", .title = "why", .drop = 5},
    {.name = NULL},
};

const struct screen screen_dlq = {
    .name = "dlq",
    .text = "dead letters, grouped by what failed",
    .key = '5',
    .feeds = FEED_BIT(LETTER_GROUPS),
    .main = FEED_LETTER_GROUPS,
    .id = "fingerprint",
    .columns = group_columns,
    .empty = "there are no dead letters",
    .actions = group_actions,
};

static const struct list_column letter_columns[] = {
    {.name = "letter_id", .title = "letter", .format = VALUE_AS_ID},
    {.name = "state", .format = VALUE_AS_STATE, .max = 12},
    {.name = "failed_at", .title = "age", .format = VALUE_AS_AGE},
    {.name = "consumer_group", .title = "by", .max = 14, .drop = 4},
    {.name = "event_type", .title = "event", .max = 20, .drop = 2},
    {.name = "error_code", .title = "what failed", .human = add_failure, .max = 30, .drop = 3},
    {.name = "order_id", .title = "order", .format = VALUE_AS_ID, .drop = 6},
    {.name = "replay_count", .title = "replays", .format = VALUE_AS_INT, .drop = 5},
    {.name = "error_reason", .title = "why", .drop = 7},
    {.name = NULL},
};

const struct screen screen_letters = {
    .name = "letters",
    .text = "the letters of a group, or all of them",
    .feeds = FEED_BIT(LETTERS),
    .main = FEED_LETTERS,
    .id = "letter_id",
    .columns = letter_columns,
    .empty = "there are no letters",
    .actions = letters_actions,
};

/* --- one --- */

static void fact(struct sheet *s, const json_t *row, const char *name, const char *member)
{
	const json_t *value = json_object_get(row, member);
	char number[24];

	snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
	if (json_is_string(value))
		sheet_fact(s, name, STYLE_PLAIN, json_string_value(value));
	else if (json_is_integer(value))
		sheet_fact(s, name, STYLE_PLAIN, number);
}

/* A value as people read it: JSON with line ends. */
static void write_value(struct sheet *s, const char *title, const json_t *value, int width)
{
	AUTO_FREE char *text = NULL;

	if (value == NULL || json_is_null(value))
		return;
	text = json_is_string(value) ? xstrdup(json_string_value(value))
				     : json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);
	sheet_end(s);
	sheet_line(s, STYLE_TITLE, "%s", title);
	sheet_text(s, STYLE_PLAIN, text != NULL ? text : "?", width);
}

static void write_saga(struct sheet *s, const json_t *saga)
{
	const char *state = json_string_or(saga, "state", NULL);

	if (state == NULL)
		return;
	sheet_add(s, STYLE_DIM, "%-16s", "its order is");
	sheet_add(s, value_style(state), "%s %s", value_mark(value_style(state)), state);
	if (json_string_or(saga, "awaiting", NULL) != NULL)
		sheet_add(s, STYLE_PLAIN, ", waits for %s from %s", json_string_or(saga, "awaiting", "?"),
			  json_string_or(saga, "daemon", "?"));
	sheet_end(s);
}

static void write_letter(const struct model *m, struct sheet *s, int width)
{
	static const char *const facts[][2] = {
	    {"why", "error_reason"},	{"failed at", "failed_at"},  {"first failed", "first_failed_at"},
	    {"event", "event_type"},	{"event id", "event_id"},    {"order", "order_id"},
	    {"topic", "topic"},		{"partition", "partition"},  {"offset", "offset"},
	    {"retries", "retry_count"}, {"replays", "replay_count"}, {"fingerprint", "fingerprint"},
	};
	const json_t *letter = json_array_get(m->views[m->depth - 1].rows, 0);
	const char *state = json_string_or(letter, "state", "?");

	sheet_add(s, STYLE_STRONG, "Letter %s", json_string_or(letter, "letter_id", "?"));
	sheet_line(s, value_style(state), "   %s %s", value_mark(value_style(state)), state);
	sheet_add(s, STYLE_DIM, "%-16s", "failed");
	sheet_line(s, STYLE_BAD, "%s, %s: %s", json_string_or(letter, "consumer_group", "nobody"),
		   json_string_or(letter, "failed_step", "?"), json_string_or(letter, "error_code", "?"));
	for (size_t i = 0; i < ARRAY_LEN(facts); i++)
		fact(s, letter, facts[i][0], facts[i][1]);
	write_saga(s, json_object_get(letter, "saga"));
	write_value(s, "WHAT IS REPLAYED", json_object_get(letter, "edited_value"), width);
	write_value(s, "MESSAGE", json_object_get(letter, "value"), width);
	write_value(s, "HEADERS", json_object_get(letter, "headers"), width);
	write_value(s, "HISTORY", json_object_get(letter, "history"), width);
}

const struct screen screen_letter = {
    .name = "letter",
    .text = "everything about one dead letter",
    .feeds = FEED_BIT(LETTER),
    .main = FEED_LETTER,
    .id = "letter_id",
    .detail = true,
    .write = write_letter,
    .actions = letter_actions,
};
