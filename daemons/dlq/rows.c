/*
 * Queries for lists are put together from the column table and the selection; values are always parameters.
 */
#include "daemons/dlq/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base64.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/where.h"
#include "core/service/named.h"
#include "daemons/dlq/rules.h"

#define PAGE_MAX 1000

/* --- columns --- */

#define AGE(column) "extract(epoch FROM clock_timestamp() - " column ")::float8"

static const struct where_column columns[] = {
    {"letter_id", WHERE_TEXT, "l.letter_id"},
    {"state", WHERE_TEXT, "l.state"},
    {"quarantined", WHERE_BOOL, "l.quarantined"},
    {"topic", WHERE_TEXT, "l.topic"},
    {"partition", WHERE_INT, "l.partition"},
    {"offset", WHERE_INT, "l.\"offset\""},
    {"consumer_group", WHERE_TEXT, "l.consumer_group"},
    {"error_code", WHERE_TEXT, "l.error_code"},
    {"error_reason", WHERE_TEXT, "l.error_reason"},
    {"failed_step", WHERE_TEXT, "l.failed_step"},
    {"fingerprint", WHERE_TEXT, "l.fingerprint"},
    {"event_type", WHERE_TEXT, "l.event_type"},
    {"event_id", WHERE_TEXT, "l.event_id"},
    {"order_id", WHERE_TEXT, "l.order_id"},
    {"correlation_id", WHERE_TEXT, "l.correlation_id"},
    {"failed_at", WHERE_TIME, "l.failed_at"},
    {"first_failed_at", WHERE_TIME, "l.first_failed_at"},
    {"original_at", WHERE_TIME, "l.original_at"},
    {"state_at", WHERE_TIME, "l.state_at"},
    {"expires_at", WHERE_TIME, "l.expires_at"},
    {"age_seconds", WHERE_SECONDS, AGE("l.failed_at")},
    {"retry_count", WHERE_INT, "l.retry_count"},
    {"replay_count", WHERE_INT, "l.replay_count"},
    {"replay_cap", WHERE_INT, "l.replay_cap"},
    {"readable", WHERE_BOOL, "l.readable"},
    {"edited", WHERE_BOOL, "(l.edited IS NOT NULL)"},
    {"value_bytes", WHERE_BYTES, "octet_length(l.value)"},
    {"job_id", WHERE_INT, "l.job_id"},
    {"arrival", WHERE_INT, "l.arrival"},
};
#define COLUMNS ((int)ARRAY_LEN(columns))

static void add_columns(struct buf *sql)
{
	for (int i = 0; i < COLUMNS; i++)
		buf_addf(sql, "%s%s", i > 0 ? ", " : "", columns[i].sql);
}

static json_t *column_json(const struct db_result *r, int row, int i)
{
	char text[CLOCK_TEXT_SIZE];

	if (db_is_null(r, row, i))
		return json_null();
	switch (columns[i].kind) {
	case WHERE_INT:
	case WHERE_BYTES:
	case WHERE_MONEY:
	case WHERE_MS:
		return json_integer(db_int(r, row, i));
	case WHERE_REAL:
	case WHERE_SECONDS:
		return json_real(db_double(r, row, i));
	case WHERE_BOOL:
		return json_boolean(db_bool(r, row, i));
	case WHERE_TIME:
		return json_string(clock_format(db_time(r, row, i), text));
	case WHERE_TEXT:
	case WHERE_JSON:
		break;
	}
	return json_string(db_text(r, row, i));
}

static json_t *row_json(const struct db_result *r, int row)
{
	json_t *j = json_object();

	for (int i = 0; i < COLUMNS; i++)
		json_object_set_new(j, columns[i].name, column_json(r, row, i));
	return j;
}

/* --- selections --- */

static int add_param(void *arg, const char *text)
{
	struct db_params *p = arg;

	db_param_text(p, text);
	return p->count;
}

static int add_state(struct selection *s, const char *word, struct error *err)
{
	enum letter_state state;

	if (word == NULL || strcmp(word, "any") == 0)
		return 0;
	if (strcmp(word, "open") == 0) {
		buf_adds(&s->sql, " AND l.state IN ('unresolved', 'replaying')");
		return 0;
	}
	if (!letter_state_parse(word, &state))
		return error_set(
		    err, ERR_USAGE, "state",
		    "state must be unresolved, replaying, resolved, discarded, expired, open or any");
	buf_addf(&s->sql, " AND l.state = $%d", add_param(&s->params, word));
	return 0;
}

static void add_equal(struct selection *s, const json_t *wanted, const char *name, const char *sql)
{
	const char *text = json_string_or(wanted, name, NULL);

	if (text != NULL)
		buf_addf(&s->sql, " AND %s = $%d", sql, add_param(&s->params, text));
}

static int add_order(struct selection *s, const char *text, struct error *err)
{
	struct uuid id;

	if (text == NULL)
		return 0;
	if (!uuid_parse(text, &id))
		return error_set(err, ERR_USAGE, "order", "must be a UUID");
	buf_addf(&s->sql, " AND l.order_id = $%d::uuid", add_param(&s->params, text));
	return 0;
}

static int add_fingerprint(struct selection *s, const char *text, struct error *err)
{
	if (text == NULL)
		return 0;
	if (strlen(text) < 4 || strlen(text) >= FINGERPRINT_SIZE ||
	    strspn(text, "0123456789abcdef") != strlen(text))
		return error_set(err, ERR_USAGE, "fingerprint",
				 "a fingerprint must be 4 to 8 hexadecimal digits");
	buf_addf(&s->sql, " AND starts_with(l.fingerprint, $%d)", add_param(&s->params, text));
	return 0;
}

static int add_ids(struct selection *s, const json_t *ids, struct error *err)
{
	CLEANUP(db_array_done) struct db_array list = {0};

	if (ids == NULL || json_is_null(ids))
		return 0;
	if (!json_is_array(ids))
		return error_set(err, ERR_INVALID, "ids", "must be an array of letter ids");
	db_array_init(&list, DB_UUID);
	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *text = json_string_value(json_array_get(ids, i));
		struct uuid id;

		if (text == NULL || !uuid_parse(text, &id))
			return error_set(err, ERR_INVALID, "ids", "ids[%zu] is no letter id", i);
		db_array_uuid(&list, &id);
	}
	db_param_array(&s->params, &list);
	buf_addf(&s->sql, " AND l.letter_id = ANY ($%d::uuid[])", s->params.count);
	return 0;
}

static int add_where(struct selection *s, const char *text, struct error *err)
{
	struct where_params params = {
	    .room = DB_PARAMS_MAX - 4 - s->params.count, .add = add_param, .arg = &s->params};
	int rc;

	if (text == NULL)
		return 0;
	rc = where_parse(text, columns, COLUMNS, clock_wall_us(), &s->where, err);
	if (rc < 0)
		return rc;
	buf_adds(&s->sql, " AND ");
	s->complete = where_sql(s->where, &s->sql, &params);
	return 0;
}

int selection_build(const json_t *wanted, struct selection *ret, struct error *err)
{
	int64_t age = json_int_or(wanted, "min_age_ms", -1);
	const json_t *quarantined = json_object_get(wanted, "quarantined");
	int rc;

	*ret = (struct selection){.complete = true};
	buf_adds(&ret->sql, "TRUE");
	rc = add_state(ret, json_string_or(wanted, "state", NULL), err);
	add_equal(ret, wanted, "topic", "l.topic");
	add_equal(ret, wanted, "group", "l.consumer_group");
	add_equal(ret, wanted, "code", "l.error_code");
	add_equal(ret, wanted, "type", "l.event_type");
	if (age >= 0) {
		db_param_int(&ret->params, age);
		buf_addf(&ret->sql,
			 " AND l.failed_at <= clock_timestamp() - $%d::int8 * interval '1 millisecond'",
			 ret->params.count);
	}
	if (json_is_boolean(quarantined))
		buf_addf(&ret->sql, " AND l.quarantined = %s", json_is_true(quarantined) ? "true" : "false");
	if (rc == 0)
		rc = add_order(ret, json_string_or(wanted, "order", NULL), err);
	if (rc == 0)
		rc = add_fingerprint(ret, json_string_or(wanted, "fingerprint", NULL), err);
	if (rc == 0)
		rc = add_ids(ret, json_object_get(wanted, "ids"), err);
	if (rc == 0)
		rc = add_where(ret, json_string_or(wanted, "where", NULL), err);
	return rc;
}

void selection_done(struct selection *s)
{
	buf_done(&s->sql);
	db_params_done(&s->params);
	where_free(s->where);
}

/* --- bytes --- */

static json_t *bytes_base64(const struct db_result *r, int row, int column)
{
	size_t len;
	AUTO_FREE char *data = db_bytes(r, row, column, &len);

	return base64_json(data, len);
}

json_t *rows_value_json(const void *data, size_t len)
{
	json_t *j;

	if (data == NULL)
		return json_null();
	j = json_loadb(data, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	if (j == NULL)
		j = json_stringn(data, len);
	return j != NULL ? j : json_null();
}

static json_t *bytes_value(const struct db_result *r, int row, int column)
{
	size_t len;
	AUTO_FREE char *data = db_bytes(r, row, column, &len);

	return rows_value_json(data, len);
}

/* [{"name","value_base64"}] as {"name": text}. */
static json_t *headers_text(const char *json)
{
	AUTO_JSON json_t *list = json_loads(json, 0, NULL);
	json_t *out = json_object();

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *h = json_array_get(list, i);
		CLEANUP(buf_done) struct buf value = {0};
		json_t *text;
		bool there;

		if (base64_get(h, "value_base64", &value, &there, NULL) < 0)
			continue;
		text = there ? json_stringn(buf_str(&value), value.len) : json_null();
		json_object_set_new(out, json_string_or(h, "name", "?"),
				    text != NULL ? text : json_incref(json_object_get(h, "value_base64")));
	}
	return out;
}

/* --- lists --- */

#define FULL_COLUMNS ", l.key, l.value, l.edited, l.headers, l.dlq_topic, l.dlq_partition, l.dlq_offset"

/* What an export adds, and what only the moment of the export tells is left out. */
static void make_full(json_t *row, const struct db_result *r, int i)
{
	static const char *const moments[] = {"age_seconds", "expires_at", "arrival",	"state_at",
					      "job_id",	     "edited",	   "replay_cap"};

	for (size_t k = 0; k < ARRAY_LEN(moments); k++)
		json_object_del(row, moments[k]);
	json_object_set_new(row, "key_base64", bytes_base64(r, i, COLUMNS));
	json_object_set_new(row, "value_base64", bytes_base64(r, i, COLUMNS + 1));
	json_object_set_new(row, "edited_base64", bytes_base64(r, i, COLUMNS + 2));
	json_object_set_new(row, "headers", json_loads(db_text(r, i, COLUMNS + 3), 0, NULL));
	json_object_set_new(row, "dlq_topic", json_string(db_text(r, i, COLUMNS + 4)));
	json_object_set_new(row, "dlq_partition", json_integer(db_int(r, i, COLUMNS + 5)));
	json_object_set_new(row, "dlq_offset", json_integer(db_int(r, i, COLUMNS + 6)));
}

/* "1732190000000000:UUID", or an arrival. */
static int add_cursor(struct selection *s, const struct rows_page *page, const char *cursor,
		      struct error *err)
{
	char *end = NULL;
	struct uuid id;
	long long n;

	if (page->after >= 0 && cursor == NULL) {
		db_param_int(&s->params, page->after);
		buf_addf(&s->sql, " AND l.arrival > $%d::int8", s->params.count);
	}
	if (cursor == NULL)
		return 0;
	n = strtoll(cursor, &end, 10);
	if (end == cursor || (page->after < 0 && (*end != ':' || !uuid_parse(end + 1, &id))))
		return error_set(err, ERR_USAGE, "cursor", "is not one that a list gave");
	if (page->after >= 0) {
		db_param_int(&s->params, n);
		buf_addf(&s->sql, " AND l.arrival > $%d::int8", s->params.count);
		return 0;
	}
	db_param_time(&s->params, n);
	db_param_uuid(&s->params, id);
	buf_addf(&s->sql, " AND (l.failed_at, l.letter_id) < ($%d::timestamptz, $%d::uuid)",
		 s->params.count - 1, s->params.count);
	return 0;
}

static char *next_cursor(const struct rows_page *page, const struct db_result *r, int row)
{
	int failed = 0, id = 0, arrival = 0;

	for (int i = 0; i < COLUMNS; i++) {
		if (strcmp(columns[i].name, "failed_at") == 0)
			failed = i;
		if (strcmp(columns[i].name, "letter_id") == 0)
			id = i;
		if (strcmp(columns[i].name, "arrival") == 0)
			arrival = i;
	}
	if (page->after >= 0)
		return xasprintf("%lld", (long long)db_int(r, row, arrival));
	return xasprintf("%lld:%s", (long long)db_time(r, row, failed), db_text(r, row, id));
}

/* One page of the table; those rows that pass are added to items. */
static int list_once(struct db_conn *c, const json_t *wanted, const struct rows_page *page, json_t *items,
		     char **cursor, struct error *err)
{
	CLEANUP(selection_done) struct selection s = {0};
	CLEANUP(buf_done) struct buf sql = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int64_t left = page->limit - (int64_t)json_array_size(items);
	int64_t limit;
	int rc = selection_build(wanted, &s, err);

	if (rc == 0)
		rc = add_cursor(&s, page, *cursor, err);
	if (rc < 0)
		return rc;
	limit = s.complete ? left : PAGE_MAX;
	buf_adds(&sql, "SELECT ");
	add_columns(&sql);
	buf_addf(&sql, "%s FROM letter_rows l WHERE %s ORDER BY %s LIMIT %lld",
		 page->full ? FULL_COLUMNS : "", buf_str(&s.sql),
		 page->after >= 0 ? "l.arrival" : "l.failed_at DESC, l.letter_id DESC", (long long)limit);
	rc = db_query(c, buf_str(&sql), &s.params, &r, err);
	if (rc < 0)
		return rc;
	free(*cursor);
	*cursor = NULL;
	for (int i = 0; i < db_rows(r); i++) {
		json_t *row = row_json(r, i);
		bool last = i + 1 == db_rows(r);

		if (!s.complete && !where_match(s.where, row)) {
			json_decref(row);
		} else {
			if (page->full)
				make_full(row, r, i);
			json_array_append_new(items, row);
		}
		if ((int64_t)json_array_size(items) == page->limit || (last && i + 1 == limit)) {
			*cursor = next_cursor(page, r, i);
			break;
		}
	}
	return 0;
}

int rows_list(struct db_conn *c, const json_t *wanted, const struct rows_page *page, json_t **ret,
	      char **ret_cursor, struct error *err)
{
	char *cursor = page->cursor != NULL ? xstrdup(page->cursor) : NULL;
	AUTO_JSON json_t *items = json_array();
	int rc;

	do
		rc = list_once(c, wanted, page, items, &cursor, err);
	while (rc == 0 && cursor != NULL && (int64_t)json_array_size(items) < page->limit);
	if (rc < 0) {
		free(cursor);
		return rc;
	}
	*ret = json_incref(items);
	*ret_cursor = cursor;
	return 0;
}

/* A clock that was set back must not turn the order of a partition round: the moment never falls within it.
 */
#define OLDEST_FIRST                                                                                  \
	"max(coalesce(l.original_at, l.failed_at)) OVER (PARTITION BY l.topic, l.partition ORDER BY " \
	"l.\"offset\"), l.topic, l.partition, l.\"offset\", l.letter_id"

int rows_ids(struct db_conn *c, const json_t *wanted, struct uuid **ret, int *ret_count, struct error *err)
{
	CLEANUP(selection_done) struct selection s = {0};
	CLEANUP(buf_done) struct buf sql = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc = selection_build(wanted, &s, err);

	if (rc < 0)
		return rc;
	buf_adds(&sql, "SELECT ");
	add_columns(&sql);
	buf_addf(&sql, " FROM letter_rows l WHERE %s ORDER BY " OLDEST_FIRST, buf_str(&s.sql));
	rc = db_query(c, buf_str(&sql), &s.params, &r, err);
	if (rc < 0)
		return rc;
	*ret = xcalloc((size_t)db_rows(r) + 1, sizeof(**ret));
	*ret_count = 0;
	for (int i = 0; i < db_rows(r); i++) {
		AUTO_JSON json_t *row = s.complete ? NULL : row_json(r, i);

		if (s.complete || where_match(s.where, row))
			(*ret)[(*ret_count)++] = db_uuid(r, i, 0);
	}
	return 0;
}

/* --- one letter --- */

DB_STATEMENT(letter_find, "SELECT letter_id FROM letters WHERE letter_id BETWEEN $1::uuid AND $2::uuid "
			  "ORDER BY letter_id LIMIT 2")

int rows_find(struct db_conn *c, const char *text, struct uuid *ret, struct error *err)
{
	return named_id(c, &letter_find, "dead letter", text, ret, err);
}

DB_STATEMENT(letter_history_rows, "SELECT at, what, actor, reason, job_id, detail FROM letter_history"
				  " WHERE letter_id = $1 ORDER BY seq")

static int add_history(struct db_conn *c, struct uuid id, json_t *letter, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	json_t *list = json_array();
	char at[CLOCK_TEXT_SIZE];
	int rc;

	db_param_uuid(&p, id);
	rc = db_exec(c, &letter_history_rows, &p, &r, err);
	for (int i = 0; rc == 0 && i < db_rows(r); i++) {
		json_t *detail = db_is_null(r, i, 5) ? NULL : json_loads(db_text(r, i, 5), 0, NULL);

		json_array_append_new(
		    list,
		    json_pack("{s:s, s:s, s:s, s:s?, s:o, s:o?}", "at", clock_format(db_time(r, i, 0), at),
			      "what", db_text(r, i, 1), "actor", db_text(r, i, 2), "reason",
			      db_is_null(r, i, 3) ? NULL : db_text(r, i, 3), "job_id",
			      db_is_null(r, i, 4) ? json_null() : json_integer(db_int(r, i, 4)), "detail",
			      detail));
	}
	json_object_set_new(letter, "history", list);
	return rc;
}

int rows_show(struct db_conn *c, struct uuid id, json_t **ret, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(buf_done) struct buf sql = {0};
	AUTO_JSON json_t *letter = NULL;
	char text[UUID_TEXT_SIZE];
	int rc;

	db_param_uuid(&p, id);
	buf_adds(&sql, "SELECT ");
	add_columns(&sql);
	buf_adds(&sql, FULL_COLUMNS " FROM letter_rows l WHERE l.letter_id = $1");
	rc = db_query(c, buf_str(&sql), &p, &r, err);
	if (rc == 0 && db_rows(r) == 0)
		rc = error_set(err, ERR_NOT_FOUND, "letter", "there is no dead letter %s",
			       uuid_format(id, text));
	if (rc < 0)
		return rc;
	letter = row_json(r, 0);
	json_object_set_new(letter, "key", bytes_value(r, 0, COLUMNS));
	json_object_set_new(letter, "value", bytes_value(r, 0, COLUMNS + 1));
	json_object_set_new(letter, "value_base64", bytes_base64(r, 0, COLUMNS + 1));
	json_object_set_new(letter, "edited_value", bytes_value(r, 0, COLUMNS + 2));
	json_object_set_new(letter, "headers", headers_text(db_text(r, 0, COLUMNS + 3)));
	json_object_set_new(letter, "dlq_topic", json_string(db_text(r, 0, COLUMNS + 4)));
	json_object_set_new(letter, "dlq_partition", json_integer(db_int(r, 0, COLUMNS + 5)));
	json_object_set_new(letter, "dlq_offset", json_integer(db_int(r, 0, COLUMNS + 6)));
	rc = add_history(c, id, letter, err);
	if (rc == 0)
		*ret = json_incref(letter);
	return rc;
}
