/*
 * Calls to the daemons' HTTP APIs, with the installation's operator token.  A problem+json answer becomes a
 * struct error that names the bad fields.  Each call blocks for at most the console's time-out.  One thread.
 */
#ifndef PIZZA_CONSOLE_API_H
#define PIZZA_CONSOLE_API_H

#include <jansson.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/error.h"
#include "core/console/console.h"

struct api_request {
	const char *method; /* "POST" */
	const char *daemon; /* "orderd" */
	const char *path;   /* "/api/v1/orders" with query, encoded */
	const json_t *body; /* NULL: none */
	const char *header; /* one more: "Idempotency-Key: …", or NULL */
	int timeout_ms;	    /* 0: the console's */
	bool asks;	    /* whatever the method, it changes nothing: what would be done */
};

/*
 * ret (may be NULL) gets the JSON answer, owned, NULL when there was none.  Other methods than GET ask the
 * guard (guard.h).  ERR_UNAVAILABLE: the daemon cannot be reached; ERR_UNKNOWN: no answer came, it may have
 * acted; otherwise what the daemon said, by its HTTP status.
 */
int api_call(struct console *c, const struct api_request *request, json_t **ret, struct error *err) MUST_USE;

/*
 * Gives all items of a list route, page after page, to row: path may have a query already.  At most limit
 * items (-1: all); row's non-zero answer ends it.
 */
int api_list(struct console *c, const char *daemon, const char *path, int64_t limit, console_row *row,
	     void *arg, struct error *err) MUST_USE;

/* Appends "?name=value" or "&name=value", encoded; nothing when value is NULL. */
void api_query(struct buf *path, const char *name, const char *value);
/* Appends one encoded path segment. */
void api_segment(struct buf *path, const char *text);
/* Appends text percent-encoded (RFC 3986, all but unreserved characters). */
void api_encode(struct buf *out, const char *text);
#define API_BASE_SIZE 512
/* "http://127.0.0.1:5002" of a daemon; "" when the context names none; NULL when there is no such daemon. */
const char *api_base(const char *daemon, char *text, size_t size);
/* The error of an answer with a status of 400 and more: from its problem+json, else from the status. */
int api_problem(const char *what, int status, const char *body, size_t n, struct error *err);

#endif
