/*
 * Conditions on the monotonic clock.
 */
#include "core/base/cond.h"

#include <time.h>

#define NS_PER_S INT64_C(1000000000)

void cond_init(pthread_cond_t *c)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(c, &attributes);
	pthread_condattr_destroy(&attributes);
}

bool cond_wait_until(pthread_cond_t *c, pthread_mutex_t *lock, struct mono deadline)
{
	struct timespec until = {.tv_sec = deadline.ns / NS_PER_S, .tv_nsec = deadline.ns % NS_PER_S};

	return pthread_cond_timedwait(c, lock, &until) == 0;
}
