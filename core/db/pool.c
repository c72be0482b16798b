/*
 * The pool: idle connections in a stack, so that the warmest is used first, and a count of those that exist.
 * Connecting happens outside the lock.  Thread safe; waiters are woken one by one.
 */
#include "core/db/internal.h"

#include <poll.h>
#include <pthread.h>

#include "core/base/clock.h"
#include "core/base/cond.h"
#include "core/base/mem.h"

struct db {
	struct db_options options;
	pthread_mutex_t lock;
	pthread_cond_t released;
	struct db_conn *idle;
	int open; /* idle, in use and being connected */
	int in_use;
};

struct db *db_new(const struct db_options *options)
{
	struct db *db = xcalloc(1, sizeof(*db));

	db->options = *options;
	if (db->options.pool_size < 1)
		db->options.pool_size = 1;
	pthread_mutex_init(&db->lock, NULL);
	cond_init(&db->released);
	return db;
}

void db_free(struct db *db)
{
	if (db == NULL)
		return;
	while (db->idle != NULL) {
		struct db_conn *c = db->idle;

		db->idle = c->next;
		db_conn_free(c);
	}
	pthread_cond_destroy(&db->released);
	pthread_mutex_destroy(&db->lock);
	free(db);
}

int db_in_use(struct db *db)
{
	int n;

	pthread_mutex_lock(&db->lock);
	n = db->in_use;
	pthread_mutex_unlock(&db->lock);
	return n;
}

/*
 * Takes an idle connection (*ret) or the right to make a new one (*ret NULL); waits for either.  False when
 * the time is over.
 */
static bool take_slot(struct db *db, struct db_conn **ret)
{
	struct mono deadline = mono_add_ms(mono_now(), db->options.acquire_timeout_ms);
	bool found;

	*ret = NULL;
	pthread_mutex_lock(&db->lock);
	while (db->idle == NULL && db->open >= db->options.pool_size)
		if (!cond_wait_until(&db->released, &db->lock, deadline))
			break;
	found = db->idle != NULL || db->open < db->options.pool_size;
	if (db->idle != NULL) {
		*ret = db->idle;
		db->idle = (*ret)->next;
	} else if (found) {
		db->open++;
	}
	db->in_use += found;
	pthread_mutex_unlock(&db->lock);
	return found;
}

/* Gives a slot back, with its connection or, when c is NULL, without one. */
static void give_slot(struct db *db, struct db_conn *c)
{
	pthread_mutex_lock(&db->lock);
	if (c != NULL) {
		c->next = db->idle;
		db->idle = c;
	} else {
		db->open--;
	}
	db->in_use--;
	pthread_cond_signal(&db->released);
	pthread_mutex_unlock(&db->lock);
}

/* An idle connection has nothing to read, but for notices and the news that the server closed it. */
static bool still_alive(struct db_conn *c)
{
	struct pollfd p = {.fd = PQsocket(c->pg), .events = POLLIN};

	for (int i = 0; i < 8; i++) {
		if (p.fd < 0 || poll(&p, 1, 0) < 0)
			return false;
		if (p.revents == 0)
			return PQstatus(c->pg) == CONNECTION_OK;
		if (PQconsumeInput(c->pg) == 0)
			return false;
		PQisBusy(c->pg);
	}
	return false;
}

static int make_conn(struct db *db, struct db_conn **ret, struct error *err)
{
	PGconn *pg = NULL;
	int rc = db_connect(&db->options, &pg, err);

	if (rc < 0)
		return rc;
	*ret = xcalloc(1, sizeof(**ret));
	(*ret)->pg = pg;
	(*ret)->pool = db;
	(*ret)->answer_timeout_ms = db->options.answer_timeout_ms;
	return 0;
}

int db_acquire(struct db *db, struct db_conn **ret, struct error *err)
{
	struct db_conn *c;
	int rc;

	if (!take_slot(db, &c))
		return error_set(err, ERR_UNAVAILABLE, db->options.database,
				 "all %d database connections are in use", db->options.pool_size);
	if (c == NULL || !still_alive(c)) {
		db_conn_free(c);
		rc = make_conn(db, &c, err);
		if (rc < 0) {
			give_slot(db, NULL);
			return rc;
		}
	}
	if (!c->lowered)
		c->lowered = db_set_priority(c->pg, &db->options);
	*ret = c;
	return 0;
}

void db_release(struct db_conn *c)
{
	struct db *db;

	if (c == NULL)
		return;
	db = c->pool;
	db_rollback(c);
	if (c->broken || PQstatus(c->pg) != CONNECTION_OK) {
		db_conn_free(c);
		c = NULL;
	}
	give_slot(db, c);
}

int db_once(struct db *db, struct db_statement *s, const struct db_params *params, struct db_result **ret,
	    struct error *err)
{
	struct db_conn *c = NULL;
	int rc = db_acquire(db, &c, err);

	if (rc == 0)
		rc = db_exec(c, s, params, ret, err);
	db_release(c);
	return rc;
}
