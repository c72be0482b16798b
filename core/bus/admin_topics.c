/*
 * The administration handle, topics and their partitions.  Every request goes to a queue of the handle's own
 * and is awaited there; several may be under way at once.
 */
#include "core/bus/admin_internal.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

#define OFFSETS_CHUNK 500

/* fetch: how many bytes of a partition are asked for at once. */
static int make(const struct bus_options *options, const char *group, const char *fetch, int timeout_ms,
		struct bus_admin **ret, struct error *err)
{
	const struct bus_setting settings[] = {
	    {"group.id", group},
	    {"enable.auto.commit", "false"},
	    {"enable.auto.offset.store", "false"},
	    {"enable.partition.eof", "true"},
	    {"auto.offset.reset", "earliest"},
	    {"fetch.wait.max.ms", "100"},
	    {"fetch.max.bytes", "8388608"},
	    {"fetch.message.max.bytes", fetch},
	    {"fetch.error.backoff.ms", "50"},
	    {"queued.max.messages.kbytes", "16384"},
	    {"allow.auto.create.topics", "false"},
	};
	struct bus_admin *a = xcalloc(1, sizeof(*a));
	rd_kafka_conf_t *conf;
	int rc = bus_conf(options, settings, ARRAY_LEN(settings), a, &conf, err);

	a->timeout_ms = timeout_ms;
	a->bootstrap = xstrdup(options->bootstrap);
	a->group = xstrdup(group);
	if (rc == 0)
		rc = bus_handle(RD_KAFKA_CONSUMER, conf, &a->rk, err);
	if (rc < 0) {
		bus_admin_free(a);
		return rc;
	}
	a->queue = rd_kafka_queue_new(a->rk);
	*ret = a;
	return 0;
}

int bus_admin_new(const struct bus_options *options, int timeout_ms, struct bus_admin **ret,
		  struct error *err)
{
	return bus_admin_new_beside(options, "pizza-admin", timeout_ms, ret, err);
}

int bus_admin_new_beside(const struct bus_options *options, const char *group, int timeout_ms,
			 struct bus_admin **ret, struct error *err)
{
	return make(options, group, "65536", timeout_ms, ret, err);
}

int bus_admin_new_reading(const struct bus_options *options, int timeout_ms, struct bus_admin **ret,
			  struct error *err)
{
	return make(options, "pizza-admin", "1048576", timeout_ms, ret, err);
}

void bus_admin_free(struct bus_admin *a)
{
	if (a == NULL)
		return;
	if (a->queue != NULL)
		rd_kafka_queue_destroy(a->queue);
	if (a->rk != NULL)
		rd_kafka_destroy(a->rk);
	free(a->bootstrap);
	free(a->group);
	free(a);
}

#define PING_SLICE_MS 150
#define PING_SURE_MS  700 /* several tries of every address */

/* Where nobody listens at all it does not wait for the whole time-out. */
int bus_admin_ping(struct bus_admin *a, struct error *err)
{
	struct mono began = mono_now(), deadline = mono_add_ms(began, a->timeout_ms);
	const struct rd_kafka_metadata *metadata;
	rd_kafka_resp_err_t e;

	do {
		int64_t left = mono_left_ms(deadline);

		e = rd_kafka_metadata(a->rk, 0, NULL, &metadata,
				      left < PING_SLICE_MS ? (int)left : PING_SLICE_MS);
		rd_kafka_poll(a->rk, 0); /* runs the callback that tells of brokers that are down */
		if (mono_since_ms(began) >= PING_SURE_MS && atomic_load(&a->link.down))
			break;
	} while (e != RD_KAFKA_RESP_ERR_NO_ERROR && mono_left_ms(deadline) > 0);
	if (e != RD_KAFKA_RESP_ERR_NO_ERROR)
		return bus_fail(err, e, a->bootstrap, NULL);
	rd_kafka_metadata_destroy(metadata);
	return 0;
}

rd_kafka_AdminOptions_t *bus_admin_options(struct bus_admin *a, rd_kafka_admin_op_t op)
{
	rd_kafka_AdminOptions_t *o = rd_kafka_AdminOptions_new(a->rk, op);
	char why[128];

	rd_kafka_AdminOptions_set_request_timeout(o, a->timeout_ms, why, sizeof(why));
	return o;
}

int bus_admin_await(struct bus_admin *a, const char *what, rd_kafka_event_t **ret, struct error *err)
{
	rd_kafka_event_t *event = rd_kafka_queue_poll(a->queue, a->timeout_ms + 1000);
	int rc;

	if (event == NULL)
		return error_set(err, ERR_UNAVAILABLE, what, "no answer from Kafka within %d ms",
				 a->timeout_ms);
	if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
		rc = bus_fail(err, rd_kafka_event_error(event), what, rd_kafka_event_error_string(event));
		rd_kafka_event_destroy(event);
		return rc;
	}
	*ret = event;
	return 0;
}

/* Judges the answer and consumes it; a topic that exists is fine. */
static int created(rd_kafka_event_t *event, const char *topic, struct error *err)
{
	const rd_kafka_topic_result_t **results;
	rd_kafka_resp_err_t e;
	size_t n = 0;
	int rc = 0;

	results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n);
	e = n == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR_UNKNOWN;
	if (e != RD_KAFKA_RESP_ERR_NO_ERROR && e != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
		rc = bus_fail(err, e, topic, n == 1 ? rd_kafka_topic_result_error_string(results[0]) : NULL);
	rd_kafka_event_destroy(event);
	return rc;
}

int bus_admin_create_topic(struct bus_admin *a, const char *topic, int partitions, int replication,
			   const struct bus_topic_config *config, int config_count, struct error *err)
{
	char why[256] = "";
	rd_kafka_NewTopic_t *t = rd_kafka_NewTopic_new(topic, partitions, replication, why, sizeof(why));
	rd_kafka_AdminOptions_t *o;
	rd_kafka_event_t *event = NULL;
	int rc;

	if (t == NULL)
		return error_set(err, ERR_INVALID, topic, "%s", why);
	for (int i = 0; i < config_count; i++)
		rd_kafka_NewTopic_set_config(t, config[i].name, config[i].value);
	o = bus_admin_options(a, RD_KAFKA_ADMIN_OP_CREATETOPICS);
	/* Waits until the topic can be used. */
	rd_kafka_AdminOptions_set_operation_timeout(o, a->timeout_ms, why, sizeof(why));
	rd_kafka_CreateTopics(a->rk, &t, 1, o, a->queue);
	rd_kafka_AdminOptions_destroy(o);
	rd_kafka_NewTopic_destroy(t);
	rc = bus_admin_await(a, topic, &event, err);
	return rc < 0 ? rc : created(event, topic, err);
}

/* --- partitions and their offsets --- */

static int metadata_of_all(struct bus_admin *a, const struct rd_kafka_metadata **ret, struct error *err)
{
	rd_kafka_resp_err_t e = rd_kafka_metadata(a->rk, 1, NULL, ret, a->timeout_ms);

	return e == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : bus_fail(err, e, "list topics", NULL);
}

static bool has_leader(const struct rd_kafka_metadata *m, const char *topic, int32_t partition)
{
	for (int i = 0; i < m->topic_cnt; i++) {
		const struct rd_kafka_metadata_topic *t = &m->topics[i];

		if (strcmp(t->topic, topic) != 0)
			continue;
		for (int p = 0; p < t->partition_cnt; p++)
			if (t->partitions[p].id == partition)
				return t->partitions[p].leader >= 0;
	}
	return false;
}

/* Asks again for those that have a leader: one without makes the whole request fail. */
static void offsets_with_leader(struct bus_admin *a, rd_kafka_topic_partition_list_t *list,
				const rd_kafka_topic_partition_list_t *asked)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_topic_partition_list_t *rest;

	if (metadata_of_all(a, &metadata, NULL) < 0)
		return;
	rest = rd_kafka_topic_partition_list_new(asked->cnt);
	for (int i = 0; i < asked->cnt; i++)
		if (has_leader(metadata, asked->elems[i].topic, asked->elems[i].partition))
			rd_kafka_topic_partition_list_add(rest, asked->elems[i].topic,
							  asked->elems[i].partition)
			    ->offset = asked->elems[i].offset;
	rd_kafka_metadata_destroy(metadata);
	if (rest->cnt > 0 && rest->cnt < asked->cnt &&
	    rd_kafka_offsets_for_times(a->rk, rest, a->timeout_ms) == RD_KAFKA_RESP_ERR_NO_ERROR)
		for (int i = 0, r = 0; i < list->cnt && r < rest->cnt; i++)
			if (list->elems[i].partition == rest->elems[r].partition &&
			    strcmp(list->elems[i].topic, rest->elems[r].topic) == 0) {
				list->elems[i].offset = rest->elems[r].offset;
				list->elems[i].err = rest->elems[r++].err;
			}
	rd_kafka_topic_partition_list_destroy(rest);
}

static void offsets_of_chunk(struct bus_admin *a, rd_kafka_topic_partition_list_t *list)
{
	rd_kafka_topic_partition_list_t *asked = rd_kafka_topic_partition_list_copy(list);
	rd_kafka_resp_err_t e = rd_kafka_offsets_for_times(a->rk, list, a->timeout_ms);

	if (e != RD_KAFKA_RESP_ERR_NO_ERROR) {
		for (int i = 0; i < list->cnt; i++) {
			list->elems[i].offset = -1;
			list->elems[i].err = e;
		}
		if (bus_error_code(e) != ERR_UNAVAILABLE || e == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
			offsets_with_leader(a, list, asked);
	}
	for (int i = 0; i < list->cnt; i++)
		if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR || list->elems[i].offset < 0)
			list->elems[i].offset = -1;
	rd_kafka_topic_partition_list_destroy(asked);
}

/* In chunks, since librdkafka's time grows with the square of the list: 18 ms for 2,000 at once, 6 ms in
 * chunks. */
void bus_admin_offsets(struct bus_admin *a, rd_kafka_topic_partition_list_t *list)
{
	for (int from = 0; from < list->cnt; from += OFFSETS_CHUNK) {
		int n = list->cnt - from < OFFSETS_CHUNK ? list->cnt - from : OFFSETS_CHUNK;
		rd_kafka_topic_partition_list_t *chunk = rd_kafka_topic_partition_list_new(n);

		for (int i = from; i < from + n; i++)
			rd_kafka_topic_partition_list_add(chunk, list->elems[i].topic,
							  list->elems[i].partition)
			    ->offset = list->elems[i].offset;
		offsets_of_chunk(a, chunk);
		for (int i = 0; i < n; i++) {
			list->elems[from + i].offset = chunk->elems[i].offset;
			list->elems[from + i].err = chunk->elems[i].err;
		}
		rd_kafka_topic_partition_list_destroy(chunk);
	}
}

static bool wanted(const char *topic, const char *const *topics, int count)
{
	if (topics == NULL)
		return strncmp(topic, "__", 2) != 0;
	for (int i = 0; i < count; i++)
		if (strcmp(topics[i], topic) == 0)
			return true;
	return false;
}

static int by_topic(const void *a, const void *b)
{
	const struct bus_partition_info *x = a, *y = b;
	int order = strcmp(x->topic, y->topic);

	return order != 0 ? order : (x->partition > y->partition) - (x->partition < y->partition);
}

static void add_partitions(const struct rd_kafka_metadata_topic *t, struct bus_partition_info **all, int *n)
{
	if (t->err != RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	*all = xreallocarray(*all, (size_t)*n + (size_t)t->partition_cnt + 1, sizeof(**all));
	for (int p = 0; p < t->partition_cnt; p++)
		(*all)[(*n)++] = (struct bus_partition_info){.topic = xstrdup(t->topic),
							     .partition = t->partitions[p].id,
							     .leader = t->partitions[p].leader,
							     .begin = -1,
							     .end = -1};
}

static void fill_in_offsets(struct bus_admin *a, struct bus_partition_info *all, int n)
{
	rd_kafka_topic_partition_list_t *begin = rd_kafka_topic_partition_list_new(n);
	rd_kafka_topic_partition_list_t *end;

	for (int i = 0; i < n; i++)
		rd_kafka_topic_partition_list_add(begin, all[i].topic, all[i].partition)->offset =
		    RD_KAFKA_OFFSET_BEGINNING;
	end = rd_kafka_topic_partition_list_copy(begin);
	for (int i = 0; i < n; i++)
		end->elems[i].offset = RD_KAFKA_OFFSET_END;
	bus_admin_offsets(a, begin);
	bus_admin_offsets(a, end);
	for (int i = 0; i < n; i++) {
		all[i].begin = begin->elems[i].offset;
		all[i].end = end->elems[i].offset;
	}
	rd_kafka_topic_partition_list_destroy(begin);
	rd_kafka_topic_partition_list_destroy(end);
}

int bus_admin_partitions(struct bus_admin *a, const char *const *topics, int topic_count, bool offsets,
			 struct bus_partition_info **ret, int *ret_count, struct error *err)
{
	const struct rd_kafka_metadata *metadata;
	struct bus_partition_info *all = xcalloc(1, sizeof(*all));
	int n = 0;
	int rc = metadata_of_all(a, &metadata, err);

	if (rc < 0) {
		free(all);
		return rc;
	}
	for (int i = 0; i < metadata->topic_cnt; i++)
		if (wanted(metadata->topics[i].topic, topics, topic_count))
			add_partitions(&metadata->topics[i], &all, &n);
	rd_kafka_metadata_destroy(metadata);
	qsort(all, (size_t)n, sizeof(*all), by_topic);
	if (offsets)
		fill_in_offsets(a, all, n);
	*ret = all;
	*ret_count = n;
	return 0;
}

void bus_partitions_free(struct bus_partition_info *p, int count)
{
	for (int i = 0; i < count; i++)
		free(p[i].topic);
	free(p);
}
