/*
 * Explicit Euler steps of 2 seconds at most: the fastest time constant is that of a surface, 20 s.
 */
#include "daemons/hardware/physics.h"

#include <math.h>
#include <string.h>

#define STEP_MAX      2.0
#define BOILING	      100.0
#define DOUGH_HEAT    3.0  /* J/(g·K) */
#define DOUGH_UA      0.01 /* W/K per gram */
#define SURFACE_SHARE 0.12 /* of the nominal baking time: the surface's time constant */
#define DOUBLING      30.0 /* degrees that double the rate of browning */
#define NOISE	      0.3  /* standard deviation of a sound sensor */
#define NOISE_FAULTY  25.0 /* and of a noisy one */
#define DRIFT	      1.5  /* amplitude, at most */
#define DRIFT_PERIOD  5400.0

const struct physics_body physics_bodies[HARDWARE_KIND_COUNT] = {
    [HARDWARE_OVEN] = {.power = 6000, .capacity = 7500, .loss = 8, .door = 20, .cutout = 450},
    [HARDWARE_PAN] = {.power = 2600, .capacity = 3000, .loss = 4, .door = 0, .cutout = 340},
};

/* --- noise: a function of where and when --- */

/* splitmix64's finish. */
static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t draw(const struct physics_world *w, const struct hardware_device *d, int64_t at)
{
	uint64_t where = mix(w->seed + UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(d->unit + 1));

	return mix(where + UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)at);
}

/* About normal, deviation 1: the sum of four even ones. */
static double scatter(uint64_t bits)
{
	double sum = 0;

	for (int i = 0; i < 4; i++)
		sum += (double)(bits >> 16 * i & 0xffff) / 65535.0 - 0.5;
	return sum * 1.7320508;
}

/* Slow, of the device's own amplitude and phase. */
static double drift(const struct physics_world *w, const struct hardware_device *d, int64_t tick)
{
	uint64_t bits = draw(w, d, -1);
	double at = (double)tick * w->step_s * w->steps / DRIFT_PERIOD;
	double phase = (double)(bits & 0xffff) / 65536.0, size = (double)(bits >> 16 & 0xffff) / 65536.0;

	return DRIFT * size * sin(2 * M_PI * (at + phase));
}

/* --- the world --- */

/*
 * The rate that browns the product to "done" in its nominal time, were the device at its first setpoint all
 * the while.
 */
static double browning_rate(enum hardware_kind kind, const struct hardware_product_info *p)
{
	double setpoint = hardware_kinds[kind].setpoint_first / 10.0, surface = PHYSICS_FRIDGE, sum = 0;
	double lag = SURFACE_SHARE * p->seconds[kind];

	for (int t = 0; t < p->seconds[kind]; t++) {
		surface += (setpoint - surface) / lag;
		sum += exp2((surface - setpoint) / DOUBLING);
	}
	return sum > 0 ? HARDWARE_BROWNING_DONE / 1000.0 / sum : 0;
}

void physics_world_init(struct physics_world *w, int time_scale, uint64_t seed)
{
	double tick_s = time_scale * PHYSICS_TICK_MS / 1000.0;

	w->seed = seed;
	w->steps = (int)ceil(tick_s / STEP_MAX);
	w->step_s = tick_s / w->steps;
	for (int kind = 0; kind < HARDWARE_KIND_COUNT; kind++)
		for (int product = 0; product < HARDWARE_PRODUCT_COUNT; product++)
			w->browning[kind][product] =
			    browning_rate((enum hardware_kind)kind, &hardware_products[product]);
}

void physics_device_init(const struct physics_world *w, const struct hardware_device *d,
			 struct physics_device *ret)
{
	memset(ret, 0, sizeof(*ret)); /* it is compared and stored as bytes */
	ret->temperature = PHYSICS_AMBIENT;
	ret->reading = PHYSICS_AMBIENT + drift(w, d, 0);
	ret->setpoint = hardware_kinds[d->kind].setpoint_first / 10.0;
	ret->duration = 60;
}

/* --- one step --- */

static bool door_open(const struct physics_device *s)
{
	return s->door || s->door_left > 0 || (s->faults & HARDWARE_FAULT_BIT(DOOR_OPEN)) != 0;
}

static void sense(const struct physics_world *w, const struct hardware_device *d, struct physics_device *s)
{
	bool noisy = (s->faults & HARDWARE_FAULT_BIT(SENSOR_NOISY)) != 0;

	if ((s->faults & HARDWARE_FAULT_BIT(SENSOR_STUCK)) != 0)
		s->reading = s->stuck_at;
	else
		s->reading = s->temperature + drift(w, d, s->tick) +
			     (noisy ? NOISE_FAULTY : NOISE) * scatter(draw(w, d, s->tick));
}

static void guard(const struct hardware_device *d, struct physics_device *s)
{
	double limit = physics_bodies[d->kind].cutout;

	if (!s->cutout && s->temperature >= limit) {
		s->cutout = true;
		s->trips++;
	}
	if (s->cutout && s->reset && s->temperature < limit - PHYSICS_RESET_BELOW)
		s->cutout = false;
	if (!s->cutout)
		s->reset = false;
}

static void switch_heater(struct physics_device *s)
{
	if (s->cutout)
		s->heater = false;
	else if ((s->faults & HARDWARE_FAULT_BIT(THERMOSTAT_STUCK)) != 0)
		s->heater = true;
	else if (!s->power || (s->faults & HARDWARE_FAULT_BIT(SENSOR_DISCONNECTED)) != 0)
		s->heater = false;
	else if (s->reading <= s->setpoint - PHYSICS_HYSTERESIS)
		s->heater = true;
	else if (s->reading >= s->setpoint + PHYSICS_HYSTERESIS)
		s->heater = false;
}

/* What a pizza takes up in a step, in J. */
static double bake(const struct physics_world *w, const struct hardware_device *d, double temperature,
		   struct physics_deck *k)
{
	const struct hardware_product_info *p = &hardware_products[k->product];
	double heat = DOUGH_UA * p->mass_g * (temperature - k->core) * w->step_s;
	double lag = SURFACE_SHARE * p->seconds[d->kind];
	double reference = hardware_kinds[d->kind].setpoint_first / 10.0;

	k->core = fmin(k->core + heat / (DOUGH_HEAT * p->mass_g), BOILING);
	k->surface += (temperature - k->surface) * w->step_s / lag;
	k->browning +=
	    w->browning[d->kind][k->product] * exp2((k->surface - reference) / DOUBLING) * w->step_s;
	k->browning = fmin(k->browning, 1);
	k->seconds += w->step_s;
	return heat;
}

static void step_heat(const struct physics_world *w, const struct hardware_device *d,
		      struct physics_device *s)
{
	const struct physics_body *b = &physics_bodies[d->kind];
	bool heats = s->heater && (s->faults & HARDWARE_FAULT_BIT(HEATER_DEAD)) == 0;
	double in = heats ? b->power * d->decks * w->step_s : 0, dough = 0;
	double loss = (b->loss + (door_open(s) ? b->door : 0)) * d->decks;
	double out = loss * (s->temperature - PHYSICS_AMBIENT) * w->step_s;

	for (int i = 0; i < d->decks; i++)
		if (s->deck[i].tag != 0)
			dough += bake(w, d, s->temperature, &s->deck[i]);
	s->temperature += (in - out - dough) / (b->capacity * d->decks);
	s->energy += in;
	s->lost += out;
	s->taken += dough;
	s->door_left = fmax(s->door_left - w->step_s, 0);
}

static void step_timer(const struct physics_world *w, struct physics_device *s)
{
	bool drifts = (s->faults & HARDWARE_FAULT_BIT(TIMER_DRIFT)) != 0;

	if (!s->running)
		return;
	s->left -= w->step_s * (drifts ? PHYSICS_TIMER_DRIFT : 1);
	if (s->left <= 0) {
		s->left = 0;
		s->running = false;
		s->expired = true;
	}
}

void physics_tick(const struct physics_world *w, const struct hardware_device *d, struct physics_device *s)
{
	s->tick++;
	if (d->kind == HARDWARE_TIMER) {
		for (int i = 0; i < w->steps; i++)
			step_timer(w, s);
		return;
	}
	sense(w, d, s);
	for (int i = 0; i < w->steps; i++) {
		guard(d, s);
		switch_heater(s);
		step_heat(w, d, s);
	}
}

/* --- what is done to it --- */

void physics_set_faults(struct physics_device *s, uint32_t faults)
{
	if ((faults & ~s->faults & HARDWARE_FAULT_BIT(SENSOR_STUCK)) != 0)
		s->stuck_at = s->reading;
	s->faults = faults;
}

static void open_for_a_moment(const struct hardware_device *d, struct physics_device *s)
{
	if (d->kind == HARDWARE_OVEN)
		s->door_left = PHYSICS_DOOR_S;
}

enum physics_verdict physics_load(const struct hardware_device *d, struct physics_device *s, int deck,
				  int product, uint32_t tag)
{
	struct physics_deck *k = &s->deck[deck];

	if (k->tag != 0)
		return k->tag == tag ? PHYSICS_ALREADY : PHYSICS_BUSY;
	k->tag = tag;
	k->product = product;
	k->core = k->surface = PHYSICS_FRIDGE;
	k->browning = k->seconds = 0;
	k->loads++;
	open_for_a_moment(d, s);
	return PHYSICS_OK;
}

enum hardware_deck_state physics_deck_state(const struct physics_deck *k)
{
	if (k->tag == 0)
		return HARDWARE_DECK_EMPTY;
	if (k->browning * 1000 >= HARDWARE_BROWNING_BURNT)
		return HARDWARE_DECK_BURNT;
	if (k->browning * 1000 >= HARDWARE_BROWNING_DONE && k->core * 10 >= HARDWARE_CORE_DONE)
		return HARDWARE_DECK_DONE;
	return HARDWARE_DECK_BAKING;
}

enum physics_verdict physics_unload(const struct hardware_device *d, struct physics_device *s, int deck,
				    uint32_t tag)
{
	struct physics_deck *k = &s->deck[deck];

	if (k->tag == 0)
		return PHYSICS_ALREADY;
	if (k->tag != tag)
		return PHYSICS_BUSY;
	k->last_tag = tag;
	k->last_state = physics_deck_state(k);
	k->last_browning = (int32_t)(k->browning * 1000);
	k->tag = 0;
	k->product = HARDWARE_PRODUCT_NONE;
	k->core = k->surface = k->browning = k->seconds = 0;
	open_for_a_moment(d, s);
	return PHYSICS_OK;
}

/* --- what it tells --- */

static unsigned status_bits(const struct hardware_device *d, const struct physics_device *s)
{
	bool lost = (s->faults & HARDWARE_FAULT_BIT(SENSOR_DISCONNECTED)) != 0;
	bool ready = s->power && !s->cutout && !lost && fabs(s->reading - s->setpoint) <= PHYSICS_READY_BAND;

	if (d->kind == HARDWARE_TIMER)
		return (s->running ? HARDWARE_STATUS_BIT(RUNNING) : 0) |
		       (s->expired ? HARDWARE_STATUS_BIT(EXPIRED) : 0);
	return (s->power ? HARDWARE_STATUS_BIT(POWER) : 0) | (s->heater ? HARDWARE_STATUS_BIT(HEATER) : 0) |
	       (ready ? HARDWARE_STATUS_BIT(READY) : 0) | (door_open(s) ? HARDWARE_STATUS_BIT(DOOR) : 0) |
	       (s->cutout ? HARDWARE_STATUS_BIT(CUTOUT) : 0) | (lost ? HARDWARE_STATUS_BIT(NO_READING) : 0) |
	       (s->reset ? HARDWARE_STATUS_BIT(RESETTING) : 0);
}

static void read_deck(const struct physics_deck *k, struct hardware_deck *ret)
{
	*ret = (struct hardware_deck){
	    .state = physics_deck_state(k),
	    .tag = k->tag,
	    .core = (int)lround(k->core * 10),
	    .browning = (int)(k->browning * 1000),
	    .seconds = k->seconds < UINT16_MAX ? (int)lround(k->seconds) : UINT16_MAX,
	    .product = k->product,
	    .loads = (int)(k->loads & UINT16_MAX),
	    .last_tag = k->last_tag,
	    .last_state = (enum hardware_deck_state)k->last_state,
	    .last_browning = k->last_browning,
	};
}

void physics_read(const struct hardware_device *d, const struct physics_device *s,
		  struct hardware_reading *ret)
{
	bool silent_sensor =
	    d->kind == HARDWARE_TIMER || (s->faults & HARDWARE_FAULT_BIT(SENSOR_DISCONNECTED)) != 0;

	*ret = (struct hardware_reading){
	    .temperature = silent_sensor ? HARDWARE_NO_READING : (int)lround(s->reading * 10),
	    .setpoint = d->kind == HARDWARE_TIMER ? 0 : (int)lround(s->setpoint * 10),
	    .left = (int)ceil(s->left),
	    .duration = d->kind == HARDWARE_TIMER ? (int)lround(s->duration) : 0,
	    .status = status_bits(d, s),
	    .faults = s->faults,
	    .heartbeat = (int)(s->tick / (100 / PHYSICS_TICK_MS) & UINT16_MAX),
	    .energy = (int)((int64_t)(s->energy / 3600) & UINT16_MAX),
	    .trips = (int)(s->trips & UINT16_MAX),
	    .decks = d->decks,
	};
	for (int i = 0; i < d->decks; i++)
		read_deck(&s->deck[i], &ret->deck[i]);
}
