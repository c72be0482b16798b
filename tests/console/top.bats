# The dashboard as a program: each screen as text and as data, and in a real terminal (tmux): keys, resizing, a lost backend, an action
# with its question, stopping and ending.  With a system that is up (PIZZA_HOME), and what needs none without it.

bats_require_minimum_version 1.5.0
load ../integration/common

setup_file() {
	[ ! -S "${PIZZA_HOME:-}/run/pizzad.sock" ] || ORDER=$("$PIZZACTL" order create --item margherita:large:2 --name 'Eve ピザ' \
		--email eve@example.org --phone +79001234567 --address "1 Test Street" --wait paid -o name)
	export ORDER
}

setup() {
	PIZZACTL=$(realpath "${PIZZACTL:-$BATS_TEST_DIRNAME/../../build/bin/pizzactl}")
	terminal=pizza-$$-$BATS_TEST_NUMBER
	export LC_ALL=C.UTF-8
}

teardown() {
	tmux -L "$terminal" kill-server 2>/dev/null || true
	[ -z "${stopped:-}" ] || "$PIZZACTL" start "$stopped" -q
}

live() { [ -S "${PIZZA_HOME:-}/run/pizzad.sock" ] || skip "no system is up"; }

alone() { export PIZZA_HOME=$BATS_TEST_TMPDIR/home PIZZA_PORT_BASE=64000 XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config; }

open_terminal() { # open_terminal WIDTH HEIGHT COMMAND
	tmux -L "$terminal" -f /dev/null new-session -d -x "$1" -y "$2" "exec env PS1='> ' bash --norc"
	tmux -L "$terminal" set -g remain-on-exit on
	keys "$3" Enter
}

keys() { tmux -L "$terminal" send-keys "$@"; }
screen() { tmux -L "$terminal" capture-pane -p; }
shows() { screen | grep -qF -- "$1"; }
shows_not() { ! shows "$1"; }
fits() { # fits COLUMNS: no line has been broken, and the footer is the last one
	[ "$(screen | wc -l)" = "$2" ] && [ "$(screen | wc -L)" -le "$1" ] && screen | tail -n 1 | grep -q "? help"
}
wait_for() { eventually 60 shows "$1" || { screen; return 1; }; }

@test "without a system: text without escapes, data with errors, 5; each screen keeps its size" {
	local s
	alone
	for s in overview sagas kitchen lag dlq topics orders services heatmap "saga 01939b1c" "messages order-events"; do
		run -5 --separate-stderr "$PIZZACTL" top $s --once --size 80x24 --timeout 1s || { echo "$s: $status $output"; return 1; }
		[ "${#lines[@]}" -ge 4 ]
		[[ $output != *$'\033'* && $stderr == *pizzactl* ]]
	done
	run -3 "$PIZZACTL" top logs --once # nothing has run there
	run -5 --separate-stderr "$PIZZACTL" top lag --once -o json --timeout 1s
	[ "$(jq -r '.screen + " " + .panels.lag.error.code + " " + (.panels.lag.data | tostring)' <<<"$output")" = "lag unavailable null" ]
	[ "$("$PIZZACTL" top --once --size 40x10 2>/dev/null | wc -l)" = 10 ]
}

@test "what is wrong on the command line: which, what there is, the nearest" {
	alone
	run -3 "$PIZZACTL" top sages --once
	[[ $output == *"there are overview, sagas"*"did you mean sagas"* ]]
	run -2 "$PIZZACTL" top saga --once
	[[ $output == *"pizzactl top saga ID"* ]]
	run -2 "$PIZZACTL" top --once --size 3x3
	run -2 "$PIZZACTL" top </dev/null
	[[ $output == *"needs a terminal"* ]]
}

@test "live: each screen as text and as data" {
	local s
	live
	for s in overview sagas steps kitchen tickets lag dlq jobs topics orders services hosts heatmap logs payments inventory notifications "saga $ORDER" "service orderd" "partitions orderd"; do
		run -0 "$PIZZACTL" top $s --once --size 120x40 || { echo "$s: $output"; return 1; }
		[[ $output != *$'\033'* && $output == *" pizza "* && $output != *STALE* ]]
		run -0 "$PIZZACTL" top $s --once -o json
		jq -e '.panels | length > 0 and all(.error == null and .data != null) or has("logs")' <<<"$output" >/dev/null || { echo "$s: $output"; return 1; }
	done
	run -0 "$PIZZACTL" top saga "$ORDER" --once --size 120x40
	[[ $output == *OrderCreated*StockReserved*PaymentCompleted*OrderPaid*"Eve ピザ"* || $output == *"Eve ピザ"*OrderCreated*StockReserved*PaymentCompleted*OrderPaid* ]]
	run -0 env LC_ALL=C "$PIZZACTL" top --once
	! LC_ALL=C grep -q '[^ -~]' <<<"$output"
}

@test "live: keys, drilling down, a question, resizing" {
	local size
	live
	open_terminal 110 30 "$PIZZACTL top"
	wait_for "orders/s"
	keys 2
	wait_for "${ORDER: -8}"
	keys / "${ORDER: -12}" Enter
	wait_for "1/1"
	keys c
	wait_for "why"
	keys late Enter
	wait_for "pizzactl saga cancel $ORDER --reason late"
	keys n
	wait_for "nothing was done"
	keys Enter
	wait_for "PaymentCompleted"
	for size in 40x10 300x100 12x4 80x24 200x9 100x30; do
		tmux -L "$terminal" resize-window -x "${size%x*}" -y "${size#*x}"
	done
	eventually 60 fits 100 30 || { screen; return 1; }
	keys Escape Escape '?'
	wait_for "Everywhere"
	keys Escape :q Enter
	eventually 60 shows_not "Everywhere"
	wait_for "> "
}

@test "live: commands are shown and completed, a beginning is enough; what I changed; details" {
	live
	open_terminal 110 30 "$PIZZACTL top"
	wait_for "orders/s"
	keys :se
	wait_for " services  service"
	keys Tab Tab Enter
	wait_for "REPLICAS"
	"$PIZZACTL" saga retry "$ORDER" -q || [ $? = 9 ] # it is in the audit, whatever came of it
	keys ":sa mine" Enter
	wait_for "${ORDER: -8}"
	keys i
	wait_for "AS IT CAME"
	wait_for "$ORDER"
	keys q
	wait_for "> "
}

@test "live: what happens to a saga is seen in the list, wherever it stands" {
	local new
	live
	open_terminal 110 30 "$PIZZACTL top sagas"
	wait_for "${ORDER: -8}"
	new=$("$PIZZACTL" order create --item margherita:large:1 --name 'Changes' --email eve@example.org \
		--phone +79001234567 --address "1 Test Street" --wait paid -o name)
	wait_for "${new: -8}"
	keys / "${new: -12}" Enter
	wait_for "1/1"
	wait_for "ready"
}

@test "live: a service that goes away is told of, and that it is back" {
	live
	open_terminal 110 30 "$PIZZACTL top services"
	wait_for "notifyd"
	stopped=notifyd
	"$PIZZACTL" stop notifyd -q
	eventually 60 shows "1 down" || { screen; return 1; }
	keys 1
	wait_for "notifyd is down"
	"$PIZZACTL" start notifyd -q
	stopped=
	eventually 60 shows_not "notifyd is down" || { screen; return 1; }
}

@test "the terminal is given back: suspended and resumed, ended by a signal" {
	local pid
	alone
	cd "$BATS_TEST_TMPDIR"
	open_terminal 100 30 "stty -a >before; $PIZZACTL top"
	wait_for "overview"
	keys C-z
	wait_for "Stopped"
	keys fg Enter
	wait_for "attention"
	pid=$(pgrep -P "$(tmux -L "$terminal" list-panes -F '#{pane_pid}')" -x pizzactl)
	kill -TSTP "$pid"
	wait_for "Stopped"
	keys fg Enter
	wait_for "attention"
	kill -TERM "$pid"
	wait_for "Terminated"
	shows_not "attention"
	keys "stty -a >after; cmp before after && echo the-same" Enter
	wait_for "the-same"
}

@test "the terminal is given back after a crash" {
	local pid
	alone
	cd "$BATS_TEST_TMPDIR"
	open_terminal 100 30 "ulimit -c 0; stty -a >before; $PIZZACTL top"
	wait_for "attention"
	pid=$(pgrep -P "$(tmux -L "$terminal" list-panes -F '#{pane_pid}')" -x pizzactl)
	kill -SEGV "$pid"
	wait_for "Segmentation fault"
	shows_not "attention"
	keys "stty -a >after; cmp before after && echo the-same" Enter
	wait_for "the-same"
	[ "$(tmux -L "$terminal" display -p '#{alternate_on} #{cursor_flag} #{mouse_any_flag}')" = "0 1 0" ]
}

mouse() { [ "$(tmux -L "$terminal" display -p '#{mouse_any_flag}')" = "$1" ]; }

@test "the mouse opens and sorts, and can be turned off; themes" {
	alone
	open_terminal 100 30 "$PIZZACTL top"
	wait_for "attention"
	keys -l $'\033[M -='                                            # the tab of the second screen, in the last line but one
	wait_for " sagas"
	eventually 60 mouse 1
	keys m
	wait_for "it selects text"
	eventually 60 mouse 0
	keys T
	wait_for "theme light"
	keys q
	run -2 "$PIZZACTL" top --once --theme pink
	[[ $output == *"dark"*"light"*"contrast"*"mono"* ]]
}

@test "live: recorded, wound back, replayed" {
	live
	cd "$BATS_TEST_TMPDIR"
	open_terminal 110 30 "$PIZZACTL top --record here.jsonl"
	wait_for "orders/s"
	keys 7
	wait_for "${ORDER: -8}"
	keys '['
	wait_for "PAUSED"
	keys ']' p
	eventually 60 shows_not "PAUSED" || { screen; return 1; }
	keys q
	wait_for "> "
	[ "$(stat -c %a here.jsonl)" = 600 ]
	run -9 "$PIZZACTL" top --record here.jsonl </dev/null || [ "$status" = 2 ] # no terminal
	run -0 "$PIZZACTL" top orders --once --replay here.jsonl --size 110x30
	[[ $output == *REPLAY*"${ORDER: -8}"* ]]
	run -0 "$PIZZACTL" top overview --once --replay here.jsonl -o ansi
	[[ $output == *$'\033[0;'* && $output == *orderd* ]]
	run -2 "$PIZZACTL" top --once --replay /etc/passwd
	run -3 "$PIZZACTL" top --once --replay none.jsonl
}

# A lost backend empties no screen, and what is shown of it is fresh again once it is back.
lose_and_find() { # lose_and_find SCREEN TEXT COMMAND…
	local name=$1 text=$2
	shift 2
	keys ":$name" Enter
	wait_for "$text"
	"$@"
	eventually 60 shows "trying again" || { screen; return 1; }
	shows "$text" || { screen; return 1; }
}

found() { # found TEXT
	eventually 60 shows_not "trying again" || { screen; return 1; }
	wait_for "$1"
}

@test "live: each backend goes away and comes back" {
	live
	open_terminal 120 30 "$PIZZACTL top --timeout 2s"
	wait_for "orders/s"
	stopped=postgres # a killed one is back before anybody sees it
	lose_and_find orders "${ORDER: -8}" "$PIZZACTL" stop postgres -q
	"$PIZZACTL" start postgres -q
	found "${ORDER: -8}"
	stopped=kafka
	lose_and_find lag "order-events" "$PIZZACTL" stop kafka -q
	"$PIZZACTL" start kafka -q
	found "order-events"
	stopped=inventoryd
	lose_and_find inventory "mozzarella" "$PIZZACTL" stop inventoryd -q
	"$PIZZACTL" start inventoryd -q
	stopped=
	found "mozzarella"
}

@test "live: what is written for a refresh is bounded" {
	local before after
	live
	open_terminal 120 40 "$PIZZACTL top services"
	wait_for "orderd"
	tmux -L "$terminal" pipe-pane -o "cat >>$BATS_TEST_TMPDIR/written"
	eventually 60 test -s "$BATS_TEST_TMPDIR/written"
	before=$(stat -c %s "$BATS_TEST_TMPDIR/written")
	run -0 timeout 5 tail -f /dev/null || true
	after=$(stat -c %s "$BATS_TEST_TMPDIR/written")
	[ $((after - before)) -lt 15000 ] # five refreshes; a whole screen has 4800 cells
}

@test "NO_COLOR: no colour, and every state still is a word" {
	alone
	open_terminal 100 30 "NO_COLOR=1 $PIZZACTL top"
	wait_for "not there"
	run -0 tmux -L "$terminal" capture-pane -p -e
	! grep -qE $'\033\\[[0-9;]*(3[0-7]|38)m' <<<"$output"
}
