/*
 * What --columns help and --where help answer, and running commands.
 */
#include "cli/view.h"

#include <string.h>

#include "cli/pager.h"
#include "cli/watch.h"
#include "core/base/json.h"

static bool asks_for_help(const struct cli *c, const char *option)
{
	const char *text = cli_text(c, option);

	return text != NULL && strcmp(text, "help") == 0 && c->given.command->columns != NULL;
}

/* Takes the options out that choose columns or rows: they are meant for the command's own. */
static void forget_choices(struct cli *c)
{
	static const char *const choices[] = {"columns", "where", "sort", "limit", "watch"};
	int kept = 0;

	for (int i = 0; i < c->given.given_count; i++) {
		bool choice = false;

		for (size_t k = 0; k < sizeof(choices) / sizeof(choices[0]); k++)
			choice = choice || strcmp(c->given.given[i].def->name, choices[k]) == 0;
		if (!choice)
			c->given.given[kept++] = c->given.given[i];
	}
	c->given.given_count = kept;
}

static int explain_columns(struct cli *c, struct error *err)
{
	static const struct column columns[] = {{.name = "column", .flags = COLUMN_ID, .text = "its name"},
						{.name = "kind", .text = "of its values"},
						{.name = "text", .title = "meaning", .text = "what it says"},
						{.name = NULL}};
	struct output *o = NULL;
	int rc;

	forget_choices(c);
	rc = cli_output_of(c, columns, true, &o, err);
	if (rc < 0)
		return rc;
	for (const struct column *p = c->given.command->columns; p->name != NULL && rc == 0; p++)
		rc = output_row(o,
				json_pack("{s:s, s:s, s:s}", "column", p->name, "kind",
					  column_kind_word(p->kind), "text", p->text != NULL ? p->text : ""),
				err);
	return output_close(o, rc, err);
}

static const char where_text[] =
    "--where EXPR chooses rows:\n"
    "\n"
    "  status = cancelled and (total_amount >= 1000.00 or customer_name ~ '^Iv')\n"
    "  created_at > -5m and daemon in (paymentd, inventoryd) and reason is not null\n"
    "\n"
    "  = != < <= > >=        compare; text by code points\n"
    "  ~  !~                 a POSIX extended regular expression is found in it, is not\n"
    "  in (A, B)  not in ()  one of them, none of them\n"
    "  is null  is not null  there is no value, there is one\n"
    "  and  or  not  ( )     a column of kind bool may stand alone\n"
    "\n"
    "  text, state           bare words, or in '...' or \"...\" (the quote itself twice)\n"
    "  int, real, percent    42, -1.5\n"
    "  money                 120000 (minor units, as in JSON) or 1200.00\n"
    "  time                  2026-11-21T12:30:01Z, 2026-11-21, now, -5m (five minutes ago)\n"
    "  milliseconds, seconds 250ms, 5m, 1h30m, or a number in the column's unit\n"
    "  bytes                 10MiB, 64k, or a number of bytes\n"
    "  bool                  true, false\n"
    "  json                  members with dots: value.event_data.amount > 100; of a list any element\n"
    "\n"
    "A comparison with a missing value is false; != !~ not in and not are exact opposites.\n"
    "\n";

static int explain_where(struct cli *c, struct error *err)
{
	struct buf text = {0};
	int rc = 0;

	if (cli_human(c)) {
		buf_adds(&text, where_text);
		rc = cli_print(c, &text, true);
		buf_done(&text);
	}
	return rc == 0 ? explain_columns(c, err) : 0;
}

/* What ends by itself and only reads is shown page by page. */
static bool is_paged(const struct cli *c)
{
	const struct command *command = c->given.command;

	return (command->shape == SHAPE_LIST || command->shape == SHAPE_SHOW) &&
	       (command->flags & COMMAND_CHANGES) == 0 && !cli_given(c, "follow") && !cli_given(c, "cursor");
}

static int run_paged(struct cli *c, struct error *err)
{
	struct pager pager;
	int rc;

	pager_start(c, &pager);
	rc = c->given.command->run(c, err);
	return pager_finish(c, &pager, rc, err);
}

int view_run(struct cli *c, struct error *err)
{
	if (asks_for_help(c, "columns"))
		return explain_columns(c, err);
	if (asks_for_help(c, "where"))
		return explain_where(c, err);
	if (c->given.command->shape == SHAPE_STREAM && cli_given(c, "sort"))
		return error_set(err, ERR_USAGE, "--sort",
				 "sorts lists; a stream's rows come in their own order");
	if (cli_given(c, "watch") || (c->given.command->flags & COMMAND_WATCHES) != 0)
		return watch_run(c, err);
	return is_paged(c) ? run_paged(c, err) : c->given.command->run(c, err);
}
