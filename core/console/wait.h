/*
 * Waiting for a saga: woken by aggregatord's notifications, looking by itself every 250 ms in case one is
 * lost.
 */
#ifndef PIZZA_CONSOLE_WAIT_H
#define PIZZA_CONSOLE_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/base/uuid.h"
#include "core/console/console.h"
#include "core/console/saga.h"

/* Wakes when the read model may have changed.  One thread. */
struct saga_watch;
struct saga_watch *saga_watch_new(struct console *c);
/* The same for what another daemon tells in its own database on a channel. */
struct saga_watch *saga_watch_of(struct console *c, const char *database, const char *channel);
/* Waits for a change or timeout_ms, whichever comes first, but at most 250 ms. */
void saga_watch_wait(struct saga_watch *w, int64_t timeout_ms);
void saga_watch_free(struct saga_watch *w);

/*
 * Waits until the saga has reached or passed the state.  0 and *ret_row (its row, owned; may be NULL when
 * nothing is known); ERR_BREACHED: it ends otherwise; ERR_TIMEOUT; ERR_NOT_FOUND: orderd does not know the
 * order either.
 */
int saga_wait(struct console *c, struct uuid order_id, const char *state, int64_t timeout_ms,
	      json_t **ret_row, struct error *err) MUST_USE;

#endif
