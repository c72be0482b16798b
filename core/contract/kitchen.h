/*
 * The kitchen's two state machines, as total tables state × event: what a ticket (one pizza of one order) and
 * what a station (an oven or a pan) can be, and what happens to them.  A timer goes through the states of a
 * station, but for those of heat.  Pure and thread safe.
 */
#ifndef PIZZA_CONTRACT_KITCHEN_H
#define PIZZA_CONTRACT_KITCHEN_H

#include <stdbool.h>

/* --- tickets --- */

/* X(symbol, "word", "text") */
#define TICKET_STATES(X)                                                          \
	X(QUEUED, "queued", "waits for a deck")                                   \
	X(PREPPING, "prepping", "a deck is kept for it, and it is put there")     \
	X(BAKING, "baking", "its deck has it")                                    \
	X(CHECKING, "checking", "the readiness sensor has called; one look more") \
	X(WAITING, "waiting", "burnt; its ingredients are asked for again")       \
	X(DONE, "done", "baked")                                                  \
	X(FAILED, "failed", "given up, and its order with it")                    \
	X(CANCELLED, "cancelled", "discarded: its order was cancelled")

enum ticket_state {
#define X(symbol, word, text) TICKET_##symbol,
	TICKET_STATES(X)
#undef X
	    TICKET_STATE_COUNT
};

/* X(symbol, "word", "text") */
#define TICKET_EVENTS(X)                                                                  \
	X(PLACED, "placed", "the scheduler has found a deck")                             \
	X(LOADED, "loaded", "the deck shows its tag")                                     \
	X(SIGNAL, "signal", "the readiness sensor calls")                                 \
	X(UNDERDONE, "underdone", "the second look: not yet")                             \
	X(GOOD, "good", "the second look: done")                                          \
	X(BURNT, "burnt", "too dark, and it may be made again")                           \
	X(SUPPLIED, "supplied", "its ingredients are there again")                        \
	X(SHORT, "short", "its ingredients are not there")                                \
	X(MOVED, "moved", "its station cannot finish it")                                 \
	X(GIVEN_UP, "given up", "it has burnt too often, or another of its order failed") \
	X(CANCEL, "cancel", "its order was cancelled")

enum ticket_event {
#define X(symbol, word, text) TICKET_EVENT_##symbol,
	TICKET_EVENTS(X)
#undef X
	    TICKET_EVENT_COUNT
};

/* --- stations --- */

#define STATION_STATES(X)                                                          \
	X(OFFLINE, "offline", "it does not answer, or its heartbeat stands still") \
	X(IDLE, "idle", "it answers and is not heated")                            \
	X(HEATING, "heating", "on its way to its temperature")                     \
	X(READY, "ready", "at its temperature, and empty")                         \
	X(IN_USE, "in use", "something bakes in it")                               \
	X(DRAINING, "draining", "it finishes what it has, and gets no more")       \
	X(FAULTED, "faulted", "it reports a fault, or behaves so: what it has goes elsewhere")

enum station_state {
#define X(symbol, word, text) STATION_##symbol,
	STATION_STATES(X)
#undef X
	    STATION_STATE_COUNT
};

#define STATION_EVENTS(X)                                         \
	X(ANSWER, "answer", "a fresh reading has come")           \
	X(SILENCE, "silence", "the last reading is stale")        \
	X(FAULT, "fault", "the reading shows a fault")            \
	X(CLEAR, "clear", "the reading shows none any more")      \
	X(HEAT, "heat", "it is switched on and too cold")         \
	X(HOT, "hot", "it has its temperature")                   \
	X(COOL, "cool", "it has lost its temperature")            \
	X(LOAD, "load", "a ticket lies in it")                    \
	X(EMPTY, "empty", "the last of its decks is free")        \
	X(CLOSE, "close", "an operator has paused or drained it") \
	X(OPEN, "open", "an operator has resumed it")

enum station_event {
#define X(symbol, word, text) STATION_EVENT_##symbol,
	STATION_EVENTS(X)
#undef X
	    STATION_EVENT_COUNT
};

/* --- what the kitchen finds out about a station by its behaviour --- */

/* X(symbol, "word", "text"): bits, from bit 0 on. */
#define STATION_FINDINGS(X)                                                                                \
	X(SENSOR_STILL, "sensor-still",                                                                    \
	  "the temperature has not moved at all for two minutes of the kitchen while heating is on: the "  \
	  "sensor is stuck")                                                                               \
	X(OVERHEATS, "overheats", "the heater stays on far above the setpoint: the thermostat is stuck")   \
	X(DOOR_LEFT, "door-left-open",                                                                     \
	  "the door has stood open for a minute of the kitchen, and nothing was put in or taken out")      \
	X(WRONG_TIME, "wrong-time",                                                                        \
	  "a timer has counted more than a tenth too fast or too slow, by the kitchen's own clock, twice " \
	  "in a row")

enum station_finding {
#define X(symbol, word, text) STATION_FINDING_##symbol,
	STATION_FINDINGS(X)
#undef X
	    STATION_FINDING_COUNT
};
#define STATION_FINDING_BIT(symbol) (1u << STATION_FINDING_##symbol)
extern const char *const station_finding_words[STATION_FINDING_COUNT];
extern const char *const station_finding_texts[STATION_FINDING_COUNT];

/* --- the tables --- */

#define KITCHEN_IGNORED (-1) /* late, early or twice: nothing happens */
#define KITCHEN_REFUSED (-2) /* cannot be: whoever says so is wrong */

/* The next state, or one of the two above. */
int ticket_next(enum ticket_state state, enum ticket_event event);
int station_next(enum station_state state, enum station_event event);

/* What ends a ticket. */
bool ticket_ended(enum ticket_state state);
/* It has a deck of its own. */
bool ticket_on_deck(enum ticket_state state);

extern const char *const ticket_state_words[TICKET_STATE_COUNT];
extern const char *const ticket_state_texts[TICKET_STATE_COUNT];
extern const char *const ticket_event_words[TICKET_EVENT_COUNT];
extern const char *const ticket_event_texts[TICKET_EVENT_COUNT];
extern const char *const station_state_words[STATION_STATE_COUNT];
extern const char *const station_state_texts[STATION_STATE_COUNT];
extern const char *const station_event_words[STATION_EVENT_COUNT];
extern const char *const station_event_texts[STATION_EVENT_COUNT];
/* -1 when the word is none. */
int ticket_state_parse(const char *word);
int station_state_parse(const char *word);

/* --- what operators have decided about a station --- */

/* X(symbol, "word", "verb", "text") */
#define STATION_MODES(X)                                                 \
	X(OPEN, "open", "resume", "it takes tickets")                    \
	X(PAUSED, "paused", "pause", "it stays hot and gets no tickets") \
	X(DRAINED, "drained", "drain", "it finishes what it has and goes off")

enum station_mode {
#define X(symbol, word, verb, text) STATION_MODE_##symbol,
	STATION_MODES(X)
#undef X
	    STATION_MODE_COUNT
};
extern const char *const station_mode_words[STATION_MODE_COUNT];
extern const char *const station_mode_verbs[STATION_MODE_COUNT];
int station_mode_parse(const char *word);

#endif
