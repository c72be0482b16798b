/*
 * What stands where: one row per kind of argument or option value, by the name that it has in the command
 * table.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/complete.h"
#include "cli/human.h"
#include "cli/page.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/console/api.h"
#include "core/console/context.h"
#include "core/console/readmodel.h"
#include "core/contract/pizza_size.h"
#include "core/contract/daemons.h"
#include "core/contract/events.h"
#include "core/contract/hardware.h"
#include "core/contract/topics.h"
#include "tui/top.h"

#define LIST_MAX 50

/* --- from tables --- */

static void add_daemons(struct complete *c)
{
	for (int i = 0; i < DAEMON_COUNT; i++)
		complete_add(c, daemons[i].name, daemons[i].text);
	complete_add(c, "postgres", "the private PostgreSQL");
	complete_add(c, "kafka", "the private Kafka");
}

static void add_scales(struct complete *c)
{
	char text[64];

	for (int i = 0; i < DAEMON_COUNT; i++) {
		snprintf(text, sizeof(text), "%s=", daemons[i].name);
		complete_add(c, text, daemons[i].text);
	}
}

static void add_groups(struct complete *c)
{
	for (int i = 0; i < DAEMON_COUNT; i++)
		if (daemons[i].consumes[0] != NULL)
			complete_add(c, daemons[i].name, daemons[i].text);
}

static void add_databases(struct complete *c)
{
	for (int i = 0; i < DAEMON_COUNT; i++)
		if (daemons[i].outbox)
			complete_add(c, daemons[i].database, daemons[i].text);
}

static void add_topics(struct complete *c)
{
	for (int i = 0; i < TOPIC_COUNT; i++)
		complete_add(c, topics[i].name, NULL);
	for (int i = 0; i < TOPIC_COUNT; i++)
		complete_add(c, topics[i].dead_letters, "dead letters");
}

static void add_screens(struct complete *c)
{
	const char *name, *text;

	for (int i = 0; (name = top_screen(i, &text)) != NULL; i++)
		complete_add(c, name, text);
}

static void add_events(struct complete *c)
{
	for (int i = 0; i < EVENT_TYPE_COUNT; i++)
		complete_add(c, event_types[i].name, event_types[i].text);
}

static void add_codes(struct complete *c)
{
	for (int code = -1; code > -ERR_NUMBER_COUNT; code--)
		complete_add(c, error_word(code), error_text(code));
}

static void add_keys(struct complete *c)
{
	for (int key = 0; key < CONFIG_COUNT; key++)
		complete_add(c, config_row((enum config_key)key)->name,
			     config_row((enum config_key)key)->text);
}

/* KEY=VALUE: keys of the configuration, or of a context. */
static void add_settings(struct complete *c)
{
	bool context = c->cli.given.noun != NULL && strcmp(c->cli.given.noun->name, "context") == 0;
	char text[96];

	for (int key = 0; key < (context ? (int)CONTEXT_KEY_COUNT : (int)CONFIG_COUNT); key++) {
		snprintf(text, sizeof(text), "%s=",
			 context ? context_key_name((enum context_key)key)
				 : config_row((enum config_key)key)->name);
		complete_add(c, text,
			     context ? context_key_text((enum context_key)key)
				     : config_row((enum config_key)key)->text);
	}
}

static void add_contexts(struct complete *c)
{
	CLEANUP(contexts_done) struct contexts list = {0};

	if (contexts_read(&list, NULL) < 0)
		return;
	for (int i = 0; i < list.count; i++)
		complete_add(c, list.items[i].name, list.items[i].values[CONTEXT_API]);
}

static void add_faults(struct complete *c)
{
	for (int i = 0; i < HARDWARE_FAULT_COUNT; i++)
		complete_add(c, hardware_faults[i].name, hardware_faults[i].text);
}

/* What can be set of devices; faults have commands of their own. */
static void add_device_settings(struct complete *c)
{
	for (int i = 0; i < hardware_register_count; i++) {
		const struct hardware_register *r = &hardware_registers[i];
		char text[HARDWARE_MEMBER_SIZE];

		if (!r->writable || r->stride != 0 || strcmp(r->name, "faults") == 0)
			continue;
		snprintf(text, sizeof(text), "%s=", r->name);
		complete_add(c, text, r->text);
	}
}

static const struct column *columns_of(const struct complete *c)
{
	const struct command *command = c->cli.given.command;

	return command != NULL ? command->columns : NULL;
}

static void add_columns(struct complete *c)
{
	for (const struct column *p = columns_of(c); p != NULL && p->name != NULL; p++)
		complete_add(c, p->name, p->text);
}

/* What stands up to and with the last separator of the word stays as it is. */
static void keep_before(struct complete *c, char separator)
{
	const char *last = strrchr(c->prefix, separator);

	if (last == NULL)
		return;
	c->before = c->before_len > 0 ? c->before : c->prefix;
	c->before_len = (size_t)(last + 1 - c->before);
	c->prefix = last + 1;
}

static void add_column_list(struct complete *c)
{
	keep_before(c, ',');
	add_columns(c);
	if (c->before_len == 0)
		complete_add(c, "help", "explain the columns");
}

static void add_sort_column(struct complete *c)
{
	if (*c->prefix == '-')
		keep_before(c, '-');
	add_columns(c);
}

static void add_files(struct complete *c)
{
	if (c->before_len == 0)
		buf_adds(c->out, ":file\n");
}

static void add_words(struct complete *c, const char *const *words)
{
	for (; *words != NULL; words++)
		complete_add(c, *words, NULL);
}

static void add_offsets(struct complete *c)
{
	add_words(c, (const char *const[]){"beginning", "end", NULL});
}

static void add_members(struct complete *c)
{
	add_words(c, (const char *const[]){"name=", "description=", "price_amount=", "prices.small=",
					   "prices.medium=", "prices.large=", "available=true",
					   "available=false", NULL});
}

static void add_methods(struct complete *c)
{
	add_words(c, (const char *const[]){"card", "pm_card_visa", "pm_card_chargeDeclined", NULL});
}

static void add_help(struct complete *c)
{
	struct page p;

	for (int i = 0; page_at(i, &p); i++)
		complete_add(c, p.noun != NULL ? p.noun->name : p.name, p.summary);
	complete_plugins(c);
}

static void add_help_verbs(struct complete *c)
{
	const char *word = cli_argument(&c->cli, 0);

	for (int i = 0; word != NULL && nouns[i] != NULL; i++)
		for (const struct command *v = nouns[i]->commands;
		     strcmp(nouns[i]->name, word) == 0 && v->run != NULL; v++)
			if (v->verb != NULL)
				complete_add(c, v->verb, v->summary);
}

/* --- what is alive --- */

/* A list route, and what of its items is shown. */
struct list {
	const char *daemon;
	const char *path;
	const char *id;
	const char *about[3];
};

static const struct list pizzas = {"menud", "/api/v1/menu", "pizza_id", {"name"}};
static const struct list ingredients = {"inventoryd", "/api/v1/inventory", "ingredient_id", {"name"}};
static const struct list devices = {"hwd", "/api/v1/hw", "device", {"kind", "state"}};
static const struct list stations = {"kitchend", "/api/v1/kitchen", "device", {"kind", "state"}};
static const struct list tickets = {
    "kitchend", "/api/v1/kitchen/tickets", "ticket", {"state", "pizza_id", "order_id"}};
static const struct list payments = {
    "paymentd", "/api/v1/payments", "payment_id", {"status", "order_id", "created_at"}};
static const struct list notifications = {
    "notifyd", "/api/v1/notifications", "notification_id", {"kind", "order_id", "created_at"}};
static const struct list letters = {
    "dlqd", "/api/v1/dlq/letters", "letter_id", {"state", "consumer_group", "error_reason"}};
static const struct list jobs = {"dlqd", "/api/v1/dlq/jobs", "job_id", {"state", "created_at"}};
static const struct list policies = {"dlqd", "/api/v1/dlq/policies", "error_code", {NULL}};
static const struct list orders = {NULL, NULL, "order_id", {"status", "customer_name", "created_at"}};

struct lines {
	const struct list *list;
	struct buf *out;
};

/* Data from outside: nothing in it may end a line or a field, or move the cursor. */
static void add_safe(struct buf *out, const char *text)
{
	human_safe(out, text, strlen(text));
}

static void add_member(struct buf *out, const json_t *row, const char *name)
{
	const json_t *value = json_object_get(row, name);

	if (json_is_integer(value))
		buf_addf(out, "%lld", (long long)json_integer_value(value));
	else
		add_safe(out, json_string_or(row, name, ""));
}

static int add_line(void *arg, json_t *row, struct error *err)
{
	const struct lines *l = arg;

	(void)err;
	add_member(l->out, row, l->list->id);
	for (size_t i = 0; i < ARRAY_LEN(l->list->about) && l->list->about[i] != NULL; i++) {
		buf_addc(l->out, i == 0 ? '\t' : ' ');
		add_member(l->out, row, l->list->about[i]);
	}
	buf_addc(l->out, '\n');
	json_decref(row);
	return 0;
}

static int fetch_list(struct cli *cli, const void *arg, struct buf *out, struct error *err)
{
	struct lines lines = {arg, out};
	struct console *console = NULL;
	int rc = cli_console(cli, &console, err);

	return rc < 0
		   ? rc
		   : api_list(console, lines.list->daemon, lines.list->path, LIST_MAX, add_line, &lines, err);
}

static int fetch_orders(struct cli *cli, const void *arg, struct buf *out, struct error *err)
{
	struct readmodel_filter filter = {.stuck_ms = -1, .since_ms = -1, .limit = LIST_MAX};
	struct lines lines = {arg, out};
	struct console *console = NULL;
	int rc = cli_console(cli, &console, err);

	return rc < 0 ? rc : readmodel_orders(console, &filter, add_line, &lines, err);
}

/* In the table, itself or as dead letters. */
static bool is_known(const char *topic)
{
	for (int i = 0; i < TOPIC_COUNT; i++)
		if (strcmp(topics[i].name, topic) == 0 || strcmp(topics[i].dead_letters, topic) == 0)
			return true;
	return false;
}

static int open_bus(struct cli *cli, struct bus_admin **ret, struct error *err)
{
	struct console *console = NULL;
	int rc = cli_console(cli, &console, err);

	return rc < 0 ? rc : console_bus(console, ret, err);
}

static int fetch_topics(struct cli *cli, const void *arg, struct buf *out, struct error *err)
{
	struct bus_partition_info *list = NULL;
	struct bus_admin *bus = NULL;
	int n = 0, rc = open_bus(cli, &bus, err);

	(void)arg;
	if (rc == 0)
		rc = bus_admin_partitions(bus, NULL, 0, false, &list, &n, err);
	for (int i = 0; rc == 0 && i < n; i++)
		if (list[i].partition == 0 && !is_known(list[i].topic)) {
			add_safe(out, list[i].topic);
			buf_addc(out, '\n');
		}
	bus_partitions_free(list, n);
	return rc;
}

static int fetch_groups(struct cli *cli, const void *arg, struct buf *out, struct error *err)
{
	struct bus_group_info *list = NULL;
	struct bus_admin *bus = NULL;
	int n = 0, rc = open_bus(cli, &bus, err);

	(void)arg;
	if (rc == 0)
		rc = bus_admin_groups(bus, &list, &n, err);
	for (int i = 0; rc == 0 && i < n; i++)
		if (daemon_find(list[i].group) == NULL) {
			add_safe(out, list[i].group);
			buf_addf(out, "\t%s\n", list[i].state);
		}
	bus_groups_free(list, n);
	return rc;
}

/* PIZZA[:SIZE[:QTY]]: behind a pizza its sizes. */
static void add_sizes(struct complete *c)
{
	if (strchr(c->prefix, ':') == NULL)
		return;
	keep_before(c, ':');
	add_words(c, pizza_sizes);
}

/* --- the rows --- */

static const struct {
	const char *kind;
	bool argument;			   /* only of arguments: options mean free text by it */
	void (*fixed)(struct complete *c); /* from the tables; NULL: nothing */
	const char *live;		   /* its name in the cache; NULL: nothing is alive */
	complete_fetch *fetch;
	const void *arg;
} kinds[] = {
    {.kind = "ORDER", .live = "orders", .fetch = fetch_orders, .arg = &orders},
    {.kind = "PIZZA", .live = "pizzas", .fetch = fetch_list, .arg = &pizzas},
    {.kind = "PIZZA[:SIZE[:QTY]]", .fixed = add_sizes, .live = "pizzas", .fetch = fetch_list, .arg = &pizzas},
    {.kind = "INGREDIENT", .live = "ingredients", .fetch = fetch_list, .arg = &ingredients},
    {.kind = "DEVICE", .live = "devices", .fetch = fetch_list, .arg = &devices},
    {.kind = "STATION", .live = "stations", .fetch = fetch_list, .arg = &stations},
    {.kind = "TICKET", .live = "tickets", .fetch = fetch_list, .arg = &tickets},
    {.kind = "FAULT", .fixed = add_faults},
    {.kind = "SETTING=VALUE", .fixed = add_device_settings},
    {.kind = "PAYMENT", .live = "payments", .fetch = fetch_list, .arg = &payments},
    {.kind = "NOTIFICATION", .live = "notifications", .fetch = fetch_list, .arg = &notifications},
    {.kind = "LETTER", .live = "letters", .fetch = fetch_list, .arg = &letters},
    {.kind = "JOB", .live = "jobs", .fetch = fetch_list, .arg = &jobs},
    {.kind = "CODE", .fixed = add_codes, .live = "policies", .fetch = fetch_list, .arg = &policies},
    {.kind = "TYPE", .fixed = add_events},
    {.kind = "TOPIC", .fixed = add_topics, .live = "topics", .fetch = fetch_topics},
    {.kind = "GROUP", .fixed = add_groups, .live = "groups", .fetch = fetch_groups},
    {.kind = "DAEMON", .fixed = add_daemons},
    {.kind = "DAEMON=N", .fixed = add_scales},
    {.kind = "DATABASE", .fixed = add_databases},
    {.kind = "SCREEN", .fixed = add_screens},
    {.kind = "EVENT", .fixed = add_events},
    {.kind = "KEY", .argument = true, .fixed = add_keys},
    {.kind = "KEY=VALUE", .fixed = add_settings},
    {.kind = "CONTEXT", .fixed = add_contexts},
    {.kind = "COLUMN", .fixed = add_sort_column},
    {.kind = "A,B", .fixed = add_column_list},
    {.kind = "FILE", .fixed = add_files},
    {.kind = "OFFSET", .fixed = add_offsets},
    {.kind = "MEMBER=VALUE", .fixed = add_members},
    {.kind = "METHOD", .fixed = add_methods},
    {.kind = "HELP", .fixed = add_help},
    {.kind = "VERB", .fixed = add_help_verbs},
};

static void add_lines(struct complete *c, char *lines)
{
	for (char *save, *line = strtok_r(lines, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		char *tab = strchr(line, '\t');

		if (tab != NULL)
			*tab = '\0';
		complete_add(c, line, tab != NULL ? tab + 1 : NULL);
	}
}

void complete_values(struct complete *c, const char *kind, bool argument)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		CLEANUP(buf_done) struct buf lines = {0};

		if (strcmp(kinds[i].kind, kind) != 0 || (kinds[i].argument && !argument))
			continue;
		if (kinds[i].fixed != NULL)
			kinds[i].fixed(c);
		if (kinds[i].live != NULL)
			complete_live(c, kinds[i].live, kinds[i].fetch, kinds[i].arg, &lines);
		if (lines.len > 0)
			add_lines(c, lines.data);
		return;
	}
}
