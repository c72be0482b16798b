#!/usr/bin/env bats
# A payment provider that declines, fails, is slow or loses replies: one capture at most, and what is owed is refunded.

load common

faults() { # faults JSON-MEMBERS of the payment provider
	http PUT "$(url 20 /sandbox/v1/faults)" "{\"payment\":{$1}}" -H "Authorization: Bearer $(token)"
	[ "$code" = 200 ]
}

no_faults() {
	faults '"decline":0,"error_5xx":0,"error_5xx_after_charge":0,"timeout_after_charge":0,"delay_rate":0,"delay_ms":0'
}

setup() { no_faults; }
teardown() { no_faults; }

order_is() { sql_is pizza_order "SELECT status FROM orders WHERE order_id = '$1'" "$2"; }
payment_is() { sql_is pizza_payment "SELECT status FROM payments WHERE order_id = '$1'" "$2"; }
payment_field() { sql pizza_payment "SELECT $2 FROM payments WHERE order_id = '$1'"; }
breaker_closed() { curl -sS "$(url 3 /readyz)" | jq -e '[.conditions[] | select(.name == "provider")] | all(.ok)' >/dev/null; }

# The provider's own sums for an order: "captures refunds net".
ledger() {
	curl -sS "$(url 20 "/sandbox/v1/ledger/summary?order_id=$1")" | jq -r '"\(.captures) \(.refunds) \(.net)"'
}

events() { # events ORDER: the types it has in payment-events, in order
	sql pizza_payment "SELECT string_agg(event_type, ' ' ORDER BY aggregate_seq) FROM outbox WHERE aggregate_id = '$1'"
}

@test "a declined card fails the payment and cancels the order; nothing is captured" {
	id=$(order pm_card_chargeDeclinedInsufficientFunds)
	eventually 60 order_is "$id" cancelled
	[ "$(payment_field "$id" status)" = failed ]
	[[ "$(payment_field "$id" reason)" == insufficient_funds* ]]
	[ "$(ledger "$id")" = "0 0 0" ]
	[ "$(events "$id")" = "PaymentRequested PaymentFailed" ]
}

@test "a payment method that is not accepted fails without a call" {
	id=$(order cash) || skip "refused when the order is placed"
	eventually 60 order_is "$id" cancelled
	[ "$(ledger "$id")" = "0 0 0" ]
}

@test "a provider that fails once is asked again under a new key only after looking the charge up" {
	faults '"error_5xx":1'
	id=$(order)
	failed_twice() { [ "$(payment_field "$id" "failures >= 2 OR attempt > 1")" = t ]; }
	eventually 60 failed_twice
	no_faults
	eventually 60 paid "$id"
	[ "$(payment_field "$id" "attempt > 1")" = t ]
	[ "$(ledger "$id")" = "1 0 $(payment_field "$id" amount)" ]
	eventually 60 breaker_closed
}

@test "a charge that was answered 500 is found and not charged again" {
	faults '"error_5xx_after_charge":1'
	id=$(order)
	eventually 60 paid "$id"
	[ "$(ledger "$id")" = "1 0 $(payment_field "$id" amount)" ]
	[ "$(payment_field "$id" attempt)" = 1 ]
	no_faults
	eventually 60 breaker_closed
}

@test "an order cancelled while its charge is under way is settled first, then refunded" {
	faults '"delay_rate":1,"delay_ms":3000'
	id=$(order card margherita $MANY)
	eventually 60 payment_is "$id" processing
	"$PIZZACTL" order cancel "$id"
	eventually 60 payment_is "$id" refunded
	[ "$(ledger "$id")" = "1 1 0" ]
	[ "$(events "$id")" = "PaymentRequested PaymentCompleted PaymentRefunded" ]
}

@test "a paid order that is cancelled is refunded once" {
	id=$(order card margherita $MANY)
	eventually 60 paid "$id"
	"$PIZZACTL" order cancel "$id"
	eventually 60 payment_is "$id" refunded
	[ "$(ledger "$id")" = "1 1 0" ]
}

@test "POST for an order returns its one payment; an unknown order is 404" {
	id=$(order)
	eventually 60 paid "$id"
	http POST "$(url 3 /api/v1/payments)" "{\"order_id\":\"$id\"}"
	[ "$code" = 200 ]
	[ "$(jq -r .payment_id <<<"$output")" = "$(payment_field "$id" payment_id)" ]
	http POST "$(url 3 /api/v1/payments)" '{"order_id":"00000000-0000-7000-8000-000000000000"}'
	[ "$code" = 404 ]
	http POST "$(url 3 /api/v1/payments)" '{}'
	[ "$code" = 422 ]
	[ "$(jq -r '.errors[0].field' <<<"$output")" = order_id ]
	[ "$(ledger "$id")" = "1 0 $(payment_field "$id" amount)" ]
}

@test "an operator refunds: token demanded, part then rest, repeated without effect" {
	id=$(order)
	eventually 60 paid "$id"
	refund=$(url 3 "/api/v1/payments/$id/refund")
	http POST "$refund"
	[ "$code" = 401 ]
	auth="Authorization: Bearer $(token)"
	http POST "$refund" '{"amount":1000000000}' -H "$auth"
	[ "$code" = 422 ]
	http POST "$refund" '{"amount":1}' -H "$auth"
	[ "$code" = 202 ]
	eventually 60 sql_is pizza_payment "SELECT refunded_amount, status FROM payments WHERE order_id = '$id'" "1|completed"
	http POST "$refund" '' -H "$auth"
	[ "$code" = 202 ]
	eventually 60 payment_is "$id" refunded
	http POST "$refund" '' -H "$auth"
	[ "$code" = 200 ]
	[ "$(jq '.refunds | length' <<<"$output")" = 2 ]
	[ "$(ledger "$id")" = "1 2 0" ]
}

@test "paymentd killed in the middle of charges: every order is captured once" {
	faults '"delay_rate":1,"delay_ms":3000'
	ids=()
	for _ in 1 2 3 4 5; do ids+=("$(order)"); done
	eventually 60 payment_is "${ids[-1]}" processing
	kill -9 "$("$PIZZACTL" status -o json | jq '.[] | select(.name == "paymentd") | .pid')"
	for id in "${ids[@]}"; do
		eventually 60 paid "$id"
		[ "$(ledger "$id")" = "1 0 $(payment_field "$id" amount)" ]
	done
}

@test "Idempotency-Keys of the sandbox: repeated, refused for other parameters" {
	key="test-$RANDOM-$RANDOM"
	headers=$BATS_TEST_TMPDIR/headers
	charge() { # charge AMOUNT
		output=$(curl -sS -D "$headers" -u sk_test_x: -H "Idempotency-Key: $key" \
			-d "amount=$1&currency=rub&payment_method=pm_card_visa&confirm=true" "$(url 20 /v1/payment_intents)")
		code=$(awk '/^HTTP/ { c = $2 } END { print c }' "$headers")
	}
	charge 100
	[ "$code" = 200 ]
	first=$output
	charge 100
	[ "$output" = "$first" ]
	grep -qi '^Idempotent-Replayed: true' "$headers"
	charge 101
	[ "$code" = 400 ]
	[ "$(jq -r .error.type <<<"$output")" = idempotency_error ]
}
