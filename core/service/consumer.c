/*
 * The consumer thread: batches of messages become transactions.
 *
 *   poll a batch → parse → one transaction: inbox, handler, COMMIT → commit offsets
 *
 * When the transaction fails because something we need is down, the batch is rewound, partitions are paused,
 * and polling goes on (it keeps the group membership) until it is worth trying again.  When it fails for its
 * own reasons, its messages run one by one, so that a bad one does not fail its neighbours; the bad one is
 * retried or becomes a dead letter. Offsets are committed only after the database transaction.  One thread;
 * nothing here is shared but the stop flag.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/crash.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/http/retry.h"
#include "core/service/deadletter.h"
#include "core/service/effect.h"
#include "core/service/metrics.h"
#include "core/service/private.h"

#define POLL_TIMEOUT_MS 500
#define HEADERS_MAX	64

enum item_state { ITEM_WANTED, ITEM_SKIPPED, ITEM_UNREADABLE };

/* One message of the batch under way. */
struct item {
	enum item_state state;
	const struct bus_message *message;
	struct event event;   /* when wanted */
	struct error failure; /* when unreadable */
};

struct consumer {
	struct service *service;
	pthread_t thread;
	struct bus_consumer *bus;
	struct deadletter *letters;
	struct bus_batch batch;
	struct item *items; /* batch.count of them */
	int item_cap;
	struct effect *effect;
	const struct event **wanted; /* scratch for one transaction */
	int pauses;		     /* in a row, for the backoff */
	struct mono lag_told;
};

/* --- parsing --- */

/* Spares parsing what nobody wants: the type also stands in a header. */
static bool skipped_by_header(const struct service_spec *spec, const struct bus_message *m)
{
	size_t len;
	char name[64];
	const char *value;
	int type;

	if (spec->wants == NULL)
		return false;
	value = bus_message_header(m, "ce_type", &len);
	if (value == NULL || len >= sizeof(name))
		return false;
	memcpy(name, value, len);
	name[len] = '\0';
	type = event_find(name);
	return type >= 0 && !spec->wants((enum event_type)type);
}

static void parse_item(struct consumer *c, struct item *it, const struct bus_message *m)
{
	const struct service_spec *spec = c->service->spec;

	memset(it, 0, sizeof(*it));
	it->message = m;
	it->state = ITEM_SKIPPED;
	if (skipped_by_header(spec, m))
		return;
	if (event_parse(m->value, m->value_len, &it->event, &it->failure) < 0) {
		it->state = ITEM_UNREADABLE;
		return;
	}
	it->event.topic = m->topic;
	it->event.partition = m->partition;
	it->event.offset = m->offset;
	if (spec->wants == NULL || spec->wants(it->event.type))
		it->state = ITEM_WANTED;
}

static void reserve_items(struct consumer *c, int n)
{
	size_t cap = (size_t)n;

	if (n <= c->item_cap)
		return;
	c->items = xreallocarray(c->items, cap, sizeof(*c->items));
	c->wanted = xreallocarray(c->wanted, cap, sizeof(*c->wanted));
	c->item_cap = n;
}

static void parse_batch(struct consumer *c)
{
	reserve_items(c, c->batch.count);
	for (int i = 0; i < c->batch.count; i++)
		parse_item(c, &c->items[i], &c->batch.messages[i]);
}

static void drop_batch(struct consumer *c)
{
	for (int i = 0; i < c->batch.count; i++)
		event_done(&c->items[i].event);
	bus_batch_reset(&c->batch);
}

/* Runs the wanted events (c->wanted, n of them) as one transaction. */
static int run_transaction(struct consumer *c, int n, struct error *err)
{
	struct effect_run run = {.events = c->wanted, .count = n};

	return n > 0 ? effect_run(c->effect, &run, err) : 0;
}

/* --- failures --- */

/* Polls the paused consumer for ms milliseconds; what arrives nevertheless is rewound. */
static void stay_alive(struct consumer *c, int64_t ms)
{
	struct bus_batch stray = {0};
	struct mono deadline = mono_add_ms(mono_now(), ms);

	while (mono_left_ms(deadline) > 0 && !service_stopping(c->service)) {
		int64_t left = mono_left_ms(deadline);
		struct error err;

		bus_consumer_pause(c->bus);
		if (bus_consumer_poll(c->bus, 1, 0, (int)(left < 100 ? left : 100), &stray, &err) ==
		    ERR_CONFLICT)
			break;
		if (stray.count > 0 && bus_consumer_rewind(c->bus, &stray, &err) < 0)
			log_err(LOG_WARN, &err, "give back early messages");
		bus_batch_reset(&stray);
	}
	bus_batch_done(&stray);
}

/*
 * Something we need is down: the batch, but for its first `done` messages, comes again later; no attempt is
 * consumed.
 */
static void wait_for_dependency(struct consumer *c, int done, const struct error *why)
{
	const struct backoff backoff = {50, 1000};
	const struct bus_batch first = {.messages = c->batch.messages, .count = done};
	const struct bus_batch rest = {.messages = c->batch.messages + done, .count = c->batch.count - done};
	struct error err;

	if (c->pauses++ == 0)
		log_err(LOG_WARN, why, "consumption pauses");
	service_condition(c->service, "consumer", false, false, "waits: %s: %.100s", why->what, why->why);
	bus_consumer_commit(c->bus, &first);
	if (bus_consumer_rewind(c->bus, &rest, &err) < 0)
		log_err(LOG_WARN, &err, "rewind");
	stay_alive(c, why->code == ERR_NOT_YET ? 50 : backoff_ms(&backoff, c->pauses));
	bus_consumer_resume(c->bus);
}

static void dependency_is_back(struct consumer *c)
{
	if (c->pauses > 0)
		log_info("consumption goes on");
	c->pauses = 0;
	service_condition(c->service, "consumer", false, true, "%s", "");
}

static int bury(struct consumer *c, const struct item *it, const struct error *why, const char *step,
		int retries, struct error *err)
{
	struct bus_header headers[HEADERS_MAX];
	int n = bus_message_headers(it->message, headers, HEADERS_MAX);
	struct letter letter = {
	    .message = it->message,
	    .headers = headers,
	    .header_count = n < HEADERS_MAX ? n : HEADERS_MAX,
	    .event_id = it->event.id,
	    .why = why,
	    .step = step,
	    .retries = retries,
	};

	metric_count(METRIC_CONSUMER_MESSAGES, it->message->topic, "dead", 1);
	return deadletter_send(c->letters, &letter, err);
}

/*
 * One message alone: retried while its failure is transient, then buried.  Negative only when something we
 * need is down (or we are stopping): then its offset must not advance.
 */
static int run_alone(struct consumer *c, const struct item *it, struct error *err)
{
	const struct backoff backoff = {config_int(CONFIG_CONSUMER_BACKOFF), 60000};

	for (int attempt = 1;; attempt++) {
		enum error_class class;
		int rc;

		c->wanted[0] = &it->event;
		rc = run_transaction(c, 1, err);
		if (rc == 0)
			return 0;
		class = error_class(rc);
		if (class == CLASS_DEPENDENCY || rc == ERR_UNKNOWN)
			return rc;
		if (class == CLASS_PERMANENT || attempt > config_int(CONFIG_CONSUMER_RETRIES)) {
			struct error why = *err;

			return bury(c, it, &why, event_types[it->event.type].name, attempt - 1, err);
		}
		log_err(LOG_WARN, err, "try %d of %s from %s/%d@%lld failed", attempt,
			event_types[it->event.type].name, it->message->topic, (int)it->message->partition,
			(long long)it->message->offset);
		stay_alive(c, backoff_ms(&backoff, attempt));
		bus_consumer_resume(c->bus);
		if (service_stopping(c->service))
			return error_set(err, ERR_NOT_YET, "retry", "the daemon is stopping");
	}
}

static int collect_wanted(struct consumer *c)
{
	int n = 0;

	for (int i = 0; i < c->batch.count; i++)
		if (c->items[i].state == ITEM_WANTED)
			c->wanted[n++] = &c->items[i].event;
	return n;
}

static int bury_unreadable(struct consumer *c, const struct item *it, struct error *err)
{
	return it->state == ITEM_UNREADABLE ? bury(c, it, &it->failure, "parse", 0, err) : 0;
}

/* *ret_done messages are through, also when a later one is not: those must not come again and be buried
 * twice. */
static int run_one_by_one(struct consumer *c, int *ret_done, struct error *err)
{
	for (*ret_done = 0; *ret_done < c->batch.count; ++*ret_done) {
		const struct item *it = &c->items[*ret_done];
		int rc;

		if (it->state == ITEM_WANTED) {
			effect_log_context(&it->event);
			rc = run_alone(c, it, err);
			log_context_set(NULL);
		} else {
			rc = bury_unreadable(c, it, err);
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The unreadable ones come last: while the others wait for something, nothing has been buried. */
static int run_together(struct consumer *c, struct error *err)
{
	int rc = run_transaction(c, collect_wanted(c), err);

	for (int i = 0; rc == 0 && i < c->batch.count; i++)
		rc = bury_unreadable(c, &c->items[i], err);
	return rc;
}

/* --- the loop --- */

/* Sums per topic, so that the registry is asked once per batch and topic. */
static void count_messages(struct consumer *c)
{
	int processed[TOPIC_COUNT] = {0}, ignored[TOPIC_COUNT] = {0};

	for (int i = 0; i < c->batch.count; i++) {
		int topic = topic_find(c->items[i].message->topic);

		if (topic < 0)
			continue;
		processed[topic] += c->items[i].state == ITEM_WANTED;
		ignored[topic] += c->items[i].state == ITEM_SKIPPED;
	}
	for (int t = 0; t < TOPIC_COUNT; t++) {
		if (processed[t] > 0)
			metric_count(METRIC_CONSUMER_MESSAGES, topics[t].name, "processed", processed[t]);
		if (ignored[t] > 0)
			metric_count(METRIC_CONSUMER_MESSAGES, topics[t].name, "ignored", ignored[t]);
	}
}

static void process_batch(struct consumer *c)
{
	struct error err;
	int done = 0, rc;

	parse_batch(c);
	rc = run_together(c, &err);
	if (rc < 0 && error_class(rc) != CLASS_DEPENDENCY && rc != ERR_UNKNOWN) {
		log_err(LOG_WARN, &err, "a batch of %d failed and is repeated one by one", c->batch.count);
		rc = run_one_by_one(c, &done, &err);
	}
	if (rc < 0) {
		wait_for_dependency(c, done, &err);
	} else {
		bus_consumer_commit(c->bus, &c->batch);
		count_messages(c);
		if (c->pauses > 0)
			dependency_is_back(c);
	}
	drop_batch(c);
}

static int join_group(struct consumer *c, struct error *err)
{
	const struct daemon_info *info = c->service->info;
	char instance[48];
	int n = 0;

	while (n < DAEMON_TOPICS_MAX && info->consumes[n] != NULL)
		n++;
	snprintf(instance, sizeof(instance), "%s-%d", info->name, c->service->replica);
	struct bus_consumer_options options = {
	    .bus = {service_bootstrap(c->service), c->service->client_id},
	    .group = info->name,
	    .instance = instance,
	    .topics = info->consumes,
	    .topic_count = n,
	};
	return bus_consumer_new(&options, &c->bus, err);
}

/* A fenced or otherwise dead consumer is made anew. */
static void rejoin(struct consumer *c, const struct error *why)
{
	const struct timespec second = {1, 0};
	struct error err;

	log_err(LOG_WARN, why, "the consumer is made anew");
	bus_consumer_free(c->bus);
	c->bus = NULL;
	while (!service_stopping(c->service) && join_group(c, &err) < 0) {
		log_err(LOG_ERROR, &err, "join the consumer group");
		nanosleep(&second, NULL);
	}
}

/* Gauges once a second, not once per batch. */
static void tell_lag(struct consumer *c)
{
	const char *const *topic = c->service->info->consumes;

	if (mono_since_ms(c->lag_told) < 1000)
		return;
	c->lag_told = mono_now();
	for (int i = 0; i < DAEMON_TOPICS_MAX && topic[i] != NULL; i++)
		metric_set(metric_series(METRIC_CONSUMER_LAG, topic[i], NULL, NULL),
			   (double)bus_consumer_behind(c->bus, topic[i]));
	metric_set(metric_series(METRIC_CONSUMER_PARKED, NULL, NULL, NULL), 0);
}

static void poll_once(struct consumer *c)
{
	struct error err;
	int rc = bus_consumer_poll(c->bus, (int)config_int(CONFIG_CONSUMER_BATCH),
				   (int)config_int(CONFIG_CONSUMER_LINGER), POLL_TIMEOUT_MS, &c->batch, &err);

	service_condition(c->service, "kafka", false, rc != ERR_UNAVAILABLE, "kafka cannot be reached");
	if (rc == ERR_CONFLICT) {
		bus_batch_reset(&c->batch);
		rejoin(c, &err);
	} else if (c->batch.count > 0) {
		process_batch(c);
	}
	if (c->bus != NULL)
		tell_lag(c);
}

static void *consumer_main(void *arg)
{
	struct consumer *c = arg;

	while (!service_stopping(c->service) && c->bus != NULL)
		poll_once(c);
	bus_consumer_free(c->bus);
	return NULL;
}

int consumer_start(struct service *s, struct consumer **ret, struct error *err)
{
	struct consumer *c = xcalloc(1, sizeof(*c));
	int rc;

	c->service = s;
	c->letters = deadletter_new(s);
	c->effect = effect_new(s);
	reserve_items(c, 64);
	rc = join_group(c, err);
	if (rc == 0 && pthread_create(&c->thread, NULL, consumer_main, c) != 0) {
		rc = error_errno(err, "start the consumer thread");
		bus_consumer_free(c->bus);
	}
	if (rc < 0) {
		deadletter_free(c->letters);
		effect_free(c->effect);
		free(c);
		return rc;
	}
	*ret = c;
	return 0;
}

void consumer_stop(struct consumer *c)
{
	if (c == NULL)
		return;
	pthread_join(c->thread, NULL);
	bus_batch_done(&c->batch);
	deadletter_free(c->letters);
	free(c->items);
	free(c->wanted);
	effect_free(c->effect);
	free(c);
}
