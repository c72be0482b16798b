/*
 * The HTTP server's threads and times: deferred replies, blocking routes, kept connections, sockets,
 * stopping.
 */
#include "tests/unit/http_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

/* Requests that have been deferred and are replied to by `replier` or by a test. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct http_request *list[4096];
	int count;
	bool closed;
} parked = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static atomic_int observed;

static void handle_hello(struct http_request *r, void *arg)
{
	(void)arg;
	http_reply(r, 200, "text/plain", "hello", 5);
}

static void handle_show(struct http_request *r, void *arg)
{
	(void)arg;
	http_reply_json(r, 200, json_pack("{s:s}", "first", http_path_param(r, 0)));
}

static void handle_blocking(struct http_request *r, void *arg)
{
	(void)arg;
	http_reply(r, 200, "text/plain", http_path_param(r, 0), strlen(http_path_param(r, 0)));
}

static void handle_parked(struct http_request *r, void *arg)
{
	(void)arg;
	http_defer(r);
	pthread_mutex_lock(&parked.lock);
	parked.list[parked.count++] = r;
	pthread_cond_broadcast(&parked.changed);
	pthread_mutex_unlock(&parked.lock);
}

/* Holds the event loop until the test opens the gate. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void handle_gate(struct http_request *r, void *arg)
{
	(void)arg;
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	http_reply(r, 200, "text/plain", "open", 4);
}

static const struct http_route routes[] = {
    {"GET", "/hello", handle_hello, HTTP_CUSTOMER, false},
    {"GET", "/show/{a}", handle_show, HTTP_CUSTOMER, false},
    {"GET", "/gate", handle_gate, HTTP_CUSTOMER, false},
    {"GET", "/blocking/{x}", handle_blocking, HTTP_CUSTOMER, true},
    {"GET", "/blocking-parked", handle_parked, HTTP_CUSTOMER, true},
    {"POST", "/parked", handle_parked, HTTP_CUSTOMER, false},
};

static void observe(void *arg, const char *method, const char *route, int status, double seconds)
{
	(void)arg;
	assert_non_null(method);
	assert_non_null(route);
	assert_in_range(status, 200, 599);
	assert_true(seconds >= 0);
	atomic_fetch_add(&observed, 1);
}

static struct http_server_options server_options(void)
{
	return (struct http_server_options){
	    .address = "127.0.0.1",
	    .loops = 2,
	    .workers = 2,
	    .body_max = 65536,
	    .connections_max = 2000,
	    .routes = routes,
	    .route_count = (int)ARRAY_LEN(routes),
	    .observe = observe,
	};
}

static int start_empty(void **state)
{
	parked.count = 0;
	parked.closed = false;
	return start_server(state);
}

static struct http_request *wait_parked(int count)
{
	struct http_request *r;

	pthread_mutex_lock(&parked.lock);
	while (parked.count < count) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += 10;
		assert_int_equal(pthread_cond_timedwait(&parked.changed, &parked.lock, &until), 0);
	}
	r = parked.list[count - 1];
	pthread_mutex_unlock(&parked.lock);
	return r;
}

/* --- deferred replies --- */

static void *reply_parked(void *arg)
{
	int done = 0;

	(void)arg;
	pthread_mutex_lock(&parked.lock);
	while (!parked.closed || done < parked.count) {
		struct http_request *r;
		size_t len;
		const char *body;

		if (done == parked.count) {
			pthread_cond_wait(&parked.changed, &parked.lock);
			continue;
		}
		r = parked.list[done++];
		pthread_mutex_unlock(&parked.lock);
		body = http_body(r, &len);
		http_reply(r, 200, "text/plain", body, len);
		pthread_mutex_lock(&parked.lock);
	}
	pthread_mutex_unlock(&parked.lock);
	return NULL;
}

struct flood {
	atomic_int good, bad;
};

struct flood_call {
	struct flood *flood;
	char body[32];
};

static void flood_done(void *arg, const struct http_result *res)
{
	struct flood_call *call = arg;

	if (res->code == 0 && res->status == 200 && strcmp(buf_str(&res->body), call->body) == 0)
		atomic_fetch_add(&call->flood->good, 1);
	else
		atomic_fetch_add(&call->flood->bad, 1);
	free(call);
}

static void test_many_deferred(void **state)
{
	enum { CALLS = 4000 };
	struct flood flood = {0};
	struct http_client *client;
	struct error err;
	pthread_t replier;
	char url[64];

	(void)state;
	pthread_create(&replier, NULL, reply_parked, NULL);
	assert_int_equal(http_client_new(200, &client, &err), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/parked", http_server_port(server));
	for (int i = 0; i < CALLS; i++) {
		struct flood_call *fc = xcalloc(1, sizeof(*fc));
		struct http_call call = {.method = "POST", .url = url, .body = fc->body, .timeout_ms = 30000};

		fc->flood = &flood;
		call.body_len = (size_t)snprintf(fc->body, sizeof(fc->body), "body number %d", i);
		http_client_submit(client, &call, flood_done, fc);
	}
	http_client_free(client, 30000);
	pthread_mutex_lock(&parked.lock);
	parked.closed = true;
	pthread_cond_broadcast(&parked.changed);
	pthread_mutex_unlock(&parked.lock);
	pthread_join(replier, NULL);
	assert_int_equal(atomic_load(&flood.bad), 0);
	assert_int_equal(atomic_load(&flood.good), CALLS);
}

static void test_client_gone_while_deferred(void **state)
{
	int fd = connect_raw();
	struct http_request *r;
	size_t len;

	(void)state;
	send_text(fd, "POST /parked HTTP/1.1\r\nHost: x\r\nX-Key: kept\r\nContent-Length: 4\r\n\r\nbody");
	r = wait_parked(1);
	close(fd);
	assert_string_equal(http_body(r, &len), "body");
	assert_string_equal(http_header(r, "x-key"), "kept");
	http_reply(r, 200, "text/plain", "late", 4);
	json_decref(request("GET", "/hello", NULL, 200));
}

static void test_blocking(void **state)
{
	struct http_result res;
	int fd = connect_raw();
	CLEANUP(buf_done) struct buf got = {0};

	(void)state;
	request_with(&res, "GET", "/blocking/abc", NULL, NULL, 0);
	assert_int_equal(res.status, 200);
	assert_string_equal(buf_str(&res.body), "abc");
	http_result_done(&res);
	send_text(fd, "GET /blocking-parked HTTP/1.1\r\nHost: x\r\n\r\n");
	http_reply(wait_parked(1), 200, "text/plain", "passed on", 9);
	assert_true(read_until(fd, &got, "passed on"));
	close(fd);
}

static void test_keep_alive_and_pipelining(void **state)
{
	int fd = connect_raw();
	CLEANUP(buf_done) struct buf got = {0};

	(void)state;
	send_text(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\nGET /blocking/one HTTP/1.1\r\nHost: x\r\n\r\n"
		      "GET /show/two HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(read_until(fd, &got, "\"two\""));
	assert_non_null(strstr(buf_str(&got), "hello"));
	assert_non_null(strstr(strstr(buf_str(&got), "hello"), "one"));
	send_text(fd, "GET /show/again HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(read_until(fd, &got, "\"again\""));
	close(fd);
}

/*
 * libmicrohttpd asks epoll for 128 events at a time.  When as many connections are ready at once, none of
 * them may be left waiting, and neither with one more or less.
 */
static void test_ready_at_once(void **state)
{
	struct http_server_options o = server_options();
	int fds[130];
	struct error err;

	(void)state;
	stop_server(NULL);
	o.loops = 1;
	assert_int_equal(http_server_start(&o, &server, &err), 0);
	for (int n = 127; n <= 129; n++) {
		for (int i = 0; i <= n; i++) {
			CLEANUP(buf_done) struct buf got = {0};

			fds[i] = connect_raw();
			send_text(fds[i], "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
			assert_true(read_until(fds[i], &got, "hello"));
		}
		pthread_mutex_lock(&gate);
		send_text(fds[n], "GET /gate HTTP/1.1\r\nHost: x\r\n\r\n");
		for (int i = 0; i < n; i++)
			send_text(fds[i], "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
		pthread_mutex_unlock(&gate);
		for (int i = 0; i <= n; i++) {
			CLEANUP(buf_done) struct buf got = {0};

			assert_true(read_until(fds[i], &got, i == n ? "open" : "hello"));
			close(fds[i]);
		}
	}
}

/* --- starting and stopping --- */

static void test_observed(void **state)
{
	int before = atomic_load(&observed);

	(void)state;
	json_decref(request("GET", "/hello", NULL, 200));
	json_decref(request("GET", "/nothing", NULL, 404));
	stop_server(NULL);
	assert_int_equal(atomic_load(&observed), before + 2);
	start_server(NULL);
}

static void test_port_in_use(void **state)
{
	struct http_server_options o = server_options();
	struct http_server *other;
	struct error err;
	char port[16];

	(void)state;
	o.port = http_server_port(server);
	snprintf(port, sizeof(port), "%d", o.port);
	assert_int_equal(http_server_start(&o, &other, &err), ERR_CONFLICT);
	assert_non_null(strstr(err.why, port));
	assert_true(err.hint[0] != '\0');
}

static void test_shared_port(void **state)
{
	struct http_server_options o = server_options();
	struct http_server *first, *second;
	struct error err;

	(void)state;
	o.reuse_port = true;
	assert_int_equal(http_server_start(&o, &first, &err), 0);
	o.port = http_server_port(first);
	assert_int_equal(http_server_start(&o, &second, &err), 0);
	http_server_stop(first, 0);
	http_server_stop(second, 0);
}

struct stopping {
	pthread_t thread;
	int drain_ms;
};

static void *stop_thread(void *arg)
{
	struct stopping *s = arg;

	http_server_stop(server, s->drain_ms);
	return NULL;
}

/* Waits until nobody listens any more. */
static void wait_closed(int port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct mono deadline = mono_add_ms(mono_now(), 10000);
	int rc;

	do {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		rc = connect(fd, (struct sockaddr *)&to, sizeof(to));
		close(fd);
		assert_true(mono_left_ms(deadline) > 0);
	} while (rc == 0);
}

static void test_stop_drains(void **state)
{
	struct stopping s = {.drain_ms = 10000};
	int fd = connect_raw();
	CLEANUP(buf_done) struct buf got = {0};
	struct http_request *r;

	(void)state;
	send_text(fd, "POST /parked HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
	r = wait_parked(1);
	pthread_create(&s.thread, NULL, stop_thread, &s);
	wait_closed(http_server_port(server));
	http_reply(r, 200, "text/plain", "drained", 7);
	assert_true(read_until(fd, &got, "drained"));
	assert_non_null(strstr(buf_str(&got), "Connection: close"));
	pthread_join(s.thread, NULL);
	close(fd);
	start_server(NULL);
}

static void test_stop_abandons(void **state)
{
	int fd = connect_raw();
	CLEANUP(buf_done) struct buf got = {0};
	struct http_request *r;
	size_t len;

	(void)state;
	send_text(fd, "POST /parked HTTP/1.1\r\nHost: x\r\nX-Key: kept\r\nContent-Length: 4\r\n\r\nbody");
	r = wait_parked(1);
	http_server_stop(server, 0);
	assert_true(read_until(fd, &got, "the server is stopping"));
	assert_non_null(strstr(buf_str(&got), "HTTP/1.1 503"));
	/* The request outlives the server until it is replied to. */
	assert_string_equal(http_body(r, &len), "body");
	assert_string_equal(http_header(r, "X-Key"), "kept");
	http_reply(r, 200, "text/plain", "too late", 8);
	close(fd);
	start_server(NULL);
}

static void test_unix_socket(void **state)
{
	struct http_server_options o = server_options();
	struct http_server *first, *second;
	char path[64];
	struct stat st;
	struct error err;
	struct http_result res;
	struct http_call call = {
	    .method = "GET", .url = "http://localhost/hello", .unix_path = path, .timeout_ms = 5000};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int stale = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	snprintf(path, sizeof(path), "/tmp/pizza-test-%d.sock", (int)getpid());
	memcpy(address.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(stale, (struct sockaddr *)&address, sizeof(address)), 0);
	close(stale); /* the file stays behind */
	o.unix_path = path;
	assert_int_equal(http_server_start(&o, &first, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(http_server_start(&o, &second, &err), ERR_CONFLICT);
	assert_int_equal(http_call(&call, &res, &err), 0);
	assert_int_equal(res.status, 200);
	http_result_done(&res);
	http_server_stop(first, 100);
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(http_call(&call, &res, &err), ERR_UNAVAILABLE);
	http_result_done(&res);
}

static void test_long_unix_path(void **state)
{
	struct http_server_options o = server_options();
	struct http_server *s;
	struct error err;
	char path[200];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	o.unix_path = path;
	assert_int_equal(http_server_start(&o, &s, &err), ERR_USAGE);
	assert_true(err.hint[0] != '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_many_deferred, start_empty, stop_server),
	    cmocka_unit_test_setup_teardown(test_client_gone_while_deferred, start_empty, stop_server),
	    cmocka_unit_test_setup_teardown(test_blocking, start_empty, stop_server),
	    cmocka_unit_test_setup_teardown(test_keep_alive_and_pipelining, start_empty, stop_server),
	    cmocka_unit_test_setup_teardown(test_ready_at_once, start_empty, stop_server),
	    cmocka_unit_test_setup_teardown(test_observed, start_empty, stop_server),
	    cmocka_unit_test_setup_teardown(test_port_in_use, start_empty, stop_server),
	    cmocka_unit_test_setup_teardown(test_shared_port, start_empty, stop_server),
	    cmocka_unit_test_setup_teardown(test_stop_drains, start_empty, stop_server),
	    cmocka_unit_test_setup_teardown(test_stop_abandons, start_empty, stop_server),
	    cmocka_unit_test_setup_teardown(test_unix_socket, start_empty, stop_server),
	    cmocka_unit_test(test_long_unix_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
