/*
 * Letters in the database: indexing what arrives, and changes of state.  Every change writes the letter, its
 * history and its event in one transaction, all of a batch with one statement each.
 */
#ifndef PIZZA_DLQ_STORE_H
#define PIZZA_DLQ_STORE_H

#include "core/contract/events.h"
#include "core/db/db.h"
#include "daemons/dlq/arrival.h"
#include "daemons/dlq/rules.h"

/* A locked letter, as far as changes need it. */
struct letter {
	struct uuid id;
	struct letter_standing standing;
	int replay_cap;
	bool readable;
	int64_t job_id; /* 0: none */
	int64_t event_seq;
	int64_t failed_us;
	int64_t offset;
	int32_t partition;
	char topic[128];
	char group[64];
	char error_code[64];
	char error_reason[512];
	char failed_step[128];
	char event_type[64];
	struct uuid event_id, order_id, correlation_id;
	int retry_count;
	char lane[UUID_TEXT_SIZE]; /* letters of one are replayed one after the other: its order, else its key
				    */
};

/* Who changes letters and why, for their history. */
struct change_origin {
	const char *actor;
	const char *reason; /* "" or NULL: none */
	int64_t job_id;	    /* 0: no job */
};

struct letter_change {
	struct letter *letter; /* as it becomes; event_seq is counted on here */
	const char *what;      /* its history's word; NULL: none */
	char *detail;	       /* JSON; owned by the change; NULL */
	int event, also;       /* EVENT_…, or -1 */
	const char *outcome;   /* of MessageReplayed */
};

/* Changes collected for one transaction.  `struct letter_changes c = {0};` */
struct letter_changes {
	struct letter_change *list;
	int count, cap;
};
struct letter_change *letter_changes_add(struct letter_changes *c, struct letter *letter, const char *what,
					 int event);
void letter_changes_done(struct letter_changes *c);

/* Locks the letters of n ids in id order; *ret (owned) has those that there are. */
int store_lock(struct db_conn *tx, const struct db_array *ids, struct letter **ret, int *ret_count,
	       struct error *err) MUST_USE;
/* Writes what was collected. */
int store_write(struct db_conn *tx, const struct letter_changes *changes, const struct change_origin *origin,
		struct error *err) MUST_USE;
/* Locks the letters whose ids are r's first column and writes what the input changes of them; what is noted
 * in their history.  ret_count may be NULL. */
int store_step(struct db_conn *tx, const struct db_result *r, enum letter_input input, const char *what,
	       const struct change_origin *origin, int *ret_count, struct error *err) MUST_USE;

/* Adds a row to a letter's history, nothing else. */
int store_note(struct db_conn *tx, struct letter *l, const char *what, const struct change_origin *origin,
	       struct error *err) MUST_USE;

struct store_arrivals {
	int fresh, again, known; /* letters new, failed anew, seen before */
};
/* Indexes n arrivals in the open transaction. */
int store_arrive(struct db_conn *tx, const struct arrival *arrivals, int n, struct store_arrivals *ret,
		 struct error *err) MUST_USE;
/* Waits for others who add letters, so that `arrival` ascends in the order of commits. */
int store_arrivals_lock(struct db_conn *tx, struct error *err) MUST_USE;

/* After a commit: wakes those who follow (NOTIFY dlq). Failures do not matter. */
void store_notify(struct db_conn *c);

#endif
