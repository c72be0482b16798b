/*
 * poll → read → one transaction → commit the offsets.  While the database is down the batch is rewound and
 * polling goes on; a batch that fails for another reason is tried one by one, and what fails even then waits
 * for its reason to be mended: nothing is ever skipped here.
 */
#include "daemons/dlq/intake.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/bus/bus.h"
#include "core/config/config.h"
#include "core/http/retry.h"
#include "core/service/metrics.h"
#include "core/service/outbox.h"
#include "daemons/dlq/store.h"

#define POLL_MS 500

struct intake {
	struct service *service;
	struct bus_consumer *bus;
	pthread_t thread;
	struct bus_batch batch;
	int pauses; /* in a row */
	struct mono lag_told;
};

static void read_message(const struct bus_message *m, struct arrival *a)
{
	struct bus_header headers[ARRIVAL_HEADERS_MAX];
	int n = bus_message_headers(m, headers, ARRIVAL_HEADERS_MAX);

	arrival_read(m, headers, n < ARRIVAL_HEADERS_MAX ? n : ARRIVAL_HEADERS_MAX, clock_wall_us(), a);
}

static int write_in(struct db_conn *c, const struct arrival *arrivals, int n, struct store_arrivals *tally,
		    struct error *err)
{
	int rc = db_begin(c, err);

	if (rc == 0)
		rc = store_arrive(c, arrivals, n, tally, err);
	if (rc == 0)
		rc = db_commit(c, err);
	if (rc < 0)
		db_rollback(c);
	else
		store_notify(c);
	return rc;
}

static int index_messages(struct intake *in, const struct bus_message *messages, int n, struct error *err)
{
	struct arrival *arrivals = xcalloc((size_t)n, sizeof(*arrivals));
	struct store_arrivals tally = {0};
	struct db_conn *c = NULL;
	int rc = db_acquire(service_db(in->service), &c, err);

	if (rc == 0) {
		for (int i = 0; i < n; i++)
			read_message(&messages[i], &arrivals[i]);
		rc = write_in(c, arrivals, n, &tally, err);
		for (int i = 0; i < n; i++)
			arrival_done(&arrivals[i]);
	}
	db_release(c);
	free(arrivals);
	if (rc == 0) {
		outbox_notify(in->service);
		metric_count(METRIC_CONSUMER_MESSAGES, messages[0].topic, "processed", n);
		if (tally.fresh + tally.again > 0)
			log_info("%d dead letters, %d failed again, %d were known", tally.fresh, tally.again,
				 tally.known);
	}
	return rc;
}

/* The batch, but for its first `done` messages, comes again later. */
static void wait_for_mend(struct intake *in, int done, const struct error *why)
{
	const struct backoff backoff = {50, 1000};
	const struct bus_batch first = {.messages = in->batch.messages, .count = done};
	const struct bus_batch rest = {.messages = in->batch.messages + done,
				       .count = in->batch.count - done};
	int64_t ms = backoff_ms(&backoff, ++in->pauses);
	const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
	struct error err;

	if (in->pauses == 1)
		log_err(LOG_WARN, why, "indexing pauses");
	service_condition(in->service, "consumer", false, false, "waits: %s: %.100s", why->what, why->why);
	bus_consumer_commit(in->bus, &first);
	if (bus_consumer_rewind(in->bus, &rest, &err) < 0)
		log_err(LOG_WARN, &err, "rewind");
	nanosleep(&pause, NULL); /* at most a second: the group's membership has a thread of its own */
}

static void index_batch(struct intake *in)
{
	struct error err;
	int done = 0, n = in->batch.count;
	int rc = index_messages(in, in->batch.messages, n, &err);

	if (rc < 0 && error_class(rc) != CLASS_DEPENDENCY && rc != ERR_UNKNOWN) {
		log_err(LOG_WARN, &err, "a batch of %d letters failed and is repeated one by one", n);
		for (rc = 0; rc == 0 && done < n; done += rc == 0)
			rc = index_messages(in, &in->batch.messages[done], 1, &err);
	}
	if (rc < 0) {
		wait_for_mend(in, done, &err);
	} else {
		bus_consumer_commit(in->bus, &in->batch);
		if (in->pauses > 0)
			log_info("indexing goes on");
		in->pauses = 0;
		service_condition(in->service, "consumer", false, true, "%s", "");
	}
}

static int join_group(struct intake *in, struct error *err)
{
	const struct daemon_info *info = service_info(in->service);
	char instance[48];
	int n = 0;

	while (n < DAEMON_TOPICS_MAX && info->consumes[n] != NULL)
		n++;
	snprintf(instance, sizeof(instance), "%s-%d", info->name, service_replica(in->service));
	struct bus_consumer_options options = {
	    .bus = {service_bootstrap(in->service), service_client_id(in->service)},
	    .group = info->name,
	    .instance = instance,
	    .topics = info->consumes,
	    .topic_count = n,
	};
	return bus_consumer_new(&options, &in->bus, err);
}

static void rejoin(struct intake *in, const struct error *why)
{
	const struct timespec second = {1, 0};
	struct error err;

	log_err(LOG_WARN, why, "the consumer is made anew");
	bus_consumer_free(in->bus);
	in->bus = NULL;
	while (!service_stopping(in->service) && join_group(in, &err) < 0) {
		log_err(LOG_ERROR, &err, "join the consumer group");
		nanosleep(&second, NULL);
	}
}

static void tell_lag(struct intake *in)
{
	const char *const *topic = service_info(in->service)->consumes;

	if (mono_since_ms(in->lag_told) < 1000)
		return;
	in->lag_told = mono_now();
	for (int i = 0; i < DAEMON_TOPICS_MAX && topic[i] != NULL; i++)
		metric_set(metric_series(METRIC_CONSUMER_LAG, topic[i], NULL, NULL),
			   (double)bus_consumer_behind(in->bus, topic[i]));
}

static void *intake_main(void *arg)
{
	struct intake *in = arg;
	struct error err;

	while (!service_stopping(in->service) && in->bus != NULL) {
		int rc =
		    bus_consumer_poll(in->bus, (int)config_int(CONFIG_CONSUMER_BATCH),
				      (int)config_int(CONFIG_CONSUMER_LINGER), POLL_MS, &in->batch, &err);

		service_condition(in->service, "kafka", false, rc != ERR_UNAVAILABLE,
				  "kafka cannot be reached");
		if (rc == ERR_CONFLICT)
			rejoin(in, &err);
		else if (in->batch.count > 0)
			index_batch(in);
		bus_batch_reset(&in->batch);
		if (in->bus != NULL)
			tell_lag(in);
	}
	bus_consumer_free(in->bus);
	return NULL;
}

int intake_start(struct service *s, struct intake **ret, struct error *err)
{
	struct intake *in = xcalloc(1, sizeof(*in));
	int rc;

	in->service = s;
	rc = join_group(in, err);
	if (rc == 0 && pthread_create(&in->thread, NULL, intake_main, in) != 0) {
		rc = error_errno(err, "start the indexing thread");
		bus_consumer_free(in->bus);
	}
	if (rc < 0) {
		free(in);
		return rc;
	}
	*ret = in;
	return 0;
}

void intake_stop(struct intake *in)
{
	if (in == NULL)
		return;
	pthread_join(in->thread, NULL);
	bus_batch_done(&in->batch);
	free(in);
}
