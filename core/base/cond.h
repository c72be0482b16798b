/*
 * Conditions that are waited for until a moment of the monotonic clock, which nobody can set.  Thread safe.
 */
#ifndef PIZZA_BASE_COND_H
#define PIZZA_BASE_COND_H

#include <pthread.h>
#include <stdbool.h>

#include "core/base/clock.h"

/* For cond_wait_until alone and pthread_cond_wait; pthread_cond_destroy ends it. */
void cond_init(pthread_cond_t *c);
/* Waits under the lock for a signal (or wakes without one); false when the deadline has passed. */
bool cond_wait_until(pthread_cond_t *c, pthread_mutex_t *lock, struct mono deadline);

#endif
