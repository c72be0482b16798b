/*
 * HTTP calls to daemons.  One thread.
 */
#include "core/console/api.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/console/context.h"
#include "core/console/guard.h"
#include "core/contract/daemons.h"
#include "core/http/client.h"

#define PAGE 1000

void api_encode(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (isalnum((unsigned char)*text) || strchr("-._~", *text) != NULL)
			buf_addc(out, *text);
		else
			buf_addf(out, "%%%02X", (unsigned char)*text);
	}
}

void api_query(struct buf *path, const char *name, const char *value)
{
	if (value == NULL)
		return;
	buf_addf(path, "%c%s=", strchr(buf_str(path), '?') != NULL ? '&' : '?', name);
	api_encode(path, value);
}

void api_segment(struct buf *path, const char *text)
{
	buf_addc(path, '/');
	api_encode(path, text);
}

/* True when the URL says where exactly: a port or a path behind the host. */
static bool is_complete(const char *url)
{
	const char *host = strstr(url, "://") + 3, *bracket = strchr(host, ']');

	return strpbrk(bracket != NULL ? bracket : host, ":/") != NULL;
}

/* The URL without the slashes at its end, and with the daemon's port where it names none. */
static void remote_base(const char *url, const struct daemon_info *d, char *text, size_t size)
{
	size_t n = strlen(url);

	while (n > 0 && url[n - 1] == '/')
		n--;
	snprintf(text, size, "%.*s", (int)n, url);
	if (!is_complete(text))
		snprintf(text + strlen(text), size - strlen(text), ":%d", daemon_port(d));
}

static void local_base(const struct daemon_info *d, char *text, size_t size)
{
	const char *address = config_string(CONFIG_BIND_ADDRESS);

	if (strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0)
		address = "127.0.0.1";
	snprintf(text, size, strchr(address, ':') != NULL ? "http://[%s]:%d" : "http://%s:%d", address,
		 daemon_port(d));
}

const char *api_base(const char *daemon, char *text, size_t size)
{
	const struct daemon_info *d = daemon_find(daemon);
	const struct context *c = context_now();

	if (d == NULL)
		return NULL;
	if (c->urls[d->id] != NULL)
		remote_base(c->urls[d->id], d, text, size);
	else if (context_value(CONTEXT_API) != NULL)
		remote_base(context_value(CONTEXT_API), d, text, size);
	else if (context_is_local())
		local_base(d, text, size);
	else
		*text = '\0';
	return text;
}

static int code_of_status(int status)
{
	static const struct {
		int status, code;
	} codes[] = {
	    {400, ERR_INVALID}, {401, ERR_UNAUTHORIZED}, {403, ERR_REFUSED},	 {404, ERR_NOT_FOUND},
	    {405, ERR_METHOD},	{409, ERR_CONFLICT},	 {413, ERR_TOO_LARGE},	 {415, ERR_MEDIA_TYPE},
	    {422, ERR_INVALID}, {429, ERR_TRANSIENT},	 {502, ERR_UNAVAILABLE}, {503, ERR_UNAVAILABLE},
	    {504, ERR_TIMEOUT},
	};

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].status == status)
			return codes[i].code;
	return ERR_FAILED;
}

/* "items[0].quantity: must be 1 to 100; delivery_address: is missing" */
static void add_fields(struct buf *why, const json_t *fields)
{
	for (size_t i = 0; i < json_array_size(fields); i++) {
		const json_t *f = json_array_get(fields, i);

		buf_addf(why, "%s%s: %s", why->len > 0 ? "; " : "", json_string_or(f, "field", "?"),
			 json_string_or(f, "detail", "is not valid"));
	}
}

int api_problem(const char *what, int status, const char *body, size_t n, struct error *err)
{
	AUTO_JSON json_t *problem = NULL;
	CLEANUP(buf_done) struct buf why = {0};
	int code = code_of_status(status);
	const char *hint;

	if (body == NULL || json_parse_object(body, n, &problem, NULL) < 0)
		return error_set(err, code, what, "HTTP status %d", status);
	add_fields(&why, json_object_get(problem, "errors"));
	if (why.len == 0)
		buf_adds(&why, json_string_or(problem, "detail", json_string_or(problem, "title", "")));
	if (why.len == 0)
		buf_addf(&why, "HTTP status %d", status);
	error_set(err, code, what, "%s", buf_str(&why));
	hint = json_string_or(problem, "hint", "");
	if (*hint != '\0')
		error_hint(err, "%s", hint);
	return code;
}

static bool is_change(const struct api_request *r)
{
	return !r->asks && strcmp(r->method, "GET") != 0;
}

static int unreachable(const struct api_request *r, const struct http_result *result, struct error *err)
{
	char base[API_BASE_SIZE] = "";

	if (result->code == ERR_UNKNOWN && is_change(r)) {
		error_set(err, ERR_TIMEOUT, r->daemon, "no answer: %s", result->why);
		error_hint(err, "what was asked for may have been done; see pizzactl status %s", r->daemon);
		return ERR_TIMEOUT;
	}
	api_base(r->daemon, base, sizeof(base));
	error_set(err, ERR_UNAVAILABLE, r->daemon, "%s at %s: %s",
		  result->code == ERR_UNKNOWN ? "does not answer" : "cannot be reached", base, result->why);
	return console_explain(r->daemon, ERR_UNAVAILABLE, err);
}

/* A daemon that answers 503 is there, and lacks something itself: mostly its database. */
static int refused(const struct api_request *r, const struct http_result *result, struct error *err)
{
	int rc = api_problem(r->daemon, result->status, result->body.data, result->body.len, err);

	if (rc == ERR_UNAVAILABLE && err != NULL && err->hint[0] == '\0')
		error_hint(err,
			   "topics, lag, logs and status still work; pizzactl status %s shows what it lacks",
			   r->daemon);
	return rc;
}

static int read_answer(const struct api_request *r, const struct http_result *result, json_t **ret,
		       struct error *err)
{
	json_error_t why;

	if (result->status >= 400)
		return refused(r, result, err);
	if (ret == NULL)
		return 0;
	*ret = NULL;
	if (result->body.len == 0)
		return 0;
	*ret = json_loadb(result->body.data, result->body.len, JSON_DECODE_ANY, &why);
	if (*ret == NULL)
		return error_set(err, ERR_FAILED, r->daemon, "its answer is no JSON: %s", why.text);
	return 0;
}

static int perform(struct console *c, const struct api_request *r, const char *token, json_t **ret,
		   struct error *err)
{
	CLEANUP(buf_done) struct buf url = {0}, actor = {0}, reason = {0};
	AUTO_FREE char *bearer = xasprintf("Authorization: Bearer %s", token);
	AUTO_FREE char *body = r->body != NULL ? json_text(r->body) : NULL;
	const char *headers[6] = {0};
	struct http_call call = {.method = r->method, .headers = headers, .body = body};
	struct http_result result = {0};
	char base[API_BASE_SIZE];
	int n = 0, rc;

	if (api_base(r->daemon, base, sizeof(base)) == NULL)
		return error_set(err, ERR_NOT_FOUND, r->daemon, "there is no such daemon");
	if (base[0] == '\0')
		return console_not_named(r->daemon, "api", err);
	buf_addf(&url, "%s%s", base, r->path);
	call.url = buf_str(&url);
	call.timeout_ms = r->timeout_ms > 0 ? r->timeout_ms : console_timeout_ms(c);
	if (body != NULL) {
		call.body_len = strlen(body);
		headers[n++] = "Content-Type: application/json";
	}
	if (*token != '\0')
		headers[n++] = bearer;
	if (r->header != NULL)
		headers[n++] = r->header;
	if (is_change(r)) {
		guard_actor_header(&actor);
		guard_reason_header(&reason);
		headers[n++] = buf_str(&actor);
		if (reason.len > 0)
			headers[n++] = buf_str(&reason);
	}
	rc = http_call(&call, &result, err);
	rc = rc < 0 ? unreachable(r, &result, err) : read_answer(r, &result, ret, err);
	http_result_done(&result);
	return rc;
}

int api_call(struct console *c, const struct api_request *request, json_t **ret, struct error *err)
{
	const char *token = "";
	int rc = is_change(request) ? guard_change(request->daemon, err) : 0;

	if (rc == 0)
		rc = console_token(c, &token, err);
	return rc < 0 ? rc : perform(c, request, token, ret, err);
}

/* One page; *ret_cursor (owned) is NULL after the last. */
static int list_page(struct console *c, const char *daemon, const char *path, int64_t count, char **cursor,
		     json_t **ret, struct error *err)
{
	CLEANUP(buf_done) struct buf full = {0};
	struct api_request r = {.method = "GET", .daemon = daemon};
	char number[24];
	int rc;

	snprintf(number, sizeof(number), "%lld", (long long)count);
	buf_adds(&full, path);
	api_query(&full, "limit", number);
	api_query(&full, "cursor", *cursor);
	r.path = buf_str(&full);
	rc = api_call(c, &r, ret, err);
	if (rc < 0)
		return rc;
	free(*cursor);
	*cursor = xstrdup(json_string_value(json_object_get(*ret, "next_cursor")));
	return 0;
}

int api_list(struct console *c, const char *daemon, const char *path, int64_t limit, console_row *row,
	     void *arg, struct error *err)
{
	AUTO_FREE char *cursor = NULL;
	int64_t left = limit < 0 ? INT64_MAX : limit;
	int rc = 0;

	do {
		AUTO_JSON json_t *page = NULL;
		json_t *items;

		if (left == 0)
			return 0;
		rc = list_page(c, daemon, path, left < PAGE ? left : PAGE, &cursor, &page, err);
		items = json_object_get(page, "items");
		for (size_t i = 0; i < json_array_size(items) && rc == 0 && left > 0; i++, left--)
			rc = row(arg, json_incref(json_array_get(items, i)), err);
	} while (rc == 0 && cursor != NULL);
	return rc < 0 ? rc : 0;
}
