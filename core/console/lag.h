/*
 * Consumer lag as operators ask for it: per partition, topic or group, never negative, and with "unknown",
 * "no commit" and 0 kept apart.  No printing; calls block.
 */
#ifndef PIZZA_CONSOLE_LAG_H
#define PIZZA_CONSOLE_LAG_H

#include <jansson.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/console/console.h"

enum lag_by { LAG_BY_PARTITION, LAG_BY_TOPIC, LAG_BY_GROUP };

/*
 * An array of rows {group, topic, partition, committed, end, lag, lag_seconds, parked, state, member,
 * members}; what a coarser row cannot say is null.  group NULL: all.
 */
int lag_list(struct console *c, const char *group, enum lag_by by, json_t **ret, struct error *err) MUST_USE;

enum lag_verdict { LAG_FINE, LAG_WARN, LAG_CRIT };
/* The verdict on one row; a lag that is not known is as bad as a critical one.  -1: no such threshold. */
enum lag_verdict lag_judge(const json_t *row, int64_t warn, int64_t crit);

/*
 * Where a group's offsets would be set: rows {group, topic, partition, from, to}.  offset -2: beginning, -1:
 * end.  With apply it is done; ERR_REFUSED while the group has members.
 */
int lag_reset(struct console *c, const char *group, const char *topic, int64_t offset, bool apply,
	      json_t **ret, struct error *err) MUST_USE;

#endif
