/*
 * The Idempotency-Keys whose first request is still running: a second request under one of them is a
 * conflict. In memory, because one process serves all; thread safe.
 */
#ifndef PIZZA_SANDBOX_KEYS_H
#define PIZZA_SANDBOX_KEYS_H

#include <stdbool.h>

struct keys;

struct keys *keys_new(void);
/* Marks a key as running; false when it already is. */
bool keys_begin(struct keys *k, const char *key);
void keys_end(struct keys *k, const char *key);
void keys_free(struct keys *k); /* NULL is fine */

#endif
