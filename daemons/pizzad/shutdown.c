/*
 * The orderly stop: first all daemons but the relay, which meanwhile publishes what they still wrote; then
 * the relay; then Kafka and PostgreSQL together.  Each process has its own deadline (unit.c).
 */
#include "core/base/log.h"
#include "daemons/pizzad/supervisor.h"

/* The stage in which a unit is stopped. */
static enum down_stage stage_of(const struct unit *u)
{
	if (u->info == NULL)
		return DOWN_BACKING;
	return u->info->id == DAEMON_OUTBOX ? DOWN_RELAY : DOWN_DAEMONS;
}

static bool stage_over(const struct supervisor *s)
{
	for (int n = 0; n < UNIT_COUNT; n++)
		if (stage_of(&s->units[n]) <= s->down && unit_has_process(&s->units[n]))
			return false;
	return true;
}

static void stop_stage(struct supervisor *s)
{
	for (int n = 0; n < UNIT_COUNT; n++)
		if (stage_of(&s->units[n]) == s->down)
			unit_want(&s->units[n], false);
	unit_tick_all(s);
}

void shutdown_begin(struct supervisor *s, const struct error *err)
{
	if (s->down != DOWN_NOT)
		return;
	log_info("stopping everything");
	if (err != NULL) {
		s->fatal = *err;
		log_err(LOG_ERROR, err, "cannot go on");
		progress_error(s, err);
	}
	s->down = DOWN_DAEMONS; /* shutdown_tick stops them: the caller may be in the middle of a tick */
	for (int n = 0; n < UNIT_COUNT; n++)
		if (stage_of(&s->units[n]) == s->down)
			unit_want(&s->units[n], false);
}

void shutdown_tick(struct supervisor *s)
{
	while (s->down != DOWN_NOT && s->down < DOWN_DONE && stage_over(s)) {
		if (s->down == DOWN_BACKING && job_count() > 0)
			return; /* they fail soon, as their servers are gone */
		s->down++;
		stop_stage(s);
	}
}
