#!/usr/bin/env bats
# Waits that last too long are cancelled with compensation; outages of our own are no waits.  Retry and compensate.

load common

status_is() { sql_is pizza_order "SELECT status FROM orders WHERE order_id = '$1'" "$2"; }

# A deadline of some seconds, reloaded into orderd.
deadline() {
	printf 'order:\n  deadline: %s\n' "$1" >"$PIZZA_CONFIG"
	kill -HUP "$(orderd_pid)"
	eventually 60 sql_is pizza_order "SELECT DISTINCT cancel_after FROM order_deadlines" "$2"
}

orderd_pid() { "$PIZZACTL" status -o json | jq '.[] | select(.name == "orderd") | .pid'; }

# The configuration file is read again from where the daemons found it when they started.
setup() {
	export PIZZA_CONFIG=${XDG_CONFIG_HOME:-$HOME/.config}/pizza/pizza.yaml
	mkdir -p "$(dirname "$PIZZA_CONFIG")"
	if [ ! -e "$PIZZA_CONFIG" ]; then printf 'log:\n  level: info\n' >"$PIZZA_CONFIG"; fi
	cp "$PIZZA_CONFIG" "$BATS_TEST_TMPDIR/before.yaml"
}

teardown() {
	"$PIZZACTL" start paymentd kafka >/dev/null 2>&1 || true
	cp "$BATS_TEST_TMPDIR/before.yaml" "$PIZZA_CONFIG"
	kill -HUP "$(orderd_pid)"
}

attentive() { sql_is pizza_order "SELECT max(until) > clock_timestamp() - interval '3 s' FROM order_attention" t; }

@test "a wait on a daemon that is down is cancelled by the deadline and compensated" {
	eventually 60 attentive
	"$PIZZACTL" stop paymentd
	id=$(order)
	eventually 60 status_is "$id" reserved
	deadline 3s 00:00:03
	eventually 60 status_is "$id" cancelled
	sql_is pizza_order "SELECT cancelled_by, reason FROM orders WHERE order_id = '$id'" "deadline|no PaymentCompleted within 3.00 s"
	eventually 60 sql_is pizza_inventory "SELECT state FROM reservations WHERE order_id = '$id'" released
	"$PIZZACTL" start paymentd
	settled() { sql_is pizza_payment "SELECT status IN ('cancelled', 'refunded') FROM payments WHERE order_id = '$id'" t; }
	eventually 60 settled
}

@test "paid orders have no deadline" {
	id=$(order)
	eventually 60 paid "$id"
	deadline 1s 00:00:01
	# The search has gone past it: a later wait that is overdue has been ended.
	"$PIZZACTL" stop paymentd
	other=$(order)
	eventually 60 status_is "$other" cancelled
	paid "$id"
}

@test "an outage of Kafka cancels nothing, however long it lasts" {
	eventually 60 attentive
	"$PIZZACTL" stop kafka
	id=$(order)
	deadline 8s 00:00:08
	age() { sql_is pizza_order "SELECT clock_timestamp() - updated_at > interval '13 s' FROM orders WHERE order_id = '$id'" t; }
	eventually 60 age
	status_is "$id" pending
	back() { "$PIZZACTL" start kafka; }
	eventually 120 back
	eventually 90 paid "$id"
}

@test "orderd stopped for longer than the deadline cancels nothing" {
	eventually 60 attentive
	deadline 8s 00:00:08
	"$PIZZACTL" stop paymentd
	id=$(order)
	eventually 60 status_is "$id" reserved
	pid=$(orderd_pid)
	kill -STOP "$pid"
	"$PIZZACTL" start paymentd
	eventually 60 sql_is pizza_payment "SELECT status FROM payments WHERE order_id = '$id'" completed
	late() { sql_is pizza_order "SELECT clock_timestamp() - updated_at > interval '12 s' FROM orders WHERE order_id = '$id'" t; }
	eventually 60 late
	kill -CONT "$pid"
	eventually 60 paid "$id"
}

stations() { # stations pause|resume: all of them
	"$PIZZACTL" kitchen status -o name | while read -r s; do "$PIZZACTL" kitchen "$1" "$s" --yes --reason test -q 3>&-; done
}

operator() { http POST "$(url 2 "$1")" "$2" -H "Authorization: Bearer $(token)" "${@:3}"; }

@test "saga retry asks who owes the step, checks the version, changes nothing; compensate is idempotent" {
	stations pause # the order stays paid
	"$PIZZACTL" sandbox set --error-5xx 1 >/dev/null
	id=$(order)
	waits() { sql_is pizza_payment "SELECT tries >= 3 FROM payments WHERE order_id = '$id'" t; }
	eventually 60 waits
	operator "/api/v1/sagas/$id/retry" '{"expected_version":1}'
	[ "$code" = 409 ]
	operator "/api/v1/sagas/$id/retry" '{}' -H 'If-Match: "2"'
	[ "$code" = 200 ]
	[ "$(jq -r '"\(.awaiting) \(.daemon)"' <<<"$output")" = "PaymentCompleted paymentd" ]
	[ "$(jq '[.hastened[] | select(.daemon == "paymentd")] | length' <<<"$output")" = 1 ]
	"$PIZZACTL" sandbox set --clear >/dev/null
	eventually 60 paid "$id"
	operator "/api/v1/sagas/$id/retry" ''
	[ "$code" = 200 ]
	[ "$(jq -r '"\(.awaiting) \(.daemon)"' <<<"$output")" = "CookingStarted kitchend" ]
	[ "$(jq '[.hastened[] | select(.daemon == "kitchend")] | length' <<<"$output")" = 1 ]
	run "$PIZZACTL" saga compensate "$id" --expect-version 2 --reason test --yes
	[ "$status" = 9 ]
	operator "/api/v1/sagas/$id/compensate" '{"expected_version":2,"reason":"test"}'
	[ "$code" = 409 ]
	operator "/api/v1/sagas/$id/compensate" '{"expected_version":3,"reason":"test"}'
	[ "$code" = 200 ]
	operator "/api/v1/sagas/$id/compensate" '{"expected_version":3,"reason":"test"}'
	[ "$code" = 200 ]
	sql_is pizza_order "SELECT version, cancelled_by FROM orders WHERE order_id = '$id'" "4|operator"
	eventually 60 sql_is pizza_payment "SELECT status FROM payments WHERE order_id = '$id'" refunded
	sql_is pizza_order "SELECT count(*) FROM audit WHERE target = '$id' AND action = 'saga.compensate' AND outcome = 'ok'" 2
	stations resume
	ready=$(order)
	"$PIZZACTL" saga wait "$ready" --for ready --timeout 120s
	operator "/api/v1/sagas/$ready/retry" ''
	[ "$code" = 409 ]
	run "$PIZZACTL" saga retry "$ready" --reason test --yes
	[ "$status" = 9 ]
	operator "/api/v1/sagas/00000000-0000-7000-8000-000000000000/retry" ''
	[ "$code" = 404 ]
}
