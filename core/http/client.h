/*
 * HTTP client over libcurl's multi interface: many calls in flight on one thread, keep-alive, time-outs.
 * Policy on top of it: retry.h (backoff with jitter), breaker.h (circuit breaker).
 */
#ifndef PIZZA_HTTP_CLIENT_H
#define PIZZA_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/error.h"

struct http_client;

struct http_call {
	const char *method;	    /* "POST" */
	const char *url;	    /* absolute */
	const char *unix_path;	    /* connect to this Unix socket instead of the URL's host; NULL */
	const char *const *headers; /* "Name: value", NULL-terminated; may be NULL */
	const char *body;	    /* NULL: none */
	size_t body_len;
	int timeout_ms;		     /* of the whole call */
	const char *user, *password; /* HTTP basic authentication; NULL */
};

/*
 * code: 0 when a reply of any status came; ERR_UNAVAILABLE when nothing can have been received by the peer
 * (refused, no such host); ERR_UNKNOWN when the request may have been received and acted on (time-out,
 * connection lost).
 */
struct http_result {
	int code;
	char why[160];
	int status; /* HTTP status */
	struct buf body;
	struct buf headers; /* raw response headers */
	double seconds;
};
/* A response header's value copied into text, or false. */
bool http_result_header(const struct http_result *res, const char *name, char *text, size_t size);
void http_result_done(struct http_result *res);

typedef void http_done(void *arg, const struct http_result *result);

/* Starts the client's thread.  max_in_flight calls run at once; further ones queue. */
int http_client_new(int max_in_flight, struct http_client **ret, struct error *err) MUST_USE;
/* Queues a call (everything in it is copied) and returns; done runs on the client's thread.  Thread safe. */
void http_client_submit(struct http_client *c, const struct http_call *call, http_done *done, void *arg);
/* Calls not yet done. */
int http_client_pending(struct http_client *c);
/* Waits up to drain_ms for what is pending, aborts the rest (ERR_UNKNOWN), frees.  NULL is fine. */
void http_client_free(struct http_client *c, int drain_ms);

/* One blocking call without a client thread; http_result_done(result) in every case. */
int http_call(const struct http_call *call, struct http_result *result, struct error *err) MUST_USE;

#endif
