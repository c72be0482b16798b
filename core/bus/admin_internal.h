/*
 * Inside the administration: the handle and what its files share.  One thread.
 */
#ifndef PIZZA_BUS_ADMIN_INTERNAL_H
#define PIZZA_BUS_ADMIN_INTERNAL_H

#include "core/bus/admin.h"
#include "core/bus/internal.h"

struct bus_admin {
	struct bus_link link;	 /* first: see bus_conf */
	rd_kafka_t *rk;		 /* a consumer, since it also reads; it joins no group */
	rd_kafka_queue_t *queue; /* answers to administrative requests */
	char *bootstrap;
	char *group; /* whose committed offsets bus_admin_own_lag tells */
	int timeout_ms;
};

/* --- admin_topics.c --- */

/* Options of one request with the handle's time-out; the caller destroys them. */
rd_kafka_AdminOptions_t *bus_admin_options(struct bus_admin *a, rd_kafka_admin_op_t op);
/* The next answer; its failure as a whole is an error. */
int bus_admin_await(struct bus_admin *a, const char *what, rd_kafka_event_t **ret,
		    struct error *err) MUST_USE;
/*
 * Looks offsets up with one request per broker: each element's offset holds the moment asked for in
 * milliseconds, or RD_KAFKA_OFFSET_END or _BEGINNING, and becomes the offset, or -1 where it cannot be known
 * (element.err says why).
 */
void bus_admin_offsets(struct bus_admin *a, rd_kafka_topic_partition_list_t *list);

/* --- admin_groups.c --- */

/* The groups' names alone, as bus_admin_groups. */
int bus_admin_list_groups(struct bus_admin *a, struct bus_group_info **ret, int *ret_count,
			  struct error *err) MUST_USE;
/* Descriptions of n groups, borrowed from the event, which the caller destroys. */
int bus_admin_describe(struct bus_admin *a, const char **groups, size_t n, rd_kafka_event_t **ret,
		       struct error *err) MUST_USE;

/* --- admin_leave.c --- */

/* Asks the group's coordinator to remove a static member (KIP-345), which librdkafka has no call for. */
int bus_leave_group(const char *bootstrap, const char *group, const char *instance, int timeout_ms,
		    struct error *err) MUST_USE;

#endif
