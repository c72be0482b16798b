/*
 * The consumer: collects batches, remembers what was processed and commits it now and then, rewinds, pauses.
 *
 * Invariant: part.next is the offset that will be handed out next; what librdkafka still delivers below it is
 * stale and dropped.  Commits are sent at most every COMMIT_EVERY_MS (COMMIT_STREAM_MS), asynchronously, and
 * again until they are acknowledged, so that a consumer of many small batches does not write one commit each;
 * a crash repeats at most that much.
 */
#include "core/bus/consumer.h"

#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"

#define COMMIT_EVERY_MS	 100 /* once nothing more comes */
#define COMMIT_STREAM_MS 500 /* while messages come: each commit is written to a topic, too */
#define COMMIT_AGAIN_MS	 1000
#define CLOSE_TIMEOUT_MS 3000

/* --- committing --- */

static bool commit_due(const struct bus_consumer *c, int64_t every_ms)
{
	int64_t age = mono_since_ms(c->commit_sent);

	for (int i = 0; i < c->part_count && age >= every_ms; i++) {
		const struct bus_part *p = &c->parts[i];

		if (p->processed > p->committed && (p->processed > p->sent || age >= COMMIT_AGAIN_MS))
			return true;
	}
	return false;
}

static bool commit_waits(const struct bus_consumer *c)
{
	for (int i = 0; i < c->part_count; i++)
		if (c->parts[i].processed > c->parts[i].committed)
			return true;
	return false;
}

static rd_kafka_topic_partition_list_t *list_to_commit(struct bus_consumer *c)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(c->part_count);

	for (int i = 0; i < c->part_count; i++) {
		struct bus_part *p = &c->parts[i];

		if (p->processed <= p->committed)
			continue;
		rd_kafka_topic_partition_list_add(list, p->topic, p->partition)->offset = p->processed;
		p->sent = p->processed;
	}
	return list;
}

void bus_commit_send(struct bus_consumer *c)
{
	rd_kafka_topic_partition_list_t *list = list_to_commit(c);

	c->commit_sent = mono_now();
	if (list->cnt > 0)
		rd_kafka_commit(c->rk, list, 1);
	rd_kafka_topic_partition_list_destroy(list);
}

static void note_committed(struct bus_consumer *c, const rd_kafka_topic_partition_list_t *list)
{
	for (int i = 0; i < list->cnt; i++) {
		const rd_kafka_topic_partition_t *t = &list->elems[i];
		struct bus_part *p = bus_part_find(c, t->topic, t->partition);

		if (p != NULL && t->err == RD_KAFKA_RESP_ERR_NO_ERROR && t->offset > p->committed)
			p->committed = t->offset;
	}
}

static void on_commit(rd_kafka_t *rk, rd_kafka_resp_err_t e, rd_kafka_topic_partition_list_t *list,
		      void *opaque)
{
	struct bus_consumer *c = opaque;

	(void)rk;
	if (e == RD_KAFKA_RESP_ERR_NO_ERROR && list != NULL) {
		bus_link_up(&c->link);
		note_committed(c, list);
	} else if (e != RD_KAFKA_RESP_ERR_NO_ERROR) {
		log_debug("%s: commit of offsets: %s", c->group, rd_kafka_err2str(e));
	}
}

void bus_consumer_commit(struct bus_consumer *c, const struct bus_batch *batch)
{
	for (int i = 0; i < batch->count; i++) {
		const struct bus_message *m = &batch->messages[i];
		struct bus_part *p = bus_part_find(c, m->topic, m->partition);

		if (p != NULL && m->offset + 1 > p->processed)
			p->processed = m->offset + 1;
	}
	if (commit_due(c, COMMIT_STREAM_MS))
		bus_commit_send(c);
}

/* --- collecting --- */

/*
 * Notes where the partition stands.  False for a message that was fetched before the consumer was positioned
 * anew, or of a partition that is no longer ours.
 */
static bool accept_message(struct bus_consumer *c, const rd_kafka_message_t *m)
{
	const char *topic = rd_kafka_topic_name(m->rkt);
	struct bus_part *p = bus_part_find(c, topic, m->partition);
	int64_t low, high;

	if (p == NULL || p->seek)
		return false;
	if (p->next >= 0 && m->offset < p->next) {
		/* Stale, unless the log itself was cut off behind us. */
		if (rd_kafka_get_watermark_offsets(c->rk, topic, m->partition, &low, &high) ==
			RD_KAFKA_RESP_ERR_NO_ERROR &&
		    high >= p->next)
			return false;
		log_warn("%s: %s/%d: the topic was truncated: offset %lld comes after %lld", c->group, topic,
			 (int)m->partition, (long long)m->offset, (long long)(p->next - 1));
		p->processed = p->sent = p->committed = m->offset;
	} else if (p->next >= 0 && m->offset > p->next &&
		   rd_kafka_get_watermark_offsets(c->rk, topic, m->partition, &low, &high) ==
		       RD_KAFKA_RESP_ERR_NO_ERROR &&
		   low > p->next) {
		log_warn("%s: %s/%d: offsets %lld to %lld are gone from the topic before they were read",
			 c->group, topic, (int)m->partition, (long long)p->next, (long long)(low - 1));
	}
	p->next = m->offset + 1;
	return true;
}

/* An error that came in place of a message; fatal ones are found by fatal(). */
static void on_event(struct bus_consumer *c, const rd_kafka_message_t *m)
{
	bool loud = m->err == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED ||
		    m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
		    m->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;

	if (loud)
		log_warn("%s: %s", c->group, rd_kafka_message_errstr(m));
	else
		log_debug("%s: %s", c->group, rd_kafka_message_errstr(m));
}

/* One message into the batch if there is one within timeout_ms; true when it was. */
static bool collect_one(struct bus_consumer *c, int timeout_ms)
{
	rd_kafka_message_t *m = rd_kafka_consumer_poll(c->rk, timeout_ms);

	if (m == NULL)
		return false;
	if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
		on_event(c, m);
	} else if (accept_message(c, m)) {
		bus_batch_add(c->collecting, m);
		return true;
	}
	rd_kafka_message_destroy(m);
	return false;
}

static bool fatal(struct bus_consumer *c, struct error *err)
{
	char why[256];

	if (rd_kafka_fatal_error(c->rk, NULL, 0) == RD_KAFKA_RESP_ERR_NO_ERROR)
		return false;
	rd_kafka_fatal_error(c->rk, why, sizeof(why));
	error_set(err, ERR_CONFLICT, c->group, "the consumer failed: %s", why);
	return true;
}

/* Waits for the first message, and sends commits in between. */
static void await_first(struct bus_consumer *c, int timeout_ms)
{
	struct mono deadline = mono_add_ms(mono_now(), timeout_ms);
	int64_t left, every_ms = COMMIT_STREAM_MS;

	do {
		left = mono_left_ms(deadline);
		if (commit_due(c, every_ms))
			bus_commit_send(c);
		every_ms = COMMIT_EVERY_MS;
		if (left > COMMIT_EVERY_MS && commit_waits(c))
			left = COMMIT_EVERY_MS;
	} while (!collect_one(c, (int)left) && c->collecting->count == 0 && mono_left_ms(deadline) > 0 &&
		 rd_kafka_fatal_error(c->rk, NULL, 0) == RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void collect_rest(struct bus_consumer *c, int max, int linger_ms)
{
	struct mono deadline = mono_add_ms(mono_now(), linger_ms);
	int lull_ms = linger_ms >= 4 ? linger_ms / 4 : linger_ms;

	while (c->collecting->count < max) {
		int64_t left = mono_left_ms(deadline);

		if (collect_one(c, 0))
			continue;
		if (left <= 0 || c->collecting->count == 0)
			return;
		if (!collect_one(c, (int)(left < lull_ms ? left : lull_ms)))
			return;
	}
}

int bus_consumer_poll(struct bus_consumer *c, int max, int linger_ms, int timeout_ms, struct bus_batch *batch,
		      struct error *err)
{
	bus_batch_reset(batch);
	c->collecting = batch;
	if (!c->paused)
		bus_parts_seek(c);
	await_first(c, timeout_ms);
	if (batch->count > 0)
		collect_rest(c, max, linger_ms);
	c->collecting = NULL;
	if (batch->count > 0)
		bus_link_up(&c->link);
	if (c->moved && c->rebalanced != NULL)
		c->rebalanced(c->arg, c->part_count);
	c->moved = false;
	if (batch->count > 0)
		return 0;
	if (fatal(c, err))
		return ERR_CONFLICT;
	if (!bus_link_check(&c->link, c->rk, 100))
		return error_set(err, ERR_UNAVAILABLE, "Kafka", "no broker can be reached");
	return 0;
}

int bus_consumer_rewind(struct bus_consumer *c, const struct bus_batch *batch, struct error *err)
{
	(void)err;
	/* Backwards, so that the first message of each partition has the last word. */
	for (int i = batch->count - 1; i >= 0; i--) {
		const struct bus_message *m = &batch->messages[i];
		struct bus_part *p = bus_part_find(c, m->topic, m->partition);

		if (p == NULL || m->offset >= p->next)
			continue;
		p->next = m->offset;
		p->seek = true;
	}
	/* Pausing would undo a seek: paused partitions are positioned when they resume. */
	if (!c->paused)
		bus_parts_seek(c);
	return 0;
}

void bus_consumer_pause(struct bus_consumer *c)
{
	rd_kafka_topic_partition_list_t *list;

	if (c->paused)
		return;
	c->paused = true;
	list = bus_part_list(c);
	rd_kafka_pause_partitions(c->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
}

void bus_consumer_resume(struct bus_consumer *c)
{
	rd_kafka_topic_partition_list_t *list;

	if (!c->paused)
		return;
	c->paused = false;
	list = bus_part_list(c);
	rd_kafka_resume_partitions(c->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	for (int i = 0; i < c->part_count; i++)
		c->parts[i].seek |= c->parts[i].next >= 0;
	bus_parts_seek(c);
}

int64_t bus_consumer_behind(struct bus_consumer *c, const char *topic)
{
	int64_t behind = 0;

	for (int i = 0; i < c->part_count; i++) {
		const struct bus_part *p = &c->parts[i];
		int64_t low, high;

		if (strcmp(p->topic, topic) == 0 && p->next >= 0 &&
		    rd_kafka_get_watermark_offsets(c->rk, topic, p->partition, &low, &high) ==
			RD_KAFKA_RESP_ERR_NO_ERROR &&
		    high > p->next)
			behind += high - p->next;
	}
	return behind;
}

int bus_consumer_assigned(struct bus_consumer *c)
{
	return c->part_count;
}

/* --- life --- */

static int subscribe(struct bus_consumer *c, const struct bus_consumer_options *options, struct error *err)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(options->topic_count);
	rd_kafka_resp_err_t e;

	for (int i = 0; i < options->topic_count; i++)
		rd_kafka_topic_partition_list_add(list, options->topics[i], RD_KAFKA_PARTITION_UA);
	rd_kafka_poll_set_consumer(c->rk);
	e = rd_kafka_subscribe(c->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	return e == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : bus_fail(err, e, "subscribe", NULL);
}

int bus_consumer_new(const struct bus_consumer_options *options, struct bus_consumer **ret, struct error *err)
{
	struct bus_consumer *c = xcalloc(1, sizeof(*c));
	const struct bus_setting settings[] = {
	    {"group.id", options->group},
	    {"group.instance.id", options->instance},
	    {"partition.assignment.strategy", "cooperative-sticky"},
	    {"enable.auto.commit", "false"},
	    {"enable.auto.offset.store", "false"},
	    {"auto.offset.reset", "earliest"},
	    {"session.timeout.ms", "6000"},
	    {"heartbeat.interval.ms", "1500"},
	    {"max.poll.interval.ms", "300000"},
	    /* Topics made after the subscription are found soon. */
	    {"topic.metadata.refresh.interval.ms", "3000"},
	    {"fetch.min.bytes", "1"},
	    {"fetch.wait.max.ms", "250"},
	    {"fetch.max.bytes", "8388608"},
	    {"fetch.error.backoff.ms", "100"},
	    {"queued.max.messages.kbytes", "16384"},
	};
	rd_kafka_conf_t *conf;
	int rc = bus_conf(&options->bus, settings, ARRAY_LEN(settings), c, &conf, err);

	c->group = xstrdup(options->group);
	c->rebalanced = options->rebalanced;
	c->arg = options->arg;
	if (rc == 0) {
		rd_kafka_conf_set_rebalance_cb(conf, bus_on_rebalance);
		rd_kafka_conf_set_offset_commit_cb(conf, on_commit);
		rc = bus_handle(RD_KAFKA_CONSUMER, conf, &c->rk, err);
	}
	if (rc == 0)
		rc = subscribe(c, options, err);
	if (rc < 0) {
		bus_consumer_free(c);
		return rc;
	}
	*ret = c;
	return 0;
}

/* What is processed and not yet acknowledged, at the latest now; bounded, since the broker may be away. */
static void commit_last(struct bus_consumer *c)
{
	rd_kafka_topic_partition_list_t *list = list_to_commit(c);

	if (list->cnt > 0 && !atomic_load(&c->link.down)) {
		rd_kafka_queue_t *queue = rd_kafka_queue_new(c->rk);
		rd_kafka_event_t *answer = NULL;

		if (rd_kafka_commit_queue(c->rk, list, queue, NULL, NULL) == RD_KAFKA_RESP_ERR_NO_ERROR)
			answer = rd_kafka_queue_poll(queue, CLOSE_TIMEOUT_MS);
		if (answer == NULL || rd_kafka_event_error(answer) != RD_KAFKA_RESP_ERR_NO_ERROR)
			log_debug("%s: the last offsets could not be committed", c->group);
		if (answer != NULL)
			rd_kafka_event_destroy(answer);
		rd_kafka_queue_destroy(queue);
	}
	rd_kafka_topic_partition_list_destroy(list);
}

/* Closing asks for the partitions back as any rebalance does; unanswered, it never ends. */
static void serve_closing(struct bus_consumer *c, rd_kafka_event_t *event)
{
	if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE)
		bus_on_rebalance(c->rk, rd_kafka_event_error(event),
				 rd_kafka_event_topic_partition_list(event), c);
	rd_kafka_event_destroy(event);
}

/* rd_kafka_consumer_close with a bound on its time; false when it was not done by then. */
static bool close_bounded(struct bus_consumer *c)
{
	struct mono deadline = mono_add_ms(mono_now(), CLOSE_TIMEOUT_MS);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(c->rk);
	rd_kafka_error_t *e = rd_kafka_consumer_close_queue(c->rk, queue);

	if (e != NULL)
		rd_kafka_error_destroy(e);
	while (e == NULL && !rd_kafka_consumer_closed(c->rk) && mono_left_ms(deadline) > 0) {
		rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 20);

		if (event != NULL)
			serve_closing(c, event);
	}
	rd_kafka_queue_destroy(queue);
	return e == NULL && rd_kafka_consumer_closed(c->rk);
}

/*
 * librdkafka 2.0.2 fails an assertion when a consumer is closed while it joins its group, and spins for ever
 * when one is destroyed that was fenced or could not be closed.  Such a one is left alone: it no longer takes
 * part in anything, and its membership is static and needs no leaving.
 */
static bool can_be_closed(struct bus_consumer *c)
{
	return c->part_count > 0 && rd_kafka_fatal_error(c->rk, NULL, 0) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

void bus_consumer_free(struct bus_consumer *c)
{
	if (c == NULL)
		return;
	if (c->rk != NULL) {
		c->closing = true;
		commit_last(c);
		if (!can_be_closed(c) || !close_bounded(c)) {
			log_debug("%s: a consumer was left unclosed", c->group);
			return; /* its callbacks still know c */
		}
		rd_kafka_destroy_flags(c->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	}
	bus_parts_done(c);
	free(c->group);
	free(c);
}
