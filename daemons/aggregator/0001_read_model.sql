-- The read model: what operators see.  Written by aggregatord alone, read by pizzactl; it can be rebuilt from the topics
-- at any time, so nothing here may depend on the order in which events arrived.

-- Every event, as it came.
CREATE TABLE events (
	event_id uuid PRIMARY KEY,
	order_id uuid,
	correlation_id uuid NOT NULL,
	causation_id uuid,
	at timestamptz NOT NULL,
	"offset" bigint NOT NULL,
	aggregate_seq bigint NOT NULL,
	partition int NOT NULL,
	event_type text NOT NULL,
	topic text NOT NULL,
	daemon text NOT NULL,
	aggregate_id text NOT NULL,
	data text NOT NULL
);
CREATE INDEX events_order_id_idx ON events (order_id);

-- One row per order.  `seen` has a bit per event type (rules.h); state, awaiting, daemon and due follow from it alone.
-- Events of notifications appear in an order's timeline, but are no steps of its saga.
CREATE TABLE sagas (
	order_id uuid PRIMARY KEY,
	seen bigint NOT NULL,
	total_amount bigint,
	started_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	created_at timestamptz,
	paid_at timestamptz,
	cooking_at timestamptz,
	cooked_at timestamptz,
	ready_at timestamptz,
	undone_at timestamptz,
	steps int NOT NULL,
	item_count int,
	correlation_id uuid,
	due boolean NOT NULL, -- the awaited step has a deadline: the saga can be stuck
	state text NOT NULL,
	awaiting text,
	daemon text,
	customer_name text,
	currency text,
	payment_method text,
	reason text,
	ended_at timestamptz GENERATED ALWAYS AS (CASE state WHEN 'ready' THEN ready_at WHEN 'cancelled' THEN undone_at END) STORED
) WITH (fillfactor = 60);
-- The sagas that somebody must bring further; `due` changes once or twice in a row's life, so other updates stay HOT.
CREATE INDEX sagas_order_id_idx ON sagas (order_id) WHERE due;

-- Sums per minute of event time.  `figure`: orders, paid, cancelled, amount, notifications (bucket 0), and histograms of
-- durations, whose bucket b holds those from 2^(b/4) to 2^((b+1)/4) ms: end_to_end (created to paid), ready (created
-- to ready), cooking, delivery (of a notification).
CREATE TABLE kpi_minutes (
	minute timestamptz NOT NULL,
	figure text NOT NULL,
	bucket int NOT NULL,
	value bigint NOT NULL,
	PRIMARY KEY (minute, figure, bucket)
) WITH (fillfactor = 50);

-- The last rebuild; `running` is the marker with which a restarted daemon begins it again.
CREATE TABLE rebuilds (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	running boolean NOT NULL,
	requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	finished_at timestamptz,
	events_done bigint NOT NULL DEFAULT 0,
	events_total bigint NOT NULL DEFAULT 0,
	attempts int NOT NULL DEFAULT 0
);

-- The percentile p (0..1) of a histogram since a moment, in milliseconds, interpolated geometrically within its bucket.
CREATE FUNCTION kpi_percentile(wanted text, since timestamptz, p double precision) RETURNS double precision
LANGUAGE sql STABLE AS $$
	WITH b AS (
		SELECT bucket, sum(value)::double precision AS n FROM kpi_minutes
		WHERE minute >= since AND figure = wanted GROUP BY bucket
	), c AS (
		SELECT bucket, n, sum(n) OVER (ORDER BY bucket) AS upto, sum(n) OVER () AS total FROM b
	)
	SELECT power(2, (bucket + (p * total - (upto - n)) / n) / 4) FROM c
	WHERE upto >= p * total ORDER BY bucket LIMIT 1
$$;

-- Key figures of the minutes that overlap the last `since`; NULL: of all.
CREATE FUNCTION kpi(since interval) RETURNS TABLE (
	orders_total bigint, paid_total bigint, cancelled_total bigint,
	orders_per_minute double precision, paid_percent double precision, average_order_amount double precision,
	end_to_end_p50_ms double precision, end_to_end_p99_ms double precision,
	notifications_total bigint, notification_delivery_p50_ms double precision, cooking_p50_ms double precision
) LANGUAGE sql STABLE AS $$
	WITH w AS (
		SELECT coalesce(date_trunc('minute', clock_timestamp() - since), '-infinity'::timestamptz) AS start
	), t AS (
		SELECT coalesce(sum(value) FILTER (WHERE figure = 'orders'), 0)::bigint AS orders,
		       coalesce(sum(value) FILTER (WHERE figure = 'paid'), 0)::bigint AS paid,
		       coalesce(sum(value) FILTER (WHERE figure = 'cancelled'), 0)::bigint AS cancelled,
		       coalesce(sum(value) FILTER (WHERE figure = 'amount'), 0)::double precision AS amount,
		       coalesce(sum(value) FILTER (WHERE figure = 'notifications'), 0)::bigint AS notifications,
		       min(minute) FILTER (WHERE figure = 'orders') AS first
		FROM kpi_minutes, w WHERE minute >= w.start AND bucket = 0
	)
	SELECT orders, paid, cancelled,
	       orders / greatest(extract(epoch FROM clock_timestamp() - first) / 60, 1)::double precision,
	       100.0 * paid / nullif(orders, 0)::double precision,
	       amount / nullif(orders, 0),
	       kpi_percentile('end_to_end', w.start, 0.5), kpi_percentile('end_to_end', w.start, 0.99),
	       notifications, kpi_percentile('delivery', w.start, 0.5), kpi_percentile('cooking', w.start, 0.5)
	FROM t, w
$$;
