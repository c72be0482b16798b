#!/usr/bin/env bats
# Messages handed back to the daemon that failed: the normal inbox and handler, one effect however often.

load common

# replay DAEMON-OFFSET MESSAGES-JSON: the reply in $output
replay() {
	http POST "$(url "$1" /internal/v1/replay)" \
		"{\"letter_id\":null,\"job_id\":null,\"actor\":\"test\",\"replay_count\":1,\"messages\":$2}" \
		-H "Authorization: Bearer $(token)"
	[ "$code" = 200 ]
}

uuid() { cat /proc/sys/kernel/random/uuid; }

outcomes() { jq -r '[.results[].outcome] | join(" ")' <<<"$output"; }

# message KEY VALUE [LETTER]: one message of order-events
message() {
	jq -cn --arg k "$1" --arg v "$2" --arg l "${3:-a}" '{letter_id: $l, topic: "order-events", partition: 0, offset: 7,
		timestamp_ms: 0, key_base64: ($k | @base64), value_base64: ($v | @base64), headers: []}'
}

# created ORDER EVENT: OrderCreated of one pizza
created() {
	jq -cn --arg o "$1" --arg e "$2" '{event_id: $e, event_type: "OrderCreated", event_version: 1, aggregate_id: $o,
		aggregate_seq: 1, timestamp: "2026-01-02T03:04:05.000000Z", correlation_id: $e, causation_id: null,
		event_data: {order_id: $o, items: [{pizza_id: "margherita", size: "small", quantity: 1, menu_version: 1}]}}'
}

cancelled() { # cancelled ORDER EVENT
	created "$1" "$2" | jq -c '.event_type = "OrderCancelled" | .aggregate_seq = 2 | .event_data = {order_id, reason: "x", by: "t"}'
}

@test "a message takes effect once, whatever is replayed, and in the order given" {
	o=$(uuid) e1=$(uuid) e2=$(uuid)
	m1=$(message "$o" "$(created "$o" "$e1")" one)
	m2=$(message "$o" "$(cancelled "$o" "$e2")" two)
	replay 5 "[$m1,$m2]"
	[ "$(outcomes)" = "applied applied" ]
	[ "$(jq -r '.results[1].letter_id' <<<"$output")" = two ]
	sql_is pizza_inventory "SELECT state FROM reservations WHERE order_id = '$o'" released
	sql_is pizza_inventory "SELECT count(*) FROM inbox WHERE event_id IN ('$e1', '$e2')" 2
	replay 5 "[$m1,$m2]"
	[ "$(outcomes)" = "duplicate duplicate" ]
	sql_is pizza_inventory "SELECT count(*) FROM outbox WHERE aggregate_id = '$o'" 2
}

@test "what an order's real event did is known, also to the read model" {
	o=$(order)
	there() { [ "$("$PIZZACTL" topic tail order-events --key "$o" -n 10 -o json | jq 'length')" -ge 3 ]; }
	eventually 60 there
	m=$("$PIZZACTL" topic tail order-events --key "$o" -n 10 -o json |
		jq -c '[.[] | {letter_id: "x", topic, partition, offset, timestamp_ms: 0, key_base64: (.key | @base64),
			value_base64: (.value | tojson | @base64), headers: []}]')
	known() { [ "$(sql pizza_console "SELECT count(*) FROM events WHERE order_id = '$o' AND topic = 'order-events'")" -ge 3 ]; }
	eventually 60 known
	replay 7 "$m"
	[ "$(jq -r '[.results[].outcome] | unique | join(" ")' <<<"$output")" = duplicate ]
	replay 5 "[$(jq -c '.[0]' <<<"$m")]"
	[ "$(outcomes)" = duplicate ]
}

@test "what fails again says why; its neighbours take effect" {
	o=$(uuid)
	replay 5 "[$(message k 'not JSON'),$(message "$o" "$(created "$o" "$(uuid)")"),$(message no-order "$(created no-order "$(uuid)")")]"
	[ "$(outcomes)" = "failed applied failed" ]
	[ "$(jq -r '.results[0] | "\(.error_code) \(.failed_step)"' <<<"$output")" = "malformed parse" ]
	[ "$(jq -r '.results[2] | "\(.error_code) \(.failed_step)"' <<<"$output")" = "malformed OrderCreated" ]
	[ "$(jq -r '.results[1].error_code' <<<"$output")" = null ]
	tombstone=$(jq -c '.value_base64 = null' <<<"$(message k x)")
	replay 5 "[$tombstone]"
	[ "$(outcomes)" = failed ]
}

@test "an event the daemon does not act on, a missing token, a body that is none" {
	o=$(uuid)
	replay 3 "[$(message "$o" "$(created "$o" "$(uuid)")")]"
	[ "$(outcomes)" = failed ]
	http POST "$(url 5 /internal/v1/replay)" '{"messages":[]}'
	[ "$code" = 401 ]
	http POST "$(url 5 /internal/v1/replay)" '{"messages":3}' -H "Authorization: Bearer $(token)"
	[ "$code" = 400 ]
	http POST "$(url 5 /internal/v1/replay)" "{\"messages\":[$(printf '{},%.0s' {1..100}){}]}" -H "Authorization: Bearer $(token)"
	[ "$code" = 422 ]
}

@test "a message larger than customers may send is taken from an operator" {
	o=$(uuid)
	body=$BATS_TEST_TMPDIR/body
	created "$o" "$(uuid)" | jq -c '.event_data.pad = "x" * 900000' >"$body.value"
	jq -cn --arg k "$o" --rawfile v "$body.value" '{messages: [{letter_id: "a", topic: "order-events", partition: 0, offset: 7,
		key_base64: ($k | @base64), value_base64: ($v | @base64), headers: []}]}' >"$body"
	[ "$(stat -c %s "$body")" -gt 1048576 ]
	http POST "$(url 5 /internal/v1/replay)" '' -H "Authorization: Bearer $(token)" --data-binary "@$body"
	[ "$(outcomes)" = applied ]
	http POST "$(url 5 /internal/v1/replay)" '' --data-binary "@$body"
	[ "$code" = 413 ] || [ "$code" = 401 ]
}

@test "while the daemon's database is down a replay has to wait" {
	o=$(uuid)
	m=$(message "$o" "$(created "$o" "$(uuid)")")
	"$PIZZACTL" stop postgres
	later() { replay 5 "[$m,$m]" && [ "$(outcomes)" = "later later" ]; }
	eventually 60 later
	"$PIZZACTL" start postgres
	applied() { replay 5 "[$m]" && [ "$(outcomes)" = applied ]; }
	eventually 60 applied
}
