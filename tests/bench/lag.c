/*
 * The limit of `pizzactl lag`: bare librdkafka with the same questions and nothing else.
 *
 *   lag --bootstrap HOST:PORT --setup [--topic T] [--partitions N]    makes a topic and a group with commits
 *   lag --bootstrap HOST:PORT [--topic T] [--partitions N]            the group's committed and the end
 * offsets
 *
 * One thread.
 */
#include <getopt.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/bus/admin.h"

#define TIMEOUT_MS 60000

struct run {
	const char *bootstrap, *topic;
	int partitions;
	bool setup;
};

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "lag: %s: %s\n", what, why);
	exit(1);
}

static void check(rd_kafka_resp_err_t e, const char *what)
{
	if (e != RD_KAFKA_RESP_ERR_NO_ERROR)
		fail(what, rd_kafka_err2str(e));
}

static rd_kafka_t *connect_group(const struct run *r)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char why[256];
	rd_kafka_t *rk;

	if (rd_kafka_conf_set(conf, "bootstrap.servers", r->bootstrap, why, sizeof(why)) !=
		RD_KAFKA_CONF_OK ||
	    rd_kafka_conf_set(conf, "group.id", r->topic, why, sizeof(why)) != RD_KAFKA_CONF_OK)
		fail("configure", why);
	rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	if (rk == NULL)
		fail("connect", why);
	return rk;
}

static rd_kafka_topic_partition_list_t *all_partitions(const struct run *r, int64_t offset)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(r->partitions);

	for (int i = 0; i < r->partitions; i++)
		rd_kafka_topic_partition_list_add(list, r->topic, i)->offset = offset;
	return list;
}

/* The coordinator learns of a new topic a little later than its creator. */
static void commit(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *list)
{
	const struct timespec pause = {0, 50000000};
	struct mono deadline = mono_add_ms(mono_now(), TIMEOUT_MS);
	rd_kafka_resp_err_t e;

	while ((e = rd_kafka_commit(rk, list, 0)) == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART &&
	       mono_left_ms(deadline) > 0)
		nanosleep(&pause, NULL);
	check(e, "commit");
}

static void set_up(const struct run *r)
{
	const struct bus_options options = {r->bootstrap, "bench-lag"};
	struct bus_admin *admin;
	struct error err;
	rd_kafka_topic_partition_list_t *list = all_partitions(r, 0);
	rd_kafka_t *rk;

	if (bus_admin_new(&options, TIMEOUT_MS, &admin, &err) < 0 ||
	    bus_admin_create_topic(admin, r->topic, r->partitions, -1, NULL, 0, &err) < 0)
		fail(err.what, err.why);
	bus_admin_free(admin);
	rk = connect_group(r);
	commit(rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_destroy(rk);
}

static void measure(const struct run *r)
{
	rd_kafka_t *rk = connect_group(r);
	rd_kafka_topic_partition_list_t *committed = all_partitions(r, RD_KAFKA_OFFSET_INVALID);
	rd_kafka_topic_partition_list_t *ends = all_partitions(r, RD_KAFKA_OFFSET_END);
	const struct rd_kafka_metadata *metadata;
	int known = 0;

	check(rd_kafka_metadata(rk, 1, NULL, &metadata, TIMEOUT_MS), "metadata");
	rd_kafka_metadata_destroy(metadata);
	check(rd_kafka_committed(rk, committed, TIMEOUT_MS), "committed offsets");
	check(rd_kafka_offsets_for_times(rk, ends, TIMEOUT_MS), "end offsets");
	for (int i = 0; i < r->partitions; i++)
		known += committed->elems[i].offset >= 0 && ends->elems[i].offset >= 0;
	printf("%d\n", known);
	if (known != r->partitions)
		fail("offsets", "some partitions have none");
	rd_kafka_topic_partition_list_destroy(committed);
	rd_kafka_topic_partition_list_destroy(ends);
	rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"bootstrap", required_argument, NULL, 'b'},
	    {"topic", required_argument, NULL, 't'},
	    {"partitions", required_argument, NULL, 'p'},
	    {"setup", no_argument, NULL, 's'},
	    {NULL, 0, NULL, 0},
	};
	struct run r = {.bootstrap = "127.0.0.1:5092", .topic = "bench-lag", .partitions = 2000};
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'b':
			r.bootstrap = optarg;
			break;
		case 't':
			r.topic = optarg;
			break;
		case 'p':
			r.partitions = atoi(optarg);
			break;
		case 's':
			r.setup = true;
			break;
		default:
			return 2;
		}
	}
	if (r.setup)
		set_up(&r);
	else
		measure(&r);
	return 0;
}
