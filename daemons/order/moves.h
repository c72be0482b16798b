/*
 * Moving orders: what events and cancellations do to them.
 */
#ifndef PIZZA_ORDER_MOVES_H
#define PIZZA_ORDER_MOVES_H

#include "core/service/audit.h"
#include "core/service/service.h"
#include "daemons/order/store.h"

/* The consumer's handler and its end of transaction. */
int moves_handle(struct service *s, struct service_batch *b, struct error *err);
void moves_settled(struct service *s, void *state, bool committed);

/* ERR_CONFLICT when the order in r is not at the expected version (0: any). */
int moves_expect(const struct db_result *r, int64_t expected_version, struct error *err) MUST_USE;

struct cancel_request {
	struct uuid order_id;
	const char *reason;
	const char *by;			 /* "customer", "operator" */
	int64_t expected_version;	 /* 0: any */
	const struct audit_entry *audit; /* written in the same transaction; NULL */
};
/*
 * Cancels one order in a transaction of its own.  0 also when it was cancelled already; ERR_NOT_FOUND,
 * ERR_CONFLICT when it is too late, or when the expected version is not the order's.
 */
int moves_cancel(struct service *s, const struct cancel_request *request, struct error *err) MUST_USE;

/*
 * Cancels the overdue orders of a search in the open transaction: they have waited for `limit` (text).
 * After the commit moves_cancelled(n) counts and publishes them.
 */
int moves_cancel_overdue(struct db_conn *tx, const struct order_search *search, const char *limit,
			 int *ret_count, struct error *err) MUST_USE;
void moves_cancelled(struct service *s, int n);

#endif
