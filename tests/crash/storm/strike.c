/*
 * The strikes: what is killed, stopped or moved, drawn at random by weight.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/config/paths.h"
#include "core/console/control.h"
#include "tests/crash/storm/storm.h"

#define READY_MS	 120000
#define CRASHES_IN_A_ROW 3
#define LONG_KILLS	 100 /* so many make a storm long */
#define FIRE_MS		 12000
#define TARGETS_MAX	 64
#define LOOK_EVERY_MS	 10
#define NUDGE_EVERY_MS	 300

/* --- killing and measuring --- */

/* Times both ways back after a process was killed at `since`. */
static void await_recovery(struct storm *s, const char *kind, const struct target *t, struct mono since,
			   struct probe *probe)
{
	int64_t ready = target_await(t, since, READY_MS), flow = probe_end(probe);
	bool counted = weather_was_fair(s, since);

	figures_add(kind, ready, flow, counted);
	storm_say(s, "%s (pid %d): ready after %.2f s, sagas flow after %.2f s%s", kind, (int)t->pid,
		  (double)ready / 1000, (double)flow / 1000, counted ? "" : " (the provider was ill)");
}

static bool random_target(struct storm *s, struct target *ret)
{
	struct target all[TARGETS_MAX];
	int n = targets_list(all, TARGETS_MAX);

	if (n <= 0)
		return false;
	*ret = all[random_below(&s->random, (unsigned)n)];
	return ret->up;
}

static int kill_one(struct storm *s)
{
	struct target t;
	struct mono since;

	if (!random_target(s, &t))
		return 0;
	since = mono_now();
	target_signal(&t, SIGKILL, false);
	await_recovery(s, t.service, &t, since, probe_start(s));
	return 1;
}

static int kill_two(struct storm *s)
{
	struct target first, second;
	struct mono since;
	char kind[80];

	if (!random_target(s, &first) || !random_target(s, &second) || first.pid == second.pid)
		return 0;
	since = mono_now();
	target_signal(&first, SIGKILL, false);
	target_signal(&second, SIGKILL, false);
	storm_say(s, "%s and %s at once", first.service, second.service);
	target_await(&second, since, READY_MS);
	snprintf(kind, sizeof(kind), "two at once");
	await_recovery(s, kind, &first, since, probe_start(s));
	return 2;
}

/* The server answers a killed backend by throwing everybody out and recovering. */
static int kill_backend(struct storm *s)
{
	struct target t;
	struct mono since = mono_now();
	pid_t child;
	int64_t flow;

	if (!target_find("postgres", &t) || !t.up || (child = target_child(&t, &s->random)) == 0)
		return 0;
	kill(child, SIGKILL);
	flow = probe_end(probe_start(s));
	figures_add("postgres, one of its children", flow, flow, weather_was_fair(s, since));
	storm_say(s, "postgres, one of its children (pid %d): sagas flow after %.2f s", (int)child,
		  (double)flow / 1000);
	return 1;
}

/* --- crash points --- */

static const struct crash_at {
	const char *program, *point;
	unsigned passes; /* it fires at one of the first so many passes */
	/* What leads there: a message to this topic that cannot be read; "replay": a replay of dead letters.
	 */
	const char *lead;
} crash_points[] = {
    {"orderd", "order-committed", 2, NULL},
    {"outboxd", "relay-send", 5, NULL},
    {"outboxd", "relay-middle", 5, NULL},
    {"outboxd", "relay-sent", 5, NULL},
    {"outboxd", "relay-acknowledged", 5, NULL},
    {"orderd", "consumer-effect", 4, NULL},
    {"orderd", "consumer-committed", 4, NULL},
    {"inventoryd", "consumer-effect", 4, NULL},
    {"inventoryd", "consumer-committed", 4, NULL},
    {"paymentd", "consumer-effect", 4, NULL},
    {"paymentd", "consumer-committed", 4, NULL},
    {"notifyd", "consumer-effect", 4, NULL},
    {"notifyd", "consumer-committed", 4, NULL},
    {"kitchend", "consumer-effect", 4, NULL},
    {"kitchend", "consumer-committed", 4, NULL},
    {"kitchend", "kitchen-before-commit", 6, NULL},
    {"kitchend", "kitchen-committed", 6, NULL},
    {"aggregatord", "consumer-effect", 4, NULL},
    {"aggregatord", "consumer-committed", 4, NULL},
    {"paymentd", "work-done", 4, NULL},
    {"paymentd", "work-recorded", 4, NULL},
    {"notifyd", "work-done", 4, NULL},
    {"notifyd", "work-recorded", 4, NULL},
    {"inventoryd", "letter-send", 1, "order-events"},
    {"orderd", "letter-send", 1, "payment-events"},
    {"orderd", "letter-produced", 1, "inventory-events"},
    {"paymentd", "letter-produced", 1, "order-events"},
    {"notifyd", "letter-produced", 1, "payment-events"},
    {"hwd", "hardware-written", 4, NULL},
    {"dlqd", "replay-claimed", 2, "replay"},
    {"dlqd", "replay-answered", 2, "replay"},
    {"dlqd", "replay-recorded", 2, "replay"},
};

static void crash_path(const struct crash_at *c, char *path, size_t size)
{
	snprintf(path, size, "%s/crash/%s.%s", paths_run(), c->program, c->point);
}

static bool arm(const struct crash_at *c, unsigned pass)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/crash", paths_run());
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return false;
	crash_path(c, path, sizeof(path));
	f = fopen(path, "we");
	if (f == NULL)
		return false;
	fprintf(f, "%u\n", pass);
	return fclose(f) == 0;
}

/* True when the point has fired: the file is gone.  Orders keep coming meanwhile. */
static bool await_fire(struct storm *s, const struct crash_at *c)
{
	struct mono deadline = mono_add_ms(mono_now(), FIRE_MS), nudged = mono_now();
	char path[512];

	crash_path(c, path, sizeof(path));
	while (mono_left_ms(deadline) > 0) {
		if (access(path, F_OK) < 0)
			return true;
		if (mono_since_ms(nudged) > NUDGE_EVERY_MS) {
			nudged = mono_now();
			probe_nudge(s);
		}
		storm_sleep(LOOK_EVERY_MS);
	}
	return unlink(path) < 0; /* it may fire at the last moment */
}

static int crash(struct storm *s)
{
	const struct crash_at *c = &crash_points[random_below(&s->random, ARRAY_LEN(crash_points))];
	struct target t;
	struct probe *probe;
	char kind[80];

	if (!target_find(c->program, &t) || !t.up)
		return 0;
	snprintf(kind, sizeof(kind), "%s at %s", c->program, c->point);
	/* It goes through the point, should nobody else. */
	if (!arm(c, 1 + random_below(&s->random, c->passes)))
		return 0;
	probe = probe_start(s);
	if (c->lead != NULL && strcmp(c->lead, "replay") == 0)
		replay_letters(s, 20);
	else if (c->lead != NULL)
		inject_poison(s, &s->random, c->lead);
	if (!await_fire(s, c)) {
		storm_say(s, "%s was not passed", kind);
		probe_end(probe);
		return 0;
	}
	/* The probe of the figures starts at the crash. */
	struct mono since = mono_now();
	struct probe *second = probe_start(s);

	probe_end(probe);
	await_recovery(s, kind, &t, since, second);
	return 1;
}

/*
 * A message that ends its daemon each time: after so many tries, counted durably, it is a dead letter, and
 * the partition moves on; the replay at the end brings it into effect.
 */
static int crash_loop(struct storm *s)
{
	static const char *const programs[] = {"orderd", "inventoryd", "paymentd", "notifyd"};
	const struct crash_at c = {programs[random_below(&s->random, ARRAY_LEN(programs))], "consumer-effect",
				   1, NULL};
	struct mono since = mono_now();
	struct target t;
	char kind[80];
	int64_t flow;
	int kills = 0;

	for (int i = 0; i < CRASHES_IN_A_ROW && target_find(c.program, &t) && t.up && arm(&c, 1); i++) {
		if (!await_fire(s, &c))
			break;
		kills++;
		since = mono_now();
		if (target_await(&t, since, READY_MS) < 0)
			break;
	}
	snprintf(kind, sizeof(kind), "%s, %d times in a row", c.program, CRASHES_IN_A_ROW);
	flow = probe_end(probe_start(s));
	figures_add(kind, flow, flow, weather_was_fair(s, since));
	storm_say(s, "%s crashed %d times in a row: sagas flow %.2f s later", c.program, kills,
		  (double)flow / 1000);
	return kills;
}

/* --- stops --- */

static void stop_for(struct storm *s, const struct target *t, int64_t ms)
{
	char kind[80];
	struct mono since;
	int64_t flow;

	target_signal(t, SIGSTOP, strcmp(t->service, "postgres") == 0);
	storm_sleep(ms);
	target_signal(t, SIGCONT, strcmp(t->service, "postgres") == 0);
	since = mono_now();
	flow = probe_end(probe_start(s));
	snprintf(kind, sizeof(kind), "%s stopped and continued", t->service);
	figures_add(kind, flow < 0 ? -1 : 0, flow, weather_was_fair(s, since));
	storm_say(s, "%s stopped for %.1f s: sagas flow %.2f s later", t->service, (double)ms / 1000,
		  (double)flow / 1000);
}

static int stop_one(struct storm *s)
{
	struct target t;

	if (random_target(s, &t))
		stop_for(s, &t, 500 + random_below(&s->random, 9000)); /* some outlive their session */
	return 0;
}

static int stop_backing(struct storm *s)
{
	struct target t;

	if (target_find(random_percent(&s->random, 50) ? "kafka" : "postgres", &t) && t.up)
		stop_for(s, &t, 3000 + random_below(&s->random, 7000));
	return 0;
}

/* For a minute, in a long storm. */
static int stop_long(struct storm *s)
{
	struct target t;

	if (s->kills >= LONG_KILLS &&
	    target_find(random_percent(&s->random, 50) ? "kafka" : "postgres", &t) && t.up)
		stop_for(s, &t, 60000);
	return 0;
}

static void scale(struct storm *s, const char *service, int replicas)
{
	struct error err;

	if (control_scale(service, replicas, NULL, &err) < 0)
		storm_say(s, "scale %s to %d: %s: %s", service, replicas, err.what, err.why);
}

/* A relay that is stopped for longer than its lease finds another one at work when it goes on. */
static int outlive_lease(struct storm *s)
{
	struct target t;

	scale(s, "outboxd", 2);
	for (int i = 0; i < 2; i++) /* the second time the holder is the other one */
		if (target_find("outboxd", &t) && t.up)
			stop_for(s, &t, config_int(CONFIG_OUTBOX_LEASE) + 2000);
	scale(s, "outboxd", 1);
	return 0;
}

static int change_members(struct storm *s)
{
	static const char *const services[] = {"orderd", "inventoryd", "paymentd", "notifyd"};
	static const int replicas[] = {2, 3, 2, 1};
	const char *service = services[random_below(&s->random, ARRAY_LEN(services))];
	struct mono since;
	int64_t flow;

	for (size_t i = 0; i < ARRAY_LEN(replicas); i++) {
		scale(s, service, replicas[i]);
		storm_sleep(1000 + random_below(&s->random, 1000));
	}
	since = mono_now();
	flow = probe_end(probe_start(s));
	figures_add("members came and went", flow < 0 ? -1 : 0, flow, weather_was_fair(s, since));
	storm_say(s, "%s had 2, 3, 2, 1 members: sagas flow %.2f s later", service, (double)flow / 1000);
	return 0;
}

/* --- drawing one --- */

static const struct {
	const char *name;
	unsigned weight;
	int (*act)(struct storm *s);
} strikes[] = {
    {"kill", 50, kill_one},	    {"crash-point", 25, crash},	   {"two", 4, kill_two},
    {"child", 4, kill_backend},	    {"stop", 8, stop_one},	   {"stop-server", 3, stop_backing},
    {"lease", 2, outlive_lease},    {"crash-loop", 2, crash_loop}, {"stop-long", 1, stop_long},
    {"members", 4, change_members},
};

/* 0 for those that are not wanted. */
static unsigned weight_of(const struct storm *s, size_t i)
{
	return s->only == NULL || strcmp(s->only, strikes[i].name) == 0 ? strikes[i].weight : 0;
}

int strike(struct storm *s)
{
	unsigned total = 0, drawn;

	for (size_t i = 0; i < ARRAY_LEN(strikes); i++)
		total += weight_of(s, i);
	drawn = total > 0 ? random_below(&s->random, total) : 0;
	for (size_t i = 0; i < ARRAY_LEN(strikes); i++) {
		if (drawn < weight_of(s, i))
			return strikes[i].act(s);
		drawn -= weight_of(s, i);
	}
	return 0;
}

void strike_undo(struct storm *s)
{
	static const char *const services[] = {"orderd", "inventoryd", "paymentd", "notifyd", "outboxd"};
	char path[512];

	for (size_t i = 0; i < ARRAY_LEN(crash_points); i++) {
		crash_path(&crash_points[i], path, sizeof(path));
		unlink(path);
	}
	for (size_t i = 0; i < ARRAY_LEN(services); i++)
		scale(s, services[i], 1);
	storm_sleep(2000); /* the last letters are on their way to the index */
	replay_letters(s, -1);
}
