/*
 * Who bakes where: the queue of tickets in the order of their promises, the stations with their decks, and
 * what follows from the two.  The earliest promise that any free deck fits goes first, so no deck stays free
 * while something that fits it waits, and no ticket is passed over for a later one that needs the same decks.
 *
 * A pan bakes anything; an oven what is to be baked within SCHEDULER_TOLERANCE_C of its setpoint.  Ovens come
 * before pans, which are slower, and the emptiest oven before the others, whose heat the cold dough takes.
 *
 * Pure: no clock, no I/O.  One thread.
 */
#ifndef PIZZA_KITCHEN_SCHEDULER_H
#define PIZZA_KITCHEN_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/service/menucopy.h"

#define SCHEDULER_TOLERANCE_C 15
#define SCHEDULER_DECKS_MAX   64 /* of a station */

/* One ticket as the queue sees it; owned by the caller, who does not change it while it is queued. */
struct scheduled {
	int64_t id;
	int64_t promised_us;
	int bake_c;
	enum pizza_size size;
	int heap; /* where it is queued: the scheduler's own; scheduled_init */
	int place;
	int64_t ready_us; /* by the last scheduler_estimate */
};
/* Not queued yet. */
void scheduled_init(struct scheduled *t);
bool scheduled_queued(const struct scheduled *t);

struct scheduler_station {
	bool pan;
	bool open; /* gets tickets: nobody has closed it, and it is not faulted or silent */
	bool hot;  /* at its temperature */
	int decks;
	int setpoint_c;	   /* what it is heated to */
	int target_c;	   /* what it is to be heated to next, once it is empty; = setpoint_c: nothing else */
	uint64_t taken;	   /* bit d: deck d has a ticket, or is not to be used */
	int64_t hot_in_us; /* how long until it is hot, as far as is known; for estimates */
	int64_t free_in_us[SCHEDULER_DECKS_MAX]; /* how long until a taken deck is free; for estimates */
};

struct scheduler;
struct scheduler *scheduler_new(int stations);
void scheduler_free(struct scheduler *s); /* NULL is fine */

/* The station's row, to be read and changed at will between the calls. */
struct scheduler_station *scheduler_station(struct scheduler *s, int i);

void scheduler_add(struct scheduler *s, struct scheduled *t);
/* Nothing happens when it is not queued. */
void scheduler_remove(struct scheduler *s, struct scheduled *t);
int scheduler_queued(const struct scheduler *s);

struct placement {
	struct scheduled *ticket;
	int station, deck;
};
/* The next ticket that can be baked now: out of the queue, its deck taken.  False: there is none. */
bool scheduler_next(struct scheduler *s, struct placement *ret);

/*
 * Sets the target of at most one oven anew, so that every temperature that is waited for has an oven, and
 * the ovens are shared by what waits; the oven's index, or -1 when all is well.
 */
int scheduler_plan(struct scheduler *s);

/* Baking times, from loading to done; of ovens and of pans. */
struct scheduler_times {
	int64_t oven_us[SIZE_COUNT], pan_us[SIZE_COUNT];
	int oven_c;	/* of an oven at this temperature */
	int doubling_c; /* so much colder takes twice as long; 0: it makes no difference */
};
/* Of an oven that is heated to bake_c. */
int64_t scheduler_oven_us(const struct scheduler_times *times, enum pizza_size size, int bake_c);

/*
 * When each queued ticket will be ready (ready_us, from now on), by going through the queue with what is
 * known; INT64_MAX: never, as things are.  Answers how long a further ticket at the queue's end takes to get
 * its turn, and how many tickets a second all decks together bake.
 */
struct scheduler_outlook {
	int64_t turn_in_us;
	double tickets_per_second;
};
struct scheduler_outlook scheduler_estimate(struct scheduler *s, int64_t now_us,
					    const struct scheduler_times *times);

#endif
