/*
 * The log writer.  A line is put together in a buffer and leaves with one write(2).
 */
#include "core/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/mem.h"

static const char *const level_words[] = {"debug", "info", "warn", "error"};

static char service_name[32] = "pizza";
static int service_replica;
static int log_fd = STDERR_FILENO;
static bool log_text; /* for people */
static atomic_int log_threshold = LOG_INFO;
static _Thread_local struct log_context current;

int log_init(const char *service, int replica, const char *path, struct error *err)
{
	snprintf(service_name, sizeof(service_name), "%s", service);
	service_replica = replica;
	if (path != NULL) {
		int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);

		if (fd < 0)
			return error_errno(err, "open the log file %s", path);
		log_fd = fd;
	}
	log_text = isatty(log_fd);
	return 0;
}

void log_set_level(enum log_level level)
{
	atomic_store(&log_threshold, (int)level);
}

bool log_level_parse(const char *word, enum log_level *ret)
{
	for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
		if (strcmp(word, level_words[i]) == 0) {
			*ret = (enum log_level)i;
			return true;
		}
	}
	return false;
}

const char *log_level_word(enum log_level level)
{
	return level_words[level];
}

bool log_enabled(enum log_level level)
{
	return (int)level >= atomic_load_explicit(&log_threshold, memory_order_relaxed);
}

void log_context_set(const struct log_context *context)
{
	if (context == NULL)
		memset(&current, 0, sizeof(current));
	else
		current = *context;
}

static void add_field(struct buf *line, const char *name, const char *value)
{
	if (value[0] == '\0')
		return;
	if (log_text) {
		buf_addf(line, " %s=%s", name, value);
	} else {
		buf_addf(line, ",\"%s\":", name);
		buf_add_json(line, value, strlen(value));
	}
}

static void begin_line(struct buf *line, enum log_level level, const char *message)
{
	char now[CLOCK_TEXT_SIZE];

	clock_format(clock_wall_us(), now);
	if (log_text) {
		buf_addf(line, "%s %-5s %s: %s", now, level_words[level], service_name, message);
		return;
	}
	buf_addf(line, "{\"ts\":\"%s\",\"level\":\"%s\",\"service\":\"%s\"", now, level_words[level],
		 service_name);
	if (service_replica > 0)
		buf_addf(line, ",\"replica\":%d", service_replica);
	buf_adds(line, ",\"msg\":");
	buf_add_json(line, message, strlen(message));
}

static void write_line(enum log_level level, const char *code, const char *message)
{
	CLEANUP(buf_done) struct buf line = {0};
	ssize_t ignored;

	begin_line(&line, level, message);
	add_field(&line, "code", code);
	add_field(&line, "order_id", current.order_id);
	add_field(&line, "event_id", current.event_id);
	add_field(&line, "trace_id", current.trace_id);
	add_field(&line, "correlation_id", current.correlation_id);
	buf_adds(&line, log_text ? "\n" : "}\n");
	ignored = write(log_fd, line.data, line.len);
	(void)ignored; /* a full disk must not stop the service */
}

static void log_at(enum log_level level, const char *fmt, va_list ap)
{
	char message[2048];
	int saved = errno;

	if (!log_enabled(level))
		return;
	vsnprintf(message, sizeof(message), fmt, ap);
	write_line(level, "", message);
	errno = saved;
}

#define LOG_FUNCTION(name, level)       \
	void name(const char *fmt, ...) \
	{                               \
		va_list ap;             \
                                        \
		va_start(ap, fmt);      \
		log_at(level, fmt, ap); \
		va_end(ap);             \
	}

LOG_FUNCTION(log_debug, LOG_DEBUG)
LOG_FUNCTION(log_info, LOG_INFO)
LOG_FUNCTION(log_warn, LOG_WARN)
LOG_FUNCTION(log_error, LOG_ERROR)

void log_err(enum log_level level, const struct error *err, const char *fmt, ...)
{
	char subject[512], message[1536];
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	vsnprintf(subject, sizeof(subject), fmt, ap);
	va_end(ap);
	snprintf(message, sizeof(message), "%s: %s: %s%s%s%s", subject, err->what, err->why,
		 err->hint[0] != '\0' ? " (" : "", err->hint, err->hint[0] != '\0' ? ")" : "");
	write_line(level, error_word(err->code), message);
}
