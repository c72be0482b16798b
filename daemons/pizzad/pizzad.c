/*
 * pizzad: the supervisor of one installation.  It starts PostgreSQL, Kafka and the daemons, watches and
 * restarts them, scales them, and stops them in order.
 *
 * One per home: whoever holds the lock on home/run/pizzad.lock.  It stays in the foreground; `pizzactl up`
 * puts it into the background.  SIGTERM and SIGINT stop everything; SIGHUP reads the configuration again,
 * here and in the daemons.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/config/paths.h"
#include "core/config/programs.h"
#include "core/service/notify_socket.h"
#include "daemons/pizzad/api.h"
#include "daemons/pizzad/supervisor.h"

#define DISK_MINIMUM (INT64_C(64) << 20)

/* --- before anything runs --- */

/* The lock is held until the process ends, however it ends. */
static int take_lock(struct error *err)
{
	char path[PATH_MAX], text[32] = "";
	int fd = open(paths_run_file("pizzad.lock", path, sizeof(path)), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ssize_t n;
	int rc;

	if (fd < 0) {
		rc = error_errno(err, "open %s", path);
		error_hint(err, "set PIZZA_HOME to a folder that you may write to");
		return rc;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		n = read(fd, text, sizeof(text) - 1);
		text[n > 0 ? strcspn(text, "\n") : 0] = '\0';
		close(fd);
		error_set(err, ERR_CONFLICT, "start",
			  "another pizzad (pid %s) runs with the home folder %.180s", text, paths_home());
		error_hint(err, "`pizzactl status` shows it; for a second installation set PIZZA_HOME and "
				"PIZZA_PORT_BASE");
		return ERR_CONFLICT;
	}
	n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) < 0 || write(fd, text, (size_t)n) != n) {
		rc = error_errno(err, "write %s", path);
		close(fd);
		return rc;
	}
	return 0; /* fd stays open */
}

static int check_disk(struct error *err)
{
	struct statvfs v;
	int64_t left;

	if (statvfs(paths_home(), &v) < 0)
		return 0;
	left = (int64_t)v.f_bavail * (int64_t)v.f_frsize;
	if (left >= DISK_MINIMUM)
		return 0;
	error_set(err, ERR_IO, "start", "the disk of %.150s is full: %lld MB are left", paths_home(),
		  (long long)(left >> 20));
	error_hint(err, "free some space, or set PIZZA_HOME to a folder on another disk");
	return ERR_IO;
}

static int check_ports(struct error *err)
{
	int base = (int)config_int(CONFIG_PORT_BASE), rc = 0;

	for (int i = 0; rc == 0 && i < DAEMON_COUNT; i++) {
		rc = programs_port_free(daemon_port(&daemons[i]), daemons[i].name, err);
		if (rc == 0 && daemons[i].other_port > 0)
			rc = programs_port_free(base + daemons[i].other_port, daemons[i].name, err);
	}
	if (rc == 0 && config_string(CONFIG_KAFKA_BOOTSTRAP)[0] == '\0') {
		rc = programs_port_free(base + PORT_OFFSET_KAFKA, "Kafka", err);
		if (rc == 0)
			rc = programs_port_free(base + PORT_OFFSET_KAFKA_CONTROLLER, "Kafka's controller",
						err);
	}
	return rc;
}

static int check_programs(struct error *err)
{
	char path[PATH_MAX];
	int major, rc = 0;

	if (config_string(CONFIG_DATABASE_URL)[0] == '\0')
		rc = programs_postgres(path, &major, err);
	if (rc == 0 && config_string(CONFIG_KAFKA_BOOTSTRAP)[0] == '\0') {
		rc = programs_java(path, &major, err);
		if (rc == 0)
			rc = programs_kafka(path, err);
	}
	return rc;
}

static int set_level(struct error *err)
{
	enum log_level level;

	if (!log_level_parse(config_string(CONFIG_LOG_LEVEL), &level))
		return error_set(err, ERR_INVALID, "log.level", "is not valid");
	log_set_level(level);
	return 0;
}

/* What can fail before something has been started. */
static int set_up(struct supervisor *s, struct error *err)
{
	char token[65];
	int rc = paths_init(err);

	if (rc == 0)
		rc = config_load(NULL, err);
	if (rc == 0)
		rc = set_level(err);
	if (rc == 0)
		rc = paths_create(err);
	if (rc == 0)
		rc = take_lock(err);
	if (rc == 0)
		rc = check_disk(err);
	if (rc == 0)
		rc = paths_operator_token(true, token, err);
	if (rc == 0)
		rc = check_programs(err);
	if (rc < 0)
		return rc;
	units_init(s);
	leftovers_clean(s);
	return check_ports(err);
}

static int open_files(struct supervisor *s, struct error *err)
{
	char path[PATH_MAX];
	sigset_t set;
	int rc;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL); /* before there are threads: they inherit it */
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->signal_fd < 0 || s->wake_fd < 0)
		return error_errno(err, "make the event loop");
	paths_run_file("notify.sock", path, sizeof(path));
	snprintf(s->notify_path, sizeof(s->notify_path), "%.107s", path);
	rc = notify_socket_listen(path, &s->notify_fd, err);
	return rc < 0 ? rc : api_start(s, &s->api, err);
}

/* --- the loop --- */

int supervisor_reload(struct supervisor *s, char *skipped, size_t size, struct error *err)
{
	int rc;

	skipped[0] = '\0';
	rc = config_reload(skipped, size, err);
	if (rc < 0) {
		log_err(LOG_ERROR, err, "the configuration stays as it was");
		return rc;
	}
	if (set_level(err) < 0)
		log_err(LOG_ERROR, err, "the log level stays as it was");
	log_info("configuration read again%s%s", skipped[0] != '\0' ? "; needs a restart: " : "", skipped);
	for (int n = UNIT_DAEMONS; n < UNIT_COUNT; n++)
		for (int r = 0; r < REPLICAS_MAX; r++)
			if (s->units[n].instances[r].phase == PHASE_UP)
				kill(s->units[n].instances[r].pid, SIGHUP);
	return 0;
}

static void read_signals(struct supervisor *s)
{
	struct signalfd_siginfo info;
	struct error err = {0};
	char skipped[512];

	while (read(s->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			(void)supervisor_reload(s, skipped, sizeof(skipped), &err); /* it is logged */
		else if (info.ssi_signo != SIGCHLD)
			shutdown_begin(s, NULL);
	}
}

static void reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		unit_exited(s, pid, status);
}

static void read_notifications(struct supervisor *s)
{
	struct notify_message m;

	while (notify_socket_receive(s->notify_fd, &m)) {
		struct instance *i = unit_instance_of(s, m.pid);

		if (i == NULL)
			continue;
		if (m.ready && i->phase == PHASE_STARTING)
			i->ready = true;
		if (m.port > 0)
			i->port = m.port;
		if (i->unit->info == NULL) /* PostgreSQL's status text is not a reason */
			continue;
		if (m.has_status)
			snprintf(i->status, sizeof(i->status), "%s", m.status);
		if (m.has_state && m.degraded != i->degraded) {
			i->degraded = m.degraded;
			if (i->phase == PHASE_UP && !m.degraded)
				log_info("%s-%d has recovered", i->unit->name, i->replica);
		}
	}
}

static void wait_for_something(const struct supervisor *s)
{
	struct pollfd fds[] = {{.fd = s->signal_fd, .events = POLLIN},
			       {.fd = s->notify_fd, .events = POLLIN},
			       {.fd = s->wake_fd, .events = POLLIN}};
	int a = unit_next_ms(s), b = api_next_ms(s->api);
	uint64_t count;

	if (poll(fds, ARRAY_LEN(fds), a < b ? a : b) > 0 && (fds[2].revents & POLLIN) != 0 &&
	    read(s->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_error("reading the eventfd: %s", strerror(errno));
}

static void run(struct supervisor *s)
{
	bool told_manager = false;

	while (s->down != DOWN_DONE) {
		read_signals(s);
		read_notifications(s); /* before exits: what a process said last counts */
		reap(s);
		job_collect(s);
		unit_tick_all(s);
		api_tick(s->api);
		unit_tick_all(s);
		shutdown_tick(s);
		state_tell(s);
		if (s->came_up && !told_manager) {
			told_manager = true;
			notify_socket_send("READY=1\n");
		}
		if (s->down != DOWN_DONE)
			wait_for_something(s);
	}
}

static void usage(void)
{
	puts("usage: pizzad [--foreground] [--progress-fd N] [--version] [--help]\n"
	     "Supervises the installation in PIZZA_HOME; `pizzactl up` starts it in the background.");
}

/* 0: go on; otherwise the exit status and one. */
static int read_options(int argc, char **argv, struct supervisor *s)
{
	static const struct option options[] = {{"foreground", no_argument, NULL, 'f'},
						{"progress-fd", required_argument, NULL, 'p'},
						{"version", no_argument, NULL, 'v'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'p') {
			s->progress_fd = atoi(optarg);
			fcntl(s->progress_fd, F_SETFD, FD_CLOEXEC);
		} else if (c == 'v') {
			puts("pizzad " PIZZA_VERSION);
			return 1;
		} else if (c == 'h') {
			usage();
			return 1;
		} else if (c != 'f') {
			usage();
			return 3;
		}
	}
	if (optind < argc) {
		usage();
		return 3;
	}
	return 0;
}

static struct supervisor supervisor = {.progress_fd = -1};

int main(int argc, char **argv)
{
	struct supervisor *s = &supervisor;
	struct error err = {0};
	int rc = read_options(argc, argv, s);

	if (rc != 0)
		return rc - 1;
	signal(SIGPIPE, SIG_IGN);
	s->started = mono_now();
	if (log_init("pizzad", 0, NULL, &err) < 0)
		return 1;
	rc = set_up(s, &err);
	if (rc == 0)
		rc = open_files(s, &err);
	if (rc < 0) {
		log_err(LOG_ERROR, &err, "cannot start");
		progress_error(s, &err);
		return error_exit_status(err.code);
	}
	log_info("pizzad %s starts in %s, ports from %s", PIZZA_VERSION, paths_home(),
		 config_text(CONFIG_PORT_BASE));
	run(s);
	api_stop(s->api);
	unlink(s->notify_path);
	log_info("everything is stopped");
	return s->fatal.code != 0 ? error_exit_status(s->fatal.code) : 0;
}
