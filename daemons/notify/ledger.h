/*
 * What the work queues read and write: claims of due deliveries, and their outcomes with the events they
 * give.
 */
#ifndef PIZZA_NOTIFY_LEDGER_H
#define PIZZA_NOTIFY_LEDGER_H

#include "core/db/db.h"
#include "daemons/notify/compose.h"
#include "daemons/notify/delivery.h"

/* Claims up to `limit` due deliveries of a channel for DELIVERY_LEASE_MS. */
int ledger_claim(struct db_conn *c, struct composer *composer, enum notify_channel channel, int limit,
		 struct delivery **items, int *ret_count, struct error *err) MUST_USE;
/*
 * Records the outcomes of n deliveries in the open transaction.  A notification all of whose channels are
 * settled gives NotificationSent (one at least was sent) or NotificationFailed.
 */
int ledger_record(struct db_conn *tx, struct delivery *const *items, int n, struct error *err) MUST_USE;
/* Makes failed deliveries of what an event gave due again, as part of the same sending; how many. */
int ledger_requeue(struct db_conn *tx, const struct event *e, int *ret_count, struct error *err) MUST_USE;
/* Makes all deliveries of a notification due again.  ERR_NOT_FOUND; ERR_CONFLICT while it is under way or has
 * none. */
int ledger_resend(struct db_conn *tx, struct uuid notification_id, struct error *err) MUST_USE;

#endif
