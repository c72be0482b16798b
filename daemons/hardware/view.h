/*
 * A device as people see it.  Pure but for reading the plant.
 */
#ifndef PIZZA_HARDWARE_VIEW_H
#define PIZZA_HARDWARE_VIEW_H

#include <jansson.h>

#include "daemons/hardware/plant.h"

/* X(symbol, "word") */
#define VIEW_STATES(X)        \
	X(OFFLINE, "offline") \
	X(FAULTED, "faulted") \
	X(IN_USE, "in use")   \
	X(READY, "ready")     \
	X(HEATING, "heating") \
	X(IDLE, "idle")

enum view_state {
#define X(symbol, word) VIEW_##symbol,
	VIEW_STATES(X)
#undef X
	    VIEW_STATE_COUNT
};
extern const char *const view_state_words[VIEW_STATE_COUNT];

/* offline: nobody hears it; faulted: a fault or the cut-out; in use: something lies in it, or it counts. */
enum view_state view_state(const struct plant_view *view);
/* The members that contract.md names and the device's own; with decks: what lies on each.  Owned. */
json_t *view_json(struct plant *p, int device, bool decks);

#endif
