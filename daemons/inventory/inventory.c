/*
 * inventoryd: the stock.  It holds the ingredients of each new order, all or nothing, frees them when the
 * order is cancelled, and says when something falls short.  It is ready once it has a copy of the menu, whose
 * recipes it needs.
 */
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/service/service.h"
#include "daemons/inventory/api.h"
#include "daemons/inventory/batch.h"

/*
 * How long orders from a newer menu than ours are waited for.  The copy follows within milliseconds; after
 * this long the version does not exist, and waiting on would stop everybody's orders.
 */
#define MENU_PATIENCE_MS 30000

extern const struct db_migration inventory_migrations[];
extern const int inventory_migration_count;

struct inventory {
	struct menucopy *menu;
	struct mono waiting_since; /* for the menu; the consumer thread's */
};

static int start(struct service *s, struct error *err)
{
	struct inventory *inv = xcalloc(1, sizeof(*inv));
	int rc = menucopy_start(s, &inv->menu, err);

	if (rc < 0) {
		free(inv);
		return rc;
	}
	service_set_data(s, inv);
	return 0;
}

static void stop(struct service *s)
{
	struct inventory *inv = service_data(s);

	menucopy_stop(inv->menu);
	free(inv);
}

static bool wants(enum event_type type)
{
	enum stock_cause cause;

	return stock_cause_of(type, &cause);
}

static const struct menu_pizza *find_pizza(void *arg, const char *pizza_id)
{
	return menucopy_find(arg, pizza_id);
}

static int handle(struct service *s, struct service_batch *b, struct error *err)
{
	struct inventory *inv = service_data(s);
	bool waiting = inv->waiting_since.ns != 0;
	const struct menu_view menu = {
	    .find = find_pizza,
	    .arg = inv->menu,
	    .wait = !waiting || mono_since_ms(inv->waiting_since) < MENU_PATIENCE_MS,
	};
	int rc;

	menucopy_lock(inv->menu);
	rc = batch_handle(b->tx, b->events, b->count, &menu, (int)config_int(CONFIG_STOCK_LOW), err);
	menucopy_unlock(inv->menu);
	if (rc == ERR_NOT_YET && !waiting)
		inv->waiting_since = mono_now();
	return rc;
}

static void settled(struct service *s, void *state, bool committed)
{
	struct inventory *inv = service_data(s);

	(void)state;
	if (committed)
		inv->waiting_since = (struct mono){0};
}

int main(int argc, char **argv)
{
	const struct service_spec spec = {
	    .id = DAEMON_INVENTORY,
	    .migrations = inventory_migrations,
	    .migration_count = inventory_migration_count,
	    .routes = inventory_routes,
	    .route_count = inventory_route_count,
	    .start = start,
	    .stop = stop,
	    .wants = wants,
	    .handle = handle,
	    .settled = settled,
	};

	return service_main(&spec, argc, argv);
}
