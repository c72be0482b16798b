/*
 * Daemon × minute.  Event ids begin with their moment (UUIDv7), so the events of a moment are a range of the
 * primary key.
 */
#include "core/console/heatmap.h"

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/readmodel.h"

/* Per ten seconds at most 64 events. */
#define SAMPLE                                                                                            \
	"WITH slices AS ("                                                                                \
	" SELECT at, lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') AS low,"              \
	"  lpad(to_hex((extract(epoch FROM at) * 1000)::bigint + 10000), 12, '0') AS high"                \
	" FROM generate_series(date_trunc('minute', clock_timestamp()) - ($1::int - 1) * interval '1 "    \
	"minute',"                                                                                        \
	"  clock_timestamp(), interval '10 seconds') at),"                                                \
	" sample AS ("                                                                                    \
	" SELECT date_trunc('minute', s.at) AS minute, e.* FROM slices s CROSS JOIN LATERAL ("            \
	"  SELECT e.event_type, e.event_type LIKE '%Failed' OR e.event_type LIKE '%Rejected'"             \
	"    OR e.event_type = 'MessageDeadLettered' AS failed,"                                          \
	"   CASE e.event_type WHEN 'MessageDeadLettered' THEN e.data::jsonb ->> 'consumer_group'"         \
	"    ELSE e.daemon END AS daemon,"                                                                \
	"   (extract(epoch FROM e.at - cause.at) * 1000)::double precision AS ms"                         \
	"  FROM events e LEFT JOIN events cause ON cause.event_id = e.causation_id"                       \
	"  WHERE e.event_id >= (s.low || repeat('0', 20))::uuid AND e.event_id < (s.high || repeat('0', " \
	"20))::uuid"                                                                                      \
	"  LIMIT 64) e)"

static const char heatmap_sql[] =
    SAMPLE " SELECT minute, daemon, count(*) AS events, count(*) FILTER (WHERE failed) AS failed,"
	   "  (100.0 * count(*) FILTER (WHERE failed) / count(*))::double precision AS failed_percent,"
	   "  percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS p50_ms,"
	   "  percentile_cont(0.99) WITHIN GROUP (ORDER BY ms) AS p99_ms"
	   " FROM sample WHERE daemon IS NOT NULL GROUP BY minute, daemon ORDER BY minute, daemon";

static const char steps_sql[] =
    SAMPLE " SELECT event_type, daemon, count(*) AS events,"
	   "  percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS p50_ms,"
	   "  percentile_cont(0.9) WITHIN GROUP (ORDER BY ms) AS p90_ms,"
	   "  percentile_cont(0.99) WITHIN GROUP (ORDER BY ms) AS p99_ms, max(ms) AS most_ms"
	   " FROM sample WHERE ms IS NOT NULL GROUP BY event_type, daemon ORDER BY max(ms) DESC, event_type";

static int read_sample(struct console *c, const char *sql, const char *kinds, int minutes, json_t **ret,
		       struct error *err)
{
	CLEANUP(db_params_done) struct db_params params = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc;

	db_param_int(&params, minutes);
	rc = readmodel_query(c, sql, &params, &r, err);
	if (rc < 0)
		return rc;
	*ret = json_array();
	for (int i = 0; i < db_rows(r); i++)
		json_array_append_new(*ret, readmodel_json(r, i, kinds));
	return 0;
}

int heatmap_read(struct console *c, int minutes, json_t **ret, struct error *err)
{
	return read_sample(c, heatmap_sql, "tsiiddd", minutes, ret, err);
}

int heatmap_steps(struct console *c, int minutes, json_t **ret, struct error *err)
{
	return read_sample(c, steps_sql, "ssidddd", minutes, ret, err);
}
