/*
 * Retry with exponential backoff and jitter, and the circuit breaker.  Both are plain state machines:
 * the caller passes the time, so that tests need no clock.
 */
#ifndef PIZZA_HTTP_RETRY_H
#define PIZZA_HTTP_RETRY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/clock.h"

struct backoff {
	int64_t base_ms; /* the first delay's upper bound */
	int64_t max_ms;
};
/*
 * Delay before try number attempt + 1 (attempt counts from 1): uniform in [d/2, d] with d = min(max, base *
 * 2^(attempt-1)).
 */
int64_t backoff_ms(const struct backoff *b, int attempt);

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

/*
 * Opens after `threshold` failures in a row, lets one probe through after open_ms, closes when a probe
 * succeeds.  Thread safe.
 */
struct breaker {
	pthread_mutex_t lock;
	int threshold;
	int64_t open_ms;
	enum breaker_state state;
	int failures; /* in a row */
	bool probing; /* half open: the probe is under way */
	struct mono opened;
	struct mono probe_started;
};

void breaker_init(struct breaker *b, int threshold, int64_t open_ms);
void breaker_done(struct breaker *b);
/* May a call go out now?  Half open, only one at a time (a probe unanswered for open_ms is given up). */
bool breaker_allow(struct breaker *b, struct mono now);
/* The outcome of an allowed call.  For the breaker a provider that answered "declined" has succeeded. */
void breaker_success(struct breaker *b, struct mono now);
void breaker_failure(struct breaker *b, struct mono now);
/* The outcome of an allowed call that decides nothing, such as an answered question while what failed were
 * orders: half open, the next call is the probe. */
void breaker_undecided(struct breaker *b, struct mono now);
enum breaker_state breaker_state(struct breaker *b, struct mono now);
/* Milliseconds until the next probe; 0 when calls are allowed. */
int64_t breaker_wait_ms(struct breaker *b, struct mono now);
const char *breaker_word(enum breaker_state s); /* "closed", "open", "half-open" */

#endif
