/*
 * The read model, rebuilt from the topics, beside the one there was (invariant 14).
 */
#include <time.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/api.h"
#include "core/contract/daemons.h"
#include "tests/crash/check/check.h"

#define LOOK_EVERY_MS 200

static int ask(struct console *console, const char *method, json_t **ret, struct error *err)
{
	const struct api_request request = {
	    .method = method, .daemon = daemons[DAEMON_AGGREGATOR].name, .path = "/api/v1/rebuild"};

	return api_call(console, &request, ret, err);
}

/* Until the state of the rebuild says that it has ended. */
static int wait_for_end(struct console *console, int timeout_ms, struct error *err)
{
	const struct timespec pause = {0, LOOK_EVERY_MS * 1000000L};
	struct mono deadline = mono_add_ms(mono_now(), timeout_ms);

	for (;;) {
		AUTO_JSON json_t *state = NULL;
		int rc = ask(console, "GET", &state, err);

		if (rc == 0 && !json_bool_or(state, "running", true) &&
		    json_is_string(json_object_get(state, "finished_at")))
			return 0;
		if (mono_left_ms(deadline) == 0)
			return rc < 0 ? rc : error_set(err, ERR_TIMEOUT, "rebuild", "it did not end");
		nanosleep(&pause, NULL);
	}
}

int rebuild_and_import(struct checker *c, int timeout_ms, struct error *err)
{
	static const char copy[] =
	    "CREATE SCHEMA rebuilt;"
	    "CREATE TABLE rebuilt.sagas AS SELECT * FROM remote_aggregatord.sagas;"
	    "CREATE TABLE rebuilt.events AS SELECT * FROM remote_aggregatord.events;"
	    "CREATE TABLE rebuilt.kpi_minutes AS SELECT * FROM remote_aggregatord.kpi_minutes;";
	struct console *console;
	int rc = console_open(NULL, 10000, &console, err);

	if (rc < 0)
		return rc;
	rc = ask(console, "POST", NULL, err);
	if (rc == 0)
		rc = wait_for_end(console, timeout_ms, err);
	console_close(console);
	return rc < 0 ? rc : db_run(c->conn, copy, err);
}
