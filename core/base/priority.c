#include "core/base/priority.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

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

/* A nice value belongs to a thread on Linux; what a thread starts inherits it. */
static void lower_threads(pid_t pid, int nice)
{
	char path[64];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%ld/task", (long)pid);
	dir = opendir(path);
	while (dir != NULL && (e = readdir(dir)) != NULL)
		if (isdigit((unsigned char)e->d_name[0]))
			(void)setpriority(PRIO_PROCESS, (id_t)strtol(e->d_name, NULL, 10), nice);
	if (dir != NULL)
		closedir(dir);
}

bool priority_lower(pid_t pid, int nice)
{
	if (setpriority(PRIO_PROCESS, (id_t)pid, nice) < 0)
		return true;
	lower_threads(pid, nice);
	return getsid(pid) != pid || lower_session(pid, nice);
}

void priority_lower_thread(int nice)
{
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), nice);
}
