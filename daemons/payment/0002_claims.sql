-- Which replica has claimed a row: when it starts anew, its earlier claims need not wait for their leases to end.
ALTER TABLE payments ADD COLUMN claimed_by int;
ALTER TABLE refunds ADD COLUMN claimed_by int;
