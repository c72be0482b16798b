/*
 * What runs.  The daemons of a remote installation are asked side by side; answers come on the client's
 * thread, each into its own slot, and are read once that thread has ended.
 */
#include "core/console/status.h"

#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/config/paths.h"
#include "core/console/api.h"
#include "core/console/context.h"
#include "core/console/control.h"
#include "core/contract/daemons.h"
#include "core/http/client.h"

struct answer {
	const char *state; /* "up", "degraded", "down" */
	char reason[320];
};

/* Why a daemon is not ready: the reasons of its conditions. */
static void read_conditions(struct answer *a, const json_t *ready)
{
	const json_t *conditions = json_object_get(ready, "conditions");
	size_t used = 0;

	for (size_t i = 0; i < json_array_size(conditions) && used < sizeof(a->reason); i++) {
		const char *reason = json_string_or(json_array_get(conditions, i), "reason", "");

		if (*reason != '\0')
			used += (size_t)snprintf(a->reason + used, sizeof(a->reason) - used, "%s%s",
						 used > 0 ? "; " : "", reason);
	}
}

static void take_answer(void *arg, const struct http_result *result)
{
	AUTO_JSON json_t *ready = NULL;
	struct answer *a = arg;

	if (result->code < 0) {
		snprintf(a->reason, sizeof(a->reason), "cannot be reached: %s", result->why);
		return;
	}
	if (json_parse_object(buf_str(&result->body), result->body.len, &ready, NULL) < 0) {
		snprintf(a->reason, sizeof(a->reason), "HTTP status %d, and no answer of a daemon",
			 result->status);
		return;
	}
	a->state = result->status == 200 && !json_bool_or(ready, "degraded", false) ? "up" : "degraded";
	read_conditions(a, ready);
}

static void ask_daemon(struct http_client *client, const struct daemon_info *d, int timeout_ms,
		       struct answer *a)
{
	char base[API_BASE_SIZE];
	AUTO_FREE char *url = NULL;
	struct http_call call = {.method = "GET", .timeout_ms = timeout_ms};

	if (api_base(d->name, base, sizeof(base)) == NULL || base[0] == '\0') {
		snprintf(a->reason, sizeof(a->reason), "the context names no api");
		return;
	}
	url = xasprintf("%s/readyz", base);
	call.url = url;
	http_client_submit(client, &call, take_answer, a);
}

static void ask_backing(struct console *c, struct answer *postgres, struct answer *kafka)
{
	struct error err = {0};
	struct db_conn *conn;
	struct bus_admin *bus;

	if (console_db(c, &conn, &err) == 0)
		postgres->state = "up";
	else
		snprintf(postgres->reason, sizeof(postgres->reason), "%s", err.why);
	if (console_bus(c, &bus, &err) == 0)
		kafka->state = "up";
	else
		snprintf(kafka->reason, sizeof(kafka->reason), "%s", err.why);
}

static json_t *service(const char *name, const char *kind, const struct answer *a)
{
	return json_pack("{s:s, s:s, s:s, s:n, s:n, s:n, s:n, s:n, s:n, s:s, s:[]}", "name", name, "kind",
			 kind, "state", a->state, "pid", "replicas", "restarts", "uptime_seconds",
			 "cpu_percent", "rss_bytes", "reason", a->reason, "instances");
}

static int nothing_answers(struct error *err)
{
	const char *name = context_now()->name;

	error_set(err, ERR_UNAVAILABLE, name, "nothing of this installation answers");
	error_hint(err, "pizzactl -C %s doctor says where it was looked for", name);
	return ERR_UNAVAILABLE;
}

static int read_remote(struct console *c, json_t **ret, struct error *err)
{
	struct answer answers[DAEMON_COUNT + 2];
	struct answer *postgres = &answers[DAEMON_COUNT], *kafka = &answers[DAEMON_COUNT + 1];
	struct http_client *client;
	json_t *services = json_array();
	int alive = 0, rc = http_client_new(DAEMON_COUNT, &client, err);

	if (rc < 0) {
		json_decref(services);
		return rc;
	}
	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		answers[i] = (struct answer){.state = "down"};
	for (int i = 0; i < DAEMON_COUNT; i++)
		ask_daemon(client, &daemons[i], console_timeout_ms(c), &answers[i]);
	ask_backing(c, postgres, kafka);
	http_client_free(client, console_timeout_ms(c));
	json_array_append_new(services, service("postgres", "backing", postgres));
	json_array_append_new(services, service("kafka", "backing", kafka));
	for (int i = 0; i < DAEMON_COUNT; i++)
		json_array_append_new(services, service(daemons[i].name, "daemon", &answers[i]));
	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		alive += strcmp(answers[i].state, "down") != 0;
	*ret = json_pack("{s:o}", "services", services);
	if (alive > 0)
		return 0;
	json_decref(*ret);
	*ret = NULL;
	return nothing_answers(err);
}

/* A supervisor that is there and says nothing is out of reach for those who only ask. */
static int read_local(json_t **ret, struct error *err)
{
	int rc = control_status(ret, err);

	if (rc != ERR_UNKNOWN)
		return rc;
	error_set(err, ERR_UNAVAILABLE, "pizzad", "runs, and does not answer");
	error_hint(err, "what it started still works; %s/pizzad.log shows why", paths_log());
	return ERR_UNAVAILABLE;
}

int status_read(struct console *c, json_t **ret, struct error *err)
{
	return context_is_local() ? read_local(ret, err) : read_remote(c, ret, err);
}
