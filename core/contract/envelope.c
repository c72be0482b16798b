/*
 * The envelope in which events travel: reading and writing it.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/contract/events.h"

static int set_type(struct event *e, const char *name, int64_t version, struct error *err)
{
	int type = event_find(name);

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

/* --- as we write it --- */

struct scan {
	const char *at, *end;
};

static bool take(struct scan *s, const char *literal)
{
	size_t n = strlen(literal);

	if ((size_t)(s->end - s->at) < n || memcmp(s->at, literal, n) != 0)
		return false;
	s->at += n;
	return true;
}

/* The rest of a string of plain characters into `size` bytes, and its closing quote. */
static bool take_text(struct scan *s, char *ret, size_t size)
{
	size_t n = 0;

	for (; s->at < s->end && *s->at != '"'; s->at++) {
		unsigned char c = (unsigned char)*s->at;

		if (c < 0x20 || c >= 0x7f || c == '\\' || n + 1 == size)
			return false;
		ret[n++] = *s->at;
	}
	ret[n] = '\0';
	return take(s, "\"");
}

static bool take_uuid(struct scan *s, struct uuid *ret)
{
	char text[UUID_TEXT_SIZE];

	return take_text(s, text, sizeof(text)) && uuid_parse(text, ret);
}

static bool take_int(struct scan *s, int64_t *ret)
{
	const char *start = s->at;

	for (*ret = 0; s->at < s->end && *s->at >= '0' && *s->at <= '9' && s->at - start < 18; s->at++)
		*ret = *ret * 10 + (*s->at - '0');
	return s->at > start && (*start != '0' || s->at - start == 1);
}

static bool take_cause(struct scan *s, struct uuid *ret)
{
	return take(s, "null") || (take(s, "\"") && take_uuid(s, ret));
}

static bool take_head(struct scan *s, struct event *e)
{
	char type[64], time[CLOCK_TEXT_SIZE];
	int64_t version;

	return take(s, "{\"event_id\":\"") && take_uuid(s, &e->id) && take(s, ",\"event_type\":\"") &&
	       take_text(s, type, sizeof(type)) && take(s, ",\"event_version\":") && take_int(s, &version) &&
	       take(s, ",\"aggregate_id\":\"") && take_text(s, e->aggregate_id, sizeof(e->aggregate_id)) &&
	       take(s, ",\"aggregate_seq\":") && take_int(s, &e->aggregate_seq) &&
	       take(s, ",\"timestamp\":\"") && take_text(s, time, sizeof(time)) &&
	       clock_parse(time, &e->timestamp_us) && take(s, ",\"correlation_id\":\"") &&
	       take_uuid(s, &e->correlation_id) && take(s, ",\"causation_id\":") &&
	       take_cause(s, &e->causation_id) && take(s, ",\"event_data\":{") &&
	       set_type(e, type, version, NULL) == 0;
}

/*
 * Reads an envelope that is spelled as event_envelope spells it, member by member, without
 * building a tree of it.  False: it is not, which says nothing against it.
 */
static bool parse_ours(const char *text, size_t n, struct event *e)
{
	struct scan s = {text, text + n};

	if (!take_head(&s, e) || s.end[-1] != '}')
		return false;
	e->data_text = s.at - 1;
	e->data_len = (size_t)(s.end - 1 - e->data_text);
	return json_parse_object(e->data_text, e->data_len, &e->data, NULL) == 0;
}

/* --- as anybody may write it --- */

static int parse_type(const json_t *root, struct event *e, struct error *err)
{
	const char *name;
	int64_t version;

	if (json_get_string(root, "event_type", &name, err) < 0 ||
	    json_get_int(root, "event_version", &version, err) < 0)
		return ERR_MALFORMED;
	return set_type(e, name, version, err);
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
	if (parse_ours(text, n, &e)) {
		*ret = e;
		return 0;
	}
	e = (struct event){0};
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
	char *p = stpcpy(text, "00-");

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
