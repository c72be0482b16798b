/*
 * The reader: all partitions of one topic from the beginning, in no group.  At the end once every partition
 * has reported its end once: all that was there when the reader was made has been handed out by then.
 */
#include "core/bus/internal.h"

#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"

#define METADATA_TIMEOUT_MS 5000

struct bus_reader {
	struct bus_link link; /* first: see bus_conf */
	rd_kafka_t *rk;
	int partitions;
	bool *at_end; /* by partition */
	int left;     /* partitions that have not reported their end */
};

static int count_partitions(struct bus_reader *r, const char *topic, struct error *err)
{
	rd_kafka_topic_t *t = rd_kafka_topic_new(r->rk, topic, NULL);
	const struct rd_kafka_metadata *metadata = NULL;
	rd_kafka_resp_err_t e = rd_kafka_metadata(r->rk, 0, t, &metadata, METADATA_TIMEOUT_MS);

	if (e == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->topic_cnt == 1)
		e = metadata->topics[0].err;
	if (e == RD_KAFKA_RESP_ERR_NO_ERROR)
		r->partitions = metadata->topics[0].partition_cnt;
	if (metadata != NULL)
		rd_kafka_metadata_destroy(metadata);
	rd_kafka_topic_destroy(t);
	return e == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : bus_fail(err, e, topic, NULL);
}

static int start(struct bus_reader *r, const char *topic, struct error *err)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(r->partitions);
	rd_kafka_resp_err_t e;

	for (int i = 0; i < r->partitions; i++)
		rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
	rd_kafka_poll_set_consumer(r->rk);
	e = rd_kafka_assign(r->rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	r->at_end = xcalloc((size_t)r->partitions + 1, sizeof(*r->at_end));
	r->left = r->partitions;
	return e == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : bus_fail(err, e, topic, NULL);
}

int bus_reader_new(const struct bus_options *options, const char *topic, struct bus_reader **ret,
		   struct error *err)
{
	/* The group's name is a formality: nothing joins or commits. */
	static const struct bus_setting settings[] = {
	    {"group.id", "pizza-reader"},
	    {"enable.auto.commit", "false"},
	    {"enable.auto.offset.store", "false"},
	    {"enable.partition.eof", "true"},
	    {"auto.offset.reset", "earliest"},
	    {"fetch.wait.max.ms", "250"},
	    {"fetch.max.bytes", "8388608"},
	    {"fetch.error.backoff.ms", "100"},
	    {"queued.max.messages.kbytes", "16384"},
	};
	struct bus_reader *r = xcalloc(1, sizeof(*r));
	rd_kafka_conf_t *conf;
	int rc = bus_conf(options, settings, ARRAY_LEN(settings), r, &conf, err);

	if (rc == 0)
		rc = bus_handle(RD_KAFKA_CONSUMER, conf, &r->rk, err);
	if (rc == 0)
		rc = count_partitions(r, topic, err);
	if (rc == 0)
		rc = start(r, topic, err);
	if (rc < 0) {
		bus_reader_free(r);
		return rc;
	}
	*ret = r;
	return 0;
}

static void note_end(struct bus_reader *r, int32_t partition)
{
	if (partition < 0 || partition >= r->partitions || r->at_end[partition])
		return;
	r->at_end[partition] = true;
	r->left--;
}

/* Takes one answer; false when none came within timeout_ms. */
static bool take(struct bus_reader *r, struct bus_batch *batch, int timeout_ms)
{
	rd_kafka_message_t *m = rd_kafka_consumer_poll(r->rk, timeout_ms);

	if (m == NULL)
		return false;
	if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
		bus_batch_add(batch, m);
		return true;
	}
	if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
		note_end(r, m->partition);
	else
		log_debug("kafka: %s", rd_kafka_message_errstr(m));
	rd_kafka_message_destroy(m);
	return true;
}

int bus_reader_poll(struct bus_reader *r, int max, int timeout_ms, struct bus_batch *batch, bool *ret_at_end,
		    struct error *err)
{
	struct mono deadline = mono_add_ms(mono_now(), timeout_ms);
	bool was_at_end = r->left == 0;
	bool more = true;

	bus_batch_reset(batch);
	while (batch->count == 0 && (was_at_end || r->left > 0) && more)
		more = take(r, batch, (int)mono_left_ms(deadline)) || mono_left_ms(deadline) > 0;
	while (batch->count > 0 && batch->count < max && take(r, batch, 0))
		;
	*ret_at_end = r->left == 0;
	if (batch->count > 0 || (!was_at_end && r->left == 0)) {
		bus_link_up(&r->link);
		return 0;
	}
	if (!bus_link_check(&r->link, r->rk, 100))
		return error_set(err, ERR_UNAVAILABLE, "Kafka", "no broker can be reached");
	return 0;
}

void bus_reader_free(struct bus_reader *r)
{
	if (r == NULL)
		return;
	if (r->rk != NULL)
		rd_kafka_destroy_flags(r->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	free(r->at_end);
	free(r);
}
