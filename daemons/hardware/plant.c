/*
 * The plant's ticks count on from where the newest saved device was.
 */
#include "daemons/hardware/plant.h"

#include <pthread.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "daemons/hardware/state.h"

#define CATCH_UP_TICKS (PLANT_CATCH_UP_MS / PHYSICS_TICK_MS)

struct plant {
	struct plant_options options;
	struct physics_world world;
	pthread_mutex_t lock;
	struct state *state; /* NULL: not kept */
	bool bus_down;
	int64_t origin_ms, origin_tick; /* the tick at that moment of the monotonic clock */
	struct physics_device *devices;
	int64_t *lost_ms; /* since when it cannot be heard; 0: it can */
};

static int64_t machine_mono_ms(void)
{
	return mono_now().ns / 1000000;
}

static int64_t now_tick(const struct plant *p, int64_t now_ms)
{
	return p->origin_tick + (now_ms - p->origin_ms) / PHYSICS_TICK_MS;
}

/* --- life --- */

/* What was saved may come from a kitchen with more decks. */
static void fit(const struct hardware_device *d, struct physics_device *s)
{
	for (int i = d->decks; i < HARDWARE_DECKS_MAX; i++) {
		if (s->deck[i].tag != 0)
			log_warn("%s has no deck %d any more: what lay there (tag %u) is gone", d->name,
				 i + 1, s->deck[i].tag);
		memset(&s->deck[i], 0, sizeof(s->deck[i]));
	}
	s->faults &= hardware_faults_of(d->kind);
}

/* Takes the device as it was saved; answers how long ago that was, 0 for a new one. */
static int64_t take_over(struct plant *p, int i, int64_t wall_us)
{
	const struct hardware_device *d = &p->options.devices[i];
	int64_t saved_us, away_ms;

	physics_device_init(&p->world, d, &p->devices[i]);
	if (p->state == NULL || !state_load(p->state, i, &p->devices[i], &saved_us))
		return 0;
	fit(d, &p->devices[i]);
	away_ms = (wall_us - saved_us) / 1000;
	return away_ms < 0 ? 0 : away_ms < PLANT_CATCH_UP_MS ? away_ms : PLANT_CATCH_UP_MS;
}

static void take_over_all(struct plant *p)
{
	int64_t wall_us = p->options.wall_us(), newest = 0;

	for (int i = 0; i < p->options.count; i++) {
		int64_t away = take_over(p, i, wall_us) / PHYSICS_TICK_MS;

		if (p->devices[i].tick + away > newest)
			newest = p->devices[i].tick + away;
	}
	p->origin_ms = p->options.mono_ms();
	p->origin_tick = newest;
	if (p->state != NULL)
		p->bus_down = state_bus_down(p->state);
}

int plant_new(const struct plant_options *options, struct plant **ret, struct error *err)
{
	struct plant *p = xcalloc(1, sizeof(*p));
	int rc = 0;

	p->options = *options;
	if (p->options.mono_ms == NULL)
		p->options.mono_ms = machine_mono_ms;
	if (p->options.wall_us == NULL)
		p->options.wall_us = clock_wall_us;
	physics_world_init(&p->world, options->time_scale, options->seed);
	pthread_mutex_init(&p->lock, NULL);
	p->devices = xcalloc((size_t)options->count, sizeof(*p->devices));
	p->lost_ms = xcalloc((size_t)options->count, sizeof(*p->lost_ms));
	if (options->file != NULL)
		rc = state_open(options->file, options->devices, options->count, &p->state, err);
	if (rc < 0) {
		plant_free(p);
		return rc;
	}
	take_over_all(p);
	*ret = p;
	return 0;
}

void plant_free(struct plant *p)
{
	if (p == NULL)
		return;
	state_close(p->state);
	pthread_mutex_destroy(&p->lock);
	free(p->devices);
	free(p->lost_ms);
	free(p);
}

const struct hardware_device *plant_device(const struct plant *p, int device)
{
	return &p->options.devices[device];
}

int plant_count(const struct plant *p)
{
	return p->options.count;
}

const struct hardware_device *plant_find(const struct plant *p, const char *name)
{
	return hardware_find(p->options.devices, p->options.count, name);
}

/* --- time --- */

static bool reachable(const struct plant *p, int i)
{
	return !p->bus_down && (p->devices[i].faults & HARDWARE_FAULT_BIT(SILENT)) == 0;
}

/* Saves the device as it is now, and notes since when it cannot be heard. */
static void keep(struct plant *p, int i, int64_t now_ms)
{
	if (reachable(p, i))
		p->lost_ms[i] = 0;
	else if (p->lost_ms[i] == 0)
		p->lost_ms[i] = now_ms;
	if (p->state != NULL)
		state_save(p->state, i, &p->devices[i], p->options.wall_us());
}

/* Brings a device up to now; the moment. */
static int64_t advance(struct plant *p, int i)
{
	struct physics_device *s = &p->devices[i];
	int64_t now_ms = p->options.mono_ms(), until = now_tick(p, now_ms);

	if (until - s->tick > CATCH_UP_TICKS)
		s->tick = until - CATCH_UP_TICKS;
	if (s->tick < until) {
		uint32_t trips = s->trips;

		while (s->tick < until)
			physics_tick(&p->world, &p->options.devices[i], s);
		keep(p, i, now_ms);
		if (s->trips != trips)
			log_warn("%s: the over-temperature cut-out has tripped", p->options.devices[i].name);
	}
	return now_ms;
}

void plant_tick(struct plant *p)
{
	pthread_mutex_lock(&p->lock);
	for (int i = 0; i < p->options.count; i++)
		advance(p, i);
	pthread_mutex_unlock(&p->lock);
}

/* --- reading --- */

void plant_read(struct plant *p, int device, struct plant_view *ret)
{
	int64_t now_ms;

	pthread_mutex_lock(&p->lock);
	now_ms = advance(p, device);
	physics_read(&p->options.devices[device], &p->devices[device], &ret->reading);
	if (p->bus_down)
		ret->reading.faults |= HARDWARE_FAULT_BIT(BUS_DOWN);
	ret->reachable = reachable(p, device);
	ret->heartbeat_age_ms = p->lost_ms[device] != 0 ? now_ms - p->lost_ms[device] : 0;
	pthread_mutex_unlock(&p->lock);
}

bool plant_reachable(struct plant *p, int device)
{
	bool answer;

	pthread_mutex_lock(&p->lock);
	answer = reachable(p, device);
	pthread_mutex_unlock(&p->lock);
	return answer;
}

bool plant_bus_down(struct plant *p)
{
	bool down;

	pthread_mutex_lock(&p->lock);
	down = p->bus_down;
	pthread_mutex_unlock(&p->lock);
	return down;
}

/* --- changing --- */

static void set_bus_down(struct plant *p, bool down, int64_t now_ms)
{
	if (down == p->bus_down)
		return;
	p->bus_down = down;
	if (p->state != NULL)
		state_set_bus_down(p->state, down);
	for (int i = 0; i < p->options.count; i++)
		keep(p, i, now_ms);
	if (p->options.bus_changed != NULL)
		p->options.bus_changed(p->options.arg);
}

static void tell_faults(const struct hardware_device *d, unsigned before, unsigned now)
{
	for (int i = 0; i < HARDWARE_FAULT_COUNT; i++)
		if (((before ^ now) & 1u << i) != 0)
			log_info("%s: %s %s", d->name, hardware_faults[i].name,
				 (now & 1u << i) != 0 ? "begins" : "is mended");
}

static void change_faults(struct plant *p, int device, unsigned broken, unsigned mended, int64_t now_ms)
{
	const unsigned bus = HARDWARE_FAULT_BIT(BUS_DOWN);
	struct physics_device *s = &p->devices[device];
	unsigned all = hardware_faults_of(p->options.devices[device].kind), before = s->faults;

	physics_set_faults(s, ((s->faults & ~mended) | broken) & all & ~bus);
	tell_faults(&p->options.devices[device], before, s->faults);
	if ((mended & all) == all)
		s->reset = s->cutout;
	set_bus_down(p, ((p->bus_down && (mended & bus) == 0) || (broken & bus) != 0), now_ms);
}

void plant_change_faults(struct plant *p, int device, unsigned broken, unsigned mended)
{
	int64_t now_ms;

	pthread_mutex_lock(&p->lock);
	now_ms = advance(p, device);
	change_faults(p, device, broken, mended, now_ms);
	keep(p, device, now_ms);
	pthread_mutex_unlock(&p->lock);
}

static void write_coil(struct physics_device *s, enum hardware_coil coil, bool on)
{
	switch (coil) {
	case HARDWARE_COIL_POWER:
		s->power = on;
		break;
	case HARDWARE_COIL_RESET:
		s->reset = on && s->cutout;
		break;
	case HARDWARE_COIL_DOOR:
		s->door = on;
		break;
	case HARDWARE_COIL_RUN:
		s->running = on;
		s->expired = false;
		s->left = on ? s->duration : 0;
		break;
	}
}

static void write_holding(struct plant *p, int device, enum hardware_holding register_, int raw,
			  int64_t now_ms)
{
	switch (register_) {
	case HARDWARE_HOLD_SETPOINT:
		p->devices[device].setpoint = raw / 10.0;
		break;
	case HARDWARE_HOLD_FAULTS:
		change_faults(p, device, (unsigned)raw, ~(unsigned)raw & UINT16_MAX, now_ms);
		break;
	case HARDWARE_HOLD_DURATION:
		p->devices[device].duration = raw;
		break;
	}
}

void plant_write(struct plant *p, int device, const struct hardware_register *r, int raw)
{
	int64_t now_ms;

	pthread_mutex_lock(&p->lock);
	now_ms = advance(p, device);
	if (r->space == HARDWARE_COIL)
		write_coil(&p->devices[device], (enum hardware_coil)r->address, raw != 0);
	else
		write_holding(p, device, (enum hardware_holding)r->address, raw, now_ms);
	keep(p, device, now_ms);
	pthread_mutex_unlock(&p->lock);
}

enum physics_verdict plant_load(struct plant *p, int device, int deck, int product, uint32_t tag)
{
	enum physics_verdict verdict;
	int64_t now_ms;

	pthread_mutex_lock(&p->lock);
	now_ms = advance(p, device);
	verdict = physics_load(&p->options.devices[device], &p->devices[device], deck, product, tag);
	keep(p, device, now_ms);
	pthread_mutex_unlock(&p->lock);
	return verdict;
}

enum physics_verdict plant_unload(struct plant *p, int device, int deck, uint32_t tag)
{
	enum physics_verdict verdict;
	int64_t now_ms;

	pthread_mutex_lock(&p->lock);
	now_ms = advance(p, device);
	verdict = physics_unload(&p->options.devices[device], &p->devices[device], deck, tag);
	keep(p, device, now_ms);
	pthread_mutex_unlock(&p->lock);
	return verdict;
}
