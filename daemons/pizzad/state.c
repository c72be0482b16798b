/*
 * What is shown of the units: their states in contract.md's words, reasons, the status document, and telling
 * changes.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/config/config.h"
#include "core/config/paths.h"
#include "daemons/pizzad/supervisor.h"

const char *const unit_state_words[] = {"down", "starting", "up", "degraded", "failed"};

static enum unit_state instance_state(const struct instance *i)
{
	switch (i->phase) {
	case PHASE_DOWN:
	case PHASE_STOPPING:
		return STATE_DOWN;
	case PHASE_WAITING:
	case PHASE_PREPARING:
	case PHASE_STARTING:
	case PHASE_PROVISIONING:
		return STATE_STARTING;
	case PHASE_UP:
		return i->degraded ? STATE_DEGRADED : STATE_UP;
	case PHASE_BACKOFF:
		return STATE_FAILED;
	}
	return STATE_FAILED;
}

/* Up when all are; degraded when some are; else failed when one is; else starting. */
enum unit_state unit_state(const struct unit *u)
{
	int counts[STATE_FAILED + 1] = {0};
	int up;

	if (!u->wanted)
		return STATE_DOWN;
	for (int r = 0; r < u->replicas; r++)
		counts[instance_state(&u->instances[r])]++;
	up = counts[STATE_UP] + counts[STATE_DEGRADED];
	if (counts[STATE_UP] == u->replicas)
		return STATE_UP;
	if (up > 0)
		return STATE_DEGRADED;
	return counts[STATE_FAILED] > 0 ? STATE_FAILED : STATE_STARTING;
}

int unit_ready_count(const struct unit *u)
{
	int n = 0;

	for (int r = 0; r < REPLICAS_MAX; r++)
		n += u->instances[r].phase == PHASE_UP;
	return n;
}

static void instance_reason(const struct instance *i, char *text, size_t size)
{
	const struct unit *need = unit_missing_need(i->unit);
	char wait[DURATION_TEXT_SIZE];

	text[0] = '\0';
	switch (i->phase) {
	case PHASE_DOWN:
		snprintf(text, size, "%s", i->unit->wanted ? "is about to start" : "");
		break;
	case PHASE_WAITING:
		snprintf(text, size, "waits for %s", need != NULL ? need->name : "its turn");
		break;
	case PHASE_PREPARING:
	case PHASE_PROVISIONING:
		snprintf(text, size, "is being set up");
		break;
	case PHASE_STARTING:
		snprintf(text, size, "%s", i->status[0] != '\0' ? i->status : "is not ready yet");
		break;
	case PHASE_UP:
		snprintf(text, size, "%s", i->degraded ? i->status : "");
		break;
	case PHASE_STOPPING:
		snprintf(text, size, "is stopping");
		break;
	case PHASE_BACKOFF:
		duration_format(mono_left_ms(i->retry_at) * 1000, wait);
		snprintf(text, size, "%s; next try in %s", i->reason, wait);
		break;
	}
}

void unit_reason(const struct unit *u, char *text, size_t size)
{
	char reason[512];

	text[0] = '\0';
	if (u->external)
		snprintf(text, size, "an existing server is used");
	for (int r = 0; r < REPLICAS_MAX; r++) {
		const struct instance *i = &u->instances[r];

		if (r >= u->replicas && i->phase == PHASE_DOWN)
			continue;
		instance_reason(i, reason, sizeof(reason));
		if (reason[0] == '\0')
			continue;
		if (u->replicas > 1)
			snprintf(text, size, "replica %d: %s", i->replica, reason);
		else
			snprintf(text, size, "%s", reason);
		return;
	}
}

/* --- the status document --- */

static json_t *instance_json(const struct instance *i)
{
	return json_pack("{s:i,s:o,s:s,s:o,s:i}", "replica", i->replica, "pid",
			 i->pid > 0 ? json_integer(i->pid) : json_null(), "state",
			 unit_state_words[instance_state(i)], "port",
			 i->port > 0 ? json_integer(i->port) : json_null(), "restarts", i->restarts);
}

struct sums {
	int restarts;
	double cpu;
	int64_t rss;
	int64_t uptime_ms;
	pid_t pid;
};

static json_t *instances_json(struct unit *u, struct process_table *table, struct sums *sums)
{
	json_t *list = json_array();

	for (int r = 0; r < REPLICAS_MAX; r++) {
		struct instance *i = &u->instances[r];

		sums->restarts += i->restarts;
		if ((r >= u->replicas || !u->wanted) && i->phase == PHASE_DOWN)
			continue;
		json_array_append_new(list, instance_json(i));
		if (i->pid == 0)
			continue;
		process_sample(table, i->pid, &i->usage);
		sums->cpu += i->usage.cpu_percent;
		sums->rss += i->usage.rss_bytes;
		if (sums->pid == 0) {
			sums->pid = i->pid;
			sums->uptime_ms = mono_since_ms(i->up_since);
		}
	}
	return list;
}

static json_t *unit_json(struct unit *u, struct process_table *table)
{
	struct sums sums = {0};
	json_t *instances = instances_json(u, table, &sums);
	char reason[512];

	unit_reason(u, reason, sizeof(reason));
	return json_pack("{s:s,s:s,s:s,s:o,s:i,s:i,s:i,s:I,s:f,s:I,s:s,s:o}", "name", u->name, "kind",
			 u->info != NULL ? "daemon" : "backing", "state", unit_state_words[unit_state(u)],
			 "pid", sums.pid > 0 ? json_integer(sums.pid) : json_null(), "replicas",
			 unit_ready_count(u), "replicas_wanted", u->wanted ? u->replicas : 0, "restarts",
			 sums.restarts, "uptime_seconds", (json_int_t)(sums.uptime_ms / 1000), "cpu_percent",
			 sums.cpu, "rss_bytes", (json_int_t)sums.rss, "reason", reason, "instances",
			 instances);
}

static bool all_up(const struct supervisor *s)
{
	for (int n = 0; n < UNIT_COUNT; n++)
		if (s->units[n].wanted && unit_ready_count(&s->units[n]) == 0)
			return false;
	return true;
}

json_t *status_json(struct supervisor *s)
{
	struct process_table *table = process_table_read();
	json_t *services = json_array();
	const char *state = s->down != DOWN_NOT ? "stopping" : s->came_up || all_up(s) ? "up" : "starting";

	for (int n = 0; n < UNIT_COUNT; n++)
		json_array_append_new(services, unit_json(&s->units[n], table));
	process_table_free(table);
	return json_pack("{s:s,s:i,s:i,s:s,s:s,s:o}", "home", paths_home(), "pid", (int)getpid(), "port_base",
			 (int)config_int(CONFIG_PORT_BASE), "version", PIZZA_VERSION, "state", state,
			 "services", services);
}

/* --- telling changes --- */

#define FAILURES_TOLD 3 /* so many in a row end the first attempt of `up` */

/* The first daemon that cannot come up, or NULL. */
static const struct instance *hopeless(const struct supervisor *s)
{
	for (int n = 0; n < UNIT_COUNT; n++) {
		const struct unit *u = &s->units[n];

		for (int r = 0; r < u->replicas; r++)
			if (u->instances[r].failures >= FAILURES_TOLD &&
			    u->instances[r].phase == PHASE_BACKOFF)
				return &u->instances[r];
	}
	return NULL;
}

static void tell_first_start(struct supervisor *s)
{
	const struct instance *bad = hopeless(s);
	struct error err = {0};

	if (s->came_up || s->down != DOWN_NOT)
		return;
	if (all_up(s)) {
		s->came_up = true;
		progress_done(s);
	} else if (bad != NULL) {
		s->came_up = true;
		error_set(&err, ERR_FAILED, bad->unit->name, "%s", bad->reason);
		error_hint(&err, "it is tried again and again; see `pizzactl logs %s`", bad->unit->name);
		progress_error(s, &err);
	}
}

/* Not all are up because some are just being started: nothing to warn of. */
static bool is_starting(const struct unit *u)
{
	for (int r = 0; r < u->replicas; r++)
		if (instance_state(&u->instances[r]) == STATE_STARTING)
			return true;
	return false;
}

void state_tell(struct supervisor *s)
{
	char reason[512];

	for (int n = 0; n < UNIT_COUNT; n++) {
		struct unit *u = &s->units[n];
		enum unit_state state = unit_state(u);

		if (state == u->told)
			continue;
		u->told = state;
		unit_reason(u, reason, sizeof(reason));
		if (state == STATE_DEGRADED && !is_starting(u))
			log_warn("%s is degraded: %s", u->name, reason);
		progress_state(s, u, state, state == STATE_STARTING ? "" : reason);
	}
	tell_first_start(s);
}
