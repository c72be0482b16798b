/*
 * pizzactl version and pizzactl help.
 */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "core/base/mem.h"

static int version_show(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf text = {0};

	if (!cli_human(c))
		return cli_show(c, json_pack("{s:s, s:s}", "name", "pizza", "version", PIZZA_VERSION), err);
	buf_adds(&text, "pizza " PIZZA_VERSION "\n");
	(void)cli_print(c, &text, false);
	return 0;
}

static const struct column version_columns[] = {
    {.name = "name", .text = "the product"},
    {.name = "version", .flags = COLUMN_ID, .text = "its version"},
    {.name = NULL},
};

const struct noun noun_version = {
    .name = "version",
    .group = "settings",
    .summary = "show the version",
    .commands =
	(const struct command[]){
	    {.summary = "show the version",
	     .columns = version_columns,
	     .shape = SHAPE_SHOW,
	     .examples = {"pizzactl version"},
	     .run = version_show},
	    {.run = NULL},
	},
};

/* The words after `help` are a command line of their own. */
static int help_show(struct cli *c, struct error *err)
{
	CLEANUP(invocation_done) struct invocation about = {0};
	CLEANUP(buf_done) struct buf text = {0};
	char *words[4] = {"pizzactl", "--help"};
	int n = 2;

	for (int i = 0; i < cli_arguments(c) && i < 2; i++)
		words[n++] = (char *)cli_argument(c, i);
	if (command_parse(n, words, &about, err) < 0)
		return ERR_USAGE;
	help_invocation(&text, &about);
	(void)cli_print(c, &text, false);
	return 0;
}

const struct noun noun_help = {
    .name = "help",
    .group = "settings",
    .summary = "explain a command",
    .commands =
	(const struct command[]){
	    {.summary = "explain a command",
	     .arguments =
		 (const struct argument_def[]){
		     {.name = "COMMAND", .text = "a command; nothing: all of them", .optional = true},
		     {.name = "VERB", .text = "a verb of it", .optional = true},
		     {.name = NULL},
		 },
	     .examples = {"pizzactl help", "pizzactl help saga show"},
	     .run = help_show},
	    {.run = NULL},
	},
};
