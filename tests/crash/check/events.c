/*
 * Invariants of events: outboxes, topics, effects, offsets, the read model: 3, 4, 5, 9, 14.
 */
#include "core/base/mem.h"
#include "tests/crash/check/check.h"

/* The envelope as contract.md has it, written here a second time. */
#define ENVELOPE                                                                                           \
	"'{\"event_id\":\"' || x.id || '\",\"event_type\":\"' || x.event_type || '\",\"event_version\":1," \
	"\"aggregate_id\":' || to_json(x.aggregate_id) || ',\"aggregate_seq\":' || x.aggregate_seq || "    \
	"',\"timestamp\":\"' || to_char(x.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') " \
	"|| "                                                                                              \
	"'Z\",\"correlation_id\":\"' || x.correlation_id || '\",\"causation_id\":' || "                    \
	"coalesce('\"' || x.causation_id || '\"', 'null') || ',\"event_data\":' || x.event_data || '}'"

static const struct check rows[] = {
    /* A compacted topic keeps the last event of each key. */
    {3, false, NULL, "an event of an outbox is not in its topic",
     "SELECT x.id || ' of ' || x.owner FROM outbox x LEFT JOIN published m ON m.event_id = x.id AND m.topic "
     "= x.topic "
     "WHERE m.event_id IS NULL AND NOT (x.topic = 'menu-events' AND EXISTS (SELECT FROM outbox y "
     "WHERE y.topic = x.topic AND y.aggregate_id = x.aggregate_id AND y.aggregate_seq > x.aggregate_seq))"},
    {3, true, NULL, "an event of a topic is in no outbox",
     "SELECT m.topic || '/' || m.partition || '@' || m.\"offset\" FROM messages m LEFT JOIN outbox x ON x.id "
     "= m.event_id "
     "WHERE m.injected IS NULL AND x.id IS NULL"},
    {3, true, NULL, "an event's bytes differ between outbox and topic",
     "SELECT m.topic || '/' || m.partition || '@' || m.\"offset\" FROM messages m JOIN outbox x ON x.id = "
     "m.event_id "
     "WHERE m.injected IS NULL AND (convert_from(m.value, 'UTF8') <> " ENVELOPE
     " OR convert_from(m.key, 'UTF8') <> x.aggregate_id OR m.topic <> x.topic)"},

    {4, true, NULL, "events of one aggregate are out of order, or one is missing",
     "SELECT topic || ' ' || aggregate_id FROM (SELECT topic, aggregate_id, aggregate_seq, row_number() OVER "
     "(PARTITION BY topic, aggregate_id ORDER BY partition, \"offset\") AS k FROM published "
     "WHERE topic <> 'menu-events') t WHERE aggregate_seq <> k"},
    {4, true, NULL, "events of one aggregate are in several partitions",
     "SELECT topic || ' ' || aggregate_id FROM published GROUP BY topic, aggregate_id "
     "HAVING min(partition) <> max(last_partition)"},

    {5, true, NULL, "one event caused the same event twice",
     "SELECT causation_id || ' ' || event_type FROM outbox WHERE causation_id IS NOT NULL "
     "AND event_type NOT LIKE 'Notification%' AND topic <> 'dlq-events' GROUP BY causation_id, event_type, "
     "aggregate_id HAVING "
     "count(*) > 1"},
    {5, true, NULL, "one event gave two messages to a customer",
     "SELECT event_id || ' ' || kind FROM notifyd.notifications WHERE event_id IS NOT NULL GROUP BY "
     "event_id, kind "
     "HAVING count(*) > 1"},
    {5, true, NULL, "an order has two messages of one kind",
     "SELECT order_id || ' ' || kind FROM notifyd.notifications WHERE order_id IS NOT NULL AND event_id IS "
     "NOT NULL "
     "GROUP BY order_id, kind HAVING count(*) > 1"},
    {5, true, NULL, "stock reserved is not the sum of the reservations",
     "SELECT l.ingredient_id FROM inventoryd.stock_levels l LEFT JOIN (SELECT line ->> 'ingredient_id' AS "
     "id, "
     "sum((line ->> 'quantity')::bigint) AS n FROM inventoryd.reservations, json_array_elements(lines) line "
     "WHERE state = 'reserved' GROUP BY 1) r ON r.id = l.ingredient_id WHERE l.reserved <> coalesce(r.n, 0)"},
    {5, true, NULL, "an order was begun or completed twice in the kitchen",
     "SELECT aggregate_id || ' ' || event_type FROM kitchend.outbox WHERE event_type IN ('CookingStarted', "
     "'CookingCompleted', 'CookingFailed') GROUP BY aggregate_id, event_type HAVING count(*) > 1"},
    {5, false, NULL, "a paid order's pizzas have not a ticket each",
     "SELECT j.order_id FROM kitchend.jobs j LEFT JOIN kitchend.tickets t USING (order_id) GROUP BY "
     "j.order_id, "
     "j.tickets HAVING count(t.ticket_id) <> j.tickets"},
    {5, false, NULL, "a ready order's pizzas are not all done",
     "SELECT o.order_id FROM orderd.orders o LEFT JOIN kitchend.jobs j USING (order_id) LEFT JOIN (SELECT "
     "order_id, count(*) AS n FROM kitchend.tickets WHERE state = 'done' GROUP BY order_id) t USING "
     "(order_id) WHERE o.status = 'ready' AND (j.state IS DISTINCT FROM 'done' OR j.pending <> 0 OR "
     "t.n IS DISTINCT FROM j.tickets::bigint)"},
    {5, false, NULL, "OrderCreated had no effect on the stock",
     "SELECT m.event_id FROM published m LEFT JOIN inventoryd.reservations r ON r.order_id::text = "
     "m.aggregate_id "
     "WHERE m.event_type = 'OrderCreated' AND r.order_id IS NULL"},
    {5, false, NULL, "OrderReserved made no payment",
     "SELECT m.event_id FROM published m LEFT JOIN paymentd.payments p ON p.order_id::text = m.aggregate_id "
     "WHERE m.event_type = 'OrderReserved' AND p.order_id IS NULL"},
    {5, false, NULL, "OrderCreated gave no message",
     "SELECT m.event_id FROM published m LEFT JOIN notifyd.notifications n ON n.order_id::text = "
     "m.aggregate_id "
     "WHERE m.event_type = 'OrderCreated' AND n.order_id IS NULL"},
    {5, false, NULL, "StockReserved or StockRejected did not move its order",
     "SELECT m.event_id FROM published m JOIN orders o ON o.order_id = m.aggregate_id "
     "WHERE m.event_type IN ('StockReserved', 'StockRejected') AND o.version < 2"},
    {5, false, NULL, "PaymentCompleted or PaymentFailed did not move its order",
     "SELECT m.event_id FROM published m JOIN orders o ON o.order_id = m.aggregate_id "
     "WHERE m.event_type IN ('PaymentCompleted', 'PaymentFailed') AND o.version < 3"},
    {5, false, NULL, "the key figures are not the number of events",
     "SELECT f.figure || ': ' || f.value || ' for ' || e.n FROM (SELECT figure, sum(value) AS value "
     "FROM aggregatord.kpi_minutes WHERE bucket = 0 GROUP BY figure) f JOIN (VALUES ('orders', "
     "'OrderCreated'), "
     "('paid', 'OrderPaid'), ('cancelled', 'OrderCancelled'), ('notifications', 'NotificationSent')) t "
     "(figure, type) "
     "USING (figure) JOIN (SELECT event_type AS type, count(*) AS n FROM published GROUP BY 1) e USING "
     "(type) "
     "WHERE f.value <> e.n"},
    {5, false, NULL, "the read model counted an order's steps wrongly",
     "SELECT s.order_id FROM aggregatord.sagas s JOIN (SELECT aggregate_id, count(*) AS n FROM published "
     "WHERE topic IN ('order-events', 'inventory-events', 'payment-events', 'kitchen-events') GROUP BY 1) e "
     "ON e.aggregate_id = s.order_id::text WHERE s.steps <> e.n"},

    {14, false, NULL, "the read model lacks an event",
     "SELECT m.event_id FROM published m LEFT JOIN aggregatord.events e USING (event_id) "
     "WHERE e.event_id IS NULL AND m.topic <> 'dlq-events'"},
    {14, false, NULL, "the read model has an event of no topic",
     "SELECT e.event_id FROM aggregatord.events e LEFT JOIN messages m USING (event_id) WHERE m.event_id IS "
     "NULL"},
    {14, false, "rebuilt.sagas", "a row differs after the rebuild",
     "SELECT 'saga ' || coalesce(a.order_id, b.order_id) FROM aggregatord.sagas a FULL JOIN rebuilt.sagas b "
     "USING (order_id) WHERE a IS DISTINCT FROM b UNION ALL "
     "SELECT 'event ' || coalesce(a.event_id, b.event_id) FROM aggregatord.events a FULL JOIN rebuilt.events "
     "b "
     "USING (event_id) WHERE a IS DISTINCT FROM b UNION ALL "
     "SELECT 'figure ' || figure || ' of ' || minute FROM aggregatord.kpi_minutes a "
     "FULL JOIN rebuilt.kpi_minutes b USING (minute, figure, bucket) WHERE a.value IS DISTINCT FROM b.value"},
};

const struct check_table checks_of_events = {rows, ARRAY_LEN(rows)};
