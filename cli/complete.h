/*
 * What fits at the end of a command line: nouns, verbs, options and their values from the command table, and
 * what is alive (orders, pizzas, topics …) from the installation, asked for at most WAIT_MS and kept for five
 * seconds.
 *
 * The answer is one candidate a line, "value" or "value<tab>what it is"; ":file" alone means a file's name.
 * A candidate that ends with = or : is not finished.  The shells' scripts (completions/) only ask.
 */
#ifndef PIZZA_CLI_COMPLETE_H
#define PIZZA_CLI_COMPLETE_H

#include <stdbool.h>

#include "cli/cli.h"
#include "core/base/buf.h"

/* Appends what fits for words[n - 1], which stands behind the others; the words follow "pizzactl". */
void complete_words(const char *const *words, int n, struct buf *out);

/* --- for its parts --- */

struct complete {
	struct cli cli;	    /* given: what stands before the word */
	const char *prefix; /* what there is of the word itself */
	const char *before; /* what stands before the prefix in the same word ("--output="), or "" */
	size_t before_len;
	struct buf *out;
};

/* A candidate that begins with the prefix; text may be NULL. */
void complete_add(struct complete *c, const char *value, const char *text);
/* The plugins that can be reached. */
void complete_plugins(struct complete *c);
/* Values of an argument or option by the name of its kind (ORDER, TOPIC, FILE …); nothing when it is free
 * text. */
void complete_values(struct complete *c, const char *kind, bool argument);

/* Writes "value<tab>text" lines about what is alive. It runs in a process of its own. */
typedef int complete_fetch(struct cli *cli, const void *arg, struct buf *out, struct error *err);
/* The lines of `fetch` from the cache when they are fresh, else as it gives them in time, else old ones;
 * "" when there are none. */
void complete_live(struct complete *c, const char *name, complete_fetch *fetch, const void *arg,
		   struct buf *lines);

#endif
