# Contexts: the file, its mode, which one is chosen, what they forbid, and a remote one against the running system.

load ../common

bats_require_minimum_version 1.5.0

setup() {
	PIZZACTL=${PIZZACTL:-$BATS_TEST_DIRNAME/../../build/bin/pizzactl}
	# The system that is up is the other installation; here there is nothing.
	live_home=${PIZZA_HOME:-} live_base=${PIZZA_PORT_BASE:-}
	export XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config XDG_STATE_HOME=$BATS_TEST_TMPDIR/state
	unset PIZZA_HOME PIZZA_PORT_BASE PIZZA_CONTEXT PIZZA_CONFIG PIZZA_DATABASE_URL PIZZA_KAFKA_BOOTSTRAP COLUMNS
	file=$XDG_CONFIG_HOME/pizza/contexts.yaml
	id=01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11
	mkdir -p "$XDG_CONFIG_HOME/pizza"
}

port_base() { "$PIZZACTL" "$@" config get port_base; }

@test "contexts are added, changed, listed, shown, used and removed; the file keeps its comments" {
	printf '# my shops\ncontexts:\n  # the first\n  first: {api: "http://10.0.0.1"} # here\n' >"$file"
	chmod 600 "$file"
	ctl 0 context add second home="$BATS_TEST_TMPDIR/second" port_base=23000
	ctl 0 context add first readonly=true
	ctl 0 context use second
	[ "$(cat "$file")" = "# my shops
contexts:
  # the first
  first: {api: \"http://10.0.0.1\", readonly: true} # here
  second:
    home: $BATS_TEST_TMPDIR/second
    port_base: 23000
current: second" ]
	[ "$(stat -c %a "$file")" = 600 ]
	ctl 0 context ls -o json
	[ "$(jq -c '[.[] | [.name, .kind, .current, .readonly]]' <<<"$out")" = \
		'[["local","local",false,false],["first","remote",false,true],["second","local",true,false]]' ]
	ctl 0 context show -o json
	[ "$(jq -r '"\(.name) \(.chosen_by) \(.port_base)"' <<<"$out")" = "second contexts.yaml 23000" ]
	ctl 0 context rm second
	! grep -q second "$file"
	grep -q '# the first' "$file"
	ctl 0 context show -o name
	[ "$out" = local ]
	ctl 8 context rm local
	ctl 2 context show frist
	[[ $err == *"there are local, first"* && $err == *"did you mean first?"* ]]
	[ "$(ls "$XDG_CONFIG_HOME/pizza")" = contexts.yaml ]
}

@test "what is no context is refused, and the file stays as it was" {
	ctl 0 context add shop api=http://10.0.0.1
	local before
	before=$(cat "$file")
	ctl 2 context add shop tokn=x
	[[ $err == *"there are home, config, api"* && $err == *"did you mean token?"* ]]
	ctl 2 context add shop port_base=1
	[[ $err == *"an integer from 1024 to 64000"* ]]
	ctl 2 context add shop readonly=maybe
	ctl 2 context add shop api=10.0.0.1
	ctl 2 context add shop api.nosuchd=http://10.0.0.1
	ctl 2 context add shop token=short
	ctl 2 context add shop home=relative
	ctl 2 context add shop nonsense
	ctl 2 context add 'a.b' api=http://10.0.0.1
	ctl 2 context add other readonly=true
	[[ $err == *"neither home nor api"* ]]
	ctl 2 context add local home=/elsewhere
	ctl 2 context use nowhere
	ctl 0 context add third api=http://10.0.0.3 --dry-run
	ctl 0 context use shop --dry-run
	ctl 0 context rm shop --dry-run
	[ "$(cat "$file")" = "$before" ]
}

@test "a damaged file: which line" {
	printf 'contexts:\n  shop:\n    api: http://a\n    prot: true\n' >"$file"
	ctl 2 context ls
	[[ $err == *"contexts.yaml:4: prot"* ]]
	printf 'contexts:\n  shop:\n    api: "http://a\n' >"$file"
	ctl 2 order ls
	[[ $err == *"contexts.yaml:"*"not valid YAML"* ]]
	printf 'contexts:\n  shop:\n    api: http://a\n    api: http://b\n' >"$file"
	ctl 2 context ls -o json
	[[ $(jq -r .error.what <<<"$err") == "contexts.yaml:4: api" ]]
	printf 'context: {}\ncurrent: x\n' >"$file"
	ctl 2 context ls
	printf 'current: gone\n' >"$file"
	ctl 2 config show
	[[ $err == *"gone: no such context; there are local"* ]]
}

@test "the mode is checked: nobody else writes it, nobody reads a secret in it" {
	ctl 0 context add shop api=http://10.0.0.1
	chmod 644 "$file"
	ctl 0 context ls
	chmod 664 "$file"
	ctl 8 context ls
	[[ $err == *"written to by others"*"chmod 600 $file"* ]]
	chmod 600 "$file"
	ctl 0 context add shop token="$(printf 'a%.0s' {1..64})"
	ctl 0 context show shop -o json
	[ "$(jq -r .token <<<"$out")" = "(set)" ]
	chmod 644 "$file"
	ctl 8 context ls
	[[ $err == *"has a secret in it"*"chmod 600 $file"* ]]
	chmod 600 "$file"
	ctl 0 context rm shop
	ctl 0 context add shop api=http://10.0.0.1 database.url=postgresql://u:hush@10.0.0.1
	ctl 0 context ls -o wide
	[[ $out == *"u:***@10.0.0.1"* && $out != *hush* ]]
	ctl 0 -C shop config get database.url -o json
	chmod 640 "$file"
	ctl 0 context ls
	chmod 644 "$file"
	ctl 8 context ls
}

@test "which one is used: option, PIZZA_CONTEXT, PIZZA_HOME, the file" {
	ctl 0 context add a api=http://10.0.0.1 port_base=21000
	ctl 0 context add b api=http://10.0.0.2 port_base=22000
	[ "$(port_base)" = 5000 ]
	ctl 0 context use a
	[ "$(port_base)" = 21000 ]
	[ "$(PIZZA_CONTEXT=b port_base)" = 22000 ]
	[ "$(PIZZA_CONTEXT=b port_base -C a)" = 21000 ]
	[ "$("$PIZZACTL" config get port_base -C b)" = 22000 ]
	[ "$(PIZZA_HOME=$BATS_TEST_TMPDIR/home port_base)" = 5000 ]
	[ "$(PIZZA_HOME=$BATS_TEST_TMPDIR/home port_base -C a)" = 21000 ]
	# Of a key, the environment beats the context, and an option beats both.
	[ "$(PIZZA_PORT_BASE=23000 port_base)" = 23000 ]
	[ "$(PIZZA_PORT_BASE=23000 PIZZA_CONTEXT=b port_base)" = 23000 ]
	[ "$(PIZZA_PORT_BASE=23000 port_base -C b)" = 22000 ]
	ctl 0 -C b config show -o json
	[ "$(jq -r '.[] | select(.key == "port_base") | .origin' <<<"$out")" = context ]
	ctl 2 -C c config show
	PIZZA_CONTEXT=c ctl 2 config show
	PIZZA_HOME=$BATS_TEST_TMPDIR/home ctl 0 context use b
	[[ $err == *"PIZZA_HOME decides"* ]]
}

@test "this machine's configuration file is not a remote installation's" {
	printf 'port_base: 24000\nlog.level: debug\n' >"$XDG_CONFIG_HOME/pizza/pizza.yaml"
	ctl 0 context add far api=http://10.0.0.1
	ctl 0 context add near home="$BATS_TEST_TMPDIR/near"
	[ "$(port_base)" = 24000 ]
	[ "$(port_base -C near)" = 24000 ]
	[ "$(port_base -C far)" = 5000 ]
	printf 'log.level: warn\n' >"$BATS_TEST_TMPDIR/own.yaml"
	ctl 0 context add near config="$BATS_TEST_TMPDIR/own.yaml"
	[ "$("$PIZZACTL" -C near config get log.level)" = warn ]
	[ "$(port_base -C near)" = 5000 ]
}

@test "a read-only context refuses every change, and tells what would be done" {
	ctl 0 context add shop api=http://127.0.0.1 port_base=64000 kafka.bootstrap=127.0.0.1:1 readonly=true
	local command
	while read -r command; do
		# shellcheck disable=SC2086
		ctl 8 -C shop $command --yes
		[[ $err == *"read-only"*"--dry-run"* ]]
		[ -z "$out" ]
	done <<-END
		order cancel $id
		order create --item margherita --address here
		saga retry $id
		saga cancel $id
		saga compensate $id
		payment refund $id
		inventory restock dough 5
		menu set margherita available=false
		menu rm margherita
		notify resend $id
		sandbox set --clear
		kitchen pause oven-1
		kitchen resume oven-1
		kitchen drain oven-1 --yes
		hw set oven-1 setpoint=300
		hw fault oven-1 silent
		hw clear oven-1
		topic produce order-events --value x
		lag reset --group orderd --to end
		up
		down
		start orderd
		stop orderd
		restart orderd
		scale orderd=2
	END
	ctl 0 -C shop order cancel $id --dry-run -o json
	[ "$(jq -r .url <<<"$out")" = "http://127.0.0.1:64002/api/v1/orders/$id/cancel" ]
	ctl 0 -C shop topic produce order-events --value x --dry-run
	# Reading is not refused; there is nothing to read from.
	ctl 5 -C shop menu ls
	# One's own settings are one's own.
	ctl 0 -C shop context use local
	ctl 0 context add local readonly=true
	ctl 8 stop orderd
}

@test "a protected context is announced in words, and wants --yes" {
	ctl 0 context add shop api=http://127.0.0.1 port_base=64000 protected=true
	ctl 8 -C shop order cancel $id
	[[ $err == *"context shop (http://127.0.0.1) is PROTECTED"* && $err == *"--yes confirms"* ]]
	ctl 8 -C shop order cancel $id --quiet -o json
	[ "$(tail -1 <<<"$err" | jq -r '"\(.error.code) \(.error.status)"')" = "refused 8" ]
	ctl 5 -C shop order cancel $id --yes
	[[ $err == *"is PROTECTED"*"orderd: cannot be reached at http://127.0.0.1:64002"* ]]
	ctl 0 -C shop order cancel $id --dry-run
	[[ $err != *PROTECTED* ]]
	ctl 5 -C shop menu ls
	[[ $err != *PROTECTED* ]]
	ctl 8 context rm shop
	ctl 0 context rm shop --yes
}

@test "on a terminal, a protected context wants its name as well" {
	ctl 0 context add shop api=http://127.0.0.1 port_base=64000 protected=true
	run -5 script -qec "'$PIZZACTL' -C shop order cancel $id --yes" /dev/null <<<shop
	[[ $output == *"Type its name"* && $output == *"cannot be reached"* ]]
	run -8 script -qec "'$PIZZACTL' -C shop order cancel $id --yes" /dev/null <<<shopp
	[[ $output == *"nothing was done"* && $output != *"cannot be reached"* ]]
	run -8 script -qec "'$PIZZACTL' -C shop order cancel $id" /dev/null <<<shop
	[[ $output != *"Type its name"* ]]
}

@test "what needs the machine itself is refused for a remote context" {
	ctl 0 context add shop api=http://127.0.0.1 port_base=64000
	local command
	for command in up down "start orderd" "stop orderd" "restart orderd" "scale orderd=2" logs; do
		# shellcheck disable=SC2086
		ctl 8 -C shop $command
		[[ $err == *"the context shop is remote"* ]]
	done
	ctl 5 -C shop status
	[[ $err == *"nothing of this installation answers"*"doctor"* ]]
	ctl 1 -C shop doctor -o json
	[ "$(jq -r '.[] | select(.check == "orderd").detail' <<<"$out")" = "looked for at http://127.0.0.1:64002" ]
	# What it does not name is not taken from this machine.
	ctl 2 -C shop order ls
	[[ $err == *"the context shop names no database.url"* ]]
	ctl 2 -C shop topic ls
	[[ $err == *"names no kafka.bootstrap"*"pizzactl context add shop kafka.bootstrap="* ]]
	ctl 0 context add shop api.orderd=http://127.0.0.1:1/orders/
	ctl 5 -C shop order show $id
	[[ $err == *"http://127.0.0.1:1/orders"* ]]
}

@test "a remote context reads everything and changes by the daemons' APIs" {
	[ -S "$live_home/run/pizzad.sock" ] || skip "no system is up"
	cp "$live_home/operator.token" "$XDG_CONFIG_HOME/pizza/far.token"
	ctl 0 context add far api=http://127.0.0.1 port_base="$live_base" token_file=far.token \
		database.url="postgresql://${live_home//\//%2F}%2Frun" kafka.bootstrap=127.0.0.1:$((live_base + 92))
	ctl 0 context use far
	ctl 0 status -o json
	[ "$(jq -c '[.[] | select(.state != "up").name]' <<<"$out")" = "[]" ]
	ctl 0 status orderd postgres -o name
	[ "$(xargs <<<"$out")" = "postgres orderd" ]
	ctl 0 doctor -o none
	ctl 0 order create --item margherita --address here --wait paid -o name
	local order=$out command
	for command in "order ls --limit 1" "order show $order" "saga show $order" "saga ls --limit 1" kpi "menu ls" \
		"inventory ls" "payment ls --limit 1" "notify ls --limit 1" "topic ls" "lag" "topic tail order-events -n 1" \
		"outbox status" "sandbox show" "kitchen status" "hw ls" "config show"; do
		# shellcheck disable=SC2086
		ctl 0 $command -o json
		jq -e . <<<"$out" >/dev/null
	done
	ctl 0 inventory restock dough 1 --reason "from afar"
	ctl 0 order create --item margherita:large:100 --address here -o name # it takes the kitchen some rounds
	ctl 0 order cancel "$out" --reason "from afar"
	ctl 0 context add far readonly=true
	ctl 8 inventory restock dough 1 --yes
	ctl 0 context add far readonly=false protected=true
	ctl 8 inventory restock dough 1
	ctl 0 inventory restock dough 1 --yes
	[[ $err == *"context far (http://127.0.0.1) is PROTECTED"* ]]
	chmod 644 "$XDG_CONFIG_HOME/pizza/far.token"
	ctl 8 menu ls
	[[ $err == *far.token*0600* ]]
}
