/*
 * Recovery times by kind of kill: number, median and maximum.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tests/crash/storm/storm.h"

#define KINDS_MAX   64
#define TIMES_MAX   1000
#define KIND_LENGTH 64

struct times {
	int64_t ms[TIMES_MAX];
	int count;
};

static struct kind {
	char name[KIND_LENGTH];
	int strikes, lost;
	struct times ready, flow;
} kinds[KINDS_MAX];
static int kind_count;

static struct kind *kind_of(const char *name)
{
	for (int i = 0; i < kind_count; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	if (kind_count == KINDS_MAX)
		return &kinds[KINDS_MAX - 1];
	snprintf(kinds[kind_count].name, KIND_LENGTH, "%s", name);
	return &kinds[kind_count++];
}

static void add(struct times *t, int64_t ms)
{
	if (t->count < TIMES_MAX)
		t->ms[t->count++] = ms;
}

void figures_add(const char *kind, int64_t ready_ms, int64_t flow_ms, bool counted)
{
	struct kind *k = kind_of(kind);

	k->strikes++;
	if (ready_ms < 0 || flow_ms < 0)
		k->lost++;
	if (!counted || ready_ms < 0 || flow_ms < 0)
		return;
	add(&k->ready, ready_ms);
	add(&k->flow, flow_ms);
}

static int compare_times(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

static void print_times(struct times *t)
{
	int64_t median, longest;

	if (t->count == 0) {
		printf("%9s %9s", "-", "-");
		return;
	}
	qsort(t->ms, (size_t)t->count, sizeof(t->ms[0]), compare_times);
	median = t->ms[t->count / 2];
	longest = t->ms[t->count - 1];
	printf("%7.2f s %7.2f s", (double)median / 1000, (double)longest / 1000);
}

static void print_kind(struct kind *k)
{
	printf("%-34s %5d  ", k->name, k->strikes);
	print_times(&k->ready);
	printf("  ");
	print_times(&k->flow);
	printf("%s\n", k->lost > 0 ? "  DID NOT COME BACK" : "");
}

static int compare_kinds(const void *a, const void *b)
{
	return strcmp(((const struct kind *)a)->name, ((const struct kind *)b)->name);
}

int figures_print(void)
{
	static struct kind all;
	int lost = 0;

	qsort(kinds, (size_t)kind_count, sizeof(kinds[0]), compare_kinds);
	printf("%-34s %5s  %19s  %19s\n", "recovery after", "times", "process ready again",
	       "sagas flow again");
	printf("%-34s %5s  %9s %9s  %9s %9s\n", "", "", "median", "max", "median", "max");
	snprintf(all.name, sizeof(all.name), "all");
	for (int i = 0; i < kind_count; i++) {
		struct kind *k = &kinds[i];

		print_kind(k);
		lost += k->lost;
		all.strikes += k->strikes;
		for (int t = 0; t < k->ready.count; t++) {
			add(&all.ready, k->ready.ms[t]);
			add(&all.flow, k->flow.ms[t]);
		}
	}
	print_kind(&all);
	return lost;
}
