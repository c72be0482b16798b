/*
 * The sandbox's pure decisions: which test payment method and which test number does what, what the
 * programmed faults make of a request, whether a refund is allowed, how a search query reads.  No input or
 * output, no state; thread safe.
 */
#ifndef PIZZA_SANDBOX_RULES_H
#define PIZZA_SANDBOX_RULES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/error.h"

/* X(field, "text"): the rates of one provider, each 0..1. */
#define FAULT_RATES(X)                                                   \
	X(decline, "refused by the card issuer; for SMS by the carrier") \
	X(error_5xx, "answered 500, nothing done")                       \
	X(error_5xx_after_charge, "done, but answered 500")              \
	X(timeout_after_charge, "done, but the reply does not come")     \
	X(delay_rate, "answered delay_ms late")

struct fault_set {
#define X(field, text) double field;
	FAULT_RATES(X)
#undef X
	int64_t delay_ms;
};

/*
 * Changes what the object names and leaves the rest; ERR_INVALID names a member that is unknown or out of
 * range, and nothing is changed.
 */
int faults_read(const json_t *object, struct fault_set *faults, struct error *err) MUST_USE;
json_t *faults_json(const struct fault_set *faults); /* owned */

/* One random number in [0, 1) per rate. */
struct fault_draws {
#define X(field, text) double field;
	FAULT_RATES(X)
#undef X
};

/* What the faults do to one request. */
struct fault_verdict {
	bool broken;	   /* 500, no effect */
	bool broken_after; /* 500, with the effect */
	bool decline;
	bool lose_reply;
	int64_t delay_ms;
};
struct fault_verdict faults_decide(const struct fault_set *faults, const struct fault_draws *draws);

/* A payment method for tests, as Stripe names them.  code NULL: the card pays. */
struct test_method {
	const char *name;
	const char *code;
	const char *decline_code; /* NULL where Stripe gives none */
	const char *message;
	bool processing; /* settles later */
};
/* NULL when the name is none. */
const struct test_method *test_method_find(const char *name);
/* The answer of a programmed decline. */
const struct test_method *test_method_declined(void);

/* The status of a new, confirmed PaymentIntent. */
const char *intent_status(const struct test_method *method, bool declined);

/* A refund of `amount` (0: what is left) of an intent, or why not. */
enum refund_verdict { REFUND_OK, REFUND_UNPAID, REFUND_ALREADY, REFUND_TOO_MUCH };
enum refund_verdict refund_decide(const char *intent_status, int64_t captured, int64_t refunded,
				  int64_t amount, int64_t *ret_amount);

/*
 * Reads Stripe's search query: metadata['order_id']:'…', optionally joined by AND with status:'…'.  order_id
 * is demanded; status becomes "" when absent.  ERR_INVALID says what is not understood.
 */
int search_parse(const char *query, char *order_id, size_t order_size, char *status, size_t status_size,
		 struct error *err) MUST_USE;

/* Why Twilio would refuse a message: its error code and text; 0 when it would not. */
struct sms_refusal {
	int code;
	const char *message;
};
struct sms_refusal sms_check(const char *to, const char *from, const char *body);
/* The refusal of a programmed decline. */
struct sms_refusal sms_declined(void);

#endif
