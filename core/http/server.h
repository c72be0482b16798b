/*
 * HTTP/1.1 server over libmicrohttpd: a route table, replies now or later from another thread, problem+json
 * errors.
 *
 * A handler runs on one of the server's event loops and must not block: it replies at once, or calls
 * http_defer and gives the request to a worker that calls one of the http_reply functions later, from any
 * thread, exactly once.
 */
#ifndef PIZZA_HTTP_SERVER_H
#define PIZZA_HTTP_SERVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/uuid.h"

struct http_server;
struct http_request;

typedef void http_handler(struct http_request *r, void *arg);

enum http_access {
	HTTP_CUSTOMER, /* no token */
	HTTP_OPERATOR, /* Authorization: Bearer <the installation's operator token>, else 401 */
};

struct http_route {
	const char *method;  /* "GET" */
	const char *pattern; /* "/api/v1/orders/{id}/cancel" */
	http_handler *handler;
	enum http_access access;
	bool blocking; /* run the handler on a worker thread, not the event loop: it may use the database */
};

struct http_server_options {
	const char *address;   /* "127.0.0.1" */
	int port;	       /* 0: any free one */
	const char *unix_path; /* or a Unix socket (mode 0600) instead; NULL */
	bool reuse_port;       /* SO_REUSEPORT: replicas share the port */
	int loops;	       /* event-loop threads */
	int workers;	       /* threads for blocking routes */
	size_t body_max;       /* bytes; more is 413 */
	size_t
	    operator_body_max; /* the same for those who bear the token and tell the length; 0: as body_max */
	int connections_max;
	const char *operator_token; /* NULL: operator routes answer 401 */
	const struct http_route *routes;
	int route_count;
	void *arg; /* for every handler */
	/* Optional: called once for each finished request, from the loop. route: the pattern, or "". */
	void (*observe)(void *arg, const char *method, const char *route, int status, double seconds);
};

/* Listens and starts the threads.  A port in use is ERR_CONFLICT and names it, with a hint. */
int http_server_start(const struct http_server_options *options, struct http_server **ret,
		      struct error *err) MUST_USE;
int http_server_port(const struct http_server *s);
/* Stops accepting, lets running requests finish for up to drain_ms, then closes.  NULL is fine. */
void http_server_stop(struct http_server *s, int drain_ms);

/* --- the request; everything borrowed until the reply --- */

const char *http_method(const struct http_request *r);
const char *http_path(const struct http_request *r);
const char *http_header(const struct http_request *r, const char *name); /* NULL when absent */
const char *http_query(const struct http_request *r, const char *name);	 /* decoded; NULL when absent */
const char *http_path_param(const struct http_request *r,
			    int i); /* the i-th {…}, decoded; "" past the last */
const char *http_body(const struct http_request *r, size_t *ret_len);
struct mono http_started(const struct http_request *r);
/* A query parameter as an integer in min..max; absent gives the fallback; ERR_USAGE names it. */
int http_query_int(const struct http_request *r, const char *name, int64_t min, int64_t max, int64_t fallback,
		   int64_t *ret, struct error *err) MUST_USE;
/*
 * Ids in a request; ERR_USAGE names the field.  The {id} of the path is the pattern's first parameter.  Of a
 * query, absent and empty are nil.
 */
int http_path_uuid(const struct http_request *r, struct uuid *ret, struct error *err) MUST_USE;
int http_path_number(const struct http_request *r, int64_t *ret, struct error *err) MUST_USE; /* from 1 */
int http_query_uuid(const struct http_request *r, const char *name, struct uuid *ret,
		    struct error *err) MUST_USE;
/* The same of a cursor that is the last row's id. */
int http_query_cursor(const struct http_request *r, struct uuid *ret, struct error *err) MUST_USE;
/*
 * Cuts a whole list to the page that the query's limit (absent: all) and cursor ask for.  *ret_cursor, owned:
 * where the next page begins, or null.  ERR_USAGE names the parameter.
 */
int http_page(const struct http_request *r, json_t *items, json_t **ret_cursor, struct error *err) MUST_USE;
/*
 * The body as a JSON object; checks Content-Type (application/json or +json, or absent): ERR_MEDIA_TYPE,
 * ERR_MALFORMED. The value is owned by the caller.
 */
int http_body_json(const struct http_request *r, json_t **ret, struct error *err) MUST_USE;
/*
 * A form-encoded body (application/x-www-form-urlencoded) as a flat JSON object of strings:
 * {"metadata[order_id]": "…"}.
 */
int http_body_form(const struct http_request *r, json_t **ret, struct error *err) MUST_USE;

/* --- replies --- */

/* Suspends the connection; the reply comes later from any thread. */
void http_defer(struct http_request *r);
/* Extra response header, before replying. */
void http_reply_header(struct http_request *r, const char *name, const char *value);
/* body is copied. */
void http_reply(struct http_request *r, int status, const char *content_type, const void *body, size_t len);
/* Takes body (malloc'ed) instead of copying it. */
void http_reply_take(struct http_request *r, int status, const char *content_type, char *body, size_t len);
/* Takes the JSON value (its reference). */
void http_reply_json(struct http_request *r, int status, json_t *value);
/*
 * application/problem+json (RFC 9457) from an error: status and title from the error table, detail = why,
 * "hint" when there is one; a 503 carries Retry-After.  Of ERR_USAGE, ERR_INVALID and
 * ERR_MALFORMED, `what` is the bad field, which "detail" and "errors" name, unless it is a phrase.
 */
void http_reply_error(struct http_request *r, const struct error *err);

/* Every bad field named: {"errors":[{"field":"items[0].quantity","detail":"must be 1 to 100"}]} */
struct http_problems {
	json_t *list; /* NULL as long as there are none */
};
void http_problem(struct http_problems *p, const char *field, const char *detail, ...) PRINTF_LIKE(3, 4);
/* Replies 422 with them (takes them; there is one at least). */
void http_reply_problems(struct http_request *r, const char *title, struct http_problems *p);

#endif
