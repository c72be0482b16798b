/*
 * Delivery by SMS through an API such as Twilio's: POST /2010-04-01/Accounts/{sid}/Messages.json
 * (https://www.twilio.com/docs/messaging/api/message-resource), many calls in flight on one thread.
 *
 * The API has no idempotency keys: a message whose answer was lost is sent again.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/contract/daemons.h"
#include "core/http/client.h"
#include "daemons/notify/channel.h"

#define TIMEOUT_MS 10000

struct sms {
	struct transport transport;
	struct http_client *http;
	char *url;
};

struct call {
	struct channel *channel;
	struct delivery *delivery;
};

static void add_escaped(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    strchr("-._~", *text) != NULL)
			buf_addc(out, *text);
		else
			buf_addf(out, "%%%02X", c);
	}
}

static void add_field(struct buf *form, const char *name, const char *value)
{
	buf_addf(form, "%s%s=", form->len > 0 ? "&" : "", name);
	add_escaped(form, value);
}

/* 4xx is about this message, unless it is about us or our pace. */
static enum notify_outcome outcome_of(const struct http_result *res)
{
	if (res->code == ERR_UNAVAILABLE)
		return OUTCOME_UNREACHABLE;
	if (res->code != 0)
		return OUTCOME_TROUBLE;
	if (res->status >= 200 && res->status < 300)
		return OUTCOME_SENT;
	if (res->status == 401 || res->status == 403 || res->status == 429)
		return OUTCOME_UNREACHABLE;
	return res->status >= 400 && res->status < 500 ? OUTCOME_REFUSED : OUTCOME_TROUBLE;
}

static void read_answer(struct delivery *d, const struct http_result *res)
{
	AUTO_JSON json_t *answer = NULL;
	enum notify_outcome outcome = outcome_of(res);
	char why[160] = "";

	if (res->code != 0)
		snprintf(why, sizeof(why), "%s", res->why);
	else if (outcome != OUTCOME_SENT)
		snprintf(why, sizeof(why), "HTTP status %d", res->status);
	if (res->code == 0 && json_parse_object(buf_str(&res->body), res->body.len, &answer, NULL) == 0) {
		if (outcome == OUTCOME_SENT)
			snprintf(d->provider_id, sizeof(d->provider_id), "%s",
				 json_string_or(answer, "sid", ""));
		else
			snprintf(why, sizeof(why), "%lld: %s",
				 (long long)json_int_or(answer, "code", res->status),
				 json_string_or(answer, "message", "refused"));
	}
	delivery_end(d, outcome, why);
}

static void done(void *arg, const struct http_result *res)
{
	struct call *call = arg;

	read_answer(call->delivery, res);
	channel_done(call->channel, call->delivery);
	free(call);
}

static void send_later(struct transport *t, struct channel *ch, struct delivery *d)
{
	static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
	struct sms *s = (struct sms *)t;
	CLEANUP(buf_done) struct buf form = {0};
	struct call *call = xcalloc(1, sizeof(*call));

	call->channel = ch;
	call->delivery = d;
	add_field(&form, "To", d->address);
	add_field(&form, "From", config_string(CONFIG_SMS_FROM));
	add_field(&form, "Body", d->body);
	http_client_submit(s->http,
			   &(struct http_call){
			       .method = "POST",
			       .url = s->url,
			       .headers = headers,
			       .body = form.data,
			       .body_len = form.len,
			       .timeout_ms = TIMEOUT_MS,
			       .user = config_string(CONFIG_SMS_ACCOUNT),
			       .password = config_string(CONFIG_SMS_TOKEN),
			   },
			   done, call);
}

static void free_sms(struct transport *t, int drain_ms)
{
	struct sms *s = (struct sms *)t;

	http_client_free(s->http, drain_ms);
	free(s->url);
	free(s);
}

static char *messages_url(void)
{
	const char *base = config_string(CONFIG_SMS_URL), *account = config_string(CONFIG_SMS_ACCOUNT);

	if (base[0] != '\0')
		return xasprintf("%s/2010-04-01/Accounts/%s/Messages.json", base, account);
	return xasprintf("http://127.0.0.1:%d/2010-04-01/Accounts/%s/Messages.json",
			 daemon_port(&daemons[DAEMON_SANDBOX]), account);
}

int sms_new(struct transport **ret, struct error *err)
{
	struct sms *s = xcalloc(1, sizeof(*s));
	int parallel = (int)config_int(CONFIG_NOTIFY_PARALLEL), rc;

	s->transport =
	    (struct transport){.name = "sms", .parallel = parallel, .send = send_later, .free = free_sms};
	rc = http_client_new(parallel, &s->http, err);
	if (rc < 0) {
		free(s);
		return rc;
	}
	s->url = messages_url();
	*ret = &s->transport;
	return 0;
}
