/*
 * The lease thread.  The row's expiry is on the database's clock; our own belief ends earlier, counted from
 * before the renewal was sent, on the monotonic clock: a process that was stopped finds itself without the
 * lease when it goes on.  A holder whose process has ended on this machine need not be waited for: the epoch
 * fences what it may have left.
 */
#include "daemons/outbox/lease.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/cond.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/service/metrics.h"

struct lease {
	struct service *service;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stopping;
	char place[128];	    /* host and process-id name space: where a pid means the same process */
	char holder[192];	    /* place, pid, name */
	_Atomic int64_t epoch;	    /* 0: not ours */
	_Atomic int64_t expires_ns; /* monotonic */
};

DB_STATEMENT(lease_acquire, "UPDATE relay_lease SET epoch = epoch + 1, holder = $1, "
			    "expires_at = clock_timestamp() + $2::int8 * interval '1 ms' "
			    "WHERE expires_at < clock_timestamp() OR holder = $3 RETURNING epoch");
DB_STATEMENT(lease_renew,
	     "UPDATE relay_lease SET expires_at = clock_timestamp() + $2::int8 * interval '1 ms' "
	     "WHERE holder = $1 AND epoch = $3 AND expires_at > clock_timestamp() RETURNING epoch");

DB_STATEMENT(lease_holder, "SELECT holder FROM relay_lease");

/* The epoch that the statement returned, 0 when no row matched, or an error. */
static int64_t run(struct lease *l, struct db_conn *c, struct db_statement *statement, int64_t epoch,
		   const char *dead, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(db_params_done) struct db_params params = {0};
	int rc;

	db_param_text(&params, l->holder);
	db_param_int(&params, config_int(CONFIG_OUTBOX_LEASE));
	if (epoch > 0)
		db_param_int(&params, epoch);
	else
		db_param_text(&params, dead);
	rc = db_exec(c, statement, &params, &r, err);
	if (rc < 0)
		return rc;
	return db_rows(r) > 0 ? db_int(r, 0, 0) : 0;
}

/* "PLACE PID NAME" of a process of this place that is no more. */
static bool is_dead(const struct lease *l, const char *holder)
{
	size_t n = strlen(l->place);
	pid_t pid = strncmp(holder, l->place, n) == 0 && holder[n] == ' ' ? atoi(holder + n) : 0;

	return pid > 1 && kill(pid, 0) < 0 && errno == ESRCH;
}

/* An ended lease, or that of a dead holder. */
static int64_t acquire(struct lease *l, struct db_conn *c, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc = db_exec(c, &lease_holder, NULL, &r, err);
	const char *holder;

	if (rc < 0)
		return rc;
	holder = db_rows(r) > 0 ? db_text(r, 0, 0) : "";
	return run(l, c, &lease_acquire, 0, is_dead(l, holder) ? holder : NULL, err);
}

/* Renews the lease of an epoch, or acquires it when it is 0; as run. */
static int64_t ask(struct lease *l, int64_t epoch, struct error *err)
{
	struct db_conn *c;
	int64_t answer;
	int rc = db_acquire(service_db(l->service), &c, err);

	if (rc < 0)
		return rc;
	answer = epoch > 0 ? run(l, c, &lease_renew, epoch, NULL, err) : acquire(l, c, err);
	db_release(c);
	return answer;
}

static void set_epoch(struct lease *l, int64_t epoch, struct mono asked)
{
	pthread_mutex_lock(&l->lock);
	atomic_store(&l->expires_ns, mono_add_ms(asked, config_int(CONFIG_OUTBOX_LEASE)).ns);
	if (atomic_exchange(&l->epoch, epoch) != epoch) {
		pthread_cond_broadcast(&l->changed);
		metric_set(metric_series(METRIC_OUTBOX_LEADER, NULL, NULL, NULL), epoch > 0);
	}
	pthread_mutex_unlock(&l->lock);
}

static void try_acquire(struct lease *l)
{
	struct error err;
	struct mono asked = mono_now();
	int64_t epoch = ask(l, 0, &err);

	if (epoch > 0) {
		log_info("this relay holds the lease, epoch %lld", (long long)epoch);
		set_epoch(l, epoch, asked);
	}
}

static void try_renew(struct lease *l, int64_t epoch)
{
	struct error err;
	struct mono asked = mono_now();
	int64_t renewed = ask(l, epoch, &err);

	if (renewed == epoch) {
		set_epoch(l, epoch, asked);
	} else if (renewed >= 0) {
		log_warn("the lease of epoch %lld is lost", (long long)epoch);
		set_epoch(l, 0, asked);
	}
}

/* Waits for ms or until lease_stop; true when stopping. */
static bool pause_ms(struct lease *l, int64_t ms)
{
	struct mono until = mono_add_ms(mono_now(), ms);
	bool stopping;

	pthread_mutex_lock(&l->lock);
	while (!l->stopping && cond_wait_until(&l->changed, &l->lock, until))
		continue;
	stopping = l->stopping;
	pthread_mutex_unlock(&l->lock);
	return stopping;
}

static void *lease_main(void *arg)
{
	struct lease *l = arg;

	do {
		int64_t epoch = atomic_load(&l->epoch);

		if (epoch > 0 &&
		    lease_epoch(l) == 0) /* ran out while the database was away or we were stopped */
			set_epoch(l, 0, mono_now());
		if (lease_epoch(l) > 0)
			try_renew(l, epoch);
		else
			try_acquire(l);
	} while (!pause_ms(l, config_int(CONFIG_OUTBOX_LEASE) / (lease_epoch(l) > 0 ? 4 : 10)));
	return NULL;
}

static void find_place(struct lease *l)
{
	char host[64] = "", space[48] = "";

	gethostname(host, sizeof(host) - 1);
	if (readlink("/proc/self/ns/pid", space, sizeof(space) - 1) < 0)
		space[0] = '\0';
	snprintf(l->place, sizeof(l->place), "%s %s", host, space);
}

int lease_start(struct service *s, struct lease **ret, struct error *err)
{
	struct lease *l = xcalloc(1, sizeof(*l));

	l->service = s;
	find_place(l);
	snprintf(l->holder, sizeof(l->holder), "%s %d %s", l->place, (int)getpid(), service_client_id(s));
	pthread_mutex_init(&l->lock, NULL);
	cond_init(&l->changed);
	if (pthread_create(&l->thread, NULL, lease_main, l) != 0) {
		free(l);
		return error_errno(err, "start the lease thread");
	}
	*ret = l;
	return 0;
}

int64_t lease_epoch(const struct lease *l)
{
	if (mono_now().ns >= atomic_load_explicit(&l->expires_ns, memory_order_relaxed))
		return 0;
	return atomic_load_explicit(&l->epoch, memory_order_relaxed);
}

int64_t lease_wait(struct lease *l, int timeout_ms)
{
	struct mono until = mono_add_ms(mono_now(), timeout_ms);

	pthread_mutex_lock(&l->lock);
	if (atomic_load(&l->epoch) == 0 && !l->stopping)
		(void)cond_wait_until(&l->changed, &l->lock, until);
	pthread_mutex_unlock(&l->lock);
	return lease_epoch(l);
}

void lease_lost(struct lease *l, int64_t epoch)
{
	if (atomic_load(&l->epoch) == epoch)
		set_epoch(l, 0, mono_now());
}

DB_STATEMENT(lease_release,
	     "UPDATE relay_lease SET expires_at = clock_timestamp() WHERE holder = $1 AND epoch = $2");

static void release(struct lease *l)
{
	CLEANUP(db_params_done) struct db_params params = {0};
	struct db_conn *c;
	struct error err;

	if (lease_epoch(l) == 0 || db_acquire(service_db(l->service), &c, &err) < 0)
		return;
	db_param_text(&params, l->holder);
	db_param_int(&params, lease_epoch(l));
	if (db_exec(c, &lease_release, &params, NULL, &err) < 0)
		log_err(LOG_WARN, &err, "release the lease");
	db_release(c);
}

void lease_stop(struct lease *l)
{
	if (l == NULL)
		return;
	pthread_mutex_lock(&l->lock);
	l->stopping = true;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
	release(l);
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->changed);
	free(l);
}
