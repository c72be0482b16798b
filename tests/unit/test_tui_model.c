/*
 * What keys do to the dashboard: moving, filtering, sorting, drilling down, commands, the mouse; the cursor
 * that stays on its row; streams; ten thousand rows.
 */
#include "tests/unit/tui_fixture.h"

#include <time.h>

#include "tui/pack.h"

static const char *cursor_id(struct model *m)
{
	return list_id(model_view(m), list_row(model_view(m)));
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
	press(&m, "1__\r");
	assert_string_equal(model_view(&m)->screen->name, "letters");
	press(&m, "1_");
	assert_shows(&m, "error  paymentd: the circuit breaker of payment is open");
	press(&m, "\r");
	assert_string_equal(model_view(&m)->subject, "paymentd");
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

/* What stands in the prompt after these keys; it is left again. */
static void assert_completes(struct model *m, const char *keys, const char *wanted)
{
	press(m, ":");
	press(m, keys);
	assert_string_equal(m->input, wanted);
	press(m, "\033");
}

static void test_completion(void **state)
{
	struct model m;

	(void)state;
	start(&m, 80, 24);
	assert_completes(&m, "ov\t", "overview");
	assert_completes(&m, "sa\t", "saga");
	assert_completes(&m, "ki\t", "kitchen");
	assert_completes(&m, "la\t", "lag");
	assert_completes(&m, "dl\t", "dlq");
	assert_completes(&m, "to\t", "topics");
	assert_completes(&m, "or\t", "orders ");
	assert_completes(&m, "se\t", "service");
	assert_completes(&m, "ho\t", "hosts");
	assert_completes(&m, "log\t", "logs ");
	assert_completes(&m, "hea\t", "heatmap ");
	assert_completes(&m, "nothing\t", "nothing");
	assert_completes(&m, "se\t\t", "services"); /* as far as they agree, then one after the other */
	assert_completes(&m, "se\t\t\t", "service");
	assert_completes(&m, "se\t\t\t\t", "services");
	assert_completes(&m, "service \tx", "service postgresx");
	assert_completes(&m, "messages pa\t", "messages payment-events");
	assert_completes(&m, "th\t", "theme ");
	assert_completes(&m, "theme con\t", "theme contrast");
	assert_completes(&m, "sagas st\t", "sagas stuck");
	assert_completes(&m, "messages payment-events \t", "messages payment-events ");
	assert_completes(&m, "logs error or\t", "logs error orderd");
	assert_completes(&m, "logs error e\t", "logs error e");
	press(&m, ":");
	assert_shows(&m, " overview  sagas  steps  kitchen ");
	press(&m, "l");
	assert_shows(&m, " lag  letters  logs  letter\n");
	keys_press(&m, KEYCODE_BACKTAB);
	assert_string_equal(m.input, "letter");
	keys_press(&m, KEYCODE_BACKTAB);
	assert_string_equal(m.input, "logs");
	press(&m, "\r");
	assert_ptr_equal(model_view(&m)->screen, &screen_logs);
	press(&m, ":se\r"); /* one that shows one thing comes after the others */
	assert_ptr_equal(model_view(&m)->screen, &screen_services);
	press(&m, ":sort \t\r");
	assert_int_equal(model_view(&m)->sort, 0);
	press(&m, ":l\r");
	assert_shows(&m, "l: which one? lag, letters, logs, log, letter");
	press(&m, ":ov\r");
	press(&m, ":lag"); /* what was being typed is there after the history */
	press(&m, "^^__");
	assert_string_equal(m.input, "lag");
	model_done(&m);
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
	assert_shows(&m, "live, the last 2 000");
	model_data(&m, FEED_LOGS, "", log_rows(2), false); /* read anew */
	assert_int_equal(model_view(&m)->count, 2);
	assert_shows(&m, "live\n");
	for (int i = 0; i < 30; i++) { /* large ones take the room of many */
		AUTO_FREE char *large = xcalloc(1, 100001);

		memset(large, 'x', 100000);
		model_data(&m, FEED_LOGS, "", json_pack("[{s:s, s:s}]", "level", "info", "msg", large), true);
	}
	assert_int_equal(model_view(&m)->count, FEED_STREAM_BYTES / 100050);
	assert_shows(&m, "live, the last 20");
	model_done(&m);
}

/* Packed rows are found, sorted, marked and shown as others are; an open one may stand among them. */
static void test_packed(void **state)
{
	static const char *const members[] = {"order_id", "state", "steps", "customer_name", "reason", NULL};
	AUTO_JSON json_t *chosen = NULL, *open = NULL, *known = NULL;
	json_t *rows = json_array();
	struct model m;

	(void)state;
	start(&m, 132, 40);
	press(&m, "2");
	for (int i = 0; i < 50; i++) {
		AUTO_JSON json_t *row =
		    json_pack("{s:o, s:s, s:i, s:s, s:n, s:s}", "order_id", json_sprintf("id-%02d", 50 - i),
			      "state", i == 7 ? "cancelled" : "paid", "steps", i, "customer_name",
			      "Ann \"the state\"", "reason", "more", "not kept");

		json_array_append_new(rows, pack_row(row, members));
	}
	assert_true(json_is_string(json_array_get(rows, 0)));
	json_array_append_new(rows, parse("{'order_id':'id-00','state':'ready','steps':9}"));
	known = pack_member(json_array_get(rows, 7), "state");
	assert_string_equal(json_string_value(known), "cancelled");
	assert_null(pack_member(json_array_get(rows, 7), "reason"));
	assert_null(pack_member(json_array_get(rows, 7), "the state"));
	open = pack_open_all(rows, 3);
	assert_int_equal(json_array_size(open), 3);
	assert_string_equal(json_string_or(json_array_get(open, 2), "order_id", ""), "id-48");
	assert_null(json_object_get(json_array_get(open, 2), "more"));
	model_data(&m, FEED_SAGAS, "", rows, false);
	assert_shows(&m, "Ann \"the state\"");
	press(&m, "_ ");
	assert_string_equal(cursor_id(&m), "id-48");
	chosen = list_chosen(model_view(&m), &screen_sagas.actions[1]);
	assert_string_equal(json_string_or(json_array_get(chosen, 0), "order_id", ""), "id-49");
	press(&m, "/canc\r");
	assert_int_equal(model_view(&m)->count, 1);
	press(&m, "\033/customer_name\r"); /* a name of a member is no value */
	assert_int_equal(model_view(&m)->count, 0);
	press(&m, "\033/n \"the\r");
	assert_int_equal(model_view(&m)->count, 50);
	press(&m, "\033:sort -steps\rg");
	assert_string_equal(cursor_id(&m), "id-01");
	press(&m, ":sort state\rg");
	assert_string_equal(cursor_id(&m), "id-43");
	model_data(&m, FEED_SAGAS, "", json_incref(m.panels[FEED_SAGAS].data), false);
	assert_string_equal(cursor_id(&m), "id-43");
	model_done(&m);
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
	    cmocka_unit_test(test_keys_differ),	    cmocka_unit_test(test_cursor_stays),
	    cmocka_unit_test(test_filter_and_sort), cmocka_unit_test(test_drill_down),
	    cmocka_unit_test(test_late_data),	    cmocka_unit_test(test_commands),
	    cmocka_unit_test(test_completion),	    cmocka_unit_test(test_mouse),
	    cmocka_unit_test(test_themes),	    cmocka_unit_test(test_stream),
	    cmocka_unit_test(test_packed),	    cmocka_unit_test(test_ten_thousand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
