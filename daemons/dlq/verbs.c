/*
 * Discarding, restoring, editing.
 */
#include "daemons/dlq/verbs.h"

#include <stdio.h>
#include <string.h>

#include "core/base/base64.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "daemons/dlq/rows.h"

/* --- discard and restore --- */

static int wrong_state(const struct letter *l, enum letter_input input, struct error *err)
{
	char id[UUID_TEXT_SIZE];

	uuid_format(l->id, id);
	error_set(err, ERR_CONFLICT, "letter", "letter %s is %s: only %s letter can be %s", id,
		  letter_state_word(l->standing.state),
		  input == INPUT_RESTORE ? "a discarded" : "an unresolved",
		  input == INPUT_RESTORE   ? "restored"
		  : input == INPUT_DISCARD ? "discarded"
					   : "edited");
	if (l->standing.state == LETTER_REPLAYING)
		error_hint(err, "job %lld has it; pizzactl dlq jobs cancel %lld", (long long)l->job_id,
			   (long long)l->job_id);
	return ERR_CONFLICT;
}

static int lock_selected(struct db_conn *tx, const json_t *selection, struct letter **ret, int *ret_count,
			 struct error *err)
{
	CLEANUP(db_array_done) struct db_array ids = {0};
	AUTO_FREE struct uuid *list = NULL;
	size_t asked = json_array_size(json_object_get(selection, "ids"));
	int n = 0, rc = rows_ids(tx, selection, &list, &n, err);

	if (rc < 0)
		return rc;
	if (asked > (size_t)n)
		return error_set(err, ERR_NOT_FOUND, "letters", "%zu of the %zu letters are not there",
				 asked - (size_t)n, asked);
	db_array_init(&ids, DB_UUID);
	for (int i = 0; i < n; i++)
		db_array_uuid(&ids, &list[i]);
	return store_lock(tx, &ids, ret, ret_count, err);
}

static json_t *result_json(const struct letter *l, const char *outcome)
{
	char id[UUID_TEXT_SIZE];

	return json_pack("{s:s, s:s, s:s}", "letter_id", uuid_format(l->id, id), "outcome", outcome, "state",
			 letter_state_word(l->standing.state));
}

int verbs_change(struct db_conn *tx, const json_t *selection, enum letter_input input, bool dry,
		 const struct change_origin *origin, json_t **ret, struct error *err)
{
	const char *word = input == INPUT_DISCARD ? "discarded" : "restored";
	CLEANUP(letter_changes_done) struct letter_changes changes = {0};
	AUTO_JSON json_t *results = json_array();
	AUTO_FREE struct letter *letters = NULL;
	bool by_id = json_array_size(json_object_get(selection, "ids")) > 0;
	int n = 0, rc = lock_selected(tx, selection, &letters, &n, err);

	for (int i = 0; i < n && rc == 0; i++) {
		enum letter_act act = letter_step(&letters[i].standing, input, letters[i].replay_cap);

		if (act == ACT_REFUSE && by_id)
			rc = wrong_state(&letters[i], input, err);
		if (act == ACT_MOVE)
			letter_changes_add(&changes, &letters[i], word,
					   input == INPUT_DISCARD ? EVENT_MESSAGE_DISCARDED : -1);
		if (act != ACT_REFUSE)
			json_array_append_new(results,
					      result_json(&letters[i], act == ACT_MOVE ? word : "unchanged"));
	}
	if (rc == 0 && !dry)
		rc = store_write(tx, &changes, origin, err);
	if (rc == 0)
		*ret =
		    json_pack("{s:i, s:i, s:O}", "matched", n, "changed", changes.count, "letters", results);
	return rc;
}

/* --- edit --- */

DB_STATEMENT(letter_value, "SELECT coalesce(edited, value) FROM letters WHERE letter_id = $1")
DB_STATEMENT(letter_edit, "UPDATE letters SET edited = $2, event_type = nullif($3, ''), event_id = $4::uuid,"
			  " order_id = coalesce($5::uuid, order_id), correlation_id = $6::uuid"
			  " WHERE letter_id = $1")

static int read_value(struct db_conn *tx, struct uuid id, struct buf *ret, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	AUTO_FREE char *data = NULL;
	size_t len;
	int rc;

	db_param_uuid(&p, id);
	rc = db_exec(tx, &letter_value, &p, &r, err);
	if (rc < 0)
		return rc;
	data = db_bytes(r, 0, 0, &len);
	if (data != NULL)
		buf_add(ret, data, len);
	return 0;
}

/* The new value's bytes from the patch or as given. */
static int new_value(const json_t *body, const struct buf *old, struct buf *ret, struct error *err)
{
	const json_t *patch = json_object_get(body, "patch");
	AUTO_JSON json_t *before = NULL, *after = NULL;
	AUTO_FREE char *text = NULL;
	bool there;
	int rc;

	if (patch == NULL) {
		rc = base64_get(body, "value_base64", ret, &there, err);
		if (rc == 0 && !there)
			rc = error_set(err, ERR_INVALID, "edit", "needs a patch or a value");
		return rc;
	}
	if (!json_is_object(patch))
		return error_set(err, ERR_INVALID, "patch", "the patch must be a JSON object (RFC 7396)");
	if (json_parse_object(buf_str(old), old->len, &before, NULL) < 0) {
		error_set(err, ERR_INVALID, "patch",
			  "the letter's value is no JSON object, so that it cannot "
			  "be patched");
		error_hint(err, "replace the whole value: pizzactl dlq edit opens an editor");
		return ERR_INVALID;
	}
	after = merge_patch(before, patch);
	text = json_text(after);
	buf_adds(ret, text);
	return 0;
}

/* It must be an event, and the same one. */
static int check_event(const struct letter *l, const struct buf *value, struct arrival *seen,
		       struct error *err)
{
	struct event e = {0};
	struct error why = {0};
	int rc = event_parse(buf_str(value), value->len, &e, &why);

	event_done(&e);
	if (rc < 0)
		return error_set(err, ERR_INVALID, "edit", "the message would be no event: %s: %s", why.what,
				 why.why);
	arrival_read_event(seen, buf_str(value), value->len);
	if (!uuid_is_nil(l->event_id) && !uuid_equal(l->event_id, seen->event_id))
		return error_set(err, ERR_INVALID, "event_id", "must stay what it is");
	if (!uuid_is_nil(l->order_id) && !uuid_equal(l->order_id, seen->order_id))
		return error_set(err, ERR_INVALID, "order_id", "must stay what it is");
	return 0;
}

static json_t *diff_json(const struct buf *old, const struct buf *new)
{
	AUTO_JSON json_t *before = rows_value_json(buf_str(old), old->len);
	AUTO_JSON json_t *after = rows_value_json(buf_str(new), new->len);

	return json_diff(before, after);
}

static void param_uuid(struct db_params *p, struct uuid id)
{
	uuid_is_nil(id) ? db_param_null(p) : db_param_uuid(p, id);
}

static int write_edit(struct db_conn *tx, const struct letter *l, const struct buf *value,
		      const struct arrival *seen, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};

	db_param_uuid(&p, l->id);
	db_param_bytes(&p, buf_str(value), value->len);
	db_param_text(&p, seen->event_type);
	param_uuid(&p, seen->event_id);
	param_uuid(&p, seen->order_id);
	param_uuid(&p, seen->correlation_id);
	return db_exec(tx, &letter_edit, &p, NULL, err);
}

static int store_edit(struct db_conn *tx, struct letter *l, const struct buf *value,
		      const struct arrival *seen, const json_t *diff, const struct change_origin *origin,
		      struct error *err)
{
	CLEANUP(letter_changes_done) struct letter_changes changes = {0};
	AUTO_JSON json_t *detail = json_pack("{s:O}", "diff", diff);
	int rc;

	letter_changes_add(&changes, l, "edited", -1)->detail = json_text(detail);
	rc = store_write(tx, &changes, origin, err);
	return rc < 0 ? rc : write_edit(tx, l, value, seen, err);
}

static int lock_one(struct db_conn *tx, struct uuid id, struct letter **ret, struct error *err)
{
	CLEANUP(db_array_done) struct db_array ids = {0};
	int n = 0, rc;

	db_array_init(&ids, DB_UUID);
	db_array_uuid(&ids, &id);
	rc = store_lock(tx, &ids, ret, &n, err);
	if (rc == 0 && n == 0)
		rc = error_set(err, ERR_NOT_FOUND, "letter", "there is no such dead letter");
	return rc;
}

int verbs_edit(struct db_conn *tx, struct uuid id, const json_t *body, bool dry,
	       const struct change_origin *origin, json_t **ret, struct error *err)
{
	CLEANUP(buf_done) struct buf old = {0}, new = {0};
	AUTO_FREE struct letter *l = NULL;
	AUTO_JSON json_t *diff = NULL;
	struct arrival seen = {0};
	char text[UUID_TEXT_SIZE];
	int rc = lock_one(tx, id, &l, err);

	if (rc == 0 && letter_rule(l->standing.state, INPUT_EDIT).act == ACT_REFUSE)
		rc = wrong_state(l, INPUT_EDIT, err);
	if (rc == 0)
		rc = read_value(tx, id, &old, err);
	if (rc == 0)
		rc = new_value(body, &old, &new, err);
	if (rc == 0)
		rc = check_event(l, &new, &seen, err);
	if (rc < 0)
		return rc;
	diff = diff_json(&old, &new);
	if (!dry && json_array_size(diff) > 0)
		rc = store_edit(tx, l, &new, &seen, diff, origin, err);
	if (rc == 0)
		*ret = json_pack("{s:s, s:O, s:o}", "letter_id", uuid_format(id, text), "diff", diff, "value",
				 rows_value_json(buf_str(&new), new.len));
	return rc;
}
