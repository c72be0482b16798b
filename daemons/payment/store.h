/*
 * paymentd's SQL.  Functions with a `tx` work within the caller's open transaction; all block.
 */
#ifndef PIZZA_PAYMENT_STORE_H
#define PIZZA_PAYMENT_STORE_H

#include "core/db/db.h"
#include "daemons/payment/payment.h"

/* Who takes rows, and for how long. */
struct claim {
	int64_t lease_ms;
	int replica;
};

/*
 * New rows; inserted[i] is false where the order has one already.  Rows in state processing are claimed
 * by it, rows in state requested are due at once, others are not due.
 */
int store_insert(struct db_conn *tx, const struct payment *rows, int n, struct claim claim, bool *inserted,
		 struct error *err) MUST_USE;
/* Locks the rows of n orders, in order of their ids; those that exist are put into ret (room for n). */
int store_lock(struct db_conn *tx, const struct uuid *orders, int n, struct payment *ret, int *ret_count,
	       struct error *err) MUST_USE;

/* When a changed row is due: in so many milliseconds, or: */
#define DUE_NEVER (-1)
#define DUE_KEEP  (-2) /* as it was */

/* The new state of a row whose version is still now.version (it rises by one). */
struct payment_change {
	struct payment now;
	int64_t delay_ms; /* or DUE_… */
};
/* hit[i] is false where the version has changed: that row is left alone. No two changes of one order. */
int store_change(struct db_conn *tx, const struct payment_change *changes, int n, bool *hit,
		 struct error *err) MUST_USE;

/* New refunds, due at once. */
int store_refund_insert(struct db_conn *tx, const struct refund *rows, int n, struct error *err) MUST_USE;
int store_refund_lock(struct db_conn *tx, const struct uuid *ids, int n, struct refund *ret, int *ret_count,
		      struct error *err) MUST_USE;
struct refund_change {
	struct refund now;
	int64_t delay_ms;
};
int store_refund_change(struct db_conn *tx, const struct refund_change *changes, int n,
			struct error *err) MUST_USE;

/* Claims up to limit due rows ; ret has room for limit. */
int store_claim(struct db_conn *c, int limit, struct claim claim, struct payment *ret, int *ret_count,
		struct error *err) MUST_USE;
int store_refund_claim(struct db_conn *c, int limit, struct claim claim, struct refund *refunds,
		       struct payment *payments, int *ret_count, struct error *err) MUST_USE;
/* Ends the leases of rows that still have the version of their claim. */
int store_release(struct db_conn *c, struct job *const *jobs, int n, struct error *err) MUST_USE;

/* Goes on with the order's payment if it is held; 1 or 0. */
int store_requeue(struct db_conn *tx, struct uuid order_id, int *ret_count, struct error *err) MUST_USE;
/*
 * Makes what waits for its next try because of an order due now; how many rows.  What is under way at the
 * provider is left alone: its lease lasts longer than any delay.
 */
int store_hasten(struct db_conn *tx, struct uuid order_id, int *ret_count, struct error *err) MUST_USE;

/* Ends all leases of a replica: those of the process that had its number before. */
int store_end_claims(struct db_conn *c, int replica, struct error *err) MUST_USE;

/* --- for the API --- */

/* The id of the payment, or of the order, that begins so; ERR_NOT_FOUND, ERR_INVALID for several. */
int store_complete_id(struct db_conn *c, const char *text, struct uuid *ret, struct error *err) MUST_USE;
/* By payment_id or order_id; *ret_found is false when there is none.  lock: within a transaction. */
int store_find(struct db_conn *c, struct uuid id, bool *ret_found, struct payment *ret,
	       struct error *err) MUST_USE;
struct payment_filter {
	const char *status; /* NULL: any */
	struct uuid before; /* nil: from the newest; payments older than that id */
	int limit;
};
/* Newest first; ret has room for limit. */
int store_list(struct db_conn *c, const struct payment_filter *filter, struct payment *ret, int *ret_count,
	       struct error *err) MUST_USE;
/* All refunds of n payments, oldest first; *ret is owned by the caller. */
int store_refunds_of(struct db_conn *c, const struct payment *payments, int n, struct refund **ret,
		     int *ret_count, struct error *err) MUST_USE;

const char *refund_status_word(enum refund_status s);

#endif
