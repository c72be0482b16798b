/*
 * One message of a {topic}-dlq as a dead letter: its dlq_ headers checked, its event looked into.  What
 * cannot be understood is still a letter, marked unreadable: here nothing is refused and nothing is lost.
 * Pure; thread safe.
 */
#ifndef PIZZA_DLQ_ARRIVAL_H
#define PIZZA_DLQ_ARRIVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/uuid.h"
#include "core/bus/bus.h"

#define ARRIVAL_HEADERS_MAX 64

struct arrival {
	struct uuid letter_id;
	bool readable; /* the dlq_ headers were understood */
	char topic[128];
	int32_t partition; /* -1: not known, as offset */
	int64_t offset;
	int64_t original_us; /* 0: not known */
	char group[64];
	char error_code[64];
	char error_reason[512];
	char failed_step[128];
	int64_t failed_us;
	int retry_count, replay_count;
	/* Of the event, as far as it can be read. */
	char event_type[64]; /* "" */
	struct uuid event_id, order_id, correlation_id;
	/* As consumed; borrowed from the message. */
	const char *dlq_topic;
	int32_t dlq_partition;
	int64_t dlq_offset;
	const void *key, *value;
	size_t key_len, value_len;
	char *headers; /* the original ones as JSON: [{"name","value_base64"}]; owned */
};

/* n headers of m (its handle is not used).  now_us stands in for what the headers do not tell. */
void arrival_read(const struct bus_message *m, const struct bus_header *headers, int n, int64_t now_us,
		  struct arrival *ret);
void arrival_done(struct arrival *a);
/* Looks into value for event_type, event_id, order_id and correlation_id. */
void arrival_read_event(struct arrival *a, const void *value, size_t len);

#endif
