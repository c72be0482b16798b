/*
 * Command lines against the real command table: one word per line of the input.
 */
#include "cli/command.h"
#include "tests/fuzz/fuzz.h"

#define WORDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *save = NULL;
	char *argv[WORDS_MAX + 2] = {(char *)"pizzactl"};
	struct invocation i;
	struct error err;
	int argc = 1;

	for (char *word = strtok_r(text, "\n", &save); word != NULL && argc <= WORDS_MAX;
	     word = strtok_r(NULL, "\n", &save))
		argv[argc++] = word;
	if (command_parse(argc, argv, &i, &err) == 0) {
		FUZZ_ASSERT(i.command == NULL || i.noun != NULL);
		for (int k = 0; k < i.argument_count; k++)
			FUZZ_ASSERT(i.arguments[k] != NULL);
		invocation_text(&i, "output");
	} else {
		FUZZ_ASSERT(err.code < 0 && err.why[0] != '\0');
	}
	invocation_done(&i);
	free(text);
	return 0;
}
