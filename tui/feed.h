/*
 * Where the dashboard's data comes from: one row per feed, each a call of core/console.  Feeds of one backend
 * share a thread and its connections, so that a backend which is slow or gone holds up nothing else.
 */
#ifndef PIZZA_TUI_FEED_H
#define PIZZA_TUI_FEED_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/console/console.h"

/* Who is asked: a thread each. */
enum backend {
	BACKEND_CONTROL,
	BACKEND_DATABASE,
	BACKEND_KAFKA,
	BACKEND_DLQ,
	BACKEND_OUTBOX,
	BACKEND_PAYMENT,
	BACKEND_INVENTORY,
	BACKEND_NOTIFY,
	BACKEND_METRICS, /* of all daemons */
	BACKEND_HOSTS,
	BACKEND_KITCHEN,
	BACKEND_HW,
	BACKEND_MESSAGES, /* a stream from Kafka */
	BACKEND_LOGS,	  /* a stream from the log files */
	BACKEND_COUNT
};

enum feed_id {
	FEED_STATUS,
	FEED_KPI,
	FEED_STUCK,
	FEED_SAGAS,
	FEED_SAGA,
	FEED_ORDERS,
	FEED_LAG,
	FEED_PARTITIONS,
	FEED_TOPICS,
	FEED_LETTER_GROUPS,
	FEED_LETTERS,
	FEED_LETTER,
	FEED_OUTBOX,
	FEED_PAYMENTS,
	FEED_INVENTORY,
	FEED_NOTIFICATIONS,
	FEED_METRICS,
	FEED_HOSTS,
	FEED_HEATMAP,
	FEED_JOBS,
	FEED_STEPS,
	FEED_KITCHEN,
	FEED_TICKETS,
	FEED_HW,
	FEED_MESSAGES,
	FEED_LOGS,
	FEED_COUNT
};

#define FEED_BIT(symbol)  (1u << FEED_##symbol)
#define FEED_SUBJECT_MAX  128
#define FEED_ROWS_MAX	  10000	    /* of a list */
#define FEED_LIST_MAX	  500	    /* of a daemon's own list, which comes page by page */
#define FEED_STREAM_MAX	  2000	    /* rows of a stream that are kept */
#define FEED_STREAM_BYTES (2 << 20) /* of their texts at most */

#define FEED_NONE FEED_COUNT

/* What a stream tells: that its backend is there, then rows; and what ends it. */
struct feed_stream {
	void (*begun)(void *arg);
	console_row *row;
	void *arg;
	volatile bool *stop;
};

struct feed {
	const char *name;
	enum backend backend;
	int period_ms; /* 0: a stream */
	/* Blocks for at most the console's time-out.  subject: which one, or a filter; "" for none. */
	int (*fetch)(struct console *c, const char *subject, json_t **ret, struct error *err);
	/* Blocks until stopped or failed. */
	int (*stream)(struct console *c, const char *subject, const struct feed_stream *s, struct error *err);
	int looks;   /* so many soon one after the other: rates take two */
	bool packed; /* its rows are, wherever they come from */
};

extern const struct feed feeds[FEED_COUNT];
/* The service that a backend is; NULL: several. */
extern const char *const feed_services[BACKEND_COUNT];

#endif
