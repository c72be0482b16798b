/*
 * The provider's answers read as outcomes, and what paymentd plans from them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemons/payment/reply.c"
#include "daemons/payment/rules.c"
#include "daemons/payment/settle.c"

static const struct settle_limits limits = {3, {500, 30000}, 0};

static struct job charge_job(void)
{
	struct job job = {.kind = JOB_CHARGE};

	job.payment = (struct payment){
	    .payment_id = uuid_v7(),
	    .order_id = uuid_v7(),
	    .amount = 50000,
	    .currency = "RUB",
	    .method = "card",
	    .status = PAYMENT_PROCESSING,
	    .asking = {.attempt = 1},
	    .seq = 1,
	    .version = 1,
	    .causation_id = uuid_v7(),
	};
	return job;
}

static struct job refund_job(void)
{
	struct job job = charge_job();

	job.kind = JOB_REFUND;
	job.payment.status = PAYMENT_REFUNDING;
	strcpy(job.payment.provider_id, "pi_1");
	job.payment.seq = 2;
	job.refund = (struct refund){
	    .refund_id = uuid_v7(),
	    .payment_id = job.payment.payment_id,
	    .order_id = job.payment.order_id,
	    .amount = job.payment.amount,
	    .asking = {.attempt = 1},
	    .version = 1,
	    .causation_id = uuid_v7(),
	};
	return job;
}

static struct answer read_text(const struct job *job, int status, const char *text)
{
	struct answer a;

	reply_read(job, status, text, strlen(text), &a);
	return a;
}

/* --- answers --- */

static void test_charge_answers(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum outcome outcome;
		const char *id, *reason;
	} cases[] = {
	    {200, "{\"id\":\"pi_1\",\"status\":\"succeeded\"}", OUTCOME_DONE, "pi_1", ""},
	    {200, "{\"id\":\"pi_1\",\"status\":\"processing\"}", OUTCOME_PENDING, "pi_1", ""},
	    {200, "{\"id\":\"pi_1\",\"status\":\"requires_action\"}", OUTCOME_REFUSED, "pi_1",
	     "the provider says requires_action"},
	    {200, "{\"id\":\"pi_1\"}", OUTCOME_UNKNOWN, "", "the provider's answer cannot be understood"},
	    {200, "<html>", OUTCOME_UNKNOWN, "", "the provider's answer cannot be understood"},
	    {200, "", OUTCOME_UNKNOWN, "", "the provider's answer cannot be understood"},
	    {402,
	     "{\"error\":{\"type\":\"card_error\",\"code\":\"card_declined\",\"decline_code\":\"insufficient_"
	     "funds\","
	     "\"message\":\"No money.\",\"payment_intent\":{\"id\":\"pi_2\"}}}",
	     OUTCOME_REFUSED, "pi_2", "insufficient_funds: No money."},
	    {400, "{\"error\":{\"message\":\"No such PaymentMethod\"}}", OUTCOME_REFUSED, "",
	     "No such PaymentMethod"},
	    {401, "{}", OUTCOME_BUSY, "", "the provider answered 401"},
	    {409, "{\"error\":{\"code\":\"idempotency_key_in_use\"}}", OUTCOME_BUSY, "",
	     "idempotency_key_in_use"},
	    {429, "{}", OUTCOME_BUSY, "", "the provider answered 429"},
	    {500, "{}", OUTCOME_BROKEN, "", "the provider answered 500"},
	    {504, "", OUTCOME_BROKEN, "", "the provider answered 504"},
	};
	struct job job = charge_job();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct answer a = read_text(&job, cases[i].status, cases[i].body);

		assert_int_equal(a.outcome, cases[i].outcome);
		assert_string_equal(a.id, cases[i].id);
		assert_string_equal(a.reason, cases[i].reason);
	}
}

static struct answer search(const struct job *job, const char *order, const char *first, const char *second)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "{\"data\":[{\"id\":\"pi_a\",\"status\":\"%s\",\"metadata\":{\"order_id\":\"%s\"}},"
		 "{\"id\":\"pi_b\",\"status\":\"%s\",\"metadata\":{\"order_id\":\"%s\"}}]}",
		 first, order, second, order);
	return read_text(job, 200, text);
}

static void test_lookup_answers(void **state)
{
	struct job job = charge_job();
	char order[UUID_TEXT_SIZE], other[UUID_TEXT_SIZE];

	(void)state;
	job.payment.asking.lookup = true;
	uuid_format(job.payment.order_id, order);
	uuid_format(uuid_v7(), other);
	assert_int_equal(read_text(&job, 200, "{\"data\":[]}").outcome, OUTCOME_ABSENT);
	assert_int_equal(search(&job, order, "requires_payment_method", "canceled").outcome, OUTCOME_ABSENT);
	assert_int_equal(search(&job, order, "processing", "canceled").outcome, OUTCOME_PENDING);
	assert_int_equal(search(&job, order, "processing", "succeeded").outcome, OUTCOME_DONE);
	assert_string_equal(search(&job, order, "processing", "succeeded").id, "pi_b");
	assert_int_equal(search(&job, order, "succeeded", "processing").outcome, OUTCOME_DONE);
	assert_int_equal(search(&job, other, "succeeded", "succeeded").outcome, OUTCOME_ABSENT);
	assert_int_equal(read_text(&job, 200, "{}").outcome, OUTCOME_UNKNOWN);
	/* A refused question says nothing about the money. */
	assert_int_equal(read_text(&job, 400, "{}").outcome, OUTCOME_UNKNOWN);
	assert_int_equal(read_text(&job, 500, "{}").outcome, OUTCOME_BROKEN);
}

static void test_refund_answers(void **state)
{
	struct job job = refund_job();

	(void)state;
	assert_int_equal(read_text(&job, 200, "{\"id\":\"re_1\",\"status\":\"succeeded\"}").outcome,
			 OUTCOME_DONE);
	assert_int_equal(read_text(&job, 200, "{\"id\":\"re_1\",\"status\":\"pending\"}").outcome,
			 OUTCOME_PENDING);
	assert_int_equal(read_text(&job, 200, "{\"id\":\"re_1\",\"status\":\"failed\"}").outcome,
			 OUTCOME_REFUSED);
	assert_int_equal(read_text(&job, 400, "{\"error\":{\"code\":\"charge_already_refunded\"}}").outcome,
			 OUTCOME_DONE);
	assert_int_equal(read_text(&job, 400, "{\"error\":{\"code\":\"amount_too_large\"}}").outcome,
			 OUTCOME_REFUSED);
}

/* --- plans of charges --- */

static void test_completed(void **state)
{
	struct job job = charge_job();
	struct charge_plan plan = {0};
	struct uuid cause = job.payment.causation_id;

	(void)state;
	job.outcome = OUTCOME_DONE;
	job.latency_ms = 12;
	strcpy(job.result_id, "pi_1");
	settle_charge(&job.payment, &job, true, &limits, &plan);
	assert_int_equal(plan.act, SETTLE_COMPLETE);
	assert_int_equal(plan.change.now.status, PAYMENT_COMPLETED);
	assert_string_equal(plan.change.now.provider_id, "pi_1");
	assert_true(plan.change.delay_ms < 0);
	assert_int_equal(plan.change.now.version, 1); /* the guard */
	assert_int_equal(plan.event.type, EVENT_PAYMENT_COMPLETED);
	assert_int_equal(plan.event.seq, 2);
	assert_int_equal(plan.change.now.seq, 2);
	assert_true(uuid_equal(plan.event.cause, cause));
	assert_true(uuid_equal(plan.change.now.causation_id, plan.event.id));
}

static void test_completed_for_a_cancelled_order(void **state)
{
	struct job job = charge_job();
	struct charge_plan plan = {0};

	(void)state;
	job.outcome = OUTCOME_DONE;
	job.payment.cancel_requested = true;
	settle_charge(&job.payment, &job, true, &limits, &plan);
	assert_int_equal(plan.act, SETTLE_COMPLETE_REFUND);
	assert_int_equal(plan.event.type, EVENT_PAYMENT_COMPLETED);
	assert_int_equal(plan.change.now.status, PAYMENT_REFUNDING);
	assert_int_equal(plan.refund.amount, job.payment.amount);
	assert_true(uuid_equal(plan.refund.causation_id, plan.event.id));
}

static void test_failed(void **state)
{
	struct job job = charge_job();
	struct charge_plan plan = {0};

	(void)state;
	job.outcome = OUTCOME_REFUSED;
	strcpy(job.reason, "insufficient_funds: No money.");
	settle_charge(&job.payment, &job, true, &limits, &plan);
	assert_int_equal(plan.act, SETTLE_FAIL);
	assert_int_equal(plan.change.now.status, PAYMENT_FAILED);
	assert_int_equal(plan.event.type, EVENT_PAYMENT_FAILED);
	assert_string_equal(plan.change.now.reason, "insufficient_funds: No money.");
}

static void test_again_and_given_up(void **state)
{
	struct job job = charge_job();
	struct charge_plan plan = {0};

	(void)state;
	job.outcome = OUTCOME_UNKNOWN;
	settle_charge(&job.payment, &job, true, &limits, &plan);
	assert_int_equal(plan.act, SETTLE_AGAIN);
	assert_in_range(plan.change.delay_ms, 250, 500);
	assert_int_equal(plan.change.now.status, PAYMENT_PROCESSING);
	assert_int_equal(plan.change.now.seq, 1); /* no event */
	job.outcome = OUTCOME_ABSENT;
	job.working = true;
	job.payment.asking = (struct asking){.attempt = 3, .strikes = 2, .lookup = true};
	settle_charge(&job.payment, &job, true, &limits, &plan);
	assert_int_equal(plan.act, SETTLE_HOLD);
	assert_int_equal(plan.change.now.status, PAYMENT_HELD);
	assert_int_equal(plan.change.delay_ms, DUE_NEVER);
	assert_int_equal(plan.change.now.seq, 1); /* no event: a replay goes on with it */
}

/* Where a search lags behind, a charge is not declared absent too early. */
static void test_lookup_waits(void **state)
{
	const struct settle_limits slow = {3, {500, 30000}, 60000};
	struct job job = charge_job();
	struct charge_plan plan = {0};

	(void)state;
	job.outcome = OUTCOME_BROKEN;
	settle_charge(&job.payment, &job, true, &slow, &plan);
	assert_in_range(plan.change.delay_ms, 250, 500); /* the same key first */
	job.payment.asking = plan.change.now.asking;
	settle_charge(&job.payment, &job, true, &slow, &plan);
	assert_true(plan.change.now.asking.lookup);
	assert_int_equal(plan.change.delay_ms, 60000);
}

static void test_late_success(void **state)
{
	struct job job = charge_job();
	struct payment now = job.payment;
	struct charge_plan plan = {0};

	(void)state;
	job.outcome = OUTCOME_DONE;
	now.status = PAYMENT_CANCELLED;
	now.version = 9;
	settle_charge(&now, &job, false, &limits, &plan);
	assert_int_equal(plan.act, SETTLE_COMPLETE_REFUND);
	assert_int_equal(plan.change.now.version, 9);
	now.status = PAYMENT_COMPLETED;
	settle_charge(&now, &job, false, &limits, &plan);
	assert_int_equal(plan.act, SETTLE_IGNORE);
}

/* --- plans of refunds --- */

static void test_refunded(void **state)
{
	struct job job = refund_job();
	struct refund_plan plan = {0};

	(void)state;
	job.outcome = OUTCOME_DONE;
	strcpy(job.result_id, "re_1");
	settle_refund(&job.payment, &job.refund, &job, &limits, &plan);
	assert_true(plan.write && plan.ended && plan.announced);
	assert_false(plan.again);
	assert_int_equal(plan.payment.now.status, PAYMENT_REFUNDED);
	assert_int_equal(plan.payment.now.refunded_amount, job.payment.amount);
	assert_int_equal(plan.refund.now.status, REFUND_COMPLETED);
	assert_int_equal(plan.event.type, EVENT_PAYMENT_REFUNDED);
	assert_int_equal(plan.event.seq, 3);
	assert_true(uuid_equal(plan.event.cause, job.refund.causation_id));
}

static void test_partly_refunded(void **state)
{
	struct job job = refund_job();
	struct refund_plan plan = {0};

	(void)state;
	job.outcome = OUTCOME_DONE;
	job.refund.amount = 20000;
	settle_refund(&job.payment, &job.refund, &job, &limits, &plan);
	assert_int_equal(plan.payment.now.status, PAYMENT_COMPLETED);
	assert_false(plan.again);
	job.payment.cancel_requested = true; /* cancelled while the operator's refund was under way */
	settle_refund(&job.payment, &job.refund, &job, &limits, &plan);
	assert_true(plan.again);
	assert_int_equal(plan.next.amount, 30000);
	assert_int_equal(plan.payment.now.status, PAYMENT_REFUNDING);
}

static void test_refund_refused_or_again(void **state)
{
	struct job job = refund_job();
	struct refund_plan plan = {0};

	(void)state;
	job.outcome = OUTCOME_REFUSED;
	strcpy(job.reason, "closed account");
	settle_refund(&job.payment, &job.refund, &job, &limits, &plan);
	assert_true(plan.ended);
	assert_false(plan.announced);
	assert_int_equal(plan.refund.now.status, REFUND_FAILED);
	assert_int_equal(plan.payment.now.status, PAYMENT_COMPLETED);
	assert_string_equal(plan.payment.now.reason, "refund refused: closed account");
	for (int o = OUTCOME_PENDING; o < OUTCOME_COUNT; o++) {
		job.outcome = (enum outcome)o;
		job.refund.asking = (struct asking){.attempt = 99};
		settle_refund(&job.payment, &job.refund, &job, &limits, &plan);
		assert_true(plan.write);
		assert_false(plan.ended); /* never given up */
		assert_true(plan.refund.delay_ms >= 0);
	}
}

static void test_refund_settled_before(void **state)
{
	struct job job = refund_job();
	struct refund now = job.refund;
	struct refund_plan plan = {0};

	(void)state;
	job.outcome = OUTCOME_DONE;
	now.status = REFUND_COMPLETED;
	settle_refund(&job.payment, &now, &job, &limits, &plan);
	assert_false(plan.write);
	now = job.refund;
	now.version = 5; /* another replica has claimed it since */
	job.outcome = OUTCOME_UNKNOWN;
	settle_refund(&job.payment, &now, &job, &limits, &plan);
	assert_false(plan.write);
	job.outcome = OUTCOME_DONE;
	settle_refund(&job.payment, &now, &job, &limits, &plan);
	assert_true(plan.announced);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_charge_answers),
	    cmocka_unit_test(test_lookup_answers),
	    cmocka_unit_test(test_refund_answers),
	    cmocka_unit_test(test_completed),
	    cmocka_unit_test(test_completed_for_a_cancelled_order),
	    cmocka_unit_test(test_failed),
	    cmocka_unit_test(test_again_and_given_up),
	    cmocka_unit_test(test_lookup_waits),
	    cmocka_unit_test(test_late_success),
	    cmocka_unit_test(test_refunded),
	    cmocka_unit_test(test_partly_refunded),
	    cmocka_unit_test(test_refund_refused_or_again),
	    cmocka_unit_test(test_refund_settled_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
