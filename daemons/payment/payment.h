/*
 * What paymentd's files share: the rows as structs, the work item, the process's own data.
 */
#ifndef PIZZA_PAYMENT_PAYMENT_H
#define PIZZA_PAYMENT_PAYMENT_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/base/clock.h"
#include "core/base/uuid.h"
#include "core/http/retry.h"
#include "core/service/service.h"
#include "core/service/workqueue.h"
#include "daemons/payment/rules.h"

#define PROVIDER_ID_SIZE 80
#define REASON_SIZE	 200

struct payment {
	struct uuid payment_id, order_id;
	int64_t amount, refunded_amount;
	char currency[4];
	char method[64]; /* as the order names it */
	enum payment_status status;
	bool cancel_requested;
	struct asking asking;
	char provider_id[PROVIDER_ID_SIZE]; /* "" for none */
	char reason[REASON_SIZE];
	int64_t seq, version;
	struct uuid correlation_id;
	struct uuid causation_id; /* the event that causes the next one */
	int64_t created_us, updated_us;
};

enum refund_status { REFUND_REQUESTED, REFUND_COMPLETED, REFUND_FAILED };

struct refund {
	struct uuid refund_id, payment_id, order_id;
	int64_t amount;
	enum refund_status status;
	struct asking asking;
	char provider_id[PROVIDER_ID_SIZE];
	char reason[REASON_SIZE];
	int64_t version;
	struct uuid causation_id;
	int64_t created_us, updated_us;
};

enum job_kind { JOB_CHARGE, JOB_REFUND };

/* One call to the provider, from its claim to its recording. */
struct job {
	struct payments *app;
	struct workqueue *queue;
	enum job_kind kind;
	struct payment payment; /* as claimed */
	struct refund refund;	/* of a JOB_REFUND */
	struct mono send_until; /* later the lease would not outlast the call */
	struct mono started;
	bool recorded;
	enum outcome outcome;
	bool replayed; /* the answer was kept from an earlier call with the same key */
	bool working;  /* the provider: its breaker was closed after the call */
	char result_id[PROVIDER_ID_SIZE];
	char reason[REASON_SIZE];
	int64_t latency_ms;
};

struct provider;
struct claim;

struct payments {
	struct service *service;
	struct db *db;
	struct breaker breaker;
	atomic_bool charging_fails; /* the last charge or refund was sent, and failed */
	struct provider *provider;
	struct workqueue *queue;
	atomic_int jobs;	      /* alive: waiting, in flight or being recorded */
	pthread_mutex_t dropped_lock; /* dropped, dropped_count, dropped_cap */
	struct job **dropped;	      /* freed without being recorded: to be made due again */
	int dropped_count, dropped_cap;
};

/* The struct payments of a handler's arg. */
struct payments *payments_of(struct service *s);

/* --- intake.c: events → rows --- */

bool intake_wants(enum event_type type);
int intake_handle(struct service *s, struct service_batch *b, struct error *err) MUST_USE;
void intake_settled(struct service *s, void *state, bool committed);
int intake_requeue(struct service *s, struct service_batch *b, bool *ret_found, struct error *err) MUST_USE;
int intake_hasten(struct service *s, struct service_batch *b, const char *order, int *ret_count,
		  struct error *err) MUST_USE;

/* --- queue.c: rows → calls → outcomes --- */

int queue_start(struct payments *app, struct error *err) MUST_USE;
void queue_stop(struct payments *app);
/* A work item for a claimed row; the queue or job_free owns it. */
struct job *job_new(struct payments *app, enum job_kind kind, const struct payment *payment,
		    const struct refund *refund);
/* Frees it; one that was never recorded is remembered for queue_release_dropped. */
void job_free(void *item);
/* Makes the rows of jobs that were dropped due at once instead of at the end of their leases. */
void queue_release_dropped(struct payments *app);
/* A claim of this replica, as long as a call can last and be recorded. */
struct claim queue_claim_now(const struct payments *app);
/* True when claimed rows can be handed over at once: the breaker is closed and not too many wait. */
bool queue_has_room(struct payments *app, int n);

/* --- api.c --- */

extern const struct http_route payment_routes[];
extern const int payment_route_count;

#endif
