/*
 * Orders as their events tell them: rows like those of the read model's list, but one for each change, as it
 * happens.  No printing.
 */
#ifndef PIZZA_CONSOLE_ORDERS_H
#define PIZZA_CONSOLE_ORDERS_H

#include <jansson.h>

/*
 * The row of a message of `order-events` (as topics_read gives it): order_id, status, what the event says of
 * customer, pizzas and money, created_at of a new one, updated_at, reason, and event_type, event_id,
 * partition and offset.  NULL when it is no change of an order's status.  Owned.
 */
json_t *orders_change(const json_t *message);

#endif
