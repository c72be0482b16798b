/*
 * Chains in buckets, as many as there are tickets.
 */
#include "daemons/kitchen/pool.h"

#include <stdlib.h>

#include "core/base/mem.h"

#define SIZE_FIRST 1024

static struct ticket **bucket(const struct pool *p, int64_t id)
{
	return &p->buckets[(size_t)id & (p->size - 1)]; /* numbers rise one by one */
}

static void grow(struct pool *p)
{
	struct pool larger = {.size = p->size > 0 ? 2 * p->size : SIZE_FIRST};

	larger.buckets = xcalloc(larger.size, sizeof(*larger.buckets));
	for (size_t i = 0; i < p->size; i++) {
		struct ticket *t = p->buckets[i];

		while (t != NULL) {
			struct ticket *next = t->next;
			struct ticket **to = bucket(&larger, t->job.id);

			t->next = *to;
			*to = t;
			t = next;
		}
	}
	larger.count = p->count;
	free(p->buckets);
	*p = larger;
}

void pool_take(struct pool *p, struct ticket *t)
{
	struct ticket **to;

	if ((size_t)p->count >= p->size)
		grow(p);
	to = bucket(p, t->job.id);
	t->next = *to;
	*to = t;
	p->count++;
}

struct ticket *pool_find(const struct pool *p, int64_t id)
{
	struct ticket *t = p->size > 0 ? *bucket(p, id) : NULL;

	while (t != NULL && t->job.id != id)
		t = t->next;
	return t;
}

void pool_drop(struct pool *p, struct ticket *t)
{
	struct ticket **at = bucket(p, t->job.id);

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	p->count--;
	free(t);
}

struct ticket *pool_next(const struct pool *p, size_t *cursor, const struct ticket *last)
{
	struct ticket *next = last != NULL ? last->next : NULL;

	while (next == NULL && *cursor < p->size)
		next = p->buckets[(*cursor)++];
	return next;
}

void pool_done(struct pool *p)
{
	for (size_t i = 0; i < p->size; i++) {
		struct ticket *next;

		for (struct ticket *t = p->buckets[i]; t != NULL; t = next) {
			next = t->next;
			free(t);
		}
	}
	free(p->buckets);
	*p = (struct pool){0};
}
