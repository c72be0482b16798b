/*
 * The checks of `pizzactl doctor`.  One function each; they look, and change nothing.
 */
#include "core/console/doctor.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/config/paths.h"
#include "core/config/programs.h"
#include "core/console/api.h"
#include "core/console/context.h"
#include "core/console/status.h"
#include "core/contract/daemons.h"

#define DISK_BAD   (INT64_C(64) << 20) /* pizzad refuses to start */
#define DISK_WARN  (INT64_C(2) << 30)
#define RAM_WARN   (INT64_C(2) << 30)
#define FILES_WARN 4096

struct report {
	struct doctor_check *checks;
	int count, cap;
	json_t *status; /* of the running supervisor, NULL when there is none */
};

static struct doctor_check *add(struct report *r, const char *name, enum doctor_ok ok, const char *detail,
				...) PRINTF_LIKE(4, 5);

static struct doctor_check *add(struct report *r, const char *name, enum doctor_ok ok, const char *detail,
				...)
{
	struct doctor_check *c;
	va_list ap;

	if (r->count == r->cap) {
		r->cap = r->cap > 0 ? 2 * r->cap : 32;
		r->checks = xreallocarray(r->checks, (size_t)r->cap, sizeof(*r->checks));
	}
	c = &r->checks[r->count++];
	memset(c, 0, sizeof(*c));
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->ok = ok;
	va_start(ap, detail);
	vsnprintf(c->detail, sizeof(c->detail), detail, ap);
	va_end(ap);
	return c;
}

static void hint(struct doctor_check *c, const char *text)
{
	snprintf(c->hint, sizeof(c->hint), "%s", text);
}

static void add_error(struct report *r, const char *name, const struct error *err)
{
	hint(add(r, name, DOCTOR_BAD, "%s", err->why), err->hint);
}

/* --- the installation --- */

/* The home folder, or the folder above in which it would be made, can be written to. */
static void check_home(struct report *r)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s", paths_home());
	while (stat(path, &st) < 0 && errno == ENOENT && strchr(path, '/') != strrchr(path, '/'))
		*strrchr(path, '/') = '\0';
	if (stat(path, &st) < 0)
		snprintf(path, sizeof(path), "/");
	if (access(path, W_OK | X_OK) < 0)
		hint(add(r, "home", DOCTOR_BAD, "%s cannot be written to: %s", path, strerror(errno)),
		     "set PIZZA_HOME to a folder that you may write to");
	else if (stat(path, &st) == 0 && strcmp(path, paths_home()) == 0 && st.st_uid != geteuid())
		hint(add(r, "home", DOCTOR_BAD, "%s belongs to another user", path),
		     "run as that user, or set PIZZA_HOME to a folder of your own");
	else
		add(r, "home", DOCTOR_OK, "%s%s", paths_home(),
		    strcmp(path, paths_home()) == 0 ? "" : " (not there yet)");
}

static void check_disk(struct report *r)
{
	char path[PATH_MAX];
	struct statvfs v;
	int64_t left;

	snprintf(path, sizeof(path), "%s", paths_home());
	while (statvfs(path, &v) < 0) {
		char *slash = strrchr(path, '/');

		if (slash == NULL)
			return;
		slash[slash == path ? 1 : 0] = '\0';
	}
	left = (int64_t)v.f_bavail * (int64_t)v.f_frsize;
	if (left >= DISK_WARN)
		add(r, "disk", DOCTOR_OK, "%.1f GB are free", (double)left / 1e9);
	else
		hint(add(r, "disk", left < DISK_BAD ? DOCTOR_BAD : DOCTOR_WARN, "only %lld MB are free in %s",
			 (long long)(left >> 20), path),
		     "free some space, or set PIZZA_HOME to a folder on another disk");
}

static void check_config(struct report *r)
{
	if (config_file()[0] == '\0')
		add(r, "configuration", DOCTOR_OK, "no file; the defaults hold");
	else
		add(r, "configuration", DOCTOR_OK, "%s", config_file());
}

static void check_token(struct report *r)
{
	struct error err = {0};
	char token[65];
	int rc = context_token(token, sizeof(token), &err);

	if (rc == 0 && token[0] != '\0')
		add(r, "operator token", DOCTOR_OK, "there, for its owner alone");
	else if (rc == 0 && context_is_local())
		add(r, "operator token", DOCTOR_OK, "made at the first start");
	else if (rc == 0)
		hint(add(r, "operator token", DOCTOR_WARN, "the context has none: operators' routes refuse"),
		     "pizzactl context add NAME token_file=FILE");
	else
		add_error(r, "operator token", &err);
}

/* --- the machine --- */

static void check_memory(struct report *r)
{
	struct sysinfo info;
	int64_t bytes;

	if (sysinfo(&info) < 0)
		return;
	bytes = (int64_t)info.totalram * info.mem_unit;
	if (bytes >= RAM_WARN)
		add(r, "memory", DOCTOR_OK, "%.1f GB", (double)bytes / 1e9);
	else
		hint(add(r, "memory", DOCTOR_WARN, "only %.1f GB", (double)bytes / 1e9),
		     "lower kafka.heap and postgres.shared_buffers");
}

static void check_files(struct report *r)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return;
	if (l.rlim_max == RLIM_INFINITY || l.rlim_max >= FILES_WARN)
		add(r, "open files", DOCTOR_OK, "up to %lld each",
		    l.rlim_max == RLIM_INFINITY ? -1LL : (long long)l.rlim_max);
	else
		hint(add(r, "open files", DOCTOR_WARN, "each program may open only %lld files",
			 (long long)l.rlim_max),
		     "ulimit -n 65536 before `pizzactl up`");
}

static void check_postgres(struct report *r)
{
	struct error err = {0};
	char folder[PATH_MAX];
	int major;

	if (config_string(CONFIG_DATABASE_URL)[0] != '\0')
		add(r, "postgres", DOCTOR_OK, "an existing server is used (database.url)");
	else if (programs_postgres(folder, &major, &err) < 0)
		add_error(r, "postgres", &err);
	else
		add(r, "postgres", DOCTOR_OK, "version %d in %s", major, folder);
}

/* Tried in a child, because it cannot be undone. */
static bool name_spaces_work(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER) == 0 ? 0 : 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void check_root(struct report *r)
{
	if (geteuid() != 0 || config_string(CONFIG_DATABASE_URL)[0] != '\0')
		return;
	if (name_spaces_work())
		add(r, "root", DOCTOR_OK, "PostgreSQL runs in a user name space");
	else
		hint(add(r, "root", DOCTOR_BAD,
			 "PostgreSQL refuses to run as root, and user name spaces are not permitted"),
		     "run pizzactl as an ordinary user, or set database.url to use an existing server");
}

static void check_java(struct report *r)
{
	struct error err = {0};
	char path[PATH_MAX];
	int major;

	if (programs_java(path, &major, &err) < 0)
		add_error(r, "java", &err);
	else if (major > 0)
		add(r, "java", DOCTOR_OK, "version %d, %s", major, path);
	else
		add(r, "java", DOCTOR_OK, "%s", path);
}

static void check_kafka(struct report *r)
{
	struct error err = {0};
	char folder[PATH_MAX];

	if (config_string(CONFIG_KAFKA_BOOTSTRAP)[0] != '\0') {
		add(r, "kafka", DOCTOR_OK, "an existing cluster is used (kafka.bootstrap)");
		return;
	}
	check_java(r);
	if (programs_kafka(folder, &err) < 0)
		add_error(r, "kafka", &err);
	else
		add(r, "kafka", DOCTOR_OK, "version %s in %s", KAFKA_VERSION, folder);
}

static void check_programs(struct report *r)
{
	char path[PATH_MAX], missing[256] = "";

	for (int i = -1; i < DAEMON_COUNT; i++) {
		const char *name = i < 0 ? "pizzad" : daemons[i].name;

		if (snprintf(path, sizeof(path), "%s/%s", paths_bin(), name) < (int)sizeof(path) &&
		    access(path, X_OK) == 0)
			continue;
		snprintf(missing + strlen(missing), sizeof(missing) - strlen(missing), " %s", name);
	}
	if (missing[0] == '\0')
		add(r, "programs", DOCTOR_OK, "all daemons are in %s", paths_bin());
	else
		hint(add(r, "programs", DOCTOR_BAD, "not in %.100s:%s", paths_bin(), missing),
		     "make builds them");
}

/* --- ports and what runs --- */

static int check_port(struct report *r, int port, const char *what)
{
	struct error err = {0};
	char name[32];

	if (programs_port_free(port, what, &err) == 0)
		return 0;
	snprintf(name, sizeof(name), "port %d", port);
	add_error(r, name, &err);
	return 1;
}

static void check_ports(struct report *r)
{
	int base = (int)config_int(CONFIG_PORT_BASE), busy = 0;

	if (r->status != NULL) {
		add(r, "ports", DOCTOR_OK, "from %d, in use by this installation", base);
		return;
	}
	for (int i = 0; i < DAEMON_COUNT; i++) {
		busy += check_port(r, daemon_port(&daemons[i]), daemons[i].name);
		if (daemons[i].other_port > 0)
			busy += check_port(r, base + daemons[i].other_port, daemons[i].name);
	}
	if (config_string(CONFIG_KAFKA_BOOTSTRAP)[0] == '\0') {
		busy += check_port(r, base + PORT_OFFSET_KAFKA, "Kafka");
		busy += check_port(r, base + PORT_OFFSET_KAFKA_CONTROLLER, "Kafka's controller");
	}
	if (busy == 0)
		add(r, "ports", DOCTOR_OK, "from %d, all free", base);
}

static void check_services(struct report *r)
{
	const json_t *services = json_object_get(r->status, "services");
	int bad = 0;

	if (r->status == NULL) {
		if (context_is_local())
			hint(add(r, "services", DOCTOR_OK, "nothing runs"), "pizzactl up starts everything");
		else
			hint(add(r, "services", DOCTOR_BAD, "nothing of this installation answers"),
			     "check that it runs, and that nothing between here and there blocks it");
		return;
	}
	for (size_t i = 0; i < json_array_size(services); i++) {
		const json_t *s = json_array_get(services, i);
		const char *state = json_string_or(s, "state", ""), *name = json_string_or(s, "name", "");
		char text[64];

		if (strcmp(state, "up") == 0)
			continue;
		bad++;
		snprintf(text, sizeof(text), "pizzactl logs %s tells more%s", name,
			 context_is_local() ? "" : ", there");
		hint(add(r, name, strcmp(state, "failed") == 0 ? DOCTOR_BAD : DOCTOR_WARN, "%s: %s", state,
			 json_string_or(s, "reason", "")),
		     text);
	}
	if (bad == 0)
		add(r, "services", DOCTOR_OK, "all %zu are up", json_array_size(services));
}

static void check_machine(struct report *r)
{
	check_home(r);
	check_disk(r);
	check_memory(r);
	check_files(r);
	check_postgres(r);
	check_root(r);
	check_kafka(r);
	check_programs(r);
	check_ports(r);
}

/* Where a remote installation is looked for, and what answers there. */
static void check_remote(struct report *r)
{
	CLEANUP(buf_done) struct buf shown = {0};
	char base[API_BASE_SIZE];

	for (int i = 0; i < DAEMON_COUNT; i++)
		if (api_base(daemons[i].name, base, sizeof(base)) != NULL && base[0] != '\0')
			add(r, daemons[i].name, DOCTOR_OK, "looked for at %s", base);
		else
			hint(add(r, daemons[i].name, DOCTOR_WARN, "the context names no URL of it"),
			     "pizzactl context add NAME api=http://HOST");
	config_add_shown(&shown, CONFIG_DATABASE_URL, config_string(CONFIG_DATABASE_URL));
	if (shown.len > 0)
		add(r, "postgres", DOCTOR_OK, "looked for at %s", buf_str(&shown));
	else
		hint(add(r, "postgres", DOCTOR_WARN, "the context names no database.url"),
		     "lists and timelines need it: pizzactl context add NAME database.url=postgresql://HOST");
	if (config_string(CONFIG_KAFKA_BOOTSTRAP)[0] != '\0')
		add(r, "kafka", DOCTOR_OK, "looked for at %s", config_string(CONFIG_KAFKA_BOOTSTRAP));
	else
		hint(add(r, "kafka", DOCTOR_WARN, "the context names no kafka.bootstrap"),
		     "topics and lag need it: pizzactl context add NAME kafka.bootstrap=HOST:PORT");
}

int doctor_run(struct console *c, struct doctor_check **ret, int *ret_count, struct error *err)
{
	struct report r = {0};

	(void)err;
	if (status_read(c, &r.status, NULL) < 0)
		r.status = NULL;
	if (!context_is_local())
		check_remote(&r);
	check_config(&r);
	check_token(&r);
	if (context_is_local())
		check_machine(&r);
	check_services(&r);
	json_decref(r.status);
	*ret = r.checks;
	*ret_count = r.count;
	return 0;
}

const char *doctor_ok_word(enum doctor_ok ok)
{
	static const char *const words[] = {"bad", "ok", "warn"};

	return words[ok];
}
