/*
 * From the outbox to a consumer: the wall clock when an event has arrived minus its timestamp, which is the
 * moment its outbox row was inserted (before the COMMIT, so the commit counts as well).  Exact values, no
 * buckets.
 *
 *   latency --bootstrap HOST:PORT [--topic T] [--type E] [--count N] [--timeout S]
 *
 * Reads the topic to its end, prints "ready", then measures the next N events of the type.  One thread.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/bus/bus.h"

struct run {
	const char *bootstrap, *topic, *type;
	int wanted, timeout_s;
	int64_t since_us; /* events before do not count */
	int64_t *us;
	int count;
};

static void fail(const struct error *err)
{
	fprintf(stderr, "latency: %s: %s\n", err->what, err->why);
	exit(1);
}

static bool of_type(const struct run *r, const struct bus_message *m)
{
	size_t len;
	const char *type = bus_message_header(m, "ce_type", &len);

	return r->type == NULL || (type != NULL && len == strlen(r->type) && memcmp(type, r->type, len) == 0);
}

static void take(struct run *r, const struct bus_message *m, int64_t now)
{
	char text[CLOCK_TEXT_SIZE] = "";
	size_t len;
	const char *time = bus_message_header(m, "ce_time", &len);
	int64_t at;

	if (time == NULL || len >= sizeof(text) || !of_type(r, m))
		return;
	memcpy(text, time, len);
	if (clock_parse(text, &at) && at >= r->since_us && r->count < r->wanted)
		r->us[r->count++] = now - at;
}

static void poll_once(struct run *r, struct bus_reader *reader, int max, bool *ret_at_end)
{
	struct bus_batch batch = {0};
	struct error err;
	int64_t now;

	if (bus_reader_poll(reader, max, 200, &batch, ret_at_end, &err) < 0)
		fail(&err);
	now = clock_wall_us();
	for (int i = 0; i < batch.count && r->since_us > 0; i++)
		take(r, &batch.messages[i], now);
	bus_batch_done(&batch);
}

static void measure(struct run *r, struct bus_reader *reader)
{
	bool at_end = false;
	struct mono deadline;

	while (!at_end)
		poll_once(r, reader, 1000, &at_end);
	r->since_us = clock_wall_us();
	printf("ready\n");
	fflush(stdout);
	deadline = mono_add_ms(mono_now(), (int64_t)r->timeout_s * 1000);
	while (r->count < r->wanted && mono_left_ms(deadline) > 0)
		poll_once(r, reader, 1, &at_end);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static double percentile_ms(const struct run *r, double p)
{
	int i = (int)(p * r->count);

	if (r->count == 0)
		return 0;
	return (double)r->us[i < r->count ? i : r->count - 1] / 1000.0;
}

static void parse_options(struct run *r, int argc, char **argv)
{
	static const struct option options[] = {
	    {"bootstrap", required_argument, NULL, 'b'}, {"topic", required_argument, NULL, 't'},
	    {"type", required_argument, NULL, 'e'},	 {"count", required_argument, NULL, 'n'},
	    {"timeout", required_argument, NULL, 's'},	 {NULL, 0, NULL, 0},
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
		case 'e':
			r->type = optarg;
			break;
		case 'n':
			r->wanted = atoi(optarg);
			break;
		case 's':
			r->timeout_s = atoi(optarg);
			break;
		default:
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	struct run r = {
	    .bootstrap = "127.0.0.1:5092", .topic = "order-events", .wanted = 5000, .timeout_s = 60};
	struct bus_options options;
	struct bus_reader *reader;
	struct error err;

	parse_options(&r, argc, argv);
	r.us = xcalloc((size_t)r.wanted + 1, sizeof(*r.us));
	options = (struct bus_options){r.bootstrap, "bench-latency"};
	if (bus_reader_new(&options, r.topic, &reader, &err) < 0)
		fail(&err);
	measure(&r, reader);
	bus_reader_free(reader);
	qsort(r.us, (size_t)r.count, sizeof(*r.us), compare);
	printf("{\"events\":%d,\"p50_ms\":%.2f,\"p95_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f}\n", r.count,
	       percentile_ms(&r, 0.5), percentile_ms(&r, 0.95), percentile_ms(&r, 0.99),
	       percentile_ms(&r, 1));
	free(r.us);
	return r.count == r.wanted ? 0 : 1;
}
