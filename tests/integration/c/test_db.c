/*
 * core/db against a PostgreSQL server: parameters, transactions, pipelines, rows as they come.
 * Without PIZZA_TEST_DATABASE nothing is tested and the program says so.
 */
#include "tests/integration/c/db_fixture.h"

DB_STATEMENT(insert_rows,
	     "INSERT INTO t (id, n, name, at, flag, doc) SELECT * FROM unnest($1::uuid[], $2::int4[], "
	     "$3::text[], $4::timestamptz[], $5::bool[], $6::json[])")
DB_STATEMENT(all_rows, "SELECT id, n, name, at, flag, doc FROM t ORDER BY n NULLS LAST")
DB_STATEMENT(divide, "SELECT 1 / $1::int4")

static int queue_insert(struct db_conn *c, int n, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};

	db_param_uuid(&p, uuid_v7());
	db_param_int(&p, n);
	return db_pipeline_add(c, &insert_one, &p, err);
}

static void arrays_arrive_as_they_were_sent(void **state)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	struct db_array ids, numbers, names, times, flags, docs;
	struct db_params p = {0};
	struct uuid u = uuid_v7();
	struct uuid other = uuid_v7();
	struct db_conn *c = acquire();
	struct error err;

	(void)state;
	db_array_init(&ids, DB_UUID);
	db_array_init(&numbers, DB_INT4);
	db_array_init(&names, DB_TEXT);
	db_array_init(&times, DB_TIMESTAMPTZ);
	db_array_init(&flags, DB_BOOL);
	db_array_init(&docs, DB_JSON);
	db_array_uuid(&ids, &u);
	db_array_int(&numbers, -7);
	db_array_text(&names, "Quattro \"formaggi\", {ё} \\");
	db_array_time(&times, INT64_C(1795264201114500));
	db_array_bool(&flags, true);
	db_array_text(&docs, "{\"a\": [1, \"\\u0000\"]}");
	db_array_uuid(&ids, &other);
	db_array_null(&numbers);
	db_array_text(&names, NULL);
	db_array_null(&times);
	db_array_null(&flags);
	db_array_text(&docs, NULL);
	db_param_array(&p, &ids);
	db_param_array(&p, &numbers);
	db_param_array(&p, &names);
	db_param_array(&p, &times);
	db_param_array(&p, &flags);
	db_param_array(&p, &docs);
	must(db_exec(c, &insert_rows, &p, &r, &err), &err);
	assert_int_equal(db_affected(r), 2);
	db_result_auto(&r);
	must(db_exec(c, &all_rows, NULL, &r, &err), &err);
	assert_int_equal(db_rows(r), 2);
	assert_int_equal(db_columns(r), 6);
	assert_string_equal(db_column_name(r, 3), "at");
	assert_true(uuid_equal(db_uuid(r, 0, 0), u));
	assert_int_equal(db_int(r, 0, 1), -7);
	assert_string_equal(db_text(r, 0, 2), "Quattro \"formaggi\", {ё} \\");
	assert_int_equal(db_time(r, 0, 3), INT64_C(1795264201114500));
	assert_true(db_bool(r, 0, 4));
	assert_string_equal(db_text(r, 0, 5), "{\"a\": [1, \"\\u0000\"]}");
	for (int column = 1; column < 6; column++)
		assert_true(db_is_null(r, 1, column));
	db_array_done(&ids);
	db_array_done(&numbers);
	db_array_done(&names);
	db_array_done(&times);
	db_array_done(&flags);
	db_array_done(&docs);
	db_params_done(&p);
	db_release(c);
}

static void scalars_and_empty_arrays(void **state)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	struct db_array none;
	struct db_conn *c = acquire();
	struct error err;

	(void)state;
	db_array_init(&none, DB_INT8);
	db_param_array(&p, &none);
	db_param_time(&p, INT64_MAX);
	db_param_bytes(&p, "\0\xff", 2);
	db_param_bool(&p, false);
	db_param_time(&p, INT64_C(1795264201000000));
	must(db_query(c,
		      "SELECT cardinality($1::int8[]), $2::timestamptz, length($3::bytea), $4::bool, "
		      "$5::timestamptz, "
		      "1.5::float8, '-infinity'::timestamptz",
		      &p, &r, &err),
	     &err);
	assert_int_equal(db_int(r, 0, 0), 0);
	assert_int_equal(db_time(r, 0, 1), INT64_MAX);
	assert_int_equal(db_int(r, 0, 2), 2);
	assert_false(db_bool(r, 0, 3));
	assert_int_equal(db_time(r, 0, 4), INT64_C(1795264201000000));
	assert_true(db_double(r, 0, 5) > 1.49 && db_double(r, 0, 5) < 1.51);
	assert_int_equal(db_time(r, 0, 6), INT64_MIN);
	db_release(c);
}

static void transactions_commit_and_roll_back(void **state)
{
	struct db_conn *c = acquire();
	struct error err;

	(void)state;
	must(db_begin(c, &err), &err);
	must(insert(c, 1, &err), &err);
	assert_true(db_in_transaction(c));
	must(db_commit(c, &err), &err);
	assert_false(db_in_transaction(c));
	must(db_begin(c, &err), &err);
	must(insert(c, 2, &err), &err);
	db_rollback(c);
	assert_int_equal(count(c), 1);
	must(db_begin(c, &err), &err);
	must(db_commit(c, &err), &err);
	must(db_begin(c, &err), &err);
	assert_int_equal(db_begin(c, &err), ERR_BUG);
	db_rollback(c);
	/* A transaction left open is rolled back when the connection is given back. */
	must(db_begin(c, &err), &err);
	must(insert(c, 3, &err), &err);
	db_release(c);
	c = acquire();
	assert_int_equal(count(c), 1);
	db_release(c);
}

static void a_failure_inside_a_transaction_cannot_be_committed(void **state)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	struct db_conn *c = acquire();
	struct error err;

	(void)state;
	db_param_int(&p, 0);
	must(db_begin(c, &err), &err);
	must(insert(c, 1, &err), &err);
	assert_int_equal(db_exec(c, &divide, &p, NULL, &err), ERR_INVALID);
	assert_string_equal(err.what, "divide");
	assert_non_null(strstr(err.why, "division by zero"));
	assert_int_equal(db_commit(c, &err), ERR_FAILED);
	assert_false(db_in_transaction(c));
	assert_int_equal(count(c), 0);
	db_release(c);
}

static void errors_are_classed(void **state)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	struct uuid u = uuid_v7();
	struct db_conn *c = acquire();
	struct error err;

	(void)state;
	db_param_uuid(&p, u);
	db_param_int(&p, 1);
	must(db_exec(c, &insert_one, &p, NULL, &err), &err);
	assert_int_equal(db_exec(c, &insert_one, &p, NULL, &err), ERR_CONFLICT);
	assert_int_equal(db_query(c, "SELECT * FROM no_such_table", NULL, NULL, &err), ERR_BUG);
	assert_int_equal(db_run(c, "SELECT 1; SELEC", &err), ERR_BUG);
	assert_int_equal(db_query(c, "SELECT 'x'::uuid", NULL, NULL, &err), ERR_INVALID);
	assert_int_equal(db_run(c, "SET statement_timeout = 20; SELECT pg_sleep(5)", &err), ERR_TIMEOUT);
	must(db_run(c, "SET statement_timeout = 0", &err), &err);
	assert_int_equal(count(c), 1);
	db_release(c);
}

static void pipelines_answer_in_order(void **state)
{
	enum { N = 500 };
	struct db_result *r[N + 1];
	struct db_conn *c = acquire();
	struct error err;

	(void)state;
	must(db_begin(c, &err), &err);
	for (int i = 0; i < N; i++)
		must(queue_insert(c, i, &err), &err);
	must(db_pipeline_add(c, &all_rows, NULL, &err), &err);
	assert_int_equal(db_exec(c, &count_rows, NULL, NULL, &err), ERR_BUG);
	must(db_pipeline_run(c, r, N + 1, &err), &err);
	for (int i = 0; i < N; i++)
		assert_int_equal(db_affected(r[i]), 1);
	assert_int_equal(db_rows(r[N]), N);
	assert_int_equal(db_int(r[N], N - 1, 1), N - 1);
	must(db_commit(c, &err), &err);
	assert_int_equal(count(c), N);
	for (int i = 0; i <= N; i++)
		db_result_free(r[i]);
	db_release(c);
}

/* Requests and answers both far beyond the socket's buffers: neither side may wait for the other for ever. */
static void big_pipelines_do_not_deadlock(void **state)
{
	enum { N = 64, SIZE = 300000 };
	struct db_result *r[N];
	CLEANUP(db_params_done) struct db_params p = {0};
	AUTO_FREE char *text = xcalloc(1, SIZE + 1);
	struct db_conn *c = acquire();
	static struct db_statement echo = {.name = "echo", .sql = "SELECT $1::text"};
	struct error err;

	(void)state;
	db_statement_register(&echo);
	memset(text, 'x', SIZE);
	db_param_text(&p, text);
	for (int i = 0; i < N; i++)
		must(db_pipeline_add(c, &echo, &p, &err), &err);
	must(db_pipeline_run(c, r, N, &err), &err);
	for (int i = 0; i < N; i++) {
		assert_int_equal(db_length(r[i], 0, 0), SIZE);
		db_result_free(r[i]);
	}
	db_release(c);
}

static void a_failed_pipeline_names_the_statement_and_leaves_the_connection_usable(void **state)
{
	CLEANUP(db_params_done) struct db_params zero = {0};
	struct db_result *r[3];
	struct db_conn *c = acquire();
	struct error err;

	(void)state;
	db_param_int(&zero, 0);
	must(queue_insert(c, 1, &err), &err);
	must(db_pipeline_add(c, &divide, &zero, &err), &err);
	must(queue_insert(c, 2, &err), &err);
	assert_int_equal(db_pipeline_run(c, r, 3, &err), ERR_INVALID);
	assert_string_equal(err.what, "divide");
	for (int i = 0; i < 3; i++)
		assert_null(r[i]);
	assert_int_equal(count(c), 0);
	/* Abandoned: neither applied nor in the way. */
	must(db_begin(c, &err), &err);
	must(queue_insert(c, 3, &err), &err);
	db_rollback(c);
	assert_int_equal(count(c), 0);
	must(queue_insert(c, 4, &err), &err);
	db_release(c);
	c = acquire();
	assert_int_equal(count(c), 0);
	db_release(c);
}

static void commit_takes_the_queue_along(void **state)
{
	CLEANUP(db_params_done) struct db_params zero = {0};
	struct db_conn *c = acquire();
	struct error err;

	(void)state;
	must(db_begin(c, &err), &err);
	must(queue_insert(c, 1, &err), &err);
	must(queue_insert(c, 2, &err), &err);
	must(db_commit(c, &err), &err);
	assert_int_equal(count(c), 2);
	db_param_int(&zero, 0);
	must(db_begin(c, &err), &err);
	must(queue_insert(c, 3, &err), &err);
	must(db_pipeline_add(c, &divide, &zero, &err), &err);
	assert_int_equal(db_commit(c, &err), ERR_INVALID);
	db_rollback(c);
	assert_int_equal(count(c), 2);
	db_release(c);
}

static void hold_insert(struct db_conn *c, int n)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	struct error err;

	db_param_uuid(&p, uuid_v7());
	db_param_int(&p, n);
	must(db_queue(c, &insert_one, &p, &err), &err);
}

static void a_held_statement_goes_before_the_next(void **state)
{
	struct db_conn *c = acquire();
	struct db_result *r[2] = {NULL};
	struct error err;

	(void)state;
	assert_int_equal(db_queue(c, &count_rows, NULL, &err), ERR_BUG); /* no transaction holds it */
	must(db_begin(c, &err), &err);
	hold_insert(c, 1);
	assert_int_equal(count(c), 1); /* db_exec: its rows, not the held one's */
	hold_insert(c, 2);
	must(db_run(c, "DELETE FROM t WHERE n = 2", &err), &err);
	hold_insert(c, 3);
	must(db_pipeline_add(c, &count_rows, NULL, &err), &err);
	hold_insert(c, 4);
	must(db_pipeline_run(c, r, 1, &err), &err);
	assert_int_equal(db_int(r[0], 0, 0), 2);
	db_result_free(r[0]);
	hold_insert(c, 5);
	must(db_pipeline_add(c, &count_rows, NULL, &err), &err);
	hold_insert(c, 6);
	must(db_commit_results(c, r, 2, &err), &err);
	assert_int_equal(db_int(r[0], 0, 0), 4);
	assert_null(r[1]);
	db_result_free(r[0]);
	assert_int_equal(count(c), 5);
	db_release(c);
}

static void a_held_statement_fails_with_the_next(void **state)
{
	CLEANUP(db_params_done) struct db_params zero = {0};
	struct db_conn *c = acquire();
	struct error err;

	(void)state;
	db_param_int(&zero, 0);
	must(db_begin(c, &err), &err);
	hold_insert(c, 1);
	must(db_queue(c, &divide, &zero, &err), &err);
	assert_int_equal(db_commit(c, &err), ERR_INVALID);
	assert_string_equal(err.what, "divide");
	db_rollback(c);
	assert_int_equal(count(c), 0);
	must(db_begin(c, &err), &err);
	hold_insert(c, 2);
	db_rollback(c);
	assert_int_equal(count(c), 0);
	db_release(c);
}

static void a_statement_that_fails_to_prepare_can_be_tried_again(void **state)
{
	static struct db_statement late = {.name = "late", .sql = "SELECT count(*) FROM comes_later"};
	struct db_conn *c = acquire();
	struct error err;

	(void)state;
	db_statement_register(&late);
	assert_int_equal(db_exec(c, &late, NULL, NULL, &err), ERR_BUG);
	must(db_run(c, "CREATE TABLE comes_later (x int)", &err), &err);
	must(db_exec(c, &late, NULL, NULL, &err), &err);
	/* Prepared in a transaction that is rolled back: the statement stays. */
	must(db_exec(c, &late, NULL, NULL, &err), &err);
	must(db_run(c, "DROP TABLE comes_later", &err), &err);
	db_release(c);
}

static int stop_at_three(void *arg, const struct db_result *r)
{
	int *seen = arg;

	assert_int_equal(db_rows(r), 1);
	*seen += 1;
	return db_int(r, 0, 0) == 3 ? ERR_BREACHED : 0;
}

static int count_row(void *arg, const struct db_result *r)
{
	int64_t *sum = arg;

	*sum += db_int(r, 0, 0);
	return 0;
}

static void streams_row_by_row_and_can_be_stopped(void **state)
{
	struct db_conn *c = acquire();
	int64_t sum = 0;
	int seen = 0;
	struct error err;

	(void)state;
	must(db_stream(c, "SELECT generate_series(1, 1000)", NULL, count_row, &sum, &err), &err);
	assert_int_equal(sum, 500500);
	assert_int_equal(
	    db_stream(c, "SELECT generate_series(1, 100000000)", NULL, stop_at_three, &seen, &err),
	    ERR_BREACHED);
	assert_int_equal(seen, 3);
	assert_int_equal(
	    db_stream(c, "SELECT 1 / (3 - n) FROM generate_series(1, 9) n", NULL, count_row, &sum, &err),
	    ERR_INVALID);
	assert_int_equal(count(c), 0);
	db_release(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(arrays_arrive_as_they_were_sent, fresh_table),
	    cmocka_unit_test(scalars_and_empty_arrays),
	    cmocka_unit_test_setup(transactions_commit_and_roll_back, fresh_table),
	    cmocka_unit_test_setup(a_failure_inside_a_transaction_cannot_be_committed, fresh_table),
	    cmocka_unit_test_setup(errors_are_classed, fresh_table),
	    cmocka_unit_test_setup(pipelines_answer_in_order, fresh_table),
	    cmocka_unit_test_setup(a_held_statement_goes_before_the_next, fresh_table),
	    cmocka_unit_test_setup(a_held_statement_fails_with_the_next, fresh_table),
	    cmocka_unit_test(big_pipelines_do_not_deadlock),
	    cmocka_unit_test_setup(a_failed_pipeline_names_the_statement_and_leaves_the_connection_usable,
				   fresh_table),
	    cmocka_unit_test_setup(commit_takes_the_queue_along, fresh_table),
	    cmocka_unit_test(a_statement_that_fails_to_prepare_can_be_tried_again),
	    cmocka_unit_test_setup(streams_row_by_row_and_can_be_stopped, fresh_table),
	};

	if (getenv("PIZZA_TEST_DATABASE") == NULL) {
		fprintf(stderr, "test_db: skipped: PIZZA_TEST_DATABASE is not set\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, start, stop);
}
