/*
 * Tickets as people ask for them.
 */
#include "daemons/kitchen/store.h"

#include "core/base/mem.h"

/* In the order of LIST_ID …. */
#define LIST_COLUMNS                                                                                      \
	"ticket_id, order_id, state, pizza_id, size, bake_c, promised_at, device, deck, timer, remakes, " \
	"moves, reason, created_at, started_at, ended_at"

DB_STATEMENT(tickets_open_list, "SELECT " LIST_COLUMNS " FROM tickets WHERE state = 'queued'"
				" AND (promised_at, ticket_id) > ($1::timestamptz, $2::bigint)"
				" ORDER BY promised_at, ticket_id LIMIT $3");

static int list_queue(struct db_conn *c, const struct ticket_query *q, struct db_result **ret,
		      struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};

	db_param_time(&p, q->after_us != 0 ? q->after_us : INT64_MIN);
	db_param_int(&p, q->after);
	db_param_int(&p, q->limit);
	return db_exec(c, &tickets_open_list, &p, ret, err);
}

DB_STATEMENT(tickets_decks_list, "SELECT " LIST_COLUMNS " FROM tickets"
				 " WHERE state IN ('prepping', 'baking', 'checking', 'waiting')"
				 " ORDER BY promised_at, ticket_id LIMIT $1");

static int list_decks(struct db_conn *c, const struct ticket_query *q, struct db_result **ret,
		      struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};

	db_param_int(&p, q->limit);
	return db_exec(c, &tickets_decks_list, &p, ret, err);
}

DB_STATEMENT(tickets_order_list,
	     "SELECT " LIST_COLUMNS " FROM tickets WHERE ticket_id >= (SELECT first_ticket FROM jobs WHERE"
	     " order_id = $1::uuid) AND ticket_id < (SELECT first_ticket + tickets FROM jobs WHERE order_id ="
	     " $1::uuid) AND order_id = $1::uuid AND ($2::text IS NULL OR state = $2) AND ticket_id > $3"
	     " ORDER BY ticket_id LIMIT $4");

static int list_order(struct db_conn *c, const struct ticket_query *q, struct db_result **ret,
		      struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};

	db_param_uuid(&p, q->order_id);
	db_param_text(&p, q->state);
	db_param_int(&p, q->after);
	db_param_int(&p, q->limit);
	return db_exec(c, &tickets_order_list, &p, ret, err);
}

DB_STATEMENT(tickets_list, "SELECT " LIST_COLUMNS " FROM tickets WHERE ticket_id < $1"
			   " AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR device = $3)"
			   " ORDER BY ticket_id DESC LIMIT $4");

int store_list(struct db_conn *c, const struct ticket_query *q, struct db_result **ret, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	int state = q->state != NULL ? ticket_state_parse(q->state) : -1;

	if (!uuid_is_nil(q->order_id))
		return list_order(c, q, ret, err);
	if (state == TICKET_QUEUED)
		return list_queue(c, q, ret, err);
	if (q->state != NULL && state < 0) /* what lies on a deck or waits for ingredients */
		return list_decks(c, q, ret, err);
	db_param_int(&p, q->after > 0 ? q->after : INT64_MAX);
	db_param_text(&p, q->state);
	db_param_text(&p, q->device);
	db_param_int(&p, q->limit);
	return db_exec(c, &tickets_list, &p, ret, err);
}

DB_STATEMENT(ticket_show, "SELECT " LIST_COLUMNS " FROM tickets WHERE ticket_id = $1");

int store_show(struct db_conn *c, int64_t ticket_id, struct db_result **ret, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};

	db_param_int(&p, ticket_id);
	return db_exec(c, &ticket_show, &p, ret, err);
}

static int count(struct db_conn *c, struct db_statement *s, const struct db_params *p, int64_t *ret,
		 struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int rc = db_exec(c, s, p, &r, err);

	if (rc == 0)
		*ret = db_int(r, 0, 0);
	return rc;
}

DB_STATEMENT(queue_length, "SELECT count(*) FROM tickets WHERE state = 'queued'");

int store_queue_length(struct db_conn *c, int64_t *ret, struct error *err)
{
	return count(c, &queue_length, NULL, ret, err);
}

DB_STATEMENT(queue_before, "SELECT count(*) FROM tickets WHERE state = 'queued'"
			   " AND (promised_at, ticket_id) < ($1::timestamptz, $2::bigint)");

int store_queue_before(struct db_conn *c, int64_t promised_us, int64_t id, int64_t *ret, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};

	db_param_time(&p, promised_us);
	db_param_int(&p, id);
	return count(c, &queue_before, &p, ret, err);
}
