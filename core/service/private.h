/*
 * The inside of struct service, shared by the files of core/service alone.
 */
#ifndef PIZZA_SERVICE_PRIVATE_H
#define PIZZA_SERVICE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/bus/bus.h"
#include "core/service/service.h"

#define CONDITIONS_MAX 12

struct condition {
	char name[32];
	bool required;
	bool ok;
	char reason[160];
};

struct outbox_notifier;
struct consumer;
struct letters;

struct service {
	const struct service_spec *spec;
	const struct daemon_info *info;
	int replica;
	char client_id[48];
	char token[65];
	struct db *db;
	struct db *effects; /* the consumer's pool: db, or one of lower priority */
	struct db_options db_options;
	struct http_server *shared; /* the daemon's port */
	struct http_server *own;    /* this replica's health and metrics */
	struct http_route *routes;  /* of both */
	struct outbox_notifier *notifier;
	struct consumer *consumer;
	struct letters *letters;
	void *data;

	atomic_bool stopping;
	atomic_bool hastened;	  /* parked messages have become due before their time */
	atomic_bool serving;	  /* readiness is told from then on */
	pthread_mutex_t handling; /* around the handlers (effect.c) */
	pthread_mutex_t lock;	  /* conditions and failure */
	struct condition conditions[CONDITIONS_MAX];
	int condition_count;
	bool told_ready;
	bool untold; /* the supervisor has not heard the latest */
	struct error failure;
};

/* health.c: the routes every daemon has, and telling the supervisor. */
extern const struct http_route health_routes[];
extern const int health_route_count;
/* Sends READY, STATUS and the state to the supervisor when they changed. */
void health_tell(struct service *s);
/* The same once more when nobody has heard it: the supervisor was too busy or held. */
void health_tell_again(struct service *s);
/* False while something required is missing; why gets it. */
bool health_ready(struct service *s, struct buf *why);

/* replay.c: the routes of daemons that consume. */
extern const struct http_route replay_routes[];
extern const int replay_route_count;

/* hasten.c: POST /internal/v1/hasten. */
void hasten_post(struct http_request *r, void *service);

/* consumer.c: the consumer thread. */
int consumer_start(struct service *s, struct consumer **ret, struct error *err) MUST_USE;
/* Waits for the batch under way, leaves the group, frees.  NULL is fine. */
void consumer_stop(struct consumer *c);

/* outbox.c: the thread that sends NOTIFY. */
int outbox_notifier_start(struct service *s, struct outbox_notifier **ret, struct error *err) MUST_USE;
void outbox_notifier_stop(struct outbox_notifier *n);

/* inbox.c: inserts the ids; is_new[i] tells whether event i takes effect now (first occurrence, not seen
 * before). */
int inbox_claim(struct db_conn *tx, const char *consumer, const struct event *const *events, int n,
		bool *is_new, struct error *err) MUST_USE;

#endif
