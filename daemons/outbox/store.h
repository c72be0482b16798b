/*
 * The relay's SQL in an owner's database: the position, windows of unpublished rows, figures.
 *
 * A window is what is visible now and not visible in the position's snapshot `low`; it is published in the
 * order of seq, and `low` moves only when all of it is acknowledged (architecture.md, below "Measured").
 */
#ifndef PIZZA_OUTBOX_STORE_H
#define PIZZA_OUTBOX_STORE_H

#include "core/db/db.h"

struct position {
	char *low;  /* pg_snapshot as text; owned */
	char *high; /* of a window that was begun and not finished; NULL */
	int64_t done_seq;
};
void position_done(struct position *p);

/* Takes the position over for our epoch: ERR_LEASE_LOST when a later epoch is there already. */
int store_fence(struct db_conn *c, int64_t epoch, struct position *ret, struct error *err) MUST_USE;

/* Columns of a window's rows. */
enum {
	ROW_SEQ,
	ROW_ID,
	ROW_TOPIC,
	ROW_TYPE,
	ROW_AGGREGATE,
	ROW_AGGREGATE_SEQ,
	ROW_CREATED,
	ROW_CORRELATION,
	ROW_CAUSATION,
	ROW_DATA,
	ROW_SNAPSHOT, /* of the statement */
};
/* Up to limit rows not visible in low, by seq. */
int store_window(struct db_conn *c, const char *low, int limit, struct db_result **ret,
		 struct error *err) MUST_USE;

/*
 * A window too large for one go: begins a transaction with a cursor over rows between low and high and behind
 * done_seq; store_fetch gives the next ones (none: the end); store_close ends it.
 */
int store_open(struct db_conn *c, const struct position *p, struct error *err) MUST_USE;
int store_fetch(struct db_conn *c, int limit, struct db_result **ret, struct error *err) MUST_USE;
void store_close(struct db_conn *c);

/*
 * Moves the position: low (and no high) when a window is done, or high and done_seq inside of one.
 * ERR_LEASE_LOST when the epoch is no longer ours.
 */
int store_advance(struct db_conn *c, int64_t epoch, const struct position *p, int published,
		  struct error *err) MUST_USE;
/* Remembers that everything visible in `low` is published by now. */
int store_mark(struct db_conn *c, const char *low, struct error *err) MUST_USE;
/* Deletes published rows and marks older than the retention; the rows deleted into *ret. */
int store_trim(struct db_conn *c, int64_t retention_ms, int64_t *ret, struct error *err) MUST_USE;

struct outbox_figures {
	int64_t unpublished;
	int64_t oldest_age_ms;
	int64_t published_total;
};
int store_figures(struct db_conn *c, struct outbox_figures *ret, struct error *err) MUST_USE;
/* Unpublished rows behind seq `after`, oldest first: id, seq, topic, aggregate_id, aggregate_seq, event_type,
 * created_at. */
int store_unpublished(struct db_conn *c, int64_t after, int64_t limit, struct db_result **ret,
		      struct error *err) MUST_USE;

#endif
