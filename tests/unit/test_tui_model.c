/*
 * What keys do to the dashboard: moving, filtering, sorting, drilling down, commands, marks, and actions with
 * their commands and confirmations; the cursor that stays on its row; ten thousand rows.
 */
#include "tests/unit/tui_fixture.h"

#include <time.h>
#include <unistd.h>

static const char *cursor_id(struct model *m)
{
	return list_id(model_view(m), list_row(model_view(m)));
}

static bool next_effect(struct model *m, enum effect_kind kind, struct effect *ret)
{
	return model_effect(m, ret) && ret->kind == kind;
}

/* None has the key of another, of a screen or of what holds everywhere. */
static void check_actions(const struct action *list)
{
	for (const struct action *a = list; a->name != NULL; a++) {
		assert_non_null(a->command);
		assert_non_null(a->text);
		assert_true((a->opens != NULL) != (a->run != NULL));
		assert_true(a->opens == NULL || screen_find(a->opens) != NULL);
		for (const struct action *o = list; o < a; o++)
			assert_true(a->key == 0 || a->key != o->key);
		for (const struct binding *b = bindings; b->shown != NULL; b++)
			for (int k = 0; k < KEYS_PER_BINDING && b->keys[k] != 0; k++)
				assert_int_not_equal(a->key, b->keys[k]);
		for (int k = 0; screens[k] != NULL; k++)
			assert_true(a->key == 0 || a->key != screens[k]->key);
	}
}

static void test_keys_differ(void **state)
{
	(void)state;
	for (const struct binding *b = bindings; b->shown != NULL; b++)
		for (const struct binding *o = b + 1; o->shown != NULL; o++)
			for (int i = 0; i < KEYS_PER_BINDING && b->keys[i] != 0; i++)
				for (int k = 0; k < KEYS_PER_BINDING && o->keys[k] != 0; k++)
					assert_int_not_equal(b->keys[i], o->keys[k]);
	for (int i = 0; screens[i] != NULL; i++) {
		if (screens[i]->actions != NULL)
			check_actions(screens[i]->actions);
		assert_ptr_equal(screen_find(screens[i]->name), screens[i]);
		assert_true(screens[i]->write != NULL || screens[i]->columns != NULL);
	}
}

static void test_cursor_stays(void **state)
{
	struct model m;
	json_t *more;

	(void)state;
	start(&m, 80, 24);
	press(&m, "2j");
	assert_string_equal(cursor_id(&m), "01939b1c-6aaa-7c22-9a54-2f1e0c5d77aa");
	more = parse(recorded[FEED_SAGAS]);
	json_array_insert_new(more, 0, parse("{'order_id':'new','state':'pending'}"));
	model_data(&m, FEED_SAGAS, "", more, false);
	assert_string_equal(cursor_id(&m), "01939b1c-6aaa-7c22-9a54-2f1e0c5d77aa");
	assert_int_equal(model_view(&m)->cursor, 2);
	/* It is gone: the cursor stays where it was. */
	model_data(&m, FEED_SAGAS, "", parse("[{'order_id':'x'},{'order_id':'y'}]"), false);
	assert_string_equal(cursor_id(&m), "y");
	press(&m, "G");
	model_data(&m, FEED_SAGAS, "", parse("[]"), false);
	assert_int_equal(model_view(&m)->count, 0);
	press(&m, "jkGg c");
	assert_int_equal(m.mode, MODE_NORMAL);
	model_done(&m);
}

static void test_filter_and_sort(void **state)
{
	struct model m;

	(void)state;
	start(&m, 80, 24);
	press(&m, "2/анна");
	assert_int_equal(model_view(&m)->count, 0); /* no case of our own beyond ASCII */
	press(&m, "\177\177\177\177CANC");
	assert_int_equal(model_view(&m)->count, 1);
	press(&m, "\r");
	assert_shows(&m, "cancelled");
	assert_hides(&m, "reserved");
	press(&m, "\033");
	assert_int_equal(model_view(&m)->count, 3);
	press(&m, "/xyz\033");
	assert_int_equal(model_view(&m)->count, 3);
	press(&m, ":sort -steps\r");
	assert_string_equal(cursor_id(&m), "01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11");
	press(&m, "g");
	assert_string_equal(cursor_id(&m), "01939b1c-6aaa-7c22-9a54-2f1e0c5d77aa");
	assert_shows(&m, "STEPS▼");
	press(&m, ":sort nothing\r");
	assert_shows(&m, "there is no column \"nothing\"");
	model_done(&m);
}

static void test_drill_down(void **state)
{
	struct model m;

	(void)state;
	start(&m, 80, 24);
	press(&m, "5\r\r");
	assert_shows(&m, "dlq › letters a41c77e0 › letter 7d4ad12f-0000-5000-8000-000000000001");
	assert_string_equal(m.panels[FEED_LETTERS].subject, "a41c77e0");
	assert_string_equal(m.panels[FEED_LETTER].subject, "7d4ad12f-0000-5000-8000-000000000001");
	assert_true((model_wanted(&m) & FEED_BIT(LETTER)) != 0);
	assert_false((model_wanted(&m) & FEED_BIT(LETTERS)) != 0);
	press(&m, "v");
	assert_ptr_equal(model_view(&m)->screen, &screen_saga);
	press(&m, "\033\033\033\033\033");
	assert_int_equal(m.depth, 1);
	assert_ptr_equal(model_view(&m)->screen, &screen_dlq);
	/* What an alert is about opens from it. */
	press(&m, "1_\r");
	assert_string_equal(model_view(&m)->screen->name, "letters");
	for (int i = 0; i < 20; i++)
		model_open(&m, &screen_saga, "some");
	assert_int_equal(m.depth, VIEW_DEPTH);
	model_done(&m);
}

/* Data of what was shown before is not taken for what is shown now. */
static void test_late_data(void **state)
{
	struct model m;

	(void)state;
	start(&m, 80, 24);
	press(&m, "2f");
	assert_string_equal(m.panels[FEED_SAGAS].subject, "stuck");
	model_narrow(&m, "ready");
	model_data(&m, FEED_SAGAS, "stuck", parse(recorded[FEED_SAGAS]), false);
	assert_null(m.panels[FEED_SAGAS].data);
	model_data(&m, FEED_SAGAS, "ready", parse("[]"), false);
	assert_shows(&m, "no saga is like that");
	press(&m, "p");
	assert_shows(&m, "PAUSED");
	model_data(&m, FEED_SAGAS, "ready", parse(recorded[FEED_SAGAS]), false);
	assert_int_equal(model_view(&m)->count, 0);
	press(&m, "p"); /* what came meanwhile is there now */
	assert_int_equal(model_view(&m)->count, 3);
	model_done(&m);
}

static void test_commands(void **state)
{
	struct model m;
	struct effect e;

	(void)state;
	start(&m, 80, 24);
	press(&m, ":sagas stuck\r");
	assert_string_equal(m.panels[FEED_SAGAS].subject, "stuck");
	press(&m, ":lo\t\r");
	assert_ptr_equal(model_view(&m)->screen, &screen_logs);
	press(&m, ":^^\r");
	assert_ptr_equal(model_view(&m)->screen, &screen_sagas);
	press(&m, ":lgs\r");
	assert_shows(&m, "there is no \"lgs\"; did you mean logs?");
	press(&m, ":saga\r");
	assert_shows(&m, "which one? :saga ID");
	press(&m, ":saga 01939b1c\r");
	assert_string_equal(m.panels[FEED_SAGA].subject, "01939b1c");
	press(&m, ":\177");
	assert_int_equal(m.mode, MODE_NORMAL);
	press(&m, ":q\r");
	assert_true(next_effect(&m, EFFECT_QUIT, &e));
	free(e.text);
	keys_press(&m, 3); /* ^C, from everywhere */
	assert_true(next_effect(&m, EFFECT_QUIT, &e));
	free(e.text);
	model_done(&m);
}

static void expect_command(struct model *m, const char *wanted)
{
	CLEANUP(buf_done) struct buf text = {0};
	struct effect e;

	assert_true(next_effect(m, EFFECT_RUN, &e));
	action_command(&text, e.job->action, e.job->rows, e.job->value, e.job->reason, m->named);
	assert_string_equal(buf_str(&text), wanted);
	free(e.text);
	job_free(e.job);
}

static void test_actions(void **state)
{
	struct model m;

	(void)state;
	start(&m, 80, 24);
	press(&m, "2r"); /* does no harm: is not asked about */
	expect_command(&m, "pizzactl saga retry 01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11");
	press(&m, "c");
	assert_int_equal(m.mode, MODE_REASON);
	press(&m, "\r");
	assert_int_equal(m.mode, MODE_CONFIRM);
	press(&m, "x\r");
	assert_int_equal(m.mode, MODE_CONFIRM);
	press(&m, "n");
	assert_int_equal(m.effect_count, 0);
	press(&m, "  cno cheese\ry");
	expect_command(&m, "pizzactl saga cancel 01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11 --reason 'no cheese'\n"
			   "pizzactl saga cancel 01939b1c-6aaa-7c22-9a54-2f1e0c5d77aa --reason 'no cheese'");
	assert_int_equal(list_marked(model_view(&m)), 0);
	press(&m, "8_=3\r");
	expect_command(&m, "pizzactl scale orderd=3");
	press(&m, "I+50000\r");
	expect_command(&m, "pizzactl inventory restock mozzarella 50000");
	press(&m, "8_");
	m.named = "shop two";
	press(&m, "=\033=1\r");
	expect_command(&m, "pizzactl -C 'shop two' scale orderd=1");
	model_done(&m);
}

/* A plan is asked for first, shown, and then confirmed. */
static void test_plan(void **state)
{
	struct model m;
	struct effect e;

	(void)state;
	start(&m, 80, 24);
	press(&m, "5\r  r50\r");
	assert_true(next_effect(&m, EFFECT_RUN, &e));
	assert_true(e.job->plan);
	assert_int_equal(m.mode, MODE_NORMAL);
	press(&m, "/");
	model_job(&m, e.job, 0, "Would replay 2 of 2 letters.", NULL);
	press(&m, "\033");
	assert_shows(&m, "something else was asked meanwhile; nothing was done");
	press(&m, "r2.5\r");
	assert_true(next_effect(&m, EFFECT_RUN, &e));
	model_job(&m, e.job, 0, "Would replay 2 of 2 letters.", NULL);
	assert_shows(&m, "Would replay 2 of 2 letters.");
	press(&m, "y");
	expect_command(&m, "pizzactl dlq replay 7d4ad12f-0000-5000-8000-000000000001 "
			   "7d4ad12f-0000-5000-8000-000000000002 --rate 2.5 --yes");
	model_done(&m);
}

/* What is edited comes back, is planned with its difference, and then confirmed. */
static void test_edit(void **state)
{
	struct error err = {ERR_FAILED, "vi", "ended with a failure: nothing was sent", ""};
	struct model m;
	struct effect e;

	(void)state;
	start(&m, 80, 24);
	press(&m, "5\r\re");
	assert_true(next_effect(&m, EFFECT_EDIT, &e));
	assert_non_null(strstr(e.text, "\"amount\": 120000"));
	free(e.text);
	model_edited(&m, e.job, NULL, &err);
	assert_shows(&m, "nothing was sent");
	press(&m, "\033e");
	assert_true(next_effect(&m, EFFECT_EDIT, &e));
	free(e.text);
	model_edited(&m, e.job, xstrdup("{}"), NULL);
	assert_true(next_effect(&m, EFFECT_RUN, &e));
	assert_true(e.job->plan);
	assert_string_equal(e.job->edited, "{}");
	model_job(&m, e.job, 0, "- /event_data/amount: 120000\n+ /event_data/amount: 0\n", NULL);
	assert_shows(&m, "+ /event_data/amount: 0");
	press(&m, "y");
	expect_command(&m, "pizzactl dlq edit 7d4ad12f-0000-5000-8000-000000000001 --yes");
	model_done(&m);
}

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

/* A recording plays, stops at its end, and changes nothing. */
static void test_replay(void **state)
{
	char path[] = "/tmp/pizza-tape-XXXXXX", *context = NULL;
	struct error err = {0};
	struct tape tape = {0};
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
	assert_int_equal(tape_load(&tape, path, &context, &err), 0);
	assert_string_equal(context, "shop");
	model_init(&m, context, true, false);
	m.tape = tape;
	model_resize(&m, 100, 30);
	model_clock(&m, 1000000);
	model_replay(&m);
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
	tape = (struct tape){0};
	assert_int_equal(tape_load(&tape, path, &context, &err), ERR_MALFORMED);
	assert_string_equal(err.why, "line 2 is none of a recording");
	tape_done(&tape);
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

static void click(struct model *m, const char *text, int right)
{
	struct grid g = {.utf8 = true};
	int x = -1, y = 0;

	draw_model(m, &g);
	for (; y < g.height && x < 0; y++) {
		for (int i = 0; i + (int)strlen(text) <= g.width && x < 0; i++) {
			int n = 0;

			while (text[n] != '\0' && g.cells[y * g.width + i + n].text[0] == (wchar_t)text[n])
				n++;
			x = text[n] == '\0' ? i : -1;
		}
	}
	assert_true(x >= 0);
	keys_click(m, grid_zone_at(&g, x + right, y - 1));
	grid_done(&g);
	feed_missing(m);
}

static void test_mouse(void **state)
{
	struct model m;

	(void)state;
	start(&m, 100, 30);
	click(&m, "sagas", 0);
	assert_string_equal(model_view(&m)->screen->name, "sagas");
	click(&m, "cancelled", 0);
	assert_string_equal(cursor_id(&m), "01939b1c-5bbb-7c22-9a54-2f1e0c5d66bb");
	click(&m, "CUSTOMER", 0);
	assert_shows(&m, "CUSTOMER▲");
	click(&m, "CUSTOMER", 0);
	assert_shows(&m, "CUSTOMER▼");
	click(&m, "cancelled", 0);
	assert_string_equal(model_view(&m)->screen->name, "saga");
	click(&m, "cancel", 0); /* the hint */
	assert_int_equal(m.mode, MODE_REASON);
	press(&m, "\r");
	assert_int_equal(m.mode, MODE_CONFIRM);
	click(&m, "sagas", 0);
	assert_int_equal(m.mode, MODE_CONFIRM); /* questions are answered by keys alone */
	model_done(&m);
}

static void test_themes(void **state)
{
	struct grid g = {.utf8 = true};
	struct buf text = {0}, plain = {0};
	struct model m;

	(void)state;
	start(&m, 80, 24);
	press(&m, "T");
	assert_string_equal(m.theme->name, "light");
	press(&m, ":theme pink\r");
	assert_shows(&m, "there are dark, light, contrast, mono");
	press(&m, ":theme mono\r");
	assert_string_equal(m.theme->name, "mono");
	draw_model(&m, &g);
	theme_dump(m.theme, &g, true, &text);
	assert_null(strstr(buf_str(&text), "38;5"));
	buf_reset(&text);
	theme_dump(&themes[0], &g, true, &text);
	assert_non_null(strstr(buf_str(&text), "\033[0;1;38;5;203m"));
	grid_dump(&g, &plain); /* the same but for escapes */
	for (char *from = text.data, *to = text.data;; from++) {
		if (*from == '\033')
			from = strchr(from, 'm') + 1;
		while (*from == '\033')
			from = strchr(from, 'm') + 1;
		*to++ = *from;
		if (*from == '\0')
			break;
	}
	assert_string_equal(text.data, buf_str(&plain));
	buf_done(&text);
	buf_done(&plain);
	grid_done(&g);
	model_done(&m);
}

static void test_guarded(void **state)
{
	struct error err = {ERR_CONFLICT, "cancel", "it is ready", ""};
	struct model m;
	struct effect e;

	(void)state;
	start(&m, 80, 24);
	m.protected = true;
	press(&m, "2c\ryshp\r");
	assert_int_equal(m.effect_count, 0);
	assert_shows(&m, "not the context's name");
	press(&m, "rshop\r");
	assert_true(next_effect(&m, EFFECT_RUN, &e));
	assert_true(e.job->agreed);
	model_job(&m, e.job, ERR_CONFLICT, "", &err);
	assert_shows(&m, "it is ready");
	m.protected = false;
	m.readonly = true;
	press(&m, "\033rcu");
	assert_int_equal(m.effect_count, 0);
	assert_shows(&m, "is read-only, nothing was done");
	assert_shows(&m, "READ-ONLY");
	model_done(&m);
}

static void test_copied_command(void **state)
{
	struct model m;
	struct effect e;

	(void)state;
	start(&m, 80, 24);
	model_data(&m, FEED_SAGAS, "", parse("[{'order_id':'a; rm -rf ~','state':'paid'}]"), false);
	press(&m, "2!_y");
	assert_true(next_effect(&m, EFFECT_COPY, &e));
	assert_string_equal(e.text, "pizzactl saga retry 'a; rm -rf ~'");
	free(e.text);
	press(&m, "y");
	assert_true(next_effect(&m, EFFECT_COPY, &e));
	assert_string_equal(e.text, "a; rm -rf ~");
	free(e.text);
	model_done(&m);
}

static json_t *log_rows(int n)
{
	json_t *rows = json_array();

	for (int i = 0; i < n; i++)
		json_array_append_new(
		    rows, json_pack("{s:s, s:s, s:s}", "level", "info", "service", "orderd", "msg", "said"));
	return rows;
}

static void test_stream(void **state)
{
	struct model m;

	(void)state;
	start(&m, 80, 24);
	press(&m, "0");
	model_data(&m, FEED_LOGS, "", log_rows(100), true);
	assert_int_equal(model_view(&m)->cursor, 102); /* goes with the end */
	press(&m, "k");
	model_data(&m, FEED_LOGS, "", log_rows(10), true);
	assert_int_equal(model_view(&m)->cursor, 101); /* stays */
	press(&m, "G");
	model_data(&m, FEED_LOGS, "", log_rows(5000), true);
	assert_int_equal(model_view(&m)->count, FEED_STREAM_MAX);
	assert_int_equal(model_view(&m)->cursor, FEED_STREAM_MAX - 1);
	model_data(&m, FEED_LOGS, "", log_rows(2), false); /* read anew */
	assert_int_equal(model_view(&m)->count, 2);
	model_done(&m);
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void test_ten_thousand(void **state)
{
	json_t *rows = json_array();
	struct model m;
	double begun;

	(void)state;
	start(&m, 132, 40);
	press(&m, "2");
	for (int i = 0; i < FEED_ROWS_MAX; i++) {
		char id[40];

		snprintf(id, sizeof(id), "01939b1c-7f3a-7c22-9a54-%012d", i);
		json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:i}", "order_id", id, "state", "paid",
						      "customer_name", "Ivan Ivanov", "steps", i % 7));
	}
	model_data(&m, FEED_SAGAS, "", rows, false);
	begun = cpu_seconds();
	for (int i = 0; i < 100; i++) {
		keys_press(&m, i % 2 == 0 ? KEYCODE_PAGE_DOWN : 'j');
		free(screen_text(&m, true));
	}
	assert_true(cpu_seconds() - begun < 5.0); /* 50 ms a key, even with sanitizers */
	assert_true(model_view(&m)->cursor > 1000);
	model_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keys_differ),
	    cmocka_unit_test(test_cursor_stays),
	    cmocka_unit_test(test_filter_and_sort),
	    cmocka_unit_test(test_drill_down),
	    cmocka_unit_test(test_late_data),
	    cmocka_unit_test(test_commands),
	    cmocka_unit_test(test_actions),
	    cmocka_unit_test(test_plan),
	    cmocka_unit_test(test_edit),
	    cmocka_unit_test(test_wind),
	    cmocka_unit_test(test_replay),
	    cmocka_unit_test(test_tape_bounded),
	    cmocka_unit_test(test_mouse),
	    cmocka_unit_test(test_themes),
	    cmocka_unit_test(test_guarded),
	    cmocka_unit_test(test_copied_command),
	    cmocka_unit_test(test_stream),
	    cmocka_unit_test(test_ten_thousand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
