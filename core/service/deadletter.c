/*
 * Describing and sending dead letters.
 */
#include "core/service/deadletter.h"

#include <stdio.h>
#include <string.h>

#include "core/base/crash.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/service/metrics.h"
#include "core/service/private.h"

#define HEADERS_MAX	    64
#define DELIVERY_TIMEOUT_MS 10000

struct deadletter {
	struct service *service;
	struct bus_producer *producer;
	int code; /* of the last delivery report */
	char why[160];
};

struct letter_headers {
	struct bus_header list[HEADERS_MAX];
	int count;
	char text[12][ERROR_LINE_SIZE];
	int texts;
};

struct deadletter *deadletter_new(struct service *s)
{
	struct deadletter *d = xcalloc(1, sizeof(*d));

	d->service = s;
	return d;
}

void deadletter_free(struct deadletter *d)
{
	if (d == NULL)
		return;
	bus_producer_free(d->producer);
	free(d);
}

static void delivered(void *arg, void *message_arg, int code, const char *why, int32_t partition,
		      int64_t offset)
{
	struct deadletter *d = arg;

	(void)message_arg, (void)partition, (void)offset;
	d->code = code;
	snprintf(d->why, sizeof(d->why), "%s", why != NULL ? why : "");
}

static void add_header(struct letter_headers *h, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void add_header(struct letter_headers *h, const char *name, const char *fmt, ...)
{
	char *text = h->text[h->texts++];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(h->text[0]), fmt, ap);
	va_end(ap);
	h->list[h->count++] = (struct bus_header){name, text, strlen(text)};
}

struct uuid deadletter_id(const char *group, const struct bus_message *m, struct uuid event_id)
{
	char name[512], text[UUID_TEXT_SIZE];

	if (uuid_is_nil(event_id))
		snprintf(name, sizeof(name), "%s:%s/%d/%lld", group, m->topic, (int)m->partition,
			 (long long)m->offset);
	else
		snprintf(name, sizeof(name), "%s:%s", group, uuid_format(event_id, text));
	return uuid_v5(UUID_NAMESPACE_PIZZA, name, strlen(name));
}

static void copy_original(struct letter_headers *h, const struct letter *l)
{
	for (int i = 0; i < l->header_count && h->count < HEADERS_MAX - (int)ARRAY_LEN(h->text); i++)
		h->list[h->count++] = l->headers[i];
}

static void describe(struct letter_headers *h, const char *group, const struct letter *l)
{
	const struct bus_message *m = l->message;
	char text[UUID_TEXT_SIZE], time[CLOCK_TEXT_SIZE], reason[ERROR_LINE_SIZE];

	copy_original(h, l);
	add_header(h, "dlq_id", "%s", uuid_format(deadletter_id(group, m, l->event_id), text));
	add_header(h, "dlq_original_topic", "%s", m->topic);
	add_header(h, "dlq_original_partition", "%d", (int)m->partition);
	add_header(h, "dlq_original_offset", "%lld", (long long)m->offset);
	add_header(h, "dlq_original_timestamp", "%s", clock_format(m->timestamp_ms * 1000, time));
	add_header(h, "dlq_consumer_group", "%s", group);
	add_header(h, "dlq_error_code", "%s", error_word(l->why->code));
	add_header(h, "dlq_error_reason", "%s", error_line(l->why, reason));
	add_header(h, "dlq_failed_step", "%s", l->step);
	add_header(h, "dlq_failed_at", "%s", clock_format(clock_wall_us(), time));
	add_header(h, "dlq_retry_count", "%d", l->retries);
	add_header(h, "dlq_replay_count", "0");
}

static int ensure_producer(struct deadletter *d, struct error *err)
{
	struct bus_options options = {service_bootstrap(d->service), d->service->client_id};

	if (d->producer != NULL && bus_producer_failed(d->producer, NULL)) {
		bus_producer_free(d->producer);
		d->producer = NULL;
	}
	if (d->producer != NULL)
		return 0;
	return bus_producer_new(&options, DELIVERY_TIMEOUT_MS, delivered, d, &d->producer, err);
}

int deadletter_send(struct deadletter *d, const struct letter *l, struct error *err)
{
	const struct bus_message *m = l->message;
	struct letter_headers headers = {0};
	char topic[256];
	int rc = ensure_producer(d, err);

	if (rc < 0)
		return rc;
	describe(&headers, d->service->info->name, l);
	snprintf(topic, sizeof(topic), "%s-dlq", m->topic);
	d->code = ERR_TIMEOUT;
	CRASH_POINT("letter-send");
	rc = bus_produce(d->producer, topic, m->key, m->key_len, m->value, m->value_len, headers.list,
			 headers.count, NULL, err);
	if (rc < 0)
		return rc;
	rc = bus_producer_flush(d->producer, DELIVERY_TIMEOUT_MS + 1000, err);
	if (rc < 0)
		return rc;
	if (d->code < 0)
		return error_set(err, ERR_UNAVAILABLE, "produce the dead letter", "%s", d->why);
	CRASH_POINT("letter-produced");
	metric_count(METRIC_DEAD_LETTERS, m->topic, error_word(l->why->code), 1);
	log_err(LOG_WARN, l->why, "dead letter from %s/%d@%lld, step %s", m->topic, (int)m->partition,
		(long long)m->offset, l->step);
	return 0;
}
