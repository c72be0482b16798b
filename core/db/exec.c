/*
 * Statements, transactions and pipelines, over flights.  The list of statements is built by constructors
 * before main and never changes afterwards.
 */
#include "core/db/internal.h"

#include <stdio.h>
#include <string.h>

static struct db_statement *statements;
static int statement_count;

void db_statement_register(struct db_statement *s)
{
	s->number = ++statement_count;
	snprintf(s->key, sizeof(s->key), "%d_%.56s", s->number, s->name);
	s->next = statements;
	statements = s;
}

const struct db_statement *db_statements(void)
{
	return statements;
}

int db_prepare_all(struct db_conn *c, int *ret_count, struct error *err)
{
	for (struct db_statement *s = statements; s != NULL; s = s->next) {
		PGresult *r = PQprepare(c->pg, s->key, s->sql, 0, NULL);
		int rc = PQresultStatus(r) == PGRES_COMMAND_OK ? 0 : db_fail(c, r, s->name, err);

		PQclear(r);
		if (rc < 0)
			return rc;
	}
	*ret_count = statement_count;
	return 0;
}

static int exec_one(struct db_conn *c, struct db_statement *s, const char *sql,
		    const struct db_params *params, struct db_result **ret, struct error *err)
{
	int rc;

	if (c->wanted > 0 && !c->broken)
		return error_set(err, ERR_BUG, s != NULL ? s->name : "query",
				 "a pipeline is queued and was not run");
	rc = db_flight_add(c, s, sql, params, err);
	if (rc < 0)
		return rc;
	return db_flight_land(c, ret, 1, err);
}

int db_exec(struct db_conn *c, struct db_statement *s, const struct db_params *params, struct db_result **ret,
	    struct error *err)
{
	return exec_one(c, s, NULL, params, ret, err);
}

int db_query(struct db_conn *c, const char *sql, const struct db_params *params, struct db_result **ret,
	     struct error *err)
{
	return exec_one(c, NULL, sql, params, ret, err);
}

/* Takes all results of a simple query; the first failure counts. */
static int take_all(struct db_conn *c, struct error *err)
{
	PGresult *r;
	int rc = 0;

	while ((r = db_next_result(c)) != NULL) {
		ExecStatusType status = PQresultStatus(r);
		bool copying =
		    status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;

		if (copying) {
			c->broken = true;
			rc = error_set(err, ERR_BUG, "query", "COPY is not supported");
		} else if (rc == 0 && status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK &&
			   status != PGRES_EMPTY_QUERY) {
			rc = db_fail(c, r, "query", err);
		}
		PQclear(r);
		if (copying)
			return rc;
	}
	if (rc == 0 && c->broken)
		rc = error_set(err, ERR_UNAVAILABLE, "query", "no answer within %d ms", c->answer_timeout_ms);
	return rc;
}

int db_run(struct db_conn *c, const char *sql, struct error *err)
{
	int rc = db_begin_now(c, err);

	if (rc < 0)
		return rc;
	if (PQsendQuery(c->pg, sql) == 0) {
		c->broken = true;
		return db_fail(c, NULL, "query", err);
	}
	return take_all(c, err);
}

int db_stream(struct db_conn *c, const char *sql, const struct db_params *params,
	      int (*row)(void *arg, const struct db_result *r), void *arg, struct error *err)
{
	int rc;

	if (c->wanted > 0 && !c->broken)
		return error_set(err, ERR_BUG, "query", "a pipeline is queued and was not run");
	rc = db_flight_add(c, NULL, sql, params, err);
	if (rc < 0)
		return rc;
	return db_flight_stream(c, row, arg, err);
}

int db_begin(struct db_conn *c, struct error *err)
{
	if (c->in_tx)
		return error_set(err, ERR_BUG, "begin", "a transaction is open already");
	if (c->op_count > 0)
		return error_set(err, ERR_BUG, "begin", "a pipeline is queued and was not run");
	if (c->broken)
		return error_set(err, ERR_UNAVAILABLE, "begin", "the connection was lost");
	c->in_tx = true;
	c->begin_pending = true;
	return 0;
}

int db_commit_results(struct db_conn *c, struct db_result **ret, int n, struct error *err)
{
	int rc;

	if (!c->in_tx)
		return error_set(err, ERR_BUG, "commit", "no transaction is open");
	if (c->begin_pending) {
		c->begin_pending = c->in_tx = false;
		return 0;
	}
	rc = db_flight_commit(c, err);
	if (rc == 0)
		rc = db_flight_land(c, ret, n, err);
	if (rc == 0 || (!c->broken && PQtransactionStatus(c->pg) == PQTRANS_IDLE))
		c->in_tx = false;
	return rc;
}

int db_commit(struct db_conn *c, struct error *err)
{
	return db_commit_results(c, NULL, 0, err);
}

void db_rollback(struct db_conn *c)
{
	struct error ignored;

	/* Queued outside a transaction, the Sync would commit it: give the connection up. */
	if (c->op_count > 0 && !c->in_tx)
		c->broken = true;
	c->begin_pending = false;
	c->in_tx = false;
	if (!c->broken && c->op_count > 0)
		(void)!db_flight_land(c, NULL, 0, &ignored);
	c->op_count = c->wanted = 0;
	if (!c->broken && PQtransactionStatus(c->pg) != PQTRANS_IDLE && db_run(c, "ROLLBACK", &ignored) < 0)
		c->broken = true;
}

bool db_in_transaction(const struct db_conn *c)
{
	return c->in_tx;
}

int db_pipeline_add(struct db_conn *c, struct db_statement *s, const struct db_params *params,
		    struct error *err)
{
	int rc = db_flight_add(c, s, NULL, params, err);

	c->wanted += rc == 0;
	return rc;
}

int db_queue(struct db_conn *c, struct db_statement *s, const struct db_params *params, struct error *err)
{
	int rc;

	if (!c->in_tx)
		return error_set(err, ERR_BUG, s->name, "only a transaction can hold a statement back");
	rc = db_flight_add(c, s, NULL, params, err);
	if (rc == 0)
		c->ops[c->op_count - 1].silent = true;
	return rc;
}

int db_pipeline_run(struct db_conn *c, struct db_result **ret, int n, struct error *err)
{
	return db_flight_land(c, ret, n, err);
}
