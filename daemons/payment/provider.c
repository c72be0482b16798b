/*
 * One HTTP call per job over the shared client.  The idempotency key is order:step:attempt, so that asking
 * again after a lost reply can never charge twice.
 */
#include "daemons/payment/provider.h"

#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/http/client.h"
#include "core/service/metrics.h"
#include "daemons/payment/reply.h"

struct provider {
	struct payments *app;
	struct http_client *client;
	char url[256]; /* without a slash at the end */
	char authorization[320];
	struct metric_series *seconds[OUTCOME_COUNT];
};

int provider_new(struct payments *app, struct provider **ret, struct error *err)
{
	struct provider *p = xcalloc(1, sizeof(*p));
	const char *url = config_string(CONFIG_PAYMENT_URL);
	size_t n;
	int rc;

	p->app = app;
	if (url[0] != '\0')
		snprintf(p->url, sizeof(p->url), "%s", url);
	else
		snprintf(p->url, sizeof(p->url), "http://127.0.0.1:%d",
			 daemon_port(&daemons[DAEMON_SANDBOX]));
	n = strlen(p->url);
	if (n > 0 && p->url[n - 1] == '/')
		p->url[n - 1] = '\0';
	snprintf(p->authorization, sizeof(p->authorization), "Authorization: Bearer %s",
		 config_string(CONFIG_PAYMENT_KEY));
	for (int i = 0; i < OUTCOME_COUNT; i++)
		p->seconds[i] =
		    metric_series(METRIC_PROVIDER_SECONDS, "payment", outcome_word((enum outcome)i), NULL);
	rc = http_client_new((int)config_int(CONFIG_PAYMENT_PARALLEL), &p->client, err);
	if (rc < 0) {
		free(p);
		return rc;
	}
	*ret = p;
	return 0;
}

/* --- requests --- */

static bool is_lookup(const struct job *job)
{
	return job->kind == JOB_CHARGE ? job->payment.asking.lookup : job->refund.asking.lookup;
}

static void lower(char *text)
{
	for (; *text != '\0'; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text | 0x20);
}

/* Values are digits, letters and hyphens throughout: nothing needs escaping. */
static void charge_body(const struct job *job, struct buf *out)
{
	const struct payment *p = &job->payment;
	char order[UUID_TEXT_SIZE], id[UUID_TEXT_SIZE], currency[4];

	memcpy(currency, p->currency, sizeof(currency));
	lower(currency);
	buf_addf(out, "amount=%lld&currency=%s&payment_method=%s&payment_method_types[]=card&confirm=true",
		 (long long)p->amount, currency, payment_method_map(p->method));
	buf_addf(out, "&metadata[order_id]=%s&metadata[payment_id]=%s", uuid_format(p->order_id, order),
		 uuid_format(p->payment_id, id));
}

static void refund_body(const struct job *job, struct buf *out)
{
	char order[UUID_TEXT_SIZE], id[UUID_TEXT_SIZE];

	buf_addf(out, "payment_intent=%s&amount=%lld", job->payment.provider_id,
		 (long long)job->refund.amount);
	buf_addf(out, "&metadata[order_id]=%s&metadata[refund_id]=%s",
		 uuid_format(job->payment.order_id, order), uuid_format(job->refund.refund_id, id));
}

static void request_url(const struct provider *p, const struct job *job, struct buf *out)
{
	char order[UUID_TEXT_SIZE];

	buf_adds(out, p->url);
	if (job->kind == JOB_REFUND)
		buf_adds(out, "/v1/refunds");
	else
		buf_adds(out, "/v1/payment_intents");
	if (!is_lookup(job))
		return;
	if (job->kind == JOB_REFUND)
		buf_addf(out, "?limit=100&payment_intent=%s", job->payment.provider_id);
	else
		buf_addf(out, "/search?limit=100&query=metadata%%5B'order_id'%%5D%%3A'%s'",
			 uuid_format(job->payment.order_id, order));
}

static void request_key(const struct job *job, char *text, size_t size)
{
	char order[UUID_TEXT_SIZE], refund[UUID_TEXT_SIZE];

	uuid_format(job->payment.order_id, order);
	if (job->kind == JOB_CHARGE)
		snprintf(text, size, "Idempotency-Key: %s:charge:%d", order, job->payment.asking.attempt);
	else
		snprintf(text, size, "Idempotency-Key: %s:refund-%s:%d", order,
			 uuid_format(job->refund.refund_id, refund), job->refund.asking.attempt);
}

/* --- answers --- */

/* A question, or an answer that was kept for the key: it says little about whether charges work now. */
static bool says_little(const struct job *job)
{
	return is_lookup(job) || job->replayed;
}

/*
 * What says little leaves a closed breaker as it is, and closes another one only when nobody was there at
 * all: a provider that answers questions and fails every charge would have it open and close for ever.
 */
static void tell_success(struct payments *app, const struct job *job)
{
	struct mono now = mono_now();

	if (!says_little(job)) {
		atomic_store(&app->charging_fails, false);
		breaker_success(&app->breaker, now);
	} else if (atomic_load(&app->charging_fails)) {
		breaker_undecided(&app->breaker, now);
	} else if (breaker_state(&app->breaker, now) != BREAKER_CLOSED) {
		breaker_success(&app->breaker, now);
	}
}

static void tell_failure(struct payments *app, const struct job *job)
{
	if (!says_little(job) && job->outcome != OUTCOME_UNREACHABLE)
		atomic_store(&app->charging_fails, true);
	breaker_failure(&app->breaker, mono_now());
}

static void tell_breaker(struct payments *app, const struct job *job)
{
	switch (job->outcome) {
	case OUTCOME_BROKEN:
		if (job->replayed)
			tell_success(app, job);
		else
			tell_failure(app, job);
		break;
	case OUTCOME_UNKNOWN:
	case OUTCOME_UNREACHABLE:
		tell_failure(app, job);
		break;
	case OUTCOME_DONE:
	case OUTCOME_REFUSED:
	case OUTCOME_PENDING:
	case OUTCOME_BUSY:
	case OUTCOME_ABSENT:
		tell_success(app, job);
		break;
	case OUTCOME_NOT_SENT:
	case OUTCOME_COUNT:
		break;
	}
}

static void tell_condition(struct payments *app, const struct job *job)
{
	struct mono now = mono_now();
	enum breaker_state state = breaker_state(&app->breaker, now);

	if (state == BREAKER_OPEN)
		service_condition(app->service, "provider", false, false,
				  "provider breaker open, probe in %d s: %.100s",
				  (int)((config_int(CONFIG_BREAKER_OPEN) + 999) / 1000), job->reason);
	else if (state == BREAKER_CLOSED)
		service_condition(app->service, "provider", false, true, "%s", "");
}

/* Without a reply: what is known of the request. */
static void read_failure(const struct http_result *result, struct answer *ret)
{
	*ret = (struct answer){.outcome =
				   result->code == ERR_UNAVAILABLE ? OUTCOME_UNREACHABLE : OUTCOME_UNKNOWN};
	snprintf(ret->reason, sizeof(ret->reason), "%s", result->why);
}

static void call_done(void *arg, const struct http_result *result)
{
	struct job *job = arg;
	struct provider *p = job->app->provider;
	struct answer answer;
	char replayed[8];

	if (result->code < 0)
		read_failure(result, &answer);
	else
		reply_read(job, result->status, buf_str(&result->body), result->body.len, &answer);
	job->outcome = answer.outcome;
	memcpy(job->result_id, answer.id, sizeof(job->result_id));
	memcpy(job->reason, answer.reason, sizeof(job->reason));
	job->replayed = result->code == 0 &&
			http_result_header(result, "Idempotent-Replayed", replayed, sizeof(replayed)) &&
			strcmp(replayed, "true") == 0;
	job->latency_ms = mono_since_ms(job->started);
	metric_observe(p->seconds[job->outcome], (double)mono_since_us(job->started) / 1e6);
	tell_breaker(job->app, job);
	job->working = breaker_state(&job->app->breaker, mono_now()) == BREAKER_CLOSED;
	tell_condition(job->app, job);
	workqueue_finished(job->queue, job);
}

void provider_start(struct provider *p, struct job *job)
{
	CLEANUP(buf_done) struct buf url = {0};
	CLEANUP(buf_done) struct buf body = {0};
	char key[192];
	const char *headers[] = {p->authorization, key, "Content-Type: application/x-www-form-urlencoded",
				 NULL};
	struct http_call call = {.headers = headers, .timeout_ms = (int)config_int(CONFIG_PAYMENT_TIMEOUT)};

	request_url(p, job, &url);
	call.url = buf_str(&url);
	if (is_lookup(job)) {
		call.method = "GET";
		headers[1] = NULL;
	} else {
		call.method = "POST";
		request_key(job, key, sizeof(key));
		if (job->kind == JOB_CHARGE)
			charge_body(job, &body);
		else
			refund_body(job, &body);
		call.body = buf_str(&body);
		call.body_len = body.len;
	}
	job->started = mono_now();
	http_client_submit(p->client, &call, call_done, job);
}

void provider_free(struct provider *p, int drain_ms)
{
	if (p == NULL)
		return;
	http_client_free(p->client, drain_ms);
	free(p);
}
