/*
 * The supervisor's audit: $PIZZA_HOME/log/audit.jsonl, one JSON object a line, only ever appended to.  The
 * same members as the daemons' audit has (core/service/audit.h).
 */
#ifndef PIZZA_PIZZAD_TRAIL_H
#define PIZZA_PIZZAD_TRAIL_H

#include <jansson.h>

#include "core/http/server.h"

/* why NULL: it was done.  arguments are borrowed; NULL: none.  A failure is logged. */
void trail_write(const struct http_request *r, const char *action, const char *target,
		 const json_t *arguments, const struct error *why);
/* The latest rows, oldest first; owned. */
json_t *trail_read(void);

#endif
