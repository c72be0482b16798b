/*
 * PostgreSQL: pools, transactions, named prepared statements, arrays as binary parameters, pipelines, LISTEN.
 *
 * A `struct db` is a pool for one database and may be shared by threads; a `struct db_conn` belongs to one
 * thread from db_acquire to db_release.  Connections are made when they are needed and made anew when they
 * broke.  Errors: connection refused, lost, server shutting down, disk full → ERR_UNAVAILABLE (dependency);
 * serialization failure, deadlock, lock timeout → ERR_TRANSIENT; unique violation → ERR_CONFLICT; a value
 * that its type refuses (class 22) → ERR_INVALID; cancelled → ERR_TIMEOUT; everything else the server says →
 * ERR_FAILED or ERR_BUG (all of it: core/db/sqlstate.c).  A connection lost during COMMIT → ERR_UNKNOWN;
 * outside a transaction a statement whose connection was lost may have been applied. Every call that talks to
 * the server blocks.
 */
#ifndef PIZZA_DB_DB_H
#define PIZZA_DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/error.h"
#include "core/base/uuid.h"
#include "core/base/where.h"

struct db;
struct db_conn;

struct db_options {
	char conninfo[512];	/* libpq connection string or URL, without database name */
	char database[64];	/* "pizza_order" */
	char role[64];		/* SET ROLE after connecting, "" for none */
	char application[64];	/* application_name: "orderd.1" */
	int pool_size;		/* connections at most */
	int acquire_timeout_ms; /* how long db_acquire waits for a free connection */
	int answer_timeout_ms;	/* a server silent for longer counts as lost; 0: wait for ever */
	/*
	 * Plans by index whatever the statistics say: for statements that touch rows by key, on tables that
	 * were empty when the statement was prepared and are large soon after.
	 */
	bool prefer_indexes;
	bool async_commit; /* COMMIT does not wait for the disk: for what may be lost with a crash of the
			      server */
	int nice; /* scheduling priority of the server's backend process, when it runs on this machine; 0: as
		     it is */
};

/* Makes the pool; connects nothing yet. */
struct db *db_new(const struct db_options *options);
/* Closes all connections; none may be in use.  NULL is fine. */
void db_free(struct db *db);
/* Connections handed out now, for the metric pizza_db_pool_in_use. */
int db_in_use(struct db *db);
/* Borrows a live connection; ERR_UNAVAILABLE: no server can be reached, or the pool stays exhausted. */
int db_acquire(struct db *db, struct db_conn **ret, struct error *err) MUST_USE;
/* Gives it back; an open transaction is rolled back; a broken connection is closed.  NULL is fine. */
void db_release(struct db_conn *c);

/* --- statements: named, prepared on first use in each connection --- */

struct db_statement {
	const char *name;
	const char *sql;
	struct db_statement *next; /* all statements of the program, for the check that prepares them */
	int number;		   /* 1, 2, …; set when registered */
	char key[72];		   /* its name on the server, unique within the program */
};

/*
 * Defines `static struct db_statement NAME` directly above its only caller and registers it:
 *     DB_STATEMENT(order_lock, "SELECT … WHERE order_id = ANY ($1::uuid[]) ORDER BY order_id FOR UPDATE");
 */
#define DB_STATEMENT(id, text)                                       \
	static struct db_statement id = {.name = #id, .sql = text};  \
	__attribute__((constructor)) static void id##_register(void) \
	{                                                            \
		db_statement_register(&id);                          \
	}
void db_statement_register(struct db_statement *s);
/* Prepares every registered statement of the program; the first that fails is named. */
int db_prepare_all(struct db_conn *c, int *ret_count, struct error *err) MUST_USE;
/*
 * Looks at the generic plans of what db_prepare_all has prepared; ERR_INVALID names the first statement whose
 * time grows with the square of a batch.  For tests: leaves the session planning generically.
 */
int db_check_plans(struct db_conn *c, struct error *err) MUST_USE;

/* --- parameters --- */

#define DB_PARAMS_MAX 32

/*
 * An array parameter, built element by element; `struct db_array a = {0};` then db_array_init.  The statement
 * casts the parameter to exactly this type: $1::uuid[], text[], int4[], int8[], bool[], timestamptz[],
 * bytea[], json[].
 */
enum db_type { DB_UUID, DB_TEXT, DB_INT4, DB_INT8, DB_BOOL, DB_TIMESTAMPTZ, DB_BYTEA, DB_JSON };

struct db_array {
	enum db_type type;
	int count;
	bool has_null;
	struct buf body; /* elements in PostgreSQL's binary array format */
};

void db_array_init(struct db_array *a, enum db_type type);
void db_array_uuid(struct db_array *a, const struct uuid *u); /* NULL adds NULL */
void db_array_text(struct db_array *a, const char *text);     /* NULL adds NULL; also for DB_JSON */
void db_array_bytes(struct db_array *a, const void *data, size_t len);
void db_array_int(struct db_array *a, int64_t value); /* INT4 or INT8 */
void db_array_bool(struct db_array *a, bool value);
void db_array_time(struct db_array *a, int64_t us); /* microseconds since 1970 */
void db_array_null(struct db_array *a);
void db_array_reset(struct db_array *a); /* empties, keeps memory */
void db_array_done(struct db_array *a);

/* The parameters $1, $2, … of one execution, in the order added.  `struct db_params p = {0};` */
struct db_params {
	int count;
	const char *values[DB_PARAMS_MAX];
	int lengths[DB_PARAMS_MAX];
	int formats[DB_PARAMS_MAX];
	struct buf store; /* copies and binary forms; values are offsets until execution where owned[i] */
	size_t offsets[DB_PARAMS_MAX];
	bool owned[DB_PARAMS_MAX];
};

void db_param_text(struct db_params *p, const char *text); /* borrowed until execution; NULL adds NULL */
void db_param_uuid(struct db_params *p, struct uuid u);
void db_param_int(struct db_params *p, int64_t value); /* sent as text: fits int4 and int8 */
void db_param_bool(struct db_params *p, bool value);
/* INT64_MAX and INT64_MIN are infinity and -infinity, here, in arrays and in results. */
void db_param_time(struct db_params *p, int64_t us);
void db_param_bytes(struct db_params *p, const void *data, size_t len); /* bytea; borrowed */
void db_param_array(struct db_params *p, const struct db_array *a);	/* copied */
void db_param_null(struct db_params *p);
/* Appends the condition as where_sql does, with its values as further parameters. */
bool db_param_where(struct db_params *p, const struct where *w, struct buf *sql);
void db_params_reset(struct db_params *p);
void db_params_done(struct db_params *p);

/* --- execution --- */

struct db_result; /* rows; free with db_result_free */

/* Runs a prepared statement.  params may be NULL; ret may be NULL when the rows do not matter. */
int db_exec(struct db_conn *c, struct db_statement *s, const struct db_params *params, struct db_result **ret,
	    struct error *err) MUST_USE;
/* The same on a connection borrowed for this statement alone. */
int db_once(struct db *db, struct db_statement *s, const struct db_params *params, struct db_result **ret,
	    struct error *err) MUST_USE;
/* Runs SQL text as it is, several statements allowed, no parameters: migrations and administration. */
int db_run(struct db_conn *c, const char *sql, struct error *err) MUST_USE;
/* Runs one ad-hoc statement with parameters (not prepared). */
int db_query(struct db_conn *c, const char *sql, const struct db_params *params, struct db_result **ret,
	     struct error *err) MUST_USE;
/*
 * Ad-hoc query in single-row mode: `row` is called for each row as it arrives with a result holding that row
 * alone, so memory stays flat.  A non-zero answer of `row` cancels and is returned.
 */
int db_stream(struct db_conn *c, const char *sql, const struct db_params *params,
	      int (*row)(void *arg, const struct db_result *r), void *arg, struct error *err) MUST_USE;

void db_result_free(struct db_result *r);
void db_result_auto(struct db_result **r); /* CLEANUP(db_result_auto) struct db_result *r = NULL; */
int db_rows(const struct db_result *r);
int db_columns(const struct db_result *r);
const char *db_column_name(const struct db_result *r, int column);
int64_t db_affected(const struct db_result *r); /* rows inserted, updated or deleted */
bool db_is_null(const struct db_result *r, int row, int column);
const char *db_text(const struct db_result *r, int row, int column); /* "" for NULL; borrowed */
int db_length(const struct db_result *r, int row, int column);	     /* bytes of db_text */
int64_t db_int(const struct db_result *r, int row, int column);	     /* 0 for NULL */
double db_double(const struct db_result *r, int row, int column);
bool db_bool(const struct db_result *r, int row, int column);
struct uuid db_uuid(const struct db_result *r, int row, int column); /* nil for NULL */
/* A bytea's bytes (owned, a NUL behind them), or NULL for NULL; *ret_len in bytes. */
void *db_bytes(const struct db_result *r, int row, int column, size_t *ret_len);
int64_t db_time(const struct db_result *r, int row, int column); /* a timestamptz: microseconds since 1970 */

/* --- transactions: READ COMMITTED --- */

/* BEGIN travels with the next statement in one round trip. */
int db_begin(struct db_conn *c, struct error *err) MUST_USE;
/* A pipeline still queued is sent along with the COMMIT in one round trip; its rows are dropped. */
int db_commit(struct db_conn *c, struct error *err) MUST_USE;
/* The same, handing out the pipeline's rows as db_pipeline_run does; none when the COMMIT fails. */
int db_commit_results(struct db_conn *c, struct db_result **ret, int n, struct error *err) MUST_USE;
void db_rollback(struct db_conn *c); /* also after a failure; never fails */
bool db_in_transaction(const struct db_conn *c);

/* --- pipelines (PostgreSQL 14+): several executions in one round trip --- */

/*
 * Queues an execution; results come from db_pipeline_run in the same order.  Parameters may be changed
 * afterwards. Outside a transaction the whole pipeline is one (db_pipeline_run commits it).
 */
int db_pipeline_add(struct db_conn *c, struct db_statement *s, const struct db_params *params,
		    struct error *err) MUST_USE;
/*
 * Holds back a statement of the open transaction whose rows nobody wants: it is sent, in order, along with
 * the next statement, pipeline or COMMIT, and its failure is that one's.
 */
int db_queue(struct db_conn *c, struct db_statement *s, const struct db_params *params,
	     struct error *err) MUST_USE;
/*
 * Sends what is queued and fetches all results: ret[i] for i < n, n as queued; ret may be NULL.  On the first
 * failure the rest of the pipeline is skipped by the server and the error returned (no results are handed
 * out).
 */
int db_pipeline_run(struct db_conn *c, struct db_result **ret, int n, struct error *err) MUST_USE;

/* --- LISTEN/NOTIFY, on a connection of its own --- */

struct db_listener;
/* ERR_UNAVAILABLE when the server cannot be reached. */
int db_listen(const struct db_options *options, const char *channel, struct db_listener **ret,
	      struct error *err) MUST_USE;
/* Waits until a notification (1), the time-out (0) or the loss of the connection (ERR_UNAVAILABLE). */
int db_listen_wait(struct db_listener *l, int timeout_ms, struct error *err) MUST_USE;
/* Wakes a db_listen_wait in another thread (async-signal-safe); that call returns 1. */
void db_listen_wake(struct db_listener *l);
void db_listen_free(struct db_listener *l);

/* --- migrations --- */

struct db_migration {
	int version;	  /* 1, 2, 3 … */
	const char *name; /* file name without folder */
	const char *sql;
};

/*
 * Brings one component of a database up to date under an advisory lock, each migration in its own
 * transaction, and records version, name and SHA-256 of the text in schema_migrations (component, version,
 * name, checksum, applied_at).  A recorded migration whose text has changed, or a recorded version that this
 * program does not know, is ERR_REFUSED and names it.
 */
int db_migrate(struct db_conn *c, const char *component, const struct db_migration *migrations, int n,
	       struct error *err) MUST_USE;

#endif
