/*
 * All devices and their time.  A device is reckoned up to the present whenever it is looked at or changed,
 * and by plant_tick; nothing runs in between.  Its state outlives the process (state.h): after an absence,
 * time has passed in the kitchen too, for as long as CATCH_UP at most.
 *
 * Thread safe: one lock around everything; no function blocks.
 */
#ifndef PIZZA_HARDWARE_PLANT_H
#define PIZZA_HARDWARE_PLANT_H

#include "daemons/hardware/physics.h"

#define PLANT_CATCH_UP_MS 60000 /* of the wall clock: more is forgotten */

struct plant;

struct plant_options {
	const struct hardware_device *devices; /* borrowed */
	int count;
	int time_scale;
	uint64_t seed;
	const char *file;	  /* keeps the state; NULL: nothing does */
	int64_t (*mono_ms)(void); /* the clocks; NULL: the machine's */
	int64_t (*wall_us)(void);
	void (*bus_changed)(void *arg); /* optional, called under the lock: the bus went down or came back */
	void *arg;
};

int plant_new(const struct plant_options *options, struct plant **ret, struct error *err) MUST_USE;
void plant_free(struct plant *p); /* NULL is fine */

/* Devices are counted from 0 here: unit − 1. */
const struct hardware_device *plant_device(const struct plant *p, int device);
int plant_count(const struct plant *p);
const struct hardware_device *plant_find(const struct plant *p, const char *name);

struct plant_view {
	struct hardware_reading reading; /* faults: with bus-down when the bus is down */
	bool reachable;			 /* it would answer */
	int64_t heartbeat_age_ms;	 /* since it could last be heard */
};
void plant_read(struct plant *p, int device, struct plant_view *ret);
/* Whether a request to the device would be answered; cheap. */
bool plant_reachable(struct plant *p, int device);
bool plant_bus_down(struct plant *p);

/* What a register that may be written does when raw, within its limits (hardware_limits), is written. */
void plant_write(struct plant *p, int device, const struct hardware_register *r, int raw);
/* Breaks and mends; bus-down is one for all devices.  Mending everything also resets the cut-out. */
void plant_change_faults(struct plant *p, int device, unsigned broken, unsigned mended);
enum physics_verdict plant_load(struct plant *p, int device, int deck, int product, uint32_t tag);
enum physics_verdict plant_unload(struct plant *p, int device, int deck, uint32_t tag);

/* Brings all devices up to the present. */
void plant_tick(struct plant *p);

#endif
