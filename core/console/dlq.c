/*
 * dlqd's API, and what other backends add to it.
 */
#include "core/console/dlq.h"

#include <stdio.h>
#include <string.h>

#include "core/base/base64.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/api.h"
#include "core/console/saga.h"
#include "core/console/topics.h"
#include "core/console/wait.h"
#include "core/contract/daemons.h"

#define BASE "/api/v1/dlq"

int dlq_filter_group(struct dlq_filter *f, const char *text, struct error *err)
{
	const struct daemon_info *d;

	if (text == NULL)
		return 0;
	d = daemon_find(text);
	if (d != NULL) {
		f->group = d->name;
	} else if (strlen(text) >= 4 && strlen(text) <= 8 &&
		   strspn(text, "0123456789abcdef") == strlen(text)) {
		f->fingerprint = text;
	} else {
		error_set(err, ERR_USAGE, "--group", "\"%.40s\" is neither a daemon nor a fingerprint", text);
		error_hint(err, "pizzactl dlq groups lists both");
		return ERR_USAGE;
	}
	return 0;
}

struct member {
	const char *name, *value;
};

static int members(const struct dlq_filter *f, struct member list[8])
{
	const char *order = f->order[0] != '\0' ? f->order : NULL;
	const struct member all[] = {
	    {"state", f->state}, {"topic", f->topic}, {"group", f->group}, {"fingerprint", f->fingerprint},
	    {"code", f->code},	 {"type", f->type},   {"order", order},	   {"where", f->where}};

	memcpy(list, all, sizeof(all));
	return (int)ARRAY_LEN(all);
}

json_t *dlq_selection(const struct dlq_filter *f, const json_t *ids)
{
	json_t *selection = json_object();
	struct member list[8];
	int n = members(f, list);

	for (int i = 0; i < n; i++)
		if (list[i].value != NULL)
			json_object_set_new(selection, list[i].name, json_string(list[i].value));
	if (f->min_age_ms >= 0)
		json_object_set_new(selection, "min_age_ms", json_integer(f->min_age_ms));
	if (ids != NULL)
		json_object_set(selection, "ids", (json_t *)ids);
	return selection;
}

static void add_filter(struct buf *path, const struct dlq_filter *f)
{
	struct member list[8];
	char number[24];
	int n = members(f, list);

	for (int i = 0; i < n; i++)
		api_query(path, list[i].name, list[i].value);
	snprintf(number, sizeof(number), "%lld", (long long)f->min_age_ms);
	if (f->min_age_ms >= 0)
		api_query(path, "min_age_ms", number);
}

int dlq_letters(struct console *c, const struct dlq_filter *f, bool full, int64_t limit, console_row *row,
		void *arg, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};

	buf_adds(&path, BASE "/letters");
	add_filter(&path, f);
	api_query(&path, "full", full ? "1" : NULL);
	return api_list(c, "dlqd", buf_str(&path), limit, row, arg, err);
}

/* Notes the latest arrival that went through. */
struct follower {
	console_row *row;
	void *arg;
	int64_t *cursor;
};

static int follow_row(void *arg, json_t *row, struct error *err)
{
	struct follower *f = arg;

	*f->cursor = json_int_or(row, "arrival", *f->cursor);
	return f->row(f->arg, row, err);
}

int dlq_letters_after(struct console *c, const struct dlq_filter *f, int64_t *cursor, console_row *row,
		      void *arg, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};
	struct follower follower = {row, arg, cursor};
	char number[24];

	snprintf(number, sizeof(number), "%lld", (long long)*cursor);
	buf_adds(&path, BASE "/letters");
	add_filter(&path, f);
	api_query(&path, "after", number);
	return api_list(c, "dlqd", buf_str(&path), -1, follow_row, &follower, err);
}

/* Where its order stands; nothing when nobody knows. */
static void add_saga(struct console *c, json_t *letter)
{
	struct saga saga;
	struct uuid order;

	json_object_set_new(letter, "saga", json_null());
	if (!uuid_parse(json_string_or(letter, "order_id", ""), &order) ||
	    saga_load(c, order, &saga, NULL) < 0)
		return;
	json_object_set(letter, "saga", saga.row);
	saga_done(&saga);
}

int dlq_letter(struct console *c, const char *id, json_t **ret, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};
	struct api_request r = {.method = "GET", .daemon = "dlqd"};
	int rc;

	buf_adds(&path, BASE "/letters");
	api_segment(&path, id);
	r.path = buf_str(&path);
	rc = api_call(c, &r, ret, err);
	if (rc == 0)
		add_saga(c, *ret);
	return rc;
}

int dlq_groups(struct console *c, const struct dlq_filter *f, console_row *row, void *arg, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};

	buf_adds(&path, BASE "/groups");
	add_filter(&path, f);
	return api_list(c, "dlqd", buf_str(&path), -1, row, arg, err);
}

/* --- figures --- */

struct stats {
	json_t *traffic; /* topic → messages */
	console_row *row;
	void *arg;
};

static int take_topic(void *arg, json_t *topic, struct error *err)
{
	struct stats *s = arg;

	(void)err;
	json_object_set(s->traffic, json_string_or(topic, "topic", ""), json_object_get(topic, "messages"));
	json_decref(topic);
	return 0;
}

static int take_stats(void *arg, json_t *row, struct error *err)
{
	struct stats *s = arg;
	int64_t messages = json_int_or(s->traffic, json_string_or(row, "topic", ""), -1);
	int64_t dead = json_int_or(row, "dead_messages", 0);

	json_object_set_new(row, "messages", messages >= 0 ? json_integer(messages) : json_null());
	json_object_set_new(row, "share_percent",
			    messages > 0 ? json_real(100.0 * (double)dead / (double)messages) : json_null());
	json_object_set_new(row, "per_minute", json_real((double)json_int_or(row, "last_hour", 0) / 60.0));
	return s->row(s->arg, row, err);
}

int dlq_stats(struct console *c, console_row *row, void *arg, struct error *err)
{
	AUTO_JSON json_t *traffic = json_object();
	struct stats s = {traffic, row, arg};

	if (topics_list(c, take_topic, &s, NULL) < 0)
		json_object_clear(traffic); /* Kafka cannot be asked: shares are unknown */
	return api_list(c, "dlqd", BASE "/stats", -1, take_stats, &s, err);
}

/* --- changing --- */

char *dlq_text(const json_t *letter)
{
	const char *member = json_bool_or(letter, "edited", false) ? "edited_value" : "value";
	const json_t *value = json_object_get(letter, member);

	if (json_is_string(value))
		return xstrdup(json_string_value(value));
	return json_is_null(value) || value == NULL ? xstrdup("") : json_pretty(value);
}

int dlq_edit_body(const char *text, json_t **ret, struct error *err)
{
	AUTO_JSON json_t *checked = NULL;
	int rc = json_parse_object(text, strlen(text), &checked, err);

	if (rc == 0)
		*ret = json_pack("{s:o}", "value_base64", base64_json(text, strlen(text)));
	return rc;
}

int dlq_post(struct console *c, const char *path, const json_t *body, json_t **ret, struct error *err)
{
	CLEANUP(buf_done) struct buf full = {0};
	struct api_request r = {
	    .method = "POST", .daemon = "dlqd", .body = body, .asks = json_bool_or(body, "dry_run", false)};

	buf_addf(&full, BASE "%s", path);
	r.path = buf_str(&full);
	return api_call(c, &r, ret, err);
}

int dlq_job(struct console *c, int64_t job, bool letters, json_t **ret, struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0};
	struct api_request r = {.method = "GET", .daemon = "dlqd"};

	buf_addf(&path, BASE "/jobs/%lld%s", (long long)job, letters ? "?letters=1" : "");
	r.path = buf_str(&path);
	return api_call(c, &r, ret, err);
}

struct saga_watch *dlq_watch(struct console *c)
{
	return saga_watch_of(c, daemons[DAEMON_DLQ].database, "dlq");
}
