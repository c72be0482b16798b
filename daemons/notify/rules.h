/*
 * Which event gives a message, by which channels, and what becomes of a delivery that failed.  Pure; thread
 * safe.
 */
#ifndef PIZZA_NOTIFY_RULES_H
#define PIZZA_NOTIFY_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/contract/events.h"

enum notify_kind {
	NOTIFY_ORDER_CREATED,
	NOTIFY_PAYMENT_COMPLETED,
	NOTIFY_PAYMENT_FAILED,
	NOTIFY_ORDER_READY,
	NOTIFY_ORDER_CANCELLED,
	NOTIFY_STOCK_LOW,
	NOTIFY_MESSAGE, /* a free text, sent by an operator */
	NOTIFY_KIND_COUNT
};
extern const char *const notify_kinds[NOTIFY_KIND_COUNT];
/* False when the word is none. */
bool notify_kind_parse(const char *word, enum notify_kind *ret);

enum notify_channel { CHANNEL_EMAIL, CHANNEL_SMS, CHANNEL_COUNT };
extern const char *const notify_channels[CHANNEL_COUNT];
bool notify_channel_parse(const char *word, enum notify_channel *ret);

/* The bits of recipients.heard.  Stored: numbers are never changed or used again. */
enum notify_heard {
	HEARD_CREATED = 1 << 0,
	HEARD_COMPLETED = 1 << 1,
	HEARD_FAILED = 1 << 2,
	HEARD_READY = 1 << 3,
	HEARD_CANCELLED = 1 << 4,
	HEARD_LOW = 1 << 5,
	HEARD_CANCELLED_BY_PAYMENT = 1 << 6,
};

/* What an event is to us. */
enum notify_news {
	NEWS_NONE, /* not for us */
	NEWS_CREATED,
	NEWS_COMPLETED,
	NEWS_FAILED,
	NEWS_READY,
	NEWS_CANCELLED,		   /* for any reason but the payment's failure */
	NEWS_CANCELLED_BY_PAYMENT, /* what a payment's failure causes */
	NEWS_LOW,
	NEWS_COUNT
};
/* Of an event; `by` is OrderCancelled's, NULL elsewhere. */
enum notify_news notify_news(enum event_type type, const char *by);
/* The bit it sets; 0 for NEWS_NONE. */
int notify_heard(enum notify_news news);
/*
 * Does it give a message, after what has been heard of the same order?  Total.  A payment's failure and the
 * cancellation it causes give one message, the failure's, whichever comes first; after a cancellation nothing
 * else is told; nothing twice.
 */
bool notify_tells(enum notify_news news, int heard_before, enum notify_kind *ret);

/* Something that can stand in a message's header and in an SMTP command: local@domain without spaces or
 * controls. */
bool notify_email_valid(const char *address);
/* + and 5 to 15 digits. */
bool notify_phone_valid(const char *address);

enum notify_outcome {
	OUTCOME_SENT,
	OUTCOME_REFUSED,     /* permanent: no such number, mailbox refused */
	OUTCOME_TROUBLE,     /* may succeed later; counts as an attempt */
	OUTCOME_UNREACHABLE, /* the provider cannot be reached; no attempt */
};
struct notify_verdict {
	const char *status;  /* of the delivery from now on */
	int attempts;	     /* counted so far, with this one */
	int64_t retry_in_ms; /* pending: when it is due again */
};
/* The event that gives a kind of message; -1: an operator does. */
int notify_event_of(enum notify_kind kind);
/* What becomes of a delivery with `attempts` tries behind it. */
struct notify_verdict notify_settle(enum notify_outcome outcome, int attempts, int attempts_max);

#endif
