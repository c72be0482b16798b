/*
 * Consumer groups: which there are, who is in them, setting their offsets, removing a member.
 */
#include "core/bus/admin_internal.h"

#include <string.h>

#include "core/base/mem.h"

int bus_admin_describe(struct bus_admin *a, const char **groups, size_t n, rd_kafka_event_t **ret,
		       struct error *err)
{
	rd_kafka_AdminOptions_t *o = bus_admin_options(a, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);

	rd_kafka_DescribeConsumerGroups(a->rk, groups, n, o, a->queue);
	rd_kafka_AdminOptions_destroy(o);
	return bus_admin_await(a, "describe consumer groups", ret, err);
}

static void describe(struct bus_group_info *info, const rd_kafka_ConsumerGroupDescription_t *d)
{
	info->state = xstrdup(rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupDescription_state(d)));
	info->members = (int)rd_kafka_ConsumerGroupDescription_member_count(d);
}

/* A broker that could not be asked has its groups left out: what is listed then is not all. */
static int judge_listing(const rd_kafka_ListConsumerGroups_result_t *listing, struct error *err)
{
	size_t n = 0;
	const rd_kafka_error_t **errors = rd_kafka_ListConsumerGroups_result_errors(listing, &n);

	if (n == 0)
		return 0;
	return bus_fail(err, rd_kafka_error_code(errors[0]), "list consumer groups",
			rd_kafka_error_string(errors[0]));
}

/* The groups' names; state and members are filled in later. */
int bus_admin_list_groups(struct bus_admin *a, struct bus_group_info **ret, int *ret_count, struct error *err)
{
	rd_kafka_AdminOptions_t *o = bus_admin_options(a, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS);
	const rd_kafka_ConsumerGroupListing_t **listed;
	rd_kafka_event_t *event;
	size_t n = 0;
	int rc;

	rd_kafka_ListConsumerGroups(a->rk, o, a->queue);
	rd_kafka_AdminOptions_destroy(o);
	rc = bus_admin_await(a, "list consumer groups", &event, err);
	if (rc < 0)
		return rc;
	rc = judge_listing(rd_kafka_event_ListConsumerGroups_result(event), err);
	if (rc < 0) {
		rd_kafka_event_destroy(event);
		return rc;
	}
	listed =
	    rd_kafka_ListConsumerGroups_result_valid(rd_kafka_event_ListConsumerGroups_result(event), &n);
	*ret = xcalloc(n + 1, sizeof(**ret));
	for (size_t i = 0; i < n; i++)
		(*ret)[i].group = xstrdup(rd_kafka_ConsumerGroupListing_group_id(listed[i]));
	*ret_count = (int)n;
	rd_kafka_event_destroy(event);
	return 0;
}

static int describe_all(struct bus_admin *a, struct bus_group_info *groups, int count, struct error *err)
{
	AUTO_FREE const char **names = xcalloc((size_t)count, sizeof(*names));
	const rd_kafka_ConsumerGroupDescription_t **described;
	rd_kafka_event_t *event;
	size_t n = 0;
	int rc;

	for (int i = 0; i < count; i++)
		names[i] = groups[i].group;
	rc = bus_admin_describe(a, names, (size_t)count, &event, err);
	if (rc < 0)
		return rc;
	described = rd_kafka_DescribeConsumerGroups_result_groups(
	    rd_kafka_event_DescribeConsumerGroups_result(event), &n);
	/* Answers come in the order of the question. */
	for (size_t i = 0; i < n && i < (size_t)count; i++)
		describe(&groups[i], described[i]);
	rd_kafka_event_destroy(event);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct bus_group_info *)a)->group, ((const struct bus_group_info *)b)->group);
}

int bus_admin_groups(struct bus_admin *a, struct bus_group_info **ret, int *ret_count, struct error *err)
{
	struct bus_group_info *groups;
	int n, rc;

	rc = bus_admin_list_groups(a, &groups, &n, err);
	if (rc < 0)
		return rc;
	if (n > 0)
		rc = describe_all(a, groups, n, err);
	if (rc < 0) {
		bus_groups_free(groups, n);
		return rc;
	}
	qsort(groups, (size_t)n, sizeof(*groups), by_name);
	*ret = groups;
	*ret_count = n;
	return 0;
}

void bus_groups_free(struct bus_group_info *g, int count)
{
	for (int i = 0; i < count; i++) {
		free(g[i].group);
		free(g[i].state);
	}
	free(g);
}

int bus_admin_remove_member(struct bus_admin *a, const char *group, const char *instance, struct error *err)
{
	return bus_leave_group(a->bootstrap, group, instance, a->timeout_ms, err);
}

/* --- setting offsets --- */

static int refuse_active(const char *group, size_t members, struct error *err)
{
	error_set(err, ERR_REFUSED, group, "the group has %zu active member%s", members,
		  members == 1 ? "" : "s");
	error_hint(
	    err,
	    "stop its daemon first; a stopped member leaves the group after its session time-out of 6 s");
	return ERR_REFUSED;
}

static int check_inactive(struct bus_admin *a, const char *group, struct error *err)
{
	const rd_kafka_ConsumerGroupDescription_t **described;
	rd_kafka_event_t *event;
	size_t n = 0, members;
	int rc = bus_admin_describe(a, &group, 1, &event, err);

	if (rc < 0)
		return rc;
	described = rd_kafka_DescribeConsumerGroups_result_groups(
	    rd_kafka_event_DescribeConsumerGroups_result(event), &n);
	members = n == 1 ? rd_kafka_ConsumerGroupDescription_member_count(described[0]) : 0;
	rd_kafka_event_destroy(event);
	return members == 0 ? 0 : refuse_active(group, members, err);
}

/* The first failure in the answer, which is consumed. */
static int altered(rd_kafka_event_t *event, const char *group, struct error *err)
{
	const rd_kafka_group_result_t **results;
	const rd_kafka_topic_partition_list_t *list = NULL;
	const rd_kafka_error_t *whole = NULL;
	size_t n = 0;
	int rc = 0;

	results = rd_kafka_AlterConsumerGroupOffsets_result_groups(
	    rd_kafka_event_AlterConsumerGroupOffsets_result(event), &n);
	if (n == 1) {
		whole = rd_kafka_group_result_error(results[0]);
		list = rd_kafka_group_result_partitions(results[0]);
	}
	if (whole != NULL)
		rc = bus_fail(err, rd_kafka_error_code(whole), group, rd_kafka_error_string(whole));
	for (int i = 0; rc == 0 && list != NULL && i < list->cnt; i++) {
		rd_kafka_resp_err_t e = list->elems[i].err;

		/* What the broker says to a commit from outside of an active group. */
		if (e == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID || e == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS)
			rc = error_set(err, ERR_REFUSED, group, "the group is active");
		else if (e != RD_KAFKA_RESP_ERR_NO_ERROR)
			rc = bus_fail(err, e, group, NULL);
	}
	rd_kafka_event_destroy(event);
	return rc;
}

static int alter(struct bus_admin *a, const char *group, const rd_kafka_topic_partition_list_t *list,
		 struct error *err)
{
	rd_kafka_AlterConsumerGroupOffsets_t *alteration =
	    rd_kafka_AlterConsumerGroupOffsets_new(group, list);
	rd_kafka_AdminOptions_t *o = bus_admin_options(a, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS);
	rd_kafka_event_t *event;
	int rc;

	rd_kafka_AlterConsumerGroupOffsets(a->rk, &alteration, 1, o, a->queue);
	rd_kafka_AlterConsumerGroupOffsets_destroy(alteration);
	rd_kafka_AdminOptions_destroy(o);
	rc = bus_admin_await(a, group, &event, err);
	return rc < 0 ? rc : altered(event, group, err);
}

int bus_admin_reset(struct bus_admin *a, const char *group, const char *topic, int32_t partition,
		    int64_t offset, struct error *err)
{
	rd_kafka_topic_partition_list_t *list;
	int rc = check_inactive(a, group, err);

	if (rc < 0)
		return rc;
	list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
	if (offset < 0) {
		list->elems[0].offset = offset == -2 ? RD_KAFKA_OFFSET_BEGINNING : RD_KAFKA_OFFSET_END;
		bus_admin_offsets(a, list);
	}
	if (list->elems[0].offset < 0)
		rc = bus_fail(err, list->elems[0].err, topic, NULL);
	else
		rc = alter(a, group, list, err);
	rd_kafka_topic_partition_list_destroy(list);
	return rc;
}
