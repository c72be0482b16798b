/*
 * core/db against a PostgreSQL server: connections that are lost, pools, roles, listeners, migrations.
 * Without PIZZA_TEST_DATABASE nothing is tested and the program says so.
 */
#include "tests/integration/c/db_fixture.h"

DB_STATEMENT(backend, "SELECT pg_backend_pid(), current_setting('TimeZone'), current_user")

static int64_t backend_pid(struct db_conn *c)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	struct error err;

	must(db_exec(c, &backend, NULL, &r, &err), &err);
	return db_int(r, 0, 0);
}

/* Ends another session's server process and waits until it is gone. */
static void terminate(struct db_conn *by, int64_t pid)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	struct error err;

	db_param_int(&p, pid);
	must(db_query(by, "SELECT pg_terminate_backend($1, 5000)", &p, NULL, &err), &err);
}

static void a_lost_connection_is_replaced(void **state)
{
	struct db_conn *a = acquire();
	struct db_conn *b = acquire();
	int64_t pid = backend_pid(a);
	struct error err;

	(void)state;
	/* While it is in use. */
	terminate(b, pid);
	assert_int_equal(db_exec(a, &count_rows, NULL, NULL, &err), ERR_UNAVAILABLE);
	assert_int_equal(db_exec(a, &count_rows, NULL, NULL, &err), ERR_UNAVAILABLE);
	db_release(a);
	a = acquire();
	assert_int_not_equal(backend_pid(a), pid);
	/* While it is idle in the pool. */
	pid = backend_pid(a);
	db_release(a);
	terminate(b, pid);
	a = acquire();
	assert_int_not_equal(backend_pid(a), pid);
	db_release(a);
	db_release(b);
	assert_int_equal(db_in_use(db), 0);
}

static void a_connection_lost_before_commit_is_an_unknown_outcome(void **state)
{
	struct db_conn *a = acquire();
	struct db_conn *b = acquire();
	struct error err;

	(void)state;
	must(db_begin(a, &err), &err);
	must(insert(a, 1, &err), &err);
	terminate(b, backend_pid(a));
	assert_int_equal(db_commit(a, &err), ERR_UNKNOWN);
	db_release(a);
	assert_int_equal(count(b), 0);
	db_release(b);
}

static void an_exhausted_pool_says_so(void **state)
{
	struct db_conn *c[3];
	struct db_conn *none = NULL;
	struct error err;

	(void)state;
	for (int i = 0; i < 3; i++)
		c[i] = acquire();
	assert_int_equal(db_in_use(db), 3);
	assert_int_equal(db_acquire(db, &none, &err), ERR_UNAVAILABLE);
	assert_non_null(strstr(err.why, "in use"));
	for (int i = 0; i < 3; i++)
		db_release(c[i]);
	assert_int_equal(db_in_use(db), 0);
}

static void *hammer(void *arg)
{
	struct error err;

	for (int i = 0; i < 50; i++) {
		struct db_conn *c = NULL;

		must(db_acquire(db, &c, &err), &err);
		must(insert(c, i, &err), &err);
		db_release(c);
	}
	return arg;
}

static void threads_share_the_pool(void **state)
{
	pthread_t threads[8];
	struct db_conn *c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_create(&threads[i], NULL, hammer, NULL);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	c = acquire();
	assert_int_equal(count(c), 8 * 50);
	db_release(c);
}

static void a_server_that_is_not_there_fails_fast(void **state)
{
	struct db_options o = options;
	struct mono begin = mono_now();
	struct db_conn *c = NULL;
	struct db *nowhere;
	struct error err;

	(void)state;
	strcpy(o.conninfo, "host=/nonexistent");
	nowhere = db_new(&o);
	assert_int_equal(db_acquire(nowhere, &c, &err), ERR_UNAVAILABLE);
	assert_non_null(strstr(err.why, "/nonexistent"));
	assert_true(mono_since_ms(begin) < 1000);
	assert_int_equal(db_in_use(nowhere), 0);
	db_free(nowhere);
}

static void a_silent_server_counts_as_lost(void **state)
{
	struct db_options o = options;
	struct db_conn *c = NULL;
	struct db *impatient;
	struct error err;

	(void)state;
	o.answer_timeout_ms = 50;
	impatient = db_new(&o);
	must(db_acquire(impatient, &c, &err), &err);
	assert_int_equal(db_query(c, "SELECT pg_sleep(30)", NULL, NULL, &err), ERR_UNAVAILABLE);
	assert_non_null(strstr(err.why, "50 ms"));
	db_release(c);
	db_free(impatient);
}

static void role_and_session_settings(void **state)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	struct db_options o = options;
	struct db_conn *c = NULL;
	struct db *as_role;
	struct error err;

	(void)state;
	strcpy(o.role, "pg_monitor");
	as_role = db_new(&o);
	must(db_acquire(as_role, &c, &err), &err);
	must(db_exec(c, &backend, NULL, &r, &err), &err);
	assert_string_equal(db_text(r, 0, 1), "UTC");
	assert_string_equal(db_text(r, 0, 2), "pg_monitor");
	db_release(c);
	db_free(as_role);
}

static void *notify_soon(void *arg)
{
	struct db_conn *c = acquire();
	struct error err;

	must(db_run(c, "NOTIFY \"Some channel\"; NOTIFY \"Some channel\", 'x'", &err), &err);
	db_release(c);
	return arg;
}

static void *wake_soon(void *arg)
{
	db_listen_wake(arg);
	return arg;
}

static void notifications_and_wakes_end_the_wait(void **state)
{
	struct db_listener *l = NULL;
	pthread_t thread;
	struct error err;

	(void)state;
	must(db_listen(&options, "Some channel", &l, &err), &err);
	assert_int_equal(db_listen_wait(l, 0, &err), 0);
	pthread_create(&thread, NULL, notify_soon, NULL);
	assert_int_equal(db_listen_wait(l, 5000, &err), 1);
	pthread_join(thread, NULL);
	while (db_listen_wait(l, 50, &err) == 1)
		;
	pthread_create(&thread, NULL, wake_soon, l);
	assert_int_equal(db_listen_wait(l, 5000, &err), 1);
	pthread_join(thread, NULL);
	assert_int_equal(db_listen_wait(l, 20, &err), 0);
	db_listen_free(l);
}

static void a_listener_notices_the_loss(void **state)
{
	struct db_listener *l = NULL;
	struct db_conn *c = acquire();
	struct error err;

	(void)state;
	must(db_listen(&options, "x", &l, &err), &err);
	must(db_run(c,
		    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND "
		    "datname = "
		    "current_database()",
		    &err),
	     &err);
	assert_int_equal(db_listen_wait(l, 5000, &err), ERR_UNAVAILABLE);
	assert_true(err.why[0] != '\0');
	db_listen_free(l);
	db_release(c);
}

static void migrations_apply_once_and_are_guarded(void **state)
{
	struct db_migration m[] = {
	    {1, "0001_first.sql", "CREATE TABLE m1 (x int); INSERT INTO m1 VALUES (1);"},
	    {2, "0002_second.sql", "INSERT INTO m1 VALUES (2);"},
	    {3, "0003_third.sql", "INSERT INTO m1 VALUES (3); SELECT 1 / 0;"},
	};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	struct db_conn *c = acquire();
	struct error err;

	(void)state;
	must(db_migrate(c, "comp", m, 1, &err), &err);
	must(db_migrate(c, "comp", m, 2, &err), &err);
	must(db_migrate(c, "comp", m, 2, &err), &err);
	must(db_migrate(c, "other", NULL, 0, &err), &err);
	assert_int_equal(db_migrate(c, "comp", m, 3, &err), ERR_INVALID);
	assert_non_null(strstr(err.why, "0003_third.sql"));
	must(db_query(
		 c,
		 "SELECT count(*), (SELECT count(*) FROM schema_migrations WHERE component = 'comp') FROM m1",
		 NULL, &r, &err),
	     &err);
	assert_int_equal(db_int(r, 0, 0), 2);
	assert_int_equal(db_int(r, 0, 1), 2);
	assert_int_equal(db_migrate(c, "comp", m, 1, &err), ERR_REFUSED);
	assert_non_null(strstr(err.why, "0002_second.sql"));
	m[0].sql = "CREATE TABLE m1 (x bigint);";
	assert_int_equal(db_migrate(c, "comp", m, 2, &err), ERR_REFUSED);
	assert_non_null(strstr(err.why, "0001_first.sql"));
	db_release(c);
}

static void every_statement_of_the_program_is_prepared(void **state)
{
	static struct db_statement wrong = {.name = "wrong_one", .sql = "SELECT nothing FROM nowhere"};
	struct db_conn *c = acquire();
	struct error err;
	int n = 0;

	(void)state;
	must(db_run(c, "DEALLOCATE ALL", &err), &err);
	must(db_run(c, "CREATE TABLE comes_later (x int)", &err), &err);
	must(db_prepare_all(c, &n, &err), &err);
	assert_true(n >= 3);
	db_statement_register(&wrong);
	must(db_run(c, "DEALLOCATE ALL", &err), &err);
	assert_int_equal(db_prepare_all(c, &n, &err), ERR_BUG);
	assert_string_equal(err.what, "wrong_one");
	db_release(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(a_lost_connection_is_replaced, fresh_table),
	    cmocka_unit_test_setup(a_connection_lost_before_commit_is_an_unknown_outcome, fresh_table),
	    cmocka_unit_test(an_exhausted_pool_says_so),
	    cmocka_unit_test_setup(threads_share_the_pool, fresh_table),
	    cmocka_unit_test(a_server_that_is_not_there_fails_fast),
	    cmocka_unit_test(a_silent_server_counts_as_lost),
	    cmocka_unit_test(role_and_session_settings),
	    cmocka_unit_test(notifications_and_wakes_end_the_wait),
	    cmocka_unit_test(a_listener_notices_the_loss),
	    cmocka_unit_test(migrations_apply_once_and_are_guarded),
	    cmocka_unit_test(every_statement_of_the_program_is_prepared),
	};

	if (getenv("PIZZA_TEST_DATABASE") == NULL) {
		fprintf(stderr, "test_db_life: skipped: PIZZA_TEST_DATABASE is not set\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, start, stop);
}
