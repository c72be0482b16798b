/*
 * How long orders from a newer menu than ours are waited for.  The copy follows within milliseconds; a
 * version that has not come after PATIENCE_MS does not exist, and waiting on would stop everybody's orders.
 */
#ifndef PIZZA_SERVICE_PATIENCE_H
#define PIZZA_SERVICE_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/clock.h"

#define PATIENCE_MS    30000
#define PATIENCE_SLOTS 16

struct patience_slot {
	char pizza_id[64];
	int64_t version;
	struct mono since; /* 0: the slot is free */
};

/* `struct patience p = {0};` */
struct patience {
	struct patience_slot slots[PATIENCE_SLOTS];
	int next; /* the slot that is taken next: the oldest */
};

/* True as long as it is worth while to wait for this version of the pizza; the first call starts the time. */
bool patience_wait(struct patience *p, const char *pizza_id, int64_t version, struct mono now);

#endif
