#include "core/base/priority.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define CGROUPS "/sys/fs/cgroup" /* the unified hierarchy of cgroups(7) */

static bool autogroups_on(void)
{
	FILE *f = fopen("/proc/sys/kernel/sched_autogroup_enabled", "re");
	int on = 0;

	if (f == NULL)
		return false;
	if (fscanf(f, "%d", &on) != 1)
		on = 0;
	fclose(f);
	return on != 0;
}

/* Whether a line of /proc/PID/cgroup, "1:cpu,cpuacct:/path" or "0::/path", says that a group shares the
 * processors. */
static bool shares_processors(char *line)
{
	char *names = strchr(line, ':'), *path, file[PATH_MAX];

	if (names == NULL || (path = strchr(++names, ':')) == NULL)
		return false;
	*path++ = '\0';
	path[strcspn(path, "\n")] = '\0';
	if (strcmp(path, "/") == 0)
		return false;
	if (names[0] == '\0') {
		snprintf(file, sizeof(file), CGROUPS "%s/cpu.weight", path);
		return access(file, F_OK) == 0;
	}
	return strcmp(names, "cpu") == 0 || strncmp(names, "cpu,", 4) == 0;
}

bool priority_by_session(pid_t pid)
{
	char line[PATH_MAX];
	bool grouped = false;
	FILE *f;

	if (!autogroups_on())
		return false;
	snprintf(line, sizeof(line), "/proc/%ld/cgroup", (long)pid);
	f = fopen(line, "re");
	if (f == NULL)
		return false;
	while (!grouped && fgets(line, sizeof(line), f) != NULL)
		grouped = shares_processors(line);
	fclose(f);
	return !grouped;
}

/* Absent where the kernel has no autogroups; without effect where control groups share the processors. */
static bool lower_session(pid_t pid, int nice)
{
	char path[64];
	int fd;
	bool again;

	snprintf(path, sizeof(path), "/proc/%ld/autogroup", (long)pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	again = dprintf(fd, "%d", nice) < 0 && errno == EAGAIN;
	close(fd);
	return !again;
}

/* A thread that gives way at once to any other that is not so: to those that somebody waits for. */
static void give_way(pid_t thread)
{
	const struct sched_param none = {0};

	(void)sched_setscheduler(thread, SCHED_IDLE, &none);
}

/* Nice value and policy belong to a thread on Linux; what a thread starts inherits them. */
static void lower_threads(pid_t pid, int nice, bool yielding)
{
	char path[64];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%ld/task", (long)pid);
	dir = opendir(path);
	while (dir != NULL && (e = readdir(dir)) != NULL) {
		pid_t thread = (pid_t)strtol(e->d_name, NULL, 10);

		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		(void)setpriority(PRIO_PROCESS, (id_t)thread, nice);
		if (yielding)
			give_way(thread);
	}
	if (dir != NULL)
		closedir(dir);
}

bool priority_lower(pid_t pid, int nice)
{
	bool leads = getsid(pid) == pid;

	if (setpriority(PRIO_PROCESS, (id_t)pid, nice) < 0)
		return true;
	lower_threads(pid, nice, leads && priority_by_session(pid));
	return !leads || lower_session(pid, nice);
}

void priority_lower_thread(int nice)
{
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), nice);
}
