/*
 * storm: disturbs the live system of PIZZA_HOME until so many kills are made.
 *
 *   storm --history FILE --kills N [--seed S] [--pause MS] [--calm] [--strike NAME] [--clocks DIR]
 *
 * Prints what it does and a table of recovery times.  Exit status 1 when something did not come back.
 */
#include "tests/crash/storm/storm.h"

#include <getopt.h>
#include <pthread.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/base/log.h"
#include "core/config/config.h"
#include "core/config/paths.h"
#include "core/contract/daemons.h"

void storm_say(const struct storm *s, const char *fmt, ...)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	va_list ap;

	pthread_mutex_lock(&lock);
	printf("[%7.1f s] ", (double)mono_since_ms(s->start) / 1000);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	pthread_mutex_unlock(&lock);
}

void storm_sleep(int64_t ms)
{
	const struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

static void usage(void)
{
	fprintf(stderr, "usage: storm --history FILE --kills N [--seed S] [--pause MS] [--calm] [--strike "
			"NAME] [--clocks DIR]\n");
	exit(2);
}

static void read_options(struct storm *s, int argc, char **argv)
{
	static const struct option options[] = {
	    {"history", 1, NULL, 'h'}, {"kills", 1, NULL, 'k'}, {"seed", 1, NULL, 's'},
	    {"pause", 1, NULL, 'p'},   {"calm", 0, NULL, 'c'},	{"strike", 1, NULL, 'o'},
	    {"clocks", 1, NULL, 'd'},  {NULL, 0, NULL, 0},
	};
	int o;

	*s = (struct storm){.seed = 1, .pause_ms = 1500, .weather = true};
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'h':
			s->site.history = history_open(optarg);
			break;
		case 'k':
			s->kills = atoi(optarg);
			break;
		case 's':
			s->seed = strtoull(optarg, NULL, 10);
			break;
		case 'p':
			s->pause_ms = atoi(optarg);
			break;
		case 'c':
			s->weather = false;
			break;
		case 'o':
			s->only = optarg;
			break;
		case 'd':
			s->clocks = optarg;
			break;
		default:
			usage();
		}
	}
	if (s->site.history == NULL || s->kills <= 0 || s->pause_ms < 1)
		usage();
}

static void run(struct storm *s)
{
	pthread_t weather;
	int kills = 0;
	bool blows = s->weather && pthread_create(&weather, NULL, weather_main, s) == 0;

	while (kills < s->kills) {
		kills += strike(s);
		storm_sleep(random_below(&s->random, 2 * (unsigned)s->pause_ms));
	}
	atomic_store(&s->over, true);
	strike_undo(s);
	if (blows)
		pthread_join(weather, NULL);
	printf(
	    "%d kills in %.0f s; seed %llu; %d foreign messages, %d provider faults, %d steps of a clock\n",
	    kills, (double)mono_since_ms(s->start) / 1000, (unsigned long long)s->seed,
	    atomic_load(&s->injected), atomic_load(&s->ailments), atomic_load(&s->steps));
}

int main(int argc, char **argv)
{
	char bootstrap[DAEMONS_BOOTSTRAP_SIZE];
	struct storm s;
	struct error err;

	read_options(&s, argc, argv);
	if (sodium_init() < 0 || paths_init(&err) < 0 || config_load(NULL, &err) < 0) {
		fprintf(stderr, "storm: %s: %s\n", err.what, err.why);
		return 1;
	}
	log_set_level(LOG_ERROR);
	s.bus = (struct bus_options){daemons_bootstrap(bootstrap), "storm"};
	s.site.port = daemon_port(&daemons[DAEMON_ORDER]);
	s.random.state = s.seed;
	s.start = mono_now();
	run(&s);
	history_close(s.site.history);
	return figures_print() > 0;
}
