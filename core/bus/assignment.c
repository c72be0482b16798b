/*
 * Which partitions a consumer has, and where it stands in each.  Incremental (cooperative) rebalancing: only
 * what moves is taken away.  Before partitions are taken up, their committed offsets are compared with what
 * the topic still holds, because librdkafka moves an offset that is gone to the beginning without a word.
 */
#include "core/bus/consumer.h"

#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"

#define CHECK_TIMEOUT_MS 2000
#define SEEK_TIMEOUT_MS	 500

struct bus_part *bus_part_find(struct bus_consumer *c, const char *topic, int32_t partition)
{
	for (int i = 0; i < c->part_count; i++) {
		int at = (c->last_found + i) % c->part_count;

		if (c->parts[at].partition == partition && strcmp(c->parts[at].topic, topic) == 0) {
			c->last_found = at;
			return &c->parts[at];
		}
	}
	return NULL;
}

static void part_add(struct bus_consumer *c, const char *topic, int32_t partition)
{
	if (bus_part_find(c, topic, partition) != NULL)
		return;
	if (c->part_count == c->part_cap) {
		c->part_cap = c->part_cap > 0 ? c->part_cap * 2 : 16;
		c->parts = xreallocarray(c->parts, (size_t)c->part_cap, sizeof(*c->parts));
	}
	c->parts[c->part_count++] = (struct bus_part){.topic = xstrdup(topic),
						      .partition = partition,
						      .next = -1,
						      .processed = -1,
						      .sent = -1,
						      .committed = -1,
						      .stood = -1};
}

static void part_remove(struct bus_consumer *c, const char *topic, int32_t partition)
{
	struct bus_part *p = bus_part_find(c, topic, partition);

	if (p == NULL)
		return;
	if (c->collecting != NULL)
		bus_batch_drop(c->collecting, topic, partition);
	free(p->topic);
	*p = c->parts[--c->part_count];
	c->last_found = 0;
}

void bus_parts_done(struct bus_consumer *c)
{
	for (int i = 0; i < c->part_count; i++)
		free(c->parts[i].topic);
	free(c->parts);
	c->parts = NULL;
	c->part_count = c->part_cap = 0;
}

rd_kafka_topic_partition_list_t *bus_part_list(const struct bus_consumer *c)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(c->part_count);

	for (int i = 0; i < c->part_count; i++)
		rd_kafka_topic_partition_list_add(list, c->parts[i].topic, c->parts[i].partition);
	return list;
}

/* First or end offsets (`when` -2 or -1) of the same partitions with one request per broker; NULL when not
 * known. */
static rd_kafka_topic_partition_list_t *offsets_of(rd_kafka_t *rk,
						   const rd_kafka_topic_partition_list_t *list, int64_t when)
{
	rd_kafka_topic_partition_list_t *copy = rd_kafka_topic_partition_list_copy(list);

	for (int i = 0; i < copy->cnt; i++)
		copy->elems[i].offset = when;
	if (rd_kafka_offsets_for_times(rk, copy, CHECK_TIMEOUT_MS) == RD_KAFKA_RESP_ERR_NO_ERROR)
		return copy;
	rd_kafka_topic_partition_list_destroy(copy);
	return NULL;
}

/* A committed offset that still exists is where the partition stands. */
static void check_position(struct bus_consumer *c, const rd_kafka_topic_partition_t *committed, int64_t begin,
			   int64_t end)
{
	struct bus_part *p = bus_part_find(c, committed->topic, committed->partition);
	int64_t offset = committed->offset;

	if (offset >= 0 && offset < begin)
		log_warn("%s: %s/%d: offsets %lld to %lld are gone from the topic before they were read",
			 c->group, committed->topic, (int)committed->partition, (long long)offset,
			 (long long)(begin - 1));
	else if (offset > end)
		log_warn("%s: %s/%d: committed offset %lld lies beyond the end %lld: the topic was truncated "
			 "or made anew, "
			 "reading starts over at %lld",
			 c->group, committed->topic, (int)committed->partition, (long long)offset,
			 (long long)end, (long long)begin);
	else if (offset < 0 && begin > 0)
		log_warn("%s: %s/%d: no committed offset, and messages before %lld are gone", c->group,
			 committed->topic, (int)committed->partition, (long long)begin);
	else if (offset >= 0 && p != NULL)
		p->next = p->processed = p->sent = p->committed = offset;
}

/* What the broker says of partitions: where the group stands in each, and what the topic holds. */
struct positions {
	rd_kafka_topic_partition_list_t *committed, *begin, *end; /* of the same partitions */
};

/* False when the broker did not say.  Takes committed; positions_done in every case. */
static bool positions_ask(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *committed, struct positions *ret)
{
	*ret = (struct positions){.committed = committed};
	if (committed->cnt == 0 ||
	    rd_kafka_committed(rk, committed, CHECK_TIMEOUT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return false;
	ret->begin = offsets_of(rk, committed, RD_KAFKA_OFFSET_BEGINNING);
	ret->end = ret->begin != NULL ? offsets_of(rk, committed, RD_KAFKA_OFFSET_END) : NULL;
	return ret->end != NULL;
}

static bool position_known(const struct positions *p, int i)
{
	return p->begin->elems[i].err == RD_KAFKA_RESP_ERR_NO_ERROR &&
	       p->end->elems[i].err == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void positions_done(struct positions *p)
{
	rd_kafka_topic_partition_list_destroy(p->committed);
	if (p->begin != NULL)
		rd_kafka_topic_partition_list_destroy(p->begin);
	if (p->end != NULL)
		rd_kafka_topic_partition_list_destroy(p->end);
}

static void check_positions(struct bus_consumer *c, const rd_kafka_topic_partition_list_t *list)
{
	struct positions p;

	if (positions_ask(c->rk, rd_kafka_topic_partition_list_copy(list), &p)) {
		for (int i = 0; i < p.committed->cnt; i++)
			if (position_known(&p, i))
				check_position(c, &p.committed->elems[i], p.begin->elems[i].offset,
					       p.end->elems[i].offset);
	} else {
		log_warn("%s: could not check whether the committed offsets still exist", c->group);
	}
	positions_done(&p);
}

/* True when the partition has more to read and stands where it stood at the last look. */
static bool stands_still(struct bus_part *p, int64_t committed, int64_t begin, int64_t end)
{
	int64_t at = p->next >= 0 ? p->next : committed, stood = p->stood;

	if (at < begin)
		at = begin;
	p->stood = end > at && !p->seek ? at : -1;
	return p->stood >= 0 && p->stood == stood;
}

bool bus_consumer_stalled(struct bus_consumer *c)
{
	int stalled = 0;
	struct positions p;

	if (positions_ask(c->rk, bus_part_list(c), &p))
		for (int i = 0; i < p.committed->cnt; i++)
			if (position_known(&p, i))
				stalled += stands_still(bus_part_find(c, p.committed->elems[i].topic,
								      p.committed->elems[i].partition),
							p.committed->elems[i].offset,
							p.begin->elems[i].offset, p.end->elems[i].offset);
	positions_done(&p);
	return stalled > 0;
}

static void say_failure(const struct bus_consumer *c, rd_kafka_error_t *e, const char *what)
{
	if (e == NULL)
		return;
	log_warn("%s: %s: %s", c->group, what, rd_kafka_error_string(e));
	rd_kafka_error_destroy(e);
}

static void take_up(struct bus_consumer *c, const rd_kafka_topic_partition_list_t *list)
{
	for (int i = 0; i < list->cnt; i++)
		part_add(c, list->elems[i].topic, list->elems[i].partition);
	if (list->cnt > 0)
		check_positions(c, list);
	say_failure(c, rd_kafka_incremental_assign(c->rk, list), "take partitions up");
	if (c->paused) {
		rd_kafka_topic_partition_list_t *copy = rd_kafka_topic_partition_list_copy(list);

		rd_kafka_pause_partitions(c->rk, copy);
		rd_kafka_topic_partition_list_destroy(copy);
	}
}

static void give_up(struct bus_consumer *c, const rd_kafka_topic_partition_list_t *list)
{
	/* On its way before the request that lets the group go on. */
	if (!rd_kafka_assignment_lost(c->rk) && !c->closing)
		bus_commit_send(c);
	for (int i = 0; i < list->cnt; i++)
		part_remove(c, list->elems[i].topic, list->elems[i].partition);
	say_failure(c, rd_kafka_incremental_unassign(c->rk, list), "give partitions up");
}

void bus_on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t e, rd_kafka_topic_partition_list_t *list,
		      void *opaque)
{
	struct bus_consumer *c = opaque;

	c->moved = true;
	if (e == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
		bus_link_up(&c->link);
		take_up(c, list);
	} else if (e == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) {
		give_up(c, list);
	} else {
		log_warn("%s: rebalance: %s", c->group, rd_kafka_err2str(e));
		rd_kafka_assign(rk, NULL);
	}
}

static rd_kafka_topic_partition_list_t *list_to_seek(const struct bus_consumer *c)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(c->part_count);

	for (int i = 0; i < c->part_count; i++)
		if (c->parts[i].seek)
			rd_kafka_topic_partition_list_add(list, c->parts[i].topic, c->parts[i].partition)
			    ->offset = c->parts[i].next;
	return list;
}

/*
 * What cannot be positioned yet (librdkafka is about to start it, or its answer stays away) stays due and is
 * tried again at the next poll; its messages are dropped until then.
 */
void bus_parts_seek(struct bus_consumer *c)
{
	rd_kafka_topic_partition_list_t *list = list_to_seek(c);
	rd_kafka_error_t *e = list->cnt > 0 ? rd_kafka_seek_partitions(c->rk, list, SEEK_TIMEOUT_MS) : NULL;

	for (int i = 0; e == NULL && i < list->cnt; i++) {
		const rd_kafka_topic_partition_t *t = &list->elems[i];

		if (t->err == RD_KAFKA_RESP_ERR_NO_ERROR)
			bus_part_find(c, t->topic, t->partition)->seek = false;
		else
			log_debug("%s: position %s/%d: %s", c->group, t->topic, (int)t->partition,
				  rd_kafka_err2str(t->err));
	}
	say_failure(c, e, "position the consumer");
	rd_kafka_topic_partition_list_destroy(list);
}
