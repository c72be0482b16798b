/*
 * HTTP: what was sent and what becomes of it, the templates, sending and sending again.  Handlers use the
 * database and run on worker threads.
 */
#include "daemons/notify/api.h"

#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/service/audit.h"
#include "core/service/outbox.h"
#include "core/service/service.h"
#include "daemons/notify/intake.h"
#include "daemons/notify/ledger.h"
#include "daemons/notify/text.h"
#include "daemons/notify/view.h"

#define LIST_LIMIT     50
#define LIST_LIMIT_MAX 1000
#define TEXT_BYTES_MAX 65536

/* --- reading --- */

static int check_status(const char *status, struct error *err)
{
	static const char *const statuses[] = {"waiting", "pending", "sent", "failed", "skipped"};

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (strcmp(status, statuses[i]) == 0)
			return 0;
	return error_set(err, ERR_USAGE, "status", "must be waiting, pending, sent, failed or skipped");
}

static int read_page(const struct http_request *r, struct view_page *page, struct error *err)
{
	const char *status = http_query(r, "status");
	int64_t limit;
	int rc = http_query_int(r, "limit", 1, LIST_LIMIT_MAX, LIST_LIMIT, &limit, err);

	if (rc == 0)
		rc = http_query_uuid(r, "order_id", &page->order_id, err);
	if (rc == 0)
		rc = http_query_cursor(r, &page->before, err);
	if (rc == 0 && status != NULL && status[0] != '\0')
		rc = check_status(status, err);
	page->status = status != NULL ? status : "";
	page->limit = rc == 0 ? (int)limit : 0;
	return rc;
}

static void reply_list(struct http_request *r, json_t *items, const char *key, int limit)
{
	size_t n = json_array_size(items);
	json_t *cursor = json_null();
	json_t *reply;

	if (n == (size_t)limit)
		cursor = json_incref(json_object_get(json_array_get(items, n - 1), key));
	reply = json_pack("{s:o, s:o}", "items", items, "next_cursor", cursor);
	http_reply_json(r, 200, reply);
}

static void get_list(struct http_request *r, void *arg)
{
	struct view_page page;
	struct db_conn *c = NULL;
	struct error err;
	json_t *items = NULL;
	int rc = read_page(r, &page, &err);

	if (rc == 0)
		rc = db_acquire(service_db(arg), &c, &err);
	if (rc == 0)
		rc = view_list(c, &page, &items, &err);
	db_release(c);
	if (rc < 0)
		http_reply_error(r, &err);
	else
		reply_list(r, items, "notification_id", page.limit);
}

/* The message that the path names, or the beginning of its id. */
static int path_id(const struct http_request *r, struct service *s, struct uuid *ret, struct error *err)
{
	struct db_conn *c = NULL;
	int rc = db_acquire(service_db(s), &c, err);

	if (rc == 0)
		rc = view_find(c, http_path_param(r, 0), ret, err);
	db_release(c);
	return rc;
}

static void reply_one(struct http_request *r, struct service *s, struct uuid id, int status)
{
	struct db_conn *c = NULL;
	struct error err;
	json_t *one = NULL;
	int rc = db_acquire(service_db(s), &c, &err);

	if (rc == 0)
		rc = view_show(c, id, &one, &err);
	db_release(c);
	if (rc < 0)
		http_reply_error(r, &err);
	else
		http_reply_json(r, status, one);
}

static void get_one(struct http_request *r, void *arg)
{
	struct error err;
	struct uuid id;

	if (path_id(r, arg, &id, &err) < 0)
		http_reply_error(r, &err);
	else
		reply_one(r, arg, id, 200);
}

static void get_templates(struct http_request *r, void *arg)
{
	struct db_conn *c = NULL;
	struct error err;
	json_t *items = NULL, *cursor = NULL;
	int rc = db_acquire(service_db(arg), &c, &err);

	if (rc == 0)
		rc = view_templates(c, &items, &err);
	db_release(c);
	if (rc == 0)
		rc = http_page(r, items, &cursor, &err);
	if (rc < 0) {
		json_decref(items);
		http_reply_error(r, &err);
	} else {
		http_reply_json(r, 200, json_pack("{s:o, s:o}", "items", items, "next_cursor", cursor));
	}
}

/* --- templates --- */

struct template_draft {
	enum notify_kind kind;
	enum notify_channel channel;
	const char *subject, *body;
};

static void check_text(struct http_problems *p, const char *field, const char *text)
{
	char word[64];

	if (strlen(text) > TEXT_BYTES_MAX)
		http_problem(p, field, "must be at most %d bytes", TEXT_BYTES_MAX);
	if (text_unknown_placeholder(text, word, sizeof(word)))
		http_problem(p, field, "{{%s}} is no placeholder", word);
}

static void read_template(const json_t *body, struct template_draft *d, struct http_problems *p)
{
	if (!notify_kind_parse(json_string_or(body, "kind", ""), &d->kind) || d->kind == NOTIFY_MESSAGE)
		http_problem(p, "kind",
			     "must be order_created, payment_completed, payment_failed, order_ready, "
			     "order_cancelled or"
			     " stock_low");
	if (!notify_channel_parse(json_string_or(body, "channel", ""), &d->channel))
		http_problem(p, "channel", "must be email or sms");
	d->subject = json_string_or(body, "subject", "");
	d->body = json_string_or(body, "body", "");
	check_text(p, "subject", d->subject);
	check_text(p, "body", d->body);
	if (d->body[0] == '\0')
		http_problem(p, "body", "is missing");
}

DB_STATEMENT(template_save,
	     "INSERT INTO templates (kind, channel, subject, body) VALUES ($1, $2, $3, $4)"
	     " ON CONFLICT (kind, channel) DO UPDATE SET subject = excluded.subject, body = excluded.body,"
	     " updated_at = clock_timestamp()");

static int save_template(struct service *s, const struct template_draft *d, const struct audit_entry *audit,
			 struct error *err)
{
	struct notify *n = service_data(s);
	CLEANUP(db_params_done) struct db_params p = {0};
	struct db_conn *c = NULL;
	int rc = db_acquire(service_db(s), &c, err);

	db_param_text(&p, notify_kinds[d->kind]);
	db_param_text(&p, notify_channels[d->channel]);
	db_param_text(&p, d->subject);
	db_param_text(&p, d->body);
	if (rc == 0)
		rc = db_begin(c, err);
	if (rc == 0)
		rc = db_exec(c, &template_save, &p, NULL, err);
	if (rc == 0)
		rc = audit_add(c, audit, err);
	if (rc == 0)
		rc = db_commit(c, err);
	if (rc == 0)
		rc = composer_refresh(n->composer, c, true, err);
	db_release(c);
	return rc;
}

static void put_template(struct http_request *r, void *arg)
{
	AUTO_JSON json_t *body = NULL;
	struct http_problems problems = {0};
	struct template_draft draft = {0};
	struct audit_origin origin;
	struct audit_entry audit = {&origin, "notify.template", "", NULL, "ok"};
	struct error err;
	int rc = http_body_json(r, &body, &err);

	if (rc == 0) {
		read_template(body, &draft, &problems);
		if (problems.list != NULL) {
			http_reply_problems(r, "the template cannot be used", &problems);
			return;
		}
		audit_origin(r, body, &origin);
		audit.arguments = body;
		audit.target = notify_kinds[draft.kind];
		rc = save_template(arg, &draft, &audit, &err);
		if (rc < 0)
			audit_refused(arg, r, audit.action, audit.target, body, &err);
	}
	if (rc < 0)
		http_reply_error(r, &err);
	else
		http_reply_json(r, 200,
				json_pack("{s:s, s:s, s:s, s:s}", "kind", notify_kinds[draft.kind], "channel",
					  notify_channels[draft.channel], "subject", draft.subject, "body",
					  draft.body));
}

/* --- sending --- */

static void read_message(const json_t *body, struct intake_request *q, struct http_problems *p)
{
	bool channel = notify_channel_parse(json_string_or(body, "channel", ""), &q->channel);

	q->kind = NOTIFY_MESSAGE;
	q->address = json_string_or(body, "address", "");
	q->subject = json_string_or(body, "subject", "");
	q->body = json_string_or(body, "body", "");
	if (!channel)
		http_problem(p, "channel", "must be email or sms");
	else if (q->channel == CHANNEL_EMAIL && !notify_email_valid(q->address))
		http_problem(p, "address", "is no e-mail address");
	else if (q->channel == CHANNEL_SMS && !notify_phone_valid(q->address))
		http_problem(p, "address", "must be a number such as +79001234567");
	if (q->body[0] == '\0')
		http_problem(p, "body", "is missing");
	if (strlen(q->subject) > TEXT_BYTES_MAX || strlen(q->body) > TEXT_BYTES_MAX)
		http_problem(p, "body", "must be at most %d bytes", TEXT_BYTES_MAX);
}

static void read_request(const json_t *body, struct intake_request *q, struct http_problems *p)
{
	memset(q, 0, sizeof(*q));
	if (json_object_get(body, "kind") == NULL) {
		read_message(body, q, p);
		return;
	}
	if (!notify_kind_parse(json_string_or(body, "kind", ""), &q->kind) || q->kind == NOTIFY_MESSAGE ||
	    q->kind == NOTIFY_STOCK_LOW)
		http_problem(p, "kind",
			     "must be order_created, payment_completed, payment_failed, order_ready or "
			     "order_cancelled");
	if (!uuid_parse(json_string_or(body, "order_id", ""), &q->order_id))
		http_problem(p, "order_id", "must be a UUID");
}

static int send_in(struct intake *in, struct db_conn *c, const struct intake_request *q,
		   const struct audit_entry *audit, struct uuid *ret_id, struct delivery_list *out,
		   struct error *err)
{
	int rc = db_begin(c, err);

	if (rc == 0)
		rc = intake_send(in, c, q, ret_id, out, err);
	if (rc == 0)
		rc = audit_add(c, audit, err);
	if (rc == 0)
		rc = db_commit(c, err);
	return rc;
}

static int send_one(struct service *s, const struct intake_request *q, const struct audit_entry *audit,
		    struct uuid *ret_id, struct error *err)
{
	struct notify *n = service_data(s);
	struct intake *in = intake_new(n->composer);
	struct delivery_list *out = xcalloc(1, sizeof(*out));
	struct db_conn *c = NULL;
	int rc = db_acquire(service_db(s), &c, err);

	if (rc == 0)
		rc = send_in(in, c, q, audit, ret_id, out, err);
	db_release(c);
	intake_free(in);
	if (rc == 0)
		notify_push(n, out);
	delivery_list_free(out);
	return rc;
}

static void post_one(struct http_request *r, void *arg)
{
	AUTO_JSON json_t *body = NULL;
	struct http_problems problems = {0};
	struct intake_request request;
	struct audit_origin origin;
	struct audit_entry audit = {&origin, "notify.send", "", NULL, "ok"};
	struct error err;
	struct uuid id;
	int rc = http_body_json(r, &body, &err);

	if (rc == 0) {
		read_request(body, &request, &problems);
		if (problems.list != NULL) {
			http_reply_problems(r, "the notification cannot be sent", &problems);
			return;
		}
		audit_origin(r, body, &origin);
		audit.arguments = body;
		audit.target =
		    json_string_or(body, "order_id", request.address != NULL ? request.address : "");
		rc = send_one(arg, &request, &audit, &id, &err);
		if (rc < 0)
			audit_refused(arg, r, audit.action, audit.target, body, &err);
	}
	if (rc < 0)
		http_reply_error(r, &err);
	else
		reply_one(r, arg, id, 201);
}

static int resend(struct service *s, struct uuid id, const struct audit_entry *audit, struct error *err)
{
	struct notify *n = service_data(s);
	struct db_conn *c = NULL;
	int rc = db_acquire(service_db(s), &c, err);

	if (rc == 0)
		rc = db_begin(c, err);
	if (rc == 0)
		rc = ledger_resend(c, id, err);
	if (rc == 0)
		rc = audit_add(c, audit, err);
	if (rc == 0)
		rc = db_commit(c, err);
	db_release(c);
	for (int i = 0; rc == 0 && i < CHANNEL_COUNT; i++)
		channel_wake(n->channels[i]);
	return rc;
}

static void post_resend(struct http_request *r, void *arg)
{
	struct audit_origin origin;
	struct audit_entry audit = {&origin, "notify.resend", http_path_param(r, 0), NULL, "ok"};
	char whole[UUID_TEXT_SIZE];
	struct error err;
	struct uuid id;
	int rc = path_id(r, arg, &id, &err);

	if (rc == 0)
		audit.target = uuid_format(id, whole);
	audit_origin(r, NULL, &origin);
	if (rc == 0)
		rc = resend(arg, id, &audit, &err);
	if (rc < 0)
		audit_refused(arg, r, audit.action, audit.target, NULL, &err);
	if (rc < 0)
		http_reply_error(r, &err);
	else
		reply_one(r, arg, id, 202);
}

const struct http_route notify_routes[] = {
    {"GET", "/api/v1/notifications", get_list, HTTP_CUSTOMER, true},
    {"POST", "/api/v1/notifications", post_one, HTTP_OPERATOR, true},
    {"GET", "/api/v1/notifications/templates", get_templates, HTTP_CUSTOMER, true},
    {"PUT", "/api/v1/notifications/templates", put_template, HTTP_OPERATOR, true},
    {"GET", "/api/v1/notifications/{id}", get_one, HTTP_CUSTOMER, true},
    {"POST", "/api/v1/notifications/{id}/resend", post_resend, HTTP_OPERATOR, true},
};
const int notify_route_count = ARRAY_LEN(notify_routes);
