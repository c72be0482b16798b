/*
 * Reads the provider's answers (Stripe's PaymentIntents, refunds, errors) as outcomes.  Pure; thread safe.
 */
#ifndef PIZZA_PAYMENT_REPLY_H
#define PIZZA_PAYMENT_REPLY_H

#include "daemons/payment/payment.h"

/* What one call has brought: text fields are "" when there is none. */
struct answer {
	enum outcome outcome;
	char id[PROVIDER_ID_SIZE]; /* of the intent or refund */
	char reason[REASON_SIZE];  /* of a refusal, or what went wrong */
};

/*
 * The answer to a call for the job: an HTTP status with n bytes of body.  What the job asks (a charge, a
 * refund, or what became of one) decides how it is read; a body that cannot be understood is an unknown
 * outcome.
 */
void reply_read(const struct job *job, int status, const char *body, size_t n, struct answer *ret);

#endif
