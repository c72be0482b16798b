-- At which temperature of the oven a pizza is baked, in °C.
ALTER TABLE menu_items ADD COLUMN bake_temperature_c int NOT NULL DEFAULT 320 CHECK (bake_temperature_c BETWEEN 150 AND 400);
