/*
 * The dashboard's screens as text: recorded data, keystrokes, a clock that stands, sizes from 40×10 to
 * 300×100, UTF-8 and ASCII, stale data and data that means harm.
 */
#include "tests/unit/tui_fixture.h"

#include <math.h>
#include <time.h>
#include <wchar.h>

static const struct {
	int width, height;
} sizes[] = {{1, 1}, {12, 4}, {40, 10}, {80, 24}, {132, 40}, {300, 100}};

static void test_overview(void **state)
{
	struct model m;

	(void)state;
	start(&m, 100, 30);
	model_clock(&m, NOW + 2000000); /* traffic takes two looks */
	model_data(
	    &m, FEED_TOPICS, "",
	    parse("[{'topic':'order-events','messages':49034},{'topic':'payment-events','messages':23012}]"),
	    false);
	assert_golden(&m, "overview-100x30", true);
	model_resize(&m, 132, 40);
	assert_golden(&m, "overview-132x40", true);
	model_resize(&m, 80, 24);
	assert_golden(&m, "overview-80x24", true);
	model_resize(&m, 40, 10);
	assert_golden(&m, "overview-40x10", true);
	model_done(&m);
}

/* One cause is one alert, with what cannot be told because of it. */
static void test_alerts(void **state)
{
	struct model m;
	struct error err;

	(void)state;
	start(&m, 132, 40);
	error_set(&err, ERR_UNAVAILABLE, "Kafka", "cannot be reached");
	model_failed(&m, FEED_LAG, "", &err);
	model_failed(&m, FEED_TOPICS, "", &err);
	assert_shows(&m, "✗ error  no lag, no topics: Kafka: cannot be reached");
	model_data(&m, FEED_STATUS, "",
		   parse("[{'name':'kafka','state':'down','reason':'ended with status 1'}]"), false);
	assert_shows(&m, "✗ error  kafka is down: ended with status 1; no lag, no topics");
	assert_hides(&m, "cannot be reached");
	model_data(&m, FEED_OUTBOX, "",
		   parse("[{'database':'pizza_order','unpublished':1030,'oldest_age_ms':24000},"
			 "{'database':'pizza_menu','unpublished':0,'oldest_age_ms':0},"
			 "{'database':'pizza_notify','unpublished':4,'oldest_age_ms':30000}]"),
		   false);
	assert_shows(&m, "1 034 events are not published, the oldest for 30.0 s: pizza_order, pizza_notify");
	model_done(&m);
	model_init(&m, "shop", false, false);
	model_resize(&m, 132, 40);
	assert_shows(&m, "waiting for data");
	assert_hides(&m, "all is well");
	model_done(&m);
}

/* The curve of ten seconds, as a card beside the others and alone. */
static void test_kitchen(void **state)
{
	struct model m;

	(void)state;
	start(&m, 132, 40);
	press(&m, "3");
	for (int i = 1; i <= 60; i++) {
		json_t *hardware = parse(recorded[FEED_HW]);
		double celsius = 320 - 300 * exp(-i / 12.0) + i % 5;

		json_object_set_new(json_array_get(hardware, 0), "temperature_c", json_real(celsius));
		model_clock(&m, NOW + i * INT64_C(1000000));
		model_data(&m, FEED_HW, "", hardware, false);
	}
	model_data(&m, FEED_KITCHEN, "", parse(recorded[FEED_KITCHEN]), false);
	model_data(&m, FEED_TICKETS, "", parse(recorded[FEED_TICKETS]), false);
	assert_golden(&m, "kitchen-132x40", true);
	assert_shows(&m, "timer-1  ● oven-1/1    2.10 s");
	assert_shows(&m, "timer-2  ✗ silent");
	press(&m, "____!"); /* a timer can be mended, too */
	assert_shows(&m, "pizzactl hw clear timer-2");
	press(&m, "\033gF"); /* the faults that it may have */
	assert_shows(&m, " heater-dead  thermostat-stuck ");
	press(&m, "door\t");
	assert_string_equal(m.input, "door-open");
	press(&m, "\033____F");
	assert_hides(&m, "thermostat-stuck");
	press(&m, "\033g");
	model_resize(&m, 80, 24);
	assert_golden(&m, "kitchen-80x24", true);
	assert_golden(&m, "kitchen-ascii", false);
	model_resize(&m, 40, 10);
	assert_golden(&m, "kitchen-40x10", true);
	model_done(&m);
}

/* All that a list has not the room for; a kitchen that has more to do than it can. */
static void test_details(void **state)
{
	struct model m;
	json_t *board;

	(void)state;
	start(&m, 80, 24);
	press(&m, "Pi");
	assert_shows(&m, " payments › details 01939b1c-7f3b-7c22-9a54-2f1e0c5d8b12");
	assert_shows(&m, "1 200.00 RUB");
	assert_shows(&m, "provider_id     pi_3Qabc");
	press(&m, "\033MiG");
	assert_shows(&m, "\"status\": \"failed\"");
	press(&m, "1");
	assert_hides(&m, "the kitchen is behind");
	board = parse(recorded[FEED_KITCHEN]);
	json_object_set_new(board, "queued", json_integer(22900));
	model_data(&m, FEED_KITCHEN, "", board, false);
	press(&m, "/behind\r");
	assert_shows(&m, "the kitchen is behind: 22 900 pizzas wait");
	press(&m, "\r");
	assert_string_equal(m.panels[FEED_TICKETS].subject, "queued");
	model_done(&m);
}

static void test_sagas(void **state)
{
	struct model m;

	(void)state;
	start(&m, 80, 24);
	press(&m, "2");
	assert_golden(&m, "sagas-80x24", true);
	press(&m, "\r");
	assert_golden(&m, "saga-80x24", true);
	model_resize(&m, 132, 40);
	assert_golden(&m, "saga-132x40", true);
	model_resize(&m, 40, 10);
	assert_golden(&m, "saga-40x10", true);
	model_done(&m);
}

static void test_others(void **state)
{
	static const struct {
		const char *keys, *name;
	} screens_shown[] = {{"4", "lag"},	     {"5", "dlq"},	{"5\r", "letters"},
			     {"5\r\r", "letter"},    {"6", "topics"},	{"6\r", "messages"},
			     {"7", "orders"},	     {"8", "services"}, {"8_\r", "service"},
			     {"9", "hosts"},	     {"0", "logs"},	{"0\r", "line"},
			     {"?", "help"},	     {"P", "payments"}, {"I", "inventory"},
			     {"M", "notifications"}, {"H", "heatmap"},	{"2cno cheese\r", "confirm"},
			     {"2S", "steps"},	     {"5J", "jobs"},	{"3\r", "tickets"},
			     {"5\r!", "actions"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(screens_shown); i++) {
		struct model m;

		start(&m, 80, 24);
		press(&m, screens_shown[i].keys);
		assert_golden(&m, screens_shown[i].name, true);
		model_done(&m);
	}
}

static void test_ascii(void **state)
{
	struct model m;

	(void)state;
	start(&m, 100, 30);
	assert_golden(&m, "overview-ascii", false);
	press(&m, "2\r");
	assert_golden(&m, "saga-ascii", false);
	model_done(&m);
}

/* Columns of the widest line. */
static int widest_line(const char *text)
{
	mbstate_t at = {0};
	int widest = 0, columns = 0;
	wchar_t c;

	for (size_t n; (n = mbrtowc(&c, text, 8, &at)) > 0 && n < (size_t)-2; text += n) {
		columns = c == L'\n' ? 0 : columns + (wcwidth(c) > 0 ? wcwidth(c) : 0);
		widest = columns > widest ? columns : widest;
	}
	return widest;
}

static void check_dump(struct model *m, bool utf8)
{
	char *text = screen_text(m, utf8);
	int lines = 0;

	for (const char *p = text; *p != '\0'; p++) {
		lines += *p == '\n';
		assert_true(*p == '\n' || (unsigned char)*p >= 0x20);
		assert_true(utf8 || (unsigned char)*p < 0x80);
	}
	assert_int_equal(lines, m->height);
	assert_true(widest_line(text) <= m->width);
	free(text);
}

/* Each screen in each size and mode, with data, without, and with a failure. */
static void test_every_size(void **state)
{
	static const char *const modes[] = {"", "?", "!", ":abc", "/x"};

	(void)state;
	for (int i = 0; screens[i] != NULL; i++)
		for (size_t k = 0; k < ARRAY_LEN(sizes) * ARRAY_LEN(modes); k++) {
			struct error err = {ERR_UNAVAILABLE, "Kafka", "cannot be reached", "see status"};
			struct model m;

			start(&m, sizes[k % ARRAY_LEN(sizes)].width, sizes[k % ARRAY_LEN(sizes)].height);
			model_show(&m, screens[i], screens[i]->detail ? "orderd" : "");
			check_dump(&m, true);
			feed_all(&m);
			press(&m, modes[k / ARRAY_LEN(sizes)]);
			check_dump(&m, true);
			check_dump(&m, false);
			for (int f = 0; f < FEED_COUNT; f++)
				model_failed(&m, (enum feed_id)f, m.panels[f].subject, &err);
			check_dump(&m, true);
			model_done(&m);
		}
}

static void test_stale(void **state)
{
	struct error err = {ERR_UNAVAILABLE, "Kafka", "cannot be reached at 127.0.0.1:5092", ""};
	struct model m;

	(void)state;
	start(&m, 100, 30);
	press(&m, "4");
	assert_shows(&m, "0 s old");
	model_failed(&m, FEED_LAG, "", &err);
	model_clock(&m, NOW + INT64_C(34000000));
	assert_shows(&m, "✗ lag STALE 34 s, trying again");
	assert_shows(&m, "812"); /* what was known stays */
	model_data(&m, FEED_LAG, "", parse(recorded[FEED_LAG]), false);
	assert_shows(&m, "0 s old");
	/* A backend that says nothing at all is stale, too. */
	model_clock(&m, NOW + INT64_C(94000000));
	assert_shows(&m, "STALE 1m00s");
	press(&m, "1");
	assert_shows(&m, "flow ✗ STALE 1m00s");
	model_done(&m);
}

/* The read model answers while nobody fills it. */
static void test_cut_off(void **state)
{
	struct model m;

	(void)state;
	start(&m, 100, 30);
	press(&m, "2");
	model_data(&m, FEED_STATUS, "", parse("[{'name':'aggregatord','state':'down','reason':''}]"), false);
	assert_shows(&m, "nothing new comes: aggregatord does not run");
	model_done(&m);
}

static void test_never_there(void **state)
{
	struct error err = {ERR_UNAVAILABLE, "dlqd", "cannot be reached", "see pizzactl status dlqd"};
	struct model m;

	(void)state;
	setlocale(LC_CTYPE, "C.UTF-8");
	model_init(&m, "shop", false, false);
	model_resize(&m, 100, 30);
	model_clock(&m, NOW);
	keys_press(&m, '5');
	assert_shows(&m, "waiting for data");
	model_failed(&m, FEED_LETTER_GROUPS, "", &err);
	assert_shows(&m, "dlqd: cannot be reached");
	assert_shows(&m, "see pizzactl status dlqd");
	assert_shows(&m, "dead letters not there, trying again");
	model_done(&m);
}

static void test_harmless(void **state)
{
	struct model m;

	(void)state;
	start(&m, 100, 30);
	press(&m, "2");
	model_data(
	    &m, FEED_SAGAS, "",
	    parse(
		"[{'order_id':'a','state':'paid\\u001b[31m','customer_name':'\\u202egnp.exe',"
		"'started_at':'x','steps':-5},"
		"{'order_id':'b','state':'山田','awaiting':'e\\u0301','customer_name':'👩‍🍳 ok'}]"),
	    false);
	check_dump(&m, true);
	check_dump(&m, false);
	assert_shows(&m, "paid\\x1b[31m");
	assert_shows(&m, "\\u{202e}gnp.exe");
	model_done(&m);
}

/* A line as long as a book takes no longer to draw than any other. */
static void test_endless_line(void **state)
{
	static const char *const then[] = {"", "\r"};
	size_t len = 1 << 20;
	char *text = xcalloc(1, len + 1);

	(void)state;
	for (size_t i = 0; i < len; i++)
		text[i] = "я"[i % 2];
	for (size_t i = 0; i < ARRAY_LEN(then); i++) {
		json_t *rows = json_array();
		struct model m;
		clock_t begun;

		start(&m, 132, 40);
		press(&m, "0");
		for (int k = 0; k < 30; k++)
			json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s}", "ts",
							      "2026-11-21T12:30:01.114000Z", "level", "info",
							      "service", "postgres", "msg", text));
		model_data(&m, FEED_LOGS, m.panels[FEED_LOGS].subject, rows, false);
		press(&m, then[i]);
		begun = clock();
		assert_shows(&m, "яяяяяяяя");
		assert_true((double)(clock() - begun) / CLOCKS_PER_SEC < 2); /* with sanitizers */
		model_done(&m);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_overview),	 cmocka_unit_test(test_alerts),
	    cmocka_unit_test(test_sagas),	 cmocka_unit_test(test_kitchen),
	    cmocka_unit_test(test_details),	 cmocka_unit_test(test_others),
	    cmocka_unit_test(test_ascii),	 cmocka_unit_test(test_stale),
	    cmocka_unit_test(test_never_there),	 cmocka_unit_test(test_cut_off),
	    cmocka_unit_test(test_harmless),	 cmocka_unit_test(test_every_size),
	    cmocka_unit_test(test_endless_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
