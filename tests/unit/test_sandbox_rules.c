/*
 * The sandbox's decisions: methods, faults, refunds, the search language, numbers; keys in flight; held
 * replies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "daemons/sandbox/hold.c"
#include "daemons/sandbox/keys.c"
#include "daemons/sandbox/rules.c"

/* --- methods --- */

static void test_methods(void **state)
{
	(void)state;
	assert_string_equal(intent_status(test_method_find("pm_card_visa"), false), "succeeded");
	assert_string_equal(intent_status(test_method_find("pm_card_visa"), true), "requires_payment_method");
	assert_string_equal(intent_status(test_method_find("pm_usBankAccount"), false), "processing");
	assert_string_equal(intent_status(test_method_find("pm_card_chargeDeclined"), false),
			    "requires_payment_method");
	assert_string_equal(test_method_find("pm_card_chargeDeclinedInsufficientFunds")->decline_code,
			    "insufficient_funds");
	assert_string_equal(test_method_find("pm_card_chargeDeclinedExpiredCard")->code, "expired_card");
	assert_string_equal(test_method_declined()->decline_code, "generic_decline");
	assert_null(test_method_find("pm_card_nonsense"));
}

/* --- faults --- */

static int read_faults(const char *text, struct fault_set *faults, struct error *err)
{
	json_t *j = json_loads(text, 0, NULL);
	int rc = faults_read(j, faults, err);

	json_decref(j);
	return rc;
}

static void test_faults_read(void **state)
{
	struct fault_set faults = {.decline = 0.5};
	struct error err;
	json_t *j;

	(void)state;
	assert_int_equal(read_faults("{\"error_5xx\":1,\"delay_ms\":20,\"delay_rate\":0.25}", &faults, &err),
			 0);
	assert_true(faults.decline == 0.5 && faults.error_5xx == 1 && faults.delay_rate == 0.25);
	assert_int_equal(faults.delay_ms, 20);
	assert_int_equal(read_faults("{\"decline\":0,\"error_5xx\":1.5}", &faults, &err), ERR_INVALID);
	assert_string_equal(err.what, "error_5xx");
	assert_true(faults.decline == 0.5); /* all or nothing */
	assert_int_equal(read_faults("{\"delay_ms\":-1}", &faults, &err), ERR_INVALID);
	assert_int_equal(read_faults("{\"decline\":\"1\"}", &faults, &err), ERR_INVALID);
	assert_int_equal(read_faults("{\"surprise\":1}", &faults, &err), ERR_INVALID);
	j = faults_json(&faults);
	assert_int_equal(json_object_size(j), 6);
	json_decref(j);
}

static void test_faults_decide(void **state)
{
	struct fault_set none = {0}, all = {1, 0, 1, 1, 1, 30};
	struct fault_draws low = {0};
	struct fault_verdict v;

	(void)state;
	v = faults_decide(&none, &low);
	assert_false(v.broken || v.broken_after || v.decline || v.lose_reply || v.delay_ms != 0);
	v = faults_decide(&all, &low);
	assert_true(v.decline && v.lose_reply && v.delay_ms == 30);
	assert_false(v.broken || v.broken_after); /* a decline is an answer */
	all.error_5xx = 1;
	v = faults_decide(&all, &low);
	assert_true(v.broken);
	assert_false(v.decline || v.lose_reply); /* nothing was charged */
	all = (struct fault_set){.error_5xx_after_charge = 0.5};
	low.error_5xx_after_charge = 0.5;
	assert_false(faults_decide(&all, &low).broken_after);
	low.error_5xx_after_charge = 0.49;
	assert_true(faults_decide(&all, &low).broken_after);
}

/* --- refunds --- */

static void test_refunds(void **state)
{
	int64_t amount = 0;

	(void)state;
	assert_int_equal(refund_decide("succeeded", 100, 0, 0, &amount), REFUND_OK);
	assert_int_equal(amount, 100);
	assert_int_equal(refund_decide("succeeded", 100, 30, 0, &amount), REFUND_OK);
	assert_int_equal(amount, 70);
	assert_int_equal(refund_decide("succeeded", 100, 30, 70, &amount), REFUND_OK);
	assert_int_equal(refund_decide("succeeded", 100, 30, 71, &amount), REFUND_TOO_MUCH);
	assert_int_equal(refund_decide("succeeded", 100, 100, 0, &amount), REFUND_ALREADY);
	assert_int_equal(refund_decide("processing", 100, 0, 0, &amount), REFUND_UNPAID);
	assert_int_equal(refund_decide("requires_payment_method", 100, 0, 0, &amount), REFUND_UNPAID);
}

/* --- search --- */

static int search(const char *query, char order[40], char status[32])
{
	struct error err;

	return search_parse(query, order, 40, status, 32, &err);
}

static void test_search(void **state)
{
	char order[40], status[32];

	(void)state;
	assert_int_equal(search("metadata['order_id']:'abc'", order, status), 0);
	assert_string_equal(order, "abc");
	assert_string_equal(status, "");
	assert_int_equal(search(" status:\"succeeded\" AND metadata[\"order_id\"]:\"x y\" ", order, status),
			 0);
	assert_string_equal(order, "x y");
	assert_string_equal(status, "succeeded");
	assert_int_equal(search("", order, status), ERR_INVALID);
	assert_int_equal(search("status:'succeeded'", order, status), ERR_INVALID);
	assert_int_equal(search("metadata['order_id']:'abc", order, status), ERR_INVALID);
	assert_int_equal(search("metadata['order_id']:abc", order, status), ERR_INVALID);
	assert_int_equal(search("metadata['order_id']:'a' OR status:'b'", order, status), ERR_INVALID);
	assert_int_equal(search("amount>100", order, status), ERR_INVALID);
	assert_int_equal(
	    search("metadata['order_id']:'0123456789012345678901234567890123456789'", order, status),
	    ERR_INVALID);
}

/* --- SMS --- */

static void test_sms(void **state)
{
	static const struct {
		const char *to, *from, *body;
		int code;
	} cases[] = {
	    {"+79001234567", "+15005550006", "Your pizza", 0},
	    {"+15005550001", "+15005550006", "x", 21211},
	    {"+15005550009", "+15005550006", "x", 21614},
	    {"89001234567", "+15005550006", "x", 21211},
	    {"+0", "+15005550006", "x", 21211},
	    {"+7900123456789012", "+15005550006", "x", 21211},
	    {"+7 900 123", "+15005550006", "x", 21211},
	    {NULL, "+15005550006", "x", 21604},
	    {"+79001234567", NULL, "x", 21603},
	    {"+79001234567", "+15005550006", "", 21602},
	    {"+79001234567", "+15005550001", "x", 21212},
	    {"+79001234567", "+15005550008", "x", 21611},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(sms_check(cases[i].to, cases[i].from, cases[i].body).code, cases[i].code);
	assert_int_equal(sms_declined().code, 21610);
}

/* --- keys in flight --- */

static void test_keys(void **state)
{
	struct keys *k = keys_new();
	char key[32];

	(void)state;
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "order-%d:charge:1", i);
		assert_true(keys_begin(k, key));
		assert_false(keys_begin(k, key));
	}
	keys_end(k, "order-7:charge:1");
	keys_end(k, "unknown");
	assert_true(keys_begin(k, "order-7:charge:1"));
	assert_false(keys_begin(k, "order-8:charge:1"));
	keys_free(k);
}

/* --- held replies --- */

static int released[64];
static int release_count;
static pthread_mutex_t release_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t release_cond = PTHREAD_COND_INITIALIZER;

static void note(void *item)
{
	pthread_mutex_lock(&release_lock);
	released[release_count++] = (int)(intptr_t)item;
	pthread_cond_signal(&release_cond);
	pthread_mutex_unlock(&release_lock);
}

static void wait_released(int n)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	pthread_mutex_lock(&release_lock);
	while (release_count < n)
		assert_int_equal(pthread_cond_timedwait(&release_cond, &release_lock, &until), 0);
	pthread_mutex_unlock(&release_lock);
}

static struct hold *new_hold(int max, bool (*hurry)(void *), void *arg)
{
	struct hold_options options = {max, note, hurry, arg};
	struct hold *h = NULL;
	struct error err;

	release_count = 0;
	assert_int_equal(hold_new(&options, &h, &err), 0);
	return h;
}

static void test_hold_order(void **state)
{
	static const int order[] = {5, 3, 9, 1, 7, 2, 8, 4, 6, 0};
	struct mono now = mono_now();
	struct hold *h = new_hold(100, NULL, NULL);

	(void)state;
	/* Nothing behind the first is released before all are there, however long that takes. */
	pthread_mutex_lock(&release_lock);
	hold_add(h, now, (void *)(intptr_t)-1);
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		hold_add(h, mono_add_ms(now, 50 + 3 * order[i]), (void *)(intptr_t)order[i]);
	pthread_mutex_unlock(&release_lock);
	wait_released(11);
	for (int i = 0; i < 11; i++)
		assert_int_equal(released[i], i - 1);
	assert_true(mono_since_ms(now) >= 76); /* to the millisecond */
	hold_free(h);
}

static void test_hold_limits(void **state)
{
	struct mono far = mono_add_ms(mono_now(), 3600000);
	struct hold *h = new_hold(2, NULL, NULL);

	(void)state;
	for (int i = 0; i < 5; i++)
		hold_add(h, mono_add_ms(far, i), (void *)(intptr_t)i);
	wait_released(3); /* the earliest go */
	for (int i = 0; i < 3; i++)
		assert_int_equal(released[i], i);
	hold_free(h); /* and the rest when it ends */
	assert_int_equal(release_count, 5);
}

static bool stopping(void *arg)
{
	return atomic_load((atomic_bool *)arg);
}

static void test_hold_hurry(void **state)
{
	struct mono far = mono_add_ms(mono_now(), 3600000);
	atomic_bool stop = false;
	struct hold *h = new_hold(10, stopping, &stop);

	(void)state;
	hold_add(h, far, (void *)1);
	hold_add(h, far, (void *)2);
	atomic_store(&stop, true);
	wait_released(2);
	hold_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_methods),	  cmocka_unit_test(test_faults_read),
	    cmocka_unit_test(test_faults_decide), cmocka_unit_test(test_refunds),
	    cmocka_unit_test(test_search),	  cmocka_unit_test(test_sms),
	    cmocka_unit_test(test_keys),	  cmocka_unit_test(test_hold_order),
	    cmocka_unit_test(test_hold_limits),	  cmocka_unit_test(test_hold_hurry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
