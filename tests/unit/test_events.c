/*
 * The event table and the envelope: what is written can be read, and what is damaged is refused with the
 * field's name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/contract/daemons.h"
#include "core/contract/events.h"

static void envelope_goes_both_ways(void **state)
{
	static const char data[] = "{\"order_id\":\"x\",\"n\":7}";
	struct uuid id = uuid_v7(), correlation = uuid_v7(), cause = {0};
	struct buf text = {0};
	struct event e;
	struct error err;

	(void)state;
	event_envelope(&text, &id, "StockReserved", 1, "key\"1", 42, 1763728201114000, &correlation, &cause,
		       data, strlen(data));
	assert_int_equal(event_parse(text.data, text.len, &e, &err), 0);
	assert_int_equal(e.type, EVENT_STOCK_RESERVED);
	assert_true(uuid_equal(e.id, id));
	assert_true(uuid_equal(e.correlation_id, correlation));
	assert_true(uuid_is_nil(e.causation_id));
	assert_string_equal(e.aggregate_id, "key\"1");
	assert_int_equal(e.aggregate_seq, 42);
	assert_int_equal(e.timestamp_us, 1763728201114000);
	assert_int_equal(json_integer_value(json_object_get(e.data, "n")), 7);
	event_done(&e);
	buf_done(&text);
}

/* What one way of reading finds, the other finds too. */
static void assert_same(const struct event *a, const struct event *b)
{
	assert_true(uuid_equal(a->id, b->id));
	assert_int_equal(a->type, b->type);
	assert_int_equal(a->version, b->version);
	assert_string_equal(a->aggregate_id, b->aggregate_id);
	assert_int_equal(a->aggregate_seq, b->aggregate_seq);
	assert_int_equal(a->timestamp_us, b->timestamp_us);
	assert_true(uuid_equal(a->correlation_id, b->correlation_id));
	assert_true(uuid_equal(a->causation_id, b->causation_id));
	assert_true(json_equal(a->data, b->data));
}

static void other_spellings_are_read_alike(void **state)
{
	static const char data[] =
	    "{\"order_id\":\"x\",\"list\":[1,{\"event_data\":\"}\"}],\"text\":\"\\\"\"}";
	struct uuid id = uuid_v7(), correlation = uuid_v7(), cause = uuid_v7();
	struct buf text = {0};
	struct event ours, other;
	struct error err;

	(void)state;
	event_envelope(&text, &id, "StockReserved", 1, "key-1", 42, 1763728201114000, &correlation, &cause,
		       data, strlen(data));
	assert_int_equal(event_parse(text.data, text.len, &ours, &err), 0);
	assert_int_equal(ours.data_len, strlen(data));
	assert_memory_equal(ours.data_text, data, ours.data_len);
	/* A member more at the end, or white space at the start: the general way. */
	text.data[text.len - 1] = ',';
	buf_adds(&text, "\"later\":{\"event_data\":1}}");
	assert_int_equal(event_parse(text.data, text.len, &other, &err), 0);
	assert_null(other.data_text);
	assert_same(&ours, &other);
	event_done(&other);
	event_done(&ours);
	buf_done(&text);
}

/* Every beginning of an envelope, each in memory of its own so that the sanitizer sees its end. */
static void unfinished_envelopes_are_refused(void **state)
{
	static const char data[] = "{\"a\":\"\\\\\",\"b\":[1,{\"c\":\"\\\"\"}]}";
	struct uuid id = uuid_v7();
	struct buf text = {0};
	struct event e;

	(void)state;
	event_envelope(&text, &id, "OrderPaid", 1, "key", 1, 1763728201114000, &id, &id, data, strlen(data));
	for (size_t n = 0; n < text.len; n++) {
		char *exact = xmalloc(n > 0 ? n : 1);

		memcpy(exact, text.data, n);
		assert_int_equal(event_parse(exact, n, &e, NULL), ERR_MALFORMED);
		free(exact);
	}
	buf_done(&text);
}

#define ID "\"01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11\""
#define HEAD                                                                                  \
	"\"event_id\":" ID                                                                    \
	",\"aggregate_id\":\"a\",\"aggregate_seq\":1,\"timestamp\":\"2026-01-01T00:00:00Z\"," \
	"\"correlation_id\":" ID

static void damage_is_refused(void **state)
{
	static const struct {
		const char *text, *what;
		int code;
	} cases[] = {
	    {"", "the JSON", ERR_MALFORMED},
	    {"[]", "the JSON", ERR_MALFORMED},
	    {"{\"event_type\":\"Nonsense\",\"event_version\":1," HEAD ",\"event_data\":{}}", "event_type",
	     ERR_INVALID},
	    {"{\"event_type\":\"OrderPaid\",\"event_version\":9," HEAD ",\"event_data\":{}}", "event_version",
	     ERR_INVALID},
	    {"{\"event_type\":\"OrderPaid\",\"event_version\":1," HEAD "}", "event_data", ERR_MALFORMED},
	    {"{\"event_type\":\"OrderPaid\",\"event_version\":1," HEAD ",\"event_data\":[]}", "event_data",
	     ERR_MALFORMED},
	    {"{\"event_type\":\"OrderPaid\",\"event_version\":1," HEAD
	     ",\"causation_id\":1,\"event_data\":{}}",
	     "causation_id", ERR_MALFORMED},
	    {"{\"event_type\":\"OrderPaid\",\"event_version\":1,\"event_data\":{}}", "event_id",
	     ERR_MALFORMED},
	};
	struct event e;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(event_parse(cases[i].text, strlen(cases[i].text), &e, &err), cases[i].code);
		assert_string_equal(err.what, cases[i].what);
	}
	assert_int_equal(event_parse(NULL, 0, &e, &err), ERR_MALFORMED);
}

static void traceparent_follows_w3c(void **state)
{
	struct uuid id, correlation;
	char text[56];

	(void)state;
	assert_true(uuid_parse("01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11", &id));
	assert_true(uuid_parse("4bf92f35-77b3-4da6-a3ce-929d0e0e4736", &correlation));
	assert_string_equal(event_traceparent(&id, &correlation, text),
			    "00-4bf92f3577b34da6a3ce929d0e0e4736-9a542f1e0c5d8b11-01");
}

/* An event topic, or the dead letters of one. */
static bool topic_exists(const char *name)
{
	for (int t = 0; t < TOPIC_COUNT; t++)
		if (strcmp(topics[t].name, name) == 0 || strcmp(topics[t].dead_letters, name) == 0)
			return true;
	return false;
}

/* Who consumes a topic is started with someone who produces it, and owners exist. */
static void tables_agree(void **state)
{
	(void)state;
	for (int t = 0; t < EVENT_TYPE_COUNT; t++)
		assert_int_equal(event_find(event_types[t].name), t);
	for (int d = 0; d < DAEMON_COUNT; d++) {
		assert_int_equal(daemons[d].id, d);
		for (int i = 0; i < DAEMON_TOPICS_MAX && daemons[d].consumes[i] != NULL; i++)
			assert_true(topic_exists(daemons[d].consumes[i]));
		for (int i = 0; i < DAEMON_TOPICS_MAX && daemons[d].after[i] != NULL; i++)
			assert_true(daemon_find(daemons[d].after[i])->id < (enum daemon_id)d);
		for (int other = 0; other < d; other++)
			assert_int_not_equal(daemons[d].port, daemons[other].port);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(envelope_goes_both_ways),
	    cmocka_unit_test(other_spellings_are_read_alike),
	    cmocka_unit_test(unfinished_envelopes_are_refused),
	    cmocka_unit_test(damage_is_refused),
	    cmocka_unit_test(traceparent_follows_w3c),
	    cmocka_unit_test(tables_agree),
	};

	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
