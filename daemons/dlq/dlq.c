/*
 * dlqd: dead letters.  Listens to every {topic}-dlq, keeps what it finds there with its history, replays it
 * to the group that failed when it is told to, and serves /api/v1/dlq.
 */
#include "daemons/dlq/dlq.h"

#include "core/base/mem.h"
#include "core/service/service.h"

extern const struct db_migration dlq_migrations[];
extern const int dlq_migration_count;

static int start(struct service *s, struct error *err)
{
	struct dlq *d = xcalloc(1, sizeof(*d));
	int rc;

	service_set_data(s, d);
	rc = runner_new(s, &d->runner, err);
	if (rc == 0)
		rc = policy_start(s, d->runner, &d->policy, err);
	if (rc == 0)
		rc = intake_start(s, &d->intake, err);
	return rc;
}

static void stop(struct service *s)
{
	struct dlq *d = service_data(s);

	intake_stop(d->intake);
	policy_stop(d->policy);
	runner_free(d->runner);
	free(d);
}

int main(int argc, char **argv)
{
	const struct service_spec spec = {
	    .id = DAEMON_DLQ,
	    .migrations = dlq_migrations,
	    .migration_count = dlq_migration_count,
	    .routes = dlq_routes,
	    .route_count = dlq_route_count,
	    .start = start,
	    .stop = stop,
	};

	return service_main(&spec, argc, argv);
}
