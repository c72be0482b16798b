/*
 * menud: the catalogue.  It serves and changes the menu over HTTP and tells of every change by
 * MenuItemChanged; the other daemons keep copies.  On its first start it fills the catalogue.
 */
#include "core/base/log.h"
#include "core/base/money.h"
#include "core/config/config.h"
#include "core/service/service.h"
#include "daemons/menu/api.h"
#include "daemons/menu/store.h"

extern const struct db_migration menu_migrations[];
extern const int menu_migration_count;

static int seed(struct service *s, struct error *err)
{
	const char *currency = config_string(CONFIG_MENU_CURRENCY);
	struct db_conn *c;
	int added = 0, rc;

	if (!money_currency_valid(currency))
		return error_set(err, ERR_INVALID, "menu.currency", "%.20s is not three capital letters",
				 currency);
	rc = db_acquire(service_db(s), &c, err);
	if (rc < 0)
		return rc;
	rc = menu_store_seed(c, currency, &added, err);
	db_release(c);
	if (rc < 0 || added == 0)
		return rc;
	log_info("the menu starts with %d pizzas", added);
	outbox_notify(s);
	return 0;
}

int main(int argc, char **argv)
{
	const struct service_spec spec = {
	    .id = DAEMON_MENU,
	    .migrations = menu_migrations,
	    .migration_count = menu_migration_count,
	    .routes = menu_routes,
	    .route_count = menu_route_count,
	    .start = seed,
	};

	return service_main(&spec, argc, argv);
}
