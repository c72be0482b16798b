/*
 * Sagas: the list, and the flow of one.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/money.h"
#include "tui/flow.h"
#include "tui/list.h"
#include "tui/value.h"

static int retry(struct console *c, const struct action_call *call, struct buf *said, struct error *err)
{
	(void)said;
	return action_post(c, "orderd", "/api/v1/sagas/{order_id}/retry", call->row, json_object(), err);
}

static int compensate(struct console *c, const struct action_call *call, struct buf *said, struct error *err)
{
	(void)said;
	return action_post(c, "orderd", "/api/v1/sagas/{order_id}/compensate", call->row, json_object(), err);
}

#define RETRY                                                                                     \
	{                                                                                         \
		.key = 'r', .name = "retry", .text = "has the step done again that it waits for", \
		.command = "saga retry {order_id}", .changes = true, .run = retry                 \
	}
#define CANCEL                                                                                       \
	{                                                                                            \
		.key = 'c', .name = "cancel", .text = "cancels the order, and undoes what was done", \
		.command = "saga cancel {order_id}", .reasons = true, .changes = true, .asks = true, \
		.run = action_cancel_order                                                           \
	}
#define COMPENSATE                                                                                       \
	{                                                                                                \
		.key = 'u', .name = "compensate",                                                        \
		.text = "asks again for the refund and the release that are owed",                       \
		.command = "saga compensate {order_id}", .reasons = true, .changes = true, .asks = true, \
		.run = compensate                                                                        \
	}
#define LOGS                                                                                \
	{                                                                                   \
		.key = 'l', .name = "log", .text = "what the daemons say of the order",     \
		.command = "logs --order {order_id}", .opens = "logs", .member = "order_id" \
	}

static const struct action list_actions[] = {{.key = 0,
					      .name = "show",
					      .text = "its steps as they flow",
					      .command = "saga show {order_id}",
					      .opens = "saga",
					      .member = "order_id"},
					     RETRY,
					     CANCEL,
					     COMPENSATE,
					     LOGS,
					     {.key = 'S',
					      .name = "steps",
					      .text = "how long each step takes",
					      .command = "top steps --once",
					      .opens = "steps",
					      .member = "none"},
					     {.name = NULL}};

static const struct action flow_actions[] = {RETRY, CANCEL, COMPENSATE, LOGS, {.name = NULL}};

static void add_wait(const struct model *m, const json_t *row, struct buf *out)
{
	const char *awaiting = json_string_or(row, "awaiting", NULL);

	(void)m;
	if (awaiting != NULL)
		buf_adds(out, awaiting);
}

static const struct list_column columns[] = {
    {.name = "order_id", .title = "order", .format = VALUE_AS_ID},
    {.name = "state", .format = VALUE_AS_STATE, .max = 14},
    {.name = "awaiting",
     .title = "waits for",
     .format = VALUE_AS_OTHER,
     .human = add_wait,
     .max = 18,
     .drop = 2},
    {.name = "daemon", .title = "from", .max = 12, .drop = 4},
    {.name = "started_at", .title = "age", .format = VALUE_AS_AGE},
    {.name = "updated_at", .title = "idle", .format = VALUE_AS_AGE, .drop = 3},
    {.name = "steps", .format = VALUE_AS_INT, .drop = 5},
    {.name = "customer_name", .title = "customer", .max = 24, .drop = 6},
    {.name = "reason", .drop = 7},
    {.name = NULL},
};

static const char *const states[] = {"",	"stuck", "mine",    "compensating", "cancelled",
				     "pending", "paid",	 "cooking", "ready",	    NULL};

const struct screen screen_sagas = {
    .name = "sagas",
    .text = "sagas, the newest first",
    .key = '2',
    .feeds = FEED_BIT(SAGAS),
    .main = FEED_SAGAS,
    .id = "order_id",
    .columns = columns,
    .empty = "no saga is like that",
    .narrows = states,
    .actions = list_actions,
};

/* --- steps --- */

#define STEP_BAR 30

/* The median as a bar, and what is beyond it up to the 99th percentile. */
static void add_spread(const struct model *m, const json_t *row, struct buf *out)
{
	const json_t *all = m->panels[FEED_STEPS].data;
	double most = 1, p50 = json_number_value(json_object_get(row, "p50_ms"));
	double p99 = json_number_value(json_object_get(row, "p99_ms"));
	int half, full;

	for (size_t i = 0; i < json_array_size(all); i++)
		most = fmax(most, json_number_value(json_object_get(json_array_get(all, i), "p99_ms")));
	half = (int)lround(p50 / most * STEP_BAR);
	full = (int)lround(p99 / most * STEP_BAR);
	for (int i = 0; i < full || i < 1; i++)
		buf_adds(out, i < half || i == 0 ? "█" : "░");
}

static const struct list_column step_columns[] = {
    {.name = "event_type", .title = "step", .max = 22},
    {.name = "daemon", .title = "by", .max = 14, .drop = 2},
    {.name = "events", .title = "sample", .format = VALUE_AS_INT, .drop = 3},
    {.name = "p50_ms", .title = "p50", .format = VALUE_AS_MS},
    {.name = "p90_ms", .title = "p90", .format = VALUE_AS_MS, .drop = 4},
    {.name = "p99_ms", .title = "p99", .format = VALUE_AS_MS},
    {.name = "most_ms", .title = "most", .format = VALUE_AS_MS, .drop = 5},
    {.name = "spread", .title = "p50 to p99", .human = add_spread, .max = STEP_BAR, .drop = 1},
    {.name = NULL},
};

static const struct action step_actions[] = {{.name = "service",
					      .text = "who does the step",
					      .command = "status {daemon}",
					      .opens = "service",
					      .member = "daemon"},
					     {.name = NULL}};

const struct screen screen_steps = {
    .name = "steps",
    .text = "how long each step of the sagas took in the last 15 minutes",
    .feeds = FEED_BIT(STEPS),
    .main = FEED_STEPS,
    .id = "event_type",
    .columns = step_columns,
    .empty = "nothing has happened in the last 15 minutes",
    .actions = step_actions,
};

/* --- one --- */

static void write_saga(const struct model *m, struct sheet *s, int width)
{
	const json_t *saga = json_array_get(m->views[m->depth - 1].rows, 0);

	flow_write(s, saga, model_service(m, json_string_or(saga, "daemon", "")), m->now_us, width);
}

const struct screen screen_saga = {
    .name = "saga",
    .text = "the flow of one saga, live",
    .feeds = FEED_BIT(SAGA) | FEED_BIT(STATUS),
    .main = FEED_SAGA,
    .id = "order_id",
    .detail = true,
    .write = write_saga,
    .subjects = {FEED_SAGAS, "order_id"},
    .actions = flow_actions,
};
