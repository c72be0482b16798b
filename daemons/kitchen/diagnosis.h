/*
 * What is wrong with a station by its behaviour alone: a sound thermostat swings about its setpoint, switches
 * off above it, and a door closes after each loading; a sound timer counts as fast as the kitchen's clock.  A
 * device that reports no faults of its own is found out by this.
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

/* Zeroed at first, but for findings of an earlier life: they stay until two readings speak against them. */
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

/* A reading of a timer that runs. */
struct timer_look {
	int left, duration;
	struct mono asked, at;
};
/* How fast a timer counts.  Zeroed at first, but for `wrong` of an earlier life. */
struct timekeeping {
	bool runs; /* since `first` it has run on without being started anew, as of `last` */
	struct timer_look first, last;
	int64_t counted_s, least_us, most_us; /* of the runs before, as far as they belong to this window */
	int ended;			      /* runs before */
	int off;			      /* windows in a row that were too fast, if > 0, or too slow */
	bool wrong;			      /* two were */
};
/*
 * Takes a reading that was asked for and came at these moments: the timer was so at some moment between the
 * two, so that what is late on the way is never taken for the timer's fault.  One that came at the moment of
 * the last is passed over.  Whether the timer is wrong, as of now.
 */
bool diagnosis_time(struct timekeeping *k, const struct hardware_reading *r, struct mono asked,
		    struct mono at, int time_scale);
/* The timer was lost from sight: what it has counted since says nothing. */
void diagnosis_time_lost(struct timekeeping *k);

#endif
