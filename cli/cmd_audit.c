/*
 * pizzactl audit: who changed what, when and why, over all daemons.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/audit.h"

struct trail {
	struct audit_filter filter;
	struct error missing; /* whom could not be asked */
};

static int write_trail(struct console *console, void *arg, struct output *o, struct error *err)
{
	struct trail *t = arg;
	AUTO_JSON json_t *rows = NULL;
	int rc;

	t->filter.limit = output_wanted(o, false);
	rc = audit_read(console, &t->filter, &rows, &t->missing, err);
	for (size_t i = 0; i < json_array_size(rows) && rc == 0; i++)
		rc = output_row(o, json_incref(json_array_get(rows, i)), err);
	return rc;
}

static int audit_ls(struct cli *c, struct error *err)
{
	struct trail t = {.filter = {
			      .actor = cli_text(c, "actor"),
			      .action = cli_text(c, "action"),
			      .target = cli_text(c, "target"),
			      .since_ms = cli_ms(c, "since", -1),
			  }};
	int rc = cli_rows(c, write_trail, &t, err);

	if (rc == 0 && t.missing.code < 0)
		return error_set(err, ERR_PARTLY, t.missing.what, "%s", t.missing.why);
	return rc;
}

static const struct column audit_columns[] = {
    {.name = "at", .kind = COLUMN_TIME, .text = "when"},
    {.name = "actor", .text = "who: user@host"},
    {.name = "action", .text = "what was asked for"},
    {.name = "target", .text = "of what"},
    {.name = "outcome", .text = "ok, or why not"},
    {.name = "reason", .text = "why, as given by --reason"},
    {.name = "daemon", .flags = COLUMN_WIDE, .text = "who did it"},
    {.name = "audit_id", .kind = COLUMN_INT, .flags = COLUMN_MACHINE, .text = "ascends within a daemon"},
    {.name = "arguments", .kind = COLUMN_JSON, .flags = COLUMN_MACHINE, .text = "what was sent"},
    {.name = NULL},
};

static const struct option_def ls_options[] = {
    {.name = "actor", .kind = VALUE_TEXT, .value = "WHO", .text = "only changes by user@host"},
    {.name = "action",
     .kind = VALUE_TEXT,
     .value = "ACTION",
     .text = "such as dlq.replay, or dlq for all of it"},
    {.name = "target", .kind = VALUE_TEXT, .value = "ID", .text = "only changes of this"},
    {.name = "since", .kind = VALUE_DURATION, .value = "D", .text = "of the last D"},
    {.name = NULL},
};

const struct noun noun_audit = {
    .name = "audit",
    .group = "data",
    .summary = "who changed what, when and why",
    .commands =
	(const struct command[]){
	    {.verb = "ls",
	     .summary = "list changes over all daemons, newest first",
	     .options = ls_options,
	     .columns = audit_columns,
	     .shape = SHAPE_LIST,
	     .examples = {"pizzactl audit ls --since 24h", "pizzactl audit ls --action dlq --limit 20"},
	     .run = audit_ls},
	    {.run = NULL},
	},
};
