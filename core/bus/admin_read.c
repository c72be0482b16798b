/*
 * Reading a range of a topic in the order of time.  Partitions are merged by timestamp: a message is handed
 * out once every partition that is not finished has one waiting.  The ends are those of the moment of asking,
 * so that reading a busy topic comes to an end; what comes later is for `follow`.
 */
#include "core/bus/admin_internal.h"

#include <string.h>

#include "core/base/mem.h"

#define POLL_MS 100

/* One partition: its range, and messages fetched but not yet handed out (a ring would save little: they are
 * few). */
struct lane {
	int64_t start, end; /* [start, end) */
	bool done;	    /* all up to `end` has been fetched */
	bool started;
	rd_kafka_message_t **waiting;
	int first, count, cap;
};

struct range {
	struct bus_admin *a;
	const char *topic;
	rd_kafka_topic_t *handle;
	rd_kafka_queue_t *queue; /* all partitions' messages */
	struct lane *lanes;
	int count;
	int open; /* lanes that are not done */
	int64_t tail;
	bool follow;
	struct lane late;		 /* fetched beyond the ends while the range was read; for follow */
	const struct bus_places *places; /* or NULL */
	volatile bool *stop;
	int (*message)(void *arg, const struct bus_message *m);
	void *arg;
	/* With tail: the last `tail` messages so far, as a ring. */
	rd_kafka_message_t **kept;
	int64_t kept_count, kept_next;
};

static bool stopped(const struct range *r)
{
	return r->stop != NULL && *r->stop;
}

static void lane_push(struct lane *l, rd_kafka_message_t *m)
{
	if (l->first > 0 && l->first == l->count)
		l->first = l->count = 0;
	if (l->count == l->cap) {
		l->cap = l->cap > 0 ? l->cap * 2 : 64;
		l->waiting = xreallocarray(l->waiting, (size_t)l->cap, sizeof(*l->waiting));
	}
	l->waiting[l->count++] = m;
}

static int64_t lane_time(const struct lane *l)
{
	return rd_kafka_message_timestamp(l->waiting[l->first], NULL);
}

/* The lane whose next message is the oldest, or NULL while one that is not done has none waiting. */
static struct lane *oldest(struct range *r)
{
	struct lane *best = NULL;

	for (int i = 0; i < r->count; i++) {
		struct lane *l = &r->lanes[i];

		if (l->first == l->count && !l->done)
			return NULL;
		if (l->first < l->count && (best == NULL || lane_time(l) < lane_time(best)))
			best = l;
	}
	return best;
}

/* --- where to begin --- */

static rd_kafka_topic_partition_list_t *asked_at(const struct range *r, int64_t moment)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(r->count);

	for (int i = 0; i < r->count; i++)
		rd_kafka_topic_partition_list_add(list, r->topic, i)->offset = moment;
	bus_admin_offsets(r->a, list);
	return list;
}

/* Nothing that late: -1, and so the end. */
static void start_at_time(struct range *r, int64_t since_us)
{
	rd_kafka_topic_partition_list_t *list = asked_at(r, since_us / 1000);

	for (int i = 0; i < r->count; i++) {
		struct lane *l = &r->lanes[i];

		if (list->elems[i].offset < 0)
			l->start = l->end;
		else if (list->elems[i].offset > l->start)
			l->start = list->elems[i].offset;
	}
	rd_kafka_topic_partition_list_destroy(list);
}

static bool is_known(const struct bus_places *p, int partition)
{
	return p != NULL && partition < p->count && p->next[partition] >= 0;
}

/* Begins at the places, where there are any; *ret_any tells. */
static int start_at_places(struct range *r, bool *ret_any, struct error *err)
{
	*ret_any = false;
	for (int i = 0; i < r->count; i++) {
		struct lane *l = &r->lanes[i];

		if (!is_known(r->places, i))
			continue;
		*ret_any = true;
		if (r->places->next[i] < l->start || r->places->next[i] > l->end) {
			error_set(err, ERR_CONFLICT, r->topic,
				  "partition %d has offsets %lld to %lld, and the place to go on is %lld", i,
				  (long long)l->start, (long long)l->end, (long long)r->places->next[i]);
			error_hint(err,
				   "messages were deleted, or the topic was made anew; without the cursor's "
				   "file it is read anew");
			return ERR_CONFLICT;
		}
		l->start = r->places->next[i];
	}
	return 0;
}

static void tell_places(const struct range *r, bool ends)
{
	for (int i = 0; r->places != NULL && i < r->count; i++)
		r->places->placed(r->arg, r->topic, i, ends ? r->lanes[i].end : r->lanes[i].start);
}

static int measure(struct range *r, int64_t since_us, struct error *err)
{
	struct bus_partition_info *partitions;
	bool any = false;
	int n;
	int rc = bus_admin_partitions(r->a, &r->topic, 1, true, &partitions, &n, err);

	if (rc < 0)
		return rc;
	r->lanes = xcalloc((size_t)n + 1, sizeof(*r->lanes));
	r->count = n;
	if (n == 0)
		rc = error_set(err, ERR_NOT_FOUND, r->topic, "there is no such topic");
	for (int i = 0; i < n; i++) {
		r->lanes[i].start = partitions[i].begin;
		r->lanes[i].end = partitions[i].end;
		if (partitions[i].begin < 0 || partitions[i].end < 0)
			rc = error_set(err, ERR_UNAVAILABLE, r->topic,
				       "the offsets of partition %d are not known", i);
	}
	bus_partitions_free(partitions, n);
	if (rc < 0)
		return rc;
	rc = start_at_places(r, &any, err);
	if (rc < 0)
		return rc;
	if (any)
		r->tail = -1;
	else if (since_us >= 0)
		start_at_time(r, since_us);
	for (int i = 0; i < n; i++) {
		struct lane *l = &r->lanes[i];

		if (r->tail >= 0 && l->end - r->tail > l->start)
			l->start = l->end - r->tail;
		l->done = l->start >= l->end;
		r->open += !l->done;
	}
	return 0;
}

/* Reads from the starts; with `all` also the lanes that are done. */
static void start(struct range *r, bool all)
{
	for (int i = 0; i < r->count; i++)
		if (!r->lanes[i].started && (all || !r->lanes[i].done)) {
			r->lanes[i].started = true;
			rd_kafka_consume_start_queue(r->handle, i, r->lanes[i].start, r->queue);
		}
}

/* --- handing out --- */

/* Consumes m. */
static int hand_out(struct range *r, rd_kafka_message_t *m)
{
	struct bus_message view = bus_message_view(m);
	int rc = r->message(r->arg, &view);

	rd_kafka_message_destroy(m);
	return rc;
}

static void keep(struct range *r, rd_kafka_message_t *m)
{
	if (r->tail == 0) {
		rd_kafka_message_destroy(m);
		return;
	}
	if (r->kept_count == r->tail)
		rd_kafka_message_destroy(r->kept[r->kept_next]);
	else
		r->kept_count++;
	r->kept[r->kept_next] = m;
	r->kept_next = (r->kept_next + 1) % r->tail;
}

static int hand_out_kept(struct range *r)
{
	int rc = 0;

	while (r->kept_count > 0 && rc == 0 && !stopped(r)) {
		int64_t at = (r->kept_next - r->kept_count + r->tail) % r->tail;

		r->kept_count--;
		rc = hand_out(r, r->kept[at]);
	}
	return rc;
}

/* Everything whose turn it is. */
static int merge(struct range *r)
{
	struct lane *l;
	int rc = 0;

	while (rc == 0 && !stopped(r) && (l = oldest(r)) != NULL) {
		rd_kafka_message_t *m = l->waiting[l->first++];

		if (r->kept != NULL)
			keep(r, m);
		else
			rc = hand_out(r, m);
	}
	return rc;
}

/* --- reading --- */

static void finish(struct range *r, struct lane *l)
{
	r->open -= !l->done;
	l->done = true;
}

/* Consumes m; false when it was none of the range. */
static bool take(struct range *r, rd_kafka_message_t *m)
{
	struct lane *l =
	    m->rkt != NULL && m->partition >= 0 && m->partition < r->count ? &r->lanes[m->partition] : NULL;
	bool fresh = l != NULL && m->err == RD_KAFKA_RESP_ERR_NO_ERROR && m->offset >= l->start;
	bool inside = fresh && !l->done && m->offset < l->end;
	bool late = fresh && !inside && r->follow;

	if (fresh)
		l->start = m->offset + 1;
	if (inside || late)
		lane_push(inside ? l : &r->late, m);
	if (l != NULL && m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF && m->offset >= l->end)
		finish(r, l);
	if (fresh && m->offset + 1 >= l->end)
		finish(r, l);
	if (!inside && !late)
		rd_kafka_message_destroy(m);
	return inside;
}

/* Up to the ends. */
static int read_range(struct range *r, struct error *err)
{
	struct mono progress = mono_now();
	int rc = merge(r);

	start(r, false);
	while (rc == 0 && r->open > 0 && !stopped(r)) {
		rd_kafka_message_t *m = rd_kafka_consume_queue(r->queue, POLL_MS);

		if (m != NULL) {
			if (take(r, m))
				progress = mono_now();
			rc = merge(r);
		} else if (mono_since_ms(progress) > r->a->timeout_ms) {
			rc = error_set(err, ERR_UNAVAILABLE, r->topic, "nothing came from Kafka for %d ms",
				       r->a->timeout_ms);
		}
	}
	if (rc == 0)
		rc = merge(r);
	return rc == 0 ? hand_out_kept(r) : rc;
}

/* From where the range ended, as messages come: first what was fetched beyond the ends meanwhile. */
static int read_on(struct range *r)
{
	int rc = 0;

	while (rc == 0 && r->late.first < r->late.count && !stopped(r))
		rc = hand_out(r, r->late.waiting[r->late.first++]);
	start(r, true);
	while (rc == 0 && !stopped(r)) {
		rd_kafka_message_t *m = rd_kafka_consume_queue(r->queue, POLL_MS);

		if (m == NULL)
			continue;
		if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
			rc = hand_out(r, m);
		else
			rd_kafka_message_destroy(m);
	}
	return rc;
}

static void lane_done(struct lane *l)
{
	for (int k = l->first; k < l->count; k++)
		rd_kafka_message_destroy(l->waiting[k]);
	free(l->waiting);
}

static void range_done(struct range *r)
{
	for (int i = 0; i < r->count; i++) {
		if (r->lanes[i].started)
			rd_kafka_consume_stop(r->handle, i);
		lane_done(&r->lanes[i]);
	}
	lane_done(&r->late);
	for (; r->kept_count > 0; r->kept_count--)
		rd_kafka_message_destroy(r->kept[(r->kept_next - r->kept_count + r->tail) % r->tail]);
	free(r->kept);
	free(r->lanes);
	if (r->queue != NULL)
		rd_kafka_queue_destroy(r->queue);
	if (r->handle != NULL)
		rd_kafka_topic_destroy(r->handle);
}

/* Room for what `tail` asks for, or for all there is when that is less. */
static void reserve_tail(struct range *r)
{
	int64_t most = 0;

	if (r->tail < 0)
		return;
	for (int i = 0; i < r->count; i++)
		most += r->lanes[i].end - r->lanes[i].start;
	if (r->tail > most)
		r->tail = most;
	r->kept = xcalloc((size_t)r->tail + 1, sizeof(*r->kept));
}

int bus_admin_read(struct bus_admin *a, const char *topic, int64_t since_us, int64_t tail, bool follow,
		   const struct bus_places *places, volatile bool *stop,
		   int (*message)(void *arg, const struct bus_message *m), void *arg, struct error *err)
{
	struct range r = {.a = a,
			  .topic = topic,
			  .tail = tail,
			  .follow = follow,
			  .places = places,
			  .stop = stop,
			  .message = message,
			  .arg = arg};
	int rc = measure(&r, since_us, err);

	if (rc == 0) {
		tell_places(&r, false);
		r.handle = rd_kafka_topic_new(a->rk, topic, NULL);
		r.queue = rd_kafka_queue_new(a->rk);
		reserve_tail(&r);
		rc = read_range(&r, err);
	}
	if (rc == 0 && !stopped(&r))
		tell_places(&r, true);
	if (rc == 0 && follow)
		rc = read_on(&r);
	range_done(&r);
	return rc == 1 ? 0 : rc;
}
