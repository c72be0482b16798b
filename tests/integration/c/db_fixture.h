/*
 * What the tests of core/db share: a database of their own on PIZZA_TEST_DATABASE="host=/run/postgresql
 * user=root", dropped at the end, with a table t.
 */
#ifndef TESTS_INTEGRATION_DB_FIXTURE_H
#define TESTS_INTEGRATION_DB_FIXTURE_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/db/db.h"

DB_STATEMENT(count_rows, "SELECT count(*) FROM t")
DB_STATEMENT(insert_one, "INSERT INTO t (id, n) VALUES ($1, $2)")

static struct db_options options = {.pool_size = 3, .acquire_timeout_ms = 200, .application = "test_db"};
static struct db *db;

static void must(int rc, const struct error *err)
{
	if (rc < 0)
		fail_msg("%s: %s", err->what, err->why);
}

static struct db_conn *acquire(void)
{
	struct db_conn *c = NULL;
	struct error err;

	must(db_acquire(db, &c, &err), &err);
	return c;
}

static int64_t count(struct db_conn *c)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	struct error err;

	must(db_exec(c, &count_rows, NULL, &r, &err), &err);
	return db_int(r, 0, 0);
}

static int insert(struct db_conn *c, int n, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};

	db_param_uuid(&p, uuid_v7());
	db_param_int(&p, n);
	return db_exec(c, &insert_one, &p, NULL, err);
}

static int start(void **state)
{
	CLEANUP(buf_done) struct buf sql = {0};
	struct db_options admin = options;
	struct db_conn *c = NULL;
	struct db *maintenance;
	struct error err;

	(void)state;
	snprintf(options.conninfo, sizeof(options.conninfo), "%s", getenv("PIZZA_TEST_DATABASE"));
	snprintf(options.database, sizeof(options.database), "pizza_test_db_%d", (int)getpid());
	admin = options;
	strcpy(admin.database, "postgres");
	maintenance = db_new(&admin);
	must(db_acquire(maintenance, &c, &err), &err);
	buf_addf(&sql, "CREATE DATABASE %s", options.database);
	must(db_run(c, buf_str(&sql), &err), &err);
	db_release(c);
	db_free(maintenance);
	db = db_new(&options);
	return 0;
}

static int stop(void **state)
{
	CLEANUP(buf_done) struct buf sql = {0};
	struct db_options admin = options;
	struct db_conn *c = NULL;
	struct db *maintenance;
	struct error err;

	(void)state;
	db_free(db);
	strcpy(admin.database, "postgres");
	maintenance = db_new(&admin);
	must(db_acquire(maintenance, &c, &err), &err);
	buf_addf(&sql, "DROP DATABASE %s WITH (FORCE)", options.database);
	must(db_run(c, buf_str(&sql), &err), &err);
	db_release(c);
	db_free(maintenance);
	return 0;
}

/* Each test finds an empty table. */
static int fresh_table(void **state)
{
	struct db_conn *c = acquire();
	struct error err;

	(void)state;
	must(db_run(c,
		    "CREATE TABLE IF NOT EXISTS t (id uuid PRIMARY KEY, n int, name text, at timestamptz, "
		    "flag bool, "
		    "doc json); TRUNCATE t",
		    &err),
	     &err);
	db_release(c);
	return 0;
}

#endif
