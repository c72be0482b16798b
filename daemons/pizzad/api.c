/*
 * The control API.  A command is a small state machine over the units' states: it changes what is wanted, and
 * is over when the state is reached, when the service has failed, or when its deadline has passed.
 */
#include "daemons/pizzad/api.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/nearest.h"
#include "core/config/paths.h"
#include "core/config/report.h"
#include "core/http/server.h"
#include "daemons/pizzad/trail.h"

#define COMMAND_MS 30000

enum verb { VERB_STATUS, VERB_START, VERB_STOP, VERB_RESTART, VERB_SCALE, VERB_RELOAD, VERB_DOWN };

struct command {
	struct command *next;
	enum verb verb;
	char name[64];
	int replicas;
	struct http_request *request;
	struct mono deadline;
	struct unit *unit;
	int step;  /* restart: the replica at work; scale: the number before */
	bool told; /* restart: that replica has been stopped */
	char warning[200];
	char skipped[512]; /* reload: the keys that need a restart */
};

struct api {
	struct supervisor *supervisor;
	struct http_server *server;
	pthread_mutex_t lock;
	struct command *incoming; /* under lock, newest first */
	bool closed;		  /* under lock */
	struct command *active;	  /* the loop's */
};

/* --- handlers: any thread --- */

/* Takes c. */
static void hand_in(struct api *a, struct command *c, struct http_request *r)
{
	uint64_t one = 1;
	bool closed;

	c->request = r;
	c->deadline = mono_add_ms(mono_now(), COMMAND_MS);
	http_defer(r);
	pthread_mutex_lock(&a->lock);
	closed = a->closed;
	if (!closed) {
		c->next = a->incoming;
		a->incoming = c;
	}
	pthread_mutex_unlock(&a->lock);
	if (closed) {
		struct error err = {0};

		error_set(&err, ERR_UNAVAILABLE, "pizzad", "is ending");
		http_reply_error(r, &err);
		free(c);
	} else if (write(a->supervisor->wake_fd, &one, sizeof(one)) < 0) {
		log_error("cannot wake the loop");
	}
}

static struct command *command_new(enum verb verb, const char *name)
{
	struct command *c = xcalloc(1, sizeof(*c));

	c->verb = verb;
	snprintf(c->name, sizeof(c->name), "%s", name);
	return c;
}

static void get_status(struct http_request *r, void *arg)
{
	hand_in(arg, command_new(VERB_STATUS, ""), r);
}

static void post_down(struct http_request *r, void *arg)
{
	hand_in(arg, command_new(VERB_DOWN, ""), r);
}

static void post_reload(struct http_request *r, void *arg)
{
	hand_in(arg, command_new(VERB_RELOAD, ""), r);
}

static void get_config(struct http_request *r, void *arg)
{
	struct error err = {0};
	char token[65];

	(void)arg;
	if (paths_operator_token(false, token, &err) < 0)
		http_reply_error(r, &err);
	else
		http_reply_json(r, 200, config_report(token));
}

static void post_start(struct http_request *r, void *arg)
{
	hand_in(arg, command_new(VERB_START, http_path_param(r, 0)), r);
}

static void post_stop(struct http_request *r, void *arg)
{
	hand_in(arg, command_new(VERB_STOP, http_path_param(r, 0)), r);
}

static void post_restart(struct http_request *r, void *arg)
{
	hand_in(arg, command_new(VERB_RESTART, http_path_param(r, 0)), r);
}

static void post_scale(struct http_request *r, void *arg)
{
	struct error err = {0};
	json_t *body = NULL, *replicas;
	struct command *c;
	int rc = http_body_json(r, &body, &err);

	replicas = json_object_get(body, "replicas");
	if (rc == 0 && (!json_is_integer(replicas) || llabs(json_integer_value(replicas)) > INT_MAX))
		rc = error_set(&err, ERR_INVALID, "replicas", "must be an integer");
	if (rc < 0) {
		http_reply_error(r, &err);
	} else {
		c = command_new(VERB_SCALE, http_path_param(r, 0));
		c->replicas = (int)json_integer_value(replicas);
		hand_in(arg, c, r);
	}
	json_decref(body);
}

static void get_audit(struct http_request *r, void *arg)
{
	(void)arg;
	http_reply_json(r, 200, json_pack("{s:o}", "items", trail_read()));
}

static const struct http_route routes[] = {
    {.method = "GET", .pattern = "/v1/audit", .handler = get_audit, .blocking = true},
    {.method = "GET", .pattern = "/v1/status", .handler = get_status},
    {.method = "GET", .pattern = "/v1/config", .handler = get_config},
    {.method = "POST", .pattern = "/v1/reload", .handler = post_reload},
    {.method = "POST", .pattern = "/v1/down", .handler = post_down},
    {.method = "POST", .pattern = "/v1/services/{name}/start", .handler = post_start},
    {.method = "POST", .pattern = "/v1/services/{name}/stop", .handler = post_stop},
    {.method = "POST", .pattern = "/v1/services/{name}/restart", .handler = post_restart},
    {.method = "POST", .pattern = "/v1/services/{name}/scale", .handler = post_scale},
};

/* --- carrying out: the loop's thread --- */

static int find_unit(struct api *a, struct command *c, struct error *err)
{
	const char *names[UNIT_COUNT];

	c->unit = unit_find(a->supervisor, c->name);
	if (c->unit != NULL)
		return 0;
	for (int n = 0; n < UNIT_COUNT; n++)
		names[n] = a->supervisor->units[n].name;
	return nearest_refuse(ERR_NOT_FOUND, c->name, "there is no such service", names, UNIT_COUNT, err);
}

static int refuse_scale(const struct command *c, struct error *err)
{
	const struct daemon_info *info = c->unit->info;

	if (info == NULL || info->alone != NULL)
		error_set(err, ERR_INVALID, "replicas", "%d are not possible; it can have 1: %s", c->replicas,
			  info == NULL ? "pizzad runs one server of it" : info->alone);
	else
		error_set(err, ERR_INVALID, "replicas", "%d are not possible; it can have 1 to %d",
			  c->replicas, info->replicas_max);
	if (c->replicas == 0)
		error_hint(err, "pizzactl stop %s stops it", c->unit->name);
	return ERR_INVALID;
}

/* Of the topics that it reads, the most; 0: it reads none, or they are not known yet. */
static int partitions_of(const struct daemon_info *info)
{
	int most = 0;

	for (int i = 0; info->consumes[i] != NULL; i++) {
		int n = provision_partitions(info->consumes[i]);

		most = n > most ? n : most;
	}
	return most;
}

static int begin_scale(struct command *c, struct error *err)
{
	const struct daemon_info *info = c->unit->info;
	int partitions;

	if (info == NULL || c->replicas < 1 || c->replicas > info->replicas_max)
		return refuse_scale(c, err);
	partitions = partitions_of(info);
	if (partitions > 0 && c->replicas > partitions)
		snprintf(c->warning, sizeof(c->warning),
			 "%d of %d replicas get no partition: each topic has %d", c->replicas - partitions,
			 c->replicas, partitions);
	c->step = c->unit->replicas;
	unit_set_replicas(c->unit, c->replicas);
	return replicas_save(c->unit->supervisor, err);
}

static int begin(struct api *a, struct command *c, struct error *err)
{
	int rc;

	if (c->verb == VERB_STATUS)
		return 0;
	if (c->verb == VERB_DOWN) {
		shutdown_begin(a->supervisor, NULL);
		return 0;
	}
	if (a->supervisor->down != DOWN_NOT)
		return error_set(err, ERR_CONFLICT, "pizzad", "everything is being stopped");
	if (c->verb == VERB_RELOAD)
		return supervisor_reload(a->supervisor, c->skipped, sizeof(c->skipped), err);
	rc = find_unit(a, c, err);
	if (rc < 0)
		return rc;
	if (c->unit->external && c->verb != VERB_SCALE)
		return error_set(err, ERR_REFUSED, c->unit->name,
				 "is an existing server; it is not pizzad's to %s",
				 c->verb == VERB_START	? "start"
				 : c->verb == VERB_STOP ? "stop"
							: "restart");
	if (c->verb == VERB_SCALE)
		return begin_scale(c, err);
	unit_want(c->unit, c->verb != VERB_STOP);
	return 0;
}

/* An instance in backoff: the command need not wait for the next try. */
static const struct instance *failed_instance(const struct unit *u)
{
	for (int r = 0; r < u->replicas; r++)
		if (u->instances[r].phase == PHASE_BACKOFF && u->instances[r].failures > 1)
			return &u->instances[r];
	return NULL;
}

static bool all_ready(const struct unit *u)
{
	return u->wanted && unit_ready_count(u) >= u->replicas;
}

static bool is_down(const struct unit *u)
{
	return !unit_has_process(u);
}

/* One replica after the other, so that a service with several stays there. */
static bool step_restart(struct command *c)
{
	struct unit *u = c->unit;

	while (c->step < u->replicas) {
		struct instance *i = &u->instances[c->step];

		if (!c->told) {
			unit_stop_instance(i);
			i->failures = 0;
			c->told = true;
			return false;
		}
		if (i->phase != PHASE_UP)
			return false;
		c->step++;
		c->told = false;
	}
	return true;
}

static bool step_scale(struct command *c)
{
	struct unit *u = c->unit;

	for (int r = u->replicas; r < REPLICAS_MAX; r++)
		if (u->instances[r].phase != PHASE_DOWN)
			return false;
	if (c->step > c->replicas && u->info->consumes[0] != NULL) {
		job_remove_members(u->supervisor, u, c->replicas + 1, c->step);
		c->step = c->replicas;
	}
	return all_ready(u) || !u->wanted;
}

/* True when the command has reached what it wants. */
static bool reached(struct command *c)
{
	switch (c->verb) {
	case VERB_STATUS:
	case VERB_RELOAD:
	case VERB_DOWN:
		return true;
	case VERB_START:
		return all_ready(c->unit);
	case VERB_STOP:
		return is_down(c->unit);
	case VERB_RESTART:
		return step_restart(c);
	case VERB_SCALE:
		return step_scale(c);
	}
	return true;
}

static json_t *answer(struct api *a, const struct command *c)
{
	json_t *j;

	if (c->verb == VERB_STATUS)
		return status_json(a->supervisor);
	if (c->verb == VERB_DOWN)
		return json_pack("{s:s}", "state", "stopping");
	if (c->verb == VERB_RELOAD)
		return json_pack("{s:s, s:s}", "file", config_file(), "skipped", c->skipped);
	j = json_pack("{s:s,s:s,s:i}", "name", c->unit->name, "state", unit_state_words[unit_state(c->unit)],
		      "replicas", unit_ready_count(c->unit));
	if (c->warning[0] != '\0')
		json_object_set_new(j, "warning", json_string(c->warning));
	return j;
}

/* 0: goes on; 1: done; or the error that ends it. */
static int advance(struct command *c, struct error *err)
{
	const struct instance *bad;
	char reason[300];

	if (reached(c))
		return 1;
	bad = c->verb != VERB_STOP ? failed_instance(c->unit) : NULL;
	if (bad != NULL) {
		error_set(err, ERR_FAILED, c->unit->name, "%s", bad->reason);
		error_hint(err, "it is tried again and again; see `pizzactl logs %s`", c->unit->name);
		return ERR_FAILED;
	}
	if (c->unit->supervisor->down != DOWN_NOT)
		return error_set(err, ERR_CONFLICT, c->unit->name, "everything is being stopped");
	if (mono_left_ms(c->deadline) > 0)
		return 0;
	unit_reason(c->unit, reason, sizeof(reason));
	return error_set(err, ERR_TIMEOUT, c->unit->name, "is not there after %d s: %s", COMMAND_MS / 1000,
			 reason);
}

static void write_trail(const struct command *c, int rc, const struct error *err)
{
	static const char *const actions[] = {
	    [VERB_START] = "service.start",	[VERB_STOP] = "service.stop",
	    [VERB_RESTART] = "service.restart", [VERB_SCALE] = "service.scale",
	    [VERB_RELOAD] = "config.reload",	[VERB_DOWN] = "system.down"};
	AUTO_JSON json_t *arguments = NULL;

	if (c->verb == VERB_STATUS)
		return;
	if (c->verb == VERB_SCALE)
		arguments = json_pack("{s:i}", "replicas", c->replicas);
	trail_write(c->request, actions[c->verb], c->name, arguments, rc < 0 ? err : NULL);
}

/* Replies and frees. */
static void finish(struct api *a, struct command *c, int rc, const struct error *err)
{
	write_trail(c, rc, err);
	if (rc < 0)
		http_reply_error(c->request, err);
	else
		http_reply_json(c->request, 200, answer(a, c));
	free(c);
}

static void take_incoming(struct api *a)
{
	struct command *list, *reversed = NULL;

	pthread_mutex_lock(&a->lock);
	list = a->incoming;
	a->incoming = NULL;
	pthread_mutex_unlock(&a->lock);
	while (list != NULL) {
		struct command *c = list;

		list = c->next;
		c->next = reversed;
		reversed = c;
	}
	while (reversed != NULL) {
		struct command *c = reversed;
		struct error err = {0};
		int rc = begin(a, c, &err);

		reversed = c->next;
		if (rc < 0) {
			finish(a, c, rc, &err);
		} else {
			c->next = a->active;
			a->active = c;
		}
	}
}

void api_tick(struct api *a)
{
	struct command **link = &a->active;

	take_incoming(a);
	while (*link != NULL) {
		struct command *c = *link;
		struct error err = {0};
		int rc = advance(c, &err);

		if (rc == 0) {
			link = &c->next;
			continue;
		}
		*link = c->next;
		finish(a, c, rc, &err);
	}
}

int api_next_ms(const struct api *a)
{
	int64_t ms = 1000;

	for (const struct command *c = a->active; c != NULL; c = c->next)
		if (mono_left_ms(c->deadline) < ms)
			ms = mono_left_ms(c->deadline);
	return (int)ms + 1;
}

int api_start(struct supervisor *s, struct api **ret, struct error *err)
{
	struct api *a = xcalloc(1, sizeof(*a));
	char path[PATH_MAX];
	struct http_server_options options = {.unix_path = paths_run_file("pizzad.sock", path, sizeof(path)),
					      .loops = 1,
					      .workers = 1,
					      .body_max = 65536,
					      .connections_max = 64,
					      .routes = routes,
					      .route_count = ARRAY_LEN(routes),
					      .arg = a};
	int rc;

	a->supervisor = s;
	pthread_mutex_init(&a->lock, NULL);
	unlink(path); /* ours: the lock says that nobody else is there */
	rc = http_server_start(&options, &a->server, err);
	if (rc < 0) {
		free(a);
		return rc;
	}
	*ret = a;
	return 0;
}

void api_stop(struct api *a)
{
	struct error err = {0};
	char path[PATH_MAX];

	if (a == NULL)
		return;
	pthread_mutex_lock(&a->lock);
	a->closed = true;
	pthread_mutex_unlock(&a->lock);
	take_incoming(a);
	error_set(&err, ERR_UNAVAILABLE, "pizzad", "is ending");
	while (a->active != NULL) {
		struct command *c = a->active;

		a->active = c->next;
		finish(a, c, ERR_UNAVAILABLE, &err);
	}
	http_server_stop(a->server, 500);
	unlink(paths_run_file("pizzad.sock", path, sizeof(path)));
	pthread_mutex_destroy(&a->lock);
	free(a);
}
