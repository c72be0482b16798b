/*
 * Inside core/bus: configuration, error mapping and the state of the link, shared by producer, consumer,
 * reader and administration.
 */
#ifndef PIZZA_BUS_INTERNAL_H
#define PIZZA_BUS_INTERNAL_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

#include "core/base/clock.h"
#include "core/bus/bus.h"

/* --- common.c --- */

/* Whether a broker can be reached, as far as librdkafka said; the conf's opaque points to it. Thread safe. */
struct bus_link {
	atomic_bool down;
	atomic_llong probed_ns; /* when it was last asked whether it is up again */
};
/* A message, an answer or an acknowledgement came. */
void bus_link_up(struct bus_link *link);
/* True when brokers can be reached; while they are down, asks for up to timeout_ms and at most every 500 ms.
 */
bool bus_link_check(struct bus_link *link, rd_kafka_t *rk, int timeout_ms);

struct bus_setting {
	const char *name;
	const char *value;
};
/*
 * A configuration with what all clients have in common, then n settings.  The link is kept in the opaque,
 * which must begin with a struct bus_link.
 */
int bus_conf(const struct bus_options *options, const struct bus_setting *settings, size_t n, void *opaque,
	     rd_kafka_conf_t **ret, struct error *err) MUST_USE;
/* Makes the handle; consumes conf. */
int bus_handle(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **ret, struct error *err) MUST_USE;
int bus_error_code(rd_kafka_resp_err_t e);
/* Fills err in from a librdkafka error and returns its code. */
int bus_fail(struct error *err, rd_kafka_resp_err_t e, const char *what, const char *why);

/* --- message.c --- */

/* Takes the message over into the batch. */
void bus_batch_add(struct bus_batch *b, rd_kafka_message_t *m);
/* A view of a message; borrowed. */
struct bus_message bus_message_view(rd_kafka_message_t *m);
/* Drops the messages of one partition. */
void bus_batch_drop(struct bus_batch *b, const char *topic, int32_t partition);

#endif
