/*
 * The rules of notifyd.
 */
#include "daemons/notify/rules.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "core/http/retry.h"

const char *const notify_kinds[NOTIFY_KIND_COUNT] = {
    [NOTIFY_ORDER_CREATED] = "order_created",
    [NOTIFY_PAYMENT_COMPLETED] = "payment_completed",
    [NOTIFY_PAYMENT_FAILED] = "payment_failed",
    [NOTIFY_ORDER_READY] = "order_ready",
    [NOTIFY_ORDER_CANCELLED] = "order_cancelled",
    [NOTIFY_STOCK_LOW] = "stock_low",
    [NOTIFY_MESSAGE] = "message",
};

const char *const notify_channels[CHANNEL_COUNT] = {[CHANNEL_EMAIL] = "email", [CHANNEL_SMS] = "sms"};

bool notify_kind_parse(const char *word, enum notify_kind *ret)
{
	for (int i = 0; i < NOTIFY_KIND_COUNT; i++) {
		if (strcmp(word, notify_kinds[i]) == 0) {
			*ret = (enum notify_kind)i;
			return true;
		}
	}
	return false;
}

bool notify_channel_parse(const char *word, enum notify_channel *ret)
{
	for (int i = 0; i < CHANNEL_COUNT; i++) {
		if (strcmp(word, notify_channels[i]) == 0) {
			*ret = (enum notify_channel)i;
			return true;
		}
	}
	return false;
}

enum notify_news notify_news(enum event_type type, const char *by)
{
	switch (type) {
	case EVENT_ORDER_CREATED:
		return NEWS_CREATED;
	case EVENT_PAYMENT_COMPLETED:
		return NEWS_COMPLETED;
	case EVENT_PAYMENT_FAILED:
		return NEWS_FAILED;
	case EVENT_ORDER_READY:
		return NEWS_READY;
	case EVENT_ORDER_CANCELLED:
		return by != NULL && strcmp(by, "paymentd") == 0 ? NEWS_CANCELLED_BY_PAYMENT : NEWS_CANCELLED;
	case EVENT_STOCK_LOW:
		return NEWS_LOW;
	case EVENT_MENU_ITEM_CHANGED:
	case EVENT_ORDER_RESERVED:
	case EVENT_ORDER_PAID:
	case EVENT_ORDER_COOKING:
	case EVENT_STOCK_RESERVED:
	case EVENT_STOCK_REJECTED:
	case EVENT_STOCK_RELEASED:
	case EVENT_STOCK_CONSUMED:
	case EVENT_STOCK_RESTOCKED:
	case EVENT_PAYMENT_REQUESTED:
	case EVENT_PAYMENT_REFUNDED:
	case EVENT_COOKING_STARTED:
	case EVENT_TICKET_REMADE:
	case EVENT_COOKING_COMPLETED:
	case EVENT_COOKING_FAILED:
	case EVENT_NOTIFICATION_SENT:
	case EVENT_NOTIFICATION_FAILED:
	case EVENT_MESSAGE_DEAD_LETTERED:
	case EVENT_MESSAGE_REPLAYED:
	case EVENT_MESSAGE_RESOLVED:
	case EVENT_MESSAGE_DISCARDED:
	case EVENT_TYPE_COUNT:
		return NEWS_NONE;
	}
	return NEWS_NONE;
}

#define ENDED (HEARD_READY | HEARD_CANCELLED | HEARD_CANCELLED_BY_PAYMENT)

/* One row per news: the bit it sets, the message it gives, and what must not have been heard before. */
static const struct {
	int bit;
	bool silent;
	enum notify_kind kind;
	int unless;
} news_rules[NEWS_COUNT] = {
    [NEWS_NONE] = {0, true, NOTIFY_MESSAGE, 0},
    [NEWS_CREATED] = {HEARD_CREATED, false, NOTIFY_ORDER_CREATED, HEARD_CREATED | HEARD_FAILED | ENDED},
    [NEWS_COMPLETED] = {HEARD_COMPLETED, false, NOTIFY_PAYMENT_COMPLETED, HEARD_COMPLETED | ENDED},
    [NEWS_FAILED] = {HEARD_FAILED, false, NOTIFY_PAYMENT_FAILED, HEARD_FAILED | HEARD_CANCELLED},
    [NEWS_READY] = {HEARD_READY, false, NOTIFY_ORDER_READY, ENDED},
    [NEWS_CANCELLED] = {HEARD_CANCELLED, false, NOTIFY_ORDER_CANCELLED,
			HEARD_CANCELLED | HEARD_CANCELLED_BY_PAYMENT},
    [NEWS_CANCELLED_BY_PAYMENT] = {HEARD_CANCELLED_BY_PAYMENT, true, NOTIFY_ORDER_CANCELLED, 0},
    [NEWS_LOW] = {HEARD_LOW, false, NOTIFY_STOCK_LOW, 0},
};

int notify_heard(enum notify_news news)
{
	return news_rules[news].bit;
}

bool notify_tells(enum notify_news news, int heard_before, enum notify_kind *ret)
{
	if (news_rules[news].silent || (heard_before & news_rules[news].unless) != 0)
		return false;
	*ret = news_rules[news].kind;
	return true;
}

int notify_event_of(enum notify_kind kind)
{
	switch (kind) {
	case NOTIFY_ORDER_CREATED:
		return EVENT_ORDER_CREATED;
	case NOTIFY_PAYMENT_COMPLETED:
		return EVENT_PAYMENT_COMPLETED;
	case NOTIFY_PAYMENT_FAILED:
		return EVENT_PAYMENT_FAILED;
	case NOTIFY_ORDER_READY:
		return EVENT_ORDER_READY;
	case NOTIFY_ORDER_CANCELLED:
		return EVENT_ORDER_CANCELLED;
	case NOTIFY_STOCK_LOW:
		return EVENT_STOCK_LOW;
	case NOTIFY_MESSAGE:
	case NOTIFY_KIND_COUNT:
		break;
	}
	return -1;
}

bool notify_email_valid(const char *address)
{
	const char *at = strchr(address, '@');

	if (at == NULL || at == address || at[1] == '\0' || strchr(at + 1, '@') != NULL ||
	    strlen(address) > 254)
		return false;
	for (const char *p = address; *p != '\0'; p++)
		if (!isgraph((unsigned char)*p) || strchr("<>()[]\\,;:\"", *p) != NULL)
			return false;
	return true;
}

bool notify_phone_valid(const char *address)
{
	size_t digits;

	if (address[0] != '+')
		return false;
	digits = strlen(address + 1);
	return digits >= 5 && digits <= 15 && strspn(address + 1, "0123456789") == digits;
}

struct notify_verdict notify_settle(enum notify_outcome outcome, int attempts, int attempts_max)
{
	const struct backoff backoff = {1000, 300000};
	struct notify_verdict v = {.status = "pending", .attempts = attempts + 1};

	switch (outcome) {
	case OUTCOME_SENT:
		v.status = "sent";
		break;
	case OUTCOME_REFUSED:
		v.status = "failed";
		break;
	case OUTCOME_UNREACHABLE:
		v.attempts = attempts;
		v.retry_in_ms = backoff_ms(&backoff, 1);
		break;
	case OUTCOME_TROUBLE:
		if (v.attempts >= attempts_max)
			v.status = "failed";
		else
			v.retry_in_ms = backoff_ms(&backoff, v.attempts);
		break;
	}
	return v;
}
