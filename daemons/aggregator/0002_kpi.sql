-- Amounts are whole minor units of a currency: that of the latest order.  Orders that were accepted before are paid within
-- the time, too: a share is no more than all.
DROP FUNCTION kpi(interval);
-- Key figures of the minutes that overlap the last `since`; NULL: of all.
CREATE FUNCTION kpi(since interval) RETURNS TABLE (
	orders_total bigint, paid_total bigint, cancelled_total bigint,
	orders_per_minute double precision, paid_percent double precision, average_order_amount bigint, currency text,
	end_to_end_p50_ms double precision, end_to_end_p99_ms double precision,
	notifications_total bigint, notification_delivery_p50_ms double precision, cooking_p50_ms double precision
) LANGUAGE sql STABLE AS $$
	WITH w AS (
		SELECT coalesce(date_trunc('minute', clock_timestamp() - since), '-infinity'::timestamptz) AS start
	), t AS (
		SELECT coalesce(sum(value) FILTER (WHERE figure = 'orders'), 0)::bigint AS orders,
		       coalesce(sum(value) FILTER (WHERE figure = 'paid'), 0)::bigint AS paid,
		       coalesce(sum(value) FILTER (WHERE figure = 'cancelled'), 0)::bigint AS cancelled,
		       coalesce(sum(value) FILTER (WHERE figure = 'amount'), 0) AS amount,
		       coalesce(sum(value) FILTER (WHERE figure = 'notifications'), 0)::bigint AS notifications,
		       min(minute) FILTER (WHERE figure = 'orders') AS first
		FROM kpi_minutes, w WHERE minute >= w.start AND bucket = 0
	)
	SELECT orders, paid, cancelled,
	       orders / greatest(extract(epoch FROM clock_timestamp() - first) / 60, 1)::double precision,
	       100.0 * least(paid, orders) / nullif(orders, 0)::double precision,
	       round(amount / nullif(orders, 0))::bigint,
	       (SELECT s.currency FROM sagas s WHERE s.currency IS NOT NULL ORDER BY s.order_id DESC LIMIT 1),
	       kpi_percentile('end_to_end', w.start, 0.5), kpi_percentile('end_to_end', w.start, 0.99),
	       notifications, kpi_percentile('delivery', w.start, 0.5), kpi_percentile('cooking', w.start, 0.5)
	FROM t, w
$$;
