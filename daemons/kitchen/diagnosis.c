/*
 * Each finding is a condition that no sound station meets for so long, and in so many readings: at a high
 * time scale seconds of the kitchen alone would be too short to tell.
 */
#include "daemons/kitchen/diagnosis.h"

#define ABOVE 250 /* tenths of a degree over the setpoint */

#define WINDOW_S      100     /* of the kitchen, and */
#define WINDOW_US     1000000 /* of the wall clock: for so long at least a timer is compared */
#define OFF	      0.1
#define BLUR	      0.1   /* a comparison that is less certain says nothing */
#define RESOLUTION_US 10000 /* of the wall clock, in which a timer's time passes */

static bool is(const struct hardware_reading *r, unsigned bit)
{
	return (r->status & bit) != 0;
}

/* Noise alone moves a sound sensor's last digit. */
static bool stands_still(const struct hardware_reading *before, const struct hardware_reading *now)
{
	return is(now, HARDWARE_STATUS_BIT(POWER)) && now->temperature != HARDWARE_NO_READING &&
	       now->temperature == before->temperature;
}

static bool overheats(const struct hardware_reading *before, const struct hardware_reading *now)
{
	(void)before;
	return is(now, HARDWARE_STATUS_BIT(HEATER)) && now->temperature != HARDWARE_NO_READING &&
	       now->temperature > now->setpoint + ABOVE;
}

static bool same_decks(const struct hardware_reading *before, const struct hardware_reading *now)
{
	for (int i = 0; i < now->decks; i++)
		if (before->deck[i].tag != now->deck[i].tag || before->deck[i].loads != now->deck[i].loads)
			return false;
	return true;
}

static bool door_stands_open(const struct hardware_reading *before, const struct hardware_reading *now)
{
	return is(now, HARDWARE_STATUS_BIT(DOOR)) && same_decks(before, now);
}

/* Those of stations; timers have diagnosis_time. */
static const struct {
	bool (*suspect)(const struct hardware_reading *before, const struct hardware_reading *now);
	int seconds; /* of the kitchen */
	int looks;
} rules[STATION_FINDING_COUNT] = {
    [STATION_FINDING_SENSOR_STILL] = {stands_still, 120, 10},
    [STATION_FINDING_OVERHEATS] = {overheats, 20, 3},
    [STATION_FINDING_DOOR_LEFT] = {door_stands_open, 60, 3},
};

unsigned diagnosis_look(struct diagnosis *d, const struct hardware_reading *r, struct mono at, int time_scale)
{
	if (d->looked && r->heartbeat == d->last.heartbeat)
		return d->findings;
	for (int i = 0; i < STATION_FINDING_COUNT; i++) {
		struct suspicion *s = &d->of[i];

		if (!d->looked)
			continue;
		if (rules[i].suspect == NULL || !rules[i].suspect(&d->last, r)) {
			s->looks = 0;
			d->findings &= ~(1u << i);
			continue;
		}
		if (s->looks++ == 0)
			s->since = at;
		if (s->looks >= rules[i].looks &&
		    mono_diff_us(at, s->since) * time_scale >= rules[i].seconds * INT64_C(1000000))
			d->findings |= 1u << i;
	}
	d->last = *r;
	d->looked = true;
	return d->findings;
}

/* --- timers --- */

static int64_t passed_us(struct mono from, struct mono to)
{
	int64_t us = mono_diff_us(to, from);

	return us > 0 ? us : 0;
}

/* Adds the run so far to the window; it goes on from there. */
static void fold(struct timekeeping *k)
{
	k->counted_s += k->first.left - k->last.left;
	k->least_us += passed_us(k->first.at, k->last.asked);
	k->most_us += passed_us(k->first.asked, k->last.at);
	k->first = k->last;
}

static void begin_window(struct timekeeping *k)
{
	k->counted_s = k->least_us = k->most_us = 0;
	k->ended = 0;
}

/* -1 too slow, 1 too fast, 0 right; 2: that cannot be told.  Each run is as uncertain as its two ends. */
static int judge(const struct timekeeping *k, int time_scale)
{
	double least = (double)k->least_us / 1e6 * time_scale, most = (double)k->most_us / 1e6 * time_scale;
	double blur = (k->ended + 1) * (1 + RESOLUTION_US / 1e6 * time_scale);

	if ((double)k->counted_s + blur < (1 - OFF) * least)
		return -1;
	if ((double)k->counted_s - blur > (1 + OFF) * most)
		return 1;
	return most - least + 2 * blur > BLUR * least ? 2 : 0;
}

static void conclude(struct timekeeping *k, int verdict)
{
	if (verdict == 2)
		return;
	if (verdict == 0)
		k->wrong = false;
	k->off = verdict * k->off > 0 ? k->off + verdict : verdict;
	if (k->off >= 2 || k->off <= -2)
		k->wrong = true;
}

static bool goes_on(const struct timekeeping *k, const struct hardware_reading *r)
{
	return is(r, HARDWARE_STATUS_BIT(RUNNING)) && r->duration == k->last.duration &&
	       r->left <= k->last.left;
}

bool diagnosis_time(struct timekeeping *k, const struct hardware_reading *r, struct mono asked,
		    struct mono at, int time_scale)
{
	const struct timer_look look = {r->left, r->duration, asked, at};
	int64_t window_us = WINDOW_S * INT64_C(1000000) / time_scale;

	if (k->runs && at.ns == k->last.at.ns)
		return k->wrong;
	if (k->runs && !goes_on(k, r)) {
		fold(k);
		k->ended++;
		k->runs = false;
	}
	if (!is(r, HARDWARE_STATUS_BIT(RUNNING)))
		return k->wrong;
	if (!k->runs)
		k->first = look;
	k->runs = true;
	k->last = look;
	if (k->least_us + passed_us(k->first.at, k->last.asked) <
	    (window_us > WINDOW_US ? window_us : WINDOW_US))
		return k->wrong;
	fold(k);
	conclude(k, judge(k, time_scale));
	begin_window(k);
	return k->wrong;
}

void diagnosis_time_lost(struct timekeeping *k)
{
	k->runs = false;
	begin_window(k);
}
