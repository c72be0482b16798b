/*
 * Structured logs: one JSON object a line ({"ts","level","service","replica","msg","order_id",...}), or text
 * for people when the destination is a terminal.  Each line is written with one write(2), so that replicas
 * can share a file.  Thread safe; the context is per thread.
 *
 * Library code logs at debug only and returns errors; daemons decide what deserves more.
 */
#ifndef PIZZA_BASE_LOG_H
#define PIZZA_BASE_LOG_H

#include <stdbool.h>

#include "core/base/error.h"
#include "core/base/uuid.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* What the lines of this thread are about; empty strings are left out. */
struct log_context {
	char order_id[UUID_TEXT_SIZE];
	char event_id[UUID_TEXT_SIZE];
	char trace_id[33];
	char correlation_id[UUID_TEXT_SIZE];
};

/* Names the service and its replica (1, 2, …) and opens the destination: a path (append), or NULL for stderr.
 */
int log_init(const char *service, int replica, const char *path, struct error *err) MUST_USE;
void log_set_level(enum log_level level);
/* "debug", "info", "warn" or "error". */
bool log_level_parse(const char *word, enum log_level *ret);
const char *log_level_word(enum log_level level);
/* True when lines of this level are written: for work that only logging needs. */
bool log_enabled(enum log_level level);

/* Replaces this thread's context; NULL empties it. */
void log_context_set(const struct log_context *context);

void log_debug(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_error(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* "WHAT: WHY (HINT)" of err after the message, with its code as a field of its own. */
void log_err(enum log_level level, const struct error *err, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
