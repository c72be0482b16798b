/*
 * A load client for POST /api/v1/orders: one thread, epoll, HTTP/1.1 keep-alive.
 *
 *   load --port P [--connections N] [--rate R] [--count N] [--seconds S] [--contact] [--json]
 *
 * With --rate the load is open: requests are due at fixed moments whatever the answers, and latency counts
 * from the moment a request was due, so that a stalled server cannot hide its stall (no coordinated
 * omission): what could not be sent counts as an error.  Without it every connection sends its next order as
 * soon as it has the last answer.  It ends after --seconds or --count orders.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

#define REPLY_MAX      8192
#define LAST_ANSWER_MS 5000

struct connection {
	int fd;
	bool busy;
	struct mono due;
	char reply[REPLY_MAX];
	size_t have;
};

struct load {
	int port, connections;
	double rate, seconds;
	size_t target; /* orders to send at most; 0: no limit */
	bool contact, json;
	int epoll;
	struct connection *all;
	int *idle; /* stack of idle connections */
	int idle_count;
	struct mono start, end, last_answer;
	size_t sent;
	uint32_t *latency_us; /* of the accepted */
	size_t count, cap;
	size_t errors, refused; /* refused: 503 */
	unsigned random;
};

static const char *const pizzas[] = {"margherita", "pepperoni", "diavola", "hawaiian", "funghi", "marinara"};
static const char *const sizes[] = {"small", "medium", "large"};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static unsigned draw(struct load *l, unsigned below)
{
	l->random = l->random * 1664525u + 1013904223u;
	return (l->random >> 8) % below;
}

static int request_text(struct load *l, char *text, size_t size)
{
	char body[512];
	int n = snprintf(
	    body, sizeof(body),
	    "{\"customer_name\":\"Load\"%s,\"items\":[{\"pizza_id\":\"%s\",\"size\":\"%s\",\"quantity\":%u}],"
	    "\"delivery_address\":\"1 Bench Street\",\"payment_method\":\"card\"}",
	    l->contact ? ",\"customer_email\":\"load@example.org\",\"customer_phone\":\"+79001234567\"" : "",
	    pizzas[draw(l, ARRAY_LEN(pizzas))], sizes[draw(l, 3)], 1 + draw(l, 3));

	return snprintf(
	    text, size,
	    "POST /api/v1/orders HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
	    "Content-Length: %d\r\n\r\n%s",
	    n, body);
}

/* --- connections --- */

static void open_one(struct load *l, int i)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)l->port)};
	struct connection *c = &l->all[i];
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
	int one = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &ev) < 0)
		die("epoll_ctl");
	c->have = 0;
}

static void set_idle(struct load *l, int i)
{
	l->all[i].busy = false;
	l->idle[l->idle_count++] = i;
}

/* The server has closed it: an error when an answer was due. */
static void reopen(struct load *l, int i)
{
	close(l->all[i].fd);
	open_one(l, i);
	if (l->all[i].busy) {
		l->errors++;
		set_idle(l, i);
	}
}

static void send_one(struct load *l, struct mono due)
{
	int i = l->idle[--l->idle_count];
	struct connection *c = &l->all[i];
	char text[1024];
	int n = request_text(l, text, sizeof(text));

	l->sent++;
	c->busy = true;
	c->due = due;
	c->have = 0;
	if (write(c->fd, text, (size_t)n) != n)
		reopen(l, i);
}

static void record(struct load *l, const struct connection *c)
{
	int status = atoi(c->reply + 9);

	l->last_answer = mono_now();
	if (status != 201) {
		l->errors++;
		l->refused += status == 503;
		return;
	}
	if (l->count == l->cap) {
		l->cap = l->cap == 0 ? 65536 : l->cap * 2;
		l->latency_us = xreallocarray(l->latency_us, l->cap, sizeof(*l->latency_us));
	}
	l->latency_us[l->count++] = (uint32_t)mono_diff_us(l->last_answer, c->due);
}

/* The length of the whole reply once its header is there, 0 before. */
static size_t reply_length(const struct connection *c)
{
	const char *end = memmem(c->reply, c->have, "\r\n\r\n", 4);
	const char *length;

	if (end == NULL)
		return 0;
	length = strcasestr(c->reply, "\r\nContent-Length:");
	return (size_t)(end + 4 - c->reply) +
	       (length != NULL && length < end ? (size_t)atol(length + 17) : 0);
}

static void receive(struct load *l, int i)
{
	struct connection *c = &l->all[i];
	ssize_t n = read(c->fd, c->reply + c->have, REPLY_MAX - 1 - c->have);
	size_t whole;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		reopen(l, i);
		return;
	}
	c->have += (size_t)n;
	c->reply[c->have] = '\0';
	whole = reply_length(c);
	if (whole == 0 || c->have < whole)
		return;
	record(l, c);
	set_idle(l, i);
}

/* --- the run --- */

static bool all_sent(const struct load *l)
{
	return (l->target > 0 && l->sent >= l->target) || (l->rate <= 0 && mono_left_ms(l->end) == 0);
}

/* Sends what is due; the nanoseconds until the next is. */
static int64_t send_due(struct load *l)
{
	while (l->idle_count > 0 && !all_sent(l)) {
		struct mono now = mono_now(), due = now;

		if (l->rate > 0)
			due.ns = l->start.ns + (int64_t)((double)l->sent / l->rate * 1e9);
		if (due.ns > now.ns)
			return due.ns - now.ns;
		send_one(l, due);
	}
	return 20000000;
}

static void run(struct load *l)
{
	struct mono give_up;
	struct epoll_event events[256];

	l->start = l->last_answer = mono_now();
	l->end = mono_add_ms(l->start, (int64_t)(l->seconds * 1000));
	give_up = mono_add_ms(l->end, LAST_ANSWER_MS);
	while ((!all_sent(l) || l->idle_count < l->connections) && mono_left_ms(give_up) > 0) {
		int64_t wait = send_due(l);
		const struct timespec timeout = {0, wait < 20000000 ? wait : 20000000};
		int n = epoll_pwait2(l->epoll, events, ARRAY_LEN(events), &timeout, NULL);

		for (int i = 0; i < n; i++)
			receive(l, (int)events[i].data.u32);
	}
	l->errors += (size_t)(l->connections - l->idle_count); /* never answered */
	if (l->rate > 0)
		l->errors += l->target - l->sent;
}

/* --- the report --- */

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static double percentile_ms(const struct load *l, double p)
{
	size_t i = (size_t)(p * (double)l->count);

	if (l->count == 0)
		return 0;
	return l->latency_us[i < l->count ? i : l->count - 1] / 1000.0;
}

static void report(struct load *l)
{
	double seconds = (double)mono_diff_us(l->last_answer, l->start) / 1e6;
	double per_second = seconds > 0 ? (double)l->count / seconds : 0;
	double p50, p95, p99, max;

	if (l->count > 0)
		qsort(l->latency_us, l->count, sizeof(*l->latency_us), compare);
	p50 = percentile_ms(l, 0.5);
	p95 = percentile_ms(l, 0.95);
	p99 = percentile_ms(l, 0.99);
	max = percentile_ms(l, 1);
	if (l->json)
		printf("{\"connections\":%d,\"offered_per_second\":%.0f,\"seconds\":%.2f,\"accepted\":%zu,"
		       "\"accepted_per_second\":%.0f,\"errors\":%zu,\"refused\":%zu,\"p50_ms\":%.2f,"
		       "\"p95_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f}\n",
		       l->connections, l->rate, seconds, l->count, per_second, l->errors, l->refused, p50,
		       p95, p99, max);
	else
		printf("%d connections, %s: %zu accepted in %.1f s = %.0f/s, %zu errors (%zu times 503); "
		       "P50 %.1f ms, P95 %.1f ms, P99 %.1f ms, max %.1f ms\n",
		       l->connections, l->rate > 0 ? "fixed rate" : "saturation", l->count, seconds,
		       per_second, l->errors, l->refused, p50, p95, p99, max);
}

static void parse_options(struct load *l, int argc, char **argv)
{
	static const struct option options[] = {
	    {"port", required_argument, NULL, 'p'},    {"connections", required_argument, NULL, 'c'},
	    {"rate", required_argument, NULL, 'r'},    {"count", required_argument, NULL, 'n'},
	    {"seconds", required_argument, NULL, 's'}, {"contact", no_argument, NULL, 'C'},
	    {"json", no_argument, NULL, 'j'},	       {NULL, 0, NULL, 0},
	};
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'p':
			l->port = atoi(optarg);
			break;
		case 'c':
			l->connections = atoi(optarg);
			break;
		case 'r':
			l->rate = atof(optarg);
			break;
		case 'n':
			l->target = strtoul(optarg, NULL, 10);
			break;
		case 's':
			l->seconds = atof(optarg);
			break;
		case 'C':
			l->contact = true;
			break;
		case 'j':
			l->json = true;
			break;
		default:
			exit(2);
		}
	}
	if (l->rate > 0 && l->target == 0)
		l->target = (size_t)(l->rate * l->seconds);
}

int main(int argc, char **argv)
{
	struct load l = {.port = 5002, .connections = 64, .seconds = 10, .random = (unsigned)getpid()};

	parse_options(&l, argc, argv);
	l.all = xcalloc((size_t)l.connections, sizeof(*l.all));
	l.idle = xcalloc((size_t)l.connections, sizeof(*l.idle));
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < l.connections; i++) {
		open_one(&l, i);
		set_idle(&l, i);
	}
	run(&l);
	report(&l);
	for (int i = 0; i < l.connections; i++)
		close(l.all[i].fd);
	close(l.epoll);
	free(l.latency_us);
	free(l.idle);
	free(l.all);
	return 0;
}
