/*
 * What a command's function works with: its arguments and options, the output they ask for, and the console
 * behind it. Data goes to stdout through an output; everything else goes to stderr.  One thread.
 */
#ifndef PIZZA_CLI_CLI_H
#define PIZZA_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/command.h"
#include "cli/output.h"
#include "core/base/error.h"
#include "core/base/uuid.h"
#include "core/console/console.h"

struct cli {
	struct invocation given;
	bool tty;   /* stdout is a terminal */
	bool color; /* colours are wanted on stdout */
	bool utf8;
	int width;    /* of the terminal; 0 when stdout is none */
	FILE *out;    /* where data goes: stdout, or what is to be drawn by --watch */
	bool watched; /* --watch: remarks would stand in the way */
	int room;     /* lines of the terminal that --watch draws to: more rows are not asked for; or 0 */
	bool unread;  /* nobody reads the output any more */
	struct changes *changes; /* since the look before, by --watch without a terminal; or NULL */
	int print_errno;	 /* why cli_print failed; 0: it has not */
	struct console *console; /* NULL until cli_console */
};

/* An argument as given; NULL when there are not so many. */
const char *cli_argument(const struct cli *c, int i);
int cli_arguments(const struct cli *c);
/* An option's value, or its default, or NULL. */
const char *cli_text(const struct cli *c, const char *name);
/* The same as a number, in milliseconds, and as a rate; fallback when there is no value. */
int64_t cli_int(const struct cli *c, const char *name, int64_t fallback);
int64_t cli_ms(const struct cli *c, const char *name, int64_t fallback);
bool cli_flag(const struct cli *c, const char *name);
/* True when the option was given, not only defaulted. */
bool cli_given(const struct cli *c, const char *name);
/* All values of an option that can be repeated: start with *cursor = 0; NULL at the end. */
const char *cli_next(const struct cli *c, const char *name, int *cursor);

/* The console, opened with --timeout on first use; owned by the cli. */
int cli_console(struct cli *c, struct console **ret, struct error *err) MUST_USE;

/*
 * Before a command that changes something: announces a protected context, has the change confirmed (--yes, on
 * a terminal the typed name as well), and asks the guard.  0 for everything that changes nothing.
 */
int cli_permit(struct cli *c, struct error *err) MUST_USE;

enum output_format cli_format(const struct cli *c);
bool cli_human(const struct cli *c);
/* The output that the command's row and the options ask for. */
int cli_output(struct cli *c, struct output **ret, struct error *err) MUST_USE;
/* The same for other columns than those of the row. */
int cli_output_of(struct cli *c, const struct column *columns, bool list, struct output **ret,
		  struct error *err) MUST_USE;
/* The same for the row's columns of rows that come from where these can be asked in SQL. */
int cli_output_from(struct cli *c, const struct where_column *source, struct output **ret,
		    struct error *err) MUST_USE;
/* The same for what became of things that --where and --limit chose: they do not choose once more. */
int cli_output_results(struct cli *c, const struct column *columns, struct output **ret,
		       struct error *err) MUST_USE;
/* Opens the output, writes one row (taken) and closes it. */
int cli_show(struct cli *c, json_t *row, struct error *err) MUST_USE;
/* The same for the elements of an array (taken). */
int cli_list(struct cli *c, json_t *rows, struct error *err) MUST_USE;
/* Where a list's rows come from: writes them to o; arg is the caller's of cli_rows. */
typedef int cli_source(struct console *console, void *arg, struct output *o, struct error *err);
/* Opens the console and the output that the command's row asks for, has source write, and closes the output.
 */
int cli_rows(struct cli *c, cli_source *source, void *arg, struct error *err) MUST_USE;
/*
 * Text for people on stdout; at once with `live`.  1 when nobody reads any more or it cannot be written,
 * which is told when the program ends.
 */
int cli_print(struct cli *c, const struct buf *text, bool live);
/* A moment in a line of a stream: the time of day, or as --time asks. */
void cli_add_moment(const struct cli *c, struct buf *out, const char *rfc3339);
/* Removes the rows of a list with the command's columns for which --where does not hold. */
int cli_choose(struct cli *c, json_t *rows, struct error *err) MUST_USE;
/* A remark on stderr, unless --quiet. */
void cli_say(const struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * Calls a daemon's API for a command that changes something and shows the answer; with --dry-run it only
 * shows the request.  body is taken, may be NULL; --reason goes into it as "reason".
 */
int cli_change(struct cli *c, const char *method, const char *daemon, const char *path, json_t *body,
	       struct error *err) MUST_USE;
/*
 * Adds "LIST/ID TAIL" to the path, of the first argument; ERR_USAGE when that cannot be the beginning of an
 * id of such a thing.
 */
int cli_id_path(struct cli *c, const char *list, const char *thing, const char *tail, struct buf *path,
		struct error *err) MUST_USE;
/* The argument as an order id: a UUID, or the beginning of one that only one order has (at least 8
 * characters). */
int cli_order_id(struct cli *c, int argument, struct uuid *ret, struct error *err) MUST_USE;
/* Likewise the value of --order; nil when it was not given. */
int cli_order_option(struct cli *c, struct uuid *ret, struct error *err) MUST_USE;
/* Adds "order_id" to a path's query when --order was given. */
int cli_order_query(struct cli *c, struct buf *path, struct error *err) MUST_USE;

#endif
