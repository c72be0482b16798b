/*
 * The link to the hardware: one thread, one Modbus/TCP connection per device, every device read by one
 * request at least every kitchen.poll.  Requests go out to all devices without waiting for each other's
 * answers, so a silent one delays nobody; a device that does not answer in time is connected to anew, so that
 * no late answer is taken for another.
 *
 * Orders to a device are what is wanted of it, not a queue: the latest one of each deck counts, and whoever
 * gave it looks at the readings to see whether it has come true, and gives it again if not.
 */
#ifndef PIZZA_KITCHEN_LINK_H
#define PIZZA_KITCHEN_LINK_H

#include <stdbool.h>

#include "core/base/clock.h"
#include "core/contract/hardware.h"

struct link_device {
	struct hardware_reading reading; /* the last one */
	struct mono asked;		 /* when it was asked for */
	struct mono at;			 /* when it came; 0: never */
	struct mono beat;		 /* when its heartbeat was last seen to move */
	char trouble[96];		 /* what was wrong last, or "" */
};

struct link_options {
	const char *address;
	int port;
	const struct hardware_device *devices; /* borrowed */
	int count;
	int poll_ms;	  /* between two readings of a device */
	int busy_poll_ms; /* of one that has something on its decks */
	int answer_ms;	  /* after which an answer is not waited for any more */
	/* Something else than a temperature or a heartbeat has changed. From the link's thread. */
	void (*changed)(void *arg);
	void *arg;
};

struct link;
int link_start(const struct link_options *options, struct link **ret, struct error *err) MUST_USE;
void link_stop(struct link *l); /* NULL is fine */

/* All that follows is thread safe and returns at once. */

void link_look(struct link *l, struct link_device *list); /* one for each device */
void link_load(struct link *l, int device, int deck, enum hardware_product product, uint32_t tag);
void link_unload(struct link *l, int device, int deck, uint32_t tag);
/* setpoint in tenths of a degree. */
void link_heat(struct link *l, int device, bool power, int setpoint);
void link_reset(struct link *l, int device);
/* Starts a timer with so many seconds of the kitchen; 0 stops it. */
void link_time(struct link *l, int device, int seconds);

#endif
