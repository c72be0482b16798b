/*
 * notifyd's rules: which event gives a message in which state, addresses, and what becomes of failed
 * deliveries.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "daemons/notify/rules.c"

#define ALL_HEARD (HEARD_CANCELLED_BY_PAYMENT * 2 - 1)

/* The messages that a sequence of news gives. */
static int tell_all(const enum notify_news *news, int n, enum notify_kind *kinds)
{
	int heard = 0, told = 0;

	for (int i = 0; i < n; i++) {
		if (notify_tells(news[i], heard, &kinds[told]))
			told++;
		heard |= notify_heard(news[i]);
	}
	return told;
}

static void test_failure_and_its_cancellation_give_one_message(void **state)
{
	const enum notify_news failed_first[] = {NEWS_CREATED, NEWS_FAILED, NEWS_CANCELLED_BY_PAYMENT};
	const enum notify_news cancelled_first[] = {NEWS_CREATED, NEWS_CANCELLED_BY_PAYMENT, NEWS_FAILED};
	const enum notify_news contact_last[] = {NEWS_FAILED, NEWS_CANCELLED_BY_PAYMENT, NEWS_CREATED};
	enum notify_kind kinds[3] = {0};

	(void)state;
	assert_int_equal(tell_all(failed_first, 3, kinds), 2);
	assert_int_equal(kinds[0], NOTIFY_ORDER_CREATED);
	assert_int_equal(kinds[1], NOTIFY_PAYMENT_FAILED);
	assert_int_equal(tell_all(cancelled_first, 3, kinds), 2);
	assert_int_equal(kinds[1], NOTIFY_PAYMENT_FAILED);
	assert_int_equal(tell_all(contact_last, 3, kinds), 1);
	assert_int_equal(kinds[0], NOTIFY_PAYMENT_FAILED);
}

static void test_the_usual_order_gives_three_messages(void **state)
{
	const enum notify_news in_order[] = {NEWS_CREATED, NEWS_COMPLETED, NEWS_READY};
	const enum notify_news overtaken[] = {NEWS_COMPLETED, NEWS_CREATED, NEWS_READY};
	enum notify_kind kinds[3];

	(void)state;
	assert_int_equal(tell_all(in_order, 3, kinds), 3);
	assert_int_equal(tell_all(overtaken, 3, kinds), 3);
}

/* Total over news and states: nothing twice, nothing of an order after its cancellation. */
static void test_every_state_and_news(void **state)
{
	(void)state;
	for (int heard = 0; heard <= ALL_HEARD; heard++) {
		for (int n = NEWS_NONE; n < NEWS_COUNT; n++) {
			enum notify_news news = (enum notify_news)n;
			enum notify_kind kind;
			bool tells = notify_tells(news, heard, &kind);

			if (news == NEWS_NONE || news == NEWS_CANCELLED_BY_PAYMENT)
				assert_false(tells);
			else if (news == NEWS_LOW)
				assert_true(tells);
			else if ((heard & (notify_heard(news) | HEARD_CANCELLED)) != 0)
				assert_false(tells);
			else if (heard == 0)
				assert_true(tells);
			if (tells)
				assert_true(kind < NOTIFY_MESSAGE);
		}
	}
}

static void test_news_of_events(void **state)
{
	int wanted = 0;

	(void)state;
	for (int t = 0; t < EVENT_TYPE_COUNT; t++)
		wanted += notify_news((enum event_type)t, NULL) != NEWS_NONE;
	assert_int_equal(wanted, 6);
	assert_int_equal(notify_news(EVENT_ORDER_CANCELLED, "paymentd"), NEWS_CANCELLED_BY_PAYMENT);
	assert_int_equal(notify_news(EVENT_ORDER_CANCELLED, "customer"), NEWS_CANCELLED);
	assert_int_equal(notify_news(EVENT_ORDER_CANCELLED, NULL), NEWS_CANCELLED);
	assert_int_equal(notify_news(EVENT_ORDER_PAID, NULL), NEWS_NONE);
}

static void test_words(void **state)
{
	enum notify_kind kind;
	enum notify_channel channel;

	(void)state;
	for (int k = 0; k < NOTIFY_KIND_COUNT; k++) {
		assert_true(notify_kind_parse(notify_kinds[k], &kind));
		assert_int_equal(kind, k);
	}
	assert_false(notify_kind_parse("pizza", &kind));
	assert_true(notify_channel_parse("sms", &channel));
	assert_int_equal(channel, CHANNEL_SMS);
	assert_false(notify_channel_parse("", &channel));
}

static void test_addresses(void **state)
{
	(void)state;
	assert_true(notify_email_valid("ivan@example.com"));
	assert_true(notify_email_valid("operator@localhost"));
	assert_true(notify_email_valid("a.b+c@d-e.org"));
	assert_false(notify_email_valid(""));
	assert_false(notify_email_valid("ivan"));
	assert_false(notify_email_valid("@example.com"));
	assert_false(notify_email_valid("ivan@"));
	assert_false(notify_email_valid("a@b@c"));
	assert_false(notify_email_valid("ivan@example.com\r\nBcc: all@example.com"));
	assert_false(notify_email_valid("ivan@example.com>"));
	assert_false(notify_email_valid("ivan ivanov@example.com"));
	assert_false(notify_email_valid("\xd0\xb8@example.com"));
	assert_true(notify_phone_valid("+79001234567"));
	assert_false(notify_phone_valid("79001234567"));
	assert_false(notify_phone_valid("+7900"));
	assert_false(notify_phone_valid("+7900123456789012"));
	assert_false(notify_phone_valid("+7900123x567"));
	assert_false(notify_phone_valid(""));
}

static void test_settling(void **state)
{
	struct notify_verdict v = notify_settle(OUTCOME_SENT, 2, 8);

	(void)state;
	assert_string_equal(v.status, "sent");
	assert_int_equal(v.attempts, 3);
	v = notify_settle(OUTCOME_REFUSED, 0, 8);
	assert_string_equal(v.status, "failed");
	v = notify_settle(OUTCOME_TROUBLE, 6, 8);
	assert_string_equal(v.status, "pending");
	assert_int_equal(v.attempts, 7);
	assert_true(v.retry_in_ms > 0);
	v = notify_settle(OUTCOME_TROUBLE, 7, 8);
	assert_string_equal(v.status, "failed");
	v = notify_settle(OUTCOME_UNREACHABLE, 7, 8); /* an outage uses up no attempt */
	assert_string_equal(v.status, "pending");
	assert_int_equal(v.attempts, 7);
	assert_true(v.retry_in_ms > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_failure_and_its_cancellation_give_one_message),
	    cmocka_unit_test(test_the_usual_order_gives_three_messages),
	    cmocka_unit_test(test_every_state_and_news),
	    cmocka_unit_test(test_news_of_events),
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_settling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
