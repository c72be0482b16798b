/*
 * pizzactl order: placing, listing, showing and cancelling orders.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/follow.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/resource.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/api.h"
#include "core/console/orders.h"
#include "core/console/readmodel.h"
#include "core/console/topics.h"
#include "core/console/wait.h"
#include "core/contract/topics.h"

/* --- create --- */

/* PIZZA[:SIZE[:QTY]], also PIZZA:QTY. */
static int parse_item(const char *text, json_t *items, struct error *err)
{
	AUTO_FREE char *copy = xstrdup(text);
	char *pizza = copy, *size, *quantity = NULL;
	long long count = 1;
	json_t *item = json_object();

	json_array_append_new(items, item);
	size = strchr(pizza, ':');
	if (size != NULL)
		*size++ = '\0';
	if (size != NULL && (quantity = strchr(size, ':')) != NULL)
		*quantity++ = '\0';
	if (quantity == NULL && size != NULL && isdigit((unsigned char)*size)) {
		quantity = size;
		size = NULL;
	}
	if (*pizza == '\0' || (quantity != NULL && (sscanf(quantity, "%lld", &count) != 1 ||
						    strspn(quantity, "0123456789") != strlen(quantity)))) {
		error_set(err, ERR_USAGE, "--item", "\"%.60s\" is no item", text);
		error_hint(err, "write PIZZA, PIZZA:SIZE or PIZZA:SIZE:QTY, such as margherita:large:2");
		return ERR_USAGE;
	}
	json_object_set_new(item, "pizza_id", json_string(pizza));
	json_object_set_new(item, "quantity", json_integer(count));
	if (size != NULL && *size != '\0')
		json_object_set_new(item, "size", json_string(size));
	return 0;
}

static int add_items(struct cli *c, json_t *order, struct error *err)
{
	json_t *items = json_array();
	const char *text;
	int cursor = 0, rc = 0;

	while (rc == 0 && (text = cli_next(c, "item", &cursor)) != NULL)
		rc = parse_item(text, items, err);
	if (rc == 0 && json_array_size(items) > 0)
		json_object_set(order, "items", items);
	json_decref(items);
	return rc;
}

static int build_order(struct cli *c, json_t **ret, struct error *err)
{
	static const struct {
		const char *option, *member;
	} members[] = {{"name", "customer_name"},
		       {"email", "customer_email"},
		       {"phone", "customer_phone"},
		       {"address", "delivery_address"},
		       {"payment-method", "payment_method"}};
	const char *file = cli_text(c, "file");
	int rc = 0;

	if (file != NULL)
		rc = input_object(file, ret, err);
	else
		*ret = json_object();
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (cli_text(c, members[i].option) != NULL)
			json_object_set_new(*ret, members[i].member,
					    json_string(cli_text(c, members[i].option)));
	return add_items(c, *ret, err);
}

static int check_order(const json_t *order, struct error *err)
{
	if (json_object_get(order, "items") == NULL) {
		error_set(err, ERR_USAGE, "order create", "no pizza was asked for");
		error_hint(err, "add --item margherita, or -f FILE");
		return ERR_USAGE;
	}
	return 0;
}

static int place(struct cli *c, const json_t *order, json_t **ret, struct error *err)
{
	char made[UUID_TEXT_SIZE];
	const char *key = cli_text(c, "idempotency-key");
	AUTO_FREE char *header = NULL;
	struct api_request r = {
	    .method = "POST", .daemon = "orderd", .path = "/api/v1/orders", .body = order};
	struct console *console = NULL;
	int rc = cli_console(c, &console, err);

	if (rc < 0)
		return rc;
	if (key == NULL)
		key = uuid_format(uuid_v7(), made);
	header = xasprintf("Idempotency-Key: %s", key);
	r.header = header;
	rc = api_call(console, &r, ret, err);
	if (rc == ERR_TIMEOUT)
		error_hint(err, "it may have been placed; ask again with --idempotency-key %.60s", key);
	return rc;
}

static int wait_for_order(struct cli *c, json_t *answer, struct error *err)
{
	const char *state = cli_text(c, "wait");
	struct console *console = NULL;
	struct uuid id = {0};
	json_t *now = NULL;
	int rc;

	if (state == NULL)
		return 0;
	rc = cli_console(c, &console, err);
	if (rc == 0)
		rc = json_get_uuid(answer, "order_id", &id, err);
	if (rc < 0)
		return rc;
	rc = saga_wait(console, id, state, cli_ms(c, "timeout", 30000), &now, err);
	if (now != NULL)
		json_object_set(answer, "status", json_object_get(now, "state"));
	json_decref(now);
	return rc;
}

static int order_create(struct cli *c, struct error *err)
{
	AUTO_JSON json_t *order = NULL;
	AUTO_JSON json_t *answer = NULL;
	struct error why = {0};
	int rc = build_order(c, &order, err), waited;

	if (rc == 0)
		rc = check_order(order, err);
	if (rc < 0)
		return rc;
	if (cli_flag(c, "dry-run"))
		return cli_change(c, "POST", "orderd", "/api/v1/orders", json_incref(order), err);
	rc = place(c, order, &answer, err);
	if (rc < 0)
		return rc;
	waited = wait_for_order(c, answer, &why);
	rc = cli_show(c, json_incref(answer), err);
	if (rc == 0 && waited < 0)
		*err = why;
	return rc < 0 ? rc : waited;
}

/* --- ls, show, cancel --- */

static int list_orders(struct cli *c, struct error *err)
{
	struct readmodel_filter filter = {
	    .state = cli_text(c, "status"), .stuck_ms = -1, .since_ms = cli_ms(c, "since", -1)};
	struct console *console = NULL;
	struct output *o = NULL;
	int rc = cli_output_from(c, readmodel_order_columns, &o, err);

	if (rc < 0)
		return rc;
	filter.where = output_where(o);
	filter.sort = output_delegate_sort(o);
	filter.limit = output_wanted(o, true);
	rc = cli_console(c, &console, err);
	if (rc == 0)
		rc = readmodel_orders(console, &filter, resource_row, o, err);
	return output_close(o, rc, err);
}

static int follow_order(void *arg, json_t *message, struct error *err)
{
	struct follow *f = arg;
	AUTO_JSON json_t *m = message;
	const char *status = cli_text(f->cli, "status");
	json_t *row = orders_change(m);

	if (row != NULL && (status == NULL || strcmp(status, json_string_or(row, "status", "")) == 0))
		return follow_row(f, row, err);
	json_decref(row);
	return 0;
}

/* Each change of each order, from now on, or from --since on. */
static int follow_orders(struct cli *c, struct error *err)
{
	const char *topic = topics[TOPIC_ORDER].name;
	int64_t since = cli_ms(c, "since", -1);
	struct topics_read read = {.topics = &topic,
				   .topic_count = 1,
				   .since_us = since < 0 ? -1 : clock_wall_us() - since * 1000,
				   .tail = since < 0 ? 0 : -1,
				   .follow = cli_flag(c, "follow"),
				   .stop = &interrupted};
	struct console *console = NULL;
	struct follow f;
	int rc = follow_open(c, true, &f, err);

	if (rc < 0)
		return rc;
	read.cursor = f.cursor;
	rc = cli_console(c, &console, err);
	if (rc == 0)
		rc = topics_read(console, &read, follow_order, &f, err);
	return follow_close(&f, rc, err);
}

static int order_ls(struct cli *c, struct error *err)
{
	if (cli_flag(c, "follow") || cli_given(c, "cursor"))
		return follow_orders(c, err);
	return list_orders(c, err);
}

static int order_path(struct cli *c, const char *tail, struct buf *path, struct error *err)
{
	char id[UUID_TEXT_SIZE];
	struct uuid order = {0};
	int rc = cli_order_id(c, 0, &order, err);

	if (rc == 0)
		buf_addf(path, "/api/v1/orders/%s%s", uuid_format(order, id), tail);
	return rc;
}

static int order_show(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};
	struct api_request r = {.method = "GET", .daemon = "orderd"};
	struct console *console = NULL;
	json_t *order = NULL;
	int rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = order_path(c, "", &path, err);
	r.path = buf_str(&path);
	if (rc == 0)
		rc = api_call(console, &r, &order, err);
	return rc < 0 ? rc : cli_show(c, order, err);
}

static int order_cancel(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};
	int rc = order_path(c, "/cancel", &path, err);

	return rc < 0 ? rc : cli_change(c, "POST", "orderd", buf_str(&path), json_object(), err);
}

/* --- the table --- */

static const struct column item_columns[] = {
    {.name = "pizza_id", .title = "pizza"},
    {.name = "size"},
    {.name = "quantity", .kind = COLUMN_INT},
    {.name = "price_amount", .title = "price each", .kind = COLUMN_MONEY},
    {.name = NULL},
};

static const struct column list_columns[] = {
    {.name = "order_id", .flags = COLUMN_ID, .text = "the order's id"},
    {.name = "status", .kind = COLUMN_STATE, .text = "pending, reserved, paid, cooking, ready or cancelled"},
    {.name = "customer_name", .title = "customer", .text = "who ordered"},
    {.name = "item_count", .title = "pizzas", .kind = COLUMN_INT, .text = "number of pizzas"},
    {.name = "total_amount", .title = "total", .kind = COLUMN_MONEY, .text = "in the currency's minor unit"},
    {.name = "currency", .flags = COLUMN_MACHINE, .text = "ISO 4217"},
    {.name = "payment_method", .flags = COLUMN_WIDE, .text = "as ordered"},
    {.name = "created_at", .title = "created", .kind = COLUMN_TIME, .text = "when it was accepted"},
    {.name = "updated_at",
     .title = "updated",
     .kind = COLUMN_TIME,
     .flags = COLUMN_WIDE,
     .text = "its latest step"},
    {.name = "reason", .flags = COLUMN_WIDE, .text = "why it was cancelled"},
    {.name = NULL},
};

static const struct column created_columns[] = {
    {.name = "order_id", .title = "order", .flags = COLUMN_ID, .text = "the order's id"},
    {.name = "status", .kind = COLUMN_STATE, .text = "pending, or what --wait has waited for"},
    {.name = "total_amount", .title = "total", .kind = COLUMN_MONEY, .text = "in the currency's minor unit"},
    {.name = "currency", .flags = COLUMN_MACHINE, .text = "ISO 4217"},
    {.name = "payment_method", .title = "payment", .text = "as ordered"},
    {.name = "created_at", .title = "created", .kind = COLUMN_TIME, .text = "when it was accepted"},
    {.name = "items", .kind = COLUMN_JSON, .nested = item_columns, .text = "what was ordered"},
    {.name = NULL},
};

static const struct column show_columns[] = {
    {.name = "order_id", .title = "order", .flags = COLUMN_ID, .text = "the order's id"},
    {.name = "status", .kind = COLUMN_STATE, .text = "pending, reserved, paid, cooking, ready or cancelled"},
    {.name = "customer_name", .title = "customer", .text = "who ordered"},
    {.name = "customer_email", .title = "e-mail", .text = "where messages go"},
    {.name = "customer_phone", .title = "phone", .text = "normalised"},
    {.name = "delivery_address", .title = "address", .text = "where the pizzas go"},
    {.name = "total_amount", .title = "total", .kind = COLUMN_MONEY, .text = "in the currency's minor unit"},
    {.name = "currency", .flags = COLUMN_MACHINE, .text = "ISO 4217"},
    {.name = "payment_method", .title = "payment", .text = "as ordered"},
    {.name = "created_at", .title = "created", .kind = COLUMN_TIME, .text = "when it was accepted"},
    {.name = "updated_at", .title = "updated", .kind = COLUMN_TIME, .text = "its latest change"},
    {.name = "reason", .text = "why it was cancelled"},
    {.name = "items", .kind = COLUMN_JSON, .nested = item_columns, .text = "what was ordered"},
    {.name = NULL},
};

static const char *const status_words[] = {"pending", "reserved",  "paid", "cooking",
					   "ready",   "cancelled", NULL};
static const char *const wait_words[] = {"pending", "reserved",	 "paid", "cooking",
					 "ready",   "cancelled", NULL};

static const struct option_def create_options[] = {
    {.name = "item",
     .kind = VALUE_TEXT,
     .value = "PIZZA[:SIZE[:QTY]]",
     .text = "a pizza to order; may be repeated"},
    {.name = "name", .kind = VALUE_TEXT, .value = "TEXT", .text = "the customer's name"},
    {.name = "email", .kind = VALUE_TEXT, .value = "ADDRESS", .text = "the customer's e-mail address"},
    {.name = "phone",
     .kind = VALUE_TEXT,
     .value = "NUMBER",
     .text = "the customer's phone, such as +7-900-123-45-67"},
    {.name = "address", .kind = VALUE_TEXT, .value = "TEXT", .text = "where to deliver"},
    {.name = "payment-method",
     .kind = VALUE_TEXT,
     .value = "METHOD",
     .text = "card, or the provider's test name"},
    {.name = "idempotency-key",
     .kind = VALUE_TEXT,
     .value = "KEY",
     .text = "the same key gives the same order again (default: a new one)"},
    {.name = "file",
     .letter = 'f',
     .kind = VALUE_TEXT,
     .value = "FILE",
     .text = "the order as JSON; -: stdin"},
    {.name = "wait", .kind = VALUE_WORD, .value = "STATE", .text = "wait for a state", .words = wait_words},
    {.name = "timeout",
     .kind = VALUE_DURATION,
     .value = "D",
     .text = "how long to wait for it",
     .fallback = "30s"},
    {.name = NULL},
};

static const struct option_def ls_options[] = {
    {.name = "status",
     .kind = VALUE_WORD,
     .value = "STATUS",
     .text = "only orders with it",
     .words = status_words},
    {.name = "since", .kind = VALUE_DURATION, .value = "D", .text = "only orders of the last D"},
    {.name = "follow",
     .letter = 'f',
     .kind = VALUE_FLAG,
     .text = "each change of an order as it happens, from now or from --since on"},
    CURSOR_OPTION,
    {.name = NULL},
};

static const struct argument_def order_argument[] = {
    {.name = "ORDER", .text = "an order's id, or its beginning (8 characters)"},
    {.name = NULL},
};

const struct noun noun_order = {
    .name = "order",
    .group = "orders",
    .summary = "place, list, show and cancel orders",
    .commands =
	(const struct command[]){
	    {.verb = "create",
	     .summary = "place an order",
	     .options = create_options,
	     .columns = created_columns,
	     .shape = SHAPE_SHOW,
	     .flags = COMMAND_CHANGES,
	     .examples =
		 {"pizzactl order create --item margherita:large:2 --name Ivan --address 'Tverskaya 1'",
		  "pizzactl order create -f order.json --wait paid",
		  "pizzactl order create --item diavola --address 'Arbat 5' -o name | xargs pizzactl saga "
		  "show"},
	     .run = order_create},
	    {.verb = "ls",
	     .summary = "list orders, newest first",
	     .options = ls_options,
	     .columns = list_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl order ls --status cancelled --since 1h",
			  "pizzactl order ls -o csv > orders.csv"},
	     .run = order_ls},
	    {.verb = "show",
	     .summary = "show one order",
	     .arguments = order_argument,
	     .columns = show_columns,
	     .shape = SHAPE_SHOW,
	     .examples = {"pizzactl order show 01939b1c"},
	     .run = order_show},
	    {.verb = "cancel",
	     .summary = "cancel an order that is not ready yet; what was done for it is undone",
	     .arguments = order_argument,
	     .columns = show_columns,
	     .shape = SHAPE_SHOW,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl order cancel 01939b1c --reason 'customer called'"},
	     .run = order_cancel},
	    {.run = NULL},
	},
};
