/*
 * Tells readers of the read model that sagas have changed: NOTIFY saga, without payload, at most one per 20
 * ms.
 *
 * Sent by a thread of its own on a connection of its own, after the commit: NOTIFY takes an instance-wide
 * lock when its transaction commits, so it has no place in the writer's.
 */
#ifndef PIZZA_AGGREGATOR_ANNOUNCE_H
#define PIZZA_AGGREGATOR_ANNOUNCE_H

#include "core/base/error.h"

struct service;
struct announcer;

int announcer_new(struct service *s, struct announcer **ret, struct error *err) MUST_USE;
/* Thread safe; returns at once. */
void announce(struct announcer *a);
void announcer_free(struct announcer *a);

#endif
