/*
 * Internal to pizzad: what is supervised, and the state of it.
 *
 * One thread, the loop, owns everything here.  Other threads hand things in through queues (api.c: commands;
 * job.c: results of blocking work) and wake the loop.  The loop decides by looking at the state, not at what
 * has just happened: after each wake, unit_tick does for every instance what its phase and its wishes ask
 * for.
 *
 * A unit is a service (postgres, kafka, a daemon); an instance is one process of it (a replica).
 */
#ifndef PIZZA_PIZZAD_SUPERVISOR_H
#define PIZZA_PIZZAD_SUPERVISOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/contract/daemons.h"
#include "daemons/pizzad/process.h"

struct supervisor;
struct unit;
struct instance;

enum phase {
	PHASE_DOWN,
	PHASE_WAITING,	    /* for what it needs */
	PHASE_PREPARING,    /* a program runs before it: initdb, Kafka's format */
	PHASE_STARTING,	    /* its process runs and is not ready yet */
	PHASE_PROVISIONING, /* ready; databases or topics are being made */
	PHASE_UP,
	PHASE_STOPPING,
	PHASE_BACKOFF, /* failed; tried again later */
};

/* As contract.md has it. */
enum unit_state { STATE_DOWN, STATE_STARTING, STATE_UP, STATE_DEGRADED, STATE_FAILED };
extern const char *const unit_state_words[];

/* What differs between PostgreSQL, Kafka and our daemons. */
struct unit_ops {
	int stop_signal;
	int stop_ms;  /* then kill_signal; 0: drain_timeout and 2 s */
	int start_ms; /* not ready by then: stopped and tried again; 0: stays starting */
	int nice;     /* its scheduling priority once it is up, 0: as pizzad's; starting is always urgent */
	/* 1: run ret first, and ask again; 0: nothing to prepare. */
	int (*prepare)(struct instance *i, struct launch *ret, struct error *err);
	int (*launch)(struct instance *i, struct launch *ret, struct error *err);
	int probe_ms; /* how often probe is asked while starting */
	/* Optional, as READY=1 counts always.  Must not block. */
	bool (*probe)(struct instance *i);
	/* After it is ready, on a thread of its own; optional. */
	int (*provision)(struct error *err);
};

struct instance {
	struct unit *unit;
	int replica; /* 1, 2, … */
	bool wanted; /* should run */
	enum phase phase;
	struct mono phase_since;
	struct mono deadline;	/* of the phase; 0: none */
	struct mono next_probe; /* while starting */
	struct mono retry_at;	/* in backoff */
	struct mono up_since;	/* process start, 0 without a process */
	pid_t pid;		/* 0: none */
	bool ready;		/* READY=1 came, or the probe succeeded */
	bool lowered;		/* its priority is as wanted */
	bool prepared;		/* a preparation has run in this start */
	bool condemned;		/* being stopped because it failed: then backoff */
	int failures;		/* in a row */
	int restarts;
	int port; /* of its own, as it told */
	bool degraded;
	char status[256]; /* what it says about itself */
	char reason[448]; /* why it is not up */
	off_t log_start;  /* where its lines begin in the log file */
	unsigned job;	  /* number of the provisioning job under way, 0: none */
	struct process_usage usage;
};

#define REPLICAS_MAX 64

struct unit {
	struct supervisor *supervisor;
	const char *name;
	const struct unit_ops *ops;
	const struct daemon_info *info; /* NULL: a backing service */
	bool external;			/* an existing server: only provisioned */
	bool wanted;
	int replicas; /* wanted */
	bool ever_up;
	struct mono start_began;
	enum unit_state told; /* last told to the progress reader and the log */
	struct instance instances[REPLICAS_MAX];
};

enum { UNIT_POSTGRES, UNIT_KAFKA, UNIT_DAEMONS, UNIT_COUNT = UNIT_DAEMONS + DAEMON_COUNT };

/* How far the orderly stop has come. */
enum down_stage { DOWN_NOT, DOWN_DAEMONS, DOWN_RELAY, DOWN_BACKING, DOWN_DONE };

struct supervisor {
	struct unit units[UNIT_COUNT];
	struct mono started;
	bool came_up; /* everything was up once, or the attempt has been reported as failed */
	enum down_stage down;
	struct error fatal; /* why it goes down by itself */
	int progress_fd;    /* -1: none */
	int notify_fd;
	int signal_fd;
	int wake_fd; /* eventfd: other threads have handed something in */
	char notify_path[128];
	struct api *api;
};

/* --- pizzad.c --- */

/* Reads the configuration again, here and in the daemons; skipped gets the changed keys that need a restart.
 */
int supervisor_reload(struct supervisor *s, char *skipped, size_t size, struct error *err);

/* --- unit.c --- */

void units_init(struct supervisor *s);
/* Does what is due for every instance, and tells changes. */
void unit_tick_all(struct supervisor *s);
/* Milliseconds until something is due; at most 1000. */
int unit_next_ms(const struct supervisor *s);
/* A process has ended. */
void unit_exited(struct supervisor *s, pid_t pid, int status);
struct instance *unit_instance_of(struct supervisor *s, pid_t pid);
/* A provisioning job has ended. */
void unit_provisioned(struct supervisor *s, unsigned job, int rc, const struct error *err);
/* NULL when there is none; by name or service. */
struct unit *unit_find(struct supervisor *s, const char *name);
bool unit_has_process(const struct unit *u);
/* Changes what is wanted; the ticks do the rest. */
void unit_want(struct unit *u, bool wanted);
void unit_set_replicas(struct unit *u, int replicas);
/* Stops one instance; when it is wanted it starts again without delay. */
void unit_stop_instance(struct instance *i);
/* The unit that must have been up before this one can start, or NULL. */
const struct unit *unit_missing_need(const struct unit *u);
/* "orderd-2" for a daemon's replica; "postgres". */
const char *instance_name(const struct instance *i, char text[48]);
/* The log file of a unit. */
const char *unit_log_path(const struct unit *u, char *text, size_t size);

/* --- state.c: what is shown --- */

enum unit_state unit_state(const struct unit *u);
/* Why it is not up, or "". */
void unit_reason(const struct unit *u, char *text, size_t size);
int unit_ready_count(const struct unit *u);
/* The answer of GET /v1/status; samples CPU and memory. */
json_t *status_json(struct supervisor *s);
/* Logs and reports each unit's changed state to the progress reader. */
void state_tell(struct supervisor *s);

/* --- progress.c: what `pizzactl up` reads --- */

void progress_state(struct supervisor *s, const struct unit *u, enum unit_state state, const char *detail);
/* More about what a unit does now ("creates the database cluster"). */
void progress_detail(struct supervisor *s, const struct unit *u, const char *detail);
void progress_done(struct supervisor *s);
void progress_error(struct supervisor *s, const struct error *err);

/* --- shutdown.c --- */

/* Begins the orderly stop; err (may be NULL) is why. */
void shutdown_begin(struct supervisor *s, const struct error *err);
/* Goes on to the next stage when one has ended. */
void shutdown_tick(struct supervisor *s);

/* --- replicas.c: the numbers of replicas that survive a restart --- */

void replicas_load(struct supervisor *s);
int replicas_save(const struct supervisor *s, struct error *err) MUST_USE;

/* --- leftovers.c --- */

/* Ends processes that an earlier supervisor of this home has left behind.  Blocks. */
void leftovers_clean(struct supervisor *s);

/* --- postgres.c, kafka.c, daemon.c, provision.c --- */

extern const struct unit_ops postgres_ops, kafka_ops, daemon_ops;
int provision_databases(struct error *err) MUST_USE;
int provision_topics(struct error *err) MUST_USE;
/* Partitions that a topic of the contract had when provision_topics last looked; 0: it has not.  Thread safe.
 */
int provision_partitions(const char *topic);
/*
 * New databases are thousands of files not yet on the disk.  Flushing them in the background spares the first
 * stop some seconds.  Does nothing when none were made.
 */
int provision_flush(struct error *err) MUST_USE;

/* --- subscriptions.c: what the consumer groups read when this installation last ran --- */

struct bus_admin;
/*
 * Groups that read other topics now lose their former members, so that these join anew; none has any in a
 * fresh cluster.  Blocks; before the daemons start.
 */
int subscriptions_renew(struct bus_admin *a, bool fresh, struct error *err) MUST_USE;
/* Removes the daemon's replicas from..to from its group; tries again while the coordinator moves.  Blocks. */
int subscriptions_remove_members(struct bus_admin *a, const struct daemon_info *info, int from, int to,
				 struct error *err) MUST_USE;

/* --- job.c: blocking work --- */

/* Runs work on a thread; its result comes to unit_provisioned through job_collect. The job's number. */
unsigned job_start(struct supervisor *s, int (*work)(struct error *err));
/* The same for removing members `replica` from..to of a unit from its consumer group; nobody waits for the
 * result. */
void job_remove_members(struct supervisor *s, const struct unit *u, int from, int to);
void job_collect(struct supervisor *s);
int job_count(void);

#endif
