/*
 * What a status means for the caller follows https://docs.stripe.com/api/errors and
 * https://docs.stripe.com/payments/paymentintents/lifecycle.
 */
#include "daemons/payment/reply.h"

#include <stdio.h>
#include <string.h>

#include "core/base/json.h"

static void set_reason(struct answer *a, const char *text)
{
	snprintf(a->reason, sizeof(a->reason), "%s", text);
}

/* --- objects --- */

static enum outcome intent_outcome(const char *status)
{
	if (strcmp(status, "succeeded") == 0)
		return OUTCOME_DONE;
	if (strcmp(status, "processing") == 0)
		return OUTCOME_PENDING;
	return OUTCOME_REFUSED; /* requires_…: there is no customer at hand to do it; canceled */
}

static enum outcome refund_outcome(const char *status)
{
	if (strcmp(status, "succeeded") == 0)
		return OUTCOME_DONE;
	if (strcmp(status, "pending") == 0)
		return OUTCOME_PENDING;
	return OUTCOME_REFUSED; /* failed, canceled, requires_action */
}

/* A PaymentIntent or refund; false when it is none. */
static bool read_object(enum job_kind kind, const json_t *object, struct answer *ret)
{
	const char *id = json_string_or(object, "id", NULL), *status = json_string_or(object, "status", NULL);

	if (id == NULL || status == NULL || strlen(id) >= sizeof(ret->id))
		return false;
	strcpy(ret->id, id);
	ret->outcome = kind == JOB_CHARGE ? intent_outcome(status) : refund_outcome(status);
	if (ret->outcome == OUTCOME_REFUSED)
		snprintf(ret->reason, sizeof(ret->reason), "the provider says %s", status);
	return true;
}

/* True when a listed object is the one the job is about. */
static bool is_ours(const struct job *job, const json_t *object)
{
	const json_t *metadata = json_object_get(object, "metadata");
	bool charge = job->kind == JOB_CHARGE;
	struct uuid id;

	return uuid_parse(json_string_or(metadata, charge ? "order_id" : "refund_id", ""), &id) &&
	       uuid_equal(id, charge ? job->payment.order_id : job->refund.refund_id);
}

/* A list of what there is for the order: done beats pending, everything else is as good as absent. */
static bool read_list(const struct job *job, const json_t *root, struct answer *ret)
{
	const json_t *data = json_object_get(root, "data"), *object;
	size_t i;

	if (!json_is_array(data))
		return false;
	ret->outcome = OUTCOME_ABSENT;
	json_array_foreach (data, i, object) {
		struct answer one = {0};

		if (!is_ours(job, object) || !read_object(job->kind, object, &one))
			continue;
		if (one.outcome == OUTCOME_DONE ||
		    (one.outcome == OUTCOME_PENDING && ret->outcome != OUTCOME_DONE))
			*ret = one;
	}
	return true;
}

/* --- errors --- */

/* "insufficient_funds: Your card has insufficient funds." */
static void error_reason(const json_t *error, int status, struct answer *ret)
{
	const char *code = json_string_or(error, "decline_code", json_string_or(error, "code", NULL));
	const char *message = json_string_or(error, "message", NULL);

	if (code != NULL && message != NULL)
		snprintf(ret->reason, sizeof(ret->reason), "%s: %s", code, message);
	else if (code != NULL || message != NULL)
		set_reason(ret, code != NULL ? code : message);
	else
		snprintf(ret->reason, sizeof(ret->reason), "the provider answered %d", status);
}

static enum outcome error_outcome(const struct job *job, int status, const char *code)
{
	if (job->kind == JOB_REFUND && strcmp(code, "charge_already_refunded") == 0)
		return OUTCOME_DONE; /* by an earlier attempt whose answer was lost */
	if (status == 409 || status == 429 || status == 408)
		return OUTCOME_BUSY;
	if (status == 401 || status == 403)
		return OUTCOME_BUSY; /* the key is wrong: the operator's mistake, not the customer's */
	if (status >= 500)
		return OUTCOME_BROKEN;
	if (job->kind == JOB_CHARGE ? job->payment.asking.lookup : job->refund.asking.lookup)
		return OUTCOME_UNKNOWN; /* the question was refused, which says nothing about the money */
	return OUTCOME_REFUSED;
}

static void read_error(const struct job *job, const json_t *root, int status, struct answer *ret)
{
	const json_t *error = json_object_get(root, "error");
	const json_t *intent = json_object_get(error, "payment_intent");

	ret->outcome = error_outcome(job, status, json_string_or(error, "code", ""));
	if (ret->outcome != OUTCOME_DONE)
		error_reason(error, status, ret);
	if (intent != NULL)
		snprintf(ret->id, sizeof(ret->id), "%s", json_string_or(intent, "id", ""));
}

void reply_read(const struct job *job, int status, const char *body, size_t n, struct answer *ret)
{
	bool lookup = job->kind == JOB_CHARGE ? job->payment.asking.lookup : job->refund.asking.lookup;
	json_t *root = json_loadb(body, n, 0, NULL);
	bool understood;

	*ret = (struct answer){.outcome = OUTCOME_UNKNOWN};
	if (status < 200 || status >= 300) {
		read_error(job, root, status, ret);
	} else {
		understood = lookup ? read_list(job, root, ret) : read_object(job->kind, root, ret);
		if (!understood) {
			ret->outcome = OUTCOME_UNKNOWN;
			set_reason(ret, "the provider's answer cannot be understood");
		}
	}
	json_decref(root);
}
