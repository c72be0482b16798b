/*
 * What has happened to tickets, made true: the tickets, their jobs and the events that tell of them, in one
 * transaction.
 *
 * The first ticket that lies in a deck gives CookingStarted, the last one that is done CookingCompleted, a
 * burnt one TicketRemade, one that is given up CookingFailed, with which the whole order fails.
 */
#ifndef PIZZA_KITCHEN_LEDGER_H
#define PIZZA_KITCHEN_LEDGER_H

#include "core/service/service.h"
#include "daemons/kitchen/store.h"
#include "daemons/kitchen/ticket.h"

#define LEDGER_REASON_SIZE 160

struct move {
	struct ticket *ticket;
	enum ticket_event event;
	enum ticket_state to;
	const char *device; /* where it lies, or was; borrowed */
	const char *timer;  /* that counts for it, or did; borrowed; NULL: none */
	int station, deck;  /* where it lies from now on; -1: nowhere */
	int remakes, moves;
	char reason[LEDGER_REASON_SIZE];
	bool dropped; /* out: its order has ended meanwhile, nothing was written */
	bool failed;  /* out: its order has failed with it */
};

/* Writes all moves; nothing is changed in memory but the moves themselves.  Blocks. */
int ledger_write(struct service *s, struct move *moves, int n, struct error *err) MUST_USE;

/*
 * In the open transaction: the jobs fail for one reason each, with their tickets.  ids ascend; those whose
 * job has ended are passed over, and become nil.
 */
int ledger_fail(struct db_conn *tx, struct uuid *ids, const char *const *reasons, int n,
		struct error *err) MUST_USE;

#endif
