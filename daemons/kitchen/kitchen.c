/*
 * kitchend: makes tickets of paid orders, gives them to ovens and pans, watches them bake, and tells of it.
 * It is ready once it has a copy of the menu, which says how hot each pizza is baked.
 */
#include "core/base/mem.h"
#include "core/service/menucopy.h"
#include "core/service/service.h"
#include "daemons/kitchen/api.h"
#include "daemons/kitchen/floor.h"
#include "daemons/kitchen/intake.h"
#include "daemons/kitchen/store.h"

extern const struct db_migration kitchen_migrations[];
extern const int kitchen_migration_count;

static int start_intake(struct service *s, struct kitchen *k, struct error *err)
{
	struct db_conn *c;
	int64_t last = 0;
	int rc = db_acquire(service_db(s), &c, err);

	if (rc < 0)
		return rc;
	rc = store_last_ticket(c, &last, err);
	db_release(c);
	if (rc == 0)
		k->intake = intake_new(k->menu, last);
	return rc;
}

static int start(struct service *s, struct error *err)
{
	struct kitchen *k = xcalloc(1, sizeof(*k));
	int rc = menucopy_start(s, &k->menu, err);

	service_set_data(s, k);
	if (rc == 0)
		rc = start_intake(s, k, err);
	return rc < 0 ? rc : floor_start(s, &k->floor, err);
}

static void stop(struct service *s)
{
	struct kitchen *k = service_data(s);

	floor_stop(k->floor);
	intake_free(k->intake);
	menucopy_stop(k->menu);
	free(k);
}

static int handle(struct service *s, struct service_batch *b, struct error *err)
{
	struct kitchen *k = service_data(s);

	if (b->state == NULL)
		b->state = news_new();
	return intake_handle(k->intake, b, b->state, err);
}

static void settled(struct service *s, void *state, bool committed)
{
	struct kitchen *k = service_data(s);
	struct news *news = state;

	if (news != NULL && committed && (news->count > 0 || news->gone_count > 0))
		floor_tell(k->floor, news);
	else
		news_free(news);
}

int main(int argc, char **argv)
{
	const struct service_spec spec = {
	    .id = DAEMON_KITCHEN,
	    .migrations = kitchen_migrations,
	    .migration_count = kitchen_migration_count,
	    .routes = kitchen_routes,
	    .route_count = kitchen_route_count,
	    .start = start,
	    .stop = stop,
	    .wants = intake_wants,
	    .handle = handle,
	    .settled = settled,
	};

	return service_main(&spec, argc, argv);
}
