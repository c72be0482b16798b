/*
 * Orders as JSON replies.
 */
#ifndef PIZZA_ORDER_REPLY_H
#define PIZZA_ORDER_REPLY_H

#include "core/base/buf.h"
#include "core/db/db.h"
#include "daemons/order/draft.h"

/* The reply to POST /orders: the same bytes for the same order, whenever it is asked again. */
void reply_created(struct buf *out, const struct order_draft *d, int64_t created_us);
void reply_created_row(struct buf *out, const struct db_result *r, int row);
/* One order with all its fields. */
void reply_order(struct buf *out, const struct db_result *r, int row);

#endif
