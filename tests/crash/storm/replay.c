/*
 * Replays: jobs of dlqd, and events handed straight to a group, as dlqd does it, though they are in effect:
 * the answer must be "duplicate".
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/api.h"
#include "core/contract/daemons.h"
#include "core/contract/events.h"
#include "tests/crash/storm/storm.h"

#define API_MS	  5000
#define TRIES	  40
#define PAUSE_MS  250
#define NO_LETTER "00000000-0000-4000-8000-000000000009"

/* Tries until it is answered. */
static int call(const struct api_request *request, json_t **ret, struct error *err)
{
	struct console *console;
	int rc = console_open(NULL, API_MS, &console, err);

	if (rc < 0)
		return rc;
	for (int i = 0; i < TRIES; i++) {
		rc = api_call(console, request, ret, err);
		if (rc == 0 || error_class(rc) == CLASS_PERMANENT)
			break;
		storm_sleep(PAUSE_MS);
	}
	console_close(console);
	return rc;
}

void replay_letters(struct storm *s, int limit)
{
	AUTO_JSON json_t *body = json_pack("{s:{s:s}}", "selection", "state", "open");
	const struct api_request request = {
	    .method = "POST", .daemon = daemons[DAEMON_DLQ].name, .path = "/api/v1/dlq/jobs", .body = body};
	struct error err;

	if (limit >= 0)
		json_object_set_new(body, "limit", json_integer(limit));
	if (call(&request, NULL, &err) < 0)
		storm_say(s, "replay: %s: %s", err.what, err.why);
}

/* Who acts on it (contract.md). */
static const char *reader_of(enum event_type type)
{
	if (type == EVENT_ORDER_CREATED)
		return daemons[DAEMON_INVENTORY].name;
	if (type == EVENT_ORDER_RESERVED)
		return daemons[DAEMON_PAYMENT].name;
	return NULL;
}

static json_t *request_body(const struct bus_message *m)
{
	size_t size = sodium_base64_ENCODED_LEN(m->value_len, sodium_base64_VARIANT_ORIGINAL);
	AUTO_FREE char *value = xmalloc(size);

	sodium_bin2base64(value, size, m->value, m->value_len, sodium_base64_VARIANT_ORIGINAL);
	return json_pack("{s:s,s:s,s:s,s:i,s:[{s:s,s:s,s:i,s:i,s:i,s:n,s:s,s:[]}]}", "letter_id", NO_LETTER,
			 "job_id", "0", "actor", "storm", "replay_count", 1, "messages", "letter_id",
			 NO_LETTER, "topic", m->topic, "partition", 0, "offset", 0, "timestamp_ms", 0,
			 "key_base64", "value_base64", value, "headers");
}

void replay_effective(struct storm *s, const struct bus_message *m)
{
	AUTO_JSON json_t *answer = NULL, *body = request_body(m);
	struct api_request request = {.method = "POST", .path = "/internal/v1/replay", .body = body};
	char id[UUID_TEXT_SIZE];
	struct event e;
	struct error err;

	if (event_parse(m->value, m->value_len, &e, &err) < 0)
		return;
	request.daemon = reader_of(e.type);
	uuid_format(e.id, id);
	event_done(&e);
	if (request.daemon == NULL)
		return;
	if (call(&request, &answer, &err) < 0) {
		storm_say(s, "replay of an event in effect: %s: %s", err.what, err.why);
		return;
	}
	history_replayed(
	    s->site.history, id, request.daemon,
	    json_string_or(json_array_get(json_object_get(answer, "results"), 0), "outcome", "none"));
}
