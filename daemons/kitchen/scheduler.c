/*
 * One heap of waiting tickets for each temperature that occurs; they are few.
 */
#include "daemons/kitchen/scheduler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

struct heap {
	int bake_c;
	struct scheduled **tickets;
	int count, cap;
	bool passed; /* scheduler_next: no deck fits at the moment */
};

struct scheduler {
	struct scheduler_station *stations;
	int station_count;
	struct heap *heaps;
	int heap_count;
	int queued;
};

/* --- the heaps --- */

void scheduled_init(struct scheduled *t)
{
	t->heap = t->place = -1;
}

bool scheduled_queued(const struct scheduled *t)
{
	return t->place >= 0;
}

static bool before(const struct scheduled *a, const struct scheduled *b)
{
	return a->promised_us != b->promised_us ? a->promised_us < b->promised_us : a->id < b->id;
}

static void put(struct heap *h, int place, struct scheduled *t)
{
	h->tickets[place] = t;
	t->place = place;
}

static void sift_up(struct heap *h, int place, struct scheduled *t)
{
	while (place > 0 && before(t, h->tickets[(place - 1) / 2])) {
		put(h, place, h->tickets[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	put(h, place, t);
}

static void sift_down(struct heap *h, int place, struct scheduled *t)
{
	for (int child = 2 * place + 1; child < h->count; child = 2 * place + 1) {
		if (child + 1 < h->count && before(h->tickets[child + 1], h->tickets[child]))
			child++;
		if (!before(h->tickets[child], t))
			break;
		put(h, place, h->tickets[child]);
		place = child;
	}
	put(h, place, t);
}

static int heap_of(struct scheduler *s, int bake_c)
{
	for (int i = 0; i < s->heap_count; i++)
		if (s->heaps[i].bake_c == bake_c)
			return i;
	s->heaps = xreallocarray(s->heaps, (size_t)s->heap_count + 1, sizeof(*s->heaps));
	s->heaps[s->heap_count] = (struct heap){.bake_c = bake_c};
	return s->heap_count++;
}

void scheduler_add(struct scheduler *s, struct scheduled *t)
{
	struct heap *h;

	t->heap = heap_of(s, t->bake_c);
	h = &s->heaps[t->heap];
	if (h->count == h->cap) {
		h->cap = h->cap > 0 ? 2 * h->cap : 64;
		h->tickets = xreallocarray(h->tickets, (size_t)h->cap, sizeof(struct scheduled *));
	}
	sift_up(h, h->count++, t);
	s->queued++;
}

void scheduler_remove(struct scheduler *s, struct scheduled *t)
{
	struct heap *h;
	struct scheduled *last;
	int place = t->place;

	if (!scheduled_queued(t))
		return;
	h = &s->heaps[t->heap];
	last = h->tickets[--h->count];
	if (last != t && place > 0 && before(last, h->tickets[(place - 1) / 2]))
		sift_up(h, place, last);
	else if (last != t)
		sift_down(h, place, last);
	scheduled_init(t);
	s->queued--;
}

int scheduler_queued(const struct scheduler *s)
{
	return s->queued;
}

/* --- life --- */

struct scheduler *scheduler_new(int stations)
{
	struct scheduler *s = xcalloc(1, sizeof(*s));

	s->stations = xcalloc((size_t)stations + 1, sizeof(*s->stations));
	s->station_count = stations;
	return s;
}

void scheduler_free(struct scheduler *s)
{
	if (s == NULL)
		return;
	for (int i = 0; i < s->heap_count; i++)
		free(s->heaps[i].tickets);
	free(s->heaps);
	free(s->stations);
	free(s);
}

struct scheduler_station *scheduler_station(struct scheduler *s, int i)
{
	return &s->stations[i];
}

/* --- placing --- */

static uint64_t all_decks(const struct scheduler_station *st)
{
	return st->decks >= 64 ? UINT64_MAX : (UINT64_C(1) << st->decks) - 1;
}

static int free_decks(const struct scheduler_station *st)
{
	return __builtin_popcountll(all_decks(st) & ~st->taken);
}

static bool takes(const struct scheduler_station *st)
{
	return st->open && st->hot && st->target_c == st->setpoint_c;
}

static bool fits(const struct scheduler_station *st, int bake_c)
{
	return st->pan || abs(st->setpoint_c - bake_c) <= SCHEDULER_TOLERANCE_C;
}

/* The station that shall have the next ticket of this temperature, or -1. */
static int find_station(const struct scheduler *s, int bake_c)
{
	int best = -1, best_taken = 0;

	for (int i = 0; i < s->station_count; i++) {
		const struct scheduler_station *st = &s->stations[i];
		int taken;

		if (!takes(st) || (all_decks(st) & ~st->taken) == 0 || !fits(st, bake_c))
			continue;
		taken = __builtin_popcountll(st->taken & all_decks(st)) + (st->pan ? SCHEDULER_DECKS_MAX : 0);
		if (best < 0 || taken < best_taken) {
			best = i;
			best_taken = taken;
		}
		if (best_taken == 0)
			break;
	}
	return best;
}

/* The heap with the earliest promise, but for those passed; NULL: there is none. */
static struct heap *earliest(struct scheduler *s)
{
	struct heap *best = NULL;

	for (int i = 0; i < s->heap_count; i++) {
		struct heap *h = &s->heaps[i];

		if (!h->passed && h->count > 0 && (best == NULL || before(h->tickets[0], best->tickets[0])))
			best = h;
	}
	return best;
}

bool scheduler_next(struct scheduler *s, struct placement *ret)
{
	struct heap *h;

	for (int i = 0; i < s->heap_count; i++)
		s->heaps[i].passed = false;
	while ((h = earliest(s)) != NULL) {
		int station = find_station(s, h->bake_c);
		struct scheduler_station *st;

		if (station < 0) {
			h->passed = true;
			continue;
		}
		st = &s->stations[station];
		ret->ticket = h->tickets[0];
		ret->station = station;
		ret->deck = __builtin_ctzll(~st->taken);
		st->taken |= UINT64_C(1) << ret->deck;
		scheduler_remove(s, ret->ticket);
		return true;
	}
	return false;
}

/* --- which oven is heated for what --- */

static bool plannable(const struct scheduler_station *st)
{
	return !st->pan && st->open;
}

/* How many open ovens are, or will be, good for the temperature. */
static int ovens_for(const struct scheduler *s, int bake_c)
{
	int n = 0;

	for (int i = 0; i < s->station_count; i++)
		n += plannable(&s->stations[i]) &&
		     abs(s->stations[i].target_c - bake_c) <= SCHEDULER_TOLERANCE_C;
	return n;
}

/* Of `ovens`, the share of one heap by what waits: at least one when anything does. */
static double share(const struct scheduler *s, const struct heap *h, int ovens)
{
	return s->queued == 0 ? 0 : (double)ovens * h->count / s->queued;
}

/* What an oven of this target is worth where it is: how many of its like there are beyond their share. */
static double surplus(const struct scheduler *s, int target_c, int ovens)
{
	double wanted = 0;

	for (int i = 0; i < s->heap_count; i++)
		if (s->heaps[i].count > 0 && abs(s->heaps[i].bake_c - target_c) <= SCHEDULER_TOLERANCE_C)
			wanted += share(s, &s->heaps[i], ovens) > 1 ? share(s, &s->heaps[i], ovens) : 1;
	return ovens_for(s, target_c) - wanted;
}

/* The heap that lacks ovens most: one that has none first, else one that lacks more than a whole one. */
static const struct heap *neediest(const struct scheduler *s, int ovens)
{
	const struct heap *best = NULL;
	double most = 1;

	for (int i = 0; i < s->heap_count; i++) {
		const struct heap *h = &s->heaps[i];
		int have = ovens_for(s, h->bake_c);
		double lack = have == 0 ? ovens + 1 : share(s, h, ovens) - have;

		if (h->count == 0)
			continue;
		if (lack > most ||
		    (have == 0 && best != NULL && lack == most && before(h->tickets[0], best->tickets[0]))) {
			best = h;
			most = lack;
		}
	}
	return best;
}

/* Whether an oven of this target may go over to h: its like must not be needed more. */
static bool may_leave(const struct scheduler *s, int target_c, const struct heap *h, int ovens)
{
	if (surplus(s, target_c, ovens) >= 1)
		return true;
	if (ovens_for(s, h->bake_c) > 0)
		return false;
	for (int i = 0; i < s->heap_count; i++) /* the last of its like leaves only for an earlier promise */
		if (s->heaps[i].count > 0 && abs(s->heaps[i].bake_c - target_c) <= SCHEDULER_TOLERANCE_C &&
		    ovens_for(s, target_c) == 1 && before(s->heaps[i].tickets[0], h->tickets[0]))
			return false;
	return true;
}

int scheduler_plan(struct scheduler *s)
{
	const struct heap *h;
	double most = 0;
	int ovens = 0, best = -1;

	for (int i = 0; i < s->station_count; i++)
		ovens += plannable(&s->stations[i]);
	h = neediest(s, ovens);
	for (int i = 0; h != NULL && i < s->station_count; i++) {
		const struct scheduler_station *st = &s->stations[i];
		double more;

		if (!plannable(st) || abs(st->target_c - h->bake_c) <= SCHEDULER_TOLERANCE_C ||
		    !may_leave(s, st->target_c, h, ovens))
			continue;
		/* The more there are of it, and the emptier it is, the rather. */
		more = surplus(s, st->target_c, ovens) + (double)free_decks(st) / (4 * SCHEDULER_DECKS_MAX);
		if (best < 0 || more > most) {
			best = i;
			most = more;
		}
	}
	if (best >= 0)
		s->stations[best].target_c = h->bake_c;
	return best;
}

/* --- estimates --- */

/* When decks of one kind will be free: a binary heap of moments. */
struct moments {
	int64_t *us;
	int count;
};

static void moment_down(struct moments *m, int place, int64_t us)
{
	for (int child = 2 * place + 1; child < m->count; child = 2 * place + 1) {
		if (child + 1 < m->count && m->us[child + 1] < m->us[child])
			child++;
		if (m->us[child] >= us)
			break;
		m->us[place] = m->us[child];
		place = child;
	}
	m->us[place] = us;
}

static void moment_add(struct moments *m, int64_t us)
{
	int place = m->count++;

	while (place > 0 && m->us[(place - 1) / 2] > us) {
		m->us[place] = m->us[(place - 1) / 2];
		place = (place - 1) / 2;
	}
	m->us[place] = us;
}

/* The decks by what fits them: one group for each heap's temperature, and the pans behind them. */
struct forecast {
	struct moments *groups;
	int count;
	int64_t *store;
};

static int deck_count(const struct scheduler *s)
{
	int n = 0;

	for (int i = 0; i < s->station_count; i++)
		n += s->stations[i].decks;
	return n;
}

static int64_t deck_free(const struct scheduler_station *st, int deck, int64_t now_us)
{
	int64_t wait = st->hot && st->target_c == st->setpoint_c ? 0 : st->hot_in_us;
	int64_t taken = (st->taken >> deck & 1) != 0 ? st->free_in_us[deck] : 0;

	return now_us + (taken > wait ? taken : wait);
}

/* The group of an oven: the first temperature that it is good for; -1: nobody waits for its like. */
static int group_of(const struct scheduler *s, const struct scheduler_station *st)
{
	if (st->pan)
		return s->heap_count;
	for (int i = 0; i < s->heap_count; i++)
		if (abs(st->target_c - s->heaps[i].bake_c) <= SCHEDULER_TOLERANCE_C)
			return i;
	return -1;
}

static struct forecast forecast_new(const struct scheduler *s, int64_t now_us)
{
	struct forecast f = {.count = s->heap_count + 1};
	int decks = deck_count(s);

	f.groups = xcalloc((size_t)f.count, sizeof(*f.groups));
	f.store = xcalloc((size_t)f.count * ((size_t)decks + 1), sizeof(*f.store));
	for (int i = 0; i < f.count; i++)
		f.groups[i].us = f.store + (size_t)i * (size_t)decks;
	for (int i = 0; i < s->station_count; i++) {
		const struct scheduler_station *st = &s->stations[i];
		int group = group_of(s, st);

		for (int d = 0; group >= 0 && st->open && d < st->decks; d++)
			moment_add(&f.groups[group], deck_free(st, d, now_us));
	}
	return f;
}

/* The group with which a heap's tickets are baked: another temperature's ovens may be good for it, too. */
static int group_for(const struct scheduler *s, const struct forecast *f, int heap)
{
	for (int i = 0; i < s->heap_count; i++)
		if (f->groups[i].count > 0 &&
		    abs(s->heaps[i].bake_c - s->heaps[heap].bake_c) <= SCHEDULER_TOLERANCE_C)
			return i;
	return heap;
}

static int by_promise(const void *left, const void *right)
{
	const struct scheduled *const *a = left, *const *b = right;

	return before(*a, *b) ? -1 : before(*b, *a);
}

int64_t scheduler_oven_us(const struct scheduler_times *times, enum pizza_size size, int bake_c)
{
	double doublings = times->doubling_c > 0 ? (double)(times->oven_c - bake_c) / times->doubling_c : 0;

	return (int64_t)((double)times->oven_us[size] * exp2(doublings));
}

static int64_t foresee(const struct scheduler *s, struct forecast *f, const struct scheduled *t,
		       const struct scheduler_times *times)
{
	struct moments *ovens = &f->groups[group_for(s, f, t->heap)], *pans = &f->groups[s->heap_count];
	bool pan = pans->count > 0 && (ovens->count == 0 || pans->us[0] < ovens->us[0]);
	struct moments *m = pan ? pans : ovens;
	int64_t ready;

	if (m->count == 0)
		return INT64_MAX;
	ready = m->us[0] + (pan ? times->pan_us[t->size] : scheduler_oven_us(times, t->size, t->bake_c));
	moment_down(m, 0, ready);
	return ready;
}

static struct scheduler_outlook outlook(const struct scheduler *s, const struct forecast *f, int64_t now_us,
					const struct scheduler_times *times)
{
	struct scheduler_outlook o = {INT64_MAX, 0};

	for (int i = 0; i < f->count; i++)
		if (f->groups[i].count > 0 && f->groups[i].us[0] - now_us < o.turn_in_us)
			o.turn_in_us = f->groups[i].us[0] - now_us;
	for (int i = 0; i < s->station_count; i++) {
		const struct scheduler_station *st = &s->stations[i];
		int64_t each = (st->pan ? times->pan_us : times->oven_us)[SIZE_MEDIUM];

		if (st->open && each > 0)
			o.tickets_per_second += 1e6 * st->decks / (double)each;
	}
	return o;
}

struct scheduler_outlook scheduler_estimate(struct scheduler *s, int64_t now_us,
					    const struct scheduler_times *times)
{
	struct forecast f = forecast_new(s, now_us);
	struct scheduled **list = xcalloc((size_t)s->queued + 1, sizeof(struct scheduled *));
	struct scheduler_outlook o;
	int n = 0;

	for (int i = 0; i < s->heap_count; i++)
		for (int k = 0; k < s->heaps[i].count; k++)
			list[n++] = s->heaps[i].tickets[k];
	qsort(list, (size_t)n, sizeof(struct scheduled *), by_promise);
	for (int i = 0; i < n; i++)
		list[i]->ready_us = foresee(s, &f, list[i], times);
	o = outlook(s, &f, now_us, times);
	free(list);
	free(f.groups);
	free(f.store);
	return o;
}
