/*
 * The routes.
 */
#include "daemons/kitchen/api.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/service/audit.h"
#include "core/service/service.h"
#include "daemons/kitchen/store.h"

#define LIST_LIMIT     50
#define LIST_LIMIT_MAX 1000

static struct floor *floor_of(struct service *s)
{
	struct kitchen *k = service_data(s);

	return k->floor;
}

static int with_connection(struct service *s, int (*call)(struct db_conn *c, void *arg, struct error *err),
			   void *arg, struct error *err)
{
	struct db_conn *c;
	int rc = db_acquire(service_db(s), &c, err);

	if (rc < 0)
		return rc;
	rc = call(c, arg, err);
	db_release(c);
	return rc;
}

/* --- stations --- */

static int count_queue(struct db_conn *c, void *arg, struct error *err)
{
	return store_queue_length(c, arg, err);
}

static void get_board(struct http_request *r, void *service)
{
	json_t *board = floor_board(floor_of(service));
	struct outlook o = floor_outlook(floor_of(service), NULL, 0, NULL);
	struct error err;
	int64_t queued = 0;
	int rc = 0;

	/* Memory has the queue's head alone when it is long. */
	if (!json_is_true(json_object_get(board, "queue_complete")))
		rc = with_connection(service, count_queue, &queued, &err);
	if (rc < 0) {
		json_decref(board);
		http_reply_error(r, &err);
		return;
	}
	if (queued > 0)
		json_object_set_new(board, "queued", json_integer(queued));
	json_object_del(board, "queue_complete");
	json_object_set_new(board, "tickets_per_second", json_real(round(o.tickets_per_second * 100) / 100));
	http_reply_json(r, 200, board);
}

static int no_station(const char *device, struct error *err)
{
	error_set(err, ERR_NOT_FOUND, "station", "there is no station %.60s", device);
	error_hint(err, "pizzactl kitchen status lists them");
	return ERR_NOT_FOUND;
}

static void get_station(struct http_request *r, void *service)
{
	json_t *station = floor_station(floor_of(service), http_path_param(r, 0));
	struct error err;

	if (station != NULL) {
		http_reply_json(r, 200, station);
		return;
	}
	no_station(http_path_param(r, 0), &err);
	http_reply_error(r, &err);
}

DB_STATEMENT(station_mode_set, "UPDATE devices SET mode = $2 WHERE device = $1");

static int write_mode(struct service *s, const char *device, enum station_mode mode,
		      const struct audit_entry *audit, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	struct db_conn *c;
	int rc = db_acquire(service_db(s), &c, err);

	if (rc < 0)
		return rc;
	db_param_text(&p, device);
	db_param_text(&p, station_mode_words[mode]);
	rc = db_begin(c, err);
	if (rc == 0)
		rc = db_exec(c, &station_mode_set, &p, NULL, err);
	if (rc == 0)
		rc = audit_add(c, audit, err);
	if (rc == 0)
		rc = db_commit(c, err);
	db_release(c); /* rolls back what is open */
	return rc;
}

static void change_station(struct http_request *r, struct service *s, enum station_mode mode)
{
	AUTO_JSON json_t *body = NULL;
	const char *device = http_path_param(r, 0);
	char action[32];
	struct audit_origin origin;
	struct audit_entry audit = {&origin, action, device, NULL, "ok"};
	struct error err;
	size_t len;
	int rc = 0;

	snprintf(action, sizeof(action), "kitchen.%s", station_mode_verbs[mode]);
	http_body(r, &len);
	if (len > 0)
		rc = http_body_json(r, &body, &err);
	audit_origin(r, body, &origin);
	audit.arguments = body;
	if (rc == 0 && !floor_has(floor_of(s), device))
		rc = no_station(device, &err);
	if (rc == 0)
		rc = write_mode(s, device, mode, &audit, &err);
	if (rc < 0) {
		audit_refused(s, r, action, device, body, &err);
		http_reply_error(r, &err);
		return;
	}
	floor_set_mode(floor_of(s), device, mode);
	http_reply_json(r, 200, floor_station(floor_of(s), device));
}

static void post_pause(struct http_request *r, void *service)
{
	change_station(r, service, STATION_MODE_PAUSED);
}

static void post_resume(struct http_request *r, void *service)
{
	change_station(r, service, STATION_MODE_OPEN);
}

static void post_drain(struct http_request *r, void *service)
{
	change_station(r, service, STATION_MODE_DRAINED);
}

/* --- tickets --- */

static void set_time(json_t *j, const char *name, const struct db_result *r, int row, int column)
{
	char text[CLOCK_TEXT_SIZE];

	json_object_set_new(j, name,
			    db_is_null(r, row, column)
				? json_null()
				: json_string(clock_format(db_time(r, row, column), text)));
}

static void set_text(json_t *j, const char *name, const struct db_result *r, int row, int column)
{
	json_object_set_new(j, name,
			    db_is_null(r, row, column) ? json_null() : json_string(db_text(r, row, column)));
}

static json_t *ticket_json(const struct db_result *r, int row)
{
	json_t *j = json_pack(
	    "{s:I, s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "ticket", (json_int_t)db_int(r, row, LIST_ID),
	    "order_id", db_text(r, row, LIST_ORDER), "state", db_text(r, row, LIST_STATE), "pizza_id",
	    db_text(r, row, LIST_PIZZA), "size", db_text(r, row, LIST_SIZE), "bake_temperature_c",
	    (json_int_t)db_int(r, row, LIST_BAKE), "remakes", (json_int_t)db_int(r, row, LIST_REMAKES),
	    "moves", (json_int_t)db_int(r, row, LIST_MOVES));

	set_text(j, "device", r, row, LIST_DEVICE);
	json_object_set_new(
	    j, "deck", db_is_null(r, row, LIST_DECK) ? json_null() : json_integer(db_int(r, row, LIST_DECK)));
	set_text(j, "timer", r, row, LIST_TIMER);
	set_time(j, "promised_at", r, row, LIST_PROMISED);
	set_time(j, "created_at", r, row, LIST_CREATED);
	set_time(j, "started_at", r, row, LIST_STARTED);
	set_time(j, "ended_at", r, row, LIST_ENDED);
	set_text(j, "reason", r, row, LIST_REASON);
	return j;
}

/* How many are queued before one that the floor does not have in memory. */
struct before {
	int64_t promised_us, id, count;
};

static int count_before(struct db_conn *c, void *arg, struct error *err)
{
	struct before *b = arg;

	return store_queue_before(c, b->promised_us, b->id, &b->count, err);
}

/* When it will have been baked, by what is before it; 0: not known. */
static int64_t guess(struct service *s, const struct outlook *o, const struct db_result *r, int row,
		     struct before *base)
{
	struct before b = {db_time(r, row, LIST_PROMISED), db_int(r, row, LIST_ID), 0};
	struct error err;
	int64_t behind;

	if (o->tickets_per_second <= 0 || o->turn_in_us == INT64_MAX)
		return INT64_MAX;
	if (base->id == 0) { /* the first of the page is counted, the others follow it */
		if (with_connection(s, count_before, &b, &err) < 0)
			return 0;
		*base = b;
		base->count -= row;
	}
	behind = base->count + row - o->known;
	if (behind < 0) /* it has been baked since it was listed */
		return o->now_us;
	return o->now_us + o->turn_in_us + o->bake_us +
	       (int64_t)((double)behind * 1e6 / o->tickets_per_second);
}

static void set_ready(json_t *j, int64_t ready_us, int64_t now_us)
{
	char text[CLOCK_TEXT_SIZE];

	if (ready_us <= 0 || ready_us == INT64_MAX) {
		json_object_set_new(j, "ready_at", json_null());
		json_object_set_new(j, "ready_in_ms", json_null());
		return;
	}
	json_object_set_new(j, "ready_at", json_string(clock_format(ready_us, text)));
	json_object_set_new(j, "ready_in_ms",
			    json_integer(ready_us > now_us ? (ready_us - now_us) / 1000 : 0));
}

/* Adds the rows, each with its estimate. */
static void add_rows(struct service *s, const struct db_result *r, int n, json_t *items)
{
	AUTO_FREE int64_t *ids = xcalloc((size_t)n + 1, sizeof(*ids));
	AUTO_FREE int64_t *ready = xcalloc((size_t)n + 1, sizeof(*ready));
	struct before base = {0};
	struct outlook o;

	for (int i = 0; i < n; i++)
		ids[i] = db_int(r, i, LIST_ID);
	o = floor_outlook(floor_of(s), ids, n, ready);
	for (int i = 0; i < n; i++) {
		json_t *j = ticket_json(r, i);
		int state = ticket_state_parse(db_text(r, i, LIST_STATE));

		if (state == TICKET_DONE) /* it is on its way: nothing to wait for */
			ready[i] = 0;
		else if (state == TICKET_QUEUED && ready[i] == 0)
			ready[i] = guess(s, &o, r, i, &base);
		set_ready(j, ready[i], o.now_us);
		json_array_append_new(items, j);
	}
}

/* A cursor: the promise (microseconds, 0 where it does not matter) and the number of the last row. */
static int read_cursor(const char *text, struct ticket_query *q, struct error *err)
{
	char *end;

	if (text == NULL || text[0] == '\0')
		return 0;
	q->after_us = strtoll(text, &end, 10);
	if (*end == '.') {
		q->after = strtoll(end + 1, &end, 10);
		if (*end == '\0' && q->after > 0)
			return 0;
	}
	return error_set(err, ERR_USAGE, "cursor", "must be the next_cursor of an earlier reply");
}

static int read_query(const struct http_request *r, struct ticket_query *q, struct error *err)
{
	const char *state = http_query(r, "status");
	const char *device = http_query(r, "device");
	int64_t limit;
	int rc = http_query_int(r, "limit", 1, LIST_LIMIT_MAX, LIST_LIMIT, &limit, err);

	if (rc == 0)
		rc = read_cursor(http_query(r, "cursor"), q, err);
	if (rc < 0)
		return rc;
	q->limit = (int)limit;
	q->state = state != NULL && state[0] != '\0' && strcmp(state, "all") != 0 ? state : NULL;
	q->device = device != NULL && device[0] != '\0' ? device : NULL;
	if (q->state != NULL && strcmp(q->state, "open") != 0 && strcmp(q->state, "kitchen") != 0 &&
	    ticket_state_parse(q->state) < 0)
		return error_set(
		    err, ERR_USAGE, "status",
		    "must be open, all, queued, prepping, baking, checking, waiting, done, failed "
		    "or cancelled");
	return http_query_uuid(r, "order_id", &q->order_id, err);
}

struct listing {
	struct ticket_query *query;
	struct db_result *rows;
};

static int list(struct db_conn *c, void *arg, struct error *err)
{
	struct listing *l = arg;

	return store_list(c, l->query, &l->rows, err);
}

static int add_page(struct service *s, struct ticket_query *q, json_t *items, int *ret_rows, char *cursor,
		    size_t size, struct error *err)
{
	struct listing l = {.query = q};
	int limit = q->limit, n, rc;

	q->limit++;
	rc = with_connection(s, list, &l, err);
	q->limit = limit;
	cursor[0] = '\0';
	if (rc < 0)
		return rc;
	n = db_rows(l.rows) < limit ? db_rows(l.rows) : limit;
	add_rows(s, l.rows, n, items);
	if (db_rows(l.rows) > limit)
		snprintf(cursor, size, "%lld.%lld", (long long)db_time(l.rows, n - 1, LIST_PROMISED),
			 (long long)db_int(l.rows, n - 1, LIST_ID));
	*ret_rows = n;
	db_result_free(l.rows);
	return 0;
}

/* What is open: first what lies on decks or waits for ingredients, then the queue. */
static int list_open(struct service *s, struct ticket_query *q, json_t *items, char *cursor, size_t size,
		     struct error *err)
{
	struct ticket_query part = *q;
	int n = 0, rc = 0;

	if (q->after == 0) {
		part.state = "kitchen";
		part.limit = LIST_LIMIT_MAX;
		rc = add_page(s, &part, items, &n, cursor, size, err);
	}
	part = *q;
	part.state = ticket_state_words[TICKET_QUEUED];
	part.limit = q->limit > n ? q->limit - n : 1;
	return rc < 0 ? rc : add_page(s, &part, items, &n, cursor, size, err);
}

static void get_tickets(struct http_request *r, void *service)
{
	struct ticket_query q = {0};
	json_t *items = json_array();
	char cursor[64] = "";
	struct error err;
	int n, rc = read_query(r, &q, &err);

	if (rc == 0 && q.state != NULL && strcmp(q.state, "open") == 0 && uuid_is_nil(q.order_id))
		rc = list_open(service, &q, items, cursor, sizeof(cursor), &err);
	else if (rc == 0)
		rc = add_page(service, &q, items, &n, cursor, sizeof(cursor), &err);
	if (rc < 0) {
		json_decref(items);
		http_reply_error(r, &err);
		return;
	}
	http_reply_json(
	    r, 200,
	    json_pack("{s:o, s:s?}", "items", items, "next_cursor", cursor[0] != '\0' ? cursor : NULL));
}

struct showing {
	int64_t id;
	struct db_result *rows;
};

static int show(struct db_conn *c, void *arg, struct error *err)
{
	struct showing *w = arg;

	return store_show(c, w->id, &w->rows, err);
}

static void get_ticket(struct http_request *r, void *service)
{
	AUTO_JSON json_t *items = json_array();
	struct showing w = {0};
	struct error err;
	int rc = http_path_number(r, &w.id, &err);

	if (rc == 0)
		rc = with_connection(service, show, &w, &err);
	if (rc == 0 && db_rows(w.rows) == 0)
		rc = error_set(&err, ERR_NOT_FOUND, "ticket", "there is no ticket %lld", (long long)w.id);
	if (rc == 0)
		add_rows(service, w.rows, 1, items);
	db_result_free(w.rows);
	if (rc < 0)
		http_reply_error(r, &err);
	else
		http_reply_json(r, 200, json_incref(json_array_get(items, 0)));
}

const struct http_route kitchen_routes[] = {
    {"GET", "/api/v1/kitchen", get_board, HTTP_CUSTOMER, true},
    {"GET", "/api/v1/kitchen/stations/{device}", get_station, HTTP_CUSTOMER, true},
    {"POST", "/api/v1/kitchen/stations/{device}/pause", post_pause, HTTP_OPERATOR, true},
    {"POST", "/api/v1/kitchen/stations/{device}/resume", post_resume, HTTP_OPERATOR, true},
    {"POST", "/api/v1/kitchen/stations/{device}/drain", post_drain, HTTP_OPERATOR, true},
    {"GET", "/api/v1/kitchen/tickets", get_tickets, HTTP_CUSTOMER, true},
    {"GET", "/api/v1/kitchen/tickets/{id}", get_ticket, HTTP_CUSTOMER, true},
};
const int kitchen_route_count = ARRAY_LEN(kitchen_routes);
