/*
 * home/replicas: lines "orderd 3", the numbers of replicas that differ from the default.  Written aside and
 * renamed.
 */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/config/paths.h"
#include "daemons/pizzad/supervisor.h"

static void file_path(char text[PATH_MAX], const char *suffix)
{
	snprintf(text, PATH_MAX, "%s/replicas%s", paths_home(), suffix);
}

void replicas_load(struct supervisor *s)
{
	char path[PATH_MAX], line[128], name[64];
	int replicas;
	FILE *f;

	file_path(path, "");
	f = fopen(path, "re");
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
	char path[PATH_MAX], aside[PATH_MAX];
	bool ok;
	FILE *f;

	file_path(path, "");
	file_path(aside, ".new");
	f = fopen(aside, "we");
	if (f == NULL)
		return error_errno(err, "write %s", aside);
	for (int n = UNIT_DAEMONS; n < UNIT_COUNT; n++)
		if (s->units[n].replicas != s->units[n].info->replicas)
			fprintf(f, "%s %d\n", s->units[n].name, s->units[n].replicas);
	ok = fflush(f) == 0 && fsync(fileno(f)) == 0;
	ok &= fclose(f) == 0;
	if (!ok || rename(aside, path) < 0)
		return error_errno(err, "write %s", path);
	return 0;
}
