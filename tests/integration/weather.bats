#!/usr/bin/env bats
# Bad weather on a live system: what is stopped or killed comes back, and nothing is lost on the way.

load common

state_of() { "$PIZZACTL" status -o json | jq -r ".[] | select(.name == \"$1\") | .state"; }

state_is() { [ "$(state_of "$1")" = "$2" ]; }

letters() {
	local t n=0
	for t in order inventory payment notification menu; do
		n=$((n + $("$PIZZACTL" topic show "$t-events-dlq" -o json | jq '[.. | .end? // empty] | add // 0')))
	done
	echo $n
}

# A test that failed leaves its weather to nobody, and says what it was like.
teardown() {
	[ -n "$BATS_TEST_COMPLETED" ] && return
	"$PIZZACTL" status
	tail -n 20 "$PIZZA_HOME"/log/pizzad.log
	"$PIZZACTL" up -q
}

@test "Kafka stopped: orders are accepted, the system says degraded, events flow when it is back" {
	"$PIZZACTL" stop kafka
	id=$(order)
	[ -n "$id" ]
	eventually 60 state_is outboxd degraded
	[ "$(sql pizza_order "SELECT status FROM orders WHERE order_id = '$id'")" = pending ]
	"$PIZZACTL" start kafka
	eventually 90 paid "$id"
	eventually 60 state_is outboxd up
}

@test "PostgreSQL stopped: 503 with Retry-After, nothing lost, nothing dead-lettered" {
	letters=$(letters)
	before=$(order)
	"$PIZZACTL" stop postgres
	http POST "$(url 2 /api/v1/orders)" '{"items":[{"pizza_id":"margherita","quantity":1}],"delivery_address":"x"}'
	[ "$code" = 503 ]
	grep -qi '^Retry-After:' "$headers"
	"$PIZZACTL" start postgres
	create() { after=$(order 2>/dev/null); }
	eventually 60 create
	eventually 90 paid "$before"
	eventually 90 paid "$after"
	[ "$(letters)" = "$letters" ]
}

@test "paymentd stopped: sagas wait, the stuck ones name it, and go on when it returns" {
	"$PIZZACTL" stop paymentd
	id=$(order)
	named() { "$PIZZACTL" saga ls --stuck 1s -o json | jq -e ".[] | select(.order_id == \"$id\" and .daemon == \"paymentd\")" >/dev/null; }
	eventually 60 named
	"$PIZZACTL" start paymentd
	eventually 60 paid "$id"
}

@test "a killed daemon is restarted and goes on where it was" {
	for d in orderd inventoryd paymentd notifyd aggregatord outboxd sandboxd; do
		kill -9 "$("$PIZZACTL" status -o json | jq ".[] | select(.name == \"$d\") | .pid")"
		id=$(order card margherita 2>/dev/null) || { create() { id=$(order 2>/dev/null); }; eventually 60 create; }
		eventually 60 paid "$id"
		eventually 60 state_is "$d" up
	done
}

@test "a standby relay takes over when the first is killed" {
	"$PIZZACTL" scale outboxd=2
	kill -9 "$("$PIZZACTL" status -o json | jq '.[] | select(.name == "outboxd") | .instances[0].pid')"
	id=$(order)
	eventually 60 paid "$id"
	"$PIZZACTL" scale outboxd=1
	id=$(order)
	eventually 60 paid "$id"
}

@test "the lease of a killed relay is not waited for" {
	pid=$("$PIZZACTL" status -o json | jq '.[] | select(.name == "outboxd") | .pid')
	kill -STOP "$pid"
	sql pizza_outbox "UPDATE relay_lease SET expires_at = clock_timestamp() + interval '1 hour'"
	kill -9 "$pid"
	id=$(order)
	eventually 60 paid "$id"
}

@test "replicas share the work and leave the group when they go" {
	"$PIZZACTL" scale inventoryd=2
	"$PIZZACTL" scale orderd=2
	for _ in $(seq 20); do id=$(order); done
	eventually 60 paid "$id"
	"$PIZZACTL" scale orderd=1
	"$PIZZACTL" scale inventoryd=1
	for _ in $(seq 20); do id=$(order); done
	eventually 60 paid "$id"
	eventually 60 sql_is pizza_order "SELECT count(*) FROM orders WHERE status IN ('pending', 'reserved')" 0
}

@test "a charge whose reply is lost is captured once" {
	"$PIZZACTL" sandbox set --timeout-after-charge 1 >/dev/null
	id=$(order)
	captured() { [ "$(sql pizza_payment "SELECT attempt >= 1 AND status IN ('processing', 'requested') FROM payments WHERE order_id = '$id'")" = t ]; }
	eventually 60 captured
	"$PIZZACTL" sandbox set --clear >/dev/null
	eventually 90 paid "$id"
	[ "$("$PIZZACTL" sandbox ledger -o json | jq "[.[] | select(.order_id == \"$id\" and .kind == \"capture\")] | length")" = 1 ]
}

# Order events, one a line as `topic tail` shows them, to their partitions once more.
produce_again() {
	local e
	while read -r e; do
		jq -c .value <<<"$e" | kcat -P -b "127.0.0.1:$((PIZZA_PORT_BASE + 92))" -t order-events -k "$(jq -r .key <<<"$e")" \
			-X partitioner=murmur2_random
	done
}

@test "duplicates on the topics have no further effect" {
	id=$(order)
	eventually 60 paid "$id"
	"$PIZZACTL" topic tail order-events --key "$id" -n 10 -o json >"$BATS_TEST_TMPDIR/events"
	jq -c '.[]' "$BATS_TEST_TMPDIR/events" | produce_again
	after=$(order)
	eventually 60 paid "$after"
	sql_is pizza_inventory "SELECT count(*) FROM reservations WHERE order_id = '$id'" 1
	sql_is pizza_payment "SELECT count(*) FROM payments WHERE order_id = '$id'" 1
	sql_is pizza_order "SELECT count(*) FROM outbox_events WHERE aggregate_id = '$id' AND event_type = 'OrderPaid'" 1
}

@test "poison becomes a dead letter and the partition moves on" {
	broker=127.0.0.1:$((PIZZA_PORT_BASE + 92))
	before=$(letters)
	echo 'this is not JSON' | kcat -P -b "$broker" -t inventory-events -k poison
	more() { [ "$(letters)" -gt "$before" ]; }
	eventually 60 more
	for _ in $(seq 12); do id=$(order); done
	eventually 60 paid "$id"
}

@test "Kafka freezes while a dead letter is on its way: consumers wait, and go on" {
	broker=$("$PIZZACTL" status kafka -o json | jq '.[0] // . | .pid')
	"$PIZZACTL" topic produce order-events --key frozen --value '{"not": "an event"}' -q -o none
	kill -STOP "$broker"
	waits() { "$PIZZACTL" status aggregatord -o json | jq -e '.[0] // . | .reason // "" | contains("dead letter")' >/dev/null; }
	seen=0
	eventually 25 waits && seen=1
	kill -CONT "$broker"
	[ $seen = 1 ] || skip "the letter was faster"
	id=$(order)
	eventually 60 paid "$id"
	eventually 60 sql_is pizza_console "SELECT paid_at IS NOT NULL FROM sagas WHERE order_id = '$id'" t
}

@test "PostgreSQL and Kafka away at once: who waited for the one reads on after the other" {
	for _ in $(seq 12); do id=$(order); done
	eventually 60 paid "$id"
	# those that inventoryd wants: others it passes over, PostgreSQL or not
	"$PIZZACTL" topic tail order-events -n 200 -o json | jq -c '.[] | select(.value.event_type == "OrderCreated")' |
		tail -n 12 >"$BATS_TEST_TMPDIR/events"
	[ -s "$BATS_TEST_TMPDIR/events" ]
	reason_has() { "$PIZZACTL" status "$1" -o json | jq -e --arg w "$2" '.[0] // . | .reason // "" | contains($w)' >/dev/null; }
	"$PIZZACTL" stop postgres
	produce_again <"$BATS_TEST_TMPDIR/events"
	eventually 60 reason_has inventoryd waits
	"$PIZZACTL" stop kafka
	eventually 60 reason_has inventoryd kafka
	"$PIZZACTL" start kafka
	"$PIZZACTL" start postgres
	create() { id=$(order 2>/dev/null); }
	eventually 60 create
	for _ in $(seq 11); do id=$(order); done
	eventually 90 paid "$id"
	eventually 60 sql_is pizza_order "SELECT count(*) FROM orders WHERE status IN ('pending', 'reserved')" 0
}

@test "the read model rebuilt from the topics equals the live one" {
	quiet() { sql_is pizza_order "SELECT count(*) FROM orders WHERE status NOT IN ('ready', 'cancelled')" 0; }
	eventually 120 quiet
	settled() { [ "$("$PIZZACTL" lag --group aggregatord -o json | jq '[.[] | .lag] | map(select(. > 0)) | length')" = 0 ] &&
		[ "$("$PIZZACTL" outbox status -o json | jq '[.[].unpublished] | add')" = 0 ]; }
	eventually 60 settled
	dump() {
		sql pizza_console "SELECT * FROM sagas ORDER BY order_id" | sha256sum
		sql pizza_console "SELECT event_id, order_id, event_type, topic, partition, \"offset\", at FROM events ORDER BY event_id" | sha256sum
	}
	dump >"$BATS_TEST_TMPDIR/live"
	"$PIZZACTL" saga rebuild
	done_() { http GET "$(url 7 /api/v1/rebuild)"; jq -e '.running == false and .finished_at != null' <<<"$output" >/dev/null; }
	eventually 120 done_
	same() { dump >"$BATS_TEST_TMPDIR/rebuilt"; cmp -s "$BATS_TEST_TMPDIR/live" "$BATS_TEST_TMPDIR/rebuilt"; }
	eventually 120 same
}

@test "a menu that is published piece by piece is no menu until all pieces are there" {
	local size
	size=$(sql pizza_menu "SELECT count(*) + 2 FROM menu_items")
	publish() { # publish PIZZA: as menud does while two pizzas are new
		sql pizza_menu "SELECT json_build_object('event_id', gen_random_uuid(), 'event_type', event_type, 'event_version', 1,
			'aggregate_id', '$1', 'aggregate_seq', 1, 'timestamp', '2026-01-01T00:00:00.000000Z',
			'correlation_id', gen_random_uuid(), 'event_data', event_data::jsonb || '{\"pizza_id\": \"$1\", \"available\": false,
			\"catalogue_size\": $size}') FROM outbox LIMIT 1" | kcat -P -b "127.0.0.1:$((PIZZA_PORT_BASE + 92))" -t menu-events -k "$1"
	}
	"$PIZZACTL" stop orderd
	sql pizza_order "DELETE FROM menu_copy"
	publish first-half
	"$PIZZACTL" start orderd &
	known() { [ "$(sql pizza_order "SELECT count(*) FROM menu_copy")" = "$1" ]; }
	eventually 60 known $((size - 1))
	says() { [[ $("$PIZZACTL" status orderd -o json | jq -r '.[0].reason') == *"$1"* ]]; }
	eventually 60 says 'menu-events has not been read to its end'
	publish second-half
	wait $!
	[ "$("$PIZZACTL" status orderd -o json | jq -r '.[0].state')" = up ]
	known "$size"
}
