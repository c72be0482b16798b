/*
 * The physics of one device: heat, thermostat, door, dough, browning, cut-out, and what faults do to them.
 *
 * A heated device is one body of heat: C dT/dt = P·heater − G·(T − ambient) − Σ UA·(T − core) over what lies
 * in it.  An open door adds to G.  A pizza's core takes up UA·(T − core), up to 100 °C where the rest
 * evaporates; its surface follows T with a lag, and it browns at a rate that doubles every 30 degrees of the
 * surface.  The thermostat goes by the device's own sensor (noise and a slow drift, both a function of seed,
 * device and time alone), the over-temperature cut-out by the true temperature.
 *
 * Pure: the same state, world and number of ticks give the same state.  Temperatures are degrees Celsius,
 * energies joules, times seconds of the kitchen.
 */
#ifndef PIZZA_HARDWARE_PHYSICS_H
#define PIZZA_HARDWARE_PHYSICS_H

#include "core/contract/hardware.h"

#define PHYSICS_TICK_MS	    10 /* of the wall clock */
#define PHYSICS_AMBIENT	    22.0
#define PHYSICS_FRIDGE	    5.0	 /* in which the dough was */
#define PHYSICS_HYSTERESIS  3.0	 /* the thermostat switches this far from its setpoint */
#define PHYSICS_READY_BAND  15.0 /* "at temperature" */
#define PHYSICS_RESET_BELOW 50.0 /* the cut-out can be reset this far below where it trips */
#define PHYSICS_DOOR_S	    5.0	 /* that a door is open for a loading or unloading */
#define PHYSICS_TIMER_DRIFT 0.8	 /* of a drifting timer's speed */

/* What kinds of device are made of; per deck where the kind has several. */
struct physics_body {
	double power;	 /* W */
	double capacity; /* J/K */
	double loss;	 /* W/K, closed */
	double door;	 /* W/K more, open */
	double cutout;	 /* °C */
};
extern const struct physics_body physics_bodies[HARDWARE_KIND_COUNT];

struct physics_world {
	uint64_t seed;
	double step_s; /* seconds of the kitchen per step, 2 at most */
	int steps;     /* per tick */
	double browning[HARDWARE_KIND_COUNT][HARDWARE_PRODUCT_COUNT]; /* rate at the first setpoint, 1/s */
};
void physics_world_init(struct physics_world *w, int time_scale, uint64_t seed);

struct physics_deck {
	uint32_t tag; /* 0: empty */
	int32_t product;
	double core, surface;
	double browning; /* 0 to 1 */
	double seconds;	 /* since it was loaded */
	uint32_t loads;
	uint32_t last_tag;
	int32_t last_state, last_browning;
};

struct physics_device {
	int64_t tick; /* up to which it has been reckoned */
	uint32_t faults;
	double temperature; /* the true one */
	double reading;	    /* of its sensor */
	double stuck_at;    /* where a stuck sensor stays */
	double setpoint;
	double energy; /* J used by the heater */
	double taken;  /* J given to what was baked */
	double lost;   /* J given to the room */
	double door_left;
	uint32_t trips;
	bool power, heater, cutout, reset, door;
	bool running, expired;
	double duration, left; /* timers */
	struct physics_deck deck[HARDWARE_DECKS_MAX];
};

/* As it comes: cold, switched off, empty. */
void physics_device_init(const struct physics_world *w, const struct hardware_device *d,
			 struct physics_device *ret);
/* Reckons one tick on. */
void physics_tick(const struct physics_world *w, const struct hardware_device *d, struct physics_device *s);
/* Switches between sets of faults: a sensor that gets stuck stays at what it shows. */
void physics_set_faults(struct physics_device *s, uint32_t faults);

enum physics_verdict { PHYSICS_OK, PHYSICS_ALREADY, PHYSICS_BUSY };
/* PHYSICS_ALREADY: the tag lies there; PHYSICS_BUSY: another one does. */
enum physics_verdict physics_load(const struct hardware_device *d, struct physics_device *s, int deck,
				  int product, uint32_t tag);
/* PHYSICS_ALREADY: nothing lies there; PHYSICS_BUSY: another tag does. */
enum physics_verdict physics_unload(const struct hardware_device *d, struct physics_device *s, int deck,
				    uint32_t tag);
enum hardware_deck_state physics_deck_state(const struct physics_deck *k);

/* What the device tells of itself. */
void physics_read(const struct hardware_device *d, const struct physics_device *s,
		  struct hardware_reading *ret);

#endif
