/*
 * contexts.yaml.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "core/console/context.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char folder[64], path[128];
	struct contexts list = {0};
	struct error err;

	if (folder[0] == '\0') {
		snprintf(folder, sizeof(folder), "/dev/shm/pizza-fuzz-contexts.%d", (int)getpid());
		setenv("XDG_CONFIG_HOME", folder, 1);
		umask(0077);
	}
	mkdir(folder, 0700);
	snprintf(path, sizeof(path), "%s/pizza", folder);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/pizza/contexts.yaml", folder);
	fuzz_file(path, data, size);
	if (contexts_read(&list, &err) == 0)
		for (int i = 0; i < list.count; i++)
			FUZZ_ASSERT(contexts_find(&list, list.items[i].name) != NULL);
	contexts_done(&list);
	unlink(path);
	path[strlen(path) - strlen("/contexts.yaml")] = '\0';
	rmdir(path);
	rmdir(folder);
	return 0;
}
