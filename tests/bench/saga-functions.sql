-- For order.sql and saga.sql: identities and payloads like those of the daemons.
CREATE FUNCTION id(k bigint, j int) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN lpad(to_hex(k * 16 + j), 32, '0')::uuid;

CREATE FUNCTION stock_lines() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '[{"ingredient_id":"basil","quantity":8},{"ingredient_id":"dough","quantity":500},{"ingredient_id":"mozzarella","quantity":240},{"ingredient_id":"olive-oil","quantity":20},{"ingredient_id":"tomato-sauce","quantity":160}]';

CREATE FUNCTION order_created(o uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{"order_id":"' || o || '","customer":{"name":"Load","email":null,"phone":null},"items":[{"pizza_id":"margherita","size":"medium","quantity":2,"price_amount":44900,"menu_version":1}],"total_amount":134700,"currency":"RUB","payment_method":"card","delivery_address":"1 Bench Street"}';

CREATE FUNCTION stock_reserved(o uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{"order_id":"' || o || '","lines":' || stock_lines() || '}';

CREATE FUNCTION order_reserved(o uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{"order_id":"' || o || '","amount":134700,"currency":"RUB","payment_method":"card"}';

CREATE FUNCTION payment_told(o uuid, payment uuid, provider uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{"payment_id":"' || payment || '","order_id":"' || o || '","amount":134700,"currency":"RUB","provider_id":'
	|| coalesce('"pi_' || provider || '"', 'null') || ',"reason":null,"attempt":1}';

CREATE FUNCTION order_paid(o uuid, payment uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{"order_id":"' || o || '","payment_id":"' || payment || '","amount":134700,"currency":"RUB","paid_at":"2026-11-21T12:30:01.114000Z","items":[{"pizza_id":"margherita","size":"medium","quantity":2,"price_amount":44900,"menu_version":1}]}';

CREATE FUNCTION provider_answer(o uuid, intent uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{"id":"pi_' || intent || '","object":"payment_intent","amount":134700,"amount_received":134700,"currency":"rub","created":1795350000,"livemode":false,"status":"succeeded","latest_charge":"ch_' || intent || '","payment_method":"pm_card_visa","last_payment_error":null,"metadata":{"order_id":"' || o || '"}}';
