/*
 * The hash map: FNV-1a, linear probing, at most three quarters full.
 */
#include "core/base/map.h"

#include <string.h>

#include "core/base/mem.h"

static uint64_t hash_of(const void *key, size_t n)
{
	const uint8_t *p = key;
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * UINT64_C(1099511628211);
	return h ^ (h >> 29);
}

static struct map_slot *find(const struct map *m, const void *key, size_t n, uint64_t hash)
{
	for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		struct map_slot *s = &m->slots[i];

		if (s->key == NULL || (s->hash == hash && s->key_len == n && memcmp(s->key, key, n) == 0))
			return s;
	}
}

void *map_get(const struct map *m, const void *key, size_t key_len)
{
	return m->cap == 0 ? NULL : find(m, key, key_len, hash_of(key, key_len))->value;
}

void *map_gets(const struct map *m, const char *key)
{
	return map_get(m, key, strlen(key));
}

static void grow(struct map *m)
{
	struct map old = *m;

	m->cap = old.cap == 0 ? 16 : old.cap * 2;
	m->slots = xcalloc(m->cap, sizeof(*m->slots));
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].key != NULL)
			*find(m, old.slots[i].key, old.slots[i].key_len, old.slots[i].hash) = old.slots[i];
	free(old.slots);
}

void *map_put(struct map *m, const void *key, size_t key_len, void *value)
{
	uint64_t hash = hash_of(key, key_len);
	struct map_slot *s;
	void *before;

	if ((m->len + 1) * 4 > m->cap * 3)
		grow(m);
	s = find(m, key, key_len, hash);
	before = s->value;
	if (s->key == NULL) {
		s->key = xmalloc(key_len + 1);
		memcpy(s->key, key, key_len);
		s->key[key_len] = '\0';
		s->key_len = key_len;
		s->hash = hash;
		m->len++;
	}
	s->value = value;
	return before;
}

void *map_puts(struct map *m, const char *key, void *value)
{
	return map_put(m, key, strlen(key), value);
}

bool map_next(const struct map *m, size_t *cursor, const char **ret_key, void **ret_value)
{
	for (; *cursor < m->cap; (*cursor)++) {
		const struct map_slot *s = &m->slots[*cursor];

		if (s->key == NULL)
			continue;
		*ret_key = s->key;
		*ret_value = s->value;
		(*cursor)++;
		return true;
	}
	return false;
}

void map_done(struct map *m, void (*free_value)(void *))
{
	for (size_t i = 0; i < m->cap; i++) {
		free(m->slots[i].key);
		if (free_value != NULL && m->slots[i].key != NULL)
			free_value(m->slots[i].value);
	}
	free(m->slots);
	*m = (struct map){0};
}
