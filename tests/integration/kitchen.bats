#!/usr/bin/env bats
# The kitchen: the saga to ready, kills in the middle of a bake, and each fault to what becomes of the orders.

load common

pid_of() { "$PIZZACTL" status "$1" -o json | jq '.[0].pid'; }

setup_file() { # ovens that take in what other tests have ordered, and are hot
	export PIZZA_CONFIG=${XDG_CONFIG_HOME:-$HOME/.config}/pizza/pizza.yaml
	mkdir -p "$(dirname "$PIZZA_CONFIG")"
	[ -e "$PIZZA_CONFIG" ] || printf 'log:\n  level: info\n' >"$PIZZA_CONFIG"
	cp "$PIZZA_CONFIG" "$BATS_FILE_TMPDIR/before.yaml"
	printf 'kitchen:\n  rescue: 2s\n' >"$PIZZA_CONFIG"
	kill -HUP "$(pid_of kitchend)"
	kitchen_is_free
}

teardown_file() {
	cp "$BATS_FILE_TMPDIR/before.yaml" "$PIZZA_CONFIG"
	kill -HUP "$(pid_of kitchend)"
}

setup() {
	for d in $("$PIZZACTL" kitchen status -o json | jq -r '.[] | select((.faults | length) > 0 or .state == "offline") | .device'); do
		"$PIZZACTL" hw clear "$d" -o none
	done
	for d in $("$PIZZACTL" kitchen status -o json | jq -r '.[] | select(.mode != "open") | .device'); do
		"$PIZZACTL" kitchen resume "$d" --yes -o none
	done
	eventually 60 all_hot
}

kitchen_is_free() {
	eventually 120 sql_is pizza_kitchen "SELECT count(*) FROM tickets WHERE state IN ('queued', 'prepping', 'baking', 'checking')" 0
}
all_hot() { [ "$("$PIZZACTL" kitchen status -o json | jq 'map(select(.state == "ready" or .state == "in use")) | length')" = 6 ]; }

tickets() { # tickets ORDER: number, state, station and remakes of each
	sql pizza_kitchen "SELECT ticket_id, state, device, remakes FROM tickets WHERE order_id = '$1' ORDER BY 1"
}
baking() { # baking ORDER N: so many of its tickets are in a deck
	sql_is pizza_kitchen "SELECT count(*) FROM tickets WHERE order_id = '$1' AND state = 'baking'" "$2"
}
happened() { # happened ORDER EVENT: how often
	sql pizza_console "SELECT count(*) FROM events WHERE order_id = '$1' AND event_type = '$2'"
}
happened_n() { [ "$(happened "$1" "$2")" = "$3" ]; }
state_is() { # state_is STATION STATE
	[ "$("$PIZZACTL" kitchen status -o json | jq -r --arg d "$1" '.[] | select(.device == $d) | .state')" = "$2" ]
}
ready() { "$PIZZACTL" saga wait "$1" --for ready --timeout 60s -o none; }
# Nothing was baked twice, nothing forgotten.
baked_once() {
	ready "$1"
	eventually 60 happened_n "$1" CookingCompleted 1
	[ "$(happened "$1" CookingStarted)" = 1 ]
	[ "$(happened "$1" CookingFailed)" = 0 ]
	[ "$(sql pizza_kitchen "SELECT count(*) FILTER (WHERE state = 'done') = count(*) FROM tickets WHERE order_id = '$1'")" = t ]
}
empty_decks() {
	[ "$("$PIZZACTL" hw ls -o json | jq '[.[] | .loaded // 0] | add')" = 0 ]
}

@test "a paid order is baked: events, stock, message, timeline, lists" {
	id=$(order card margherita 2)
	baked_once "$id"
	[ "$(sql pizza_order "SELECT status FROM orders WHERE order_id = '$id'")" = ready ]
	eventually 60 sql_is pizza_inventory "SELECT state FROM reservations WHERE order_id = '$id'" consumed
	eventually 60 sql_is pizza_notify "SELECT count(*) FROM notifications WHERE order_id = '$id' AND kind = 'order_ready'" 1
	events=$("$PIZZACTL" saga show "$id" -o json | jq -r '[.steps[].event_type] | join(" ")')
	for e in OrderPaid CookingStarted OrderCooking StockConsumed CookingCompleted OrderReady; do
		[[ " $events " == *" $e "* ]]
	done
	[ "$("$PIZZACTL" saga show "$id" -o json | jq -r '"\(.state) \(.awaiting)"')" = "ready null" ]
	[[ $("$PIZZACTL" order ls --status ready -o name) == *$id* ]]
	ctl 0 kitchen tickets --order "$id" -o json
	[ "$(jq -r '[.[].state] | join(" ")' <<<"$out")" = "done done" ]
	[ "$(jq '.[0] | has("ready_in_ms") and has("promised_at") and has("device")' <<<"$out")" = true ]
	ctl 0 kitchen show "$(jq '.[0].ticket' <<<"$out")" -o json
	[ "$(jq -r .order_id <<<"$out")" = "$id" ]
	eventually 60 empty_decks
	ctl 9 order cancel "$id"
}

@test "kitchend killed in the middle of a bake: what lies on the decks bakes on" {
	bakes margherita 3
	pid=$(pid_of kitchend)
	kill -9 "$pid"
	baked_once "$id"
}

@test "hwd killed in the middle of a bake" {
	bakes margherita 3
	pid=$(pid_of hwd)
	kill -9 "$pid"
	baked_once "$id"
	eventually 60 all_hot
}

@test "both killed at once" {
	bakes margherita 2
	kitchend=$(pid_of kitchend) hwd=$(pid_of hwd)
	kill -9 "$kitchend" "$hwd"
	baked_once "$id"
	eventually 60 all_hot
}

# bakes PIZZA N: all N of a new order ($id) bake just now; one that was done before it was seen gives way to another.
bakes() {
	local try
	for try in 1 2 3 4 5 6 7 8; do
		id=$(order card "$1" "$2")
		eventually 60 begun "$id" "$2"
		if baking "$id" "$2"; then return 0; fi
	done
	return 1
}
begun() { # begun ORDER N
	sql_is pizza_kitchen "SELECT count(*) FILTER (WHERE state = 'baking') = $2 OR bool_or(ended_at IS NOT NULL) FROM tickets WHERE order_id = '$1'" t
}

# hold_baking PIZZA N: kitchend ($pid) is stopped while all N of a new order ($id) bake.
hold_baking() {
	pid=$(pid_of kitchend)
	bakes "$1" "$2" && kill -STOP "$pid"
}
# Nobody takes it out in time: it burns.
burn() {
	eventually 60 burnt_lies
	kill -CONT "$pid"
}
burnt_lies() { # by the hardware alone: pizzactl asks kitchend, too
	local d
	for d in oven-1 oven-2 oven-3 oven-4 pan-1 pan-2; do
		curl -s "$(url 12 "/api/v1/hw/$d")" | grep -q '"state":"burnt"' && return 0
	done
	return 1
}

@test "a burnt pizza is made again, and its ingredients are consumed again" {
	hold_baking hawaiian 1
	burn
	eventually 60 happened_n "$id" TicketRemade 1
	baked_once "$id"
	eventually 60 happened_n "$id" StockConsumed 2
	[ "$(sql pizza_kitchen "SELECT remakes FROM tickets WHERE order_id = '$id'")" = 1 ]
}

@test "burnt, and an ingredient has run out: the order fails, is cancelled and refunded, and the customer is told" {
	hold_baking hawaiian 1
	eventually 60 happened_n "$id" StockConsumed 1
	sql pizza_inventory "UPDATE stock_levels SET consumed = consumed + on_hand, on_hand = 0, version = version + 1, low = true
		WHERE ingredient_id = 'pineapple'"
	burn
	eventually 60 happened_n "$id" CookingFailed 1
	eventually 60 sql_is pizza_order "SELECT status || ' ' || cancelled_by || ' ' || reason FROM orders WHERE order_id = '$id'" \
		"cancelled kitchend out of stock: pineapple"
	eventually 60 sql_is pizza_payment "SELECT status FROM payments WHERE order_id = '$id'" refunded
	eventually 60 sql_is pizza_notify "SELECT count(*) FROM notifications WHERE order_id = '$id' AND kind = 'order_cancelled'" 1
	[ "$(tickets "$id" | cut -d'|' -f2)" = failed ]
	# What was consumed stays consumed.
	[ "$(sql pizza_inventory "SELECT state FROM reservations WHERE order_id = '$id'")" = consumed ]
	[ "$(happened "$id" StockReleased)" = 0 ]
	eventually 60 sql_is pizza_console "SELECT state FROM sagas WHERE order_id = '$id'" cancelled
	[[ $("$PIZZACTL" inventory ls --low -o name) == *pineapple* ]]
	ctl 0 inventory restock pineapple 100000000 --reason "a lorry came"
	[[ $("$PIZZACTL" inventory ls --low -o name) != *pineapple* ]]
	[ "$("$PIZZACTL" inventory reservations --order "$id" -o json | jq -r '.[0].state')" = consumed ]
}

# catch FAULT STATE: an order ($id) that bakes in an oven ($oven) when the fault turns the oven into the state; a pizza
# that was done before gives way to another one.
catch() {
	local try
	for try in 1 2 3 4 5 6 7 8; do
		hold_baking margherita 1 || continue
		oven=$(tickets "$id" | cut -d'|' -f3)
		ctl 0 hw fault "$oven" "$1" --reason test
		kill -CONT "$pid"
		eventually 60 state_is "$oven" "$2"
		[ "$(tickets "$id" | cut -d'|' -f2)" = done ] || return 0
		ctl 0 hw clear "$oven" --reason "try $try"
		eventually 60 all_hot
	done
	return 1
}

@test "a faulted oven's tickets go elsewhere, and the oven comes back" {
	for fault in heater-dead sensor-disconnected; do
		catch $fault faulted
		[ "$("$PIZZACTL" kitchen status -o json | jq -r --arg d "$oven" '.[] | select(.device == $d) | .faults[0]')" = $fault ]
		baked_once "$id"
		[ "$(tickets "$id" | cut -d'|' -f3)" != "$oven" ]
		ctl 0 hw clear "$oven" --reason test
		eventually 60 all_hot
	done
}

@test "sensors that lie and doors that stand open close their ovens; one that does not say so is found out; cron is told" {
	ctl 0 hw fault oven-1 sensor-stuck
	ctl 0 hw fault oven-2 sensor-noisy
	ctl 0 hw fault oven-3 door-open
	ctl 0 hw set oven-4 door=open # no fault is reported
	for d in oven-1 oven-2 oven-3 oven-4; do eventually 60 state_is $d faulted; done
	# What is found out later is saved, too.
	eventually 60 sql_is pizza_kitchen "SELECT faults LIKE 'sensor-stuck%sensor-still' FROM devices WHERE device = 'oven-1'" t
	ctl 4 hw check -o json
	[ "$(jq -r '.[] | select(.device == "oven-4") | .faults | join(" ")' <<<"$out")" = door-left-open ]
	id=$(order)
	baked_once "$id"
	[[ $(tickets "$id" | cut -d'|' -f3) == pan-* ]]
	ctl 0 hw set oven-4 door=closed
	for d in oven-1 oven-2 oven-3; do ctl 0 hw clear $d; done
	eventually 60 all_hot
	ctl 0 hw check
}

@test "an overheating oven is left, trips its cut-out, and is reset once it is mended" {
	ctl 0 hw fault oven-1 thermostat-stuck
	eventually 60 state_is oven-1 faulted
	eventually 60 cut_out oven-1
	id=$(order)
	baked_once "$id"
	[ "$(tickets "$id" | cut -d'|' -f3)" != oven-1 ]
	ctl 0 hw clear oven-1
	eventually 60 all_hot
}
cut_out() { [[ $("$PIZZACTL" kitchen status -o json | jq -r --arg d "$1" '.[] | select(.device == $d) | .faults | join(" ")') == *cutout* ]]; }

timed() { # timed ORDER N: so many of its tickets have a timer
	sql_is pizza_kitchen "SELECT count(timer) FROM tickets WHERE order_id = '$1'" "$2"
}
timer_is() { # timer_is TIMER STATE FAULTS: as the kitchen sees it
	[ "$(curl -s "$(url 6 /api/v1/kitchen)" | jq -r --arg d "$1" '.timers[] | select(.device == $d) | "\(.state) \(.faults | join(" "))"')" = "$2 $3" ]
}

@test "a timer that drifts gets no bakes; what it counted for goes on; once mended, it is back as soon as it has been right" {
	id=$(order card margherita 3)
	eventually 60 timed "$id" 3
	ticket=$(tickets "$id" | head -n 1 | cut -d'|' -f1)
	timer=$("$PIZZACTL" kitchen show "$ticket" -o json | jq -r .timer)
	[[ $timer == timer-* ]]
	ctl 0 hw fault "$timer" timer-drift
	eventually 60 timer_is "$timer" faulted timer-drift
	[ "$("$PIZZACTL" kitchen status -o json | jq --arg t "$timer" '[.[].decks[] | select(.timer == $t)] | length')" = 0 ]
	baked_once "$id"
	[ "$("$PIZZACTL" kitchen show "$ticket" -o json | jq -r '"\(.moves) \(.remakes)"')" = "0 0" ]
	# It is found out by how it counts, too, and that is remembered when it says no more that it drifts.
	ctl 0 hw set "$timer" duration=900 run=on
	eventually 60 timer_is "$timer" faulted "timer-drift wrong-time"
	ctl 4 hw check -o json
	[ "$(jq -r '[.[] | .device, .why] | join(" ")' <<<"$out")" = "$timer timer-drift, wrong-time" ]
	id=$(order card margherita 9) # more than there are timers
	baked_once "$id"
	[ "$(sql pizza_kitchen "SELECT count(*) FILTER (WHERE timer = '$timer'), count(DISTINCT timer) FROM tickets WHERE order_id = '$id'")" = "0|7" ]
	ctl 0 hw set "$timer" run=off
	ctl 0 hw clear "$timer"
	eventually 60 timer_is "$timer" faulted wrong-time
	ctl 4 hw check
	eventually 60 timer_is "$timer" idle ""
	ctl 0 hw check
	eventually 60 stopped "$timer"
}
stopped() { [ "$("$PIZZACTL" hw show "$1" -o json | jq .running)" = false ]; }

kept() { sql_is pizza_kitchen "SELECT state || ' ' || faults FROM devices WHERE device = '$1'" "$2"; }
logged() { # logged DAEMON MESSAGE: ever
	"$PIZZACTL" logs "$1" -n 0 -o json | jq -e --arg m "$2" 'any(.[]; .msg == $m)' >/dev/null
}

@test "what was found out by behaviour survives kitchend, and is given up once the device proves sound" {
	ctl 0 hw set oven-4 door=open # no fault is reported
	eventually 60 kept oven-4 "faulted door-left-open"
	pid=$(pid_of kitchend)
	kill -9 "$pid"
	eventually 60 state_is oven-4 faulted
	ctl 0 stop kitchend
	[[ $(sql pizza_kitchen "SELECT faults FROM devices WHERE device = 'oven-4'") == door-left-open ]]
	ctl 0 hw set oven-4 door=closed
	sql pizza_kitchen "UPDATE devices SET faults = 'wrong-time' WHERE device = 'timer-2'" # which is sound
	ctl 0 start kitchend
	eventually 60 logged kitchend "timer-2 is faulted: wrong-time"
	eventually 60 timer_is timer-2 idle ""
	eventually 60 kept timer-2 "idle "
	eventually 60 all_hot
	ctl 0 hw check
}

@test "kitchend killed while timers count: they count on for the same pizzas" {
	id=$(order card margherita 2)
	eventually 60 timed "$id" 2
	before=$(sql pizza_kitchen "SELECT ticket_id, timer FROM tickets WHERE order_id = '$id' ORDER BY 1")
	pid=$(pid_of kitchend)
	kill -9 "$pid"
	baked_once "$id"
	[ "$(sql pizza_kitchen "SELECT ticket_id, timer FROM tickets WHERE order_id = '$id' ORDER BY 1")" = "$before" ]
	while IFS='|' read -r _ timer; do eventually 60 stopped "$timer"; done <<<"$before"
}

others_answer() {
	[ "$("$PIZZACTL" kitchen status -o json | jq --arg d "$oven" '[.[] | select(.device != $d) | .heartbeat_age_ms] | max < 1000')" = true ]
}

@test "a silent oven delays nobody; its ticket waits for it a while, then goes elsewhere" {
	catch silent offline
	other=$(order)
	baked_once "$other"
	eventually 60 others_answer
	baked_once "$id"
	[ "$(tickets "$id" | cut -d'|' -f3)" != "$oven" ]
	ctl 0 hw clear "$oven"
	eventually 60 all_hot
	eventually 60 empty_decks
}

@test "the bus is lost and comes back: orders wait, nothing stale is healthy" {
	ctl 0 hw fault oven-1 bus-down
	for d in oven-1 oven-4 pan-1; do eventually 60 state_is $d offline; done
	[ "$("$PIZZACTL" kitchen status -o json | jq '[.[].temperature_c] | all(. == null)')" = true ]
	id=$(order)
	"$PIZZACTL" saga wait "$id" --for paid --timeout 60s -o none
	eventually 60 sql_is pizza_kitchen "SELECT state FROM tickets WHERE order_id = '$id'" queued
	[ "$("$PIZZACTL" kitchen tickets --order "$id" -o json | jq '.[0].ready_in_ms')" = null ]
	[ "$("$PIZZACTL" saga show "$id" -o json | jq -r '"\(.state) \(.awaiting) \(.daemon)"')" = "paid CookingStarted kitchend" ]
	[[ $("$PIZZACTL" status kitchend -o json | jq -r '.[0] | "\(.state) \(.reason)"') == degraded* ]]
	ctl 0 hw clear oven-1 bus-down
	baked_once "$id"
}

@test "an order that is cancelled while it bakes: its tickets are taken out, its money goes back" {
	for try in 1 2 3 4 5 6 7 8; do # those that were done before give way to others
		bakes margherita 2 || continue
		"$PIZZACTL" order cancel "$id" --reason "not hungry any more" -o none || continue
		eventually 60 sql_is pizza_kitchen "SELECT count(*) FROM tickets WHERE order_id = '$id' AND state IN ('done', 'cancelled')" 2
		[ "$(tickets "$id" | grep -c '|cancelled|')" = 2 ] && break
	done
	[ "$(tickets "$id" | grep -c '|cancelled|')" = 2 ]
	eventually 60 empty_decks
	eventually 60 sql_is pizza_payment "SELECT status FROM payments WHERE order_id = '$id'" refunded
	[ "$(happened "$id" CookingCompleted)" = 0 ]
	eventually 60 sql_is pizza_console "SELECT state FROM sagas WHERE order_id = '$id'" cancelled
	[ "$(sql pizza_kitchen "SELECT state FROM jobs WHERE order_id = '$id'")" = cancelled ]
}

@test "stations are paused, resumed and drained; who did it is in the audit" {
	ctl 0 kitchen pause oven-1 --reason "new stone" -o json
	[ "$(jq -r .mode <<<"$out")" = paused ]
	eventually 60 state_is oven-1 idle
	id=$(order card margherita 4)
	baked_once "$id"
	[[ $(tickets "$id" | cut -d'|' -f3) != *oven-1* ]]
	kill -9 "$(pid_of kitchend)" # it is not forgotten
	eventually 60 state_is oven-1 idle
	[ "$("$PIZZACTL" kitchen show oven-1 -o json 2>/dev/null | jq -r .mode)" = paused ]
	ctl 0 kitchen resume oven-1
	eventually 60 state_is oven-1 ready
	[ "$("$PIZZACTL" audit ls -o json | jq -r '[.[] | select(.action == "kitchen.pause")][0] | "\(.target) \(.reason) \(.outcome)"')" = \
		"oven-1 new stone ok" ]

	for try in 1 2 3 4 5 6 7 8; do # one that was done before gives way to another
		bakes margherita 1
		oven=$(tickets "$id" | cut -d'|' -f3)
		ctl 0 kitchen drain "$oven" -o json # without --yes: what it would do
		[ "$(jq -r '.[0].order_id' <<<"$out")" = "$id" ] && break
	done
	[ "$(jq -r '.[0].order_id' <<<"$out")" = "$id" ]
	[ "$("$PIZZACTL" kitchen status -o json | jq -r --arg d "$oven" '.[] | select(.device == $d) | .mode')" = open ]
	ctl 0 kitchen drain "$oven" --yes --reason "cleaning"
	baked_once "$id"
	[ "$(tickets "$id" | cut -d'|' -f3)" = "$oven" ]
	eventually 60 state_is "$oven" idle
	eventually 60 switched_off "$oven"
	ctl 0 kitchen resume "$oven"
	eventually 60 all_hot
}
switched_off() { [ "$("$PIZZACTL" hw show "$1" -o json | jq .power)" = false ]; }

@test "a setpoint or a switch that the kitchen would set back at once is refused, with what works instead" {
	kept=$("$PIZZACTL" kitchen show oven-1 -o json | jq .setpoint_c)
	ctl 8 hw set oven-1 setpoint=$((kept - 60))
	[[ $err == *"the kitchen keeps it at $kept degrees"*"kitchen drain oven-1"* ]]
	ctl 8 hw set oven-1 power=off
	[[ $err == *"would switch it back"*"kitchen drain oven-1"* ]]
	[ "$("$PIZZACTL" hw show oven-1 -o json | jq -c '[.setpoint_c, .power]')" = "[$kept,true]" ]
	ctl 0 hw set oven-1 setpoint="$kept" power=on
}

@test "a kitchen that has become smaller: what lay in the ovens that are gone is baked in the others" {
	hwd=$(pid_of hwd)
	hold_baking margherita 12
	printf '  ovens: 2\n  decks: 2\n' >>"$PIZZA_CONFIG"
	kill -9 "$pid" "$hwd"
	eventually 60 stations_are "oven-1 oven-2 pan-1 pan-2"
	eventually 60 sql_is pizza_kitchen "SELECT count(*) > 0 AND min(moves) = 1 FROM tickets WHERE order_id = '$id' AND reason = 'its station is gone'" t
	baked_once "$id"
	[ "$(sql pizza_kitchen "SELECT count(*) FROM tickets WHERE order_id = '$id' AND moves > 0 AND (device IN ('oven-3', 'oven-4') OR deck > 2)")" = 0 ]
	ticket=$(sql pizza_kitchen "SELECT ticket_id FROM tickets WHERE order_id = '$id' AND moves > 0 LIMIT 1")
	[ "$("$PIZZACTL" kitchen show "$ticket" -o json | jq -r '"\(.moves) \(.remakes) \(.reason)"')" = "1 0 its station is gone" ]
	eventually 60 empty_decks
	printf 'kitchen:\n  rescue: 2s\n' >"$PIZZA_CONFIG"
	kitchend=$(pid_of kitchend) hwd=$(pid_of hwd)
	kill "$kitchend" "$hwd"
	eventually 60 stations_are "oven-1 oven-2 oven-3 oven-4 pan-1 pan-2"
}
stations_are() { [ "$("$PIZZACTL" kitchen status -o json | jq -r '[.[].device] | join(" ")')" = "$1" ]; }

@test "what does not exist is named, and nothing is changed" {
	ctl 3 kitchen pause oven-99
	[[ $err == *oven-99* ]]
	ctl 3 kitchen show 999999999
	ctl 2 kitchen tickets --state raw
	ctl 2 kitchen tickets --order nonsense
	ctl 3 kitchen drain timer-1 --yes
	http POST "$(url 6 /api/v1/kitchen/stations/oven-1/pause)" '{}'
	[ "$code" = 401 ]
	http GET "$(url 6 '/api/v1/kitchen/tickets?limit=0')"
	[ "$code" = 400 ]
	http GET "$(url 6 '/api/v1/kitchen/tickets?cursor=x')"
	[ "$code" = 400 ]
}

@test "OrderCancelled that comes first leaves a tombstone; what comes twice is baked once" {
	id=01939b1c-7f3a-7c22-9a54-$(printf '%012x' $RANDOM$RANDOM)
	event() { # event TYPE SEQ DATA
		jq -nc --arg id "$(cat /proc/sys/kernel/random/uuid)" --arg type "$1" --arg order "$id" --argjson seq "$2" --argjson data "$3" \
			'{event_id: $id, event_type: $type, event_version: 1, aggregate_id: $order, aggregate_seq: $seq,
			  timestamp: (now | strftime("%Y-%m-%dT%H:%M:%S.000000Z")), correlation_id: $order, causation_id: null, event_data: $data}'
	}
	produce() { "$PIZZACTL" topic produce order-events --key "$id" --yes -o none <<<"$1"; }
	paid=$(event OrderPaid 2 "{\"order_id\":\"$id\",\"items\":[{\"pizza_id\":\"margherita\",\"size\":\"small\",\"quantity\":1,\"menu_version\":1}]}")
	produce "$(event OrderCancelled 1 "{\"order_id\":\"$id\",\"reason\":\"test\",\"by\":\"test\"}")"
	eventually 60 sql_is pizza_kitchen "SELECT state FROM jobs WHERE order_id = '$id'" cancelled
	produce "$paid"
	produce "$paid"
	other=$(order)
	baked_once "$other"
	[ "$(sql pizza_kitchen "SELECT count(*) FROM tickets WHERE order_id = '$id'")" = 0 ]
}
