-- When orderd was attentive: consuming without lag, its own events published.  Deadlines count this time alone, so that
-- an outage never cancels what it delayed.  One row per unbroken stretch; the last one grows.
CREATE TABLE order_attention (
	since timestamptz PRIMARY KEY DEFAULT clock_timestamp(),
	until timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- How far the search for overdue orders has come: no order below waits for anything that has a deadline.
CREATE TABLE order_search (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	settled_below uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000'
);
INSERT INTO order_search DEFAULT VALUES;
