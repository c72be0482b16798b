/*
 * pizzactl plugin: programs on PATH that are commands.
 */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/plugin.h"

static int plugin_ls(struct cli *c, struct error *err)
{
	return cli_list(c, plugin_list(), err);
}

static const struct column columns[] = {
    {.name = "name", .flags = COLUMN_ID, .text = "the command"},
    {.name = "path", .text = "its program"},
    {.name = "state", .kind = COLUMN_STATE, .text = "ok, or hidden: it cannot be reached"},
    {.name = "reason", .title = "why", .text = "what hides it"},
    {.name = NULL},
};

const struct noun noun_plugin = {
    .name = "plugin",
    .group = "settings",
    .summary = "programs pizzactl-NAME on PATH, which are commands",
    .commands =
	(const struct command[]){
	    {.verb = "ls",
	     .summary = "list the plugins on PATH",
	     .columns = columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl plugin ls"},
	     .run = plugin_ls},
	    {.run = NULL},
	},
};
