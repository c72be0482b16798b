/*
 * The kitchen as both faces use it: the board of stations, tickets with the time at which they will be ready,
 * and what operators decide about a station.  Rows have the members of contract.md.  No printing; calls block
 * for at most the console's time-out.
 */
#ifndef PIZZA_CONSOLE_KITCHEN_H
#define PIZZA_CONSOLE_KITCHEN_H

#include <jansson.h>

#include "core/base/buf.h"
#include "core/base/error.h"
#include "core/base/uuid.h"
#include "core/console/console.h"
#include "core/contract/kitchen.h"

/* {"items": [stations, each with its "decks"], "timers": [what each counts for], "queued", "baking",
 * "waiting", "tickets_per_second", "time_scale"}; owned. */
int kitchen_board(struct console *c, json_t **ret, struct error *err) MUST_USE;

struct kitchen_filter {
	const char *state;    /* a ticket's state, "open" or "all"; NULL: open */
	const char *device;   /* NULL: any; then state must be a ticket's or "all" */
	struct uuid order_id; /* nil: any */
};
/* Open ones by their promises, others newest first; at most limit (-1: all). */
int kitchen_tickets(struct console *c, const struct kitchen_filter *f, int64_t limit, console_row *row,
		    void *arg, struct error *err) MUST_USE;
/* One ticket, or one station when that is what the text names ("oven-1"); owned. */
int kitchen_show(struct console *c, const char *text, json_t **ret, struct error *err) MUST_USE;

/* The route of a decision about a station. */
void kitchen_station_path(struct buf *path, const char *device, enum station_mode mode);
/* The decision itself; ret (may be NULL) gets the station, owned. */
int kitchen_set_mode(struct console *c, const char *device, enum station_mode mode, json_t **ret,
		     struct error *err) MUST_USE;
/* What lies in the station now: an array of decks that are taken, each with ticket and order_id; owned. */
int kitchen_affected(struct console *c, const char *device, json_t **ret, struct error *err) MUST_USE;

#endif
