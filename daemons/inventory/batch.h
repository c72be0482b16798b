/*
 * A batch of events becomes reservations, stock levels and events of our own.
 */
#ifndef PIZZA_INVENTORY_BATCH_H
#define PIZZA_INVENTORY_BATCH_H

#include "core/contract/events.h"
#include "core/db/db.h"
#include "daemons/inventory/need.h"

/*
 * Acts on the events (no two with the same aggregate_id) in the open transaction, as a whole or not at all.
 * Orders are served in the order given, each all or nothing.  ERR_NOT_YET: something that is on its way is
 * missing; ERR_MALFORMED: an event cannot be read; ERR_TRANSIENT: others were faster too often.
 */
int batch_handle(struct db_conn *tx, const struct event *const *events, int n, const struct menu_view *menu,
		 int low_percent, struct error *err) MUST_USE;

#endif
