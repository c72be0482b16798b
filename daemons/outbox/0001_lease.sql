-- Who relays: one row, on the database's clock.  The epoch rises with every change of hands and fences the old holder.
CREATE TABLE relay_lease (
	one boolean PRIMARY KEY DEFAULT true CHECK (one),
	epoch bigint NOT NULL DEFAULT 0,
	holder text NOT NULL DEFAULT '',
	expires_at timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO relay_lease DEFAULT VALUES;
