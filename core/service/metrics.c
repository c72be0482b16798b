/*
 * The metrics registry.  Series live in a hash table of chains that only ever grow and are never freed:
 * looking one up takes no lock, making one takes the registry's.  Values are atomics; an exposition is a
 * series of loads, not a snapshot.
 */
#include "core/service/metrics.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

#define LABELS_MAX     3
#define CHAINS	       1024 /* a power of two */
#define COLLECTORS_MAX 8

enum metric_kind { COUNTER, GAUGE, HISTOGRAM };

struct metric_row {
	const char *name;
	enum metric_kind kind;
	const char *labels; /* separated by commas */
	const char *help;
};

static const struct metric_row rows[METRIC_COUNT] = {
#define X(symbol, name, kind, labels, help) [METRIC_##symbol] = {name, kind, labels, help},
    METRIC_TABLE(X)
#undef X
};

static const char *const kind_words[] = {"counter", "gauge", "histogram"};

/* Upper bounds in seconds, and how they are written. */
static const double bounds[] = {
#define X(bound) bound,
    METRIC_BOUNDS(X)
#undef X
};
static const char *const bound_texts[] = {
#define X(bound) #bound,
    METRIC_BOUNDS(X)
#undef X
};

#define BOUNDS ARRAY_LEN(bounds)

struct metric_series {
	struct metric_series *_Atomic chain; /* in the hash table */
	struct metric_series *_Atomic next;  /* of the same metric, in the order of making */
	enum metric_id id;
	uint64_t hash;
	char *labels[LABELS_MAX];	   /* values; "" when missing */
	char *label_text;		   /* method="GET",route="/x" */
	_Atomic double value;		   /* counter, gauge; sum of a histogram */
	atomic_ullong buckets[BOUNDS + 1]; /* not cumulative; the last is beyond all bounds */
};

static struct metric_series *_Atomic chains[CHAINS];
static struct metric_series *_Atomic heads[METRIC_COUNT];
static struct metric_series *tails[METRIC_COUNT];
static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
	void (*collect)(void *arg);
	void *arg;
} collectors[COLLECTORS_MAX];
static int collector_count;

/* --- looking up --- */

static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return (hash ^ 0xff) * UINT64_C(0x100000001b3);
}

static bool same_series(const struct metric_series *s, enum metric_id id, uint64_t hash,
			const char *const labels[])
{
	if (s->hash != hash || s->id != id)
		return false;
	for (int i = 0; i < LABELS_MAX; i++) {
		if (strcmp(s->labels[i], labels[i]) != 0)
			return false;
	}
	return true;
}

static struct metric_series *find(enum metric_id id, uint64_t hash, const char *const labels[])
{
	struct metric_series *s = atomic_load_explicit(&chains[hash & (CHAINS - 1)], memory_order_acquire);

	while (s != NULL && !same_series(s, id, hash, labels))
		s = atomic_load_explicit(&s->chain, memory_order_acquire);
	return s;
}

/* --- making --- */

static void add_escaped(struct buf *out, const char *value)
{
	for (; *value != '\0'; value++) {
		if (*value == '\n')
			buf_adds(out, "\\n");
		else if (*value == '"' || *value == '\\')
			buf_addf(out, "\\%c", *value);
		else
			buf_addc(out, *value);
	}
}

static char *format_labels(enum metric_id id, const char *const labels[])
{
	const char *name = rows[id].labels;
	struct buf text = {0};

	for (int i = 0; i < LABELS_MAX && *name != '\0'; i++) {
		size_t len = strcspn(name, ",");

		buf_addf(&text, "%s%.*s=\"", i > 0 ? "," : "", (int)len, name);
		add_escaped(&text, labels[i]);
		buf_addc(&text, '"');
		name += len + (name[len] == ',');
	}
	return buf_take(&text);
}

static struct metric_series *make(enum metric_id id, uint64_t hash, const char *const labels[])
{
	struct metric_series *s = xcalloc(1, sizeof(*s));
	struct metric_series *_Atomic *chain = &chains[hash & (CHAINS - 1)];

	s->id = id;
	s->hash = hash;
	for (int i = 0; i < LABELS_MAX; i++)
		s->labels[i] = xstrdup(labels[i]);
	s->label_text = format_labels(id, labels);
	atomic_store(&s->chain, atomic_load(chain));
	atomic_store_explicit(chain, s, memory_order_release);
	if (tails[id] == NULL)
		atomic_store_explicit(&heads[id], s, memory_order_release);
	else
		atomic_store_explicit(&tails[id]->next, s, memory_order_release);
	tails[id] = s;
	return s;
}

struct metric_series *metric_series(enum metric_id id, const char *label1, const char *label2,
				    const char *label3)
{
	const char *labels[LABELS_MAX] = {label1 != NULL ? label1 : "", label2 != NULL ? label2 : "",
					  label3 != NULL ? label3 : ""};
	uint64_t hash = UINT64_C(0xcbf29ce484222325) + (uint64_t)id;
	struct metric_series *s;

	for (int i = 0; i < LABELS_MAX; i++)
		hash = hash_text(hash, labels[i]);
	s = find(id, hash, labels);
	if (s != NULL)
		return s;
	pthread_mutex_lock(&registry_lock);
	s = find(id, hash, labels);
	if (s == NULL)
		s = make(id, hash, labels);
	pthread_mutex_unlock(&registry_lock);
	return s;
}

/* --- values --- */

void metric_add(struct metric_series *s, double value)
{
	double old = atomic_load_explicit(&s->value, memory_order_relaxed);

	while (!atomic_compare_exchange_weak_explicit(&s->value, &old, old + value, memory_order_relaxed,
						      memory_order_relaxed))
		;
}

void metric_set(struct metric_series *s, double value)
{
	atomic_store_explicit(&s->value, value, memory_order_relaxed);
}

void metric_observe(struct metric_series *s, double value)
{
	size_t i = 0;

	while (i < BOUNDS && value > bounds[i])
		i++;
	atomic_fetch_add_explicit(&s->buckets[i], 1, memory_order_relaxed);
	metric_add(s, value);
}

void metric_count(enum metric_id id, const char *label1, const char *label2, double value)
{
	metric_add(metric_series(id, label1, label2, NULL), value);
}

/* --- exposition --- */

void metric_collector(void (*collect)(void *arg), void *arg)
{
	pthread_mutex_lock(&registry_lock);
	if (collector_count == COLLECTORS_MAX)
		abort();
	collectors[collector_count].collect = collect;
	collectors[collector_count].arg = arg;
	collector_count++;
	pthread_mutex_unlock(&registry_lock);
}

static void run_collectors(void)
{
	int n;

	pthread_mutex_lock(&registry_lock);
	n = collector_count;
	pthread_mutex_unlock(&registry_lock);
	for (int i = 0; i < n; i++)
		collectors[i].collect(collectors[i].arg);
}

static void add_number(struct buf *out, double value)
{
	if (value == floor(value) && fabs(value) < 1e15)
		buf_addf(out, " %.0f\n", value);
	else
		buf_addf(out, " %.9g\n", value);
}

static void expose_plain(struct buf *out, const struct metric_row *row, struct metric_series *s)
{
	buf_adds(out, row->name);
	if (s->label_text[0] != '\0')
		buf_addf(out, "{%s}", s->label_text);
	add_number(out, atomic_load_explicit(&s->value, memory_order_relaxed));
}

static void expose_histogram(struct buf *out, const struct metric_row *row, struct metric_series *s)
{
	const char *comma = s->label_text[0] != '\0' ? "," : "";
	unsigned long long total = 0;

	for (size_t i = 0; i <= BOUNDS; i++) {
		total += atomic_load_explicit(&s->buckets[i], memory_order_relaxed);
		buf_addf(out, "%s_bucket{%s%sle=\"%s\"} %llu\n", row->name, s->label_text, comma,
			 i < BOUNDS ? bound_texts[i] : "+Inf", total);
	}
	for (int i = 0; i < 2; i++) {
		buf_addf(out, "%s_%s", row->name, i == 0 ? "sum" : "count");
		if (s->label_text[0] != '\0')
			buf_addf(out, "{%s}", s->label_text);
		add_number(out,
			   i == 0 ? atomic_load_explicit(&s->value, memory_order_relaxed) : (double)total);
	}
}

void metrics_expose(struct buf *out)
{
	run_collectors();
	for (int id = 0; id < METRIC_COUNT; id++) {
		const struct metric_row *row = &rows[id];
		struct metric_series *s = atomic_load_explicit(&heads[id], memory_order_acquire);

		if (s == NULL)
			continue;
		buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name,
			 kind_words[row->kind]);
		for (; s != NULL; s = atomic_load_explicit(&s->next, memory_order_acquire)) {
			if (row->kind == HISTOGRAM)
				expose_histogram(out, row, s);
			else
				expose_plain(out, row, s);
		}
	}
}
