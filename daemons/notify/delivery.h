/*
 * One message on its way by one channel: what a work queue handles.  Owned by the queue it was given to.
 */
#ifndef PIZZA_NOTIFY_DELIVERY_H
#define PIZZA_NOTIFY_DELIVERY_H

#include <stdint.h>

#include "core/base/clock.h"
#include "core/base/uuid.h"
#include "daemons/notify/rules.h"

struct delivery {
	struct uuid notification_id;
	struct uuid event_id; /* nil: an operator sent it */
	struct uuid correlation_id;
	enum notify_kind kind;
	enum notify_channel channel;
	char aggregate_id[64];
	char *address, *subject, *body; /* owned */
	int attempts;			/* before this one */
	int resends;
	int64_t created_us; /* of the notification */
	struct mono started;

	/* The outcome. */
	enum notify_outcome outcome;
	char provider_id[80];
	char why[160];
	int64_t ended_us;
};

/* NULL is fine. */
void delivery_free(void *delivery);
/* States the outcome; why may be NULL. */
void delivery_end(struct delivery *d, enum notify_outcome outcome, const char *why);
/* "NOTIFICATION.email", with ".rN" after N resends: the same for every attempt. */
const char *delivery_name(const struct delivery *d, char text[64]);

/* Items for both queues, collected until their transaction is committed. */
struct delivery_list {
	struct delivery **items[CHANNEL_COUNT];
	int count[CHANNEL_COUNT];
	int cap[CHANNEL_COUNT];
	bool due; /* others have become due */
};
/* Takes the delivery. */
void delivery_list_add(struct delivery_list *l, struct delivery *d);
/* Frees the list and what is still in it.  NULL is fine. */
void delivery_list_free(struct delivery_list *l);

#endif
