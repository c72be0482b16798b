/*
 * A set of strings: a fixed table of chains under one lock.  It holds what is in flight, a few hundred keys
 * at most.
 */
#include "daemons/sandbox/keys.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "core/base/mem.h"

#define CHAINS 1024

struct entry {
	struct entry *next;
	char key[];
};

struct keys {
	pthread_mutex_t lock;
	struct entry *chains[CHAINS];
};

struct keys *keys_new(void)
{
	struct keys *k = xcalloc(1, sizeof(*k));

	pthread_mutex_init(&k->lock, NULL);
	return k;
}

/* The link that points to the key's entry, or the chain's last link.  FNV-1a. */
static struct entry **find(struct keys *k, const char *key)
{
	uint32_t hash = 2166136261u;
	struct entry **link;

	for (const unsigned char *p = (const unsigned char *)key; *p != '\0'; p++)
		hash = (hash ^ *p) * 16777619u;
	link = &k->chains[hash % CHAINS];
	while (*link != NULL && strcmp((*link)->key, key) != 0)
		link = &(*link)->next;
	return link;
}

bool keys_begin(struct keys *k, const char *key)
{
	struct entry **link;
	bool free_key;

	pthread_mutex_lock(&k->lock);
	link = find(k, key);
	free_key = *link == NULL;
	if (free_key) {
		size_t n = strlen(key) + 1;

		*link = xmalloc(sizeof(**link) + n);
		(*link)->next = NULL;
		memcpy((*link)->key, key, n);
	}
	pthread_mutex_unlock(&k->lock);
	return free_key;
}

void keys_end(struct keys *k, const char *key)
{
	struct entry **link, *gone;

	pthread_mutex_lock(&k->lock);
	link = find(k, key);
	gone = *link;
	if (gone != NULL)
		*link = gone->next;
	pthread_mutex_unlock(&k->lock);
	free(gone);
}

void keys_free(struct keys *k)
{
	if (k == NULL)
		return;
	for (int i = 0; i < CHAINS; i++) {
		while (k->chains[i] != NULL) {
			struct entry *gone = k->chains[i];

			k->chains[i] = gone->next;
			free(gone);
		}
	}
	pthread_mutex_destroy(&k->lock);
	free(k);
}
