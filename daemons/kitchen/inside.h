/*
 * The inside of the floor, shared by its files alone.
 */
#ifndef PIZZA_KITCHEN_INSIDE_H
#define PIZZA_KITCHEN_INSIDE_H

#include <pthread.h>

#include "daemons/kitchen/diagnosis.h"
#include "daemons/kitchen/floor.h"
#include "daemons/kitchen/ledger.h"
#include "daemons/kitchen/link.h"
#include "daemons/kitchen/pool.h"
#include "daemons/kitchen/scheduler.h"

struct station {
	const struct hardware_device *info; /* the device of the same index */
	enum station_state state;
	enum station_mode mode;
	struct diagnosis diagnosis;
	unsigned wrong;				 /* what was wrong with it when it was last looked at */
	bool dirty;				 /* to be saved */
	bool hot;				 /* takes tickets, as to its temperature */
	int setpoint_c;				 /* what it is to be heated to */
	struct mono told;			 /* when it was last told so, or reset */
	struct mono offline;			 /* since when; 0: it is not */
	struct ticket *on[HARDWARE_DECKS_MAX];	 /* what lies there, or is about to be put there */
	struct mono ordered[HARDWARE_DECKS_MAX]; /* when the deck was last told what to do */
	struct mono looked[HARDWARE_DECKS_MAX];	 /* the reading of the first look of two */
	uint32_t rescued[HARDWARE_DECKS_MAX];	 /* what was given up here while it was offline */
};

/* What a timer has beyond the state of a station. */
struct timer {
	struct ticket *of; /* what it counts for */
	struct timekeeping keeping;
	bool ours;	  /* what runs there was started here */
	bool adopted;	  /* it may run already */
	bool begun;	  /* it was seen to */
	bool stop;	  /* it is to be stopped */
	struct mono told; /* when it was last told so, or to run */
};

struct floor {
	struct service *service;
	struct hardware_device devices[HARDWARE_DEVICES_MAX];
	int device_count;
	struct station *stations; /* of all devices; those with decks come first, then the timers */
	struct timer *timers;	  /* likewise: from station_count on */
	int station_count, decks;
	int next_timer;		  /* whose turn it is, from 0 */
	struct link_device *seen; /* of all devices, as of this round */
	struct link *link;
	struct scheduler *scheduler;
	struct pool tickets;
	int64_t tail_us, tail_id;	  /* the queue is known up to here */
	bool complete;			  /* nothing is behind */
	bool orphans;			  /* some ticket may be on a deck that does not exist any more */
	int window;			  /* tickets of the queue in memory, about */
	double pace[HARDWARE_KIND_COUNT]; /* observed baking time ÷ nominal */
	struct scheduler_times times;
	int time_scale;

	struct move *moves; /* of this round */
	int move_count, move_cap;

	pthread_t thread;
	pthread_mutex_t lock; /* all of the above, but while the floor itself waits for the database */
	pthread_mutex_t box_lock;
	pthread_cond_t box_wake;
	struct news **box; /* not looked at yet */
	int box_count, box_cap;
	bool stirred; /* the hardware, or an operator, has changed something */
	bool stopping;
};

/* --- stations.c --- */

/* Goes through all stations and decks: states, temperatures, and moves of what lies there. */
void stations_look(struct floor *f);
/* Orders to the hardware that follow from what is true now. */
void stations_order(struct floor *f);
bool station_fresh(const struct station *st);
/* What happens next to a device of any kind; -1: nothing, or what depends on its kind. */
int station_trouble(const struct station *st, const struct link_device *seen);
/* Goes on in the states as long as something happens (-1: nothing more), and tells of it. */
void station_follow(struct floor *f, int device, int (*happening)(const struct floor *f, int device));
/* Words of what is wrong with it, as it says and as it behaves, separated by blanks. */
void station_faults(const struct station *st, const struct link_device *seen, char *text, size_t size);
/* Those of the words that tell of its behaviour: bits of STATION_FINDINGS. */
unsigned station_findings(const char *faults);
/* Its state as the database keeps it. */
enum station_state station_kept(const struct station *st, enum station_state state);
/* How long it bakes this ticket. */
int64_t station_bake_us(const struct floor *f, const struct station *st, const struct ticket *t);
/* How much longer it takes there, by the kitchen's clock; what is not loaded yet counts from now on. */
int64_t station_left_us(const struct floor *f, const struct station *st, const struct ticket *t);
void floor_times(struct floor *f);
int64_t station_hot_in_us(const struct floor *f, int station);

/* --- timers.c --- */

/* Goes through all timers: states, and orders to them. */
void timers_look(struct floor *f);
/* The ticket begins to bake: a free timer becomes its own, if there is one. */
void timers_take(struct floor *f, struct ticket *t);
/* As it was in the database. */
void timers_adopt(struct floor *f, struct ticket *t, const char *name);
/* The ticket needs its timer no more. */
void timers_release(struct floor *f, struct ticket *t);
/* No ticket is there any more. */
void timers_forget(struct floor *f);
/* How much longer the ticket's timer counts; -1: it has none that does. */
int64_t timers_left_us(const struct floor *f, const struct ticket *t);

/* --- queue.c --- */

/* Takes a queued ticket that was committed: it may be known already, or be so far behind that it is read
 * later. */
void queue_take(struct floor *f, struct ticket *t);
/* Reads on in the queue when memory has little of it left; without the lock meanwhile. */
int queue_refill(struct floor *f, struct error *err) MUST_USE;

/* --- floor.c --- */

/* Notes a move of a ticket; one for each ticket in a round. */
struct move *floor_move(struct floor *f, struct ticket *t, enum ticket_event event, const char *reason, ...)
    PRINTF_LIKE(4, 5);

#endif
