/*
 * The transactional outbox, writing side.  Rows are written in the transaction of the state change they tell
 * of; the relay (outboxd) publishes them in the order of `seq`, which is drawn when the row is inserted: lock
 * the aggregate's row first (SELECT … FOR UPDATE, or UPDATE), in id order when there are several, and take
 * aggregate_seq from it.
 */
#ifndef PIZZA_SERVICE_OUTBOX_H
#define PIZZA_SERVICE_OUTBOX_H

#include "core/contract/events.h"
#include "core/db/db.h"

struct service;

/* Event drafts collected for one transaction.  `struct outbox o = {0};` Freed by outbox_done; reset to reuse.
 */
struct outbox {
	int count;
	struct db_array ids, topics, types, aggregates, seqs, correlations, causations, data;
};

/* Adds an event; everything is copied. */
void outbox_add(struct outbox *o, const struct event_draft *draft);
/* Queues one statement that writes all rows in the open transaction (db_queue); nothing to do when empty. */
int outbox_write(struct outbox *o, struct db_conn *tx, struct error *err) MUST_USE;
void outbox_reset(struct outbox *o);
void outbox_done(struct outbox *o);
/*
 * After COMMIT: tells the relay that there is something.  Coalesced to one NOTIFY per 2 ms per process and
 * sent by a thread of its own (NOTIFY takes an instance-wide lock at commit); returns at once.
 */
void outbox_notify(struct service *s);

#endif
