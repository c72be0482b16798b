/*
 * The glue between work queue, ledger and transport.
 */
#include "daemons/notify/channel.h"

#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/http/retry.h"
#include "core/service/group.h"
#include "core/service/letters.h"
#include "core/service/metrics.h"
#include "core/service/outbox.h"
#include "core/service/service.h"
#include "core/service/workqueue.h"
#include "daemons/notify/ledger.h"

#define POLL_MS	  1000
#define LINGER_MS 40	/* nobody waits for the record of a message: fewer, larger transactions */
#define HOLD_MS	  30000 /* well below the lease */
#define QUEUE_MAX 4096	/* that wait for a transport's workers */

struct channel {
	struct service *service;
	enum notify_channel which;
	struct composer *composer;
	struct transport *transport;
	struct workqueue *queue;
	struct breaker breaker;
};

static int claim(void *arg, int limit, void **items, int *ret_count, struct error *err)
{
	struct channel *ch = arg;
	struct db_conn *c = NULL;
	int rc = db_acquire(service_db(ch->service), &c, err);

	if (rc == 0)
		rc = ledger_claim(c, ch->composer, ch->which, limit, (struct delivery **)items, ret_count,
				  err);
	db_release(c);
	return rc;
}

static void start(void *arg, struct workqueue *q, void *item)
{
	struct channel *ch = arg;
	struct delivery *d = item;

	(void)q;
	d->started = mono_now();
	if (d->body == NULL) {
		delivery_end(d, OUTCOME_REFUSED, "there is no template for it any more");
		channel_done(ch, d);
	} else {
		ch->transport->send(ch->transport, ch, d);
	}
}

static void observe(struct channel *ch, struct delivery *const *items, int n)
{
	struct metric_series *seconds =
	    metric_series(METRIC_NOTIFY_SECONDS, notify_channels[ch->which], NULL, NULL);

	for (int i = 0; i < n; i++)
		if (items[i]->outcome == OUTCOME_SENT && items[i]->resends == 0)
			metric_observe(seconds, (double)(items[i]->ended_us - items[i]->created_us) / 1e6);
}

static int record(void *arg, void **items, int n, struct error *err)
{
	struct channel *ch = arg;
	struct db_conn *c = NULL;
	int rc = db_acquire(service_db(ch->service), &c, err);

	if (rc == 0)
		rc = db_begin(c, err);
	if (rc == 0)
		rc = ledger_record(c, (struct delivery *const *)items, n, err);
	if (rc == 0)
		rc = db_commit(c, err);
	db_release(c);
	if (rc == 0) {
		letters_wake(ch->service);
		outbox_notify(ch->service);
		observe(ch, (struct delivery *const *)items, n);
	}
	return rc;
}

static const struct workqueue_ops queue_ops = {
    .claim = claim,
    .start = start,
    .record = record,
    .free_item = delivery_free,
};

int channel_new(struct service *s, enum notify_channel which, struct composer *composer, struct transport *t,
		struct channel **ret, struct error *err)
{
	struct channel *ch = xcalloc(1, sizeof(*ch));
	struct workqueue_options options = {
	    .name = notify_channels[which],
	    .parallel = t->parallel,
	    .linger_ms = LINGER_MS,
	    .poll_ms = POLL_MS,
	    .hold_ms = HOLD_MS,
	    .breaker = &ch->breaker,
	    .ops = &queue_ops,
	    .arg = ch,
	};
	int rc;

	ch->service = s;
	ch->which = which;
	ch->composer = composer;
	ch->transport = t;
	breaker_init(&ch->breaker, (int)config_int(CONFIG_BREAKER_THRESHOLD),
		     config_int(CONFIG_BREAKER_OPEN));
	metric_set(metric_series(METRIC_BREAKER_STATE, t->name, NULL, NULL), 0);
	rc = workqueue_new(&options, &ch->queue, err);
	if (rc < 0) {
		t->free(t, 0);
		free(ch);
		return rc;
	}
	*ret = ch;
	return 0;
}

void channel_push(struct channel *ch, struct delivery **items, int n)
{
	workqueue_push(ch->queue, (void **)items, n);
}

void channel_wake(struct channel *ch)
{
	workqueue_wake(ch->queue);
}

/* A refusal is an answer: the provider works. */
static bool is_trouble(const struct delivery *d)
{
	return d->outcome == OUTCOME_TROUBLE || d->outcome == OUTCOME_UNREACHABLE;
}

static void tell_breaker(struct channel *ch, const struct delivery *d)
{
	struct mono now = mono_now();
	enum breaker_state state;

	if (is_trouble(d))
		breaker_failure(&ch->breaker, now);
	else
		breaker_success(&ch->breaker, now);
	state = breaker_state(&ch->breaker, now);
	metric_set(metric_series(METRIC_BREAKER_STATE, ch->transport->name, NULL, NULL),
		   state == BREAKER_CLOSED	? 0
		   : state == BREAKER_HALF_OPEN ? 1
						: 2);
	service_condition(ch->service, notify_channels[ch->which], false, state == BREAKER_CLOSED,
			  "%s: breaker %s: %s", ch->transport->name, breaker_word(state), d->why);
}

static const char *outcome_word(enum notify_outcome outcome)
{
	if (outcome == OUTCOME_SENT)
		return "ok";
	return outcome == OUTCOME_REFUSED ? "refused" : "failed";
}

void channel_done(struct channel *ch, struct delivery *d)
{
	tell_breaker(ch, d);
	metric_observe(
	    metric_series(METRIC_PROVIDER_SECONDS, ch->transport->name, outcome_word(d->outcome), NULL),
	    (double)mono_since_us(d->started) / 1e6);
	/* Trouble for everybody is an outage, and no try of this message. */
	if (d->outcome == OUTCOME_TROUBLE && breaker_state(&ch->breaker, mono_now()) != BREAKER_CLOSED)
		d->outcome = OUTCOME_UNREACHABLE;
	workqueue_finished(ch->queue, d);
}

void channel_queue(struct channel *ch, struct group *workers, struct delivery *d)
{
	if (group_add(workers, d, QUEUE_MAX))
		return;
	delivery_end(d, OUTCOME_UNREACHABLE, "its workers are stopping");
	channel_done(ch, d);
}

void channel_free(struct channel *ch, int drain_ms)
{
	if (ch == NULL)
		return;
	workqueue_free(ch->queue, drain_ms);
	ch->transport->free(ch->transport, drain_ms);
	breaker_done(&ch->breaker);
	free(ch);
}
