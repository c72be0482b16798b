/*
 * The customers of the crash harness: places orders at a steady rate whatever happens to the system, each
 * with an idempotency key, asks again until it knows what became of it, cancels some, and keeps a history.
 *
 *   client --port P --history FILE --orders N --rate R [--seed S] [--threads N] [--patience SECONDS]
 *
 * Exit status 0 when the outcome of every order is known, 1 when patience ran out for some.
 */
#include <getopt.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "tests/crash/orders.h"

#define THREADS_MAX 64

struct client {
	struct order_site site;
	int orders, threads, patience_ms;
	double rate;
	uint64_t seed;
	struct mono start;
	atomic_int next, known, refused, unknown, cancelled, repeated;
};

static void sleep_ms(int64_t ms)
{
	const struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

/* Asks until the outcome is known; false when patience runs out. */
static bool insist(struct client *c, struct random *r, const char *key, const char *body,
		   char order_id[UUID_TEXT_SIZE])
{
	struct mono deadline = mono_add_ms(mono_now(), c->patience_ms);
	/* Some customers hang up at once: nobody knows what became of their order. */
	int timeout_ms = random_percent(r, 2) ? 1 + (int)random_below(r, 20) : 5000;

	while (mono_left_ms(deadline) > 0) {
		enum outcome o = order_post(&c->site, key, body, timeout_ms, order_id);

		if (o == OUTCOME_OK)
			return true;
		if (o == OUTCOME_REFUSED) {
			fprintf(stderr, "client: order %s was refused\n", key);
			atomic_fetch_add(&c->refused, 1);
			return false;
		}
		timeout_ms = 5000;
		sleep_ms(20 + random_below(r, 200));
	}
	fprintf(stderr, "client: patience ran out for order %s\n", key);
	atomic_fetch_add(&c->unknown, 1);
	return false;
}

static void cancel(struct client *c, struct random *r, const char *order_id)
{
	struct mono deadline = mono_add_ms(mono_now(), c->patience_ms);

	sleep_ms(random_below(r, 4) * random_below(r, 400));
	while (mono_left_ms(deadline) > 0) {
		if (order_cancel(&c->site, order_id, 5000) <= OUTCOME_REFUSED) {
			atomic_fetch_add(&c->cancelled, 1);
			return;
		}
		sleep_ms(100);
	}
	atomic_fetch_add(&c->unknown, 1);
}

static void place(struct client *c, int i)
{
	CLEANUP(buf_done) struct buf body = {0};
	struct random r = {c->seed * 1000003 + (uint64_t)i};
	char key[64], order_id[UUID_TEXT_SIZE] = "";

	snprintf(key, sizeof(key), "order-%llu-%d", (unsigned long long)c->seed, i);
	order_body(&r, &body);
	if (!insist(c, &r, key, buf_str(&body), order_id))
		return;
	atomic_fetch_add(&c->known, 1);
	if (random_percent(&r, 5)) {
		atomic_fetch_add(&c->repeated, 1);
		insist(c, &r, key, buf_str(&body), order_id);
	}
	if (random_percent(&r, 4))
		cancel(c, &r, order_id);
}

static void *customer(void *arg)
{
	struct client *c = arg;
	int i;

	while ((i = atomic_fetch_add(&c->next, 1)) < c->orders) {
		struct mono due = mono_add_ms(c->start, (int64_t)(i * 1000.0 / c->rate));

		sleep_ms(mono_left_ms(due));
		place(c, i);
	}
	return NULL;
}

static void usage(void)
{
	fprintf(stderr, "usage: client --port P --history FILE --orders N --rate R [--seed S] [--threads N] "
			"[--patience SECONDS]\n");
	exit(2);
}

static void read_options(struct client *c, int argc, char **argv)
{
	static const struct option options[] = {
	    {"port", 1, NULL, 'p'},	{"history", 1, NULL, 'h'}, {"orders", 1, NULL, 'n'},
	    {"rate", 1, NULL, 'r'},	{"seed", 1, NULL, 's'},	   {"threads", 1, NULL, 't'},
	    {"patience", 1, NULL, 'w'}, {NULL, 0, NULL, 0},
	};
	int o;

	*c = (struct client){.threads = 24, .rate = 10, .seed = 1, .patience_ms = 180000};
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'p':
			c->site.port = atoi(optarg);
			break;
		case 'h':
			c->site.history = history_open(optarg);
			break;
		case 'n':
			c->orders = atoi(optarg);
			break;
		case 'r':
			c->rate = atof(optarg);
			break;
		case 's':
			c->seed = strtoull(optarg, NULL, 10);
			break;
		case 't':
			c->threads = atoi(optarg);
			break;
		case 'w':
			c->patience_ms = atoi(optarg) * 1000;
			break;
		default:
			usage();
		}
	}
	if (c->site.port <= 0 || c->site.history == NULL || c->orders <= 0 || c->rate <= 0 ||
	    c->threads < 1 || c->threads > THREADS_MAX)
		usage();
}

int main(int argc, char **argv)
{
	struct client c;
	pthread_t threads[THREADS_MAX];

	read_options(&c, argc, argv);
	if (sodium_init() < 0)
		return 1;
	c.start = mono_now();
	for (int i = 0; i < c.threads; i++)
		if (pthread_create(&threads[i], NULL, customer, &c) != 0)
			return 1;
	for (int i = 0; i < c.threads; i++)
		pthread_join(threads[i], NULL);
	printf(
	    "client: %d orders: %d known, %d asked again with the same key, %d cancellations, %d refused, %d "
	    "unknown; %.0f s\n",
	    c.orders, atomic_load(&c.known), atomic_load(&c.repeated), atomic_load(&c.cancelled),
	    atomic_load(&c.refused), atomic_load(&c.unknown), (double)mono_since_ms(c.start) / 1000);
	history_close(c.site.history);
	return atomic_load(&c.unknown) == 0 && atomic_load(&c.refused) == 0 ? 0 : 1;
}
