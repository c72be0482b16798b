/*
 * inventoryd: the stock.  It holds the ingredients of each new order, all or nothing, frees them when the
 * order is cancelled, and says when something falls short.  It is ready once it has a copy of the menu, whose
 * recipes it needs.
 */
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/service/service.h"
#include "daemons/inventory/api.h"
#include "daemons/inventory/batch.h"
#include "core/service/patience.h"

extern const struct db_migration inventory_migrations[];
extern const int inventory_migration_count;

struct inventory {
	struct menucopy *menu;
	struct patience patience; /* the consumer thread's */
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
	struct inventory *inv = arg;

	return menucopy_find(inv->menu, pizza_id);
}

static bool wait_for_menu(void *arg, const char *pizza_id, int64_t version)
{
	struct inventory *inv = arg;

	return patience_wait(&inv->patience, pizza_id, version, mono_now());
}

static int handle(struct service *s, struct service_batch *b, struct error *err)
{
	struct inventory *inv = service_data(s);
	const struct menu_view menu = {.find = find_pizza, .wait = wait_for_menu, .arg = inv};
	int rc;

	menucopy_lock(inv->menu);
	rc = batch_handle(b->tx, b->events, b->count, &menu, (int)config_int(CONFIG_STOCK_LOW), err);
	menucopy_unlock(inv->menu);
	return rc;
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
	};

	return service_main(&spec, argc, argv);
}
