/*
 * POST /internal/v1/replay: dead letters handed back to the group that failed.  Each message runs through the
 * same inbox and handler as when it came from its topic, in a transaction of its own, in the order of the
 * request; what takes effect here can never take effect twice, and nothing goes back to shared topics.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/base64.h"
#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/service/effect.h"
#include "core/service/private.h"

#define MESSAGES_MAX 100

/* --- one message --- */

struct outcome {
	const char *word; /* "applied", "duplicate", "failed", "later" */
	struct error why; /* of the last two */
	const char *step;
};

/* Where the message came from, for those who keep it (the read model). */
static int read_place(const json_t *message, struct event *e, struct error *err)
{
	const char *topic;
	int64_t partition, offset;

	if (json_get_string(message, "topic", &topic, err) < 0 ||
	    json_get_int(message, "partition", &partition, err) < 0 ||
	    json_get_int(message, "offset", &offset, err) < 0)
		return ERR_MALFORMED;
	e->topic = topic;
	e->partition = (int32_t)partition;
	e->offset = offset;
	return 0;
}

static void judge(struct outcome *out, int rc)
{
	out->word = error_class(rc) == CLASS_DEPENDENCY || rc == ERR_UNKNOWN ? "later" : "failed";
}

static void run(struct service *s, struct effect *x, struct event *e, struct outcome *out)
{
	const struct event *events[] = {e};
	struct effect_run one = {.events = events, .count = 1, .again = true};
	int rc;

	out->step = event_types[e->type].name;
	if (s->spec->wants != NULL && !s->spec->wants(e->type)) {
		judge(out, error_set(&out->why, ERR_INVALID, "event_type", "%s does not act on %s",
				     s->info->name, out->step));
		return;
	}
	effect_log_context(e);
	rc = effect_run(x, &one, &out->why);
	if (rc < 0)
		judge(out, rc);
	else
		out->word = one.fresh > 0 || one.requeued ? "applied" : "duplicate";
	log_info("replay of %s: %s%s%s", out->step, out->word, rc < 0 ? ": " : "",
		 rc < 0 ? out->why.why : "");
	log_context_set(NULL);
}

static void replay_one(struct service *s, struct effect *x, const json_t *message, struct outcome *out)
{
	struct buf value = {0};
	struct event e = {0};
	bool there;
	int rc = base64_get(message, "value_base64", &value, &there, &out->why);

	out->step = "parse";
	if (rc == 0)
		rc = event_parse(there ? value.data : NULL, value.len, &e, &out->why);
	if (rc == 0)
		rc = read_place(message, &e, &out->why);
	if (rc < 0) {
		judge(out, rc);
	} else {
		run(s, x, &e, out);
	}
	event_done(&e);
	buf_done(&value);
}

/* --- the request --- */

static json_t *outcome_json(const json_t *message, const struct outcome *out)
{
	bool bad = out->why.code < 0;
	char reason[sizeof(out->why.what) + sizeof(out->why.why) + 2];

	snprintf(reason, sizeof(reason), "%s: %s", out->why.what, out->why.why);
	return json_pack("{s:s,s:s,s:s?,s:s?,s:s?}", "letter_id", json_string_or(message, "letter_id", ""),
			 "outcome", out->word, "error_code", bad ? error_word(out->why.code) : NULL,
			 "error_reason", bad ? reason : NULL, "failed_step", bad ? out->step : NULL);
}

/* A message that must wait makes the later ones of the same key wait too: the order within it stays. */
static bool waits_behind(const json_t *messages, const json_t *results, size_t at)
{
	const char *key = json_string_or(json_array_get(messages, at), "key_base64", "");

	for (size_t i = 0; i < at; i++)
		if (strcmp(json_string_or(json_array_get(results, i), "outcome", ""), "later") == 0 &&
		    strcmp(json_string_or(json_array_get(messages, i), "key_base64", ""), key) == 0)
			return true;
	return false;
}

static json_t *replay_all(struct service *s, const json_t *messages)
{
	CLEANUP(buf_done) struct buf why = {0};
	struct effect *x = effect_new(s);
	json_t *results = json_array();
	bool ready = health_ready(s, &why);

	for (size_t i = 0; i < json_array_size(messages); i++) {
		const json_t *message = json_array_get(messages, i);
		struct outcome out = {.word = "later", .step = "wait"};

		if (!ready)
			error_set(&out.why, ERR_UNAVAILABLE, s->info->name, "is not ready: %s",
				  buf_str(&why));
		else if (waits_behind(messages, results, i))
			error_set(&out.why, ERR_NOT_YET, "order", "an earlier message of the same key waits");
		else
			replay_one(s, x, message, &out);
		json_array_append_new(results, outcome_json(message, &out));
	}
	effect_free(x);
	return results;
}

static int read_messages(const json_t *body, const json_t **ret, struct error *err)
{
	const json_t *list = json_object_get(body, "messages");

	if (!json_is_array(list))
		return error_set(err, ERR_MALFORMED, "messages", "must be an array");
	if (json_array_size(list) > MESSAGES_MAX)
		return error_set(err, ERR_INVALID, "messages", "there are %zu; at most %d are taken",
				 json_array_size(list), MESSAGES_MAX);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!json_is_object(json_array_get(list, i)))
			return error_set(err, ERR_MALFORMED, "messages", "number %zu is no object", i);
	*ret = list;
	return 0;
}

static void post_replay(struct http_request *r, void *arg)
{
	AUTO_JSON json_t *body = NULL;
	const json_t *messages = NULL;
	struct error err;
	int rc = http_body_json(r, &body, &err);

	if (rc == 0)
		rc = read_messages(body, &messages, &err);
	if (rc < 0)
		http_reply_error(r, &err);
	else
		http_reply_json(r, 200, json_pack("{s:o}", "results", replay_all(arg, messages)));
}

const struct http_route replay_routes[] = {
    {"POST", "/internal/v1/replay", post_replay, HTTP_OPERATOR, true},
    {"POST", "/internal/v1/hasten", hasten_post, HTTP_OPERATOR, true},
};
const int replay_route_count = ARRAY_LEN(replay_routes);
