/*
 * The SMS provider's API as Twilio documents it: Messages (https://www.twilio.com/docs/messaging/api).
 *
 * Messages are written in groups and answered after the commit.  Twilio has no idempotency keys: each
 * accepted request is a message.
 */
#include <string.h>
#include <time.h>

#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "daemons/sandbox/ledger.h"
#include "daemons/sandbox/sandbox.h"

#define API	  "/2010-04-01"
#define QUEUE_MAX 4096

/* --- bodies --- */

static const char *rfc2822(int64_t us, char text[48])
{
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, 48, "%a, %d %b %Y %H:%M:%S +0000", &tm);
	return text;
}

static json_t *message_json(const struct sms *sms, const char *status)
{
	char sid[OBJECT_ID_SIZE], created[48], segments[24];

	object_id("SM", sms->id, sid);
	rfc2822(sms->created_us, created);
	snprintf(segments, sizeof(segments), "%zu", (strlen(sms->body) + 159) / 160);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:n, s:n, s:n, s:o}",
			 "sid", sid, "account_sid", sms->account, "to", sms->to, "from", sms->from, "body",
			 sms->body, "status", status, "direction", "outbound-api", "api_version",
			 "2010-04-01", "date_created", created, "date_updated", created, "num_segments",
			 segments, "num_media", "0", "price", "error_code", "error_message", "uri",
			 json_sprintf(API "/Accounts/%s/Messages/%s.json", sms->account, sid));
}

static void reply_refusal(struct http_request *r, int status, int code, const char *message)
{
	http_reply_json(r, status,
			json_pack("{s:i, s:s, s:o, s:i}", "code", code, "message", message, "more_info",
				  json_sprintf("https://www.twilio.com/docs/errors/%d", code), "status",
				  status));
}

static void reply_down(struct http_request *r, const struct error *err)
{
	log_err(LOG_WARN, err, "the books cannot be reached");
	reply_refusal(r, 503, 20503, "The sandbox's database cannot be reached.");
}

/* Basic authentication; any account and token, as long as there is one.  Replies 401 otherwise. */
static bool authorized(struct http_request *r)
{
	const char *given = http_header(r, "Authorization");

	if (given != NULL && strncmp(given, "Basic ", 6) == 0 && strlen(given) > 6)
		return true;
	http_reply_header(r, "WWW-Authenticate", "Basic realm=\"Twilio API\"");
	reply_refusal(r, 401, 20003, "Authenticate");
	return false;
}

/* --- create --- */

struct message {
	struct http_request *request;
	json_t *form; /* owns the strings of sms */
	struct sms sms;
	struct fault_verdict verdict;
};

static void message_free(struct message *m)
{
	json_decref(m->form);
	free(m);
}

/* The answer of a message that is written. */
static void message_answer(struct sandbox *sb, struct message *m)
{
	json_t *j;

	if (m->verdict.broken_after) {
		j = json_pack("{s:i, s:s, s:i}", "code", 20500, "message", "Internal Server Error", "status",
			      500);
		sandbox_reply(sb, m->request, 500, json_text(j), &m->verdict);
	} else {
		j = message_json(&m->sms, "queued");
		sandbox_reply(sb, m->request, 201, json_text(j), &m->verdict);
	}
	json_decref(j);
	message_free(m);
}

void sms_run(void *arg, int worker, void **items, int n)
{
	struct sandbox *sb = arg;
	AUTO_FREE struct sms *rows = xcalloc((size_t)n, sizeof(*rows));
	struct error err;
	int rc;

	(void)worker;
	for (int i = 0; i < n; i++)
		rows[i] = ((struct message *)items[i])->sms;
	rc = store_sms(sb->db, rows, n, &err);
	for (int i = 0; i < n; i++) {
		struct message *m = items[i];

		if (rc == 0) {
			message_answer(sb, m);
		} else {
			reply_down(m->request, &err);
			message_free(m);
		}
	}
}

/* Refused before anything is written: bad parameters or a programmed fault.  True when it has replied. */
static bool message_refused(struct sandbox *sb, struct message *m)
{
	struct sms_refusal refusal = sms_check(m->sms.to, m->sms.from, m->sms.body);

	if (refusal.code == 0 && m->verdict.decline)
		refusal = sms_declined();
	if (refusal.code != 0) {
		reply_refusal(m->request, 400, refusal.code, refusal.message);
		return true;
	}
	if (m->verdict.broken) {
		http_defer(m->request);
		sandbox_reply(
		    sb, m->request, 500,
		    xstrdup("{\"code\":20500,\"message\":\"Internal Server Error\",\"status\":500}"),
		    &m->verdict);
		return true;
	}
	return false;
}

void sms_create(struct http_request *r, void *arg)
{
	struct sandbox *sb = sandbox_of(arg);
	struct message *m;
	json_t *form = NULL;
	struct error err;

	if (!authorized(r))
		return;
	if (http_body_form(r, &form, &err) < 0) {
		reply_refusal(r, 400, 20001, err.why);
		return;
	}
	m = xcalloc(1, sizeof(*m));
	m->request = r;
	m->form = form;
	m->verdict = sandbox_verdict(sb, PROVIDER_SMS);
	m->sms = (struct sms){
	    .id = uuid_v7(),
	    .created_us = clock_wall_us(),
	    .account = http_path_param(r, 0),
	    .to = json_string_or(form, "To", NULL),
	    .from = json_string_or(form, "From", NULL),
	    .body = json_string_or(form, "Body", NULL),
	};
	if (message_refused(sb, m)) {
		message_free(m);
		return;
	}
	http_defer(r);
	if (!group_add(sb->sms, m, QUEUE_MAX)) {
		message_free(m);
		reply_refusal(r, 429, 20429, "Too Many Requests");
	}
}

/* --- read --- */

static void collect(void *arg, const struct sms *sms)
{
	json_array_append_new(arg, message_json(sms, "delivered"));
}

void sms_get(struct http_request *r, void *arg)
{
	AUTO_JSON json_t *found = json_array();
	const char *name = http_path_param(r, 1);
	size_t n = strlen(name);
	char sid[OBJECT_ID_SIZE];
	struct error err;
	struct uuid id;

	if (!authorized(r))
		return;
	if (n > 5 && strcmp(name + n - 5, ".json") == 0)
		n -= 5;
	snprintf(sid, sizeof(sid), "%.*s", (int)n, name);
	if (!object_id_parse("SM", sid, &id))
		reply_refusal(r, 404, 20404, "The requested resource was not found");
	else if (store_sms_find(sandbox_of(arg)->db, http_path_param(r, 0), id, 1, collect, found, &err) < 0)
		reply_down(r, &err);
	else if (json_array_size(found) == 0)
		reply_refusal(r, 404, 20404, "The requested resource was not found");
	else
		http_reply_json(r, 200, json_incref(json_array_get(found, 0)));
}

void sms_list(struct http_request *r, void *arg)
{
	json_t *found = json_array();
	struct error err;
	int64_t limit;

	if (authorized(r)) {
		if (http_query_int(r, "PageSize", 1, 1000, 50, &limit, &err) < 0)
			reply_refusal(r, 400, 20001, err.why);
		else if (store_sms_find(sandbox_of(arg)->db, http_path_param(r, 0), (struct uuid){0},
					(int)limit, collect, found, &err) < 0)
			reply_down(r, &err);
		else
			http_reply_json(r, 200,
					json_pack("{s:O, s:i, s:I}", "messages", found, "page", 0,
						  "page_size", (json_int_t)limit));
	}
	json_decref(found);
}
