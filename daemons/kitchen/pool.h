/*
 * The tickets in memory, found by their numbers.  Owns them.  One thread.
 */
#ifndef PIZZA_KITCHEN_POOL_H
#define PIZZA_KITCHEN_POOL_H

#include "daemons/kitchen/ticket.h"

struct pool {
	struct ticket **buckets;
	size_t size; /* a power of two, or 0 */
	int count;
};

/* Takes the ticket, whose number must not be there. */
void pool_take(struct pool *p, struct ticket *t);
struct ticket *pool_find(const struct pool *p, int64_t id); /* NULL: it is not there */
/* Takes it out and frees it. */
void pool_drop(struct pool *p, struct ticket *t);
/* Walks all: cursor begins at 0, last is the one before; NULL at the end. */
struct ticket *pool_next(const struct pool *p, size_t *cursor, const struct ticket *last);
void pool_done(struct pool *p);

#endif
