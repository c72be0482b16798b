/*
 * The payment provider's API as Stripe documents it: PaymentIntents, search, idempotent requests
 * (https://docs.stripe.com/api).
 *
 * A charge is decided on the event loop, written by a group worker together with others, and answered after
 * the commit.  Requests that are invalid are answered at once, and such answers are not kept for the key.
 */
#include <errno.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/money.h"
#include "daemons/sandbox/body.h"
#include "daemons/sandbox/ledger.h"
#include "daemons/sandbox/stripe.h"

#define KEY_MAX	      255
#define QUEUE_MAX     4096
#define INVALID	      "invalid_request_error"
#define STRIPE_BROKEN "An unexpected error occurred on our side (programmed fault of the sandbox)."

/* --- plain answers --- */

void stripe_reply(struct http_request *r, int status, char *body)
{
	http_reply_take(r, status, "application/json", body, strlen(body));
}

void stripe_error(struct http_request *r, int status, const char *type, const char *code, const char *message)
{
	stripe_reply(r, status, body_error(type, code, message));
}

void stripe_invalid(struct http_request *r, const struct error *err)
{
	AUTO_FREE char *message = xasprintf("%s: %s", err->what, err->why);

	stripe_error(r, 400, STRIPE_INVALID, NULL, message);
}

/* Our own database failed us: the client asks again with the same key. */
void stripe_down(struct http_request *r, const struct error *err)
{
	log_err(LOG_WARN, err, "the books cannot be reached");
	stripe_error(r, 503, "api_error", NULL, "The sandbox's database cannot be reached.");
}

/* Bearer or basic with a secret test key; replies 401 otherwise. */
bool stripe_authorized(struct http_request *r)
{
	const char *given = http_header(r, "Authorization");

	if (given != NULL && strncmp(given, "Bearer sk_test_", 15) == 0)
		return true;
	if (given != NULL &&
	    strncmp(given, "Basic c2tfdGVzdF", 16) == 0) /* "sk_test_" in base64, whole groups */
		return true;
	stripe_error(r, 401, STRIPE_INVALID, NULL,
		     "Send a secret test key (sk_test_...) as bearer token or basic user.");
	return false;
}

/* --- the request: its form and its key --- */

static struct uuid fingerprint(struct http_request *r, const json_t *form)
{
	AUTO_FREE char *text = json_dumps(form, JSON_SORT_KEYS | JSON_COMPACT);
	AUTO_FREE char *all = xasprintf("%s\n%s", http_path(r), text);

	return uuid_v5(UUID_NAMESPACE_PIZZA, all, strlen(all));
}

void stripe_request_done(struct sandbox *sb, struct stripe_request *q)
{
	if (q->key != NULL)
		keys_end(sb->keys, q->key);
	q->key = NULL;
	json_decref(q->form);
	q->form = NULL;
}

/* Reads the form and takes the key; false when it has replied. */
bool stripe_request_read(struct sandbox *sb, struct http_request *r, struct stripe_request *q)
{
	const char *key = http_header(r, "Idempotency-Key");
	struct error err;

	if (!stripe_authorized(r))
		return false;
	if (http_body_form(r, &q->form, &err) < 0) {
		stripe_invalid(r, &err);
		return false;
	}
	if (key == NULL)
		return true;
	if (strlen(key) > KEY_MAX || key[0] == '\0') {
		stripe_error(r, 400, STRIPE_INVALID, NULL, "An Idempotency-Key has 1 to 255 characters.");
	} else if (!keys_begin(sb->keys, key)) {
		stripe_error(r, 409, "idempotency_error", "idempotency_key_in_use",
			     "Another request with this Idempotency-Key is in progress.");
	} else {
		q->key = key;
		q->fingerprint = fingerprint(r, q->form);
		return true;
	}
	json_decref(q->form);
	return false;
}

int stripe_form_amount(const json_t *form, bool required, int64_t *ret, struct error *err)
{
	const char *text = json_string_or(form, "amount", NULL);
	char *end;

	*ret = 0;
	if (text == NULL && !required)
		return 0;
	if (text == NULL)
		return error_set(err, ERR_INVALID, "amount", "is missing");
	errno = 0;
	*ret = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || *ret < 1 || *ret > MONEY_MAX)
		return error_set(err, ERR_INVALID, "amount",
				 "must be a positive integer in the smallest currency unit");
	return 0;
}

/* The members metadata[…] as one JSON object; owned text. */
char *stripe_form_metadata(const json_t *form)
{
	struct buf out = {0};
	const char *name;
	json_t *value;

	buf_addc(&out, '{');
	json_object_foreach ((json_t *)form, name, value) {
		size_t n = strlen(name);

		if (strncmp(name, "metadata[", 9) != 0 || name[n - 1] != ']')
			continue;
		if (out.len > 1)
			buf_addc(&out, ',');
		buf_add_json(&out, name + 9, n - 10);
		buf_addc(&out, ':');
		buf_add_json(&out, json_string_value(value), json_string_length(value));
	}
	buf_addc(&out, '}');
	return buf_take(&out);
}

/* --- create a PaymentIntent --- */

/* One charge on its way from the event loop to a group worker. */
struct charge {
	struct sandbox *sandbox;
	struct http_request *request;
	struct stripe_request q;
	struct fault_verdict verdict;
	const struct test_method *method;
	struct intent intent;
	char currency[4];
	char *metadata;
	char *reason;
	bool has_intent;
	int status; /* the answer */
	char *body;
};

static void charge_free(struct charge *c)
{
	stripe_request_done(c->sandbox, &c->q);
	free(c->metadata);
	free(c->reason);
	free(c->body);
	free(c);
}

static int read_currency(const json_t *form, char currency[4], struct error *err)
{
	const char *text = json_string_or(form, "currency", "");

	if (strlen(text) != 3)
		return error_set(err, ERR_INVALID, "currency", "must be a three-letter ISO code");
	for (int i = 0; i < 3; i++) {
		char letter = (char)(text[i] | 0x20);

		if (letter < 'a' || letter > 'z')
			return error_set(err, ERR_INVALID, "currency", "must be a three-letter ISO code");
		currency[i] = letter;
	}
	currency[3] = '\0';
	return 0;
}

/* Reads and checks the parameters into the charge. */
static int charge_read(struct charge *c, struct error *err)
{
	const json_t *form = c->q.form;
	const char *method = json_string_or(form, "payment_method", NULL);
	int rc = stripe_form_amount(form, true, &c->intent.amount, err);

	if (rc == 0)
		rc = read_currency(form, c->currency, err);
	if (rc < 0)
		return rc;
	if (strcmp(json_string_or(form, "confirm", ""), "true") != 0)
		return error_set(err, ERR_INVALID, "confirm", "must be true: the sandbox confirms at once");
	if (method == NULL)
		return error_set(err, ERR_INVALID, "payment_method", "is missing");
	c->method = test_method_find(method);
	if (c->method == NULL)
		return error_set(err, ERR_INVALID, "payment_method", "No such PaymentMethod: '%.80s'",
				 method);
	c->intent.currency = c->currency;
	c->intent.method = c->method->name;
	c->intent.order_id = json_string_or(form, "metadata[order_id]", NULL);
	c->intent.metadata = c->metadata = stripe_form_metadata(form);
	return 0;
}

/* Decides what becomes of the charge and writes its answer, to be sent once it is durable. */
static void charge_decide(struct charge *c)
{
	const struct test_method *why = c->verdict.decline ? test_method_declined() : c->method;
	struct buf out = {0};

	c->has_intent = !c->verdict.broken;
	c->intent.id = uuid_v7();
	c->intent.created_us = clock_wall_us();
	c->intent.status = intent_status(c->method, c->verdict.decline);
	if (why->code != NULL)
		c->intent.reason = c->reason = why->decline_code != NULL
						   ? xasprintf("%s/%s", why->code, why->decline_code)
						   : xstrdup(why->code);
	if (c->verdict.broken || c->verdict.broken_after) {
		c->status = 500;
		c->body = body_error("api_error", NULL, STRIPE_BROKEN);
	} else if (why->code != NULL) {
		c->status = 402;
		c->body = body_decline(&c->intent, why);
	} else {
		c->status = 200;
		body_intent(&out, &c->intent);
		c->body = buf_take(&out);
	}
}

void stripe_create(struct http_request *r, void *arg)
{
	struct sandbox *sb = sandbox_of(arg);
	struct charge *c = xcalloc(1, sizeof(*c));
	struct error err;

	c->sandbox = sb;
	c->request = r;
	if (!stripe_request_read(sb, r, &c->q)) {
		free(c);
		return;
	}
	if (charge_read(c, &err) < 0) {
		charge_free(c);
		stripe_invalid(r, &err);
		return;
	}
	c->verdict = sandbox_verdict(sb, PROVIDER_PAYMENT);
	charge_decide(c);
	http_defer(r);
	if (!group_add(sb->charges, c, QUEUE_MAX)) {
		charge_free(c);
		stripe_error(r, 429, STRIPE_INVALID, "rate_limit", "Too many requests wait.");
	}
}

/* The answer a key had before: repeated, or refused when it stood for something else. */
void stripe_again(struct http_request *r, const struct uuid *asked, struct replay *known)
{
	if (!uuid_equal(*asked, known->fingerprint)) {
		free(known->answer.body);
		stripe_error(r, 400, "idempotency_error", NULL,
			     "Keys for idempotent requests can only be used with the same parameters they "
			     "were first used with.");
		return;
	}
	http_reply_header(r, "Idempotent-Replayed", "true");
	stripe_reply(r, known->answer.http_status, known->answer.body);
}

/* Answers one charge that was written, or whose key was known.  The key is free again before the client can
 * know. */
static void charge_answer(struct sandbox *sb, struct charge *c, struct replay *known)
{
	struct http_request *r = c->request;
	struct uuid asked = c->q.fingerprint;
	struct fault_verdict verdict = c->verdict;
	int status = c->status;
	char *body = c->body;

	c->body = NULL;
	charge_free(c);
	if (known->answer.body != NULL) {
		free(body);
		stripe_again(r, &asked, known);
		return;
	}
	sandbox_reply(sb, r, status, body, &verdict);
}

void stripe_charge_run(void *arg, int worker, void **items, int n)
{
	struct sandbox *sb = arg;
	AUTO_FREE struct charge_row *rows = xcalloc((size_t)n, sizeof(*rows));
	AUTO_FREE struct replay *replays = xcalloc((size_t)n, sizeof(*replays));
	struct error err;
	int rc;

	(void)worker;
	for (int i = 0; i < n; i++) {
		struct charge *c = items[i];

		rows[i] = (struct charge_row){c->q.key, c->q.fingerprint, c->status, c->body,
					      c->has_intent ? &c->intent : NULL};
	}
	rc = store_charges(sb->db, rows, n, replays, &err);
	for (int i = 0; i < n; i++) {
		struct charge *c = items[i];

		if (rc < 0) {
			struct http_request *r = c->request;

			charge_free(c);
			stripe_down(r, &err);
		} else {
			charge_answer(sb, c, &replays[i]);
		}
	}
}

/* --- read and cancel PaymentIntents --- */

static void collect_intent(void *arg, const struct intent *intent)
{
	struct buf *out = arg;

	if (out->len > 0)
		buf_addc(out, ',');
	body_intent(out, intent);
}

/* The id in the path; replies 404 when there can be none. */
bool stripe_path_id(struct http_request *r, const char *prefix, const char *kind, struct uuid *ret)
{
	AUTO_FREE char *message = NULL;

	if (object_id_parse(prefix, http_path_param(r, 0), ret))
		return true;
	message = xasprintf("No such %s: '%s'", kind, http_path_param(r, 0));
	stripe_error(r, 404, STRIPE_INVALID, "resource_missing", message);
	return false;
}

/* Replies with the one object collected, or 404. */
void stripe_collected(struct http_request *r, int rc, struct buf *out, const struct error *err)
{
	if (rc < 0)
		stripe_down(r, err);
	else if (out->len == 0)
		stripe_error(r, 404, STRIPE_INVALID, "resource_missing", "No such object.");
	else
		http_reply(r, 200, "application/json", out->data, out->len);
}

void stripe_get(struct http_request *r, void *arg)
{
	CLEANUP(buf_done) struct buf out = {0};
	struct error err;
	struct uuid id;

	if (!stripe_authorized(r) || !stripe_path_id(r, "pi_", "payment_intent", &id))
		return;
	stripe_collected(r, store_intent(sandbox_of(arg)->db, id, collect_intent, &out, &err), &out, &err);
}

void stripe_list(struct http_request *r, const char *object, const char *url, const struct buf *data)
{
	struct buf out = {0};

	buf_addf(&out, "{\"object\":\"%s\",\"url\":\"%s\",\"has_more\":false,\"data\":[%s]}", object, url,
		 buf_str(data));
	stripe_reply(r, 200, buf_take(&out));
}

void stripe_search(struct http_request *r, void *arg)
{
	CLEANUP(buf_done) struct buf found = {0};
	const char *query = http_query(r, "query");
	char order_id[128], status[32];
	struct error err;

	if (!stripe_authorized(r))
		return;
	if (search_parse(query != NULL ? query : "", order_id, sizeof(order_id), status, sizeof(status),
			 &err) < 0) {
		stripe_invalid(r, &err);
		return;
	}
	if (store_intents_of_order(sandbox_of(arg)->db, order_id, status, collect_intent, &found, &err) < 0) {
		stripe_down(r, &err);
		return;
	}
	stripe_list(r, "search_result", "/v1/payment_intents/search", &found);
}

struct cancelled {
	struct buf body;
	bool succeeded;
};

static void collect_cancelled(void *arg, const struct intent *intent)
{
	struct cancelled *out = arg;

	out->succeeded = strcmp(intent->status, "succeeded") == 0;
	body_intent(&out->body, intent);
}

void stripe_cancel(struct http_request *r, void *arg)
{
	struct cancelled out = {0};
	struct error err;
	struct uuid id;
	int rc;

	if (!stripe_authorized(r) || !stripe_path_id(r, "pi_", "payment_intent", &id))
		return;
	rc = store_cancel(sandbox_of(arg)->db, id, collect_cancelled, &out, &err);
	if (rc == 0 && out.succeeded)
		stripe_error(r, 400, STRIPE_INVALID, "payment_intent_unexpected_state",
			     "You cannot cancel this PaymentIntent because it has a status of succeeded.");
	else
		stripe_collected(r, rc, &out.body, &err);
	buf_done(&out.body);
}
