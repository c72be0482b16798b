/*
 * Moving orders: what events and cancellations do to them.
 */
#ifndef PIZZA_ORDER_MOVES_H
#define PIZZA_ORDER_MOVES_H

#include "core/service/service.h"

/* The consumer's handler and its end of transaction. */
int moves_handle(struct service *s, struct service_batch *b, struct error *err);
void moves_settled(struct service *s, void *state, bool committed);

/*
 * Cancels one order for `by` ("customer", "operator") in a transaction of its own.  0 also when it was
 * cancelled already; ERR_NOT_FOUND, ERR_CONFLICT when it is too late, or when expected_version (0: any) is
 * not the order's.
 */
int moves_cancel(struct service *s, struct uuid order_id, const char *reason, const char *by,
		 int64_t expected_version, struct error *err) MUST_USE;

#endif
