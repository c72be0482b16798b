/*
 * Help texts, written from the command table.  No state.
 */
#ifndef PIZZA_CLI_HELP_H
#define PIZZA_CLI_HELP_H

#include "cli/command.h"
#include "core/base/buf.h"

/* All nouns by group, and the global options. */
void help_overview(struct buf *out);
/* A noun's verbs, each with an example. */
void help_noun(struct buf *out, const struct noun *n);
/* One command: usage, arguments, options, columns, examples. */
void help_command(struct buf *out, const struct noun *n, const struct command *c);
/* "pizzactl saga wait ORDER [--for STATE] [--timeout D]" */
void help_synopsis(struct buf *out, const struct noun *n, const struct command *c);
/* "-o, --output FORMAT", or four spaces for the letter; its columns. */
size_t help_option_label(const struct option_def *o, char *text, size_t size);
/* What it does, its words and its default. */
void help_option_text(const struct option_def *o, struct buf *out);
/* What an invocation with --help, or of a noun alone, asks for. */
void help_invocation(struct buf *out, const struct invocation *i);

#endif
