/*
 * Reading and writing topics.
 *
 * Each topic is read by a thread with a Kafka handle of its own; the caller's row function runs under one
 * lock.
 */
#include "core/console/topics.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/guard.h"
#include "core/base/nearest.h"
#include "core/bus/admin.h"

#define PARTITIONS_MAX 4096 /* that a cursor can remember */

/* How far back in each partition the last messages that match are looked for: a first look, then wider ones.
 */
#define LOOK_FIRST 2000
#define LOOK_WIDER 10

/* --- lists --- */

static json_t *count_or_null(int64_t n)
{
	return n < 0 ? json_null() : json_integer(n);
}

static json_t *partition_json(const struct bus_partition_info *p)
{
	return json_pack("{s:i, s:i, s:o, s:o, s:o}", "partition", p->partition, "leader", p->leader, "begin",
			 count_or_null(p->begin), "end", count_or_null(p->end), "messages",
			 count_or_null(p->begin < 0 || p->end < 0 ? -1 : p->end - p->begin));
}

/* One topic's row from its partitions, list[0] … list[n-1]. */
static json_t *topic_json(const struct bus_partition_info *list, int n)
{
	json_t *partitions = json_array();
	int64_t messages = 0;
	int leaderless = 0;

	for (int i = 0; i < n; i++) {
		json_array_append_new(partitions, partition_json(&list[i]));
		leaderless += list[i].leader < 0;
		if (messages >= 0)
			messages = list[i].begin < 0 || list[i].end < 0
				       ? -1
				       : messages + list[i].end - list[i].begin;
	}
	return json_pack("{s:s, s:i, s:o, s:i, s:o}", "topic", list[0].topic, "partition_count", n,
			 "messages", count_or_null(messages), "leaderless", leaderless, "partitions",
			 partitions);
}

static int compare_partitions(const void *left, const void *right)
{
	const struct bus_partition_info *a = left, *b = right;
	int c = strcmp(a->topic, b->topic);

	return c != 0 ? c : (a->partition > b->partition) - (a->partition < b->partition);
}

static int topic_length(const struct bus_partition_info *list, int n)
{
	int len = 1;

	while (len < n && strcmp(list[len].topic, list[0].topic) == 0)
		len++;
	return len;
}

int topics_list(struct console *c, console_row *row, void *arg, struct error *err)
{
	struct bus_partition_info *list = NULL;
	struct bus_admin *bus = NULL;
	int n = 0, rc = console_bus(c, &bus, err);

	if (rc == 0)
		rc = bus_admin_partitions(bus, NULL, 0, true, &list, &n, err);
	if (rc < 0)
		return rc;
	if (n > 0)
		qsort(list, (size_t)n, sizeof(*list), compare_partitions);
	for (int i = 0, len; i < n && rc == 0; i += len) {
		json_t *topic = NULL;

		len = topic_length(list + i, n - i);
		topic = topic_json(list + i, len);
		json_object_del(topic, "partitions");
		rc = row(arg, topic, err);
	}
	bus_partitions_free(list, n);
	return rc < 0 ? rc : 0;
}

static int unknown_topic(struct bus_admin *bus, const char *topic, struct error *err)
{
	struct bus_partition_info *list = NULL;
	const char *names[512];
	int n = 0, count = 0;

	error_set(err, ERR_NOT_FOUND, topic, "there is no such topic");
	if (bus_admin_partitions(bus, NULL, 0, false, &list, &n, NULL) < 0)
		return ERR_NOT_FOUND;
	for (int i = 0; i < n && count < (int)ARRAY_LEN(names); i++)
		if (list[i].partition == 0)
			names[count++] = list[i].topic;
	if (!nearest_hint(topic, names, count, err))
		error_hint(err, "pizzactl topic ls lists them");
	bus_partitions_free(list, n);
	return ERR_NOT_FOUND;
}

int topics_show(struct console *c, const char *topic, json_t **ret, struct error *err)
{
	struct bus_partition_info *list = NULL;
	struct bus_admin *bus = NULL;
	int n = 0, rc = console_bus(c, &bus, err);

	if (rc == 0)
		rc = bus_admin_partitions(bus, &topic, 1, true, &list, &n, err);
	if (rc < 0 && rc != ERR_NOT_FOUND)
		return rc;
	if (rc == ERR_NOT_FOUND || n == 0) {
		bus_partitions_free(list, n);
		return unknown_topic(bus, topic, err);
	}
	qsort(list, (size_t)n, sizeof(*list), compare_partitions);
	*ret = topic_json(list, n);
	bus_partitions_free(list, n);
	return 0;
}

/* --- messages as rows --- */

/* Bytes as text; those that are not UTF-8 as hexadecimal digits. */
static json_t *text_json(const void *data, size_t len)
{
	CLEANUP(buf_done) struct buf hex = {0};
	json_t *text;

	if (data == NULL)
		return json_null();
	text = json_stringn(data, len);
	if (text != NULL)
		return text;
	buf_adds(&hex, "hex:");
	for (size_t i = 0; i < len; i++)
		buf_addf(&hex, "%02x", ((const unsigned char *)data)[i]);
	return json_string(buf_str(&hex));
}

static json_t *headers_json(const struct bus_message *m)
{
	struct bus_header headers[64];
	json_t *object = json_object();
	int n = bus_message_headers(m, headers, (int)ARRAY_LEN(headers));

	for (int i = 0; i < n && i < (int)ARRAY_LEN(headers); i++)
		json_object_set_new(object, headers[i].name, text_json(headers[i].value, headers[i].len));
	return object;
}

static json_t *value_json(const struct bus_message *m)
{
	json_t *value = NULL;

	if (m->value != NULL)
		value = json_loadb(m->value, m->value_len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	return value != NULL ? value : text_json(m->value, m->value_len);
}

static json_t *message_json(const struct bus_message *m)
{
	char time[CLOCK_TEXT_SIZE];

	return json_pack(
	    "{s:s, s:i, s:I, s:o, s:o, s:o, s:o}", "topic", m->topic, "partition", m->partition, "offset",
	    (json_int_t)m->offset, "timestamp",
	    m->timestamp_ms < 0 ? json_null() : json_string(clock_format(m->timestamp_ms * 1000, time)),
	    "key", text_json(m->key, m->key_len), "headers", headers_json(m), "value", value_json(m));
}

/* --- reading --- */

struct reader {
	struct topics_read read;
	console_row *row;
	void *arg;
	pthread_mutex_t lock; /* of everything below */
	volatile bool stop;   /* the caller's or an own reason */
	int code;	      /* of the first failure */
	struct error err;
	bool keeping;  /* rows are kept, not handed out */
	json_t **kept; /* the last `tail` that match, a ring */
	int64_t kept_count, kept_room;
	int64_t look; /* while rows are kept: so many messages of each partition; -1: all from since_us */
	bool more;    /* there are earlier ones */
};

struct reader_thread {
	struct reader *reader;
	struct bus_admin *bus; /* own */
	const char *topic;
	int64_t next[PARTITIONS_MAX]; /* where to go on; -1: not known */
	pthread_t thread;
};

static bool key_matches(const struct topics_read *r, const struct bus_message *m)
{
	return r->key == NULL ||
	       (m->key != NULL && m->key_len == strlen(r->key) && memcmp(m->key, r->key, m->key_len) == 0);
}

static bool row_matches(const struct topics_read *r, const json_t *row)
{
	const json_t *value = json_object_get(row, "value"), *headers = json_object_get(row, "headers");
	const char *type = json_string_or(headers, "ce_type", json_string_or(value, "event_type", ""));

	return (r->type == NULL || strcmp(type, r->type) == 0) && where_match(r->where, row);
}

static int keep_row(struct reader *r, json_t *row)
{
	int64_t at = r->kept_count++ % r->read.tail;

	if (at == r->kept_room) {
		r->kept_room = r->kept_room > 0 ? r->kept_room * 2 : 64;
		r->kept = xreallocarray(r->kept, (size_t)r->kept_room, sizeof(*r->kept));
	}
	if (r->kept_count > r->read.tail)
		json_decref(r->kept[at]);
	r->kept[at] = row;
	return 0;
}

/* Called with the lock held. */
static int hand_out(struct reader *r, json_t *row)
{
	int rc;

	if (r->keeping)
		return keep_row(r, row);
	rc = r->row(r->arg, row, &r->err);
	if (rc < 0 && r->code == 0)
		r->code = rc;
	if (rc != 0)
		r->stop = true;
	return rc != 0;
}

static void stage(struct reader *r, const char *topic, int32_t partition, int64_t next)
{
	char part[16];

	snprintf(part, sizeof(part), "%d", (int)partition);
	cursor_stage(r->read.cursor, topic, part, next);
}

/* Where partitions stand that have no messages for us: kept at once, so that nothing that comes is missed. */
static void on_placed(void *arg, const char *topic, int32_t partition, int64_t next)
{
	struct reader_thread *t = arg;
	struct reader *r = t->reader;
	struct error err = {0};
	int rc;

	if (partition < PARTITIONS_MAX)
		t->next[partition] = next;
	pthread_mutex_lock(&r->lock);
	stage(r, topic, partition, next);
	rc = r->stop || r->keeping ? 0 : cursor_commit(r->read.cursor, &err);
	if (rc < 0 && r->code == 0) {
		r->code = rc;
		r->err = err;
		r->stop = true;
	}
	pthread_mutex_unlock(&r->lock);
}

static int on_message(void *arg, const struct bus_message *m)
{
	struct reader *r = ((struct reader_thread *)arg)->reader;
	json_t *row;
	int rc = 0;

	if (r->stop || (r->read.stop != NULL && *r->read.stop)) {
		r->stop = true;
		return 1;
	}
	if (!key_matches(&r->read, m))
		return 0;
	row = message_json(m);
	if (!row_matches(&r->read, row)) {
		json_decref(row);
		return 0;
	}
	pthread_mutex_lock(&r->lock);
	stage(r, m->topic, m->partition, m->offset + 1);
	rc = hand_out(r, row);
	pthread_mutex_unlock(&r->lock);
	return rc;
}

/* Where the cursor stands; -1 where it does not know. */
static void find_places(struct reader_thread *t)
{
	char part[16];
	bool known = true;

	for (int i = 0; i < PARTITIONS_MAX; i++) {
		t->next[i] = -1;
		snprintf(part, sizeof(part), "%d", i);
		known = known && cursor_find(t->reader->read.cursor, t->topic, part, &t->next[i]);
	}
}

/* Sets out so many messages before each end that are looked at. */
static int look_back(struct reader_thread *t, struct error *err)
{
	struct reader *r = t->reader;
	struct bus_partition_info *list = NULL;
	int n = 0, rc = bus_admin_partitions(t->bus, &t->topic, 1, true, &list, &n, err);

	for (int i = 0; rc == 0 && i < n && i < PARTITIONS_MAX; i++) {
		bool before = list[i].begin >= 0 && list[i].end - r->look > list[i].begin;

		t->next[i] = before ? list[i].end - r->look : -1;
		if (before) {
			pthread_mutex_lock(&r->lock);
			r->more = true;
			pthread_mutex_unlock(&r->lock);
		}
	}
	bus_partitions_free(list, n);
	return rc;
}

static void fail(struct reader *r, int code, const struct error *err)
{
	pthread_mutex_lock(&r->lock);
	if (code < 0 && r->code == 0) {
		r->code = code;
		r->err = *err;
		r->stop = true;
	}
	pthread_mutex_unlock(&r->lock);
}

static void *read_topic(void *arg)
{
	struct reader_thread *t = arg;
	struct reader *r = t->reader;
	struct error err = {0};
	struct bus_places places = {.next = t->next, .count = PARTITIONS_MAX, .placed = on_placed};
	int rc = r->keeping && r->look >= 0 ? look_back(t, &err) : 0;

	/* A caller's stop ends the read itself; an own reason is seen at the next message. */
	if (rc == 0)
		rc = bus_admin_read(t->bus, t->topic, r->read.since_us, r->keeping ? -1 : r->read.tail,
				    r->read.follow && !r->keeping, &places,
				    r->read.stop != NULL ? r->read.stop : &r->stop, on_message, t, &err);
	fail(r, rc, &err);
	return NULL;
}

static void start_thread(struct console *c, struct reader_thread *t)
{
	struct bus_options options = {.bootstrap = console_bootstrap(c), .client_id = "pizzactl"};
	struct error err = {0};
	int rc = bus_admin_new_reading(&options, console_timeout_ms(c), &t->bus, &err);

	if (rc == 0 && pthread_create(&t->thread, NULL, read_topic, t) == 0)
		return;
	fail(t->reader, rc < 0 ? rc : error_set(&err, ERR_FAILED, t->topic, "no thread could be started"),
	     &err);
	bus_admin_free(t->bus);
	t->bus = NULL;
}

static void run(struct console *c, struct reader *r, struct reader_thread *threads)
{
	for (int i = 0; i < r->read.topic_count; i++)
		start_thread(c, &threads[i]);
	for (int i = 0; i < r->read.topic_count; i++) {
		if (threads[i].bus == NULL)
			continue;
		pthread_join(threads[i].thread, NULL);
		bus_admin_free(threads[i].bus);
		threads[i].bus = NULL;
	}
}

static bool ended(const struct reader *r)
{
	return r->stop || (r->read.stop != NULL && *r->read.stop);
}

static int64_t kept_first(const struct reader *r)
{
	return r->kept_count > r->read.tail ? r->kept_count - r->read.tail : 0;
}

static void hand_out_kept(struct reader *r)
{
	r->keeping = false;
	for (int64_t i = kept_first(r); r->kept != NULL && i < r->kept_count; i++) {
		json_t *row = r->kept[i % r->read.tail];

		if (r->stop)
			json_decref(row);
		else
			hand_out(r, row);
	}
	free(r->kept);
}

static void forget_kept(struct reader *r)
{
	for (int64_t i = kept_first(r); r->kept != NULL && i < r->kept_count; i++)
		json_decref(r->kept[i % r->read.tail]);
	r->kept_count = 0;
	r->more = false;
}

/* The last rows that match, handed out; the threads know then where to go on. */
static void search(struct console *c, struct reader *r, struct reader_thread *threads)
{
	r->keeping = true;
	r->look = r->read.since_us >= 0 ? -1 : LOOK_FIRST;
	run(c, r, threads);
	while (r->more && r->kept_count < r->read.tail && r->look < TOPICS_LOOK_MAX && !ended(r)) {
		forget_kept(r);
		r->look *= LOOK_WIDER;
		run(c, r, threads);
	}
	if (r->read.more != NULL)
		*r->read.more = r->more && r->kept_count < r->read.tail;
	hand_out_kept(r);
}

int topics_read(struct console *c, const struct topics_read *read, console_row *row, void *arg,
		struct error *err)
{
	struct reader r = {.read = *read, .row = row, .arg = arg, .lock = PTHREAD_MUTEX_INITIALIZER};
	bool filtered = read->key != NULL || read->type != NULL || read->where != NULL;
	struct reader_thread *threads;
	struct bus_admin *bus = NULL;
	int rc = console_bus(c, &bus, err); /* is it there at all? */

	if (rc < 0)
		return rc;
	threads = xcalloc((size_t)read->topic_count, sizeof(*threads));
	for (int i = 0; i < read->topic_count; i++) {
		threads[i].reader = &r;
		threads[i].topic = read->topics[i];
		find_places(&threads[i]);
	}
	if (!filtered || read->tail <= 0 || !cursor_is_new(read->cursor)) {
		run(c, &r, threads);
	} else {
		search(c, &r, threads);
		if (read->follow && !ended(&r))
			run(c, &r, threads);
	}
	free(threads);
	if (r.code == ERR_NOT_FOUND && read->topic_count == 1)
		return unknown_topic(bus, read->topics[0], err);
	if (r.code < 0 && err != NULL)
		*err = r.err;
	return r.code;
}

/* --- producing --- */

struct delivery {
	bool done;
	int code;
	char why[200];
	int32_t partition;
	int64_t offset;
};

static void delivered(void *arg, void *message_arg, int code, const char *why, int32_t partition,
		      int64_t offset)
{
	struct delivery *d = message_arg;

	(void)arg;
	d->done = true;
	d->code = code;
	d->partition = partition;
	d->offset = offset;
	snprintf(d->why, sizeof(d->why), "%s", why != NULL ? why : "");
}

int topics_produce(struct console *c, const struct topics_message *m, json_t **ret, struct error *err)
{
	struct bus_options options = {.bootstrap = console_bootstrap(c), .client_id = "pizzactl"};
	struct bus_producer *p = NULL;
	struct delivery d = {0};
	int timeout = console_timeout_ms(c);
	int rc = guard_change("topic produce", err);

	if (rc == 0)
		rc = bus_producer_new(&options, timeout, delivered, NULL, &p, err);
	if (rc < 0)
		return rc;
	rc = bus_produce(p, m->topic, m->key, m->key != NULL ? strlen(m->key) : 0, m->value, m->value_len,
			 m->headers, m->header_count, &d, err);
	if (rc == 0)
		rc = bus_producer_flush(p, timeout, err);
	bus_producer_free(p);
	if (rc == 0 && (!d.done || d.code < 0))
		rc = error_set(err, d.done ? d.code : ERR_TIMEOUT, m->topic, "%s",
			       d.done ? d.why : "no acknowledgement came");
	if (rc < 0)
		return rc;
	*ret = json_pack("{s:s, s:i, s:I}", "topic", m->topic, "partition", d.partition, "offset",
			 (json_int_t)d.offset);
	return 0;
}
