/*
 * The routes of notifyd.
 */
#ifndef PIZZA_NOTIFY_API_H
#define PIZZA_NOTIFY_API_H

#include "core/http/server.h"
#include "daemons/notify/channel.h"
#include "daemons/notify/compose.h"

struct intake;

/* The daemon's own data (service_data). */
struct notify {
	struct composer *composer;
	struct intake *intake; /* of the consumer thread */
	struct channel *channels[CHANNEL_COUNT];
};

/* Gives committed deliveries to their queues; takes the list's items. */
void notify_push(struct notify *n, struct delivery_list *list);

extern const struct http_route notify_routes[];
extern const int notify_route_count;

#endif
