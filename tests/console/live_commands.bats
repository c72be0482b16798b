# pizzactl against a running system (PIZZA_HOME, PIZZA_PORT_BASE, PIZZACTL): every command's fields, statuses and forms.

load ../common

bats_require_minimum_version 1.5.0

setup_file() {
	[ -S "${PIZZA_HOME:-}/run/pizzad.sock" ] || skip "no system is up"
	local order
	order=$("$PIZZACTL" order create --item margherita:large:2 --item diavola --name 'Eve ピザ' \
		--email eve@example.org --phone +7-900-123-45-67 --address "1 Test Street" --wait paid -o name)
	export ORDER=$order
}

# fields JSON NAME…: the object, or each element of the list, has these members.
fields() {
	local json=$1 name
	shift
	for name; do
		jq -e --arg n "$name" 'if type == "array" then (length > 0 and all(has($n))) else has($n) end' \
			<<<"$json" >/dev/null || { echo "no member $name: $json"; return 1; }
	done
}

@test "status: one row per service, all up" {
	ctl 0 status -o json
	fields "$out" name kind state pid replicas restarts uptime_seconds cpu_percent rss_bytes reason instances
	[ "$(jq -c '[.[] | select(.state != "up").name]' <<<"$out")" = "[]" ]
	[ "$(jq -r '.[] | select(.name == "postgres").kind' <<<"$out")" = backing ]
	[ "$(jq -r '.[] | select(.name == "orderd").instances[0] | has("pid") and has("state") and has("port")' <<<"$out")" = true ]
	ctl 0 status orderd -o name
	[ "$out" = orderd ]
	ctl 3 status oderd
	[[ $err == *"did you mean orderd?"* ]]
}

@test "up again is harmless" {
	ctl 0 up
	[[ $err == *"up already"* ]]
}

@test "orders: created, listed, shown" {
	ctl 0 order create --item funghi --address here -o json
	fields "$out" order_id status total_amount currency created_at
	ctl 0 order ls -o json --limit 3
	fields "$out" order_id status customer_name total_amount currency created_at updated_at
	ctl 0 order show "$ORDER" -o json
	fields "$out" order_id status customer_name total_amount currency created_at updated_at items
	[ "$(jq '.items | length' <<<"$out")" = 2 ]
	ctl 0 order show "$ORDER"
	[[ $out == *'Eve ピザ'* ]]
	[[ $out == *"margherita  large"* ]]
	ctl 3 order show 01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11
	listed() { "$PIZZACTL" order ls --status ready -o name | grep -qxF "$ORDER"; }
	eventually 60 listed
}

@test "orders from a file and from stdin; the same key gives the same order" {
	local body='{"items":[{"pizzaId":"diavola","quantity":1}],"deliveryAddress":"here"}' first
	printf '%s' "$body" >"$BATS_TEST_TMPDIR/order.json"
	ctl 0 order create -f "$BATS_TEST_TMPDIR/order.json" --idempotency-key "k-$BATS_TEST_TMPDIR" -o name
	first=$out
	[ "$(printf '%s' "$body" | "$PIZZACTL" order create -f - --idempotency-key "k-$BATS_TEST_TMPDIR" -o name)" = "$first" ]
	printf '{"items": [' >"$BATS_TEST_TMPDIR/bad.json"
	ctl 2 order create -f "$BATS_TEST_TMPDIR/bad.json"
	[[ $err == *bad.json* ]]
}

@test "a refused order names every bad field" {
	ctl 2 order create --item nosuchpizza --item margherita:large:0 -o json
	[ "$(jq -r .error.code <<<"$err")" = invalid ]
	[[ $err == *items* ]]
	[[ $err == *delivery_address* ]]
}

@test "sagas: the timeline, and waiting" {
	ctl 0 saga ls -o json --limit 5
	fields "$out" order_id state awaiting daemon started_at updated_at age_seconds steps
	ctl 0 saga show "$ORDER" -o json
	fields "$out" order_id state awaiting correlation_id started_at ended_at duration_ms steps
	[ "$(jq -r '[.steps[].event_type][:6] | join(" ")' <<<"$out")" = \
		"OrderCreated StockReserved OrderReserved PaymentRequested PaymentCompleted OrderPaid" ]
	fields "$(jq -c .steps <<<"$out")" seq at since_start_ms event_type event_id causation_id topic partition offset daemon
	[ "$(jq -c '.steps[1].causation_id == .steps[0].event_id' <<<"$out")" = true ]
	ctl 0 saga show "${ORDER}"
	[[ $out == "Order $ORDER   ready   Eve ピザ   3 pizzas"* ]]
	[[ $out == *"+0 ms │ OrderCreated"*"order-events/"*"@"* ]]
	ctl 0 saga wait "$ORDER" --for reserved
	ctl 0 order create --item funghi:large:60 --address here --wait paid -o name # some rounds of all ovens
	ctl 7 saga wait "$out" --for ready --timeout 300ms
	[[ $err == *"Cooking"* ]]
	ctl 3 saga wait 01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11 --timeout 30s
	ctl 3 saga show 01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11
}

@test "a declined order ends with status 4, and says why" {
	ctl 4 order create --item funghi --address here --payment-method pm_card_chargeDeclined --wait paid -o name
	[[ $err == *declined* ]]
	local order=$out
	ctl 0 saga wait "$order" --for cancelled
	ctl 4 saga wait "$order" --for paid
	ctl 0 saga show "$order"
	[[ $out == *because*declined* ]]
	[[ $out == *StockReleased* ]]
}

@test "a cancelled order is refunded, and its saga says after which pause" {
	ctl 0 order create --item funghi:large:100 --address here --wait paid -o name # it takes the kitchen some rounds
	local order=$out
	ctl 0 order cancel "$order" --reason "changed my mind" -o json
	[ "$(jq -r .status <<<"$out")" = cancelled ]
	ctl 0 saga wait "$order" --for cancelled
	ctl 0 saga show "$order" -o json
	[ "$(jq -c '[.steps[].event_type] | contains(["OrderCancelled", "PaymentRefunded"])' <<<"$out")" = true ]
	# What had begun to bake stays consumed.
	jq -e '[.steps[].event_type] | any(. == "StockReleased" or . == "StockConsumed")' <<<"$out"
	ctl 0 saga show "$order"
	[[ $out == *"because changed my mind"* ]]
}

@test "following a saga gives each step once and ends with it" {
	ctl 4 order create --item funghi --address here --payment-method pm_card_chargeDeclined --wait paid -o name
	ctl 0 saga follow "$out" -o jsonl
	[ "$(jq -r .event_id <<<"$out" | sort | uniq -d)" = "" ]
	[ "$(jq -r .event_type <<<"$out" | sort | xargs)" = \
		"OrderCancelled OrderCreated OrderReserved PaymentFailed PaymentRequested StockReleased StockReserved" ]
}

@test "the menu: listed, shown, added, changed, removed" {
	ctl 0 menu ls -o json
	fields "$out" pizza_id name price_amount currency available
	[ "$(jq length <<<"$out")" -ge 8 ]
	local id=test-$RANDOM
	"$PIZZACTL" menu show margherita -o json | jq --arg i $id '{pizza_id: $i, name: "Test", description, prices, currency, recipe}' \
		>"$BATS_TEST_TMPDIR/pizza.json"
	ctl 0 menu add -f "$BATS_TEST_TMPDIR/pizza.json"
	ctl 0 menu set $id prices.large=99900 available=false -o json
	[ "$(jq -c '[.prices.large, .available]' <<<"$out")" = "[99900,false]" ]
	ctl 0 menu rm $id
	ctl 3 menu show $id
}

@test "inventory: stock, deliveries, reservations" {
	ctl 0 inventory ls -o json
	fields "$out" ingredient_id name on_hand reserved consumed available low_threshold
	local before
	before=$("$PIZZACTL" inventory show basil -o json | jq .on_hand)
	ctl 0 inventory restock basil 7 -o none
	ctl 0 inventory show basil -o json
	[ "$(jq .on_hand <<<"$out")" -ge "$before" ]
	ctl 3 inventory show nothing
	ctl 3 inventory show mozzarela
	[[ $err == *"did you mean mozzarella?"* ]]
	ctl 0 inventory reservations --order "$ORDER" -o json
	[[ "$(jq -r '.[0].state' <<<"$out")" == @(reserved|consumed) ]]
}

@test "payments and the sandbox's ledger" {
	ctl 0 payment ls --order "$ORDER" -o json
	fields "$out" payment_id order_id amount currency status provider_id
	local id
	id=$(jq -r '.[0].payment_id' <<<"$out")
	ctl 0 payment show "$id" -o json
	[ "$(jq -r .order_id <<<"$out")" = "$ORDER" ]
	ctl 0 payment show "${id:0:20}" -o json
	[ "$(jq -r .payment_id <<<"$out")" = "$id" ]
	ctl 0 payment show "${ORDER:0:20}" -o name
	[ "$out" = "$id" ]
	ctl 3 payment show 01939b1c
	ctl 0 sandbox ledger --order "${ORDER:0:20}" -o json
	[ "$(jq -r '[.[].kind] | join(" ")' <<<"$out")" = capture ]
	ctl 3 sandbox ledger --order 01939b1c
	local word
	for word in $("$PIZZACTL" completion words -- payment ls --status= | cut -f 1); do ctl 0 payment ls --status "${word#*=}" -o none; done
	for word in $("$PIZZACTL" completion words -- notify ls --status= | cut -f 1); do ctl 0 notify ls --status "${word#*=}" -o none; done
	ctl 0 payment refund "$id" --reason "cold"
	ctl 3 payment show 01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11
	ctl 0 sandbox show -o json
	fields "$out" provider decline delay_ms
}

notified() { [ "$("$PIZZACTL" notify ls --order "$ORDER" -o json | jq length)" -ge 2 ]; }

@test "notifications: listed, shown, sent again; templates" {
	eventually 60 notified
	ctl 0 notify ls --order "$ORDER" -o json
	fields "$out" notification_id order_id kind deliveries
	fields "$(jq -c '.[0].deliveries' <<<"$out")" channel status attempts
	local id
	id=$(jq -r '.[0].notification_id' <<<"$out")
	ctl 0 notify show "${id:0:20}" -o name
	[ "$out" = "$id" ]
	ctl 0 notify show "$id"
	[[ $out == *email* ]]
	ctl 0 notify templates -o json
	fields "$out" kind channel body
}

@test "topics: listed, shown, tailed, written" {
	ctl 0 topic ls -o name
	[[ $out == *order-events* ]]
	ctl 0 topic show order-events -o json
	[ "$(jq '.partitions | length' <<<"$out")" = "$(jq .partition_count <<<"$out")" ]
	ctl 3 topic show order-evnets
	[[ $err == *"did you mean order-events?"* ]]
	ctl 3 menu show margarita
	[[ $err == *"did you mean margherita?"* ]]
	ctl 0 topic tail order-events --key "$ORDER" -n 0 -o json
	fields "$out" topic partition offset timestamp key headers value
	[ "$(jq -r '[.[].value.event_type][:3] | join(" ")' <<<"$out")" = "OrderCreated OrderReserved OrderPaid" ]
	ctl 0 topic tail order-events --type OrderPaid -n 1 -o jsonl
	[ "$(jq -r .value.event_type <<<"$out")" = OrderPaid ]
	ctl 0 topic tail order-events --where "key = '$ORDER' and value.event_type in (OrderReserved, OrderPaid)" -n 2 -o json
	[ "$(jq -r '[.[].value.event_type] | join(" ")' <<<"$out")" = "OrderReserved OrderPaid" ]
	ctl 0 topic tail order-events --where "key = '$ORDER'" --key nobody -o json
	[ "$out" = "[]" ]
	ctl 0 topic tail order-events -n 2
	[ "$(wc -l <<<"$out")" = 2 ]
	ctl 0 topic produce dlq-events --key k --header a=b --value '{"x":"'$'\033''"}' -o json
	fields "$out" topic partition offset
	ctl 0 topic tail dlq-events --key k -n 1 -o json
	[ "$(jq -c '.[0].headers' <<<"$out")" = '{"a":"b"}' ]
	ctl 3 topic produce no-such-topic --value x
}

@test "lag: by topic, group and partition; thresholds; resets are dry runs" {
	ctl 0 lag -o json
	fields "$out" group topic partition committed end lag lag_seconds parked state member
	[ "$(jq '[.[] | select(.lag < 0)] | length' <<<"$out")" = 0 ]
	ctl 0 lag --group orderd --by partition -o json
	[ "$(jq -c '[.[].group] | unique' <<<"$out")" = '["orderd"]' ]
	ctl 0 lag --by group -o name
	[[ $out == *inventoryd* ]]
	ctl 3 lag --group nobody
	ctl 3 lag --group orderdd
	[[ $err == *"did you mean orderd?"* ]]
	ctl 0 lag check --crit 1000000
	ctl 4 lag check --warn 0
	ctl 0 lag reset --group notifyd --topic order-events --to end
	[[ $err == *"Nothing was done"* ]]
	ctl 8 lag reset --group notifyd --topic order-events --to end --yes
}

@test "outbox and key figures" {
	ctl 0 outbox status -o json
	fields "$out" database unpublished oldest_age_ms published_total
	ctl 0 outbox ls
	ctl 3 outbox ls pizza_ordr
	[[ $err == *"did you mean pizza_order?"* ]]
	ctl 0 kpi -o json
	[ "$(jq -c '[.average_order_amount == (.average_order_amount | floor), .currency]' <<<"$out")" = '[true,"RUB"]' ]
	fields "$out" orders_total paid_total cancelled_total orders_per_minute paid_percent average_order_amount \
		end_to_end_p50_ms end_to_end_p99_ms notifications_total notification_delivery_p50_ms cooking_p50_ms
	[ "$(jq .paid_total <<<"$out")" -ge 1 ]
	ctl 0 kpi --since 1h
	[[ $out == *"AVERAGE ORDER"*RUB* ]]
}

@test "logs of a running system, by service and order" {
	ctl 0 logs orderd -n 5 -o json
	fields "$out" ts level service msg
	[ "$(jq -c '[.[].service] | unique' <<<"$out")" = '["orderd"]' ]
	ctl 0 logs -n 50
}

@test "stop names what waits, start brings it on; restart and scale" {
	ctl 0 stop paymentd
	ctl 0 order create --item funghi --address here -o name
	local order=$out
	ctl 0 saga wait "$order" --for reserved --timeout 60s
	ctl 7 saga wait "$order" --for paid --timeout 500ms
	ctl 0 saga show "$order"
	[[ $out == *"waiting "*" for PaymentCompleted from paymentd (paymentd is down"*"pizzactl status paymentd)"* ]]
	ctl 0 saga ls --stuck 0s -o json
	[ "$(jq -r --arg o "$order" '.[] | select(.order_id == $o).daemon' <<<"$out")" = paymentd ]
	ctl 5 payment ls
	[[ $err == *"pizzactl status paymentd"* ]]
	ctl 0 start paymentd
	ctl 0 saga wait "$order" --for paid --timeout 60s
	ctl 0 scale notifyd=2
	ctl 0 status notifyd -o json
	[ "$(jq -c '.[0].replicas' <<<"$out")" = 2 ]
	ctl 0 scale notifyd=1
	ctl 0 restart notifyd
	ctl 2 scale hwd=2
	[[ $err == *"it is the hardware of one kitchen"* ]]
	ctl 3 stop nobody
}

@test "every list in every form, read by independent parsers" {
	local list
	for list in "status" "order ls --limit 20" "saga ls --limit 20" "menu ls" "inventory ls" "payment ls --limit 20" \
		"notify ls --limit 20" "sandbox ledger --limit 20"; do
		"$PIZZACTL" $list -o json >"$BATS_TEST_TMPDIR/l.json"
		"$PIZZACTL" $list -o csv >"$BATS_TEST_TMPDIR/l.csv"
		"$PIZZACTL" $list -o jsonl >"$BATS_TEST_TMPDIR/l.jsonl"
		(cd "$BATS_TEST_TMPDIR" && python3 -c '
import csv, json
rows = json.load(open("l.json"))
assert rows
assert len([json.loads(line) for line in open("l.jsonl")]) == len(rows)
assert len(list(csv.DictReader(open("l.csv", newline="")))) == len(rows)') || { echo "$list"; return 1; }
		"$PIZZACTL" $list -o wide >/dev/null
		"$PIZZACTL" $list -o yaml >/dev/null
		[ "$("$PIZZACTL" $list -o none)" = "" ]
	done
}
