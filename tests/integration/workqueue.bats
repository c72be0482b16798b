#!/usr/bin/env bats
# Work that keeps failing for its own reasons becomes a dead letter of the event that gave it; its replay goes on with it.

load common

pid_of() { "$PIZZACTL" status -o json | jq ".[] | select(.name == \"$1\") | .pid"; }

reload() { for d in paymentd notifyd; do kill -HUP "$(pid_of $d)"; done; }

setup() {
	export PIZZA_CONFIG=${XDG_CONFIG_HOME:-$HOME/.config}/pizza/pizza.yaml
	mkdir -p "$(dirname "$PIZZA_CONFIG")"
	if [ ! -e "$PIZZA_CONFIG" ]; then printf 'log:\n  level: info\n' >"$PIZZA_CONFIG"; fi
	cp "$PIZZA_CONFIG" "$BATS_TEST_TMPDIR/before.yaml"
	printf 'payment:\n  attempts: 2\n  backoff: 50ms\nnotify:\n  attempts: 2\n' >"$PIZZA_CONFIG"
	reload
}

clear_faults() { for p in payment sms; do "$PIZZACTL" sandbox set --provider $p --clear >/dev/null; done; }

teardown() {
	clear_faults
	cp "$BATS_TEST_TMPDIR/before.yaml" "$PIZZA_CONFIG"
	reload
}

payment_is() { sql_is pizza_payment "SELECT status FROM payments WHERE order_id = '$1'" "$2"; }

captures() { curl -sS "$(url 20 "/sandbox/v1/ledger/summary?order_id=$1")" | jq .captures; }

# letter ORDER STEP: the dead letter as JSON in $letter
letter() {
	letter=$("$PIZZACTL" topic tail order-events-dlq --key "$1" -n 10 -o json |
		jq -ce "[.[] | select(.headers.dlq_failed_step == \"$2\")][0] // empty")
}

# replay DAEMON-OFFSET: hands $letter back; the outcome in $outcome
replay() {
	http POST "$(url "$1" /internal/v1/replay)" "$(jq -c '{messages: [{letter_id: .headers.dlq_id,
		topic: .headers.dlq_original_topic, partition: (.headers.dlq_original_partition | tonumber),
		offset: (.headers.dlq_original_offset | tonumber), key_base64: (.key | @base64),
		value_base64: (.value | tojson | @base64), headers: []}]}' <<<"$letter")" -H "Authorization: Bearer $(token)"
	outcome=$(jq -r '.results[0].outcome' <<<"$output")
}

@test "a charge that keeps failing is held and becomes a dead letter; its replay charges once" {
	"$PIZZACTL" sandbox set --error-5xx 1 >/dev/null
	id=$(order)
	eventually 60 payment_is "$id" held
	eventually 60 letter "$id" charge
	[ "$(jq -r '.headers | "\(.ce_type) \(.dlq_consumer_group) \(.dlq_retry_count)"' <<<"$letter")" = "OrderReserved paymentd 1" ]
	sql_is pizza_payment "SELECT count(*) FROM letters_owed" 0
	sql_is pizza_order "SELECT status FROM orders WHERE order_id = '$id'" reserved
	clear_faults
	replay 3
	[ "$outcome" = applied ]
	eventually 60 payment_is "$id" completed
	[ "$(captures "$id")" = 1 ]
	replay 3
	[ "$outcome" = duplicate ]
	[ "$(captures "$id")" = 1 ]
}

@test "a held charge whose order is cancelled is never made" {
	"$PIZZACTL" sandbox set --error-5xx 1 >/dev/null
	id=$(order)
	eventually 60 payment_is "$id" held
	eventually 60 letter "$id" charge
	"$PIZZACTL" order cancel "$id" >/dev/null
	eventually 60 payment_is "$id" failed
	clear_faults
	replay 3
	[ "$outcome" = duplicate ]
	[ "$(captures "$id")" = 0 ]
}

@test "a message that keeps failing becomes a dead letter; its replay sends it" {
	"$PIZZACTL" sandbox set --provider sms --error-5xx 1 >/dev/null
	id=$(order)
	failed() { sql_is pizza_notify "SELECT count(*) > 0 FROM deliveries d JOIN notifications n USING (notification_id)
		WHERE n.order_id = '$id' AND d.channel = 'sms' AND d.status = 'failed' AND n.kind = 'order_created'" t; }
	eventually 60 failed
	created() { "$PIZZACTL" topic tail order-events-dlq --key "$id" -n 10 -o json |
		jq -ce '[.[] | select(.headers.dlq_failed_step == "sms" and .headers.ce_type == "OrderCreated")][0] // empty'; }
	eventually 60 created
	letter=$(created)
	clear_faults
	replay 4
	[ "$outcome" = applied ]
	sent() { sql_is pizza_notify "SELECT d.status, d.attempts FROM deliveries d JOIN notifications n USING (notification_id)
		WHERE n.order_id = '$id' AND d.channel = 'sms' AND n.kind = 'order_created'" "sent|1"; }
	eventually 60 sent
	replay 4
	[ "$outcome" = duplicate ]
}

@test "breakers are metrics from the start" {
	curl -sS "$(url 3 /metrics)" | grep -q '^pizza_breaker_state{provider="payment"} 0'
	curl -sS "$(url 4 /metrics)" | grep -q '^pizza_breaker_state{provider="sms"} 0'
}
