/*
 * The ledger.  Jobs are locked before anything is decided about them, in the order of their ids.
 */
#include "daemons/kitchen/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/crash.h"
#include "core/base/mem.h"
#include "core/service/metrics.h"
#include "core/service/outbox.h"

/* --- events --- */

static void add_tickets(struct buf *data, const struct job *j)
{
	buf_adds(data, ",\"ticket_ids\":[");
	for (int i = 0; i < j->tickets; i++)
		buf_addf(data, "%s%lld", i > 0 ? "," : "", (long long)j->first_ticket + i);
	buf_addc(data, ']');
}

static void add_text(struct buf *data, const char *name, const char *text)
{
	if (text == NULL || text[0] == '\0')
		return;
	buf_addf(data, ",\"%s\":", name);
	buf_add_json(data, text, strlen(text));
}

/* Draws the job's next number for an event of this type; the data are without their closing brace. */
static void tell(struct outbox *o, struct job *j, enum event_type type, struct buf *data)
{
	char id[UUID_TEXT_SIZE];
	struct event_draft event = {
	    .id = uuid_v7(),
	    .type = type,
	    .aggregate_id = uuid_format(j->order_id, id),
	    .aggregate_seq = ++j->seq,
	    .correlation_id = j->correlation_id,
	    .causation_id = j->cause,
	};

	buf_addc(data, '}');
	event.data = buf_str(data);
	outbox_add(o, &event);
	j->cause = event.id;
	j->changed = true;
}

static void begin_data(struct buf *data, const struct job *j)
{
	char id[UUID_TEXT_SIZE];

	buf_reset(data);
	buf_addf(data, "{\"order_id\":\"%s\"", uuid_format(j->order_id, id));
}

static void tell_job(struct outbox *o, struct job *j, enum event_type type, const char *device,
		     const char *reason)
{
	CLEANUP(buf_done) struct buf data = {0};

	begin_data(&data, j);
	add_tickets(&data, j);
	add_text(&data, "device", device);
	add_text(&data, "reason", reason);
	tell(o, j, type, &data);
}

/* It names what is made again by items, as OrderCreated does. */
static void tell_remade(struct outbox *o, struct job *j, const struct move *m)
{
	CLEANUP(buf_done) struct buf data = {0};
	const struct ticket *t = m->ticket;

	begin_data(&data, j);
	buf_addf(&data, ",\"ticket_id\":%lld,\"ticket_ids\":[%lld],\"remakes\":%d", (long long)t->job.id,
		 (long long)t->job.id, m->remakes);
	add_text(&data, "device", m->device);
	add_text(&data, "reason", m->reason);
	buf_adds(&data, ",\"items\":[{\"pizza_id\":");
	buf_add_json(&data, t->pizza_id, strlen(t->pizza_id));
	buf_addf(&data, ",\"size\":\"%s\",\"quantity\":1,\"menu_version\":%lld}]", pizza_sizes[t->job.size],
		 (long long)t->menu_version);
	tell(o, j, EVENT_TICKET_REMADE, &data);
}

/* --- what a move does to its job --- */

static void set_state(struct job *j, const char *state)
{
	snprintf(j->state, sizeof(j->state), "%s", state);
	j->changed = true;
}

static void start(struct outbox *o, struct job *j, const struct move *m)
{
	if (strcmp(j->state, "queued") != 0)
		return;
	set_state(j, "cooking");
	j->started = true;
	tell_job(o, j, EVENT_COOKING_STARTED, m->device, NULL);
}

static void finish_one(struct outbox *o, struct job *j, const struct move *m)
{
	j->pending--;
	j->changed = true;
	if (j->pending > 0)
		return;
	set_state(j, "done");
	j->ended = true;
	tell_job(o, j, EVENT_COOKING_COMPLETED, m->device, NULL);
}

static void fail(struct outbox *o, struct job *j, const char *device, const char *reason)
{
	set_state(j, "failed");
	j->ended = true;
	snprintf(j->reason, sizeof(j->reason), "%s", reason);
	tell_job(o, j, EVENT_COOKING_FAILED, device, reason);
	j->pending = 0;
}

static void follow(struct outbox *o, struct job *j, struct move *m)
{
	switch (m->event) {
	case TICKET_EVENT_LOADED:
		start(o, j, m);
		break;
	case TICKET_EVENT_GOOD:
		finish_one(o, j, m);
		break;
	case TICKET_EVENT_BURNT:
		tell_remade(o, j, m);
		break;
	case TICKET_EVENT_GIVEN_UP:
		fail(o, j, m->device, m->reason);
		m->failed = true;
		break;
	case TICKET_EVENT_PLACED:
	case TICKET_EVENT_SIGNAL:
	case TICKET_EVENT_UNDERDONE:
	case TICKET_EVENT_SUPPLIED:
	case TICKET_EVENT_SHORT:
	case TICKET_EVENT_MOVED:
	case TICKET_EVENT_CANCEL:
	case TICKET_EVENT_COUNT:
		break;
	}
}

/* Whether the job must be looked at. */
static bool concerns_job(enum ticket_event event)
{
	return event == TICKET_EVENT_LOADED || event == TICKET_EVENT_GOOD || event == TICKET_EVENT_BURNT ||
	       event == TICKET_EVENT_GIVEN_UP;
}

/* --- writing --- */

static int lock_jobs(struct db_conn *tx, const struct move *moves, int n, struct job_list *jobs,
		     struct error *err)
{
	AUTO_FREE struct uuid *orders = xcalloc((size_t)n + 1, sizeof(*orders));
	struct db_array ids = {0};
	int count = 0, rc;

	for (int i = 0; i < n; i++)
		if (concerns_job(moves[i].event))
			orders[count++] = moves[i].ticket->order_id;
	qsort(orders, (size_t)count, sizeof(*orders), uuid_compare_at);
	db_array_init(&ids, DB_UUID);
	for (int i = 0; i < count; i++)
		if (i == 0 || !uuid_equal(orders[i], orders[i - 1]))
			db_array_uuid(&ids, &orders[i]);
	rc = store_lock_jobs(tx, &ids, jobs, err);
	db_array_done(&ids);
	return rc;
}

static void add_row(struct store_moves *rows, const struct move *m)
{
	/* What is done, or given up, keeps the names of where it was. */
	bool somewhere = m->station >= 0 || ticket_ended(m->to);
	const struct store_move row = {
	    .ticket = m->ticket,
	    .to = m->to,
	    .device = somewhere ? m->device : NULL,
	    .timer = somewhere ? m->timer : NULL,
	    .deck = m->station >= 0 ? m->deck : m->ticket->deck,
	    .remakes = m->remakes,
	    .moves = m->moves,
	    .reason = m->reason,
	};

	store_add_move(rows, &row);
}

static void decide(struct move *moves, int n, const struct job_list *jobs, struct outbox *o,
		   struct store_moves *rows)
{
	for (int i = 0; i < n; i++) {
		struct move *m = &moves[i];
		struct job *j = concerns_job(m->event) ? store_find_job(jobs, m->ticket->order_id) : NULL;

		m->failed = false;
		m->dropped = concerns_job(m->event) && (j == NULL || !store_job_open(j));
		if (m->dropped)
			continue;
		if (j != NULL)
			follow(o, j, m);
		add_row(rows, m);
	}
}

/* What was not as expected has ended meanwhile. */
static void note_dropped(struct move *moves, int n, const struct db_result *r)
{
	CLEANUP(store_numbers_done) struct store_numbers moved = store_numbers(r);

	for (int i = 0; i < n; i++)
		if (!store_numbers_have(&moved, moves[i].ticket->job.id))
			moves[i].dropped = true;
}

static void measure(const struct job_list *jobs)
{
	for (int i = 0; i < jobs->count; i++)
		if (jobs->jobs[i].changed && strcmp(jobs->jobs[i].state, "done") == 0)
			metric_observe(metric_series(METRIC_COOKING_SECONDS, NULL, NULL, NULL),
				       jobs->jobs[i].cooking_s);
}

static int write_all(struct db_conn *tx, struct move *moves, int n, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	CLEANUP(store_jobs_done) struct job_list jobs = {0};
	CLEANUP(store_moves_done) struct store_moves rows = {0};
	CLEANUP(outbox_done) struct outbox o = {0};
	int rc = db_begin(tx, err);

	store_moves_init(&rows);
	if (rc == 0)
		rc = lock_jobs(tx, moves, n, &jobs, err);
	if (rc < 0)
		return rc;
	decide(moves, n, &jobs, &o, &rows);
	rc = store_write_jobs(tx, &jobs, err);
	if (rc == 0)
		rc = outbox_write(&o, tx, err);
	if (rc == 0)
		rc = store_move_tickets(tx, &rows, &r, err);
	if (rc == 0)
		rc = store_fail_tickets(tx, &jobs, err);
	CRASH_POINT("kitchen-before-commit");
	if (rc == 0)
		rc = db_commit(tx, err);
	if (rc == 0)
		note_dropped(moves, n, r);
	if (rc == 0)
		measure(&jobs);
	return rc;
}

int ledger_write(struct service *s, struct move *moves, int n, struct error *err)
{
	struct db_conn *c = NULL;
	int rc = db_acquire(service_db(s), &c, err);

	if (rc < 0)
		return rc;
	rc = write_all(c, moves, n, err);
	db_release(c); /* rolls back what is open */
	CRASH_POINT("kitchen-committed");
	if (rc < 0)
		return rc;
	outbox_notify(s);
	return 0;
}

int ledger_fail(struct db_conn *tx, struct uuid *ids, const char *const *reasons, int n, struct error *err)
{
	CLEANUP(store_jobs_done) struct job_list jobs = {0};
	CLEANUP(outbox_done) struct outbox o = {0};
	struct db_array array = {0};
	int rc;

	db_array_init(&array, DB_UUID);
	for (int i = 0; i < n; i++)
		db_array_uuid(&array, &ids[i]);
	rc = store_lock_jobs(tx, &array, &jobs, err);
	db_array_done(&array);
	for (int i = 0; rc == 0 && i < n; i++) {
		struct job *j = store_find_job(&jobs, ids[i]);

		if (j != NULL && store_job_open(j))
			fail(&o, j, NULL, reasons[i]);
		else
			ids[i] = (struct uuid){0};
	}
	if (rc == 0)
		rc = store_write_jobs(tx, &jobs, err);
	if (rc == 0)
		rc = store_fail_tickets(tx, &jobs, err);
	return rc < 0 ? rc : outbox_write(&o, tx, err);
}
