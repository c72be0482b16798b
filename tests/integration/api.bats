#!/usr/bin/env bats
# The HTTP contract of the daemons: good and bad input.

load common

good='{"items":[{"pizza_id":"margherita","quantity":1}],"delivery_address":"1 Test Street"}'

setup() { orders=$(url 2 /api/v1/orders); }

@test "201 with Location and the order" {
	http POST "$orders" "$good"
	[ "$code" = 201 ]
	id=$(jq -r .order_id <<<"$output")
	grep -qi "^Location: /api/v1/orders/$id" "$headers"
	jq -e '.status == "pending" and .currency == "RUB" and .total_amount > 0 and (.items | length) == 1' <<<"$output"
	http GET "$orders/$id"
	[ "$code" = 200 ]
	[ "$(jq -r .order_id <<<"$output")" = "$id" ]
}

@test "camelCase is understood and unknown fields are ignored" {
	http POST "$orders" '{"items":[{"pizzaId":"margherita","quantity":1}],"deliveryAddress":"x","paymentMethod":"card","extra":{"a":1}}'
	[ "$code" = 201 ]
}

@test "malformed JSON is 400, as problem+json" {
	http POST "$orders" '{"items":'
	[ "$code" = 400 ]
	grep -qi '^Content-Type: application/problem+json' "$headers"
	http POST "$orders" '[]'
	[ "$code" = 400 ]
	http POST "$orders" $'{"items":[{"pizza_id":"\xff\xfe","quantity":1}],"delivery_address":"x"}'
	[ "$code" = 400 ]
}

@test "an empty body is 400" {
	http POST "$orders"
	[ "$code" = 400 ]
}

@test "unknown pizza, zero and huge quantities are 422 with each field named" {
	http POST "$orders" '{"items":[{"pizza_id":"nope","quantity":1},{"pizza_id":"margherita","quantity":0},{"pizza_id":"margherita","quantity":100000}]}'
	[ "$code" = 422 ]
	[ "$(jq -r '[.errors[].field] | sort | join(" ")' <<<"$output")" = "delivery_address items[0].pizza_id items[1].quantity items[2].quantity" ]
	http POST "$orders" "${good/margherita/margarita}"
	[ "$code" = 422 ]
	jq -e '.code == "invalid" and (.errors[0].detail | endswith("did you mean margherita?"))' <<<"$output"
}

@test "the wrong content type is 415" {
	code=$(curl -sS -o /dev/null -w '%{http_code}' -H 'Content-Type: text/plain' -d "$good" "$orders")
	[ "$code" = 415 ]
}

@test "a body over 1 MiB is 413" {
	head -c 1200000 /dev/zero | tr '\0' x >"$BATS_TEST_TMPDIR/big"
	code=$(curl -sS -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' --data-binary @"$BATS_TEST_TMPDIR/big" "$orders")
	[ "$code" = 413 ]
}

@test "the same Idempotency-Key gives the same reply; another body 422" {
	key=key-$RANDOM-$RANDOM
	http POST "$orders" "$good" -H "Idempotency-Key: $key"
	[ "$code" = 201 ]
	first=$output
	http POST "$orders" "$good" -H "Idempotency-Key: $key"
	[ "$code" = 201 ]
	[ "$output" = "$first" ]
	http POST "$orders" "${good/1 Test/2 Test}" -H "Idempotency-Key: $key"
	[ "$code" = 422 ]
	http POST "$orders" "$good"
	[ "$(jq -r .order_id <<<"$output")" != "$(jq -r .order_id <<<"$first")" ]
}

@test "fifty at once with one key make one order" {
	key=race-$RANDOM-$RANDOM
	seq 50 | xargs -P 25 -I{} curl -sS -H 'Content-Type: application/json' -H "Idempotency-Key: $key" -d "$good" "$orders" \
		-o "$BATS_TEST_TMPDIR/r{}"
	[ "$(cat "$BATS_TEST_TMPDIR"/r* | jq -r .order_id | sort -u | wc -l)" = 1 ]
	[ "$(sql pizza_order "SELECT count(*) FROM idempotency_keys WHERE key = '$key'")" = 1 ]
}

@test "an unknown order is 404, an unknown route too, another method 405" {
	http GET "$orders/01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11"
	[ "$code" = 404 ]
	http GET "$(url 2 /api/v1/nothing)"
	[ "$code" = 404 ]
	http DELETE "$orders"
	[ "$code" = 405 ]
	grep -qi '^Allow: ' "$headers"
}

@test "what is no id is 400 and names it, an id of nothing is 404" {
	local route path unknown=01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11 auth="Authorization: Bearer $(token)"
	for route in "GET 2 /orders/ID" "POST 2 /orders/ID/cancel" "POST 2 /sagas/ID/retry" "POST 2 /sagas/ID/compensate" "GET 7 /sagas/ID" \
		"GET 3 /payments/ID" "POST 3 /payments/ID/refund" "GET 4 /notifications/ID" "POST 4 /notifications/ID/resend" \
		"GET 8 /dlq/letters/ID" "GET 8 /dlq/jobs/999999999" "POST 8 /dlq/jobs/999999999/cancel" "GET 6 /kitchen/tickets/999999999"; do
		read -r method port path <<<"$route"
		path=$(url "$port" "/api/v1$path")
		echo "$route"
		http "$method" "${path/ID/$unknown}" '' -H "$auth"
		[ "$code" = 404 ]
		for wrong in nope 0x1 "${unknown}0"; do
			http "$method" "$(sed -E "s:ID|9{9}:$wrong:" <<<"$path")" '' -H "$auth"
			[ "$code" = 400 ]
			[ "$(jq -r '.errors[0].field' <<<"$output")" = id ]
		done
	done
	for path in 3/api/v1/payments 4/api/v1/notifications 5/api/v1/inventory/reservations 6/api/v1/kitchen/tickets; do
		http GET "$(url "${path%%/*}" "/${path#*/}?order_id=nope")"
		[ "$code" = 400 ]
		[ "$(jq -r '.errors[0].field' <<<"$output")" = order_id ]
		http GET "$(url "${path%%/*}" "/${path#*/}?order_id=$unknown")"
		[ "$(jq -c .items <<<"$output")" = "[]" ]
	done
}

@test "lists page with a cursor" {
	for _ in 1 2 3; do http POST "$orders" "$good"; done
	http GET "$orders?limit=2"
	[ "$(jq '.items | length' <<<"$output")" = 2 ]
	last=$(jq -r '.items[-1].order_id' <<<"$output")
	http GET "$orders?limit=2&cursor=$(jq -r .next_cursor <<<"$output")"
	[ "$(jq '.items | length' <<<"$output")" = 2 ]
	[ "$(jq -r '.items[0].order_id' <<<"$output")" != "$last" ]
	http GET "$orders?status=nonsense"
	[ "$code" = 400 ]
	http GET "$orders?limit=0"
	[ "$code" = 400 ]
}

@test "dead letters take status, and every list takes limit and cursor" {
	for list in 8/api/v1/dlq 8/api/v1/dlq/letters 8/api/v1/dlq/groups 8/api/v1/dlq/jobs; do
		http GET "$(url "${list%%/*}" "/${list#*/}?status=open&limit=1")"
		[ "$code" = 200 ]
		http GET "$(url "${list%%/*}" "/${list#*/}?status=nonsense")"
		[ "$code" = 400 ]
	done
	for list in 4/api/v1/notifications/templates 8/api/v1/dlq/stats 8/api/v1/dlq/policies 9/api/v1/outbox \
		9/api/v1/outbox/pizza_order/events 12/api/v1/hw; do
		http GET "$(url "${list%%/*}" "/${list#*/}?limit=0")"
		[ "$code" = 400 ]
		http GET "$(url "${list%%/*}" "/${list#*/}?cursor=nonsense")"
		[ "$code" = 400 ]
	done
	http GET "$(url 4 /api/v1/notifications/templates)"
	[ "$(jq -r .next_cursor <<<"$output")" = null ]
	third=$(jq -c '.items[2]' <<<"$output")
	http GET "$(url 4 "/api/v1/notifications/templates?limit=2")"
	[ "$(jq '.items | length' <<<"$output")" = 2 ]
	http GET "$(url 4 "/api/v1/notifications/templates?limit=1&cursor=$(jq -r .next_cursor <<<"$output")")"
	[ "$(jq -c '.items[0]' <<<"$output")" = "$third" ]
}

@test "key figures: amounts are whole, and have a currency" {
	http GET "$(url 7 /api/v1/kpi)"
	[ "$code" = 200 ]
	[[ "$(jq .average_order_amount <<<"$output")" =~ ^[0-9]+$ ]]
	[ "$(jq -r .currency <<<"$output")" = RUB ]
}

@test "operators' routes want the token" {
	http POST "$(url 5 /api/v1/inventory/dough/restock)" '{"quantity":1}'
	[ "$code" = 401 ]
	http POST "$(url 5 /api/v1/inventory/dough/restock)" '{"quantity":1}' -H "Authorization: Bearer wrong"
	[ "$code" = 401 ]
	http POST "$(url 5 /api/v1/inventory/dough/restock)" '{"quantity":1}' -H "Authorization: Bearer $(token)"
	[ "$code" = 200 ] || [ "$code" = 201 ]
}

@test "POST payments for an order gives its one payment, never a second charge" {
	id=$(order)
	"$PIZZACTL" saga wait "$id" --for paid --timeout 60s
	http POST "$(url 3 /api/v1/payments)" "{\"order_id\":\"$id\"}"
	[ "$code" = 200 ] || [ "$code" = 201 ]
	first=$(jq -r .payment_id <<<"$output")
	http POST "$(url 3 /api/v1/payments)" "{\"order_id\":\"$id\"}"
	[ "$(jq -r .payment_id <<<"$output")" = "$first" ]
	sql_is pizza_payment "SELECT count(*) FROM payments WHERE order_id = '$id'" 1
}

@test "health, readiness and the metrics of the contract" {
	for offset in 1 2 3 4 5 7 9 20; do
		http GET "$(url $offset /healthz)"
		[ "$code" = 200 ]
		http GET "$(url $offset /readyz)"
		[ "$code" = 200 ]
		jq -e '.ready' <<<"$output"
		http GET "$(url $offset /metrics)"
		[ "$code" = 200 ]
	done
	http GET "$(url 2 /metrics)"
	[[ $output == *pizza_http_request_duration_seconds_bucket* ]]
	[[ $output == *'pizza_orders_total{status="pending"}'* ]]
	http GET "$(url 9 /metrics)"
	[[ $output == *pizza_outbox_publish_seconds_bucket* ]]
	[[ $output == *pizza_outbox_unpublished* ]]
}

@test "correlation: a client's traceparent goes through the whole saga" {
	trace=4bf92f3577b34da6a3ce929d0e0e4736
	http POST "$orders" "$good" -H "traceparent: 00-$trace-00f067aa0ba902b7-01"
	id=$(jq -r .order_id <<<"$output")
	"$PIZZACTL" saga wait "$id" --for paid --timeout 60s
	eventually 60 sql_is pizza_console "SELECT replace(min(correlation_id::text), '-', '') FROM events WHERE order_id = '$id'" $trace
	sql_is pizza_console "SELECT count(DISTINCT correlation_id) FROM events WHERE order_id = '$id'" 1
}
