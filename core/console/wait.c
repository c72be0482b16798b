/*
 * Waiting for sagas.  One thread.
 */
#include "core/console/wait.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/api.h"
#include "core/console/readmodel.h"

#define LOOK_MS	   250
#define SETTLE_MS  5 /* notifications may come hundreds of times a second */
#define UNKNOWN_MS 1000

struct saga_watch {
	struct console *console;
	const char *database; /* NULL: the read model */
	const char *channel;
	struct db_listener *listener; /* NULL: not connected */
};

struct saga_watch *saga_watch_of(struct console *c, const char *database, const char *channel)
{
	struct saga_watch *w = xcalloc(1, sizeof(*w));

	w->console = c;
	w->database = database;
	w->channel = channel;
	return w;
}

struct saga_watch *saga_watch_new(struct console *c)
{
	return saga_watch_of(c, NULL, "saga");
}

void saga_watch_free(struct saga_watch *w)
{
	if (w == NULL)
		return;
	db_listen_free(w->listener);
	free(w);
}

static void pause_ms(int64_t ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

void saga_watch_wait(struct saga_watch *w, int64_t timeout_ms)
{
	int ms = timeout_ms < LOOK_MS ? (int)timeout_ms : LOOK_MS;
	struct db_options options;

	if (w->listener == NULL) {
		console_db_options(w->console, &options);
		if (w->database != NULL)
			snprintf(options.database, sizeof(options.database), "%s", w->database);
		if (db_listen(&options, w->channel, &w->listener, NULL) == 0)
			return; /* something may have happened before it listened */
		w->listener = NULL;
		pause_ms(ms);
		return;
	}
	if (db_listen_wait(w->listener, ms, NULL) < 0) {
		db_listen_free(w->listener);
		w->listener = NULL;
	} else {
		pause_ms(SETTLE_MS);
	}
}

static int read_state(struct console *c, struct uuid id, json_t **ret, struct error *err)
{
	CLEANUP(db_params_done) struct db_params params = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc;

	db_param_uuid(&params, id);
	rc = readmodel_query(
	    c,
	    "SELECT order_id, state, awaiting, daemon, reason, started_at, updated_at, ended_at FROM sagas"
	    " WHERE order_id = $1::uuid",
	    &params, &r, err);
	if (rc < 0)
		return rc;
	*ret = db_rows(r) > 0 ? readmodel_json(r, 0, "sssssttt") : NULL;
	return 0;
}

/* 1: there or past it, 0: not yet, ERR_BREACHED: it will not come there. */
static int judge(const json_t *row, const char *wanted, struct error *err)
{
	const char *state = json_string_or(row, "state", "pending");
	const char *id = json_string_or(row, "order_id", "saga");
	bool undone = saga_rank(state) < 0;

	if (strcmp(wanted, "cancelled") == 0 && strcmp(state, "ready") != 0)
		return strcmp(state, "cancelled") == 0;
	if (!undone && saga_rank(wanted) >= 0 && saga_rank(state) >= saga_rank(wanted))
		return 1;
	if (!undone && strcmp(state, "ready") != 0)
		return 0;
	error_set(err, ERR_BREACHED, id, "is %s, not %s: %s", state, wanted,
		  json_string_or(row, "reason", "no reason given"));
	error_hint(err, "see pizzactl saga show %s", id);
	return ERR_BREACHED;
}

/* An order that the read model does not know may be on its way there: orderd decides. */
static int ask_owner(struct console *c, struct uuid id, struct error *err)
{
	char path[96], text[UUID_TEXT_SIZE];
	struct api_request r = {.method = "GET", .daemon = "orderd", .path = path};
	int rc;

	snprintf(path, sizeof(path), "/api/v1/orders/%s", uuid_format(id, text));
	rc = api_call(c, &r, NULL, err);
	return rc == ERR_NOT_FOUND ? error_set(err, rc, text, "no such order") : 0;
}

static int timed_out(struct uuid id, const char *wanted, int64_t timeout_ms, const json_t *row,
		     struct error *err)
{
	char text[UUID_TEXT_SIZE], took[DURATION_TEXT_SIZE];

	duration_format(timeout_ms * 1000, took);
	uuid_format(id, text);
	if (row == NULL)
		return error_set(err, ERR_TIMEOUT, text,
				 "not %s after %s; the read model has not seen it yet", wanted, took);
	error_set(err, ERR_TIMEOUT, text, "still %s after %s, waiting for %s from %s",
		  json_string_or(row, "state", "?"), took, json_string_or(row, "awaiting", "nothing"),
		  json_string_or(row, "daemon", "nobody"));
	error_hint(err, "see pizzactl saga show %s", text);
	return ERR_TIMEOUT;
}

int saga_wait(struct console *c, struct uuid order_id, const char *state, int64_t timeout_ms,
	      json_t **ret_row, struct error *err)
{
	struct mono deadline = mono_add_ms(mono_now(), timeout_ms), ask = mono_now();
	struct saga_watch *w = saga_watch_new(c);
	json_t *row = NULL;
	bool reached = false; /* the read model has answered: its outages are waited out from now on */
	int rc;

	for (;;) {
		json_decref(row);
		row = NULL;
		rc = read_state(c, order_id, &row, err);
		if (rc == 0 && row != NULL)
			rc = judge(row, state, err);
		else if (rc == 0 && mono_left_ms(ask) == 0) {
			rc = ask_owner(c, order_id, err);
			ask = mono_add_ms(mono_now(), UNKNOWN_MS);
		}
		reached = reached || rc != ERR_UNAVAILABLE;
		if (rc != 0 && (rc != ERR_UNAVAILABLE || !reached || mono_left_ms(deadline) == 0))
			break;
		if (mono_left_ms(deadline) == 0) {
			rc = timed_out(order_id, state, timeout_ms, row, err);
			break;
		}
		saga_watch_wait(w, mono_left_ms(deadline));
	}
	saga_watch_free(w);
	*ret_row = row;
	return rc < 0 ? rc : 0;
}
