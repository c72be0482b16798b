-- The providers' own books: what was captured, refunded, declined and sent, and the answers already given.

-- PaymentIntents.  id is a version 7 UUID ("pi_" and its digits outside), so the primary key is in order of creation.
CREATE TABLE payment_intents (
	id uuid PRIMARY KEY,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	amount bigint NOT NULL CHECK (amount > 0),
	amount_refunded bigint NOT NULL DEFAULT 0 CHECK (amount_refunded BETWEEN 0 AND amount),
	currency text NOT NULL,
	payment_method text NOT NULL,
	status text NOT NULL CHECK (status IN ('succeeded', 'processing', 'requires_payment_method', 'canceled')),
	reason text,
	order_id text,
	metadata text NOT NULL
) WITH (fillfactor = 90);
CREATE INDEX payment_intents_order ON payment_intents (order_id) WHERE order_id IS NOT NULL;

CREATE TABLE refunds (
	id uuid PRIMARY KEY,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	payment_intent uuid NOT NULL REFERENCES payment_intents,
	amount bigint NOT NULL CHECK (amount > 0),
	currency text NOT NULL,
	status text NOT NULL,
	order_id text,
	metadata text NOT NULL
);
CREATE INDEX refunds_intent ON refunds (payment_intent);
CREATE INDEX refunds_order ON refunds (order_id) WHERE order_id IS NOT NULL;

-- The first answer given under an Idempotency-Key; the same key gets it again.
CREATE TABLE answers (
	key text PRIMARY KEY,
	fingerprint uuid NOT NULL, -- of path and parameters
	http_status int NOT NULL,
	body text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE sms_messages (
	id uuid PRIMARY KEY,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	account text NOT NULL,
	recipient text NOT NULL,
	sender text NOT NULL,
	body text NOT NULL
);

-- Programmed faults, one row per provider ("payment", "sms").
CREATE TABLE faults (
	provider text PRIMARY KEY,
	settings text NOT NULL
);

CREATE VIEW ledger AS
SELECT id, created_at AS at, CASE status WHEN 'succeeded' THEN 'capture' ELSE 'decline' END AS kind, order_id, amount,
       upper(currency) AS currency, status
FROM payment_intents
WHERE status IN ('succeeded', 'requires_payment_method')
UNION ALL
SELECT id, created_at, 'refund', order_id, amount, upper(currency), status
FROM refunds
UNION ALL
SELECT id, created_at, 'sms', NULL, NULL, NULL, 'delivered'
FROM sms_messages;
