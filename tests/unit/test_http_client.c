/*
 * The HTTP client against peers that answer, refuse, fall silent or die: what a caller may conclude from
 * each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/http/client.h"
#include "core/http/server.h"

/* --- a peer made by hand, for what a proper server never does --- */

struct peer {
	int listener;
	int port;
	pthread_t thread;
	void (*behave)(struct peer *p);
	atomic_int requests;
};

static void open_listener(struct peer *p)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);

	p->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(p->listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(p->listener, 16), 0);
	assert_int_equal(getsockname(p->listener, (struct sockaddr *)&address, &size), 0);
	p->port = ntohs(address.sin_port);
}

static void *run_peer(void *arg)
{
	struct peer *p = arg;

	p->behave(p);
	return NULL;
}

static void start_peer(struct peer *p, void (*behave)(struct peer *p))
{
	p->behave = behave;
	open_listener(p);
	assert_int_equal(pthread_create(&p->thread, NULL, run_peer, p), 0);
}

static void stop_peer(struct peer *p)
{
	shutdown(p->listener, SHUT_RDWR);
	pthread_join(p->thread, NULL);
	close(p->listener);
}

/* Reads one request without a body, or with one of 4 bytes; false at the end of the stream. */
static bool read_request(struct peer *p, int fd)
{
	CLEANUP(buf_done) struct buf got = {0};

	for (;;) {
		const char *end = strstr(buf_str(&got), "\r\n\r\n");
		size_t body = strstr(buf_str(&got), "POST") != NULL ? 4 : 0;
		char part[1024];
		ssize_t n;

		if (end != NULL && buf_str(&got) + got.len >= end + 4 + body)
			break;
		n = recv(fd, part, sizeof(part), 0);
		if (n <= 0)
			return false;
		buf_add(&got, part, (size_t)n);
	}
	atomic_fetch_add(&p->requests, 1);
	return true;
}

static void answer(int fd)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Name:   spaced value\r\n\r\nok";

	(void)!send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL);
}

/* Reads the request and closes. */
static void behave_close(struct peer *p)
{
	int fd = accept(p->listener, NULL, NULL);

	read_request(p, fd);
	close(fd);
	/* libcurl may try once more. */
	while ((fd = accept(p->listener, NULL, NULL)) >= 0) {
		read_request(p, fd);
		close(fd);
	}
}

/* Reads the request and never answers. */
static void behave_silent(struct peer *p)
{
	int fd = accept(p->listener, NULL, NULL);

	while (read_request(p, fd))
		;
	close(fd);
}

/* Answers the first request, reads the second one, and is gone before it answers that. */
static void behave_die_on_second(struct peer *p)
{
	int fd = accept(p->listener, NULL, NULL);

	read_request(p, fd);
	answer(fd);
	read_request(p, fd);
	shutdown(p->listener, SHUT_RDWR);
	close(p->listener);
	p->listener = -1;
	close(fd);
}

/* Sends half of an answer. */
static void behave_truncate(struct peer *p)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
	int fd = accept(p->listener, NULL, NULL);

	read_request(p, fd);
	(void)!send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL);
	close(fd);
}

/* Sends an interim answer first. */
static void behave_interim(struct peer *p)
{
	static const char text[] = "HTTP/1.1 103 Early Hints\r\nX-Interim: 1\r\n\r\n";
	int fd = accept(p->listener, NULL, NULL);

	read_request(p, fd);
	(void)!send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL);
	answer(fd);
	while (read_request(p, fd))
		;
	close(fd);
}

/* --- outcomes --- */

static int call_port(int port, int timeout_ms, struct http_result *res, struct error *err)
{
	char url[64];
	struct http_call call = {
	    .method = "POST", .url = url, .body = "body", .body_len = 4, .timeout_ms = timeout_ms};

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/x", port);
	return http_call(&call, res, err);
}

/* The code of one call to a peer that behaves so. */
static int outcome_of(void (*behave)(struct peer *p), int timeout_ms, struct http_result *res)
{
	struct peer peer = {0};
	struct error err = {0};
	int code;

	start_peer(&peer, behave);
	code = call_port(peer.port, timeout_ms, res, &err);
	stop_peer(&peer);
	assert_int_equal(res->code, code);
	if (code != 0)
		assert_true(res->why[0] != '\0' && err.why[0] != '\0');
	return code;
}

static void test_refused(void **state)
{
	struct peer peer = {0};
	struct http_result res;
	struct error err;

	(void)state;
	open_listener(&peer);
	close(peer.listener);
	assert_int_equal(call_port(peer.port, 5000, &res, &err), ERR_UNAVAILABLE);
	assert_true(res.why[0] != '\0');
	http_result_done(&res);
}

static void test_no_such_host(void **state)
{
	struct http_call call = {.method = "GET", .url = "http://no-such-host.invalid/", .timeout_ms = 5000};
	struct http_result res;
	struct error err;

	(void)state;
	assert_int_equal(http_call(&call, &res, &err), ERR_UNAVAILABLE);
	http_result_done(&res);
}

static void test_bad_urls(void **state)
{
	static const char *const urls[] = {"", "not a url", "ftp://127.0.0.1/", "file:///etc/passwd"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct http_call call = {.method = "GET", .url = urls[i], .timeout_ms = 1000};
		struct http_result res;
		struct error err;

		assert_int_equal(http_call(&call, &res, &err), ERR_UNAVAILABLE);
		assert_int_equal(res.body.len, 0);
		http_result_done(&res);
	}
}

static void test_timeout_is_unknown(void **state)
{
	struct mono started = mono_now();
	struct http_result res;

	(void)state;
	assert_int_equal(outcome_of(behave_silent, 200, &res), ERR_UNKNOWN);
	assert_in_range(mono_since_ms(started), 150, 5000);
	http_result_done(&res);
}

static void test_lost_connection_is_unknown(void **state)
{
	struct http_result res;

	(void)state;
	assert_int_equal(outcome_of(behave_close, 5000, &res), ERR_UNKNOWN);
	http_result_done(&res);
	assert_int_equal(outcome_of(behave_truncate, 5000, &res), ERR_UNKNOWN);
	http_result_done(&res);
}

static void test_interim_reply(void **state)
{
	struct http_result res;
	char text[32];

	(void)state;
	assert_int_equal(outcome_of(behave_interim, 5000, &res), 0);
	assert_int_equal(res.status, 200);
	assert_string_equal(buf_str(&res.body), "ok");
	assert_true(http_result_header(&res, "x-name", text, sizeof(text)));
	assert_string_equal(text, "spaced value");
	assert_false(http_result_header(&res, "X-Interim", text, sizeof(text)));
	assert_false(http_result_header(&res, "X-Nam", text, sizeof(text)));
	http_result_done(&res);
}

/* --- the client's thread --- */

struct collected {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int done, good, unavailable, unknown;
};

static void collect(void *arg, const struct http_result *res)
{
	struct collected *c = arg;

	pthread_mutex_lock(&c->lock);
	c->done++;
	c->good += res->code == 0 && res->status == 200;
	c->unavailable += res->code == ERR_UNAVAILABLE;
	c->unknown += res->code == ERR_UNKNOWN;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

static void wait_done(struct collected *c, int want)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 20;
	pthread_mutex_lock(&c->lock);
	while (c->done < want)
		assert_int_equal(pthread_cond_timedwait(&c->changed, &c->lock, &until), 0);
	pthread_mutex_unlock(&c->lock);
}

#define COLLECTED_INIT                                                                 \
	{                                                                              \
		.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER \
	}

static void submit(struct http_client *client, int port, int timeout_ms, struct collected *c)
{
	char url[64];
	struct http_call call = {
	    .method = "POST", .url = url, .body = "body", .body_len = 4, .timeout_ms = timeout_ms};

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/x", port);
	http_client_submit(client, &call, collect, c);
}

static struct http_client *open_client(int max_in_flight)
{
	struct http_client *client;
	struct error err;

	assert_int_equal(http_client_new(max_in_flight, &client, &err), 0);
	return client;
}

/* libcurl repeats on its own what it sent over a kept connection; that the repetition is refused proves
 * nothing. */
static void test_refused_repetition_is_unknown(void **state)
{
	struct collected c = COLLECTED_INIT;
	struct http_client *client = open_client(1);
	struct peer peer = {0};

	(void)state;
	start_peer(&peer, behave_die_on_second);
	submit(client, peer.port, 5000, &c);
	wait_done(&c, 1);
	assert_int_equal(c.good, 1);
	submit(client, peer.port, 5000, &c);
	wait_done(&c, 2);
	pthread_join(peer.thread, NULL);
	assert_int_equal(atomic_load(&peer.requests), 2);
	assert_int_equal(c.unknown, 1);
	http_client_free(client, 1000);
}

static void handle_ok(struct http_request *r, void *arg)
{
	(void)arg;
	http_reply(r, 200, "text/plain", http_body(r, NULL), 4);
}

static const struct http_route routes[] = {{"POST", "/x", handle_ok, HTTP_CUSTOMER, false}};

static struct http_server *open_server(void)
{
	struct http_server_options o = {.address = "127.0.0.1",
					.loops = 1,
					.workers = 1,
					.body_max = 1000,
					.connections_max = 100,
					.routes = routes,
					.route_count = 1};
	struct http_server *server;
	struct error err;

	assert_int_equal(http_server_start(&o, &server, &err), 0);
	return server;
}

static void test_many_in_flight(void **state)
{
	struct collected c = COLLECTED_INIT;
	struct http_server *server = open_server();
	struct http_client *client = open_client(50);

	(void)state;
	for (int i = 0; i < 3000; i++)
		submit(client, http_server_port(server), 20000, &c);
	wait_done(&c, 3000);
	assert_int_equal(c.good, 3000);
	http_client_free(client, 1000);
	http_server_stop(server, 1000);
}

static void test_free_drains(void **state)
{
	struct collected c = COLLECTED_INIT;
	struct http_server *server = open_server();
	struct http_client *client = open_client(5);

	(void)state;
	for (int i = 0; i < 200; i++)
		submit(client, http_server_port(server), 20000, &c);
	http_client_free(client, 20000);
	assert_int_equal(c.good, 200);
	http_server_stop(server, 1000);
	http_client_free(NULL, 0);
}

static void test_free_aborts_the_rest(void **state)
{
	struct collected c = COLLECTED_INIT;
	struct http_client *client = open_client(1);
	struct peer peer = {0};

	(void)state;
	start_peer(&peer, behave_silent);
	for (int i = 0; i < 3; i++)
		submit(client, peer.port, 60000, &c);
	assert_int_equal(http_client_pending(client), 3);
	http_client_free(client, 50);
	assert_int_equal(c.done, 3);
	assert_int_equal(c.unknown, 3);
	stop_peer(&peer);
}

static void test_timeouts_in_client(void **state)
{
	struct collected c = COLLECTED_INIT;
	struct http_client *client = open_client(4);
	struct peer silent = {0}, gone = {0};

	(void)state;
	start_peer(&silent, behave_silent);
	open_listener(&gone);
	close(gone.listener);
	submit(client, silent.port, 100, &c);
	submit(client, gone.port, 5000, &c);
	wait_done(&c, 2);
	assert_int_equal(c.unknown, 1);
	assert_int_equal(c.unavailable, 1);
	http_client_free(client, 1000);
	stop_peer(&silent);
}

struct chain {
	struct collected collected;
	struct http_client *client;
	int port, left;
};

static void next_in_chain(void *arg, const struct http_result *res)
{
	struct chain *chain = arg;
	char url[64];
	struct http_call call = {
	    .method = "POST", .url = url, .body = "body", .body_len = 4, .timeout_ms = 5000};

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/x", chain->port);
	if (chain->left-- > 0)
		http_client_submit(chain->client, &call, next_in_chain, chain);
	collect(&chain->collected, res);
}

static void test_submit_from_callback(void **state)
{
	struct http_server *server = open_server();
	struct chain chain = {.collected = COLLECTED_INIT, .client = open_client(1), .left = 50};
	const struct http_result none = {.status = 200};

	(void)state;
	chain.port = http_server_port(server);
	next_in_chain(&chain, &none);
	wait_done(&chain.collected, 51);
	assert_int_equal(chain.collected.good, 51);
	http_client_free(chain.client, 1000);
	http_server_stop(server, 1000);
}

static void handle_show(struct http_request *r, void *arg)
{
	const char *auth = http_header(r, "Authorization");
	const char *mark = http_header(r, "X-Mark");
	AUTO_FREE char *text =
	    xasprintf("%s %s %s %s", http_method(r), auth != NULL ? auth : "-", mark != NULL ? mark : "-",
		      http_header(r, "Expect") != NULL ? "expect" : "-");

	(void)arg;
	http_reply(r, 200, "text/plain", text, strlen(text));
}

static void test_what_is_sent(void **state)
{
	static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "PATCH"};
	static const char *const headers[] = {"X-Mark: here", NULL};
	struct http_route show[ARRAY_LEN(methods)];
	struct http_server_options o = {.address = "127.0.0.1",
					.body_max = 1 << 20,
					.connections_max = 100,
					.routes = show,
					.route_count = (int)ARRAY_LEN(methods)};
	AUTO_FREE char *large = xcalloc(1, 100000);
	struct http_server *server;
	struct error err;
	char url[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		show[i] = (struct http_route){methods[i], "/x", handle_show, HTTP_CUSTOMER, false};
	assert_int_equal(http_server_start(&o, &server, &err), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/x", http_server_port(server));
	for (size_t i = 0; i < 2 * ARRAY_LEN(methods); i++) {
		bool body = i >= ARRAY_LEN(methods);
		const char *method = methods[i % ARRAY_LEN(methods)];
		struct http_call call = {.method = method,
					 .url = url,
					 .headers = headers,
					 .body = body ? large : NULL,
					 .body_len = body ? 100000 : 0,
					 .timeout_ms = 5000,
					 .user = "key",
					 .password = ""};
		AUTO_FREE char *want = xasprintf("%s Basic a2V5Og== here -", method);
		struct http_result res;

		assert_int_equal(http_call(&call, &res, &err), 0);
		assert_string_equal(buf_str(&res.body), want);
		http_result_done(&res);
	}
	http_server_stop(server, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_no_such_host),
	    cmocka_unit_test(test_bad_urls),
	    cmocka_unit_test(test_timeout_is_unknown),
	    cmocka_unit_test(test_lost_connection_is_unknown),
	    cmocka_unit_test(test_interim_reply),
	    cmocka_unit_test(test_refused_repetition_is_unknown),
	    cmocka_unit_test(test_many_in_flight),
	    cmocka_unit_test(test_free_drains),
	    cmocka_unit_test(test_free_aborts_the_rest),
	    cmocka_unit_test(test_timeouts_in_client),
	    cmocka_unit_test(test_submit_from_callback),
	    cmocka_unit_test(test_what_is_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
