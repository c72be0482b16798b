/*
 * Refunds, as Stripe documents them.  Decided under the intent's lock, on a worker of the HTTP server.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "daemons/sandbox/body.h"
#include "daemons/sandbox/ledger.h"
#include "daemons/sandbox/stripe.h"

/* What refund_answer needs to decide under the intent's lock. */
struct refund_ask {
	int64_t amount; /* 0: what is left */
	struct fault_verdict verdict;
	char *metadata;
	char *order_id; /* of the intent; NULL: none */
	char currency[4];
};

static void refund_refuse(struct answer *answer, int status, const char *code, const char *message)
{
	answer->http_status = status;
	answer->body = body_error(STRIPE_INVALID, code, message);
}

static bool refund_answer(void *arg, const struct intent *intent, struct refund *refund,
			  struct answer *answer)
{
	struct refund_ask *ask = arg;
	struct buf out = {0};

	if (ask->verdict.broken) {
		*answer = (struct answer){500, body_error("api_error", NULL, STRIPE_BROKEN)};
		return false;
	}
	if (intent == NULL) {
		refund_refuse(answer, 404, "resource_missing", "No such payment_intent.");
		return false;
	}
	switch (
	    refund_decide(intent->status, intent->amount, intent->refunded, ask->amount, &refund->amount)) {
	case REFUND_UNPAID:
		refund_refuse(answer, 400, "payment_intent_unexpected_state",
			      "This PaymentIntent has no charge to refund.");
		return false;
	case REFUND_ALREADY:
		refund_refuse(answer, 400, "charge_already_refunded",
			      "This charge has already been refunded.");
		return false;
	case REFUND_TOO_MUCH:
		refund_refuse(answer, 400, "amount_too_large",
			      "The refund is greater than the unrefunded amount.");
		return false;
	case REFUND_OK:
		break;
	}
	snprintf(ask->currency, sizeof(ask->currency), "%s", intent->currency);
	ask->order_id = xstrdup(intent->order_id);
	refund->id = uuid_v7();
	refund->intent = intent->id;
	refund->created_us = clock_wall_us();
	refund->currency = ask->currency;
	refund->status = "succeeded";
	refund->order_id = ask->order_id;
	refund->metadata = ask->metadata;
	body_refund(&out, refund);
	*answer = (struct answer){200, buf_take(&out)};
	if (ask->verdict.broken_after) {
		free(answer->body);
		*answer = (struct answer){500, body_error("api_error", NULL, STRIPE_BROKEN)};
	}
	return true;
}

/* Runs the refund and answers; r is deferred. */
static void refund_run(struct sandbox *sb, struct http_request *r, struct stripe_request *q,
		       struct uuid intent, int64_t amount)
{
	struct refund_ask ask = {.amount = amount, .verdict = sandbox_verdict(sb, PROVIDER_PAYMENT)};
	struct refund_request request = {intent, q->key, q->fingerprint, refund_answer, &ask};
	struct uuid asked = q->fingerprint;
	struct replay known = {0};
	struct answer answer = {0};
	struct error err;
	int rc;

	ask.verdict.decline = false;
	ask.metadata = stripe_form_metadata(q->form);
	rc = store_refund(sb->db, &request, &answer, &known, &err);
	free(ask.metadata);
	free(ask.order_id);
	stripe_request_done(sb, q);
	if (rc < 0) {
		free(known.answer.body);
		stripe_down(r, &err);
	} else if (known.answer.body != NULL) {
		stripe_again(r, &asked, &known);
	} else {
		sandbox_reply(sb, r, answer.http_status, answer.body, &ask.verdict);
	}
}

void stripe_refund(struct http_request *r, void *arg)
{
	struct sandbox *sb = sandbox_of(arg);
	struct stripe_request q = {0};
	struct uuid intent;
	struct error err;
	int64_t amount;

	if (!stripe_request_read(sb, r, &q))
		return;
	if (stripe_form_amount(q.form, false, &amount, &err) < 0) {
		stripe_request_done(sb, &q);
		stripe_invalid(r, &err);
	} else if (!object_id_parse("pi_", json_string_or(q.form, "payment_intent", ""), &intent)) {
		stripe_request_done(sb, &q);
		stripe_error(r, 400, STRIPE_INVALID, "resource_missing",
			     "payment_intent must be the id of a PaymentIntent.");
	} else {
		http_defer(r);
		refund_run(sb, r, &q, intent, amount);
	}
}

static void collect_refund(void *arg, const struct refund *refund)
{
	struct buf *out = arg;

	if (out->len > 0)
		buf_addc(out, ',');
	body_refund(out, refund);
}

void stripe_refund_get(struct http_request *r, void *arg)
{
	CLEANUP(buf_done) struct buf out = {0};
	struct error err;
	struct uuid id;

	if (!stripe_authorized(r) || !stripe_path_id(r, "re_", "refund", &id))
		return;
	stripe_collected(r, store_refund_find(sandbox_of(arg)->db, id, collect_refund, &out, &err), &out,
			 &err);
}

void stripe_refund_list(struct http_request *r, void *arg)
{
	CLEANUP(buf_done) struct buf found = {0};
	const char *intent = http_query(r, "payment_intent");
	struct error err;
	struct uuid id;

	if (!stripe_authorized(r))
		return;
	if (intent == NULL || !object_id_parse("pi_", intent, &id))
		stripe_error(r, 400, STRIPE_INVALID, NULL,
			     "payment_intent must be the id of a PaymentIntent.");
	else if (store_refunds_of(sandbox_of(arg)->db, id, collect_refund, &found, &err) < 0)
		stripe_down(r, &err);
	else
		stripe_list(r, "list", "/v1/refunds", &found);
}
