/*
 * The producer.  Thread safe: librdkafka is, and the rest is set once.  Delivery reports come from whoever
 * polls.
 */
#include "core/bus/internal.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"

struct bus_producer {
	struct bus_link link; /* first: see bus_conf */
	rd_kafka_t *rk;
	atomic_int failed; /* 0, or the rd_kafka_resp_err_t of a message that was not delivered */
	bus_delivered *delivered;
	void *arg;
};

/*
 * A message was given up: none after it may overtake it, so the producer is of no more use.  librdkafka sees
 * to that itself (enable.gapless.guarantee) once it has been in contact with a broker, but not before.
 */
static void give_up(struct bus_producer *p, rd_kafka_resp_err_t e)
{
	int none = 0;

	if (e == RD_KAFKA_RESP_ERR__PURGE_QUEUE || e == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
		return;
	if (atomic_compare_exchange_strong(&p->failed, &none, (int)e))
		rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_NON_BLOCKING);
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	struct bus_producer *p = opaque;

	(void)rk;
	if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
		bus_link_up(&p->link);
	else
		give_up(p, m->err);
	if (p->delivered == NULL)
		return;
	if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
		p->delivered(p->arg, m->_private, 0, "", m->partition, m->offset);
	else
		p->delivered(p->arg, m->_private, bus_error_code(m->err), rd_kafka_err2str(m->err), -1, -1);
}

/*
 * Messages leave with bus_producer_flush, not before: while a partition has five of them in flight,
 * librdkafka (2.0.2) spins for as long as another one, whose time to leave has come, waits behind them.
 */
int bus_producer_new(const struct bus_options *options, int message_timeout_ms, bus_delivered *delivered,
		     void *arg, struct bus_producer **ret, struct error *err)
{
	struct bus_producer *p = xcalloc(1, sizeof(*p));
	char timeout[16];
	const struct bus_setting settings[] = {
	    {"enable.idempotence", "true"},
	    {"enable.gapless.guarantee", "true"},
	    {"acks", "all"},
	    {"partitioner", "murmur2_random"},
	    {"queue.buffering.max.ms", "100"}, /* bus_producer_flush does not wait for it */
	    {"batch.num.messages", "10000"},
	    {"queue.buffering.max.messages", "200000"},
	    {"queue.buffering.max.kbytes", "262144"},
	    {"message.max.bytes", "2097152"},
	    {"message.timeout.ms", timeout},
	};
	rd_kafka_conf_t *conf;
	int rc;

	snprintf(timeout, sizeof(timeout), "%d", message_timeout_ms);
	p->delivered = delivered;
	p->arg = arg;
	rc = bus_conf(options, settings, ARRAY_LEN(settings), p, &conf, err);
	if (rc == 0) {
		rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
		rc = bus_handle(RD_KAFKA_PRODUCER, conf, &p->rk, err);
	}
	if (rc < 0) {
		free(p);
		return rc;
	}
	*ret = p;
	return 0;
}

static rd_kafka_headers_t *copy_headers(const struct bus_header *headers, int n)
{
	rd_kafka_headers_t *copy;

	if (n == 0)
		return NULL;
	copy = rd_kafka_headers_new((size_t)n);
	for (int i = 0; i < n; i++)
		rd_kafka_header_add(copy, headers[i].name, -1, headers[i].value, (ssize_t)headers[i].len);
	return copy;
}

int bus_produce(struct bus_producer *p, const char *topic, const void *key, size_t key_len, const void *value,
		size_t value_len, const struct bus_header *headers, int header_count, void *message_arg,
		struct error *err)
{
	rd_kafka_headers_t *copy;
	rd_kafka_resp_err_t e;

	if (atomic_load(&p->failed) != 0 && bus_producer_failed(p, err))
		return ERR_UNAVAILABLE;
	copy = copy_headers(headers, header_count);
	e = rd_kafka_producev(p->rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY(key, key_len),
			      RD_KAFKA_V_VALUE((void *)(uintptr_t)value, value_len),
			      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADERS(copy),
			      RD_KAFKA_V_OPAQUE(message_arg), RD_KAFKA_V_END);

	if (e == RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0;
	if (copy != NULL)
		rd_kafka_headers_destroy(copy);
	if (bus_producer_failed(p, err))
		return ERR_UNAVAILABLE;
	return bus_fail(err, e, topic, NULL);
}

int bus_producer_poll(struct bus_producer *p, int timeout_ms)
{
	return rd_kafka_poll(p->rk, timeout_ms);
}

int bus_producer_flush(struct bus_producer *p, int timeout_ms, struct error *err)
{
	if (rd_kafka_flush(p->rk, timeout_ms) == RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0;
	return error_set(err, ERR_TIMEOUT, "Kafka", "%d messages were not acknowledged within %d ms",
			 bus_producer_queued(p), timeout_ms);
}

void bus_producer_purge(struct bus_producer *p)
{
	rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	/* Only serves the reports: nothing is left to wait for. */
	rd_kafka_flush(p->rk, 1000);
}

bool bus_producer_failed(struct bus_producer *p, struct error *why)
{
	int given_up = atomic_load(&p->failed);
	char text[256];

	if (rd_kafka_fatal_error(p->rk, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR) {
		rd_kafka_fatal_error(p->rk, text, sizeof(text));
		error_set(why, ERR_UNAVAILABLE, "Kafka", "the producer failed: %s", text);
		return true;
	}
	if (given_up == 0)
		return false;
	error_set(why, ERR_UNAVAILABLE, "Kafka", "a message was not delivered: %s",
		  rd_kafka_err2str((rd_kafka_resp_err_t)given_up));
	return true;
}

int bus_producer_queued(struct bus_producer *p)
{
	return rd_kafka_outq_len(p->rk);
}

bool bus_producer_connected(struct bus_producer *p)
{
	return bus_link_check(&p->link, p->rk, 100);
}

void bus_producer_free(struct bus_producer *p)
{
	if (p == NULL)
		return;
	rd_kafka_destroy(p->rk);
	free(p);
}
