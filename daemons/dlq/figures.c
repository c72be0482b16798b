/*
 * Letters by what failed, and figures per topic: PostgreSQL counts and builds the JSON.
 */
#include "core/base/mem.h"
#include "daemons/dlq/rows.h"

static json_t *object_of(const struct db_result *r, int row)
{
	return json_loads(db_text(r, row, 0), 0, NULL);
}

static int query_objects(struct db_conn *c, const char *sql, const struct db_params *params, json_t **ret,
			 struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc = db_query(c, sql, params, &r, err);

	if (rc < 0)
		return rc;
	*ret = json_array();
	for (int i = 0; i < db_rows(r); i++)
		json_array_append_new(*ret, object_of(r, i));
	return 0;
}

int rows_groups(struct db_conn *c, const json_t *wanted, json_t **ret, struct error *err)
{
	CLEANUP(selection_done) struct selection s = {0};
	CLEANUP(buf_done) struct buf sql = {0};
	int rc = selection_build(wanted, &s, err);

	if (rc < 0)
		return rc;
	buf_addf(
	    &sql,
	    "SELECT json_build_object('fingerprint', fingerprint, 'letters', count(*),"
	    " 'open', count(*) FILTER (WHERE state IN ('unresolved', 'replaying')),"
	    " 'quarantined', count(*) FILTER (WHERE quarantined),"
	    " 'consumer_group', string_agg(DISTINCT consumer_group, ', '),"
	    " 'topic', string_agg(DISTINCT topic, ', '), 'error_code', min(error_code),"
	    " 'failed_step', min(failed_step), 'orders', count(DISTINCT order_id),"
	    " 'first_failed_at', " ROWS_UTC("min(first_failed_at)") ", 'last_failed_at', " ROWS_UTC(
		"max(failed_at)") ","
				  " 'error_reason', (array_agg(error_reason ORDER BY failed_at DESC))[1],"
				  " 'example', (array_agg(letter_id ORDER BY state <> 'unresolved', "
				  "failed_at DESC))[1])"
				  " FROM letter_rows l WHERE %s GROUP BY fingerprint"
				  " ORDER BY count(*) FILTER (WHERE state IN ('unresolved', 'replaying')) "
				  "DESC, max(failed_at) DESC",
	    buf_str(&s.sql));
	return query_objects(c, buf_str(&sql), &s.params, ret, err);
}

int rows_stats(struct db_conn *c, json_t **ret, struct error *err)
{
	return query_objects(
	    c,
	    "SELECT json_build_object('topic', topic, 'letters', count(*),"
	    " 'dead_messages', count(DISTINCT (partition, \"offset\")),"
	    " 'unresolved', count(*) FILTER (WHERE state = 'unresolved'),"
	    " 'replaying', count(*) FILTER (WHERE state = 'replaying'),"
	    " 'resolved', count(*) FILTER (WHERE state = 'resolved'),"
	    " 'discarded', count(*) FILTER (WHERE state = 'discarded'),"
	    " 'expired', count(*) FILTER (WHERE state = 'expired'),"
	    " 'quarantined', count(*) FILTER (WHERE quarantined),"
	    " 'last_minute', count(*) FILTER (WHERE failed_at > clock_timestamp() - interval '1 minute'),"
	    " 'last_hour', count(*) FILTER (WHERE failed_at > clock_timestamp() - interval '1 hour'),"
	    " 'last_day', count(*) FILTER (WHERE failed_at > clock_timestamp() - interval '1 day'),"
	    " 'oldest_age_seconds', extract(epoch FROM clock_timestamp() -"
	    " min(failed_at) FILTER (WHERE state IN ('unresolved', 'replaying')))::float8,"
	    " 'last_failed_at', " ROWS_UTC("max(failed_at)") ")"
							     " FROM letters GROUP BY topic ORDER BY topic",
	    NULL, ret, err);
}
