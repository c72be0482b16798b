/*
 * The limit of the outbox relay: core/bus as fast as it goes, with the settings, headers and message sizes of
 * the relay, and nothing else to do.
 *
 *   producer --bootstrap HOST:PORT --topic T [--count N] [--data BYTES]
 *
 * Prints messages per second, from the first call to the last acknowledgement.  One thread.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/bus/bus.h"
#include "core/contract/events.h"

#define MESSAGE_TIMEOUT_MS 60000
#define POLL_EVERY	   256

struct run {
	const char *bootstrap, *topic;
	int count, data_bytes;
	char *data; /* a JSON object of data_bytes */
	int acked, failed;
};

static void fail(const struct error *err)
{
	fprintf(stderr, "producer: %s: %s\n", err->what, err->why);
	exit(1);
}

static void delivered(void *arg, void *message_arg, int code, const char *why, int32_t partition,
		      int64_t offset)
{
	struct run *r = arg;

	(void)message_arg, (void)why, (void)partition, (void)offset;
	if (code == 0)
		r->acked++;
	else
		r->failed++;
}

static void make_data(struct run *r)
{
	int n = r->data_bytes > 16 ? r->data_bytes : 16;

	r->data = xmalloc((size_t)n + 1);
	memset(r->data, 'x', (size_t)n);
	memcpy(r->data, "{\"text\":\"", 9);
	strcpy(r->data + n - 2, "\"}");
}

static void send_one(struct run *r, struct bus_producer *p, struct buf *envelope)
{
	struct uuid id = uuid_v7(), order = uuid_v7(), nil = {0};
	char id_text[UUID_TEXT_SIZE], key[UUID_TEXT_SIZE], time[CLOCK_TEXT_SIZE], trace[56];
	int64_t now = clock_wall_us();
	const struct bus_header headers[] = {
	    {"ce_specversion", "1.0", 3},
	    {"ce_id", uuid_format(id, id_text), UUID_TEXT_SIZE - 1},
	    {"ce_source", "orderd", 6},
	    {"ce_type", "OrderCreated", 12},
	    {"ce_time", clock_format(now, time), strlen(time)},
	    {"traceparent", event_traceparent(&id, &order, trace), 55},
	};
	struct error err;
	int rc;

	buf_reset(envelope);
	event_envelope(envelope, &id, "OrderCreated", 1, uuid_format(order, key), 1, now, &order, &nil,
		       r->data, strlen(r->data));
	while ((rc = bus_produce(p, r->topic, key, strlen(key), envelope->data, envelope->len, headers,
				 ARRAY_LEN(headers), NULL, &err)) == ERR_TRANSIENT)
		bus_producer_poll(p, 50); /* the local queue is full */
	if (rc < 0)
		fail(&err);
}

static double measure(struct run *r, struct bus_producer *p)
{
	struct buf envelope = {0};
	struct mono start = mono_now();
	struct error err;

	for (int i = 0; i < r->count; i++) {
		send_one(r, p, &envelope);
		if (i % POLL_EVERY == POLL_EVERY - 1)
			bus_producer_poll(p, 0);
	}
	buf_done(&envelope);
	if (bus_producer_flush(p, MESSAGE_TIMEOUT_MS, &err) < 0)
		fail(&err);
	return (double)mono_since_us(start) / 1e6;
}

static void parse_options(struct run *r, int argc, char **argv)
{
	static const struct option options[] = {
	    {"bootstrap", required_argument, NULL, 'b'},
	    {"topic", required_argument, NULL, 't'},
	    {"count", required_argument, NULL, 'n'},
	    {"data", required_argument, NULL, 'd'},
	    {NULL, 0, NULL, 0},
	};
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'b':
			r->bootstrap = optarg;
			break;
		case 't':
			r->topic = optarg;
			break;
		case 'n':
			r->count = atoi(optarg);
			break;
		case 'd':
			r->data_bytes = atoi(optarg);
			break;
		default:
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	struct run r = {.bootstrap = "127.0.0.1:5092", .topic = "bench", .count = 100000, .data_bytes = 330};
	struct bus_options options;
	struct bus_producer *p;
	struct error err;
	double seconds;

	parse_options(&r, argc, argv);
	make_data(&r);
	options = (struct bus_options){r.bootstrap, "bench-producer"};
	if (bus_producer_new(&options, MESSAGE_TIMEOUT_MS, delivered, &r, &p, &err) < 0)
		fail(&err);
	seconds = measure(&r, p);
	bus_producer_free(p);
	free(r.data);
	printf("{\"messages\":%d,\"failed\":%d,\"data_bytes\":%d,\"seconds\":%.3f,\"messages_per_second\":%."
	       "0f}\n",
	       r.acked, r.failed, r.data_bytes, seconds, r.acked / seconds);
	return r.failed == 0 && r.acked == r.count ? 0 : 1;
}
