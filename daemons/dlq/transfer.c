/*
 * Importing what was exported, byte for byte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base64.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "daemons/dlq/verbs.h"

/* One letter as read from its export. */
struct parcel {
	struct arrival arrival;
	struct buf key, value, edited;
	bool has_edited;
	bool quarantined;
	char dlq_topic[256];
	int64_t first_failed_us;
	enum letter_state state;
};

static void parcel_done(struct parcel *p)
{
	arrival_done(&p->arrival);
	buf_done(&p->key);
	buf_done(&p->value);
	buf_done(&p->edited);
}

static int get_text(const json_t *j, const char *name, char *out, size_t size, struct error *err)
{
	const char *text;
	int rc = json_get_string(j, name, &text, err);

	if (rc == 0 && strlen(text) >= size)
		rc = error_set(err, ERR_MALFORMED, name, "is longer than %zu bytes", size - 1);
	if (rc == 0)
		strcpy(out, text);
	return rc;
}

static int get_int(const json_t *j, const char *name, int64_t min, int64_t max, int64_t *ret,
		   struct error *err)
{
	int rc = json_get_int(j, name, ret, err);

	if (rc == 0 && (*ret < min || *ret > max))
		rc = error_set(err, ERR_MALFORMED, name, "is out of range");
	return rc;
}

static int read_place(const json_t *j, struct arrival *a, struct error *err)
{
	int64_t partition = -1, dlq_partition = -1, retries = 0, replays = 0;
	int rc = get_int(j, "partition", -1, INT32_MAX, &partition, err);

	if (rc == 0)
		rc = get_int(j, "offset", -1, INT64_MAX, &a->offset, err);
	if (rc == 0)
		rc = get_int(j, "dlq_partition", -1, INT32_MAX, &dlq_partition, err);
	if (rc == 0)
		rc = get_int(j, "dlq_offset", -1, INT64_MAX, &a->dlq_offset, err);
	if (rc == 0)
		rc = get_int(j, "retry_count", 0, INT32_MAX, &retries, err);
	if (rc == 0)
		rc = get_int(j, "replay_count", 0, INT32_MAX, &replays, err);
	a->partition = (int32_t)partition;
	a->dlq_partition = (int32_t)dlq_partition;
	a->retry_count = (int)retries;
	a->replay_count = (int)replays;
	return rc;
}

static int read_failure(const json_t *j, struct parcel *p, struct error *err)
{
	struct arrival *a = &p->arrival;
	int rc = get_text(j, "topic", a->topic, sizeof(a->topic), err);

	if (rc == 0)
		rc = get_text(j, "consumer_group", a->group, sizeof(a->group), err);
	if (rc == 0)
		rc = get_text(j, "error_code", a->error_code, sizeof(a->error_code), err);
	if (rc == 0)
		rc = get_text(j, "error_reason", a->error_reason, sizeof(a->error_reason), err);
	if (rc == 0)
		rc = get_text(j, "failed_step", a->failed_step, sizeof(a->failed_step), err);
	if (rc == 0)
		rc = get_text(j, "dlq_topic", p->dlq_topic, sizeof(p->dlq_topic), err);
	if (rc == 0)
		rc = json_get_time(j, "failed_at", &a->failed_us, err);
	if (rc == 0)
		rc = json_get_time(j, "first_failed_at", &p->first_failed_us, err);
	if (rc == 0 && !json_is_null(json_object_get(j, "original_at")))
		rc = json_get_time(j, "original_at", &a->original_us, err);
	return rc;
}

static int read_headers(const json_t *j, struct arrival *a, struct error *err)
{
	const json_t *headers = json_object_get(j, "headers");

	if (!json_is_array(headers))
		return error_set(err, ERR_MALFORMED, "headers", "must be an array");
	for (size_t i = 0; i < json_array_size(headers); i++) {
		CLEANUP(buf_done) struct buf value = {0};
		const json_t *h = json_array_get(headers, i);
		const char *name;
		bool there;

		if (json_get_string(h, "name", &name, err) < 0 ||
		    base64_get(h, "value_base64", &value, &there, err) < 0)
			return ERR_MALFORMED;
	}
	a->headers = json_text(headers);
	return 0;
}

static int read_bytes(const json_t *j, struct parcel *p, struct error *err)
{
	struct arrival *a = &p->arrival;
	bool key = false, value = false;
	int rc = base64_get(j, "key_base64", &p->key, &key, err);

	if (rc == 0)
		rc = base64_get(j, "value_base64", &p->value, &value, err);
	if (rc == 0)
		rc = base64_get(j, "edited_base64", &p->edited, &p->has_edited, err);
	if (rc < 0)
		return rc;
	a->key = key ? buf_str(&p->key) : NULL;
	a->key_len = p->key.len;
	a->value = value ? buf_str(&p->value) : NULL;
	a->value_len = p->value.len;
	return 0;
}

static void get_uuid(const json_t *j, const char *name, struct uuid *ret)
{
	if (!uuid_parse(json_string_or(j, name, ""), ret))
		*ret = (struct uuid){0};
}

static int read_parcel(const json_t *j, struct parcel *p, struct error *err)
{
	struct arrival *a = &p->arrival;
	const char *type = json_string_or(j, "event_type", "");
	int rc = json_get_uuid(j, "letter_id", &a->letter_id, err);

	if (rc == 0)
		rc = read_failure(j, p, err);
	if (rc == 0)
		rc = read_place(j, a, err);
	if (rc == 0)
		rc = read_headers(j, a, err);
	if (rc == 0)
		rc = read_bytes(j, p, err);
	if (rc == 0 && !letter_state_parse(json_string_or(j, "state", ""), &p->state))
		rc = error_set(err, ERR_MALFORMED, "state", "is none of a letter");
	if (rc == 0 && strlen(type) >= sizeof(a->event_type))
		rc = error_set(err, ERR_MALFORMED, "event_type", "is too long");
	if (rc < 0)
		return rc;
	if (p->state == LETTER_REPLAYING) /* its job is elsewhere */
		p->state = LETTER_UNRESOLVED;
	a->dlq_topic = p->dlq_topic;
	a->readable = json_bool_or(j, "readable", true);
	p->quarantined = json_bool_or(j, "quarantined", false);
	strcpy(a->event_type, type);
	get_uuid(j, "event_id", &a->event_id);
	get_uuid(j, "order_id", &a->order_id);
	get_uuid(j, "correlation_id", &a->correlation_id);
	return 0;
}

DB_STATEMENT(letter_imported,
	     "UPDATE letters SET state = $2, quarantined = $3, first_failed_at = $4, edited = $5::bytea"
	     " WHERE letter_id = $1")

static int finish_import(struct db_conn *tx, const struct parcel *p, const struct change_origin *origin,
			 struct error *err)
{
	struct letter letter = {.id = p->arrival.letter_id};
	CLEANUP(db_params_done) struct db_params q = {0};
	int rc;

	db_param_uuid(&q, letter.id);
	db_param_text(&q, letter_state_word(p->state));
	db_param_bool(&q, p->quarantined);
	db_param_time(&q, p->first_failed_us);
	p->has_edited ? db_param_bytes(&q, buf_str(&p->edited), p->edited.len) : db_param_null(&q);
	rc = db_exec(tx, &letter_imported, &q, NULL, err);
	return rc < 0 ? rc : store_note(tx, &letter, "imported", origin, err);
}

static json_t *result_json(const json_t *letter, const char *outcome, const char *reason)
{
	return json_pack("{s:s, s:s, s:s?}", "letter_id", json_string_or(letter, "letter_id", ""), "outcome",
			 outcome, "reason", reason);
}

static int import_one(struct db_conn *tx, const json_t *letter, const struct change_origin *origin,
		      json_t *results, struct error *err)
{
	CLEANUP(parcel_done) struct parcel p = {0};
	struct store_arrivals tally;
	struct error damage = {0};
	AUTO_FREE char *why = NULL;
	int rc = read_parcel(letter, &p, &damage);

	if (rc < 0) {
		why = xasprintf("%s: %s", damage.what, damage.why);
		json_array_append_new(results, result_json(letter, "damaged", why));
		return 0;
	}
	rc = store_arrive(tx, &p.arrival, 1, &tally, err);
	if (rc == 0 && tally.fresh > 0)
		rc = finish_import(tx, &p, origin, err);
	if (rc == 0)
		json_array_append_new(results,
				      result_json(letter, tally.fresh > 0 ? "imported" : "known", NULL));
	return rc;
}

int verbs_import(struct db_conn *tx, const json_t *letters, const struct change_origin *origin, json_t **ret,
		 struct error *err)
{
	AUTO_JSON json_t *results = json_array();
	int rc = 0;

	if (!json_is_array(letters) || json_array_size(letters) > 1000)
		return error_set(err, ERR_INVALID, "letters", "must be an array of at most 1000 letters");
	for (size_t i = 0; i < json_array_size(letters) && rc == 0; i++)
		rc = import_one(tx, json_array_get(letters, i), origin, results, err);
	if (rc == 0)
		*ret = json_pack("{s:O}", "results", results);
	return rc;
}
