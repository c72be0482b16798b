/*
 * The head of the queue in memory.  Everything up to the tail is there; what is behind is read when little is
 * left, and news of it is not kept.
 */
#include <stdlib.h>

#include "core/base/mem.h"
#include "daemons/kitchen/inside.h"

static bool behind_tail(const struct floor *f, const struct ticket *t)
{
	return t->job.promised_us > f->tail_us ||
	       (t->job.promised_us == f->tail_us && t->job.id > f->tail_id);
}

static void move_tail(struct floor *f, const struct ticket *t)
{
	if (!behind_tail(f, t))
		return;
	f->tail_us = t->job.promised_us;
	f->tail_id = t->job.id;
}

static void take_queued(struct floor *f, struct ticket *t)
{
	pool_take(&f->tickets, t);
	scheduler_add(f->scheduler, &t->job);
	move_tail(f, t);
}

void queue_take(struct floor *f, struct ticket *t)
{
	struct ticket *known = pool_find(&f->tickets, t->job.id);

	if (known != NULL) {
		if (known->state == TICKET_WAITING) {
			known->state = TICKET_QUEUED;
			scheduler_add(f->scheduler, &known->job);
		}
		free(t);
	} else if (t->remakes == 0 && behind_tail(f, t) &&
		   (!f->complete || scheduler_queued(f->scheduler) >= f->window)) {
		f->complete = false;
		free(t);
	} else {
		take_queued(f, t);
	}
}

static int read_queue(struct floor *f, int limit, struct db_result **ret, struct error *err)
{
	struct db_conn *c;
	int64_t tail_us = f->tail_us, tail_id = f->tail_id;
	int rc;

	pthread_mutex_unlock(&f->lock);
	rc = db_acquire(service_db(f->service), &c, err);
	if (rc == 0) {
		rc = store_queue(c, tail_us, tail_id, limit, ret, err);
		db_release(c);
	}
	pthread_mutex_lock(&f->lock);
	return rc;
}

int queue_refill(struct floor *f, struct error *err)
{
	CLEANUP(db_result_auto) struct db_result *r = NULL;
	int limit = f->window - scheduler_queued(f->scheduler), rc;

	if (f->complete || scheduler_queued(f->scheduler) > f->window / 2)
		return 0;
	rc = read_queue(f, limit, &r, err);
	for (int i = 0; rc == 0 && i < db_rows(r); i++) {
		struct ticket *t = xcalloc(1, sizeof(*t));
		const char *device, *timer;

		store_read_ticket(r, i, t, &device, &timer);
		t->deck = -1;
		move_tail(f, t);
		if (pool_find(&f->tickets, t->job.id) == NULL)
			take_queued(f, t);
		else
			free(t);
	}
	if (rc == 0)
		f->complete = db_rows(r) < limit;
	return rc;
}
