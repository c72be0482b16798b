/*
 * A channel: its work queue over deliveries, its breaker, and the transport that carries the messages.
 */
#ifndef PIZZA_NOTIFY_CHANNEL_H
#define PIZZA_NOTIFY_CHANNEL_H

#include "core/base/error.h"
#include "daemons/notify/compose.h"
#include "daemons/notify/delivery.h"

struct service;
struct channel;
struct group;

/* How messages leave the house.  The channel frees it. */
struct transport {
	const char *name; /* "maildir", "smtp", "sms": for metrics */
	int parallel;	  /* deliveries under way, at most */
	/* Starts one; later, from any thread, channel_done says how it ended. */
	void (*send)(struct transport *t, struct channel *ch, struct delivery *d);
	/* Ends what is under way within drain_ms, frees. */
	void (*free)(struct transport *t, int drain_ms);
};

/* Takes the transport. */
int channel_new(struct service *s, enum notify_channel which, struct composer *composer, struct transport *t,
		struct channel **ret, struct error *err) MUST_USE;
/* Hands over deliveries that were inserted with a lease and are committed; takes them. */
void channel_push(struct channel *ch, struct delivery **items, int n);
/* Deliveries may have become due. */
void channel_wake(struct channel *ch);
/* For transports: the delivery has ended (delivery_end was called).  Thread safe. */
void channel_done(struct channel *ch, struct delivery *d);
/* For transports with a group of workers: hands it over, or ends it when the group is stopping. */
void channel_queue(struct channel *ch, struct group *workers, struct delivery *d);
void channel_free(struct channel *ch, int drain_ms);

/* Files in home/mail/new, one per message (Maildir). */
int maildir_new(struct transport **ret, struct error *err) MUST_USE;
/* SMTP by mail.url. */
int smtp_new(struct transport **ret, struct error *err) MUST_USE;
/* A Twilio-compatible API: sms.url, or the sandbox. */
int sms_new(struct transport **ret, struct error *err) MUST_USE;

#endif
