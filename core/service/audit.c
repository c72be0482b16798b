/*
 * Writing and listing the audit.  No state.
 */
#include "core/service/audit.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/service/service.h"

/* The decoded text, or the text as it is when what comes out is no UTF-8. */
static void decode(const char *text, char ret[AUDIT_TEXT_SIZE])
{
	int n = 0;
	char *plain = curl_easy_unescape(NULL, text, 0, &n);
	bool good = plain != NULL && strlen(plain) == (size_t)n && text_is_utf8(plain, (size_t)n);

	snprintf(ret, AUDIT_TEXT_SIZE, "%s", good ? plain : text);
	text_mend(ret); /* cut within a character */
	curl_free(plain);
}

void audit_origin(const struct http_request *r, const json_t *body, struct audit_origin *ret)
{
	const char *actor = http_header(r, "X-Pizza-Actor");
	const char *reason = http_header(r, "X-Pizza-Reason");

	decode(actor != NULL && *actor != '\0' ? actor : "unknown", ret->actor);
	if (reason != NULL)
		decode(reason, ret->reason);
	else
		snprintf(ret->reason, sizeof(ret->reason), "%s", json_string_or(body, "reason", ""));
}

DB_STATEMENT(audit_insert, "INSERT INTO audit (actor, action, target, reason, arguments, outcome)"
			   " VALUES ($1, $2, $3, nullif($4, ''), $5, $6)");

int audit_add(struct db_conn *tx, const struct audit_entry *entry, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	AUTO_FREE char *arguments = entry->arguments != NULL ? json_text(entry->arguments) : NULL;

	db_param_text(&p, entry->origin->actor);
	db_param_text(&p, entry->action);
	db_param_text(&p, entry->target);
	db_param_text(&p, entry->origin->reason);
	db_param_text(&p, arguments);
	db_param_text(&p, entry->outcome);
	return db_exec(tx, &audit_insert, &p, NULL, err);
}

int audit_write(struct db_conn *tx, const struct http_request *r, const char *action, const char *target,
		const json_t *arguments, const char *outcome, struct error *err)
{
	struct audit_origin origin;
	const struct audit_entry entry = {&origin, action, target, arguments, outcome};

	audit_origin(r, arguments, &origin);
	return audit_add(tx, &entry, err);
}

void audit_refused(struct service *s, const struct http_request *r, const char *action, const char *target,
		   const json_t *arguments, const struct error *why)
{
	AUTO_FREE char *outcome = xasprintf("%s: %s", error_word(why->code), why->why);
	struct db_conn *c = NULL;
	struct error err;
	int rc = db_acquire(service_db(s), &c, &err);

	if (rc == 0)
		rc = audit_write(c, r, action, target, arguments, outcome, &err);
	db_release(c);
	if (rc < 0)
		log_err(LOG_WARN, &err, "the audit misses a refused %s of %s", action, target);
}

/* --- the list --- */

DB_STATEMENT(
    audit_page,
    "SELECT audit_id, at, actor, action, target, reason, arguments, outcome FROM audit"
    " WHERE ($1::bigint IS NULL OR audit_id < $1) AND ($2::text IS NULL OR actor = $2)"
    " AND ($3::text IS NULL OR action = $3 OR starts_with(action, $3 || '.')) AND ($4::text IS NULL OR "
    "target = $4)"
    " AND ($5::timestamptz IS NULL OR at >= $5) ORDER BY audit_id DESC LIMIT $6");

static json_t *row_json(const char *daemon, const struct db_result *r, int i)
{
	char at[CLOCK_TEXT_SIZE];
	json_t *arguments = db_is_null(r, i, 6) ? NULL : json_loads(db_text(r, i, 6), JSON_DECODE_ANY, NULL);

	return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s?, s:s, s:o?}", "audit_id",
			 (json_int_t)db_int(r, i, 0), "at", clock_format(db_time(r, i, 1), at), "daemon",
			 daemon, "actor", db_text(r, i, 2), "action", db_text(r, i, 3), "target",
			 db_text(r, i, 4), "reason", db_is_null(r, i, 5) ? NULL : db_text(r, i, 5), "outcome",
			 db_text(r, i, 7), "arguments", arguments);
}

static int read_query(const struct http_request *r, struct db_params *p, int64_t *limit, struct error *err)
{
	const char *since = http_query(r, "since");
	int64_t before = 0, since_us = 0;
	int rc = http_query_int(r, "limit", 1, 1000, 50, limit, err);

	if (rc == 0)
		rc = http_query_int(r, "cursor", 1, INT64_MAX, 0, &before, err);
	if (rc == 0 && since != NULL && !clock_parse(since, &since_us))
		rc = error_set(err, ERR_USAGE, "since", "must be a time such as 2026-11-21T12:30:00Z");
	if (rc < 0)
		return rc;
	before > 0 ? db_param_int(p, before) : db_param_null(p);
	db_param_text(p, http_query(r, "actor"));
	db_param_text(p, http_query(r, "action"));
	db_param_text(p, http_query(r, "target"));
	since != NULL ? db_param_time(p, since_us) : db_param_null(p);
	db_param_int(p, *limit);
	return 0;
}

static int list_page(struct service *s, const struct http_request *r, json_t **ret, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	CLEANUP(db_result_auto) struct db_result *rows = NULL;
	int64_t limit = 0;
	json_t *items;
	char cursor[24];
	int n, rc = read_query(r, &p, &limit, err);

	if (rc == 0)
		rc = db_once(service_db(s), &audit_page, &p, &rows, err);
	if (rc < 0)
		return rc;
	items = json_array();
	n = db_rows(rows);
	for (int i = 0; i < n; i++)
		json_array_append_new(items, row_json(service_info(s)->name, rows, i));
	if (n > 0)
		snprintf(cursor, sizeof(cursor), "%lld", (long long)db_int(rows, n - 1, 0));
	*ret = json_pack("{s:o, s:s?}", "items", items, "next_cursor", n == limit ? cursor : NULL);
	return 0;
}

void audit_list(struct http_request *r, void *service)
{
	json_t *page = NULL;
	struct error err;

	if (list_page(service, r, &page, &err) < 0)
		http_reply_error(r, &err);
	else
		http_reply_json(r, 200, page);
}
