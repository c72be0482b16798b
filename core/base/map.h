/*
 * A hash map from byte strings to pointers, open addressing, keys copied.  `struct map m = {0};` is an empty
 * one. Not thread safe.
 */
#ifndef PIZZA_BASE_MAP_H
#define PIZZA_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot {
	char *key; /* owned; NULL when free */
	size_t key_len;
	uint64_t hash;
	void *value;
};

struct map {
	struct map_slot *slots;
	size_t cap; /* a power of two, or 0 */
	size_t len;
};

/* The value of a key, or NULL. */
void *map_get(const struct map *m, const void *key, size_t key_len);
void *map_gets(const struct map *m, const char *key);
/* Sets it and returns the value it had before, or NULL.  value must not be NULL. */
void *map_put(struct map *m, const void *key, size_t key_len, void *value);
void *map_puts(struct map *m, const char *key, void *value);
/* Walks all entries: start with *cursor = 0; false at the end. */
bool map_next(const struct map *m, size_t *cursor, const char **ret_key, void **ret_value);
/* Drops all entries; values are given to free_value unless it is NULL. */
void map_done(struct map *m, void (*free_value)(void *));

#endif
