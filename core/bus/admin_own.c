/*
 * The lag of the handle's own group: committed offsets by the consumer's call, which survives what the
 * administrative one does not (admin.h).
 */
#include "core/bus/admin_internal.h"

#include "core/base/mem.h"

static void take_row(const struct bus_admin *a, const struct bus_partition_info *p,
		     const rd_kafka_topic_partition_t *committed, struct bus_lag *row)
{
	int64_t from = committed->offset >= 0 ? committed->offset : p->begin;

	*row = (struct bus_lag){.group = xstrdup(a->group),
				.topic = xstrdup(p->topic),
				.partition = p->partition,
				.state = committed->offset >= 0 ? BUS_LAG_OK : BUS_LAG_NO_COMMIT,
				.committed = committed->offset >= 0 ? committed->offset : -1,
				.end = p->end,
				.lag = -1,
				.lag_seconds = -1,
				.member = xstrdup("")};
	if (committed->err != RD_KAFKA_RESP_ERR_NO_ERROR || p->end < 0)
		row->state = BUS_LAG_UNKNOWN;
	else if (from >= 0)
		row->lag = p->end > from ? p->end - from : 0;
}

int bus_admin_own_lag(struct bus_admin *a, const char *const *topics, int topic_count, struct bus_lag **ret,
		      int *ret_count, struct error *err)
{
	rd_kafka_topic_partition_list_t *list;
	struct bus_partition_info *parts = NULL;
	rd_kafka_resp_err_t e;
	struct bus_lag *rows;
	int n = 0, rc = bus_admin_partitions(a, topics, topic_count, true, &parts, &n, err);

	if (rc < 0)
		return rc;
	list = rd_kafka_topic_partition_list_new(n);
	for (int i = 0; i < n; i++)
		rd_kafka_topic_partition_list_add(list, parts[i].topic, parts[i].partition);
	e = rd_kafka_committed(a->rk, list, a->timeout_ms);
	if (e != RD_KAFKA_RESP_ERR_NO_ERROR) {
		rc = bus_fail(err, e, "ask for committed offsets", NULL);
	} else {
		rows = xcalloc((size_t)n + 1, sizeof(*rows));
		for (int i = 0; i < n; i++)
			take_row(a, &parts[i], &list->elems[i], &rows[i]);
		*ret = rows;
		*ret_count = n;
	}
	rd_kafka_topic_partition_list_destroy(list);
	bus_partitions_free(parts, n);
	return rc;
}
