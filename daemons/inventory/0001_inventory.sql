-- Ingredients, what there is of them, and what is held for orders.
-- Quantities are whole grams, millilitres or pieces.  Ids sort by bytes, as the program compares them.

CREATE TABLE ingredients (
	ingredient_id text COLLATE "C" PRIMARY KEY,
	name text NOT NULL,
	unit text NOT NULL,
	initial bigint NOT NULL CHECK (initial >= 0),
	low_threshold bigint CHECK (low_threshold >= 0), -- NULL: a share of initial (inventory.low_percent)
	UNIQUE (ingredient_id, initial)
);

-- Every unit that ever came in is on hand (free), reserved or consumed.
-- version rises with every change (optimistic locking); seq is the aggregate_seq of the ingredient's last event;
-- low: StockLow has been sent since the last sufficient delivery.
-- Few rows, changed all the time: room on the page keeps the changes off the index.
CREATE TABLE stock_levels (
	ingredient_id text COLLATE "C" PRIMARY KEY,
	initial bigint NOT NULL,
	on_hand bigint NOT NULL CHECK (on_hand >= 0),
	reserved bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
	consumed bigint NOT NULL DEFAULT 0 CHECK (consumed >= 0),
	restocked bigint NOT NULL DEFAULT 0 CHECK (restocked >= 0),
	version bigint NOT NULL DEFAULT 1,
	seq bigint NOT NULL DEFAULT 0,
	low boolean NOT NULL DEFAULT false,
	FOREIGN KEY (ingredient_id, initial) REFERENCES ingredients (ingredient_id, initial),
	CHECK (on_hand + reserved + consumed = initial + restocked)
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- One row per order that was heard of.  seq is the aggregate_seq of the order's last inventory event; a row in state
-- cancelled is a tombstone: the cancellation came before the order.
CREATE TABLE reservations (
	order_id uuid PRIMARY KEY,
	state text NOT NULL CHECK (state IN ('reserved', 'rejected', 'released', 'consumed', 'cancelled')),
	lines json NOT NULL, -- [{"ingredient_id", "quantity"}]
	seq bigint NOT NULL,
	reason text,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- The rare states, for lists by status; the common one needs no index.
CREATE INDEX reservations_rare ON reservations (state, order_id) WHERE state <> 'reserved';

-- Deliveries, with the first reply to each idempotency key.
CREATE TABLE restocks (
	event_id uuid PRIMARY KEY,
	ingredient_id text COLLATE "C" NOT NULL REFERENCES ingredients,
	quantity bigint NOT NULL CHECK (quantity > 0),
	reason text NOT NULL,
	idempotency_key text UNIQUE,
	reply text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Enough of everything for a million large pizzas of any one kind that menud is seeded with.
INSERT INTO ingredients (ingredient_id, name, unit, initial) VALUES
	('artichokes', 'Artichokes', 'g', 60000000),
	('basil', 'Basil', 'g', 8000000),
	('bell-pepper', 'Bell pepper', 'g', 80000000),
	('dough', 'Dough', 'g', 350000000),
	('garlic', 'Garlic', 'g', 8000000),
	('gorgonzola', 'Gorgonzola', 'g', 60000000),
	('ham', 'Ham', 'g', 110000000),
	('mozzarella', 'Mozzarella', 'g', 200000000),
	('mushrooms', 'Mushrooms', 'g', 120000000),
	('olive-oil', 'Olive oil', 'ml', 18000000),
	('olives', 'Olives', 'g', 30000000),
	('onion', 'Onion', 'g', 40000000),
	('parmesan', 'Parmesan', 'g', 40000000),
	('pepperoni', 'Pepperoni', 'g', 90000000),
	('pineapple', 'Pineapple', 'g', 100000000),
	('spicy-salami', 'Spicy salami', 'g', 90000000),
	('tomato-sauce', 'Tomato sauce', 'ml', 160000000);
INSERT INTO stock_levels (ingredient_id, initial, on_hand) SELECT ingredient_id, initial, initial FROM ingredients;
