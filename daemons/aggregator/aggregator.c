/*
 * aggregatord: the read model.  It listens to every topic and stores every event, the state of every order's
 * saga, and key figures per minute (store.c); deduplicates by the table of events itself.
 */
#include "core/service/metrics.h"
#include "core/service/service.h"

#include "core/base/mem.h"
#include "daemons/aggregator/announce.h"
#include "daemons/aggregator/api.h"
#include "daemons/aggregator/rebuild.h"
#include "daemons/aggregator/store.h"

extern const struct db_migration aggregator_migrations[];
extern const int aggregator_migration_count;

static int start(struct service *s, struct error *err)
{
	struct aggregator *a = xcalloc(1, sizeof(*a));
	int rc;

	service_set_data(s, a);
	a->store = store_new();
	rc = announcer_new(s, &a->announcer, err);
	if (rc == 0)
		rc = rebuild_new(s, &a->rebuild, err);
	return rc;
}

static void stop(struct service *s)
{
	struct aggregator *a = service_data(s);

	rebuild_free(a->rebuild);
	announcer_free(a->announcer);
	store_free(a->store);
	free(a);
}

static int handle(struct service *s, struct service_batch *b, struct error *err)
{
	struct aggregator *a = service_data(s);
	int rc = store_apply(a->store, b->tx, b->events, b->count, err);

	b->state = a->store;
	if (rc == 0)
		b->known += b->count - store_effect(a->store)->fresh;
	return rc;
}

static void count_orders(const struct store_effect *e)
{
	static const struct {
		enum event_type type;
		const char *status;
	} statuses[] = {
	    {EVENT_ORDER_CREATED, "pending"}, {EVENT_ORDER_RESERVED, "reserved"},
	    {EVENT_ORDER_PAID, "paid"},	      {EVENT_ORDER_COOKING, "cooking"},
	    {EVENT_ORDER_READY, "ready"},     {EVENT_ORDER_CANCELLED, "cancelled"},
	};

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (e->by_type[statuses[i].type] > 0)
			metric_count(METRIC_ORDERS, statuses[i].status, NULL, e->by_type[statuses[i].type]);
}

static void observe_ends(const struct store_effect *e)
{
	for (int i = 0; i < e->ended_count; i++)
		metric_observe(metric_series(METRIC_SAGA_SECONDS, e->ended[i].state, NULL, NULL),
			       (double)e->ended[i].us / 1e6);
}

static void settled(struct service *s, void *state, bool committed)
{
	struct aggregator *a = service_data(s);
	const struct store_effect *e = store_effect(a->store);

	if (state == NULL || !committed)
		return;
	count_orders(e);
	observe_ends(e);
	if (e->fresh > 0)
		announce(a->announcer);
}

int main(int argc, char **argv)
{
	const struct service_spec spec = {
	    .id = DAEMON_AGGREGATOR,
	    .migrations = aggregator_migrations,
	    .migration_count = aggregator_migration_count,
	    .routes = aggregator_routes,
	    .route_count = aggregator_route_count,
	    .start = start,
	    .stop = stop,
	    .handle = handle,
	    .settled = settled,
	    .own_dedupe = true,
	};

	return service_main(&spec, argc, argv);
}
