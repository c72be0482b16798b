/*
 * Orders.
 */
#include "core/base/json.h"
#include "tui/screen.h"

static const struct action actions[] = {{.name = "show",
					 .text = "what happened to it",
					 .command = "saga show {order_id}",
					 .opens = "saga",
					 .member = "order_id"},
					{.key = 'c',
					 .name = "cancel",
					 .text = "cancels the order, and undoes what was done",
					 .command = "order cancel {order_id}",
					 .reasons = true,
					 .changes = true,
					 .asks = true,
					 .run = action_cancel_order},
					{.key = 'l',
					 .name = "log",
					 .text = "what the daemons say of the order",
					 .command = "logs --order {order_id}",
					 .opens = "logs",
					 .member = "order_id"},
					{.name = NULL}};

static const struct list_column columns[] = {
    {.name = "order_id", .title = "order", .format = VALUE_AS_ID},
    {.name = "status", .format = VALUE_AS_STATE, .max = 12},
    {.name = "total_amount", .title = "total", .format = VALUE_AS_MONEY, .drop = 2},
    {.name = "item_count", .title = "pizzas", .format = VALUE_AS_INT, .drop = 4},
    {.name = "created_at", .title = "age", .format = VALUE_AS_AGE},
    {.name = "updated_at", .title = "idle", .format = VALUE_AS_AGE, .drop = 5},
    {.name = "payment_method", .title = "payment", .max = 16, .drop = 7},
    {.name = "customer_name", .title = "customer", .max = 30, .drop = 3},
    {.name = "reason", .drop = 6},
    {.name = NULL},
};

static const char *const states[] = {"",	"pending", "reserved",	"paid",
				     "cooking", "ready",   "cancelled", NULL};

const struct screen screen_orders = {
    .name = "orders",
    .text = "orders, the newest first",
    .key = '7',
    .feeds = FEED_BIT(ORDERS),
    .main = FEED_ORDERS,
    .id = "order_id",
    .columns = columns,
    .empty = "there are no orders",
    .narrows = states,
    .actions = actions,
};
