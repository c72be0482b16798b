-- Dead letters: every message of every {topic}-dlq, what became of it, and the jobs that replay them.

-- One row per letter.  letter_id derives from consumer group and event, so it is the same over repeated failures.
-- `arrival` ascends in the order of commits: letters are written under one lock.  key, value and headers are the bytes
-- as they were consumed first; `edited` replaces the value in replays.
CREATE SEQUENCE letter_arrivals CACHE 1;
CREATE TABLE letters (
	letter_id uuid PRIMARY KEY,
	arrival bigint NOT NULL DEFAULT nextval('letter_arrivals'),
	failed_at timestamptz NOT NULL,
	first_failed_at timestamptz NOT NULL,
	original_at timestamptz,
	state_at timestamptz NOT NULL DEFAULT clock_timestamp(), -- when it entered its state; expiry counts from it
	"offset" bigint NOT NULL,
	dlq_offset bigint NOT NULL,
	event_seq bigint NOT NULL DEFAULT 1, -- aggregate_seq of its latest event in dlq-events
	job_id bigint, -- the job that has it, or had it last
	partition int NOT NULL,
	dlq_partition int NOT NULL,
	retry_count int NOT NULL,
	replay_count int NOT NULL,
	quarantined boolean NOT NULL DEFAULT false,
	readable boolean NOT NULL, -- its dlq_ headers were understood: only such a letter can be replayed
	refailed boolean NOT NULL DEFAULT false, -- failed anew while a replay was under way
	state text NOT NULL CHECK (state IN ('unresolved', 'replaying', 'resolved', 'discarded', 'expired')),
	topic text NOT NULL,
	dlq_topic text NOT NULL,
	consumer_group text NOT NULL,
	error_code text NOT NULL,
	error_reason text NOT NULL,
	failed_step text NOT NULL,
	fingerprint text NOT NULL,
	event_type text,
	event_id uuid,
	order_id uuid,
	correlation_id uuid,
	key bytea,
	value bytea,
	edited bytea,
	headers text NOT NULL -- JSON: [{"name", "value_base64"}]
);
CREATE INDEX letters_failed ON letters (failed_at, letter_id);
CREATE INDEX letters_open ON letters (state_at) WHERE state IN ('unresolved', 'discarded');
CREATE INDEX letters_arrival ON letters (arrival);
CREATE INDEX letters_fingerprint ON letters (fingerprint);
CREATE INDEX letters_order ON letters (order_id) WHERE order_id IS NOT NULL;

-- What happened to a letter; rows are only ever added.  Each replay attempt has one row `replayed` with its outcome.
CREATE TABLE letter_history (
	letter_id uuid NOT NULL,
	seq bigint GENERATED ALWAYS AS IDENTITY,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	job_id bigint,
	what text NOT NULL,
	actor text NOT NULL,
	reason text,
	detail text, -- JSON
	PRIMARY KEY (letter_id, seq)
);
CREATE TRIGGER letter_history_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON letter_history
	FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

-- Replays.  The set is frozen in job_letters when the job is made.
CREATE TABLE jobs (
	job_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	state text NOT NULL CHECK (state IN ('running', 'waiting', 'done', 'stopped', 'cancelled')),
	waiting_for text,
	actor text NOT NULL,
	reason text,
	selection text NOT NULL, -- JSON: what was asked for
	lock_name text,
	rate double precision, -- letters per second; NULL: as fast as they are taken
	max_failures bigint, -- stops when more have failed; NULL: never
	cancel_requested boolean NOT NULL DEFAULT false,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	finished_at timestamptz,
	total bigint NOT NULL,
	applied bigint NOT NULL DEFAULT 0,
	duplicate bigint NOT NULL DEFAULT 0,
	failed bigint NOT NULL DEFAULT 0,
	held bigint NOT NULL DEFAULT 0,
	released bigint NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX jobs_lock ON jobs (lock_name) WHERE finished_at IS NULL;
CREATE INDEX jobs_unfinished ON jobs (job_id) WHERE finished_at IS NULL;

-- `lane`: letters of one order for one group; they are handed over one after the other.
-- outcome NULL: not yet known; attempts: how often it was handed over without an answer.
CREATE TABLE job_letters (
	job_id bigint NOT NULL REFERENCES jobs,
	position int NOT NULL,
	attempts int NOT NULL DEFAULT 0,
	letter_id uuid NOT NULL REFERENCES letters,
	at timestamptz,
	lane text NOT NULL,
	outcome text CHECK (outcome IN ('applied', 'duplicate', 'failed', 'held', 'released')),
	error_code text,
	error_reason text,
	failed_step text,
	PRIMARY KEY (job_id, position)
);
CREATE INDEX job_letters_open ON job_letters (job_id, position) WHERE outcome IS NULL;
CREATE INDEX job_letters_letter ON job_letters (letter_id);

-- What dlqd does with letters of an error code; '*' stands for all others and follows the configuration.
CREATE TABLE policies (
	error_code text PRIMARY KEY,
	replays int, -- failed ones before quarantine; NULL: as '*'
	expiry_ms bigint, -- NULL: as '*'
	auto_replay_ms bigint, -- replayed by itself so long after its failure; NULL: never
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO policies (error_code, replays, expiry_ms) VALUES ('*', 5, 2592000000);

-- Letters with what their policy makes of them.
CREATE VIEW letter_rows AS
SELECT l.*, coalesce(p.replays, d.replays) AS replay_cap, p.auto_replay_ms,
       CASE WHEN l.state IN ('unresolved', 'discarded')
            THEN l.state_at + coalesce(p.expiry_ms, d.expiry_ms) * interval '1 millisecond' END AS expires_at
FROM letters l JOIN policies d ON d.error_code = '*' LEFT JOIN policies p ON p.error_code = l.error_code;
