/*
 * The supervisor as both faces use it: starting it, and everything it can be told through its socket
 * ($PIZZA_HOME/run/pizzad.sock).  paths_init and config_load have been called.  Every call blocks.  Thread
 * safe.
 */
#ifndef PIZZA_CONSOLE_CONTROL_H
#define PIZZA_CONSOLE_CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"

/* One change of a service while the installation comes up or goes down. Strings are borrowed for the call. */
struct control_progress {
	const char *service;
	const char *state;  /* up, starting, degraded, down, failed */
	const char *detail; /* "creates the database cluster", why it failed, or "" */
	int64_t elapsed_ms; /* since this service's start began */
};
typedef void control_progress_fn(void *arg, const struct control_progress *progress);

/*
 * Starts the supervisor in the background unless it runs, and waits until every service is up.  *ret_already
 * tells that everything was up before.  progress may be NULL.  ERR_TIMEOUT when it takes longer than
 * timeout_ms; what was started goes on.  Otherwise the supervisor's own error with its hint.
 */
int control_up(int timeout_ms, control_progress_fn *progress, void *arg, bool *ret_already,
	       struct error *err) MUST_USE;
/* Stops everything in order and waits for it.  Not running is fine: *ret_was_running tells. */
int control_down(int timeout_ms, control_progress_fn *progress, void *arg, bool *ret_was_running,
		 struct error *err) MUST_USE;
/* True while a supervisor runs with this home folder. */
bool control_runs(void);
/*
 * What runs: {"home","pid","port_base","version","state","services":[…]}, owned.  ERR_UNAVAILABLE with a hint
 * when the supervisor does not run.
 */
int control_status(json_t **ret, struct error *err) MUST_USE;
/* What was changed through the supervisor, oldest first: rows as in audit.h; owned.  ERR_REFUSED: it is
 * remote. */
int control_audit(json_t **ret, struct error *err) MUST_USE;
/* The same shape for an installation that is down: every service with state "down". */
json_t *control_status_down(void);

/*
 * One service by name ("orderd", "order", "kafka"): returns when it is reached, or the error of the service,
 * or ERR_TIMEOUT after 30 s.  ERR_NOT_FOUND lists the names with the nearest as a hint.
 */
int control_start(const char *service, struct error *err) MUST_USE;
int control_stop(const char *service, struct error *err) MUST_USE;
int control_restart(const char *service, struct error *err) MUST_USE;
/* warning (may be NULL) gets what is doubtful about the number ("3 of 15 replicas get no partition"), or "".
 */
int control_scale(const char *service, int replicas, char warning[200], struct error *err) MUST_USE;

/* The supervisor and the daemons read the configuration again: {"file", "skipped"}, owned. */
int control_reload(json_t **ret, struct error *err) MUST_USE;
/* The supervisor's configuration in force (core/config/report.h), owned. */
int control_config(json_t **ret, struct error *err) MUST_USE;
/* ERR_NOT_FOUND, as for control_start, when there is no such service. */
int control_known(const char *service, struct error *err) MUST_USE;

#endif
