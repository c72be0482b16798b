# The checker's own test, sourced by run.sh: on a system that was found right, and whose daemons are stopped, one violation
# of each invariant is made, and exactly that invariant must be found broken.  The first ones are taken back; those
# that need a record in a topic stay, and come last.

sql() { # sql DATABASE STATEMENT
	psql -X -A -t -q -v ON_ERROR_STOP=1 -h "$PIZZA_HOME/run" -d "$1" -c "$2"
}

broker() {
	echo "127.0.0.1:$((PIZZA_PORT_BASE + 92))"
}

# broken_now OPTIONS…: the numbers of the invariants that are broken, in one line.
broken_now() {
	"$build/harness/check" --no-wait "$@" >"$work/selftest.log" 2>&1
	if [ $? -gt 1 ]; then
		cat "$work/selftest.log" >&2
		echo "error"
		return
	fi
	sed -n 's/^invariant \([0-9]*\) broken.*/\1/p' "$work/selftest.log" | xargs
}

# expect NUMBER [OPTIONS…]: exactly this one is broken, besides those that stay so.
standing= selftest_failed=0
expect() {
	local number=$1 wanted found
	shift
	wanted=$(printf '%s\n' $standing "$number" | sort -n | xargs)
	found=$(broken_now "$@")
	if [ "$found" = "$wanted" ]; then
		echo "ok $number: a seeded violation is found$([ -n "$standing" ] && echo " (besides $standing)")"
	else
		echo "not ok $number: broken are '$found', expected '$wanted'"
		grep -A 3 broken "$work/selftest.log"
		selftest_failed=1
	fi
}

# seeded NUMBER DATABASE DO UNDO [OPTIONS…]
seeded() {
	local number=$1 database=$2 do=$3 undo=$4
	shift 4
	sql "$database" "$do" >/dev/null || {
		echo "not ok $number: could not be seeded"
		selftest_failed=1
		return
	}
	expect "$number" "$@"
	[ -z "$undo" ] || sql "$database" "$undo" >/dev/null
}

# publish DATABASE TOPIC: every row of that outbox and topic with aggregate `seeded…` goes to its topic, as the relay would.
publish() {
	sql "$1" "SELECT '{\"event_id\":\"' || id || '\",\"event_type\":\"' || event_type || '\",\"event_version\":1,\"aggregate_id\":'
		|| to_json(aggregate_id) || ',\"aggregate_seq\":' || aggregate_seq || ',\"timestamp\":\"'
		|| to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') || 'Z\",\"correlation_id\":\"'
		|| correlation_id || '\",\"causation_id\":null,\"event_data\":' || event_data || '}'
		FROM outbox WHERE event_data LIKE '%\"seeded\"%' AND topic = '$2' ORDER BY seq" |
		kcat -P -b "$(broker)" -t "$2" -k "$3" -X partitioner=murmur2_random
}

selftest() {
	local order letter d found
	say "the checker's own test"
	for d in orderd inventoryd paymentd kitchend notifyd menud outboxd dlqd sandboxd; do
		"$PIZZACTL" stop $d >/dev/null 2>&1 || return 1
	done
	found=$(broken_now --history "$history")
	[ -z "$found" ] || {
		echo "not ok: broken before anything was seeded: $found"
		grep -A 3 broken "$work/selftest.log"
		return 1
	}
	order=$(sql pizza_order "SELECT order_id FROM orders WHERE status = 'ready' LIMIT 1")

	seeded 01 pizza_order \
		"INSERT INTO idempotency_keys SELECT key || '-again', request_hash, order_id FROM idempotency_keys LIMIT 1" \
		"DELETE FROM idempotency_keys WHERE key LIKE '%-again'" --history "$history"
	seeded 02 pizza_menu "UPDATE menu_items SET version = version + 1 WHERE pizza_id = 'margherita'" \
		"UPDATE menu_items SET version = version - 1 WHERE pizza_id = 'margherita'"
	seeded 03 pizza_payment "UPDATE outbox SET event_data = event_data || ' ' WHERE id = (SELECT min(id::text)::uuid FROM outbox)" \
		"UPDATE outbox SET event_data = rtrim(event_data)"
	seeded 05 pizza_notify "INSERT INTO notifications SELECT gen_random_uuid(), order_id, event_id, correlation_id, created_at,
		resends, kind, 'skipped', aggregate_id, data, 'seeded', body FROM notifications WHERE event_id IS NOT NULL LIMIT 1" \
		"DELETE FROM notifications WHERE subject = 'seeded'"
	seeded 06 pizza_sandbox "INSERT INTO payment_intents (id, amount, currency, payment_method, status, reason, order_id, metadata)
		SELECT gen_random_uuid(), amount, currency, payment_method, status, 'seeded', order_id, metadata FROM payment_intents
		WHERE order_id = '$order'" "DELETE FROM payment_intents WHERE reason = 'seeded'"
	seeded 07 pizza_inventory "INSERT INTO restocks (event_id, ingredient_id, quantity, reason, reply)
		VALUES (gen_random_uuid(), 'basil', 1000, 'seeded', '{}')" "DELETE FROM restocks WHERE reason = 'seeded'"
	seeded 09 pizza_inventory "CREATE TABLE seeded AS SELECT * FROM inbox LIMIT 1;
		DELETE FROM inbox USING seeded WHERE inbox.event_id = seeded.event_id" \
		"INSERT INTO inbox SELECT * FROM seeded; DROP TABLE seeded"
	seeded 11 pizza_dlq "INSERT INTO letters (letter_id, failed_at, first_failed_at, \"offset\", dlq_offset, event_seq, partition,
		dlq_partition, retry_count, replay_count, readable, state, topic, dlq_topic, consumer_group, error_code,
		error_reason, failed_step, fingerprint, headers) VALUES ('00000000-0000-4000-8000-00000000000b', now(), now(), 0, 0,
		0, 0, 0, 0, 0, true, 'unresolved', 'order-events', 'order-events-dlq', 'orderd', 'failed', 'seeded', 'parse', 'x', '[]')" \
		"DELETE FROM letters WHERE error_reason = 'seeded'"
	{
		cat "$history"
		echo '{"op":"replay","order_id":"seeded","reply":"inventoryd","outcome":"applied"}'
	} >"$work/history-seeded"
	expect 12 --history "$work/history-seeded"
	seeded 13 pizza_console "UPDATE sagas SET state = 'cooking' WHERE order_id = '$order'" \
		"UPDATE sagas SET state = 'ready' WHERE order_id = '$order'"
	seeded 14 pizza_console "UPDATE sagas SET customer_name = 'seeded' WHERE order_id = '$order'" "" --rebuild
	seeded 15 pizza_order "CREATE TABLE seeded AS SELECT order_id, correlation_id FROM orders WHERE order_id = '$order';
		UPDATE orders SET correlation_id = gen_random_uuid() WHERE order_id = '$order'" \
		"UPDATE orders o SET correlation_id = s.correlation_id FROM seeded s WHERE s.order_id = o.order_id; DROP TABLE seeded"

	# A record that goes to a topic stays there.
	sql pizza_inventory "UPDATE stock_levels SET seq = seq + 1 WHERE ingredient_id = 'basil';
		INSERT INTO outbox (id, aggregate_seq, correlation_id, topic, aggregate_id, event_type, event_data)
		SELECT gen_random_uuid(), seq, gen_random_uuid(), 'inventory-events', ingredient_id, 'StockReleased',
		'{\"reason\":\"seeded\",\"lines\":[]}' FROM stock_levels WHERE ingredient_id = 'basil'" >/dev/null
	publish pizza_inventory inventory-events basil
	expect 08
	standing=08
	letter=00000000-0000-4000-8000-00000000000a
	sql pizza_dlq "INSERT INTO letters (letter_id, failed_at, first_failed_at, \"offset\", dlq_offset, event_seq, partition,
		dlq_partition, retry_count, replay_count, readable, state, topic, dlq_topic, consumer_group, error_code,
		error_reason, failed_step, fingerprint, headers) VALUES ('$letter', now(), now(), 0, 0, 0, 0, 0, 0, 0, true,
		'unresolved', 'menu-events', 'menu-events-dlq', 'seeded', 'failed', 'seeded', 'parse', 'x', '[]')" >/dev/null
	printf 'another value' | kcat -P -b "$(broker)" -t order-events-dlq -k seeded -H dlq_id=$letter \
		-H dlq_original_topic=order-events -H dlq_original_partition=0 -H dlq_original_offset=0 -H dlq_consumer_group=seeded
	expect 10
	standing="08 10"
	kcat -C -b "$(broker)" -t payment-events -p 0 -o 0 -c 1 -e -q >"$work/value" 2>/dev/null
	printf '%s' "$(cat "$work/value")" >"$work/value"
	kcat -P -b "$(broker)" -t payment-events -p 1 -k "$(jq -r .aggregate_id "$work/value")" "$work/value"
	expect 04
	return $selftest_failed
}
