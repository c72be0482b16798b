/*
 * orderd's SQL.
 */
#ifndef PIZZA_ORDER_STORE_H
#define PIZZA_ORDER_STORE_H

#include "core/contract/orders.h"
#include "core/db/db.h"
#include "daemons/order/draft.h"

/* --- intake --- */

/*
 * Queues the insertion of n orders in one statement; its one row, from the pipeline or COMMIT that it travels
 * with, is their created_at.
 */
int store_insert(struct db_conn *tx, struct order_draft *const *drafts, int n, struct error *err) MUST_USE;

struct key_claim {
	const char *key;
	const uint8_t *hash; /* 32 bytes */
	struct uuid order_id;
	bool won; /* out: this request is the first with its key */
};
/* Claims idempotency keys for n requests; a key held by an uncommitted transaction is waited for. */
int store_claim_keys(struct db_conn *tx, struct key_claim *claims, int n, struct error *err) MUST_USE;

/* Columns of store_find, store_find_by_key, store_list. */
enum {
	ORDER_COL_ID,
	ORDER_COL_STATUS,
	ORDER_COL_VERSION,
	ORDER_COL_NAME,
	ORDER_COL_EMAIL,
	ORDER_COL_PHONE,
	ORDER_COL_ADDRESS,
	ORDER_COL_METHOD,
	ORDER_COL_TOTAL,
	ORDER_COL_CURRENCY,
	ORDER_COL_ITEMS,
	ORDER_COL_CORRELATION,
	ORDER_COL_PAYMENT,
	ORDER_COL_REASON,
	ORDER_COL_CANCELLED_BY,
	ORDER_COL_CREATED,
	ORDER_COL_UPDATED,
	ORDER_COL_HASH_EQUAL, /* store_find_by_key only: the request's hash is the stored one */
};
#define ORDER_COLUMNS                                                                                       \
	"o.order_id, o.status, o.version, o.customer_name, o.customer_email, o.customer_phone, "            \
	"o.delivery_address, "                                                                              \
	"o.payment_method, o.total_amount, o.currency, o.items, o.correlation_id, o.payment_id, o.reason, " \
	"o.cancelled_by, o.created_at, o.updated_at"
int store_find(struct db_conn *c, struct uuid order_id, struct db_result **ret, struct error *err) MUST_USE;
int store_find_by_key(struct db_conn *c, const char *key, const uint8_t hash[32], struct db_result **ret,
		      struct error *err) MUST_USE;
/* Newest first, older than `before` unless it is nil; status NULL: any. */
int store_list(struct db_conn *c, const char *status, struct uuid before, int limit, struct db_result **ret,
	       struct error *err) MUST_USE;

/* --- moves --- */

/* Locks the orders in id order; the columns above. */
int store_lock(struct db_conn *tx, const struct db_array *order_ids, struct db_result **ret,
	       struct error *err) MUST_USE;

struct order_moves {
	int count;
	struct db_array ids, statuses, payments, reasons, by;
};
void moves_init(struct order_moves *m);
void moves_done(struct order_moves *m);
/* payment may be NULL; reason and by may be NULL or "". */
void moves_add(struct order_moves *m, struct uuid order_id, enum order_status next,
	       const struct uuid *payment, const char *reason, const char *by);
/* version + 1, status and the rest, for locked rows. */
int store_move(struct db_conn *tx, const struct order_moves *m, struct error *err) MUST_USE;

/* The configured deadlines into order_deadlines, for the view order_timers. */
int store_deadlines(struct db_conn *c, int64_t stuck_ms, int64_t cancel_ms, struct error *err) MUST_USE;

/* --- overdue orders (watch.c) --- */

struct order_search {
	struct uuid from, below; /* of the order ids: [from, below) */
	int64_t before_us;	 /* the latest step was no later, by the database's clock */
	int limit;
};
/*
 * Locks overdue orders that wait for something with a deadline, but for those of which a message is parked
 * here; the columns above.
 */
int store_overdue(struct db_conn *tx, const struct order_search *search, struct db_result **ret,
		  struct error *err) MUST_USE;
/* The first order of the range that still waits for something with a deadline, or the end of the range. */
int store_search_settled(struct db_conn *c, const struct order_search *search, struct uuid *ret,
			 struct error *err) MUST_USE;
int store_search_load(struct db_conn *c, struct uuid *ret, struct error *err) MUST_USE;
int store_search_save(struct db_conn *c, struct uuid settled_below, struct error *err) MUST_USE;
/* False when an event of ours has waited for the relay for longer than that. */
int store_published(struct db_conn *c, int64_t slack_ms, bool *ret, struct error *err) MUST_USE;
/*
 * orderd is attentive now, and was since the last call if that is no longer than gap_ms ago.  *ret_before_us:
 * the moment from which to now there were deadline_ms of attention; 0 when there was not yet so much.
 */
int store_attend(struct db_conn *c, int64_t gap_ms, int64_t deadline_ms, int64_t *ret_before_us,
		 struct error *err) MUST_USE;

#endif
