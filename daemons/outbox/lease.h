/*
 * The relay's lease: one holder at a time, fenced by an epoch (architecture.md, rule 8).
 */
#ifndef PIZZA_OUTBOX_LEASE_H
#define PIZZA_OUTBOX_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/service/service.h"

struct lease;

/* Starts the thread that acquires and renews. */
int lease_start(struct service *s, struct lease **ret, struct error *err) MUST_USE;
/* The epoch while we hold the lease (by the monotonic clock, so also right after a SIGSTOP), else 0. */
int64_t lease_epoch(const struct lease *l);
/* Waits up to timeout_ms until we hold it; the epoch or 0. */
int64_t lease_wait(struct lease *l, int timeout_ms);
/* We were fenced off: the epoch is no longer ours. */
void lease_lost(struct lease *l, int64_t epoch);
/* Releases it, so that a standby takes over at once; joins, frees. */
void lease_stop(struct lease *l);

#endif
