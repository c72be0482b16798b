# pizzactl's manners: errors as JSON, dry runs of every change, plugins, and each backend being away.

load ../common

bats_require_minimum_version 1.5.0

setup() {
	PIZZACTL=${PIZZACTL:-$BATS_TEST_DIRNAME/../../build/bin/pizzactl}
	live_home=${PIZZA_HOME:-} live_base=${PIZZA_PORT_BASE:-} live_config=${XDG_CONFIG_HOME:-}
	export PIZZA_HOME=$BATS_TEST_TMPDIR/home PIZZA_PORT_BASE=64000 XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config
	unset PIZZA_CONTEXT PIZZA_CONFIG PIZZA_DATABASE_URL PIZZA_KAFKA_BOOTSTRAP COLUMNS
	id=01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11
	mkdir -p "$XDG_CONFIG_HOME/pizza"
}

teardown() {
	[ -z "${frozen:-}" ] || kill -CONT $frozen
	if [ -n "${stopped:-}" ]; then "$PIZZACTL" start $stopped -q; fi
}

# error MEMBER: of the error as JSON, the last line on stderr.
error() { tail -n 1 <<<"$err" | jq -er ".error.$1"; }

use_live() {
	[ -S "$live_home/run/pizzad.sock" ] || skip "no system is up"
	export PIZZA_HOME=$live_home PIZZA_PORT_BASE=$live_base XDG_CONFIG_HOME=$live_config
}

# --- errors as JSON ---

@test "errors are JSON with code, status, what, why and hint, whatever went wrong" {
	local wanted code command
	while read -r wanted code command; do
		# shellcheck disable=SC2086
		ctl "$wanted" $command -o json
		[ -z "$out" ]
		tail -n 1 <<<"$err" | jq -e --arg c "$code" --argjson s "$wanted" '.error | .code == $c and .status == $s
			and (.what | length > 0) and (.why | length > 0) and (.hint | type == "string")' >/dev/null
	done <<-END
		2 usage nonsense
		2 usage order nonsense
		2 usage order show
		2 usage order ls --columns nonsense
		2 usage order ls --nonsense
		2 usage -C nonsense order ls
		2 invalid config set log.level loud
		2 invalid config set order.stuck soon
		3 not_found config get nonsense
		3 not_found logs nonsense
		5 unavailable status
		5 unavailable order ls
		5 unavailable menu ls
		5 unavailable topic ls --timeout 300ms
		8 refused context rm local
	END
	local format
	for format in --output=yaml "-o jsonl" -ojson "--output yaml"; do
		# shellcheck disable=SC2086
		ctl 2 $format nonsense
		[ "$(error status)" = 2 ]
	done
	ctl 2 nonsense -o table
	[[ $err == "pizzactl: nonsense: "* ]]
}

@test "an error about bytes that are no text still is JSON" {
	ctl 2 $'\xff\xfe' -o json
	[ "$(error code)" = usage ]
	ctl 2 config set log.level $'\xc3(' -o json
	[ "$(error status)" = 2 ]
}

@test "unknown words of every kind list the valid ones and the nearest" {
	local command listed nearest
	while IFS='|' read -r command listed nearest; do
		# shellcheck disable=SC2086
		ctl 2 $command
		[[ $err == *"$listed"* ]] || { echo "$command: $err"; return 1; }
		[[ $err == *"did you mean $nearest?"* ]] || { echo "$command: $err"; return 1; }
	done <<-END
		-C locl status|there are local|local
		oder ls|there are up, down|order
		order shw|there are create, ls, show|show
		order ls --colums x|no such option|--columns
		order ls --columns sttus|there are order_id|status
		order ls --sort created|there are order_id|created_at
		order ls -o jsno|table, wide, json|json
		order ls --status payed|paid|paid
		kitchen tickets --state queud|open, all, queued|queued
		hw set oven-1 setpint=1|power, reset, door, run, setpoint, duration|setpoint
		order ls --color alway|auto, always, never|always
	END
}

# --- dry runs ---

@test "every command that changes something has a dry run, which needs nothing and does nothing" {
	local command
	while read -r command; do
		# shellcheck disable=SC2086
		ctl 0 $command --dry-run --reason "why not"
		[ -n "$out$err" ]
		# shellcheck disable=SC2086
		ctl 0 $command --dry-run -q
		[ -z "$err" ]
	done <<-END
		up
		down
		start orderd
		stop orderd kafka
		restart postgres
		scale orderd=2
		order create --item margherita --address here
		order cancel $id
		saga retry $id
		saga cancel $id
		saga compensate $id
		saga rebuild
		payment refund $id
		inventory restock dough 5
		menu set margherita available=false
		menu rm margherita
		notify resend $id
		sandbox set --clear
		kitchen pause oven-1
		kitchen resume oven-1
		kitchen drain oven-1
		hw set oven-1 setpoint=300
		hw fault oven-1 silent
		hw clear oven-1
		topic produce order-events --value x
		config set log.level debug
		config reload
		context add far api=http://10.0.0.1
		context use local
	END
	ctl 3 start nosuchd --dry-run
	ctl 3 scale nosuchd=2 --dry-run
	[ ! -e "$PIZZA_HOME" ]
	[ -z "$(ls "$XDG_CONFIG_HOME/pizza")" ]
}

@test "nothing is ever asked without a terminal" {
	ctl 0 context add local protected=true
	local command
	for command in "order cancel $id" "stop orderd" down "config set log.level debug"; do
		# An answer on the standard input is not one.
		run -8 --separate-stderr bash -c "echo local | '$PIZZACTL' $command"
		# shellcheck disable=SC2154
		[[ $stderr == *PROTECTED*"--yes"* && $stderr != *"Type its name"* ]]
	done
}

# --- plugins ---

plugin() { # plugin NAME SCRIPT…
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\n%s\n' "$2" >"$BATS_TEST_TMPDIR/bin/pizzactl-$1"
	chmod 755 "$BATS_TEST_TMPDIR/bin/pizzactl-$1"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

@test "a plugin gets its words as they are, the context, and its own status" {
	# shellcheck disable=SC2016
	plugin greet 'printf "<%s>" "$@"; echo; echo "$PIZZA_CONTEXT $PIZZA_HOME $PIZZA_PORT_BASE"; exit 42'
	ctl 42 greet --name 'a  b' -o nonsense -C x '' --help
	[ "$(head -n 1 <<<"$out")" = "<--name><a  b><-o><nonsense><-C><x><><--help>" ]
	[ "$(tail -n 1 <<<"$out")" = "local $PIZZA_HOME 64000" ]
	ctl 0 context add far api=http://10.0.0.1 port_base=23000
	ctl 42 -o json -C far -q greet x
	[ "$(head -n 1 <<<"$out")" = "<-o><json><-q><x>" ]
	[ "$(tail -n 1 <<<"$out")" = "far $PIZZA_HOME 23000" ]
	ctl 42 --context=far greet
	ctl 42 -Cfar greet
	ctl 2 -C nowhere greet
	# shellcheck disable=SC2016
	plugin base '"$PIZZACTL" config get port_base'
	ctl 0 -C far base
	[ "$out" = 23000 ]
	ctl 0 base
	[ "$out" = 64000 ]
}

@test "plugins hide no command, and have no short names" {
	plugin greet 'echo hello'
	plugin order 'echo mine'
	plugin ord 'echo mine'
	plugin st 'echo mine'
	ctl 5 order ls
	ctl 5 ord ls
	ctl 2 st
	ctl 2 gree
	[[ $err == *"no such command"* ]]
	ctl 0 greet
	[ "$out" = hello ]
	chmod 644 "$BATS_TEST_TMPDIR/bin/pizzactl-greet"
	ctl 2 greet
	cd "$BATS_TEST_TMPDIR/bin"
	chmod 755 pizzactl-greet
	PATH=.:/usr/bin:/bin ctl 2 greet
	ctl 2 ../bin/pizzactl-greet
}

@test "plugins are listed, with what hides them, and explain themselves" {
	# shellcheck disable=SC2016
	plugin greet 'echo "greet says $*"'
	plugin order 'echo mine'
	mkdir "$BATS_TEST_TMPDIR/later"
	cp "$BATS_TEST_TMPDIR/bin/pizzactl-greet" "$BATS_TEST_TMPDIR/later"
	PATH=$PATH:$BATS_TEST_TMPDIR/later
	ctl 0 plugin ls -o json
	[ "$(jq -c '[.[] | select(.path | startswith($t)) | [.name, .state]]' --arg t "$BATS_TEST_TMPDIR" <<<"$out")" = \
		'[["greet","ok"],["order","hidden"],["greet","hidden"]]' ]
	ctl 0 help
	[[ $out == *plugins*"greet"*"$BATS_TEST_TMPDIR/bin/pizzactl-greet"* ]]
	ctl 0 help greet
	[ "$out" = "greet says --help" ]
	ctl 0 greet --help
	[ "$out" = "greet says --help" ]
	printf 'no program' >"$BATS_TEST_TMPDIR/bin/pizzactl-broken"
	chmod 755 "$BATS_TEST_TMPDIR/bin/pizzactl-broken"
	ctl 1 broken
	[[ $err == *pizzactl-broken* ]]
}

# --- backends that are away ---

# One row per command: its name, then what it needs ("p" PostgreSQL, "k" Kafka, "s" pizzad, else a daemon).
commands() {
	cat <<-END
		p order ls
		p saga ls
		p saga show $id
		p kpi
		orderd order show $id
		orderd order create --item margherita --address here
		orderd order cancel $id
		orderd saga retry $id
		menud menu ls
		inventoryd inventory ls
		inventoryd inventory reservations
		paymentd payment ls
		paymentd payment show $id
		notifyd notify ls
		outboxd outbox status
		sandboxd sandbox show
		kitchend kitchen status
		kitchend kitchen tickets
		kitchend kitchen show 1
		kitchend kitchen pause oven-1
		hwd hw ls
		hwd hw check
		aggregatord saga rebuild
		k topic ls
		k topic show order-events
		k topic tail order-events -n 1
		k topic produce order-events --value {}
		k lag
		k lag check --warn 1 --crit 2
		k lag reset --group orderd --to end
		s status
		- config show
		- context ls
		- plugin ls
		- version
	END
}

# unreachable WHAT ARG…: 5 within the time, names the backend, what to look at; as JSON as well.
unreachable() {
	local what=$1 start=$SECONDS said
	shift
	ctl 5 "$@" --timeout 2s -o json
	[ $((SECONDS - start)) -le 10 ] || { echo "pizzactl $*: took $((SECONDS - start)) s"; return 1; }
	[ -z "$out" ]
	said=$(tail -n 1 <<<"$err" | jq -er '.error | "\(.code) \(.what): \(.why) | \(.hint)"')
	[[ $said == "unavailable "*"$what"*"|"*"pizzactl "@(status|up|doctor)* ]] || { echo "pizzactl $*: $err"; return 1; }
}

name_of() {
	case $1 in p) echo PostgreSQL ;; k) echo Kafka ;; s) echo pizzad ;; *) echo "$1" ;; esac
}

# away NEEDED…: commands that need one of these are unreachable, the others are not.
away() {
	local needs command status
	while read -r needs command; do
		case " $* " in
		*" $needs "*)
			# shellcheck disable=SC2086
			unreachable "$(name_of "$needs")" $command
			;;
		*)
			status=0
			# shellcheck disable=SC2086
			"$PIZZACTL" $command --timeout 10s -o none >/dev/null 2>"$BATS_TEST_TMPDIR/err" </dev/null || status=$?
			[ $status != 5 ] || { echo "pizzactl $command: $(cat "$BATS_TEST_TMPDIR/err")"; return 1; }
			;;
		esac
	done < <(commands)
}

@test "everything is down: every command says so, and what starts it" {
	away p k s orderd menud inventoryd paymentd notifyd outboxd sandboxd hwd kitchend aggregatord
	ctl 5 order ls
	[[ $err == *"nothing runs: pizzactl up starts it, pizzactl doctor"* ]]
	ctl 0 down
}

@test "one daemon is down: what needs it says so, the rest works" {
	use_live
	stopped=paymentd
	"$PIZZACTL" stop paymentd -q
	away paymentd
	ctl 5 payment ls
	[[ $err == *"paymentd: cannot be reached at "*"still work; pizzactl status paymentd shows why"* ]]
}

@test "Kafka is down: topics and lag say so, the rest works" {
	use_live
	stopped=kafka
	"$PIZZACTL" stop kafka -q
	away k
	ctl 5 lag
	[[ $err == *"Kafka: cannot be reached"*"orders, sagas, the menu and status still work; pizzactl status kafka shows why"* ]]
}

@test "PostgreSQL is down: lists and daemons say so, topics, lag and status work" {
	use_live
	stopped=postgres
	"$PIZZACTL" stop postgres -q
	ctl 5 order ls
	[[ $err == *"PostgreSQL"*"topics, lag, logs and status still work; pizzactl status postgres shows why"* ]]
	local needs command
	while read -r needs command; do
		case $needs in
		p | orderd | menud | inventoryd | paymentd | notifyd)
			# shellcheck disable=SC2086
			unreachable "$(name_of "$needs")" $command
			;;
		k | s | -)
			# shellcheck disable=SC2086
			ctl 0 $command --timeout 10s -o none
			;;
		esac
	done < <(commands | grep -vE 'lag (check|reset)|saga retry')
}

ask() { psql -X -A -t -q -h "$PIZZA_HOME/run" -d pizza_console -c "$1"; }

@test "an answer that takes longer than --timeout: 7, how long it was given, what asks for less" {
	use_live
	ask "BEGIN; LOCK TABLE sagas IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(600)" >/dev/null 2>&1 3>&- &
	locked() { [ "$(ask "SELECT count(*) FROM pg_locks WHERE relation = 'sagas'::regclass AND mode = 'AccessExclusiveLock' AND granted")" = 1 ]; }
	eventually 60 locked
	ctl 7 saga ls --timeout 500ms
	ask "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK TABLE sagas%'" >/dev/null
	[[ $err == *"PostgreSQL: did not answer within 500 ms"*"--timeout gives it longer, --limit, --since and --where ask for less"* ]]
	ctl 0 saga ls -o none
}

@test "what is there and does not answer is unreachable in time" {
	use_live
	frozen=$("$PIZZACTL" status orderd -o json | jq '.[0].pid')
	kill -STOP $frozen
	unreachable "orderd: does not answer" order show $id
	# Whether a change has been made cannot be told.
	ctl 7 order cancel $id --timeout 500ms
	[[ $err == *"may have been done"* ]]
	kill -CONT $frozen
	frozen=$("$PIZZACTL" status postgres -o json | jq '.[0].pid')
	kill -STOP $frozen
	unreachable PostgreSQL order ls
	kill -CONT $frozen
	frozen=$("$PIZZACTL" status kafka -o json | jq '.[0].pid')
	kill -STOP $frozen
	unreachable Kafka lag
	kill -CONT $frozen
	frozen=$(cat "$PIZZA_HOME/run/pizzad.lock")
	kill -STOP $frozen
	ctl 5 status
	[[ $err == *"pizzad: runs, and does not answer"* ]]
	ctl 0 menu ls
	kill -CONT $frozen
	frozen=
	eventually 60 "$PIZZACTL" lag -o none
}
