/*
 * What is wrong with a station by its behaviour alone: a sound thermostat swings about its setpoint, switches
 * off above it, and a door closes after each loading.  An oven that reports no faults of its own is found out
 * by this.
 *
 * Pure: no clock, no I/O.
 */
#ifndef PIZZA_KITCHEN_DIAGNOSIS_H
#define PIZZA_KITCHEN_DIAGNOSIS_H

#include "core/base/clock.h"
#include "core/contract/hardware.h"
#include "core/contract/kitchen.h"

/* Since when something looks wrong, and in how many readings so far. */
struct suspicion {
	struct mono since;
	int looks; /* 0: it does not */
};

/* Zeroed at first. */
struct diagnosis {
	struct hardware_reading last;
	bool looked;
	struct suspicion of[STATION_FINDING_COUNT];
	unsigned findings; /* bits of STATION_FINDINGS */
};

/*
 * Takes a reading that came at this moment; one whose heartbeat is that of the last is passed over.  The
 * findings, as of now.
 */
unsigned diagnosis_look(struct diagnosis *d, const struct hardware_reading *r, struct mono at,
			int time_scale);

#endif
