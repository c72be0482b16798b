-- Messages to customers and operators.

-- Texts with {{placeholders}}, one per kind of message and channel.  A kind without a text for a channel is not
-- sent by that channel.
CREATE TABLE templates (
	kind text NOT NULL,
	channel text NOT NULL CHECK (channel IN ('email', 'sms')),
	subject text NOT NULL DEFAULT '', -- e-mail only
	body text NOT NULL,
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (kind, channel)
);
INSERT INTO templates (kind, channel, subject, body) VALUES
	('order_created', 'email', 'Your order {{order}} is in',
E'Hello {{name}},\n\nthank you for your order:\n\n{{items}}\n\nTotal: {{total}}\nOrder number: {{order_id}}\n\nWe write again as soon as it is paid.\n'),
	('order_created', 'sms', '', 'Pizza: order {{order}} is in, total {{total}}.'),
	('payment_completed', 'email', 'Order {{order}} is paid',
E'Hello {{name}},\n\nyour payment of {{total}} for order {{order_id}} has arrived. The oven is hot.\n'),
	('payment_completed', 'sms', '', 'Pizza: order {{order}} is paid ({{total}}).'),
	('payment_failed', 'email', 'Payment for order {{order}} failed',
E'Hello {{name}},\n\nwe could not charge {{total}} for order {{order_id}}: {{reason}}.\n\nThe order is cancelled; nothing was taken. You are welcome to order again.\n'),
	('payment_failed', 'sms', '', 'Pizza: payment for order {{order}} failed, the order is cancelled. {{reason}}'),
	('order_ready', 'email', 'Order {{order}} is ready',
E'Hello {{name}},\n\nyour order is ready:\n\n{{items}}\n\nEnjoy your meal!\n'),
	('order_ready', 'sms', '', 'Pizza: order {{order}} is ready. Enjoy your meal!'),
	('order_cancelled', 'email', 'Order {{order}} is cancelled',
E'Hello {{name}},\n\norder {{order_id}} is cancelled: {{reason}}.\n\nWhat you have paid for it, if anything, is on its way back to you.\n'),
	('order_cancelled', 'sms', '', 'Pizza: order {{order}} is cancelled: {{reason}}'),
	('stock_low', 'email', 'Low stock: {{ingredient}}',
E'{{ingredient}}: {{available}} {{unit}} left, below the threshold of {{threshold}} {{unit}}.\n\n\tpizzactl inventory restock {{ingredient_id}} QUANTITY\n');

-- Who is told about an order, or another thing that events are about (an ingredient: the operator), and what has been
-- heard of it.  The row is locked before anything about it is decided or recorded; it draws the numbers of
-- NotificationSent and NotificationFailed.
CREATE TABLE recipients (
	aggregate_id text COLLATE "C" PRIMARY KEY,
	heard int NOT NULL,        -- bits: rules.h
	heard_before int NOT NULL, -- heard, before the last event
	seq bigint NOT NULL DEFAULT 0,
	total_amount bigint,
	known boolean NOT NULL,    -- OrderCreated has come, so we know whom to write to
	name text,
	email text,
	phone text,
	items text,
	currency text
) WITH (fillfactor = 70);

-- status: waiting (for the contact), pending, sent (by one channel at least), failed, skipped (no contact, no channel).
CREATE TABLE notifications (
	notification_id uuid PRIMARY KEY,
	order_id uuid,
	event_id uuid, -- what it tells of; NULL when an operator sent it
	correlation_id uuid NOT NULL,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	resends int NOT NULL DEFAULT 0,
	kind text NOT NULL,
	status text NOT NULL,
	aggregate_id text NOT NULL,
	data text NOT NULL DEFAULT '{}', -- values for the template besides the recipient's
	subject text, -- of a free message, instead of a template
	body text
) WITH (fillfactor = 80);
CREATE INDEX notifications_order ON notifications (order_id);

-- One record per channel.  A claim moves next_attempt_at to the end of its lease.
CREATE TABLE deliveries (
	notification_id uuid NOT NULL,
	next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	delivered_at timestamptz,
	attempts int NOT NULL DEFAULT 0,
	channel text NOT NULL CHECK (channel IN ('email', 'sms')),
	status text NOT NULL CHECK (status IN ('pending', 'sent', 'failed', 'skipped')),
	address text NOT NULL,
	provider_id text,
	error text,
	PRIMARY KEY (notification_id, channel)
) WITH (fillfactor = 80);
CREATE INDEX deliveries_due ON deliveries (channel, next_attempt_at) WHERE status = 'pending';
