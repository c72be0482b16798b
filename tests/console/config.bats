# pizzactl config: where values come from, changing them in the file, and what runs with others.

load ../common

bats_require_minimum_version 1.5.0

setup() {
	PIZZACTL=${PIZZACTL:-$BATS_TEST_DIRNAME/../../build/bin/pizzactl}
	live_home=${PIZZA_HOME:-} live_base=${PIZZA_PORT_BASE:-} live_config=${XDG_CONFIG_HOME:-}
	export PIZZA_HOME=$BATS_TEST_TMPDIR/home XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config
	unset PIZZA_PORT_BASE PIZZA_CONTEXT PIZZA_CONFIG PIZZA_DATABASE_URL PIZZA_KAFKA_BOOTSTRAP COLUMNS
	file=$XDG_CONFIG_HOME/pizza/pizza.yaml
	mkdir -p "$XDG_CONFIG_HOME/pizza"
}

# live ARG…: pizzactl for the system that is up, as whoever started it sees it.
live() {
	PIZZA_HOME=$live_home PIZZA_PORT_BASE=$live_base XDG_CONFIG_HOME=$live_config "$PIZZACTL" "$@"
}

@test "show --origin: which file and line, variable or context" {
	printf '# mine\nlog:\n  level: debug\norder.stuck: 40s\n' >"$file"
	PIZZA_ORDER_GROUP=300 ctl 0 config show --origin -o json
	origin() { jq -r --arg k "$1" '.[] | select(.key == $k) | "\(.value) \(.origin) \(.where)"' <<<"$out"; }
	[ "$(origin log.level)" = "debug file $file:3" ]
	[ "$(origin order.stuck)" = "40s file $file:4" ]
	[ "$(origin order.group)" = "300 environment PIZZA_ORDER_GROUP" ]
	[ "$(origin drain_timeout)" = "4s default " ]
	ctl 0 config show --origin
	[[ $out == *"$file:3"* ]]
	ctl 0 config show
	[[ $out != *"$file:3"* ]]
}

@test "secrets are shown as set, and get tells them" {
	printf 'payment.key: sk_hush\ndatabase.url: postgresql://u:hush@h\n' >"$file"
	ctl 0 config show --origin -o wide
	[[ $out != *hush* && $out == *"u:***@h"* ]]
	ctl 0 config get payment.key
	[ "$out" = sk_hush ]
}

@test "set changes the value and leaves everything else" {
	printf '# Größe\nlog: {level: info} # here\n\n# the saga\norder:\n    stuck: 40s   # long\n    # end\n' >"$file"
	chmod 640 "$file"
	ctl 0 config set log.level warn
	ctl 0 config set order.stuck 1m
	ctl 0 config set order.deadline 20m
	ctl 0 config set kafka.bootstrap a:1,b:2
	[ "$(cat "$file")" = '# Größe
log: {level: warn} # here

# the saga
order:
    stuck: 1m   # long
    deadline: 20m
    # end
kafka.bootstrap: "a:1,b:2"' ]
	[ "$(stat -c %a "$file")" = 640 ]
	[ "$(ls "$XDG_CONFIG_HOME/pizza")" = pizza.yaml ]
	ctl 0 config validate
	ctl 0 config get order.deadline
	[ "$out" = 20m ]
}

@test "unset takes the value out and leaves everything else" {
	printf '# mine\nlog: {level: debug} # here\norder:\n    stuck: 40s   # long\n    # why\n    deadline: 20m\n' >"$file"
	ctl 0 config unset order.stuck --dry-run
	[[ $err == *"Nothing was done: order.stuck would not be set any more"* ]]
	ctl 0 config unset order.stuck
	[[ $err == "order.stuck is not set any more in $file; its default: 30s."* ]]
	ctl 0 config unset log.level
	[ "$(cat "$file")" = '# mine
log: {} # here
order:
    # why
    deadline: 20m' ]
	ctl 0 config get order.stuck
	[ "$out" = 30s ]
	ctl 3 config unset order.stuck
	[[ $err == *"order.stuck: is not set in $file"*"--origin"* ]]
	ctl 3 config unset order.stuk
	[[ $err == *"did you mean order.stuck?"* ]]
	rm "$file"
	ctl 3 config unset log.level
	[ ! -e "$file" ]
	PIZZA_LOG_LEVEL=warn ctl 3 config unset log.level
}

@test "set makes the file, with a secret for its owner alone" {
	ctl 0 config set mail.password hush
	[ "$(stat -c %a "$file")" = 600 ]
	[[ $err != *hush* ]]
	rm "$file"
	ctl 0 config set log.level debug
	[ "$(stat -c %a "$file")" = 644 ]
	ctl 0 config set mail.password hush
	[[ $err == *"chmod 600 $file"* ]]
	ctl 0 config set database.url postgresql://u:hush@h
	[[ $err == *"u:***@h"* && $err != *hush* ]]
}

@test "set validates first, and a refusal changes nothing" {
	printf 'log.level: info\n' >"$file"
	ctl 2 config set log.level loud
	[[ $err == *"debug, info, warn or error"* ]]
	ctl 2 config set port_base 1
	[[ $err == *"1024 to 64000"* ]]
	ctl 3 config set log.levle info
	[[ $err == *"did you mean log.level?"* ]]
	ctl 0 config set log.level debug --dry-run
	[[ $err == *"Nothing was done"* ]]
	[ "$(cat "$file")" = "log.level: info" ]
	printf 'log.level: info\nport_bas: 1\n' >"$file"
	PIZZA_CONFIG=$BATS_TEST_TMPDIR/other.yaml ctl 0 config validate "$BATS_TEST_DIRNAME/../../man/pizza.yaml"
	ctl 2 config set log.level debug
	[[ $err == *"pizza.yaml:2: port_bas"* ]]
	printf -- '- log.level\n' >"$file"
	ctl 2 config set log.level debug
	[ "$(cat "$file")" = "- log.level" ]
}

@test "set tells what decides instead of the file" {
	PIZZA_LOG_LEVEL=warn ctl 0 config set log.level debug
	[[ $err == *"PIZZA_LOG_LEVEL decides"* ]]
}

@test "a read-only context keeps its configuration, a remote one has none here" {
	ctl 0 context add local readonly=true
	ctl 8 config set log.level debug
	[ ! -e "$file" ]
	ctl 0 config set log.level debug --dry-run
	ctl 0 context add far api=http://127.0.0.1:1
	ctl 8 -C far config set log.level debug
	ctl 8 -C far config reload
	ctl 2 -C far config diff
	[[ $err == *"pizzactl config diff FILE"* ]]
}

@test "without a system, diff and reload say so" {
	ctl 5 config diff
	[[ $err == *"pizzad could not be asked"* ]]
	ctl 5 config reload
	[[ $err == *"pizzactl up"* ]]
}

@test "a file against what runs: which keys, where, and the command" {
	[ -S "$live_home/run/pizzad.sock" ] || skip "no system is up"
	live config show -o json | jq -r '.[] | select(.origin != "default") | "\(.key): \"\(.value)\""' >"$file"
	run -0 live config diff "$file" -o json
	[ "$(jq -c . <<<"${output/What*/}")" = "[]" ] || [[ $output == *"[]"* ]]
	printf 'order.group: 77\nconsumer.batch: 99\nkafka.heap: 600MiB\npayment.key: other\n' >>"$file"
	live config diff "$file" -q -o json >"$BATS_TEST_TMPDIR/diff"
	diff_of() { jq -r --arg k "$1" '.[] | select(.key == $k) | "\(.configured) \(.mend): \(.command)"' "$BATS_TEST_TMPDIR/diff"; }
	[ "$(diff_of order.group)" = "77 restart: pizzactl restart orderd" ]
	[ "$(diff_of consumer.batch)" = "99 reload: pizzactl config reload" ]
	[ "$(diff_of kafka.heap)" = "600MiB restart: pizzactl down && pizzactl up" ]
	[ "$(diff_of payment.key)" = "(set) restart: pizzactl restart paymentd" ]
	[ "$(jq length "$BATS_TEST_TMPDIR/diff")" = 4 ]
	! grep -q sk_test "$BATS_TEST_TMPDIR/diff"
	run -4 live config diff "$file" --check -q -o none
}

@test "set --reload reaches what runs, and diff agrees" {
	[ -S "$live_home/run/pizzad.sock" ] || skip "no system is up"
	local place=$live_config/pizza/pizza.yaml
	[ ! -e "$place" ] || cp "$place" "$BATS_TEST_TMPDIR/kept.yaml"
	agrees() { [ "$(live config diff -q -o json)" = "[]" ]; }
	agrees
	live config set order.stuck 31s
	[ "$(live config diff -q -o json | jq -r '.[] | "\(.key) \(.running) \(.programs[0]) \(.command)"')" = \
		"order.stuck 30s orderd pizzactl config reload" ]
	live config set order.stuck 32s --reload
	eventually 60 agrees
	live config unset order.stuck --reload
	eventually 60 agrees
	[ "$(live config get order.stuck)" = 30s ]
	if [ -e "$BATS_TEST_TMPDIR/kept.yaml" ]; then cp "$BATS_TEST_TMPDIR/kept.yaml" "$place"; fi
}
