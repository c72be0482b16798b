/*
 * What runs, for any context: on this machine as the supervisor says, of a remote installation as its
 * daemons, its read model and its cluster answer.
 */
#ifndef PIZZA_CONSOLE_STATUS_H
#define PIZZA_CONSOLE_STATUS_H

#include <jansson.h>

#include "core/base/error.h"
#include "core/console/console.h"

/*
 * {"services":[…]} with the members of contract.md, owned; what is not known of a remote service is null.
 * ERR_UNAVAILABLE when nothing runs, or nothing of a remote installation answers.  Each of them
 * is waited for no longer than the console's time-out.
 */
int status_read(struct console *c, json_t **ret, struct error *err) MUST_USE;

#endif
