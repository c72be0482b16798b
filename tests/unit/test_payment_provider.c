/*
 * What the provider's answers tell the breaker: charges and refunds decide, questions hardly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemons/payment/provider.c"
#include "daemons/payment/reply.c"
#include "daemons/payment/rules.c"

#define OPEN_MS	  3600000
#define THRESHOLD 3

static struct payments app;

static int setup(void **state)
{
	(void)state;
	breaker_init(&app.breaker, THRESHOLD, OPEN_MS);
	atomic_store(&app.charging_fails, false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	breaker_done(&app.breaker);
	return 0;
}

static void tell(bool lookup, enum outcome outcome)
{
	const struct job job = {
	    .kind = JOB_CHARGE, .payment = {.asking = {.lookup = lookup}}, .outcome = outcome};

	tell_breaker(&app, &job);
}

static void fail_until_open(bool lookup, enum outcome outcome)
{
	for (int i = 0; i < THRESHOLD; i++)
		tell(lookup, outcome);
	assert_int_equal(breaker_state(&app.breaker, mono_now()), BREAKER_OPEN);
}

/* The time that it stays open passes, and a probe goes out. */
static void begin_probe(void)
{
	app.breaker.opened.ns -= INT64_C(1000000) * OPEN_MS;
	assert_true(breaker_allow(&app.breaker, mono_now()));
	assert_false(breaker_allow(&app.breaker, mono_now()));
}

static void test_answered_questions_do_not_close_what_charges_opened(void **state)
{
	static const enum outcome failures[] = {OUTCOME_BROKEN, OUTCOME_UNKNOWN};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
		fail_until_open(false, failures[i]);
		begin_probe();
		for (int question = 0; question < 5; question++) {
			tell(true, question % 2 ? OUTCOME_ABSENT : OUTCOME_DONE);
			assert_int_equal(breaker_state(&app.breaker, mono_now()), BREAKER_HALF_OPEN);
			/* One call at a time goes out, so that a charge can be tried. */
			assert_true(breaker_allow(&app.breaker, mono_now()));
			assert_false(breaker_allow(&app.breaker, mono_now()));
		}
		tell(false, failures[i]);
		assert_int_equal(breaker_state(&app.breaker, mono_now()), BREAKER_OPEN);
		begin_probe();
		tell(false, OUTCOME_DONE);
		assert_int_equal(breaker_state(&app.breaker, mono_now()), BREAKER_CLOSED);
	}
}

static void test_answered_questions_do_not_start_the_count_anew(void **state)
{
	(void)state;
	for (int i = 0; i < THRESHOLD; i++) {
		assert_int_equal(breaker_state(&app.breaker, mono_now()), BREAKER_CLOSED);
		tell(false, OUTCOME_BROKEN);
		tell(true, OUTCOME_ABSENT);
	}
	assert_int_equal(breaker_state(&app.breaker, mono_now()), BREAKER_OPEN);
}

static void test_an_answered_question_ends_an_outage(void **state)
{
	(void)state;
	fail_until_open(false, OUTCOME_UNREACHABLE);
	begin_probe();
	tell(true, OUTCOME_DONE);
	assert_int_equal(breaker_state(&app.breaker, mono_now()), BREAKER_CLOSED);
	fail_until_open(true, OUTCOME_UNKNOWN);
	begin_probe();
	tell(true, OUTCOME_ABSENT);
	assert_int_equal(breaker_state(&app.breaker, mono_now()), BREAKER_CLOSED);
}

static void test_a_declined_card_is_an_answer(void **state)
{
	(void)state;
	fail_until_open(false, OUTCOME_BROKEN);
	begin_probe();
	tell(false, OUTCOME_REFUSED);
	assert_int_equal(breaker_state(&app.breaker, mono_now()), BREAKER_CLOSED);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_answered_questions_do_not_close_what_charges_opened),
	    TEST(test_answered_questions_do_not_start_the_count_anew),
	    TEST(test_an_answered_question_ends_an_outage),
	    TEST(test_a_declined_card_is_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
