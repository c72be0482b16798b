/*
 * Delivery by SMTP through libcurl: a few threads, each with a connection that it keeps for many messages.
 *
 * TLS is used when the server offers it.  An answer 5xx to one message is final for that message; everything
 * else that goes wrong is tried again later.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/service/group.h"
#include "daemons/notify/channel.h"
#include "daemons/notify/text.h"

#define WORKERS	   4
#define BATCH_MAX  16
#define CONNECT_MS 5000L
#define TIMEOUT_MS 30000L

struct smtp_worker {
	CURL *curl;
	struct buf text;
	size_t sent; /* bytes of text handed to curl */
};

struct smtp {
	struct transport transport;
	struct channel *channel; /* known with the first delivery */
	struct group *group;
	struct smtp_worker workers[WORKERS];
};

static size_t read_text(char *out, size_t size, size_t count, void *arg)
{
	struct smtp_worker *w = arg;
	size_t n = w->text.len - w->sent;

	if (n > size * count)
		n = size * count;
	memcpy(out, w->text.data + w->sent, n);
	w->sent += n;
	return n;
}

static void prepare(struct smtp_worker *w)
{
	w->curl = curl_easy_init();
	if (w->curl == NULL)
		abort();
	curl_easy_setopt(w->curl, CURLOPT_URL, config_string(CONFIG_MAIL_URL));
	curl_easy_setopt(w->curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(w->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(w->curl, CURLOPT_USE_SSL, (long)CURLUSESSL_TRY);
	curl_easy_setopt(w->curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(w->curl, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
	curl_easy_setopt(w->curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(w->curl, CURLOPT_READFUNCTION, read_text);
	curl_easy_setopt(w->curl, CURLOPT_READDATA, w);
	if (config_string(CONFIG_MAIL_USER)[0] != '\0') {
		curl_easy_setopt(w->curl, CURLOPT_USERNAME, config_string(CONFIG_MAIL_USER));
		curl_easy_setopt(w->curl, CURLOPT_PASSWORD, config_string(CONFIG_MAIL_PASSWORD));
	}
}

static void compose_text(struct smtp_worker *w, const struct delivery *d)
{
	char name[64], id[96];
	struct text_mail mail = {
	    .from = config_string(CONFIG_MAIL_FROM),
	    .to = d->address,
	    .message_id = id,
	    .subject = d->subject,
	    .body = d->body,
	    .date_us = d->created_us,
	};

	snprintf(id, sizeof(id), "%s@pizza", delivery_name(d, name));
	buf_reset(&w->text);
	w->sent = 0;
	text_mail(&w->text, &mail, "\r\n");
}

static enum notify_outcome outcome_of(CURLcode code, long reply)
{
	if (code == CURLE_OK)
		return OUTCOME_SENT;
	if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_LOGIN_DENIED)
		return OUTCOME_UNREACHABLE;
	return reply >= 500 && reply <= 599 ? OUTCOME_REFUSED : OUTCOME_TROUBLE;
}

static void deliver(struct smtp_worker *w, struct delivery *d)
{
	AUTO_FREE char *from = xasprintf("<%s>", config_string(CONFIG_MAIL_FROM));
	AUTO_FREE char *to = xasprintf("<%s>", d->address);
	struct curl_slist *recipients = curl_slist_append(NULL, to);
	char why[CURL_ERROR_SIZE] = "";
	long reply = 0;
	CURLcode code;

	compose_text(w, d);
	curl_easy_setopt(w->curl, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(w->curl, CURLOPT_MAIL_FROM, from);
	curl_easy_setopt(w->curl, CURLOPT_MAIL_RCPT, recipients);
	code = curl_easy_perform(w->curl);
	curl_easy_getinfo(w->curl, CURLINFO_RESPONSE_CODE, &reply);
	delivery_end(d, outcome_of(code, reply),
		     code == CURLE_OK ? NULL
		     : why[0] != '\0' ? why
				      : curl_easy_strerror(code));
	curl_easy_setopt(w->curl, CURLOPT_ERRORBUFFER, NULL);
	curl_easy_setopt(w->curl, CURLOPT_MAIL_RCPT, NULL);
	curl_slist_free_all(recipients);
}

static void deliver_batch(void *arg, int worker, void **items, int n)
{
	struct smtp *s = arg;

	for (int i = 0; i < n; i++) {
		deliver(&s->workers[worker], items[i]);
		channel_done(s->channel, items[i]);
	}
}

static void send_later(struct transport *t, struct channel *ch, struct delivery *d)
{
	struct smtp *s = (struct smtp *)t;

	s->channel = ch;
	channel_queue(ch, s->group, d);
}

static void free_smtp(struct transport *t, int drain_ms)
{
	struct smtp *s = (struct smtp *)t;

	(void)drain_ms;
	group_free(s->group);
	for (int i = 0; i < WORKERS; i++) {
		curl_easy_cleanup(s->workers[i].curl);
		buf_done(&s->workers[i].text);
	}
	free(s);
}

int smtp_new(struct transport **ret, struct error *err)
{
	struct smtp *s = xcalloc(1, sizeof(*s));
	int rc;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	s->transport = (struct transport){
	    .name = "smtp",
	    .parallel = (int)config_int(CONFIG_NOTIFY_PARALLEL),
	    .send = send_later,
	    .free = free_smtp,
	};
	for (int i = 0; i < WORKERS; i++)
		prepare(&s->workers[i]);
	rc = group_new(WORKERS, BATCH_MAX, deliver_batch, s, &s->group, err);
	if (rc < 0) {
		free_smtp(&s->transport, 0);
		return rc;
	}
	*ret = &s->transport;
	return 0;
}
