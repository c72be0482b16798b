/*
 * pizzactl version.
 */
#include "cli/cli.h"
#include "cli/commands.h"
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
