/*
 * The daemon table.
 */
#include "core/contract/daemons.h"

#include <stdio.h>
#include <string.h>

#include "core/config/config.h"

const struct daemon_info daemons[DAEMON_COUNT] = {
    [DAEMON_MENU] =
	{
	    .id = DAEMON_MENU,
	    .name = "menud",
	    .service = "menu",
	    .database = "pizza_menu",
	    .port = 1,
	    .replicas = 1,
	    .replicas_max = 16,
	    .outbox = true,
	    .produces = {"menu-events"},
	    .text = "the catalogue of pizzas, their prices and recipes",
	},
    [DAEMON_INVENTORY] =
	{
	    .id = DAEMON_INVENTORY,
	    .name = "inventoryd",
	    .service = "inventory",
	    .database = "pizza_inventory",
	    .port = 5,
	    .replicas = 1,
	    .replicas_max = 64,
	    .nice = 10,
	    .outbox = true,
	    .consumes = {"order-events", "kitchen-events"},
	    .produces = {"inventory-events"},
	    .after = {"menud"},
	    .text = "ingredients, stock levels and reservations",
	},
    [DAEMON_ORDER] =
	{
	    .id = DAEMON_ORDER,
	    .name = "orderd",
	    .service = "order",
	    .database = "pizza_order",
	    .port = 2,
	    .replicas = 1,
	    .replicas_max = 64,
	    .consumer_nice = 5,
	    .outbox = true,
	    .consumes = {"inventory-events", "payment-events", "kitchen-events"},
	    .produces = {"order-events"},
	    .after = {"menud"},
	    .text = "orders and their state through the saga",
	},
    [DAEMON_SANDBOX] =
	{
	    .id = DAEMON_SANDBOX,
	    .name = "sandboxd",
	    .service = "sandbox",
	    .database = "pizza_sandbox",
	    .port = 20,
	    .replicas = 1,
	    .replicas_max = 1,
	    .alone = "it plays one provider, whose faults and ledger one process keeps",
	    .nice = 10,
	    .text = "the payment and SMS providers' sandbox, with a ledger of its own",
	},
    [DAEMON_HARDWARE] =
	{
	    .id = DAEMON_HARDWARE,
	    .name = "hwd",
	    .service = "hardware",
	    .database = "pizza_hardware",
	    .port = 12,
	    .other_port = PORT_OFFSET_MODBUS,
	    .replicas = 1,
	    .replicas_max = 1,
	    .alone = "it is the hardware of one kitchen, whose state one process keeps",
	    .text = "the kitchen's virtual hardware, on Modbus/TCP",
	},
    [DAEMON_PAYMENT] =
	{
	    .id = DAEMON_PAYMENT,
	    .name = "paymentd",
	    .service = "payment",
	    .database = "pizza_payment",
	    .port = 3,
	    .replicas = 1,
	    .replicas_max = 64,
	    .nice = 10,
	    .outbox = true,
	    .consumes = {"order-events"},
	    .produces = {"payment-events"},
	    .text = "charges and refunds through the payment provider",
	},
    [DAEMON_KITCHEN] =
	{
	    .id = DAEMON_KITCHEN,
	    .name = "kitchend",
	    .service = "kitchen",
	    .database = "pizza_kitchen",
	    .port = 6,
	    .replicas = 1,
	    .replicas_max = 1,
	    .alone = "one plan and one master on the bus are for all ovens and pans",
	    .nice = 10,
	    .consumer_nice = 15,
	    .outbox = true,
	    .consumes = {"order-events", "inventory-events"},
	    .produces = {"kitchen-events"},
	    .after = {"menud", "hwd"},
	    .text = "tickets of paid orders, and the ovens and pans that bake them",
	},
    [DAEMON_NOTIFY] =
	{
	    .id = DAEMON_NOTIFY,
	    .name = "notifyd",
	    .service = "notify",
	    .database = "pizza_notify",
	    .port = 4,
	    .replicas = 1,
	    .replicas_max = 64,
	    .nice = 15,
	    .outbox = true,
	    .consumes = {"order-events", "payment-events", "inventory-events"},
	    .produces = {"notification-events"},
	    .text = "messages to customers and operators by e-mail and SMS",
	},
    [DAEMON_AGGREGATOR] =
	{
	    .id = DAEMON_AGGREGATOR,
	    .name = "aggregatord",
	    .service = "aggregator",
	    .database = "pizza_console",
	    .port = 7,
	    .replicas = 1,
	    .replicas_max = 1,
	    .alone = "one process writes the read model, in the order of the events",
	    .nice = 15,
	    .consumes = {"menu-events", "order-events", "inventory-events", "payment-events",
			 "kitchen-events", "notification-events", "dlq-events"},
	    .text = "the read model: every event, saga timelines, key figures",
	},
    [DAEMON_DLQ] =
	{
	    .id = DAEMON_DLQ,
	    .name = "dlqd",
	    .service = "dlq",
	    .database = "pizza_dlq",
	    .port = 8,
	    .replicas = 1,
	    .replicas_max = 1,
	    .alone = "one process indexes the letters and runs the replays",
	    .nice = 10,
	    .outbox = true,
	    .consumes = {"menu-events-dlq", "order-events-dlq", "inventory-events-dlq", "payment-events-dlq",
			 "kitchen-events-dlq", "notification-events-dlq", "dlq-events-dlq"},
	    .produces = {"dlq-events"},
	    .text = "dead letters: their index, their state, their replay",
	},
    [DAEMON_OUTBOX] =
	{
	    .id = DAEMON_OUTBOX,
	    .name = "outboxd",
	    .service = "outbox",
	    .database = "pizza_outbox",
	    .port = 9,
	    .replicas = 1,
	    .replicas_max = 2,
	    .nice = 10,
	    .text = "the relay from every outbox to Kafka; a second one stands by",
	},
};

const struct daemon_info *daemon_find(const char *name)
{
	for (size_t i = 0; i < DAEMON_COUNT; i++)
		if (strcmp(daemons[i].name, name) == 0 || strcmp(daemons[i].service, name) == 0)
			return &daemons[i];
	return NULL;
}

int daemon_port(const struct daemon_info *d)
{
	return (int)config_int(CONFIG_PORT_BASE) + d->port;
}

const char *daemons_bootstrap(char text[DAEMONS_BOOTSTRAP_SIZE])
{
	const char *given = config_string(CONFIG_KAFKA_BOOTSTRAP);

	if (*given != '\0')
		return given;
	snprintf(text, DAEMONS_BOOTSTRAP_SIZE, "127.0.0.1:%d",
		 (int)config_int(CONFIG_PORT_BASE) + PORT_OFFSET_KAFKA);
	return text;
}
