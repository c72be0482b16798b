/*
 * paymentd: charges and refunds through the payment provider.
 *
 *   OrderReserved, OrderCancelled → rows (intake.c) → work queue (queue.c) → provider (provider.c, reply.c)
 *     → outcomes → rows and events (settle.c, store.c)
 *
 * What happens in which state is decided in rules.c.
 */
#include "daemons/payment/payment.h"

#include "core/base/mem.h"

extern const struct db_migration payment_migrations[];
extern const int payment_migration_count;

struct payments *payments_of(struct service *s)
{
	return service_data(s);
}

static int start(struct service *s, struct error *err)
{
	struct payments *app = xcalloc(1, sizeof(*app));

	app->service = s;
	app->db = service_db(s);
	service_set_data(s, app);
	return queue_start(app, err);
}

static void stop(struct service *s)
{
	struct payments *app = payments_of(s);

	queue_stop(app);
	free(app);
}

int main(int argc, char **argv)
{
	const struct service_spec spec = {
	    .id = DAEMON_PAYMENT,
	    .migrations = payment_migrations,
	    .migration_count = payment_migration_count,
	    .routes = payment_routes,
	    .route_count = payment_route_count,
	    .start = start,
	    .stop = stop,
	    .wants = intake_wants,
	    .handle = intake_handle,
	    .requeue = intake_requeue,
	    .hasten = intake_hasten,
	    .settled = intake_settled,
	};

	return service_main(&spec, argc, argv);
}
