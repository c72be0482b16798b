/*
 * outboxd: the relay from every daemon's outbox to Kafka.  One holds the lease; a second one stands by.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/nearest.h"
#include "daemons/outbox/lease.h"
#include "daemons/outbox/relay.h"
#include "daemons/outbox/store.h"

extern const struct db_migration outbox_migrations[];
extern const int outbox_migration_count;

struct outboxd {
	struct lease *lease;
	struct relay *relays[DAEMON_COUNT];
	int count;
};

static int start(struct service *s, struct error *err)
{
	struct outboxd *o = xcalloc(1, sizeof(*o));
	int rc = lease_start(s, &o->lease, err);

	service_set_data(s, o);
	for (int i = 0; rc == 0 && i < DAEMON_COUNT; i++) {
		if (!daemons[i].outbox)
			continue;
		rc = relay_start(s, o->lease, &daemons[i], &o->relays[o->count], err);
		o->count += rc == 0;
	}
	return rc;
}

static void stop(struct service *s)
{
	struct outboxd *o = service_data(s);

	for (int i = 0; i < o->count; i++)
		relay_stop(o->relays[i]);
	lease_stop(o->lease);
	free(o);
}

static int figures_of(struct relay *r, struct outbox_figures *ret, struct error *err)
{
	struct db_conn *c;
	int rc = db_acquire(relay_db(r), &c, err);

	if (rc < 0)
		return rc;
	rc = store_figures(c, ret, err);
	db_release(c);
	return rc;
}

static void get_outbox(struct http_request *r, void *arg)
{
	struct outboxd *o = service_data(arg);
	AUTO_JSON json_t *items = json_array();
	json_t *cursor = NULL;
	struct error err;

	for (int i = 0; i < o->count; i++) {
		struct outbox_figures f;

		if (figures_of(o->relays[i], &f, &err) < 0) {
			http_reply_error(r, &err);
			return;
		}
		json_array_append_new(items, json_pack("{s:s,s:I,s:I,s:I}", "database",
						       relay_owner(o->relays[i])->database, "unpublished",
						       (json_int_t)f.unpublished, "oldest_age_ms",
						       (json_int_t)f.oldest_age_ms, "published_total",
						       (json_int_t)f.published_total));
	}
	if (http_page(r, items, &cursor, &err) < 0)
		http_reply_error(r, &err);
	else
		http_reply_json(r, 200,
				json_pack("{s:b,s:I,s:O,s:o}", "leader", lease_epoch(o->lease) > 0, "epoch",
					  (json_int_t)lease_epoch(o->lease), "items", items, "next_cursor",
					  cursor));
}

static struct relay *relay_of(struct outboxd *o, const char *name)
{
	for (int i = 0; i < o->count; i++)
		if (daemon_find(name) == relay_owner(o->relays[i]) ||
		    strcmp(relay_owner(o->relays[i])->database, name) == 0)
			return o->relays[i];
	return NULL;
}

static int unknown_outbox(const struct outboxd *o, const char *name, struct error *err)
{
	const char *names[DAEMON_COUNT];

	for (int i = 0; i < o->count; i++)
		names[i] = relay_owner(o->relays[i])->database;
	return nearest_refuse(ERR_NOT_FOUND, name, "there is no such outbox", names, o->count, err);
}

static json_t *event_json(const struct db_result *rows, int i)
{
	char time[CLOCK_TEXT_SIZE];

	return json_pack("{s:s,s:I,s:s,s:s,s:I,s:s,s:s}", "event_id", db_text(rows, i, 0), "seq",
			 (json_int_t)db_int(rows, i, 1), "topic", db_text(rows, i, 2), "aggregate_id",
			 db_text(rows, i, 3), "aggregate_seq", (json_int_t)db_int(rows, i, 4), "event_type",
			 db_text(rows, i, 5), "created_at", clock_format(db_time(rows, i, 6), time));
}

/* The page of events that is asked for; owned. */
static int list_unpublished(struct relay *relay, const struct http_request *r, json_t **ret,
			    struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *rows = NULL;
	struct db_conn *c = NULL;
	int64_t limit = 0, after = 0;
	json_t *items;
	char cursor[24] = "";
	int n, rc = http_query_int(r, "limit", 1, 1000, 50, &limit, err);

	if (rc == 0)
		rc = http_query_int(r, "cursor", 1, INT64_MAX, 0, &after, err);
	if (rc == 0)
		rc = db_acquire(relay_db(relay), &c, err);
	if (rc < 0)
		return rc;
	rc = store_unpublished(c, after, limit, &rows, err);
	db_release(c);
	if (rc < 0)
		return rc;
	n = db_rows(rows);
	items = json_array();
	for (int i = 0; i < n; i++)
		json_array_append_new(items, event_json(rows, i));
	if (n > 0)
		snprintf(cursor, sizeof(cursor), "%lld", (long long)db_int(rows, n - 1, 1));
	*ret = json_pack("{s:o, s:s?}", "items", items, "next_cursor", n == limit ? cursor : NULL);
	return 0;
}

static void get_events(struct http_request *r, void *arg)
{
	struct relay *relay = relay_of(service_data(arg), http_path_param(r, 0));
	json_t *page = NULL;
	struct error err;
	int rc = relay == NULL ? unknown_outbox(service_data(arg), http_path_param(r, 0), &err)
			       : list_unpublished(relay, r, &page, &err);

	if (rc < 0)
		http_reply_error(r, &err);
	else
		http_reply_json(r, 200, page);
}

static const struct http_route routes[] = {
    {"GET", "/api/v1/outbox", get_outbox, HTTP_CUSTOMER, true},
    {"GET", "/api/v1/outbox/{database}/events", get_events, HTTP_CUSTOMER, true},
};

int main(int argc, char **argv)
{
	const struct service_spec spec = {
	    .id = DAEMON_OUTBOX,
	    .migrations = outbox_migrations,
	    .migration_count = outbox_migration_count,
	    .routes = routes,
	    .route_count = ARRAY_LEN(routes),
	    .start = start,
	    .stop = stop,
	};

	return service_main(&spec, argc, argv);
}
