# pizzactl without a system: help, wrong usage, exit statuses, and manners of output.

load ../common

bats_require_minimum_version 1.5.0

setup() {
	PIZZACTL=${PIZZACTL:-$BATS_TEST_DIRNAME/../../build/bin/pizzactl}
	golden=$BATS_TEST_DIRNAME/golden
	export PIZZA_PAGER=cat
	export PIZZA_HOME=$BATS_TEST_TMPDIR/home
	export PIZZA_PORT_BASE=64000 XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config
	export PIZZA_PAGER=cat
	unset PIZZA_CONFIG PIZZA_DATABASE_URL PIZZA_KAFKA_BOOTSTRAP COLUMNS
}

@test "help is as recorded" {
	diff "$golden/help.txt" <("$PIZZACTL" help)
	diff "$golden/help.txt" <("$PIZZACTL")
	diff "$golden/help.txt" <("$PIZZACTL" --help)
	diff "$golden/saga.txt" <("$PIZZACTL" saga)
	diff "$golden/order-create.txt" <("$PIZZACTL" order create --help)
	diff "$golden/order-create.txt" <("$PIZZACTL" help order create)
}

@test "every command explains itself with an example" {
	local noun verb
	for noun in $("$PIZZACTL" help | awk '/^  [a-z]+ +[a-z]/ { print $1 }'); do
		ctl 0 help "$noun"
		[[ $out == "pizzactl $noun – "* ]]
		[[ $out == *"pizzactl $noun"*"pizzactl $noun"* ]]
		for verb in $(printf '%s\n' "$out" | awk '/^  [a-z]+ / { print $1 }'); do
			[[ $out == *"VERB --help"* ]] || continue
			ctl 0 "$noun" "$verb" --help
			[[ $out == *"usage: pizzactl $noun $verb"* ]]
			[[ $out == *examples* ]]
		done
	done
}

@test "unknown words list the valid ones and the nearest" {
	ctl 2 ordr ls
	[ -z "$out" ]
	[[ $err == *"there are up, down, status"* ]]
	[[ $err == *"did you mean order?"* ]]
	ctl 2 order lst
	[[ $err == *"there are create, ls, show, cancel"* ]]
	ctl 2 saga ls --stats paid
	[[ $err == *"did you mean --state?"* ]]
	ctl 2 saga ls --state payed
	[[ $err == *"did you mean paid?"* ]]
	ctl 2 order ls --columns order_id,statsu
	[[ $err == *"did you mean status?"* ]]
	ctl 2 order ls -o jason
	[[ $err == *"table, wide, json, jsonl, csv, yaml, name, none"* ]]
	ctl 2 -C elsewhere status
}

@test "wrong values and missing arguments are usage errors" {
	ctl 2 order show
	[[ $err == *"needs ORDER"* ]]
	ctl 2 order show not-an-id
	[[ $err == *"8 characters"* ]]
	ctl 2 order show 01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11 more
	ctl 2 order create --address here
	[[ $err == *"--item"* ]]
	ctl 2 order create --item :large --address here
	ctl 2 order create --item margherita:large:x --address here
	ctl 2 scale orderd
	ctl 2 scale orderd=x
	ctl 2 inventory restock dough lots
	ctl 2 menu set margherita price
	ctl 2 menu set margherita price=0
	[[ $err == *"did you mean prices?"* ]]
	ctl 2 sandbox set
	ctl 2 kitchen pause
	ctl 2 kitchen tickets --order nonsense
	ctl 2 hw set oven-1
	ctl 2 hw fault oven-1
	ctl 2 hw set oven-1 setpoint=hot
	[[ $err == *"no number"* ]]
	ctl 2 lag reset
	ctl 2 lag check
	ctl 2 lag check --warn 5 --crit 1
	[[ $err == *"at least --warn"* ]]
	ctl 2 status --timeout soon
	ctl 2 order ls --timeout 0
	ctl 2 order ls -w 0
	[[ $err == *"100 ms at least"* ]]
	ctl 2 order ls --where ''
	[[ $err == *"the condition is empty"* ]]
	ctl 2 order show ''
	[[ $err == *"ORDER is empty"*"an order's id"* ]]
	ctl 2 payment show nope
	ctl 2 payment ls --order nope
	ctl 2 payment ls --status paid
	[[ $err == *"is none of requested, processing, completed"* ]]
	ctl 2 notify ls --status read
	ctl 2 ''
	[[ $err == *'"": no such command; there are up, '* ]]
	ctl 2 sandbox ledger --order nope
	ctl 2 dlq ls --order nope
	ctl 2 dlq replay --order ''
	[[ $err == *"the id is empty"* ]]
	ctl 2 notify resend nope
	[[ $err == *"8 characters"* ]]
	ctl 2 logs --order nope
	[[ $err == *"is no order id"* ]]
	ctl 2 inventory restock dough -5
	[[ $err == *positive* ]]
	ctl 2 inventory restock dough 0
	ctl 2 menu set margherita prices.lage=1
	[[ $err == *"did you mean large?"* ]]
	ctl 2 menu set margherita name.first=x
	ctl 2 topic produce order-events --header nonsense --value x
}

@test "unique prefixes will do" {
	ctl 0 ver
	[[ $out == "pizza "* ]]
	ctl 2 st
	[[ $err == *"status, start, stop"* ]]
}

@test "errors are JSON where JSON was asked for" {
	ctl 2 -o json ordr
	[ "$(jq -r .error.code <<<"$err")" = usage ]
	[ "$(jq -r .error.status <<<"$err")" = 2 ]
	ctl 5 order ls --output=jsonl
	[ -z "$out" ]
	[ "$(jq -r .error.code <<<"$err")" = unavailable ]
}

@test "without a system: 5, which backend, and what to do" {
	ctl 5 status
	[[ $err == *"pizzactl up"* ]]
	ctl 5 order ls
	[[ $err == *"PostgreSQL"* ]]
	ctl 5 menu ls
	[[ $err == *"menud: cannot be reached"* ]]
	ctl 5 order show 01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11
	ctl 5 topic ls --timeout 500ms
	ctl 5 lag --timeout 500ms
	ctl 5 saga wait 01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11 --timeout 20s
	ctl 0 down
	[[ $err == *"Nothing was running"* ]]
}

@test "a full disk and a closed stdout are failures" {
	run -1 sh -c "'$PIZZACTL' help >/dev/full"
	[[ $output == *"No space left"* ]]
	run -1 sh -c "'$PIZZACTL' config show >/dev/full"
	[[ $output == *"No space left"* ]]
	run -1 sh -c "'$PIZZACTL' version -o json >&-"
	[[ $output == *"write the output"* ]]
}

@test "a reader who has left is no failure" {
	run -0 bash -o pipefail -c "'$PIZZACTL' config show -o jsonl | true"
	[ -z "$output" ]
	run -0 bash -o pipefail -c "'$PIZZACTL' help | true"
	[ -z "$output" ]
}

@test "configuration: values, origins, one value, validation" {
	mkdir -p "$BATS_TEST_TMPDIR/config/pizza"
	printf 'log:\n  level: debug\n' >"$BATS_TEST_TMPDIR/config/pizza/pizza.yaml"
	ctl 0 config show -o json
	[ "$(jq -r '.[] | select(.key == "log.level") | "\(.value) \(.origin)"' <<<"$out")" = "debug file" ]
	[ "$(jq -r '.[] | select(.key == "port_base") | "\(.value) \(.origin)"' <<<"$out")" = "64000 environment" ]
	[ "$(jq -r '.[] | select(.key == "order.stuck") | .origin' <<<"$out")" = default ]
	ctl 0 config get log.level
	[ "$out" = debug ]
	ctl 3 config get log.levle
	[[ $err == *"did you mean log.level?"* ]]
	ctl 0 config validate
	printf 'log:\n  level: loud\nport_base: 1\n' >"$BATS_TEST_TMPDIR/bad.yaml"
	ctl 2 config validate "$BATS_TEST_TMPDIR/bad.yaml" -o json
	[ "$(jq -c '[.[].line]' <<<"$out")" = "[2,3]" ]
	PIZZA_CONFIG=$BATS_TEST_TMPDIR/bad.yaml ctl 2 order ls
}

@test "a show says the same in every form" {
	ctl 0 version -o json
	[ "$(jq -r .name <<<"$out")" = pizza ]
	ctl 0 version -o yaml
	[[ $out == "name: pizza"* ]]
	ctl 0 version -o csv
	[[ $out == "name,version"* ]]
	ctl 0 version -o name
	[[ $out == [0-9]*.* ]]
	ctl 0 version -o none
	[ -z "$out" ]
}

@test "lists parse in independent parsers and agree" {
	"$PIZZACTL" config show -o json >"$BATS_TEST_TMPDIR/l.json"
	"$PIZZACTL" config show -o jsonl >"$BATS_TEST_TMPDIR/l.jsonl"
	"$PIZZACTL" config show -o csv >"$BATS_TEST_TMPDIR/l.csv"
	cd "$BATS_TEST_TMPDIR"
	python3 - <<'END'
import csv, json
rows = json.load(open("l.json"))
assert rows and [json.loads(line) for line in open("l.jsonl")] == rows
def text(v):
    return "" if v is None else str(v).lower() if isinstance(v, bool) else str(v)
parsed = list(csv.DictReader(open("l.csv", newline="")))
assert [{k: text(v) for k, v in r.items()} for r in rows] == parsed
END
	# jq reads no YAML; Ruby or Python's yaml do where they are installed.
	"$PIZZACTL" config show -o yaml >l.yaml
	python3 -c 'import yaml' 2>/dev/null || return 0
	python3 -c 'import json, yaml; assert yaml.safe_load(open("l.yaml")) == json.load(open("l.json"))'
}

@test "columns are chosen, explained, and sorted by" {
	ctl 0 config show --columns key,origin --no-headers --limit 1
	[[ $out == port_base*environment ]]
	ctl 0 config show --columns help
	[[ $out == *reloadable*"without a restart"* ]]
	ctl 0 config show --sort -key -o name --limit 2
	[ "$out" = "$("$PIZZACTL" config show -o name | LC_ALL=C sort -r | head -2)" ]
}

@test "tables keep to awk's fields, and no escape reaches a pipe" {
	ctl 0 config show --no-headers
	[ -z "$(awk -F'  +' 'NF != 3' <<<"$out")" ]
	[[ $out != *$'\033'* ]]
	ctl 0 config show --color always
	[[ $out == *$'\033'* ]]
	run -0 env NO_COLOR=1 TERM=xterm script -qec "'$PIZZACTL' config show" /dev/null
	[[ $output != *$'\033'* ]]
}

@test "tables fit the terminal" {
	run -0 env COLUMNS=50 NO_COLOR=1 TERM=xterm script -qec "'$PIZZACTL' config show -o wide" /dev/null
	[ "$(tr -d '\r' <<<"$output" | awk '{ if (length($0) > m) m = length($0) } END { print (m <= 50) }')" = 1 ]
}

@test "a dry run shows the request and does nothing" {
	ctl 0 order create --item margherita:large:2 --item diavola:3 --name 'Ivan "I"' --address here --dry-run -o json
	[ "$(jq -r .method <<<"$out")" = POST ]
	[ "$(jq -c .body.items <<<"$out")" = '[{"pizza_id":"margherita","quantity":2,"size":"large"},{"pizza_id":"diavola","quantity":3}]' ]
	[ "$(jq -r .body.customer_name <<<"$out")" = 'Ivan "I"' ]
	ctl 0 payment refund 01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11 --reason why --dry-run -o json
	[ "$(jq -r .body.reason <<<"$out")" = why ]
	ctl 0 menu set margherita prices.large=7 available=false --dry-run -o json
	[ "$(jq -c .body <<<"$out")" = '{"prices":{"large":7},"available":false}' ]
}

@test "logs are merged by time and filtered" {
	mkdir -p "$PIZZA_HOME/log"
	cat >"$PIZZA_HOME/log/orderd.log" <<-'END'
		{"ts":"2020-11-21T10:00:01.000000Z","level":"info","service":"orderd","replica":1,"msg":"first"}
		{"ts":"2020-11-21T10:00:03.000000Z","level":"warn","service":"orderd","replica":2,"msg":"third \u001b[31m","order_id":"01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11"}
	END
	printf '[2020-11-21 10:00:02,500] ERROR second (kafka)\n\tat a line of a stack\n' >"$PIZZA_HOME/log/kafka.log"
	printf '2020-11-21 10:00:04.000 UTC [7] LOG:  fourth\n' >"$PIZZA_HOME/log/postgres.log"
	ctl 0 logs
	[ "$(sed -E 's/.*(first|second|stack|third|fourth).*/\1/' <<<"$out" | xargs)" = "first second stack third fourth" ]
	[[ $out == *'third \x1b[31m order_id=01939b1c'* ]]
	ctl 0 logs --level warn -o json
	[ "$(jq -c '[.[] | [.service, .level]]' <<<"$out")" = '[["kafka","error"],["orderd","warn"]]' ]
	ctl 0 logs orderd -n 1 -o jsonl
	[ "$(jq -r .replica <<<"$out")" = 2 ]
	ctl 0 logs --order 01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11 -o jsonl
	[ "$(wc -l <<<"$out")" = 1 ]
	ctl 3 logs nobody
	ctl 0 logs --since 1s -o json
	[ "$out" = "[]" ]
}

@test "logs follow what is appended, until they are told to stop" {
	mkdir -p "$PIZZA_HOME/log"
	local log=$PIZZA_HOME/log/orderd.log out=$BATS_TEST_TMPDIR/follow deadline=$((SECONDS + 60))
	echo '{"ts":"2020-11-21T10:00:01.000000Z","level":"info","service":"orderd","msg":"old"}' >"$log"
	"$PIZZACTL" logs -f -n 1 -o jsonl >"$out" 3>&- &
	local follower=$!
	until grep -q old "$out"; do [ $SECONDS -lt $deadline ]; done
	printf '{"ts":"2020-11-21T10:00:02.000000Z","level":"info",' >>"$log"
	printf '"service":"orderd","msg":"new"}\n' >>"$log"
	until grep -q new "$out"; do [ $SECONDS -lt $deadline ]; done
	kill -TERM $follower
	wait $follower
	[ "$(jq -r .msg "$out" | xargs)" = "old new" ]
}
