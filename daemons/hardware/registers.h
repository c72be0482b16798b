/*
 * The register map at work: what a Modbus request reads and does.  Thread safe, as the plant is.
 *
 * A request is judged as a whole before anything of it is done, so that it takes effect altogether or not at
 * all.  Addresses between the registers of a device read as 0 and cannot be written.
 */
#ifndef PIZZA_HARDWARE_REGISTERS_H
#define PIZZA_HARDWARE_REGISTERS_H

#include "daemons/hardware/plant.h"

#define REGISTERS_EXTENT_MAX 128 /* no space of a device is larger */

/* How many addresses from 0 on the device has in a space. */
int registers_extent(const struct hardware_device *d, enum hardware_space space);
/* All values of a space at this moment, registers_extent() of them. */
void registers_read(struct plant *p, int device, enum hardware_space space,
		    uint16_t values[REGISTERS_EXTENT_MAX]);
/* 0, or the Modbus exception: 2 for an address that cannot be written, 3 for a value that is out of range, 6
 * for a deck that holds something else. */
int registers_write(struct plant *p, int device, enum hardware_space space, int address, int count,
		    const uint16_t *values);

#endif
