/*
 * The weather: what goes on beside the kills.  Provider faults of some seconds, messages that come from
 * nowhere, a clock that is wrong by an hour for a while.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/api.h"
#include "core/contract/daemons.h"
#include "tests/crash/storm/storm.h"

#define API_MS	 2000
#define CLEAR_MS 60000

/* --- the provider --- */

static const struct {
	const char *what, *settings;
} ailments[] = {
    {"declines", "{\"decline\":0.3}"},
    {"answers 500", "{\"error_5xx\":0.5}"},
    {"charges and answers 500", "{\"error_5xx_after_charge\":0.4}"},
    {"charges and the reply is lost", "{\"timeout_after_charge\":0.3}"},
    {"answers 30 s late", "{\"delay_rate\":0.3,\"delay_ms\":30000}"},
};
static const char healthy[] = "{\"decline\":0,\"error_5xx\":0,\"error_5xx_after_charge\":0,"
			      "\"timeout_after_charge\":0,\"delay_rate\":0,\"delay_ms\":0}";

static bool set_faults(struct console *console, const char *provider, const char *settings)
{
	AUTO_JSON json_t *body = json_object();
	const struct api_request request = {.method = "PUT",
					    .daemon = daemons[DAEMON_SANDBOX].name,
					    .path = "/sandbox/v1/faults",
					    .body = body};

	json_object_set_new(body, provider, json_loads(settings, 0, NULL));
	return api_call(console, &request, NULL, NULL) == 0;
}

/* Insists: what follows must find the provider well. */
static void heal(struct storm *s, struct console *console, const char *provider)
{
	struct mono deadline = mono_add_ms(mono_now(), CLEAR_MS);

	while (!set_faults(console, provider, healthy) && mono_left_ms(deadline) > 0)
		storm_sleep(200);
	if (mono_left_ms(deadline) == 0)
		storm_say(s, "the faults of the %s provider could not be cleared", provider);
}

static void provider_falls_ill(struct storm *s, struct console *console, struct random *r)
{
	size_t which = random_below(r, ARRAY_LEN(ailments));
	const char *provider = random_percent(r, 75) ? "payment" : "sms";

	atomic_store(&s->provider_ill, true);
	if (set_faults(console, provider, ailments[which].settings)) {
		atomic_fetch_add(&s->ailments, 1);
		storm_say(s, "the %s provider %s", provider, ailments[which].what);
		storm_sleep(2000 + random_below(r, 4000));
	}
	heal(s, console, provider);
	atomic_store(&s->healed_ns, mono_now().ns);
	atomic_store(&s->provider_ill, false);
}

bool weather_was_fair(const struct storm *s, struct mono since)
{
	return !atomic_load(&s->provider_ill) && atomic_load(&s->healed_ns) < since.ns;
}

/* --- clocks --- */

static void write_clock(const struct storm *s, const char *daemon, int seconds)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", s->clocks, daemon);
	f = fopen(path, "we");
	if (f == NULL)
		return;
	fprintf(f, "%d\n", seconds);
	fclose(f);
}

static void step_clock(struct storm *s, struct random *r)
{
	const char *daemon = daemons[random_below(r, DAEMON_COUNT)].name;
	int seconds = random_percent(r, 50) ? 3600 : -3600;

	write_clock(s, daemon, seconds);
	atomic_fetch_add(&s->steps, 1);
	storm_say(s, "the clock of %s is stepped by %+d s", daemon, seconds);
	storm_sleep(3000 + random_below(r, 8000));
	write_clock(s, daemon, 0);
}

/* --- */

void *weather_main(void *arg)
{
	struct storm *s = arg;
	struct random r = {s->seed + 1};
	struct console *console;
	struct error err;

	if (console_open(NULL, API_MS, &console, &err) < 0) {
		storm_say(s, "no weather: %s: %s", err.what, err.why);
		return NULL;
	}
	while (!atomic_load(&s->over)) {
		unsigned drawn = random_below(&r, 10);

		if (drawn < 2)
			provider_falls_ill(s, console, &r);
		else if (drawn < 4 && s->clocks != NULL)
			step_clock(s, &r);
		else if (drawn == 4)
			inject_effective(s, &r);
		else
			inject(s, &r);
		for (unsigned left = 10 + random_below(&r, 40); left > 0 && !atomic_load(&s->over); left--)
			storm_sleep(100);
	}
	heal(s, console, "payment");
	heal(s, console, "sms");
	console_close(console);
	return NULL;
}
