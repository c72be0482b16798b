/*
 * The state machines of tickets and stations: every cell, every transition taken on a way from the start, and
 * nothing that ends goes on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/contract/kitchen.h"

struct move {
	int from, event, to;
};

#define T(from, event, to)                                       \
	{                                                        \
		TICKET_##from, TICKET_EVENT_##event, TICKET_##to \
	}
#define S(from, event, to)                                          \
	{                                                           \
		STATION_##from, STATION_EVENT_##event, STATION_##to \
	}

/* All transitions there are; every other cell is ignored or refused. */
static const struct move ticket_moves[] = {
    T(QUEUED, PLACED, PREPPING),    T(QUEUED, GIVEN_UP, FAILED),   T(QUEUED, CANCEL, CANCELLED),
    T(PREPPING, LOADED, BAKING),    T(PREPPING, MOVED, QUEUED),	   T(PREPPING, GIVEN_UP, FAILED),
    T(PREPPING, CANCEL, CANCELLED), T(BAKING, SIGNAL, CHECKING),   T(BAKING, BURNT, WAITING),
    T(BAKING, MOVED, QUEUED),	    T(BAKING, GIVEN_UP, FAILED),   T(BAKING, CANCEL, CANCELLED),
    T(CHECKING, UNDERDONE, BAKING), T(CHECKING, GOOD, DONE),	   T(CHECKING, BURNT, WAITING),
    T(CHECKING, MOVED, QUEUED),	    T(CHECKING, GIVEN_UP, FAILED), T(CHECKING, CANCEL, CANCELLED),
    T(WAITING, SUPPLIED, QUEUED),   T(WAITING, SHORT, FAILED),	   T(WAITING, GIVEN_UP, FAILED),
    T(WAITING, CANCEL, CANCELLED),
};

static const struct move station_moves[] = {
    S(OFFLINE, ANSWER, IDLE),	  S(IDLE, SILENCE, OFFLINE),   S(IDLE, FAULT, FAULTED),
    S(IDLE, HEAT, HEATING),	  S(IDLE, HOT, READY),	       S(IDLE, LOAD, IN_USE),
    S(HEATING, SILENCE, OFFLINE), S(HEATING, FAULT, FAULTED),  S(HEATING, HOT, READY),
    S(HEATING, LOAD, IN_USE),	  S(HEATING, CLOSE, IDLE),     S(READY, SILENCE, OFFLINE),
    S(READY, FAULT, FAULTED),	  S(READY, COOL, HEATING),     S(READY, LOAD, IN_USE),
    S(READY, CLOSE, IDLE),	  S(IN_USE, SILENCE, OFFLINE), S(IN_USE, FAULT, FAULTED),
    S(IN_USE, EMPTY, IDLE),	  S(IN_USE, CLOSE, DRAINING),  S(DRAINING, SILENCE, OFFLINE),
    S(DRAINING, FAULT, FAULTED),  S(DRAINING, EMPTY, IDLE),    S(DRAINING, OPEN, IN_USE),
    S(FAULTED, SILENCE, OFFLINE), S(FAULTED, CLEAR, IDLE),
};

static int find(const struct move *moves, size_t n, int from, int event)
{
	for (size_t i = 0; i < n; i++)
		if (moves[i].from == from && moves[i].event == event)
			return moves[i].to;
	return -1;
}

static int next_ticket(int state, int event)
{
	return ticket_next((enum ticket_state)state, (enum ticket_event)event);
}

static int next_station(int state, int event)
{
	return station_next((enum station_state)state, (enum station_event)event);
}

static void every_ticket_cell(void **state)
{
	(void)state;
	for (int s = 0; s < TICKET_STATE_COUNT; s++) {
		for (int e = 0; e < TICKET_EVENT_COUNT; e++) {
			int to = find(ticket_moves, sizeof(ticket_moves) / sizeof(*ticket_moves), s, e);

			if (to >= 0)
				assert_int_equal(next_ticket(s, e), to);
			else
				assert_true(next_ticket(s, e) < 0);
		}
	}
}

static void every_station_cell(void **state)
{
	(void)state;
	for (int s = 0; s < STATION_STATE_COUNT; s++) {
		for (int e = 0; e < STATION_EVENT_COUNT; e++) {
			int to = find(station_moves, sizeof(station_moves) / sizeof(*station_moves), s, e);

			if (to >= 0)
				assert_int_equal(next_station(s, e), to);
			else
				assert_true(next_station(s, e) < 0);
		}
	}
}

/* From the first state on, whatever happens: which transitions have been taken. */
static void walk(int (*next)(int, int), int from, int events, bool *visited, bool *taken)
{
	visited[from] = true;
	for (int e = 0; e < events; e++) {
		int to = next(from, e);

		if (to < 0)
			continue;
		taken[from * events + e] = true;
		if (!visited[to])
			walk(next, to, events, visited, taken);
	}
}

static void every_transition_is_taken(void **state)
{
	bool visited[16] = {false}, taken[16 * 16] = {false};

	(void)state;
	walk(next_ticket, TICKET_QUEUED, TICKET_EVENT_COUNT, visited, taken);
	for (size_t i = 0; i < sizeof(ticket_moves) / sizeof(*ticket_moves); i++)
		assert_true(taken[ticket_moves[i].from * TICKET_EVENT_COUNT + ticket_moves[i].event]);
	for (int s = 0; s < TICKET_STATE_COUNT; s++)
		assert_true(visited[s]);
	for (size_t i = 0; i < sizeof(visited); i++)
		visited[i] = false;
	for (size_t i = 0; i < sizeof(taken); i++)
		taken[i] = false;
	walk(next_station, STATION_OFFLINE, STATION_EVENT_COUNT, visited, taken);
	for (size_t i = 0; i < sizeof(station_moves) / sizeof(*station_moves); i++)
		assert_true(taken[station_moves[i].from * STATION_EVENT_COUNT + station_moves[i].event]);
	for (int s = 0; s < STATION_STATE_COUNT; s++)
		assert_true(visited[s]);
}

/* What cannot be is refused, what comes late is not. */
static void illegal_ones_are_refused(void **state)
{
	(void)state;
	assert_int_equal(next_ticket(TICKET_QUEUED, TICKET_EVENT_GOOD), KITCHEN_REFUSED);
	assert_int_equal(next_ticket(TICKET_QUEUED, TICKET_EVENT_LOADED), KITCHEN_REFUSED);
	assert_int_equal(next_ticket(TICKET_PREPPING, TICKET_EVENT_PLACED), KITCHEN_REFUSED);
	assert_int_equal(next_ticket(TICKET_BAKING, TICKET_EVENT_GOOD), KITCHEN_REFUSED);
	assert_int_equal(next_ticket(TICKET_DONE, TICKET_EVENT_PLACED), KITCHEN_REFUSED);
	assert_int_equal(next_ticket(TICKET_DONE, TICKET_EVENT_CANCEL), KITCHEN_IGNORED);
	assert_int_equal(next_ticket(TICKET_QUEUED, TICKET_EVENT_SUPPLIED), KITCHEN_IGNORED);
	assert_int_equal(next_station(STATION_OFFLINE, STATION_EVENT_HOT), KITCHEN_REFUSED);
	assert_int_equal(next_station(STATION_OFFLINE, STATION_EVENT_CLOSE), KITCHEN_IGNORED);
}

static void what_has_ended_stays(void **state)
{
	(void)state;
	for (int s = 0; s < TICKET_STATE_COUNT; s++)
		for (int e = 0; ticket_ended((enum ticket_state)s) && e < TICKET_EVENT_COUNT; e++)
			assert_true(next_ticket(s, e) < 0);
}

static void words(void **state)
{
	(void)state;
	for (int s = 0; s < TICKET_STATE_COUNT; s++)
		assert_int_equal(ticket_state_parse(ticket_state_words[s]), s);
	for (int s = 0; s < STATION_STATE_COUNT; s++)
		assert_int_equal(station_state_parse(station_state_words[s]), s);
	assert_int_equal(station_mode_parse("paused"), STATION_MODE_PAUSED);
	assert_int_equal(ticket_state_parse("raw"), -1);
	assert_true(ticket_on_deck(TICKET_CHECKING) && !ticket_on_deck(TICKET_WAITING));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_ticket_cell),	 cmocka_unit_test(every_station_cell),
	    cmocka_unit_test(every_transition_is_taken), cmocka_unit_test(illegal_ones_are_refused),
	    cmocka_unit_test(what_has_ended_stays),	 cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
