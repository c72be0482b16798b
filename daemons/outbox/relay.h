/*
 * One relay thread per owner's database: woken by NOTIFY, publishes windows, moves the position.
 */
#ifndef PIZZA_OUTBOX_RELAY_H
#define PIZZA_OUTBOX_RELAY_H

#include "daemons/outbox/lease.h"
#include "daemons/outbox/store.h"

struct relay;

int relay_start(struct service *s, struct lease *lease, const struct daemon_info *owner, struct relay **ret,
		struct error *err) MUST_USE;
/* Ends after the window under way, joins, frees.  NULL is fine. */
void relay_stop(struct relay *r);
const struct daemon_info *relay_owner(const struct relay *r);
/* The owner's database, for figures. */
struct db *relay_db(const struct relay *r);

#endif
