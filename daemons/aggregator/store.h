/*
 * Writing the read model: batches of events become rows of events, sagas and kpi_minutes, each with one
 * statement.
 *
 * An event counts exactly once: only rows that were really inserted into events (its id is the key) go on
 * into sagas and figures, in the same transaction.  Table names are unqualified on purpose: a rebuild runs
 * the same statements with another search_path.
 */
#ifndef PIZZA_AGGREGATOR_STORE_H
#define PIZZA_AGGREGATOR_STORE_H

#include "core/contract/events.h"
#include "core/db/db.h"
#include "daemons/aggregator/rules.h"

struct store_ended {
	const char *state; /* "paid" (with its first payment), "ready", "cancelled" */
	int64_t us;	   /* since OrderCreated */
};

/* What the last batch did, for the metrics, once its transaction is committed. */
struct store_effect {
	int fresh;		       /* events that were not known */
	int sagas;		       /* rows touched */
	int by_type[EVENT_TYPE_COUNT]; /* of the fresh ones */
	struct store_ended *ended;
	int ended_count;
};

/* A writer with its scratch memory; one thread. */
struct store;
struct store *store_new(void);
void store_free(struct store *s);
/* Adds n events in the open transaction.  The order of events, within and across calls, does not matter. */
int store_apply(struct store *s, struct db_conn *tx, const struct event *const *events, int n,
		struct error *err) MUST_USE;
const struct store_effect *store_effect(const struct store *s);

#endif
