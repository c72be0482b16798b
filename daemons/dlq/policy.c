/*
 * Policies, and acting on them.
 */
#include "daemons/dlq/policy.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/base/cond.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/service/audit.h"
#include "core/service/metrics.h"
#include "core/service/outbox.h"
#include "daemons/dlq/jobs.h"
#include "daemons/dlq/store.h"

#define SWEEP_MS     5000
#define EXPIRE_BATCH "5000"

struct policy {
	struct service *service;
	struct runner *runner;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping;
};

/* --- the table --- */

DB_STATEMENT(policies_list,
	     "SELECT json_build_object('error_code', p.error_code, 'replays', p.replays,"
	     " 'expiry_seconds', p.expiry_ms / 1000.0, 'auto_replay_seconds', p.auto_replay_ms / 1000.0,"
	     " 'letters', count(l.letter_id), 'open', count(l.letter_id) FILTER"
	     " (WHERE l.state IN ('unresolved', 'replaying')))"
	     " FROM policies p LEFT JOIN letters l ON l.error_code = p.error_code OR (p.error_code = '*'"
	     " AND NOT EXISTS (SELECT FROM policies q WHERE q.error_code = l.error_code))"
	     " GROUP BY p.error_code ORDER BY p.error_code <> '*', p.error_code")

int policy_list(struct db_conn *c, json_t **ret, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc = db_exec(c, &policies_list, NULL, &r, err);

	if (rc < 0)
		return rc;
	*ret = json_array();
	for (int i = 0; i < db_rows(r); i++)
		json_array_append_new(*ret, json_loads(db_text(r, i, 0), 0, NULL));
	return 0;
}

static int check_member(const json_t *body, const char *name, int64_t min, int64_t max, struct error *err)
{
	const json_t *value = json_object_get(body, name);

	if (value == NULL || json_is_null(value))
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < min || json_integer_value(value) > max)
		return error_set(err, ERR_INVALID, name, "must be an integer from %lld to %lld, or null",
				 (long long)min, (long long)max);
	return 0;
}

DB_STATEMENT(policy_put,
	     "INSERT INTO policies AS p (error_code, replays, expiry_ms, auto_replay_ms)"
	     " VALUES ($1, $2::int4, $3::int8, $4::int8) ON CONFLICT (error_code) DO UPDATE SET"
	     " replays = CASE WHEN $5::bool THEN excluded.replays ELSE p.replays END,"
	     " expiry_ms = CASE WHEN $6::bool THEN excluded.expiry_ms ELSE p.expiry_ms END,"
	     " auto_replay_ms = CASE WHEN $7::bool THEN excluded.auto_replay_ms ELSE p.auto_replay_ms END,"
	     " updated_at = clock_timestamp()")

int policy_set(struct db_conn *tx, const char *error_code, const json_t *body, struct error *err)
{
	static const char *const names[] = {"replays", "expiry_ms", "auto_replay_ms"};
	CLEANUP(db_params_done) struct db_params p = {0};
	int rc = check_member(body, "replays", 1, 1000, err);

	if (rc == 0)
		rc = check_member(body, "expiry_ms", 1000, 315360000000, err);
	if (rc == 0)
		rc = check_member(body, "auto_replay_ms", 0, 315360000000, err);
	if (rc == 0 && (*error_code == '\0' || strlen(error_code) > 60))
		rc = error_set(err, ERR_INVALID, "error_code", "must have 1 to 60 bytes");
	if (rc == 0 && strcmp(error_code, "*") == 0) {
		error_set(err, ERR_REFUSED, "policy *", "the policy * follows the configuration");
		error_hint(err, "set dlq.replays and dlq.expiry there, or a policy for one error code");
		rc = ERR_REFUSED;
	}
	if (rc < 0)
		return rc;
	db_param_text(&p, error_code);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const json_t *value = json_object_get(body, names[i]);

		json_is_integer(value) ? db_param_int(&p, json_integer_value(value)) : db_param_null(&p);
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		db_param_bool(&p, json_object_get(body, names[i]) != NULL);
	return db_exec(tx, &policy_put, &p, NULL, err);
}

DB_STATEMENT(policy_delete, "DELETE FROM policies WHERE error_code = $1 AND error_code <> '*'")

int policy_remove(struct db_conn *tx, const char *error_code, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc;

	db_param_text(&p, error_code);
	rc = db_exec(tx, &policy_delete, &p, &r, err);
	if (rc == 0 && db_affected(r) == 0)
		rc = error_set(err, ERR_NOT_FOUND, "policy", "there is no policy for the error code %.60s",
			       error_code);
	return rc;
}

/* --- acting --- */

DB_STATEMENT(policy_default,
	     "UPDATE policies SET replays = $1::int4, expiry_ms = $2::int8"
	     " WHERE error_code = '*' AND (replays, expiry_ms) IS DISTINCT FROM ($1::int4, $2::int8)")

static int follow_configuration(struct db_conn *tx, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};

	db_param_int(&p, config_int(CONFIG_DLQ_REPLAYS));
	db_param_int(&p, config_int(CONFIG_DLQ_EXPIRY));
	return db_exec(tx, &policy_default, &p, NULL, err);
}

DB_STATEMENT(
    letters_due,
    "SELECT letter_id FROM letter_rows WHERE state IN ('unresolved', 'discarded')"
    " AND state_at <= clock_timestamp() - (SELECT min(expiry_ms) FROM policies) * interval '1 millisecond'"
    " AND expires_at <= clock_timestamp() LIMIT " EXPIRE_BATCH)

static int expire(struct db_conn *tx, int *ret_count, struct error *err)
{
	const struct change_origin origin = {.actor = "dlqd", .reason = "nobody dealt with it in time"};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc = db_exec(tx, &letters_due, NULL, &r, err);

	return rc < 0 ? rc : store_step(tx, r, INPUT_EXPIRE, "expired", &origin, ret_count, err);
}

/* One error code's letters that are due, as a job under a lock of the code's name. */
static int auto_replay(struct db_conn *tx, const char *code, int64_t after_ms, bool *ret_job,
		       struct error *err)
{
	AUTO_FREE char *lock = xasprintf("policy:%s", code);
	AUTO_FREE char *reason = xasprintf("policy of %s", code);
	const struct change_origin origin = {.actor = "dlqd", .reason = reason};
	struct audit_origin who = {.actor = "dlqd"};
	AUTO_JSON json_t *selection = json_pack("{s:s, s:s, s:b, s:I}", "state", "unresolved", "code", code,
						"quarantined", 0, "min_age_ms", (json_int_t)after_ms);
	const struct job_request request = {.selection = selection, .lock = lock, .limit = -1};
	const struct audit_entry entry = {&who, "dlq.replay", lock, selection, "ok"};
	AUTO_JSON json_t *plan = NULL;
	int64_t job = 0;
	int rc = jobs_plan(tx, &request, &origin, true, &plan, &job, err);

	if (rc == ERR_CONFLICT)
		return 0; /* the one before still runs */
	snprintf(who.reason, sizeof(who.reason), "%s", reason);
	if (rc == 0 && job > 0) {
		*ret_job = true;
		rc = audit_add(tx, &entry, err);
	}
	return rc;
}

DB_STATEMENT(policies_auto,
	     "SELECT error_code, auto_replay_ms FROM policies p WHERE auto_replay_ms IS NOT NULL"
	     " AND EXISTS (SELECT FROM letters l WHERE l.error_code = p.error_code"
	     " AND l.state = 'unresolved' AND NOT l.quarantined)")

static int auto_replays(struct db_conn *tx, bool *ret_job, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc = db_exec(tx, &policies_auto, NULL, &r, err);

	for (int i = 0; rc == 0 && i < db_rows(r); i++)
		rc = auto_replay(tx, db_text(r, i, 0), db_int(r, i, 1), ret_job, err);
	return rc;
}

DB_STATEMENT(letters_by_state,
	     "SELECT state, count(*), extract(epoch FROM clock_timestamp() - min(failed_at))"
	     "::float8 FROM letters GROUP BY state")

static int tell_figures(struct db_conn *tx, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc = db_exec(tx, &letters_by_state, NULL, &r, err);
	double oldest = 0;

	if (rc < 0)
		return rc;
	for (int s = 0; s < LETTER_STATE_COUNT; s++) {
		const char *word = letter_state_word((enum letter_state)s);
		double n = 0;

		for (int i = 0; i < db_rows(r); i++) {
			if (strcmp(db_text(r, i, 0), word) != 0)
				continue;
			n = db_double(r, i, 1);
			if (s == LETTER_UNRESOLVED)
				oldest = db_double(r, i, 2);
		}
		metric_set(metric_series(METRIC_LETTERS, word, NULL, NULL), n);
	}
	metric_set(metric_series(METRIC_LETTER_AGE, NULL, NULL, NULL), oldest);
	return 0;
}

static int sweep_in(struct db_conn *tx, int *expired, bool *job, struct error *err)
{
	int rc = db_begin(tx, err);

	if (rc == 0)
		rc = follow_configuration(tx, err);
	if (rc == 0)
		rc = expire(tx, expired, err);
	if (rc == 0)
		rc = auto_replays(tx, job, err);
	if (rc == 0)
		rc = tell_figures(tx, err);
	if (rc == 0)
		rc = db_commit(tx, err);
	if (rc < 0)
		db_rollback(tx);
	return rc;
}

static void sweep(struct policy *p)
{
	struct db_conn *c = NULL;
	struct error err;
	int expired = 0;
	bool job = false;
	int rc = db_acquire(service_db(p->service), &c, &err);

	if (rc == 0)
		rc = sweep_in(c, &expired, &job, &err);
	db_release(c);
	if (rc < 0) {
		log_err(LOG_WARN, &err, "policies could not be looked after");
		return;
	}
	if (expired > 0)
		log_info("%d letters have expired", expired);
	if (job) {
		outbox_notify(p->service);
		runner_wake(p->runner);
	}
}

static void *policy_main(void *arg)
{
	struct policy *p = arg;

	pthread_mutex_lock(&p->lock);
	while (!p->stopping) {
		pthread_mutex_unlock(&p->lock);
		sweep(p);
		pthread_mutex_lock(&p->lock);
		if (!p->stopping)
			(void)cond_wait_until(&p->wake, &p->lock, mono_add_ms(mono_now(), SWEEP_MS));
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

int policy_start(struct service *s, struct runner *runner, struct policy **ret, struct error *err)
{
	struct policy *p = xcalloc(1, sizeof(*p));

	p->service = s;
	p->runner = runner;
	pthread_mutex_init(&p->lock, NULL);
	cond_init(&p->wake);
	if (pthread_create(&p->thread, NULL, policy_main, p) != 0) {
		free(p);
		return error_errno(err, "start the policy thread");
	}
	*ret = p;
	return 0;
}

void policy_stop(struct policy *p)
{
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->wake);
	free(p);
}
