/*
 * Apache Kafka over librdkafka 2.0.2 and later: a producer whose delivery reports are callbacks, and a
 * consumer that batches in our own code (rd_kafka_consumer_poll one by one: the library's batch call loses
 * messages around rebalances before 2.1).  Administration and lag: bus/admin.h.
 *
 * Settings that must not stay at librdkafka's defaults are set here once (architecture.md).
 */
#ifndef PIZZA_BUS_BUS_H
#define PIZZA_BUS_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

struct bus_header {
	const char *name;
	const void *value; /* NULL for a header without value */
	size_t len;
};

struct bus_options {
	const char *bootstrap; /* "127.0.0.1:5092" */
	const char *client_id; /* "orderd.1" */
};

/* --- producer: thread safe --- */

struct bus_producer;

/*
 * Called for every message handed to bus_produce, from the thread that polls or flushes.  code is 0 once all
 * in-sync replicas have it, ERR_LEASE_LOST when it was purged, otherwise what prevented it (it may still have
 * been stored).
 */
typedef void bus_delivered(void *arg, void *message_arg, int code, const char *why, int32_t partition,
			   int64_t offset);

/*
 * Idempotent, acks=all, murmur2_random partitioner, no compression, messages leave with a flush (at the
 * latest after 100 ms, or when a batch is full), message.timeout.ms bounded, enable.gapless.guarantee: a
 * message that cannot be delivered makes the producer fail as a whole (bus_producer_failed) instead of
 * letting a later one overtake it.
 */
int bus_producer_new(const struct bus_options *options, int message_timeout_ms, bus_delivered *delivered,
		     void *arg, struct bus_producer **ret, struct error *err) MUST_USE;
/*
 * Queues a message; key and value are copied.  Does not block; ERR_TRANSIENT when the local queue is full
 * (poll, then try again), ERR_UNAVAILABLE when the producer has failed, ERR_TOO_LARGE.  value NULL is a
 * tombstone.
 */
int bus_produce(struct bus_producer *p, const char *topic, const void *key, size_t key_len, const void *value,
		size_t value_len, const struct bus_header *headers, int header_count, void *message_arg,
		struct error *err) MUST_USE;
/* Serves delivery reports for up to timeout_ms; the number served. */
int bus_producer_poll(struct bus_producer *p, int timeout_ms);
/* Waits until everything queued is delivered or failed; ERR_TIMEOUT. */
int bus_producer_flush(struct bus_producer *p, int timeout_ms, struct error *err) MUST_USE;
/* Gives up everything queued or in flight; each gets its report with ERR_LEASE_LOST. */
void bus_producer_purge(struct bus_producer *p);
/* True after a fatal error: free it and make a new one.  why may be NULL. */
bool bus_producer_failed(struct bus_producer *p, struct error *why);
/* Messages not yet reported. */
int bus_producer_queued(struct bus_producer *p);
/* Time since the last acknowledgement or successful contact is not kept here: false when all brokers are down
 * now. */
bool bus_producer_connected(struct bus_producer *p);
void bus_producer_free(struct bus_producer *p);

/* --- consumer: one thread --- */

struct bus_consumer;

struct bus_message {
	const char *topic;
	int32_t partition;
	int64_t offset;
	int64_t timestamp_ms; /* -1 when the broker gave none */
	const void *key;      /* NULL when there is none */
	size_t key_len;
	const void *value; /* NULL for a tombstone */
	size_t value_len;
	void *handle; /* rd_kafka_message_t, owned by the batch */
};

/* A header's value of a message, or NULL; *ret_len in bytes. */
const void *bus_message_header(const struct bus_message *m, const char *name, size_t *ret_len);
/* All headers into headers[]; the number there are (may be more than max). */
int bus_message_headers(const struct bus_message *m, struct bus_header *headers, int max);

/* What one poll collected, ascending by offset within each partition.  `struct bus_batch b = {0};` */
struct bus_batch {
	struct bus_message *messages;
	int count;
	int cap;
};
void bus_batch_reset(struct bus_batch *b); /* frees the messages, keeps the array */
void bus_batch_done(struct bus_batch *b);

struct bus_consumer_options {
	struct bus_options bus;
	const char *group;
	const char *instance; /* group.instance.id: "orderd-1" */
	const char *const *topics;
	int topic_count;
	/* Optional; called from the polling thread after partitions came or went. */
	void (*rebalanced)(void *arg, int assigned_partitions);
	void *arg;
};

/* Joins the group when polled.  A fenced instance or other fatal error: poll gives ERR_CONFLICT; make it
 * anew. */
int bus_consumer_new(const struct bus_consumer_options *options, struct bus_consumer **ret,
		     struct error *err) MUST_USE;
/*
 * Waits up to timeout_ms for a first message, then goes on collecting until `max` messages or linger_ms
 * passed or, when nothing more is at hand locally, linger_ms / 4 passed without one.  Messages of partitions
 * lost meanwhile are dropped. 0 with an empty batch on time-out.  ERR_UNAVAILABLE while all brokers are down
 * (keep calling), ERR_CONFLICT when fatal.
 */
int bus_consumer_poll(struct bus_consumer *c, int max, int linger_ms, int timeout_ms, struct bus_batch *batch,
		      struct error *err) MUST_USE;
/*
 * Marks the batch as processed.  The next offsets are committed asynchronously, at most every 100 ms and as
 * polling goes on, and again until the broker has acknowledged them; of partitions lost meanwhile nothing is
 * committed.
 */
void bus_consumer_commit(struct bus_consumer *c, const struct bus_batch *batch);
/* Makes the batch come again at the next poll: seeks each of its partitions back to its first message. */
int bus_consumer_rewind(struct bus_consumer *c, const struct bus_batch *batch, struct error *err) MUST_USE;
/* Pauses or resumes fetching of all assigned partitions; polling must go on (it serves the group membership).
 */
void bus_consumer_pause(struct bus_consumer *c);
void bus_consumer_resume(struct bus_consumer *c);
int bus_consumer_assigned(struct bus_consumer *c);
/*
 * Messages of a topic that the assigned partitions have and that were not handed out yet, as far as is known
 * here from the last fetches: asks no broker.
 */
int64_t bus_consumer_behind(struct bus_consumer *c, const char *topic);
/*
 * True when a partition has messages to read and stands where it stood at the call before: for a consumer
 * that has emptied its queue each time, some seconds apart.  librdkafka 2.0.2 may stop reading after Kafka
 * was away while partitions were taken up; a consumer made anew reads on.  Asks the broker: blocks for some
 * seconds at most.
 */
bool bus_consumer_stalled(struct bus_consumer *c);
/* Commits synchronously what was marked, leaves without giving up the static membership, frees. */
void bus_consumer_free(struct bus_consumer *c);

/* --- reader: no group, all partitions of one topic from the beginning; one thread --- */

struct bus_reader;
int bus_reader_new(const struct bus_options *options, const char *topic, struct bus_reader **ret,
		   struct error *err) MUST_USE;
/* As bus_consumer_poll.  *ret_at_end tells whether everything that was in the topic when it was asked has
 * been read. */
int bus_reader_poll(struct bus_reader *r, int max, int timeout_ms, struct bus_batch *batch, bool *ret_at_end,
		    struct error *err) MUST_USE;
void bus_reader_free(struct bus_reader *r);

#endif
