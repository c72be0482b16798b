/*
 * notifyd: messages to customers and operators.
 *
 * Events become notifications and deliveries in the consumer's transaction (intake.c); after its commit the
 * deliveries go to one work queue per channel (channel.c), whose transports carry them out of the house;
 * outcomes and their events are recorded in batches (ledger.c).
 */
#include "core/base/mem.h"
#include "core/config/config.h"
#include "core/service/service.h"
#include "daemons/notify/api.h"
#include "daemons/notify/intake.h"
#include "daemons/notify/ledger.h"

extern const struct db_migration notify_migrations[];
extern const int notify_migration_count;

static bool wants(enum event_type type)
{
	return notify_news(type, NULL) != NEWS_NONE;
}

static int open_channel(struct service *s, struct notify *n, enum notify_channel which, struct error *err)
{
	struct transport *t;
	int rc;

	if (which == CHANNEL_SMS)
		rc = sms_new(&t, err);
	else if (config_string(CONFIG_MAIL_URL)[0] != '\0')
		rc = smtp_new(&t, err);
	else
		rc = maildir_new(&t, err);
	return rc < 0 ? rc : channel_new(s, which, n->composer, t, &n->channels[which], err);
}

static int start(struct service *s, struct error *err)
{
	struct notify *n = xcalloc(1, sizeof(*n));
	int rc = 0;

	service_set_data(s, n);
	n->composer = composer_new();
	n->intake = intake_new(n->composer);
	for (int i = 0; rc == 0 && i < CHANNEL_COUNT; i++)
		rc = open_channel(s, n, (enum notify_channel)i, err);
	return rc;
}

static void stop(struct service *s)
{
	struct notify *n = service_data(s);

	for (int i = 0; i < CHANNEL_COUNT; i++)
		channel_free(n->channels[i], (int)config_int(CONFIG_DRAIN_TIMEOUT) / 2);
	intake_free(n->intake);
	composer_free(n->composer);
	free(n);
}

static int handle(struct service *s, struct service_batch *b, struct error *err)
{
	struct notify *n = service_data(s);

	if (b->state == NULL)
		b->state = xcalloc(1, sizeof(struct delivery_list));
	return intake_handle(n->intake, b->tx, b->events, b->count, config_string(CONFIG_MAIL_OPERATOR),
			     b->state, err);
}

/* A replay sends again what was given up. */
static int requeue(struct service *s, struct service_batch *b, bool *ret_found, struct error *err)
{
	struct delivery_list *list = b->state != NULL ? b->state : xcalloc(1, sizeof(*list));
	int count = 0, rc = 0;

	(void)s;
	b->state = list;
	for (int i = 0; rc == 0 && i < b->count; i++)
		rc = ledger_requeue(b->tx, b->events[i], &count, err);
	list->due = count > 0;
	*ret_found |= count > 0;
	return rc;
}

void notify_push(struct notify *n, struct delivery_list *list)
{
	for (int i = 0; i < CHANNEL_COUNT; i++) {
		if (list->count[i] > 0)
			channel_push(n->channels[i], list->items[i], list->count[i]);
		list->count[i] = 0;
		if (list->due)
			channel_wake(n->channels[i]);
	}
}

static void settled(struct service *s, void *state, bool committed)
{
	if (state != NULL && committed)
		notify_push(service_data(s), state);
	delivery_list_free(state);
}

int main(int argc, char **argv)
{
	const struct service_spec spec = {
	    .id = DAEMON_NOTIFY,
	    .migrations = notify_migrations,
	    .migration_count = notify_migration_count,
	    .routes = notify_routes,
	    .route_count = notify_route_count,
	    .start = start,
	    .stop = stop,
	    .wants = wants,
	    .handle = handle,
	    .requeue = requeue,
	    .settled = settled,
	};

	return service_main(&spec, argc, argv);
}
