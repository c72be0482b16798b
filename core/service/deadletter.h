/*
 * Dead letters: the original key, value and headers unchanged in {topic}-dlq, what happened in added headers
 * (contract.md, "Dead letters").  A sender belongs to one thread.
 */
#ifndef PIZZA_SERVICE_DEADLETTER_H
#define PIZZA_SERVICE_DEADLETTER_H

#include "core/bus/bus.h"
#include "core/service/service.h"

struct letter {
	const struct bus_message *message; /* where it came from, key and value; its handle is not used */
	const struct bus_header *headers;  /* the original ones */
	int header_count;
	struct uuid event_id; /* nil: it cannot be read */
	const struct error *why;
	const char *step; /* what failed: the event's type for its handler, "parse", or a work queue's name */
	int retries;	  /* tries after the first */
};

struct deadletter; /* with a producer of its own, made when first needed */
struct deadletter *deadletter_new(struct service *s);
void deadletter_free(struct deadletter *d); /* NULL is fine */
/* Waits until the broker has it: only then may the source offset advance, or the work be forgotten. */
int deadletter_send(struct deadletter *d, const struct letter *l, struct error *err) MUST_USE;

/* UUIDv5 of group and event, or of group and place where the event cannot be read. */
struct uuid deadletter_id(const char *group, const struct bus_message *m, struct uuid event_id);

#endif
