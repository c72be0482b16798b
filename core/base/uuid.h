/*
 * UUIDs (RFC 9562): version 7 for new rows, whose order is the order of creation, so that indexes stay
 * compact; version 5 for identities that derive from others.  Thread safe.
 */
#ifndef PIZZA_BASE_UUID_H
#define PIZZA_BASE_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UUID_TEXT_SIZE	37
#define UUID_PREFIX_MIN 8 /* digits of one that stand for the whole */

struct uuid {
	uint8_t b[16]; /* network byte order, as PostgreSQL's binary format has it */
};

/* A new version 7 UUID; within one thread strictly ascending (RFC 9562, 6.2, method 1: a counter). */
struct uuid uuid_v7(void);
/* Version 5: SHA-1 of the namespace and n bytes of name. */
struct uuid uuid_v5(struct uuid namespace, const void *name, size_t n);
/* Namespace of the product's derived identities (letter ids, keys). */
extern const struct uuid UUID_NAMESPACE_PIZZA;

/* 36 characters, lower case; returns text. */
const char *uuid_format(struct uuid u, char text[UUID_TEXT_SIZE]);
/* Accepts upper and lower case with hyphens, nothing else around it. */
bool uuid_parse(const char *text, struct uuid *ret);
/*
 * The first and the last UUID that begin with text, in either case, of which hyphens do not count: at least
 * UUID_PREFIX_MIN digits.  Of a whole UUID both are it.  False: text begins none.
 */
bool uuid_range(const char *text, struct uuid *ret_first, struct uuid *ret_last);
bool uuid_is_nil(struct uuid u);
bool uuid_equal(struct uuid a, struct uuid b);
int uuid_compare(struct uuid a, struct uuid b);
int uuid_compare_at(const void *a, const void *b); /* the same, for qsort and bsearch */
/* The moment in a version 7 UUID, microseconds since the epoch at millisecond resolution. */
int64_t uuid_time_us(struct uuid u);

#endif
