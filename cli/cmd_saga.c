/*
 * pizzactl saga: what happened to an order, what it waits for, and pushing it.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/follow.h"
#include "cli/human.h"
#include "cli/interrupt.h"
#include "cli/resource.h"
#include "cli/timeline.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/console/status.h"
#include "core/console/readmodel.h"
#include "core/console/saga.h"
#include "core/console/topics.h"
#include "core/console/wait.h"
#include "core/contract/daemons.h"
#include "core/contract/topics.h"

#define FRESH_MS 3000 /* what events of a new order may take to the read model */

/* --- ls --- */

static int saga_ls(struct cli *c, struct error *err)
{
	struct readmodel_filter filter = {
	    .state = cli_text(c, "state"), .stuck_ms = -1, .since_ms = cli_ms(c, "since", -1)};
	struct console *console = NULL;
	struct output *o = NULL;
	int rc = cli_console(c, &console, err);

	if (rc < 0)
		return rc;
	if (cli_flag(c, "stuck"))
		filter.stuck_ms = cli_ms(c, "stuck", config_int(CONFIG_ORDER_STUCK));
	rc = cli_output_from(c, readmodel_saga_columns, &o, err);
	if (rc < 0)
		return rc;
	filter.where = output_where(o);
	filter.sort = output_delegate_sort(o);
	filter.limit = output_wanted(o, true);
	rc = readmodel_sagas(console, &filter, resource_row, o, err);
	return output_close(o, rc, err);
}

/* --- show --- */

static const json_t *find_service(const json_t *status, const char *name)
{
	const json_t *services = json_object_get(status, "services");

	for (size_t i = 0; i < json_array_size(services); i++)
		if (strcmp(json_string_or(json_array_get(services, i), "name", ""), name) == 0)
			return json_array_get(services, i);
	return NULL;
}

/* "paymentd is down: pizzactl status paymentd", or nothing when all is well with it. */
static void explain_waiting(struct cli *c, const struct saga *s, struct buf *out)
{
	AUTO_JSON json_t *status = NULL;
	struct console *console = NULL;
	const json_t *service;
	const char *state, *reason;

	if (s->daemon == NULL)
		return;
	if (daemon_find(s->daemon) == NULL) {
		buf_addf(out, "there is no %s yet", s->daemon);
		return;
	}
	if (cli_console(c, &console, NULL) < 0 || status_read(console, &status, NULL) < 0) {
		buf_adds(out, "nothing runs: pizzactl up");
		return;
	}
	service = find_service(status, s->daemon);
	state = json_string_or(service, "state", "unknown");
	reason = json_string_or(service, "reason", "");
	if (strcmp(state, "up") != 0)
		buf_addf(out, "%s is %s%s%s: pizzactl status %s", s->daemon, state,
			 *reason != '\0' ? ", " : "", reason, s->daemon);
}

static struct timeline_style style_of(const struct cli *c)
{
	return (struct timeline_style){.width = c->width, .utf8 = c->utf8 || !c->tty, .color = c->color};
}

/* The events of an order that was placed a moment ago are on their way. */
static int load_fresh(struct console *console, struct uuid id, struct saga *ret, struct error *err)
{
	struct mono deadline = mono_add_ms(mono_now(), FRESH_MS);
	struct saga_watch *watch = saga_watch_new(console);
	int rc;

	do {
		saga_watch_wait(watch, mono_left_ms(deadline));
		rc = saga_load(console, id, ret, err);
	} while (rc == ERR_NOT_YET && mono_left_ms(deadline) > 0);
	saga_watch_free(watch);
	if (rc == ERR_NOT_YET)
		rc = err->code = ERR_NOT_FOUND;
	return rc;
}

static int load(struct cli *c, struct saga *ret, struct error *err)
{
	struct console *console = NULL;
	struct uuid id = {0};
	int rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = cli_order_id(c, 0, &id, err);
	if (rc == 0)
		rc = saga_load(console, id, ret, err);
	return rc == ERR_NOT_YET ? load_fresh(console, id, ret, err) : rc;
}

static int saga_show(struct cli *c, struct error *err)
{
	struct timeline_style style = style_of(c);
	CLEANUP(buf_done) struct buf text = {0}, why = {0};
	CLEANUP(saga_done) struct saga s = {0};
	int rc = load(c, &s, err);

	if (rc < 0)
		return rc;
	if (!cli_human(c) || cli_text(c, "columns") != NULL)
		return cli_show(c, saga_json(&s), err);
	explain_waiting(c, &s, &why);
	timeline_draw(&text, &s, clock_wall_us(), buf_str(&why), &style);
	(void)cli_print(c, &text, false);
	return 0;
}

/* --- wait --- */

static int saga_wait_for(struct cli *c, struct error *err)
{
	struct console *console = NULL;
	struct uuid id = {0};
	json_t *row = NULL;
	int rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = cli_order_id(c, 0, &id, err);
	if (rc == 0)
		rc = saga_wait(console, id, cli_text(c, "for"), cli_ms(c, "timeout", 30000), &row, err);
	if (rc == 0 && row != NULL)
		return cli_show(c, row, err);
	json_decref(row);
	return rc;
}

/* --- follow --- */

/* A step as it is drawn: what a row alone does not tell. */
struct step_line {
	struct timeline_style style;
	const struct saga *saga;
	int step;
};

static void add_step_line(void *arg, const json_t *row, struct buf *out)
{
	const struct step_line *l = arg;

	(void)row;
	timeline_step(out, l->saga, l->step, &l->style);
}

/* The steps that were handed out, by this run or one before it with the same cursor. */
struct seen {
	struct uuid *ids;
	int count;
};

static bool is_known(const struct seen *seen, const struct cursor *cursor, const char *id, struct uuid uuid)
{
	int64_t place;

	for (int i = 0; i < seen->count; i++)
		if (uuid_equal(seen->ids[i], uuid))
			return true;
	return cursor_find(cursor, "seen", id, &place);
}

/* Prints the steps that were not there before; 1 when the saga has ended or nobody reads any more. */
static int print_news(struct follow *f, const struct saga *s, struct seen *seen, struct error *err)
{
	struct step_line line = {.style = style_of(f->cli), .saga = s};

	output_lines(f->out, add_step_line, &line);
	for (int i = 0; i < s->steps.count; i++) {
		struct uuid uuid = s->steps.events[i].event_id;
		char id[UUID_TEXT_SIZE];
		json_t *row;
		int rc;

		uuid_format(uuid, id);
		if (is_known(seen, f->cursor, id, uuid))
			continue;
		seen->ids = xreallocarray(seen->ids, (size_t)seen->count + 1, sizeof(*seen->ids));
		seen->ids[seen->count++] = uuid;
		line.step = i;
		cursor_stage(f->cursor, "seen", id, i + 1);
		row = saga_step_json(s, i);
		json_object_set(row, "order_id", json_object_get(s->row, "order_id"));
		rc = follow_row(f, row, err);
		if (rc != 0)
			return rc;
	}
	return s->ended_us != 0;
}

static int follow_one(struct cli *c, struct follow *f, struct error *err)
{
	struct saga_watch *w = NULL;
	struct console *console = NULL;
	struct seen seen = {0};
	int rc = cli_console(c, &console, err);

	if (rc < 0)
		return rc;
	w = saga_watch_new(console);
	while (rc == 0 && !interrupted) {
		CLEANUP(saga_done) struct saga s = {0};

		rc = load(c, &s, err);
		if (rc == 0)
			rc = print_news(f, &s, &seen, err);
		if (rc == 0)
			saga_watch_wait(w, 1000);
	}
	saga_watch_free(w);
	free(seen.ids);
	return rc < 0 ? rc : 0;
}

static void add_event_line(void *arg, const json_t *m, struct buf *text)
{
	struct saga_event e = {.data = json_object_get(json_object_get(m, "value"), "event_data")};
	CLEANUP(buf_done) struct buf detail = {0};
	const char *order = json_string_or(m, "order_id", "-"), *type = json_string_or(m, "event_type", "?");

	saga_detail(&e, &detail);
	cli_add_moment(arg, text, json_string_or(m, "at", ""));
	buf_adds(text, "  ");
	human_safe(text, order, strlen(order));
	buf_adds(text, "  ");
	human_safe(text, type, strlen(type));
	buf_adds(text, detail.len > 0 ? "  " : "");
	human_safe(text, buf_str(&detail), detail.len);
	buf_addc(text, '\n');
}

/* A message as a step of its saga; the message's own members stay behind them. */
static int follow_event(void *arg, json_t *message, struct error *err)
{
	json_t *value = json_object_get(message, "value");
	json_t *row =
	    json_pack("{s:O?, s:O?, s:O?, s:O?, s:O?, s:O?}", "order_id", json_object_get(message, "key"),
		      "at", json_object_get(value, "timestamp"), "event_type",
		      json_object_get(value, "event_type"), "event_id", json_object_get(value, "event_id"),
		      "causation_id", json_object_get(value, "causation_id"), "daemon",
		      json_object_get(json_object_get(message, "headers"), "ce_source"));

	json_object_update_missing(row, message);
	json_decref(message);
	return follow_row(arg, row, err);
}

static int follow_all(struct cli *c, struct follow *f, struct error *err)
{
	const char *const names[] = {topics[TOPIC_ORDER].name, topics[TOPIC_INVENTORY].name,
				     topics[TOPIC_PAYMENT].name, topics[TOPIC_KITCHEN].name};
	struct topics_read read = {.topics = names,
				   .topic_count = (int)ARRAY_LEN(names),
				   .since_us = -1,
				   .tail = 0,
				   .follow = true,
				   .stop = &interrupted,
				   .cursor = f->cursor};
	struct console *console = NULL;
	int rc = cli_console(c, &console, err);

	output_lines(f->out, add_event_line, c);
	return rc < 0 ? rc : topics_read(console, &read, follow_event, f, err);
}

static int saga_follow(struct cli *c, struct error *err)
{
	struct follow f;
	int rc = follow_open(c, true, &f, err);

	if (rc < 0)
		return rc;
	rc = cli_arguments(c) > 0 ? follow_one(c, &f, err) : follow_all(c, &f, err);
	return follow_close(&f, rc, err);
}

/* --- retry, cancel, compensate --- */

static int change(struct cli *c, const char *verb, struct error *err)
{
	char id[UUID_TEXT_SIZE];
	AUTO_FREE char *path = NULL;
	struct uuid order = {0};
	json_t *body;
	int rc = cli_order_id(c, 0, &order, err);

	if (rc < 0)
		return rc;
	path = xasprintf("/api/v1/sagas/%s/%s", uuid_format(order, id), verb);
	body = json_object();
	if (cli_given(c, "expect-version"))
		json_object_set_new(body, "expected_version", json_integer(cli_int(c, "expect-version", 0)));
	return cli_change(c, "POST", "orderd", path, body, err);
}

static int saga_retry(struct cli *c, struct error *err)
{
	return change(c, "retry", err);
}

static int saga_cancel(struct cli *c, struct error *err)
{
	return change(c, "cancel", err);
}

static int saga_compensate(struct cli *c, struct error *err)
{
	return change(c, "compensate", err);
}

static int saga_rebuild(struct cli *c, struct error *err)
{
	return cli_change(c, "POST", "aggregatord", "/api/v1/rebuild", json_object(), err);
}

/* --- the table --- */

static const struct column list_columns[] = {
    {.name = "order_id", .flags = COLUMN_ID, .text = "the order"},
    {.name = "state", .kind = COLUMN_STATE, .text = "the order's status, or compensating"},
    {.name = "awaiting", .text = "the event it waits for"},
    {.name = "daemon", .title = "from", .text = "the daemon that owes it"},
    {.name = "started_at", .title = "started", .kind = COLUMN_TIME, .text = "its first event"},
    {.name = "updated_at", .kind = COLUMN_TIME, .flags = COLUMN_WIDE, .text = "its latest step"},
    {.name = "age_seconds",
     .title = "age",
     .kind = COLUMN_SECONDS,
     .flags = COLUMN_PASSING,
     .text = "from its start to its end, or to now"},
    {.name = "waiting_seconds",
     .title = "idle",
     .kind = COLUMN_SECONDS,
     .flags = COLUMN_PASSING,
     .text = "since its latest step"},
    {.name = "steps", .kind = COLUMN_INT, .text = "events so far, without notifications"},
    {.name = "customer_name", .title = "customer", .flags = COLUMN_WIDE, .text = "who ordered"},
    {.name = "total_amount",
     .title = "total",
     .kind = COLUMN_MONEY,
     .flags = COLUMN_WIDE,
     .text = "minor units"},
    {.name = "currency", .flags = COLUMN_MACHINE, .text = "ISO 4217"},
    {.name = "reason", .flags = COLUMN_WIDE, .text = "why it was cancelled"},
    {.name = "due", .kind = COLUMN_BOOL, .flags = COLUMN_MACHINE, .text = "the awaited step has a deadline"},
    {.name = "ended_at",
     .kind = COLUMN_TIME,
     .flags = COLUMN_MACHINE,
     .text = "ready, or cancelled and undone"},
    {.name = "correlation_id", .flags = COLUMN_MACHINE, .text = "shared by all its events"},
    {.name = NULL},
};

static const struct column step_columns[] = {
    {.name = "seq", .title = "#", .kind = COLUMN_INT, .text = "place in the timeline, from 1"},
    {.name = "at", .kind = COLUMN_TIME, .text = "when it happened"},
    {.name = "since_start_ms", .title = "offset", .kind = COLUMN_MS, .text = "since the saga's start"},
    {.name = "event_type", .title = "event", .text = "what happened"},
    {.name = "event_id", .flags = COLUMN_ID | COLUMN_MACHINE, .text = "the event's id"},
    {.name = "causation_id", .flags = COLUMN_MACHINE, .text = "the event that caused it"},
    {.name = "topic", .text = "where it lies"},
    {.name = "partition", .kind = COLUMN_INT, .text = "in Kafka"},
    {.name = "offset", .title = "at", .kind = COLUMN_INT, .text = "in the partition"},
    {.name = "daemon", .text = "who sent it"},
    {.name = NULL},
};

static const struct column follow_columns[] = {
    {.name = "order_id", .title = "order", .text = "the order"},
    {.name = "at", .kind = COLUMN_TIME, .text = "when it happened"},
    {.name = "event_type", .title = "event", .text = "what happened"},
    {.name = "daemon", .text = "who sent it"},
    {.name = "event_id", .flags = COLUMN_ID, .text = "the event's id"},
    {.name = "causation_id", .flags = COLUMN_MACHINE, .text = "the event that caused it"},
    {.name = "topic", .text = "where it lies"},
    {.name = "partition", .kind = COLUMN_INT, .text = "in Kafka"},
    {.name = "offset", .kind = COLUMN_INT, .text = "in the partition"},
    {.name = NULL},
};

static const struct column show_columns[] = {
    {.name = "order_id", .title = "order", .flags = COLUMN_ID, .text = "the order"},
    {.name = "state", .kind = COLUMN_STATE, .text = "the order's status, or compensating"},
    {.name = "awaiting", .text = "the event it waits for"},
    {.name = "daemon", .title = "from", .text = "the daemon that owes it"},
    {.name = "correlation_id", .title = "correlation", .text = "shared by all its events"},
    {.name = "started_at", .title = "started", .kind = COLUMN_TIME, .text = "its first event"},
    {.name = "ended_at", .title = "ended", .kind = COLUMN_TIME, .text = "ready, or cancelled and undone"},
    {.name = "duration_ms", .title = "took", .kind = COLUMN_MS, .text = "from the first to the latest step"},
    {.name = "steps", .kind = COLUMN_JSON, .nested = step_columns, .text = "its events, after their causes"},
    {.name = NULL},
};

static const struct column wait_columns[] = {
    {.name = "order_id", .title = "order", .flags = COLUMN_ID, .text = "the order"},
    {.name = "state", .kind = COLUMN_STATE, .text = "the order's status, or compensating"},
    {.name = "awaiting", .text = "the event it waits for"},
    {.name = "daemon", .title = "from", .text = "the daemon that owes it"},
    {.name = "updated_at", .title = "updated", .kind = COLUMN_TIME, .text = "its latest step"},
    {.name = NULL},
};

static const struct column change_columns[] = {
    {.name = "order_id", .title = "order", .flags = COLUMN_ID, .text = "the order"},
    {.name = "status", .kind = COLUMN_STATE, .text = "its status now"},
    {.name = "version", .kind = COLUMN_INT, .flags = COLUMN_WIDE, .text = "its version now"},
    {.name = NULL},
};

static const struct column rebuild_columns[] = {
    {.name = "running", .kind = COLUMN_BOOL, .text = "it is under way"},
    {.name = "requested_at", .title = "requested", .kind = COLUMN_TIME, .text = "when it was asked for"},
    {.name = "finished_at", .title = "finished", .kind = COLUMN_TIME, .text = "when it was done"},
    {.name = "events_done", .title = "events", .kind = COLUMN_INT, .text = "events read so far"},
    {.name = "events_total", .title = "of", .kind = COLUMN_INT, .text = "events in the topics"},
    {.name = NULL},
};

static const char *const state_words[] = {"pending", "reserved",     "paid",	  "cooking",
					  "ready",   "compensating", "cancelled", NULL};
static const char *const for_words[] = {"pending", "reserved", "paid", "cooking", "ready", "cancelled", NULL};

static const struct argument_def saga_argument[] = {
    {.name = "ORDER", .text = "an order's id, or its beginning (8 characters)"},
    {.name = NULL},
};

static const struct argument_def follow_argument[] = {
    {.name = "ORDER", .text = "an order's id; nothing: all orders", .optional = true},
    {.name = NULL},
};

static const struct option_def ls_options[] = {
    {.name = "state", .kind = VALUE_WORD, .value = "STATE", .text = "only sagas in it", .words = state_words},
    {.name = "stuck",
     .kind = VALUE_DURATION,
     .value = "D",
     .optional = true,
     .text = "only those that wait longer than D, or than order.stuck (30s)"},
    {.name = "since", .kind = VALUE_DURATION, .value = "D", .text = "only those started in the last D"},
    {.name = NULL},
};

static const struct option_def follow_options[] = {CURSOR_OPTION, {.name = NULL}};

static const struct option_def wait_options[] = {
    {.name = "for",
     .kind = VALUE_WORD,
     .value = "STATE",
     .text = "the state to wait for",
     .fallback = "paid",
     .words = for_words},
    {.name = "timeout", .kind = VALUE_DURATION, .value = "D", .text = "how long to wait", .fallback = "30s"},
    {.name = NULL},
};

static const struct option_def change_options[] = {
    {.name = "expect-version",
     .kind = VALUE_INT,
     .value = "N",
     .text = "only if the order is still at this version (exit 9 otherwise)"},
    {.name = NULL},
};

const struct noun noun_saga = {
    .name = "saga",
    .group = "orders",
    .summary = "what happened to an order, what it waits for, and pushing it",
    .commands =
	(const struct command[]){
	    {.verb = "ls",
	     .summary = "list sagas, newest first",
	     .options = ls_options,
	     .columns = list_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl saga ls --stuck", "pizzactl saga ls --state compensating -o json"},
	     .run = saga_ls},
	    {.verb = "show",
	     .summary = "draw one saga's timeline",
	     .arguments = saga_argument,
	     .columns = show_columns,
	     .shape = SHAPE_SHOW,
	     .examples = {"pizzactl saga show 01939b1c",
			  "pizzactl saga show 01939b1c -o json | jq .steps[].event_type"},
	     .run = saga_show},
	    {.verb = "wait",
	     .summary = "wait until a saga has reached a state (exit 4: it ended otherwise, 7: timed out)",
	     .arguments = saga_argument,
	     .options = wait_options,
	     .columns = wait_columns,
	     .shape = SHAPE_SHOW,
	     .examples = {"pizzactl saga wait 01939b1c --for paid --timeout 10s"},
	     .run = saga_wait_for},
	    {.verb = "follow",
	     .summary = "show steps as they happen",
	     .arguments = follow_argument,
	     .options = follow_options,
	     .columns = follow_columns,
	     .shape = SHAPE_STREAM,
	     .examples = {"pizzactl saga follow", "pizzactl saga follow 01939b1c -o jsonl"},
	     .run = saga_follow},
	    {.verb = "retry",
	     .summary = "end the waiting for the next try of the step that a saga waits for",
	     .arguments = saga_argument,
	     .options = change_options,
	     .columns = change_columns,
	     .shape = SHAPE_SHOW,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl saga retry 01939b1c --reason 'provider is back' --dry-run"},
	     .run = saga_retry},
	    {.verb = "cancel",
	     .summary = "cancel the order; what was done for it is undone",
	     .arguments = saga_argument,
	     .options = change_options,
	     .columns = change_columns,
	     .shape = SHAPE_SHOW,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl saga cancel 01939b1c"},
	     .run = saga_cancel},
	    {.verb = "compensate",
	     .summary = "cancel, and end the waiting for the refund and the release that are owed then",
	     .arguments = saga_argument,
	     .options = change_options,
	     .columns = change_columns,
	     .shape = SHAPE_SHOW,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl saga compensate 01939b1c"},
	     .run = saga_compensate},
	    {.verb = "rebuild",
	     .summary = "derive the read model anew from the topics, while the present one goes on answering",
	     .columns = rebuild_columns,
	     .shape = SHAPE_SHOW,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl saga rebuild"},
	     .run = saga_rebuild},
	    {.run = NULL},
	},
};
