/*
 * The client of pizzad's socket, and its start in the background.
 */
#include "core/console/control.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/nearest.h"
#include "core/config/config.h"
#include "core/config/paths.h"
#include "core/console/api.h"
#include "core/console/context.h"
#include "core/console/guard.h"
#include "core/contract/daemons.h"
#include "core/http/client.h"

#define STATUS_MS 3000
#define ACTION_MS 35000 /* pizzad itself ends after 30 s */
#define LOOK_MS	  50	/* how often what cannot be waited for is looked at */

/* --- calls --- */

static int not_running(struct error *err)
{
	error_set(err, ERR_UNAVAILABLE, "pizzad", "does not run with the home folder %.200s", paths_home());
	error_hint(err, "pizzactl up starts it; pizzactl doctor says what it lacks");
	return ERR_UNAVAILABLE;
}

/* what names the errors that pizzad answers.  Takes body; ret may be NULL. */
static int call(const char *what, const char *method, const char *path, json_t *body, int timeout_ms,
		json_t **ret, struct error *err)
{
	CLEANUP(http_result_done) struct http_result result = {0};
	CLEANUP(buf_done) struct buf actor = {0}, reason = {0};
	const char *headers[4] = {"Content-Type: application/json"};
	AUTO_FREE char *text = body != NULL ? json_text(body) : NULL;
	char url[256], socket[PATH_MAX];
	struct http_call c = {.method = method,
			      .url = url,
			      .unix_path = paths_run_file("pizzad.sock", socket, sizeof(socket)),
			      .headers = headers,
			      .body = text,
			      .body_len = text != NULL ? strlen(text) : 0,
			      .timeout_ms = timeout_ms};
	int rc = guard_local(what, err);

	json_decref(body);
	if (rc == 0 && strcmp(method, "GET") != 0)
		rc = guard_change(what, err);
	if (rc < 0)
		return rc;
	guard_actor_header(&actor);
	guard_reason_header(&reason);
	headers[1] = buf_str(&actor);
	headers[2] = reason.len > 0 ? buf_str(&reason) : NULL;
	snprintf(url, sizeof(url), "http://pizzad%.200s", path);
	if (access(socket, F_OK) < 0)
		return not_running(err);
	rc = http_call(&c, &result, err);
	if (rc == 0 && result.code == ERR_UNAVAILABLE)
		rc = ERR_UNAVAILABLE;
	if (rc == ERR_UNAVAILABLE)
		return not_running(err);
	if (rc < 0)
		return rc;
	if (result.code < 0)
		return error_set(err, result.code, "pizzad", "%s", result.why);
	if (result.status >= 400)
		return api_problem(what, result.status, buf_str(&result.body), result.body.len, err);
	return ret == NULL ? 0 : json_parse_object(buf_str(&result.body), result.body.len, ret, err);
}

int control_status(json_t **ret, struct error *err)
{
	return call("pizzad", "GET", "/v1/status", NULL, STATUS_MS, ret, err);
}

int control_audit(json_t **ret, struct error *err)
{
	AUTO_JSON json_t *answer = NULL;
	int rc = call("pizzad", "GET", "/v1/audit", NULL, STATUS_MS, &answer, err);

	if (rc == 0)
		*ret = json_incref(json_object_get(answer, "items"));
	return rc;
}

static json_t *service_down(const char *name, const char *kind)
{
	return json_pack("{s:s,s:s,s:s,s:n,s:i,s:i,s:i,s:i,s:f,s:i,s:s,s:[]}", "name", name, "kind", kind,
			 "state", "down", "pid", "replicas", 0, "replicas_wanted", 0, "restarts", 0,
			 "uptime_seconds", 0, "cpu_percent", 0.0, "rss_bytes", 0, "reason", "", "instances");
}

json_t *control_status_down(void)
{
	json_t *services = json_array();

	json_array_append_new(services, service_down("postgres", "backing"));
	json_array_append_new(services, service_down("kafka", "backing"));
	for (int i = 0; i < DAEMON_COUNT; i++)
		json_array_append_new(services, service_down(daemons[i].name, "daemon"));
	return json_pack("{s:s,s:n,s:i,s:s,s:s,s:o}", "home", paths_home(), "pid", "port_base",
			 (int)config_int(CONFIG_PORT_BASE), "version", PIZZA_VERSION, "state", "down",
			 "services", services);
}

/* The name as the supervisor has it; ERR_NOT_FOUND also when nothing runs. */
static int service_name(const char *service, const char **ret, struct error *err)
{
	const struct daemon_info *d = daemon_find(service);
	const char *names[DAEMON_COUNT + 2] = {"postgres", "kafka"};
	int n = 2;

	if (d != NULL || strcmp(service, "postgres") == 0 || strcmp(service, "kafka") == 0) {
		*ret = d != NULL ? d->name : service;
		return 0;
	}
	for (int i = 0; i < DAEMON_COUNT; i++)
		names[n++] = daemons[i].name;
	return nearest_refuse(ERR_NOT_FOUND, service, "there is no such service", names, n, err);
}

/* Takes body; ret may be NULL. */
static int act(const char *service, const char *verb, json_t *body, json_t **ret, struct error *err)
{
	const char *name;
	char path[128];
	int rc = service_name(service, &name, err);

	if (rc < 0) {
		json_decref(body);
		return rc;
	}
	snprintf(path, sizeof(path), "/v1/services/%s/%s", name, verb);
	return call(name, "POST", path, body, ACTION_MS, ret, err);
}

int control_start(const char *service, struct error *err)
{
	return act(service, "start", NULL, NULL, err);
}

int control_stop(const char *service, struct error *err)
{
	return act(service, "stop", NULL, NULL, err);
}

int control_restart(const char *service, struct error *err)
{
	return act(service, "restart", NULL, NULL, err);
}

int control_scale(const char *service, int replicas, char warning[200], struct error *err)
{
	AUTO_JSON json_t *answer = NULL;
	int rc = act(service, "scale", json_pack("{s:i}", "replicas", replicas), &answer, err);

	if (rc == 0 && warning != NULL)
		snprintf(warning, 200, "%s", json_string_or(answer, "warning", ""));
	return rc;
}

int control_reload(json_t **ret, struct error *err)
{
	return call("reload", "POST", "/v1/reload", NULL, STATUS_MS, ret, err);
}

int control_config(json_t **ret, struct error *err)
{
	return call("pizzad", "GET", "/v1/config", NULL, STATUS_MS, ret, err);
}

int control_known(const char *service, struct error *err)
{
	const char *name;

	return service_name(service, &name, err);
}

/* --- progress of a supervisor that is looked at --- */

#define SEEN_MAX (DAEMON_COUNT + 2)

/* What was last told of each service, so that only changes are. */
struct watch {
	control_progress_fn *progress;
	void *arg;
	struct mono began;
	char seen[SEEN_MAX][16];
};

static void watch_tell(struct watch *w, const json_t *status)
{
	const json_t *services = json_object_get(status, "services");

	for (size_t i = 0; w->progress != NULL && i < json_array_size(services) && i < SEEN_MAX; i++) {
		const json_t *s = json_array_get(services, i);
		const char *state = json_string_or(s, "state", "");
		struct control_progress p = {.service = json_string_or(s, "name", ""),
					     .state = state,
					     .detail = json_string_or(s, "reason", ""),
					     .elapsed_ms = mono_since_ms(w->began)};

		if (strcmp(w->seen[i], state) == 0)
			continue;
		snprintf(w->seen[i], sizeof(w->seen[i]), "%s", state);
		w->progress(w->arg, &p);
	}
}

static void nap(void)
{
	poll(NULL, 0, LOOK_MS);
}

/* --- up, when it runs already --- */

/* Starts what somebody has stopped; true when every service is there, degraded or not. */
static int start_missing(const json_t *status, bool *ret_all, struct error *err)
{
	const json_t *services = json_object_get(status, "services");
	int rc = 0;

	*ret_all = json_array_size(services) > 0;
	for (size_t i = 0; rc == 0 && i < json_array_size(services); i++) {
		const json_t *s = json_array_get(services, i);
		const char *state = json_string_or(s, "state", "");

		if (strcmp(state, "up") == 0 || strcmp(state, "degraded") == 0)
			continue;
		*ret_all = false;
		if (strcmp(state, "down") == 0 || strcmp(state, "failed") == 0)
			rc = control_start(json_string_or(s, "name", ""), err);
		if (rc == ERR_TIMEOUT) /* it goes on; our own deadline decides */
			rc = 0;
	}
	return rc;
}

/* Joins a supervisor that runs: ERR_UNAVAILABLE when it does not. */
static int join_running(struct mono deadline, struct watch *w, bool *ret_already, struct error *err)
{
	for (bool first = true;; first = false) {
		AUTO_JSON json_t *status = NULL;
		bool all, stopping;
		int rc = control_status(&status, err);

		if (rc < 0)
			return rc;
		stopping = strcmp(json_string_or(status, "state", ""), "stopping") == 0;
		if (!first || !stopping)
			watch_tell(w, status);
		all = false;
		if (!stopping)
			rc = start_missing(status, &all, err);
		if (rc < 0)
			return rc;
		if (all) {
			*ret_already = first;
			return 0;
		}
		if (mono_left_ms(deadline) == 0)
			return error_set(err, ERR_TIMEOUT, "up", "not every service is up yet");
		nap();
	}
}

/* --- up, when it does not run --- */

static void close_all_but(int keep)
{
	for (int fd = 3; fd < 1024; fd++)
		if (fd != keep)
			close(fd);
}

/* In the first child: a session of its own, a second child that is nobody's, and pizzad in it. */
static void run_in_background(const char *program, const char *log_path, int progress_fd)
{
	char number[16];
	int null_fd, log_fd;
	pid_t pid;

	setsid();
	pid = fork();
	if (pid != 0)
		_exit(pid < 0 ? 1 : 0);
	log_fd = open(log_path, O_WRONLY | O_APPEND | O_CREAT, 0640);
	null_fd = open("/dev/null", O_RDONLY);
	if (log_fd < 0 || null_fd < 0)
		_exit(1);
	dup2(null_fd, STDIN_FILENO);
	dup2(log_fd, STDOUT_FILENO);
	dup2(log_fd, STDERR_FILENO);
	close_all_but(progress_fd);
	snprintf(number, sizeof(number), "%d", progress_fd);
	context_export();
	execl(program, program, "--foreground", "--progress-fd", number, (char *)NULL);
	_exit(127);
}

/* Starts pizzad; its progress comes from *ret_fd. */
static int spawn(int *ret_fd, struct error *err)
{
	char program[PATH_MAX], log_path[PATH_MAX];
	int fds[2], status;
	pid_t pid;

	if (snprintf(program, sizeof(program), "%s/pizzad", paths_bin()) >= (int)sizeof(program) ||
	    snprintf(log_path, sizeof(log_path), "%s/pizzad.log", paths_log()) >= (int)sizeof(log_path))
		return error_set(err, ERR_INVALID, "start pizzad", "its path is too long");
	if (access(program, X_OK) < 0) {
		error_errno(err, "run %s", program);
		error_hint(err, "make builds it; it must lie beside pizzactl");
		return ERR_IO;
	}
	if (pipe(fds) < 0)
		return error_errno(err, "start pizzad");
	pid = fork();
	if (pid == 0)
		run_in_background(program, log_path, fds[1]);
	close(fds[1]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		close(fds[0]);
		return error_set(err, ERR_FAILED, "start pizzad", "it could not be put into the background");
	}
	*ret_fd = fds[0];
	return 0;
}

static int code_of(const char *word)
{
	for (int number = 1; number < ERR_NUMBER_COUNT; number++)
		if (strcmp(error_word(-number), word) == 0)
			return -number;
	return ERR_FAILED;
}

/* One line of progress: 1 when it was the last. */
static int take_line(const char *line, size_t n, control_progress_fn *progress, void *arg, struct error *err)
{
	AUTO_JSON json_t *j = json_loadb(line, n, 0, NULL);
	const json_t *e = json_object_get(j, "error");
	struct control_progress p = {.service = json_string_or(j, "service", ""),
				     .state = json_string_or(j, "state", ""),
				     .detail = json_string_or(j, "detail", ""),
				     .elapsed_ms = json_int_or(j, "elapsed_ms", 0)};

	if (e != NULL) {
		int code = code_of(json_string_or(e, "code", ""));

		error_set(err, code, json_string_or(e, "what", ""), "%s", json_string_or(e, "why", ""));
		if (json_string_or(e, "hint", "")[0] != '\0')
			error_hint(err, "%s", json_string_or(e, "hint", ""));
		return code;
	}
	if (json_bool_or(j, "done", false))
		return 1;
	if (progress != NULL && p.service[0] != '\0')
		progress(arg, &p);
	return 0;
}

/* Takes the whole lines out of text; as take_line. */
static int take_lines(struct buf *text, control_progress_fn *progress, void *arg, struct error *err)
{
	int rc = 0;
	size_t used = 0;

	while (rc == 0 && used < text->len) {
		const char *line = text->data + used;
		const char *end = memchr(line, '\n', text->len - used);

		if (end == NULL)
			break;
		rc = take_line(line, (size_t)(end - line), progress, arg, err);
		used += (size_t)(end - line) + 1;
	}
	if (used > 0) {
		memmove(text->data, text->data + used, text->len - used + 1);
		text->len -= used;
	}
	return rc;
}

static int follow(int fd, struct mono deadline, control_progress_fn *progress, void *arg, struct error *err)
{
	CLEANUP(buf_done) struct buf text = {0};
	int rc = 0;

	while (rc == 0) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		char chunk[4096];
		ssize_t n;

		if (poll(&p, 1, (int)mono_left_ms(deadline)) == 0) {
			error_set(err, ERR_TIMEOUT, "up", "not every service is up yet; the start goes on");
			error_hint(err, "pizzactl status shows how far it is");
			return ERR_TIMEOUT;
		}
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			error_set(err, ERR_FAILED, "up", "pizzad has ended");
			error_hint(err, "see %s/pizzad.log", paths_log());
			return ERR_FAILED;
		}
		buf_add(&text, chunk, (size_t)n);
		rc = take_lines(&text, progress, arg, err);
	}
	return rc < 0 ? rc : 0;
}

int control_up(int timeout_ms, control_progress_fn *progress, void *arg, bool *ret_already, struct error *err)
{
	struct mono deadline = mono_add_ms(mono_now(), timeout_ms);
	struct watch w = {.progress = progress, .arg = arg, .began = mono_now()};
	int fd = -1, rc = guard_local("up", err);

	*ret_already = false;
	if (rc == 0)
		rc = guard_change("up", err);
	if (rc < 0)
		return rc;
	for (;;) {
		rc = join_running(deadline, &w, ret_already, err);
		if (rc != ERR_UNAVAILABLE)
			return rc;
		rc = paths_create(err);
		if (rc == 0)
			rc = spawn(&fd, err);
		if (rc < 0)
			return rc;
		rc = follow(fd, deadline, progress, arg, err);
		close(fd);
		/* Somebody else's is just starting or ending: its socket is about to come or to go. */
		if (rc != ERR_CONFLICT || err == NULL || strcmp(err->what, "start") != 0 ||
		    mono_left_ms(deadline) == 0)
			return rc;
		nap();
	}
}

/* --- down --- */

/* The supervisor has ended when nobody holds its lock. */
static bool lock_is_free(void)
{
	char path[PATH_MAX];
	int fd = open(paths_run_file("pizzad.lock", path, sizeof(path)), O_RDWR | O_CLOEXEC);
	bool free_now;

	if (fd < 0)
		return true;
	free_now = flock(fd, LOCK_EX | LOCK_NB) == 0;
	close(fd);
	return free_now;
}

bool control_runs(void)
{
	return !lock_is_free();
}

int control_down(int timeout_ms, control_progress_fn *progress, void *arg, bool *ret_was_running,
		 struct error *err)
{
	struct mono deadline = mono_add_ms(mono_now(), timeout_ms);
	struct watch w = {.progress = progress, .arg = arg, .began = mono_now()};
	int rc = guard_local("down", err);

	*ret_was_running = false;
	if (rc == 0)
		rc = guard_change("down", err);
	if (rc < 0)
		return rc;
	*ret_was_running = !lock_is_free();
	if (!*ret_was_running)
		return 0;
	rc = call("pizzad", "POST", "/v1/down", NULL, STATUS_MS, NULL, err);
	if (rc < 0 && rc != ERR_UNAVAILABLE && rc != ERR_UNKNOWN)
		return rc;
	while (!lock_is_free()) {
		AUTO_JSON json_t *status = NULL;

		if (progress != NULL && control_status(&status, NULL) == 0)
			watch_tell(&w, status);
		if (mono_left_ms(deadline) == 0)
			return error_set(err, ERR_TIMEOUT, "down", "not everything has stopped yet");
		nap();
	}
	return 0;
}
