/*
 * Crash points: arming by files and by environment, counting, firing.
 */
#include "core/base/crash.h"

#ifdef PIZZA_CRASH_POINTS

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POINTS_MAX 64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	const char *name;
	long passes; /* while armed */
} points[POINTS_MAX];

/* PIZZA_HOME/run/crash/PROGRAM.NAME and suffix; false without a home. */
static bool point_path(const char *name, const char *suffix, char *path, size_t size)
{
	const char *home = getenv("PIZZA_HOME");

	return home != NULL && snprintf(path, size, "%s/run/crash/%s.%s%s", home,
					program_invocation_short_name, name, suffix) < (int)size;
}

/* The pass at which an armed point fires: from its file; 0 when there is none. */
static long armed_by_file(const char *path)
{
	char text[24] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n > 0 && atol(text) > 0 ? atol(text) : 1;
}

/* The same from CRASH_AT. */
static long armed_by_environment(const char *name)
{
	const char *row = getenv("CRASH_AT");
	char wanted[128];
	int len = snprintf(wanted, sizeof(wanted), "%s/%s", program_invocation_short_name, name);

	while (row != NULL && *row != '\0') {
		size_t n = strcspn(row, ",");

		if (strncmp(row, wanted, (size_t)len) == 0 && (size_t)len <= n &&
		    strchr(":,", row[len]) != NULL)
			return row[len] == ':' && atol(row + len + 1) > 0 ? atol(row + len + 1) : 1;
		row += n + (row[n] == ',');
	}
	return 0;
}

static long count_pass(const char *name)
{
	long passes = 0;

	pthread_mutex_lock(&lock);
	for (int i = 0; i < POINTS_MAX; i++) {
		if (points[i].name != NULL && strcmp(points[i].name, name) != 0)
			continue;
		points[i].name = name;
		passes = ++points[i].passes;
		break;
	}
	pthread_mutex_unlock(&lock);
	return passes;
}

static void fire(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

void crash_point(const char *name)
{
	char path[PATH_MAX];
	long nth;

	if (!point_path(name, "", path, sizeof(path)))
		return;
	nth = armed_by_file(path);
	if (nth > 0) {
		if (count_pass(name) >= nth && unlink(path) == 0)
			fire();
		return;
	}
	nth = armed_by_environment(name);
	if (nth > 0 && count_pass(name) == nth && point_path(name, ".done", path, sizeof(path))) {
		int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

		if (fd >= 0)
			fire();
	}
}

#endif
