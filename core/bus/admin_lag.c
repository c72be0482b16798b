/*
 * Consumer lag.  Committed offsets of all groups and the groups' members are asked for at once; then the end
 * offsets of all partitions concerned with one request per broker; then, if wanted, one message of each
 * lagging partition for its age.  The number of round trips does not depend on the number of partitions.
 */
#include "core/bus/admin_internal.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/map.h"
#include "core/base/mem.h"

#define AGE_TIMEOUT_MS 1500

struct lag_job {
	struct bus_lag *rows;
	int count, cap;
	struct map by_row;		       /* group, topic, partition → number of the row + 1 */
	struct map by_partition;	       /* topic, partition → number in `ends` + 1 */
	rd_kafka_topic_partition_list_t *ends; /* each partition once */
	int *end_of;			       /* by row: number in `ends` */
};

/* --- rows --- */

static void *number(int i)
{
	return (void *)((intptr_t)i + 1);
}

static void key_of(struct buf *key, const char *group, const char *topic, int32_t partition)
{
	buf_reset(key);
	buf_add(key, group, strlen(group) + 1);
	buf_add(key, topic, strlen(topic) + 1);
	buf_add(key, &partition, sizeof(partition));
}

/* The row of a partition in a group, made when there is none. */
static struct bus_lag *row_of(struct lag_job *j, const char *group, const char *topic, int32_t partition)
{
	CLEANUP(buf_done) struct buf key = {0};
	intptr_t found;

	key_of(&key, group, topic, partition);
	found = (intptr_t)map_get(&j->by_row, key.data, key.len);
	if (found > 0)
		return &j->rows[found - 1];
	if (j->count == j->cap) {
		j->cap = j->cap > 0 ? j->cap * 2 : 256;
		j->rows = xreallocarray(j->rows, (size_t)j->cap, sizeof(*j->rows));
	}
	map_put(&j->by_row, key.data, key.len, number(j->count));
	j->rows[j->count] = (struct bus_lag){.group = xstrdup(group),
					     .topic = xstrdup(topic),
					     .partition = partition,
					     .state = BUS_LAG_NO_COMMIT,
					     .committed = -1,
					     .end = -1,
					     .lag = -1,
					     .lag_seconds = -1,
					     .member = xstrdup("")};
	return &j->rows[j->count++];
}

static void add_committed(struct lag_job *j, const rd_kafka_event_t *event)
{
	const rd_kafka_group_result_t **groups;
	size_t n = 0;

	groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
	    rd_kafka_event_ListConsumerGroupOffsets_result((rd_kafka_event_t *)(uintptr_t)event), &n);
	for (size_t g = 0; g < n; g++) {
		const char *group = rd_kafka_group_result_name(groups[g]);
		const rd_kafka_topic_partition_list_t *list = rd_kafka_group_result_partitions(groups[g]);

		for (int i = 0; list != NULL && i < list->cnt; i++) {
			struct bus_lag *row =
			    row_of(j, group, list->elems[i].topic, list->elems[i].partition);

			if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
				row->state = BUS_LAG_UNKNOWN;
			else if (list->elems[i].offset >= 0)
				row->state = BUS_LAG_OK;
			if (row->state == BUS_LAG_OK)
				row->committed = list->elems[i].offset;
		}
	}
}

static void add_member(struct lag_job *j, const char *group, const rd_kafka_MemberDescription_t *m)
{
	const rd_kafka_MemberAssignment_t *assignment = rd_kafka_MemberDescription_assignment(m);
	const rd_kafka_topic_partition_list_t *list = rd_kafka_MemberAssignment_partitions(assignment);
	const char *name = rd_kafka_MemberDescription_group_instance_id(m);

	if (name == NULL || name[0] == '\0')
		name = rd_kafka_MemberDescription_client_id(m);
	for (int i = 0; list != NULL && i < list->cnt; i++) {
		struct bus_lag *row = row_of(j, group, list->elems[i].topic, list->elems[i].partition);

		free(row->member);
		row->member = xstrdup(name != NULL ? name : "");
	}
}

static void add_members(struct lag_job *j, rd_kafka_event_t *event)
{
	const rd_kafka_ConsumerGroupDescription_t **groups;
	size_t n = 0;

	groups = rd_kafka_DescribeConsumerGroups_result_groups(
	    rd_kafka_event_DescribeConsumerGroups_result(event), &n);
	for (size_t g = 0; g < n; g++) {
		const char *group = rd_kafka_ConsumerGroupDescription_group_id(groups[g]);
		size_t members = rd_kafka_ConsumerGroupDescription_member_count(groups[g]);

		for (size_t m = 0; m < members; m++)
			add_member(j, group, rd_kafka_ConsumerGroupDescription_member(groups[g], m));
	}
}

/* --- asking --- */

static void ask(struct bus_admin *a, const char **groups, size_t n)
{
	rd_kafka_AdminOptions_t *o = bus_admin_options(a, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);

	for (size_t i = 0; i < n; i++) {
		rd_kafka_ListConsumerGroupOffsets_t *request =
		    rd_kafka_ListConsumerGroupOffsets_new(groups[i], NULL);

		rd_kafka_ListConsumerGroupOffsets(a->rk, &request, 1, o, a->queue);
		rd_kafka_ListConsumerGroupOffsets_destroy(request);
	}
	rd_kafka_AdminOptions_destroy(o);
	o = bus_admin_options(a, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
	rd_kafka_DescribeConsumerGroups(a->rk, groups, n, o, a->queue);
	rd_kafka_AdminOptions_destroy(o);
}

/* All answers are taken, also after a failure: none may be left in the queue for the next request. */
static int collect(struct bus_admin *a, struct lag_job *j, size_t n, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < n + 1; i++) {
		rd_kafka_event_t *event;
		int one = bus_admin_await(a, "ask for committed offsets", &event, rc == 0 ? err : NULL);

		if (one < 0) {
			rc = rc == 0 ? one : rc;
			continue;
		}
		if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DESCRIBECONSUMERGROUPS_RESULT)
			add_members(j, event);
		else
			add_committed(j, event);
		rd_kafka_event_destroy(event);
	}
	return rc;
}

/* --- ends --- */

static void number_partitions(struct lag_job *j)
{
	CLEANUP(buf_done) struct buf key = {0};

	j->ends = rd_kafka_topic_partition_list_new(j->count);
	j->end_of = xcalloc((size_t)j->count + 1, sizeof(*j->end_of));
	for (int i = 0; i < j->count; i++) {
		intptr_t found;

		key_of(&key, "", j->rows[i].topic, j->rows[i].partition);
		found = (intptr_t)map_get(&j->by_partition, key.data, key.len);
		if (found == 0) {
			rd_kafka_topic_partition_list_add(j->ends, j->rows[i].topic, j->rows[i].partition)
			    ->offset = RD_KAFKA_OFFSET_END;
			map_put(&j->by_partition, key.data, key.len, number(j->ends->cnt - 1));
			found = j->ends->cnt;
		}
		j->end_of[i] = (int)found - 1;
	}
}

/*
 * Where nothing is committed, reading starts at the beginning, and the lag counts from there.  The list holds
 * the rows concerned in their order.
 */
static rd_kafka_topic_partition_list_t *begins(struct bus_admin *a, const struct lag_job *j)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
	AUTO_FREE int *begin_of = xcalloc((size_t)j->ends->cnt + 1, sizeof(*begin_of));
	rd_kafka_topic_partition_list_t *rows = rd_kafka_topic_partition_list_new(16);

	for (int i = 0; i < j->count; i++) {
		const struct bus_lag *row = &j->rows[i];

		if (row->state != BUS_LAG_NO_COMMIT)
			continue;
		if (begin_of[j->end_of[i]] == 0) {
			rd_kafka_topic_partition_list_add(list, row->topic, row->partition)->offset =
			    RD_KAFKA_OFFSET_BEGINNING;
			begin_of[j->end_of[i]] = list->cnt;
		}
		rd_kafka_topic_partition_list_add(rows, row->topic, row->partition)->offset =
		    begin_of[j->end_of[i]] - 1;
	}
	bus_admin_offsets(a, list);
	for (int i = 0; i < rows->cnt; i++)
		rows->elems[i].offset = list->elems[rows->elems[i].offset].offset;
	rd_kafka_topic_partition_list_destroy(list);
	return rows;
}

static void fill_in(struct bus_admin *a, struct lag_job *j)
{
	rd_kafka_topic_partition_list_t *begin = begins(a, j);
	int next_begin = 0;

	bus_admin_offsets(a, j->ends);
	for (int i = 0; i < j->count; i++) {
		struct bus_lag *row = &j->rows[i];
		int64_t from = row->committed;

		row->end = j->ends->elems[j->end_of[i]].offset;
		if (row->state == BUS_LAG_NO_COMMIT)
			from = begin->elems[next_begin++].offset;
		if (row->end < 0)
			row->state = BUS_LAG_UNKNOWN;
		if (row->end < 0 || from < 0)
			continue;
		row->lag = row->end > from ? row->end - from : 0;
		row->lag_seconds = row->lag == 0 ? 0 : -1;
	}
	rd_kafka_topic_partition_list_destroy(begin);
}

/* --- ages --- */

/* Where the first unconsumed message of a row is to be read. */
static int64_t first_unread(const struct bus_lag *row)
{
	return row->committed >= 0 ? row->committed : RD_KAFKA_OFFSET_BEGINNING;
}

/*
 * Rows whose age is to be found in this pass: one offset per partition at a time (several groups may lag at
 * different places in one partition). pass[i] is set for them.
 */
static rd_kafka_topic_partition_list_t *next_pass(const struct lag_job *j, bool *pass, const bool *tried)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(64);
	AUTO_FREE int64_t *chosen = xcalloc((size_t)j->ends->cnt + 1, sizeof(*chosen));
	AUTO_FREE bool *taken = xcalloc((size_t)j->ends->cnt + 1, sizeof(*taken));

	for (int i = 0; i < j->count; i++) {
		const struct bus_lag *row = &j->rows[i];
		int at = j->end_of[i];

		pass[i] = false;
		if (tried[i] || row->lag <= 0 || (taken[at] && chosen[at] != first_unread(row)))
			continue;
		if (!taken[at])
			rd_kafka_topic_partition_list_add(list, row->topic, row->partition)->offset =
			    first_unread(row);
		taken[at] = true;
		chosen[at] = first_unread(row);
		pass[i] = true;
	}
	return list;
}

static void note_age(struct lag_job *j, const bool *pass, int at, int64_t timestamp_ms)
{
	double age = ((double)clock_wall_us() / 1e3 - (double)timestamp_ms) / 1e3;

	for (int i = 0; i < j->count; i++)
		if (pass[i] && j->end_of[i] == at)
			j->rows[i].lag_seconds = timestamp_ms < 0 ? -1 : age > 0 ? age : 0;
}

/* One answer: the first message of a partition, or that there is none. True when it is the first one. */
static bool take_age(struct lag_job *j, const bool *pass, bool *done, const rd_kafka_message_t *m)
{
	CLEANUP(buf_done) struct buf key = {0};
	intptr_t found;

	if (m->rkt == NULL)
		return false;
	key_of(&key, "", rd_kafka_topic_name(m->rkt), m->partition);
	found = (intptr_t)map_get(&j->by_partition, key.data, key.len);
	if (found == 0 || done[found - 1])
		return false;
	done[found - 1] = true;
	if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
		note_age(j, pass, (int)found - 1, rd_kafka_message_timestamp(m, NULL));
	return true;
}

/* Reads the first message of each partition in the list. */
static void read_ages(struct bus_admin *a, struct lag_job *j, const bool *pass,
		      const rd_kafka_topic_partition_list_t *list, struct mono deadline)
{
	AUTO_FREE bool *done = xcalloc((size_t)j->ends->cnt + 1, sizeof(*done));
	AUTO_FREE rd_kafka_topic_t **topics = xcalloc((size_t)list->cnt + 1, sizeof(*topics));
	rd_kafka_queue_t *queue = rd_kafka_queue_new(a->rk);
	int left = list->cnt;

	for (int i = 0; i < list->cnt; i++) {
		topics[i] = rd_kafka_topic_new(a->rk, list->elems[i].topic, NULL);
		rd_kafka_consume_start_queue(topics[i], list->elems[i].partition, list->elems[i].offset,
					     queue);
	}
	while (left > 0 && mono_left_ms(deadline) > 0) {
		rd_kafka_message_t *m = rd_kafka_consume_queue(queue, (int)mono_left_ms(deadline));

		if (m == NULL)
			continue;
		left -= take_age(j, pass, done, m);
		rd_kafka_message_destroy(m);
	}
	for (int i = 0; i < list->cnt; i++) {
		rd_kafka_consume_stop(topics[i], list->elems[i].partition);
		rd_kafka_topic_destroy(topics[i]);
	}
	rd_kafka_queue_destroy(queue);
}

static void fill_in_ages(struct bus_admin *a, struct lag_job *j)
{
	AUTO_FREE bool *pass = xcalloc((size_t)j->count + 1, sizeof(*pass));
	AUTO_FREE bool *tried = xcalloc((size_t)j->count + 1, sizeof(*tried));
	struct mono deadline = mono_add_ms(mono_now(), AGE_TIMEOUT_MS);

	for (;;) {
		rd_kafka_topic_partition_list_t *list = next_pass(j, pass, tried);
		bool more = list->cnt > 0 && mono_left_ms(deadline) > 0;

		if (more)
			read_ages(a, j, pass, list, deadline);
		rd_kafka_topic_partition_list_destroy(list);
		if (!more)
			return;
		for (int i = 0; i < j->count; i++)
			tried[i] |= pass[i];
	}
}

/* --- all of it --- */

static int by_group(const void *a, const void *b)
{
	const struct bus_lag *x = a, *y = b;
	int order = strcmp(x->group, y->group);

	if (order == 0)
		order = strcmp(x->topic, y->topic);
	return order != 0 ? order : (x->partition > y->partition) - (x->partition < y->partition);
}

static int run(struct bus_admin *a, struct lag_job *j, const char **groups, size_t n, bool seconds,
	       struct error *err)
{
	int rc = 0;

	if (n > 0) {
		ask(a, groups, n);
		rc = collect(a, j, n, err);
	}
	if (rc < 0)
		return rc;
	number_partitions(j);
	fill_in(a, j);
	if (seconds)
		fill_in_ages(a, j);
	return 0;
}

/* The names of all groups, owned by the listing. */
static int all_groups(struct bus_admin *a, struct bus_group_info **ret, int *ret_count,
		      const char ***ret_names, struct error *err)
{
	int rc = bus_admin_list_groups(a, ret, ret_count, err);

	if (rc < 0)
		return rc;
	*ret_names = xcalloc((size_t)*ret_count + 1, sizeof(**ret_names));
	for (int i = 0; i < *ret_count; i++)
		(*ret_names)[i] = (*ret)[i].group;
	return 0;
}

int bus_admin_lag(struct bus_admin *a, const char *const *groups, int group_count, bool seconds,
		  struct bus_lag **ret, int *ret_count, struct error *err)
{
	AUTO_FREE const char **names = NULL;
	struct bus_group_info *listed = NULL;
	struct lag_job j = {0};
	int n = group_count;
	int rc = 0;

	if (groups == NULL) {
		rc = all_groups(a, &listed, &n, &names, err);
	} else {
		names = xcalloc((size_t)n + 1, sizeof(*names));
		for (int i = 0; i < n; i++)
			names[i] = groups[i];
	}
	if (rc == 0)
		rc = run(a, &j, names, (size_t)n, seconds, err);
	bus_groups_free(listed, listed != NULL ? n : 0);
	map_done(&j.by_row, NULL);
	map_done(&j.by_partition, NULL);
	free(j.end_of);
	if (j.ends != NULL)
		rd_kafka_topic_partition_list_destroy(j.ends);
	if (rc < 0) {
		bus_lag_free(j.rows, j.count);
		return rc;
	}
	if (j.count > 0)
		qsort(j.rows, (size_t)j.count, sizeof(*j.rows), by_group);
	*ret = j.rows;
	*ret_count = j.count;
	return 0;
}

void bus_lag_free(struct bus_lag *l, int count)
{
	for (int i = 0; i < count; i++) {
		free(l[i].group);
		free(l[i].topic);
		free(l[i].member);
	}
	free(l);
}
