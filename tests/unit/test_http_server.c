/*
 * The HTTP server with real connections on ports of its own: routes, parameters, bodies, errors, deferred
 * replies, stopping.
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
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/http/client.h"
#include "core/http/server.h"

#define TOKEN "0123456789abcdef"

/* --- the server under test --- */

static struct http_server *server;

/* Requests that have been deferred and are replied to by `replier` or by a test. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct http_request *list[4096];
	int count;
	bool closed;
} parked = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static atomic_int observed;
static atomic_int blocking_runs;

static void handle_hello(struct http_request *r, void *arg)
{
	(void)arg;
	http_reply(r, 200, "text/plain", "hello", 5);
}

static void handle_show(struct http_request *r, void *arg)
{
	const char *q = http_query(r, "q");

	(void)arg;
	http_reply_json(r, 200,
			json_pack("{s:s,s:s,s:s*,s:s}", "first", http_path_param(r, 0), "second",
				  http_path_param(r, 1), "q", q, "path", http_path(r)));
}

static void handle_literal(struct http_request *r, void *arg)
{
	(void)arg;
	http_reply(r, 200, "text/plain", "literal", 7);
}

static void handle_int(struct http_request *r, void *arg)
{
	struct error err;
	int64_t limit;

	(void)arg;
	if (http_query_int(r, "limit", 1, 1000, 50, &limit, &err) != 0)
		http_reply_error(r, &err);
	else
		http_reply_json(r, 200, json_pack("{s:I}", "limit", (json_int_t)limit));
}

static void handle_echo(struct http_request *r, void *arg)
{
	struct error err;
	json_t *body;

	(void)arg;
	if (http_body_json(r, &body, &err) != 0) {
		http_reply_error(r, &err);
		return;
	}
	http_reply_header(r, "X-Echo", "yes");
	http_reply_header(r, "Location", "/echo/1");
	http_reply_json(r, 201, body);
}

static void handle_form(struct http_request *r, void *arg)
{
	struct error err;
	json_t *body;

	(void)arg;
	if (http_body_form(r, &body, &err) != 0)
		http_reply_error(r, &err);
	else
		http_reply_json(r, 200, body);
}

static void handle_problems(struct http_request *r, void *arg)
{
	struct http_problems p = {0};

	(void)arg;
	http_problem(&p, "items[0].quantity", "must be 1 to %d", 100);
	http_problem(&p, "name", "bad byte \xff here");
	http_reply_problems(r, 422, "invalid order", &p);
}

static void handle_unavailable(struct http_request *r, void *arg)
{
	struct error err;

	(void)arg;
	error_set(&err, ERR_UNAVAILABLE, "read the menu", "the database \"x\" is away \xe2\x82");
	error_hint(&err, "wait");
	http_reply_error(r, &err);
}

static void handle_silent(struct http_request *r, void *arg)
{
	(void)r;
	(void)arg;
}

static void handle_blocking(struct http_request *r, void *arg)
{
	(void)arg;
	atomic_fetch_add(&blocking_runs, 1);
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
    {"GET", "/gate", handle_gate, HTTP_CUSTOMER, false},
    {"GET", "/hello", handle_hello, HTTP_CUSTOMER, false},
    {"GET", "/show/{a}/with/{b}", handle_show, HTTP_CUSTOMER, false},
    {"GET", "/show/{a}", handle_show, HTTP_CUSTOMER, false},
    {"GET", "/show/literal", handle_literal, HTTP_CUSTOMER, false},
    {"POST", "/show/{a}", handle_show, HTTP_CUSTOMER, false},
    {"GET", "/int", handle_int, HTTP_CUSTOMER, false},
    {"POST", "/echo", handle_echo, HTTP_CUSTOMER, false},
    {"POST", "/form", handle_form, HTTP_CUSTOMER, false},
    {"GET", "/problems", handle_problems, HTTP_CUSTOMER, false},
    {"GET", "/unavailable", handle_unavailable, HTTP_CUSTOMER, false},
    {"GET", "/silent", handle_silent, HTTP_CUSTOMER, false},
    {"GET", "/silent-blocking", handle_silent, HTTP_CUSTOMER, true},
    {"GET", "/blocking/{x}", handle_blocking, HTTP_CUSTOMER, true},
    {"GET", "/blocking-parked", handle_parked, HTTP_CUSTOMER, true},
    {"POST", "/parked", handle_parked, HTTP_CUSTOMER, false},
    {"DELETE", "/operator", handle_hello, HTTP_OPERATOR, false},
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

static struct http_server_options default_options(void)
{
	return (struct http_server_options){
	    .address = "127.0.0.1",
	    .loops = 2,
	    .workers = 2,
	    .body_max = 65536,
	    .connections_max = 2000,
	    .operator_token = TOKEN,
	    .routes = routes,
	    .route_count = (int)ARRAY_LEN(routes),
	    .observe = observe,
	};
}

static int start_server(void **state)
{
	struct http_server_options o = default_options();
	struct error err;

	(void)state;
	parked.count = 0;
	assert_int_equal(http_server_start(&o, &server, &err), 0);
	return 0;
}

static int stop_server(void **state)
{
	(void)state;
	http_server_stop(server, 1000);
	server = NULL;
	return 0;
}

/* --- helpers --- */

static void request_with(struct http_result *res, const char *method, const char *path,
			 const char *const *headers, const char *body, size_t len)
{
	char url[4096];
	struct error err;
	struct http_call call = {.method = method,
				 .url = url,
				 .headers = headers,
				 .body = body,
				 .body_len = len,
				 .timeout_ms = 10000};

	snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", http_server_port(server), path);
	assert_int_equal(http_call(&call, res, &err), 0);
}

/* Sends a request, compares the status, and returns the body as JSON (NULL when it is none). */
static json_t *request(const char *method, const char *path, const char *body, int status)
{
	struct http_result res;
	json_t *json;

	request_with(&res, method, path, NULL, body, body != NULL ? strlen(body) : 0);
	assert_int_equal(res.status, status);
	json = json_loadb(buf_str(&res.body), res.body.len, 0, NULL);
	http_result_done(&res);
	return json;
}

static void check_field(const json_t *json, const char *name, const char *want)
{
	assert_non_null(json);
	assert_string_equal(json_string_or(json, name, "(none)"), want);
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

static int connect_raw(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)http_server_port(server)),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void send_text(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Reads until `want` has come; false at the end of the stream or after 10 s. */
static bool read_until(int fd, struct buf *got, const char *want)
{
	struct mono deadline = mono_add_ms(mono_now(), 10000);

	while (strstr(buf_str(got), want) == NULL) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		char part[4096];
		ssize_t n;

		if (poll(&p, 1, (int)mono_left_ms(deadline)) <= 0)
			return false;
		n = recv(fd, part, sizeof(part), 0);
		if (n <= 0)
			return false;
		buf_add(got, part, (size_t)n);
	}
	return true;
}

/* --- routes --- */

static void test_routes(void **state)
{
	struct http_result res;
	char text[64];

	(void)state;
	request_with(&res, "GET", "/hello", NULL, NULL, 0);
	assert_int_equal(res.status, 200);
	assert_string_equal(buf_str(&res.body), "hello");
	assert_true(http_result_header(&res, "content-type", text, sizeof(text)));
	assert_string_equal(text, "text/plain");
	http_result_done(&res);

	AUTO_JSON json_t *both = request("GET", "/show/a%2Fb%20c/with/%D0%BF?q=x%26y+z&other=1", NULL, 200);
	check_field(both, "first", "a/b c");
	check_field(both, "second", "\xd0\xbf");
	check_field(both, "q", "x&y z");
	check_field(both, "path", "/show/a%2Fb%20c/with/%D0%BF");
	AUTO_JSON json_t *one = request("GET", "/show/x", NULL, 200);
	check_field(one, "first", "x");
	check_field(one, "second", "");
	check_field(one, "q", "(none)");
}

static void test_literal_wins(void **state)
{
	struct http_result res;

	(void)state;
	request_with(&res, "GET", "/show/literal", NULL, NULL, 0);
	assert_string_equal(buf_str(&res.body), "literal");
	http_result_done(&res);
	AUTO_JSON json_t *post = request("POST", "/show/literal", "", 200);
	check_field(post, "first", "literal");
}

static void test_head(void **state)
{
	struct http_result res;
	char text[16];

	(void)state;
	request_with(&res, "HEAD", "/hello", NULL, NULL, 0);
	assert_int_equal(res.status, 200);
	assert_int_equal(res.body.len, 0);
	assert_true(http_result_header(&res, "Content-Length", text, sizeof(text)));
	assert_string_equal(text, "5");
	http_result_done(&res);
}

static void test_not_found(void **state)
{
	static const char *const paths[] = {"/",	   "/nothing", "/hello/",
					    "/hello/more", "/show/",   "/a/b/c/d/e/f/g/h/i/j/k/l/m/n"};
	struct http_result res;
	char text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		AUTO_JSON json_t *problem = request("GET", paths[i], NULL, 404);
		check_field(problem, "title", "not found");
		check_field(problem, "code", "not_found");
	}
	request_with(&res, "GET", "/nothing", NULL, NULL, 0);
	assert_true(http_result_header(&res, "Content-Type", text, sizeof(text)));
	assert_string_equal(text, "application/problem+json");
	http_result_done(&res);
}

static void test_method_not_allowed(void **state)
{
	struct http_result res;
	char text[64];

	(void)state;
	request_with(&res, "PUT", "/show/x", NULL, "{}", 2);
	assert_int_equal(res.status, 405);
	assert_true(http_result_header(&res, "Allow", text, sizeof(text)));
	assert_string_equal(text, "GET, HEAD, POST");
	http_result_done(&res);
	json_decref(request("BREW", "/hello", NULL, 405));
}

static void test_bad_targets(void **state)
{
	static const char *const paths[] = {"/show/%ff",       "/show/a%",     "/show/a%4",
					    "/show/%zz",       "/show/a%00b",  "/hello?q=%ff",
					    "/hello?q=%c0%80", "/hello?%zz=1", "/hello?q=%ed%a0%80"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		AUTO_JSON json_t *problem = request("GET", paths[i], NULL, 400);
		check_field(problem, "code", "malformed");
	}
}

static void test_bad_header(void **state)
{
	static const char *const headers[] = {"Idempotency-Key: \xff", NULL};
	struct http_result res;

	(void)state;
	request_with(&res, "GET", "/hello", headers, NULL, 0);
	assert_int_equal(res.status, 400);
	http_result_done(&res);
}

static void test_query_int(void **state)
{
	static const char *const bad[] = {"/int?limit=0",
					  "/int?limit=1001",
					  "/int?limit=",
					  "/int?limit=5x",
					  "/int?limit=%205",
					  "/int?limit=%2B5",
					  "/int?limit=99999999999999999999"};
	AUTO_JSON json_t *fallback = request("GET", "/int", NULL, 200);
	AUTO_JSON json_t *given = request("GET", "/int?limit=1000", NULL, 200);

	(void)state;
	assert_int_equal(json_int_or(fallback, "limit", 0), 50);
	assert_int_equal(json_int_or(given, "limit", 0), 1000);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO_JSON json_t *problem = request("GET", bad[i], NULL, 400);
		check_field(problem, "detail", "limit must be an integer from 1 to 1000");
	}
}

/* --- bodies --- */

static int post_typed(const char *path, const char *type, const char *body)
{
	const char *headers[] = {type, NULL};
	struct http_result res;
	int status;

	request_with(&res, "POST", path, headers, body, strlen(body));
	status = res.status;
	http_result_done(&res);
	return status;
}

static void test_json_bodies(void **state)
{
	const char *const headers[] = {"Content-Type: application/json; charset=utf-8", NULL};
	struct http_result res;
	char text[64];

	(void)state;
	request_with(&res, "POST", "/echo", headers, "{\"a\":1}", 7);
	assert_int_equal(res.status, 201);
	assert_string_equal(buf_str(&res.body), "{\"a\":1}");
	assert_true(http_result_header(&res, "x-echo", text, sizeof(text)));
	assert_true(http_result_header(&res, "location", text, sizeof(text)));
	assert_string_equal(text, "/echo/1");
	http_result_done(&res);
	assert_int_equal(post_typed("/echo", "Content-Type: application/vnd.x+json", "{}"), 201);
	assert_int_equal(post_typed("/echo", "Content-Type:", "{}"), 201);
	assert_int_equal(post_typed("/echo", "Content-Type: text/plain", "{}"), 415);
	assert_int_equal(post_typed("/echo", "Content-Type: application/jsonx", "{}"), 415);
	assert_int_equal(post_typed("/echo", "Content-Type: application/json", "{"), 400);
	assert_int_equal(post_typed("/echo", "Content-Type: application/json", ""), 400);
	assert_int_equal(post_typed("/echo", "Content-Type: application/json", "[1]"), 400);
	assert_int_equal(post_typed("/echo", "Content-Type: application/json", "{\"a\":\"\xff\"}"), 400);
}

static void test_form_bodies(void **state)
{
	AUTO_JSON json_t *form =
	    request("POST", "/form", "amount=5&metadata%5Border_id%5D=a+b%26&empty=&bare", 200);

	(void)state;
	check_field(form, "amount", "5");
	check_field(form, "metadata[order_id]", "a b&");
	check_field(form, "empty", "");
	check_field(form, "bare", "");
	json_decref(request("POST", "/form", "a=%zz", 400));
	json_decref(request("POST", "/form", "a=%ff", 400));
	assert_int_equal(post_typed("/form", "Content-Type: application/json", "{}"), 415);
}

static void test_large_bodies(void **state)
{
	size_t size = 1 << 20;
	AUTO_FREE char *body = xmalloc(size + 1);
	const char *const chunked[] = {"Transfer-Encoding: chunked", "Content-Type: application/json", NULL};
	struct http_result res;
	struct buf fits = {0};

	(void)state;
	memset(body, ' ', size);
	body[size] = '\0';
	AUTO_JSON json_t *problem = request("POST", "/form", body, 413);
	check_field(problem, "code", "too_large");
	request_with(&res, "POST", "/echo", chunked, body, size);
	assert_int_equal(res.status, 413);
	http_result_done(&res);
	/* Exactly as large as allowed. */
	buf_adds(&fits, "{\"a\":\"");
	buf_add(&fits, body, 65536 - 8);
	buf_adds(&fits, "\"}");
	assert_int_equal(post_typed("/echo", "Content-Type: application/json", buf_str(&fits)), 201);
	buf_done(&fits);
}

static void test_expect_continue(void **state)
{
	int fd = connect_raw();
	CLEANUP(buf_done) struct buf got = {0};

	(void)state;
	send_text(
	    fd,
	    "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100000000\r\n\r\n");
	assert_true(read_until(fd, &got, "too_large"));
	assert_non_null(strstr(buf_str(&got), "HTTP/1.1 413"));
	close(fd);
}

/* --- errors --- */

static void test_problems(void **state)
{
	AUTO_JSON json_t *problem = request("GET", "/problems", NULL, 422);
	const json_t *errors = json_object_get(problem, "errors");

	(void)state;
	check_field(problem, "title", "invalid order");
	assert_int_equal(json_array_size(errors), 2);
	check_field(json_array_get(errors, 0), "field", "items[0].quantity");
	check_field(json_array_get(errors, 0), "detail", "must be 1 to 100");
	check_field(json_array_get(errors, 1), "detail", "bad byte ? here");
}

static void test_unavailable(void **state)
{
	struct http_result res;
	char text[16];

	(void)state;
	request_with(&res, "GET", "/unavailable", NULL, NULL, 0);
	assert_int_equal(res.status, 503);
	assert_true(http_result_header(&res, "Retry-After", text, sizeof(text)));
	AUTO_JSON json_t *problem = json_loads(buf_str(&res.body), 0, NULL);
	check_field(problem, "detail", "the database \"x\" is away ??");
	check_field(problem, "hint", "wait");
	assert_int_equal(json_int_or(problem, "status", 0), 503);
	http_result_done(&res);
}

static void test_no_reply(void **state)
{
	(void)state;
	AUTO_JSON json_t *inline_one = request("GET", "/silent", NULL, 500);
	check_field(inline_one, "code", "internal");
	AUTO_JSON json_t *blocking_one = request("GET", "/silent-blocking", NULL, 500);
	check_field(blocking_one, "code", "internal");
}

static void test_operator(void **state)
{
	static const struct {
		const char *header;
		int status;
	} cases[] = {
	    {"Authorization: Bearer " TOKEN, 200},
	    {"authorization: bearer  " TOKEN, 200},
	    {"Authorization: Bearer " TOKEN "x", 401},
	    {"Authorization: Bearer 0123456789abcdeF", 401},
	    {"Authorization: Bearer ", 401},
	    {"Authorization: Basic " TOKEN, 401},
	    {"X-Other: " TOKEN, 401},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *headers[] = {cases[i].header, NULL};
		struct http_result res;
		char text[32];

		request_with(&res, "DELETE", "/operator", headers, NULL, 0);
		assert_int_equal(res.status, cases[i].status);
		assert_int_equal(http_result_header(&res, "WWW-Authenticate", text, sizeof(text)),
				 cases[i].status == 401);
		http_result_done(&res);
	}
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
	parked.closed = false;
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
	json_decref(request("GET", "/int", NULL, 200));
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
	struct http_server_options o = default_options();
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
	json_decref(request("GET", "/int", NULL, 200));
	json_decref(request("GET", "/nothing", NULL, 404));
	stop_server(NULL);
	assert_int_equal(atomic_load(&observed), before + 2);
	start_server(NULL);
}

static void test_port_in_use(void **state)
{
	struct http_server_options o = default_options();
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
	struct http_server_options o = default_options();
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
	struct http_server_options o = default_options();
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
	struct http_server_options o = default_options();
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
	    cmocka_unit_test_setup_teardown(test_routes, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_literal_wins, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_head, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_not_found, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_method_not_allowed, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_bad_targets, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_bad_header, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_query_int, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_json_bodies, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_form_bodies, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_large_bodies, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_expect_continue, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_problems, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_unavailable, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_no_reply, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_operator, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_many_deferred, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_client_gone_while_deferred, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_blocking, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_keep_alive_and_pipelining, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_ready_at_once, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_observed, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_port_in_use, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_shared_port, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_stop_drains, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_stop_abandons, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_unix_socket, start_server, stop_server),
	    cmocka_unit_test(test_long_unix_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
