/*
 * The consumer thread: batches of messages become transactions.
 *
 *   poll a batch → parse → one transaction: inbox, handler, COMMIT → commit offsets
 *
 * When the transaction fails because something we need is down, the batch is rewound, partitions are paused,
 * and polling goes on (it keeps the group membership) until it is worth trying again.  When it fails for its
 * own reasons, its messages run one by one, so that a bad one does not fail its neighbours; the bad one is
 * parked for another try, and the later ones of its key behind it (parking.c), or becomes a dead letter.  A
 * message that ends the process is counted, too (attempts.c).  Offsets are committed only after the database
 * transaction.  One thread; nothing here is shared but the stop flag.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/crash.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/priority.h"
#include "core/config/config.h"
#include "core/http/retry.h"
#include "core/service/attempts.h"
#include "core/service/deadletter.h"
#include "core/service/effect.h"
#include "core/service/item.h"
#include "core/service/metrics.h"
#include "core/service/parking.h"
#include "core/service/policy.h"
#include "core/service/private.h"

#define POLL_TIMEOUT_MS 500
#define HEADERS_MAX	64
#define LOOK_MS		5000
#define LOOK_MOST_MS	300000
#define STREAM_LOOKS	12 /* times rarer while messages stream */

struct consumer {
	struct service *service;
	pthread_t thread;
	struct bus_consumer *bus;
	struct deadletter *letters;
	struct bus_batch batch;
	struct item *items; /* batch.count of them */
	int item_cap;
	struct effect *effect;
	struct parking *parking;
	struct attempts *attempts;
	/* Scratch for one batch. */
	const struct event **wanted;
	bool *behind;
	struct parked *parked;
	bool renew; /* Kafka was away while partitions were paused: librdkafka 2.0.2 may read no further */
	bool moved; /* partitions have come: others may have left something on them */
	int pauses; /* in a row, for the backoff */
	struct mono lag_told;
	struct mono looked; /* whether the consumer stands still */
	int64_t look_ms;    /* how far apart; doubled when a new consumer stood still as well */
	struct mono begun;  /* when the last batch was complete */
};

/* --- the batch --- */

static void reserve_items(struct consumer *c, int n)
{
	size_t cap = (size_t)n;

	if (n <= c->item_cap)
		return;
	c->items = xreallocarray(c->items, cap, sizeof(*c->items));
	c->wanted = xreallocarray(c->wanted, cap, sizeof(*c->wanted));
	c->behind = xreallocarray(c->behind, cap, sizeof(*c->behind));
	c->parked = xreallocarray(c->parked, cap, sizeof(*c->parked));
	c->item_cap = n;
}

/* Makes room for the batch; nothing is parsed yet. */
static void begin_batch(struct consumer *c)
{
	reserve_items(c, c->batch.count);
	memset(c->items, 0, (size_t)c->batch.count * sizeof(*c->items));
	for (int i = 0; i < c->batch.count; i++)
		c->items[i].message = &c->batch.messages[i];
}

static void parse_batch(struct consumer *c)
{
	for (int i = 0; i < c->batch.count; i++)
		item_parse(&c->items[i], c->service->spec);
}

static void drop_batch(struct consumer *c)
{
	for (int i = 0; i < c->batch.count; i++)
		event_done(&c->items[i].event);
	bus_batch_reset(&c->batch);
}

/* --- one transaction --- */

/* What advancing past some messages writes besides their effect. */
struct advance {
	struct consumer *consumer;
	const struct bus_message *messages;
	int count;
	int parked; /* of consumer->parked */
};

static int write_advance(void *arg, struct db_conn *tx, struct error *err)
{
	struct advance *a = arg;
	struct consumer *c = a->consumer;
	int rc = parking_put(c->parking, tx, c->parked, a->parked, err);

	return rc < 0 || !attempts_careful(c->attempts)
		   ? rc
		   : attempts_clear(c->attempts, tx, a->messages, a->count, err);
}

/* Runs the wanted events (c->wanted, n of them), and parks what c->parked has, as one transaction. */
static int advance(struct consumer *c, struct advance *a, int n, struct error *err)
{
	bool more = a->parked > 0 || attempts_careful(c->attempts);
	struct effect_run run = {
	    .events = c->wanted, .count = n, .also = more ? write_advance : NULL, .arg = a};
	int rc = n > 0 || more ? effect_run(c->effect, &run, err) : 0;

	if (rc < 0)
		return rc;
	parking_added(c->parking, a->parked);
	attempts_cleared(c->attempts, a->messages, a->count);
	return 0;
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
		int rc;

		bus_consumer_pause(c->bus);
		rc = bus_consumer_poll(c->bus, 1, 0, (int)(left < 100 ? left : 100), &stray, &err);
		c->renew = c->renew || rc == ERR_UNAVAILABLE;
		if (rc == ERR_CONFLICT)
			break;
		if (stray.count > 0 && bus_consumer_rewind(c->bus, &stray, &err) < 0)
			log_err(LOG_WARN, &err, "give back early messages");
		bus_batch_reset(&stray);
	}
	bus_batch_done(&stray);
}

static const struct backoff pause_backoff = {50, 1000};

static void say_pause(struct consumer *c, const struct error *why)
{
	if (c->pauses++ == 0)
		log_err(LOG_WARN, why, "consumption pauses");
	service_condition(c->service, "consumer", false, false, "waits: %s: %.100s", why->what, why->why);
}

/*
 * Something we need is down: the batch, but for its first `done` messages, comes again later; no attempt is
 * consumed.
 */
static void wait_for_dependency(struct consumer *c, int done, const struct error *why)
{
	const struct bus_batch first = {.messages = c->batch.messages, .count = done};
	const struct bus_batch rest = {.messages = c->batch.messages + done, .count = c->batch.count - done};
	struct error err;

	say_pause(c, why);
	bus_consumer_commit(c->bus, &first);
	if (bus_consumer_rewind(c->bus, &rest, &err) < 0)
		log_err(LOG_WARN, &err, "rewind");
	stay_alive(c, why->code == ERR_NOT_YET ? 50 : backoff_ms(&pause_backoff, c->pauses));
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
	int rc;

	metric_count(METRIC_CONSUMER_MESSAGES, it->message->topic, "dead", 1);
	/* Kafka alone can take the letter: until it does, nothing is worth reading. */
	while ((rc = deadletter_send(c->letters, &letter, err)) < 0 && error_class(rc) == CLASS_DEPENDENCY &&
	       !service_stopping(c->service)) {
		say_pause(c, err);
		stay_alive(c, backoff_ms(&pause_backoff, c->pauses));
		c->renew = true;
	}
	bus_consumer_resume(c->bus);
	return rc;
}

static int park(struct consumer *c, const struct item *it, int tries, const struct policy *policy,
		const struct error *why, struct error *err)
{
	const struct parked one = {
	    .message = it->message,
	    .event = &it->event,
	    .tries = tries,
	    .delay_ms = policy_delay_ms(policy, tries),
	    .why = why,
	};

	log_err(LOG_WARN, why, "try %d of %s from %s/%d@%lld failed", tries, event_types[it->event.type].name,
		it->message->topic, (int)it->message->partition, (long long)it->message->offset);
	return parking_put_one(c->parking, &one, err);
}

static int settle_failure(struct consumer *c, struct item *it, int tries, const struct error *why,
			  struct error *err)
{
	const struct policy policy = policy_of(c->service->info);

	switch (policy_verdict(&policy, why->code, tries)) {
	case VERDICT_PAUSE:
		*err = *why;
		return why->code;
	case VERDICT_RETRY:
		it->state = ITEM_BEHIND;
		return park(c, it, tries, &policy, why, err);
	case VERDICT_BURY:
		it->state = ITEM_BURIED;
		break;
	}
	return bury(c, it, why, event_types[it->event.type].name, tries - 1, err);
}

static int run_alone(struct consumer *c, struct item *it, struct error *err)
{
	struct advance a = {.consumer = c, .messages = it->message, .count = 1};
	struct error why;
	int rc;

	c->wanted[0] = &it->event;
	rc = advance(c, &a, 1, &why);
	return rc == 0 ? 0 : settle_failure(c, it, attempts_of(c->attempts, it->message) + 1, &why, err);
}

/*
 * One message alone; behind what is parked of its key it is parked, too.  Negative only when something we
 * need is down: then its offset must not advance.
 */
static int run_item(struct consumer *c, struct item *it, struct error *err)
{
	const struct event *e = &it->event;
	bool behind = false;
	int rc = parking_behind(c->parking, &e, 1, &behind, err);

	effect_log_context(e);
	if (rc == 0 && behind) {
		it->state = ITEM_BEHIND;
		rc = parking_put_one(c->parking, &(struct parked){.message = it->message, .event = e}, err);
	} else if (rc == 0)
		rc = run_alone(c, it, err);
	log_context_set(NULL);
	return rc;
}

/* The wanted ones into c->wanted, those behind a parked one into c->parked. */
static int collect_wanted(struct consumer *c, int *ret_parked)
{
	int n = 0, parked = 0;

	for (int i = 0; i < c->batch.count; i++) {
		const struct item *it = &c->items[i];

		if (it->state == ITEM_WANTED)
			c->wanted[n++] = &it->event;
		else if (it->state == ITEM_BEHIND)
			c->parked[parked++] = (struct parked){.message = it->message, .event = &it->event};
	}
	*ret_parked = parked;
	return n;
}

/* Finds out which wanted ones are of a key that has parked messages. */
static int find_behind(struct consumer *c, struct error *err)
{
	int n = 0, rc;

	if (parking_count(c->parking) == 0)
		return 0;
	for (int i = 0; i < c->batch.count; i++)
		if (c->items[i].state == ITEM_WANTED)
			c->wanted[n++] = &c->items[i].event;
	rc = parking_behind(c->parking, c->wanted, n, c->behind, err);
	for (int i = 0, k = 0; rc == 0 && i < c->batch.count; i++)
		if (c->items[i].state == ITEM_WANTED && c->behind[k++])
			c->items[i].state = ITEM_BEHIND;
	return rc;
}

static int bury_unreadable(struct consumer *c, const struct item *it, struct error *err)
{
	return it->state == ITEM_UNREADABLE ? bury(c, it, &it->failure, "parse", 0, err) : 0;
}

/* A message that has ended its process too often: not even parsed. */
static int bury_deadly(struct consumer *c, struct item *it, int deaths, struct error *err)
{
	char step[64] = "parse", id[UUID_TEXT_SIZE];
	struct error why;

	item_header(it, "ce_type", step, sizeof(step));
	if (item_header(it, "ce_id", id, sizeof(id)) && !uuid_parse(id, &it->event.id))
		it->event.id = (struct uuid){0};
	error_set(&why, ERR_BUG, "handle the event", "the daemon ended %d times in the middle of it", deaths);
	return bury(c, it, &why, step, deaths - 1, err);
}

/* Before an item that may be what ended a process. */
static int begin_suspect(struct consumer *c, struct item *it, struct error *err)
{
	int deaths = attempts_of(c->attempts, it->message), rc;

	if (deaths > policy_of(c->service->info).retries) {
		it->state = ITEM_BURIED;
		return bury_deadly(c, it, deaths, err);
	}
	rc = attempts_mark(c->attempts, it->message, 1, err);
	if (rc == 0)
		item_parse(it, c->service->spec);
	return rc;
}

/* *ret_done messages are through, also when a later one is not: those must not come again and be buried
 * twice. */
static int run_one_by_one(struct consumer *c, int *ret_done, struct error *err)
{
	struct advance rest = {.consumer = c, .messages = c->batch.messages, .count = c->batch.count};

	for (*ret_done = 0; *ret_done < c->batch.count; ++*ret_done) {
		struct item *it = &c->items[*ret_done];
		int rc = it->state == ITEM_UNREAD ? begin_suspect(c, it, err) : 0;

		if (rc == 0 && (it->state == ITEM_WANTED || it->state == ITEM_BEHIND))
			rc = run_item(c, it, err);
		else if (rc == 0)
			rc = bury_unreadable(c, it, err);
		if (rc < 0)
			return rc;
	}
	return advance(c, &rest, 0, err);
}

/* The unreadable ones come last: while the others wait for something, nothing has been buried. */
static int run_together(struct consumer *c, struct error *err)
{
	struct advance a = {.consumer = c, .messages = c->batch.messages, .count = c->batch.count};
	int n = collect_wanted(c, &a.parked), rc = advance(c, &a, n, err);

	for (int i = 0; rc == 0 && i < c->batch.count; i++)
		rc = bury_unreadable(c, &c->items[i], err);
	return rc;
}

/* --- the loop --- */

static void count_outcome(const int counts[TOPIC_COUNT], const char *outcome)
{
	for (int t = 0; t < TOPIC_COUNT; t++)
		if (counts[t] > 0)
			metric_count(METRIC_CONSUMER_MESSAGES, topics[t].name, outcome, counts[t]);
}

/* Sums per topic, so that the registry is asked once per batch and topic. */
static void count_messages(struct consumer *c)
{
	int processed[TOPIC_COUNT] = {0}, ignored[TOPIC_COUNT] = {0}, parked[TOPIC_COUNT] = {0};

	for (int i = 0; i < c->batch.count; i++) {
		int topic = topic_find(c->items[i].message->topic);

		if (topic < 0)
			continue;
		processed[topic] += c->items[i].state == ITEM_WANTED;
		ignored[topic] += c->items[i].state == ITEM_SKIPPED;
		parked[topic] += c->items[i].state == ITEM_BEHIND;
	}
	count_outcome(processed, "processed");
	count_outcome(ignored, "ignored");
	count_outcome(parked, "parked");
}

/* What others may have left on partitions that have come to us. */
static int look_around(struct consumer *c, struct error *err)
{
	int rc = 0;

	if (!c->moved)
		return 0;
	rc = parking_look(c->parking, err);
	if (rc == 0)
		rc = attempts_look(c->attempts, err);
	c->moved = rc < 0;
	return rc;
}

static int run_batch(struct consumer *c, int *ret_done, struct error *err)
{
	const struct policy any = {0};
	int rc = look_around(c, err);

	if (rc == 0 && attempts_suspect(c->attempts, c->batch.messages, c->batch.count))
		return run_one_by_one(c, ret_done, err);
	if (rc == 0 && attempts_careful(c->attempts))
		rc = attempts_mark(c->attempts, c->batch.messages, c->batch.count, err);
	if (rc < 0)
		return rc;
	parse_batch(c);
	rc = find_behind(c, err);
	if (rc == 0)
		rc = run_together(c, err);
	if (rc == 0 || policy_verdict(&any, rc, 1) == VERDICT_PAUSE)
		return rc;
	log_err(LOG_WARN, err, "a batch of %d failed and is repeated one by one", c->batch.count);
	return run_one_by_one(c, ret_done, err);
}

static void process_batch(struct consumer *c)
{
	struct error err;
	int done = 0, rc;

	begin_batch(c);
	rc = run_batch(c, &done, &err);
	if (rc < 0) {
		attempts_paused(c->attempts);
		wait_for_dependency(c, done, &err);
	} else {
		bus_consumer_commit(c->bus, &c->batch);
		count_messages(c);
		if (c->pauses > 0)
			dependency_is_back(c);
	}
	drop_batch(c);
}

static void note_moved(void *arg, int assigned)
{
	struct consumer *c = arg;

	(void)assigned;
	c->moved = true;
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
	    .rebalanced = note_moved,
	    .arg = c,
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
}

/* A stream of messages is gathered, so that a transaction is worth its cost; a single one is not kept
 * waiting. */
static int linger_ms(const struct consumer *c)
{
	int64_t ms = config_int(CONFIG_CONSUMER_LINGER);
	bool busy = c->begun.ns != 0 && mono_since_ms(c->begun) < 2 * ms;

	return (int)(busy ? ms : ms / 10);
}

/*
 * A look when nothing is waiting here; while messages stream, rarely, and far enough apart for every
 * partition to have had its turn.
 */
static bool stands_still(struct consumer *c, bool idle)
{
	if (mono_since_ms(c->looked) < (idle ? c->look_ms : STREAM_LOOKS * c->look_ms))
		return false;
	c->looked = mono_now();
	if (!bus_consumer_stalled(c->bus))
		return false;
	c->look_ms = c->look_ms < LOOK_MOST_MS ? 2 * c->look_ms : c->look_ms;
	return true;
}

static void poll_once(struct consumer *c)
{
	struct error err;
	int rc = bus_consumer_poll(c->bus, (int)config_int(CONFIG_CONSUMER_BATCH), linger_ms(c),
				   (int)parking_wait_ms(c->parking, POLL_TIMEOUT_MS), &c->batch, &err);

	bool idle = c->batch.count == 0;

	service_condition(c->service, "kafka", false, rc != ERR_UNAVAILABLE, "kafka cannot be reached");
	if (rc != ERR_CONFLICT && c->batch.count > 0) {
		c->begun = mono_now();
		c->look_ms = LOOK_MS;
		process_batch(c);
		if (c->renew)
			rc = error_set(&err, ERR_CONFLICT, "consume", "Kafka was away");
	}
	if (rc == 0 && stands_still(c, idle))
		rc = error_set(&err, ERR_CONFLICT, "consume", "there is more to read, and nothing comes");
	if (rc == ERR_CONFLICT) {
		c->renew = false;
		bus_batch_reset(&c->batch);
		rejoin(c, &err);
	}
	parking_work(c->parking);
	if (c->bus != NULL)
		tell_lag(c);
}

static void *consumer_main(void *arg)
{
	struct consumer *c = arg;
	int nice = c->service->info->consumer_nice;

	if (nice > 0)
		priority_lower_thread(nice);
	while (!service_stopping(c->service) && c->bus != NULL)
		poll_once(c);
	bus_consumer_free(c->bus);
	return NULL;
}

static void consumer_free(struct consumer *c)
{
	bus_batch_done(&c->batch);
	parking_free(c->parking);
	attempts_free(c->attempts);
	deadletter_free(c->letters);
	effect_free(c->effect);
	free(c->items);
	free(c->wanted);
	free(c->behind);
	free(c->parked);
	free(c);
}

int consumer_start(struct service *s, struct consumer **ret, struct error *err)
{
	struct consumer *c = xcalloc(1, sizeof(*c));
	int rc;

	c->service = s;
	c->letters = deadletter_new(s);
	c->effect = effect_new(s);
	c->parking = parking_new(s, c->effect, c->letters);
	c->looked = mono_now();
	c->look_ms = LOOK_MS;
	reserve_items(c, 64);
	rc = attempts_new(s, &c->attempts, err);
	if (rc == 0)
		rc = join_group(c, err);
	if (rc == 0 && pthread_create(&c->thread, NULL, consumer_main, c) != 0) {
		rc = error_errno(err, "start the consumer thread");
		bus_consumer_free(c->bus);
	}
	if (rc < 0) {
		consumer_free(c);
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
	consumer_free(c);
}
