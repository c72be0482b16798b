/*
 * Starting programs.  Between fork and exec only system calls are made, because other threads may hold locks.
 */
#include "daemons/pizzad/process.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"

#define START_TIME 22 /* field of /proc/PID/stat (proc(5)) */
#define TAIL_BYTES 8192
#define MAP_SIZE   32

extern char **environ;

/* --- what to run --- */

void launch_arg(struct launch *l, const char *fmt, ...)
{
	va_list ap;

	if (l->argc >= LAUNCH_WORDS)
		abort();
	va_start(ap, fmt);
	if (vasprintf(&l->argv[l->argc++], fmt, ap) < 0)
		abort();
	va_end(ap);
}

void launch_env(struct launch *l, const char *name, const char *value)
{
	if (l->envc >= LAUNCH_WORDS)
		abort();
	l->env[l->envc++] = xasprintf("%s=%s", name, value);
}

void launch_done(struct launch *l)
{
	for (int i = 0; i < l->argc; i++)
		free(l->argv[i]);
	for (int i = 0; i < l->envc; i++)
		free(l->env[i]);
	*l = (struct launch){0};
}

static bool overridden(const struct launch *l, const char *variable)
{
	size_t n = strcspn(variable, "=") + 1;

	for (int i = 0; i < l->envc; i++)
		if (strncmp(l->env[i], variable, n) == 0)
			return true;
	return false;
}

/* pizzad's own environment with that of the launch laid over it; the array is owned, the strings are not. */
static char **make_environment(const struct launch *l)
{
	char **env;
	size_t n = 0;

	while (environ[n] != NULL)
		n++;
	env = xcalloc(n + (size_t)l->envc + 1, sizeof(*env));
	n = 0;
	for (char **e = environ; *e != NULL; e++)
		if (!overridden(l, *e))
			env[n++] = *e;
	for (int i = 0; i < l->envc; i++)
		env[n++] = l->env[i];
	return env;
}

/* --- the child, between fork and exec --- */

/* The start time of a process from the text of /proc/PID/stat, as digits; 0 in length when it is not there.
 */
static size_t find_start_time(const char *stat, const char **ret)
{
	const char *p = strrchr(stat, ')'); /* the name may contain anything else */

	if (p == NULL)
		return 0;
	for (int field = 2; field < START_TIME; field++) {
		p = strchr(p + 1, ' ');
		if (p == NULL)
			return 0;
	}
	*ret = p + 1;
	return strspn(p + 1, "0123456789");
}

static ssize_t read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n;
}

static bool write_file(const char *path, int flags, const char *text, size_t n)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0600);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, n) == (ssize_t)n;
	close(fd);
	return ok;
}

/* "PID STARTTIME": the first field of our own stat is the pid as we are seen by everybody. */
static bool write_pid_file(const char *path)
{
	char stat[1024], text[64];
	const char *start;
	size_t n, pid_len;

	if (read_file("/proc/self/stat", stat, sizeof(stat)) <= 0)
		return false;
	n = find_start_time(stat, &start);
	pid_len = strspn(stat, "0123456789");
	if (n == 0 || pid_len + n + 2 >= sizeof(text))
		return false;
	memcpy(text, stat, pid_len);
	text[pid_len] = ' ';
	memcpy(text + pid_len + 1, start, n);
	text[pid_len + 1 + n] = '\n';
	return write_file(path, O_CREAT | O_TRUNC, text, pid_len + n + 2);
}

/*
 * The map of a user name space in which root is an ordinary user: one that has a name on this machine, which
 * initdb asks for.
 */
static void map_to_ordinary_user(char map[MAP_SIZE])
{
	static const char *const names[] = {"postgres", "nobody"};
	const struct passwd *user = NULL;

	for (size_t i = 0; i < ARRAY_LEN(names) && (user == NULL || user->pw_uid == 0); i++)
		user = getpwnam(names[i]);
	snprintf(map, MAP_SIZE, "%u 0 1\n",
		 user != NULL && user->pw_uid != 0 ? (unsigned)user->pw_uid : 65534);
}

/* A user name space in which our files are those of an ordinary user: for servers that refuse to run as root.
 */
static bool become_unprivileged(const char *map)
{
	return unshare(CLONE_NEWUSER) == 0 && write_file("/proc/self/setgroups", 0, "deny", 4) &&
	       write_file("/proc/self/uid_map", 0, map, strlen(map)) &&
	       write_file("/proc/self/gid_map", 0, map, strlen(map));
}

static void reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

enum child_step { STEP_PID_FILE = 1, STEP_NAME_SPACE, STEP_EXEC };

struct child_failure {
	int step;
	int number; /* errno */
};

static void child_fail(int fd, int step)
{
	struct child_failure f = {step, errno};
	ssize_t ignored = write(fd, &f, sizeof(f));

	(void)ignored;
	_exit(127);
}

static void child_run(const struct launch *l, char **env, const char *map, const char *pid_path, int log_fd,
		      int null_fd, int fail_fd)
{
	setsid();
	reset_signals();
	dup2(null_fd, STDIN_FILENO);
	dup2(log_fd, STDOUT_FILENO);
	dup2(log_fd, STDERR_FILENO);
	umask(0077);
	if (!write_pid_file(pid_path))
		child_fail(fail_fd, STEP_PID_FILE);
	if (l->unprivileged && !become_unprivileged(map))
		child_fail(fail_fd, STEP_NAME_SPACE);
	execve(l->argv[0], l->argv, env);
	child_fail(fail_fd, STEP_EXEC);
}

/* --- the parent --- */

static int explain_failure(const struct launch *l, const char *pid_path, const struct child_failure *f,
			   struct error *err)
{
	errno = f->number;
	switch ((enum child_step)f->step) {
	case STEP_PID_FILE:
		error_errno(err, "write %s", pid_path);
		if (f->number == ENOSPC || f->number == EDQUOT)
			error_hint(err, "the disk is full: free some space");
		return ERR_IO;
	case STEP_NAME_SPACE:
		error_set(err, ERR_REFUSED, "run PostgreSQL as root",
			  "it refuses to, and user name spaces, which would help, are not permitted here: %s",
			  strerror(f->number));
		error_hint(err,
			   "run pizzactl as an ordinary user, or set database.url to use an existing server");
		return ERR_REFUSED;
	case STEP_EXEC:
		break;
	}
	error_errno(err, "run %s", l->argv[0]);
	if (f->number == ENOENT)
		error_hint(err, "make builds the programs; they must lie beside pizzad");
	return ERR_IO;
}

/* Waits until the child has executed its program (the pipe closes) or says why it could not. */
static int await_exec(const struct launch *l, const char *pid_path, pid_t pid, int fd, struct error *err)
{
	struct child_failure f;
	ssize_t n;

	do
		n = read(fd, &f, sizeof(f));
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(f))
		return 0;
	waitpid(pid, NULL, 0);
	unlink(pid_path);
	return explain_failure(l, pid_path, &f, err);
}

int process_start(const struct launch *l, const char *pid_path, const char *log_path, pid_t *ret,
		  struct error *err)
{
	int failure[2] = {-1, -1}, rc = 0;
	int log_fd = open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	AUTO_FREE char **env = make_environment(l);
	char map[MAP_SIZE];
	pid_t pid = -1;

	map_to_ordinary_user(map);
	if (log_fd < 0)
		rc = error_errno(err, "open the log file %s", log_path);
	else if (null_fd < 0 || pipe2(failure, O_CLOEXEC) < 0)
		rc = error_errno(err, "run %s", l->argv[0]);
	if (rc == 0) {
		pid = fork();
		if (pid == 0)
			child_run(l, env, map, pid_path, log_fd, null_fd, failure[1]);
		close(failure[1]);
		if (pid < 0)
			rc = error_errno(err, "run %s", l->argv[0]);
		else
			rc = await_exec(l, pid_path, pid, failure[0], err);
		close(failure[0]);
	}
	if (log_fd >= 0)
		close(log_fd);
	if (null_fd >= 0)
		close(null_fd);
	if (rc == 0)
		*ret = pid;
	return rc;
}

pid_t process_from_file(const char *pid_path)
{
	char text[64], stat_path[64], stat[1024];
	const char *start = "";
	size_t n;
	long pid;
	char *rest;

	if (read_file(pid_path, text, sizeof(text)) <= 0)
		return 0;
	pid = strtol(text, &rest, 10);
	if (pid <= 1 || *rest != ' ')
		return 0;
	snprintf(stat_path, sizeof(stat_path), "/proc/%ld/stat", pid);
	if (read_file(stat_path, stat, sizeof(stat)) <= 0)
		return 0;
	n = find_start_time(stat, &start);
	rest[1 + strcspn(rest + 1, "\n")] = '\0';
	return n == strlen(rest + 1) && strncmp(start, rest + 1, n) == 0 ? (pid_t)pid : 0;
}

const char *process_ending(int status, char *text, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(text, size, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(text, size, "status %d", WEXITSTATUS(status));
	return text;
}

/* --- the last line of a log --- */

/* Programs often say something harmless after what matters. */
static bool matters(const char *line)
{
	static const char *const words[] = {"FATAL", "PANIC", "ERROR", "Exception", "\"level\":\"error\"",
					    "rror:"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strstr(line, words[i]) != NULL)
			return true;
	return false;
}

/* The last line within text that matters, else the last that is not blank; cuts text into lines. */
static const char *telling_line(char *text)
{
	const char *last = "", *telling = NULL;
	char *save = NULL;

	for (char *line = strtok_r(text, "\r\n", &save); line != NULL; line = strtok_r(NULL, "\r\n", &save)) {
		if (line[strspn(line, " \t")] == '\0')
			continue;
		last = line;
		if (matters(line))
			telling = line;
	}
	return telling != NULL ? telling : last;
}

void process_last_line(const char *log_path, off_t from, char *text, size_t size)
{
	char tail[TAIL_BYTES + 1];
	int fd = open(log_path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n = 0;
	json_t *j;
	const char *line;

	text[0] = '\0';
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0) {
		if (st.st_size < from) /* truncated meanwhile */
			from = 0;
		if (st.st_size - from > TAIL_BYTES)
			from = st.st_size - TAIL_BYTES;
		n = pread(fd, tail, TAIL_BYTES, from);
	}
	close(fd);
	tail[n > 0 ? n : 0] = '\0';
	line = telling_line(tail);
	j = json_loads(line, 0, NULL);
	snprintf(text, size, "%s",
		 json_is_string(json_object_get(j, "msg")) ? json_string_value(json_object_get(j, "msg"))
							   : line);
	json_decref(j);
}
