-- What every daemon's database has: the inbox and the outbox.

-- Events already in effect, per consumer; written in the transaction of the effect.
CREATE TABLE inbox (
	event_id uuid NOT NULL,
	consumer text NOT NULL,
	processed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (event_id, consumer)
);

-- Events to publish.  Rows are never updated: the relay keeps a position (outbox_position).
-- seq is drawn after the aggregate's lock and orders the publication; xid tells in which snapshots a row is visible.
CREATE SEQUENCE outbox_seq CACHE 1;
CREATE TABLE outbox (
	xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
	seq bigint NOT NULL DEFAULT nextval('outbox_seq'),
	id uuid NOT NULL,
	aggregate_seq bigint NOT NULL,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	correlation_id uuid NOT NULL,
	causation_id uuid,
	topic text NOT NULL,
	aggregate_id text NOT NULL,
	event_type text NOT NULL,
	event_data text NOT NULL
);
CREATE INDEX outbox_xid ON outbox (xid);

-- How far the relay has come: every row visible in `low` is published, and of the rows visible in `high` those with
-- seq <= done_seq.  The fence: updates carry WHERE epoch = mine.
CREATE TABLE outbox_position (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	epoch bigint NOT NULL DEFAULT 0,
	low pg_snapshot NOT NULL DEFAULT '1:1:',
	high pg_snapshot,
	done_seq bigint NOT NULL DEFAULT 0,
	published_total bigint NOT NULL DEFAULT 0,
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO outbox_position DEFAULT VALUES;

-- The time by which a row was published, at a resolution of about a second: one mark per second of activity.
CREATE TABLE outbox_marks (
	published_at timestamptz PRIMARY KEY DEFAULT clock_timestamp(),
	snapshot pg_snapshot NOT NULL
);

-- For operators: the outbox as they know it by name.
CREATE VIEW outbox_events AS
SELECT o.id, o.seq, o.topic, o.aggregate_id, o.aggregate_seq, o.event_type, o.event_data::json AS event_data,
       json_build_object('correlation_id', o.correlation_id, 'causation_id', o.causation_id) AS headers,
       o.created_at,
       CASE WHEN pg_visible_in_snapshot(o.xid, p.low)
                 OR (p.high IS NOT NULL AND pg_visible_in_snapshot(o.xid, p.high) AND o.seq <= p.done_seq)
            THEN coalesce((SELECT m.published_at FROM outbox_marks m
                           WHERE m.published_at >= o.created_at AND pg_visible_in_snapshot(o.xid, m.snapshot)
                           ORDER BY m.published_at LIMIT 1), p.updated_at)
       END AS published_at
FROM outbox o, outbox_position p;

DO $$
BEGIN
	IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'pizza_outbox') THEN
		GRANT SELECT, DELETE ON outbox TO pizza_outbox;
		GRANT SELECT, UPDATE ON outbox_position TO pizza_outbox;
		GRANT SELECT, INSERT, DELETE ON outbox_marks TO pizza_outbox;
	END IF;
END $$;
