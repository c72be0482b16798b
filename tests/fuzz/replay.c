/*
 * The body of POST /internal/v1/replay: dead letters on their way back to the group that failed.
 */
#include "core/service/replay.c"
#include "tests/fuzz/fuzz.h"

static void read_one(const json_t *message)
{
	struct buf value = {0};
	struct event e = {0};
	struct error err;
	bool there;

	if (base64_get(message, "value_base64", &value, &there, &err) == 0 &&
	    event_parse(there ? value.data : NULL, value.len, &e, &err) == 0)
		if (read_place(message, &e, &err) == 0)
			FUZZ_ASSERT(e.topic != NULL);
	event_done(&e);
	buf_done(&value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	const json_t *messages = NULL, *message;
	struct error err;
	json_t *body;
	size_t i;

	if (json_parse_object(text, size, &body, &err) == 0) {
		if (read_messages(body, &messages, &err) == 0)
			json_array_foreach ((json_t *)messages, i, message)
				read_one(message);
		json_decref(body);
	}
	free(text);
	return 0;
}
