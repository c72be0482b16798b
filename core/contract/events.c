/*
 * The event table and the envelope.
 */
#include "core/contract/events.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"

const struct event_info event_types[EVENT_TYPE_COUNT] = {
#define X(symbol, type_name, type_version, topic_id, type_owner, type_text) \
	[EVENT_##symbol] = {type_name, type_version, topic_id, type_owner, type_text},
    EVENT_TABLE(X)
#undef X
};

int event_find(const char *name)
{
	for (int i = 0; i < EVENT_TYPE_COUNT; i++)
		if (strcmp(event_types[i].name, name) == 0)
			return i;
	return -1;
}

static int parse_type(const json_t *root, struct event *e, struct error *err)
{
	const char *name;
	int64_t version;
	int type;

	if (json_get_string(root, "event_type", &name, err) < 0 ||
	    json_get_int(root, "event_version", &version, err) < 0)
		return ERR_MALFORMED;
	type = event_find(name);
	if (type < 0)
		return error_set(err, ERR_INVALID, "event_type", "%.60s is unknown", name);
	if (version != event_types[type].version)
		return error_set(err, ERR_INVALID, "event_version",
				 "%s has version %lld; this program knows %d", name, (long long)version,
				 event_types[type].version);
	e->type = (enum event_type)type;
	e->version = (int)version;
	return 0;
}

static int parse_fields(const json_t *root, struct event *e, struct error *err)
{
	const char *aggregate;
	const json_t *cause = json_object_get(root, "causation_id");
	int rc = parse_type(root, e, err);

	if (rc < 0)
		return rc;
	if (json_get_uuid(root, "event_id", &e->id, err) < 0 ||
	    json_get_string(root, "aggregate_id", &aggregate, err) < 0 ||
	    json_get_int(root, "aggregate_seq", &e->aggregate_seq, err) < 0 ||
	    json_get_time(root, "timestamp", &e->timestamp_us, err) < 0 ||
	    json_get_uuid(root, "correlation_id", &e->correlation_id, err) < 0)
		return ERR_MALFORMED;
	if (cause != NULL && !json_is_null(cause) &&
	    json_get_uuid(root, "causation_id", &e->causation_id, err) < 0)
		return ERR_MALFORMED;
	if (strlen(aggregate) >= sizeof(e->aggregate_id))
		return error_set(err, ERR_MALFORMED, "aggregate_id", "is longer than %zu bytes",
				 sizeof(e->aggregate_id) - 1);
	strcpy(e->aggregate_id, aggregate);
	e->data = json_object_get(root, "event_data");
	if (!json_is_object(e->data))
		return error_set(err, ERR_MALFORMED, "event_data", "must be an object");
	return 0;
}

int event_parse(const char *text, size_t n, struct event *ret, struct error *err)
{
	struct event e = {0};
	AUTO_JSON json_t *root = NULL;
	int rc;

	if (text == NULL)
		return error_set(err, ERR_MALFORMED, "event", "the message is empty");
	rc = json_parse_object(text, n, &root, err);
	if (rc < 0)
		return rc;
	rc = parse_fields(root, &e, err);
	if (rc < 0)
		return rc;
	json_incref(e.data);
	*ret = e;
	return 0;
}

void event_done(struct event *e)
{
	json_decref(e->data);
	e->data = NULL;
}

void event_envelope(struct buf *out, const struct uuid *id, const char *type, int version,
		    const char *aggregate_id, int64_t aggregate_seq, int64_t timestamp_us,
		    const struct uuid *correlation_id, const struct uuid *causation_id, const char *data,
		    size_t data_len)
{
	char text[UUID_TEXT_SIZE], time[CLOCK_TEXT_SIZE];

	buf_reserve(out, 400 + data_len);
	buf_addf(out, "{\"event_id\":\"%s\",\"event_type\":\"%s\",\"event_version\":%d,\"aggregate_id\":",
		 uuid_format(*id, text), type, version);
	buf_add_json(out, aggregate_id, strlen(aggregate_id));
	buf_addf(out, ",\"aggregate_seq\":%lld,\"timestamp\":\"%s\"", (long long)aggregate_seq,
		 clock_format(timestamp_us, time));
	buf_addf(out, ",\"correlation_id\":\"%s\"", uuid_format(*correlation_id, text));
	if (uuid_is_nil(*causation_id))
		buf_adds(out, ",\"causation_id\":null");
	else
		buf_addf(out, ",\"causation_id\":\"%s\"", uuid_format(*causation_id, text));
	buf_adds(out, ",\"event_data\":");
	buf_add(out, data, data_len);
	buf_addc(out, '}');
}

const char *event_traceparent(const struct uuid *id, const struct uuid *correlation_id, char text[56])
{
	static const char digits[] = "0123456789abcdef";
	char *p = text;

	memcpy(p, "00-", 3);
	p += 3;
	for (int i = 0; i < 16; i++) {
		*p++ = digits[correlation_id->b[i] >> 4];
		*p++ = digits[correlation_id->b[i] & 15];
	}
	*p++ = '-';
	for (int i = 8; i < 16; i++) {
		*p++ = digits[id->b[i] >> 4];
		*p++ = digits[id->b[i] & 15];
	}
	strcpy(p, "-01");
	return text;
}
