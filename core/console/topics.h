/*
 * Topics as operators see them: lists, messages as rows, and putting a message into one.  No printing; calls
 * block.
 */
#ifndef PIZZA_CONSOLE_TOPICS_H
#define PIZZA_CONSOLE_TOPICS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/base/where.h"
#include "core/bus/bus.h"
#include "core/console/console.h"
#include "core/console/cursor.h"

/* One row per topic: topic, partitions, messages, begin and end summed, leaderless. */
int topics_list(struct console *c, console_row *row, void *arg, struct error *err) MUST_USE;
/* The same for one, with partitions: [partition, leader, begin, end, messages]; ERR_NOT_FOUND has the
 * nearest. */
int topics_show(struct console *c, const char *topic, json_t **ret, struct error *err) MUST_USE;

#define TOPICS_LOOK_MAX 200000

struct topics_read {
	const char *const *topics;
	int topic_count;
	int64_t since_us;	   /* messages from this moment on; -1: not by time */
	int64_t tail;		   /* the last so many of each topic; -1: from the beginning */
	bool follow;		   /* go on with what comes */
	volatile bool *stop;	   /* ends it when it becomes true */
	const char *key;	   /* only messages with this key; NULL */
	const char *type;	   /* only events of this type; NULL */
	const struct where *where; /* only rows that meet it; NULL */
	bool *more; /* becomes true when fewer than `tail` match within TOPICS_LOOK_MAX and there are earlier
		       ones; NULL */
	/* Goes on where it stands (since_us and tail count the first time alone), and has each row's place
	 * staged in it.  NULL. */
	struct cursor *cursor;
};

/*
 * Gives messages as rows {topic, partition, offset, timestamp, key, headers, value}: value is JSON where it
 * is, text otherwise, null for a tombstone.  Several topics are read side by side, a thread each; row is
 * never called twice at once.  With a condition and a tail, the last so many that match: looked for in the
 * last TOPICS_LOOK_MAX messages of each partition, with since_us in all from then on.
 */
int topics_read(struct console *c, const struct topics_read *read, console_row *row, void *arg,
		struct error *err) MUST_USE;

struct topics_message {
	const char *topic;
	const char *key; /* NULL: none */
	const void *value;
	size_t value_len;
	const struct bus_header *headers;
	int header_count;
};
/* Produces one message and waits for its acknowledgement: {topic, partition, offset}. */
int topics_produce(struct console *c, const struct topics_message *m, json_t **ret,
		   struct error *err) MUST_USE;

#endif
