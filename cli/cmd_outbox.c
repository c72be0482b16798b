/*
 * pizzactl outbox and kpi: what waits to be published, and the key figures.
 */
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/resource.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/api.h"
#include "core/console/readmodel.h"
#include "core/contract/daemons.h"

static int outbox_status(struct cli *c, struct error *err)
{
	return resource_show(c, "outboxd", "/api/v1/outbox", "items", err);
}

struct events {
	struct output *out;
	const char *database;
};

static int write_event(void *arg, json_t *row, struct error *err)
{
	const struct events *e = arg;

	json_object_set_new(row, "database", json_string(e->database));
	return output_row(e->out, row, err);
}

static int list_events(struct console *console, const char *database, struct output *o, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};
	struct events e = {o, database};

	buf_adds(&path, "/api/v1/outbox");
	api_segment(&path, database);
	buf_adds(&path, "/events");
	return api_list(console, "outboxd", buf_str(&path), output_wanted(o, false), write_event, &e, err);
}

static int write_events(struct console *console, void *arg, struct output *o, struct error *err)
{
	const struct cli *c = arg;
	int rc = 0;

	if (cli_arguments(c) > 0)
		return list_events(console, cli_argument(c, 0), o, err);
	for (int i = 0; i < DAEMON_COUNT && rc == 0; i++)
		if (daemons[i].outbox)
			rc = list_events(console, daemons[i].database, o, err);
	return rc;
}

static int outbox_ls(struct cli *c, struct error *err)
{
	return cli_rows(c, write_events, c, err);
}

static const struct column status_columns[] = {
    {.name = "database", .flags = COLUMN_ID, .text = "whose outbox"},
    {.name = "unpublished", .kind = COLUMN_INT, .text = "events not yet in Kafka"},
    {.name = "oldest_age_ms",
     .title = "oldest",
     .kind = COLUMN_MS,
     .flags = COLUMN_PASSING,
     .text = "age of the oldest of them"},
    {.name = "published_total", .title = "published", .kind = COLUMN_INT, .text = "events so far"},
    {.name = NULL},
};

static const struct column event_columns[] = {
    {.name = "database", .text = "whose outbox"},
    {.name = "seq", .kind = COLUMN_INT, .text = "order of publication"},
    {.name = "topic", .text = "where it goes"},
    {.name = "aggregate_id", .title = "key", .text = "the Kafka key"},
    {.name = "aggregate_seq",
     .kind = COLUMN_INT,
     .flags = COLUMN_WIDE,
     .text = "1, 2, 3 … per topic and key"},
    {.name = "event_type", .title = "event", .text = "what happened"},
    {.name = "event_id", .flags = COLUMN_ID | COLUMN_WIDE, .text = "the event's id"},
    {.name = "created_at", .title = "created", .kind = COLUMN_TIME, .text = "when it was written"},
    {.name = NULL},
};

static const struct argument_def database_argument[] = {
    {.name = "DATABASE", .text = "such as pizza_order; nothing: all", .optional = true},
    {.name = NULL},
};

const struct noun noun_outbox = {
    .name = "outbox",
    .group = "streams",
    .summary = "events that wait to be published",
    .commands =
	(const struct command[]){
	    {.verb = "status",
	     .summary = "how many wait, and how long",
	     .columns = status_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl outbox status"},
	     .run = outbox_status},
	    {.verb = "ls",
	     .summary = "list the events that wait",
	     .arguments = database_argument,
	     .columns = event_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl outbox ls pizza_order"},
	     .run = outbox_ls},
	    {.run = NULL},
	},
};

static int kpi(struct cli *c, struct error *err)
{
	struct console *console = NULL;
	json_t *figures = NULL;
	int rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = readmodel_kpi(console, cli_ms(c, "since", -1), &figures, err);
	return rc < 0 ? rc : cli_show(c, figures, err);
}

static const struct column kpi_columns[] = {
    {.name = "orders_total", .title = "orders", .kind = COLUMN_INT, .text = "accepted"},
    {.name = "paid_total", .title = "paid", .kind = COLUMN_INT, .text = "of them paid"},
    {.name = "cancelled_total", .title = "cancelled", .kind = COLUMN_INT, .text = "of them cancelled"},
    {.name = "orders_per_minute",
     .kind = COLUMN_REAL,
     .flags = COLUMN_PASSING,
     .text = "accepted per minute"},
    {.name = "paid_percent", .title = "paid share", .kind = COLUMN_PERCENT, .text = "paid of accepted"},
    {.name = "average_order_amount", .title = "average order", .kind = COLUMN_MONEY, .text = "minor units"},
    {.name = "currency", .flags = COLUMN_MACHINE, .text = "of the latest order"},
    {.name = "end_to_end_p50_ms",
     .title = "paid after, p50",
     .kind = COLUMN_MS,
     .text = "from created to paid"},
    {.name = "end_to_end_p99_ms",
     .title = "paid after, p99",
     .kind = COLUMN_MS,
     .text = "from created to paid"},
    {.name = "notifications_total", .title = "notifications", .kind = COLUMN_INT, .text = "messages sent"},
    {.name = "notification_delivery_p50_ms",
     .title = "delivery, p50",
     .kind = COLUMN_MS,
     .text = "of messages"},
    {.name = "cooking_p50_ms", .title = "cooking, p50", .kind = COLUMN_MS, .text = "in the kitchen"},
    {.name = NULL},
};

static const struct option_def kpi_options[] = {
    {.name = "since", .kind = VALUE_DURATION, .value = "D", .text = "of the last D (default: of all time)"},
    {.name = NULL},
};

const struct noun noun_kpi = {
    .name = "kpi",
    .group = "orders",
    .summary = "key figures: orders, share paid, durations",
    .commands =
	(const struct command[]){
	    {.summary = "key figures: orders, share paid, durations",
	     .options = kpi_options,
	     .columns = kpi_columns,
	     .shape = SHAPE_SHOW,
	     .examples = {"pizzactl kpi --since 15m"},
	     .run = kpi},
	    {.run = NULL},
	},
};
