/*
 * What the sandbox reads: programmed faults, Stripe's search queries, SMS, and form bodies.
 */
#include "core/base/json.h"
#include "core/http/server.h"
#include "daemons/sandbox/rules.c"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fault_set faults = {0};
	char *text = fuzz_text(data, size), order[64], status[32];
	struct error err;
	json_t *body;

	(void)!search_parse(text, order, sizeof(order), status, sizeof(status), &err);
	sms_check(text, text, text);
	test_method_find(text);
	if (json_parse_object(text, size, &body, NULL) == 0) {
		if (faults_read(body, &faults, &err) == 0) {
			json_t *back = faults_json(&faults);
			struct fault_set same = {0};

			FUZZ_ASSERT(faults_read(back, &same, &err) == 0);
			json_decref(back);
		}
		json_decref(body);
	}
	free(text);
	return 0;
}
