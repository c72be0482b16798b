# Every example of the manual, run as it stands there, one after the other, against the system that is up.
#
# Examples come from the command table and from man/text, as build/man/generate lists them.  An example ends with 0, or as its
# comment says ("# exit 4"), or as other_status has it.  Ids that stand in examples are replaced by real ones, 5000 by the
# system's ports; what follows for ever is interrupted.  Before each example everything is up.  Examples change the menu and stop daemons, so this comes after other tests.

bats_require_minimum_version 1.5.0
load ../integration/common

second=
setup() {
	[ -S "${PIZZA_HOME:-}/run/pizzad.sock" ] || skip "no system is up"
	PIZZACTL=$(realpath "$PIZZACTL")
	PATH=${PIZZACTL%/*}:$PATH
	generate=${PIZZACTL%/bin/pizzactl}/man/generate
	second=$BATS_TEST_TMPDIR/second
	cd "$BATS_TEST_TMPDIR"
	cat >order.json <<-'END'
		{"items": [{"pizza_id": "margherita", "quantity": 1}], "delivery_address": "Arbat 5"}
	END
	cat >calzone.json <<-END
		{"pizza_id": "calzone-$RANDOM", "name": "Calzone", "prices": {"small": 54000, "medium": 64000, "large": 79000},
		 "recipe": [{"ingredient_id": "dough", "quantities": {"small": 200, "medium": 300, "large": 400}}]}
	END
	printf 'log.level: debug\n' >pizza.yaml
	# What makes an event of the message that dead_letter puts into a topic: an order that nobody knows was cancelled.
	local id
	id=$(cat /proc/sys/kernel/random/uuid)
	cat >fix.json <<-END
		{"not": null, "event_id": "$id", "event_type": "OrderCancelled", "event_version": 1, "aggregate_id": "$id",
		 "aggregate_seq": 1, "timestamp": "2026-11-21T05:34:56.738000Z", "correlation_id": "$id",
		 "event_data": {"order_id": "$id", "reason": "example", "by": "customer"}}
	END
}

teardown() {
	[ ! -S "$second/run/pizzad.sock" ] || PIZZA_HOME=$second pizzactl down -q
	[ -S "${PIZZA_HOME:-}/run/pizzad.sock" ] || return 0
	pizzactl sandbox set --clear -q -o none
	pizzactl menu set diavola available=true -q -o none
}

paid_order() { # paid_order PIZZAS
	pizzactl order create --item "margherita:medium:$1" --name Test --email test@example.org --address here --wait paid -o name
}

# A dead letter of this test's own: a message that is no event, in inventoryd.
dead_letter() {
	local place
	place=$(pizzactl topic produce order-events --key poison --value '{"not": "an event"}' -q -o json |
		jq -r '"topic = order-events and partition = \(.partition) and offset = \(.offset)"')
	eventually 60 letters_of "$place" >&2 && letters_of "$place"
}

letters_of() {
	pizzactl dlq ls --where "consumer_group = inventoryd and $1" --limit 1 -o name | grep .
}

# The id that an example of a page needs in place of the one in the manual.
real_id() { # real_id PAGE ORDER
	case $1 in
	pizzactl-payment) pizzactl payment ls --order "$2" -o name ;;
	pizzactl-notify) eventually 60 some_notification "$2" && pizzactl notify ls --order "$2" -o name | head -n 1 ;;
	*) echo "$2" ;;
	esac
}

some_notification() {
	pizzactl notify ls --order "$1" -o name | grep -q .
}

prepared() { # prepared PAGE COMMAND: the command with what is there
	local page=$1 command=$2 id pizzas=1
	[[ $command == *cancel* || $command == *compensate* ]] && pizzas=100 # it must not be ready before
	if [[ $command == *01939b1c* ]]; then
		id=$(real_id "$page" "$(paid_order $pizzas)") && [ -n "$id" ] || return 1
		command=${command//01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11/$id}
		command=${command//01939b1c/$id}
	fi
	if [[ $command == *7d4ad12f* ]]; then
		id=$(dead_letter) && [ -n "$id" ] || return 1
		case $command in
		*"dlq replay"*) # one that can take effect by now
			http POST "$(url 8 "/api/v1/dlq/letters/$id/edit")" "{\"patch\": $(cat fix.json)}" -H "Authorization: Bearer $(token)"
			[ "$code" = 200 ] || return 1
			;;
		*"dlq restore"*) pizzactl dlq discard "$id" --yes -q -o none || return 1 ;;
		esac
		command=${command//7d4ad12f/$id}
	fi
	if [[ $command == *a41c77e0* ]]; then
		id=$(pizzactl dlq groups --limit 1 -o name) && [ -n "$id" ] || return 1
		command=${command//a41c77e0/$id}
	fi
	if [[ $command == *" 42" ]]; then
		id=$(pizzactl dlq jobs --limit 1 -o name) && [ -n "$id" ] || return 1
		command=${command/ 42/ $id}
	fi
	if [[ $command == *hawaiian* ]]; then # the menu keeps its own
		id=gone-$RANDOM
		sed "s/calzone-[0-9]*/$id/" calzone.json | pizzactl menu add -f - -q -o none && command=${command//hawaiian/$id}
	fi
	command=${command//127.0.0.1:50/127.0.0.1:$(((PIZZA_PORT_BASE) / 100))}
	command=${command//\/tmp\/second/$second}
	printf '%s' "${command//PORT_BASE=6000/PORT_BASE=$((PIZZA_PORT_BASE + 100))}"
}

# What an example ends with here, where its circumstances are others than those of a person at a terminal.
other_status() {
	case $1 in
	*"dlq edit "*"--patch"*) echo 0 ;;
	*"dlq edit "*) echo 8 ;;	# there is no terminal
	*"dlq jobs cancel "*) echo 9 ;; # the job has ended
	*"pizzactl top "*"--once"*) echo 0 ;;
	*"pizzactl top" | *"pizzactl top "*) echo 2 ;; # there is no terminal
	*) echo 0 ;;
	esac
}

endless() {
	[[ " $1 " =~ \ (-f|--follow|-w|--watch|saga\ follow|hw\ watch|top)\  && $1 != *"order create -f"* &&
		$1 != *"menu add -f"* && $1 != *"--once"* && $1 != *"--replay"* ]]
}

# Runs one example; what it says is shown when its status is not the documented one.
example() { # example PAGE COMMAND
	local command wanted status=0
	wanted=$(other_status "$2")
	pizzactl up -q || return 1
	command=$(prepared "$1" "$2") || { echo "no id for: $2"; return 1; }
	[[ $command =~ \#.*exit\ ([0-9]) ]] && wanted=${BASH_REMATCH[1]}
	if endless "$command"; then
		timeout -s INT 1 bash -c "$command" >out 2>&1 </dev/null 3>&- || status=$?
		[ $status = 124 ] || [ $status = 130 ] && status=0
	else
		timeout 150 bash -o pipefail -c "$command" >out 2>&1 </dev/null 3>&- || status=$?
	fi
	[ $status = "$wanted" ] || { printf '%s: %s\n  status %s, not %s\n' "$1" "$command" $status "$wanted"; sed 's/^/    /' out; return 1; }
}

@test "every example of the manual does what it says" {
	local page command n=0 bad=0
	"$generate" examples >list
	while IFS=$'\t' read -r -u 9 page command; do
		n=$((n + 1))
		example "$page" "$command" || bad=$((bad + 1))
	done 9<list
	echo "$bad of $n examples failed"
	[ $n -gt 50 ] && [ $bad = 0 ]
}
