/*
 * Timelines from the read model.  One thread.
 */
#include "core/console/saga.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/api.h"
#include "core/console/readmodel.h"
#include "core/contract/topics.h"

int saga_rank(const char *state)
{
	static const char *const way[] = {"pending", "reserved", "paid", "cooking", "ready"};

	for (int i = 0; i < (int)ARRAY_LEN(way); i++)
		if (strcmp(way[i], state) == 0)
			return i;
	return -1;
}

/* --- reading --- */

static void event_done(struct saga_event *e)
{
	free(e->event_type);
	free(e->topic);
	free(e->daemon);
	json_decref(e->data);
}

static void events_done(struct saga_events *list)
{
	for (int i = 0; i < list->count; i++)
		event_done(&list->events[i]);
	free(list->events);
	memset(list, 0, sizeof(*list));
}

void saga_done(struct saga *s)
{
	events_done(&s->steps);
	events_done(&s->notifications);
	json_decref(s->row);
	memset(s, 0, sizeof(*s));
}

/* An order that orderd knows and the read model does not: its events are on their way. */
static int unknown_order(struct console *c, struct uuid order_id, struct error *err)
{
	char id[UUID_TEXT_SIZE], path[96];
	struct api_request r = {.method = "GET", .daemon = "orderd", .path = path};
	int rc;

	snprintf(path, sizeof(path), "/api/v1/orders/%s", uuid_format(order_id, id));
	rc = api_call(c, &r, NULL, NULL);
	if (rc < 0)
		return error_set(err, ERR_NOT_FOUND, id, "no such order in the read model");
	error_set(err, ERR_NOT_YET, id, "orderd has it, but no event of it has reached the read model yet");
	error_hint(err, "see pizzactl lag --group aggregatord, and pizzactl outbox status");
	return ERR_NOT_YET;
}

static int read_row(struct console *c, struct saga *s, struct error *err)
{
	CLEANUP(db_params_done) struct db_params params = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc;

	db_param_uuid(&params, s->order_id);
	rc = readmodel_query(
	    c,
	    "SELECT order_id, state, awaiting, daemon, correlation_id, customer_name, item_count,"
	    " total_amount, currency, payment_method, reason, due, started_at, updated_at, ended_at"
	    " FROM sagas WHERE order_id = $1::uuid",
	    &params, &r, err);
	if (rc < 0)
		return rc;
	if (db_rows(r) == 0)
		return unknown_order(c, s->order_id, err);
	s->row = readmodel_json(r, 0, "ssssssiisssbttt");
	s->state = json_string_or(s->row, "state", "");
	s->awaiting = json_string_or(s->row, "awaiting", NULL);
	s->daemon = json_string_or(s->row, "daemon", NULL);
	s->due = db_bool(r, 0, 11);
	s->started_us = db_time(r, 0, 12);
	s->updated_us = db_time(r, 0, 13);
	s->ended_us = db_is_null(r, 0, 14) ? 0 : db_time(r, 0, 14);
	return 0;
}

static void read_event(const struct db_result *r, int row, struct saga_event *e)
{
	e->event_id = db_uuid(r, row, 0);
	e->causation_id = db_uuid(r, row, 1);
	e->at_us = db_time(r, row, 2);
	e->event_type = xstrdup(db_text(r, row, 3));
	e->topic = xstrdup(db_text(r, row, 4));
	e->partition = (int32_t)db_int(r, row, 5);
	e->offset = db_int(r, row, 6);
	e->daemon = xstrdup(db_text(r, row, 7));
	e->data = json_loadb(db_text(r, row, 8), (size_t)db_length(r, row, 8), 0, NULL);
}

static bool contains(const struct saga_event *list, int n, struct uuid id)
{
	for (int i = 0; i < n; i++)
		if (uuid_equal(list[i].event_id, id))
			return true;
	return false;
}

/* Moves the first event whose cause is not still to come to the front of list[from..n). */
static void bring_next(struct saga_event *list, int from, int n)
{
	struct saga_event next;
	int i = from;

	while (i < n && contains(list + from, n - from, list[i].causation_id))
		i++;
	if (i == n)
		return; /* they cause each other: leave them by time */
	next = list[i];
	memmove(list + from + 1, list + from, (size_t)(i - from) * sizeof(*list));
	list[from] = next;
}

/*
 * When each step began: at its cause, or, where that is not among them, at the step before.  A step without
 * any cause came from outside and took no time.
 */
static void set_beginnings(struct saga_event *list, int n)
{
	for (int i = 0; i < n; i++) {
		bool outside = i == 0 || uuid_is_nil(list[i].causation_id);

		list[i].from_us = outside ? list[i].at_us : list[i - 1].at_us;
		for (int k = 0; k < i && !outside; k++)
			if (uuid_equal(list[k].event_id, list[i].causation_id))
				list[i].from_us = list[k].at_us;
		if (list[i].from_us > list[i].at_us)
			list[i].from_us = list[i].at_us;
	}
}

static void split(struct saga *s, struct saga_event *all, int n)
{
	s->steps.events = xcalloc((size_t)n + 1, sizeof(*all));
	s->notifications.events = xcalloc((size_t)n + 1, sizeof(*all));
	for (int i = 0; i < n; i++) {
		bool message = strcmp(all[i].topic, topics[TOPIC_NOTIFICATION].name) == 0;
		struct saga_events *list = message ? &s->notifications : &s->steps;

		list->events[list->count++] = all[i];
	}
}

static int read_events(struct console *c, struct saga *s, struct error *err)
{
	CLEANUP(db_params_done) struct db_params params = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	AUTO_FREE struct saga_event *all = NULL;
	int rc, n;

	db_param_uuid(&params, s->order_id);
	rc = readmodel_query(
	    c,
	    "SELECT event_id, causation_id, at, event_type, topic, partition, \"offset\", daemon, data"
	    " FROM events WHERE order_id = $1::uuid ORDER BY at, event_id",
	    &params, &r, err);
	if (rc < 0)
		return rc;
	n = db_rows(r);
	all = xcalloc((size_t)n + 1, sizeof(*all));
	for (int i = 0; i < n; i++)
		read_event(r, i, &all[i]);
	for (int i = 0; i < n; i++)
		bring_next(all, i, n);
	split(s, all, n);
	set_beginnings(s->steps.events, s->steps.count);
	return 0;
}

int saga_load(struct console *c, struct uuid order_id, struct saga *ret, struct error *err)
{
	struct saga s = {.order_id = order_id};
	int rc = read_row(c, &s, err);

	if (rc == 0)
		rc = read_events(c, &s, err);
	if (rc < 0) {
		saga_done(&s);
		return rc;
	}
	*ret = s;
	return 0;
}

/* --- what follows from it --- */

int64_t saga_duration_us(const struct saga *s)
{
	int64_t last = s->updated_us;

	for (int i = 0; i < s->steps.count; i++)
		if (s->steps.events[i].at_us > last &&
		    strcmp(s->steps.events[i].topic, topics[TOPIC_DLQ].name) != 0) /* about a letter */
			last = s->steps.events[i].at_us;
	return last - s->started_us;
}

static json_t *time_json(int64_t us)
{
	char text[CLOCK_TEXT_SIZE];

	return us == 0 ? json_null() : json_string(clock_format(us, text));
}

static json_t *event_json(const struct saga *s, const struct saga_event *e, int seq)
{
	char id[UUID_TEXT_SIZE], cause[UUID_TEXT_SIZE];

	uuid_format(e->causation_id, cause);
	return json_pack("{s:i, s:o, s:f, s:f, s:s, s:s, s:s?, s:s, s:i, s:I, s:s, s:O?}", "seq", seq, "at",
			 time_json(e->at_us), "since_start_ms", (double)(e->at_us - s->started_us) / 1e3,
			 "took_ms", (double)(e->at_us - (e->from_us != 0 ? e->from_us : e->at_us)) / 1e3,
			 "event_type", e->event_type, "event_id", uuid_format(e->event_id, id),
			 "causation_id", uuid_is_nil(e->causation_id) ? NULL : cause, "topic", e->topic,
			 "partition", e->partition, "offset", (json_int_t)e->offset, "daemon", e->daemon,
			 "data", e->data);
}

json_t *saga_step_json(const struct saga *s, int step)
{
	return event_json(s, &s->steps.events[step], step + 1);
}

json_t *saga_json(const struct saga *s)
{
	json_t *object = json_copy(s->row), *steps = json_array(), *notifications = json_array();

	for (int i = 0; i < s->steps.count; i++)
		json_array_append_new(steps, saga_step_json(s, i));
	for (int i = 0; i < s->notifications.count; i++)
		json_array_append_new(notifications, event_json(s, &s->notifications.events[i], i + 1));
	json_object_set_new(object, "duration_ms", json_real((double)saga_duration_us(s) / 1e3));
	json_object_set_new(object, "steps", steps);
	json_object_set_new(object, "notifications", notifications);
	return object;
}

void saga_detail(const struct saga_event *e, struct buf *out)
{
	static const struct {
		const char *member, *before;
	} texts[] = {{"device", ""},	     {"provider_id", ""}, {"reason", ""},     {"by", "by "},
		     {"consumer_group", ""}, {"failed_step", ""}, {"error_code", ""}, {"outcome", ""}};
	size_t before = out->len;
	int64_t attempt = json_int_or(e->data, "attempt", 0);

	if (attempt > 0)
		buf_addf(out, "attempt %lld", (long long)attempt);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char *text = json_string_or(e->data, texts[i].member, "");

		if (*text == '\0')
			continue;
		buf_addf(out, "%s%s%s", out->len > before ? ", " : "", texts[i].before, text);
	}
}

#define CHANNELS_MAX 8

struct channel_count {
	char name[24];
	int sent, failed;
};

static struct channel_count *find_channel(struct channel_count *counts, int *n, const char *name, size_t len)
{
	int i = 0;

	while (i < *n && (strlen(counts[i].name) != len || memcmp(counts[i].name, name, len) != 0))
		i++;
	if (i == *n && *n < CHANNELS_MAX)
		snprintf(counts[(*n)++].name, sizeof(counts[i].name), "%.*s", (int)len, name);
	return &counts[i < CHANNELS_MAX ? i : CHANNELS_MAX - 1];
}

/* A message may have gone through several channels: "email,sms". */
static void count_message(struct channel_count *counts, int *n, const struct saga_event *e)
{
	bool sent = strcmp(e->event_type, "NotificationSent") == 0;

	for (const char *p = json_string_or(e->data, "channel", "message"); *p != '\0';) {
		size_t len = strcspn(p, ",");
		struct channel_count *c = find_channel(counts, n, p, len);

		c->sent += sent;
		c->failed += !sent;
		p += len + (p[len] == ',');
	}
}

static void add_count(struct buf *out, const char *channel, const char *outcome, int count, bool utf8)
{
	if (count == 0)
		return;
	buf_addf(out, "%s%s %s %s%d", out->len > 0 ? ", " : "",
		 strcmp(channel, "email") == 0 ? "e-mail" : channel, outcome, utf8 ? "×" : "x", count);
}

void saga_notifications(const struct saga *s, bool utf8, struct buf *out)
{
	struct channel_count counts[CHANNELS_MAX] = {0};
	int n = 0;

	for (int i = 0; i < s->notifications.count; i++)
		count_message(counts, &n, &s->notifications.events[i]);
	for (int i = 0; i < n; i++) {
		add_count(out, counts[i].name, "sent", counts[i].sent, utf8);
		add_count(out, counts[i].name, "failed", counts[i].failed, utf8);
	}
}
