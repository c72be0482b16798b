/*
 * What the HTTP server makes of requests: routes, parameters, bodies, limits, tokens, problem documents.
 */
#include "tests/unit/http_fixture.h"

#define TOKEN "0123456789abcdef"

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

/* The {id} as what the query's "kind" says, and the query's ids. */
static void handle_id(struct http_request *r, void *arg)
{
	char text[UUID_TEXT_SIZE], order[UUID_TEXT_SIZE], cursor[UUID_TEXT_SIZE];
	struct uuid id = {0}, order_id, before;
	int64_t number = 0;
	struct error err;
	int rc = http_query(r, "number") != NULL ? http_path_number(r, &number, &err)
						 : http_path_uuid(r, &id, &err);

	(void)arg;
	if (rc == 0)
		rc = http_query_uuid(r, "order_id", &order_id, &err);
	if (rc == 0)
		rc = http_query_cursor(r, &before, &err);
	if (rc < 0)
		http_reply_error(r, &err);
	else
		http_reply_json(r, 200,
				json_pack("{s:s, s:I, s:s, s:s}", "id", uuid_format(id, text), "number",
					  (json_int_t)number, "order_id", uuid_format(order_id, order),
					  "cursor", uuid_format(before, cursor)));
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
	http_reply_problems(r, "invalid order", &p);
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

static const struct http_route routes[] = {
    {"GET", "/hello", handle_hello, HTTP_CUSTOMER, false},
    {"GET", "/show/{a}/with/{b}", handle_show, HTTP_CUSTOMER, false},
    {"GET", "/show/{a}", handle_show, HTTP_CUSTOMER, false},
    {"GET", "/show/literal", handle_literal, HTTP_CUSTOMER, false},
    {"POST", "/show/{a}", handle_show, HTTP_CUSTOMER, false},
    {"GET", "/int", handle_int, HTTP_CUSTOMER, false},
    {"GET", "/things/{id}", handle_id, HTTP_CUSTOMER, false},
    {"POST", "/echo", handle_echo, HTTP_CUSTOMER, false},
    {"POST", "/form", handle_form, HTTP_CUSTOMER, false},
    {"GET", "/problems", handle_problems, HTTP_CUSTOMER, false},
    {"GET", "/unavailable", handle_unavailable, HTTP_CUSTOMER, false},
    {"GET", "/silent", handle_silent, HTTP_CUSTOMER, false},
    {"GET", "/silent-blocking", handle_silent, HTTP_CUSTOMER, true},
    {"DELETE", "/operator", handle_hello, HTTP_OPERATOR, false},
};

static struct http_server_options server_options(void)
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
	};
}

static void check_field(const json_t *json, const char *name, const char *want)
{
	assert_non_null(json);
	assert_string_equal(json_string_or(json, name, "(none)"), want);
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
		const json_t *error = json_array_get(json_object_get(problem, "errors"), 0);

		check_field(problem, "detail", "limit: must be an integer from 1 to 1000");
		check_field(error, "field", "limit");
		check_field(error, "detail", "must be an integer from 1 to 1000");
	}
}

#define AN_ID "01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11"
#define NIL   "00000000-0000-0000-0000-000000000000"

static void test_ids(void **state)
{
	static const struct {
		const char *target, *field, *detail;
	} bad[] = {
	    {"/things/nope", "id", "must be a UUID"},
	    {"/things/01939b1c", "id", "must be a UUID"},
	    {"/things/" AN_ID "0", "id", "must be a UUID"},
	    {"/things/0?number", "id", "must be an integer from 1"},
	    {"/things/-1?number", "id", "must be an integer from 1"},
	    {"/things/1x?number", "id", "must be an integer from 1"},
	    {"/things/9223372036854775808?number", "id", "must be an integer from 1"},
	    {"/things/1?number&order_id=x", "order_id", "must be a UUID"},
	    {"/things/1?number&cursor=01939b1c", "cursor", "must be the next_cursor of an earlier reply"},
	};
	AUTO_JSON json_t *plain = request("GET", "/things/" AN_ID "?order_id=&cursor=", NULL, 200);
	AUTO_JSON json_t *full =
	    request("GET", "/things/9223372036854775807?number&order_id=" AN_ID "&cursor=" AN_ID, NULL, 200);

	(void)state;
	check_field(plain, "id", AN_ID);
	check_field(plain, "order_id", NIL);
	check_field(plain, "cursor", NIL);
	check_field(full, "order_id", AN_ID);
	check_field(full, "cursor", AN_ID);
	assert_int_equal(json_int_or(full, "number", 0), INT64_MAX);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO_JSON json_t *problem = request("GET", bad[i].target, NULL, 400);
		const json_t *error = json_array_get(json_object_get(problem, "errors"), 0);

		check_field(error, "field", bad[i].field);
		check_field(error, "detail", bad[i].detail);
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
	check_field(problem, "code", "invalid");
	check_field(problem, "detail", "items[0].quantity: must be 1 to 100; name: bad byte ? here");
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
	    cmocka_unit_test_setup_teardown(test_ids, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_json_bodies, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_form_bodies, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_large_bodies, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_expect_continue, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_problems, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_unavailable, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_no_reply, start_server, stop_server),
	    cmocka_unit_test_setup_teardown(test_operator, start_server, stop_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
