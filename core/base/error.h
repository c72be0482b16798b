/*
 * Errors: what failed, why, and what mends it.
 *
 * A function that can fail returns 0 or one of the negative codes below and, where its last parameter is a
 * `struct error *`, fills it in.  Passing NULL for it is allowed everywhere.  The table decides once for all
 * parts whether a failure is worth retrying, which exit status a program ends with, and which HTTP status a
 * daemon answers.
 */
#ifndef PIZZA_BASE_ERROR_H
#define PIZZA_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

/* How a consumer or a work queue treats a failure (reliability.md, "Outages are not poison"). */
enum error_class {
	CLASS_PERMANENT,  /* will fail again: dead letter at once */
	CLASS_TRANSIENT,  /* may succeed when tried again: back off, count the attempt */
	CLASS_DEPENDENCY, /* something we need is down: pause, no attempt is consumed */
};

/*      symbol           word             class             exit http  text */
#define ERROR_TABLE(X)                                                                                  \
	X(ERR_FAILED, "failed", CLASS_TRANSIENT, 1, 500, "failed")                                      \
	X(ERR_USAGE, "usage", CLASS_PERMANENT, 2, 400, "wrong usage")                                   \
	X(ERR_INVALID, "invalid", CLASS_PERMANENT, 2, 422, "invalid value")                             \
	X(ERR_MALFORMED, "malformed", CLASS_PERMANENT, 2, 400, "cannot be parsed")                      \
	X(ERR_TOO_LARGE, "too_large", CLASS_PERMANENT, 2, 413, "too large")                             \
	X(ERR_MEDIA_TYPE, "media_type", CLASS_PERMANENT, 2, 415, "unsupported media type")              \
	X(ERR_METHOD, "method", CLASS_PERMANENT, 2, 405, "method not allowed")                          \
	X(ERR_NOT_FOUND, "not_found", CLASS_PERMANENT, 3, 404, "not found")                             \
	X(ERR_BREACHED, "breached", CLASS_PERMANENT, 4, 409, "threshold breached")                      \
	X(ERR_UNAVAILABLE, "unavailable", CLASS_DEPENDENCY, 5, 503, "backend unreachable")              \
	X(ERR_PARTLY, "partly", CLASS_TRANSIENT, 6, 500, "partly failed")                               \
	X(ERR_TIMEOUT, "timeout", CLASS_TRANSIENT, 7, 504, "timed out")                                 \
	X(ERR_REFUSED, "refused", CLASS_PERMANENT, 8, 403, "refused")                                   \
	X(ERR_UNAUTHORIZED, "unauthorized", CLASS_PERMANENT, 8, 401, "operator token missing or wrong") \
	X(ERR_CONFLICT, "conflict", CLASS_PERMANENT, 9, 409, "state changed or locked")                 \
	X(ERR_TRANSIENT, "transient", CLASS_TRANSIENT, 1, 503, "failed for the moment")                 \
	X(ERR_UNKNOWN, "unknown_outcome", CLASS_TRANSIENT, 1, 503, "outcome unknown")                   \
	X(ERR_NOT_YET, "not_yet", CLASS_DEPENDENCY, 1, 503, "waits for something that is on its way")   \
	X(ERR_LEASE_LOST, "lease_lost", CLASS_DEPENDENCY, 9, 503, "another one holds the lease")        \
	X(ERR_IO, "io", CLASS_TRANSIENT, 1, 500, "input/output error")                                  \
	X(ERR_BUG, "internal", CLASS_PERMANENT, 1, 500, "internal error")

enum error_number {
	ERR_NUMBER_NONE,
#define X(symbol, word, class, exit, http, text) symbol##_NUMBER,
	ERROR_TABLE(X)
#undef X
	    ERR_NUMBER_COUNT
};

/* The codes themselves: ERR_FAILED = -1, ERR_USAGE = -2, ... */
enum error_code {
#define X(symbol, word, class, exit, http, text) symbol = -(int)symbol##_NUMBER,
	ERROR_TABLE(X)
#undef X
};

struct error {
	int code;	/* 0 or an ERR_ code */
	char what[96];	/* what failed: "place the order", a field, a file */
	char why[320];	/* why */
	char hint[256]; /* what mends it, or "" */
};

#define MUST_USE	  __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* Fills in err (may be NULL) and returns code, so that `return error_set(...)` reads well.  Clears the hint.
 */
int error_set(struct error *err, int code, const char *what, const char *why, ...) PRINTF_LIKE(4, 5);
int error_setv(struct error *err, int code, const char *what, const char *why, va_list ap);

/* The same with strerror(errno) as the reason; the code is ERR_IO, or ERR_UNAVAILABLE for refused
 * connections. */
int error_errno(struct error *err, const char *what, ...) PRINTF_LIKE(2, 3);

/* Adds what mends it. */
void error_hint(struct error *err, const char *hint, ...) PRINTF_LIKE(2, 3);

void error_clear(struct error *err);

/* "what: why", as UTF-8 whatever bytes went into it: fit for a database and for JSON.  Returns text. */
#define ERROR_LINE_SIZE 420
const char *error_line(const struct error *err, char text[ERROR_LINE_SIZE]);

/* Of a code: its word in the table ("not_found"), class, exit status (0 for 0), HTTP status (200 for 0). */
const char *error_word(int code);
enum error_class error_class(int code);
int error_exit_status(int code);
int error_http_status(int code);
/* What a code means in general ("not found"), and what an exit status means, 0 to EXIT_STATUS_MAX. */
const char *error_text(int code);
const char *error_exit_text(int status);

#define EXIT_STATUS_MAX 9

#endif
