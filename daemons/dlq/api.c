/*
 * The routes of dlqd.  All of them use the database and therefore run on workers.  Every change is audited in
 * its transaction, every refused one alone; a dry run changes nothing and is not audited.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/service/audit.h"
#include "core/service/outbox.h"
#include "core/service/service.h"
#include "daemons/dlq/dlq.h"
#include "daemons/dlq/jobs.h"
#include "daemons/dlq/rows.h"
#include "daemons/dlq/store.h"
#include "daemons/dlq/verbs.h"

/* --- reading --- */

/* Query parameters of that name as a selection, `status` as another word for `state`; owned. */
static json_t *query_selection(const struct http_request *r)
{
	static const char *const names[] = {"state", "topic", "group", "fingerprint",
					    "code",  "type",  "order", "where"};
	const char *age = http_query(r, "min_age_ms"), *quarantined = http_query(r, "quarantined");
	const char *status = http_query(r, "status");
	json_t *selection = json_object();

	if (status != NULL && *status != '\0')
		json_object_set_new(selection, "state", json_string(status));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (http_query(r, names[i]) != NULL)
			json_object_set_new(selection, names[i], json_string(http_query(r, names[i])));
	if (age != NULL)
		json_object_set_new(selection, "min_age_ms", json_integer(strtoll(age, NULL, 10)));
	if (quarantined != NULL)
		json_object_set_new(selection, "quarantined", json_boolean(strcmp(quarantined, "true") == 0));
	return selection;
}

typedef int reading(struct db_conn *c, const struct http_request *r, json_t **ret, struct error *err);

static void serve(struct http_request *r, struct service *s, reading *read)
{
	struct db_conn *c = NULL;
	json_t *answer = NULL;
	struct error err;
	int rc = db_acquire(service_db(s), &c, &err);

	if (rc == 0)
		rc = read(c, r, &answer, &err);
	db_release(c);
	if (rc < 0)
		http_reply_error(r, &err);
	else
		http_reply_json(r, 200, answer);
}

static int read_letters(struct db_conn *c, const struct http_request *r, json_t **ret, struct error *err)
{
	AUTO_JSON json_t *selection = query_selection(r);
	AUTO_FREE char *next = NULL;
	struct rows_page page = {.cursor = http_query(r, "cursor"), .full = http_query(r, "full") != NULL};
	json_t *items = NULL;
	int rc = http_query_int(r, "limit", 1, 1000, 50, &page.limit, err);

	if (rc == 0)
		rc = http_query_int(r, "after", 0, INT64_MAX, -1, &page.after, err);
	if (rc == 0)
		rc = rows_list(c, selection, &page, &items, &next, err);
	if (rc == 0)
		*ret = json_pack("{s:o, s:s?}", "items", items, "next_cursor", next);
	return rc;
}

static int read_letter(struct db_conn *c, const struct http_request *r, json_t **ret, struct error *err)
{
	struct uuid id;
	int rc = rows_find(c, http_path_param(r, 0), &id, err);

	return rc < 0 ? rc : rows_show(c, id, ret, err);
}

/* The page of a whole list (taken) that is asked for; rc is how reading it went. */
static int whole_list(const struct http_request *r, int rc, json_t *items, json_t **ret, struct error *err)
{
	json_t *cursor = NULL;

	if (rc == 0)
		rc = http_page(r, items, &cursor, err);
	if (rc < 0)
		json_decref(items);
	else
		*ret = json_pack("{s:o, s:o}", "items", items, "next_cursor", cursor);
	return rc;
}

static int read_groups(struct db_conn *c, const struct http_request *r, json_t **ret, struct error *err)
{
	AUTO_JSON json_t *selection = query_selection(r);
	json_t *items = NULL;
	int rc = rows_groups(c, selection, &items, err);

	return whole_list(r, rc, items, ret, err);
}

static int read_stats(struct db_conn *c, const struct http_request *r, json_t **ret, struct error *err)
{
	json_t *items = NULL;
	int rc = rows_stats(c, &items, err);

	return whole_list(r, rc, items, ret, err);
}

static int read_policies(struct db_conn *c, const struct http_request *r, json_t **ret, struct error *err)
{
	json_t *items = NULL;
	int rc = policy_list(c, &items, err);

	return whole_list(r, rc, items, ret, err);
}

static int read_job(struct db_conn *c, const struct http_request *r, json_t **ret, struct error *err)
{
	int64_t job;
	int rc = http_path_number(r, &job, err);

	return rc < 0 ? rc : jobs_show(c, job, http_query(r, "letters") != NULL, ret, err);
}

static int read_jobs(struct db_conn *c, const struct http_request *r, json_t **ret, struct error *err)
{
	const char *status = http_query(r, "status");
	int64_t limit = 0, before = 0;
	json_t *items = NULL;
	char cursor[24] = "";
	size_t n;
	int rc = http_query_int(r, "limit", 1, 1000, 50, &limit, err);

	if (rc == 0)
		rc = http_query_int(r, "cursor", 1, INT64_MAX, 0, &before, err);
	if (rc == 0)
		rc =
		    jobs_list(c, http_query(r, "open") != NULL ? "open" : status, before, limit, &items, err);
	if (rc < 0)
		return rc;
	n = json_array_size(items);
	if ((int64_t)n == limit)
		snprintf(cursor, sizeof(cursor), "%lld",
			 (long long)json_int_or(json_array_get(items, n - 1), "job_id", 0));
	*ret = json_pack("{s:o, s:s?}", "items", items, "next_cursor", cursor[0] != '\0' ? cursor : NULL);
	return 0;
}

#define READING(name, read)                                     \
	static void name(struct http_request *r, void *service) \
	{                                                       \
		serve(r, service, read);                        \
	}
READING(get_letters, read_letters)
READING(get_letter, read_letter)
READING(get_groups, read_groups)
READING(get_stats, read_stats)
READING(get_policies, read_policies)
READING(get_job, read_job)
READING(get_jobs, read_jobs)

/* --- changing --- */

/* One change: what is asked, who asks, and what it is called in the audit. */
struct change {
	struct service *service;
	const struct http_request *request;
	const json_t *body;
	struct change_origin origin;
	const char *action;
	char target[128];
	json_t *arguments; /* for the audit instead of the body; owned; NULL: the body */
	bool dry;
	bool jobs; /* the runner has something to look at */
};

static const json_t *arguments(const struct change *ch)
{
	return ch->arguments != NULL ? ch->arguments : ch->body;
}

typedef int changing(struct db_conn *tx, struct change *ch, json_t **ret, struct error *err);

static int change_in(struct db_conn *tx, struct change *ch, changing *run, json_t **ret, struct error *err)
{
	int rc = db_begin(tx, err);

	if (rc == 0)
		rc = run(tx, ch, ret, err);
	if (rc == 0 && !ch->dry)
		rc = audit_write(tx, ch->request, ch->action, ch->target, arguments(ch), "ok", err);
	if (rc == 0 && !ch->dry)
		rc = db_commit(tx, err);
	if (rc < 0 || ch->dry)
		db_rollback(tx);
	else
		store_notify(tx);
	return rc;
}

static int run_change(struct change *ch, changing *run, json_t **ret, struct error *err)
{
	struct db_conn *c = NULL;
	int rc = db_acquire(service_db(ch->service), &c, err);

	if (rc == 0)
		rc = change_in(c, ch, run, ret, err);
	db_release(c);
	if (rc < 0 && !ch->dry)
		audit_refused(ch->service, ch->request, ch->action, ch->target, arguments(ch), err);
	return rc;
}

static void change(struct http_request *r, struct service *s, const char *action, bool has_body, int status,
		   changing *run)
{
	struct dlq *d = service_data(s);
	struct change ch = {.service = s, .request = r, .action = action};
	AUTO_JSON json_t *body = NULL;
	struct audit_origin who;
	json_t *answer = NULL;
	struct error err;
	int rc = has_body ? http_body_json(r, &body, &err) : 0;

	if (rc == 0) {
		audit_origin(r, body, &who);
		ch.body = body;
		ch.origin = (struct change_origin){.actor = who.actor, .reason = who.reason};
		ch.dry = json_bool_or(body, "dry_run", false);
		snprintf(ch.target, sizeof(ch.target), "%s", http_path_param(r, 0));
		rc = run_change(&ch, run, &answer, &err);
		json_decref(ch.arguments);
	}
	if (rc < 0) {
		json_decref(answer);
		http_reply_error(r, &err);
		return;
	}
	if (!ch.dry)
		outbox_notify(s);
	if (ch.jobs)
		runner_wake(d->runner);
	http_reply_json(r, ch.dry ? 200 : status, answer);
}

static void aim_at_selection(struct change *ch, const json_t *selection)
{
	const json_t *ids = json_object_get(selection, "ids");
	AUTO_FREE char *text = json_array_size(ids) == 1
				   ? xstrdup(json_string_value(json_array_get(ids, 0)))
				   : json_text(selection != NULL ? selection : ch->body);

	snprintf(ch->target, sizeof(ch->target), "%s", text != NULL ? text : "");
}

static int make_job(struct db_conn *tx, struct change *ch, json_t **ret, struct error *err)
{
	struct job_request request;
	int64_t job = 0;
	int rc = jobs_request(ch->body, &request, err);

	if (rc < 0)
		return rc;
	aim_at_selection(ch, request.selection);
	rc = jobs_plan(tx, &request, &ch->origin, !ch->dry, ret, &job, err);
	ch->jobs = rc == 0 && job > 0;
	return rc;
}

static int cancel_job(struct db_conn *tx, struct change *ch, json_t **ret, struct error *err)
{
	int64_t job;
	int rc = http_path_number(ch->request, &job, err);

	if (rc == 0)
		rc = jobs_cancel(tx, job, err);
	if (rc == 0)
		rc = jobs_show(tx, job, false, ret, err);
	ch->jobs = rc == 0;
	return rc;
}

static int change_state(struct db_conn *tx, struct change *ch, enum letter_input input, json_t **ret,
			struct error *err)
{
	const json_t *selection = json_object_get(ch->body, "selection");

	if (!json_is_object(selection) || json_object_size(selection) == 0)
		return error_set(err, ERR_INVALID, "selection", "must say which letters");
	aim_at_selection(ch, selection);
	return verbs_change(tx, selection, input, ch->dry, &ch->origin, ret, err);
}

static int discard(struct db_conn *tx, struct change *ch, json_t **ret, struct error *err)
{
	return change_state(tx, ch, INPUT_DISCARD, ret, err);
}

static int restore(struct db_conn *tx, struct change *ch, json_t **ret, struct error *err)
{
	return change_state(tx, ch, INPUT_RESTORE, ret, err);
}

/* With "replay": true, a job for it in the same transaction. */
static int edit(struct db_conn *tx, struct change *ch, json_t **ret, struct error *err)
{
	AUTO_JSON json_t *selection = NULL, *plan = NULL;
	struct job_request request = {.limit = -1, .force = json_bool_or(ch->body, "force", false)};
	char text[UUID_TEXT_SIZE];
	struct uuid id;
	int64_t job = 0;
	int rc = rows_find(tx, http_path_param(ch->request, 0), &id, err);

	if (rc == 0)
		rc = verbs_edit(tx, id, ch->body, ch->dry, &ch->origin, ret, err);
	if (rc < 0 || ch->dry || !json_bool_or(ch->body, "replay", false) ||
	    json_array_size(json_object_get(*ret, "diff")) == 0)
		return rc;
	selection = json_pack("{s:[s]}", "ids", uuid_format(id, text));
	request.selection = selection;
	rc = jobs_plan(tx, &request, &ch->origin, true, &plan, &job, err);
	if (rc == 0)
		json_object_set_new(*ret, "job_id", json_integer(job));
	ch->jobs = rc == 0;
	return rc;
}

static int import(struct db_conn *tx, struct change *ch, json_t **ret, struct error *err)
{
	const json_t *letters = json_object_get(ch->body, "letters");

	/* The audit tells how many, not their bytes. */
	ch->arguments = json_pack("{s:i}", "letters", (int)json_array_size(letters));
	snprintf(ch->target, sizeof(ch->target), "%zu letters", json_array_size(letters));
	return verbs_import(tx, letters, &ch->origin, ret, err);
}

static int put_policy_in(struct db_conn *tx, struct change *ch, json_t **ret, struct error *err)
{
	int rc = policy_set(tx, http_path_param(ch->request, 0), ch->body, err);

	return rc < 0 ? rc : policy_list(tx, ret, err);
}

static int delete_policy_in(struct db_conn *tx, struct change *ch, json_t **ret, struct error *err)
{
	int rc = policy_remove(tx, http_path_param(ch->request, 0), err);

	return rc < 0 ? rc : policy_list(tx, ret, err);
}

#define CHANGING(name, action, has_body, status, run)              \
	static void name(struct http_request *r, void *service)    \
	{                                                          \
		change(r, service, action, has_body, status, run); \
	}
CHANGING(post_job, "dlq.replay", true, 201, make_job)
CHANGING(post_cancel, "dlq.cancel", false, 202, cancel_job)
CHANGING(post_discard, "dlq.discard", true, 200, discard)
CHANGING(post_restore, "dlq.restore", true, 200, restore)
CHANGING(post_edit, "dlq.edit", true, 200, edit)
CHANGING(post_import, "dlq.import", true, 200, import)
CHANGING(put_policy, "dlq.policy", true, 200, put_policy_in)
CHANGING(delete_policy, "dlq.policy", false, 200, delete_policy_in)

const struct http_route dlq_routes[] = {
    {"GET", "/api/v1/dlq", get_letters, HTTP_CUSTOMER, true},
    {"GET", "/api/v1/dlq/letters", get_letters, HTTP_CUSTOMER, true},
    {"GET", "/api/v1/dlq/letters/{id}", get_letter, HTTP_CUSTOMER, true},
    {"POST", "/api/v1/dlq/letters/{id}/edit", post_edit, HTTP_OPERATOR, true},
    {"GET", "/api/v1/dlq/groups", get_groups, HTTP_CUSTOMER, true},
    {"GET", "/api/v1/dlq/stats", get_stats, HTTP_CUSTOMER, true},
    {"GET", "/api/v1/dlq/jobs", get_jobs, HTTP_CUSTOMER, true},
    {"POST", "/api/v1/dlq/jobs", post_job, HTTP_OPERATOR, true},
    {"GET", "/api/v1/dlq/jobs/{id}", get_job, HTTP_CUSTOMER, true},
    {"POST", "/api/v1/dlq/jobs/{id}/cancel", post_cancel, HTTP_OPERATOR, true},
    {"POST", "/api/v1/dlq/discard", post_discard, HTTP_OPERATOR, true},
    {"POST", "/api/v1/dlq/restore", post_restore, HTTP_OPERATOR, true},
    {"POST", "/api/v1/dlq/import", post_import, HTTP_OPERATOR, true},
    {"GET", "/api/v1/dlq/policies", get_policies, HTTP_CUSTOMER, true},
    {"PUT", "/api/v1/dlq/policies/{code}", put_policy, HTTP_OPERATOR, true},
    {"DELETE", "/api/v1/dlq/policies/{code}", delete_policy, HTTP_OPERATOR, true},
};
const int dlq_route_count = ARRAY_LEN(dlq_routes);
