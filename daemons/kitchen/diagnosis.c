/*
 * Each finding is a condition that no sound station meets for so long, and in so many readings: at a high
 * time scale seconds of the kitchen alone would be too short to tell.
 */
#include "daemons/kitchen/diagnosis.h"

#define ABOVE 250 /* tenths of a degree over the setpoint */

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
	d->findings = 0;
	for (int i = 0; i < STATION_FINDING_COUNT; i++) {
		struct suspicion *s = &d->of[i];

		if (!d->looked || !rules[i].suspect(&d->last, r)) {
			s->looks = 0;
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
