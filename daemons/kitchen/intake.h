/*
 * Events to jobs and tickets, in the consumer's transaction: OrderPaid makes them, OrderCancelled discards
 * them or leaves a tombstone, and inventoryd's answers to TicketRemade let a burnt pizza be made again, or
 * end its order.  What a transaction has changed is news for the floor, after the commit.
 */
#ifndef PIZZA_KITCHEN_INTAKE_H
#define PIZZA_KITCHEN_INTAKE_H

#include "core/service/menucopy.h"
#include "core/service/service.h"
#include "daemons/kitchen/ticket.h"

struct news {
	struct ticket **tickets; /* that are to be baked; owned */
	int count, cap;
	struct uuid *gone; /* orders whose tickets are to be forgotten */
	int gone_count, gone_cap;
};
struct news *news_new(void);
void news_free(struct news *n); /* NULL is fine */

struct intake;
struct intake *intake_new(struct menucopy *menu, int64_t last_ticket);
void intake_free(struct intake *in); /* NULL is fine */

bool intake_wants(enum event_type type);
int intake_handle(struct intake *in, struct service_batch *b, struct news *news, struct error *err) MUST_USE;

#endif
