/*
 * What an earlier supervisor of this home left behind when it was killed.  A pid file names a process only if
 * the start time agrees, so nobody else's is ever signalled.  Order and patience are those of an orderly
 * stop.
 */
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/config/config.h"
#include "core/config/paths.h"
#include "daemons/pizzad/supervisor.h"

#define LEFT_MAX  256
#define GRACE_MS  2000
#define SERVER_MS 20000

struct left {
	char name[64]; /* "orderd-1" */
	char path[512];
	pid_t pid;
	int fd; /* pidfd: readable when it has ended; no other process can take its place */
};

/* Opens a pidfd of the process that the file names; -1 when there is none any more. */
static int open_process(struct left *l)
{
	l->pid = process_from_file(l->path);
	if (l->pid == 0)
		return -1;
	l->fd = (int)syscall(SYS_pidfd_open, l->pid, 0);
	if (l->fd >= 0 && process_from_file(l->path) != l->pid) {
		close(l->fd);
		return -1;
	}
	return l->fd;
}

static int find(struct left *left)
{
	DIR *d = opendir(paths_run());
	struct dirent *e;
	int n = 0;

	while (d != NULL && n < LEFT_MAX && (e = readdir(d)) != NULL) {
		struct left *l = &left[n];
		size_t len = strlen(e->d_name);

		if (len < 5 || len >= sizeof(l->name) || strcmp(e->d_name + len - 4, ".pid") != 0)
			continue;
		snprintf(l->name, sizeof(l->name), "%.*s", (int)len - 4, e->d_name);
		paths_run_file(e->d_name, l->path, sizeof(l->path));
		if (open_process(l) >= 0)
			n++;
		else
			unlink(l->path);
	}
	if (d != NULL)
		closedir(d);
	return n;
}

static bool wait_end(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, ms) == 1;
}

static void signal_process(const struct left *l, int number)
{
	syscall(SYS_pidfd_send_signal, l->fd, number, NULL, 0);
}

static bool is_server(const struct left *l)
{
	return strcmp(l->name, "postgres") == 0 || strcmp(l->name, "kafka") == 0;
}

/* Stops all daemons, or all servers, at once, and waits for them. */
static void stop(struct left *left, int n, bool servers)
{
	int patience = servers ? SERVER_MS : (int)config_int(CONFIG_DRAIN_TIMEOUT) + GRACE_MS;
	struct mono deadline = mono_add_ms(mono_now(), patience);

	for (int i = 0; i < n; i++)
		if (is_server(&left[i]) == servers)
			signal_process(&left[i], strcmp(left[i].name, "postgres") == 0 ? SIGINT : SIGTERM);
	for (int i = 0; i < n; i++) {
		if (is_server(&left[i]) != servers)
			continue;
		if (!wait_end(left[i].fd, (int)mono_left_ms(deadline))) {
			log_warn("%s (pid %d) does not end; it is killed", left[i].name, (int)left[i].pid);
			signal_process(&left[i], SIGKILL);
			wait_end(left[i].fd, GRACE_MS);
		}
		close(left[i].fd);
		unlink(left[i].path);
	}
}

void leftovers_clean(struct supervisor *s)
{
	static struct left left[LEFT_MAX];
	int n = find(left);

	if (n == 0)
		return;
	log_warn("an earlier pizzad was killed and left %d processes behind; they are stopped", n);
	progress_detail(s, &s->units[UNIT_POSTGRES], "stops what a killed pizzad left behind");
	stop(left, n, false);
	stop(left, n, true);
}
