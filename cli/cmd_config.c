/*
 * pizzactl config: what is configured, where it comes from, and whether a file is right.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "core/base/mem.h"
#include "core/base/nearest.h"
#include "core/config/config.h"

static bool is_secret(const char *name)
{
	return strcmp(name, "payment.key") == 0 || strcmp(name, "mail.password") == 0 ||
	       strcmp(name, "sms.token") == 0;
}

/* Secrets are shown as set or not; `config get` tells them. */
static json_t *key_row(enum config_key key, bool secrets)
{
	const struct config_row *row = config_row(key);
	const char *text = config_text(key);

	if (!secrets && is_secret(row->name) && *text != '\0')
		text = "(set)";
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s}", "key", row->name, "value", text, "origin",
			 config_origin_word(config_origin(key)), "default", row->fallback, "type",
			 config_type_word(row->type), "reloadable", (int)row->reloadable, "text", row->text);
}

static int config_show(struct cli *c, struct error *err)
{
	json_t *rows = json_array();
	struct console *console = NULL;
	int rc = cli_console(c, &console, err);

	for (int key = 0; rc == 0 && key < CONFIG_COUNT; key++)
		if (!cli_flag(c, "changed") || config_origin((enum config_key)key) != ORIGIN_DEFAULT)
			json_array_append_new(rows, key_row((enum config_key)key, false));
	if (rc < 0) {
		json_decref(rows);
		return rc;
	}
	if (*config_file() != '\0')
		cli_say(c, "file: %s", config_file());
	return cli_list(c, rows, err);
}

static int find_key(const char *name, enum config_key *ret, struct error *err)
{
	const char *names[CONFIG_COUNT];
	const char *nearest;

	if (config_find(name, ret))
		return 0;
	for (int key = 0; key < CONFIG_COUNT; key++)
		names[key] = config_row((enum config_key)key)->name;
	nearest = nearest_word(name, names, CONFIG_COUNT);
	error_set(err, ERR_NOT_FOUND, name, "no such key");
	if (nearest != NULL)
		error_hint(err, "did you mean %s?", nearest);
	else
		error_hint(err, "pizzactl config show lists them");
	return ERR_NOT_FOUND;
}

static int config_get(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf text = {0};
	struct console *console = NULL;
	enum config_key key = CONFIG_PORT_BASE;
	int rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = find_key(cli_argument(c, 0), &key, err);
	if (rc < 0)
		return rc;
	if (!cli_human(c))
		return cli_show(c, key_row(key, true), err);
	buf_addf(&text, "%s\n", config_text(key));
	(void)cli_print(c, &text, false);
	return 0;
}

struct problems {
	const char *file;
	json_t *rows;
};

static void add_problem(void *arg, int line, const char *key, const struct error *err)
{
	struct problems *p = arg;

	json_array_append_new(p->rows,
			      json_pack("{s:s, s:i, s:s, s:s, s:s}", "file", p->file, "line", line, "key",
					key != NULL ? key : "", "problem", err->why, "hint", err->hint));
}

static int config_validate(struct cli *c, struct error *err)
{
	struct problems p = {.rows = json_array()};
	struct console *console = NULL;
	size_t n;
	int rc = 0;

	p.file = cli_argument(c, 0);
	if (p.file == NULL) {
		rc = cli_console(c, &console, err);
		p.file = config_file();
	}
	if (rc == 0 && *p.file == '\0')
		cli_say(c, "There is no configuration file: every key has its default.");
	else if (rc == 0)
		rc = config_validate_file(p.file, add_problem, &p, err);
	n = json_array_size(p.rows);
	if (n == 0) {
		json_decref(p.rows);
		if (rc == 0 && *p.file != '\0')
			cli_say(c, "%s is valid.", p.file);
		return rc;
	}
	rc = cli_list(c, p.rows, err);
	return rc < 0 ? rc : error_set(err, ERR_INVALID, p.file, "%zu problem%s", n, n == 1 ? "" : "s");
}

static const struct column show_columns[] = {
    {.name = "key", .flags = COLUMN_ID, .text = "the key in the file"},
    {.name = "value", .text = "what holds"},
    {.name = "origin", .text = "default, file, environment or option"},
    {.name = "default", .flags = COLUMN_WIDE, .text = "what holds when nothing is said"},
    {.name = "type", .flags = COLUMN_WIDE, .text = "of the value"},
    {.name = "reloadable",
     .kind = COLUMN_BOOL,
     .flags = COLUMN_WIDE,
     .text = "takes effect without a restart"},
    {.name = "text", .title = "meaning", .flags = COLUMN_WIDE, .text = "what it does"},
    {.name = NULL},
};

static const struct column problem_columns[] = {
    {.name = "file", .flags = COLUMN_ID, .text = "the file"},
    {.name = "line", .kind = COLUMN_INT, .text = "its line"},
    {.name = "key", .text = "the key"},
    {.name = "problem", .text = "what is wrong"},
    {.name = "hint", .text = "what is allowed"},
    {.name = NULL},
};

static const struct option_def show_options[] = {
    {.name = "origin", .kind = VALUE_FLAG, .text = "tell where each value comes from (always done)"},
    {.name = "changed", .kind = VALUE_FLAG, .text = "only what differs from the defaults"},
    {.name = NULL},
};

static const struct argument_def key_argument[] = {
    {.name = "KEY", .text = "a key, such as port_base"},
    {.name = NULL},
};

static const struct argument_def file_argument[] = {
    {.name = "FILE", .text = "a configuration file; nothing: the one in use", .optional = true},
    {.name = NULL},
};

const struct noun noun_config = {
    .name = "config",
    .group = "settings",
    .summary = "what is configured, and where it comes from",
    .commands =
	(const struct command[]){
	    {.verb = "show",
	     .summary = "list all keys with their values and origins",
	     .options = show_options,
	     .columns = show_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl config show --changed", "pizzactl config show -o wide"},
	     .run = config_show},
	    {.verb = "get",
	     .summary = "print one value",
	     .arguments = key_argument,
	     .columns = show_columns,
	     .shape = SHAPE_SHOW,
	     .examples = {"pizzactl config get port_base"},
	     .run = config_get},
	    {.verb = "validate",
	     .summary = "check a configuration file; every problem is listed",
	     .arguments = file_argument,
	     .columns = problem_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl config validate pizza.yaml"},
	     .run = config_validate},
	    {.run = NULL},
	},
};
