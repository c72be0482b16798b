-- For pgbench: orderd's transaction for one order, one by one, on tables of their own (tests/bench/run.sh, make_bench_database).
-- Identities ascend as they do in orderd (UUID version 7).
\set n :n + 1
BEGIN;
INSERT INTO pizza_order.orders (order_id, status, customer_name, delivery_address, payment_method, total_amount, currency, items, correlation_id) VALUES (id(:n::bigint * 64 + :client_id::bigint, 0), 'pending', 'Load', '1 Bench Street', 'card', 134700, 'RUB', '[{"pizza_id":"margherita","size":"medium","quantity":2,"price_amount":44900,"menu_version":1}]', id(:n::bigint * 64 + :client_id::bigint, 0));
INSERT INTO pizza_order.outbox (id, topic, event_type, aggregate_id, aggregate_seq, correlation_id, event_data) VALUES (id(:n::bigint * 64 + :client_id::bigint, 1), 'order-events', 'OrderCreated', id(:n::bigint * 64 + :client_id::bigint, 0)::text, 1, id(:n::bigint * 64 + :client_id::bigint, 0), order_created(id(:n::bigint * 64 + :client_id::bigint, 0)));
COMMIT;
