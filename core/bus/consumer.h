/*
 * Inside the consumer: its state, shared by consumer.c (polling, committing) and assignment.c (which
 * partitions it has). One thread: librdkafka calls back from polling only.
 */
#ifndef PIZZA_BUS_CONSUMER_H
#define PIZZA_BUS_CONSUMER_H

#include "core/bus/internal.h"

/* One assigned partition. Offsets are "next": one more than the last; -1 as long as unknown. */
struct bus_part {
	char *topic;
	int32_t partition;
	int64_t next;	   /* to be handed out next */
	int64_t processed; /* marked by bus_consumer_commit */
	int64_t sent;	   /* of the last commit request */
	int64_t committed; /* acknowledged by the broker */
	int64_t stood;	   /* where it stood at the last look, when there was more to read; -1: it did not */
	bool seek;	   /* has to be positioned at `next` again */
};

struct bus_consumer {
	struct bus_link link; /* first: see bus_conf */
	rd_kafka_t *rk;
	char *group;
	struct bus_part *parts;
	int part_count, part_cap;
	int last_found; /* messages come in runs of one partition */
	bool paused;
	bool closing;
	bool moved;		      /* partitions came or went since `rebalanced` was called last */
	struct bus_batch *collecting; /* the batch of the poll under way, or NULL */
	struct mono commit_sent;
	void (*rebalanced)(void *arg, int assigned);
	void *arg;
};

/* --- assignment.c --- */

void bus_on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t e, rd_kafka_topic_partition_list_t *list,
		      void *opaque);
struct bus_part *bus_part_find(struct bus_consumer *c, const char *topic, int32_t partition);
void bus_parts_done(struct bus_consumer *c);
/* All assigned partitions; owned by the caller. */
rd_kafka_topic_partition_list_t *bus_part_list(const struct bus_consumer *c);
/* Positions every partition that is due (part.seek) at part.next; what fails stays due. */
void bus_parts_seek(struct bus_consumer *c);

/* --- consumer.c --- */

/* Sends what is processed and not committed, asynchronously. */
void bus_commit_send(struct bus_consumer *c);

#endif
