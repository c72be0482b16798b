/*
 * What the daemon's parts share.
 */
#ifndef PIZZA_HARDWARE_HARDWARE_H
#define PIZZA_HARDWARE_HARDWARE_H

#include "daemons/hardware/plant.h"
#include "daemons/hardware/wire.h"

/* The service's data. */
struct hardware {
	struct plant *plant;
	struct wire *wire;
	struct hardware_device devices[HARDWARE_DEVICES_MAX];
};

#endif
