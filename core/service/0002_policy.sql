-- What the failure policy keeps, in every consumer's own database.

-- Messages that wait for another try, and the later ones of the same key behind them; written in the transaction that
-- advances past them.  The first of a key (by offset: a key has one partition) is tried; the others follow it.
CREATE TABLE parked (
	topic text NOT NULL,
	partition int NOT NULL,
	message_offset bigint NOT NULL,
	key text COLLATE "C" NOT NULL,
	message_key bytea,
	message_value bytea,
	headers bytea NOT NULL,          -- packed: for each, length and bytes of the name, length and bytes of the value
	timestamp_ms bigint NOT NULL,
	attempts int NOT NULL,           -- tries begun; counted before each, so that one which ends the daemon counts
	next_at timestamptz NOT NULL,
	claimed_until timestamptz,       -- somebody is at it
	parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	error_code text,
	error_reason text,
	PRIMARY KEY (topic, partition, message_offset)
);
CREATE INDEX parked_key ON parked (topic, key, message_offset);

-- Ranges that were being worked on.  Written only after a process has ended without saying goodbye: what was under way
-- then is near, and one of its messages may be the reason.  A row that outlives its process is a try of each message
-- in it.
CREATE TABLE consumer_attempts (
	topic text NOT NULL,
	partition int NOT NULL,
	first_offset bigint NOT NULL,
	last_offset bigint NOT NULL,
	attempts int NOT NULL,
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (topic, partition, first_offset, last_offset)
);

-- Whether the last process of each replica has said goodbye.
CREATE TABLE consumer_runs (
	replica int PRIMARY KEY,
	clean boolean NOT NULL,
	started_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Dead letters that are owed for work an event gave (a charge, a message) and that was given up: written in the
-- transaction that gives it up, deleted once the broker has the letter.  The event is found in its topic again by key
-- and type (and id, where it is known).
CREATE TABLE letters_owed (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	topic text NOT NULL,
	key text NOT NULL,
	event_type text NOT NULL,
	event_id uuid,
	not_before timestamptz NOT NULL, -- the event is no older
	step text NOT NULL,
	error_code text NOT NULL,
	error_reason text NOT NULL,
	retries int NOT NULL,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
