/*
 * The devices' state in a mapped file: every change is in the kernel's hands as soon as it is made, so that a
 * killed daemon loses nothing and each change costs a copy in memory.
 *
 * A device has two records that are written in turn, each with its checksum: one that was cut off, by SIGKILL
 * or by a machine that went down, is passed over for the other.  Not thread safe.
 */
#ifndef PIZZA_HARDWARE_STATE_H
#define PIZZA_HARDWARE_STATE_H

#include "daemons/hardware/physics.h"

struct state;

/*
 * Opens the file for these devices, in place of what was there; what it knew of them, by name, is taken over.
 * Blocks on the disk.  ERR_IO.
 */
int state_open(const char *path, const struct hardware_device *devices, int count, struct state **ret,
	       struct error *err) MUST_USE;
/* The device as it was saved last, and when on the wall clock; false: never. */
bool state_load(const struct state *st, int device, struct physics_device *ret, int64_t *ret_wall_us);
void state_save(struct state *st, int device, const struct physics_device *s, int64_t wall_us);
/* Whether the whole bus is down. */
bool state_bus_down(const struct state *st);
void state_set_bus_down(struct state *st, bool down);
/* NULL is fine. */
void state_close(struct state *st);

#endif
