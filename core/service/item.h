/*
 * One message of the batch that a consumer works on.
 */
#ifndef PIZZA_SERVICE_ITEM_H
#define PIZZA_SERVICE_ITEM_H

#include "core/bus/bus.h"
#include "core/service/service.h"

enum item_state {
	ITEM_UNREAD,
	ITEM_WANTED,
	ITEM_BEHIND, /* wanted, but parked, or to be parked behind an earlier one of its key */
	ITEM_BURIED, /* wanted, but a dead letter */
	ITEM_SKIPPED,
	ITEM_UNREADABLE
};

struct item {
	enum item_state state;
	const struct bus_message *message;
	struct event event;   /* when wanted; event_done frees it */
	struct error failure; /* when unreadable */
};

/* Reads the message, as far as the daemon wants it. */
void item_parse(struct item *it, const struct service_spec *spec);
/* A header as text; false, and text stays as it is, when there is none of that size. */
bool item_header(const struct item *it, const char *name, char *text, size_t size);

#endif
