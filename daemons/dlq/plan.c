/*
 * Choosing what a replay is about, and freezing it.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/contract/daemons.h"
#include "daemons/dlq/jobs.h"
#include "daemons/dlq/rows.h"

/* The choice under way. */
struct plan {
	const struct job_request *request;
	bool by_id;
	struct uuid *ids; /* oldest first */
	int id_count;
	struct letter *letters; /* locked, in id order */
	int letter_count;
	struct letter **chosen; /* oldest first */
	int chosen_count;
	int quarantined, unreadable, busy, beyond; /* left out */
};

static void plan_done(struct plan *p)
{
	free(p->ids);
	free(p->letters);
	free(p->chosen);
}

int jobs_request(const json_t *body, struct job_request *ret, struct error *err)
{
	const json_t *rate = json_object_get(body, "rate");
	int64_t ignored;

	*ret = (struct job_request){
	    .selection = json_object_get(body, "selection"),
	    .lock = json_string_or(body, "lock", NULL),
	    .rate = json_is_number(rate) ? json_number_value(rate) : 0,
	    .limit = json_int_or(body, "limit", -1),
	    .max_failures = json_string_or(body, "max_failures", NULL),
	    .force = json_bool_or(body, "force", false),
	    .list = json_bool_or(body, "letters", false),
	};
	if (!json_is_object(ret->selection) || json_object_size(ret->selection) == 0)
		return error_set(
		    err, ERR_INVALID, "selection",
		    "selection must say which letters: ids, fingerprint, where, or another filter");
	if (ret->rate < 0 || ret->rate > 1e6)
		return error_set(err, ERR_INVALID, "rate", "must be a number of letters per second");
	if (ret->max_failures != NULL && !max_failures_parse(ret->max_failures, 0, &ignored))
		return error_set(err, ERR_INVALID, "max_failures",
				 "must be a number such as 25 or a share such as 10%%");
	if (ret->lock != NULL && (*ret->lock == '\0' || strlen(ret->lock) > 100))
		return error_set(err, ERR_INVALID, "lock", "must be a name of 1 to 100 bytes");
	return 0;
}

/* --- choosing --- */

static int missing(const struct plan *p, const json_t *ids, struct error *err)
{
	struct map there = {0};
	int rc = 0;

	for (int i = 0; i < p->id_count; i++)
		map_put(&there, p->ids[i].b, sizeof(p->ids[i].b), &there);
	for (size_t i = 0; i < json_array_size(ids) && rc == 0; i++) {
		const char *text = json_string_value(json_array_get(ids, i));
		struct uuid id;

		if (!uuid_parse(text, &id) || map_get(&there, id.b, sizeof(id.b)) == NULL)
			rc = error_set(err, ERR_NOT_FOUND, "replay", "there is no dead letter %.40s", text);
	}
	map_done(&there, NULL);
	return rc;
}

static int select_ids(struct db_conn *tx, struct plan *p, struct error *err)
{
	AUTO_JSON json_t *wanted = json_copy((json_t *)p->request->selection);
	const json_t *ids = json_object_get(wanted, "ids");
	int rc;

	p->by_id = json_array_size(ids) > 0;
	if (!p->by_id && json_object_get(wanted, "state") == NULL)
		json_object_set_new(wanted, "state", json_string("open"));
	rc = rows_ids(tx, wanted, &p->ids, &p->id_count, err);
	return rc == 0 && p->by_id ? missing(p, ids, err) : rc;
}

static int lock_letters(struct db_conn *tx, struct plan *p, struct error *err)
{
	CLEANUP(db_array_done) struct db_array ids = {0};

	db_array_init(&ids, DB_UUID);
	for (int i = 0; i < p->id_count; i++)
		db_array_uuid(&ids, &p->ids[i]);
	return store_lock(tx, &ids, &p->letters, &p->letter_count, err);
}

static int refuse(const struct letter *l, struct error *err)
{
	char id[UUID_TEXT_SIZE];

	uuid_format(l->id, id);
	if (!l->readable) {
		error_set(err, ERR_CONFLICT, "replay",
			  "letter %s is unreadable: nobody knows which group it belongs to", id);
		return ERR_CONFLICT;
	}
	if (l->standing.state == LETTER_REPLAYING) {
		error_set(err, ERR_CONFLICT, "replay", "letter %s is replaying already, in job %lld", id,
			  (long long)l->job_id);
		error_hint(err, "pizzactl dlq jobs show %lld", (long long)l->job_id);
	} else if (l->standing.state != LETTER_UNRESOLVED) {
		error_set(err, ERR_CONFLICT, "replay",
			  "letter %s is %s: only an unresolved letter can be replayed", id,
			  letter_state_word(l->standing.state));
		if (l->standing.state == LETTER_DISCARDED)
			error_hint(err, "pizzactl dlq restore %s", id);
	} else if (daemon_find(l->group) == NULL) {
		error_set(err, ERR_CONFLICT, "replay", "nothing here consumes as the group %s of letter %s",
			  l->group, id);
	} else {
		error_set(err, ERR_CONFLICT, "replay", "letter %s is quarantined: %d replays have failed", id,
			  l->standing.replay_count);
		error_hint(err, "look at it with pizzactl dlq show %s; --force replays it all the same", id);
	}
	return ERR_CONFLICT;
}

/* Counts why a letter is left out; true when it is not. */
static bool eligible(struct plan *p, const struct letter *l)
{
	if (!l->readable || daemon_find(l->group) == NULL)
		p->unreadable++;
	else if (letter_rule(l->standing.state, INPUT_CLAIM).act != ACT_MOVE)
		p->busy++;
	else if (l->standing.quarantined && !p->request->force)
		p->quarantined++;
	else
		return true;
	return false;
}

static int choose(struct plan *p, struct error *err)
{
	struct map by_id = {0};
	int rc = 0;

	for (int i = 0; i < p->letter_count; i++)
		map_put(&by_id, p->letters[i].id.b, sizeof(p->letters[i].id.b), &p->letters[i]);
	p->chosen = xcalloc((size_t)p->id_count + 1, sizeof(struct letter *));
	for (int i = 0; i < p->id_count && rc == 0; i++) {
		struct letter *l = map_get(&by_id, p->ids[i].b, sizeof(p->ids[i].b));

		if (l == NULL)
			continue;
		if (!eligible(p, l))
			rc = p->by_id ? refuse(l, err) : 0;
		else if (p->request->limit >= 0 && p->chosen_count >= p->request->limit)
			p->beyond++;
		else
			p->chosen[p->chosen_count++] = l;
	}
	map_done(&by_id, NULL);
	return rc;
}

/* --- saying what would be done --- */

static int count_orders(const struct plan *p)
{
	struct map seen = {0};
	int n;

	for (int i = 0; i < p->chosen_count; i++)
		if (!uuid_is_nil(p->chosen[i]->order_id))
			map_put(&seen, p->chosen[i]->order_id.b, sizeof(p->chosen[i]->order_id.b), &seen);
	n = (int)seen.len;
	map_done(&seen, NULL);
	return n;
}

static json_t *groups_json(const struct plan *p)
{
	json_t *groups = json_object();

	for (int i = 0; i < p->chosen_count; i++)
		json_object_set_new(groups, p->chosen[i]->group,
				    json_integer(1 + json_int_or(groups, p->chosen[i]->group, 0)));
	return groups;
}

static json_t *letters_json(const struct plan *p)
{
	json_t *list = json_array();
	char id[UUID_TEXT_SIZE], order[UUID_TEXT_SIZE];

	for (int i = 0; i < p->chosen_count; i++) {
		const struct letter *l = p->chosen[i];

		json_array_append_new(
		    list,
		    json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:s, s:s, s:s, s:i}", "letter_id",
			      uuid_format(l->id, id), "outcome", "planned", "consumer_group", l->group,
			      "order_id", uuid_is_nil(l->order_id) ? NULL : uuid_format(l->order_id, order),
			      "event_type", l->event_type[0] != '\0' ? l->event_type : NULL, "error_code",
			      l->error_code, "error_reason", l->error_reason, "failed_step", l->failed_step,
			      "replay_count", l->standing.replay_count));
	}
	return list;
}

static json_t *plan_json(const struct plan *p)
{
	int again = 0, over = 0;
	int64_t oldest = INT64_MAX;
	char now[CLOCK_TEXT_SIZE], first[CLOCK_TEXT_SIZE];
	json_t *plan;

	for (int i = 0; i < p->chosen_count; i++) {
		again += p->chosen[i]->standing.replay_count > 0;
		over += p->chosen[i]->standing.quarantined;
		if (p->chosen[i]->failed_us < oldest)
			oldest = p->chosen[i]->failed_us;
	}
	plan =
	    json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:o, s:i, s:s?, s:i, s:i, s:f}", "frozen_at",
		      clock_format(clock_wall_us(), now), "matched", p->id_count, "chosen", p->chosen_count,
		      "beyond_limit", p->beyond, "quarantined", p->quarantined, "replaying", p->busy,
		      "unreadable", p->unreadable, "groups", groups_json(p), "orders", count_orders(p),
		      "oldest_failed_at", p->chosen_count > 0 ? clock_format(oldest, first) : NULL,
		      "replayed_before", again, "over_cap", over, "rate", p->request->rate);
	if (p->request->list)
		json_object_set_new(plan, "letters", letters_json(p));
	return plan;
}

/* --- freezing --- */

DB_STATEMENT(job_lock_holder, "SELECT job_id FROM jobs WHERE lock_name = $1 AND finished_at IS NULL")

/* ERR_CONFLICT when an unfinished job has the lock. */
static int check_lock(struct db_conn *tx, const char *lock, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc;

	if (lock == NULL)
		return 0;
	db_param_text(&p, lock);
	rc = db_exec(tx, &job_lock_holder, &p, &r, err);
	if (rc < 0 || db_rows(r) == 0)
		return rc;
	error_set(err, ERR_CONFLICT, "--lock", "job %lld runs under the lock %.80s",
		  (long long)db_int(r, 0, 0), lock);
	error_hint(err, "pizzactl dlq jobs show %lld", (long long)db_int(r, 0, 0));
	return ERR_CONFLICT;
}

DB_STATEMENT(job_insert,
	     "INSERT INTO jobs (state, actor, reason, selection, lock_name, rate, max_failures, total)"
	     " VALUES ('running', $1, nullif($2, ''), $3, $4, nullif($5::float8, 0), $6::int8, $7::int8)"
	     " ON CONFLICT (lock_name) WHERE finished_at IS NULL DO NOTHING RETURNING job_id")

static int insert_job(struct db_conn *tx, const struct plan *plan, const struct change_origin *origin,
		      int64_t *ret_job, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	AUTO_FREE char *selection = json_text(plan->request->selection);
	char rate[32];
	int64_t failures;
	int rc;

	snprintf(rate, sizeof(rate), "%.6f", plan->request->rate);
	db_param_text(&p, origin->actor);
	db_param_text(&p, origin->reason);
	db_param_text(&p, selection);
	db_param_text(&p, plan->request->lock);
	db_param_text(&p, rate);
	if (plan->request->max_failures != NULL &&
	    max_failures_parse(plan->request->max_failures, plan->chosen_count, &failures))
		db_param_int(&p, failures);
	else
		db_param_null(&p);
	db_param_int(&p, plan->chosen_count);
	rc = db_exec(tx, &job_insert, &p, &r, err);
	if (rc < 0)
		return rc;
	if (db_rows(r) == 0) {
		rc = check_lock(tx, plan->request->lock, err);
		return rc < 0 ? rc : error_set(err, ERR_CONFLICT, "--lock", "another job had it just now");
	}
	*ret_job = db_int(r, 0, 0);
	return 0;
}

DB_STATEMENT(job_letters_insert,
	     "INSERT INTO job_letters (job_id, position, letter_id, lane)"
	     " SELECT $1::int8, v.n, v.id, v.lane FROM unnest($2::uuid[], $3::text[]) WITH ORDINALITY"
	     " AS v (id, lane, n)")

/* The letters become the job's, in its order. */
static int freeze(struct db_conn *tx, const struct plan *plan, int64_t job_id,
		  const struct change_origin *origin, struct error *err)
{
	CLEANUP(letter_changes_done) struct letter_changes changes = {0};
	CLEANUP(db_params_done) struct db_params p = {0};
	CLEANUP(db_array_done) struct db_array ids = {0}, lanes = {0};
	int rc;

	db_array_init(&ids, DB_UUID);
	db_array_init(&lanes, DB_TEXT);
	for (int i = 0; i < plan->chosen_count; i++) {
		struct letter *l = plan->chosen[i];
		char lane[128];

		letter_step(&l->standing, INPUT_CLAIM, l->replay_cap);
		l->job_id = job_id;
		letter_changes_add(&changes, l, NULL, -1);
		snprintf(lane, sizeof(lane), "%s:%s", l->group, l->lane);
		db_array_uuid(&ids, &l->id);
		db_array_text(&lanes, lane);
	}
	rc = store_write(tx, &changes, origin, err);
	if (rc < 0)
		return rc;
	db_param_int(&p, job_id);
	db_param_array(&p, &ids);
	db_param_array(&p, &lanes);
	return db_exec(tx, &job_letters_insert, &p, NULL, err);
}

int jobs_plan(struct db_conn *tx, const struct job_request *request, const struct change_origin *origin,
	      bool freeze_it, json_t **ret_plan, int64_t *ret_job, struct error *err)
{
	CLEANUP(plan_done) struct plan p = {.request = request};
	int rc = check_lock(tx, request->lock, err);

	*ret_job = 0;
	if (rc == 0)
		rc = select_ids(tx, &p, err);
	if (rc == 0)
		rc = lock_letters(tx, &p, err);
	if (rc == 0)
		rc = choose(&p, err);
	if (rc < 0)
		return rc;
	*ret_plan = plan_json(&p); /* before letters change */
	if (!freeze_it || p.chosen_count == 0)
		return 0;
	rc = insert_job(tx, &p, origin, ret_job, err);
	if (rc == 0)
		rc = freeze(tx, &p, *ret_job, origin, err);
	if (rc < 0) {
		json_decref(*ret_plan);
		*ret_plan = NULL;
	} else {
		json_object_set_new(*ret_plan, "job_id", json_integer(*ret_job));
	}
	return rc;
}
