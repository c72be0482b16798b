/*
 * Rows from a source to stdout, and the cursor behind them.
 *
 * Invariant: a place is committed only after its row has been written, so that a run that is cut off leaves
 * nothing out.
 */
#include "cli/follow.h"

#include "cli/interrupt.h"

/* "topic tail order-events": what a cursor is of. */
static void name_stream(const struct cli *c, struct buf *out)
{
	buf_adds(out, c->given.noun->name);
	if (c->given.command->verb != NULL)
		buf_addf(out, " %s", c->given.command->verb);
	for (int i = 0; i < cli_arguments(c); i++)
		buf_addf(out, " %s", cli_argument(c, i));
}

int follow_open(struct cli *c, bool live, struct follow *ret, struct error *err)
{
	const char *path = cli_text(c, "cursor");
	struct buf name = {0};
	int rc;

	*ret = (struct follow){.cli = c};
	if (live && (cli_given(c, "sort") || cli_given(c, "watch")))
		return error_set(err, ERR_USAGE, "--follow", "goes with neither --sort nor --watch");
	rc = cli_output(c, &ret->out, err);
	if (rc < 0)
		return rc;
	if (path != NULL) {
		name_stream(c, &name);
		rc = cursor_open(path, buf_str(&name), &ret->cursor, err);
		buf_done(&name);
	}
	if (rc < 0)
		return output_close(ret->out, rc, err);
	if (live || path != NULL)
		output_live(ret->out);
	interrupt_catch();
	return 0;
}

int follow_row(void *arg, json_t *row, struct error *err)
{
	struct follow *f = arg;
	int rc = output_row(f->out, row, err), committed;

	if (rc < 0 || f->cli->unread)
		return rc;
	committed = cursor_commit(f->cursor, err);
	return committed < 0 ? committed : rc;
}

int follow_close(struct follow *f, int rc, struct error *err)
{
	cursor_close(f->cursor);
	return output_close(f->out, rc, err);
}
