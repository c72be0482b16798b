/*
 * Health, readiness and metrics of every daemon, and what the supervisor is told of them.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/service/audit.h"
#include "core/config/report.h"
#include "core/service/metrics.h"
#include "core/service/notify_socket.h"
#include "core/service/private.h"

/* Reasons of what is not ok, "; " between them; tells whether something required is missing, or anything at
 * all. */
static void summarise(struct service *s, struct buf *reasons, bool *ret_ready, bool *ret_degraded)
{
	*ret_ready = atomic_load(&s->serving);
	*ret_degraded = false;
	for (int i = 0; i < s->condition_count; i++) {
		const struct condition *c = &s->conditions[i];

		if (c->ok)
			continue;
		if (c->required)
			*ret_ready = false;
		*ret_degraded = true;
		buf_addf(reasons, "%s%s", reasons->len > 0 ? "; " : "", c->reason);
	}
}

bool health_ready(struct service *s, struct buf *why)
{
	bool ready, degraded;

	pthread_mutex_lock(&s->lock);
	summarise(s, why, &ready, &degraded);
	pthread_mutex_unlock(&s->lock);
	return ready;
}

void health_tell(struct service *s)
{
	CLEANUP(buf_done) struct buf reasons = {0}, text = {0};
	bool ready, degraded, first;

	pthread_mutex_lock(&s->lock);
	summarise(s, &reasons, &ready, &degraded);
	first = ready && !s->told_ready;
	if (first)
		buf_adds(&text, "READY=1\n");
	buf_addf(&text, "STATUS=%s\nX_PIZZA_STATE=%s\n", buf_str(&reasons),
		 degraded || !ready ? "degraded" : "up");
	if (s->own != NULL)
		buf_addf(&text, "X_PIZZA_PORT=%d\n", http_server_port(s->own));
	s->untold = !notify_socket_send(buf_str(&text));
	if (first && !s->untold) {
		s->told_ready = true;
		log_info("ready");
	}
	pthread_mutex_unlock(&s->lock);
}

void health_tell_again(struct service *s)
{
	bool untold;

	pthread_mutex_lock(&s->lock);
	untold = s->untold;
	pthread_mutex_unlock(&s->lock);
	if (untold)
		health_tell(s);
}

static struct condition *find_condition(struct service *s, const char *name)
{
	for (int i = 0; i < s->condition_count; i++)
		if (strcmp(s->conditions[i].name, name) == 0)
			return &s->conditions[i];
	return NULL;
}

void service_condition(struct service *s, const char *name, bool required, bool ok, const char *reason, ...)
{
	struct condition *c;
	char text[sizeof(c->reason)];
	bool changed = false;
	va_list ap;

	va_start(ap, reason);
	vsnprintf(text, sizeof(text), reason, ap);
	va_end(ap);
	pthread_mutex_lock(&s->lock);
	c = find_condition(s, name);
	if (c == NULL && s->condition_count < CONDITIONS_MAX) {
		c = &s->conditions[s->condition_count++];
		snprintf(c->name, sizeof(c->name), "%s", name);
		changed = true;
	}
	if (c != NULL) {
		changed |= c->ok != ok || (!ok && strcmp(c->reason, text) != 0);
		c->required = required;
		c->ok = ok;
		memcpy(c->reason, text, sizeof(text));
	}
	pthread_mutex_unlock(&s->lock);
	if (changed)
		health_tell(s);
}

static void get_healthz(struct http_request *r, void *arg)
{
	(void)arg;
	http_reply(r, 200, "text/plain", "ok\n", 3);
}

static void get_readyz(struct http_request *r, void *arg)
{
	struct service *s = arg;
	CLEANUP(buf_done) struct buf reasons = {0};
	json_t *list = json_array();
	bool ready, degraded;

	pthread_mutex_lock(&s->lock);
	summarise(s, &reasons, &ready, &degraded);
	for (int i = 0; i < s->condition_count; i++) {
		const struct condition *c = &s->conditions[i];

		json_array_append_new(list,
				      json_pack("{s:s,s:b,s:b,s:s}", "name", c->name, "required", c->required,
						"ok", c->ok, "reason", c->ok ? "" : c->reason));
	}
	pthread_mutex_unlock(&s->lock);
	http_reply_json(r, ready ? 200 : 503,
			json_pack("{s:b,s:b,s:o}", "ready", ready, "degraded", degraded, "conditions", list));
}

static void get_metrics(struct http_request *r, void *arg)
{
	struct service *s = arg;
	struct buf text = {0};
	size_t len;

	metric_set(metric_series(METRIC_DB_IN_USE, NULL, NULL, NULL), db_in_use(s->db));
	metrics_expose(&text);
	len = text.len;
	http_reply_take(r, 200, "text/plain; version=0.0.4; charset=utf-8", buf_take(&text), len);
}

static void get_config(struct http_request *r, void *arg)
{
	const struct service *s = arg;

	http_reply_json(r, 200, config_report(s->token));
}

const struct http_route health_routes[] = {
    {"GET", "/healthz", get_healthz, HTTP_CUSTOMER, false},
    {"GET", "/readyz", get_readyz, HTTP_CUSTOMER, false},
    {"GET", "/metrics", get_metrics, HTTP_CUSTOMER, false},
    {"GET", "/api/v1/audit", audit_list, HTTP_OPERATOR, true},
    {"GET", "/api/v1/config", get_config, HTTP_OPERATOR, false},
};
const int health_route_count = ARRAY_LEN(health_routes);
