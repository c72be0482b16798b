/*
 * The storm: kills, stops and disturbs a live system while the client orders, and measures how long it takes
 * to come back.  Two threads: the main one does what is measured, one thing after the other (strike.c); the
 * weather (weather.c) goes on beside it.
 */
#ifndef PIZZA_CRASH_STORM_H
#define PIZZA_CRASH_STORM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "core/base/clock.h"
#include "core/bus/bus.h"
#include "tests/crash/orders.h"

struct storm {
	struct order_site site;
	struct bus_options bus;
	uint64_t seed;
	int kills;	    /* to make */
	int pause_ms;	    /* between two strikes, on average */
	const char *only;   /* the name of the only kind of strike, or NULL */
	bool weather;	    /* with provider faults, foreign messages and stepped clocks */
	const char *clocks; /* folder of the stepped clocks (clock.c), or NULL */
	struct mono start;
	struct random random;
	int probes;
	atomic_bool over;
	atomic_bool provider_ill;
	_Atomic int64_t healed_ns; /* when it was last well again, monotonic */
	atomic_int injected, ailments, steps;
};

/* A line of what happens, with the time since the start.  Thread safe. */
void storm_say(const struct storm *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void storm_sleep(int64_t ms);

/* --- target.c: the processes of the system --- */

struct target {
	char service[32]; /* "orderd", "postgres" */
	int replica;
	pid_t pid;
	bool up;
};
/* All processes that run now; their number, or -1 while the supervisor cannot be asked. */
int targets_list(struct target *targets, int max);
/* The first replica of a service; false when it does not run. */
bool target_find(const char *service, struct target *ret);
/* Waits until the replica is up with another pid than t's; its milliseconds since `since`, or -1. */
int64_t target_await(const struct target *t, struct mono since, int timeout_ms);
/* Sends a signal to the process and, with children, to those below it. */
void target_signal(const struct target *t, int number, bool children);
/* A random child of the process; 0 when it has none. */
pid_t target_child(const struct target *t, struct random *r);

/* --- probe.c: an order that must be paid --- */

struct probe;
/* Starts placing an order and following it until it is paid. */
struct probe *probe_start(struct storm *s);
/* Waits for its end: milliseconds until it was paid, or -1 when it was not within the deadline. */
int64_t probe_end(struct probe *p);
/* Places one more order and does not wait for it. */
void probe_nudge(struct storm *s);

/* --- figures.c: recovery times by kind --- */

void figures_add(const char *kind, int64_t ready_ms, int64_t flow_ms, bool counted);
/* Prints a table; returns the number of recoveries that did not come. */
int figures_print(void);

/* --- strike.c --- */

/* One disturbance; the number of kills it took. */
int strike(struct storm *s);
/* Takes everything back that strikes may have left: replicas, armed crash points. */
void strike_undo(struct storm *s);

/* --- inject.c: messages that no outbox has --- */

/* One message or a few, marked by the header pizza_injected, to a random topic. */
void inject(struct storm *s, struct random *r);
/* An event of the first ever, which has long been in effect, to a group by its route for replays. */
void inject_effective(struct storm *s, struct random *r);
/* One that cannot be read, to the topic. False when Kafka did not take it. */
bool inject_poison(struct storm *s, struct random *r, const char *topic);

/* --- replay.c: dead letters and events handed over again --- */

/* Starts a job over so many open letters; -1: all. Insists for a while, as dlqd may be on its way back. */
void replay_letters(struct storm *s, int limit);
/* Hands an event that is in effect to a group that acts on it; what the group says is in the history. */
void replay_effective(struct storm *s, const struct bus_message *m);

/* --- weather.c --- */

/* No provider fault was on at any time since then: what was measured is recovery. */
bool weather_was_fair(const struct storm *s, struct mono since);

void *weather_main(void *storm);

#endif
