/*
 * The kitchen's hardware as it is seen over Modbus/TCP: the devices, their register map, faults and products.
 *
 * One Modbus unit is one device: unit 1 is the first.  Everything that can be known of a device lies in its
 * input registers from 0 on, hardware_block() of them, so that one request (function 4) reads it all at one
 * moment.  Temperatures are signed tenths of a degree Celsius; durations are seconds of the kitchen, which
 * pass kitchen.time_scale times as fast as those of the wall clock.
 *
 * A deck is a place for one pizza: an oven has several, a pan has one.  It is loaded by one request
 * (function 16) that writes the four holding registers of the deck, from product on: product, tag (32 bits,
 * not 0, the client's own name of what lies there), command 1; command 2 with the same tag unloads it
 * (hardware_order).  Both may be repeated: loading what is already there and unloading what is gone are
 * accepted and change nothing.  A deck that holds another tag answers exception 6 (busy), values that are
 * out of range exception 3, registers that are not there exception 2.  Tags outlive the client and the
 * device: a client that was killed finds out by reading which of its tags lie where, and which was unloaded
 * last, in which state.
 *
 * Pure and thread safe.
 */
#ifndef PIZZA_CONTRACT_HARDWARE_H
#define PIZZA_CONTRACT_HARDWARE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"

/* --- devices --- */

/* X(symbol, "word", lowest setpoint, highest, setpoint at first, in tenths of a degree, "text") */
#define HARDWARE_KIND_TABLE(X)                                                          \
	X(OVEN, "oven", 500, 4000, 3200, "a deck oven with a door")                     \
	X(PAN, "pan", 500, 2800, 2300, "a covered pan on a hot plate; it has one deck") \
	X(TIMER, "timer", 0, 0, 0, "a countdown timer")

enum hardware_kind {
#define X(symbol, word, low, high, first, text) HARDWARE_##symbol,
	HARDWARE_KIND_TABLE(X)
#undef X
	    HARDWARE_KIND_COUNT
};
/* Sets of kinds, for the tables below. */
#define HARDWARE_OVENS	(1u << HARDWARE_OVEN)
#define HARDWARE_PANS	(1u << HARDWARE_PAN)
#define HARDWARE_TIMERS (1u << HARDWARE_TIMER)
#define HARDWARE_HEATED (HARDWARE_OVENS | HARDWARE_PANS)
#define HARDWARE_ALL	(HARDWARE_HEATED | HARDWARE_TIMERS)

struct hardware_kind_info {
	const char *word;
	int setpoint_min, setpoint_max, setpoint_first; /* tenths of a degree */
	const char *text;
};
extern const struct hardware_kind_info hardware_kinds[HARDWARE_KIND_COUNT];

#define HARDWARE_NAME_SIZE   16
#define HARDWARE_DECKS_MAX   8
#define HARDWARE_DEVICES_MAX 247 /* Modbus units 1 to 247 */

struct hardware_device {
	int unit;		       /* Modbus unit id, from 1 */
	enum hardware_kind kind;       /* ovens come first, then pans, then timers */
	int number;		       /* among its kind, from 1 */
	int decks;		       /* 0 for timers */
	char name[HARDWARE_NAME_SIZE]; /* "oven-1" */
};
/* Fills in the devices that the configuration (kitchen.ovens, .decks, .pans, .timers) asks for; how many. */
int hardware_devices(struct hardware_device ret[HARDWARE_DEVICES_MAX]);
/* By name; NULL when there is none. */
const struct hardware_device *hardware_find(const struct hardware_device *devices, int count,
					    const char *name);
/* Where the devices answer: port_base + 502, and the address that clients connect to (kitchen.modbus_address,
 * or loopback when that is every address). */
int hardware_port(void);
const char *hardware_address(void);

/* --- faults --- */

/* X(symbol, "name", kinds, "text"): bits of the registers "faults", from bit 0 on. */
#define HARDWARE_FAULT_TABLE(X)                                                                           \
	X(HEATER_DEAD, "heater-dead", HARDWARE_HEATED, "the heater gives no heat")                        \
	X(THERMOSTAT_STUCK, "thermostat-stuck", HARDWARE_HEATED,                                          \
	  "the heater never goes off; the over-temperature cut-out ends it")                              \
	X(SENSOR_STUCK, "sensor-stuck", HARDWARE_HEATED, "the temperature sensor stays at what it shows") \
	X(SENSOR_NOISY, "sensor-noisy", HARDWARE_HEATED,                                                  \
	  "the temperature sensor scatters by tens of degrees")                                           \
	X(SENSOR_DISCONNECTED, "sensor-disconnected", HARDWARE_HEATED,                                    \
	  "the temperature sensor gives no reading; the heater stays off")                                \
	X(DOOR_OPEN, "door-open", HARDWARE_OVENS, "the door does not close")                              \
	X(TIMER_DRIFT, "timer-drift", HARDWARE_TIMERS, "the timer runs a fifth too slow")                 \
	X(SILENT, "silent", HARDWARE_ALL, "the device does not answer")                                   \
	X(BUS_DOWN, "bus-down", HARDWARE_ALL, "no device can be reached: connections are refused")

enum hardware_fault {
#define X(symbol, name, kinds, text) HARDWARE_FAULT_##symbol,
	HARDWARE_FAULT_TABLE(X)
#undef X
	    HARDWARE_FAULT_COUNT
};
#define HARDWARE_FAULT_BIT(symbol) (1u << HARDWARE_FAULT_##symbol)

struct hardware_fault_info {
	const char *name;
	unsigned kinds; /* that can have it */
	const char *text;
};
extern const struct hardware_fault_info hardware_faults[HARDWARE_FAULT_COUNT];
/* -1 when the name is none. */
int hardware_fault_find(const char *name);
/* All faults that a kind can have, as bits. */
unsigned hardware_faults_of(enum hardware_kind kind);

/* --- status --- */

/* X(symbol, "name", kinds, "text"): bits of the input register "status", and the discrete inputs from 0. */
#define HARDWARE_STATUS_TABLE(X)                                                                    \
	X(POWER, "power", HARDWARE_HEATED, "heating is switched on")                                \
	X(HEATER, "heater", HARDWARE_HEATED, "the heater is on at this moment")                     \
	X(READY, "at-temperature", HARDWARE_HEATED,                                                 \
	  "switched on and within 15 degrees of the setpoint, by its own sensor")                   \
	X(DOOR, "door", HARDWARE_OVENS, "the door is open")                                         \
	X(CUTOUT, "cutout", HARDWARE_HEATED,                                                        \
	  "the over-temperature cut-out has tripped: no heat until it is reset")                    \
	X(NO_READING, "no-reading", HARDWARE_HEATED, "the temperature sensor gives no reading")     \
	X(RUNNING, "running", HARDWARE_TIMERS, "the timer counts down")                             \
	X(EXPIRED, "expired", HARDWARE_TIMERS, "the timer has reached 0 and was not stopped since") \
	X(RESETTING, "resetting", HARDWARE_HEATED, "the cut-out is reset as soon as the device has cooled")

enum hardware_status {
#define X(symbol, name, kinds, text) HARDWARE_STATUS_##symbol,
	HARDWARE_STATUS_TABLE(X)
#undef X
	    HARDWARE_STATUS_COUNT
};
#define HARDWARE_STATUS_BIT(symbol) (1u << HARDWARE_STATUS_##symbol)

struct hardware_status_info {
	const char *name;
	unsigned kinds;
	const char *text;
};
extern const struct hardware_status_info hardware_statuses[HARDWARE_STATUS_COUNT];

/* --- decks and products --- */

/* X(symbol, "word", "text"): a deck's register "state", from 0 on. */
#define HARDWARE_DECK_TABLE(X)                                                     \
	X(EMPTY, "empty", "nothing lies there")                                    \
	X(BAKING, "baking", "not done yet")                                        \
	X(DONE, "done", "the readiness sensor says: browned, and hot to the core") \
	X(BURNT, "burnt", "browned too far")

enum hardware_deck_state {
#define X(symbol, word, text) HARDWARE_DECK_##symbol,
	HARDWARE_DECK_TABLE(X)
#undef X
	    HARDWARE_DECK_STATE_COUNT
};
struct hardware_deck_info {
	const char *word;
	const char *text;
};
extern const struct hardware_deck_info hardware_deck_states[HARDWARE_DECK_STATE_COUNT];

/* Browning goes from 0 (raw) to 1000 (charcoal). */
#define HARDWARE_BROWNING_DONE	300
#define HARDWARE_BROWNING_BURNT 850
#define HARDWARE_CORE_DONE	900 /* tenths of a degree */

/* X(symbol, "word", mass in g, seconds in an oven, in a pan): a deck's register "product", from 1 on; the
 * seconds are those from loading to done in a device that is at its first setpoint. */
#define HARDWARE_PRODUCT_TABLE(X)          \
	X(SMALL, "small", 280, 180, 300)   \
	X(MEDIUM, "medium", 420, 220, 360) \
	X(LARGE, "large", 620, 270, 440)

enum hardware_product {
	HARDWARE_PRODUCT_NONE,
#define X(symbol, word, mass, oven, pan) HARDWARE_PRODUCT_##symbol,
	HARDWARE_PRODUCT_TABLE(X)
#undef X
	    HARDWARE_PRODUCT_COUNT
};
struct hardware_product_info {
	const char *word; /* the size of a pizza in an order */
	int mass_g;
	int seconds[HARDWARE_KIND_COUNT]; /* of the kitchen; 0 where it cannot be baked */
};
extern const struct hardware_product_info hardware_products[HARDWARE_PRODUCT_COUNT];
/* By word; -1 when it is none. */
int hardware_product_find(const char *word);

/* --- registers --- */

enum hardware_space { HARDWARE_COIL, HARDWARE_DISCRETE, HARDWARE_INPUT, HARDWARE_HOLDING, HARDWARE_SPACES };

struct hardware_register {
	enum hardware_space space;
	uint16_t address; /* as on the wire, from 0; of the first deck where there are several */
	uint16_t stride;  /* from one deck to the next; 0: one per device */
	unsigned kinds;	  /* that have it */
	bool writable;
	int min, max;	  /* raw values that may be written or are read */
	int scale;	  /* raw value = value × scale */
	const char *name; /* "setpoint" */
	const char *unit; /* "°C", "s", "" */
	const char *text;
};
/* In the order of spaces and addresses; the discrete inputs from 0 to 15 are the status bits. */
extern const struct hardware_register hardware_registers[];
extern const int hardware_register_count;
/* The highest raw value depends on the device for a setpoint, and for faults: the limits of this one. */
void hardware_limits(const struct hardware_register *r, enum hardware_kind kind, int *ret_min, int *ret_max);
/* The row that covers an address of a device, and its deck (0 where there is one per device); NULL: none. */
const struct hardware_register *hardware_register_at(const struct hardware_device *d,
						     enum hardware_space space, int address, int *ret_deck);
/* A register of the device as a whole that operators may write, by name; NULL: none. */
const struct hardware_register *hardware_setting_find(enum hardware_kind kind, const char *name);

/* The register's member in JSON, its name with its unit: "setpoint_c", "duration_seconds"; returns text. */
#define HARDWARE_MEMBER_SIZE 32
const char *hardware_member(const struct hardware_register *r, char text[HARDWARE_MEMBER_SIZE]);

enum hardware_input {
	HARDWARE_IN_VALUE,    /* temperature; timers: seconds left */
	HARDWARE_IN_SETPOINT, /* timers: duration */
	HARDWARE_IN_STATUS,
	HARDWARE_IN_FAULTS,
	HARDWARE_IN_HEARTBEAT,
	HARDWARE_IN_KIND,
	HARDWARE_IN_DECKS,
	HARDWARE_IN_LOADED,
	HARDWARE_IN_DONE,
	HARDWARE_IN_BURNT,
	HARDWARE_IN_ENERGY,
	HARDWARE_IN_TRIPS,
	HARDWARE_IN_HEAD /* registers before those of the decks */
};
enum hardware_deck_input {
	HARDWARE_DECK_IN_STATE,
	HARDWARE_DECK_IN_TAG_HIGH,
	HARDWARE_DECK_IN_TAG_LOW,
	HARDWARE_DECK_IN_CORE,
	HARDWARE_DECK_IN_BROWNING,
	HARDWARE_DECK_IN_SECONDS,
	HARDWARE_DECK_IN_PRODUCT,
	HARDWARE_DECK_IN_LOADS,
	HARDWARE_DECK_IN_LAST_TAG_HIGH,
	HARDWARE_DECK_IN_LAST_TAG_LOW,
	HARDWARE_DECK_IN_LAST_STATE,
	HARDWARE_DECK_IN_LAST_BROWNING,
	HARDWARE_DECK_INPUTS /* registers of a deck */
};
enum hardware_coil { HARDWARE_COIL_POWER, HARDWARE_COIL_RESET, HARDWARE_COIL_DOOR, HARDWARE_COIL_RUN };
enum hardware_holding { HARDWARE_HOLD_SETPOINT, HARDWARE_HOLD_FAULTS, HARDWARE_HOLD_DURATION };
enum hardware_deck_holding {
	HARDWARE_DECK_HOLD_PRODUCT,
	HARDWARE_DECK_HOLD_TAG_HIGH,
	HARDWARE_DECK_HOLD_TAG_LOW,
	HARDWARE_DECK_HOLD_COMMAND,
	HARDWARE_DECK_HOLDINGS
};
#define HARDWARE_DECK_HOLDING_FIRST  16
#define HARDWARE_DECK_HOLDING_STRIDE 8
#define HARDWARE_DISCRETE_DONE	     16 /* + deck */
#define HARDWARE_DISCRETE_LOADED     32
#define HARDWARE_DISCRETE_BURNT	     48

enum hardware_command { HARDWARE_COMMAND_NONE, HARDWARE_COMMAND_LOAD, HARDWARE_COMMAND_UNLOAD };

/* --- one device's block of input registers --- */

#define HARDWARE_BLOCK_MAX  (HARDWARE_IN_HEAD + HARDWARE_DECKS_MAX * HARDWARE_DECK_INPUTS)
#define HARDWARE_NO_READING INT16_MIN /* a temperature that is not known */

struct hardware_deck {
	enum hardware_deck_state state;
	uint32_t tag;	   /* 0: empty */
	int core;	   /* tenths of a degree */
	int browning;	   /* 0 to 1000 */
	int seconds;	   /* since it was loaded */
	int product;	   /* enum hardware_product */
	int loads;	   /* how many so far, modulo 65536 */
	uint32_t last_tag; /* what was unloaded last; 0: nothing yet */
	enum hardware_deck_state last_state;
	int last_browning;
};
struct hardware_reading {
	int temperature;    /* tenths of a degree, by its own sensor; HARDWARE_NO_READING */
	int setpoint;	    /* tenths of a degree */
	int left, duration; /* timers alone: seconds */
	unsigned status;    /* bits of HARDWARE_STATUS_TABLE */
	unsigned faults;    /* bits of HARDWARE_FAULT_TABLE */
	int heartbeat;	    /* + 1 every 100 ms of the wall clock as long as the device lives, modulo 65536 */
	int energy;	    /* Wh, modulo 65536 */
	int trips;	    /* of the cut-out, modulo 65536 */
	int decks;
	struct hardware_deck deck[HARDWARE_DECKS_MAX];
};
/* How many input registers from 0 on make up the device's block: 125, which one request can carry, at most.
 */
int hardware_block(const struct hardware_device *d);
void hardware_encode(const struct hardware_device *d, const struct hardware_reading *r,
		     uint16_t registers[HARDWARE_BLOCK_MAX]);
/*
 * The reading of n registers as they came from the device.  ERR_INVALID: another kind of device answers, or
 * one with another number of decks, or a value that no such device has.
 */
int hardware_decode(const struct hardware_device *d, const uint16_t *registers, int n,
		    struct hardware_reading *ret, struct error *err) MUST_USE;
/* The four registers that load or unload a deck; their address is returned. */
int hardware_order(int deck, enum hardware_command command, enum hardware_product product, uint32_t tag,
		   uint16_t registers[HARDWARE_DECK_HOLDINGS]);

#endif
