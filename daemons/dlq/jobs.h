/*
 * Replay jobs in the database: planning, freezing the set, claiming batches, recording outcomes, ending. What
 * a job does next follows from its rows alone, so it goes on where it was after any crash.
 */
#ifndef PIZZA_DLQ_JOBS_H
#define PIZZA_DLQ_JOBS_H

#include <jansson.h>

#include "core/db/db.h"
#include "daemons/dlq/store.h"

#define JOB_BATCH_MAX 100

struct job_request {
	const json_t *selection;  /* rows.h */
	const char *lock;	  /* one unfinished job of the name at a time; NULL */
	double rate;		  /* letters per second; 0: no limit */
	int64_t limit;		  /* letters at most; -1: all */
	const char *max_failures; /* "25", "10%"; NULL */
	bool force;		  /* quarantined letters too */
	bool list;		  /* the plan lists its letters */
};

/* Reads a request's body: {"selection":{…},"lock","rate","limit","max_failures","force","letters"}. */
int jobs_request(const json_t *body, struct job_request *ret, struct error *err) MUST_USE;

/*
 * Chooses the letters in the open transaction and says what would be done with them (*ret_plan, owned).
 * With freeze, the letters become the job's and *ret_job its id (0 when there is nothing to do).
 * Letters asked for by id must be there (ERR_NOT_FOUND) and replayable (ERR_CONFLICT says what they are).
 */
int jobs_plan(struct db_conn *tx, const struct job_request *request, const struct change_origin *origin,
	      bool freeze, json_t **ret_plan, int64_t *ret_job, struct error *err) MUST_USE;

/* ERR_NOT_FOUND.  letters: with a result per letter. */
int jobs_show(struct db_conn *c, int64_t job_id, bool letters, json_t **ret, struct error *err) MUST_USE;
/* Newest first, those below `before` (0: all); status: a state, "open" for unfinished ones, or NULL or "". */
int jobs_list(struct db_conn *c, const char *status, int64_t before, int64_t limit, json_t **ret,
	      struct error *err) MUST_USE;
/* The running thread ends it. ERR_CONFLICT when it has ended. */
int jobs_cancel(struct db_conn *tx, int64_t job_id, struct error *err) MUST_USE;

/* --- running --- */

struct job {
	int64_t job_id;
	char actor[512], reason[512];
	double rate;	      /* 0: no limit */
	int64_t max_failures; /* -1: any */
	int64_t failed;
	bool cancel_requested;
};
int jobs_load(struct db_conn *c, int64_t job_id, struct job *ret, struct error *err) MUST_USE;
/* Ids of the unfinished ones; owned. */
int jobs_unfinished(struct db_conn *c, int64_t **ret, int *ret_count, struct error *err) MUST_USE;

struct job_item {
	int position;
	int attempts; /* handed over before, without an answer */
	struct uuid letter_id;
	char lane[128];
	/* The outcome, for jobs_record. */
	const char *outcome; /* "applied", "duplicate", "failed"; NULL: none yet, it stays open */
	char error_code[64], error_reason[512], failed_step[128];
};

struct job_batch {
	char group[64];
	struct job_item items[JOB_BATCH_MAX];
	int count;
	json_t *messages; /* as POST /internal/v1/replay wants them; owned */
};
void job_batch_done(struct job_batch *b);
/*
 * The next open letters for one group, at most `max`, none of one lane twice; counts the attempt.  A letter
 * that was handed over several times without an answer comes alone.  count 0: nothing is left.
 */
int jobs_claim(struct db_conn *c, int64_t job_id, int max, struct job_batch *ret, struct error *err) MUST_USE;
/* They were not handed over after all. */
int jobs_unclaim(struct db_conn *c, int64_t job_id, const struct job_batch *b, struct error *err) MUST_USE;
/* Outcomes of a batch in one transaction: letters, history, events, job; later letters of a lane that failed
 * are held. */
int jobs_record(struct db_conn *tx, const struct job *job, struct job_batch *b, struct error *err) MUST_USE;
/* NULL: it runs. */
int jobs_waiting(struct db_conn *c, int64_t job_id, const char *reason, struct error *err) MUST_USE;
/* Ends it in a transaction: state "done", "stopped" or "cancelled"; what is open goes back to unresolved. */
int jobs_finish(struct db_conn *tx, const struct job *job, const char *state, struct error *err) MUST_USE;

#endif
