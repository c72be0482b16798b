/*
 * Timers.  A bake that begins takes a free one, which counts its planned time down; when there is none, and
 * when its timer is lost, the kitchen's own clock counts on.  Each timer is compared with that clock whenever
 * it runs: one that is wrong, or says so, gets no bakes, and is tried until it has been right once.
 *
 * Which timer counts for which ticket is in the database, so that after a crash a bake keeps its timer.  What
 * runs for nobody is left alone: an operator has started it, or it runs out.
 */
#include "core/base/log.h"
#include "core/base/mem.h"
#include "daemons/kitchen/inside.h"

#define REPEAT_MS 300 /* an order that has not come true is given again */
#define TRIAL_S	  60  /* of the wall clock: how long a trial runs */

/* --- bakes and their timers --- */

static bool is_free(const struct floor *f, int i)
{
	return f->stations[i].state == STATION_IDLE && f->timers[i].of == NULL && !f->timers[i].stop &&
	       (f->seen[i].reading.status & HARDWARE_STATUS_BIT(RUNNING)) == 0;
}

void timers_take(struct floor *f, struct ticket *t)
{
	int count = f->device_count - f->station_count;

	for (int n = 0; n < count && t->timer < 0; n++) {
		int i = f->station_count + (f->next_timer + n) % count;

		if (!is_free(f, i))
			continue;
		t->timer = i;
		f->timers[i].of = t;
		f->timers[i].begun = f->timers[i].adopted = false;
		f->timers[i].told = (struct mono){0};
		f->next_timer = (i - f->station_count + 1) % count; /* each gets its turn, and is looked at */
	}
}

void timers_adopt(struct floor *f, struct ticket *t, const char *name)
{
	const struct hardware_device *d = hardware_find(f->devices, f->device_count, name);
	struct timer *tm = d != NULL ? &f->timers[d - f->devices] : NULL;

	if (d == NULL || d->kind != HARDWARE_TIMER || (tm->of != NULL && tm->of->started_us > t->started_us))
		return;
	if (tm->of != NULL)
		tm->of->timer = -1;
	t->timer = (int)(d - f->devices);
	tm->of = t;
	tm->ours = tm->adopted = true;
	tm->begun = tm->stop = false;
	tm->told = (struct mono){0};
}

void timers_release(struct floor *f, struct ticket *t)
{
	struct timer *tm = t->timer >= 0 ? &f->timers[t->timer] : NULL;

	t->timer = -1;
	if (tm == NULL || tm->of != t)
		return;
	tm->of = NULL;
	tm->stop = tm->ours;
}

void timers_forget(struct floor *f)
{
	for (int i = f->station_count; i < f->device_count; i++) {
		struct timer *tm = &f->timers[i];

		tm->stop = tm->stop || (tm->of != NULL && tm->ours);
		tm->of = NULL;
	}
}

/* It runs, or has run out. */
static bool counts(const struct hardware_reading *r)
{
	return (r->status & (HARDWARE_STATUS_BIT(RUNNING) | HARDWARE_STATUS_BIT(EXPIRED))) != 0;
}

int64_t timers_left_us(const struct floor *f, const struct ticket *t)
{
	const struct link_device *seen = t->timer >= 0 ? &f->seen[t->timer] : NULL;
	int64_t left;

	if (seen == NULL || !f->timers[t->timer].begun || f->stations[t->timer].state != STATION_IN_USE ||
	    !counts(&seen->reading)) /* somebody has stopped it */
		return -1;
	left = seen->reading.left * INT64_C(1000000) / f->time_scale - mono_diff_us(mono_now(), seen->at);
	return left > 0 ? left : 0;
}

/* --- what a timer is --- */

static int happening(const struct floor *f, int i)
{
	const struct station *st = &f->stations[i];
	int event = station_trouble(st, &f->seen[i]);

	if (event >= 0)
		return event;
	if (st->state == STATION_IDLE && f->timers[i].of != NULL)
		return STATION_EVENT_LOAD;
	return st->state == STATION_IN_USE && f->timers[i].of == NULL ? STATION_EVENT_EMPTY : -1;
}

/* What it has counted for goes on by the kitchen's clock. */
static void lose(struct floor *f, int i)
{
	struct timer *tm = &f->timers[i];
	struct ticket *t = tm->of;

	if (t == NULL)
		return;
	log_info("ticket %lld goes on by the kitchen's own clock: %s is %s", (long long)t->job.id,
		 f->devices[i].name, station_state_words[f->stations[i].state]);
	t->timer = -1;
	tm->of = NULL;
}

static void look_at_timer(struct floor *f, int i)
{
	struct station *st = &f->stations[i];
	struct timer *tm = &f->timers[i];
	const struct link_device *seen = &f->seen[i];
	enum station_state before = st->state;
	bool wrong = tm->keeping.wrong;

	if (seen->at.ns != 0)
		wrong = diagnosis_time(&tm->keeping, &seen->reading, seen->asked, seen->at, f->time_scale);
	st->diagnosis.findings = wrong ? STATION_FINDING_BIT(WRONG_TIME) : 0;
	station_follow(f, i, happening);
	if (st->state == STATION_OFFLINE) { /* it may count on, or be started anew */
		diagnosis_time_lost(&tm->keeping);
		tm->begun = false;
		tm->adopted = true;
	} else if (st->state == STATION_FAULTED) {
		lose(f, i);
	} else if (before == STATION_OFFLINE || before == STATION_FAULTED) {
		tm->stop = tm->ours && tm->of == NULL; /* what has run on meanwhile */
	}
}

/* --- orders --- */

static bool repeats(struct timer *tm)
{
	if (tm->told.ns != 0 && mono_since_ms(tm->told) < REPEAT_MS)
		return false;
	tm->told = mono_now();
	return true;
}

static void run(struct floor *f, int i, int64_t seconds)
{
	struct timer *tm = &f->timers[i];

	if (!repeats(tm))
		return;
	tm->ours = true;
	link_time(f->link, i, seconds < 1 ? 1 : seconds > UINT16_MAX ? UINT16_MAX : (int)seconds);
}

/* The reading was asked for after the last order. */
static bool heard(const struct floor *f, int i)
{
	return mono_diff_us(f->seen[i].asked, f->timers[i].told) > 0;
}

static void begin(struct floor *f, int i)
{
	struct timer *tm = &f->timers[i];
	const struct ticket *t = tm->of;

	if ((tm->adopted || (tm->told.ns != 0 && heard(f, i))) && counts(&f->seen[i].reading))
		tm->begun = true;
	else
		run(f, i, station_left_us(f, &f->stations[t->station], t) * f->time_scale / 1000000);
	tm->adopted = false;
}

static void end(struct floor *f, int i)
{
	struct timer *tm = &f->timers[i];

	if (heard(f, i) && !counts(&f->seen[i].reading))
		tm->stop = tm->ours = false;
	else if (repeats(tm))
		link_time(f->link, i, 0);
}

static void order(struct floor *f, int i)
{
	struct timer *tm = &f->timers[i];
	const struct hardware_reading *r = &f->seen[i].reading;

	switch (f->stations[i].state) {
	case STATION_IDLE:
	case STATION_IN_USE:
		if (tm->of != NULL && !tm->begun)
			begin(f, i);
		else if (tm->of == NULL && tm->stop)
			end(f, i);
		break;
	case STATION_FAULTED: /* on trial, unless it says itself that it is not in order */
		if (r->faults == 0 && (r->status & HARDWARE_STATUS_BIT(RUNNING)) == 0)
			run(f, i, (int64_t)TRIAL_S * f->time_scale);
		break;
	case STATION_OFFLINE:
	case STATION_HEATING:
	case STATION_READY:
	case STATION_DRAINING:
	case STATION_STATE_COUNT:
		break;
	}
}

void timers_look(struct floor *f)
{
	for (int i = f->station_count; i < f->device_count; i++) {
		look_at_timer(f, i);
		order(f, i);
	}
}
