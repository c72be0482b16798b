/*
 * The feeds.
 */
#include "tui/feed.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/base/where.h"
#include "core/config/config.h"
#include "core/config/paths.h"
#include "core/console/api.h"
#include "core/console/audit.h"
#include "core/console/dlq.h"
#include "core/console/guard.h"
#include "core/console/heatmap.h"
#include "core/console/hosts.h"
#include "core/console/hw.h"
#include "core/console/kitchen.h"
#include "core/console/lag.h"
#include "core/console/logs.h"
#include "core/console/metrics.h"
#include "core/console/readmodel.h"
#include "core/console/saga.h"
#include "core/console/status.h"
#include "core/console/topics.h"
#include "tui/longlist.h"
#include "tui/pack.h"

#define LOG_PAST_MS	INT64_C(900000)
#define MESSAGES_PAST	200
#define MATCHES_PAST	50 /* they have to be searched for */
#define HEATMAP_MINUTES 90
#define STEPS_MINUTES	15

static int take_row(void *arg, json_t *row, struct error *err)
{
	(void)err;
	json_array_append_new(arg, row);
	return 0;
}

/* What a list call has gathered, or nothing after a failure. */
static int finish(int rc, json_t *rows, json_t **ret)
{
	if (rc < 0)
		json_decref(rows);
	else
		*ret = rows;
	return rc < 0 ? rc : 0;
}

static int fetch_status(struct console *c, const char *subject, json_t **ret, struct error *err)
{
	json_t *all = NULL;
	int rc = status_read(c, &all, err);

	(void)subject;
	if (rc < 0)
		return rc;
	*ret = json_incref(json_object_get(all, "services"));
	json_decref(all);
	return 0;
}

/* --- the read model --- */

static int fetch_kpi(struct console *c, const char *subject, json_t **ret, struct error *err)
{
	(void)subject;
	return readmodel_kpi(c, 60000, ret, err);
}

static const char *const saga_members[] = {"order_id",	 "state", "awaiting",	   "daemon", "started_at",
					   "updated_at", "steps", "customer_name", "reason", NULL};
static const char *const order_members[] = {
    "order_id",	  "status",	   "total_amount",   "currency", "item_count", "created_at",
    "updated_at", "customer_name", "payment_method", "reason",	 NULL};

/* One thread asks for both. */
static struct longlist sagas = {.ask = readmodel_sagas, .now = readmodel_now, .members = saga_members};
static struct longlist orders = {.ask = readmodel_orders, .now = readmodel_now, .members = order_members};

#define MINE_MS	 INT64_C(86400000)
#define MINE_MAX 100

/* "order_id in (…)" of those that the user has changed within a day; empty where there are none. */
static void add_mine(const json_t *audit, struct buf *out)
{
	struct uuid id;
	int n = 0;

	for (size_t i = 0; i < json_array_size(audit) && n < MINE_MAX; i++) {
		const char *target = json_string_or(json_array_get(audit, i), "target", "");

		if (!uuid_parse(target, &id) || (out->len > 0 && strstr(buf_str(out), target) != NULL))
			continue;
		buf_addf(out, "%s%s", n++ == 0 ? "order_id in (" : ", ", target);
	}
	buf_adds(out, n > 0 ? ")" : "");
}

static int fetch_mine(struct console *c, json_t **ret, struct error *err)
{
	CLEANUP(buf_done) struct buf actor = {0}, text = {0};
	struct audit_filter mine = {.since_ms = MINE_MS, .limit = FEED_LIST_MAX};
	struct readmodel_filter f = {.stuck_ms = -1, .since_ms = -1, .limit = MINE_MAX};
	AUTO_JSON json_t *audit = NULL;
	struct where *where = NULL;
	struct error missing = {0};
	json_t *rows;
	size_t n = 0;
	int rc;

	guard_actor(&actor);
	mine.actor = buf_str(&actor);
	rc = audit_read(c, &mine, &audit, &missing, err);
	if (rc < 0)
		return rc;
	add_mine(audit, &text);
	while (readmodel_saga_columns[n].name != NULL)
		n++;
	if (text.len > 0)
		rc = where_parse(buf_str(&text), readmodel_saga_columns, n, clock_wall_us(), &where, err);
	rows = json_array();
	f.where = where;
	if (rc == 0 && where != NULL)
		rc = readmodel_sagas(c, &f, take_row, rows, err);
	where_free(where);
	return finish(rc, rows, ret);
}

/* Subject: a state, "stuck", "mine", or "" for all. */
static int fetch_sagas(struct console *c, const char *subject, json_t **ret, struct error *err)
{
	struct readmodel_filter f = {.stuck_ms = -1, .since_ms = -1, .limit = FEED_ROWS_MAX};

	if (strcmp(subject, "mine") == 0)
		return fetch_mine(c, ret, err);
	if (strcmp(subject, "stuck") == 0)
		f.stuck_ms = config_int(CONFIG_ORDER_STUCK);
	else if (*subject != '\0')
		f.state = subject;
	return longlist_fetch(&sagas, c, &f, ret, err);
}

static int fetch_stuck(struct console *c, const char *subject, json_t **ret, struct error *err)
{
	(void)subject;
	return readmodel_stuck(c, config_int(CONFIG_ORDER_STUCK), ret, err);
}

static int fetch_orders(struct console *c, const char *subject, json_t **ret, struct error *err)
{
	struct readmodel_filter f = {.stuck_ms = -1, .since_ms = -1, .limit = FEED_ROWS_MAX};

	f.state = *subject != '\0' ? subject : NULL;
	return longlist_fetch(&orders, c, &f, ret, err);
}

/* Adds to each step how long it took and what its data says for people. */
static void add_step_facts(json_t *steps, const struct saga *s)
{
	for (int i = 0; i < s->steps.count; i++) {
		const struct saga_event *e = &s->steps.events[i];
		json_t *step = json_array_get(steps, (size_t)i);
		CLEANUP(buf_done) struct buf detail = {0};

		saga_detail(e, &detail);
		json_object_set_new(step, "from_ms", json_real((double)(e->from_us - s->started_us) / 1e3));
		json_object_set_new(step, "took_ms", json_real((double)(e->at_us - e->from_us) / 1e3));
		json_object_set_new(step, "detail", json_string(buf_str(&detail)));
	}
}

static int fetch_saga(struct console *c, const char *subject, json_t **ret, struct error *err)
{
	CLEANUP(saga_done) struct saga s = {0};
	CLEANUP(buf_done) struct buf messages = {0};
	struct uuid id = {0};
	int rc = 0;

	if (!uuid_parse(subject, &id))
		rc = readmodel_complete_id(c, subject, &id, err);
	if (rc == 0)
		rc = saga_load(c, id, &s, err);
	if (rc < 0)
		return rc;
	*ret = saga_json(&s);
	add_step_facts(json_object_get(*ret, "steps"), &s);
	saga_notifications(&s, true, &messages);
	json_object_set_new(*ret, "messages", json_string(buf_str(&messages)));
	json_object_set_new(*ret, "due", json_boolean(s.due));
	return 0;
}

/* --- Kafka --- */

static int fetch_lag(struct console *c, const char *subject, json_t **ret, struct error *err)
{
	(void)subject;
	return lag_list(c, NULL, LAG_BY_TOPIC, ret, err);
}

/* Subject: a consumer group. */
static int fetch_partitions(struct console *c, const char *subject, json_t **ret, struct error *err)
{
	return lag_list(c, *subject != '\0' ? subject : NULL, LAG_BY_PARTITION, ret, err);
}

static int fetch_topics(struct console *c, const char *subject, json_t **ret, struct error *err)
{
	json_t *rows = json_array();

	(void)subject;
	return finish(topics_list(c, take_row, rows, err), rows, ret);
}

/* The words of a subject into `words`, each ended; answers how many. */
static int split(const char *subject, char text[FEED_SUBJECT_MAX], const char **words, int most)
{
	char *rest = text;
	int n = 0;

	strncpy(text, subject, FEED_SUBJECT_MAX - 1);
	text[FEED_SUBJECT_MAX - 1] = '\0';
	for (char *word; n < most && (word = strsep(&rest, " ")) != NULL;)
		if (*word != '\0')
			words[n++] = word;
	return n;
}

/* Bytes of a message's value that are kept: one may have a megabyte, and there are thousands. */
#define MESSAGE_MAX 16384

static void cut_value(json_t *row)
{
	json_t *value = json_object_get(row, "value");
	AUTO_FREE char *text = json_is_string(value) ? xstrdup(json_string_value(value)) : json_text(value);
	size_t len = strlen(text);

	if (len <= MESSAGE_MAX)
		return;
	json_object_set_new(row, "value", json_sprintf("%.*s…", (int)text_whole(text, MESSAGE_MAX), text));
	json_object_set_new(row, "value_bytes", json_integer((json_int_t)len));
}

/* With its event's type, and what a narrower view would be of. */
static int take_message(void *arg, json_t *row, struct error *err)
{
	const struct feed_stream *s = arg;
	AUTO_JSON json_t *owned = row;
	const char *topic = json_string_or(row, "topic", ""), *key = json_string_or(row, "key", "");
	const char *type = json_string_or(json_object_get(row, "value"), "event_type", "");

	type = json_string_or(json_object_get(row, "headers"), "ce_type", type);
	json_object_set_new(row, "type", json_string(type));
	if (*key != '\0')
		json_object_set_new(row, "of_key", json_sprintf("%s %s", topic, key));
	if (*type != '\0')
		json_object_set_new(row, "of_type", json_sprintf("%s %s", topic, type));
	cut_value(row);
	return s->row(s->arg, pack_all(row), err);
}

/* Subject: a topic, then perhaps a key and an event's type (which begins with a capital), in any order. */
static int stream_messages(struct console *c, const char *subject, const struct feed_stream *s,
			   struct error *err)
{
	char text[FEED_SUBJECT_MAX];
	const char *words[4] = {"", NULL, NULL, NULL};
	int n = split(subject, text, words, (int)ARRAY_LEN(words));
	struct topics_read read = {.topics = words,
				   .topic_count = 1,
				   .since_us = -1,
				   .tail = MESSAGES_PAST,
				   .follow = true,
				   .stop = s->stop};
	struct bus_admin *bus;
	int rc = console_bus(c, &bus, err);

	for (int i = 1; i < n; i++) {
		if (isupper((unsigned char)*words[i]))
			read.type = words[i];
		else
			read.key = words[i];
		read.tail = MATCHES_PAST;
	}
	if (rc < 0)
		return rc;
	s->begun(s->arg);
	return topics_read(c, &read, take_message, (void *)(uintptr_t)s, err);
}

/* --- dead letters and outbox --- */

static int fetch_list(struct console *c, const char *daemon, const char *path, int most, json_t **ret,
		      struct error *err)
{
	json_t *rows = json_array();

	return finish(api_list(c, daemon, path, most, take_row, rows, err), rows, ret);
}

static int fetch_letter_groups(struct console *c, const char *subject, json_t **ret, struct error *err)
{
	struct dlq_filter f = {.state = "any", .min_age_ms = -1};
	json_t *rows = json_array();

	(void)subject;
	return finish(dlq_groups(c, &f, take_row, rows, err), rows, ret);
}

/* Subject: a fingerprint, or "" for all. */
static int fetch_letters(struct console *c, const char *subject, json_t **ret, struct error *err)
{
	struct dlq_filter f = {.state = "any", .min_age_ms = -1};
	json_t *rows = json_array();

	f.fingerprint = *subject != '\0' ? subject : NULL;
	return finish(dlq_letters(c, &f, false, FEED_ROWS_MAX, take_row, rows, err), rows, ret);
}

static int fetch_letter(struct console *c, const char *subject, json_t **ret, struct error *err)
{
	return dlq_letter(c, subject, ret, err);
}

static int fetch_jobs(struct console *c, const char *subject, json_t **ret, struct error *err)
{
	(void)subject;
	return fetch_list(c, "dlqd", "/api/v1/dlq/jobs", 100, ret, err);
}

static int fetch_outbox(struct console *c, const char *subject, json_t **ret, struct error *err)
{
	struct api_request r = {.method = "GET", .daemon = "outboxd", .path = "/api/v1/outbox"};
	json_t *answer = NULL;
	int rc = api_call(c, &r, &answer, err);

	(void)subject;
	if (rc == 0)
		*ret = json_incref(json_object_get(answer, "items"));
	json_decref(answer);
	return rc;
}

static int fetch_payments(struct console *c, const char *subject, json_t **ret, struct error *err)
{
	(void)subject;
	return fetch_list(c, "paymentd", "/api/v1/payments", FEED_LIST_MAX, ret, err);
}

static int fetch_inventory(struct console *c, const char *subject, json_t **ret, struct error *err)
{
	(void)subject;
	return fetch_list(c, "inventoryd", "/api/v1/inventory", FEED_LIST_MAX, ret, err);
}

static int fetch_notifications(struct console *c, const char *subject, json_t **ret, struct error *err)
{
	(void)subject;
	return fetch_list(c, "notifyd", "/api/v1/notifications", FEED_LIST_MAX, ret, err);
}

/* --- the kitchen --- */

static int fetch_kitchen(struct console *c, const char *subject, json_t **ret, struct error *err)
{
	(void)subject;
	return kitchen_board(c, ret, err);
}

/* Subject: a ticket's state, a station, or "" for all that are not done. */
static int fetch_tickets(struct console *c, const char *subject, json_t **ret, struct error *err)
{
	struct kitchen_filter f = {0};
	json_t *rows = json_array();

	if (strchr(subject, '-') != NULL) {
		f.device = subject;
		f.state = "all";
	} else if (*subject != '\0') {
		f.state = subject;
	}
	return finish(kitchen_tickets(c, &f, FEED_LIST_MAX, take_row, rows, err), rows, ret);
}

static int fetch_hw(struct console *c, const char *subject, json_t **ret, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};

	(void)subject;
	hw_path(&path, NULL, NULL);
	return fetch_list(c, HW_DAEMON, buf_str(&path), FEED_LIST_MAX, ret, err);
}

/* --- how they are --- */

static int fetch_metrics(struct console *c, const char *subject, json_t **ret, struct error *err)
{
	(void)subject;
	return metrics_read(c, ret, err);
}

/* One thread asks for it. */
static int fetch_hosts(struct console *c, const char *subject, json_t **ret, struct error *err)
{
	static struct hosts_before before;

	(void)subject;
	return hosts_read(c, &before, ret, err);
}

static int fetch_heatmap(struct console *c, const char *subject, json_t **ret, struct error *err)
{
	(void)subject;
	return heatmap_read(c, HEATMAP_MINUTES, ret, err);
}

static int fetch_steps(struct console *c, const char *subject, json_t **ret, struct error *err)
{
	(void)subject;
	return heatmap_steps(c, STEPS_MINUTES, ret, err);
}

/* --- logs --- */

/* Bytes of a line that are kept: PostgreSQL and Kafka write some of half a megabyte. */
#define LOG_LINE_MAX 4096

static int take_line(void *arg, json_t *row, struct error *err)
{
	const struct feed_stream *s = arg;
	AUTO_JSON json_t *owned = row;
	const char *msg = json_string_or(row, "msg", "");

	if (strlen(msg) > LOG_LINE_MAX)
		json_object_set_new(row, "msg",
				    json_sprintf("%.*s…", (int)text_whole(msg, LOG_LINE_MAX), msg));
	return s->row(s->arg, pack_all(row), err);
}

/* Subject: words of a service, a level and an order's id, in any order. */
static int stream_logs(struct console *c, const char *subject, const struct feed_stream *s, struct error *err)
{
	char text[FEED_SUBJECT_MAX];
	const char *words[4];
	int n = split(subject, text, words, (int)ARRAY_LEN(words));
	struct logs_query q = {.since_us = clock_wall_us() - LOG_PAST_MS * 1000,
			       .tail = FEED_STREAM_MAX / 2,
			       .level = LOG_DEBUG,
			       .follow = true,
			       .stop = s->stop};
	struct uuid id;
	const char *service = NULL;

	(void)c;
	for (int i = 0; i < n; i++) {
		if (log_level_parse(words[i], &q.level))
			continue;
		if (uuid_parse(words[i], &id))
			q.order_id = words[i];
		else
			service = words[i];
	}
	if (service != NULL) {
		q.services = &service;
		q.service_count = 1;
	}
	if (access(paths_log(), R_OK) == 0)
		s->begun(s->arg);
	return logs_read(&q, take_line, (void *)(uintptr_t)s, err);
}

const char *const feed_services[BACKEND_COUNT] = {
    [BACKEND_DATABASE] = "postgres", [BACKEND_KAFKA] = "kafka",	     [BACKEND_DLQ] = "dlqd",
    [BACKEND_OUTBOX] = "outboxd",    [BACKEND_PAYMENT] = "paymentd", [BACKEND_INVENTORY] = "inventoryd",
    [BACKEND_NOTIFY] = "notifyd",    [BACKEND_KITCHEN] = "kitchend", [BACKEND_HW] = HW_DAEMON,
    [BACKEND_MESSAGES] = "kafka",
};

const struct feed feeds[FEED_COUNT] = {
    [FEED_STATUS] = {"status", BACKEND_CONTROL, 1000, fetch_status, NULL},
    [FEED_KPI] = {"key figures", BACKEND_DATABASE, 2000, fetch_kpi, NULL},
    [FEED_STUCK] = {"stuck count", BACKEND_DATABASE, 3000, fetch_stuck, NULL},
    [FEED_SAGAS] = {"sagas", BACKEND_DATABASE, 1000, fetch_sagas, NULL, .packed = true},
    [FEED_SAGA] = {"saga", BACKEND_DATABASE, 1000, fetch_saga, NULL},
    [FEED_ORDERS] = {"orders", BACKEND_DATABASE, 1000, fetch_orders, NULL, .packed = true},
    [FEED_LAG] = {"lag", BACKEND_KAFKA, 2000, fetch_lag, NULL},
    [FEED_PARTITIONS] = {"partitions", BACKEND_KAFKA, 2000, fetch_partitions, NULL},
    [FEED_TOPICS] = {"topics", BACKEND_KAFKA, 2000, fetch_topics, NULL, 2},
    [FEED_LETTER_GROUPS] = {"dead letters", BACKEND_DLQ, 2000, fetch_letter_groups, NULL},
    [FEED_LETTERS] = {"letters", BACKEND_DLQ, 2000, fetch_letters, NULL},
    [FEED_LETTER] = {"letter", BACKEND_DLQ, 3000, fetch_letter, NULL},
    [FEED_OUTBOX] = {"outbox", BACKEND_OUTBOX, 2000, fetch_outbox, NULL},
    [FEED_PAYMENTS] = {"payments", BACKEND_PAYMENT, 2000, fetch_payments, NULL},
    [FEED_INVENTORY] = {"inventory", BACKEND_INVENTORY, 2000, fetch_inventory, NULL},
    [FEED_NOTIFICATIONS] = {"notifications", BACKEND_NOTIFY, 2000, fetch_notifications, NULL},
    [FEED_METRICS] = {"metrics", BACKEND_METRICS, 2000, fetch_metrics, NULL, 2},
    [FEED_HOSTS] = {"hosts", BACKEND_HOSTS, 2000, fetch_hosts, NULL, 2},
    [FEED_HEATMAP] = {"heatmap", BACKEND_DATABASE, 15000, fetch_heatmap, NULL},
    [FEED_JOBS] = {"jobs", BACKEND_DLQ, 1000, fetch_jobs, NULL},
    [FEED_STEPS] = {"steps", BACKEND_DATABASE, 10000, fetch_steps, NULL},
    [FEED_KITCHEN] = {"kitchen", BACKEND_KITCHEN, 1000, fetch_kitchen, NULL},
    [FEED_TICKETS] = {"tickets", BACKEND_KITCHEN, 1000, fetch_tickets, NULL},
    [FEED_HW] = {"hardware", BACKEND_HW, 1000, fetch_hw, NULL},
    [FEED_MESSAGES] = {"messages", BACKEND_MESSAGES, 0, NULL, stream_messages, .packed = true},
    [FEED_LOGS] = {"logs", BACKEND_LOGS, 0, NULL, stream_logs, .packed = true},
};
