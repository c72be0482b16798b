/*
 * Group insertion.
 *
 * The event loop validates and prices; an inserter thread writes a group: idempotency keys, orders, outbox,
 * COMMIT, and then replies to each.  When a group fails for its own reasons it is repeated one by one, so
 * that one order cannot fail its neighbours.  Nothing is replied before COMMIT has answered; a COMMIT whose
 * answer was lost is 503, and the same Idempotency-Key tells what became of it.
 */
#include "daemons/order/intake.h"

#include <ctype.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/crash.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/service/group.h"
#include "core/service/metrics.h"
#include "core/service/outbox.h"
#include "daemons/order/store.h"
#include "daemons/order/reply.h"

#define WAITING_MAX	    20000
#define IDEMPOTENCY_KEY_MAX 255

struct intake {
	struct service *service;
	struct menucopy *menu;
	struct group *group;
	struct metric_series *accepted;
};

/* One request on its way. */
struct ticket {
	struct http_request *request;
	struct order_draft draft;
	char *key; /* Idempotency-Key, or NULL */
	uint8_t hash[crypto_hash_sha256_BYTES];
	bool repeated; /* the key was there before: the reply comes from its order */
};

static void ticket_free(struct ticket *t)
{
	draft_done(&t->draft);
	free(t->key);
	free(t);
}

/* --- replies --- */

static void reply_text(struct http_request *r, struct uuid order_id, struct buf *text)
{
	char location[64] = "/api/v1/orders/";
	size_t len = text->len;

	uuid_format(order_id, location + strlen(location));
	http_reply_header(r, "Location", location);
	http_reply_take(r, 201, "application/json", buf_take(text), len);
}

static void reply_new(struct ticket *t, int64_t created_us)
{
	struct buf text = {0};

	reply_created(&text, &t->draft, created_us);
	reply_text(t->request, t->draft.order_id, &text);
}

/* The first reply again, or 422 when the same key came with another body. */
static void reply_repeated(struct ticket *t, struct db_conn *tx)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	struct buf text = {0};
	struct error err;
	int rc = store_find_by_key(tx, t->key, t->hash, &r, &err);

	if (rc == 0 && db_rows(r) == 0)
		rc = error_set(&err, ERR_CONFLICT, "Idempotency-Key",
			       "the first request with this key is still running");
	if (rc == 0 && !db_bool(r, 0, ORDER_COL_HASH_EQUAL))
		rc = error_set(&err, ERR_INVALID, "Idempotency-Key", "was used before with another body");
	if (rc < 0) {
		http_reply_error(t->request, &err);
		return;
	}
	reply_created_row(&text, r, 0);
	reply_text(t->request, db_uuid(r, 0, ORDER_COL_ID), &text);
}

static void reply_failure(struct ticket *t, const struct error *err)
{
	struct error told = *err;

	if (err->code == ERR_UNKNOWN)
		error_hint(&told, "ask again with the same Idempotency-Key to learn what became of it");
	http_reply_error(t->request, &told);
}

/* --- one group --- */

static int claim_keys(struct db_conn *tx, struct ticket **tickets, int n, struct error *err)
{
	struct key_claim *claims = xcalloc((size_t)n, sizeof(*claims));
	int keyed = 0, rc = 0;

	for (int i = 0; i < n; i++)
		if (tickets[i]->key != NULL)
			claims[keyed++] = (struct key_claim){.key = tickets[i]->key,
							     .hash = tickets[i]->hash,
							     .order_id = tickets[i]->draft.order_id};
	if (keyed > 0)
		rc = store_claim_keys(tx, claims, keyed, err);
	for (int i = 0, k = 0; rc == 0 && i < n; i++)
		if (tickets[i]->key != NULL)
			tickets[i]->repeated = !claims[k++].won;
	free(claims);
	return rc;
}

static void tell_created(struct outbox *outbox, const struct order_draft *d, struct buf *data)
{
	char id[UUID_TEXT_SIZE];
	struct event_draft event = {
	    .id = uuid_v7(),
	    .type = EVENT_ORDER_CREATED,
	    .aggregate_id = uuid_format(d->order_id, id),
	    .aggregate_seq = 1,
	    .correlation_id = d->correlation_id,
	};

	buf_reset(data);
	draft_event_data(d, data);
	event.data = buf_str(data);
	outbox_add(outbox, &event);
}

/* Queues the orders and their events: they travel with the COMMIT. */
static int queue_orders(struct db_conn *tx, struct ticket **tickets, int n, struct error *err)
{
	struct order_draft **fresh = xcalloc((size_t)n, sizeof(struct order_draft *));
	struct outbox outbox = {0};
	struct buf data = {0};
	int count = 0, rc = 0;

	for (int i = 0; i < n; i++) {
		if (tickets[i]->repeated)
			continue;
		fresh[count++] = &tickets[i]->draft;
		tell_created(&outbox, &tickets[i]->draft, &data);
	}
	if (count > 0)
		rc = store_insert(tx, fresh, count, err);
	if (rc == 0)
		rc = outbox_write(&outbox, tx, err);
	outbox_done(&outbox);
	buf_done(&data);
	free(fresh);
	return rc;
}

static int write_group(struct db_conn *tx, struct ticket **tickets, int n, int64_t *ret_created_us,
		       struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *created = NULL;
	int rc = db_begin(tx, err);

	if (rc == 0)
		rc = claim_keys(tx, tickets, n, err);
	if (rc == 0)
		rc = queue_orders(tx, tickets, n, err);
	if (rc == 0)
		rc = db_commit_results(tx, &created, 1, err);
	if (rc == 0 && created != NULL)
		*ret_created_us = db_time(created, 0, 0);
	if (rc < 0)
		db_rollback(tx);
	return rc;
}

static void reply_group(struct intake *in, struct db_conn *c, struct ticket **tickets, int n,
			int64_t created_us)
{
	int fresh = 0;

	for (int i = 0; i < n; i++) {
		if (tickets[i]->repeated) {
			reply_repeated(tickets[i], c);
		} else {
			reply_new(tickets[i], created_us);
			fresh++;
		}
	}
	metric_add(in->accepted, fresh);
}

/* Writes and replies; a negative answer means that nobody was replied to. */
static int run_group(struct intake *in, struct ticket **tickets, int n, struct error *err)
{
	struct db_conn *c;
	int64_t created_us = 0;
	int rc = db_acquire(service_db(in->service), &c, err);

	if (rc < 0)
		return rc;
	rc = write_group(c, tickets, n, &created_us, err);
	if (rc == 0) {
		CRASH_POINT("order-committed");
		outbox_notify(in->service);
		reply_group(in, c, tickets, n, created_us);
	}
	db_release(c);
	return rc;
}

static void run_each(struct intake *in, struct ticket **tickets, int n)
{
	for (int i = 0; i < n; i++) {
		struct error err;

		tickets[i]->repeated = false;
		if (run_group(in, &tickets[i], 1, &err) < 0) {
			log_err(LOG_WARN, &err, "an order could not be stored");
			reply_failure(tickets[i], &err);
		}
	}
}

static void run(void *arg, int worker, void **items, int n)
{
	struct intake *in = arg;
	struct ticket **tickets = (struct ticket **)items;
	struct error err;
	int rc = run_group(in, tickets, n, &err);

	(void)worker;
	if (rc < 0 && (error_class(rc) == CLASS_DEPENDENCY || rc == ERR_UNKNOWN)) {
		log_err(LOG_WARN, &err, "%d orders were not accepted", n);
		for (int i = 0; i < n; i++)
			reply_failure(tickets[i], &err);
	} else if (rc < 0) {
		run_each(in, tickets, n);
	}
	for (int i = 0; i < n; i++)
		ticket_free(tickets[i]);
}

/* --- requests --- */

static bool key_valid(const char *key)
{
	size_t n = strlen(key);

	for (const char *p = key; *p != '\0'; p++)
		if (!isprint((unsigned char)*p))
			return false;
	return n >= 1 && n <= IDEMPOTENCY_KEY_MAX;
}

/* The request's own correlation id, its trace id (W3C traceparent), or else the order's id. */
static struct uuid correlation_of(const struct http_request *r, struct uuid order_id)
{
	const char *given = http_header(r, "X-Correlation-ID"), *trace = http_header(r, "traceparent");
	char text[UUID_TEXT_SIZE];
	struct uuid id;

	if (given != NULL && uuid_parse(given, &id) && !uuid_is_nil(id))
		return id;
	if (trace == NULL || strlen(trace) < 55 || strncmp(trace, "00-", 3) != 0)
		return order_id;
	snprintf(text, sizeof(text), "%.8s-%.4s-%.4s-%.4s-%.12s", trace + 3, trace + 11, trace + 15,
		 trace + 19, trace + 23);
	return uuid_parse(text, &id) && !uuid_is_nil(id) ? id : order_id;
}

static int read_key(struct ticket *t, const struct http_request *r, struct error *err)
{
	const char *key = http_header(r, "Idempotency-Key");
	const char *body;
	size_t len;

	if (key == NULL)
		return 0;
	if (!key_valid(key))
		return error_set(err, ERR_USAGE, "Idempotency-Key", "must be 1 to %d printable characters",
				 IDEMPOTENCY_KEY_MAX);
	t->key = xstrdup(key);
	body = http_body(r, &len);
	crypto_hash_sha256(t->hash, (const unsigned char *)body, len);
	return 0;
}

static bool read_ticket(struct intake *in, struct ticket *t, struct http_request *r)
{
	struct http_problems problems = {0};
	json_t *body;
	struct error err;

	if (http_body_json(r, &body, &err) < 0 || read_key(t, r, &err) < 0) {
		http_reply_error(r, &err);
		return false;
	}
	menucopy_lock(in->menu);
	draft_read(&t->draft, body, in->menu, &problems);
	menucopy_unlock(in->menu);
	if (problems.list != NULL) {
		http_reply_problems(r, "the order has invalid fields", &problems);
		return false;
	}
	t->draft.order_id = uuid_v7();
	t->draft.correlation_id = correlation_of(r, t->draft.order_id);
	return true;
}

void intake_request(struct intake *in, struct http_request *r)
{
	struct ticket *t = xcalloc(1, sizeof(*t));
	struct error err;

	t->request = r;
	if (!read_ticket(in, t, r)) {
		ticket_free(t);
		return;
	}
	http_defer(r);
	if (group_add(in->group, t, WAITING_MAX))
		return;
	error_set(&err, ERR_UNAVAILABLE, "accept the order", "too many orders wait already");
	http_reply_error(r, &err);
	ticket_free(t);
}

int intake_start(struct service *s, struct menucopy *menu, struct intake **ret, struct error *err)
{
	struct intake *in = xcalloc(1, sizeof(*in));
	int rc;

	in->service = s;
	in->menu = menu;
	in->accepted = metric_series(METRIC_ORDERS, order_status_word(ORDER_PENDING), NULL, NULL);
	rc = group_new((int)config_int(CONFIG_ORDER_INSERTERS), (int)config_int(CONFIG_ORDER_GROUP), run, in,
		       &in->group, err);
	if (rc < 0)
		free(in);
	else
		*ret = in;
	return rc;
}

void intake_stop(struct intake *in)
{
	if (in == NULL)
		return;
	group_free(in->group);
	free(in);
}
