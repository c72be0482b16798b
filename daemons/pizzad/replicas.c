/*
 * home/replicas: lines "orderd 3", the numbers of replicas that differ from the default.
 */
#include <limits.h>
#include <stdio.h>

#include "core/base/buf.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/config/paths.h"
#include "daemons/pizzad/files.h"
#include "daemons/pizzad/supervisor.h"

static const char *file_path(char text[PATH_MAX])
{
	snprintf(text, PATH_MAX, "%s/replicas", paths_home());
	return text;
}

void replicas_load(struct supervisor *s)
{
	char path[PATH_MAX], line[128], name[64];
	int replicas;
	FILE *f;

	f = fopen(file_path(path), "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		struct unit *u;

		if (sscanf(line, "%63s %d", name, &replicas) != 2)
			continue;
		u = unit_find(s, name);
		if (u != NULL && u->info != NULL && replicas >= 1 && replicas <= u->info->replicas_max)
			unit_set_replicas(u, replicas);
		else
			log_warn("%s: \"%s %d\" is not understood and left out", path, name, replicas);
	}
	if (f != NULL)
		fclose(f);
}

int replicas_save(const struct supervisor *s, struct error *err)
{
	CLEANUP(buf_done) struct buf text = {0};
	char path[PATH_MAX];

	for (int n = UNIT_DAEMONS; n < UNIT_COUNT; n++)
		if (s->units[n].replicas != s->units[n].info->replicas)
			buf_addf(&text, "%s %d\n", s->units[n].name, s->units[n].replicas);
	return file_write(file_path(path), buf_str(&text), err);
}
