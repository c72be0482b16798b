/*
 * Stripe's objects and errors as JSON text.  Pure; thread safe.
 */
#ifndef PIZZA_SANDBOX_BODY_H
#define PIZZA_SANDBOX_BODY_H

#include "core/base/buf.h"
#include "daemons/sandbox/rules.h"
#include "daemons/sandbox/store.h"

/* Appends a PaymentIntent; a declined one with its last_payment_error. */
void body_intent(struct buf *out, const struct intent *intent);
void body_refund(struct buf *out, const struct refund *refund);
/* {"error":{"type":…,"code":…,"message":…}}; code NULL: none; owned text. */
char *body_error(const char *type, const char *code, const char *message);
/* The card_error (402) of a declined intent; owned text. */
char *body_decline(const struct intent *intent, const struct test_method *why);

#endif
