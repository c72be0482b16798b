/*
 * The tables.
 */
#include "core/contract/kitchen.h"

#include <string.h>

#include "core/base/mem.h"

#define I	 KITCHEN_IGNORED
#define R	 KITCHEN_REFUSED
#define T(state) TICKET_##state
#define S(state) STATION_##state

/* clang-format off */
/* Columns: placed, loaded, signal, underdone, good, burnt, supplied, short, moved, given up, cancel. */
static const int tickets[TICKET_STATE_COUNT][TICKET_EVENT_COUNT] = {
    [TICKET_QUEUED] =    {T(PREPPING), R, R, R, R, R, I, I, I, T(FAILED), T(CANCELLED)},
    [TICKET_PREPPING] =  {R, T(BAKING), R, R, R, R, I, I, T(QUEUED), T(FAILED), T(CANCELLED)},
    [TICKET_BAKING] =    {R, I, T(CHECKING), R, R, T(WAITING), I, I, T(QUEUED), T(FAILED), T(CANCELLED)},
    [TICKET_CHECKING] =  {R, I, I, T(BAKING), T(DONE), T(WAITING), I, I, T(QUEUED), T(FAILED), T(CANCELLED)},
    [TICKET_WAITING] =   {R, R, R, R, R, I, T(QUEUED), T(FAILED), I, T(FAILED), T(CANCELLED)},
    [TICKET_DONE] =      {R, R, I, R, I, I, I, I, I, I, I},
    [TICKET_FAILED] =    {R, R, I, R, R, I, I, I, I, I, I},
    [TICKET_CANCELLED] = {R, R, I, R, R, I, I, I, I, I, I},
};

/* Columns: answer, silence, fault, clear, heat, hot, cool, load, empty, close, open. */
static const int stations[STATION_STATE_COUNT][STATION_EVENT_COUNT] = {
    [STATION_OFFLINE] =  {S(IDLE), I, R, R, R, R, R, R, R, I, I},
    [STATION_IDLE] =     {I, S(OFFLINE), S(FAULTED), I, S(HEATING), S(READY), I, S(IN_USE), I, I, I},
    [STATION_HEATING] =  {I, S(OFFLINE), S(FAULTED), I, I, S(READY), I, S(IN_USE), I, S(IDLE), I},
    [STATION_READY] =    {I, S(OFFLINE), S(FAULTED), I, I, I, S(HEATING), S(IN_USE), I, S(IDLE), I},
    [STATION_IN_USE] =   {I, S(OFFLINE), S(FAULTED), I, I, I, I, I, S(IDLE), S(DRAINING), I},
    [STATION_DRAINING] = {I, S(OFFLINE), S(FAULTED), I, I, I, I, I, S(IDLE), I, S(IN_USE)},
    [STATION_FAULTED] =  {I, S(OFFLINE), I, S(IDLE), I, I, I, I, I, I, I},
};
/* clang-format on */

int ticket_next(enum ticket_state state, enum ticket_event event)
{
	return tickets[state][event];
}

int station_next(enum station_state state, enum station_event event)
{
	return stations[state][event];
}

bool ticket_ended(enum ticket_state state)
{
	return state == TICKET_DONE || state == TICKET_FAILED || state == TICKET_CANCELLED;
}

bool ticket_on_deck(enum ticket_state state)
{
	return state == TICKET_PREPPING || state == TICKET_BAKING || state == TICKET_CHECKING;
}

#define WORD(symbol, word, text)	    word,
#define TEXT(symbol, word, text)	    text,
#define MODE_WORD(symbol, word, verb, text) word,
#define MODE_VERB(symbol, word, verb, text) verb,
const char *const ticket_state_words[TICKET_STATE_COUNT] = {TICKET_STATES(WORD)};
const char *const ticket_state_texts[TICKET_STATE_COUNT] = {TICKET_STATES(TEXT)};
const char *const ticket_event_words[TICKET_EVENT_COUNT] = {TICKET_EVENTS(WORD)};
const char *const ticket_event_texts[TICKET_EVENT_COUNT] = {TICKET_EVENTS(TEXT)};
const char *const station_state_words[STATION_STATE_COUNT] = {STATION_STATES(WORD)};
const char *const station_state_texts[STATION_STATE_COUNT] = {STATION_STATES(TEXT)};
const char *const station_event_words[STATION_EVENT_COUNT] = {STATION_EVENTS(WORD)};
const char *const station_event_texts[STATION_EVENT_COUNT] = {STATION_EVENTS(TEXT)};
const char *const station_finding_words[STATION_FINDING_COUNT] = {STATION_FINDINGS(WORD)};
const char *const station_finding_texts[STATION_FINDING_COUNT] = {STATION_FINDINGS(TEXT)};
const char *const station_mode_words[STATION_MODE_COUNT] = {STATION_MODES(MODE_WORD)};
const char *const station_mode_verbs[STATION_MODE_COUNT] = {STATION_MODES(MODE_VERB)};

static int find(const char *const *words, int n, const char *word)
{
	for (int i = 0; i < n; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return -1;
}

int ticket_state_parse(const char *word)
{
	return find(ticket_state_words, TICKET_STATE_COUNT, word);
}

int station_state_parse(const char *word)
{
	return find(station_state_words, STATION_STATE_COUNT, word);
}

int station_mode_parse(const char *word)
{
	return find(station_mode_words, STATION_MODE_COUNT, word);
}
