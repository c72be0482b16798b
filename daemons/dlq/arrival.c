/*
 * Reading dead letters.
 */
#include "daemons/dlq/arrival.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base64.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/contract/events.h"

struct headers {
	const struct bus_header *list;
	int count;
};

/* The last one of the name: added headers stand behind the original ones. */
static const struct bus_header *find(const struct headers *h, const char *name)
{
	for (int i = h->count - 1; i >= 0; i--)
		if (strcmp(h->list[i].name, name) == 0)
			return &h->list[i];
	return NULL;
}

/* Printable UTF-8 without NUL, cut to fit; what is not becomes '?'. */
static void clean(char *out, size_t size, const char *text, size_t len)
{
	json_t *good;
	size_t n = len < size - 1 ? len : size - 1;

	if (n < len)
		n = text_whole(text, n);
	memcpy(out, text, n);
	out[n] = '\0';
	good = json_stringn(out, n);
	for (size_t i = 0; i < n; i++)
		if (out[i] == '\0' || (good == NULL && (unsigned char)out[i] >= 0x80))
			out[i] = '?';
	json_decref(good);
}

static bool get_text(const struct headers *h, const char *name, char *out, size_t size)
{
	const struct bus_header *found = find(h, name);

	if (found == NULL || found->value == NULL)
		return false;
	clean(out, size, found->value, found->len);
	return true;
}

static bool get_int(const struct headers *h, const char *name, int64_t max, int64_t *ret)
{
	char text[32], *end;
	long long n;

	if (!get_text(h, name, text, sizeof(text)) || text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (*end != '\0' || errno != 0 || n > max)
		return false;
	*ret = n;
	return true;
}

static bool get_time(const struct headers *h, const char *name, int64_t *ret)
{
	char text[64];

	return get_text(h, name, text, sizeof(text)) && clock_parse(text, ret);
}

/* What identifies a letter and where it can be replayed must be there; counts and texts may be missing. */
static bool read_headers(const struct headers *h, struct arrival *a)
{
	char id[64];
	int64_t partition, offset, count;

	if (!get_text(h, "dlq_id", id, sizeof(id)) || !uuid_parse(id, &a->letter_id) ||
	    !get_text(h, "dlq_original_topic", a->topic, sizeof(a->topic)) ||
	    !get_int(h, "dlq_original_partition", INT32_MAX, &partition) ||
	    !get_int(h, "dlq_original_offset", INT64_MAX, &offset) ||
	    !get_text(h, "dlq_consumer_group", a->group, sizeof(a->group)) || a->group[0] == '\0')
		return false;
	a->partition = (int32_t)partition;
	a->offset = offset;
	get_time(h, "dlq_original_timestamp", &a->original_us);
	get_time(h, "dlq_failed_at", &a->failed_us);
	get_text(h, "dlq_error_code", a->error_code, sizeof(a->error_code));
	get_text(h, "dlq_error_reason", a->error_reason, sizeof(a->error_reason));
	get_text(h, "dlq_failed_step", a->failed_step, sizeof(a->failed_step));
	if (get_int(h, "dlq_retry_count", INT32_MAX, &count))
		a->retry_count = (int)count;
	if (get_int(h, "dlq_replay_count", INT32_MAX, &count))
		a->replay_count = (int)count;
	return true;
}

/* Not ours, or damaged: it gets an identity from where it lies. */
static void take_unreadable(struct arrival *a)
{
	char name[256];
	size_t len;

	snprintf(name, sizeof(name), "dlqd:%s/%d/%lld", a->dlq_topic, (int)a->dlq_partition,
		 (long long)a->dlq_offset);
	a->letter_id = uuid_v5(UUID_NAMESPACE_PIZZA, name, strlen(name));
	a->partition = -1;
	a->offset = -1;
	a->original_us = 0;
	a->group[0] = '\0';
	snprintf(a->topic, sizeof(a->topic), "%s", a->dlq_topic);
	len = strlen(a->topic);
	if (len > 4 && strcmp(a->topic + len - 4, "-dlq") == 0)
		a->topic[len - 4] = '\0';
	snprintf(a->error_code, sizeof(a->error_code), "unreadable");
	snprintf(a->error_reason, sizeof(a->error_reason),
		 "the dlq_ headers that tell where it came from are missing or damaged");
	snprintf(a->failed_step, sizeof(a->failed_step), "index");
}

static char *headers_json(const struct headers *h)
{
	json_t *list = json_array();
	char *text;

	for (int i = 0; i < h->count; i++) {
		char name[256];

		if (strncmp(h->list[i].name, "dlq_", 4) == 0)
			continue;
		clean(name, sizeof(name), h->list[i].name, strlen(h->list[i].name));
		json_array_append_new(list, json_pack("{s:s, s:o}", "name", name, "value_base64",
						      base64_json(h->list[i].value, h->list[i].len)));
	}
	text = json_text(list);
	json_decref(list);
	return text;
}

void arrival_read_event(struct arrival *a, const void *value, size_t len)
{
	AUTO_JSON json_t *root = NULL;
	const json_t *data;
	const char *type, *order;

	if (value == NULL || json_parse_object(value, len, &root, NULL) < 0)
		return;
	type = json_string_or(root, "event_type", "");
	clean(a->event_type, sizeof(a->event_type), type, strlen(type));
	if (!uuid_parse(json_string_or(root, "event_id", ""), &a->event_id))
		a->event_id = (struct uuid){0};
	if (!uuid_parse(json_string_or(root, "correlation_id", ""), &a->correlation_id))
		a->correlation_id = (struct uuid){0};
	data = json_object_get(root, "event_data");
	order = json_string_or(data, "order_id", json_string_or(root, "aggregate_id", ""));
	if (!uuid_parse(order, &a->order_id))
		a->order_id = (struct uuid){0};
}

/* The key of what cannot be read is an order's id, except in the topics about something else. */
static void guess_order(struct arrival *a)
{
	char text[UUID_TEXT_SIZE];

	if (!uuid_is_nil(a->order_id) || a->event_type[0] != '\0' || a->key == NULL ||
	    a->key_len != sizeof(text) - 1 || strcmp(a->topic, topics[TOPIC_DLQ].name) == 0)
		return;
	memcpy(text, a->key, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	uuid_parse(text, &a->order_id);
}

void arrival_read(const struct bus_message *m, const struct bus_header *headers, int n, int64_t now_us,
		  struct arrival *ret)
{
	const struct headers h = {headers, n};
	struct arrival a = {
	    .dlq_topic = m->topic,
	    .dlq_partition = m->partition,
	    .dlq_offset = m->offset,
	    .key = m->key,
	    .key_len = m->key_len,
	    .value = m->value,
	    .value_len = m->value_len,
	    .failed_us = m->timestamp_ms > 0 ? m->timestamp_ms * 1000 : now_us,
	    .error_code = "unknown",
	    .failed_step = "unknown",
	};

	a.readable = read_headers(&h, &a);
	if (!a.readable)
		take_unreadable(&a);
	arrival_read_event(&a, m->value, m->value_len);
	guess_order(&a);
	a.headers = headers_json(&h);
	*ret = a;
}

void arrival_done(struct arrival *a)
{
	free(a->headers);
	a->headers = NULL;
}
