/*
 * The envelope and the readers of event_data: what is read is written again and read as the same.
 */
#include "core/contract/events.h"
#include "core/base/json.h"
#include "daemons/aggregator/rules.c"
#include "tests/fuzz/fuzz.h"

/* The read model's view of an event, in both orders of arrival. */
static void fold(const struct event *e)
{
	struct saga s = {0};
	struct uuid order;

	saga_add(&s, e);
	saga_add(&s, e);
	saga_stage(s.seen);
	(void)event_order(e, &order);
}

/* However it was read, the message is JSON and the data is its member. */
static void compare(const struct event *e, const char *text, size_t size)
{
	json_t *whole, *data;

	FUZZ_ASSERT(json_parse_object(text, size, &whole, NULL) == 0);
	FUZZ_ASSERT(json_equal(json_object_get(whole, "event_data"), e->data));
	FUZZ_ASSERT(json_integer_value(json_object_get(whole, "aggregate_seq")) == e->aggregate_seq);
	FUZZ_ASSERT(strcmp(json_string_value(json_object_get(whole, "aggregate_id")), e->aggregate_id) == 0);
	if (e->data_text != NULL) {
		FUZZ_ASSERT(e->data_text >= text && e->data_text + e->data_len <= text + size);
		data = json_loadb(e->data_text, e->data_len, JSON_REJECT_DUPLICATES, NULL);
		FUZZ_ASSERT(json_equal(data, e->data));
		json_decref(data);
	}
	json_decref(whole);
}

static void write_again(const struct event *e)
{
	struct buf text = {0};
	struct event back;
	char *data = json_text(e->data);
	char trace[56];

	FUZZ_ASSERT(data != NULL);
	event_envelope(&text, &e->id, event_types[e->type].name, e->version, e->aggregate_id,
		       e->aggregate_seq, e->timestamp_us, &e->correlation_id, &e->causation_id, data,
		       strlen(data));
	FUZZ_ASSERT(event_parse(buf_str(&text), text.len, &back, NULL) == 0);
	FUZZ_ASSERT(uuid_equal(back.id, e->id) && back.type == e->type &&
		    back.aggregate_seq == e->aggregate_seq);
	FUZZ_ASSERT(back.timestamp_us == e->timestamp_us && strcmp(back.aggregate_id, e->aggregate_id) == 0);
	FUZZ_ASSERT(uuid_equal(back.correlation_id, e->correlation_id) &&
		    uuid_equal(back.causation_id, e->causation_id));
	FUZZ_ASSERT(json_equal(back.data, e->data));
	FUZZ_ASSERT(strlen(event_traceparent(&e->id, &e->correlation_id, trace)) == 55);
	event_done(&back);
	buf_done(&text);
	free(data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct event e;
	struct error err;

	if (event_parse(text, size, &e, &err) == 0) {
		write_again(&e);
		fold(&e);
		compare(&e, text, size);
		event_done(&e);
	} else {
		FUZZ_ASSERT(err.code < 0 && err.what[0] != '\0' && err.why[0] != '\0');
	}
	free(text);
	return 0;
}
