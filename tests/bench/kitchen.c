/*
 * The kitchen with many decks: how fast tickets are scheduled, and what it costs to read the hardware.
 *
 *   kitchen --schedule [--seconds S] [--stations N] [--decks N]   the scheduler alone, on one core
 *   kitchen --link [--seconds S]                                  kitchend's link at its usual pace
 *   kitchen --bare [--seconds S]                                  a bare libmodbus loop, as many reads a
 * second
 *
 * --link and --bare read the devices that the configuration names from the hwd that answers at its port.  One
 * line of JSON; CPU is this process's own.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "core/config/config.h"
#include "daemons/kitchen/link.c"
#include "daemons/kitchen/scheduler.c"

#define POLL_MS 100
#define WINDOW	8192 /* tickets that wait, as many as kitchend has in memory at most */

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "kitchen: %s: %s\n", what, why);
	exit(1);
}

static double cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void sleep_until(struct mono at)
{
	struct timespec t = {at.ns / 1000000000, at.ns % 1000000000};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
		;
}

/* --- scheduling --- */

static void add_ticket(struct scheduler *s, struct scheduled *t, int64_t id)
{
	static const int temperatures[] = {320, 320, 320, 300, 280};

	*t = (struct scheduled){.id = id, .promised_us = id / 3, .size = SIZE_MEDIUM};
	t->bake_c = temperatures[id % 5];
	scheduled_init(t);
	scheduler_add(s, t);
}

static struct scheduler *open_kitchen(int stations, int decks)
{
	struct scheduler *s = scheduler_new(stations);

	for (int i = 0; i < stations; i++) {
		struct scheduler_station *st = scheduler_station(s, i);

		*st = (struct scheduler_station){.open = true, .hot = true, .decks = decks};
		st->setpoint_c = st->target_c = i % 5 < 3 ? 320 : i % 5 == 3 ? 300 : 280;
	}
	return s;
}

/* All decks are taken but one; each ticket that is placed frees another one, and a new ticket comes. */
static void schedule(int stations, int decks, double seconds)
{
	static struct scheduled tickets[WINDOW];
	struct scheduler *s = open_kitchen(stations, decks);
	struct mono start = mono_now();
	struct placement p;
	int64_t placed = 0, id = 0;
	double before;

	while (id < WINDOW) {
		add_ticket(s, &tickets[id], id + 1);
		id++;
	}
	while (scheduler_next(s, &p))
		add_ticket(s, p.ticket, ++id);
	before = cpu_s();
	for (int next = 0; mono_since_ms(start) < (int64_t)(seconds * 1000); next = (next + 7) % stations) {
		struct scheduler_station *st = scheduler_station(s, next);

		st->taken &= st->taken - 1; /* the lowest deck is done */
		if (st->taken == 0)
			st->setpoint_c = st->target_c;
		(void)scheduler_plan(s);
		while (scheduler_next(s, &p)) {
			add_ticket(s, p.ticket, ++id);
			placed++;
		}
	}
	printf("{\"decks\":%d,\"waiting\":%d,\"tickets\":%lld,\"tickets_per_second\":%.0f,\"us_per_ticket\":%"
	       ".3f}\n",
	       stations * decks, scheduler_queued(s), (long long)placed, (double)placed / (cpu_s() - before),
	       (cpu_s() - before) * 1e6 / (double)(placed > 0 ? placed : 1));
	scheduler_free(s);
}

/* --- reading --- */

static struct hardware_device devices[HARDWARE_DEVICES_MAX];

static void report(int count, int64_t reads, double seconds, double cpu)
{
	int decks = 0;

	for (int i = 0; i < count; i++)
		decks += devices[i].decks;
	printf("{\"devices\":%d,\"decks\":%d,\"reads_per_second\":%.0f,\"cpu_percent\":%.2f,\"us_per_read\":%"
	       ".1f}\n",
	       count, decks, (double)reads / seconds, 100 * cpu / seconds,
	       cpu * 1e6 / (double)(reads > 0 ? reads : 1));
}

static void unchanged(void *arg)
{
	(void)arg;
}

static void run_link(int count, double seconds)
{
	const struct link_options options = {.address = "127.0.0.1",
					     .port = hardware_port(),
					     .devices = devices,
					     .count = count,
					     .poll_ms = POLL_MS,
					     .busy_poll_ms = POLL_MS,
					     .answer_ms = 1000,
					     .changed = unchanged};
	struct link_device *seen = xcalloc((size_t)count, sizeof(*seen));
	struct mono start;
	struct error err;
	struct link *l;
	int64_t reads = 0;
	double before, last[HARDWARE_DEVICES_MAX] = {0};

	if (link_start(&options, &l, &err) < 0)
		fail(err.what, err.why);
	sleep_until(mono_add_ms(mono_now(), 1000));
	start = mono_now();
	before = cpu_s();
	while (mono_since_ms(start) < (int64_t)(seconds * 1000)) {
		sleep_until(mono_add_ms(mono_now(), POLL_MS / 2));
		link_look(l, seen);
		for (int i = 0; i < count; i++) {
			reads += (double)seen[i].at.ns != last[i];
			last[i] = (double)seen[i].at.ns;
		}
	}
	report(count, reads, (double)mono_since_ms(start) / 1e3, cpu_s() - before);
	link_stop(l);
	free(seen);
}

/* One connection, one device after the other, every POLL_MS. */
static void run_bare(int count, double seconds)
{
	modbus_t *m = modbus_new_tcp("127.0.0.1", hardware_port());
	struct mono start = mono_now(), next = start;
	uint16_t registers[HARDWARE_BLOCK_MAX];
	int64_t reads = 0;
	double before = cpu_s();

	if (m == NULL || modbus_connect(m) < 0)
		fail("connect", modbus_strerror(errno));
	while (mono_since_ms(start) < (int64_t)(seconds * 1000)) {
		for (int i = 0; i < count; i++) {
			modbus_set_slave(m, devices[i].unit);
			if (modbus_read_input_registers(m, 0, hardware_block(&devices[i]), registers) < 0)
				fail(devices[i].name, modbus_strerror(errno));
			reads++;
		}
		next = mono_add_ms(next, POLL_MS);
		sleep_until(next);
	}
	report(count, reads, (double)mono_since_ms(start) / 1e3, cpu_s() - before);
	modbus_close(m);
	modbus_free(m);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"schedule", 0, NULL, 's'}, {"link", 0, NULL, 'l'},
						{"bare", 0, NULL, 'b'},	    {"seconds", 1, NULL, 't'},
						{"stations", 1, NULL, 'n'}, {"decks", 1, NULL, 'd'},
						{NULL, 0, NULL, 0}};
	int stations = 125, decks = 8, option, mode = 0, count;
	double seconds = 3;
	struct error err;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 't')
			seconds = strtod(optarg, NULL);
		else if (option == 'n')
			stations = atoi(optarg);
		else if (option == 'd')
			decks = atoi(optarg);
		else
			mode = option;
	}
	if (mode == 's') {
		schedule(stations, decks, seconds);
		return 0;
	}
	if (config_load(NULL, &err) < 0)
		fail(err.what, err.why);
	count = hardware_devices(devices);
	if (mode == 'l')
		run_link(count, seconds);
	else if (mode == 'b')
		run_bare(count, seconds);
	else
		fail("usage", "--schedule, --link or --bare");
	return 0;
}
