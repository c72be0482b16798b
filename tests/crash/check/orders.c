/*
 * Invariants of orders and of every daemon's own state: 1, 2, 8, 13, 15.
 */
#include "core/base/mem.h"
#include "tests/crash/check/check.h"

/* Per aggregate of a topic: how many events its owner's outbox has, the last number and the last type. */
#define LAST_EVENTS(owner, topic)                                                                         \
	"(SELECT aggregate_id, count(*) AS n, count(DISTINCT aggregate_seq) AS d, max(aggregate_seq) AS " \
	"last, "                                                                                          \
	"(array_agg(event_type ORDER BY aggregate_seq DESC))[1] AS last_type FROM " owner ".outbox "      \
	"WHERE topic = '" topic "' GROUP BY aggregate_id)"
/* A row's counter says that as many events were written, numbered 1, 2, 3 … */
#define COUNTED(counter)                                                  \
	"coalesce(e.n, 0) <> " counter " OR coalesce(e.d, 0) <> " counter \
	" OR coalesce(e.last, 0) <> " counter

/* The counter of each row of `from`, known by `key` to its events. */
#define NUMBERED(text, from, id, key, owner, topic, counter)                              \
	{                                                                                 \
		2, true, NULL, text,                                                      \
		    "SELECT " id " FROM " from                                            \
		    " LEFT JOIN " LAST_EVENTS(owner, topic) " e ON e.aggregate_id = " key \
							    " WHERE " COUNTED(counter)    \
	}

static const struct check rows[] = {
    {1, true, NULL, "an acknowledged order is not there",
     "SELECT DISTINCT h.order_id FROM history h LEFT JOIN orders o USING (order_id) "
     "WHERE h.op = 'create' AND h.outcome = 'ok' AND o.order_id IS NULL"},
    {1, true, NULL, "one key was answered differently",
     "SELECT key FROM history WHERE op = 'create' AND outcome = 'ok' "
     "GROUP BY key HAVING count(DISTINCT reply) > 1 OR count(DISTINCT order_id) > 1"},
    {1, true, NULL, "an order has several keys",
     "SELECT order_id FROM orderd.idempotency_keys GROUP BY order_id HAVING count(*) > 1"},
    {1, true, NULL, "a key's order is not there",
     "SELECT k.key FROM orderd.idempotency_keys k LEFT JOIN orderd.orders o USING (order_id) WHERE "
     "o.order_id IS NULL"},
    {1, true, NULL, "a key's order is another one than was answered",
     "SELECT h.key FROM history h JOIN orderd.idempotency_keys k USING (key) "
     "WHERE h.op = 'create' AND h.outcome = 'ok' AND k.order_id::text <> h.order_id"},
    {1, true, NULL, "an order has another total than was answered",
     "SELECT o.order_id FROM history h JOIN orders o USING (order_id) "
     "WHERE h.op = 'create' AND h.outcome = 'ok' AND h.total IS DISTINCT FROM o.total_amount"},
    {1, false, NULL, "an order that nobody sent",
     "SELECT o.order_id FROM orderd.orders o LEFT JOIN orderd.idempotency_keys k USING (order_id) "
     "WHERE EXISTS (SELECT FROM history) AND NOT EXISTS (SELECT FROM history h WHERE h.key = k.key)"},
    {1, false, NULL, "an order was acknowledged but its key's outcome stayed unknown",
     "SELECT key FROM history WHERE op = 'create' GROUP BY key "
     "HAVING bool_or(outcome = 'unknown') AND NOT bool_or(outcome IN ('ok', 'refused'))"},

    NUMBERED("an order's version and its events disagree", "orders o", "o.order_id", "o.order_id", "orderd",
	     "order-events", "o.version"),
    {2, true, NULL, "an order's status and its last event disagree",
     "SELECT o.order_id FROM orders o JOIN " LAST_EVENTS(
	 "orderd", "order-events") " e "
				   "ON e.aggregate_id = o.order_id WHERE e.last_type <> 'Order' || "
				   "CASE o.status WHEN 'pending' THEN 'Created' ELSE initcap(o.status) END"},
    {2, true, NULL, "an order's event without an order",
     "SELECT x.id FROM orderd.outbox x LEFT JOIN orders o ON o.order_id = x.aggregate_id "
     "WHERE x.topic = 'order-events' AND o.order_id IS NULL"},
    NUMBERED("a job's number and its events disagree", "kitchend.jobs j", "j.order_id", "j.order_id::text",
	     "kitchend", "kitchen-events", "j.seq"),
    NUMBERED("a reservation's number and its events disagree", "inventoryd.reservations r", "r.order_id",
	     "r.order_id::text", "inventoryd", "inventory-events", "r.seq"),
    {2, true, NULL, "a reservation's state and its last event disagree",
     "SELECT r.order_id FROM inventoryd.reservations r LEFT JOIN " LAST_EVENTS(
	 "inventoryd",
	 "inventory-events") " e "
			     "ON e.aggregate_id = r.order_id::text WHERE coalesce(e.last_type, 'Stock') <> "
			     "'Stock' || CASE r.state WHEN 'cancelled' THEN '' ELSE initcap(r.state) END "
			     "AND NOT (r.state = 'consumed' AND e.last_type = 'StockRejected')"},
    NUMBERED("an ingredient's number and its events disagree", "inventoryd.stock_levels l", "l.ingredient_id",
	     "l.ingredient_id", "inventoryd", "inventory-events", "l.seq"),
    {2, true, NULL, "a stock event of nothing that there is",
     "SELECT x.id FROM inventoryd.outbox x WHERE NOT EXISTS (SELECT FROM inventoryd.reservations r "
     "WHERE r.order_id::text = x.aggregate_id) AND NOT EXISTS (SELECT FROM inventoryd.stock_levels l "
     "WHERE l.ingredient_id = x.aggregate_id)"},
    NUMBERED("a payment's number and its events disagree", "paymentd.payments p", "p.order_id",
	     "p.order_id::text", "paymentd", "payment-events", "p.seq"),
    {2, true, NULL, "a payment's status and its last event disagree",
     "SELECT p.order_id FROM paymentd.payments p JOIN " LAST_EVENTS(
	 "paymentd",
	 "payment-events") " e "
			   "ON e.aggregate_id = p.order_id::text WHERE e.last_type <> 'Payment' || "
			   "CASE p.status WHEN 'requested' THEN 'Requested' WHEN 'processing' THEN "
			   "'Requested' "
			   "WHEN 'cancelled' THEN 'Requested' WHEN 'refunding' THEN 'Completed' ELSE "
			   "initcap(p.status) END"},
    {2, true, NULL, "a payment's event without a payment",
     "SELECT x.id FROM paymentd.outbox x LEFT JOIN paymentd.payments p ON p.order_id::text = x.aggregate_id "
     "WHERE p.order_id IS NULL"},
    NUMBERED("a pizza's version and its events disagree", "menud.menu_items m", "m.pizza_id", "m.pizza_id",
	     "menud", "menu-events", "m.version"),
    NUMBERED("a recipient's number and its events disagree", "notifyd.recipients r", "r.aggregate_id",
	     "r.aggregate_id", "notifyd", "notification-events", "r.seq"),
    {2, true, NULL, "a settled notification and its events disagree",
     "SELECT n.notification_id FROM notifyd.notifications n LEFT JOIN (SELECT "
     "event_data::json ->> 'notification_id' AS id, count(*) AS n FROM notifyd.outbox GROUP BY 1) e "
     "ON e.id = n.notification_id::text WHERE n.resends = 0 "
     "AND coalesce(e.n, 0) <> CASE WHEN n.status IN ('sent', 'failed') THEN 1 ELSE 0 END"},

    NUMBERED("a dead letter's number and its events disagree", "dlqd.letters l", "l.letter_id",
	     "l.letter_id::text", "dlqd", "dlq-events", "l.event_seq"),

    {8, true, NULL, "an order made an illegal step",
     "SELECT aggregate_id || ' ' || coalesce(before, '(nothing)') || ' to ' || event_type FROM (SELECT "
     "aggregate_id, event_type, lag(event_type) OVER (PARTITION BY aggregate_id ORDER BY aggregate_seq) AS "
     "before "
     "FROM orderd.outbox WHERE topic = 'order-events') t WHERE (coalesce(before, ''), event_type) NOT IN "
     "(('', 'OrderCreated'), ('OrderCreated', 'OrderReserved'), ('OrderCreated', 'OrderCancelled'), "
     "('OrderReserved', 'OrderPaid'), ('OrderReserved', 'OrderCancelled'), ('OrderPaid', 'OrderCooking'), "
     "('OrderPaid', 'OrderCancelled'), ('OrderCooking', 'OrderReady'), ('OrderCooking', 'OrderCancelled'))"},
    {8, true, NULL, "an order's numbers do not rise by 1",
     "SELECT aggregate_id FROM (SELECT aggregate_id, aggregate_seq, row_number() OVER (PARTITION BY "
     "aggregate_id "
     "ORDER BY aggregate_seq) AS k FROM orderd.outbox WHERE topic = 'order-events') t WHERE aggregate_seq <> "
     "k"},
    {8, true, NULL, "a payment made an illegal step",
     "SELECT aggregate_id || ' ' || coalesce(before, '(nothing)') || ' to ' || event_type FROM (SELECT "
     "aggregate_id, event_type, lag(event_type) OVER (PARTITION BY aggregate_id ORDER BY aggregate_seq) AS "
     "before "
     "FROM paymentd.outbox) t WHERE (coalesce(before, ''), event_type) NOT IN (('', 'PaymentRequested'), "
     "('PaymentRequested', 'PaymentCompleted'), ('PaymentRequested', 'PaymentFailed'), "
     "('PaymentCompleted', 'PaymentRefunded'), ('PaymentRefunded', 'PaymentRefunded'))"},
    {8, true, NULL, "a reservation made an illegal step",
     "SELECT aggregate_id || ' ' || coalesce(before, '(nothing)') || ' to ' || event_type FROM (SELECT "
     "aggregate_id, event_type, lag(event_type) OVER (PARTITION BY aggregate_id ORDER BY aggregate_seq) AS "
     "before "
     "FROM inventoryd.outbox WHERE event_type IN ('StockReserved', 'StockRejected', 'StockReleased', "
     "'StockConsumed')) t WHERE (coalesce(before, ''), event_type) NOT IN (('', 'StockReserved'), "
     "('', 'StockRejected'), ('StockReserved', 'StockReleased'), ('StockReserved', 'StockConsumed'), "
     "('StockConsumed', 'StockConsumed'))"},

    {13, false, NULL, "an order waits past its bound and is not flagged stuck",
     "SELECT o.order_id FROM orderd.orders o JOIN orderd.order_deadlines d USING (status) "
     "LEFT JOIN aggregatord.sagas s USING (order_id) WHERE o.updated_at + d.stuck_after < clock_timestamp() "
     "AND s.due IS NOT TRUE"},
    {13, false, NULL, "an order was not cancelled at its deadline",
     "SELECT o.order_id FROM orderd.orders o JOIN orderd.order_deadlines d USING (status) "
     "WHERE o.updated_at + d.cancel_after + interval '1 minute' < clock_timestamp()"},
    {13, false, NULL, "a saga's state in the read model is another than its order's",
     "SELECT o.order_id FROM orders o LEFT JOIN aggregatord.sagas s ON s.order_id::text = o.order_id "
     "WHERE s.state IS DISTINCT FROM o.status"},
    {13, false, NULL, "a cancelled order is not compensated",
     "SELECT o.order_id FROM orders o LEFT JOIN paymentd.payments p ON p.order_id::text = o.order_id "
     "LEFT JOIN inventoryd.reservations r ON r.order_id::text = o.order_id WHERE o.status = 'cancelled' "
     "AND (coalesce(p.status, 'cancelled') NOT IN ('cancelled', 'failed', 'refunded') "
     "OR coalesce(r.state, 'cancelled') = 'reserved')"},

    {15, true, NULL, "an event of an order has another correlation id",
     "SELECT x.id FROM outbox x JOIN orders o ON o.order_id = x.aggregate_id WHERE x.correlation_id <> "
     "o.correlation_id"},
    {15, true, NULL, "an event of an order has no cause",
     "SELECT x.id FROM outbox x JOIN orders o ON o.order_id = x.aggregate_id WHERE x.causation_id IS NULL "
     "AND x.event_type <> 'OrderCreated' AND NOT (x.event_type = 'OrderCancelled' "
     "AND x.event_data::json ->> 'by' NOT LIKE '%d')"},
    {15, false, NULL, "an event's cause is not there, or belongs to another order",
     "SELECT x.id FROM outbox x JOIN orders o ON o.order_id = x.aggregate_id LEFT JOIN outbox y ON y.id = "
     "x.causation_id "
     "WHERE x.causation_id IS NOT NULL AND y.aggregate_id IS DISTINCT FROM x.aggregate_id"},
};

const struct check_table checks_of_orders = {rows, ARRAY_LEN(rows)};
