/*
 * Plugins: an executable pizzactl-NAME on PATH is the command NAME.  It gets the words behind its name as
 * they are (and those before it, but for the context), and the context in its environment: PIZZA_CONTEXT,
 * PIZZA_HOME of an installation on this machine, what the context names of the configuration, and PIZZACTL,
 * the program that started it.  A command of our own, also a shortened one, is never hidden by a plugin.
 */
#ifndef PIZZA_CLI_PLUGIN_H
#define PIZZA_CLI_PLUGIN_H

#include <jansson.h>

#include "cli/command.h"
#include "core/base/buf.h"
#include "core/base/error.h"

/* Becomes the plugin of the word that command_parse knew nothing of; returns only on errors, ERR_NOT_FOUND
 * (err is left alone) when there is none. */
int plugin_run(int argc, char **argv, const struct invocation *given, struct error *err) MUST_USE;
/* All on PATH: rows {name, path, state, reason}, owned; state is "ok" or "hidden". */
json_t *plugin_list(void);
/* The plugins' part of the overview; nothing when there are none. */
void plugin_overview(struct buf *out);

#endif
