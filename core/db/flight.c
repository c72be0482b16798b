/*
 * Flights: operations queued in libpq's pipeline mode, sent with one Sync and answered in order, so that
 * BEGIN and PREPARE cost no round trip of their own.  libpq copies parameters when they are queued.  A
 * statement is known to the server under its key; prepared statements outlive a rolled-back transaction,
 * failed PREPAREs leave none.
 *
 * Invariant: ops[] lists exactly what was queued since the last Sync; outside db_flight_land the connection
 * is in pipeline mode if and only if op_count > 0.
 */
#include "core/db/internal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

static const char *op_name(const struct db_op *op)
{
	switch (op->kind) {
	case OP_BEGIN:
		return "begin";
	case OP_COMMIT:
		return "commit";
	case OP_PREPARE:
	case OP_EXEC:
		break;
	}
	return op->statement != NULL ? op->statement->name : "query";
}

static int queued(struct db_conn *c, int sent, enum db_op_kind kind, struct db_statement *s,
		  struct error *err)
{
	struct db_op op = {.kind = kind, .statement = s};

	if (sent == 0) {
		c->broken = true;
		return db_fail(c, NULL, op_name(&op), err);
	}
	if (c->op_count == c->op_cap) {
		c->op_cap = c->op_cap > 0 ? c->op_cap * 2 : 8;
		c->ops = xreallocarray(c->ops, (size_t)c->op_cap, sizeof(*c->ops));
	}
	c->ops[c->op_count++] = op;
	return 0;
}

/* Enters pipeline mode unless it is on, and sends a BEGIN that is due. */
static int flight_open(struct db_conn *c, struct error *err)
{
	if (c->broken)
		return error_set(err, ERR_UNAVAILABLE, "database", "the connection was lost");
	if (c->op_count == 0 && PQenterPipelineMode(c->pg) == 0) {
		c->broken = true;
		return db_fail(c, NULL, "database", err);
	}
	if (!c->begin_pending)
		return 0;
	c->begin_pending = false;
	return queued(c, PQsendQueryParams(c->pg, "BEGIN", 0, NULL, NULL, NULL, NULL, 0), OP_BEGIN, NULL,
		      err);
}

static bool *prepared_slot(struct db_conn *c, const struct db_statement *s)
{
	if (s->number >= c->prepared_cap) {
		int cap = s->number + 32;

		c->prepared = xreallocarray(c->prepared, (size_t)cap, sizeof(*c->prepared));
		memset(c->prepared + c->prepared_cap, 0,
		       (size_t)(cap - c->prepared_cap) * sizeof(*c->prepared));
		c->prepared_cap = cap;
	}
	return &c->prepared[s->number];
}

static int add_prepare(struct db_conn *c, struct db_statement *s, struct error *err)
{
	bool *prepared = prepared_slot(c, s);

	if (*prepared)
		return 0;
	*prepared = true;
	return queued(c, PQsendPrepare(c->pg, s->key, s->sql, 0, NULL), OP_PREPARE, s, err);
}

int db_flight_add(struct db_conn *c, struct db_statement *s, const char *sql, const struct db_params *params,
		  struct error *err)
{
	const char *values[DB_PARAMS_MAX];
	int n = db_params_resolve(params, values);
	int sent;
	int rc;

	if (n > DB_PARAMS_MAX)
		return error_set(err, ERR_BUG, s != NULL ? s->name : "query", "more than %d parameters",
				 DB_PARAMS_MAX);
	rc = flight_open(c, err);
	if (rc == 0 && s != NULL)
		rc = add_prepare(c, s, err);
	if (rc < 0)
		return rc;
	if (s != NULL)
		sent = PQsendQueryPrepared(c->pg, s->key, n, n > 0 ? values : NULL,
					   n > 0 ? params->lengths : NULL, n > 0 ? params->formats : NULL, 0);
	else
		sent = PQsendQueryParams(c->pg, sql, n, NULL, n > 0 ? values : NULL,
					 n > 0 ? params->lengths : NULL, n > 0 ? params->formats : NULL, 0);
	return queued(c, sent, OP_EXEC, s, err);
}

int db_flight_commit(struct db_conn *c, struct error *err)
{
	int rc = flight_open(c, err);

	if (rc < 0)
		return rc;
	return queued(c, PQsendQueryParams(c->pg, "COMMIT", 0, NULL, NULL, NULL, NULL, 0), OP_COMMIT, NULL,
		      err);
}

/* Sends what is unsent and reads until PQgetResult would not block; false when the time is over. */
static bool await_answer(struct db_conn *c)
{
	struct mono deadline = mono_add_ms(mono_now(), c->answer_timeout_ms);

	for (;;) {
		int unsent = PQflush(c->pg);
		struct pollfd p = {.fd = PQsocket(c->pg), .events = POLLIN};
		int n;

		if (unsent < 0 || p.fd < 0 || PQisBusy(c->pg) == 0)
			return true;
		if (unsent > 0)
			p.events |= POLLOUT;
		n = poll(&p, 1, c->answer_timeout_ms > 0 ? (int)mono_left_ms(deadline) : -1);
		if (n == 0)
			return false;
		if (n < 0 && errno != EINTR)
			return true;
		if (n > 0 && (p.revents & ~POLLOUT) != 0 && PQconsumeInput(c->pg) == 0)
			return true;
	}
}

PGresult *db_next_result(struct db_conn *c)
{
	if (c->broken && PQstatus(c->pg) == CONNECTION_OK)
		return NULL;
	if (!await_answer(c)) {
		c->broken = true;
		return NULL;
	}
	return PQgetResult(c->pg);
}

/* The answer to one operation; NULL when the connection is lost. */
static PGresult *op_answer(struct db_conn *c)
{
	PGresult *r = db_next_result(c);
	PGresult *end;

	if (r == NULL)
		return NULL;
	end = PQstatus(c->pg) == CONNECTION_OK ? db_next_result(c) : NULL;
	PQclear(end);
	return r;
}

static int lost_in_flight(struct db_conn *c, const struct db_op *op, struct error *err)
{
	bool late = PQstatus(c->pg) == CONNECTION_OK;

	c->broken = true;
	if (late)
		return error_set(err, ERR_UNAVAILABLE, op_name(op), "no answer within %d ms",
				 c->answer_timeout_ms);
	return db_fail(c, NULL, op_name(op), err);
}

static bool has_commit(const struct db_conn *c)
{
	return c->op_count > 0 && c->ops[c->op_count - 1].kind == OP_COMMIT;
}

/*
 * A COMMIT that may have reached the server, and no word of what became of it: the connection broke at the
 * COMMIT, or earlier without the server naming a failure that made it skip the COMMIT.
 */
static bool outcome_unknown(const struct db_conn *c, const struct db_op *op, const PGresult *r)
{
	bool named = r != NULL && PQresultErrorField(r, PG_DIAG_SQLSTATE) != NULL;

	return c->broken && has_commit(c) && (!named || op->kind == OP_COMMIT);
}

/* Judges the answer to one operation and consumes r, which may be handed out by *ret. */
static int op_settle(struct db_conn *c, const struct db_op *op, PGresult *r, struct db_result **ret,
		     struct error *err)
{
	ExecStatusType status = PQresultStatus(r);
	int rc = 0;

	if (r == NULL)
		rc = lost_in_flight(c, op, err);
	else if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY)
		rc = db_fail(c, r, op_name(op), err);
	else if (op->kind == OP_COMMIT && strcmp(PQcmdStatus(r), "ROLLBACK") == 0)
		rc = error_set(err, ERR_FAILED, "commit",
			       "the transaction had failed before and was rolled back");
	if (rc < 0 && outcome_unknown(c, op, r))
		rc = error_set(err, ERR_UNKNOWN, "commit", "the connection was lost before the answer came");
	if (rc == 0 && ret != NULL)
		*ret = (struct db_result *)r;
	else
		PQclear(r);
	return rc;
}

/* From the operation that failed on, nothing was executed: what was to be prepared is not. */
static void forget_unprepared(struct db_conn *c, int failed)
{
	for (int i = failed; i < c->op_count; i++)
		if (c->ops[i].kind == OP_PREPARE)
			*prepared_slot(c, c->ops[i].statement) = false;
}

/* Passes over the answers to operations that the server skipped, and the Sync's own. */
static void drain(struct db_conn *c, int from)
{
	PGresult *sync;

	for (int i = from; i < c->op_count && !c->broken; i++)
		PQclear(op_answer(c));
	sync = c->broken ? NULL : db_next_result(c);
	if (PQresultStatus(sync) != PGRES_PIPELINE_SYNC || PQexitPipelineMode(c->pg) == 0)
		c->broken = true;
	PQclear(sync);
}

/* Answers in order until one is a failure; *ret_done counts the operations that worked. */
static int collect(struct db_conn *c, struct db_result **ret, int n, int *ret_done, struct error *err)
{
	int given = 0;
	int rc = 0;

	for (*ret_done = 0; *ret_done < c->op_count && rc == 0; *ret_done += rc == 0) {
		struct db_op *op = &c->ops[*ret_done];
		bool wanted = ret != NULL && op->kind == OP_EXEC && !op->silent && given < n;

		rc = op_settle(c, op, op_answer(c), wanted ? &ret[given] : NULL, err);
		if (rc == 0 && wanted)
			given++;
	}
	for (int i = 0; rc < 0 && i < given; i++)
		db_result_auto(&ret[i]);
	return rc;
}

int db_flight_land(struct db_conn *c, struct db_result **ret, int n, struct error *err)
{
	int done = 0;
	int rc;

	if (ret != NULL && n > 0)
		memset(ret, 0, (size_t)n * sizeof(*ret));
	if (c->op_count == 0)
		return 0;
	if (PQpipelineSync(c->pg) == 0) {
		c->broken = true;
		rc = op_settle(c, &c->ops[0], NULL, NULL, err);
	} else {
		rc = collect(c, ret, n, &done, err);
		forget_unprepared(c, done);
		drain(c, done + (rc < 0));
	}
	c->op_count = c->wanted = 0;
	return rc;
}

/* Stops a query whose rows are no longer wanted. */
static void cancel_query(struct db_conn *c)
{
	char why[256];
	PGcancel *cancel = PQgetCancel(c->pg);

	if (cancel == NULL || PQcancel(cancel, why, sizeof(why)) == 0)
		c->broken = true;
	PQfreeCancel(cancel);
}

/* All results of the streamed operation, the terminating NULL included; a `row` that stopped counts as its
 * answer. */
static int stream_rows(struct db_conn *c, int (*row)(void *arg, const struct db_result *r), void *arg,
		       struct error *err)
{
	const struct db_op *op = &c->ops[c->op_count - 1];
	PGresult *r;
	int stop = 0, rc = 0;
	bool complete = false;

	while ((r = db_next_result(c)) != NULL) {
		ExecStatusType status = PQresultStatus(r);

		complete |= status != PGRES_SINGLE_TUPLE;
		if (status == PGRES_SINGLE_TUPLE && stop == 0) {
			stop = row(arg, (const struct db_result *)r);
			if (stop != 0)
				cancel_query(c);
		} else if (complete && stop == 0 && rc == 0) {
			rc = op_settle(c, op, r, NULL, err);
			continue;
		}
		PQclear(r);
	}
	if (stop != 0)
		return stop;
	return complete ? rc : lost_in_flight(c, op, err);
}

int db_flight_stream(struct db_conn *c, int (*row)(void *arg, const struct db_result *r), void *arg,
		     struct error *err)
{
	int rc = 0;
	int done = 0;

	if (PQpipelineSync(c->pg) == 0)
		rc = lost_in_flight(c, &c->ops[0], err);
	for (; rc == 0 && done < c->op_count - 1; done++)
		rc = op_settle(c, &c->ops[done], op_answer(c), NULL, err);
	if (rc == 0) {
		PQsetSingleRowMode(c->pg);
		rc = stream_rows(c, row, arg, err);
		done++;
	}
	drain(c, done);
	c->op_count = c->wanted = 0;
	return rc;
}

int db_begin_now(struct db_conn *c, struct error *err)
{
	int rc;

	if (c->wanted > 0)
		return error_set(err, ERR_BUG, "database", "a pipeline is queued and was not run");
	if (c->broken)
		return error_set(err, ERR_UNAVAILABLE, "database", "the connection was lost");
	if (!c->begin_pending)
		return db_flight_land(c, NULL, 0, err);
	rc = flight_open(c, err);
	return rc < 0 ? rc : db_flight_land(c, NULL, 0, err);
}

void db_conn_free(struct db_conn *c)
{
	if (c == NULL)
		return;
	PQfinish(c->pg);
	free(c->prepared);
	free(c->ops);
	free(c);
}
