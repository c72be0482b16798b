-- For pgbench: what the daemons write for :size orders on their way to paid, and nothing else: no HTTP, no Kafka, no parsing, no
-- relay; rows are made by the server itself.  Each daemon's tables stand in a schema of their own (tests/bench/run.sh,
-- make_bench_database), and each step is a transaction as in the daemon.  The read model takes the events in two batches.
\set n :n + 1
\set first (:n * 64 + :client_id) * :size
\set last :first + :size - 1

-- orderd: the orders are accepted
BEGIN;
INSERT INTO pizza_order.orders (order_id, status, customer_name, delivery_address, payment_method, total_amount, currency, items, correlation_id) SELECT id(k, 0), 'pending', 'Load', '1 Bench Street', 'card', 134700, 'RUB', '[{"pizza_id":"margherita","size":"medium","quantity":2,"price_amount":44900,"menu_version":1}]', id(k, 0) FROM generate_series(:first::bigint, :last::bigint) k;
INSERT INTO pizza_order.outbox (id, topic, event_type, aggregate_id, aggregate_seq, correlation_id, event_data) SELECT id(k, 1), 'order-events', 'OrderCreated', id(k, 0)::text, 1, id(k, 0), order_created(id(k, 0)) FROM generate_series(:first::bigint, :last::bigint) k;
COMMIT;

-- inventoryd: their ingredients are reserved
BEGIN;
INSERT INTO pizza_inventory.inbox (event_id, consumer) SELECT id(k, 1), 'inventoryd' FROM generate_series(:first::bigint, :last::bigint) k ON CONFLICT DO NOTHING;
INSERT INTO pizza_inventory.reservations (order_id, state, lines, seq) SELECT id(k, 0), 'reserved', stock_lines()::json, 1 FROM generate_series(:first::bigint, :last::bigint) k ON CONFLICT DO NOTHING;
INSERT INTO pizza_inventory.outbox (id, topic, event_type, aggregate_id, aggregate_seq, correlation_id, causation_id, event_data) SELECT id(k, 2), 'inventory-events', 'StockReserved', id(k, 0)::text, 1, id(k, 0), id(k, 1), stock_reserved(id(k, 0)) FROM generate_series(:first::bigint, :last::bigint) k;
UPDATE pizza_inventory.stock_levels SET on_hand = on_hand - 1, reserved = reserved + 1, version = version + 1 WHERE ingredient_id = ANY ('{basil,dough,ham,mozzarella,mushrooms,olive-oil,onion,pepperoni,pineapple,tomato-sauce}');
COMMIT;

-- orderd: reserved
BEGIN;
INSERT INTO pizza_order.inbox (event_id, consumer) SELECT id(k, 2), 'orderd' FROM generate_series(:first::bigint, :last::bigint) k ON CONFLICT DO NOTHING;
UPDATE pizza_order.orders SET status = 'reserved', version = version + 1, updated_at = clock_timestamp() FROM generate_series(:first::bigint, :last::bigint) k WHERE order_id = id(k, 0);
INSERT INTO pizza_order.outbox (id, topic, event_type, aggregate_id, aggregate_seq, correlation_id, causation_id, event_data) SELECT id(k, 3), 'order-events', 'OrderReserved', id(k, 0)::text, 2, id(k, 0), id(k, 2), order_reserved(id(k, 0)) FROM generate_series(:first::bigint, :last::bigint) k;
COMMIT;

-- paymentd: the charges are due
BEGIN;
INSERT INTO pizza_payment.inbox (event_id, consumer) SELECT id(k, 3), 'paymentd' FROM generate_series(:first::bigint, :last::bigint) k ON CONFLICT DO NOTHING;
INSERT INTO pizza_payment.payments (payment_id, order_id, amount, currency, payment_method, status, seq, correlation_id, causation_id, next_attempt_at) SELECT id(k, 8), id(k, 0), 134700, 'RUB', 'card', 'processing', 1, id(k, 0), id(k, 3), clock_timestamp() + interval '30 s' FROM generate_series(:first::bigint, :last::bigint) k ON CONFLICT DO NOTHING;
INSERT INTO pizza_payment.outbox (id, topic, event_type, aggregate_id, aggregate_seq, correlation_id, causation_id, event_data) SELECT id(k, 4), 'payment-events', 'PaymentRequested', id(k, 0)::text, 1, id(k, 0), id(k, 3), payment_told(id(k, 0), id(k, 8), NULL) FROM generate_series(:first::bigint, :last::bigint) k;
COMMIT;

-- sandboxd: the provider's ledger
BEGIN;
INSERT INTO pizza_sandbox.answers (key, fingerprint, http_status, body) SELECT id(k, 0) || '-charge-1', id(k, 9), 200, provider_answer(id(k, 0), id(k, 9)) FROM generate_series(:first::bigint, :last::bigint) k ON CONFLICT DO NOTHING;
INSERT INTO pizza_sandbox.payment_intents (id, amount, currency, payment_method, status, order_id, metadata) SELECT id(k, 9), 134700, 'rub', 'pm_card_visa', 'succeeded', id(k, 0)::text, '{"order_id":"' || id(k, 0) || '","payment_id":"' || id(k, 8) || '"}' FROM generate_series(:first::bigint, :last::bigint) k;
COMMIT;

-- paymentd: captured
BEGIN;
UPDATE pizza_payment.payments SET status = 'completed', provider_id = 'pi_' || id(k, 9), seq = 2, causation_id = id(k, 4), next_attempt_at = NULL, version = version + 1, updated_at = clock_timestamp() FROM generate_series(:first::bigint, :last::bigint) k WHERE order_id = id(k, 0);
INSERT INTO pizza_payment.outbox (id, topic, event_type, aggregate_id, aggregate_seq, correlation_id, causation_id, event_data) SELECT id(k, 5), 'payment-events', 'PaymentCompleted', id(k, 0)::text, 2, id(k, 0), id(k, 4), payment_told(id(k, 0), id(k, 8), id(k, 9)) FROM generate_series(:first::bigint, :last::bigint) k;
COMMIT;

-- orderd: paid
BEGIN;
INSERT INTO pizza_order.inbox (event_id, consumer) SELECT id(k, 5), 'orderd' FROM generate_series(:first::bigint, :last::bigint) k ON CONFLICT DO NOTHING;
UPDATE pizza_order.orders SET status = 'paid', version = version + 1, payment_id = id(k, 8), updated_at = clock_timestamp() FROM generate_series(:first::bigint, :last::bigint) k WHERE order_id = id(k, 0);
INSERT INTO pizza_order.outbox (id, topic, event_type, aggregate_id, aggregate_seq, correlation_id, causation_id, event_data) SELECT id(k, 6), 'order-events', 'OrderPaid', id(k, 0)::text, 3, id(k, 0), id(k, 5), order_paid(id(k, 0), id(k, 8)) FROM generate_series(:first::bigint, :last::bigint) k;
COMMIT;

-- notifyd: of the order, of the payment; nobody left an address
BEGIN;
INSERT INTO pizza_notify.inbox (event_id, consumer) SELECT id(k, 1), 'notifyd' FROM generate_series(:first::bigint, :last::bigint) k ON CONFLICT DO NOTHING;
INSERT INTO pizza_notify.recipients (aggregate_id, heard, heard_before, known, name, items, total_amount, currency) SELECT id(k, 0)::text, 1, 0, true, 'Load', '2 x margherita (medium)', 134700, 'RUB' FROM generate_series(:first::bigint, :last::bigint) k;
INSERT INTO pizza_notify.notifications (notification_id, order_id, event_id, correlation_id, kind, status, aggregate_id) SELECT id(k, 10), id(k, 0), id(k, 1), id(k, 0), 'order_created', 'skipped', id(k, 0)::text FROM generate_series(:first::bigint, :last::bigint) k;
COMMIT;
BEGIN;
INSERT INTO pizza_notify.inbox (event_id, consumer) SELECT id(k, 5), 'notifyd' FROM generate_series(:first::bigint, :last::bigint) k ON CONFLICT DO NOTHING;
UPDATE pizza_notify.recipients SET heard = heard | 2, heard_before = heard FROM generate_series(:first::bigint, :last::bigint) k WHERE aggregate_id = id(k, 0)::text;
INSERT INTO pizza_notify.notifications (notification_id, order_id, event_id, correlation_id, kind, status, aggregate_id) SELECT id(k, 11), id(k, 0), id(k, 5), id(k, 0), 'payment_completed', 'skipped', id(k, 0)::text FROM generate_series(:first::bigint, :last::bigint) k;
COMMIT;

-- aggregatord: every event, and the sagas
BEGIN;
INSERT INTO pizza_console.events (event_id, order_id, correlation_id, causation_id, at, "offset", aggregate_seq, partition, event_type, topic, daemon, aggregate_id, data) SELECT id, (aggregate_id)::uuid, correlation_id, causation_id, created_at, seq, aggregate_seq, 1, event_type, topic, 'daemon', aggregate_id, event_data FROM (SELECT id(k, 1), id(k, 0)::text, id(k, 0), NULL::uuid, clock_timestamp(), k, 1, 'OrderCreated', 'order-events', order_created(id(k, 0)) FROM generate_series(:first::bigint, :last::bigint) k UNION ALL SELECT id(k, 2), id(k, 0)::text, id(k, 0), id(k, 1), clock_timestamp(), k, 1, 'StockReserved', 'inventory-events', stock_reserved(id(k, 0)) FROM generate_series(:first::bigint, :last::bigint) k UNION ALL SELECT id(k, 3), id(k, 0)::text, id(k, 0), id(k, 2), clock_timestamp(), k, 2, 'OrderReserved', 'order-events', order_reserved(id(k, 0)) FROM generate_series(:first::bigint, :last::bigint) k) AS e (id, aggregate_id, correlation_id, causation_id, created_at, seq, aggregate_seq, event_type, topic, event_data) ON CONFLICT DO NOTHING;
INSERT INTO pizza_console.sagas (order_id, seen, total_amount, started_at, updated_at, created_at, steps, item_count, correlation_id, due, state, awaiting, daemon, customer_name, currency, payment_method) SELECT id(k, 0), 7, 134700, clock_timestamp(), clock_timestamp(), clock_timestamp(), 3, 1, id(k, 0), true, 'reserved', 'PaymentCompleted', 'paymentd', 'Load', 'RUB', 'card' FROM generate_series(:first::bigint, :last::bigint) k ON CONFLICT (order_id) DO NOTHING;
COMMIT;
BEGIN;
INSERT INTO pizza_console.events (event_id, order_id, correlation_id, causation_id, at, "offset", aggregate_seq, partition, event_type, topic, daemon, aggregate_id, data) SELECT id, (aggregate_id)::uuid, correlation_id, causation_id, created_at, seq, aggregate_seq, 1, event_type, topic, 'daemon', aggregate_id, event_data FROM (SELECT id(k, 4), id(k, 0)::text, id(k, 0), id(k, 3), clock_timestamp(), k, 1, 'PaymentRequested', 'payment-events', payment_told(id(k, 0), id(k, 8), NULL) FROM generate_series(:first::bigint, :last::bigint) k UNION ALL SELECT id(k, 5), id(k, 0)::text, id(k, 0), id(k, 4), clock_timestamp(), k, 2, 'PaymentCompleted', 'payment-events', payment_told(id(k, 0), id(k, 8), id(k, 9)) FROM generate_series(:first::bigint, :last::bigint) k UNION ALL SELECT id(k, 6), id(k, 0)::text, id(k, 0), id(k, 5), clock_timestamp(), k, 3, 'OrderPaid', 'order-events', order_paid(id(k, 0), id(k, 8)) FROM generate_series(:first::bigint, :last::bigint) k) AS e (id, aggregate_id, correlation_id, causation_id, created_at, seq, aggregate_seq, event_type, topic, event_data) ON CONFLICT DO NOTHING;
UPDATE pizza_console.sagas SET seen = seen | 56, steps = steps + 3, updated_at = clock_timestamp(), paid_at = clock_timestamp(), state = 'paid', awaiting = 'CookingStarted', daemon = 'kitchend', due = false FROM generate_series(:first::bigint, :last::bigint) k WHERE order_id = id(k, 0);
COMMIT;
