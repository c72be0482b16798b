/*
 * The logs of all services as one stream ordered by time, filtered at the source.  Daemons write JSON lines;
 * PostgreSQL and Kafka write text, whose time and level are recognised.  No printing.
 */
#ifndef PIZZA_CONSOLE_LOGS_H
#define PIZZA_CONSOLE_LOGS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/console/console.h"
#include "core/console/cursor.h"

struct logs_query {
	const char *const *services; /* "orderd", "kafka"; */
	int service_count;	     /* 0: all */
	enum log_level level;	     /* at least */
	const char *order_id;	     /* lines that name it; NULL: any */
	int64_t since_us;	     /* from this moment on; -1: any */
	int64_t tail;		     /* the last so many; -1: all */
	bool follow;
	/* Goes on where it stands (since_us and tail count the first time alone), and has each row's place
	 * staged in it.  NULL. */
	struct cursor *cursor;
	volatile bool *stop; /* ends following */
};

/*
 * Gives each line as a row {ts, level, service, replica, msg, …}; ts is null where a text has none.
 * ERR_NOT_FOUND: a service has no log.  Blocks until all is read, or with follow until *stop or the row
 * function's non-zero answer.
 */
int logs_read(const struct logs_query *query, console_row *row, void *arg, struct error *err) MUST_USE;

#endif
