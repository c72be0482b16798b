/*
 * Messages that come from no outbox: poison, copies of real events, old ones, an order's events in reverse.
 * Each bears the header pizza_injected (what it is), by which the checker knows it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/bus/admin.h"
#include "core/contract/topics.h"
#include "tests/crash/storm/storm.h"

#define DELIVERY_MS 10000
#define ADMIN_MS    10000
#define HEADERS_MAX 32
#define KEPT_MAX    200

/* Topics that daemons consume. */
static const char *const read_topics[] = {"order-events", "inventory-events", "payment-events",
					  "notification-events", "menu-events"};

static void delivered(void *arg, void *message_arg, int code, const char *why, int32_t partition,
		      int64_t offset)
{
	(void)message_arg, (void)why, (void)partition, (void)offset;
	if (code == 0)
		++*(int *)arg;
}

/* --- producing --- */

struct draft {
	char *topic;
	void *key, *value;
	size_t key_len, value_len;
	struct bus_header headers[HEADERS_MAX]; /* names and values owned */
	int header_count;
};

static void draft_done(struct draft *d)
{
	for (int i = 0; i < d->header_count; i++) {
		free((char *)d->headers[i].name);
		free((void *)d->headers[i].value);
	}
	free(d->topic);
	free(d->key);
	free(d->value);
}

/* Sends the drafts in their order; the number delivered. */
static int send_all(struct storm *s, struct draft *drafts, int n, const char *mark)
{
	struct bus_producer *p;
	struct error err;
	int arrived = 0;

	if (bus_producer_new(&s->bus, DELIVERY_MS, delivered, &arrived, &p, &err) < 0)
		return 0;
	for (int i = 0; i < n; i++) {
		struct bus_header headers[HEADERS_MAX + 1];

		memcpy(headers, drafts[i].headers, sizeof(drafts[i].headers));
		headers[drafts[i].header_count] = (struct bus_header){"pizza_injected", mark, strlen(mark)};
		if (bus_produce(p, drafts[i].topic, drafts[i].key, drafts[i].key_len, drafts[i].value,
				drafts[i].value_len, headers, drafts[i].header_count + 1, NULL, &err) < 0)
			storm_say(s, "inject: %s: %s", err.what, err.why);
	}
	if (bus_producer_flush(p, DELIVERY_MS + 1000, &err) < 0)
		storm_say(s, "inject: %s: %s", err.what, err.why);
	bus_producer_free(p);
	atomic_fetch_add(&s->injected, arrived);
	return arrived;
}

/* --- poison --- */

enum poison {
	POISON_TEXT,
	POISON_EMPTY,
	POISON_TOMBSTONE,
	POISON_LARGE,
	POISON_TYPE,
	POISON_VERSION,
	POISON_NUL,
	POISON_COUNT
};

static void set_value(struct draft *d, const void *value, size_t n)
{
	d->value = xmalloc(n + 1);
	memcpy(d->value, value, n);
	d->value_len = n;
}

static void envelope(struct draft *d, const char *type, int version, const char *data)
{
	char id[UUID_TEXT_SIZE];
	AUTO_FREE char *text = xasprintf("{\"event_id\":\"%s\",\"event_type\":\"%s\",\"event_version\":%d,"
					 "\"aggregate_id\":\"poison\",\"aggregate_seq\":1,"
					 "\"timestamp\":\"2026-01-01T00:00:00.000000Z\",\"correlation_id\":"
					 "\"00000000-0000-4000-8000-000000000001\",\"causation_id\":null,"
					 "\"event_data\":%s}",
					 uuid_format(uuid_v7(), id), type, version, data);

	set_value(d, text, strlen(text));
}

static void fill_poison(struct draft *d, enum poison kind)
{
	switch (kind) {
	case POISON_TEXT:
		set_value(d, "this is not JSON", 16);
		break;
	case POISON_EMPTY:
		set_value(d, "", 0);
		break;
	case POISON_TOMBSTONE:
	case POISON_COUNT:
		break;
	case POISON_LARGE:
		d->value = xmalloc(1000000);
		memset(d->value, 'x', 1000000);
		d->value_len = 1000000;
		break;
	case POISON_TYPE:
		envelope(d, "PizzaExploded", 1, "{}");
		break;
	case POISON_VERSION:
		envelope(d, "OrderCreated", 99, "{}");
		break;
	case POISON_NUL:
		set_value(d, "{\"event_id\":\"\0\0\0\",\"event_type\":\"\0\"}", 36);
		break;
	}
}

bool inject_poison(struct storm *s, struct random *r, const char *topic)
{
	char key[UUID_TEXT_SIZE];
	struct draft d = {.topic = xstrdup(topic),
			  .key = xstrdup(uuid_format(uuid_v7(), key)),
			  .key_len = UUID_TEXT_SIZE - 1};
	enum poison kind = (enum poison)random_below(r, POISON_COUNT);
	int arrived;

	fill_poison(&d, kind);
	arrived = send_all(s, &d, 1, "poison");
	draft_done(&d);
	return arrived == 1;
}

/* --- copies --- */

struct kept {
	struct draft drafts[KEPT_MAX];
	int count, max;
	const char *key; /* only these, or NULL */
};

static int keep(void *arg, const struct bus_message *m)
{
	struct kept *k = arg;
	struct bus_header headers[HEADERS_MAX];
	struct draft *d;

	if (k->count >= k->max)
		return 1;
	if (m->key == NULL || m->value == NULL ||
	    bus_message_header(m, "pizza_injected", &(size_t){0}) != NULL ||
	    (k->key != NULL && (strlen(k->key) != m->key_len || memcmp(k->key, m->key, m->key_len) != 0)))
		return 0;
	d = &k->drafts[k->count++];
	*d = (struct draft){.topic = xstrdup(m->topic), .key_len = m->key_len};
	d->key = xmalloc(m->key_len + 1);
	memcpy(d->key, m->key, m->key_len);
	set_value(d, m->value, m->value_len);
	d->header_count = bus_message_headers(m, headers, HEADERS_MAX);
	for (int i = 0; i < d->header_count; i++) {
		d->headers[i] = (struct bus_header){
		    xstrdup(headers[i].name), xstrndup(headers[i].value, headers[i].len), headers[i].len};
	}
	return 0;
}

static void kept_done(struct kept *k)
{
	for (int i = 0; i < k->count; i++)
		draft_done(&k->drafts[i]);
	free(k);
}

/* Messages of a topic: the last `tail`, or the first ones when it is -1. */
static void read_some(struct storm *s, const char *topic, int64_t tail, struct kept *k)
{
	struct bus_admin *admin;
	volatile bool stop = false;
	struct error err;

	if (bus_admin_new(&s->bus, ADMIN_MS, &admin, &err) < 0)
		return;
	if (bus_admin_read(admin, topic, -1, tail, false, NULL, &stop, keep, k, &err) < 0)
		storm_say(s, "inject: read %s: %s", topic, err.why);
	bus_admin_free(admin);
}

/* One event three times, a fresh one or one of the first ever. */
static void inject_copies(struct storm *s, struct random *r, bool old)
{
	struct kept *k = xcalloc(1, sizeof(*k));
	struct draft three[3];

	k->max = 50;
	read_some(s, read_topics[random_below(r, ARRAY_LEN(read_topics))], old ? -1 : 50, k);
	if (k->count > 0) {
		three[0] = three[1] = three[2] = k->drafts[random_below(r, (unsigned)k->count)];
		send_all(s, three, 3, old ? "old" : "copy");
	}
	kept_done(k);
}

/* All events of one order again, the last first, over all topics. */
static void inject_reversed(struct storm *s, struct random *r)
{
	struct kept *recent = xcalloc(1, sizeof(*recent)), *all = xcalloc(1, sizeof(*all));
	char key[UUID_TEXT_SIZE] = "";

	recent->max = 40;
	read_some(s, "order-events", 40, recent);
	if (recent->count > 0) {
		const struct draft *d = &recent->drafts[random_below(r, (unsigned)recent->count)];

		snprintf(key, sizeof(key), "%.*s", (int)d->key_len, (const char *)d->key);
		all->key = key;
		all->max = KEPT_MAX;
		for (size_t i = 0; i < 3; i++)
			read_some(s, read_topics[i], 1000, all);
		for (int i = 0; i < all->count / 2; i++) {
			struct draft other = all->drafts[i];

			all->drafts[i] = all->drafts[all->count - 1 - i];
			all->drafts[all->count - 1 - i] = other;
		}
		send_all(s, all->drafts, all->count, "reversed");
	}
	kept_done(recent);
	kept_done(all);
}

void inject_effective(struct storm *s, struct random *r)
{
	struct kept *k = xcalloc(1, sizeof(*k));

	k->max = 20;
	read_some(s, "order-events", -1, k);
	if (k->count > 0) {
		const struct draft *d = &k->drafts[random_below(r, (unsigned)k->count)];
		const struct bus_message m = {.topic = d->topic,
					      .key = d->key,
					      .key_len = d->key_len,
					      .value = d->value,
					      .value_len = d->value_len};

		replay_effective(s, &m);
	}
	kept_done(k);
}

void inject(struct storm *s, struct random *r)
{
	unsigned drawn = random_below(r, 10);

	if (drawn < 4)
		inject_poison(s, r, read_topics[random_below(r, ARRAY_LEN(read_topics))]);
	else if (drawn < 7)
		inject_copies(s, r, drawn == 4);
	else
		inject_reversed(s, r);
}
