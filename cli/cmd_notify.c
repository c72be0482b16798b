/*
 * pizzactl notify: messages to customers and operators.
 */
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/resource.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/api.h"

static int notify_ls(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};
	int rc;

	buf_adds(&path, "/api/v1/notifications");
	api_query(&path, "status", cli_text(c, "status"));
	rc = cli_order_query(c, &path, err);
	return rc < 0 ? rc : resource_list(c, "notifyd", buf_str(&path), err);
}

static int notify_show(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};
	int rc = cli_id_path(c, "/api/v1/notifications", "notification", "", &path, err);

	return rc < 0 ? rc : resource_show(c, "notifyd", buf_str(&path), NULL, err);
}

static int notify_resend(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};
	int rc = cli_id_path(c, "/api/v1/notifications", "notification", "/resend", &path, err);

	return rc < 0 ? rc : cli_change(c, "POST", "notifyd", buf_str(&path), json_object(), err);
}

static int notify_templates(struct cli *c, struct error *err)
{
	return resource_list(c, "notifyd", "/api/v1/notifications/templates", err);
}

/* "email sent, sms failed" */
static void add_deliveries(const json_t *row, struct buf *out)
{
	const json_t *list = json_object_get(row, "deliveries");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *d = json_array_get(list, i);

		buf_addf(out, "%s%s %s", i > 0 ? ", " : "", json_string_or(d, "channel", "?"),
			 json_string_or(d, "status", "?"));
	}
}

static const struct column delivery_columns[] = {
    {.name = "channel"},
    {.name = "status", .kind = COLUMN_STATE},
    {.name = "attempts", .kind = COLUMN_INT},
    {.name = "address", .title = "to"},
    {.name = "error"},
    {.name = NULL},
};

static const struct column list_columns[] = {
    {.name = "notification_id", .title = "notification", .flags = COLUMN_ID, .text = "the message's id"},
    {.name = "order_id", .title = "order", .text = "about which order"},
    {.name = "kind", .text = "what it says"},
    {.name = "deliveries",
     .kind = COLUMN_JSON,
     .human = add_deliveries,
     .text = "per channel: status and attempts"},
    {.name = "created_at", .title = "created", .kind = COLUMN_TIME, .text = "when it was due"},
    {.name = NULL},
};

static const struct column show_columns[] = {
    {.name = "notification_id", .title = "notification", .flags = COLUMN_ID, .text = "the message's id"},
    {.name = "order_id", .title = "order", .text = "about which order"},
    {.name = "kind", .text = "what it says"},
    {.name = "created_at", .title = "created", .kind = COLUMN_TIME, .text = "when it was due"},
    {.name = "deliveries",
     .kind = COLUMN_JSON,
     .nested = delivery_columns,
     .text = "per channel: status and attempts"},
    {.name = NULL},
};

static const struct column template_columns[] = {
    {.name = "kind", .flags = COLUMN_ID, .text = "what it says"},
    {.name = "channel", .text = "email or sms"},
    {.name = "subject", .text = "of e-mails"},
    {.name = "body", .text = "the text"},
    {.name = NULL},
};

static const char *const status_words[] = {"waiting", "pending", "sent", "failed", "skipped", NULL};

static const struct option_def ls_options[] = {
    {.name = "status",
     .kind = VALUE_WORD,
     .value = "STATUS",
     .text = "only messages with it",
     .words = status_words},
    OPTION_ORDER,
    {.name = NULL},
};

static const struct argument_def notification_argument[] = {
    {.name = "NOTIFICATION", .text = "a message's id, or its beginning (8 characters)"},
    {.name = NULL},
};

const struct noun noun_notify = {
    .name = "notify",
    .group = "data",
    .summary = "messages to customers and operators",
    .commands =
	(const struct command[]){
	    {.verb = "ls",
	     .summary = "list messages, newest first",
	     .options = ls_options,
	     .columns = list_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl notify ls --status failed"},
	     .run = notify_ls},
	    {.verb = "show",
	     .summary = "show one message and its deliveries",
	     .arguments = notification_argument,
	     .columns = show_columns,
	     .shape = SHAPE_SHOW,
	     .examples = {"pizzactl notify show 01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11"},
	     .run = notify_show},
	    {.verb = "resend",
	     .summary = "deliver a message again",
	     .arguments = notification_argument,
	     .columns = show_columns,
	     .shape = SHAPE_SHOW,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl notify resend 01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11"},
	     .run = notify_resend},
	    {.verb = "templates",
	     .summary = "list the texts",
	     .columns = template_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl notify templates"},
	     .run = notify_templates},
	    {.run = NULL},
	},
};
