/*
 * Messages and batches of them.  A bus_message is a view of librdkafka's message, which the batch owns.
 */
#include "core/bus/internal.h"

#include <string.h>

#include "core/base/mem.h"

struct bus_message bus_message_view(rd_kafka_message_t *m)
{
	rd_kafka_timestamp_type_t type;
	int64_t timestamp = rd_kafka_message_timestamp(m, &type);

	return (struct bus_message){
	    .topic = rd_kafka_topic_name(m->rkt),
	    .partition = m->partition,
	    .offset = m->offset,
	    .timestamp_ms = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? -1 : timestamp,
	    .key = m->key,
	    .key_len = m->key_len,
	    .value = m->payload,
	    .value_len = m->len,
	    .handle = m,
	};
}

void bus_batch_add(struct bus_batch *b, rd_kafka_message_t *m)
{
	if (b->count == b->cap) {
		b->cap = b->cap > 0 ? b->cap * 2 : 64;
		b->messages = xreallocarray(b->messages, (size_t)b->cap, sizeof(*b->messages));
	}
	b->messages[b->count++] = bus_message_view(m);
}

void bus_batch_drop(struct bus_batch *b, const char *topic, int32_t partition)
{
	int kept = 0;

	for (int i = 0; i < b->count; i++) {
		if (b->messages[i].partition == partition && strcmp(b->messages[i].topic, topic) == 0)
			rd_kafka_message_destroy(b->messages[i].handle);
		else
			b->messages[kept++] = b->messages[i];
	}
	b->count = kept;
}

void bus_batch_reset(struct bus_batch *b)
{
	for (int i = 0; i < b->count; i++)
		rd_kafka_message_destroy(b->messages[i].handle);
	b->count = 0;
}

void bus_batch_done(struct bus_batch *b)
{
	bus_batch_reset(b);
	free(b->messages);
	*b = (struct bus_batch){0};
}

const void *bus_message_header(const struct bus_message *m, const char *name, size_t *ret_len)
{
	rd_kafka_headers_t *headers;
	const void *value;
	size_t len;

	if (rd_kafka_message_headers(m->handle, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
	    rd_kafka_header_get_last(headers, name, &value, &len) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return NULL;
	*ret_len = len;
	return value;
}

int bus_message_headers(const struct bus_message *m, struct bus_header *ret, int max)
{
	rd_kafka_headers_t *headers;
	struct bus_header h;
	int n = 0;

	if (rd_kafka_message_headers(m->handle, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0;
	while (rd_kafka_header_get_all(headers, (size_t)n, &h.name, &h.value, &h.len) ==
	       RD_KAFKA_RESP_ERR_NO_ERROR) {
		if (n < max)
			ret[n] = h;
		n++;
	}
	return n;
}
