-- What the kitchen has to bake, and with what.

-- One row per order that was heard of; seq is the aggregate_seq of its last event in kitchen-events, cause that event (at
-- first OrderPaid), pending how many of its tickets are not done.  Its tickets are numbered first_ticket, first_ticket + 1 …
-- A row in state cancelled without tickets is a tombstone: the cancellation came first.
CREATE TABLE jobs (
	order_id uuid PRIMARY KEY,
	state text NOT NULL CHECK (state IN ('queued', 'cooking', 'done', 'failed', 'cancelled')),
	seq bigint NOT NULL DEFAULT 0,
	first_ticket bigint NOT NULL DEFAULT 0,
	tickets int NOT NULL DEFAULT 0,
	pending int NOT NULL DEFAULT 0 CHECK (pending >= 0),
	correlation_id uuid NOT NULL,
	cause uuid NOT NULL,
	reason text,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	started_at timestamptz,
	ended_at timestamptz
) WITH (fillfactor = 80);

-- One row per pizza.  device and deck (from 1) tell where it lies or is about to be put; the deck knows it by the lower 32
-- bits of its number.
CREATE TABLE tickets (
	ticket_id bigint PRIMARY KEY,
	order_id uuid NOT NULL,
	state text NOT NULL DEFAULT 'queued' CHECK (state IN
		('queued', 'prepping', 'baking', 'checking', 'waiting', 'done', 'failed', 'cancelled')),
	pizza_id text NOT NULL,
	size text NOT NULL,
	menu_version bigint NOT NULL,
	bake_c int NOT NULL, -- °C
	promised_at timestamptz NOT NULL,
	device text,
	deck int,
	remakes int NOT NULL DEFAULT 0,
	reason text,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	started_at timestamptz, -- of the last time it was loaded
	ended_at timestamptz
) WITH (fillfactor = 80);
-- The queue, in the order of promises: only its head is ever read.
CREATE INDEX tickets_queue ON tickets (promised_at, ticket_id) WHERE state = 'queued';
-- What is on a deck or waits for ingredients: few, read at start.
CREATE INDEX tickets_open ON tickets (ticket_id) WHERE state IN ('prepping', 'baking', 'checking', 'waiting');

-- The devices as the kitchen last saw them; mode is what operators have decided.
CREATE TABLE devices (
	device text PRIMARY KEY,
	kind text NOT NULL,
	state text NOT NULL,
	mode text NOT NULL DEFAULT 'open' CHECK (mode IN ('open', 'paused', 'drained')),
	faults text NOT NULL DEFAULT '',
	since timestamptz NOT NULL DEFAULT clock_timestamp()
);
