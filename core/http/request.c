/*
 * One request: what came with it, and what becomes of it.  Built and dispatched on the event loop of its
 * connection; afterwards only read, by whoever is to reply.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/http/private.h"

#define DISCARD_MAX ((size_t)64 << 20) /* of a body that is too large; beyond it the connection is closed */

static const char *const usual_methods[] = {"GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"};

/* --- reading it --- */

static void refuse(struct http_request *r, const char *why)
{
	if (r->refused == NULL)
		r->refused = why;
}

static void cut_path(struct http_request *r, char *path)
{
	bool more = path[0] == '/';

	while (more) {
		struct http_segment *segment = &r->path.segments[r->path.count];
		char *text = path + 1;

		if (r->path.count == HTTP_SEGMENTS_MAX) {
			r->path.count = -1;
			return;
		}
		r->path.count++;
		path = text + strcspn(text, "/");
		more = *path == '/';
		*path = '\0';
		segment->text = text;
		if (!http_decode(text, &segment->len, false))
			refuse(r, "the path is not percent-encoded UTF-8");
	}
}

static void cut_target(struct http_request *r, char *target)
{
	char *query = strchr(target, '?');

	if (query != NULL) {
		*query = '\0';
		r->raw_path[query - target] = '\0';
		if (!http_pairs_parse(query + 1, &r->query))
			refuse(r, "the query is not percent-encoded UTF-8");
	}
	cut_path(r, target);
}

struct http_request *http_request_new(struct http_server *s, struct MHD_Connection *connection,
				      const char *target)
{
	size_t size = strlen(target) + 1;
	struct http_request *r = xmalloc(sizeof(*r) + 2 * size);

	memset(r, 0, sizeof(*r));
	r->server = s;
	r->connection = connection;
	r->method = "GET";
	r->started = mono_now();
	atomic_init(&r->refs, 1);
	atomic_init(&r->state, REQUEST_RUNNING);
	r->raw_path = memcpy(r->target, target, size);
	memcpy(r->target + size, target, size);
	cut_target(r, r->target + size);
	return r;
}

struct header_sizes {
	size_t bytes;
	int count;
};

static enum MHD_Result measure_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct header_sizes *sizes = arg;

	(void)kind;
	sizes->bytes += strlen(name) + (value != NULL ? strlen(value) : 0) + 2;
	sizes->count++;
	return MHD_YES;
}

struct header_copy {
	struct http_request *r;
	char *next;
};

static const char *copy_text(struct header_copy *copy, const char *text)
{
	size_t size = strlen(text) + 1;
	char *start = copy->next;

	memcpy(start, text, size);
	copy->next += size;
	return start;
}

static enum MHD_Result copy_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct header_copy *copy = arg;
	struct http_pair *pair = &copy->r->headers.list[copy->r->headers.count++];

	(void)kind;
	pair->name = copy_text(copy, name);
	pair->value = copy_text(copy, value != NULL ? value : "");
	if (!text_is_utf8(pair->value, strlen(pair->value)))
		refuse(copy->r, "a header is not UTF-8");
	return MHD_YES;
}

static void copy_method(struct http_request *r, const char *method)
{
	for (size_t i = 0; i < ARRAY_LEN(usual_methods); i++) {
		if (strcmp(method, usual_methods[i]) == 0) {
			r->method = usual_methods[i];
			return;
		}
	}
	r->method = r->method_copy = xstrdup(method);
}

void http_request_headers(struct http_request *r, const char *method)
{
	struct header_sizes sizes = {0};
	struct header_copy copy = {.r = r};
	const char *length;

	r->headers_read = true;
	r->body_max = r->server->options.body_max;
	copy_method(r, method);
	MHD_get_connection_values(r->connection, MHD_HEADER_KIND, measure_header, &sizes);
	r->headers.list = xmalloc((size_t)sizes.count * sizeof(*r->headers.list) + sizes.bytes + 1);
	copy.next = (char *)(r->headers.list + sizes.count);
	MHD_get_connection_values(r->connection, MHD_HEADER_KIND, copy_header, &copy);
	length = http_header(r, "Content-Length");
	if (length != NULL) {
		unsigned long long bytes = strtoull(length, NULL, 10);

		if (bytes > r->body_max && r->server->options.operator_body_max > r->body_max &&
		    http_operator_allowed(r))
			r->body_max = r->server->options.operator_body_max;
		r->too_large = bytes > r->body_max;
		if (!r->too_large && bytes > 0)
			buf_reserve(&r->body, (size_t)bytes);
	}
}

bool http_request_upload(struct http_request *r, const char *data, size_t len)
{
	if (r->body.len + len > r->body_max)
		r->too_large = true;
	if (!r->too_large) {
		buf_add(&r->body, data, len);
		return true;
	}
	buf_done(&r->body);
	r->discarded += len;
	return r->discarded <= DISCARD_MAX;
}

void http_request_unref(struct http_request *r)
{
	if (atomic_fetch_sub(&r->refs, 1) != 1)
		return;
	while (r->extra != NULL) {
		struct http_extra_header *next = r->extra->next;

		free(r->extra);
		r->extra = next;
	}
	if (r->response != NULL)
		MHD_destroy_response(r->response);
	buf_done(&r->body);
	free(r->headers.list);
	free(r->query.list);
	free(r->method_copy);
	free(r);
}

/* --- dispatching it --- */

static void reply_no_rule(struct http_request *r, const char *allow)
{
	struct error err;

	if (allow[0] == '\0') {
		error_set(&err, ERR_NOT_FOUND, "find the route", "there is no %s here", r->raw_path);
		http_reply_error(r, &err);
		return;
	}
	http_reply_header(r, "Allow", allow);
	error_set(&err, ERR_METHOD, "find the route", "%s takes %s", r->raw_path, allow);
	http_reply_error(r, &err);
}

static void reply_unauthorized(struct http_request *r)
{
	struct error err;

	error_set(&err, ERR_UNAUTHORIZED, "check the operator token", NULL);
	error_hint(&err, "send \"Authorization: Bearer TOKEN\" with the token in $PIZZA_HOME/operator.token");
	http_reply_header(r, "WWW-Authenticate", "Bearer");
	http_reply_error(r, &err);
}

static void reply_too_large(struct http_request *r)
{
	struct error err;

	error_set(&err, ERR_TOO_LARGE, "read the body", "the body is larger than %zu bytes", r->body_max);
	http_reply_error(r, &err);
}

static void run_handler(struct http_request *r)
{
	if (r->route->blocking) {
		http_suspend(r);
		http_workers_add(&r->server->workers, r);
		return;
	}
	r->route->handler(r, r->server->options.arg);
	if (atomic_load(&r->state) == REQUEST_RUNNING) {
		struct error err;

		error_set(&err, ERR_BUG, "answer the request", "no reply was given");
		http_reply_error(r, &err);
	}
}

static void find_route(struct http_request *r, struct buf *ret_allow)
{
	const struct http_rule *rule = http_rules_match(&r->server->rules, r->method, &r->path, ret_allow);
	int n = 0;

	if (rule == NULL)
		return;
	r->route = rule->route;
	for (int i = 0; i < rule->path.count && n < HTTP_PARAMS_MAX; i++) {
		if (rule->path.segments[i].text == NULL)
			r->params[n++] = r->path.segments[i].text;
	}
}

static void dispatch(struct http_request *r)
{
	CLEANUP(buf_done) struct buf allow = {0};

	if (r->refused == NULL)
		find_route(r, &allow);
	if (r->refused != NULL) {
		struct error err;

		error_set(&err, ERR_MALFORMED, "read the request", "%s", r->refused);
		http_reply_error(r, &err);
	} else if (r->route == NULL) {
		reply_no_rule(r, buf_str(&allow));
	} else if (r->route->access == HTTP_OPERATOR && !http_operator_allowed(r)) {
		reply_unauthorized(r);
	} else if (r->too_large) {
		reply_too_large(r);
	} else {
		run_handler(r);
	}
}

void http_request_dispatch(struct http_request *r)
{
	struct http_server *s = r->server;

	/* Counted before the question, so that http_server_stop either sees this dispatch or is seen by it.
	 */
	atomic_fetch_add(&s->busy, 1);
	r->dispatched = true;
	if (atomic_load(&s->refusing)) {
		struct error err;

		error_set(&err, ERR_UNAVAILABLE, "answer the request", "the server is stopping");
		http_reply_error(r, &err);
	} else {
		dispatch(r);
	}
	atomic_fetch_sub(&s->busy, 1);
}

/* --- what handlers ask --- */

const char *http_method(const struct http_request *r)
{
	return r->method;
}

const char *http_path(const struct http_request *r)
{
	return r->raw_path;
}

const char *http_header(const struct http_request *r, const char *name)
{
	for (int i = 0; i < r->headers.count; i++) {
		if (strcasecmp(r->headers.list[i].name, name) == 0)
			return r->headers.list[i].value;
	}
	return NULL;
}

const char *http_query(const struct http_request *r, const char *name)
{
	return http_pairs_get(&r->query, name);
}

const char *http_path_param(const struct http_request *r, int i)
{
	return i >= 0 && i < HTTP_PARAMS_MAX && r->params[i] != NULL ? r->params[i] : "";
}

const char *http_body(const struct http_request *r, size_t *ret_len)
{
	if (ret_len != NULL)
		*ret_len = r->body.len;
	return buf_str(&r->body);
}

struct mono http_started(const struct http_request *r)
{
	return r->started;
}

/* A whole number from min to max and nothing around it. */
static bool parse_int(const char *text, int64_t min, int64_t max, int64_t *ret)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	*ret = value;
	return end != text && *end == '\0' && strchr(" \t\n\v\f\r+", text[0]) == NULL && errno == 0 &&
	       value >= min && value <= max;
}

int http_query_int(const struct http_request *r, const char *name, int64_t min, int64_t max, int64_t fallback,
		   int64_t *ret, struct error *err)
{
	const char *text = http_query(r, name);
	int64_t value = fallback;

	if (text != NULL && !parse_int(text, min, max, &value))
		return error_set(err, ERR_USAGE, name, "must be an integer from %lld to %lld", (long long)min,
				 (long long)max);
	*ret = value;
	return 0;
}

int http_path_uuid(const struct http_request *r, struct uuid *ret, struct error *err)
{
	return uuid_parse(http_path_param(r, 0), ret) ? 0 : error_set(err, ERR_USAGE, "id", "must be a UUID");
}

int http_path_number(const struct http_request *r, int64_t *ret, struct error *err)
{
	int64_t value;

	if (!parse_int(http_path_param(r, 0), 1, INT64_MAX, &value))
		return error_set(err, ERR_USAGE, "id", "must be an integer from 1");
	*ret = value;
	return 0;
}

static int query_uuid(const struct http_request *r, const char *name, const char *must, struct uuid *ret,
		      struct error *err)
{
	const char *text = http_query(r, name);

	*ret = (struct uuid){0};
	if (text == NULL || text[0] == '\0' || uuid_parse(text, ret))
		return 0;
	return error_set(err, ERR_USAGE, name, "%s", must);
}

int http_query_uuid(const struct http_request *r, const char *name, struct uuid *ret, struct error *err)
{
	return query_uuid(r, name, "must be a UUID", ret, err);
}

int http_query_cursor(const struct http_request *r, struct uuid *ret, struct error *err)
{
	return query_uuid(r, "cursor", "must be the next_cursor of an earlier reply", ret, err);
}

int http_page(const struct http_request *r, json_t *items, json_t **ret_cursor, struct error *err)
{
	int64_t limit = 0, first = 0, end, total = (int64_t)json_array_size(items);
	char cursor[24];
	int rc = http_query_int(r, "limit", 1, INT32_MAX, INT32_MAX, &limit, err);

	if (rc == 0)
		rc = http_query_int(r, "cursor", 1, INT32_MAX, 0, &first, err);
	if (rc < 0)
		return rc;
	end = first + limit;
	snprintf(cursor, sizeof(cursor), "%lld", (long long)end);
	*ret_cursor = end < total ? json_string(cursor) : json_null();
	for (int64_t i = total - 1; i >= end; i--)
		json_array_remove(items, (size_t)i);
	for (int64_t i = 0; i < first && i < total; i++)
		json_array_remove(items, 0);
	return 0;
}

/* The media type of the body is `want`, or ends in `suffix` (may be NULL); absent is fine. */
static int check_media_type(const struct http_request *r, const char *want, const char *suffix,
			    struct error *err)
{
	const char *type = http_header(r, "Content-Type");
	size_t len, end;

	if (type == NULL || type[0] == '\0')
		return 0;
	len = strcspn(type, "; \t");
	if (len == strlen(want) && strncasecmp(type, want, len) == 0)
		return 0;
	end = suffix != NULL ? strlen(suffix) : 0;
	if (end > 0 && len > end && strncasecmp(type + len - end, suffix, end) == 0)
		return 0;
	return error_set(err, ERR_MEDIA_TYPE, "read the body", "Content-Type is %.80s, not %s", type, want);
}

int http_body_json(const struct http_request *r, json_t **ret, struct error *err)
{
	int rc = check_media_type(r, "application/json", "+json", err);

	if (rc != 0)
		return rc;
	return json_parse_object(buf_str(&r->body), r->body.len, ret, err);
}

int http_body_form(const struct http_request *r, json_t **ret, struct error *err)
{
	AUTO_FREE char *text = NULL;
	struct http_pairs pairs = {0};
	int rc = check_media_type(r, "application/x-www-form-urlencoded", NULL, err);

	if (rc != 0)
		return rc;
	text = xstrndup(buf_str(&r->body), r->body.len);
	if (strlen(text) != r->body.len || !http_pairs_parse(text, &pairs)) {
		free(pairs.list);
		return error_set(err, ERR_MALFORMED, "read the form",
				 "it is not percent-encoded UTF-8 pairs");
	}
	*ret = json_object();
	for (int i = 0; i < pairs.count; i++)
		json_object_set_new(*ret, pairs.list[i].name, json_string(pairs.list[i].value));
	free(pairs.list);
	return 0;
}
