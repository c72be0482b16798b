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
#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/http/retry.h"
#include "core/service/metrics.h"
#include "core/service/outbox.h"
#include "core/service/private.h"

#define POLL_TIMEOUT_MS 500

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
	/* Scratch for one transaction. */
	const struct event **wanted;
	const struct event **wave;
	int *wave_of;
	bool *is_new;
	int pauses; /* in a row, for the backoff */
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
	it->event.raw = m->value;
	it->event.raw_len = m->value_len;
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
	c->wave = xreallocarray(c->wave, cap, sizeof(*c->wave));
	c->wave_of = xreallocarray(c->wave_of, cap, sizeof(*c->wave_of));
	c->is_new = xreallocarray(c->is_new, cap, sizeof(*c->is_new));
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

/* --- one transaction --- */

/*
 * Numbers the events so that those of one aggregate fall into successive waves: a wave has each key at most
 * once. Returns the number of waves.
 */
static int assign_waves(struct consumer *c, int n)
{
	struct map next = {0}; /* key → number of its waves so far */
	int waves = 0;

	for (int i = 0; i < n; i++) {
		const char *key = c->wanted[i]->aggregate_id;
		intptr_t used = (intptr_t)map_gets(&next, key);

		c->wave_of[i] = (int)used;
		map_puts(&next, key, (void *)(used + 1));
		if (used + 1 > waves)
			waves = (int)used + 1;
	}
	map_done(&next, NULL);
	return waves;
}

static int handle_waves(struct consumer *c, struct service_batch *b, int n, struct error *err)
{
	int waves = c->service->spec->own_dedupe ? 1 : assign_waves(c, n);

	for (int w = 0; w < waves; w++) {
		int rc;

		b->count = 0;
		for (int i = 0; i < n; i++)
			if (waves == 1 || c->wave_of[i] == w)
				c->wave[b->count++] = c->wanted[i];
		b->events = c->wave;
		rc = c->service->spec->handle(c->service, b, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Leaves in wanted[] only what the inbox has not seen; the number left. */
static int drop_duplicates(struct consumer *c, struct db_conn *tx, int n, int *ret_new, struct error *err)
{
	int rc, kept = 0;

	*ret_new = n;
	if (c->service->spec->own_dedupe)
		return 0;
	rc = inbox_claim(tx, c->service->info->name, c->wanted, n, c->is_new, err);
	if (rc < 0)
		return rc;
	for (int i = 0; i < n; i++)
		if (c->is_new[i])
			c->wanted[kept++] = c->wanted[i];
	*ret_new = kept;
	return 0;
}

static int run_in(struct consumer *c, struct service_batch *b, int n, struct error *err)
{
	int left, rc;

	rc = db_begin(b->tx, err);
	if (rc == 0)
		rc = drop_duplicates(c, b->tx, n, &left, err);
	if (rc == 0 && left > 0)
		rc = handle_waves(c, b, left, err);
	CRASH_POINT("consumer-effect");
	if (rc == 0)
		rc = db_commit(b->tx, err);
	CRASH_POINT("consumer-committed");
	if (rc < 0)
		db_rollback(b->tx);
	return rc;
}

/* Runs the wanted events (c->wanted, n of them) as one transaction. */
static int run_transaction(struct consumer *c, int n, struct error *err)
{
	struct service *s = c->service;
	struct service_batch b = {0};
	struct mono started = mono_now();
	int rc;

	if (n == 0)
		return 0;
	rc = db_acquire(s->db, &b.tx, err);
	if (rc < 0)
		return rc;
	rc = run_in(c, &b, n, err);
	db_release(b.tx);
	if (s->spec->settled != NULL)
		s->spec->settled(s, b.state, rc == 0);
	if (rc == 0) {
		metric_observe(metric_series(METRIC_CONSUMER_BATCH_SECONDS, NULL, NULL, NULL),
			       (double)mono_since_us(started) / 1e6);
		if (s->info->outbox)
			outbox_notify(s);
	}
	return rc;
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
	metric_count(METRIC_CONSUMER_MESSAGES, it->message->topic, "dead", 1);
	return deadletter_send(c->letters, it->message, it->event.id, why, step, retries, err);
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

/* What is logged about one message says which it is. */
static void set_log_context(const struct event *e)
{
	struct log_context context = {0};
	struct uuid order;
	char trace[56];

	uuid_format(e->id, context.event_id);
	uuid_format(e->correlation_id, context.correlation_id);
	if (uuid_parse(e->aggregate_id, &order))
		uuid_format(order, context.order_id);
	snprintf(context.trace_id, sizeof(context.trace_id), "%.32s",
		 event_traceparent(&e->id, &e->correlation_id, trace) + 3);
	log_context_set(&context);
}

/* *ret_done messages are through, also when a later one is not: those must not come again and be buried
 * twice. */
static int run_one_by_one(struct consumer *c, int *ret_done, struct error *err)
{
	for (*ret_done = 0; *ret_done < c->batch.count; ++*ret_done) {
		const struct item *it = &c->items[*ret_done];
		int rc;

		if (it->state == ITEM_WANTED) {
			set_log_context(&it->event);
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
	reserve_items(c, 64);
	rc = join_group(c, err);
	if (rc == 0 && pthread_create(&c->thread, NULL, consumer_main, c) != 0) {
		rc = error_errno(err, "start the consumer thread");
		bus_consumer_free(c->bus);
	}
	if (rc < 0) {
		deadletter_free(c->letters);
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
	free(c->wave);
	free(c->wave_of);
	free(c->is_new);
	free(c);
}
