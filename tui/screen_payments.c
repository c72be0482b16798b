/*
 * Payments.
 */
#include "core/base/json.h"
#include "tui/screen.h"

static int refund(struct console *c, const struct action_call *call, struct buf *said, struct error *err)
{
	(void)said;
	return action_post(c, "paymentd", "/api/v1/payments/{payment_id}/refund", call->row, json_object(),
			   err);
}

static const struct action actions[] = {{.name = "show",
					 .text = "what happened to its order",
					 .command = "saga show {order_id}",
					 .opens = "saga",
					 .member = "order_id"},
					{.key = 'r',
					 .name = "refund",
					 .text = "gives back all that is left of it",
					 .command = "payment refund {payment_id}",
					 .reasons = true,
					 .changes = true,
					 .asks = true,
					 .run = refund},
					{.name = NULL}};

static const struct list_column columns[] = {
    {.name = "payment_id", .title = "payment", .format = VALUE_AS_ID},
    {.name = "status", .format = VALUE_AS_STATE, .max = 14},
    {.name = "amount", .format = VALUE_AS_MONEY},
    {.name = "created_at", .title = "age", .format = VALUE_AS_AGE, .drop = 2},
    {.name = "attempt", .format = VALUE_AS_INT, .drop = 4},
    {.name = "order_id", .title = "order", .format = VALUE_AS_ID, .drop = 1},
    {.name = "provider_id", .title = "provider", .max = 36, .drop = 5},
    {.name = "reason", .drop = 3},
    {.name = NULL},
};

const struct screen screen_payments = {
    .name = "payments",
    .text = "payments, the newest first",
    .key = 'P',
    .feeds = FEED_BIT(PAYMENTS),
    .main = FEED_PAYMENTS,
    .id = "payment_id",
    .columns = columns,
    .empty = "there are no payments",
    .actions = actions,
};
