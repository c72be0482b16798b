/*
 * pizzactl context: the installations one talks to, by name.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/config/paths.h"
#include "core/console/context.h"

static const char *value_of(const struct context *c, enum context_key key)
{
	return c->values[key] != NULL ? c->values[key] : "";
}

static bool is_true(const struct context *c, enum context_key key)
{
	return strcmp(value_of(c, key), "true") == 0;
}

static const char *home_of(const struct context *c)
{
	return strcmp(c->name, "local") == 0 && strcmp(context_now()->name, "local") == 0
		   ? paths_home()
		   : value_of(c, CONTEXT_HOME);
}

/* What is secret in it is not told. */
static json_t *context_row(const struct context *c)
{
	CLEANUP(buf_done) struct buf database = {0};
	bool local = strcmp(c->name, "local") == 0 || c->values[CONTEXT_HOME] != NULL;
	bool used = strcmp(c->name, context_now()->name) == 0;
	json_t *urls = json_object(), *row;
	const char *token = "";

	for (int d = 0; d < DAEMON_COUNT; d++)
		if (c->urls[d] != NULL)
			json_object_set_new(urls, daemons[d].name, json_string(c->urls[d]));
	config_add_shown(&database, CONFIG_DATABASE_URL, value_of(c, CONTEXT_DATABASE_URL));
	if (c->values[CONTEXT_TOKEN] != NULL)
		token = "(set)";
	else if (c->values[CONTEXT_TOKEN_FILE] != NULL)
		token = c->values[CONTEXT_TOKEN_FILE];
	row = json_pack("{s:s, s:b, s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:i}", "name",
			c->name, "current", (int)used, "chosen_by",
			used ? context_choice_word(context_chosen()) : "", "kind", local ? "local" : "remote",
			"home", home_of(c), "api", value_of(c, CONTEXT_API), "urls", urls, "port_base",
			value_of(c, CONTEXT_PORT_BASE), "database_url", buf_str(&database), "kafka_bootstrap",
			value_of(c, CONTEXT_KAFKA_BOOTSTRAP), "token", token, "config",
			value_of(c, CONTEXT_CONFIG), "readonly", (int)is_true(c, CONTEXT_READONLY),
			"protected", (int)is_true(c, CONTEXT_PROTECTED), "line", c->line);
	return row;
}

/* The list, with the context in use chosen as every command chooses it. */
static int read_list(struct cli *c, struct contexts *ret, struct error *err)
{
	struct console *console = NULL;
	int rc = cli_console(c, &console, err);

	return rc < 0 ? rc : contexts_read(ret, err);
}

static int context_ls(struct cli *c, struct error *err)
{
	CLEANUP(contexts_done) struct contexts list = {0};
	json_t *rows = json_array();
	int rc = read_list(c, &list, err);

	for (int i = 0; rc == 0 && i < list.count; i++)
		json_array_append_new(rows, context_row(&list.items[i]));
	if (rc < 0) {
		json_decref(rows);
		return rc;
	}
	return cli_list(c, rows, err);
}

static int context_show(struct cli *c, struct error *err)
{
	CLEANUP(contexts_done) struct contexts list = {0};
	const struct context *found = NULL;
	int rc = read_list(c, &list, err);

	if (rc == 0)
		rc = contexts_need(&list,
				   cli_argument(c, 0) != NULL ? cli_argument(c, 0) : context_now()->name,
				   &found, err);
	return found == NULL ? rc : cli_show(c, context_row(found), err);
}

/* True after saying so when nothing is to be done. */
static bool is_dry(const struct cli *c, const char *what)
{
	if (cli_flag(c, "dry-run"))
		cli_say(c, "Nothing was done: the context %s would %s.", cli_argument(c, 0), what);
	return cli_flag(c, "dry-run");
}

static int context_use_verb(struct cli *c, struct error *err)
{
	CLEANUP(contexts_done) struct contexts list = {0};
	const struct context *found = NULL;
	int rc = contexts_read(&list, err);

	if (rc == 0)
		rc = contexts_need(&list, cli_argument(c, 0), &found, err);
	if (rc < 0 || is_dry(c, "be the current one"))
		return rc;
	rc = contexts_make_current(cli_argument(c, 0), err);
	if (rc < 0)
		return rc;
	cli_say(c, "%s is the current context.", cli_argument(c, 0));
	for (int i = 0; i < 2; i++) {
		const char *name = i == 0 ? "PIZZA_CONTEXT" : "PIZZA_HOME", *text = getenv(name);

		if (text != NULL && *text != '\0') {
			cli_say(c, "In this shell %s decides as long as it is set.", name);
			break;
		}
	}
	return 0;
}

#define VALUES_MAX 64

static int context_add(struct cli *c, struct error *err)
{
	const char *values[VALUES_MAX];
	int n = 0, rc;

	for (int i = 1; i < cli_arguments(c); i++) {
		if (n == VALUES_MAX)
			return error_set(err, ERR_USAGE, "context add", "at most %d values can be given",
					 VALUES_MAX);
		values[n++] = cli_argument(c, i);
	}
	rc = contexts_set(cli_argument(c, 0), values, n, !cli_flag(c, "dry-run"), err);
	if (rc < 0 || is_dry(c, "be written"))
		return rc;
	cli_say(c, "The context %s is written.", cli_argument(c, 0));
	return 0;
}

/* What was protected is not forgotten by a slip. */
static int context_rm(struct cli *c, struct error *err)
{
	CLEANUP(contexts_done) struct contexts list = {0};
	const struct context *found = NULL;
	int rc = contexts_read(&list, err);

	if (rc == 0)
		rc = contexts_need(&list, cli_argument(c, 0), &found, err);
	if (rc < 0 || is_dry(c, "be removed"))
		return rc;
	if (found != NULL && is_true(found, CONTEXT_PROTECTED) && !cli_flag(c, "yes")) {
		error_set(err, ERR_REFUSED, found->name, "is protected");
		error_hint(err, "--yes removes it");
		return ERR_REFUSED;
	}
	rc = contexts_remove(cli_argument(c, 0), err);
	if (rc == 0)
		cli_say(c, "The context %s is removed.", cli_argument(c, 0));
	return rc;
}

/* --- the table --- */

static const struct column columns[] = {
    {.name = "name", .flags = COLUMN_ID, .text = "the context"},
    {.name = "current", .kind = COLUMN_BOOL, .text = "it is the one in use"},
    {.name = "kind", .text = "local: on this machine; or remote"},
    {.name = "home", .text = "its home folder"},
    {.name = "api", .text = "where its daemons answer"},
    {.name = "urls", .kind = COLUMN_JSON, .flags = COLUMN_MACHINE, .text = "of single daemons"},
    {.name = "port_base", .title = "ports", .text = "first port, where it names one"},
    {.name = "database_url", .title = "database", .flags = COLUMN_WIDE, .text = "server of the read model"},
    {.name = "kafka_bootstrap", .title = "kafka", .flags = COLUMN_WIDE, .text = "its cluster"},
    {.name = "token", .flags = COLUMN_WIDE, .text = "where the operator token comes from"},
    {.name = "config", .flags = COLUMN_WIDE, .text = "its configuration file"},
    {.name = "readonly", .kind = COLUMN_BOOL, .text = "changes are refused"},
    {.name = "protected", .kind = COLUMN_BOOL, .text = "changes need --yes and the typed name"},
    {.name = "chosen_by", .flags = COLUMN_WIDE, .text = "why it is the one in use"},
    {.name = "line", .kind = COLUMN_INT, .flags = COLUMN_MACHINE, .text = "of contexts.yaml; 0: not there"},
    {.name = NULL},
};

static const struct argument_def name_argument[] = {
    {.name = "CONTEXT", .text = "a context"},
    {.name = NULL},
};

static const struct argument_def maybe_argument[] = {
    {.name = "CONTEXT", .text = "a context; nothing: the one in use", .optional = true},
    {.name = NULL},
};

static const struct argument_def add_arguments[] = {
    {.name = "CONTEXT", .text = "its name"},
    {.name = "KEY=VALUE",
     .text = "home, config, api, api.DAEMON, port_base, database.url, kafka.bootstrap, token_file, token, "
	     "readonly, protected",
     .repeat = true},
    {.name = NULL},
};

const struct noun noun_context = {
    .name = "context",
    .group = "settings",
    .summary = "the installations to talk to, on this machine and elsewhere",
    .commands =
	(const struct command[]){
	    {.verb = "ls",
	     .summary = "list the contexts",
	     .columns = columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl context ls"},
	     .run = context_ls},
	    {.verb = "show",
	     .summary = "show one context, without its secrets",
	     .arguments = maybe_argument,
	     .columns = columns,
	     .shape = SHAPE_SHOW,
	     .examples = {"pizzactl context show"},
	     .run = context_show},
	    {.verb = "use",
	     .summary = "make a context the current one",
	     .arguments = name_argument,
	     .flags = COMMAND_SETTINGS,
	     .examples = {"pizzactl context use local"},
	     .run = context_use_verb},
	    {.verb = "add",
	     .summary = "write a context; one that is there keeps what is not named",
	     .arguments = add_arguments,
	     .flags = COMMAND_SETTINGS,
	     .examples = {"pizzactl context add shop api=http://10.0.0.7 database.url=postgresql://10.0.0.7 "
			  "kafka.bootstrap=10.0.0.7:5092 protected=true",
			  "pizzactl context add second home=/tmp/second port_base=6000"},
	     .run = context_add},
	    {.verb = "rm",
	     .summary = "forget a context; the installation stays as it is",
	     .arguments = name_argument,
	     .flags = COMMAND_SETTINGS,
	     .examples = {"pizzactl context rm second"},
	     .run = context_rm},
	    {.run = NULL},
	},
};
