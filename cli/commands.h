/*
 * All nouns, in the order of the overview: each is defined in cmd_NOUN.c, or beside its siblings.
 */
#ifndef PIZZA_CLI_COMMANDS_H
#define PIZZA_CLI_COMMANDS_H

#include "cli/command.h"

#define NOUNS(X)      \
	X(up)         \
	X(down)       \
	X(status)     \
	X(start)      \
	X(stop)       \
	X(restart)    \
	X(scale)      \
	X(logs)       \
	X(doctor)     \
	X(top)        \
	X(order)      \
	X(saga)       \
	X(kpi)        \
	X(menu)       \
	X(inventory)  \
	X(payment)    \
	X(notify)     \
	X(sandbox)    \
	X(kitchen)    \
	X(hw)         \
	X(audit)      \
	X(topic)      \
	X(lag)        \
	X(outbox)     \
	X(dlq)        \
	X(context)    \
	X(config)     \
	X(plugin)     \
	X(completion) \
	X(version)    \
	X(help)

#define X(name) extern const struct noun noun_##name;
NOUNS(X)
#undef X

#endif
