-- A charge that keeps failing for its own reasons is held: a dead letter tells of it, its replay goes on with it.
ALTER TABLE payments DROP CONSTRAINT payments_status_check;
ALTER TABLE payments ADD CONSTRAINT payments_status_check CHECK (status IN ('requested', 'processing', 'held',
	'completed', 'failed', 'cancelled', 'refunding', 'refunded'));
-- Attempts that count against payment.attempts: those while the provider worked for others.
ALTER TABLE payments ADD COLUMN strikes int NOT NULL DEFAULT 0;
