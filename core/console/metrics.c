/*
 * The daemons' metrics.  All instances are asked side by side; answers come on the client's thread, each into
 * its daemon's figures, and are read once that thread has ended.
 */
#include "core/console/metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/api.h"
#include "core/console/context.h"
#include "core/console/control.h"
#include "core/contract/daemons.h"
#include "core/http/client.h"

static const double bounds[] = {
#define X(bound) bound,
    METRIC_BOUNDS(X)
#undef X
};

double metrics_bound_ms(int bucket)
{
	return bucket >= 0 && bucket < (int)ARRAY_LEN(bounds) ? bounds[bucket] * 1e3 : INFINITY;
}

double metrics_quantile_ms(const double buckets[METRIC_BUCKETS], double p)
{
	double total = 0, upto = 0;

	for (int i = 0; i < METRIC_BUCKETS; i++)
		total += buckets[i];
	if (total <= 0)
		return NAN;
	for (int i = 0; i < METRIC_BUCKETS - 1; i++) {
		double low = i > 0 ? metrics_bound_ms(i - 1) : 0;

		upto += buckets[i];
		if (buckets[i] > 0 && upto >= p * total)
			return low +
			       (metrics_bound_ms(i) - low) * (p * total - (upto - buckets[i])) / buckets[i];
	}
	return metrics_bound_ms(METRIC_BUCKETS - 2); /* at least that */
}

/* --- the text --- */

/* One line: name{labels} value; label values have no quotes within in our metrics. */
struct sample {
	const char *name, *labels; /* not terminated */
	size_t name_len, labels_len;
	double value;
};

static bool read_sample(const char *line, size_t len, struct sample *s)
{
	const char *space = memchr(line, ' ', len), *open = memchr(line, '{', len), *close;

	if (len == 0 || *line == '#' || space == NULL)
		return false;
	*s = (struct sample){.name = line, .name_len = (size_t)(space - line)};
	if (open != NULL && open < space) {
		close = memrchr(line, '}', len);
		if (close == NULL || close < open)
			return false;
		s->name_len = (size_t)(open - line);
		s->labels = open + 1;
		s->labels_len = (size_t)(close - open - 1);
		space = close + 1;
	}
	s->value = strtod(space, NULL);
	return isfinite(s->value) != 0;
}

static bool is_named(const struct sample *s, const char *name)
{
	return strlen(name) == s->name_len && strncmp(s->name, name, s->name_len) == 0;
}

/* The label's value; "" when it has none. */
static const char *label(const struct sample *s, const char *name, char text[64])
{
	size_t len = strlen(name);

	text[0] = '\0';
	for (const char *p = s->labels, *end = p + s->labels_len; p != NULL && p < end;) {
		const char *equals = memchr(p, '=', (size_t)(end - p)), *quote;

		if (equals == NULL || equals + 1 >= end)
			break;
		quote = memchr(equals + 2, '"', (size_t)(end - equals - 2 > 0 ? end - equals - 2 : 0));
		if (quote == NULL)
			break;
		if ((size_t)(equals - p) == len && strncmp(p, name, len) == 0)
			snprintf(text, 64, "%.*s", (int)(quote - equals - 2), equals + 2);
		p = quote + 1 + (quote + 1 < end && quote[1] == ',');
	}
	return text;
}

static bool is_probe(const struct sample *s)
{
	static const char *const probes[] = {"/metrics", "/healthz", "/readyz"};
	char route[64];

	label(s, "route", route);
	for (size_t i = 0; i < ARRAY_LEN(probes); i++)
		if (strcmp(route, probes[i]) == 0)
			return true;
	return false;
}

/* The text's buckets hold all below their bound: what came before in the same series is taken off again. */
static void add_bucket(struct metrics_histogram *h, const struct sample *s)
{
	char text[64];
	double bound = strtod(label(s, "le", text), NULL);

	for (int i = 0; i < METRIC_BUCKETS; i++) {
		if (i < (int)ARRAY_LEN(bounds) && fabs(bounds[i] - bound) > 1e-9)
			continue;
		h->buckets[i] += s->value;
		if (i + 1 < METRIC_BUCKETS)
			h->buckets[i + 1] -= s->value;
		return;
	}
}

static void add_breaker(struct metrics_figures *f, const struct sample *s)
{
	char provider[64];
	int i = 0;

	label(s, "provider", provider);
	while (i < f->breaker_count && strncmp(f->breakers[i].provider, provider, 31) != 0)
		i++;
	if (i == METRICS_BREAKERS)
		return;
	if (i == f->breaker_count) {
		snprintf(f->breakers[i].provider, sizeof(f->breakers[i].provider), "%.31s", provider);
		f->breaker_count++;
	}
	if ((int)s->value > f->breakers[i].state)
		f->breakers[i].state = (int)s->value;
}

static void add_request(struct metrics_figures *f, const struct sample *s)
{
	char status[64];

	if (is_probe(s))
		return;
	f->requests += s->value;
	if (label(s, "status", status)[0] == '5')
		f->request_errors += s->value;
}

static void add_message(struct metrics_figures *f, const struct sample *s)
{
	char outcome[64];

	f->messages += s->value;
	if (strcmp(label(s, "outcome", outcome), "dead") == 0)
		f->dead += s->value;
}

static void add_call(struct metrics_figures *f, const struct sample *s)
{
	static const char *const failures[] = {"broken", "unknown", "unreachable", "failed"};
	char outcome[64];

	f->calls += s->value;
	label(s, "outcome", outcome);
	for (size_t i = 0; i < ARRAY_LEN(failures); i++)
		if (strcmp(outcome, failures[i]) == 0)
			f->call_errors += s->value;
}

static void add_request_bucket(struct metrics_figures *f, const struct sample *s)
{
	if (!is_probe(s))
		add_bucket(&f->work, s);
}

static void add_batch_bucket(struct metrics_figures *f, const struct sample *s)
{
	add_bucket(&f->work, s);
}

static void add_call_bucket(struct metrics_figures *f, const struct sample *s)
{
	add_bucket(&f->outside, s);
}

/* Of the database that the replicas share: each of them counts all. */
static void add_parked(struct metrics_figures *f, const struct sample *s)
{
	f->parked = fmax(f->parked, s->value);
}

static void add_in_use(struct metrics_figures *f, const struct sample *s)
{
	f->db_in_use += s->value;
}

void metrics_add(struct metrics_figures *f, const char *text)
{
	static const struct {
		const char *name;
		void (*add)(struct metrics_figures *f, const struct sample *s);
	} known[] = {
	    {"pizza_http_request_duration_seconds_count", add_request},
	    {"pizza_http_request_duration_seconds_bucket", add_request_bucket},
	    {"pizza_consumer_messages_total", add_message},
	    {"pizza_consumer_batch_seconds_bucket", add_batch_bucket},
	    {"pizza_provider_call_seconds_count", add_call},
	    {"pizza_provider_call_seconds_bucket", add_call_bucket},
	    {"pizza_consumer_parked", add_parked},
	    {"pizza_db_pool_in_use", add_in_use},
	    {"pizza_breaker_state", add_breaker},
	};

	f->answered++;
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		struct sample s;

		if (read_sample(text, len, &s))
			for (size_t i = 0; i < ARRAY_LEN(known); i++)
				if (is_named(&s, known[i].name))
					known[i].add(f, &s);
		text += len + (text[len] == '\n');
	}
}

/* --- asking --- */

static void take_answer(void *arg, const struct http_result *result)
{
	if (result->code == 0 && result->status == 200)
		metrics_add(arg, buf_str(&result->body));
}

void metrics_ask(struct http_client *client, const char *base, int timeout_ms, struct metrics_figures *f)
{
	AUTO_FREE char *url = xasprintf("%s/metrics", base);
	struct http_call call = {.method = "GET", .url = url, .timeout_ms = timeout_ms};

	http_client_submit(client, &call, take_answer, f);
}

/* Each replica of this machine's daemons by its own port, which the supervisor knows. */
static int ask_local(struct console *c, struct http_client *client, struct metrics_figures *figures,
		     int *instances, struct error *err)
{
	AUTO_JSON json_t *status = NULL;
	const json_t *services;
	int rc = control_status(&status, err);

	services = json_object_get(status, "services");
	for (size_t i = 0; i < json_array_size(services); i++) {
		const json_t *each = json_array_get(services, i), *list = json_object_get(each, "instances");
		const struct daemon_info *d = daemon_find(json_string_or(each, "name", ""));

		for (size_t k = 0; d != NULL && k < json_array_size(list); k++) {
			int64_t port = json_int_or(json_array_get(list, k), "port", 0);
			char base[64];

			snprintf(base, sizeof(base), "http://127.0.0.1:%lld", (long long)port);
			if (port > 0)
				metrics_ask(client, base, console_timeout_ms(c), &figures[d->id]);
			instances[d->id]++;
		}
	}
	return rc;
}

static int ask_remote(struct console *c, struct http_client *client, struct metrics_figures *figures,
		      int *instances, struct error *err)
{
	char base[API_BASE_SIZE];
	int asked = 0;

	for (int i = 0; i < DAEMON_COUNT; i++) {
		if (api_base(daemons[i].name, base, sizeof(base)) == NULL || base[0] == '\0')
			continue;
		metrics_ask(client, base, console_timeout_ms(c), &figures[i]);
		instances[i] = 1;
		asked++;
	}
	return asked > 0 ? 0 : console_not_named("metrics", "api", err);
}

static json_t *histogram_json(const struct metrics_histogram *h)
{
	json_t *list = json_array();

	for (int i = 0; i < METRIC_BUCKETS; i++)
		json_array_append_new(list, json_integer((json_int_t)h->buckets[i]));
	return list;
}

static json_t *breakers_json(const struct metrics_figures *f)
{
	static const char *const words[] = {"closed", "half-open", "open"};
	json_t *list = json_array();

	for (int i = 0; i < f->breaker_count; i++) {
		int state = f->breakers[i].state;

		json_array_append_new(list, json_pack("{s:s, s:s}", "provider", f->breakers[i].provider,
						      "state", words[state < 0 || state > 2 ? 2 : state]));
	}
	return list;
}

static json_t *row_json(const char *daemon, int instances, const struct metrics_figures *f)
{
	const struct {
		const char *name;
		double value;
	} counts[] = {{"requests", f->requests}, {"request_errors", f->request_errors},
		      {"messages", f->messages}, {"dead", f->dead},
		      {"calls", f->calls},	 {"call_errors", f->call_errors},
		      {"parked", f->parked},	 {"db_in_use", f->db_in_use}};
	json_t *row =
	    json_pack("{s:s, s:i, s:i}", "daemon", daemon, "instances", instances, "answered", f->answered);

	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		json_object_set_new(row, counts[i].name,
				    f->answered > 0 ? json_integer((json_int_t)counts[i].value)
						    : json_null());
	json_object_set_new(row, "buckets", f->answered > 0 ? histogram_json(&f->work) : json_null());
	json_object_set_new(row, "call_buckets", f->answered > 0 ? histogram_json(&f->outside) : json_null());
	json_object_set_new(row, "breakers", breakers_json(f));
	return row;
}

int metrics_read(struct console *c, json_t **ret, struct error *err)
{
	struct metrics_figures *figures = xcalloc(DAEMON_COUNT, sizeof(*figures));
	int instances[DAEMON_COUNT] = {0}, answered = 0;
	struct http_client *client = NULL;
	json_t *rows;
	int rc = http_client_new(DAEMON_COUNT * 2, &client, err);

	if (rc == 0)
		rc = context_is_local() ? ask_local(c, client, figures, instances, err)
					: ask_remote(c, client, figures, instances, err);
	http_client_free(client, console_timeout_ms(c));
	rows = json_array();
	for (int i = 0; i < DAEMON_COUNT; i++) {
		answered += figures[i].answered;
		json_array_append_new(rows, row_json(daemons[i].name, instances[i], &figures[i]));
	}
	free(figures);
	if (rc == 0 && answered == 0)
		rc = error_set(err, ERR_UNAVAILABLE, "metrics", "no daemon answers");
	if (rc < 0)
		json_decref(rows);
	else
		*ret = rows;
	return rc;
}
