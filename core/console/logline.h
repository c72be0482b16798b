/*
 * One line of a log as a row: JSON as daemons write it, or the text of PostgreSQL and Kafka.
 */
#ifndef PIZZA_CONSOLE_LOGLINE_H
#define PIZZA_CONSOLE_LOGLINE_H

#include <jansson.h>
#include <stdint.h>

#include "core/base/log.h"

struct logline {
	int64_t at_us; /* 0: it has none */
	enum log_level level;
	json_t *row; /* owned */
};

/* service is the file's name, for lines that do not say whose they are. */
struct logline logline_parse(const char *text, size_t len, const char *service);
/* The moment of a line alone; 0: none. */
int64_t logline_time(const char *text, size_t len);

#endif
