/*
 * The work queue's side of paymentd: claims rows, starts calls, records outcomes in batches.
 *
 * The fast path of recording plans from the row as it was claimed and writes with its version as guard; the
 * few rows that were changed meanwhile (cancelled, claimed again by another replica) are locked, read again
 * and planned anew.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/service/letters.h"
#include "core/service/metrics.h"
#include "daemons/payment/provider.h"
#include "daemons/payment/settle.h"
#include "daemons/payment/store.h"

#define LEASE_SPARE_MS 30000 /* of a claim, beyond the call's time-out */
#define START_SPARE_MS 2000  /* of which so much must be left when a call starts */
#define POLL_MS	       1000
#define TRIES	       5 /* of a transaction that met a deadlock */

struct claim queue_claim_now(const struct payments *app)
{
	return (struct claim){config_int(CONFIG_PAYMENT_TIMEOUT) + LEASE_SPARE_MS,
			      service_replica(app->service)};
}

bool queue_has_room(struct payments *app, int n)
{
	int max = 8 * (int)config_int(CONFIG_PAYMENT_PARALLEL);

	return atomic_load(&app->jobs) + n <= (max > 2048 ? max : 2048) &&
	       breaker_state(&app->breaker, mono_now()) == BREAKER_CLOSED;
}

/* --- work items --- */

struct job *job_new(struct payments *app, enum job_kind kind, const struct payment *payment,
		    const struct refund *refund)
{
	struct job *job = xcalloc(1, sizeof(*job));

	job->app = app;
	job->kind = kind;
	job->payment = *payment;
	if (refund != NULL)
		job->refund = *refund;
	job->send_until = mono_add_ms(mono_now(), LEASE_SPARE_MS - START_SPARE_MS);
	atomic_fetch_add(&app->jobs, 1);
	return job;
}

void job_free(void *item)
{
	struct job *job = item;
	struct payments *app = job->app;

	atomic_fetch_sub(&app->jobs, 1);
	if (job->recorded) {
		free(job);
		return;
	}
	pthread_mutex_lock(&app->dropped_lock);
	if (app->dropped_count == app->dropped_cap) {
		app->dropped_cap = app->dropped_cap == 0 ? 64 : app->dropped_cap * 2;
		app->dropped = xreallocarray(app->dropped, (size_t)app->dropped_cap, sizeof(*app->dropped));
	}
	app->dropped[app->dropped_count++] = job;
	pthread_mutex_unlock(&app->dropped_lock);
}

void queue_release_dropped(struct payments *app)
{
	struct job **jobs;
	struct db_conn *c;
	struct error err;
	int n;

	pthread_mutex_lock(&app->dropped_lock);
	jobs = app->dropped;
	n = app->dropped_count;
	app->dropped = NULL;
	app->dropped_count = app->dropped_cap = 0;
	pthread_mutex_unlock(&app->dropped_lock);
	if (n > 0 && db_acquire(app->db, &c, &err) == 0) {
		if (store_release(c, jobs, n, &err) < 0)
			log_err(LOG_WARN, &err, "%d claimed payments wait until their leases end", n);
		db_release(c);
	}
	for (int i = 0; i < n; i++)
		free(jobs[i]);
	free(jobs);
}

/* --- claiming and starting --- */

static int claim_charges(struct payments *app, struct db_conn *c, int limit, void **items, int *count,
			 struct error *err)
{
	AUTO_FREE struct payment *rows = xcalloc((size_t)limit, sizeof(*rows));
	int n = 0, rc = store_claim(c, limit, queue_claim_now(app), rows, &n, err);

	for (int i = 0; i < n; i++)
		items[(*count)++] = job_new(app, JOB_CHARGE, &rows[i], NULL);
	return rc;
}

static int claim_refunds(struct payments *app, struct db_conn *c, int limit, void **items, int *count,
			 struct error *err)
{
	AUTO_FREE struct payment *payments = xcalloc((size_t)limit, sizeof(*payments));
	AUTO_FREE struct refund *refunds = xcalloc((size_t)limit, sizeof(*refunds));
	int n = 0, rc = store_refund_claim(c, limit, queue_claim_now(app), refunds, payments, &n, err);

	for (int i = 0; i < n; i++)
		items[(*count)++] = job_new(app, JOB_REFUND, &payments[i], &refunds[i]);
	return rc;
}

static int queue_claim(void *arg, int limit, void **items, int *ret_count, struct error *err)
{
	struct payments *app = arg;
	struct db_conn *c;
	int rc;

	queue_release_dropped(app);
	*ret_count = 0;
	rc = db_acquire(app->db, &c, err);
	if (rc < 0)
		return rc;
	rc = claim_charges(app, c, limit, items, ret_count, err);
	if (rc == 0 && *ret_count < limit)
		rc = claim_refunds(app, c, limit - *ret_count, items, ret_count, err);
	db_release(c);
	if (rc < 0 && *ret_count > 0)
		return 0; /* what was claimed goes out; the rest is tried again */
	return rc;
}

static void queue_call(void *arg, struct workqueue *q, void *item)
{
	struct payments *app = arg;
	struct job *job = item;

	job->queue = q;
	if (mono_left_ms(job->send_until) > 0) {
		provider_start(app->provider, job);
		return;
	}
	job->outcome = OUTCOME_NOT_SENT;
	workqueue_finished(q, job);
}

/* --- recording charges --- */

/* What one transaction of outcomes writes beside the rows themselves. */
struct recording {
	struct db_conn *tx;
	struct settle_limits limits;
	struct outbox outbox;
	struct refund *refunds; /* new ones; room for all jobs */
	int refund_count;
	struct payment *held; /* given up for now; room for all jobs */
	int held_count;
	struct refund_plan *refused; /* refunds that will not be made; room for all jobs */
	int refused_count;
};

static void take_plan(struct recording *rec, const struct charge_plan *plan)
{
	if (plan->act == SETTLE_HOLD)
		rec->held[rec->held_count++] = plan->change.now;
	if (plan->act == SETTLE_AGAIN || plan->act == SETTLE_HOLD || plan->act == SETTLE_IGNORE)
		return;
	announce(&rec->outbox, &plan->event, &plan->change.now, NULL);
	if (plan->act == SETTLE_COMPLETE_REFUND)
		rec->refunds[rec->refund_count++] = plan->refund;
}

/* Writes the plans that change something; those whose row has changed since are left in missed[]. */
static int write_plans(struct recording *rec, const struct charge_plan *plans, struct job **jobs, int n,
		       struct job **missed, int *ret_missed, struct error *err)
{
	AUTO_FREE struct payment_change *changes = xcalloc((size_t)n + 1, sizeof(*changes));
	AUTO_FREE int *index = xcalloc((size_t)n + 1, sizeof(*index));
	AUTO_FREE bool *hit = xcalloc((size_t)n + 1, sizeof(*hit));
	int count = 0, rc;

	for (int i = 0; i < n; i++) {
		if (plans[i].act == SETTLE_IGNORE)
			continue;
		index[count] = i;
		changes[count++] = plans[i].change;
	}
	*ret_missed = 0;
	rc = store_change(rec->tx, changes, count, hit, err);
	for (int i = 0; rc == 0 && i < count; i++) {
		if (hit[i])
			take_plan(rec, &plans[index[i]]);
		else
			missed[(*ret_missed)++] = jobs[index[i]];
	}
	return rc;
}

static struct job *job_of_order(struct job **jobs, int n, const struct uuid *order_id)
{
	for (int i = 0; i < n; i++)
		if (uuid_equal(jobs[i]->payment.order_id, *order_id))
			return jobs[i];
	return NULL;
}

/* The outcomes of rows that have changed since their claim: read again under a lock. */
static int record_missed(struct recording *rec, struct job **jobs, int n, struct error *err)
{
	AUTO_FREE struct uuid *ids = xcalloc((size_t)n, sizeof(*ids));
	AUTO_FREE struct payment *rows = xcalloc((size_t)n, sizeof(*rows));
	AUTO_FREE struct charge_plan *plans = xcalloc((size_t)n, sizeof(*plans));
	AUTO_FREE struct job **found = xcalloc((size_t)n, sizeof(struct job *));
	int count = 0, missed, rc;

	for (int i = 0; i < n; i++)
		ids[i] = jobs[i]->payment.order_id;
	rc = store_lock(rec->tx, ids, n, rows, &count, err);
	if (rc < 0)
		return rc;
	for (int i = 0; i < count; i++) {
		struct job *job = job_of_order(jobs, n, &rows[i].order_id);
		/* A mark of cancellation leaves the claim and its attempt as they were. */
		bool current = rows[i].cancel_requested && !job->payment.cancel_requested &&
			       rows[i].version == job->payment.version + 1;

		found[i] = job;
		settle_charge(&rows[i], job, current, &rec->limits, &plans[i]);
	}
	rc = write_plans(rec, plans, found, count, jobs, &missed, err);
	if (rc == 0 && missed > 0)
		return error_set(err, ERR_BUG, "record outcomes", "%d locked payments have changed", missed);
	return rc;
}

static int compare_orders(const void *a, const void *b)
{
	const struct job *left = *(struct job *const *)a, *right = *(struct job *const *)b;

	return uuid_compare(left->payment.order_id, right->payment.order_id);
}

static int record_charges(struct recording *rec, struct job **jobs, int n, struct error *err)
{
	AUTO_FREE struct charge_plan *plans = xcalloc((size_t)n + 1, sizeof(*plans));
	AUTO_FREE struct job **missed = xcalloc((size_t)n + 1, sizeof(struct job *));
	int count, rc;

	qsort(jobs, (size_t)n, sizeof(struct job *), compare_orders);
	for (int i = 0; i < n; i++)
		settle_charge(&jobs[i]->payment, jobs[i], true, &rec->limits, &plans[i]);
	rc = write_plans(rec, plans, jobs, n, missed, &count, err);
	if (rc == 0 && count > 0)
		rc = record_missed(rec, missed, count, err);
	return rc;
}

/* --- recording refunds --- */

static const struct payment *find_payment(const struct payment *rows, int n, const struct uuid *order_id)
{
	for (int i = 0; i < n; i++)
		if (uuid_equal(rows[i].order_id, *order_id))
			return &rows[i];
	return NULL;
}

static const struct refund *find_refund(const struct refund *rows, int n, const struct uuid *refund_id)
{
	for (int i = 0; i < n; i++)
		if (uuid_equal(rows[i].refund_id, *refund_id))
			return &rows[i];
	return NULL;
}

static void say_refused(const struct refund_plan *plan)
{
	char order[UUID_TEXT_SIZE];

	log_error("the refund of order %s is refused: %s; see to it by hand and refund again",
		  uuid_format(plan->payment.now.order_id, order), plan->refund.now.reason);
}

static int write_refund_plans(struct recording *rec, const struct refund_plan *plans, int n,
			      struct error *err)
{
	AUTO_FREE struct refund_change *refunds = xcalloc((size_t)n + 1, sizeof(*refunds));
	AUTO_FREE struct payment_change *payments = xcalloc((size_t)n + 1, sizeof(*payments));
	AUTO_FREE bool *hit = xcalloc((size_t)n + 1, sizeof(*hit));
	int refund_count = 0, payment_count = 0, rc;

	for (int i = 0; i < n; i++) {
		if (!plans[i].write)
			continue;
		refunds[refund_count++] = plans[i].refund;
		if (plans[i].ended)
			payments[payment_count++] = plans[i].payment;
		if (plans[i].announced)
			announce(&rec->outbox, &plans[i].event, &plans[i].payment.now, &plans[i].refund.now);
		else if (plans[i].ended)
			rec->refused[rec->refused_count++] = plans[i];
		if (plans[i].again)
			rec->refunds[rec->refund_count++] = plans[i].next;
	}
	rc = store_refund_change(rec->tx, refunds, refund_count, err);
	if (rc == 0)
		rc = store_change(rec->tx, payments, payment_count, hit, err);
	return rc;
}

static int record_refunds(struct recording *rec, struct job **jobs, int n, struct error *err)
{
	AUTO_FREE struct uuid *ids = xcalloc((size_t)n + 1, sizeof(*ids));
	AUTO_FREE struct payment *payments = xcalloc((size_t)n + 1, sizeof(*payments));
	AUTO_FREE struct refund *refunds = xcalloc((size_t)n + 1, sizeof(*refunds));
	AUTO_FREE struct refund_plan *plans = xcalloc((size_t)n + 1, sizeof(*plans));
	int payment_count = 0, refund_count = 0, rc;

	if (n == 0)
		return 0;
	for (int i = 0; i < n; i++)
		ids[i] = jobs[i]->payment.order_id;
	rc = store_lock(rec->tx, ids, n, payments, &payment_count, err);
	for (int i = 0; i < n; i++)
		ids[i] = jobs[i]->refund.refund_id;
	if (rc == 0)
		rc = store_refund_lock(rec->tx, ids, n, refunds, &refund_count, err);
	if (rc < 0)
		return rc;
	for (int i = 0; i < n; i++) {
		const struct payment *p = find_payment(payments, payment_count, &jobs[i]->payment.order_id);
		const struct refund *f = find_refund(refunds, refund_count, &jobs[i]->refund.refund_id);

		if (p != NULL && f != NULL)
			settle_refund(p, f, jobs[i], &rec->limits, &plans[i]);
	}
	return write_refund_plans(rec, plans, n, err);
}

/* --- recording --- */

/* Charges to the front; their number. */
static int sort_kinds(void **items, int n, struct job **ret)
{
	int charges = 0, at = n;

	for (int i = 0; i < n; i++) {
		struct job *job = items[i];

		if (job->kind == JOB_CHARGE)
			ret[charges++] = job;
		else
			ret[--at] = job;
	}
	return charges;
}

static int owe(struct recording *rec, const struct payment *p, enum event_type cause, const char *step,
	       int code, const char *reason, int retries, struct error *err)
{
	char order[UUID_TEXT_SIZE];
	struct error why;
	const struct letter_owed letter = {
	    .key = uuid_format(p->order_id, order),
	    .type = cause,
	    .not_before_us = uuid_time_us(p->order_id),
	    .why = &why,
	    .step = step,
	    .retries = retries,
	};

	error_set(&why, code, step, "%s", reason[0] != '\0' ? reason : "the provider gives no reason");
	return letters_owe(rec->tx, &letter, err);
}

/* What nobody goes on with by itself: an operator sees it among the dead letters. */
static int owe_letters(struct recording *rec, struct error *err)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < rec->held_count; i++)
		rc = owe(rec, &rec->held[i], EVENT_ORDER_RESERVED, "charge", ERR_FAILED, rec->held[i].reason,
			 rec->limits.max_attempts - 1, err);
	for (int i = 0; rc == 0 && i < rec->refused_count; i++) {
		const struct refund_plan *plan = &rec->refused[i];

		say_refused(plan);
		if (plan->payment.now.cancel_requested)
			rc = owe(rec, &plan->payment.now, EVENT_ORDER_CANCELLED, "refund", ERR_REFUSED,
				 plan->refund.now.reason, 0, err);
	}
	return rc;
}

static int record_once(struct payments *app, struct job **jobs, int charges, int n, int *ret_refunds,
		       struct error *err)
{
	AUTO_FREE struct refund *refunds = xcalloc((size_t)n, sizeof(*refunds));
	AUTO_FREE struct payment *held = xcalloc((size_t)n, sizeof(*held));
	AUTO_FREE struct refund_plan *refused = xcalloc((size_t)n, sizeof(*refused));
	struct recording rec = {
	    .limits = settle_limits(), .refunds = refunds, .held = held, .refused = refused};
	int rc = db_acquire(app->db, &rec.tx, err);

	if (rc < 0)
		return rc;
	rc = db_begin(rec.tx, err);
	if (rc == 0)
		rc = record_charges(&rec, jobs, charges, err);
	if (rc == 0)
		rc = record_refunds(&rec, jobs + charges, n - charges, err);
	if (rc == 0)
		rc = store_refund_insert(rec.tx, refunds, rec.refund_count, err);
	if (rc == 0)
		rc = owe_letters(&rec, err);
	if (rc == 0)
		rc = outbox_write(&rec.outbox, rec.tx, err);
	if (rc == 0)
		rc = db_commit(rec.tx, err);
	if (rc < 0)
		db_rollback(rec.tx);
	db_release(rec.tx);
	outbox_done(&rec.outbox);
	*ret_refunds = rec.refund_count;
	if (rc == 0 && rec.held_count + rec.refused_count > 0)
		letters_wake(app->service);
	return rc;
}

static int queue_record(void *arg, void **items, int n, struct error *err)
{
	struct payments *app = arg;
	AUTO_FREE struct job **jobs = xcalloc((size_t)n, sizeof(struct job *));
	int charges = sort_kinds(items, n, jobs), refunds = 0, rc, tries = 0;

	do {
		rc = record_once(app, jobs, charges, n, &refunds, err);
	} while (rc == ERR_TRANSIENT && ++tries < TRIES);
	if (rc < 0)
		return rc;
	for (int i = 0; i < n; i++)
		jobs[i]->recorded = true;
	outbox_notify(app->service);
	if (refunds > 0)
		workqueue_wake(app->queue);
	return 0;
}

/* --- life --- */

static void collect_metrics(void *arg)
{
	struct payments *app = arg;

	metric_set(metric_series(METRIC_BREAKER_STATE, "payment", NULL, NULL),
		   (double)(breaker_state(&app->breaker, mono_now()) == BREAKER_OPEN	    ? 2
			    : breaker_state(&app->breaker, mono_now()) == BREAKER_HALF_OPEN ? 1
											    : 0));
}

/* What a process with our number had claimed before it died is due again; the provider's keys guard the rest.
 */
static int end_former_claims(struct payments *app, struct error *err)
{
	struct db_conn *c;
	int rc = db_acquire(app->db, &c, err);

	if (rc < 0)
		return rc;
	rc = store_end_claims(c, service_replica(app->service), err);
	db_release(c);
	return rc;
}

int queue_start(struct payments *app, struct error *err)
{
	static const struct workqueue_ops ops = {queue_claim, queue_call, queue_record, job_free};
	struct workqueue_options options = {
	    .name = "payments",
	    .parallel = (int)config_int(CONFIG_PAYMENT_PARALLEL),
	    .poll_ms = POLL_MS,
	    .breaker = &app->breaker,
	    .ops = &ops,
	    .arg = app,
	};
	int rc;

	breaker_init(&app->breaker, (int)config_int(CONFIG_BREAKER_THRESHOLD),
		     config_int(CONFIG_BREAKER_OPEN));
	pthread_mutex_init(&app->dropped_lock, NULL);
	rc = end_former_claims(app, err);
	if (rc == 0)
		rc = provider_new(app, &app->provider, err);
	if (rc == 0)
		rc = workqueue_new(&options, &app->queue, err);
	if (rc == 0)
		metric_collector(collect_metrics, app);
	return rc;
}

/* Calls that do not end in time are asked again, with the same key, by whoever claims them next. */
void queue_stop(struct payments *app)
{
	int drain_ms = (int)config_int(CONFIG_DRAIN_TIMEOUT);

	workqueue_free(app->queue, drain_ms);
	provider_free(app->provider, 0);
	queue_release_dropped(app);
	pthread_mutex_destroy(&app->dropped_lock);
	breaker_done(&app->breaker);
}
