/*
 * A ticket in memory: one pizza of one order, as the floor has it.
 */
#ifndef PIZZA_KITCHEN_TICKET_H
#define PIZZA_KITCHEN_TICKET_H

#include <stdint.h>

#include "core/base/uuid.h"
#include "core/contract/kitchen.h"
#include "daemons/kitchen/scheduler.h"

struct ticket {
	struct scheduled job; /* its number, promise, temperature and size; its place in the queue */
	struct uuid order_id;
	char pizza_id[64];
	int64_t menu_version;
	enum ticket_state state;
	int station, deck; /* where it lies or is about to be put, from 0; -1: nowhere */
	int remakes, moves;
	int timer;	     /* the device that counts for it; -1: none */
	int64_t started_us;  /* when it was put there; 0: not */
	struct ticket *next; /* in its pool */
};

/* By which a deck knows it. */
static inline uint32_t ticket_tag(const struct ticket *t)
{
	return (uint32_t)t->job.id;
}

#endif
