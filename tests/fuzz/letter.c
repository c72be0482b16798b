/*
 * Dead letters as dlqd reads them: "name: value" lines are headers, an empty line, and the value; an edit of
 * the value by a JSON Merge Patch.  Nothing is refused; what is understood keeps within its bounds.
 */
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "daemons/dlq/arrival.c"
#include "daemons/dlq/patch.c"
#include "tests/fuzz/fuzz.h"

/* Cuts the lines off text; returns where the value begins. */
static char *cut_headers(char *text, struct bus_header *headers, int *n)
{
	for (*n = 0; *n < ARRIVAL_HEADERS_MAX; ++*n) {
		char *end = strchr(text, '\n'), *colon;

		if (end == NULL || end == text)
			return end == NULL ? text : text + 1;
		*end = '\0';
		colon = strchr(text, ':');
		if (colon == NULL)
			return end + 1;
		*colon = '\0';
		headers[*n] = (struct bus_header){text, colon + 1, strlen(colon + 1)};
		text = end + 1;
	}
	return text;
}

/* A patch to what the difference says leads there. */
static void edit(const char *value, size_t n)
{
	json_t *before = json_loadb(value, n, JSON_DECODE_ANY, NULL), *after, *diff;

	if (before == NULL)
		return;
	after = merge_patch(before, before);
	diff = json_diff(before, after);
	FUZZ_ASSERT(json_is_array(diff));
	json_decref(diff);
	json_decref(after);
	json_decref(before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bus_header headers[ARRIVAL_HEADERS_MAX];
	char *text = fuzz_text(data, size), *value;
	struct bus_message m = {.topic = "order-events-dlq", .partition = 3, .offset = 7, .timestamp_ms = 1};
	struct arrival a;
	json_t *kept;
	int n;

	value = cut_headers(text, headers, &n);
	m.key = "k";
	m.key_len = 1;
	m.value = value;
	m.value_len = (size_t)(text + size - value);
	arrival_read(&m, headers, n, INT64_C(1790000000000000), &a);
	FUZZ_ASSERT(!uuid_is_nil(a.letter_id) && a.value_len == m.value_len);
	FUZZ_ASSERT(!a.readable || (a.topic[0] != '\0' && a.group[0] != '\0'));
	kept = json_loads(a.headers, 0, NULL);
	FUZZ_ASSERT(json_is_array(kept));
	json_decref(kept);
	arrival_done(&a);
	edit(value, m.value_len);
	free(text);
	return 0;
}
