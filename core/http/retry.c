/*
 * Backoff and circuit breaker: plain state machines over the time that the caller passes.
 */
#include "core/http/retry.h"

#include <stdlib.h>

int64_t backoff_ms(const struct backoff *b, int attempt)
{
	int64_t bound = b->base_ms;

	for (int i = 1; i < attempt && bound < b->max_ms; i++)
		bound = bound > b->max_ms / 2 ? b->max_ms : bound * 2;
	if (bound > b->max_ms)
		bound = b->max_ms;
	if (bound <= 1)
		return bound < 0 ? 0 : bound;
	return bound -
	       (int64_t)arc4random_uniform((uint32_t)(bound / 2 < UINT32_MAX ? bound / 2 + 1 : UINT32_MAX));
}

void breaker_init(struct breaker *b, int threshold, int64_t open_ms)
{
	*b = (struct breaker){.threshold = threshold > 0 ? threshold : 1, .open_ms = open_ms};
	pthread_mutex_init(&b->lock, NULL);
}

void breaker_done(struct breaker *b)
{
	pthread_mutex_destroy(&b->lock);
}

/* Lets time act: an open breaker becomes half open, an unanswered probe is given up. */
static void advance(struct breaker *b, struct mono now)
{
	if (b->state == BREAKER_OPEN && mono_diff_ms(now, b->opened) >= b->open_ms) {
		b->state = BREAKER_HALF_OPEN;
		b->probing = false;
	}
	if (b->state == BREAKER_HALF_OPEN && b->probing && mono_diff_ms(now, b->probe_started) >= b->open_ms)
		b->probing = false;
}

bool breaker_allow(struct breaker *b, struct mono now)
{
	bool allowed;

	pthread_mutex_lock(&b->lock);
	advance(b, now);
	allowed = b->state == BREAKER_CLOSED || (b->state == BREAKER_HALF_OPEN && !b->probing);
	if (allowed && b->state == BREAKER_HALF_OPEN) {
		b->probing = true;
		b->probe_started = now;
	}
	pthread_mutex_unlock(&b->lock);
	return allowed;
}

void breaker_success(struct breaker *b, struct mono now)
{
	pthread_mutex_lock(&b->lock);
	advance(b, now);
	/* While open, this is the late answer to a call from before; only a probe closes. */
	if (b->state != BREAKER_OPEN) {
		b->state = BREAKER_CLOSED;
		b->failures = 0;
		b->probing = false;
	}
	pthread_mutex_unlock(&b->lock);
}

void breaker_failure(struct breaker *b, struct mono now)
{
	pthread_mutex_lock(&b->lock);
	advance(b, now);
	if (b->state == BREAKER_CLOSED)
		b->failures++;
	if (b->state == BREAKER_HALF_OPEN || (b->state == BREAKER_CLOSED && b->failures >= b->threshold)) {
		b->state = BREAKER_OPEN;
		b->opened = now;
		b->probing = false;
	}
	pthread_mutex_unlock(&b->lock);
}

void breaker_undecided(struct breaker *b, struct mono now)
{
	pthread_mutex_lock(&b->lock);
	advance(b, now);
	b->probing = false;
	pthread_mutex_unlock(&b->lock);
}

enum breaker_state breaker_state(struct breaker *b, struct mono now)
{
	enum breaker_state state;

	pthread_mutex_lock(&b->lock);
	advance(b, now);
	state = b->state;
	pthread_mutex_unlock(&b->lock);
	return state;
}

int64_t breaker_wait_ms(struct breaker *b, struct mono now)
{
	struct mono until = {0};
	int64_t left;

	pthread_mutex_lock(&b->lock);
	advance(b, now);
	if (b->state == BREAKER_OPEN)
		until = mono_add_ms(b->opened, b->open_ms);
	else if (b->state == BREAKER_HALF_OPEN && b->probing)
		until = mono_add_ms(b->probe_started, b->open_ms);
	pthread_mutex_unlock(&b->lock);
	if (until.ns == 0)
		return 0;
	left = mono_diff_ms(until, now);
	return left > 0 ? left : 1;
}

const char *breaker_word(enum breaker_state s)
{
	switch (s) {
	case BREAKER_CLOSED:
		return "closed";
	case BREAKER_OPEN:
		return "open";
	case BREAKER_HALF_OPEN:
		return "half-open";
	}
	return "unknown";
}
