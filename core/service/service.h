/*
 * What every daemon is made of: configuration, log, database with migrations, HTTP with health and metrics, a
 * Kafka consumer whose effects are transactions with an inbox, an outbox, readiness, reload on SIGHUP, drain
 * on SIGTERM.
 *
 * A daemon's NAME.c fills in one `struct service_spec` and its main() calls service_main().
 *
 * Life: configuration → log → database (waits for it) → migrations → start() → HTTP → consumer thread → READY
 * → … → SIGTERM: not ready, stop consuming (the batch under way commits), stop HTTP (running requests
 * finish), stop(), exit 0.
 */
#ifndef PIZZA_SERVICE_SERVICE_H
#define PIZZA_SERVICE_SERVICE_H

#include <stdbool.h>

#include "core/base/error.h"
#include "core/contract/daemons.h"
#include "core/contract/events.h"
#include "core/db/db.h"
#include "core/http/server.h"

struct service;

/*
 * Events to act on, within one transaction.  No two events of a call have the same aggregate_id, so set-based
 * statements are safe; events of one aggregate come in the order of their partition, in successive calls
 * within the same transaction.  Duplicates (inbox) are already left out.
 */
struct service_batch {
	struct db_conn *tx; /* open transaction; neither commit nor roll back */
	const struct event *const *events;
	int count;
	void *state; /* the handler's own, NULL at the transaction's first call; given to settled() */
	int known;   /* own_dedupe: the handler adds how many of the events it knew already */
};

struct service_spec {
	enum daemon_id id;
	const struct db_migration *migrations; /* after the common ones (inbox, outbox) */
	int migration_count;
	const struct http_route *routes; /* handlers' arg is the struct service */
	int route_count;

	/* All optional. */
	int (*start)(struct service *s, struct error *err); /* database is migrated; start own threads */
	void (*stop)(struct service *s);		    /* stop and join own threads, free */
	/* The consumer (subscribes to daemons[id].consumes, group = the daemon's name). */
	bool (*wants)(enum event_type type); /* other events are skipped; NULL: all */
	/*
	 * Fails as a whole or works as a whole.  ERR_UNAVAILABLE, ERR_NOT_YET: rolled back, paused, tried
	 * again, no attempt consumed.  Other failures: the batch is repeated one event at a time, and the one
	 * that fails is retried or, when permanent, becomes a dead letter.
	 */
	int (*handle)(struct service *s, struct service_batch *b, struct error *err);
	/*
	 * An operator replays events that are in effect already: queues again what they gave to do and what
	 * was given up since (a charge, a message); tells whether there was such work.
	 */
	int (*requeue)(struct service *s, struct service_batch *b, bool *ret_found, struct error *err);
	/* Makes items of the daemon's work queues that wait because of this aggregate due now; how many. */
	int (*hasten)(struct service *s, struct service_batch *b, const char *aggregate_id, int *ret_count,
		      struct error *err);
	/* Once per transaction after its end: wake work queues, update memory; frees state.  handle, requeue
	 * and settled are called by one thread at a time: the consumer's, or one that replays. */
	void (*settled)(struct service *s, void *state, bool committed);
	bool own_dedupe; /* no inbox rows: the handler's own table deduplicates (read model); same-key
			    grouping is off */
};

/*
 * Runs the daemon until SIGTERM or SIGINT; the exit status.  Options: --version, --help, --check-sql,
 * --routes.
 */
int service_main(const struct service_spec *spec, int argc, char **argv);

/* --- what handlers use --- */

struct db *service_db(struct service *s);
/* The pool's options for a database, for connections outside the pool (LISTEN, the relay): role and name
 * filled in. */
void service_db_options(struct service *s, const struct daemon_info *owner, struct db_options *ret);
const struct daemon_info *service_info(struct service *s);
int service_replica(struct service *s); /* 1, 2, … */
/* The daemon's own pointer. */
void service_set_data(struct service *s, void *data);
void *service_data(struct service *s);
/* True once SIGTERM came. */
bool service_stopping(struct service *s);
/* Bootstrap servers, client id "orderd.1". */
const char *service_bootstrap(struct service *s);
const char *service_client_id(struct service *s);
/*
 * States a condition of readiness by name ("menu", "provider"): required and not ok → /readyz answers 503;
 * not required and not ok → the daemon is degraded. The reason is shown by `pizzactl status`. Cheap when
 * nothing changes; thread safe.
 */
void service_condition(struct service *s, const char *name, bool required, bool ok, const char *reason, ...)
    PRINTF_LIKE(5, 6);
/* Makes what waits here because of an aggregate due now: parked messages, items of work queues. */
int service_hasten(struct service *s, const char *aggregate_id, int *ret_parked, int *ret_queued,
		   struct error *err) MUST_USE;
/* The same in another daemon, through its API.  ERR_UNAVAILABLE when it cannot be reached. */
int service_hasten_at(struct service *s, const struct daemon_info *other, const char *aggregate_id,
		      int *ret_parked, int *ret_queued, struct error *err) MUST_USE;
/* Asks the program to end with a failure (fatal conditions found by threads). */
void service_fail(struct service *s, const struct error *err);

#endif
