/*
 * Timelines: bars, pauses taken out of the axis, what fits where, and what a saga waits for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <locale.h>
#include <string.h>

#include "cli/human.c"
#include "cli/timeline.c"

#define START INT64_C(1795264201114000) /* 2026-11-21T12:30:01.114Z */

static struct saga_event events[4];

/* An order of three steps: at 0, from 0 to 10 ms, and from `later` ms on for 10 ms. */
static struct saga make_saga(int64_t later_ms)
{
	static struct saga_event notes[1];
	struct saga s = {.state = "paid", .started_us = START, .updated_us = START + (later_ms + 10) * 1000};

	memset(events, 0, sizeof(events));
	s.row = json_pack("{s:s, s:i, s:i, s:s, s:s}", "customer_name", "Ivan \033[31m", "item_count", 2,
			  "total_amount", 120000, "currency", "RUB", "correlation_id", "c");
	events[0] = (struct saga_event){.at_us = START,
					.from_us = START,
					.event_type = "OrderCreated",
					.topic = "order-events",
					.daemon = "orderd",
					.partition = 3};
	events[1] = (struct saga_event){.at_us = START + 10000,
					.from_us = START,
					.event_type = "StockReserved",
					.topic = "inventory-events",
					.daemon = "inventoryd",
					.offset = 7};
	events[2] = (struct saga_event){.at_us = START + (later_ms + 10) * 1000,
					.from_us = START + later_ms * 1000,
					.event_type = "OrderPaid",
					.topic = "order-events",
					.daemon = "orderd",
					.offset = 8};
	s.steps = (struct saga_events){events, 3};
	s.notifications = (struct saga_events){notes, 0};
	return s;
}

static char *draw(const struct saga *s, int width, bool utf8, const char *why)
{
	struct timeline_style style = {.width = width, .utf8 = utf8};
	struct buf out = {0};

	timeline_draw(&out, s, s->updated_us + 34 * 1000000, why, &style);
	return buf_take(&out);
}

static void check_bar(int64_t from, int64_t at, int64_t total, bool utf8, const char *wanted)
{
	CLEANUP(buf_done) struct buf out = {0};

	timeline_bar(&out, from, at, total, 4, utf8);
	assert_string_equal(buf_str(&out), wanted);
}

static void test_bars(void **state)
{
	(void)state;
	check_bar(0, 400, 400, true, "████");
	check_bar(0, 0, 400, true, "▏   ");
	check_bar(400, 400, 400, true, "   █");
	check_bar(100, 250, 400, true, " █▌ ");
	check_bar(0, 0, 0, true, "▏   ");
	check_bar(100, 250, 400, false, " == ");
	check_bar(0, 1, 400, false, "=   ");
}

static void test_draw(void **state)
{
	struct saga s = make_saga(10);
	AUTO_FREE char *text = draw(&s, 0, true, "");

	(void)state;
	assert_non_null(strstr(text, "Order 00000000-0000-0000-0000-000000000000   paid   Ivan \\x1b[31m   2 "
				     "pizzas   1 200.00 RUB\n"));
	assert_non_null(strstr(text, "started 2026-11-21 12:30:01.114Z   took 20 ms   correlation c\n"));
	assert_non_null(strstr(text, "    +0 ms │ OrderCreated   orderd      ▏"));
	assert_non_null(strstr(text, "   +10 ms │ StockReserved  inventoryd  ████████████████████ "));
	assert_non_null(strstr(text, "inventory-events/0@7\n"));
	assert_null(strstr(text, "later"));
	assert_null(strstr(text, "waiting"));
	json_decref(s.row);
}

/* A pause in which nothing was under way is told and takes no room. */
static void test_pause(void **state)
{
	struct saga s = make_saga(60000);
	AUTO_FREE char *text = draw(&s, 0, true, "");

	(void)state;
	assert_non_null(strstr(text, "┆ 60.0 s later\n"));
	assert_non_null(strstr(
	    text, "  +1m00s │ OrderPaid      orderd                          ████████████████████  10 ms"));
	json_decref(s.row);
}

static void test_narrow_and_ascii(void **state)
{
	struct saga s = make_saga(10);
	AUTO_FREE char *text = draw(&s, 60, false, "");

	(void)state;
	for (const char *p = strstr(text, "    +0 ms"); *p != '\0';) {
		size_t len = strcspn(p, "\n");

		assert_true(len <= 60);
		for (size_t i = 0; i < len; i++)
			assert_true((unsigned char)p[i] < 0x80);
		p += len + 1;
	}
	assert_null(strstr(text, "inventory-events/"));
	json_decref(s.row);
}

static void test_waiting(void **state)
{
	struct saga s = make_saga(10);
	AUTO_FREE char *text = NULL;

	(void)state;
	s.awaiting = "PaymentCompleted";
	s.daemon = "paymentd";
	s.due = true;
	text = draw(&s, 0, true, "paymentd is down: pizzactl status paymentd");
	assert_non_null(strstr(text, "waiting 34.0 s for PaymentCompleted from paymentd (paymentd is down: "
				     "pizzactl status paymentd)\n"));
	json_decref(s.row);
}

static void test_notifications(void **state)
{
	struct saga s = make_saga(10);
	CLEANUP(buf_done) struct buf out = {0};
	struct saga_event notes[] = {
	    {.event_type = "NotificationSent", .data = json_pack("{s:s}", "channel", "email,sms")},
	    {.event_type = "NotificationSent", .data = json_pack("{s:s}", "channel", "email")},
	    {.event_type = "NotificationFailed", .data = json_pack("{s:s}", "channel", "sms")},
	};

	(void)state;
	s.notifications = (struct saga_events){notes, 3};
	saga_notifications(&s, true, &out);
	assert_string_equal(buf_str(&out), "e-mail sent ×2, sms sent ×1, sms failed ×1");
	for (int i = 0; i < 3; i++)
		json_decref(notes[i].data);
	json_decref(s.row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bars),    cmocka_unit_test(test_draw),
	    cmocka_unit_test(test_pause),   cmocka_unit_test(test_narrow_and_ascii),
	    cmocka_unit_test(test_waiting), cmocka_unit_test(test_notifications),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
