-- Payments: one row per order, made by OrderReserved, or by an OrderCancelled that came first (a tombstone).
CREATE TABLE payments (
	payment_id uuid PRIMARY KEY,
	order_id uuid NOT NULL UNIQUE,
	amount bigint NOT NULL CHECK (amount >= 0),
	refunded_amount bigint NOT NULL DEFAULT 0 CHECK (refunded_amount BETWEEN 0 AND amount),
	currency text NOT NULL,
	payment_method text NOT NULL,
	status text NOT NULL CHECK (status IN ('requested', 'processing', 'completed', 'failed', 'cancelled', 'refunding',
	                                       'refunded')),
	cancel_requested boolean NOT NULL DEFAULT false, -- the order was cancelled while money may have been moving
	attempt int NOT NULL DEFAULT 1,                  -- part of the provider's idempotency key
	failures int NOT NULL DEFAULT 0,                 -- 5xx in a row under this attempt
	tries int NOT NULL DEFAULT 0,                    -- calls without a result, for the backoff
	lookup_needed boolean NOT NULL DEFAULT false,    -- ask what became of it before charging again
	provider_id text,
	reason text,
	seq bigint NOT NULL DEFAULT 0,                   -- aggregate_seq of the last event in payment-events
	version bigint NOT NULL DEFAULT 1,
	next_attempt_at timestamptz,                     -- due; a claim moves it past its lease; NULL: nothing to do
	correlation_id uuid NOT NULL,
	causation_id uuid,                               -- the event that causes the next one
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 80);
CREATE INDEX payments_due ON payments (next_attempt_at) WHERE next_attempt_at IS NOT NULL;

-- Refunds: at most one of a payment is under way.
CREATE TABLE refunds (
	refund_id uuid PRIMARY KEY,
	payment_id uuid NOT NULL REFERENCES payments,
	order_id uuid NOT NULL,
	amount bigint NOT NULL CHECK (amount > 0),
	status text NOT NULL CHECK (status IN ('requested', 'completed', 'failed')),
	attempt int NOT NULL DEFAULT 1,
	failures int NOT NULL DEFAULT 0,
	tries int NOT NULL DEFAULT 0,
	lookup_needed boolean NOT NULL DEFAULT false,
	provider_id text,
	reason text,
	version bigint NOT NULL DEFAULT 1,
	next_attempt_at timestamptz,
	causation_id uuid,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX refunds_under_way ON refunds (payment_id) WHERE status = 'requested';
CREATE INDEX refunds_payment ON refunds (payment_id);
CREATE INDEX refunds_due ON refunds (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
