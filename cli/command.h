/*
 * The command table: a command is one row and one function.
 *
 * A noun is one `const struct noun` in cmd_NOUN.c, and its commands are the rows of that file; commands.c
 * lists the nouns. The parser, --help and the hints for unknown words follow from the rows, and so do manual
 * pages and completion: the name of an argument (ORDER, DAEMON, TOPIC, FILE …) says what kind of thing stands
 * there.
 */
#ifndef PIZZA_CLI_COMMAND_H
#define PIZZA_CLI_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/output.h"
#include "core/base/error.h"

struct cli;

enum value_kind {
	VALUE_FLAG, /* takes none */
	VALUE_TEXT,
	VALUE_INT,	/* from 0 */
	VALUE_DURATION, /* 250ms, 5s, 1h30m, or seconds */
	VALUE_WORD,	/* one of words */
	VALUE_RATE,	/* 0 to 1 */
};

struct option_def {
	const char *name;	  /* "since": --since; NULL ends a list */
	const char *value;	  /* "D"; NULL for flags */
	const char *text;	  /* what it does */
	const char *fallback;	  /* default, or NULL */
	const char *const *words; /* NULL-terminated, for VALUE_WORD */
	enum value_kind kind;
	char letter;	  /* 'f': -f; or 0 */
	bool optional;	  /* the value may be missing */
	int64_t least_ms; /* VALUE_DURATION: shorter ones are refused */
};

/* Of the commands that read it with cli_order_option or cli_order_query. */
#define OPTION_ORDER                                                       \
	{                                                                  \
		.name = "order", .kind = VALUE_TEXT, .value = "ORDER",     \
		.text = "only this order's; its id's beginning is enough", \
	}

struct argument_def {
	const char *name; /* "ORDER"; NULL ends a list */
	const char *text;
	const char *const *words; /* what is offered for it, NULL-terminated; NULL: by its name */
	bool empty;		  /* "" is a value, too */
	bool optional;		  /* it and those behind it may be missing */
	bool repeat;		  /* the last one: any number */
};

enum command_shape {
	SHAPE_TEXT, /* says something, or nothing */
	SHAPE_LIST,
	SHAPE_SHOW,
	SHAPE_STREAM, /* rows as they come */
};

#define COMMAND_CHANGES 1 /* changes state: --dry-run and --reason apply */
#define COMMAND_BULK	2 /* changes many things: without --yes it only says what it would do */
#define COMMAND_SETTINGS \
	4 /* changes the caller's own settings: --dry-run applies, and no context forbids it */

#define COMMAND_WATCHES 8 /* as if --watch had been given */

#define EXAMPLES_MAX 4

struct command {
	const char *verb; /* NULL: the noun alone */
	const char *summary;
	const struct argument_def *arguments; /* NULL: none */
	const struct option_def *options;     /* NULL: none of its own */
	const struct column *columns;	      /* of LIST, SHOW and STREAM */
	enum command_shape shape;
	unsigned flags;
	bool (*changing)(const struct cli *cli); /* COMMAND_CHANGES holds when it says so; NULL: always */
	const char *examples[EXAMPLES_MAX];
	int (*run)(struct cli *cli, struct error *err); /* NULL ends a list */
};

struct noun {
	const char *name;
	const char *group; /* heading in the overview */
	const char *summary;
	const struct command *commands;
};

extern const struct noun *const nouns[];	 /* NULL-terminated, in the order of the overview */
extern const struct option_def global_options[]; /* before or after the noun */

/* An option as given. */
struct given {
	const struct option_def *def;
	const char *text; /* NULL for flags, and for an optional value that was left out */
};

struct invocation {
	const struct noun *noun;       /* NULL: nothing but options */
	const struct command *command; /* NULL: the noun alone, and it needs a verb */
	struct given *given;	       /* owned */
	int given_count;
	const char **arguments; /* owned */
	int argument_count;
	int unknown_at; /* the word that no command begins with; 0: there is none */
	bool help;	/* -h or --help was there */
};

/*
 * Reads a command line (argv[0] is skipped): nouns and verbs by unique prefix, options checked.  A command's
 * own option hides a global one of the same name.  ERR_USAGE lists what is valid and the nearest.  ret must
 * be invocation_done in every case.
 */
int command_parse(int argc, char **argv, struct invocation *ret, struct error *err) MUST_USE;
void invocation_done(struct invocation *i);
/* The option of that name (len bytes), or of that letter unless it is 0; NULL when the list has none. */
const struct option_def *option_find(const struct option_def *list, const char *name, size_t len,
				     char letter);
/* The last value given for an option, else its default, else NULL. */
const char *invocation_text(const struct invocation *i, const char *name);
bool invocation_flag(const struct invocation *i, const char *name);

#endif
