/*
 * SQL.
 */
#include "daemons/kitchen/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

/* --- reading tickets --- */

enum {
	T_ID,
	T_ORDER,
	T_STATE,
	T_PIZZA,
	T_SIZE,
	T_VERSION,
	T_BAKE,
	T_PROMISED,
	T_DEVICE,
	T_DECK,
	T_TIMER,
	T_REMAKES,
	T_MOVES,
	T_STARTED
};
#define TICKET_COLUMNS                                                                                  \
	"ticket_id, order_id, state, pizza_id, size, menu_version, bake_c, promised_at, device, deck, " \
	"timer, remakes, moves, started_at"

void store_read_ticket(const struct db_result *r, int row, struct ticket *t, const char **ret_device,
		       const char **ret_timer)
{
	int state = ticket_state_parse(db_text(r, row, T_STATE));

	memset(t, 0, sizeof(*t));
	scheduled_init(&t->job);
	t->job.id = db_int(r, row, T_ID);
	t->job.promised_us = db_time(r, row, T_PROMISED);
	t->job.bake_c = (int)db_int(r, row, T_BAKE);
	t->job.size = SIZE_MEDIUM;
	(void)pizza_size_parse(db_text(r, row, T_SIZE), &t->job.size);
	t->order_id = db_uuid(r, row, T_ORDER);
	snprintf(t->pizza_id, sizeof(t->pizza_id), "%s", db_text(r, row, T_PIZZA));
	t->menu_version = db_int(r, row, T_VERSION);
	t->state = state < 0 ? TICKET_QUEUED : (enum ticket_state)state;
	t->station = t->timer = -1;
	t->deck = (int)db_int(r, row, T_DECK) - 1;
	t->remakes = (int)db_int(r, row, T_REMAKES);
	t->moves = (int)db_int(r, row, T_MOVES);
	t->started_us = db_is_null(r, row, T_STARTED) ? 0 : db_time(r, row, T_STARTED);
	*ret_device = db_text(r, row, T_DEVICE);
	*ret_timer = db_text(r, row, T_TIMER);
}

static int read_int(struct db_conn *c, struct db_statement *s, const struct db_params *p, int64_t *ret,
		    struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc = db_exec(c, s, p, &r, err);

	if (rc == 0)
		*ret = db_int(r, 0, 0);
	return rc;
}

DB_STATEMENT(ticket_last, "SELECT coalesce(max(ticket_id), 0) FROM tickets");

int store_last_ticket(struct db_conn *c, int64_t *ret, struct error *err)
{
	return read_int(c, &ticket_last, NULL, ret, err);
}

DB_STATEMENT(tickets_on_decks, "SELECT " TICKET_COLUMNS " FROM tickets"
			       " WHERE state IN ('prepping', 'baking', 'checking', 'waiting')");

int store_open_tickets(struct db_conn *c, struct db_result **ret, struct error *err)
{
	return db_exec(c, &tickets_on_decks, NULL, ret, err);
}

DB_STATEMENT(queue_head, "SELECT " TICKET_COLUMNS " FROM tickets WHERE state = 'queued'"
			 " AND (promised_at, ticket_id) > ($1::timestamptz, $2::bigint)"
			 " ORDER BY promised_at, ticket_id LIMIT $3");

int store_queue(struct db_conn *c, int64_t after_us, int64_t after_id, int limit, struct db_result **ret,
		struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};

	db_param_time(&p, after_us);
	db_param_int(&p, after_id);
	db_param_int(&p, limit);
	return db_exec(c, &queue_head, &p, ret, err);
}

static int by_number(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

struct store_numbers store_numbers(const struct db_result *r)
{
	struct store_numbers n = {.count = (size_t)db_rows(r)};

	n.list = xcalloc(n.count + 1, sizeof(*n.list));
	for (size_t i = 0; i < n.count; i++)
		n.list[i] = db_int(r, (int)i, 0);
	qsort(n.list, n.count, sizeof(*n.list), by_number);
	return n;
}

bool store_numbers_have(const struct store_numbers *n, int64_t number)
{
	return n->count > 0 && bsearch(&number, n->list, n->count, sizeof(*n->list), by_number) != NULL;
}

void store_numbers_done(struct store_numbers *n)
{
	free(n->list);
	*n = (struct store_numbers){0};
}

/* --- new orders --- */

void store_orders_init(struct store_orders *o)
{
	db_array_init(&o->ids, DB_UUID);
	db_array_init(&o->firsts, DB_INT8);
	db_array_init(&o->counts, DB_INT4);
	db_array_init(&o->correlations, DB_UUID);
	db_array_init(&o->causes, DB_UUID);
	db_array_init(&o->ticket_ids, DB_INT8);
	db_array_init(&o->ticket_orders, DB_UUID);
	db_array_init(&o->pizzas, DB_TEXT);
	db_array_init(&o->sizes, DB_TEXT);
	db_array_init(&o->versions, DB_INT8);
	db_array_init(&o->bakes, DB_INT4);
	db_array_init(&o->promises, DB_TIMESTAMPTZ);
}

void store_orders_done(struct store_orders *o)
{
	struct db_array *all[] = {&o->ids,    &o->firsts,     &o->counts,	 &o->correlations,
				  &o->causes, &o->ticket_ids, &o->ticket_orders, &o->pizzas,
				  &o->sizes,  &o->versions,   &o->bakes,	 &o->promises};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		db_array_done(all[i]);
}

/* IS TRUE keeps the planner from joining, which without hash joins would compare every ticket with every
 * order. */
DB_STATEMENT(
    jobs_add,
    "WITH j AS (INSERT INTO jobs (order_id, state, first_ticket, tickets, pending, correlation_id, cause)"
    " SELECT v.id, 'queued', v.first, v.n, v.n, v.correlation, v.cause"
    " FROM unnest($1::uuid[], $2::bigint[], $3::int[], $4::uuid[], $5::uuid[])"
    " AS v (id, first, n, correlation, cause) ON CONFLICT (order_id) DO NOTHING RETURNING order_id)"
    " INSERT INTO tickets (ticket_id, order_id, pizza_id, size, menu_version, bake_c, promised_at)"
    " SELECT t.id, t.order_id, t.pizza, t.size, t.version, t.bake, t.promised"
    " FROM unnest($6::bigint[], $7::uuid[], $8::text[], $9::text[], $10::bigint[], $11::int[],"
    " $12::timestamptz[]) AS t (id, order_id, pizza, size, version, bake, promised)"
    " WHERE (t.order_id IN (SELECT order_id FROM j)) IS TRUE RETURNING ticket_id");

int store_add_orders(struct db_conn *tx, const struct store_orders *o, struct db_result **ret,
		     struct error *err)
{
	const struct db_array *all[] = {&o->ids,    &o->firsts,	    &o->counts,	       &o->correlations,
					&o->causes, &o->ticket_ids, &o->ticket_orders, &o->pizzas,
					&o->sizes,  &o->versions,   &o->bakes,	       &o->promises};
	CLEANUP(db_params_done) struct db_params p = {0};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		db_param_array(&p, all[i]);
	return db_exec(tx, &jobs_add, &p, ret, err);
}

DB_STATEMENT(
    jobs_cancel,
    "WITH j AS (INSERT INTO jobs AS j (order_id, state, correlation_id, cause, reason, ended_at)"
    " SELECT v.id, 'cancelled', v.correlation, v.cause, v.reason, clock_timestamp()"
    " FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) AS v (id, correlation, cause, reason)"
    " ON CONFLICT (order_id) DO UPDATE SET state = 'cancelled', reason = excluded.reason,"
    " ended_at = excluded.ended_at, pending = 0 WHERE j.state IN ('queued', 'cooking')"
    " RETURNING j.order_id, j.first_ticket, j.tickets),"
    " t AS (UPDATE tickets SET state = 'cancelled', ended_at = clock_timestamp() FROM j"
    " WHERE ticket_id >= j.first_ticket AND ticket_id < j.first_ticket + j.tickets"
    " AND tickets.order_id = j.order_id AND tickets.state NOT IN ('done', 'failed', 'cancelled')"
    " RETURNING tickets.order_id)"
    " SELECT DISTINCT order_id FROM t");

int store_cancel(struct db_conn *tx, const struct db_array *ids, const struct db_array *correlations,
		 const struct db_array *causes, const struct db_array *reasons, struct db_result **ret,
		 struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};

	db_param_array(&p, ids);
	db_param_array(&p, correlations);
	db_param_array(&p, causes);
	db_param_array(&p, reasons);
	return db_exec(tx, &jobs_cancel, &p, ret, err);
}

DB_STATEMENT(tickets_supply, "UPDATE tickets SET state = 'queued', device = NULL, deck = NULL, timer = NULL"
			     " WHERE ticket_id = ANY ($1::bigint[]) AND state = 'waiting'"
			     " RETURNING " TICKET_COLUMNS);

int store_supply(struct db_conn *tx, const struct db_array *ids, struct db_result **ret, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};

	db_param_array(&p, ids);
	return db_exec(tx, &tickets_supply, &p, ret, err);
}

/* --- jobs --- */

DB_STATEMENT(jobs_lock, "SELECT order_id, state, seq, first_ticket, tickets, pending, correlation_id, cause,"
			" coalesce(extract(epoch FROM clock_timestamp() - started_at), 0)"
			" FROM jobs WHERE order_id = ANY ($1::uuid[]) ORDER BY order_id FOR UPDATE");

int store_lock_jobs(struct db_conn *tx, const struct db_array *ids, struct job_list *ret, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc;

	if (ids->count == 0)
		return 0;
	db_param_array(&p, ids);
	rc = db_exec(tx, &jobs_lock, &p, &r, err);
	if (rc < 0)
		return rc;
	ret->jobs = xcalloc((size_t)db_rows(r) + 1, sizeof(*ret->jobs));
	ret->count = db_rows(r);
	for (int i = 0; i < ret->count; i++) {
		struct job *j = &ret->jobs[i];

		j->order_id = db_uuid(r, i, 0);
		snprintf(j->state, sizeof(j->state), "%s", db_text(r, i, 1));
		j->seq = db_int(r, i, 2);
		j->first_ticket = db_int(r, i, 3);
		j->tickets = (int)db_int(r, i, 4);
		j->pending = (int)db_int(r, i, 5);
		j->correlation_id = db_uuid(r, i, 6);
		j->cause = db_uuid(r, i, 7);
		j->cooking_s = db_double(r, i, 8);
	}
	return 0;
}

static int compare_job(const void *id, const void *job)
{
	return uuid_compare(*(const struct uuid *)id, ((const struct job *)job)->order_id);
}

struct job *store_find_job(const struct job_list *list, struct uuid order_id)
{
	if (list->count == 0)
		return NULL;
	return bsearch(&order_id, list->jobs, (size_t)list->count, sizeof(*list->jobs), compare_job);
}

bool store_job_open(const struct job *j)
{
	return strcmp(j->state, "queued") == 0 || strcmp(j->state, "cooking") == 0;
}

void store_jobs_done(struct job_list *list)
{
	free(list->jobs);
	list->jobs = NULL;
	list->count = 0;
}

DB_STATEMENT(jobs_write,
	     "UPDATE jobs j SET state = v.state, seq = v.seq, pending = v.pending, cause = v.cause,"
	     " reason = coalesce(v.reason, j.reason),"
	     " started_at = CASE WHEN v.started THEN clock_timestamp() ELSE j.started_at END,"
	     " ended_at = CASE WHEN v.ended THEN clock_timestamp() ELSE j.ended_at END"
	     " FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::int[], $5::uuid[], $6::text[],"
	     " $7::boolean[], $8::boolean[]) AS v (id, state, seq, pending, cause, reason, started, ended)"
	     " WHERE j.order_id = v.id");

enum { J_ID, J_STATE, J_SEQ, J_PENDING, J_CAUSE, J_REASON, J_STARTED, J_ENDED, J_COLUMNS };

static void add_job(struct db_array a[J_COLUMNS], const struct job *j)
{
	db_array_uuid(&a[J_ID], &j->order_id);
	db_array_text(&a[J_STATE], j->state);
	db_array_int(&a[J_SEQ], j->seq);
	db_array_int(&a[J_PENDING], j->pending);
	db_array_uuid(&a[J_CAUSE], &j->cause);
	db_array_text(&a[J_REASON], j->reason[0] != '\0' ? j->reason : NULL);
	db_array_bool(&a[J_STARTED], j->started);
	db_array_bool(&a[J_ENDED], j->ended);
}

int store_write_jobs(struct db_conn *tx, const struct job_list *list, struct error *err)
{
	static const enum db_type types[J_COLUMNS] = {DB_UUID, DB_TEXT, DB_INT8, DB_INT4,
						      DB_UUID, DB_TEXT, DB_BOOL, DB_BOOL};
	CLEANUP(db_params_done) struct db_params p = {0};
	struct db_array a[J_COLUMNS] = {0};
	int rc = 0;

	for (int i = 0; i < J_COLUMNS; i++)
		db_array_init(&a[i], types[i]);
	for (int i = 0; i < list->count; i++)
		if (list->jobs[i].changed)
			add_job(a, &list->jobs[i]);
	for (int i = 0; i < J_COLUMNS; i++)
		db_param_array(&p, &a[i]);
	if (a[J_ID].count > 0)
		rc = db_queue(tx, &jobs_write, &p, err);
	for (int i = 0; i < J_COLUMNS; i++)
		db_array_done(&a[i]);
	return rc;
}

DB_STATEMENT(tickets_fail,
	     "UPDATE tickets SET state = 'failed', ended_at = clock_timestamp(), reason = "
	     "coalesce(tickets.reason, v.reason)"
	     " FROM unnest($1::uuid[], $2::bigint[], $3::int[], $4::text[]) AS v (id, first, n, reason)"
	     " WHERE ticket_id >= v.first AND ticket_id < v.first + v.n AND tickets.order_id = v.id"
	     " AND state NOT IN ('done', 'failed', 'cancelled')");

int store_fail_tickets(struct db_conn *tx, const struct job_list *list, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	struct db_array ids = {0}, firsts = {0}, counts = {0}, reasons = {0};
	int rc = 0;

	db_array_init(&ids, DB_UUID);
	db_array_init(&firsts, DB_INT8);
	db_array_init(&counts, DB_INT4);
	db_array_init(&reasons, DB_TEXT);
	for (int i = 0; i < list->count; i++) {
		const struct job *j = &list->jobs[i];

		if (!j->changed || strcmp(j->state, "failed") != 0)
			continue;
		db_array_uuid(&ids, &j->order_id);
		db_array_int(&firsts, j->first_ticket);
		db_array_int(&counts, j->tickets);
		db_array_text(&reasons, j->reason);
	}
	db_param_array(&p, &ids);
	db_param_array(&p, &firsts);
	db_param_array(&p, &counts);
	db_param_array(&p, &reasons);
	if (ids.count > 0)
		rc = db_queue(tx, &tickets_fail, &p, err);
	db_array_done(&ids);
	db_array_done(&firsts);
	db_array_done(&counts);
	db_array_done(&reasons);
	return rc;
}

/* --- moves of tickets --- */

void store_moves_init(struct store_moves *m)
{
	db_array_init(&m->ids, DB_INT8);
	db_array_init(&m->from, DB_TEXT);
	db_array_init(&m->to, DB_TEXT);
	db_array_init(&m->devices, DB_TEXT);
	db_array_init(&m->decks, DB_INT4);
	db_array_init(&m->timers, DB_TEXT);
	db_array_init(&m->remakes, DB_INT4);
	db_array_init(&m->moves, DB_INT4);
	db_array_init(&m->reasons, DB_TEXT);
}

void store_moves_done(struct store_moves *m)
{
	struct db_array *all[] = {&m->ids,    &m->from,	   &m->to,    &m->devices, &m->decks,
				  &m->timers, &m->remakes, &m->moves, &m->reasons};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		db_array_done(all[i]);
}

void store_add_move(struct store_moves *m, const struct store_move *row)
{
	db_array_int(&m->ids, row->ticket->job.id);
	db_array_text(&m->from, ticket_state_words[row->ticket->state]);
	db_array_text(&m->to, ticket_state_words[row->to]);
	db_array_text(&m->devices, row->device);
	if (row->device != NULL)
		db_array_int(&m->decks, row->deck + 1);
	else
		db_array_null(&m->decks);
	db_array_text(&m->timers, row->timer);
	db_array_int(&m->remakes, row->remakes);
	db_array_int(&m->moves, row->moves);
	db_array_text(&m->reasons, row->reason != NULL && row->reason[0] != '\0' ? row->reason : NULL);
}

DB_STATEMENT(
    tickets_move,
    "UPDATE tickets t SET state = v.next, device = v.device, deck = v.deck, timer = v.timer,"
    " remakes = v.remakes, moves = v.moves, reason = coalesce(v.reason, t.reason),"
    " started_at = CASE WHEN v.next = 'prepping' THEN clock_timestamp() ELSE t.started_at END,"
    " ended_at = CASE WHEN v.next IN ('done', 'failed', 'cancelled') THEN clock_timestamp() END"
    " FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::int[],"
    " $8::int[], $9::text[]) AS v (id, before, next, device, deck, timer, remakes, moves, reason)"
    " WHERE t.ticket_id = v.id AND t.state = v.before RETURNING t.ticket_id");

int store_move_tickets(struct db_conn *tx, const struct store_moves *m, struct db_result **ret,
		       struct error *err)
{
	const struct db_array *all[] = {&m->ids,    &m->from,	 &m->to,    &m->devices, &m->decks,
					&m->timers, &m->remakes, &m->moves, &m->reasons};
	CLEANUP(db_params_done) struct db_params p = {0};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		db_param_array(&p, all[i]);
	return db_exec(tx, &tickets_move, &p, ret, err);
}

/* --- stations --- */

DB_STATEMENT(stations_load, "SELECT device, mode, faults FROM devices");

int store_stations(struct db_conn *c, struct db_result **ret, struct error *err)
{
	return db_exec(c, &stations_load, NULL, ret, err);
}

DB_STATEMENT(stations_save,
	     "INSERT INTO devices AS d (device, kind, state, mode, faults)"
	     " SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])"
	     " ON CONFLICT (device) DO UPDATE SET kind = excluded.kind,"
	     " faults = excluded.faults, state = excluded.state,"
	     " since = CASE WHEN d.state = excluded.state THEN d.since ELSE clock_timestamp() END");

int store_save_stations(struct db_conn *c, const struct store_station *list, int n, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	struct db_array a[5] = {0};
	int rc;

	for (int i = 0; i < 5; i++)
		db_array_init(&a[i], DB_TEXT);
	for (int i = 0; i < n; i++) {
		db_array_text(&a[0], list[i].device);
		db_array_text(&a[1], list[i].kind);
		db_array_text(&a[2], list[i].state);
		db_array_text(&a[3], list[i].mode);
		db_array_text(&a[4], list[i].faults);
	}
	for (int i = 0; i < 5; i++)
		db_param_array(&p, &a[i]);
	rc = db_exec(c, &stations_save, &p, NULL, err);
	for (int i = 0; i < 5; i++)
		db_array_done(&a[i]);
	return rc;
}
