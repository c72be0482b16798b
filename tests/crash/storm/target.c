/*
 * The processes of the system, as the supervisor tells and as /proc has them.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/control.h"
#include "tests/crash/storm/storm.h"

#define LOOK_EVERY_MS 30
#define CHILDREN_MAX  256

int targets_list(struct target *targets, int max)
{
	AUTO_JSON json_t *status = NULL;
	json_t *service, *instance;
	size_t i, k;
	int n = 0;

	if (control_status(&status, NULL) < 0)
		return -1;
	json_array_foreach (json_object_get(status, "services"), i, service) {
		json_array_foreach (json_object_get(service, "instances"), k, instance) {
			struct target *t = &targets[n];
			int64_t pid = json_int_or(instance, "pid", 0);

			if (pid <= 1 || n == max)
				continue;
			snprintf(t->service, sizeof(t->service), "%s", json_string_or(service, "name", ""));
			t->replica = (int)json_int_or(instance, "replica", 1);
			t->pid = (pid_t)pid;
			t->up = strcmp(json_string_or(instance, "state", ""), "up") == 0;
			n++;
		}
	}
	return n;
}

static bool find(const char *service, int replica, struct target *ret)
{
	struct target all[64];
	int n = targets_list(all, ARRAY_LEN(all));

	for (int i = 0; i < n; i++) {
		if (strcmp(all[i].service, service) == 0 && all[i].replica == replica) {
			*ret = all[i];
			return true;
		}
	}
	return false;
}

bool target_find(const char *service, struct target *ret)
{
	return find(service, 1, ret);
}

int64_t target_await(const struct target *t, struct mono since, int timeout_ms)
{
	struct mono deadline = mono_add_ms(mono_now(), timeout_ms);
	struct target now;

	while (mono_left_ms(deadline) > 0) {
		if (find(t->service, t->replica, &now) && now.up && now.pid != t->pid)
			return mono_since_ms(since);
		storm_sleep(LOOK_EVERY_MS);
	}
	return -1;
}

/* Processes whose parent is pid (proc(5), stat: the field after the state). */
static int children_of(pid_t pid, pid_t *children, int max)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int n = 0;

	while (d != NULL && n < max && (e = readdir(d)) != NULL) {
		char path[280], stat[512] = "";
		const char *p;
		FILE *f;
		int parent = 0;

		if (atoi(e->d_name) <= 1)
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", e->d_name);
		f = fopen(path, "re");
		if (f == NULL)
			continue;
		p = fgets(stat, sizeof(stat), f) != NULL ? strrchr(stat, ')') : NULL;
		fclose(f);
		if (p != NULL && sscanf(p + 1, " %*c %d", &parent) == 1 && parent == pid)
			children[n++] = atoi(e->d_name);
	}
	if (d != NULL)
		closedir(d);
	return n;
}

void target_signal(const struct target *t, int number, bool with_children)
{
	pid_t children[CHILDREN_MAX];
	int n;

	kill(t->pid, number);
	n = with_children ? children_of(t->pid, children, CHILDREN_MAX) : 0;
	for (int i = 0; i < n; i++)
		kill(children[i], number);
}

pid_t target_child(const struct target *t, struct random *r)
{
	pid_t children[CHILDREN_MAX];
	int n = children_of(t->pid, children, CHILDREN_MAX);

	return n > 0 ? children[random_below(r, (unsigned)n)] : 0;
}
