/*
 * Deadlines: a thread that once a second notes whether orderd is attentive, and cancels the orders whose wait
 * has lasted longer than order.deadline of attentive time (contract.md, "Deadlines").
 *
 * Attentive means: everything that was in the topics a few seconds ago has been handled by the group (all
 * replicas), and nothing of our own has waited for the relay for longer.  While Kafka, the database or orderd
 * itself is down, that cannot be said, and the clock of every wait stands still.
 */
#ifndef PIZZA_ORDER_WATCH_H
#define PIZZA_ORDER_WATCH_H

#include "core/service/service.h"

struct watch;

int watch_start(struct service *s, struct watch **ret, struct error *err) MUST_USE;
void watch_stop(struct watch *w); /* NULL is fine */

#endif
