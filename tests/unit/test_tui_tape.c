/*
 * What the dashboard remembers: winding back, recordings and their replay, and how much memory that takes.
 */
#include "tests/unit/tui_fixture.h"

#include <unistd.h>

#include "tui/pack.h"

static void orders(struct model *m, int seconds, const char *rows)
{
	model_clock(m, NOW + seconds * INT64_C(1000000));
	model_data(m, FEED_ORDERS, "", parse(rows), false);
}

/* What was shown at a moment is shown again, with its graphs; what comes meanwhile is not lost. */
static void test_wind(void **state)
{
	struct model m;

	(void)state;
	start(&m, 100, 30);
	press(&m, "7");
	orders(&m, 20, "[{'order_id':'first','status':'pending'}]");
	orders(&m, 40, "[{'order_id':'first','status':'paid'}]");
	press(&m, "[");
	assert_shows(&m, "PAUSED -10.0 s");
	assert_shows(&m, "pending");
	orders(&m, 50, "[{'order_id':'first','status':'ready'}]");
	assert_shows(&m, "pending");
	press(&m, "]");
	assert_shows(&m, "● paid");
	press(&m, "{");
	assert_shows(&m, "nothing is kept of what was before");
	assert_shows(&m, "Ivan Ivanov");
	press(&m, "1");
	assert_shows(&m, "99.2 %");
	press(&m, "7p");
	assert_shows(&m, "ready");
	assert_hides(&m, "PAUSED");
	model_done(&m);
}

/* A stream's rows, and a list's that is longer than the tape keeps, are whole again after standing still. */
static void test_go_on(void **state)
{
	json_t *rows = json_array(), *lines;
	struct model m;

	(void)state;
	start(&m, 100, 30);
	press(&m, "2");
	for (int i = 0; i < 3 * TAPE_ROWS; i++)
		json_array_append_new(rows, json_sprintf("{\"order_id\":\"id-%d\",\"state\":\"paid\"}", i));
	model_clock(&m, NOW + 6000000);
	model_data(&m, FEED_SAGAS, "", json_incref(rows), false);
	model_clock(&m, NOW + 16000000);
	press(&m, "p[");
	model_clock(&m, NOW + 20000000);
	json_array_append_new(rows, json_string("{\"order_id\":\"the last\",\"state\":\"paid\"}"));
	model_data(&m, FEED_SAGAS, "", rows, false);
	assert_int_equal(model_view(&m)->count, TAPE_ROWS);
	press(&m, "p");
	assert_int_equal(model_view(&m)->count, 3 * TAPE_ROWS + 1);
	press(&m, "0");
	for (int i = 1; i <= 30; i++) {
		model_clock(&m, NOW + (20 + i) * INT64_C(1000000));
		lines = json_pack("[{s:s, s:o}]", "level", "info", "msg", json_sprintf("line %d", i));
		model_data(&m, FEED_LOGS, "", lines, true);
		if (i == 20)
			press(&m, "p[");
	}
	assert_shows(&m, "line 10\n");
	assert_hides(&m, "line 11\n");
	assert_shows(&m, "recorded");
	press(&m, "k]"); /* a row has the same number at every moment */
	assert_string_equal(json_string_or(list_row(model_view(&m)), "msg", ""), "line 9");
	press(&m, "pG");
	assert_string_equal(json_string_or(list_row(model_view(&m)), "msg", ""), "line 30");
	model_done(&m);
}

/* Fifteen busy minutes are wound back within the time that a key may take, also where they are streams. */
static void test_wind_fast(void **state)
{
	static const char *const screens_of[] = {"1", "2", "3", "8", "0"};
	json_t *rows = json_array();
	struct model m;
	double most = 0;

	(void)state;
	start(&m, 200, 50);
	press(&m, "0");
	for (int i = 0; i < 900; i++) {
		model_clock(&m, NOW + i * INT64_C(1000000));
		for (int k = 0; k < 3; k++)
			json_array_insert_new(rows, 0,
					      json_sprintf("{\"order_id\":\"%08x\",\"state\":\"paid\"}",
							   (unsigned)(i * 3 + k) * 2654435761u));
		model_data(&m, FEED_SAGAS, "", json_copy(rows), false);
		for (int f = 0; i % 2 == 0 && f < FEED_COUNT; f++)
			if (feeds[f].stream != NULL)
				model_data(&m, (enum feed_id)f, m.panels[f].subject, parse(recorded[f]),
					   true);
			else if (f != FEED_SAGAS)
				model_data(&m, (enum feed_id)f, "", parse(recorded[f]), false);
	}
	json_decref(rows);
	for (size_t i = 0; i < ARRAY_LEN(screens_of); i++) {
		press(&m, screens_of[i]);
		for (int k = 0; k < 6; k++) {
			double before = cpu_seconds();

			press(&m, "{[");
			most = cpu_seconds() - before > most ? cpu_seconds() - before : most;
		}
		press(&m, "p");
	}
	if (most / 2 >= 0.1)
		print_error("a key took %.3f s\n", most / 2);
	assert_true(most / 2 < 0.1);
	model_done(&m);
}

/* A recording plays, stops at its end, and changes nothing. */
static void test_replay(void **state)
{
	char path[] = "/tmp/pizza-tape-XXXXXX", *context = NULL;
	struct error err = {0};
	struct model m;
	FILE *f;

	(void)state;
	close(mkstemp(path));
	start(&m, 100, 30);
	assert_int_equal(tape_record(&m.tape, path, "shop", NOW, &err), ERR_CONFLICT);
	unlink(path);
	assert_int_equal(tape_record(&m.tape, path, "shop", NOW, &err), 0);
	press(&m, "7");
	orders(&m, 10, "[{'order_id':'first','status':'pending'}]");
	orders(&m, 11, "[{'order_id':'first','status':'pending'}]");
	orders(&m, 20, "[{'order_id':'first','status':'paid'}]");
	model_failed(&m, FEED_ORDERS, "", &(struct error){ERR_UNAVAILABLE, "postgres", "is away", ""});
	assert_int_equal(tape_finish(&m.tape, &err), 0);
	model_done(&m);
	f = fopen(path, "ae"); /* whoever wrote it was killed */
	fputs("{\"at\":\"2026-", f);
	fclose(f);
	model_init(&m, "", true, false);
	model_resize(&m, 100, 30);
	model_clock(&m, 1000000);
	assert_int_equal(model_replay(&m, path, &context, &err), 0);
	assert_string_equal(context, "shop");
	assert_int_equal(model_wanted(&m) | model_noted(&m), 0);
	press(&m, "7");
	assert_shows(&m, "pending");
	assert_shows(&m, "REPLAY");
	press(&m, "c");
	assert_shows(&m, "this is a recording, nothing was done");
	model_clock(&m, 6000000);
	assert_shows(&m, "pending");
	model_clock(&m, 60000000);
	assert_shows(&m, "● paid");
	assert_shows(&m, "STALE");
	assert_true(m.paused);
	model_done(&m);
	f = fopen(path, "we");
	fputs("{\"pizza_record\":1}\n{\"at\":7}\n", f);
	fclose(f);
	free(context);
	model_init(&m, "", true, false);
	assert_int_equal(model_replay(&m, path, &context, &err), ERR_MALFORMED);
	assert_string_equal(err.why, "line 2 is none of a recording");
	model_done(&m);
	free(context);
	unlink(path);
}

/* Memory stays bounded however long it runs. */
static void test_tape_bounded(void **state)
{
	struct tape t = {0};
	int64_t first, last;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		json_t *data = json_pack("[{s:i}]", "n", i);

		tape_add(&t, NOW + i * INT64_C(1000000), FEED_LAG, "", false, data, NULL);
		json_decref(data);
	}
	assert_true(tape_range(&t, &first, &last));
	assert_true(last - first <= TAPE_US);
	assert_true(t.bytes < 1 << 20);
	assert_true(t.cap < 4096);
	tape_done(&t);
}

/* Long lists are kept now and then, packed rows open and no more than so many of them. */
static void test_tape_long(void **state)
{
	struct tape t = {0};
	json_t *data = json_array(), *kept, *last;

	(void)state;
	for (int i = 0; i < TAPE_ROWS + 500; i++)
		json_array_append_new(data, i % 2 == 0 ? json_pack("{s:i}", "n", i)
						       : json_sprintf("{\"n\":%d}", i));
	for (int i = 0; i < 60; i++)
		tape_add(&t, NOW + i * INT64_C(1000000), FEED_SAGAS, "", false, data, NULL);
	assert_int_equal(t.count, 60 / (TAPE_LONG_US / 1000000));
	kept = tape_data(&t.entries[t.count - 1]);
	assert_int_equal(json_array_size(kept), TAPE_ROWS);
	last = pack_open(json_array_get(kept, TAPE_ROWS - 1));
	assert_int_equal(json_int_or(last, "n", -1), TAPE_ROWS - 1);
	json_decref(last);
	tape_add(&t, NOW + INT64_C(60500000), FEED_SAGAS, "stuck", false, data, NULL);
	assert_string_equal(t.entries[t.count - 1].subject, "stuck");
	json_decref(kept);
	json_decref(data);
	tape_done(&t);
}

/* The list of a moment: 500 rows, the newest first; some have changed since the moment before. */
static json_t *rows_at(int moment)
{
	json_t *rows = json_array();

	for (int i = 0; i < 500; i++)
		json_array_append_new(rows, json_sprintf("{\"n\":%d,\"changed\":%d,\"by\":\"%08x\"}",
							 moment + 500 - i, i % 30 == 0 ? moment : 0,
							 (unsigned)(moment + 500 - i) * 2654435761u));
	return rows;
}

/* Of lists which change little, what is the same is kept once, and every one is complete again. */
static void test_tape_changes(void **state)
{
	struct tape t = {0};
	size_t one = 0;

	(void)state;
	for (int i = 0; i < 400; i++) {
		json_t *rows = rows_at(i / 2);

		tape_add(&t, NOW + i * TAPE_LONG_US, FEED_SAGAS, "", false, rows, NULL);
		if (i % 7 == 0) /* nothing is told of the list by others between */
			tape_add(&t, NOW + i * TAPE_LONG_US, FEED_SAGAS, "stuck", false, rows, NULL);
		one = i == 0 ? t.bytes : one;
		json_decref(rows);
	}
	assert_true(t.bytes < one * (size_t)(t.count - t.first) / 3);
	for (int i = t.first; i < t.count; i++) {
		json_t *rows = rows_at((int)((t.entries[i].at_us - NOW) / TAPE_LONG_US / 2));
		json_t *open = pack_open_all(rows, SIZE_MAX), *kept = tape_data(&t.entries[i]);

		json_t *open_kept = pack_open_all(kept, SIZE_MAX);

		assert_true(json_equal(open, open_kept));
		json_decref(rows);
		json_decref(open);
		json_decref(kept);
		json_decref(open_kept);
	}
	tape_done(&t);
	assert_int_equal(t.bytes, 0);
}

/* The same rows in another order are another list. */
static void test_tape_order(void **state)
{
	struct tape t = {0};
	json_t *rows = rows_at(1), *turned = json_array(), *open, *kept;

	(void)state;
	for (size_t i = json_array_size(rows); i-- > 0;)
		json_array_append(turned, json_array_get(rows, i));
	tape_add(&t, NOW, FEED_LETTERS, "", false, rows, NULL);
	tape_add(&t, NOW + TAPE_LONG_US, FEED_LETTERS, "", false, turned, NULL);
	open = pack_open_all(turned, SIZE_MAX);
	kept = tape_data(&t.entries[1]);
	assert_true(json_equal(open, kept));
	json_decref(rows);
	json_decref(turned);
	json_decref(open);
	json_decref(kept);
	tape_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_wind),	 cmocka_unit_test(test_go_on),
	    cmocka_unit_test(test_wind_fast),	 cmocka_unit_test(test_replay),
	    cmocka_unit_test(test_tape_bounded), cmocka_unit_test(test_tape_long),
	    cmocka_unit_test(test_tape_changes), cmocka_unit_test(test_tape_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
