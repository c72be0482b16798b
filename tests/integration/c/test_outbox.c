/*
 * The relay's windows against concurrent writers: every row comes exactly once, and the rows of an aggregate
 * come in the order of their aggregate_seq, also when transactions draw their xid early and commit late.
 *
 * PIZZA_TEST_DATABASE is the connection string of a server on which databases may be created.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/map.h"
#include "daemons/outbox/store.c"

#define WRITERS	     6
#define TRANSACTIONS 150
#define AGGREGATES   5

extern const struct db_migration service_migrations[];
extern const int service_migration_count;

static struct db *db;
static char name[64];

static struct db *open_db(const char *database)
{
	struct db_options o = {.pool_size = WRITERS + 3, .acquire_timeout_ms = 5000};

	snprintf(o.conninfo, sizeof(o.conninfo), "%s", getenv("PIZZA_TEST_DATABASE"));
	snprintf(o.database, sizeof(o.database), "%s", database);
	return db_new(&o);
}

static void run(struct db *on, const char *sql)
{
	struct db_conn *c = NULL;
	struct error err;

	assert_int_equal(db_acquire(on, &c, &err), 0);
	if (db_run(c, sql, &err) < 0)
		fail_msg("%s: %s", sql, err.why);
	db_release(c);
}

static void administer(const char *sql)
{
	struct db *postgres = open_db("postgres");

	run(postgres, sql);
	db_free(postgres);
}

static int set_up(void **state)
{
	struct db_conn *c = NULL;
	struct error err;
	char sql[160];

	(void)state;
	snprintf(name, sizeof(name), "pizza_test_outbox_%d", (int)getpid());
	snprintf(sql, sizeof(sql), "CREATE DATABASE %s", name);
	administer(sql);
	db = open_db(name);
	assert_int_equal(db_acquire(db, &c, &err), 0);
	assert_int_equal(db_migrate(c, "service", service_migrations, service_migration_count, &err), 0);
	db_release(c);
	run(db, "CREATE TABLE aggregates (id int PRIMARY KEY, seq bigint NOT NULL DEFAULT 0);"
		"INSERT INTO aggregates SELECT generate_series(0, 4)");
	return 0;
}

static int tear_down(void **state)
{
	char sql[160];

	(void)state;
	db_free(db);
	snprintf(sql, sizeof(sql), "DROP DATABASE %s WITH (FORCE)", name);
	administer(sql);
	return 0;
}

/* --- writers --- */

static atomic_int writing;

/* The xid is drawn before the aggregate is locked, and some time passes on both sides of the insert. */
static void write_one(struct db_conn *c, unsigned *random)
{
	char sql[800];
	struct error err;

	*random = *random * 1664525u + 1013904223u;
	snprintf(sql, sizeof(sql),
		 "BEGIN; SELECT pg_current_xact_id(); SELECT pg_sleep(%f);"
		 "WITH a AS (UPDATE aggregates SET seq = seq + 1 WHERE id = %u RETURNING id, seq) "
		 "INSERT INTO outbox (id, aggregate_seq, correlation_id, topic, aggregate_id, event_type, "
		 "event_data) "
		 "SELECT gen_random_uuid(), a.seq, gen_random_uuid(), 'order-events', a.id::text, "
		 "'OrderCreated', '{}' FROM a;"
		 "SELECT pg_sleep(%f); %s",
		 (double)(*random >> 8 & 3) / 1000, (*random >> 12) % AGGREGATES,
		 (double)(*random >> 16 & 3) / 1000, (*random >> 20) % 10 == 0 ? "ROLLBACK" : "COMMIT");
	if (db_run(c, sql, &err) < 0)
		fail_msg("%s", err.why);
}

static void *writer(void *arg)
{
	unsigned random = (unsigned)(uintptr_t)arg * 7919u + 1u;
	struct db_conn *c = NULL;
	struct error err;

	if (db_acquire(db, &c, &err) < 0)
		abort();
	for (int i = 0; i < TRANSACTIONS; i++)
		write_one(c, &random);
	db_release(c);
	atomic_fetch_sub(&writing, 1);
	return NULL;
}

/* --- the relay's side --- */

struct seen {
	int64_t last[AGGREGATES];
	int64_t rows;
};

static void take_rows(struct seen *s, const struct db_result *rows, int n)
{
	for (int i = 0; i < n; i++) {
		int aggregate = atoi(db_text(rows, i, ROW_AGGREGATE));

		assert_int_equal(db_int(rows, i, ROW_AGGREGATE_SEQ), s->last[aggregate] + 1);
		s->last[aggregate]++;
		s->rows++;
	}
}

static int64_t figure(struct db_conn *c, const char *sql)
{
	struct db_result *r;
	struct error err;
	int64_t value;

	assert_int_equal(db_query(c, sql, NULL, &r, &err), 0);
	value = db_int(r, 0, 0);
	db_result_free(r);
	return value;
}

/* One small window; false when nothing was there. */
static bool take_window(struct db_conn *c, struct position *p, struct seen *s)
{
	struct db_result *rows;
	struct error err;
	int n;

	assert_int_equal(store_window(c, p->low, 100000, &rows, &err), 0);
	n = db_rows(rows);
	take_rows(s, rows, n);
	if (n > 0) {
		free(p->low);
		p->low = xstrdup(db_text(rows, 0, ROW_SNAPSHOT));
		assert_int_equal(store_advance(c, 7, p, n, &err), 0);
	}
	db_result_free(rows);
	return n > 0;
}

static void start_writers(pthread_t threads[WRITERS])
{
	atomic_store(&writing, WRITERS);
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, writer, (void *)(uintptr_t)i), 0);
}

static void windows_are_complete_and_ordered(void **state)
{
	pthread_t threads[WRITERS];
	struct position p = {0};
	struct seen s = {0};
	struct outbox_figures f = {0};
	struct db_conn *c = NULL;
	struct error err;

	(void)state;
	assert_int_equal(db_acquire(db, &c, &err), 0);
	assert_int_equal(store_fence(c, 7, &p, &err), 0);
	start_writers(threads);
	while (atomic_load(&writing) > 0)
		take_window(c, &p, &s);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	while (take_window(c, &p, &s))
		continue;
	assert_int_equal(s.rows, figure(c, "SELECT count(*) FROM outbox"));
	assert_true(s.rows > WRITERS * TRANSACTIONS / 2);
	assert_int_equal(store_figures(c, &f, &err), 0);
	assert_int_equal(f.unpublished, 0);
	assert_int_equal(f.published_total, s.rows);
	assert_int_equal(figure(c, "SELECT count(*) FROM outbox_events WHERE published_at IS NULL"), 0);
	position_done(&p);
	db_release(c);
}

/* A window that is too large for one go is taken by cursor, is interrupted, and goes on where it was. */
static void backlogs_go_on_where_they_were(void **state)
{
	struct position p = {0}, again = {0};
	struct db_conn *c = NULL, *writer_conn = NULL;
	struct db_result *rows = NULL;
	struct outbox_figures f = {0};
	struct error err;
	int64_t after, taken;

	(void)state;
	assert_int_equal(db_acquire(db, &c, &err), 0);
	assert_int_equal(db_acquire(db, &writer_conn, &err), 0);
	assert_int_equal(store_fence(writer_conn, 8, &p, &err), 0);
	run(db, "INSERT INTO outbox (id, aggregate_seq, correlation_id, topic, aggregate_id, event_type, "
		"event_data) "
		"SELECT gen_random_uuid(), i, gen_random_uuid(), 'order-events', 'x', 'OrderCreated', '{}' "
		"FROM generate_series(1, 1000) i");
	assert_int_equal(db_query(c, "SELECT pg_current_snapshot()", NULL, &rows, &err), 0);
	p.high = xstrdup(db_text(rows, 0, 0));
	db_result_free(rows);
	run(db,
	    "INSERT INTO outbox (id, aggregate_seq, correlation_id, topic, aggregate_id, event_type, "
	    "event_data) "
	    "VALUES (gen_random_uuid(), 1001, gen_random_uuid(), 'order-events', 'x', 'OrderCreated', '{}')");
	assert_int_equal(store_open(c, &p, &err), 0);
	assert_int_equal(store_fetch(c, 300, &rows, &err), 0);
	assert_int_equal(db_rows(rows), 300);
	p.done_seq = db_int(rows, 299, ROW_SEQ);
	after = db_int(rows, 299, ROW_AGGREGATE_SEQ);
	db_result_free(rows);
	assert_int_equal(store_advance(writer_conn, 8, &p, 300, &err), 0);
	store_close(c);
	assert_int_equal(store_figures(writer_conn, &f, &err), 0);
	assert_int_equal(f.unpublished, 701);

	assert_int_equal(store_fence(writer_conn, 9, &again, &err), 0);
	assert_string_equal(again.high, p.high);
	assert_int_equal(store_open(c, &again, &err), 0);
	assert_int_equal(store_fetch(c, 10000, &rows, &err), 0);
	taken = db_rows(rows);
	assert_int_equal(taken, 700);
	assert_int_equal(db_int(rows, 0, ROW_AGGREGATE_SEQ), after + 1);
	db_result_free(rows);
	store_close(c);
	position_done(&p);
	position_done(&again);
	db_release(c);
	db_release(writer_conn);
}

static void an_older_epoch_is_fenced_off(void **state)
{
	struct position p = {0}, newer = {0};
	struct db_conn *c = NULL;
	struct error err;

	(void)state;
	assert_int_equal(db_acquire(db, &c, &err), 0);
	assert_int_equal(store_fence(c, 20, &p, &err), 0);
	assert_int_equal(store_fence(c, 21, &newer, &err), 0);
	assert_int_equal(store_advance(c, 20, &p, 0, &err), ERR_LEASE_LOST);
	assert_int_equal(store_fence(c, 20, &p, &err), ERR_LEASE_LOST);
	assert_int_equal(store_advance(c, 21, &newer, 0, &err), 0);
	position_done(&p);
	position_done(&newer);
	db_release(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(windows_are_complete_and_ordered),
	    cmocka_unit_test(backlogs_go_on_where_they_were),
	    cmocka_unit_test(an_older_epoch_is_fenced_off),
	};

	return cmocka_run_group_tests_name("outbox", tests, set_up, tear_down);
}
