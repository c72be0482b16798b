/*
 * The tables.  A switch over a state or an outcome names every case, so that the compiler finds what a new
 * one misses.
 */
#include "daemons/payment/rules.h"

#include <string.h>

static const char *const status_words[PAYMENT_STATUS_COUNT] = {
#define X(symbol, word) [PAYMENT_##symbol] = word,
    PAYMENT_STATUSES(X)
#undef X
};

const char *payment_status_word(enum payment_status s)
{
	return status_words[s];
}

bool payment_status_parse(const char *word, enum payment_status *ret)
{
	for (int i = PAYMENT_REQUESTED; i < PAYMENT_STATUS_COUNT; i++) {
		if (strcmp(status_words[i], word) == 0) {
			*ret = (enum payment_status)i;
			return true;
		}
	}
	return false;
}

/* --- demands --- */

static enum payment_act on_cancel(enum payment_status status)
{
	switch (status) {
	case PAYMENT_NONE:
		return ACT_TOMBSTONE;
	case PAYMENT_REQUESTED:
		return ACT_DROP;
	case PAYMENT_PROCESSING:
	case PAYMENT_HELD:
	case PAYMENT_REFUNDING:
		return ACT_MARK;
	case PAYMENT_COMPLETED:
		return ACT_REFUND;
	case PAYMENT_FAILED:
	case PAYMENT_CANCELLED:
	case PAYMENT_REFUNDED:
	case PAYMENT_STATUS_COUNT:
		return ACT_IGNORE;
	}
	return ACT_IGNORE;
}

static enum payment_act on_refund(enum payment_status status)
{
	switch (status) {
	case PAYMENT_COMPLETED:
		return ACT_REFUND;
	case PAYMENT_REFUNDING:
	case PAYMENT_REFUNDED:
		return ACT_IGNORE;
	case PAYMENT_NONE:
	case PAYMENT_REQUESTED:
	case PAYMENT_PROCESSING:
	case PAYMENT_HELD:
	case PAYMENT_FAILED:
	case PAYMENT_CANCELLED:
	case PAYMENT_STATUS_COUNT:
		return ACT_REFUSE;
	}
	return ACT_REFUSE;
}

enum payment_act payment_demand(enum payment_status status, enum payment_demand demand)
{
	switch (demand) {
	case DEMAND_CHARGE:
		return status == PAYMENT_NONE ? ACT_CREATE : ACT_IGNORE;
	case DEMAND_CANCEL:
		return on_cancel(status);
	case DEMAND_REFUND:
		return on_refund(status);
	}
	return ACT_IGNORE;
}

/* --- outcomes --- */

const char *outcome_word(enum outcome o)
{
	switch (o) {
	case OUTCOME_DONE:
		return "done";
	case OUTCOME_REFUSED:
		return "refused";
	case OUTCOME_PENDING:
		return "pending";
	case OUTCOME_BUSY:
		return "busy";
	case OUTCOME_BROKEN:
		return "broken";
	case OUTCOME_UNKNOWN:
		return "unknown";
	case OUTCOME_UNREACHABLE:
		return "unreachable";
	case OUTCOME_ABSENT:
		return "absent";
	case OUTCOME_NOT_SENT:
		return "not_sent";
	case OUTCOME_COUNT:
		break;
	}
	return "none";
}

/* Of a payment that is still being charged. */
static enum settle_act settle_open(bool cancel_requested, enum outcome outcome, bool current)
{
	switch (outcome) {
	case OUTCOME_DONE:
		return cancel_requested ? SETTLE_COMPLETE_REFUND : SETTLE_COMPLETE;
	case OUTCOME_REFUSED:
		return current ? SETTLE_FAIL : SETTLE_IGNORE;
	case OUTCOME_ABSENT:
		if (!current)
			return SETTLE_IGNORE;
		return cancel_requested ? SETTLE_FAIL : SETTLE_AGAIN;
	case OUTCOME_PENDING:
	case OUTCOME_BUSY:
	case OUTCOME_BROKEN:
	case OUTCOME_UNKNOWN:
	case OUTCOME_UNREACHABLE:
	case OUTCOME_NOT_SENT:
		return current ? SETTLE_AGAIN : SETTLE_IGNORE;
	case OUTCOME_COUNT:
		return SETTLE_IGNORE;
	}
	return SETTLE_IGNORE;
}

enum settle_act charge_settle(enum payment_status status, bool cancel_requested, enum outcome outcome,
			      bool current)
{
	switch (status) {
	case PAYMENT_REQUESTED:
	case PAYMENT_PROCESSING:
	case PAYMENT_HELD:
		return settle_open(cancel_requested, outcome, current);
	case PAYMENT_FAILED:
	case PAYMENT_CANCELLED:
		return outcome == OUTCOME_DONE ? SETTLE_COMPLETE_REFUND : SETTLE_IGNORE;
	case PAYMENT_NONE:
	case PAYMENT_COMPLETED:
	case PAYMENT_REFUNDING:
	case PAYMENT_REFUNDED:
	case PAYMENT_STATUS_COUNT:
		return SETTLE_IGNORE;
	}
	return SETTLE_IGNORE;
}

/* 5xx: the first is asked again with the same key, the second looks the object up. */
static void after_broken(struct asking *next)
{
	if (next->lookup)
		return;
	next->failures++;
	next->lookup = next->failures >= 2;
}

enum again asking_next(const struct asking *now, enum outcome outcome, bool working, int max_attempts,
		       struct asking *ret)
{
	struct asking next = *now;

	next.tries++;
	switch (outcome) {
	case OUTCOME_BROKEN:
		after_broken(&next);
		break;
	case OUTCOME_PENDING:
		next.lookup = true;
		break;
	case OUTCOME_ABSENT:
		next.strikes += working;
		if (max_attempts > 0 && next.strikes >= max_attempts)
			return AGAIN_GIVE_UP;
		next.attempt++;
		next.failures = 0;
		next.tries = now->attempt; /* a definite answer: the delay grows with the attempts alone */
		next.lookup = false;
		break;
	case OUTCOME_NOT_SENT:
		*ret = *now;
		return AGAIN_NOW;
	case OUTCOME_BUSY:
	case OUTCOME_UNKNOWN:
	case OUTCOME_UNREACHABLE:
		break;
	case OUTCOME_DONE:
	case OUTCOME_REFUSED:
	case OUTCOME_COUNT:
		break;
	}
	*ret = next;
	return AGAIN_LATER;
}

/* --- payment methods --- */

const char *payment_method_map(const char *method)
{
	size_t n = strlen(method);

	if (strcmp(method, "card") == 0)
		return "pm_card_visa";
	if (n < 4 || n > 63 || strncmp(method, "pm_", 3) != 0)
		return NULL;
	if (strspn(method, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != n)
		return NULL;
	return method;
}
