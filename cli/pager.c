/*
 * Starts a pager and feeds it.  One thread.
 */
#include "cli/pager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"

extern char **environ;

static bool is_on_path(const char *program)
{
	const char *path = getenv("PATH");

	for (const char *p = path; p != NULL && *p != '\0';) {
		size_t len = strcspn(p, ":");
		AUTO_FREE char *file = xasprintf("%.*s/%s", (int)len, p, program);

		if (len > 0 && access(file, X_OK) == 0)
			return true;
		p += len + (p[len] == ':');
	}
	return false;
}

/* NULL: none is wanted, or there is none. */
static const char *pager_command(void)
{
	const char *command = getenv("PIZZA_PAGER");

	if (command == NULL)
		command = getenv("PAGER");
	if (command == NULL)
		command = is_on_path("less") ? "less" : "";
	return *command == '\0' || strcmp(command, "cat") == 0 ? NULL : command;
}

/* With the pipe as its stdin, and signals as a program expects them. */
static int spawn(const char *command, int input, pid_t *ret)
{
	char *const argv[] = {(char[]){"sh"}, (char[]){"-c"}, (char *)(uintptr_t)command, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t normal;
	int rc;

	sigemptyset(&normal);
	sigaddset(&normal, SIGPIPE);
	sigaddset(&normal, SIGINT);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &normal);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	setenv("LESS", "FRX", 0);
	setenv("LV", "-c", 0);
	rc = posix_spawn(ret, "/bin/sh", &files, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

/* The pager runs from the first write on: until then Ctrl-C ends the command as ever. */
static void start(struct pager *p)
{
	int ends[2];

	p->started = true;
	p->fd = STDOUT_FILENO;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	if (spawn(p->command, ends[0], &p->pid) == 0) {
		/* Ctrl-C is for the pager now; when that ends, writing to it does. */
		signal(SIGINT, SIG_IGN);
		p->fd = ends[1];
	} else {
		p->pid = 0;
		close(ends[1]);
	}
	close(ends[0]);
}

static ssize_t write_to_pager(void *cookie, const char *text, size_t n)
{
	struct pager *p = cookie;
	size_t done = 0;

	if (!p->started)
		start(p);
	while (done < n) {
		ssize_t written = write(p->fd, text + done, n - done);

		if (written < 0 && errno != EINTR)
			return 0;
		done += written > 0 ? (size_t)written : 0;
	}
	return (ssize_t)n;
}

void pager_start(struct cli *c, struct pager *ret)
{
	*ret = (struct pager){.before = c->out, .command = c->tty ? pager_command() : NULL};
	if (ret->command == NULL)
		return;
	c->out = fopencookie(ret, "w", (cookie_io_functions_t){.write = write_to_pager});
	if (c->out == NULL)
		abort();
}

int pager_finish(struct cli *c, struct pager *p, int rc, struct error *err)
{
	int status = 0;

	if (p->command == NULL)
		return rc;
	if (fclose(c->out) != 0 && errno != EPIPE && c->print_errno == 0)
		c->print_errno = errno;
	c->out = p->before;
	if (p->pid == 0)
		return rc;
	close(p->fd);
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (c->print_errno == EPIPE)
		c->print_errno = 0;
	if (rc >= 0 && WIFEXITED(status) && (WEXITSTATUS(status) == 126 || WEXITSTATUS(status) == 127)) {
		error_set(err, ERR_FAILED, "pager", "\"%.60s\" cannot be run", p->command);
		error_hint(err, "set PIZZA_PAGER to another one, or to cat for none");
		return ERR_FAILED;
	}
	return rc;
}
