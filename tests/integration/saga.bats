#!/usr/bin/env bats
# The saga on a live system: paid, declined, out of stock, cancelled; duplicates; what each database says afterwards.

load common

dead_letters() { # in all topics of dead letters
	for t in menu order inventory payment notification; do
		"$PIZZACTL" topic show "$t-events-dlq" -o json
	done | jq -s '[.[] | .. | .end? // empty] | add // 0'
}

setup_file() {
	DEAD_LETTERS_BEFORE=$(dead_letters)
	export DEAD_LETTERS_BEFORE
}

@test "an order is paid, and every part knows it" {
	id=$(order)
	"$PIZZACTL" saga wait "$id" --for paid --timeout 60s
	paid "$id"
	sql_is pizza_order "SELECT version >= 3 FROM orders WHERE order_id = '$id'" t
	sql_is pizza_inventory "SELECT state IN ('reserved', 'consumed') FROM reservations WHERE order_id = '$id'" t
	sql_is pizza_payment "SELECT status FROM payments WHERE order_id = '$id'" completed
	eventually 60 sql_is pizza_console \
		"SELECT count(DISTINCT event_type) FROM events WHERE order_id = '$id' AND event_type IN
		 ('OrderCreated','StockReserved','OrderReserved','PaymentRequested','PaymentCompleted','OrderPaid')" 6
}

@test "saga show gives a timeline with causes" {
	id=$(order)
	"$PIZZACTL" saga wait "$id" --for paid --timeout 60s
	eventually 60 sh -c "$PIZZACTL saga show $id -o json | jq -e '[.steps[].event_type] | index(\"OrderPaid\")' >/dev/null"
	"$PIZZACTL" saga show "$id" -o json | jq -e '
		.order_id == "'"$id"'" and (.state | IN("paid", "cooking", "ready")) and (.steps | length) >= 6
		and (.steps | map(.event_type) | index("OrderCreated") == 0)
		and ([.steps[] | select(.event_type != "OrderCreated") | .causation_id] | all(. != null))
		and ([.steps[].offset] | all(. >= 0))'
	run "$PIZZACTL" saga show "$id"
	[[ $output == *OrderPaid* ]]
}

@test "sequence numbers are gap-free per order and topic" {
	for _ in 1 2 3 4 5; do id=$(order); done
	"$PIZZACTL" saga wait "$id" --for paid --timeout 60s
	sql_is pizza_console "SELECT count(*) FROM (SELECT topic, aggregate_id, max(aggregate_seq) AS top, count(*) AS n
		FROM events WHERE order_id IS NOT NULL GROUP BY 1, 2 HAVING max(aggregate_seq) <> count(*)) gaps" 0
}

@test "a declined card cancels the order and frees the stock" {
	id=$(order pm_card_chargeDeclined)
	run "$PIZZACTL" saga wait "$id" --for paid --timeout 60s
	[ "$status" = 4 ]
	eventually 60 sql_is pizza_inventory "SELECT state FROM reservations WHERE order_id = '$id'" released
	sql_is pizza_order "SELECT status FROM orders WHERE order_id = '$id'" cancelled
	sql_is pizza_payment "SELECT status FROM payments WHERE order_id = '$id'" failed
}

@test "what is not in stock cancels the order" {
	"$PIZZACTL" menu show margherita -o json >/dev/null
	curl -sS -X POST -H "Authorization: Bearer $(token)" -H 'Content-Type: application/json' "$(url 1 /api/v1/menu)" -d '{
		"pizza_id":"gigantic","name":"Gigantic","description":"more dough than there is",
		"prices":{"small":100,"medium":200,"large":300},"currency":"RUB",
		"recipe":[{"ingredient_id":"dough","quantities":{"small":1,"medium":1,"large":1000000}}]}'
	items=$(printf -- '--item gigantic:large:100 %.0s' $(seq 20))
	create_gigantic() { gigantic=$("$PIZZACTL" order create $items --address x -o name 2>/dev/null); }
	eventually 60 create_gigantic
	run "$PIZZACTL" saga wait "$gigantic" --for paid --timeout 60s
	[ "$status" = 4 ]
	sql_is pizza_inventory "SELECT state FROM reservations WHERE order_id = '$gigantic'" rejected
	[[ $(sql pizza_order "SELECT reason FROM orders WHERE order_id = '$gigantic'") == *dough* ]]
}

@test "a paid order that is cancelled is refunded, once" {
	id=$(order card margherita $MANY)
	"$PIZZACTL" saga wait "$id" --for paid --timeout 60s
	"$PIZZACTL" order cancel "$id" --reason "changed my mind"
	"$PIZZACTL" order cancel "$id"
	eventually 60 sql_is pizza_payment "SELECT status FROM payments WHERE order_id = '$id'" refunded
	eventually 60 sql_is pizza_inventory "SELECT state IN ('released', 'consumed') FROM reservations WHERE order_id = '$id'" t # the kitchen may have been faster
	eventually 60 sh -c "$PIZZACTL saga show $id -o json | jq -e '.state == \"cancelled\"' >/dev/null"
	sql_is pizza_order "SELECT version IN (4, 5) FROM orders WHERE order_id = '$id'" t # one more when it was cooking
}

@test "nobody is told twice: one message per kind, a failed payment and its cancellation make one" {
	id=$(order pm_card_chargeDeclined)
	run "$PIZZACTL" saga wait "$id" --for paid --timeout 60s
	eventually 60 sql_is pizza_notify "SELECT string_agg(kind, ' ' ORDER BY kind) FROM notifications n WHERE order_id = '$id'
		AND EXISTS (SELECT FROM deliveries d WHERE d.notification_id = n.notification_id AND status = 'sent')" "order_created payment_failed"
}

@test "stock adds up: on hand + reserved + consumed = initial + restocked" {
	sql_is pizza_inventory "SELECT count(*) FROM stock_levels s JOIN ingredients i USING (ingredient_id)
		WHERE s.on_hand + s.reserved + s.consumed <> i.initial + s.restocked OR s.on_hand < 0 OR s.reserved < 0" 0
}

@test "outboxes run empty and no one lags" {
	empty() { [ "$("$PIZZACTL" outbox status -o json | jq '[.[].unpublished] | add')" = 0 ]; }
	eventually 60 empty
	no_lag() { [ "$("$PIZZACTL" lag -o json | jq '[.[] | .lag] | map(select(. > 0)) | length')" = 0 ]; }
	eventually 60 no_lag
}

@test "no dead letters were made" {
	[ "$(dead_letters)" = "$DEAD_LETTERS_BEFORE" ]
}
