/*
 * pizzactl config: what is configured, where it comes from, and whether a file is right.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/console/context.h"
#include "core/console/control.h"
#include "core/console/guard.h"
#include "core/console/settings.h"

/* Where exactly the value comes from. */
static void add_where(struct buf *out, enum config_key key)
{
	char variable[64];

	switch (config_origin(key)) {
	case ORIGIN_FILE:
		buf_addf(out, "%s:%d", config_file(), config_line(key));
		break;
	case ORIGIN_CONTEXT:
		buf_adds(out, context_now()->name);
		break;
	case ORIGIN_ENVIRONMENT:
		buf_adds(out, config_variable(key, variable, sizeof(variable)));
		break;
	case ORIGIN_DEFAULT:
	case ORIGIN_OPTION:
		break;
	}
}

/* Secrets are shown as set or not; `config get` tells them. */
static json_t *key_row(enum config_key key, bool secrets)
{
	CLEANUP(buf_done) struct buf shown = {0}, where = {0};
	const struct config_row *row = config_row(key);

	if (secrets)
		buf_adds(&shown, config_text(key));
	else
		config_add_shown(&shown, key, config_text(key));
	add_where(&where, key);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:s}", "key", row->name, "value",
			 buf_str(&shown), "origin", config_origin_word(config_origin(key)), "where",
			 buf_str(&where), "default", row->fallback, "type", config_type_word(row->type),
			 "reloadable", (int)row->reloadable, "text", row->text);
}

/* --origin: where everything comes from, in tables as well. */
static const struct column origin_columns[] = {
    {.name = "key", .flags = COLUMN_ID},
    {.name = "value"},
    {.name = "origin"},
    {.name = "where"},
    {.name = "default", .flags = COLUMN_WIDE},
    {.name = "type", .flags = COLUMN_WIDE},
    {.name = "reloadable", .kind = COLUMN_BOOL, .flags = COLUMN_WIDE},
    {.name = "text", .title = "meaning", .flags = COLUMN_WIDE},
    {.name = NULL},
};

static int config_show(struct cli *c, struct error *err)
{
	struct console *console = NULL;
	struct output *o = NULL;
	int rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = cli_output_of(c, cli_flag(c, "origin") ? origin_columns : c->given.command->columns,
				   true, &o, err);
	if (rc < 0)
		return rc;
	if (*config_file() != '\0')
		cli_say(c, "file: %s", config_file());
	for (int key = 0; rc == 0 && key < CONFIG_COUNT; key++)
		if (!cli_flag(c, "changed") || config_origin((enum config_key)key) != ORIGIN_DEFAULT)
			rc = output_row(o, key_row((enum config_key)key, false), err);
	return output_close(o, rc, err);
}

static int config_get(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf text = {0};
	struct console *console = NULL;
	enum config_key key = CONFIG_PORT_BASE;
	int rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = settings_find(cli_argument(c, 0), &key, err);
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

/* --- set, reload --- */

static int reload(struct cli *c, struct error *err)
{
	AUTO_JSON json_t *answer = NULL;
	int rc = control_reload(&answer, err);

	if (rc < 0)
		return rc;
	cli_say(c, "The configuration is read again.");
	if (json_string_or(answer, "skipped", "")[0] != '\0')
		cli_say(c, "Only a restart changes %s: see pizzactl config diff.",
			json_string_or(answer, "skipped", ""));
	return 0;
}

static int config_reload_verb(struct cli *c, struct error *err)
{
	struct console *console = NULL;
	int rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = guard_local("config reload", err);
	if (rc < 0 || !cli_flag(c, "dry-run"))
		return rc < 0 ? rc : reload(c, err);
	cli_say(c, "Nothing was done: pizzad and the daemons would read the configuration again.");
	return 0;
}

/* What the file says does not hold where something stronger is there. */
static void warn_overridden(struct cli *c, enum config_key key)
{
	char variable[64];

	if (config_origin(key) == ORIGIN_ENVIRONMENT)
		cli_say(c, "In this shell %s decides as long as it is set.",
			config_variable(key, variable, sizeof(variable)));
	else if (config_origin(key) == ORIGIN_CONTEXT)
		cli_say(c, "The context %s says otherwise, and decides.", context_now()->name);
}

/* A secret in a file that others may read. */
static void warn_readable(struct cli *c, enum config_key key, const char *value)
{
	struct stat st;

	if (config_has_secret(key, value) && stat(config_place(), &st) == 0 && (st.st_mode & 0044) != 0)
		cli_say(c, "Others may read that file: chmod 600 %s", config_place());
}

/* How what runs takes the change: told, or done. */
static int take_effect(struct cli *c, enum config_key key, bool dry, struct error *err)
{
	char mend[256];

	if (settings_mend(key, mend, sizeof(mend))[0] != '\0')
		cli_say(c, "What runs takes it with: %s", mend);
	else if (!cli_flag(c, "reload"))
		cli_say(c, "What runs takes it with: pizzactl config reload");
	return cli_flag(c, "reload") && !dry ? reload(c, err) : 0;
}

/* The key that the first argument names, once the context is known whose file is changed. */
static int named_key(struct cli *c, enum config_key *ret, struct error *err)
{
	struct console *console = NULL;
	int rc = cli_console(c, &console, err);

	return rc < 0 ? rc : settings_find(cli_argument(c, 0), ret, err);
}

static int config_set(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf shown = {0};
	const char *value = cli_argument(c, 1);
	enum config_key key = CONFIG_PORT_BASE;
	bool dry = cli_flag(c, "dry-run");
	int rc = named_key(c, &key, err);

	if (rc == 0)
		rc = settings_set(key, value, !dry, err);
	if (rc < 0)
		return rc;
	if (!config_secret(key)) {
		buf_adds(&shown, " to ");
		config_add_shown(&shown, key, value);
	}
	cli_say(c, "%s%s %s%s in %s.", dry ? "Nothing was done: " : "", config_row(key)->name,
		dry ? "would be set" : "is set", buf_str(&shown), config_place());
	warn_overridden(c, key);
	warn_readable(c, key, value);
	return take_effect(c, key, dry, err);
}

static int config_unset(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf fallback = {0};
	enum config_key key = CONFIG_PORT_BASE;
	bool dry = cli_flag(c, "dry-run");
	int rc = named_key(c, &key, err);

	if (rc == 0)
		rc = settings_unset(key, !dry, err);
	if (rc < 0)
		return rc;
	config_add_shown(&fallback, key, config_row(key)->fallback);
	cli_say(c, "%s%s %s in %s; its default: %s.", dry ? "Nothing was done: " : "", config_row(key)->name,
		dry ? "would not be set any more" : "is not set any more", config_place(),
		fallback.len > 0 ? buf_str(&fallback) : "none");
	warn_overridden(c, key);
	return take_effect(c, key, dry, err);
}

/* --- diff --- */

static void say_missing(void *arg, const char *program, const struct error *err)
{
	struct cli *c = arg;

	cli_say(c, "pizzactl: %s could not be asked: %s", program, err->why);
}

static void add_programs(const json_t *row, struct buf *out)
{
	const json_t *programs = json_object_get(row, "programs"), *program;
	size_t i;

	if (json_array_size(programs) > DAEMON_COUNT / 2) {
		buf_addf(out, "%zu programs", json_array_size(programs));
		return;
	}
	json_array_foreach (programs, i, program)
		buf_addf(out, "%s%s", i > 0 ? ", " : "", json_string_value(program));
}

static int config_diff(struct cli *c, struct error *err)
{
	struct console *console = NULL;
	json_t *rows = NULL;
	int asked = 0, rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = settings_diff(console, cli_argument(c, 0), &rows, &asked, say_missing, c, err);
	if (rc < 0)
		return rc;
	if (asked == 0) {
		json_decref(rows);
		error_set(err, ERR_UNAVAILABLE, "config diff", "nothing runs that could be compared with");
		error_hint(err, "see pizzactl status");
		return ERR_UNAVAILABLE;
	}
	if (json_array_size(rows) == 0)
		cli_say(c, "What runs is what is configured.");
	rc = cli_list(c, json_incref(rows), err);
	if (rc == 0 && cli_flag(c, "check") && json_array_size(rows) > 0) {
		rc = error_set(err, ERR_BREACHED, "config diff", "%zu keys differ", json_array_size(rows));
		error_hint(err, "the column COMMAND says what mends it");
	}
	json_decref(rows);
	return rc;
}

static const struct column show_columns[] = {
    {.name = "key", .flags = COLUMN_ID, .text = "the key in the file"},
    {.name = "value", .text = "what holds"},
    {.name = "origin", .text = "default, file, context, environment or option"},
    {.name = "where", .flags = COLUMN_WIDE, .text = "its file and line, variable, or context"},
    {.name = "default", .flags = COLUMN_WIDE, .text = "what holds when nothing is said"},
    {.name = "type", .flags = COLUMN_WIDE, .text = "of the value"},
    {.name = "reloadable",
     .kind = COLUMN_BOOL,
     .flags = COLUMN_WIDE,
     .text = "takes effect without a restart"},
    {.name = "text", .title = "meaning", .flags = COLUMN_WIDE, .text = "what it does"},
    {.name = NULL},
};

static const struct column diff_columns[] = {
    {.name = "key", .flags = COLUMN_ID, .text = "the key"},
    {.name = "configured", .text = "what is configured"},
    {.name = "running", .text = "what the programs run with"},
    {.name = "origin", .text = "where they have it from"},
    {.name = "file", .flags = COLUMN_WIDE, .text = "the file that they have read"},
    {.name = "programs", .kind = COLUMN_JSON, .human = add_programs, .text = "which ones"},
    {.name = "mend", .flags = COLUMN_WIDE, .text = "reload or restart"},
    {.name = "command", .text = "what mends it"},
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
    {.name = "origin",
     .kind = VALUE_FLAG,
     .text = "also the file and line, the variable or the context it comes from"},
    {.name = "changed", .kind = VALUE_FLAG, .text = "only what differs from the defaults"},
    {.name = NULL},
};

static const struct argument_def key_argument[] = {
    {.name = "KEY", .text = "a key, such as port_base"},
    {.name = NULL},
};

static const struct argument_def set_arguments[] = {
    {.name = "KEY", .text = "a key, such as log.level"},
    {.name = "VALUE", .text = "what it shall be", .empty = true},
    {.name = NULL},
};

static const struct argument_def compared_file[] = {
    {.name = "FILE", .text = "compare with this file; nothing: with what holds here", .optional = true},
    {.name = NULL},
};

static const struct option_def set_options[] = {
    {.name = "reload", .kind = VALUE_FLAG, .text = "have what runs read the configuration again"},
    {.name = NULL},
};

static const struct option_def diff_options[] = {
    {.name = "check", .kind = VALUE_FLAG, .text = "end with status 4 when there is a difference"},
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
	    {.verb = "set",
	     .summary = "write one value into the configuration file, whose comments and layout stay",
	     .arguments = set_arguments,
	     .options = set_options,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl config set log.level debug --reload"},
	     .run = config_set},
	    {.verb = "unset",
	     .summary = "take one value out of the configuration file: its default holds again",
	     .arguments = key_argument,
	     .options = set_options,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl config unset log.level --reload"},
	     .run = config_unset},
	    {.verb = "diff",
	     .summary = "what runs with another configuration, and the command that mends it",
	     .arguments = compared_file,
	     .options = diff_options,
	     .columns = diff_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl config diff", "pizzactl config diff --check -q -o none"},
	     .run = config_diff},
	    {.verb = "reload",
	     .summary = "have pizzad and the daemons read the configuration again",
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl config reload"},
	     .run = config_reload_verb},
	    {.run = NULL},
	},
};
