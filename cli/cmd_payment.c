/*
 * pizzactl payment: charges and refunds.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/resource.h"
#include "core/base/mem.h"
#include "core/console/api.h"

static int payment_ls(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};
	int rc;

	buf_adds(&path, "/api/v1/payments");
	api_query(&path, "status", cli_text(c, "status"));
	rc = cli_order_query(c, &path, err);
	return rc < 0 ? rc : resource_list(c, "paymentd", buf_str(&path), err);
}

static int payment_show(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};
	int rc = cli_id_path(c, "/api/v1/payments", "payment", "", &path, err);

	return rc < 0 ? rc : resource_show(c, "paymentd", buf_str(&path), NULL, err);
}

static int payment_refund(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};
	json_t *body;
	int rc = cli_id_path(c, "/api/v1/payments", "payment", "/refund", &path, err);

	if (rc < 0)
		return rc;
	body = json_object();
	if (cli_text(c, "amount") != NULL)
		json_object_set_new(body, "amount", json_integer(cli_int(c, "amount", 0)));
	return cli_change(c, "POST", "paymentd", buf_str(&path), body, err);
}

static const struct column payment_columns[] = {
    {.name = "payment_id", .title = "payment", .flags = COLUMN_ID, .text = "the payment's id"},
    {.name = "order_id", .title = "order", .text = "for which order"},
    {.name = "amount", .kind = COLUMN_MONEY, .text = "in the currency's minor unit"},
    {.name = "currency", .flags = COLUMN_MACHINE, .text = "ISO 4217"},
    {.name = "status", .kind = COLUMN_STATE, .text = "what became of it"},
    {.name = "attempt", .kind = COLUMN_INT, .flags = COLUMN_WIDE, .text = "tries at the provider"},
    {.name = "provider_id", .title = "provider", .text = "the provider's id"},
    {.name = "reason", .flags = COLUMN_WIDE, .text = "why it failed"},
    {.name = "created_at",
     .title = "created",
     .kind = COLUMN_TIME,
     .flags = COLUMN_WIDE,
     .text = "when it was due"},
    {.name = NULL},
};

static const char *const status_words[] = {"requested", "processing", "completed", "failed",
					   "cancelled", "refunding",  "refunded",  NULL};

static const struct option_def ls_options[] = {
    {.name = "status",
     .kind = VALUE_WORD,
     .value = "STATUS",
     .text = "only payments with it",
     .words = status_words},
    OPTION_ORDER,
    {.name = NULL},
};

static const struct option_def refund_options[] = {
    {.name = "amount", .kind = VALUE_INT, .value = "N", .text = "minor units (default: all that is left)"},
    {.name = NULL},
};

static const struct argument_def payment_argument[] = {
    {.name = "PAYMENT", .text = "a payment's id or its order's, or its beginning"},
    {.name = NULL},
};

const struct noun noun_payment = {
    .name = "payment",
    .group = "data",
    .summary = "charges and refunds",
    .commands =
	(const struct command[]){
	    {.verb = "ls",
	     .summary = "list payments, newest first",
	     .options = ls_options,
	     .columns = payment_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl payment ls --status failed"},
	     .run = payment_ls},
	    {.verb = "show",
	     .summary = "show one payment",
	     .arguments = payment_argument,
	     .columns = payment_columns,
	     .shape = SHAPE_SHOW,
	     .examples = {"pizzactl payment show 01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11"},
	     .run = payment_show},
	    {.verb = "refund",
	     .summary = "give the customer the money back",
	     .arguments = payment_argument,
	     .options = refund_options,
	     .columns = payment_columns,
	     .shape = SHAPE_SHOW,
	     .flags = COMMAND_CHANGES,
	     .examples =
		 {"pizzactl payment refund 01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11 --reason 'cold pizza'"},
	     .run = payment_refund},
	    {.run = NULL},
	},
};
