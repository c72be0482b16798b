/*
 * The audit of all daemons and of the supervisor, merged.  No printing; calls block.
 */
#ifndef PIZZA_CONSOLE_AUDIT_H
#define PIZZA_CONSOLE_AUDIT_H

#include <jansson.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/console/console.h"

struct audit_filter {
	const char *actor, *action, *target; /* NULL: any */
	int64_t since_ms;		     /* -1: all */
	int64_t limit;			     /* -1: all */
};

/*
 * Rows {at, actor, action, target, reason, outcome, arguments, daemon, audit_id}, newest first, owned.  Those
 * of daemons that cannot be asked are missing: *ret_missing says which.
 */
int audit_read(struct console *c, const struct audit_filter *f, json_t **ret, struct error *ret_missing,
	       struct error *err) MUST_USE;

#endif
