/*
 * Streams: rows that are written as they come, until Ctrl-C, and the cursor that the next run goes on from.
 */
#ifndef PIZZA_CLI_FOLLOW_H
#define PIZZA_CLI_FOLLOW_H

#include "cli/cli.h"
#include "core/console/cursor.h"

/* The options --follow and --cursor of a command that has both. */
#define FOLLOW_OPTION                                                                                \
	{                                                                                            \
		.name = "follow", .letter = 'f', .kind = VALUE_FLAG, .text = "go on with what comes" \
	}
#define CURSOR_OPTION                                                                                     \
	{                                                                                                 \
		.name = "cursor", .kind = VALUE_TEXT, .value = "FILE",                                    \
		.text =                                                                                   \
		    "go on where the last run with this file ended, and keep the place in it; made when " \
		    "missing"                                                                             \
	}

struct follow {
	struct cli *cli;
	struct output *out;
	struct cursor *cursor; /* NULL without --cursor */
};

/*
 * Opens the command's output, live when `live`, ended in order by Ctrl-C, and the cursor that --cursor names.
 * ret must be follow_close'd once this was 0.
 */
int follow_open(struct cli *c, bool live, struct follow *ret, struct error *err) MUST_USE;
/* A console_row whose arg is a struct follow: writes the row, then commits its place. */
int follow_row(void *arg, json_t *row, struct error *err) MUST_USE;
/* As output_close. */
int follow_close(struct follow *f, int rc, struct error *err) MUST_USE;

#endif
