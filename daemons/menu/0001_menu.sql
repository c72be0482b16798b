-- The catalogue.  version is the aggregate_seq of the row's last MenuItemChanged; rows are never deleted, so that it
-- goes on counting when a pizza comes back.
CREATE TABLE menu_items (
	pizza_id text PRIMARY KEY CHECK (pizza_id ~ '^[a-z0-9-]{1,63}$'),
	name text NOT NULL,
	description text NOT NULL DEFAULT '',
	price_small bigint NOT NULL CHECK (price_small > 0),
	price_medium bigint NOT NULL CHECK (price_medium > 0),
	price_large bigint NOT NULL CHECK (price_large > 0),
	currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
	available boolean NOT NULL DEFAULT true,
	deleted boolean NOT NULL DEFAULT false,
	version bigint NOT NULL CHECK (version > 0),
	recipe json NOT NULL, -- [{"ingredient_id", "quantities": {"small", "medium", "large"}}]
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	CHECK (NOT (deleted AND available))
);
