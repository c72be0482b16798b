#!/usr/bin/env bats
# Dead letters on a live system: from a poison message to its letter, replays and what they must not do, jobs over a
# death of dlqd, edits, discards, exports, and the line that cron runs.

load common

dlq() { "$PIZZACTL" dlq "$@"; }

key() { cat /proc/sys/kernel/random/uuid; }

# poison TOPIC VALUE [KEY]: puts it there; *where* (topic/partition/offset of the letters) in $at.
poison() {
	local out
	out=$("$PIZZACTL" topic produce "$1" --key "${3:-$(key)}" --value "$2" -o json)
	at=$(jq -r '"partition = \(.partition) and offset = \(.offset)"' <<<"$out")
}

# letter GROUP: the id of that group's letter of the message at $at, once it is there.
letter() {
	local id
	has_letter() { id=$(dlq ls --group "$1" --where "$at" -o name) && [ -n "$id" ]; }
	eventually 60 has_letter "$1" || return 1
	echo "$id"
}

state_is() { [ "$(dlq show "$1" -o json | jq -r .state)" = "$2" ]; }

# An event for inventoryd that fails for good: its version is unknown.
bad_event() { # bad_event ORDER-ID EVENT-ID
	jq -cn --arg o "$1" --arg e "$2" '{event_id: $e, event_type: "OrderCancelled", event_version: 99, aggregate_id: $o,
		aggregate_seq: 1, timestamp: "2026-01-01T00:00:00Z", correlation_id: $o, causation_id: null,
		event_data: {order_id: $o, reason: "test", by: "test"}}'
}

setup_file() {
	export DLQ_TMP=$BATS_FILE_TMPDIR
}

@test "a poison message becomes one letter per group that reads it, and says why" {
	poison order-events 'this is not JSON'
	id=$(letter inventoryd)
	letter paymentd
	run dlq show "$id" -o json
	jq -e '.state == "unresolved" and .error_code == "malformed" and .failed_step == "parse" and .topic == "order-events"
		and .value == "this is not JSON" and .replay_count == 0 and (.history | length) == 1' <<<"$output"
	run dlq show "$id"
	[ "$status" = 0 ]
	[[ $output == *inventoryd* && $output == *"this is not JSON"* && $output == *"pizzactl dlq replay"* ]]
	dlq groups -o json | jq -e 'any(.error_code == "malformed" and .open >= 2)'
	dlq stats -o json | jq -e 'any(.topic == "order-events" and .unresolved >= 2)'
	eventually 60 sql_is pizza_console \
		"SELECT count(*) FROM events WHERE event_type = 'MessageDeadLettered' AND aggregate_id = '$id'" 1
}

@test "what dlqd cannot read is kept as unreadable and cannot be replayed" {
	poison order-events-dlq 'no headers'
	eventually 60 sh -c "[ -n \"\$($PIZZACTL dlq ls --code unreadable -o name)\" ]"
	id=$(dlq ls --code unreadable --limit 1 -o name)
	run dlq replay "$id" --yes
	[ "$status" = 9 ]
	dlq discard "$id" --yes
	state_is "$id" discarded
}

@test "without --yes nothing happens" {
	poison order-events 'dry'
	id=$(letter inventoryd)
	run dlq replay "$id"
	[ "$status" = 0 ]
	[[ $output == *"Would replay 1 of 1 letter"* && $output == *"Nothing was done"* ]]
	state_is "$id" unresolved
	dlq show "$id" -o json | jq -e '.replay_count == 0'
}

@test "a replay that fails again reopens the same letter, and too many quarantine it" {
	poison order-events 'again and again'
	id=$(letter inventoryd)
	dlq policy set malformed --replays 2
	run dlq replay "$id" --yes --reason "first" -o json
	[ "$status" = 1 ]
	run dlq replay "$id" --yes
	[ "$status" = 1 ]
	dlq show "$id" -o json | jq -e '.state == "unresolved" and .replay_count == 2 and .quarantined
		and ([.history[] | select(.what == "replayed")] | length) == 2'
	run dlq replay "$id" --yes
	[ "$status" = 9 ]
	[[ $output == *quarantined* ]]
	run dlq replay "$id" --yes --force
	[ "$status" = 1 ]
	[ "$(dlq ls --where "$at" -o name | wc -l)" -ge 1 ]
	sql_is pizza_dlq "SELECT count(*) FROM letters WHERE letter_id = '$id'" 1
	dlq policy rm malformed
}

@test "an edit mends the letter: diff shown, original kept, replayed, in effect once" {
	order=$(key) event=$(key)
	poison order-events "$(bad_event "$order" "$event")" "$order"
	id=$(letter inventoryd)
	echo '{"event_version":1}' >"$DLQ_TMP/patch.json"
	run dlq edit "$id" --patch "$DLQ_TMP/patch.json"
	[ "$status" = 0 ]
	[[ $output == *"- /event_version: 99"* && $output == *"+ /event_version: 1"* ]]
	state_is "$id" unresolved
	run dlq edit "$id" --patch "$DLQ_TMP/patch.json" --yes --reason "version"
	[ "$status" = 0 ]
	state_is "$id" resolved
	sql_is pizza_inventory "SELECT state FROM reservations WHERE order_id = '$order'" cancelled
	sql_is pizza_inventory "SELECT count(*) FROM inbox WHERE event_id = '$event'" 1
	dlq show "$id" -o json | jq -e '.value.event_version == 99 and .edited_value.event_version == 1
		and any(.history[]; .what == "edited" and .reason == "version" and .detail.diff[0].before == 99)'
	# only the group that failed got it: the others' letters are still open
	other=$(letter notifyd)
	state_is "$other" unresolved
	run dlq replay "$id" --yes
	[ "$status" = 9 ]
	[[ $output == *"is resolved"* ]]
}

@test "an edit that is no event, or another event, is refused and sends nothing" {
	order=$(key)
	poison order-events "$(bad_event "$order" "$(key)")" "$order"
	id=$(letter inventoryd)
	echo '{"event_data": ' >"$DLQ_TMP/broken.json"
	run dlq edit "$id" --patch "$DLQ_TMP/broken.json" --yes
	[ "$status" = 2 ]
	echo '{"event_version": 1, "event_id": "'"$(key)"'"}' >"$DLQ_TMP/other.json"
	run dlq edit "$id" --patch "$DLQ_TMP/other.json" --yes
	[ "$status" = 2 ]
	[[ $output == *event_id* ]]
	echo '{"event_version": 1, "event_data": null}' >"$DLQ_TMP/none.json"
	run dlq edit "$id" --patch "$DLQ_TMP/none.json" --yes
	[ "$status" = 2 ]
	echo '{"aggregate_seq": 1}' >"$DLQ_TMP/same.json"
	run dlq edit "$id" --patch "$DLQ_TMP/same.json" --yes # still of an unknown version
	[ "$status" = 2 ]
	[[ $output == *event_version* ]]
	dlq show "$id" -o json | jq -e '.state == "unresolved" and .edited == false and .replay_count == 0'
	run dlq edit "$id" </dev/null
	[ "$status" = 8 ]
}

@test "a replay of what has taken effect is a duplicate: no second effect" {
	order=$(order)
	"$PIZZACTL" saga wait "$order" --for paid --timeout 60s
	before=$(sql pizza_inventory "SELECT sum(on_hand), sum(reserved) FROM stock_levels")
	created=$(sql pizza_order "SELECT id FROM outbox WHERE aggregate_id = '$order' AND event_type = 'OrderCreated'")
	message=$("$PIZZACTL" topic tail order-events --key "$order" --type OrderCreated -n 1 -o json | jq -c '.[0]')
	# the letter that would be there if inventoryd had failed after its COMMIT
	id=$(key)
	jq -cn --argjson m "$message" --arg id "$id" '{letter_id: $id, state: "unresolved", readable: true, topic: $m.topic,
		partition: $m.partition, offset: $m.offset, consumer_group: "inventoryd", error_code: "transient", error_reason: "made up",
		failed_step: "OrderCreated", failed_at: "2026-01-01T00:00:00.000000Z", first_failed_at: "2026-01-01T00:00:00.000000Z",
		original_at: null, retry_count: 0, replay_count: 0, dlq_topic: "order-events-dlq", dlq_partition: 0, dlq_offset: 999999999,
		headers: [], event_type: "OrderCreated", event_id: $m.value.event_id, order_id: $m.key,
		key_base64: ($m.key | @base64), value_base64: ($m.value | tojson | @base64), edited_base64: null}' |
		dlq import - --yes
	run dlq replay "$id" --yes -o json --reason "twice"
	[ "$status" = 0 ]
	jq -e '.[0].outcome == "duplicate"' <<<"$output"
	state_is "$id" resolved
	[ "$(sql pizza_inventory "SELECT sum(on_hand), sum(reserved) FROM stock_levels")" = "$before" ]
	sql_is pizza_inventory "SELECT count(*) FROM inbox WHERE event_id = '$created' AND consumer = 'inventoryd'" 1
}

# many N: N letters of inventoryd, imported, with poison inside; their common mark (an error code) in $mark.
many() {
	mark=bulk-$RANDOM$RANDOM
	for i in $(seq "$1"); do
		echo "{\"letter_id\":\"$(key)\",\"state\":\"unresolved\",\"readable\":true,\"topic\":\"order-events\",\"partition\":99,\"offset\":$i,\"consumer_group\":\"inventoryd\",\"error_code\":\"$mark\",\"error_reason\":\"made up\",\"failed_step\":\"test\",\"failed_at\":\"2026-01-01T00:00:00.000000Z\",\"first_failed_at\":\"2026-01-01T00:00:00.000000Z\",\"original_at\":null,\"retry_count\":0,\"replay_count\":0,\"dlq_topic\":\"order-events-dlq\",\"dlq_partition\":0,\"dlq_offset\":$i,\"headers\":[],\"key_base64\":null,\"value_base64\":\"AP8K\",\"edited_base64\":null}"
	done >"$DLQ_TMP/$mark.jsonl"
	dlq import "$DLQ_TMP/$mark.jsonl" --yes -q
}

dlqd_pid() { "$PIZZACTL" status -o json | jq -r '.[] | select(.name == "dlqd") | .pid'; }

@test "a job goes on after dlqd was killed, and each letter is tried once" {
	many 60
	dlq replay --code "$mark" --rate 40 --yes --detach --reason "kill" -q
	job=$(dlq jobs -o json --limit 1 | jq '.[0].job_id')
	some_done() { [ "$(dlq jobs show "$job" -o json 2>/dev/null | jq .done)" -ge 5 ]; }
	eventually 60 some_done
	kill -9 "$(dlqd_pid)"
	ended() { [ "$(dlq jobs show "$job" -o json 2>/dev/null | jq -r .state)" = done ]; }
	eventually 60 ended
	dlq jobs show "$job" -o json | jq -e '.total == 60 and .failed == 60 and .done == 60'
	sql_is pizza_dlq "SELECT count(*), count(DISTINCT letter_id) FROM letter_history WHERE job_id = $job AND what = 'replayed'" "60|60"
	sql_is pizza_dlq "SELECT count(*) FROM letters WHERE job_id = $job AND (state <> 'unresolved' OR replay_count <> 1)" 0
}

@test "a second run under the same lock ends with 9; cancelling gives the letters back" {
	many 30
	dlq replay --code "$mark" --rate 0.02 --lock nightly --yes --detach -q # the first at once, the next after 50 s
	job=$(dlq jobs -o json | jq 'map(select(.lock == "nightly"))[0].job_id')
	run dlq replay --code "$mark" --lock nightly --yes
	[ "$status" = 9 ]
	[[ $output == *"job $job"* ]]
	id=$(dlq ls --code "$mark" --state replaying --limit 1 -o name)
	run dlq discard "$id" --yes
	[ "$status" = 9 ]
	[[ $output == *"is replaying"* ]]
	dlq jobs cancel "$job" -q
	cancelled() { [ "$(dlq jobs show "$job" -o json | jq -r .state)" = cancelled ]; }
	eventually 60 cancelled
	sql_is pizza_dlq "SELECT count(*) FROM letters WHERE error_code IN ('$mark') AND state = 'replaying'" 0
	run dlq jobs cancel "$job"
	[ "$status" = 9 ]
}

@test "two replays of the same letters at once: each letter is tried once by a job" {
	many 20
	for n in 1 2; do
		"$PIZZACTL" dlq replay --code "$mark" --rate 20 --yes -o json >"$DLQ_TMP/at-once.$n" 2>"$DLQ_TMP/at-once.$n.err" 3>&- &
	done
	wait || true # one may find all of them taken
	ids=$(jq -r '"\u0027\(.letter_id)\u0027"' "$DLQ_TMP/$mark.jsonl" | paste -sd,)
	# A job that comes later may take what the first has given back, but no letter is tried by both at a time.
	tried() { sql_is pizza_dlq "SELECT count(*) = count(DISTINCT (job_id, letter_id)), count(DISTINCT letter_id) FROM letter_history
		WHERE what = 'replayed' AND letter_id IN ($ids)" "t|20"; }
	eventually 60 tried
	sql_is pizza_dlq "SELECT count(*) FROM letters l WHERE letter_id IN ($ids) AND (state <> 'unresolved' OR replay_count <>
		(SELECT count(*) FROM letter_history h WHERE h.letter_id = l.letter_id AND what = 'replayed'))" 0
	cat "$DLQ_TMP"/at-once.*.err
}

@test "a job stops when too many fail: status 4, the others untried" {
	many 20
	run dlq replay --code "$mark" --max-failures 3 --yes
	[ "$status" = 4 ]
	sql_is pizza_dlq "SELECT count(*) FROM letter_history h JOIN letters l USING (letter_id)
		WHERE h.what = 'replayed' AND l.job_id = (SELECT max(job_id) FROM jobs)" 4
	run dlq replay --code "$mark" --limit 5 -o json
	[ "$(jq length <<<"$output")" = 5 ]
}

@test "while the group's daemon is down the job waits and says so" {
	poison order-events 'while it is down'
	id=$(letter inventoryd)
	"$PIZZACTL" stop inventoryd
	run dlq replay "$id" --yes --wait 2s
	[ "$status" = 7 ]
	[[ $output == *"inventoryd cannot be reached"* ]]
	job=$(dlq jobs -o json --limit 1 | jq '.[0].job_id')
	dlq jobs show "$job" -o json | jq -e '.state == "waiting" and .done == 0'
	"$PIZZACTL" start inventoryd
	run dlq jobs follow "$job" --wait 30s
	[ "$status" = 1 ] # it is still no JSON
	dlq show "$id" -o json | jq -e '.replay_count == 1'
}

@test "discard and restore" {
	poison order-events 'discard me'
	id=$(letter inventoryd)
	run dlq restore "$id" --yes
	[ "$status" = 9 ]
	dlq discard "$id" --yes --reason "worthless" -q
	state_is "$id" discarded
	run dlq replay "$id" --yes
	[ "$status" = 9 ]
	[[ $output == *discarded* ]]
	dlq restore "$id" --yes -q
	state_is "$id" unresolved
	"$PIZZACTL" audit ls --action dlq.discard --target "$id" -o json |
		jq -e 'length == 1 and .[0].reason == "worthless" and .[0].outcome == "ok" and (.[0].actor | test("@"))'
	"$PIZZACTL" audit ls --action dlq.restore --target "$id" -o json | jq -e 'any(.outcome | startswith("conflict"))'
}

@test "a letter expires when its policy says so, and is counted" {
	many 1
	dlq policy set "$mark" --expiry 1s -o none
	eventually 60 sql_is pizza_dlq "SELECT count(*) FROM letters WHERE error_code = '$mark' AND state = 'expired'" 1
	dlq policy rm "$mark" -o none
}

@test "a policy replays by itself" {
	many 1
	dlq policy set "$mark" --auto-replay 1s -o none
	eventually 60 sql_is pizza_dlq \
		"SELECT count(*) FROM letter_history h JOIN jobs j USING (job_id) WHERE j.lock_name = 'policy:$mark' AND h.what = 'replayed'" 1
	dlq policy rm "$mark" -o none
}

@test "export and import keep every byte; a damaged line is named and the others are kept" {
	printf '\000\377\n binary' >"$DLQ_TMP/binary"
	"$PIZZACTL" topic produce order-events --key "$(key)" -f "$DLQ_TMP/binary" -o json >"$DLQ_TMP/place"
	at=$(jq -r '"partition = \(.partition) and offset = \(.offset)"' "$DLQ_TMP/place")
	id=$(letter inventoryd)
	dlq export "$id" -q >"$DLQ_TMP/one.jsonl"
	[ "$(jq -r .value_base64 "$DLQ_TMP/one.jsonl" | base64 -d | cmp - "$DLQ_TMP/binary" && echo same)" = same ]
	# elsewhere it is not known: here, under another id
	copy=$(key)
	sed -i "s/$id/$copy/g" "$DLQ_TMP/one.jsonl"
	run dlq show "$copy"
	[ "$status" = 3 ]
	{
		cat "$DLQ_TMP/one.jsonl"
		echo '{"letter_id": "damaged'
		jq -c '.value_base64 = "!"' "$DLQ_TMP/one.jsonl"
	} >"$DLQ_TMP/three.jsonl"
	run dlq import "$DLQ_TMP/three.jsonl" --yes
	[ "$status" = 6 ]
	[[ $output == *"line 2:"* && $output == *"line 3:"*value_base64* && $output == *"1 imported"* ]]
	run dlq import "$DLQ_TMP/one.jsonl" --yes
	[ "$status" = 0 ]
	[[ $output == *"1 known already"* ]]
	dlq export "$copy" -q >"$DLQ_TMP/back.jsonl"
	cmp "$DLQ_TMP/one.jsonl" "$DLQ_TMP/back.jsonl"
}

@test "bad input: unknown ids, conditions with a caret, nothing chosen" {
	run dlq show "$(key)"
	[ "$status" = 3 ]
	run dlq replay "$(key)" --yes
	[ "$status" = 3 ]
	run dlq replay --where 'error_code = = 3' --yes
	[ "$status" = 2 ]
	[[ $output == *"^"* ]]
	run dlq replay --where 'no_such = 3' --yes
	[ "$status" = 2 ]
	run dlq replay --yes
	[ "$status" = 2 ]
	run dlq replay --group nobody --yes
	[ "$status" = 2 ]
	run dlq jobs show 999999
	[ "$status" = 3 ]
	http POST "$(url 8 /api/v1/dlq/jobs)" '{"selection":{"code":"x"}}'
	[ "$code" = 401 ]
	http POST "$(url 8 /api/v1/dlq/jobs)" '{"selection":{}}' -H "Authorization: Bearer $(token)"
	[ "$code" = 422 ]
}

@test "following shows each letter once" {
	poison order-events 'followed 1'
	first=$(letter inventoryd)
	"$PIZZACTL" dlq ls --group inventoryd --follow -o jsonl >"$DLQ_TMP/followed" &
	follower=$!
	poison order-events 'followed 2'
	second=$(letter inventoryd)
	both() { grep -q "$first" "$DLQ_TMP/followed" && grep -q "$second" "$DLQ_TMP/followed"; }
	eventually 60 both
	kill -INT $follower
	wait $follower || true
	[ "$(jq -r .letter_id "$DLQ_TMP/followed" | sort | uniq -d | wc -l)" = 0 ]
}

# cron ARGS…: pizzactl as cron would run it: no terminal, an empty PATH and HOME.
cron() {
	env -i PATH= HOME= PIZZA_HOME="$PIZZA_HOME" PIZZA_PORT_BASE="$PIZZA_PORT_BASE" "$PIZZACTL" "$@" </dev/null
}

@test "from cron: silent when there is nothing, one line when there was something, never a question" {
	run cron dlq replay --code no-such-code --lock cron --yes --quiet
	[ "$status" = 0 ]
	[ -z "$output" ]
	many 3
	line=(dlq replay --code "$mark" --age 10m --lock cron --max-failures 20% --wait 8m --reason cron --yes --quiet)
	run cron "${line[@]}"
	[ "$status" = 4 ]
	[ "${#lines[@]}" = 1 ]
	order=$(key) event=$(key)
	poison order-events "$(bad_event "$order" "$event")" "$order"
	id=$(letter inventoryd)
	echo '{"event_version":1}' >"$DLQ_TMP/patch.json"
	dlq edit "$id" --patch "$DLQ_TMP/patch.json" --no-replay --yes -q
	run cron dlq replay --order "$order" --group inventoryd --lock cron --yes --quiet
	[ "$status" = 0 ]
	[ "${#lines[@]}" = 1 ]
	[[ $output == *"ok 1"* ]]
	run cron dlq edit "$id"
	[ "$status" = 8 ] || [ "$status" = 9 ]
	run cron dlq replay --code "$mark"
	[ "$status" = 0 ]
}
