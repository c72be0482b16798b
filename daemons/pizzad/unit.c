/*
 * The life of units and their instances.  Level-triggered: the functions called on events only note what
 * happened, and unit_tick_all decides from the state what to do next.  The loop's thread alone.
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/priority.h"
#include "core/config/config.h"
#include "core/config/paths.h"
#include "daemons/pizzad/supervisor.h"

#define PROBE_MS	 30
#define BACKOFF_FIRST_MS 200
#define BACKOFF_MAX_MS	 30000
#define PROVEN_MS	 10000 /* up for this long: it does not crash at start, earlier failures are forgotten */
#define DRAIN_GRACE_MS	 2000
#define KILL_WAIT_MS	 5000

/* --- names and places --- */

const char *instance_name(const struct instance *i, char text[48])
{
	if (i->unit->info == NULL)
		snprintf(text, 48, "%s", i->unit->name);
	else
		snprintf(text, 48, "%s-%d", i->unit->name, i->replica);
	return text;
}

static const char *pid_path(const struct instance *i, char *text, size_t size)
{
	char name[48], file[64];

	snprintf(file, sizeof(file), "%s.pid", instance_name(i, name));
	return paths_run_file(file, text, size);
}

const char *unit_log_path(const struct unit *u, char *text, size_t size)
{
	snprintf(text, size, "%s/%s.log", paths_log(), u->name);
	return text;
}

static off_t log_size(const struct unit *u)
{
	char path[PATH_MAX];
	struct stat st;

	return stat(unit_log_path(u, path, sizeof(path)), &st) == 0 ? st.st_size : 0;
}

/* --- phases --- */

static void enter(struct instance *i, enum phase phase)
{
	i->phase = phase;
	i->phase_since = mono_now();
	i->deadline = (struct mono){0};
}

static int64_t backoff_ms(int failures)
{
	int64_t ms = BACKOFF_FIRST_MS;

	while (--failures > 0 && ms < BACKOFF_MAX_MS)
		ms *= 2;
	return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

/* During the first start a backing service that fails ends everything: nothing works without it. */
static bool is_fatal(const struct unit *u)
{
	return u->info == NULL && !u->supervisor->came_up && !u->ever_up && u->supervisor->down == DOWN_NOT;
}

static void enter_backoff(struct instance *i)
{
	char name[48], wait[DURATION_TEXT_SIZE];
	int64_t ms;

	i->failures++;
	ms = backoff_ms(i->failures);
	i->condemned = false;
	i->ready = false;
	enter(i, PHASE_BACKOFF);
	i->retry_at = mono_add_ms(mono_now(), ms);
	log_warn("%s failed: %s; next try in %s", instance_name(i, name), i->reason,
		 duration_format(ms * 1000, wait));
}

static void send_signal(const struct instance *i, int number)
{
	if (i->pid > 0)
		kill(i->pid, number);
}

static int stop_ms(const struct instance *i)
{
	int ms = i->unit->ops->stop_ms;

	return ms > 0 ? ms : (int)config_int(CONFIG_DRAIN_TIMEOUT) + DRAIN_GRACE_MS;
}

/* Asks the process to end; the exit decides what comes next. */
static void begin_stop(struct instance *i)
{
	int number = i->phase == PHASE_PREPARING ? SIGTERM : i->unit->ops->stop_signal;

	i->job = 0;
	i->ready = false;
	enter(i, PHASE_STOPPING);
	if (i->pid == 0)
		return;
	i->deadline = mono_add_ms(mono_now(), stop_ms(i));
	send_signal(i, number);
}

/* It cannot go on: its process, if any, is ended first.  The reason is in i->reason. */
static void fail(struct instance *i, const struct error *err)
{
	if (is_fatal(i->unit)) {
		struct error e = {.code = ERR_FAILED};

		if (err != NULL)
			e = *err;
		else
			error_set(&e, ERR_FAILED, i->unit->name, "%s", i->reason);
		shutdown_begin(i->unit->supervisor, &e);
	}
	if (i->pid > 0) {
		i->condemned = true;
		begin_stop(i);
	} else {
		enter_backoff(i);
	}
}

static void fail_with(struct instance *i, const struct error *err)
{
	snprintf(i->reason, sizeof(i->reason), "%s: %s", err->what, err->why);
	fail(i, err);
}

/* --- starting --- */

static bool unit_satisfied(const struct unit *u)
{
	return u->ever_up || !u->wanted;
}

const struct unit *unit_missing_need(const struct unit *u)
{
	struct supervisor *s = u->supervisor;

	if (u->info == NULL)
		return NULL;
	for (int i = 0; i < UNIT_DAEMONS; i++)
		if (!s->units[i].ever_up)
			return &s->units[i];
	for (const char *const *after = u->info->after; *after != NULL; after++) {
		const struct unit *other = unit_find(s, *after);

		if (other != NULL && !unit_satisfied(other))
			return other;
	}
	return NULL;
}

static int run_launch(struct instance *i, const struct launch *l, enum phase phase, struct error *err)
{
	char pid_file[PATH_MAX], log_file[PATH_MAX];
	int rc;

	i->log_start = log_size(i->unit);
	rc = process_start(l, pid_path(i, pid_file, sizeof(pid_file)),
			   unit_log_path(i->unit, log_file, sizeof(log_file)), &i->pid, err);
	if (rc < 0)
		return rc;
	i->up_since = mono_now();
	i->usage = (struct process_usage){0};
	enter(i, phase);
	if (l->text != NULL)
		progress_detail(i->unit->supervisor, i->unit, l->text);
	return 0;
}

static int launch_main(struct instance *i, struct error *err)
{
	CLEANUP(launch_done) struct launch l = {0};
	int rc = i->unit->ops->launch(i, &l, err);

	i->ready = i->degraded = false;
	i->next_probe = mono_add_ms(mono_now(), i->unit->ops->probe_ms);
	i->status[0] = '\0';
	i->port = 0;
	if (rc == 0)
		rc = run_launch(i, &l, PHASE_STARTING, err);
	if (rc == 0 && i->unit->ops->start_ms > 0)
		i->deadline = mono_add_ms(mono_now(), i->unit->ops->start_ms);
	return rc;
}

static void begin_provision(struct instance *i)
{
	enter(i, PHASE_PROVISIONING);
	i->job = job_start(i->unit->supervisor, i->unit->ops->provision);
}

/* From WAITING, or after a preparation: the next program. */
static void begin_start(struct instance *i)
{
	CLEANUP(launch_done) struct launch l = {0};
	struct error err = {0};
	int rc = 0;

	if (i->unit->external) {
		begin_provision(i);
		return;
	}
	if (i->unit->ops->prepare != NULL)
		rc = i->unit->ops->prepare(i, &l, &err);
	if (rc == 1 && i->prepared)
		rc = error_set(&err, ERR_FAILED, i->unit->name, "its preparation ended without result");
	if (rc == 1) {
		i->prepared = true;
		rc = run_launch(i, &l, PHASE_PREPARING, &err);
	} else if (rc == 0) {
		rc = launch_main(i, &err);
	}
	if (rc < 0)
		fail_with(i, &err);
}

static void enter_up(struct instance *i)
{
	char name[48];

	enter(i, PHASE_UP);
	i->lowered = i->unit->ops->nice <= 0;
	i->reason[0] = '\0';
	i->unit->ever_up = true;
	log_info("%s is up%s", instance_name(i, name), i->restarts > 0 ? " again" : "");
}

static void became_ready(struct instance *i)
{
	if (i->unit->ops->provision != NULL)
		begin_provision(i);
	else
		enter_up(i);
}

void unit_provisioned(struct supervisor *s, unsigned job, int rc, const struct error *err)
{
	for (int n = 0; n < UNIT_COUNT; n++) {
		struct instance *i = &s->units[n].instances[0];

		if (i->job != job || i->phase != PHASE_PROVISIONING)
			continue;
		i->job = 0;
		if (rc < 0) {
			fail_with(i, err);
			continue;
		}
		if (n == UNIT_POSTGRES && !i->unit->external && !i->unit->ever_up)
			job_start(s, provision_flush);
		enter_up(i);
	}
}

/* --- ticks --- */

static bool passed(struct mono when)
{
	return when.ns != 0 && mono_left_ms(when) == 0;
}

static void tick_starting(struct instance *i)
{
	if (!i->ready && i->unit->ops->probe != NULL && mono_left_ms(i->next_probe) == 0) {
		i->next_probe = mono_add_ms(mono_now(), i->unit->ops->probe_ms);
		i->ready = i->unit->ops->probe(i);
	}
	if (i->ready) {
		became_ready(i);
	} else if (passed(i->deadline)) {
		snprintf(i->reason, sizeof(i->reason), "was not ready after %d s",
			 i->unit->ops->start_ms / 1000);
		fail(i, NULL);
	}
}

/* Being asked twice is not enough for some. */
static void tick_stopping(struct instance *i)
{
	char name[48];

	if (i->pid == 0) {
		enter(i, PHASE_DOWN);
	} else if (passed(i->deadline)) {
		log_warn("%s does not end; it is killed", instance_name(i, name));
		send_signal(i, SIGKILL);
		i->deadline = mono_add_ms(mono_now(), KILL_WAIT_MS);
	}
}

static void tick(struct instance *i)
{
	bool run = i->wanted && i->unit->wanted;

	if (!run && i->phase != PHASE_DOWN && i->phase != PHASE_STOPPING) {
		begin_stop(i);
		return;
	}
	switch (i->phase) {
	case PHASE_DOWN:
		if (run) {
			i->prepared = false;
			enter(i, PHASE_WAITING);
		}
		break;
	case PHASE_WAITING:
		if (unit_missing_need(i->unit) == NULL)
			begin_start(i);
		break;
	case PHASE_STARTING:
		tick_starting(i);
		break;
	case PHASE_UP:
		i->lowered = i->lowered || priority_lower(i->pid, i->unit->ops->nice);
		if (i->failures > 0 && mono_since_ms(i->phase_since) > PROVEN_MS)
			i->failures = 0;
		break;
	case PHASE_STOPPING:
		tick_stopping(i);
		break;
	case PHASE_BACKOFF:
		if (passed(i->retry_at)) {
			i->restarts++;
			i->prepared = false;
			enter(i, PHASE_WAITING);
		}
		break;
	case PHASE_PREPARING:
	case PHASE_PROVISIONING:
		break;
	}
}

void unit_tick_all(struct supervisor *s)
{
	bool moved = true;

	/* A unit that has come up may let others start. */
	for (int rounds = 0; moved && rounds < 8; rounds++) {
		moved = false;
		for (int n = 0; n < UNIT_COUNT; n++) {
			for (int r = 0; r < REPLICAS_MAX; r++) {
				struct instance *i = &s->units[n].instances[r];
				enum phase before = i->phase;

				if (i->phase != PHASE_DOWN || i->wanted)
					tick(i);
				moved |= i->phase != before;
			}
		}
	}
}

static void shorten(int *ms, struct mono when)
{
	int64_t left = mono_left_ms(when);

	if (when.ns != 0 && left < *ms)
		*ms = (int)left;
}

int unit_next_ms(const struct supervisor *s)
{
	int ms = 1000;

	for (int n = 0; n < UNIT_COUNT; n++) {
		for (int r = 0; r < REPLICAS_MAX; r++) {
			const struct instance *i = &s->units[n].instances[r];

			if (i->phase == PHASE_DOWN)
				continue;
			shorten(&ms, i->deadline);
			if (i->phase == PHASE_BACKOFF)
				shorten(&ms, i->retry_at);
			if (i->phase == PHASE_STARTING && i->unit->ops->probe != NULL)
				shorten(&ms, i->next_probe);
		}
	}
	return ms + 1; /* poll rounds down */
}

/* --- events --- */

struct instance *unit_instance_of(struct supervisor *s, pid_t pid)
{
	for (int n = 0; pid > 0 && n < UNIT_COUNT; n++)
		for (int r = 0; r < REPLICAS_MAX; r++)
			if (s->units[n].instances[r].pid == pid)
				return &s->units[n].instances[r];
	return NULL;
}

static void explain_exit(struct instance *i, int status)
{
	char path[PATH_MAX], line[256], ending[64];

	process_last_line(unit_log_path(i->unit, path, sizeof(path)), i->log_start, line, sizeof(line));
	snprintf(i->reason, sizeof(i->reason), "ended with %s%s%s",
		 process_ending(status, ending, sizeof(ending)), line[0] != '\0' ? ": " : "", line);
}

/* An exit that nobody asked for. */
static void exited_by_itself(struct instance *i, int status)
{
	struct error err = {0};
	char path[PATH_MAX];

	explain_exit(i, status);
	error_set(&err, ERR_FAILED, i->unit->name, "%s", i->reason);
	if (strstr(i->reason, "No space left") != NULL)
		error_hint(&err, "the disk of %s is full: free some space", paths_home());
	else
		error_hint(&err, "see %s", unit_log_path(i->unit, path, sizeof(path)));
	i->ready = false;
	fail(i, &err);
}

void unit_exited(struct supervisor *s, pid_t pid, int status)
{
	struct instance *i = unit_instance_of(s, pid);
	char path[PATH_MAX];

	if (i == NULL)
		return;
	i->pid = 0;
	i->up_since = (struct mono){0};
	i->port = 0;
	i->degraded = false;
	i->job = 0;
	unlink(pid_path(i, path, sizeof(path)));
	if (i->phase == PHASE_STOPPING && i->condemned)
		enter_backoff(i);
	else if (i->phase == PHASE_STOPPING)
		enter(i, PHASE_DOWN);
	else if (i->phase == PHASE_PREPARING && status == 0)
		begin_start(i);
	else
		exited_by_itself(i, status);
}

/* --- wishes --- */

struct unit *unit_find(struct supervisor *s, const char *name)
{
	const struct daemon_info *d = daemon_find(name);

	if (d != NULL)
		return &s->units[UNIT_DAEMONS + d->id];
	for (int n = 0; n < UNIT_DAEMONS; n++)
		if (strcmp(s->units[n].name, name) == 0)
			return &s->units[n];
	return NULL;
}

bool unit_has_process(const struct unit *u)
{
	for (int r = 0; r < REPLICAS_MAX; r++)
		if (u->instances[r].phase != PHASE_DOWN)
			return true;
	return false;
}

void unit_want(struct unit *u, bool wanted)
{
	if (wanted && !u->wanted)
		u->start_began = mono_now();
	u->wanted = wanted;
	for (int r = 0; r < REPLICAS_MAX; r++) {
		struct instance *i = &u->instances[r];

		i->failures = 0;
		if (wanted && i->phase == PHASE_BACKOFF)
			i->retry_at = mono_now();
	}
}

void unit_set_replicas(struct unit *u, int replicas)
{
	u->replicas = replicas;
	for (int r = 0; r < REPLICAS_MAX; r++)
		u->instances[r].wanted = r < replicas;
}

void unit_stop_instance(struct instance *i)
{
	i->condemned = false;
	if (i->phase == PHASE_BACKOFF)
		i->retry_at = mono_now();
	else if (i->phase != PHASE_DOWN && i->phase != PHASE_STOPPING)
		begin_stop(i);
}

static void unit_init(struct supervisor *s, struct unit *u, const char *name, const struct unit_ops *ops)
{
	u->supervisor = s;
	u->name = name;
	u->ops = ops;
	u->told = STATE_DOWN;
	for (int r = 0; r < REPLICAS_MAX; r++) {
		u->instances[r].unit = u;
		u->instances[r].replica = r + 1;
	}
	unit_set_replicas(u, 1);
	unit_want(u, true);
}

void units_init(struct supervisor *s)
{
	unit_init(s, &s->units[UNIT_POSTGRES], "postgres", &postgres_ops);
	unit_init(s, &s->units[UNIT_KAFKA], "kafka", &kafka_ops);
	s->units[UNIT_POSTGRES].external = config_string(CONFIG_DATABASE_URL)[0] != '\0';
	s->units[UNIT_KAFKA].external = config_string(CONFIG_KAFKA_BOOTSTRAP)[0] != '\0';
	for (int d = 0; d < DAEMON_COUNT; d++) {
		struct unit *u = &s->units[UNIT_DAEMONS + d];

		unit_init(s, u, daemons[d].name, &daemon_ops);
		u->info = &daemons[d];
		unit_set_replicas(u, daemons[d].replicas);
	}
	replicas_load(s);
}
