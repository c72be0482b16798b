/*
 * The envelope and the readers of event_data: what is read is written again and read as the same.
 */
#include "core/contract/events.h"
#include "core/base/json.h"
#include "daemons/aggregator/rules.c"
#include "tests/fuzz/fuzz.h"

/* The read model's view of an event, in both orders of arrival. */
static void fold(const struct event *e, const char *raw, size_t size)
{
	struct saga s = {0};
	const char *span;
	size_t len;
	struct uuid order;

	saga_add(&s, e);
	saga_add(&s, e);
	saga_stage(s.seen);
	if (event_order(e, &order))
		FUZZ_ASSERT(!uuid_is_nil(order) || true);
	if (event_data_span(raw, size, &span, &len))
		FUZZ_ASSERT(span >= raw && span + len <= raw + size && len >= 2);
}

static void write_again(const struct event *e)
{
	struct buf text = {0};
	struct event back;
	char *data = json_dumps(e->data, JSON_COMPACT);
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
		e.raw = text;
		e.raw_len = size;
		write_again(&e);
		fold(&e, text, size);
		event_done(&e);
	} else {
		FUZZ_ASSERT(err.code < 0 && err.what[0] != '\0' && err.why[0] != '\0');
	}
	free(text);
	return 0;
}
