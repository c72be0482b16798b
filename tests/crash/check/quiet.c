/*
 * Quiescence: every outbox is published, every group has read to the end, no work is due or waiting, several
 * looks in a row (what leaves one place is for a moment not yet seen in the next).
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/contract/daemons.h"
#include "tests/crash/check/check.h"

#define LOOKS	      4
#define LOOK_EVERY_MS 300

/* What may be on its way, as counts: database, what, a query of one number. */
static const struct {
	const char *database, *what, *sql;
} places[] = {
    {"pizza_payment", "charges to do", "SELECT count(*) FROM payments WHERE next_attempt_at IS NOT NULL"},
    {"pizza_payment", "refunds to do", "SELECT count(*) FROM refunds WHERE next_attempt_at IS NOT NULL"},
    {"pizza_notify", "deliveries to do", "SELECT count(*) FROM deliveries WHERE status = 'pending'"},
    {"pizza_dlq", "replay jobs under way", "SELECT count(*) FROM jobs WHERE finished_at IS NULL"},
    {"pizza_order", "orders on their way",
     "SELECT count(*) FROM orders WHERE status NOT IN ('ready', 'cancelled')"},
};

/* In every database with a consumer. */
static const char parked[] = "SELECT (SELECT count(*) FROM parked) + (SELECT count(*) FROM letters_owed)";

/* In every database with an outbox. */
static const char unpublished[] =
    "SELECT count(*) FROM outbox o, outbox_position p WHERE o.xid >= pg_snapshot_xmin(p.low) "
    "AND NOT pg_visible_in_snapshot(o.xid, p.low) "
    "AND NOT (p.high IS NOT NULL AND pg_visible_in_snapshot(o.xid, p.high) AND o.seq <= p.done_seq)";

static int ask(const char *database, const char *sql, int64_t *ret, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	struct db_options options;
	struct db_conn *conn;
	struct db *db;
	int rc;

	import_options(database, &options);
	db = db_new(&options);
	rc = db_acquire(db, &conn, err);
	if (rc == 0) {
		rc = db_query(conn, sql, NULL, &r, err);
		if (rc == 0)
			*ret = db_int(r, 0, 0);
		db_release(conn);
	}
	db_free(db);
	return rc;
}

static void note(struct error *what, int64_t n, const char *where, const char *text)
{
	error_set(what, ERR_TIMEOUT, "quiescence", "%s: %lld %s", where, (long long)n, text);
}

static int look_at_lag(struct checker *c, bool *ret_quiet, struct error *what, struct error *err)
{
	struct bus_lag *lag = NULL;
	int n = 0, rc = bus_admin_lag(c->admin, NULL, 0, false, &lag, &n, err);

	for (int i = 0; rc == 0 && i < n; i++) {
		if (lag[i].lag == 0 || lag[i].end == 0)
			continue;
		*ret_quiet = false;
		note(what, lag[i].lag, lag[i].group, "messages unread");
	}
	bus_lag_free(lag, n);
	return rc;
}

/* Counts by a query; what is there keeps the system from being quiet. */
static int look_into(const char *database, const char *sql, const char *text, bool *ret_quiet,
		     struct error *what, struct error *err)
{
	int64_t n = 0;
	int rc = ask(database, sql, &n, err);

	if (rc == 0 && n > 0) {
		*ret_quiet = false;
		note(what, n, database, text);
	}
	return rc;
}

/* One look; *what says what is still on its way. */
static int look(struct checker *c, bool *ret_quiet, struct error *what, struct error *err)
{
	int rc = 0;

	*ret_quiet = true;
	for (int i = 0; rc == 0 && i < DAEMON_COUNT; i++) {
		const struct daemon_info *d = &daemons[i];

		if (d->outbox)
			rc = look_into(d->database, unpublished, "events unpublished", ret_quiet, what, err);
		if (rc == 0 && d->consumes[0] != NULL)
			rc = look_into(d->database, parked, "messages parked or letters owed", ret_quiet,
				       what, err);
	}
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(places); i++)
		rc = look_into(places[i].database, places[i].sql, places[i].what, ret_quiet, what, err);
	return rc < 0 ? rc : look_at_lag(c, ret_quiet, what, err);
}

int quiet_wait(struct checker *c, int timeout_ms, struct error *err)
{
	const struct timespec pause = {0, LOOK_EVERY_MS * 1000000L};
	struct mono deadline = mono_add_ms(mono_now(), timeout_ms);
	struct error what = {0};
	int looks = 0;

	while (looks < LOOKS) {
		bool quiet = false;
		int rc = look(c, &quiet, &what, err);

		if (rc < 0)
			what = *err; /* a daemon or server may be on its way back */
		looks = rc == 0 && quiet ? looks + 1 : 0;
		if (looks < LOOKS && mono_left_ms(deadline) == 0) {
			*err = what;
			return ERR_TIMEOUT;
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}
