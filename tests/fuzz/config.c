/*
 * The YAML configuration: problems are reported with line and key, never worse.
 */
#include <unistd.h>

#include "core/config/config.h"
#include "tests/fuzz/fuzz.h"

static void problem(void *arg, int line, const char *key, const struct error *err)
{
	(void)arg, (void)line;
	FUZZ_ASSERT(key != NULL && err->code < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[64];
	struct error err;
	int rc;

	if (path[0] == '\0')
		snprintf(path, sizeof(path), "/dev/shm/pizza-fuzz-config.%d", (int)getpid());
	fuzz_file(path, data, size);
	rc = config_validate_file(path, problem, NULL, &err);
	FUZZ_ASSERT(rc <= 0);
	unlink(path);
	return 0;
}
