/*
 * The driver of a Stripe-compatible payment API: charges, refunds, and asking what became of them, many at
 * once.
 */
#ifndef PIZZA_PAYMENT_PROVIDER_H
#define PIZZA_PAYMENT_PROVIDER_H

#include "core/base/error.h"
#include "daemons/payment/payment.h"

/* Starts the HTTP client's thread; address and key come from the configuration. */
int provider_new(struct payments *app, struct provider **ret, struct error *err) MUST_USE;
/*
 * Starts the job's call; it ends in job->outcome, result_id and reason, with the breaker told and
 * workqueue_finished called.  Thread safe.
 */
void provider_start(struct provider *p, struct job *job);
/* Waits for calls in flight up to drain_ms, then gives them up as unknown.  NULL is fine. */
void provider_free(struct provider *p, int drain_ms);

#endif
