/*
 * Kafka administration: topics, consumer groups, committed and end offsets, lag, and reading ranges of a
 * topic. One handle, one thread.  Every call blocks for at most the handle's time-out.
 */
#ifndef PIZZA_BUS_ADMIN_H
#define PIZZA_BUS_ADMIN_H

#include "core/bus/bus.h"

struct bus_admin;

int bus_admin_new(const struct bus_options *options, int timeout_ms, struct bus_admin **ret,
		  struct error *err) MUST_USE;
/* A handle beside a group, for bus_admin_own_lag: it never joins. */
int bus_admin_new_beside(const struct bus_options *options, const char *group, int timeout_ms,
			 struct bus_admin **ret, struct error *err) MUST_USE;
/* The same for reading many messages: it fetches more at once, where others want one of each partition. */
int bus_admin_new_reading(const struct bus_options *options, int timeout_ms, struct bus_admin **ret,
			  struct error *err) MUST_USE;
void bus_admin_free(struct bus_admin *a);
/* Answers 0 when a broker answered a metadata request. */
int bus_admin_ping(struct bus_admin *a, struct error *err) MUST_USE;

struct bus_topic_config {
	const char *name;
	const char *value;
};
/* Creates a topic; one that exists is fine (0). replication -1: the broker's default. */
int bus_admin_create_topic(struct bus_admin *a, const char *topic, int partitions, int replication,
			   const struct bus_topic_config *config, int config_count,
			   struct error *err) MUST_USE;

struct bus_partition_info {
	char *topic;
	int32_t partition;
	int32_t leader; /* -1: none */
	int64_t begin;	/* log start, -1 unknown */
	int64_t end;	/* next offset, -1 unknown */
};
/* All partitions of the topics (NULL: all but internal ones), with begin and end offsets when asked for. */
int bus_admin_partitions(struct bus_admin *a, const char *const *topics, int topic_count, bool offsets,
			 struct bus_partition_info **ret, int *ret_count, struct error *err) MUST_USE;
void bus_partitions_free(struct bus_partition_info *p, int count);

enum bus_lag_state { BUS_LAG_OK, BUS_LAG_NO_COMMIT, BUS_LAG_UNKNOWN };
struct bus_lag {
	char *group;
	char *topic;
	int32_t partition;
	enum bus_lag_state state;
	int64_t committed;  /* -1 when there is no commit */
	int64_t end;	    /* -1 unknown */
	int64_t lag;	    /* never negative; -1 when unknown */
	double lag_seconds; /* age of the first unconsumed message; 0 when lag is 0; -1 unknown */
	char *member;	    /* group.instance.id or client id that owns it, "" for none */
};
/*
 * Lag of groups (NULL: all) × their topics.  seconds asks for lag_seconds (one look-up per lagging partition
 * at most). Requests are sent together, not one after the other; 2,000 partitions take ~25 ms.
 */
int bus_admin_lag(struct bus_admin *a, const char *const *groups, int group_count, bool seconds,
		  struct bus_lag **ret, int *ret_count, struct error *err) MUST_USE;
/*
 * The same for the handle's own group and all partitions of the topics, without members and ages.  Daemons
 * use this: librdkafka (2.0.2 to 2.13 at least) ends the process when the connection to the coordinator
 * breaks while one of the administrative requests of bus_admin_lag is being sent
 * (confluentinc/librdkafka#5397).
 */
int bus_admin_own_lag(struct bus_admin *a, const char *const *topics, int topic_count, struct bus_lag **ret,
		      int *ret_count, struct error *err) MUST_USE;
void bus_lag_free(struct bus_lag *l, int count);

struct bus_group_info {
	char *group;
	char *state; /* "Stable", "Empty", … */
	int members;
};
int bus_admin_groups(struct bus_admin *a, struct bus_group_info **ret, int *ret_count,
		     struct error *err) MUST_USE;
void bus_groups_free(struct bus_group_info *g, int count);
/* Removes a static member that is gone for good (scale down).  A member or group not there is fine. */
int bus_admin_remove_member(struct bus_admin *a, const char *group, const char *instance,
			    struct error *err) MUST_USE;
/* Sets committed offsets of an inactive group; ERR_REFUSED while it has members. offset -2: beginning, -1:
 * end. */
int bus_admin_reset(struct bus_admin *a, const char *group, const char *topic, int32_t partition,
		    int64_t offset, struct error *err) MUST_USE;

/* Where to go on in a topic that was read before, and who is told where the reading stands. */
struct bus_places {
	/* The next offset of each partition; -1: not known.  As soon as one is known, since_us and tail do
	 * not count, and the others are read from their beginning. */
	const int64_t *next;
	int count;
	/* Called before the first message with where each partition begins, and with the ends when what was
	 * there has been handed out. */
	void (*placed)(void *arg, const char *topic, int32_t partition, int64_t next);
};

/*
 * Reads a topic: from `since_us` (wall clock; -1: not by time) or the last `tail` messages in all (-1: from
 * the beginning); calls `message` for each in timestamp order as far as known; returns when the ends frozen
 * at the start are reached, or never with follow (until `message` returns non-zero, or *stop becomes true).
 * `message`'s non-zero answer is returned unless it is 1.  places may be NULL; ERR_CONFLICT: what lies at one
 * of them is not in the topic any more, or not yet.
 */
int bus_admin_read(struct bus_admin *a, const char *topic, int64_t since_us, int64_t tail, bool follow,
		   const struct bus_places *places, volatile bool *stop,
		   int (*message)(void *arg, const struct bus_message *m), void *arg,
		   struct error *err) MUST_USE;

#endif
