#!/usr/bin/env bats
# Every operator's change leaves a row: who, when, why, with which arguments and outcome; in every daemon; for ever.

load common

# row ACTION TARGET JQ-CONDITION: the latest such row of `audit ls` satisfies it.
row() {
	"$PIZZACTL" audit ls --action "$1" --target "$2" --limit 1 -o json | jq -e ".[0] | .target == \"$2\" and ($3)"
}

@test "changes are recorded with actor, reason, arguments and outcome" {
	"$PIZZACTL" inventory restock dough 5 --reason "Lieferung № 7" -o none
	row inventory.restock dough '.reason == "Lieferung № 7" and .outcome == "ok" and .arguments.quantity == 5
		and (.actor | test("^[^@]+@[^@]+$")) and .daemon == "inventoryd"'
	"$PIZZACTL" menu set margherita available=true --reason "checked" -o none
	row menu.set margherita '.reason == "checked" and .outcome == "ok"'
	"$PIZZACTL" sandbox set --delay 0 --reason "reset" -o none
	row sandbox.set faults '.daemon == "sandboxd" and .reason == "reset"'
	id=$(order card margherita $MANY)
	"$PIZZACTL" saga wait "$id" --for paid --timeout 60s
	"$PIZZACTL" order cancel "$id" --reason "changed my mind" -o none
	row order.cancel "$id" '.outcome == "ok" and .reason == "changed my mind"'
	id=$(order card margherita $MANY)
	"$PIZZACTL" order cancel "$id" -o none
	row order.cancel "$id" '.outcome == "ok" and .reason == "cancelled by an operator"'
	"$PIZZACTL" scale menud=1 --reason "as it was"
	row service.scale menud '.daemon == "pizzad" and .arguments.replicas == 1 and .reason == "as it was"'
}

@test "refused changes are recorded as well, and change nothing" {
	run "$PIZZACTL" inventory restock no-such-thing 5 --reason "typo"
	[ "$status" = 3 ]
	row inventory.restock no-such-thing '(.outcome | startswith("not_found")) and .reason == "typo"'
	run "$PIZZACTL" payment refund 00000000-0000-7000-8000-000000000000
	[ "$status" = 3 ]
	row payment.refund 00000000-0000-7000-8000-000000000000 '.outcome | startswith("not_found")'
}

@test "rows can only be added" {
	for statement in "DELETE FROM audit" "UPDATE audit SET actor = 'nobody'" "TRUNCATE audit"; do
		run sql pizza_inventory "$statement"
		[ "$status" != 0 ]
		[[ $output == *append-only* ]]
	done
}

@test "the list is sorted, filtered, and needs the operator's token" {
	"$PIZZACTL" audit ls -o json | jq -e '([.[].at] | . == (sort | reverse)) and ([.[].daemon] | unique | length) >= 3'
	"$PIZZACTL" audit ls --action inventory -o json | jq -e 'length > 0 and all(.action | startswith("inventory."))'
	"$PIZZACTL" audit ls --since 1ms -o json | jq -e 'length == 0'
	"$PIZZACTL" audit ls --where 'outcome != ok' -o json | jq -e 'length > 0 and all(.outcome != "ok")'
	http GET "$(url 5 /api/v1/audit)"
	[ "$code" = 401 ]
}

@test "a daemon that is down is named, the others' rows are shown: status 6" {
	"$PIZZACTL" stop menud
	run "$PIZZACTL" audit ls --limit 5
	"$PIZZACTL" start menud
	[ "$status" = 6 ]
	[[ $output == *menud* && $output == *service.stop* ]]
}
