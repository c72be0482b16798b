/*
 * The outbox, writing side, and the thread that tells the relay.
 *
 * NOTIFY takes a lock at commit that is shared by the whole server, so it is sent outside business
 * transactions, by one thread per process, at most once per 2 ms, without waiting for the disk.
 */
#include "core/service/outbox.h"

#include <string.h>
#include <time.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/service/private.h"

#define NOTIFY_INTERVAL_NS 2000000

DB_STATEMENT(
    outbox_insert,
    "INSERT INTO outbox (id, topic, event_type, aggregate_id, aggregate_seq, correlation_id, causation_id, "
    "event_data) SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::int8[], "
    "$6::uuid[], "
    "$7::uuid[], $8::text[])");

static void init(struct outbox *o)
{
	db_array_init(&o->ids, DB_UUID);
	db_array_init(&o->topics, DB_TEXT);
	db_array_init(&o->types, DB_TEXT);
	db_array_init(&o->aggregates, DB_TEXT);
	db_array_init(&o->seqs, DB_INT8);
	db_array_init(&o->correlations, DB_UUID);
	db_array_init(&o->causations, DB_UUID);
	db_array_init(&o->data, DB_TEXT);
}

void outbox_add(struct outbox *o, const struct event_draft *draft)
{
	const struct event_info *info = &event_types[draft->type];

	if (o->count++ == 0 && o->ids.body.cap == 0)
		init(o);
	db_array_uuid(&o->ids, &draft->id);
	db_array_text(&o->topics, topics[info->topic].name);
	db_array_text(&o->types, info->name);
	db_array_text(&o->aggregates, draft->aggregate_id);
	db_array_int(&o->seqs, draft->aggregate_seq);
	db_array_uuid(&o->correlations, &draft->correlation_id);
	db_array_uuid(&o->causations, uuid_is_nil(draft->causation_id) ? NULL : &draft->causation_id);
	db_array_text(&o->data, draft->data);
}

int outbox_write(struct outbox *o, struct db_conn *tx, struct error *err)
{
	struct db_params params = {0};
	int rc;

	if (o->count == 0)
		return 0;
	db_param_array(&params, &o->ids);
	db_param_array(&params, &o->topics);
	db_param_array(&params, &o->types);
	db_param_array(&params, &o->aggregates);
	db_param_array(&params, &o->seqs);
	db_param_array(&params, &o->correlations);
	db_param_array(&params, &o->causations);
	db_param_array(&params, &o->data);
	rc = db_queue(tx, &outbox_insert, &params, err);
	db_params_done(&params);
	return rc;
}

static void each_array(struct outbox *o, void (*call)(struct db_array *))
{
	struct db_array *all[] = {&o->ids,  &o->topics,	      &o->types,      &o->aggregates,
				  &o->seqs, &o->correlations, &o->causations, &o->data};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		call(all[i]);
}

void outbox_reset(struct outbox *o)
{
	if (o->ids.body.cap > 0)
		each_array(o, db_array_reset);
	o->count = 0;
}

void outbox_done(struct outbox *o)
{
	each_array(o, db_array_done);
	memset(o, 0, sizeof(*o));
}

struct outbox_notifier {
	struct db *db;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool pending;
	bool stopping;
};

static void send_notify(struct outbox_notifier *n)
{
	struct db_conn *c;
	struct error err;

	if (db_acquire(n->db, &c, &err) < 0)
		return; /* the relay looks by itself from time to time */
	if (db_run(c, "NOTIFY outbox", &err) < 0)
		log_debug("outbox notification: %s", err.why);
	db_release(c);
}

static void *notifier_main(void *arg)
{
	struct outbox_notifier *n = arg;
	const struct timespec pause = {0, NOTIFY_INTERVAL_NS};

	pthread_mutex_lock(&n->lock);
	while (!n->stopping || n->pending) {
		if (!n->pending) {
			pthread_cond_wait(&n->wake, &n->lock);
			continue;
		}
		n->pending = false;
		pthread_mutex_unlock(&n->lock);
		send_notify(n);
		nanosleep(&pause, NULL);
		pthread_mutex_lock(&n->lock);
	}
	pthread_mutex_unlock(&n->lock);
	return NULL;
}

int outbox_notifier_start(struct service *s, struct outbox_notifier **ret, struct error *err)
{
	struct outbox_notifier *n = xcalloc(1, sizeof(*n));
	struct db_options options = s->db_options;

	options.pool_size = 1;
	options.async_commit = true;
	n->db = db_new(&options);
	pthread_mutex_init(&n->lock, NULL);
	pthread_cond_init(&n->wake, NULL);
	if (pthread_create(&n->thread, NULL, notifier_main, n) != 0) {
		db_free(n->db);
		free(n);
		return error_errno(err, "start the outbox notifier");
	}
	*ret = n;
	return 0;
}

void outbox_notifier_stop(struct outbox_notifier *n)
{
	if (n == NULL)
		return;
	pthread_mutex_lock(&n->lock);
	n->stopping = true;
	pthread_cond_signal(&n->wake);
	pthread_mutex_unlock(&n->lock);
	pthread_join(n->thread, NULL);
	db_free(n->db);
	pthread_mutex_destroy(&n->lock);
	pthread_cond_destroy(&n->wake);
	free(n);
}

void outbox_notify(struct service *s)
{
	struct outbox_notifier *n = s->notifier;

	pthread_mutex_lock(&n->lock);
	if (!n->pending) {
		n->pending = true;
		pthread_cond_signal(&n->wake);
	}
	pthread_mutex_unlock(&n->lock);
}
