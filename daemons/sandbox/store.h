/*
 * The sandbox's books in PostgreSQL.  Every function blocks and is safe from every thread.  What a function
 * has returned 0 for is durable.
 */
#ifndef PIZZA_SANDBOX_STORE_H
#define PIZZA_SANDBOX_STORE_H

#include <jansson.h>
#include <stdbool.h>

#include "core/db/db.h"
#include "daemons/sandbox/rules.h"

/* A PaymentIntent; strings are borrowed, or owned where a function says so. */
struct intent {
	struct uuid id;
	int64_t created_us;
	int64_t amount, refunded;
	const char *currency, *method, *status;
	const char *reason;   /* of a decline: "code" or "code/decline_code"; NULL */
	const char *order_id; /* NULL: none */
	const char *metadata; /* JSON object */
};

/* An answer kept for its Idempotency-Key. */
struct answer {
	int http_status;
	char *body; /* owned */
};

/* One new intent, or an answer without one (intent NULL), with its key (NULL: none). */
struct charge_row {
	const char *key;
	struct uuid fingerprint;
	int http_status;
	const char *body;
	const struct intent *intent;
};

/* What a key already had; body NULL: nothing, so the row was written. */
struct replay {
	struct uuid fingerprint;
	struct answer answer;
};

/*
 * Writes n rows with one statement; a row whose key is known writes nothing and has its replay filled in.  No
 * key may be in two rows or two calls at the same time.
 */
int store_charges(struct db *db, const struct charge_row *rows, int n, struct replay *replays,
		  struct error *err) MUST_USE;

/* Calls row for each intent found: by its id, or the newest 20 of an order with that status ("": any).
 * Intents whose settlement is due are settled first. */
typedef void intent_row(void *arg, const struct intent *intent);
int store_intent(struct db *db, struct uuid id, intent_row *row, void *arg, struct error *err) MUST_USE;
int store_intents_of_order(struct db *db, const char *order_id, const char *status, intent_row *row,
			   void *arg, struct error *err) MUST_USE;
/* Cancels an intent that has not succeeded; row gets what it is now. */
int store_cancel(struct db *db, struct uuid id, intent_row *row, void *arg, struct error *err) MUST_USE;

struct refund {
	struct uuid id, intent;
	int64_t created_us, amount;
	const char *currency, *status;
	const char *order_id; /* NULL: none */
	const char *metadata;
};

/*
 * One refund.  decide is called with the locked intent (NULL: unknown id); it says whether a refund is to be
 * written and fills in `answer`, which is kept for the key (NULL: none) in the same transaction.
 */
struct refund_request {
	struct uuid intent;
	const char *key;
	struct uuid fingerprint;
	bool (*decide)(void *arg, const struct intent *intent, struct refund *ret, struct answer *answer);
	void *arg;
};
/* The answer, new or kept (then *ret_known has what the key stood for). */
int store_refund(struct db *db, const struct refund_request *request, struct answer *ret,
		 struct replay *ret_known, struct error *err) MUST_USE;

typedef void refund_row(void *arg, const struct refund *refund);
/* One refund by its id, or the newest 100 of an intent. */
int store_refund_find(struct db *db, struct uuid id, refund_row *row, void *arg, struct error *err) MUST_USE;
int store_refunds_of(struct db *db, struct uuid intent, refund_row *row, void *arg,
		     struct error *err) MUST_USE;

struct sms {
	struct uuid id;
	int64_t created_us;
	const char *account, *to, *from, *body;
};
int store_sms(struct db *db, const struct sms *rows, int n, struct error *err) MUST_USE;
typedef void sms_row(void *arg, const struct sms *sms);
/* One message, or (id nil) the newest `limit` of an account. */
int store_sms_find(struct db *db, const char *account, struct uuid id, int limit, sms_row *row, void *arg,
		   struct error *err) MUST_USE;

/* The faults of a provider as they were kept; false when there are none. */
int store_faults_load(struct db *db, const char *provider, struct fault_set *faults,
		      struct error *err) MUST_USE;
int store_faults_save(struct db_conn *tx, const char *provider, const struct fault_set *faults,
		      struct error *err) MUST_USE;

#endif
