/*
 * What a process and its descendants use, from /proc.  One pass over /proc/PID/stat finds the tree; ended
 * children are in their parent's own figures (proc(5): cutime, cstime).  Memory that processes share
 * (PostgreSQL's buffers) counts once.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "daemons/pizzad/process.h"

#define YOUNG_MS 100 /* a sample this young is good enough */

struct proc {
	pid_t pid, parent;
	uint64_t ticks;
	bool ours;
};

struct process_table {
	struct proc *all; /* ascending by pid */
	int count;
};

static bool read_stat(const char *pid, struct proc *ret)
{
	unsigned long user, system, child_user, child_system;
	char path[64], text[1024];
	const char *rest;
	int parent;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	rest = strrchr(text, ')');
	if (rest == NULL || sscanf(rest + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu",
				   &parent, &user, &system, &child_user, &child_system) != 5)
		return false;
	*ret = (struct proc){
	    .pid = atoi(pid), .parent = parent, .ticks = (uint64_t)user + system + child_user + child_system};
	return true;
}

static int read_all(struct proc **ret)
{
	struct proc *all = NULL;
	int n = 0, cap = 0;
	DIR *d = opendir("/proc");
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		if (n == cap) {
			cap = cap > 0 ? 2 * cap : 256;
			all = xreallocarray(all, (size_t)cap, sizeof(*all));
		}
		if (read_stat(e->d_name, &all[n]))
			n++;
	}
	if (d != NULL)
		closedir(d);
	*ret = all;
	return n;
}

static int by_pid(const void *a, const void *b)
{
	return ((const struct proc *)a)->pid - ((const struct proc *)b)->pid;
}

struct process_table *process_table_read(void)
{
	struct process_table *t = xcalloc(1, sizeof(*t));

	t->count = read_all(&t->all);
	if (t->count > 0)
		qsort(t->all, (size_t)t->count, sizeof(t->all[0]), by_pid);
	return t;
}

void process_table_free(struct process_table *t)
{
	free(t->all);
	free(t);
}

static bool is_ours(const struct process_table *t, pid_t pid)
{
	struct proc key = {.pid = pid};
	const struct proc *p = bsearch(&key, t->all, (size_t)t->count, sizeof(key), by_pid);

	return p != NULL && p->ours;
}

/* Marks the descendants.  One pass does it, unless pids have wrapped around. */
static void mark_tree(struct process_table *t, pid_t root)
{
	bool changed = true;

	for (int i = 0; i < t->count; i++)
		t->all[i].ours = t->all[i].pid == root;
	while (changed) {
		changed = false;
		for (int i = 0; i < t->count; i++)
			if (!t->all[i].ours && is_ours(t, t->all[i].parent))
				t->all[i].ours = changed = true;
	}
}

struct memory {
	int64_t own, file, shared; /* kB */
};

static struct memory read_memory(pid_t pid)
{
	struct memory m = {0};
	char path[64], line[256];
	long value;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "RssAnon: %ld", &value) == 1)
			m.own = value;
		else if (sscanf(line, "RssFile: %ld", &value) == 1)
			m.file = value;
		else if (sscanf(line, "RssShmem: %ld", &value) == 1)
			m.shared = value;
	}
	if (f != NULL)
		fclose(f);
	return m;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void take(struct process_usage *u, uint64_t ticks, int64_t rss_bytes)
{
	struct mono now = mono_now();

	if (u->sampled.ns != 0 && ticks >= u->ticks) {
		double seconds = (double)mono_diff_us(now, u->sampled) / 1e6;

		u->cpu_percent = 100.0 * (double)(ticks - u->ticks) / (double)sysconf(_SC_CLK_TCK) / seconds;
	}
	u->ticks = ticks;
	u->sampled = now;
	u->rss_bytes = rss_bytes;
}

void process_sample(struct process_table *t, pid_t pid, struct process_usage *u)
{
	struct memory sum = {0};
	uint64_t ticks = 0;

	if (u->sampled.ns != 0 && mono_since_ms(u->sampled) < YOUNG_MS)
		return;
	mark_tree(t, pid);
	for (int i = 0; i < t->count; i++) {
		struct memory m;

		if (!t->all[i].ours)
			continue;
		m = read_memory(t->all[i].pid);
		ticks += t->all[i].ticks;
		sum.own += m.own;
		sum.file = larger(sum.file, m.file);
		sum.shared = larger(sum.shared, m.shared);
	}
	take(u, ticks, (sum.own + sum.file + sum.shared) * 1024);
}
