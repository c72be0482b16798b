/*
 * Replies: who gets to give one, how it reaches the connection, and the problem documents of RFC 9457.
 *
 * A deferred request is claimed with one compare-and-swap: the winner hands its response over and resumes the
 * connection, the loser's response is dropped.  After the resume the request belongs to the event loop.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/http/private.h"

/* --- deferring and handing over --- */

void http_suspend(struct http_request *r)
{
	atomic_fetch_add(&r->refs, 1);
	atomic_fetch_add(&r->server->busy, 1);
	r->suspended = true;
	/* In this order: a resume must not come before the suspend. */
	MHD_suspend_connection(r->connection);
	atomic_store(&r->state, REQUEST_DEFERRED);
}

void http_defer(struct http_request *r)
{
	if (r->route->blocking)
		r->handed_on = true;
	else
		http_suspend(r);
}

static bool claim(struct http_request *r, int from)
{
	return atomic_compare_exchange_strong(&r->state, &from, REQUEST_CLAIMED);
}

/* The caller has claimed the deferred request; the server may be gone once `busy` has been lowered. */
static void resume_with(struct http_request *r, int status, struct MHD_Response *response)
{
	struct http_server *s = r->server;
	struct http_loop *loop = http_loop_of(s, r->connection);

	r->status = status;
	r->response = response;
	MHD_resume_connection(r->connection); /* r is the loop's from here on */
	http_loop_wake(loop);
	atomic_fetch_sub(&s->busy, 1);
}

static void hand_over(struct http_request *r, int status, struct MHD_Response *response)
{
	if (claim(r, REQUEST_RUNNING)) {
		r->status = status;
		r->response = response;
		return;
	}
	if (claim(r, REQUEST_DEFERRED))
		resume_with(r, status, response);
	else
		MHD_destroy_response(response);
	http_request_unref(r);
}

/* Takes body. */
static struct MHD_Response *make_response(const char *content_type, char *body, size_t len)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);

	if (response == NULL)
		abort();
	if (content_type != NULL)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	return response;
}

void http_reply_header(struct http_request *r, const char *name, const char *value)
{
	size_t name_size = strlen(name) + 1, value_size = strlen(value) + 1;
	struct http_extra_header *extra = xmalloc(sizeof(*extra) + name_size + value_size);

	memcpy(extra->name, name, name_size);
	extra->value = extra->name + name_size;
	memcpy(extra->value, value, value_size);
	extra->next = r->extra;
	r->extra = extra;
}

void http_reply_take(struct http_request *r, int status, const char *content_type, char *body, size_t len)
{
	struct MHD_Response *response = make_response(content_type, body, len);

	for (const struct http_extra_header *extra = r->extra; extra != NULL; extra = extra->next)
		MHD_add_response_header(response, extra->name, extra->value);
	hand_over(r, status, response);
}

void http_reply(struct http_request *r, int status, const char *content_type, const void *body, size_t len)
{
	char *copy = xmalloc(len + 1);

	if (len > 0)
		memcpy(copy, body, len);
	http_reply_take(r, status, content_type, copy, len);
}

void http_reply_json(struct http_request *r, int status, json_t *value)
{
	char *text = json_text(value);

	json_decref(value);
	http_reply_take(r, status, "application/json", text, strlen(text));
}

/* --- problem documents --- */

static const char *title_of(int code)
{
	switch ((enum error_code)code) {
#define X(symbol, word, class, exit, http, text) \
	case symbol:                             \
		return text;
		ERROR_TABLE(X)
#undef X
	}
	return "internal error";
}

static void add_member(struct buf *out, const char *name, const char *value)
{
	AUTO_FREE char *clean = text_mended(value);

	buf_addf(out, ",\"%s\":", name);
	buf_add_json(out, clean, strlen(clean));
}

static void begin_problem(struct buf *out, int status, const char *title)
{
	buf_addf(out, "{\"type\":\"about:blank\",\"status\":%d", status);
	add_member(out, "title", title);
}

/* Of what is wrong with a request, `what` is the field, unless it is a phrase. */
static bool names_field(const struct error *err)
{
	return (err->code == ERR_USAGE || err->code == ERR_INVALID || err->code == ERR_MALFORMED) &&
	       err->what[0] != '\0' && strchr(err->what, ' ') == NULL;
}

static void add_error(struct buf *out, const struct error *err)
{
	begin_problem(out, error_http_status(err->code), title_of(err->code));
	if (names_field(err)) {
		char line[ERROR_LINE_SIZE];

		add_member(out, "detail", error_line(err, line));
		buf_adds(out, ",\"errors\":[{\"field\":");
		buf_add_json(out, err->what, strlen(err->what));
		add_member(out, "detail", err->why);
		buf_adds(out, "}]");
	} else {
		add_member(out, "detail", err->why);
	}
	add_member(out, "code", error_word(err->code));
	if (err->hint[0] != '\0')
		add_member(out, "hint", err->hint);
	buf_addc(out, '}');
}

static void reply_problem_text(struct http_request *r, int status, struct buf *text)
{
	size_t len = text->len;

	http_reply_take(r, status, "application/problem+json", buf_take(text), len);
}

void http_reply_error(struct http_request *r, const struct error *err)
{
	struct buf text = {0};
	int status = error_http_status(err->code);

	add_error(&text, err);
	if (status == 503)
		http_reply_header(r, "Retry-After", "1");
	reply_problem_text(r, status, &text);
}

void http_abandon(struct http_request *r)
{
	struct MHD_Response *response;
	struct buf text = {0};
	struct error err;
	size_t len;

	if (!claim(r, REQUEST_DEFERRED))
		return;
	error_set(&err, ERR_UNAVAILABLE, "answer the request", "the server is stopping");
	add_error(&text, &err);
	len = text.len;
	response = make_response("application/problem+json", buf_take(&text), len);
	MHD_add_response_header(response, "Retry-After", "1");
	resume_with(r, 503, response);
}

static void add_problem(struct http_problems *p, const char *field, const char *detail)
{
	AUTO_FREE char *clean_field = text_mended(field);
	AUTO_FREE char *clean_detail = text_mended(detail);

	if (p->list == NULL)
		p->list = json_array();
	json_array_append_new(p->list, json_pack("{s:s,s:s}", "field", clean_field, "detail", clean_detail));
}

void http_problem(struct http_problems *p, const char *field, const char *detail, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, detail);
	vsnprintf(text, sizeof(text), detail, ap);
	va_end(ap);
	add_problem(p, field, text);
}

/* "items: must be 1 to 50; delivery_address: is required" */
static void add_summary(struct buf *out, const json_t *list)
{
	CLEANUP(buf_done) struct buf line = {0};
	const json_t *p;
	size_t i;

	json_array_foreach (list, i, p)
		buf_addf(&line, "%s%s: %s", i > 0 ? "; " : "", json_string_or(p, "field", ""),
			 json_string_or(p, "detail", ""));
	add_member(out, "detail", buf_str(&line));
}

void http_reply_problems(struct http_request *r, const char *title, struct http_problems *p)
{
	int status = error_http_status(ERR_INVALID);
	AUTO_FREE char *list = json_text(p->list);
	struct buf text = {0};

	begin_problem(&text, status, title);
	add_summary(&text, p->list);
	add_member(&text, "code", error_word(ERR_INVALID));
	buf_addf(&text, ",\"errors\":%s}", list);
	json_decref(p->list);
	p->list = NULL;
	reply_problem_text(r, status, &text);
}
