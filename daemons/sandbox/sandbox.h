/*
 * What the sandbox's files share: one struct sandbox per process, made by start() before the first request.
 */
#ifndef PIZZA_SANDBOX_SANDBOX_H
#define PIZZA_SANDBOX_SANDBOX_H

#include <pthread.h>

#include "core/http/server.h"
#include "core/service/group.h"
#include "core/service/service.h"
#include "daemons/sandbox/hold.h"
#include "daemons/sandbox/keys.h"
#include "daemons/sandbox/rules.h"
#include "daemons/sandbox/store.h"

enum provider { PROVIDER_PAYMENT, PROVIDER_SMS, PROVIDER_COUNT };
extern const char *const provider_names[PROVIDER_COUNT]; /* "payment", "sms" */

struct sandbox {
	struct service *service;
	struct db *db;
	struct keys *keys;
	struct hold *hold;
	struct group *charges, *sms;
	pthread_mutex_t fault_lock; /* faults, and writing them */
	struct fault_set faults[PROVIDER_COUNT];
};

/* The struct sandbox of a handler's arg. */
struct sandbox *sandbox_of(void *arg);

/* What the programmed faults do to the request at hand: draws. */
struct fault_verdict sandbox_verdict(struct sandbox *sb, enum provider provider);

/*
 * Replies with JSON (takes body) to a deferred request, when the verdict says so late or not at all: a lost
 * reply is a 504 after SANDBOX_HOLD_MS, when the client has long given up.
 */
#define SANDBOX_HOLD_MS 60000
void sandbox_reply(struct sandbox *sb, struct http_request *r, int status, char *body,
		   const struct fault_verdict *verdict);

/* Releases one held reply; for the hold. */
void sandbox_release(void *item);

/* Workers of the groups. */
void stripe_charge_run(void *arg, int worker, void **items, int n);
void sms_run(void *arg, int worker, void **items, int n);

/* Handlers; arg is the struct service. */
http_handler stripe_create, stripe_get, stripe_search, stripe_cancel, stripe_refund, stripe_refund_get,
    stripe_refund_list;
http_handler sms_create, sms_get, sms_list;
http_handler control_faults_get, control_faults_put, control_ledger, control_summary;

#endif
