-- Orders.  order_id is a UUID of version 7, so the primary key is in the order of creation: lists and the search for
-- overdue orders walk it, and status changes touch no other index.
-- version rises by one with every change of status and is the order's aggregate_seq in order-events.
CREATE TABLE orders (
	order_id uuid PRIMARY KEY,
	status text NOT NULL CHECK (status IN ('pending', 'reserved', 'paid', 'cooking', 'ready', 'cancelled')),
	version bigint NOT NULL DEFAULT 1,
	customer_name text,
	customer_email text,
	customer_phone text,
	delivery_address text NOT NULL,
	payment_method text NOT NULL,
	total_amount bigint NOT NULL CHECK (total_amount >= 0),
	currency text NOT NULL,
	items text NOT NULL,
	correlation_id uuid NOT NULL,
	payment_id uuid,
	reason text,
	cancelled_by text,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 75);

-- The lines of the orders; they never change once written, so they live in their order's row.
CREATE VIEW order_items AS
SELECT o.order_id, i.line::int AS line, i.item ->> 'pizza_id' AS pizza_id, i.item ->> 'size' AS size,
       (i.item ->> 'quantity')::int AS quantity, (i.item ->> 'price_amount')::bigint AS price_amount,
       (i.item ->> 'menu_version')::bigint AS menu_version
FROM orders o, json_array_elements(o.items::json) WITH ORDINALITY AS i (item, line);

-- Replies to repeat: the first request with a key decides.
CREATE TABLE idempotency_keys (
	key text PRIMARY KEY,
	request_hash bytea NOT NULL,
	order_id uuid NOT NULL,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- What each open order waits for, since when, and until when it may (`paid` has no deadline).
CREATE TABLE order_deadlines (
	status text PRIMARY KEY,
	awaiting text NOT NULL,
	stuck_after interval NOT NULL,
	cancel_after interval NOT NULL
);
INSERT INTO order_deadlines VALUES
	('pending', 'StockReserved', '30 seconds', '15 minutes'),
	('reserved', 'PaymentCompleted', '30 seconds', '15 minutes');

CREATE VIEW order_timers AS
SELECT o.order_id, o.status AS step, d.awaiting, o.updated_at AS since, o.updated_at + d.stuck_after AS stuck_at,
       o.updated_at + d.cancel_after AS due_at
FROM orders o JOIN order_deadlines d ON d.status = o.status;
