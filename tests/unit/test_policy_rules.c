/*
 * The failure policy's decisions: classes of the error table, tries, delays, a consumer's own settings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/config/config.h"
#include "core/service/policy.h"

static const struct policy three = {.retries = 3, .base_ms = 5000};

static void outages_consume_no_try(void **state)
{
	(void)state;
	for (int tries = 1; tries < 100; tries += 7) {
		assert_int_equal(policy_verdict(&three, ERR_UNAVAILABLE, tries), VERDICT_PAUSE);
		assert_int_equal(policy_verdict(&three, ERR_NOT_YET, tries), VERDICT_PAUSE);
		assert_int_equal(policy_verdict(&three, ERR_UNKNOWN, tries), VERDICT_PAUSE);
		assert_int_equal(policy_verdict(&three, ERR_LEASE_LOST, tries), VERDICT_PAUSE);
	}
}

static void what_is_permanent_is_buried_at_once(void **state)
{
	(void)state;
	assert_int_equal(policy_verdict(&three, ERR_MALFORMED, 1), VERDICT_BURY);
	assert_int_equal(policy_verdict(&three, ERR_INVALID, 1), VERDICT_BURY);
	assert_int_equal(policy_verdict(&three, ERR_BUG, 1), VERDICT_BURY);
	assert_int_equal(policy_verdict(&three, ERR_CONFLICT, 1), VERDICT_BURY);
}

static void what_is_transient_has_its_tries(void **state)
{
	const struct policy none = {.retries = 0, .base_ms = 1};

	(void)state;
	for (int tries = 1; tries <= 3; tries++)
		assert_int_equal(policy_verdict(&three, ERR_TRANSIENT, tries), VERDICT_RETRY);
	assert_int_equal(policy_verdict(&three, ERR_TRANSIENT, 4), VERDICT_BURY);
	assert_int_equal(policy_verdict(&none, ERR_FAILED, 1), VERDICT_BURY);
}

static void every_code_has_a_verdict(void **state)
{
	(void)state;
	for (int code = -1; code > -ERR_NUMBER_COUNT; code--) {
		enum verdict v = policy_verdict(&three, code, 1);

		assert_true(v == VERDICT_PAUSE || v == VERDICT_RETRY || v == VERDICT_BURY);
	}
}

static void delays_double_with_jitter(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		assert_in_range(policy_delay_ms(&three, 1), 2500, 5000);
		assert_in_range(policy_delay_ms(&three, 2), 5000, 10000);
		assert_in_range(policy_delay_ms(&three, 3), 10000, 20000);
		assert_in_range(policy_delay_ms(&three, 60), 1800000, 3600000);
	}
}

static void a_consumer_may_have_its_own(void **state)
{
	const struct daemon_info *order = &daemons[DAEMON_ORDER], *notify = &daemons[DAEMON_NOTIFY];
	struct error err;

	(void)state;
	assert_int_equal(config_load("/dev/null", &err), 0);
	assert_int_equal(policy_of(order).retries, 3);
	assert_int_equal(policy_of(order).base_ms, 5000);
	assert_int_equal(config_override("order.consumer_retries", "0", &err), 0);
	assert_int_equal(config_override("order.consumer_backoff", "1s", &err), 0);
	assert_int_equal(policy_of(order).retries, 0);
	assert_int_equal(policy_of(order).base_ms, 1000);
	assert_int_equal(policy_of(notify).retries, 3);
	assert_int_equal(config_override("consumer.retries", "7", &err), 0);
	assert_int_equal(policy_of(order).retries, 0);
	assert_int_equal(policy_of(notify).retries, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(outages_consume_no_try),
	    cmocka_unit_test(what_is_permanent_is_buried_at_once),
	    cmocka_unit_test(what_is_transient_has_its_tries),
	    cmocka_unit_test(every_code_has_a_verdict),
	    cmocka_unit_test(delays_double_with_jitter),
	    cmocka_unit_test(a_consumer_may_have_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
