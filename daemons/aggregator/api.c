/*
 * HTTP: key figures, one saga's timeline, the rebuild.  pizzactl on the same machine reads the tables itself;
 * this is for everybody else.  Every handler blocks on the database and runs on a worker thread.
 */
#include "daemons/aggregator/api.h"

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/service/service.h"
#include "daemons/aggregator/rebuild.h"

static json_t *text_at(const struct db_result *r, int row, int column)
{
	return db_is_null(r, row, column) ? json_null() : json_string(db_text(r, row, column));
}

static json_t *int_at(const struct db_result *r, int row, int column)
{
	return db_is_null(r, row, column) ? json_null() : json_integer(db_int(r, row, column));
}

static json_t *time_at(const struct db_result *r, int row, int column)
{
	char text[CLOCK_TEXT_SIZE];

	return db_is_null(r, row, column) ? json_null()
					  : json_string(clock_format(db_time(r, row, column), text));
}

DB_STATEMENT(kpi_show, "SELECT row_to_json(k)::text FROM kpi($1::interval) k");

static void get_kpi(struct http_request *r, void *arg)
{
	CLEANUP(db_result_auto) struct db_result *row = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	AUTO_FREE char *interval = NULL;
	const char *since = http_query(r, "since");
	struct error err;
	int64_t ms;
	int rc = 0;

	if (since == NULL) {
		db_param_null(&p);
	} else if (duration_parse(since, &ms)) {
		interval = xasprintf("%lld milliseconds", (long long)ms);
		db_param_text(&p, interval);
	} else {
		rc = error_set(&err, ERR_USAGE, "since", "must be a duration such as 15m or 2h");
	}
	if (rc == 0)
		rc = db_once(service_db(arg), &kpi_show, &p, &row, &err);
	if (rc < 0)
		http_reply_error(r, &err);
	else
		http_reply(r, 200, "application/json", db_text(row, 0, 0), (size_t)db_length(row, 0, 0));
}

DB_STATEMENT(saga_show, "SELECT state, awaiting, daemon, correlation_id, started_at, updated_at, ended_at, "
			"customer_name, item_count,"
			" total_amount, currency, payment_method, reason,"
			" (extract(epoch FROM ended_at - started_at) * 1000)::bigint"
			" FROM sagas WHERE order_id = $1::uuid");

static json_t *saga_json(const char *order_id, const struct db_result *r)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "order_id", order_id, "state", text_at(r, 0, 0), "awaiting", text_at(r, 0, 1),
			 "daemon", text_at(r, 0, 2), "correlation_id", text_at(r, 0, 3), "started_at",
			 time_at(r, 0, 4), "updated_at", time_at(r, 0, 5), "ended_at", time_at(r, 0, 6),
			 "customer_name", text_at(r, 0, 7), "item_count", int_at(r, 0, 8), "total_amount",
			 int_at(r, 0, 9), "currency", text_at(r, 0, 10), "payment_method", text_at(r, 0, 11),
			 "reason", text_at(r, 0, 12), "duration_ms", int_at(r, 0, 13));
}

DB_STATEMENT(
    saga_events,
    "SELECT at, (extract(epoch FROM at - min(at) OVER ()) * 1000)::bigint, event_type, event_id, "
    "causation_id,"
    " topic, partition, \"offset\", daemon FROM events WHERE order_id = $1::uuid ORDER BY at, event_id");

static json_t *steps_json(const struct db_result *r)
{
	json_t *steps = json_array();

	for (int i = 0; i < db_rows(r); i++)
		json_array_append_new(
		    steps, json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "seq", i + 1, "at",
				     time_at(r, i, 0), "since_start_ms", int_at(r, i, 1), "event_type",
				     text_at(r, i, 2), "event_id", text_at(r, i, 3), "causation_id",
				     text_at(r, i, 4), "topic", text_at(r, i, 5), "partition",
				     int_at(r, i, 6), "offset", int_at(r, i, 7), "daemon", text_at(r, i, 8)));
	return steps;
}

static void get_saga(struct http_request *r, void *arg)
{
	CLEANUP(db_result_auto) struct db_result *row = NULL;
	CLEANUP(db_result_auto) struct db_result *events = NULL;
	CLEANUP(db_params_done) struct db_params p = {0};
	const char *id = http_path_param(r, 0);
	struct uuid order_id;
	struct error err;
	json_t *saga;
	int rc = http_path_uuid(r, &order_id, &err);

	db_param_text(&p, id);
	if (rc == 0)
		rc = db_once(service_db(arg), &saga_show, &p, &row, &err);
	if (rc == 0 && db_rows(row) == 0)
		rc = error_set(&err, ERR_NOT_FOUND, "saga", "no event of order %s is known", id);
	if (rc == 0)
		rc = db_once(service_db(arg), &saga_events, &p, &events, &err);
	if (rc < 0) {
		http_reply_error(r, &err);
		return;
	}
	saga = saga_json(id, row);
	json_object_set_new(saga, "steps", steps_json(events));
	http_reply_json(r, 200, saga);
}

static void reply_progress(struct http_request *r, struct aggregator *a, int status)
{
	struct error err;
	json_t *progress;

	if (rebuild_progress(a->rebuild, &progress, &err) < 0)
		http_reply_error(r, &err);
	else
		http_reply_json(r, status, progress);
}

static void get_rebuild(struct http_request *r, void *arg)
{
	reply_progress(r, service_data(arg), 200);
}

static void post_rebuild(struct http_request *r, void *arg)
{
	struct aggregator *a = service_data(arg);
	struct audit_origin origin;
	const struct audit_entry audit = {&origin, "saga.rebuild", "read model", NULL, "ok"};
	struct error err;

	audit_origin(r, NULL, &origin);
	if (rebuild_request(a->rebuild, &audit, &err) < 0) {
		audit_refused(arg, r, audit.action, audit.target, NULL, &err);
		http_reply_error(r, &err);
	} else {
		reply_progress(r, a, 202);
	}
}

const struct http_route aggregator_routes[] = {
    {"GET", "/api/v1/kpi", get_kpi, HTTP_CUSTOMER, true},
    {"GET", "/api/v1/sagas/{id}", get_saga, HTTP_CUSTOMER, true},
    {"GET", "/api/v1/rebuild", get_rebuild, HTTP_CUSTOMER, true},
    {"POST", "/api/v1/rebuild", post_rebuild, HTTP_OPERATOR, true},
};
const int aggregator_route_count = ARRAY_LEN(aggregator_routes);
