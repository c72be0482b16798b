/*
 * What is done from the dashboard: the command of each action, reasons, plans, edits, confirmations, and what
 * read-only and protected contexts allow.
 */
#include "tests/unit/tui_fixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_actions),	   cmocka_unit_test(test_plan),
	    cmocka_unit_test(test_edit),	   cmocka_unit_test(test_guarded),
	    cmocka_unit_test(test_copied_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
