/*
 * Stations and their decks.  A reading is compared with what ought to be; what differs becomes a move of a
 * ticket, or an order to the hardware.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "daemons/kitchen/inside.h"

#define REPEAT_MS   300 /* an order that has not come true is given again */
#define HOT_BAND    15	/* degrees below the setpoint at which a station becomes hot */
#define COLD_BAND   40	/* and at which it is not hot any more */
#define OVERDUE	    4	/* times the expected time, after which a station cannot finish a ticket */
#define WARMING_CPS 0.5 /* degrees a second, while it heats; for estimates */
#define COOLING_CPS 0.3

/* --- what a station is --- */

bool station_fresh(const struct station *st)
{
	return st->state != STATION_OFFLINE;
}

static bool reading_fresh(const struct link_device *seen)
{
	int64_t stale_ms = config_int(CONFIG_KITCHEN_STALE);

	return seen->at.ns != 0 && mono_since_ms(seen->at) <= stale_ms &&
	       mono_since_ms(seen->beat) <= stale_ms;
}

#define OF_THE_LINE (HARDWARE_FAULT_BIT(SILENT) | HARDWARE_FAULT_BIT(BUS_DOWN))

static bool reading_faulty(const struct hardware_reading *r)
{
	return (r->faults & ~OF_THE_LINE) != 0 ||
	       (r->status & (HARDWARE_STATUS_BIT(CUTOUT) | HARDWARE_STATUS_BIT(NO_READING))) != 0;
}

static void add_word(char *text, size_t size, const char *word)
{
	size_t len = strlen(text);

	snprintf(text + len, size - len, "%s%s", len > 0 ? " " : "", word);
}

void station_faults(const struct station *st, const struct link_device *seen, char *text, size_t size)
{
	bool read = seen->at.ns != 0;

	text[0] = '\0';
	for (int i = 0; i < HARDWARE_FAULT_COUNT && read; i++)
		if ((seen->reading.faults >> i & 1) != 0)
			add_word(text, size, hardware_faults[i].name);
	if (read && (seen->reading.status & HARDWARE_STATUS_BIT(CUTOUT)) != 0)
		add_word(text, size, "cutout");
	for (int i = 0; i < STATION_FINDING_COUNT; i++)
		if ((st->diagnosis.findings >> i & 1) != 0)
			add_word(text, size, station_finding_words[i]);
}

unsigned station_findings(const char *faults)
{
	unsigned findings = 0;

	for (const char *p = faults; *p != '\0';) {
		size_t n = strcspn(p, " ");

		for (int i = 0; i < STATION_FINDING_COUNT; i++)
			if (strlen(station_finding_words[i]) == n &&
			    strncmp(station_finding_words[i], p, n) == 0)
				findings |= 1u << i;
		p += n + strspn(p + n, " ");
	}
	return findings;
}

/* A timer begins and ends with each bake, which is too often to be written. */
enum station_state station_kept(const struct station *st, enum station_state state)
{
	return st->info->kind == HARDWARE_TIMER && state == STATION_IN_USE ? STATION_IDLE : state;
}

static bool loaded(const struct station *st, const struct hardware_reading *r)
{
	for (int i = 0; i < st->info->decks; i++)
		if (st->on[i] != NULL || r->deck[i].tag != 0)
			return true;
	return false;
}

static bool is_hot(const struct station *st, const struct hardware_reading *r)
{
	int band = st->hot ? COLD_BAND : HOT_BAND;

	return (r->status & HARDWARE_STATUS_BIT(POWER)) != 0 && r->temperature != HARDWARE_NO_READING &&
	       r->setpoint == st->setpoint_c * 10 && r->temperature >= r->setpoint - band * 10 &&
	       r->temperature <= r->setpoint + COLD_BAND * 10;
}

int station_trouble(const struct station *st, const struct link_device *seen)
{
	if (!reading_fresh(seen))
		return st->state == STATION_OFFLINE ? -1 : STATION_EVENT_SILENCE;
	if (st->state == STATION_OFFLINE)
		return STATION_EVENT_ANSWER;
	if (reading_faulty(&seen->reading) || st->diagnosis.findings != 0)
		return st->state == STATION_FAULTED ? -1 : STATION_EVENT_FAULT;
	return st->state == STATION_FAULTED ? STATION_EVENT_CLEAR : -1;
}

/* What happens next to an oven or a pan by its reading; -1: nothing. */
static int happening(const struct floor *f, int i)
{
	const struct station *st = &f->stations[i];
	bool closed = st->mode != STATION_MODE_OPEN, lies = loaded(st, &f->seen[i].reading);
	int trouble = station_trouble(st, &f->seen[i]);

	if (trouble >= 0)
		return trouble;
	switch (st->state) {
	case STATION_IDLE:
		if (lies)
			return STATION_EVENT_LOAD;
		if (closed)
			return -1;
		return st->hot ? STATION_EVENT_HOT : STATION_EVENT_HEAT;
	case STATION_HEATING:
		if (closed)
			return STATION_EVENT_CLOSE;
		return lies ? STATION_EVENT_LOAD : st->hot ? STATION_EVENT_HOT : -1;
	case STATION_READY:
		if (closed)
			return STATION_EVENT_CLOSE;
		return lies ? STATION_EVENT_LOAD : st->hot ? -1 : STATION_EVENT_COOL;
	case STATION_IN_USE:
		if (!lies)
			return STATION_EVENT_EMPTY;
		return closed ? STATION_EVENT_CLOSE : -1;
	case STATION_DRAINING:
		if (!lies)
			return STATION_EVENT_EMPTY;
		return closed ? -1 : STATION_EVENT_OPEN;
	case STATION_OFFLINE:
	case STATION_FAULTED:
	case STATION_STATE_COUNT:
		break;
	}
	return -1;
}

static void say(const struct station *st, enum station_state before, const struct link_device *seen)
{
	char faults[160];

	station_faults(st, seen, faults, sizeof(faults));
	if (st->state == STATION_OFFLINE)
		log_warn("%s is offline: %s", st->info->name,
			 seen->trouble[0] != '\0' ? seen->trouble : "its heartbeat stands still");
	else if (st->state == STATION_FAULTED)
		log_warn("%s is faulted: %s", st->info->name, faults);
	else if (before == STATION_OFFLINE || before == STATION_FAULTED)
		log_info("%s is back", st->info->name);
}

/* All that station_faults has words for, as bits. */
static unsigned what_is_wrong(const struct station *st, const struct hardware_reading *r)
{
	return r->faults | (r->status & HARDWARE_STATUS_BIT(CUTOUT)) << HARDWARE_FAULT_COUNT |
	       st->diagnosis.findings << (HARDWARE_FAULT_COUNT + HARDWARE_STATUS_COUNT);
}

void station_follow(struct floor *f, int i, int (*what)(const struct floor *f, int i))
{
	struct station *st = &f->stations[i];
	const struct link_device *seen = &f->seen[i];
	enum station_state before = st->state;
	unsigned wrong = what_is_wrong(st, &seen->reading);
	int event;

	for (int round = 0; round < STATION_STATE_COUNT && (event = what(f, i)) >= 0; round++) {
		int next = station_next(st->state, (enum station_event)event);

		if (next < 0)
			break;
		st->state = (enum station_state)next;
	}
	st->dirty =
	    st->dirty || station_kept(st, st->state) != station_kept(st, before) || wrong != st->wrong;
	st->wrong = wrong;
	if (st->state == before)
		return;
	st->offline = st->state == STATION_OFFLINE ? mono_now() : (struct mono){0};
	say(st, before, seen);
}

static void look_at_station(struct floor *f, int i)
{
	struct station *st = &f->stations[i];
	const struct link_device *seen = &f->seen[i];

	st->hot = is_hot(st, &seen->reading);
	if (seen->at.ns != 0)
		diagnosis_look(&st->diagnosis, &seen->reading, seen->at, f->time_scale);
	station_follow(f, i, happening);
}

/* --- times --- */

void floor_times(struct floor *f)
{
	f->times.oven_c = hardware_kinds[HARDWARE_OVEN].setpoint_first / 10;
	f->times.doubling_c = 30;
	for (int size = 0; size < SIZE_COUNT; size++) {
		int product = hardware_product_find(pizza_sizes[size]);
		const int *seconds =
		    hardware_products[product < 0 ? HARDWARE_PRODUCT_MEDIUM : product].seconds;
		double us = 1e6 / f->time_scale;

		f->times.oven_us[size] = (int64_t)(us * seconds[HARDWARE_OVEN] * f->pace[HARDWARE_OVEN]);
		f->times.pan_us[size] = (int64_t)(us * seconds[HARDWARE_PAN] * f->pace[HARDWARE_PAN]);
	}
}

int64_t station_bake_us(const struct floor *f, const struct station *st, const struct ticket *t)
{
	if (st->info->kind == HARDWARE_PAN)
		return f->times.pan_us[t->job.size];
	return scheduler_oven_us(&f->times, t->job.size, st->setpoint_c);
}

int64_t station_left_us(const struct floor *f, const struct station *st, const struct ticket *t)
{
	int64_t bake = station_bake_us(f, st, t);
	int64_t passed = t->started_us > 0 ? clock_wall_us() - t->started_us : 0;

	return passed < bake ? bake - passed : 0;
}

int64_t station_hot_in_us(const struct floor *f, int station)
{
	const struct hardware_reading *r = &f->seen[station].reading;
	double degrees = f->stations[station].setpoint_c - r->temperature / 10.0;
	double seconds = degrees > 0 ? degrees / WARMING_CPS : -degrees / COOLING_CPS;

	if (r->temperature == HARDWARE_NO_READING)
		return 0;
	return (int64_t)(seconds * 1e6 / f->time_scale);
}

/* Learns from a ticket that is done. */
static void note_pace(struct floor *f, const struct station *st, const struct ticket *t,
		      const struct hardware_deck *deck)
{
	double expected = (double)station_bake_us(f, st, t) * f->time_scale / 1e6;
	double *pace = &f->pace[st->info->kind];

	if (expected <= 0 || deck->seconds <= 0)
		return;
	*pace = fmin(fmax(0.95 * *pace + 0.05 * *pace * deck->seconds / expected, 0.2), 20);
	floor_times(f);
}

/* --- decks --- */

static bool repeats(struct station *st, int deck)
{
	if (st->ordered[deck].ns != 0 && mono_since_ms(st->ordered[deck]) < REPEAT_MS)
		return false;
	st->ordered[deck] = mono_now();
	return true;
}

static void unload(struct floor *f, int i, int deck, uint32_t tag)
{
	if (repeats(&f->stations[i], deck))
		link_unload(f->link, i, deck, tag);
}

static void burnt(struct floor *f, struct station *st, struct ticket *t, int browning)
{
	bool again = t->remakes < (int)config_int(CONFIG_KITCHEN_REMAKES);

	if (again)
		floor_move(f, t, TICKET_EVENT_BURNT, "burnt in %s", st->info->name);
	else
		floor_move(f, t, TICKET_EVENT_GIVEN_UP, "burnt %d times, at last in %s", t->remakes + 1,
			   st->info->name);
	log_warn("ticket %lld has burnt in %s (browning %d)", (long long)t->job.id, st->info->name, browning);
}

/* Whose deck shows its tag. */
static void look_at_lying(struct floor *f, int i, int deck, struct ticket *t)
{
	struct station *st = &f->stations[i];
	const struct hardware_deck *now = &f->seen[i].reading.deck[deck];
	int64_t seconds = station_bake_us(f, st, t) * f->time_scale / 1000000;

	if (now->state == HARDWARE_DECK_BURNT) {
		burnt(f, st, t, now->browning);
	} else if (now->state == HARDWARE_DECK_DONE) {
		if (t->state == TICKET_BAKING) {
			st->looked[deck] = f->seen[i].at;
			floor_move(f, t, TICKET_EVENT_SIGNAL, "%s", "");
		} else if (f->seen[i].at.ns != st->looked[deck].ns) {
			note_pace(f, st, t, now);
			floor_move(f, t, TICKET_EVENT_GOOD, "%s", "");
		}
	} else if (t->state == TICKET_CHECKING) {
		floor_move(f, t, TICKET_EVENT_UNDERDONE, "%s", "");
	} else if (st->state == STATION_FAULTED) {
		floor_move(f, t, TICKET_EVENT_MOVED, "%s is faulted", st->info->name);
	} else if (now->seconds > OVERDUE * seconds + 60) {
		floor_move(f, t, TICKET_EVENT_MOVED, "%s does not get it done", st->info->name);
	}
}

/* Whose deck has lost it: what the deck remembers of it counts. */
static void look_at_gone(struct floor *f, int i, int deck, struct ticket *t)
{
	const struct station *st = &f->stations[i];
	const struct hardware_deck *now = &f->seen[i].reading.deck[deck];

	if (now->last_tag != ticket_tag(t) || now->last_state == HARDWARE_DECK_BAKING)
		floor_move(f, t, TICKET_EVENT_MOVED, "it was taken out of %s", st->info->name);
	else if (now->last_state == HARDWARE_DECK_BURNT)
		burnt(f, f->stations + i, t, now->last_browning);
	else
		floor_move(f, t, t->state == TICKET_BAKING ? TICKET_EVENT_SIGNAL : TICKET_EVENT_GOOD, "%s",
			   "");
}

static void look_at_prepping(struct floor *f, int i, int deck, struct ticket *t)
{
	struct station *st = &f->stations[i];
	const struct hardware_deck *now = &f->seen[i].reading.deck[deck];

	if (now->tag == ticket_tag(t)) {
		timers_take(f, t);
		floor_move(f, t, TICKET_EVENT_LOADED, "%s", "");
	} else if (st->state == STATION_FAULTED || st->mode != STATION_MODE_OPEN) {
		floor_move(f, t, TICKET_EVENT_MOVED, "%s takes none", st->info->name);
	} else if (now->tag != 0) {
		unload(f, i, deck, now->tag);
	} else if (repeats(st, deck)) {
		link_load(f->link, i, deck,
			  (enum hardware_product)hardware_product_find(pizza_sizes[t->job.size]),
			  ticket_tag(t));
	}
}

/*
 * Something lies where nothing ought to: what was given up while the station was offline, and lies nowhere
 * else yet, bakes on; everything else is taken out.
 */
static void look_at_stranger(struct floor *f, int i, int deck)
{
	uint32_t tag = f->seen[i].reading.deck[deck].tag;
	struct ticket *t = pool_find(&f->tickets, tag);

	if (t != NULL && tag == f->stations[i].rescued[deck] && scheduled_queued(&t->job)) {
		struct move *m;

		scheduler_remove(f->scheduler, &t->job);
		m = floor_move(f, t, TICKET_EVENT_PLACED, "%s", "");
		m->station = i;
		m->deck = deck;
		m->device = f->devices[i].name;
		f->stations[i].on[deck] = t;
		return;
	}
	unload(f, i, deck, tag);
}

static void look_at_deck(struct floor *f, int i, int deck)
{
	struct station *st = &f->stations[i];
	struct ticket *t = st->on[deck];
	bool lies = t != NULL && f->seen[i].reading.deck[deck].tag == ticket_tag(t);

	if (!station_fresh(st)) {
		if (t == NULL || mono_since_ms(st->offline) <= config_int(CONFIG_KITCHEN_RESCUE))
			return;
		st->rescued[deck] = ticket_tag(t);
		floor_move(f, t, TICKET_EVENT_MOVED, "%s is offline", st->info->name);
	} else if (t == NULL) {
		if (f->seen[i].reading.deck[deck].tag != 0)
			look_at_stranger(f, i, deck);
	} else if (t->state == TICKET_PREPPING) {
		look_at_prepping(f, i, deck, t);
	} else if (lies) {
		look_at_lying(f, i, deck, t);
	} else {
		look_at_gone(f, i, deck, t);
	}
}

void stations_look(struct floor *f)
{
	for (int i = 0; i < f->station_count; i++) {
		look_at_station(f, i);
		for (int deck = 0; deck < f->stations[i].info->decks; deck++)
			look_at_deck(f, i, deck);
	}
}

/* --- temperatures --- */

/* What the scheduler knows of it. */
static void tell_scheduler(struct floor *f, int i)
{
	struct station *st = &f->stations[i];
	struct scheduler_station *row = scheduler_station(f->scheduler, i);
	const struct hardware_reading *r = &f->seen[i].reading;

	row->open =
	    st->mode == STATION_MODE_OPEN && st->state != STATION_OFFLINE && st->state != STATION_FAULTED;
	row->hot = st->hot;
	row->hot_in_us = st->hot ? 0 : station_hot_in_us(f, i);
	row->taken = 0;
	for (int d = 0; d < st->info->decks; d++)
		if (st->on[d] != NULL || r->deck[d].tag != 0)
			row->taken |= UINT64_C(1) << d;
	row->setpoint_c = st->setpoint_c;
}

static void heat(struct floor *f, int i)
{
	struct station *st = &f->stations[i];
	const struct hardware_reading *r = &f->seen[i].reading;
	bool power = st->mode != STATION_MODE_DRAINED || loaded(st, r);
	bool powered = (r->status & HARDWARE_STATUS_BIT(POWER)) != 0;
	bool tripped = (r->status & HARDWARE_STATUS_BIT(CUTOUT)) != 0;

	if (!station_fresh(st) || (st->told.ns != 0 && mono_since_ms(st->told) < REPEAT_MS))
		return;
	if (tripped && r->faults == 0)
		link_reset(f->link, i);
	else if (powered != power || r->setpoint != st->setpoint_c * 10)
		link_heat(f->link, i, power, st->setpoint_c * 10);
	else
		return;
	st->told = mono_now();
}

/* An oven that is to change its temperature does so when it is empty. */
static void change_over(struct floor *f, int i)
{
	struct station *st = &f->stations[i];
	struct scheduler_station *row = scheduler_station(f->scheduler, i);

	if (row->target_c == st->setpoint_c || row->taken != 0)
		return;
	log_info("%s goes from %d to %d degrees", st->info->name, st->setpoint_c, row->target_c);
	st->setpoint_c = row->setpoint_c = row->target_c;
	st->hot = row->hot = is_hot(st, &f->seen[i].reading);
}

void stations_order(struct floor *f)
{
	for (int i = 0; i < f->station_count; i++)
		tell_scheduler(f, i);
	(void)scheduler_plan(f->scheduler);
	for (int i = 0; i < f->station_count; i++) {
		change_over(f, i);
		heat(f, i);
	}
}
