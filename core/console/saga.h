/*
 * One saga as its timeline: every event of an order with where it lies in Kafka, how long each step took, and
 * what the saga waits for.  Steps stand after their causes, then by time.  No printing; one thread.
 */
#ifndef PIZZA_CONSOLE_SAGA_H
#define PIZZA_CONSOLE_SAGA_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/error.h"
#include "core/base/uuid.h"
#include "core/console/console.h"

struct saga_event {
	struct uuid event_id;
	struct uuid causation_id; /* nil: none */
	int64_t at_us;
	int64_t from_us; /* when its cause happened: the step took from here to at_us */
	char *event_type;
	char *topic;
	char *daemon;
	int32_t partition;
	int64_t offset;
	json_t *data; /* event_data; NULL when it cannot be read */
};

struct saga_events {
	struct saga_event *events;
	int count;
};

struct saga {
	struct uuid order_id;
	json_t *row; /* order_id, state, awaiting, daemon, correlation_id, customer_name, total_amount … */
	const char *state;    /* borrowed from row, as the next two */
	const char *awaiting; /* NULL when it has ended */
	const char *daemon;   /* who owes it */
	bool due;	      /* the wait has a deadline */
	int64_t started_us, updated_us;
	int64_t ended_us; /* 0: under way */
	struct saga_events steps;
	struct saga_events notifications;
};

/* ERR_NOT_FOUND: nobody knows the order; ERR_NOT_YET: orderd does, the read model does not know it yet. */
int saga_load(struct console *c, struct uuid order_id, struct saga *ret, struct error *err) MUST_USE;
void saga_done(struct saga *s);
/* The members of contract.md; owned. */
json_t *saga_json(const struct saga *s);
/* One step as in `steps`; seq counts from 1; owned. */
json_t *saga_step_json(const struct saga *s, int step);

/* From the first to the last step. */
int64_t saga_duration_us(const struct saga *s);
/* What the event's data adds for people: "attempt 1, pi_3Qabc…", a reason, a device; nothing when there is
 * nothing. */
void saga_detail(const struct saga_event *e, struct buf *out);
/* "e-mail sent ×3, sms failed ×1"; nothing when there were none. */
void saga_notifications(const struct saga *s, bool utf8, struct buf *out);
/* Order of states on the way to ready: pending 0 … ready 4; -1 for cancelled, compensating and unknown words.
 */
int saga_rank(const char *state);

#endif
