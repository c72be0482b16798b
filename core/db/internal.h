/*
 * Inside core/db: the connection, and what its files share.  A connection is used by one thread at a time;
 * libpq runs non-blocking, and everything but plain SQL text travels in pipeline mode ("flight": queued
 * operations up to a Sync).
 */
#ifndef PIZZA_DB_INTERNAL_H
#define PIZZA_DB_INTERNAL_H

#include <libpq-fe.h>

#include "core/db/db.h"

enum db_op_kind { OP_BEGIN, OP_PREPARE, OP_EXEC, OP_COMMIT };

/* One operation sent in the flight under way, its answer still to come. */
struct db_op {
	enum db_op_kind kind;
	struct db_statement *statement; /* NULL for SQL text */
	bool silent;			/* an OP_EXEC whose rows nobody wants: db_queue */
};

struct db_conn {
	PGconn *pg;
	struct db *pool;
	struct db_conn *next; /* in the pool's list of idle connections */
	int answer_timeout_ms;
	bool in_tx;	    /* between db_begin and db_commit or db_rollback */
	bool begin_pending; /* BEGIN still has to be sent */
	bool broken;	    /* must be closed, not reused */
	bool lowered;	    /* the backend's priority is what options.nice asks for */
	bool *prepared;	    /* by statement number: prepared, or on the way */
	int prepared_cap;
	struct db_op *ops;
	int op_count, op_cap;
	int wanted; /* operations queued by db_pipeline_add: only db_pipeline_run or db_commit may follow */
};

/* A db_result is libpq's own result under another name. */
static inline PGresult *result_pg(const struct db_result *r)
{
	return (PGresult *)r;
}

/* --- exec.c --- */

/* All statements of the program, by `next`. */
const struct db_statement *db_statements(void);

/* --- connect.c --- */

/* Connects and sets the session up: encoding, time zone, role. */
int db_connect(const struct db_options *options, PGconn **ret, struct error *err) MUST_USE;
/* Makes the server's backend as urgent as what it works for; false: to be tried again later. */
bool db_set_priority(PGconn *pg, const struct db_options *options);
/* Keywords and values for PQconnectdbParams: the caller's conninfo, then what overrides it. Owned strings. */
struct db_keywords {
	char *keywords[48];
	char *values[48];
	int count;
};
int db_keywords_make(const struct db_options *options, struct db_keywords *ret, struct error *err) MUST_USE;
void db_keywords_done(struct db_keywords *k);

/* --- sqlstate.c --- */

/* The code for an SQLSTATE ("" or NULL: none came). */
int db_sqlstate_code(const char *sqlstate);
/* Fills err in from a failed result (NULL: from the connection) and notes a lost connection in c. */
int db_fail(struct db_conn *c, const PGresult *r, const char *what, struct error *err);

/* --- flight.c --- */

/* Queues a statement, or SQL text when s is NULL, with BEGIN and PREPARE before it where they are due. */
int db_flight_add(struct db_conn *c, struct db_statement *s, const char *sql, const struct db_params *params,
		  struct error *err) MUST_USE;
int db_flight_commit(struct db_conn *c, struct error *err) MUST_USE;
/* Sends, collects: results of the OP_EXECs into ret[0..n-1]; ret may be NULL. */
int db_flight_land(struct db_conn *c, struct db_result **ret, int n, struct error *err) MUST_USE;
/* Sends, and gives each row of the last operation queued to `row` as it arrives; its non-zero answer ends it.
 */
int db_flight_stream(struct db_conn *c, int (*row)(void *arg, const struct db_result *r), void *arg,
		     struct error *err) MUST_USE;
/* PQgetResult that honours the time-out (then NULL, with c->broken set) and never deadlocks with a full
 * socket. */
PGresult *db_next_result(struct db_conn *c);
/* Sends a BEGIN that is still due, and what db_queue left. */
int db_begin_now(struct db_conn *c, struct error *err) MUST_USE;
/* Closes the connection and frees everything. */
void db_conn_free(struct db_conn *c);

/* --- params.c --- */

/* The pointers that libpq wants; p may be NULL (0 parameters). Returns their number. */
int db_params_resolve(const struct db_params *p, const char *values[DB_PARAMS_MAX]);

#endif
