/*
 * The tables of the hardware and what follows from them.
 */
#include "core/contract/hardware.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/contract/daemons.h"

const struct hardware_kind_info hardware_kinds[HARDWARE_KIND_COUNT] = {
#define X(symbol, word, low, high, first, text) {word, low, high, first, text},
    HARDWARE_KIND_TABLE(X)
#undef X
};

const struct hardware_fault_info hardware_faults[HARDWARE_FAULT_COUNT] = {
#define X(symbol, name, kinds, text) {name, kinds, text},
    HARDWARE_FAULT_TABLE(X)
#undef X
};

const struct hardware_status_info hardware_statuses[HARDWARE_STATUS_COUNT] = {
#define X(symbol, name, kinds, text) {name, kinds, text},
    HARDWARE_STATUS_TABLE(X)
#undef X
};

const struct hardware_deck_info hardware_deck_states[HARDWARE_DECK_STATE_COUNT] = {
#define X(symbol, word, text) {word, text},
    HARDWARE_DECK_TABLE(X)
#undef X
};

const struct hardware_product_info hardware_products[HARDWARE_PRODUCT_COUNT] = {{"none", 0, {0}},
#define X(symbol, word, mass, oven, pan) {word, mass, {[HARDWARE_OVEN] = (oven), [HARDWARE_PAN] = (pan)}},
										HARDWARE_PRODUCT_TABLE(X)
#undef X
};

/* --- the register map --- */

#define PER_DECK(field) HARDWARE_IN_HEAD + HARDWARE_DECK_IN_##field, HARDWARE_DECK_INPUTS
#define DECK_HOLD(field) \
	HARDWARE_DECK_HOLDING_FIRST + HARDWARE_DECK_HOLD_##field, HARDWARE_DECK_HOLDING_STRIDE
#define READ  false
#define WRITE true

/* clang-format off: a table */
const struct hardware_register hardware_registers[] = {
    {HARDWARE_COIL, HARDWARE_COIL_POWER, 0, HARDWARE_HEATED, WRITE, 0, 1, 1, "power", "",
     "1 switches the heating on"},
    {HARDWARE_COIL, HARDWARE_COIL_RESET, 0, HARDWARE_HEATED, WRITE, 0, 1, 1, "reset", "",
     "1 resets the cut-out as soon as the device has cooled 50 degrees below it; reads as 1 until then"},
    {HARDWARE_COIL, HARDWARE_COIL_DOOR, 0, HARDWARE_OVENS, WRITE, 0, 1, 1, "door", "",
     "1 opens the door and 0 closes it; it also opens by itself for each loading and unloading"},
    {HARDWARE_COIL, HARDWARE_COIL_RUN, 0, HARDWARE_TIMERS, WRITE, 0, 1, 1, "run", "",
     "1 starts the timer from its duration, 0 stops it"},

    {HARDWARE_DISCRETE, 0, 0, HARDWARE_ALL, READ, 0, 1, 1, "status", "",
     "one per bit of the input register status"},
    {HARDWARE_DISCRETE, HARDWARE_DISCRETE_DONE, 1, HARDWARE_HEATED, READ, 0, 1, 1, "done", "",
     "the readiness sensor: what lies there is browned, and hot to the core"},
    {HARDWARE_DISCRETE, HARDWARE_DISCRETE_LOADED, 1, HARDWARE_HEATED, READ, 0, 1, 1, "loaded", "",
     "something lies there"},
    {HARDWARE_DISCRETE, HARDWARE_DISCRETE_BURNT, 1, HARDWARE_HEATED, READ, 0, 1, 1, "burnt", "",
     "what lies there has browned too far"},

    {HARDWARE_INPUT, HARDWARE_IN_VALUE, 0, HARDWARE_HEATED, READ, INT16_MIN, INT16_MAX, 10, "temperature",
     "°C", "by the device's own sensor; -32768: no reading"},
    {HARDWARE_INPUT, HARDWARE_IN_VALUE, 0, HARDWARE_TIMERS, READ, 0, UINT16_MAX, 1, "left", "s",
     "until the timer expires"},
    {HARDWARE_INPUT, HARDWARE_IN_SETPOINT, 0, HARDWARE_HEATED, READ, 0, 4000, 10, "setpoint", "°C",
     "the setpoint in force"},
    {HARDWARE_INPUT, HARDWARE_IN_SETPOINT, 0, HARDWARE_TIMERS, READ, 0, UINT16_MAX, 1, "duration", "s",
     "the duration in force"},
    {HARDWARE_INPUT, HARDWARE_IN_STATUS, 0, HARDWARE_ALL, READ, 0, UINT16_MAX, 1, "status", "",
     "bits, see below"},
    {HARDWARE_INPUT, HARDWARE_IN_FAULTS, 0, HARDWARE_ALL, READ, 0, UINT16_MAX, 1, "faults", "",
     "bits, see below"},
    {HARDWARE_INPUT, HARDWARE_IN_HEARTBEAT, 0, HARDWARE_ALL, READ, 0, UINT16_MAX, 1, "heartbeat", "",
     "1 more every 100 ms of the wall clock, modulo 65536"},
    {HARDWARE_INPUT, HARDWARE_IN_KIND, 0, HARDWARE_ALL, READ, 1, HARDWARE_KIND_COUNT, 1, "kind", "",
     "1 oven, 2 pan, 3 timer"},
    {HARDWARE_INPUT, HARDWARE_IN_DECKS, 0, HARDWARE_ALL, READ, 0, HARDWARE_DECKS_MAX, 1, "decks", "",
     "how many it has"},
    {HARDWARE_INPUT, HARDWARE_IN_LOADED, 0, HARDWARE_ALL, READ, 0, 255, 1, "loaded", "",
     "bit 0 for the first deck: something lies there"},
    {HARDWARE_INPUT, HARDWARE_IN_DONE, 0, HARDWARE_ALL, READ, 0, 255, 1, "done", "",
     "likewise: the readiness sensor"},
    {HARDWARE_INPUT, HARDWARE_IN_BURNT, 0, HARDWARE_ALL, READ, 0, 255, 1, "burnt", "",
     "likewise: browned too far"},
    {HARDWARE_INPUT, HARDWARE_IN_ENERGY, 0, HARDWARE_ALL, READ, 0, UINT16_MAX, 1, "energy", "Wh",
     "used by the heater so far, modulo 65536"},
    {HARDWARE_INPUT, HARDWARE_IN_TRIPS, 0, HARDWARE_ALL, READ, 0, UINT16_MAX, 1, "trips", "",
     "how often the cut-out has tripped, modulo 65536"},
    {HARDWARE_INPUT, PER_DECK(STATE), HARDWARE_HEATED, READ, 0, HARDWARE_DECK_STATE_COUNT - 1, 1,
     "deck-state", "", "0 empty, 1 baking, 2 done, 3 burnt"},
    {HARDWARE_INPUT, PER_DECK(TAG_HIGH), HARDWARE_HEATED, READ, 0, UINT16_MAX, 1, "deck-tag-high", "",
     "upper 16 bits of the tag of what lies there; 0 when empty"},
    {HARDWARE_INPUT, PER_DECK(TAG_LOW), HARDWARE_HEATED, READ, 0, UINT16_MAX, 1, "deck-tag-low", "",
     "lower 16 bits"},
    {HARDWARE_INPUT, PER_DECK(CORE), HARDWARE_HEATED, READ, INT16_MIN, INT16_MAX, 10, "deck-core", "°C",
     "temperature at the core of what lies there"},
    {HARDWARE_INPUT, PER_DECK(BROWNING), HARDWARE_HEATED, READ, 0, 1000, 1, "deck-browning", "",
     "0 raw, from 300 on browned, from 850 on burnt, 1000 charcoal"},
    {HARDWARE_INPUT, PER_DECK(SECONDS), HARDWARE_HEATED, READ, 0, UINT16_MAX, 1, "deck-seconds", "s",
     "since it was loaded; stays at 65535"},
    {HARDWARE_INPUT, PER_DECK(PRODUCT), HARDWARE_HEATED, READ, 0, HARDWARE_PRODUCT_COUNT - 1, 1,
     "deck-product", "", "0 none, 1 small, 2 medium, 3 large"},
    {HARDWARE_INPUT, PER_DECK(LOADS), HARDWARE_HEATED, READ, 0, UINT16_MAX, 1, "deck-loads", "",
     "how often it was loaded, modulo 65536"},
    {HARDWARE_INPUT, PER_DECK(LAST_TAG_HIGH), HARDWARE_HEATED, READ, 0, UINT16_MAX, 1, "deck-last-tag-high",
     "", "upper 16 bits of the tag that was unloaded last; 0 when none was"},
    {HARDWARE_INPUT, PER_DECK(LAST_TAG_LOW), HARDWARE_HEATED, READ, 0, UINT16_MAX, 1, "deck-last-tag-low", "",
     "lower 16 bits"},
    {HARDWARE_INPUT, PER_DECK(LAST_STATE), HARDWARE_HEATED, READ, 0, HARDWARE_DECK_STATE_COUNT - 1, 1,
     "deck-last-state", "", "the state in which it was unloaded"},
    {HARDWARE_INPUT, PER_DECK(LAST_BROWNING), HARDWARE_HEATED, READ, 0, 1000, 1, "deck-last-browning", "",
     "and how brown it was"},

    {HARDWARE_HOLDING, HARDWARE_HOLD_SETPOINT, 0, HARDWARE_HEATED, WRITE, 500, 4000, 10, "setpoint", "°C",
     "what the thermostat holds; a pan's is 280 at most"},
    {HARDWARE_HOLDING, HARDWARE_HOLD_FAULTS, 0, HARDWARE_ALL, WRITE, 0, (1 << HARDWARE_FAULT_COUNT) - 1, 1,
     "faults", "", "bits, see below: what is written is broken, or mended"},
    {HARDWARE_HOLDING, HARDWARE_HOLD_DURATION, 0, HARDWARE_TIMERS, WRITE, 1, UINT16_MAX, 1, "duration", "s",
     "from where the timer counts down when it is started"},
    {HARDWARE_HOLDING, DECK_HOLD(PRODUCT), HARDWARE_HEATED, WRITE, 1, HARDWARE_PRODUCT_COUNT - 1, 1,
     "order-product", "", "1 small, 2 medium, 3 large"},
    {HARDWARE_HOLDING, DECK_HOLD(TAG_HIGH), HARDWARE_HEATED, WRITE, 0, UINT16_MAX, 1, "order-tag-high", "",
     "upper 16 bits of its tag"},
    {HARDWARE_HOLDING, DECK_HOLD(TAG_LOW), HARDWARE_HEATED, WRITE, 0, UINT16_MAX, 1, "order-tag-low", "",
     "lower 16 bits; the tag is not 0"},
    {HARDWARE_HOLDING, DECK_HOLD(COMMAND), HARDWARE_HEATED, WRITE, 0, HARDWARE_COMMAND_UNLOAD, 1,
     "order-command", "", "1 loads the deck, 2 unloads it; reads as 0"},
};
/* clang-format on */
const int hardware_register_count = ARRAY_LEN(hardware_registers);

void hardware_limits(const struct hardware_register *r, enum hardware_kind kind, int *ret_min, int *ret_max)
{
	*ret_min = r->min;
	*ret_max = r->max;
	if (r->space != HARDWARE_HOLDING)
		return;
	if (r->address == HARDWARE_HOLD_SETPOINT) {
		*ret_min = hardware_kinds[kind].setpoint_min;
		*ret_max = hardware_kinds[kind].setpoint_max;
	} else if (r->address == HARDWARE_HOLD_FAULTS) {
		*ret_max = (int)hardware_faults_of(kind);
	}
}

/* How often the row repeats on this device. */
static int row_repeats(const struct hardware_register *r, const struct hardware_device *d)
{
	return r->stride == 0 ? 1 : d->decks;
}

const struct hardware_register *hardware_register_at(const struct hardware_device *d,
						     enum hardware_space space, int address, int *ret_deck)
{
	*ret_deck = 0;
	for (int i = 0; i < hardware_register_count; i++) {
		const struct hardware_register *r = &hardware_registers[i];
		int offset = address - r->address;

		if (r->space != space || (r->kinds & 1u << d->kind) == 0 || offset < 0)
			continue;
		if (space == HARDWARE_DISCRETE && r->stride == 0 && offset < HARDWARE_DISCRETE_DONE)
			return r;
		if (r->stride == 0 ? offset == 0
				   : offset % r->stride == 0 && offset / r->stride < row_repeats(r, d)) {
			*ret_deck = r->stride == 0 ? 0 : offset / r->stride;
			return r;
		}
	}
	return NULL;
}

const struct hardware_register *hardware_setting_find(enum hardware_kind kind, const char *name)
{
	for (int i = 0; i < hardware_register_count; i++) {
		const struct hardware_register *r = &hardware_registers[i];

		if (r->writable && r->stride == 0 && (r->kinds & 1u << kind) != 0 &&
		    strcmp(r->name, name) == 0)
			return r;
	}
	return NULL;
}

const char *hardware_member(const struct hardware_register *r, char text[HARDWARE_MEMBER_SIZE])
{
	const char *suffix = strcmp(r->unit, "°C") == 0 ? "_c" : strcmp(r->unit, "s") == 0 ? "_seconds" : "";

	snprintf(text, HARDWARE_MEMBER_SIZE, "%s%s", r->name, suffix);
	return text;
}

/* --- devices --- */

int hardware_devices(struct hardware_device ret[HARDWARE_DEVICES_MAX])
{
	const int counts[HARDWARE_KIND_COUNT] = {
	    [HARDWARE_OVEN] = (int)config_int(CONFIG_KITCHEN_OVENS),
	    [HARDWARE_PAN] = (int)config_int(CONFIG_KITCHEN_PANS),
	    [HARDWARE_TIMER] = (int)config_int(CONFIG_KITCHEN_TIMERS),
	};
	const int decks[HARDWARE_KIND_COUNT] = {
	    [HARDWARE_OVEN] = (int)config_int(CONFIG_KITCHEN_DECKS),
	    [HARDWARE_PAN] = 1,
	};
	int n = 0;

	for (int kind = 0; kind < HARDWARE_KIND_COUNT; kind++)
		for (int i = 1; i <= counts[kind]; i++, n++) {
			ret[n] = (struct hardware_device){.unit = n + 1,
							  .kind = (enum hardware_kind)kind,
							  .number = i,
							  .decks = decks[kind]};
			snprintf(ret[n].name, sizeof(ret[n].name), "%s-%d", hardware_kinds[kind].word, i);
		}
	return n;
}

const struct hardware_device *hardware_find(const struct hardware_device *devices, int count,
					    const char *name)
{
	for (int i = 0; i < count; i++)
		if (strcmp(devices[i].name, name) == 0)
			return &devices[i];
	return NULL;
}

int hardware_port(void)
{
	return (int)config_int(CONFIG_PORT_BASE) + PORT_OFFSET_MODBUS;
}

const char *hardware_address(void)
{
	const char *address = config_string(CONFIG_KITCHEN_MODBUS_ADDRESS);

	return strcmp(address, "0.0.0.0") == 0 ? "127.0.0.1" : address;
}

int hardware_fault_find(const char *name)
{
	for (int i = 0; i < HARDWARE_FAULT_COUNT; i++)
		if (strcmp(hardware_faults[i].name, name) == 0)
			return i;
	return -1;
}

unsigned hardware_faults_of(enum hardware_kind kind)
{
	unsigned bits = 0;

	for (int i = 0; i < HARDWARE_FAULT_COUNT; i++)
		if ((hardware_faults[i].kinds & 1u << kind) != 0)
			bits |= 1u << i;
	return bits;
}

int hardware_product_find(const char *word)
{
	for (int i = HARDWARE_PRODUCT_NONE + 1; i < HARDWARE_PRODUCT_COUNT; i++)
		if (strcmp(hardware_products[i].word, word) == 0)
			return i;
	return -1;
}

/* --- a device's block --- */

int hardware_block(const struct hardware_device *d)
{
	return HARDWARE_IN_HEAD + d->decks * HARDWARE_DECK_INPUTS;
}

static void encode_deck(const struct hardware_deck *k, uint16_t *out)
{
	out[HARDWARE_DECK_IN_STATE] = (uint16_t)k->state;
	out[HARDWARE_DECK_IN_TAG_HIGH] = (uint16_t)(k->tag >> 16);
	out[HARDWARE_DECK_IN_TAG_LOW] = (uint16_t)k->tag;
	out[HARDWARE_DECK_IN_CORE] = (uint16_t)k->core;
	out[HARDWARE_DECK_IN_BROWNING] = (uint16_t)k->browning;
	out[HARDWARE_DECK_IN_SECONDS] = (uint16_t)(k->seconds < UINT16_MAX ? k->seconds : UINT16_MAX);
	out[HARDWARE_DECK_IN_PRODUCT] = (uint16_t)k->product;
	out[HARDWARE_DECK_IN_LOADS] = (uint16_t)k->loads;
	out[HARDWARE_DECK_IN_LAST_TAG_HIGH] = (uint16_t)(k->last_tag >> 16);
	out[HARDWARE_DECK_IN_LAST_TAG_LOW] = (uint16_t)k->last_tag;
	out[HARDWARE_DECK_IN_LAST_STATE] = (uint16_t)k->last_state;
	out[HARDWARE_DECK_IN_LAST_BROWNING] = (uint16_t)k->last_browning;
}

void hardware_encode(const struct hardware_device *d, const struct hardware_reading *r,
		     uint16_t registers[HARDWARE_BLOCK_MAX])
{
	bool timer = d->kind == HARDWARE_TIMER;

	memset(registers, 0, HARDWARE_IN_HEAD * sizeof(*registers));
	registers[HARDWARE_IN_VALUE] = (uint16_t)(timer ? r->left : r->temperature);
	registers[HARDWARE_IN_SETPOINT] = (uint16_t)(timer ? r->duration : r->setpoint);
	registers[HARDWARE_IN_STATUS] = (uint16_t)r->status;
	registers[HARDWARE_IN_FAULTS] = (uint16_t)r->faults;
	registers[HARDWARE_IN_HEARTBEAT] = (uint16_t)r->heartbeat;
	registers[HARDWARE_IN_KIND] = (uint16_t)(d->kind + 1);
	registers[HARDWARE_IN_DECKS] = (uint16_t)d->decks;
	registers[HARDWARE_IN_ENERGY] = (uint16_t)r->energy;
	registers[HARDWARE_IN_TRIPS] = (uint16_t)r->trips;
	for (int i = 0; i < d->decks; i++) {
		enum hardware_deck_state state = r->deck[i].state;
		unsigned bit = 1u << i;

		if (state != HARDWARE_DECK_EMPTY)
			registers[HARDWARE_IN_LOADED] |= (uint16_t)bit;
		if (state == HARDWARE_DECK_DONE)
			registers[HARDWARE_IN_DONE] |= (uint16_t)bit;
		if (state == HARDWARE_DECK_BURNT)
			registers[HARDWARE_IN_BURNT] |= (uint16_t)bit;
		encode_deck(&r->deck[i], registers + HARDWARE_IN_HEAD + i * HARDWARE_DECK_INPUTS);
	}
}

static uint32_t long_word(const uint16_t *high)
{
	return (uint32_t)high[0] << 16 | high[1];
}

static int decode_deck(const uint16_t *in, struct hardware_deck *ret, struct error *err)
{
	if (in[HARDWARE_DECK_IN_STATE] >= HARDWARE_DECK_STATE_COUNT ||
	    in[HARDWARE_DECK_IN_LAST_STATE] >= HARDWARE_DECK_STATE_COUNT ||
	    in[HARDWARE_DECK_IN_PRODUCT] >= HARDWARE_PRODUCT_COUNT || in[HARDWARE_DECK_IN_BROWNING] > 1000 ||
	    in[HARDWARE_DECK_IN_LAST_BROWNING] > 1000)
		return error_set(err, ERR_INVALID, "a deck", "has a state that no deck can have");
	*ret = (struct hardware_deck){
	    .state = (enum hardware_deck_state)in[HARDWARE_DECK_IN_STATE],
	    .tag = long_word(in + HARDWARE_DECK_IN_TAG_HIGH),
	    .core = (int16_t)in[HARDWARE_DECK_IN_CORE],
	    .browning = in[HARDWARE_DECK_IN_BROWNING],
	    .seconds = in[HARDWARE_DECK_IN_SECONDS],
	    .product = in[HARDWARE_DECK_IN_PRODUCT],
	    .loads = in[HARDWARE_DECK_IN_LOADS],
	    .last_tag = long_word(in + HARDWARE_DECK_IN_LAST_TAG_HIGH),
	    .last_state = (enum hardware_deck_state)in[HARDWARE_DECK_IN_LAST_STATE],
	    .last_browning = in[HARDWARE_DECK_IN_LAST_BROWNING],
	};
	return 0;
}

static int decode_head(const struct hardware_device *d, const uint16_t *in, struct hardware_reading *ret,
		       struct error *err)
{
	bool timer = d->kind == HARDWARE_TIMER;

	if (in[HARDWARE_IN_KIND] != d->kind + 1 || in[HARDWARE_IN_DECKS] != d->decks)
		return error_set(err, ERR_INVALID, d->name,
				 "unit %d answers as a device of kind %d with %d decks", d->unit,
				 in[HARDWARE_IN_KIND], in[HARDWARE_IN_DECKS]);
	*ret = (struct hardware_reading){
	    .temperature = timer ? HARDWARE_NO_READING : (int16_t)in[HARDWARE_IN_VALUE],
	    .setpoint = timer ? 0 : in[HARDWARE_IN_SETPOINT],
	    .left = timer ? in[HARDWARE_IN_VALUE] : 0,
	    .duration = timer ? in[HARDWARE_IN_SETPOINT] : 0,
	    .status = in[HARDWARE_IN_STATUS],
	    .faults = in[HARDWARE_IN_FAULTS],
	    .heartbeat = in[HARDWARE_IN_HEARTBEAT],
	    .energy = in[HARDWARE_IN_ENERGY],
	    .trips = in[HARDWARE_IN_TRIPS],
	    .decks = d->decks,
	};
	return 0;
}

int hardware_decode(const struct hardware_device *d, const uint16_t *registers, int n,
		    struct hardware_reading *ret, struct error *err)
{
	int rc;

	if (n != hardware_block(d))
		return error_set(err, ERR_INVALID, d->name, "%d registers came instead of %d", n,
				 hardware_block(d));
	rc = decode_head(d, registers, ret, err);
	for (int i = 0; rc == 0 && i < d->decks; i++)
		rc = decode_deck(registers + HARDWARE_IN_HEAD + i * HARDWARE_DECK_INPUTS, &ret->deck[i], err);
	return rc;
}

int hardware_order(int deck, enum hardware_command command, enum hardware_product product, uint32_t tag,
		   uint16_t registers[HARDWARE_DECK_HOLDINGS])
{
	registers[HARDWARE_DECK_HOLD_PRODUCT] = (uint16_t)product;
	registers[HARDWARE_DECK_HOLD_TAG_HIGH] = (uint16_t)(tag >> 16);
	registers[HARDWARE_DECK_HOLD_TAG_LOW] = (uint16_t)tag;
	registers[HARDWARE_DECK_HOLD_COMMAND] = (uint16_t)command;
	return HARDWARE_DECK_HOLDING_FIRST + deck * HARDWARE_DECK_HOLDING_STRIDE;
}
