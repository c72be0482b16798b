/*
 * Plans, made from the tables of rules.c.
 */
#include "daemons/payment/settle.h"

#include <stdio.h>
#include <string.h>

#include "core/config/config.h"

#define BACKOFF_MAX_MS 30000
#define SEARCH_LAG_MS  60000 /* Stripe: what happened is searchable within a minute */

struct settle_limits settle_limits(void)
{
	bool sandbox = config_string(CONFIG_PAYMENT_URL)[0] == '\0';

	return (struct settle_limits){
	    .max_attempts = (int)config_int(CONFIG_PAYMENT_ATTEMPTS),
	    .backoff = {config_int(CONFIG_PAYMENT_BACKOFF), BACKOFF_MAX_MS},
	    .lookup_ms = sandbox ? 0 : SEARCH_LAG_MS,
	};
}

/* --- events --- */

static void add_text(struct buf *out, const char *name, const char *text)
{
	buf_addf(out, ",\"%s\":", name);
	if (text[0] == '\0')
		buf_adds(out, "null");
	else
		buf_add_json(out, text, strlen(text));
}

void announce(struct outbox *o, const struct announcement *a, const struct payment *p,
	      const struct refund *refund)
{
	char order[UUID_TEXT_SIZE], id[UUID_TEXT_SIZE];
	struct buf data = {0};

	uuid_format(p->order_id, order);
	buf_addf(&data, "{\"payment_id\":\"%s\",\"order_id\":\"%s\"", uuid_format(p->payment_id, id), order);
	buf_addf(&data, ",\"amount\":%lld,\"currency\":\"%s\"",
		 (long long)(refund != NULL ? refund->amount : p->amount), p->currency);
	add_text(&data, "payment_method", p->method);
	add_text(&data, "provider_id", refund != NULL ? refund->provider_id : p->provider_id);
	add_text(&data, "reason", refund != NULL ? refund->reason : p->reason);
	buf_addf(&data, ",\"attempt\":%d", refund != NULL ? refund->asking.attempt : p->asking.attempt);
	if (refund != NULL)
		buf_addf(&data, ",\"refund_id\":\"%s\"", uuid_format(refund->refund_id, id));
	if (a->latency_ms >= 0)
		buf_addf(&data, ",\"latency_ms\":%lld", (long long)a->latency_ms);
	buf_addc(&data, '}');
	outbox_add(
	    o, &(struct event_draft){a->id, a->type, order, a->seq, p->correlation_id, a->cause, data.data});
	buf_done(&data);
}

struct announcement announcement_next(struct payment *p, enum event_type type, struct uuid cause)
{
	struct announcement a = {.type = type, .id = uuid_v7(), .cause = cause, .latency_ms = -1};

	a.seq = ++p->seq;
	p->causation_id = a.id;
	return a;
}

struct refund refund_open(struct payment *p, int64_t amount, struct uuid cause, const char *reason)
{
	struct refund f = {
	    .refund_id = uuid_v7(),
	    .payment_id = p->payment_id,
	    .order_id = p->order_id,
	    .amount = amount,
	    .status = REFUND_REQUESTED,
	    .asking = {.attempt = 1},
	    .causation_id = cause,
	};

	snprintf(f.reason, sizeof(f.reason), "%s", reason);
	p->status = PAYMENT_REFUNDING;
	return f;
}

/* --- charges --- */

static void set_text(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text);
}

static void plan_complete(struct charge_plan *plan, const struct job *job)
{
	struct payment *p = &plan->change.now;

	p->status = PAYMENT_COMPLETED;
	p->reason[0] = '\0';
	set_text(p->provider_id, sizeof(p->provider_id), job->result_id);
	plan->event = announcement_next(p, EVENT_PAYMENT_COMPLETED, p->causation_id);
	plan->event.latency_ms = job->latency_ms;
	if (plan->act == SETTLE_COMPLETE_REFUND)
		plan->refund =
		    refund_open(p, p->amount - p->refunded_amount, p->causation_id, "the order is cancelled");
}

static void plan_fail(struct charge_plan *plan, const struct job *job, const char *reason)
{
	struct payment *p = &plan->change.now;

	p->status = PAYMENT_FAILED;
	set_text(p->reason, sizeof(p->reason), reason);
	if (job->result_id[0] != '\0')
		set_text(p->provider_id, sizeof(p->provider_id), job->result_id);
	plan->event = announcement_next(p, EVENT_PAYMENT_FAILED, p->causation_id);
	plan->event.latency_ms = job->latency_ms;
}

/* Another call later; or none for now, when the charge has failed often enough and nothing was charged. */
static void plan_again(struct charge_plan *plan, const struct job *job, const struct settle_limits *limits)
{
	struct payment *p = &plan->change.now;

	set_text(p->reason, sizeof(p->reason), job->reason);
	switch (asking_next(&p->asking, job->outcome, job->working, limits->max_attempts, &p->asking)) {
	case AGAIN_LATER:
		plan->change.delay_ms = backoff_ms(&limits->backoff, p->asking.tries);
		if (p->asking.lookup && plan->change.delay_ms < limits->lookup_ms)
			plan->change.delay_ms = limits->lookup_ms;
		break;
	case AGAIN_NOW:
		plan->change.delay_ms = 0;
		break;
	case AGAIN_GIVE_UP:
		plan->act = SETTLE_HOLD;
		p->status = PAYMENT_HELD;
		break;
	}
}

static const char *refusal(const struct job *job, bool cancel_requested)
{
	if (job->outcome == OUTCOME_ABSENT && cancel_requested)
		return "the order was cancelled before it was charged";
	return job->reason[0] != '\0' ? job->reason : "declined";
}

void settle_charge(const struct payment *now, const struct job *job, bool current,
		   const struct settle_limits *limits, struct charge_plan *ret)
{
	ret->act = charge_settle(now->status, now->cancel_requested, job->outcome, current);
	ret->change.now = *now;
	ret->change.delay_ms = DUE_NEVER;
	switch (ret->act) {
	case SETTLE_IGNORE:
		break;
	case SETTLE_COMPLETE:
	case SETTLE_COMPLETE_REFUND:
		plan_complete(ret, job);
		break;
	case SETTLE_FAIL:
		plan_fail(ret, job, refusal(job, now->cancel_requested));
		break;
	case SETTLE_HOLD:
	case SETTLE_AGAIN:
		plan_again(ret, job, limits);
		break;
	}
}

/* --- refunds --- */

/* The payment after its refund has ended: what is left decides. */
static void end_refund(struct refund_plan *plan, const struct job *job)
{
	struct payment *p = &plan->payment.now;
	struct refund *f = &plan->refund.now;

	plan->ended = true;
	if (f->status == REFUND_COMPLETED) {
		p->refunded_amount += f->amount;
		plan->announced = true;
		plan->event = announcement_next(p, EVENT_PAYMENT_REFUNDED, f->causation_id);
		plan->event.latency_ms = job->latency_ms;
	}
	p->status = p->refunded_amount >= p->amount ? PAYMENT_REFUNDED : PAYMENT_COMPLETED;
	if (f->status == REFUND_FAILED)
		snprintf(p->reason, sizeof(p->reason), "refund refused: %.150s", f->reason);
	plan->again = f->status == REFUND_COMPLETED && p->status == PAYMENT_COMPLETED && p->cancel_requested;
	if (plan->again)
		plan->next =
		    refund_open(p, p->amount - p->refunded_amount, p->causation_id, "the order is cancelled");
}

static void plan_refund_again(struct refund_plan *plan, const struct job *job,
			      const struct settle_limits *limits)
{
	struct refund *f = &plan->refund.now;

	/* Money that is owed is never given up. */
	if (asking_next(&f->asking, job->outcome, job->working, 0, &f->asking) == AGAIN_NOW)
		plan->refund.delay_ms = 0;
	else
		plan->refund.delay_ms = backoff_ms(&limits->backoff, f->asking.tries);
}

void settle_refund(const struct payment *payment, const struct refund *refund, const struct job *job,
		   const struct settle_limits *limits, struct refund_plan *ret)
{
	bool current = refund->version == job->refund.version;

	memset(ret, 0, sizeof(*ret));
	ret->refund = (struct refund_change){*refund, DUE_NEVER};
	ret->payment = (struct payment_change){*payment, DUE_NEVER};
	if (refund->status != REFUND_REQUESTED || (job->outcome != OUTCOME_DONE && !current))
		return;
	ret->write = true;
	switch (job->outcome) {
	case OUTCOME_DONE:
		ret->refund.now.status = REFUND_COMPLETED;
		set_text(ret->refund.now.provider_id, sizeof(ret->refund.now.provider_id), job->result_id);
		end_refund(ret, job);
		break;
	case OUTCOME_REFUSED:
		ret->refund.now.status = REFUND_FAILED;
		set_text(ret->refund.now.reason, sizeof(ret->refund.now.reason), job->reason);
		end_refund(ret, job);
		break;
	case OUTCOME_PENDING:
	case OUTCOME_BUSY:
	case OUTCOME_BROKEN:
	case OUTCOME_UNKNOWN:
	case OUTCOME_UNREACHABLE:
	case OUTCOME_ABSENT:
	case OUTCOME_NOT_SENT:
		plan_refund_again(ret, job, limits);
		break;
	case OUTCOME_COUNT:
		ret->write = false;
		break;
	}
}
