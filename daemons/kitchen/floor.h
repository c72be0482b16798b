/*
 * The floor: what is in the kitchen now, and the thread that keeps it going.
 *
 * It sees every reading of the hardware, every new ticket and every order that is gone; it decides by the
 * tables (core/contract/kitchen.h) and the scheduler what becomes of stations and tickets, makes that true in
 * the database, and only then tells the hardware.  So a deck that holds a ticket's tag is always one that the
 * database knows of, and after a crash both are compared: what lies on its deck bakes on, what does not is
 * put there, what has ended is taken out.
 *
 * Memory has the tickets on decks and the head of the queue; the rest of the queue stays in the database
 * until its turn comes.  Nothing is polled there: the consumer hands over what it has written.
 */
#ifndef PIZZA_KITCHEN_FLOOR_H
#define PIZZA_KITCHEN_FLOOR_H

#include <jansson.h>

#include "core/service/service.h"
#include "daemons/kitchen/intake.h"

struct floor;

/* Reads the database and starts the threads. */
int floor_start(struct service *s, struct floor **ret, struct error *err) MUST_USE;
void floor_stop(struct floor *f); /* NULL is fine */

/* Takes the news (committed). */
void floor_tell(struct floor *f, struct news *news);

/* --- for people; thread safe --- */

/* False when there is no such station. */
bool floor_has(struct floor *f, const char *device);
/* An operator's decision, already in the table devices. */
void floor_set_mode(struct floor *f, const char *device, enum station_mode mode);
/* The whole board, or one station; owned. */
json_t *floor_board(struct floor *f);
json_t *floor_station(struct floor *f, const char *device); /* NULL when there is none */

/* Ready times: of a ticket that lies on a deck or waits near the head of the queue, else 0; INT64_MAX: not as
 * things are. */
struct outlook {
	int64_t now_us;
	int64_t turn_in_us; /* until a ticket behind the known part of the queue gets its turn */
	int known;	    /* tickets in that part */
	double tickets_per_second;
	int64_t bake_us; /* of a medium pizza */
};
struct outlook floor_outlook(struct floor *f, const int64_t *ids, int n, int64_t *ret_ready_us);

#endif
