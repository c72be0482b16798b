/*
 * The relay of one outbox.
 *
 * Order per aggregate holds because a window is published in the order of seq by one idempotent producer per
 * relay, a message that cannot be delivered fails the producer as a whole (bus.h), and after any failure
 * everything from the stored position on is sent again: duplicates, never gaps or swaps.  A relay that lost
 * the lease purges its queue; what it may still have sent is a prefix of what its successor sends.
 */
#include "daemons/outbox/relay.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/base/crash.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/bus/bus.h"
#include "core/config/config.h"
#include "core/contract/events.h"
#include "core/service/metrics.h"

#define MESSAGE_TIMEOUT_MS 60000
#define RETRY_PAUSE_MS	   250
#define TRIM_INTERVAL_MS   600000
#define MARK_INTERVAL_MS   1000
#define ACK_PATIENCE_MS	   2000
#define PRODUCE_POLL_EVERY 1024
#define RATE_WEIGHT	   0.25 /* of the last window in the rate */
#define GATHER_US	   5	/* distance of windows, for each event a second */
#define GATHER_LEAST_US	   500	/* a shorter pause is not worth its switch */

struct relay {
	struct service *service;
	struct lease *lease;
	const struct daemon_info *owner;
	struct db *db;
	struct db_options options;
	pthread_mutex_t lock; /* of the pointer below: relay_stop wakes it */
	struct db_listener *listener;
	struct bus_producer *producer;
	pthread_t thread;
	atomic_bool stopping;

	int64_t epoch; /* for which the position was taken over; 0: not */
	struct position position;
	struct mono marked, trimmed;
	struct mono looked; /* when the window before was read */
	double rate;	    /* events a second, lately */
	int gathered;	    /* events published since looked */
	/* The messages under way. */
	int sent, acked, failed;
	char why[160];
	struct buf envelope;

	struct metric_series *seconds, *published, *errors, *unpublished;
};

/* --- publishing rows --- */

static void delivered(void *arg, void *message_arg, int code, const char *why, int32_t partition,
		      int64_t offset)
{
	struct relay *r = arg;

	(void)message_arg, (void)partition, (void)offset;
	if (code == 0) {
		r->acked++;
		return;
	}
	r->failed++;
	snprintf(r->why, sizeof(r->why), "%s", why != NULL ? why : error_word(code));
}

static int ensure_producer(struct relay *r, struct error *err)
{
	struct bus_options options = {service_bootstrap(r->service), service_client_id(r->service)};

	if (r->producer != NULL && bus_producer_failed(r->producer, NULL)) {
		bus_producer_purge(r->producer);
		bus_producer_free(r->producer);
		r->producer = NULL;
	}
	if (r->producer != NULL)
		return 0;
	return bus_producer_new(&options, MESSAGE_TIMEOUT_MS, delivered, r, &r->producer, err);
}

static int add_headers(const struct relay *r, struct bus_header *h, const char *id, const char *type,
		       const char *time, const char *traceparent)
{
	int n = 0;

	h[n++] = (struct bus_header){"ce_specversion", "1.0", 3};
	h[n++] = (struct bus_header){"ce_id", id, strlen(id)};
	h[n++] = (struct bus_header){"ce_source", r->owner->name, strlen(r->owner->name)};
	h[n++] = (struct bus_header){"ce_type", type, strlen(type)};
	h[n++] = (struct bus_header){"ce_time", time, strlen(time)};
	h[n++] = (struct bus_header){"traceparent", traceparent, 55};
	return n;
}

static int produce_row(struct relay *r, const struct db_result *rows, int i, struct error *err)
{
	struct uuid id = db_uuid(rows, i, ROW_ID), correlation = db_uuid(rows, i, ROW_CORRELATION);
	struct uuid causation = db_uuid(rows, i, ROW_CAUSATION);
	const char *type = db_text(rows, i, ROW_TYPE), *aggregate = db_text(rows, i, ROW_AGGREGATE);
	int known = event_find(type);
	int64_t created = db_time(rows, i, ROW_CREATED);
	char time[CLOCK_TEXT_SIZE], trace[56];
	struct bus_header headers[8];
	int n = add_headers(r, headers, db_text(rows, i, ROW_ID), type, clock_format(created, time),
			    event_traceparent(&id, &correlation, trace));

	buf_reset(&r->envelope);
	event_envelope(&r->envelope, &id, type, known >= 0 ? event_types[known].version : 1, aggregate,
		       db_int(rows, i, ROW_AGGREGATE_SEQ), created, &correlation, &causation,
		       db_text(rows, i, ROW_DATA), (size_t)db_length(rows, i, ROW_DATA));
	for (;;) {
		int rc = bus_produce(r->producer, db_text(rows, i, ROW_TOPIC), aggregate, strlen(aggregate),
				     r->envelope.data, r->envelope.len, headers, n, NULL, err);

		if (rc != ERR_TRANSIENT)
			return rc;
		bus_producer_poll(r->producer, 50); /* the local queue is full */
		if (lease_epoch(r->lease) != r->epoch)
			return error_set(err, ERR_LEASE_LOST, "publish", "the lease ran out");
	}
}

static bool may_go_on(struct relay *r)
{
	return lease_epoch(r->lease) == r->epoch && !bus_producer_failed(r->producer, NULL);
}

/* Waits until everything sent is reported. */
static int await_acks(struct relay *r, struct error *err)
{
	struct mono started = mono_now();
	bool said = false;

	while (r->acked + r->failed < r->sent && may_go_on(r) && !(said && atomic_load(&r->stopping))) {
		if (bus_producer_flush(r->producer, 100, NULL) == 0) /* sends at once, without linger */
			continue;
		if (said || mono_since_ms(started) < ACK_PATIENCE_MS)
			continue;
		said = true;
		service_condition(r->service, r->owner->name, false, false,
				  "kafka does not acknowledge: events of %s wait", r->owner->name);
	}
	if (r->acked < r->sent)
		return error_set(err, ERR_UNAVAILABLE, "publish", "%d of %d events were not acknowledged: %s",
				 r->sent - r->acked, r->sent, r->failed > 0 ? r->why : "no answer");
	service_condition(r->service, r->owner->name, false, true, "%s", "");
	return 0;
}

/* Gives up what is under way, so that no report of it can be taken for one of the next window. */
static void abandon(struct relay *r)
{
	if (r->producer != NULL) {
		bus_producer_purge(r->producer);
		bus_producer_free(r->producer);
		r->producer = NULL;
	}
	metric_add(r->errors, 1);
}

static void observe(struct relay *r, const struct db_result *rows, int n)
{
	int64_t now = clock_wall_us();

	for (int i = 0; i < n; i++)
		metric_observe(r->seconds, (double)(now - db_time(rows, i, ROW_CREATED)) / 1e6);
	metric_add(r->published, n);
	r->gathered += n;
}

/* Publishes the first n rows and waits for their acknowledgement. */
static int publish(struct relay *r, const struct db_result *rows, int n, struct error *err)
{
	int rc = ensure_producer(r, err);

	CRASH_POINT("relay-send");
	r->sent = r->acked = r->failed = 0;
	for (int i = 0; rc == 0 && i < n; i++) {
		rc = produce_row(r, rows, i, err);
		r->sent += rc == 0;
		if (i == n / 2)
			CRASH_POINT("relay-middle");
		if (i % PRODUCE_POLL_EVERY == PRODUCE_POLL_EVERY - 1)
			bus_producer_poll(r->producer, 0);
	}
	CRASH_POINT("relay-sent");
	if (rc == 0)
		rc = await_acks(r, err);
	CRASH_POINT("relay-acknowledged");
	if (rc < 0)
		abandon(r);
	else
		observe(r, rows, n);
	return rc;
}

/* --- windows --- */

static int advance(struct relay *r, struct db_conn *c, int published, struct error *err)
{
	int rc = store_advance(c, r->epoch, &r->position, published, err);

	if (rc == 0 && r->position.high == NULL && mono_since_ms(r->marked) >= MARK_INTERVAL_MS) {
		r->marked = mono_now();
		rc = store_mark(c, r->position.low, err);
	}
	return rc;
}

/* The window is complete: everything visible in the snapshot is published. */
static int finish_window(struct relay *r, struct db_conn *c, char *snapshot, int published, struct error *err)
{
	free(r->position.low);
	free(r->position.high);
	r->position = (struct position){.low = snapshot};
	return advance(r, c, published, err);
}

/* Publishes the rest of the window between low and high, a batch at a time. */
static int publish_backlog(struct relay *r, struct db_conn *reader, struct db_conn *writer, struct error *err)
{
	int limit = (int)config_int(CONFIG_OUTBOX_BATCH);
	int rc = store_open(reader, &r->position, err);

	while (rc == 0) {
		CLEANUP(db_result_auto) struct db_result *rows = NULL;
		int n;

		rc = store_fetch(reader, limit, &rows, err);
		if (rc < 0)
			break;
		n = db_rows(rows);
		if (n == 0) {
			rc = finish_window(r, writer, xstrdup(r->position.high), 0, err);
			break;
		}
		rc = publish(r, rows, n, err);
		if (rc < 0)
			break;
		r->position.done_seq = db_int(rows, n - 1, ROW_SEQ);
		rc = advance(r, writer, n, err);
		if (rc == 0 && atomic_load(&r->stopping))
			rc = error_set(err, ERR_NOT_YET, "publish", "the relay is stopping");
	}
	store_close(reader);
	return rc;
}

static int run_backlog(struct relay *r, struct db_conn *reader, struct error *err)
{
	struct db_conn *writer;
	int rc = db_acquire(r->db, &writer, err);

	if (rc < 0)
		return rc;
	rc = publish_backlog(r, reader, writer, err);
	db_release(writer);
	return rc;
}

/* One window; *ret_more tells whether to look again at once. */
static int run_window(struct relay *r, struct db_conn *c, bool *ret_more, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *rows = NULL;
	int limit = (int)config_int(CONFIG_OUTBOX_BATCH), n, rc;

	*ret_more = true;
	if (r->position.high != NULL)
		return run_backlog(r, c, err);
	rc = store_window(c, r->position.low, limit + 1, &rows, err);
	if (rc < 0)
		return rc;
	n = db_rows(rows);
	if (n > limit) {
		r->position.high = xstrdup(db_text(rows, 0, ROW_SNAPSHOT));
		r->position.done_seq = 0;
		db_result_free(rows);
		rows = NULL;
		rc = store_advance(c, r->epoch, &r->position, 0, err);
		return rc < 0 ? rc : run_backlog(r, c, err);
	}
	*ret_more = n > 0;
	metric_set(r->unpublished, n);
	if (n == 0)
		return 0;
	rc = publish(r, rows, n, err);
	if (rc == 0)
		rc = finish_window(r, c, xstrdup(db_text(rows, 0, ROW_SNAPSHOT)), n, err);
	if (rc == 0)
		metric_set(r->unpublished, 0);
	return rc;
}

static int take_over(struct relay *r, struct db_conn *c, int64_t epoch, struct error *err)
{
	int rc = store_fence(c, epoch, &r->position, err);

	if (rc == 0)
		r->epoch = epoch;
	return rc;
}

static void trim(struct relay *r, struct db_conn *c)
{
	struct error err;
	int64_t rows = 0;

	if (mono_since_ms(r->trimmed) < TRIM_INTERVAL_MS)
		return;
	r->trimmed = mono_now();
	if (store_trim(c, config_int(CONFIG_OUTBOX_RETENTION), &rows, &err) < 0)
		log_err(LOG_WARN, &err, "trim the outbox of %s", r->owner->name);
	else if (rows > 0)
		log_info("%lld old outbox rows of %s are gone", (long long)rows, r->owner->name);
}

/*
 * A stream of events is gathered: every window costs a produce request for each partition it touches, however
 * few events it has.  The distance of windows grows with the rate, so that a few events hardly wait and many
 * share their requests.
 */
static void gather(struct relay *r)
{
	int64_t since_us = mono_since_us(r->looked), most_us = config_int(CONFIG_OUTBOX_LINGER) * 1000,
		wait_us;
	struct timespec pause = {0};

	r->rate += RATE_WEIGHT * ((double)r->gathered * 1e6 / (double)(since_us + 1) - r->rate);
	r->gathered = 0;
	wait_us = (int64_t)(r->rate * GATHER_US);
	wait_us = (wait_us < most_us ? wait_us : most_us) - since_us;
	if (wait_us >= GATHER_LEAST_US && !atomic_load(&r->stopping)) {
		pause.tv_sec = wait_us / 1000000;
		pause.tv_nsec = wait_us % 1000000 * 1000;
		nanosleep(&pause, NULL);
	}
	r->looked = mono_now();
}

/* Windows until there is nothing more. */
static int drain(struct relay *r, int64_t epoch, struct error *err)
{
	struct db_conn *c;
	bool more = true;
	int rc = db_acquire(r->db, &c, err);

	if (rc < 0)
		return rc;
	if (r->epoch != epoch)
		rc = take_over(r, c, epoch, err);
	while (rc == 0 && more && !atomic_load(&r->stopping)) {
		gather(r);
		rc = lease_epoch(r->lease) == epoch
			 ? run_window(r, c, &more, err)
			 : error_set(err, ERR_LEASE_LOST, "publish", "the lease ran out");
	}
	if (rc == 0)
		trim(r, c);
	db_release(c);
	return rc;
}

/* --- the thread --- */

static void pause_ms(struct relay *r, int64_t ms)
{
	const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};

	if (!atomic_load(&r->stopping))
		nanosleep(&pause, NULL);
}

static void set_listener(struct relay *r, struct db_listener *listener)
{
	pthread_mutex_lock(&r->lock);
	db_listen_free(r->listener);
	r->listener = listener;
	pthread_mutex_unlock(&r->lock);
}

/* Returns without waiting when it has just begun to listen: a notification may have been missed. */
static void await_notification(struct relay *r)
{
	struct db_listener *listener;
	struct error err;

	if (r->listener != NULL) {
		if (db_listen_wait(r->listener, (int)config_int(CONFIG_OUTBOX_POLL), &err) < 0)
			set_listener(r, NULL);
	} else if (db_listen(&r->options, "outbox", &listener, &err) == 0) {
		set_listener(r, listener);
	} else {
		pause_ms(r, RETRY_PAUSE_MS);
	}
}

static void report(struct relay *r, int rc, const struct error *err, int *failures)
{
	if (rc == ERR_LEASE_LOST) {
		lease_lost(r->lease, r->epoch);
		log_err(LOG_WARN, err, "relay of %s", r->owner->name);
		return;
	}
	if ((*failures)++ == 0)
		log_err(LOG_WARN, err, "relay of %s", r->owner->name);
	if (*failures == 20) /* a fresh installation creates its tables within this time */
		service_condition(r->service, r->owner->name, false, false, "outbox of %s: %.100s",
				  r->owner->name, err->why);
}

static void *relay_main(void *arg)
{
	struct relay *r = arg;
	int failures = 0;

	while (!atomic_load(&r->stopping)) {
		int64_t epoch = lease_wait(r->lease, 1000);
		struct error err;
		int rc;

		if (epoch == 0)
			continue;
		rc = drain(r, epoch, &err);
		if (rc < 0) {
			r->epoch = 0; /* read the stored position again */
			report(r, rc, &err, &failures);
			pause_ms(r, RETRY_PAUSE_MS);
			continue;
		}
		if (failures > 0)
			service_condition(r->service, r->owner->name, false, true, "%s", "");
		failures = 0;
		await_notification(r);
	}
	return NULL;
}

int relay_start(struct service *s, struct lease *lease, const struct daemon_info *owner, struct relay **ret,
		struct error *err)
{
	struct relay *r = xcalloc(1, sizeof(*r));

	r->service = s;
	r->lease = lease;
	r->owner = owner;
	service_db_options(s, owner, &r->options);
	r->options.pool_size = 4;
	r->options.answer_timeout_ms = 0; /* sorting a large backlog may take long */
	r->options.async_commit = true;	  /* a lost position costs duplicates, nothing else */
	pthread_mutex_init(&r->lock, NULL);
	r->db = db_new(&r->options);
	r->seconds = metric_series(METRIC_OUTBOX_SECONDS, owner->database, NULL, NULL);
	r->published = metric_series(METRIC_OUTBOX_PUBLISHED, owner->database, NULL, NULL);
	r->errors = metric_series(METRIC_OUTBOX_ERRORS, owner->database, NULL, NULL);
	r->unpublished = metric_series(METRIC_OUTBOX_UNPUBLISHED, owner->database, NULL, NULL);
	if (pthread_create(&r->thread, NULL, relay_main, r) != 0) {
		db_free(r->db);
		free(r);
		return error_errno(err, "start the relay of %s", owner->name);
	}
	*ret = r;
	return 0;
}

void relay_stop(struct relay *r)
{
	if (r == NULL)
		return;
	atomic_store(&r->stopping, true);
	pthread_mutex_lock(&r->lock);
	if (r->listener != NULL)
		db_listen_wake(r->listener);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->thread, NULL);
	set_listener(r, NULL);
	pthread_mutex_destroy(&r->lock);
	if (r->producer != NULL)
		bus_producer_purge(r->producer);
	bus_producer_free(r->producer);
	position_done(&r->position);
	buf_done(&r->envelope);
	db_free(r->db);
	free(r);
}

const struct daemon_info *relay_owner(const struct relay *r)
{
	return r->owner;
}

struct db *relay_db(const struct relay *r)
{
	return r->db;
}
