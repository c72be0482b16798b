/*
 * What is alive, for completion: asked for by a child, so that the shell never waits longer than WAIT_MS for
 * a backend that hangs.  A child that is late still leaves its answer in the cache for the next key press.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/complete.h"
#include "core/base/clock.h"
#include "core/base/mem.h"

#define FRESH_SECONDS 5
#define STALE_SECONDS 3600
#define WAIT_MS	      100
#define CHILD_SECONDS 5

/* --- the cache: one file per installation and kind --- */

static uint64_t hash(uint64_t h, const char *text)
{
	for (; text != NULL && *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211); /* FNV-1a */
	return (h ^ 0xff) * UINT64_C(1099511628211);
}

/* Everything that says which installation it is. */
static uint64_t installation(const struct cli *c)
{
	static const char *const variables[] = {
	    "PIZZA_HOME",	  "PIZZA_CONTEXT",  "PIZZA_CONFIG",    "PIZZA_PORT_BASE",
	    "PIZZA_DATABASE_URL", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "HOME"};
	uint64_t h = hash(UINT64_C(14695981039346656037), cli_text(c, "context"));

	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		h = hash(h, getenv(variables[i]));
	return h;
}

/* The folder that caches lie in; false when there is none. */
static bool cache_base(char path[PATH_MAX])
{
	const char *run = getenv("XDG_RUNTIME_DIR"), *cache = getenv("XDG_CACHE_HOME"),
		   *home = getenv("HOME");

	if (run != NULL && *run == '/' && access(run, W_OK) == 0)
		return snprintf(path, PATH_MAX, "%s", run) < PATH_MAX;
	if (cache != NULL && *cache == '/')
		return snprintf(path, PATH_MAX, "%s", cache) < PATH_MAX;
	return home != NULL && *home == '/' && snprintf(path, PATH_MAX, "%s/.cache", home) < PATH_MAX;
}

/* Ours in it, made when it is not there. */
static bool cache_folder(char path[PATH_MAX])
{
	char base[PATH_MAX];
	struct stat st;

	if (!cache_base(base) || snprintf(path, PATH_MAX, "%s/pizza", base) >= PATH_MAX)
		return false;
	if ((mkdir(base, 0700) < 0 && errno != EEXIST) || (mkdir(path, 0700) < 0 && errno != EEXIST))
		return false;
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

static bool cache_path(const struct cli *c, const char *name, char path[PATH_MAX])
{
	char folder[PATH_MAX];

	return cache_folder(folder) && snprintf(path, PATH_MAX, "%s/complete-%016" PRIx64 "-%s", folder,
						installation(c), name) < PATH_MAX;
}

/* Reads to the end of the descriptor, or until the moment. */
static bool read_until(int fd, int64_t end_ms, struct buf *out)
{
	struct mono start = mono_now();

	for (;;) {
		int64_t left = end_ms - mono_since_us(start) / 1000;
		struct pollfd p = {.fd = fd, .events = POLLIN};
		char block[4096];
		ssize_t n;

		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			return false;
		n = read(fd, block, sizeof(block));
		if (n <= 0)
			return n == 0;
		buf_add(out, block, (size_t)n);
	}
}

/* False when there is no file that young. */
static bool cache_read(const char *path, int64_t seconds, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	bool ok = fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
		  time(NULL) - st.st_mtime < seconds && time(NULL) >= st.st_mtime &&
		  read_until(fd, 1000, out);

	if (fd >= 0)
		close(fd);
	return ok;
}

static void cache_write(const char *path, const struct buf *lines)
{
	char aside[PATH_MAX];
	int fd;
	bool ok;

	if (snprintf(aside, sizeof(aside), "%s.%d", path, (int)getpid()) >= (int)sizeof(aside))
		return;
	fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return;
	ok = write(fd, buf_str(lines), lines->len) == (ssize_t)lines->len;
	close(fd);
	if (!ok || rename(aside, path) < 0)
		unlink(aside);
}

/* --- the child --- */

static void drop_terminal(void)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		dup2(null, fd);
	setsid();
}

/* First a byte that tells of success, then the lines. */
static void run_child(struct complete *c, const char *path, complete_fetch *fetch, const void *arg, int fd)
{
	CLEANUP(buf_done) struct buf lines = {0};

	drop_terminal();
	signal(SIGPIPE, SIG_IGN);
	alarm(CHILD_SECONDS);
	if (fetch(&c->cli, arg, &lines, NULL) < 0)
		return;
	if (path != NULL)
		cache_write(path, &lines);
	if (write(fd, "+", 1) == 1 && lines.len > 0 && write(fd, lines.data, lines.len) < 0)
		return;
}

static bool ask(struct complete *c, const char *path, complete_fetch *fetch, const void *arg, struct buf *out)
{
	CLEANUP(buf_done) struct buf answer = {0};
	int fds[2];
	pid_t pid;
	bool ok;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return false;
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		run_child(c, path, fetch, arg, fds[1]);
		_exit(0);
	}
	close(fds[1]);
	ok = pid > 0 && read_until(fds[0], WAIT_MS, &answer) && answer.len > 0;
	close(fds[0]);
	if (ok)
		buf_add(out, answer.data + 1, answer.len - 1);
	return ok;
}

void complete_live(struct complete *c, const char *name, complete_fetch *fetch, const void *arg,
		   struct buf *lines)
{
	char path[PATH_MAX];
	bool cached = cache_path(&c->cli, name, path);

	if (cached && cache_read(path, FRESH_SECONDS, lines))
		return;
	buf_reset(lines);
	if (ask(c, cached ? path : NULL, fetch, arg, lines))
		return;
	buf_reset(lines);
	if (cached)
		(void)cache_read(path, STALE_SECONDS, lines);
}
