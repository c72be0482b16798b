/*
 * Dead letters: groups of what failed alike, the letters of one, and one letter.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/dlq.h"
#include "tui/draw.h"
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
	if (json_number_value(json_object_get(plan, "rate")) > 0)
		buf_addf(said, "\n%g a second, about %.0f s.",
			 json_number_value(json_object_get(plan, "rate")),
			 (double)chosen / json_number_value(json_object_get(plan, "rate")));
}

/* "", or letters per second. */
static int read_rate(const char *text, double *ret, struct error *err)
{
	char *end = NULL;

	*ret = *text != '\0' ? strtod(text, &end) : 0;
	if (*text != '\0' && (*end != '\0' || !(*ret > 0)))
		return error_set(err, ERR_USAGE, "rate", "\"%.40s\" is no number of letters per second",
				 text);
	return 0;
}

static int replay(struct console *c, const struct action_call *call, struct buf *said, struct error *err)
{
	AUTO_JSON json_t *answer = NULL, *body = NULL;
	double rate;
	int rc = read_rate(call->value, &rate, err);

	if (rc < 0)
		return rc;
	body = json_pack("{s:o, s:b}", "selection", selection_of(call), "dry_run", call->plan);
	if (rate > 0)
		json_object_set_new(body, "rate", json_real(rate));
	rc = dlq_post(c, "/jobs", body, &answer, err);
	if (rc < 0)
		return rc;
	if (json_int_or(answer, "chosen", 1) == 0) {
		error_set(err, ERR_CONFLICT, "replay", "there is nothing to replay: no open letter");
		return ERR_CONFLICT;
	}
	if (call->plan)
		say_plan(said, answer);
	else
		buf_addf(said, "job %lld runs; J shows it", (long long)json_int_or(answer, "job_id", 0));
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

/* - and + lines. */
static void say_difference(struct buf *said, const json_t *diff)
{
	for (size_t i = 0; i < json_array_size(diff); i++) {
		const json_t *row = json_array_get(diff, i);

		for (int after = 0; after < 2; after++) {
			const json_t *value = json_object_get(row, after ? "after" : "before");

			if (value == NULL)
				continue;
			buf_addf(said, "%c %s: ", after ? '+' : '-', json_string_or(row, "path", ""));
			json_add(said, value, JSON_COMPACT);
			buf_addc(said, '\n');
		}
	}
}

static char *text_of_letter(const json_t *row)
{
	return dlq_text(row);
}

static int edit(struct console *c, const struct action_call *call, struct buf *said, struct error *err)
{
	AUTO_JSON json_t *answer = NULL, *body = NULL;
	char path[96];
	int rc = dlq_edit_body(call->value, &body, err);

	if (rc < 0)
		return rc;
	json_object_set_new(body, "dry_run", json_boolean(call->plan));
	json_object_set_new(body, "replay", json_true());
	snprintf(path, sizeof(path), "/letters/%s/edit", json_string_or(call->row, "letter_id", ""));
	rc = dlq_post(c, path, body, &answer, err);
	if (rc < 0)
		return rc;
	if (json_array_size(json_object_get(answer, "diff")) == 0)
		return error_set(err, ERR_CONFLICT, "edit", "nothing differs");
	if (call->plan)
		say_difference(said, json_object_get(answer, "diff"));
	else
		buf_addf(said, "kept, and replayed by job %lld; J shows it",
			 (long long)json_int_or(answer, "job_id", 0));
	return 0;
}

#define REPLAY_PROMPT "letters per second, or nothing for as fast as they are taken"

/* What can be done with letters: of a group, or each. */
#define CHANGES(OF, EVERY)                                                                           \
	{.key = 'r',                                                                                 \
	 .name = "replay",                                                                           \
	 .text = "hands open letters back to the group that failed",                                 \
	 .command = "dlq replay " OF "[ --rate {value}] --yes",                                      \
	 .prompt = REPLAY_PROMPT,                                                                    \
	 .optional = true,                                                                           \
	 .changes = true,                                                                            \
	 .asks = true,                                                                               \
	 .plans = true,                                                                              \
	 .all = EVERY,                                                                               \
	 .run = replay},                                                                             \
	    {.key = 'd',                                                                             \
	     .name = "discard",                                                                      \
	     .text = "gives open letters up; restore takes it back until they expire",               \
	     .command = "dlq discard " OF " --yes",                                                  \
	     .reasons = true,                                                                        \
	     .changes = true,                                                                        \
	     .asks = true,                                                                           \
	     .plans = true,                                                                          \
	     .all = EVERY,                                                                           \
	     .run = discard},                                                                        \
	    {.key = 'u',                                                                             \
	     .name = "restore",                                                                      \
	     .text = "takes discarded letters back",                                                 \
	     .command = "dlq restore " OF " --yes",                                                  \
	     .reasons = true,                                                                        \
	     .changes = true,                                                                        \
	     .asks = true,                                                                           \
	     .plans = true,                                                                          \
	     .all = EVERY,                                                                           \
	     .run = restore},                                                                        \
	{                                                                                            \
		.key = 'J', .name = "jobs", .text = "replays, as they go on", .command = "dlq jobs", \
		.opens = "jobs", .member = "none"                                                    \
	}

#define SAGA                                                                             \
	{                                                                                \
		.key = 'v', .name = "saga", .text = "what happened to its order",        \
		.command = "saga show {order_id}", .opens = "saga", .member = "order_id" \
	}

static const struct action group_actions[] = {{.name = "letters",
					       .text = "the letters of the group",
					       .command = "dlq ls --group {fingerprint}",
					       .opens = "letters",
					       .member = "fingerprint"},
					      CHANGES("--group {fingerprint}", false),
					      {.name = NULL}};
static const struct action letters_actions[] = {{.name = "show",
						 .text = "everything about one",
						 .command = "dlq show {letter_id}",
						 .opens = "letter",
						 .member = "letter_id"},
						CHANGES("{letter_id...}", true),
						SAGA,
						{.name = NULL}};
static const struct action letter_actions[] = {CHANGES("{letter_id...}", true),
					       {.key = 'e',
						.name = "edit",
						.text = "changes the message in $EDITOR, shows what differs, "
							"replays it",
						.command = "dlq edit {letter_id} --yes",
						.changes = true,
						.asks = true,
						.plans = true,
						.edits = text_of_letter,
						.run = edit},
					       SAGA,
					       {.name = NULL}};

/* --- jobs --- */

static bool is_over(const json_t *job)
{
	return json_string_or(job, "finished_at", NULL) != NULL;
}

static double speed_of(const json_t *job)
{
	double seconds = json_number_value(json_object_get(job, "seconds"));

	return seconds > 0 ? (double)json_int_or(job, "done", 0) / seconds : 0;
}

/* How far it is, in eighths of a column. */
static void add_bar(struct buf *out, const json_t *job, int width)
{
	static const char *const parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	int64_t total = json_int_or(job, "total", 0);
	int64_t eighths = total > 0 ? json_int_or(job, "done", 0) * width * 8 / total : 0;

	for (int i = 0; i < width; i++) {
		int64_t left = eighths - (int64_t)i * 8;

		buf_adds(out, left >= 8 ? "█" : left > 0 ? parts[left] : "░");
	}
}

static void add_left(struct buf *out, const json_t *job)
{
	int64_t left = json_int_or(job, "total", 0) - json_int_or(job, "done", 0);
	char text[DURATION_TEXT_SIZE];

	if (strcmp(json_string_or(job, "state", ""), "waiting") == 0)
		buf_addf(out, "waits: %s", json_string_or(job, "waiting_for", "?"));
	else if (!is_over(job) && left > 0 && speed_of(job) > 0)
		buf_addf(out, "%s left",
			 duration_format((int64_t)((double)left / speed_of(job) * 1e6), text));
}

/* "job 42 ██████░░ 651/1000 49.8/s ok 651 failed 0 7 s left", as long as one runs and shortly after. */
static void draw_job(struct grid *g, struct rect r, const json_t *job)
{
	CLEANUP(buf_done) struct buf line = {0};
	enum style style = value_style(json_string_or(job, "state", ""));

	buf_addf(&line, "job %lld  ", (long long)json_int_or(job, "job_id", 0));
	add_bar(&line, job, r.w > 90 ? 24 : 12);
	buf_addf(&line, "  %lld/%lld  %.1f/s  ok %lld  failed %lld  %s  ",
		 (long long)json_int_or(job, "done", 0), (long long)json_int_or(job, "total", 0),
		 speed_of(job),
		 (long long)json_int_or(job, "applied", 0) + (long long)json_int_or(job, "duplicate", 0),
		 (long long)json_int_or(job, "failed", 0), json_string_or(job, "state", ""));
	add_left(&line, job);
	grid_text(g, r.x + 1, r.y, r.w - 2, style == STYLE_PLAIN ? STYLE_ACCENT : style, buf_str(&line));
}

#define SHOWN_AFTER_US INT64_C(60000000)

/* Jobs that run or have ended a moment ago stand below the letters. */
static struct rect draw_jobs(const struct model *m, struct grid *g, struct rect r)
{
	const json_t *all = m->panels[FEED_JOBS].data;

	for (size_t i = 0; i < json_array_size(all) && r.h > 6; i++) {
		const json_t *job = json_array_get(all, i);
		int64_t ended_us;

		if (is_over(job) && (!clock_parse(json_string_or(job, "finished_at", ""), &ended_us) ||
				     m->now_us - ended_us > SHOWN_AFTER_US))
			continue;
		r.h--;
		draw_job(g, (struct rect){r.x, r.y + r.h, r.w, 1}, job);
	}
	return r;
}

static int cancel_job(struct console *c, const struct action_call *call, struct buf *said, struct error *err)
{
	AUTO_JSON json_t *body = json_object();
	char path[64];

	(void)said;
	snprintf(path, sizeof(path), "/jobs/%lld/cancel", (long long)json_int_or(call->row, "number", 0));
	return dlq_post(c, path, body, NULL, err);
}

/* With an id as text. */
static json_t *job_rows(const struct model *m)
{
	const json_t *all = m->panels[FEED_JOBS].data;
	json_t *rows = json_array();

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *job = json_array_get(all, i);
		json_t *row = json_copy((json_t *)job);
		char id[24];

		snprintf(id, sizeof(id), "%lld", (long long)json_int_or(job, "job_id", 0));
		json_object_set(row, "number", json_object_get(job, "job_id"));
		json_object_set_new(row, "job_id", json_string(id));
		json_object_set_new(
		    row, "ok",
		    json_integer(json_int_or(job, "applied", 0) + json_int_or(job, "duplicate", 0)));
		json_object_set_new(row, "speed", json_real(speed_of(job)));
		json_array_append_new(rows, row);
	}
	return rows;
}

static void add_progress(const struct model *m, const json_t *row, struct buf *out)
{
	(void)m;
	add_bar(out, row, 16);
}

static void add_speed(const struct model *m, const json_t *row, struct buf *out)
{
	(void)m;
	buf_addf(out, "%.1f/s", speed_of(row));
}

static void add_rest(const struct model *m, const json_t *row, struct buf *out)
{
	(void)m;
	add_left(out, row);
}

static const struct list_column job_columns[] = {
    {.name = "job_id", .title = "job", .max = 12},
    {.name = "state", .format = VALUE_AS_STATE, .max = 12},
    {.name = "progress", .human = add_progress, .max = 16, .drop = 3},
    {.name = "done", .format = VALUE_AS_INT},
    {.name = "total", .format = VALUE_AS_INT},
    {.name = "speed", .format = VALUE_AS_INT, .human = add_speed, .drop = 4},
    {.name = "ok", .format = VALUE_AS_INT, .drop = 2},
    {.name = "failed", .format = VALUE_AS_INT},
    {.name = "held", .format = VALUE_AS_INT, .drop = 7},
    {.name = "created_at", .title = "age", .format = VALUE_AS_AGE, .drop = 5},
    {.name = "actor", .max = 20, .drop = 8},
    {.name = "reason", .max = 30, .drop = 6},
    {.name = "rest", .title = "left", .human = add_rest, .drop = 1},
    {.name = NULL},
};

static const struct action job_actions[] = {{.key = 'c',
					     .name = "cancel",
					     .text = "ends it behind the letters that are under way",
					     .command = "dlq jobs cancel {job_id}",
					     .changes = true,
					     .asks = true,
					     .run = cancel_job},
					    {.name = NULL}};

const struct screen screen_jobs = {
    .name = "jobs",
    .text = "replays of dead letters, the newest first",
    .feeds = FEED_BIT(JOBS),
    .main = FEED_JOBS,
    .id = "job_id",
    .columns = job_columns,
    .empty = "nothing was replayed yet",
    .rows = job_rows,
    .actions = job_actions,
};

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
    .feeds = FEED_BIT(LETTER_GROUPS) | FEED_BIT(JOBS),
    .draw = draw_jobs,
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
    .feeds = FEED_BIT(LETTERS) | FEED_BIT(JOBS),
    .draw = draw_jobs,
    .main = FEED_LETTERS,
    .id = "letter_id",
    .columns = letter_columns,
    .empty = "there are no letters",
    .subjects = {FEED_LETTER_GROUPS, "fingerprint"},
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
	text = json_is_string(value) ? xstrdup(json_string_value(value)) : json_pretty(value);
	sheet_end(s);
	sheet_line(s, STYLE_TITLE, "%s", title);
	sheet_text(s, STYLE_PLAIN, text, width);
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
    .subjects = {FEED_LETTERS, "letter_id"},
    .actions = letter_actions,
};
