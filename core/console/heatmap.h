/*
 * How each daemon did, minute by minute: from a sample of the read model's events, so that the cost does not
 * grow with the traffic.  No printing; the call blocks for at most the console's time-out.
 */
#ifndef PIZZA_CONSOLE_HEATMAP_H
#define PIZZA_CONSOLE_HEATMAP_H

#include <jansson.h>

#include "core/base/error.h"
#include "core/console/console.h"

/*
 * Rows {minute, daemon, events, failed, failed_percent, p50_ms, p99_ms} of the last `minutes`, owned: minute
 * is the moment at which it began; events and failed are of the sample (384 events a minute at most); the
 * durations are those from an event's cause to the event, null where no event has one.  Failed are
 * rejections, failures, and dead letters of the daemon.
 */
int heatmap_read(struct console *c, int minutes, json_t **ret, struct error *err) MUST_USE;

/*
 * The same sample by kind of event: rows {event_type, daemon, events, p50_ms, p90_ms, p99_ms, most_ms},
 * owned, the slowest first.
 */
int heatmap_steps(struct console *c, int minutes, json_t **ret, struct error *err) MUST_USE;

#endif
