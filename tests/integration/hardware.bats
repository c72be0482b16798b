#!/usr/bin/env bats
# The virtual hardware, seen by mbpoll, by foreign clients and by pizzactl.  The kitchen of the system that is up uses
# its own; here a hwd of the tests runs beside it, with a home and ports of its own, on the same PostgreSQL.

load common

setup_file() {
	local root
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	export HWD=${PIZZACTL%/*}/hwd LIVE_HOME=$PIZZA_HOME LIVE_BASE=$PIZZA_PORT_BASE
	export PIZZA_HOME=$BATS_FILE_TMPDIR/home PIZZA_DATABASE_URL="postgresql://?host=$LIVE_HOME/run"
	PIZZA_PORT_BASE=$(free_base)
	export PIZZA_PORT_BASE PIZZA_KITCHEN_TIME_SCALE=300
	mkdir -p "$PIZZA_HOME"
	start_hwd
}

teardown_file() {
	kill "$(cat "$PIZZA_HOME/hwd.pid")" || true
}

setup() {
	for d in oven-1 oven-2 oven-3 oven-4 pan-1 timer-1; do
		"$PIZZACTL" hw clear $d -o none
	done
}

free_base() { # below the ports that outgoing connections get
	local base p
	for _ in $(seq 50); do
		base=$((12000 + (RANDOM % 190) * 100))
		for p in 12 502; do
			(: </dev/tcp/127.0.0.1/$((base + p))) 2>/dev/null && continue 2
		done
		echo $base
		return
	done
}

start_hwd() {
	"$HWD" >>"$PIZZA_HOME/hwd.log" 2>&1 3>&- &
	echo $! >"$PIZZA_HOME/hwd.pid"
	eventually 60 curl -fsS -o "$PIZZA_HOME/ready" "$(url 12 /readyz)"
}

kill_hwd() { # kill_hwd: as if the machine had taken it away
	local pid
	pid=$(cat "$PIZZA_HOME/hwd.pid")
	kill -9 "$pid"
	eventually 60 gone "$pid"
}

gone() { ! kill -0 "$1" 2>/dev/null; }

mb() { # mb UNIT TYPE ADDRESS [COUNT-OPTION…] [VALUE…]: mbpoll's own words; TYPE 0 coil, 1 discrete, 3 input, 4 holding
	local unit=$1 type=$2 address=$3
	shift 3
	mbpoll -m tcp -p $((PIZZA_PORT_BASE + 502)) -a "$unit" -t "$type" -0 -r "$address" -1 -q -o 0.3 127.0.0.1 "$@" 2>&1
}

get() { # get UNIT TYPE ADDRESS: the number
	mb "$1" "$2" "$3" | sed -n 's/^\[[0-9]*\]:[[:space:]]*\(-\{0,1\}[0-9]*\).*/\1/p'
}

is() { # is UNIT TYPE ADDRESS OPERATOR VALUE
	local value
	value=$(get "$1" "$2" "$3")
	[ -n "$value" ] && [ "$value" "$4" "$5" ]
}

field() { # field DEVICE JQ
	"$PIZZACTL" hw show "$1" -o json | jq -r "$2"
}

field_is() { # field_is DEVICE JQ VALUE
	[ "$(field "$1" "$2")" = "$3" ]
}

heat() { # heat UNIT: to its setpoint
	mb "$1" 0 0 1
	eventually 60 is "$1" 1 2 -eq 1
}

@test "mbpoll reads a device: temperature, setpoint, status, faults" {
	run mb 2 3 0 -c 4
	[ "$status" = 0 ]
	[ "$(grep -c '^\[[0-3]\]:' <<<"$output")" = 4 ]
	is 2 3 0 -gt 150 && is 2 3 0 -lt 300
	[ "$(get 2 3 1)" = 3200 ]
	[ "$(get 2 3 3)" = 0 ]
	[ "$(get 5 3 5)" = 2 ] # unit 5 is a pan
	[ "$(get 14 3 5)" = 3 ] # and unit 14 the last timer
	before=$(get 1 3 4)
	eventually 60 is 1 3 4 -gt "$before" # it beats
}

@test "mbpoll sets what pizzactl sees, and the oven heats up and holds" {
	mb 1 4 0 3000
	field_is oven-1 .setpoint_c 300
	[ "$(get 1 4 0)" = 3000 ]
	heat 1
	field_is oven-1 .at_temperature true
	is 1 3 0 -gt 2850 && is 1 3 0 -lt 3150
	field_is oven-1 '.power' true
	"$PIZZACTL" hw set oven-1 setpoint=320 power=off -o none
	[ "$(get 1 4 0)" = 3200 ]
	[ "$(get 1 0 0)" = 0 ]
}

@test "a deck is loaded, tells when it is done, and is unloaded, by its tag alone" {
	heat 2
	mb 2 4 24 2 0 4711 1 # the second deck: a medium one
	mb 2 4 24 2 0 4711 1 # said twice, done once
	run mb 2 4 24 2 0 4712 1
	[ "$status" != 0 ]
	[[ "$output" == *busy* ]]
	[ "$(get 2 3 24)" -ge 1 ] && [ "$(get 2 3 26)" = 4711 ] && [ "$(get 2 3 31)" = 1 ]
	[ "$(get 2 3 7)" = 2 ]
	field_is oven-2 '.state + " " + .decks[1].product' "in use medium"
	eventually 60 is 2 3 24 -ge 2 # done, or burnt where tests are slow
	[ $(($(get 2 1 17) + $(get 2 1 49))) = 1 ] # the readiness sensor says so too
	run mb 2 4 24 0 0 4712 2
	[ "$status" != 0 ]
	mb 2 4 24 0 0 4711 2
	mb 2 4 24 0 0 4711 2
	[ "$(get 2 3 24)" = 0 ] && [ "$(get 2 3 33)" = 4711 ] && [ "$(get 2 3 34)" -ge 2 ]
	"$PIZZACTL" hw set oven-2 power=off -o none
}

@test "what is left in the oven burns" {
	heat 3
	mb 3 4 16 1 1 1 1
	eventually 60 is 3 1 48 -eq 1
	field_is oven-3 '.decks[0].state' burnt
	mb 3 4 16 0 1 1 2
	[ "$(get 3 3 22)" = 3 ]
	"$PIZZACTL" hw set oven-3 power=off -o none
}

@test "what cannot be is answered by the exception that says why, and changes nothing" {
	refused() { # refused WORDS UNIT TYPE ADDRESS [ARG…]
		local words=$1
		shift
		run mb "$@"
		[ "$status" != 0 ] && [[ "$output" == *"$words"* ]] || {
			echo "$*: $status $output"
			return 1
		}
	}
	before=$(field oven-4 '[.setpoint_c, .power, .faults]')
	refused "Illegal data address" 4 3 60
	refused "Illegal data address" 4 3 0 -c 61
	refused "Illegal data address" 4 4 5 1
	refused "Illegal data address" 4 4 16 1
	refused "Illegal data address" 4 0 3 1
	refused "Illegal data value" 4 4 0 9000
	refused "Illegal data value" 4 4 0 100
	refused "Illegal data value" 4 4 1 512
	refused "Illegal data value" 14 4 1 1
	refused "Illegal data value" 4 4 16 9 0 1 1
	refused "Illegal data value" 4 4 16 1 0 0 1
	refused "Target device failed" 99 3 0
	[ "$(field oven-4 '[.setpoint_c, .power, .faults]')" = "$before" ]
}

@test "a killed hwd loses nothing, and what was in the oven baked on" {
	heat 1
	mb 1 4 40 3 2 3 1 # the fourth deck, tag 2 * 65536 + 3
	hot=$(get 1 3 0)
	kill_hwd
	run mb 1 3 0
	[ "$status" != 0 ]
	start_hwd
	[ "$(get 1 3 48)" != 0 ]
	field_is oven-1 '.decks[3].tag' 131075
	is 1 3 0 -gt $((hot - 300))
	is 1 3 53 -gt 0 # time passed
	[ "$(get 1 3 55)" = 1 ]
	eventually 60 is 1 3 48 -ge 2
	mb 1 4 40 0 2 3 2
	"$PIZZACTL" hw set oven-1 power=off -o none
}

@test "a silent device answers nobody, and the others do" {
	"$PIZZACTL" hw fault oven-1 silent -o none
	run mb 1 3 0
	[ "$status" != 0 ]
	[[ "$output" == *"timed out"* ]]
	is 2 3 0 -gt 0
	field_is oven-1 '.state + " " + (.faults | join(","))' "offline silent"
	aged() { [ "$(field oven-1 .heartbeat_age_ms)" -gt 300 ]; }
	eventually 60 aged
	run "$PIZZACTL" hw check
	[ "$status" = 4 ]
	[[ "$output" == *oven-1* && "$output" != *oven-2* ]]
	"$PIZZACTL" hw clear oven-1 -o none
	is 1 3 0 -gt 0
	run "$PIZZACTL" hw check
	[ "$status" = 0 ]
}

@test "the bus goes down for everybody, survives a restart, and comes back" {
	exec 5<>/dev/tcp/127.0.0.1/$((PIZZA_PORT_BASE + 502))
	"$PIZZACTL" hw fault pan-1 bus-down -o none
	run timeout 5 cat <&5 # whoever was connected is not any more
	[ "$status" = 0 ] && [ -z "$output" ]
	exec 5<&-
	refused() { ! (: </dev/tcp/127.0.0.1/$((PIZZA_PORT_BASE + 502))) 2>/dev/null; }
	refused
	[ "$("$PIZZACTL" hw ls -o json | jq -r '[.[] | "\(.state) \(.faults[0])"] | unique | join("|")')" = "offline bus-down" ]
	run "$PIZZACTL" hw check
	[ "$status" = 4 ]
	kill_hwd
	start_hwd
	refused
	"$PIZZACTL" hw clear oven-2 -o none
	eventually 60 is 1 3 0 -gt 0
	[ "$("$PIZZACTL" hw check -o json)" = "[]" ] || [ -z "$("$PIZZACTL" hw check -o json 2>/dev/null)" ]
}

@test "a dead heater lets the oven cool, an open door keeps it cold" {
	mb 2 0 0 1
	heat 1
	heat 2
	"$PIZZACTL" hw fault oven-1 heater-dead -o none
	"$PIZZACTL" hw fault oven-2 door-open -o none
	eventually 60 is 1 3 0 -lt 2800
	eventually 60 is 2 3 0 -lt 2800
	[ "$(get 1 1 1)" = 1 ] # the heater is asked to heat
	[ "$(get 1 1 2)" = 0 ] # and it is not hot
	[ "$(get 2 1 3)" = 1 ] # the door contact
	field_is oven-1 .state faulted
	"$PIZZACTL" hw clear oven-1 -o none
	eventually 60 is 1 1 2 -eq 1
	"$PIZZACTL" hw set oven-1 power=off -o none
	"$PIZZACTL" hw set oven-2 power=off -o none
}

@test "a stuck thermostat trips the cut-out, which waits for its reset" {
	mb 3 4 1 2 # the fault, by Modbus: bit 1
	field_is oven-3 '.faults[0]' thermostat-stuck
	eventually 60 is 3 1 4 -eq 1
	[ "$(get 3 3 11)" -ge 1 ]
	run "$PIZZACTL" hw check
	[ "$status" = 4 ]
	[[ "$output" == *"cut-out"* ]]
	"$PIZZACTL" hw clear oven-3 thermostat-stuck -o none
	field_is oven-3 '.cutout' true
	"$PIZZACTL" hw set oven-3 reset=on -o none
	eventually 60 is 3 1 4 -eq 0
	field_is oven-3 .state idle
}

@test "sensors: stuck shows one value, noisy many, disconnected none" {
	heat 4
	"$PIZZACTL" hw fault oven-4 sensor-stuck -o none
	stuck=$(get 4 3 0)
	"$PIZZACTL" hw set oven-4 power=off -o none
	sleep_a_while() { [ "$(get 4 3 4)" -gt "$((beat + 10))" ]; }
	beat=$(get 4 3 4)
	eventually 60 sleep_a_while
	[ "$(get 4 3 0)" = "$stuck" ]
	"$PIZZACTL" hw clear oven-4 -o none
	eventually 60 is 4 3 0 -lt $((stuck - 100))
	"$PIZZACTL" hw fault oven-4 sensor-noisy -o none
	scattered() {
		local a b
		a=$(get 4 3 0) b=$(get 4 3 0)
		[ $((a - b)) -gt 150 ] || [ $((b - a)) -gt 150 ]
	}
	eventually 60 scattered
	"$PIZZACTL" hw fault oven-4 sensor-disconnected -o none
	[ "$(mb 4 3 0 | grep -c '32768')" = 1 ]
	field_is oven-4 '.temperature_c' null
	field_is oven-4 '.no_reading' true
}

@test "timers count down, and one that drifts is late" {
	"$PIZZACTL" hw fault timer-2 timer-drift -o none
	"$PIZZACTL" hw set timer-1 duration=3000 run=on -o none
	"$PIZZACTL" hw set timer-2 duration=3000 run=on -o none
	eventually 60 is 7 3 0 -lt 2400
	"$PIZZACTL" hw ls -o json | jq -e '[.[] | select(.kind == "timer") | 3000 - .left_seconds] | .[1] > 0 and .[1] < .[0] * 0.9'
	"$PIZZACTL" hw set timer-2 run=off -o none
	field_is timer-2 '.running, .left_seconds' "$(printf 'false\n0')"
	"$PIZZACTL" hw set timer-1 duration=30 run=on -o none
	eventually 60 field_is timer-1 .expired true
	"$PIZZACTL" hw clear timer-2 -o none
}

@test "a client that talks nonsense, half talks, or never listens harms nobody" {
	python3 "$BATS_TEST_DIRNAME/foreign.py" $((PIZZA_PORT_BASE + 502)) "${SEED:-$RANDOM}"
	kill -0 "$(cat "$PIZZA_HOME/hwd.pid")"
	is 1 3 0 -gt 0
	curl -sS "$(url 12 /metrics)" | grep -q '^pizza_modbus_requests_total{function="4",outcome="ok"}'
}

@test "changes need the operator's token, name the bad field, and are in the audit" {
	http PUT "$(url 12 /api/v1/hw/oven-1)" '{"setpoint_c":300}'
	[ "$code" = 401 ]
	bad() { # bad STATUS FIELD METHOD PATH BODY
		http "$3" "$(url 12 "$4")" "$5" -H "Authorization: Bearer $(token)"
		[ "$code" = "$1" ] && jq -e --arg f "$2" '.errors[0].field == $f or $f == ""' <<<"$output" >/dev/null || {
			echo "$code $output"
			return 1
		}
	}
	bad 422 setpoint_c PUT /api/v1/hw/oven-1 '{"setpoint_c":900}'
	bad 422 setpoint_c PUT /api/v1/hw/oven-1 '{"setpoint_c":"hot"}'
	bad 422 power PUT /api/v1/hw/oven-1 '{"power":1}'
	bad 422 door PUT /api/v1/hw/pan-1 '{"door":true}'
	bad 422 faults PUT /api/v1/hw/oven-1 '{"faults":3}'
	bad 422 oven-1 PUT /api/v1/hw/oven-1 '{}'
	bad 422 faults POST /api/v1/hw/oven-1/fault '{"faults":["on-fire"]}'
	bad 422 faults POST /api/v1/hw/oven-1/fault '{"faults":[]}'
	bad 422 faults POST /api/v1/hw/timer-1/fault '{"faults":["heater-dead"]}'
	bad 422 faults POST /api/v1/hw/oven-1/clear '{"faults":"all"}'
	bad 400 "" POST /api/v1/hw/oven-1/fault '{"faults":'
	bad 404 "" POST /api/v1/hw/oven-99/fault '{"faults":["silent"]}'
	field_is oven-1 '.setpoint_c' 320
	"$PIZZACTL" hw fault oven-1 silent --reason "a drill" -o none
	"$PIZZACTL" audit ls --action hw.fault -o json --limit 1 |
		jq -e '.[0] | .target == "oven-1" and .reason == "a drill" and .outcome == "ok"'
	"$PIZZACTL" audit ls --action hw -o json | jq -e '[.[] | select(.outcome | startswith("invalid"))] | length > 0'
}

@test "the list goes by state and page by page" {
	page() { curl -sS "$(url 12 "/api/v1/hw?$1")"; }
	[ "$(page 'limit=3' | jq -c '[(.items | length), .next_cursor]')" = '[3,"oven-3"]' ]
	[ "$(page 'limit=3&cursor=oven-3' | jq -r '.items[0].device')" = oven-4 ]
	[ "$(page 'cursor=timer-7' | jq -c '[(.items | length), .next_cursor]')" = '[1,null]' ]
	"$PIZZACTL" hw fault pan-2 silent -o none
	[ "$(page 'status=offline' | jq -r '.items[].device')" = pan-2 ]
	"$PIZZACTL" hw clear pan-2 -o none
	for bad in limit=0 status=broken cursor=oven-99; do
		http GET "$(url 12 "/api/v1/hw?$bad")"
		[ "$code" = 400 ]
	done
}

@test "pizzactl hw: every format, and exit statuses that tell" {
	ctl() { # ctl STATUS ARG…
		local want=$1
		shift
		run "$PIZZACTL" "$@"
		[ "$status" = "$want" ] || {
			echo "$*: $status instead of $want: $output"
			return 1
		}
	}
	ctl 0 hw ls
	[[ "${lines[1]}" == oven-1* ]]
	[ "$("$PIZZACTL" hw ls -o name | wc -l)" = 14 ]
	for f in wide json jsonl csv yaml none; do
		ctl 0 hw ls -o $f
		ctl 0 hw show oven-1 -o $f
	done
	"$PIZZACTL" hw ls -o json | jq -e 'all(has("device") and has("kind") and has("state") and has("temperature_c") and
		has("setpoint_c") and has("ticket") and has("order_id") and has("heartbeat_age_ms") and has("faults"))'
	[ "$("$PIZZACTL" hw ls --where 'kind = pan' -o name)" = "$(printf 'pan-1\npan-2')" ]
	ctl 3 hw show oven-99
	[[ "$output" == *"no device oven-99"* ]]
	ctl 3 hw fault oven-99 silent
	ctl 2 hw fault oven-1
	ctl 2 hw fault oven-1 on-fire
	[[ "$output" == *heater-dead* ]]
	ctl 2 hw set oven-1 setpoint=900
	[[ "$output" == *"50 to 400"* ]]
	ctl 2 hw set oven-1 setpint=300
	[[ "$output" == *"did you mean setpoint"* ]]
	ctl 2 hw set oven-1 setpoint=hot
	ctl 2 hw set oven-1 power=maybe
	ctl 2 hw set oven-1 setpoint
	ctl 0 hw fault oven-1 silent --dry-run
	field_is oven-1 '.faults' "[]"
	[ "$(timeout -s INT 5 "$PIZZACTL" hw watch | head -n 1 | jq -r '.device')" = oven-1 ]
	PIZZA_PORT_BASE=1024 ctl 5 hw check
}

@test "pizzad supervises it: killed, it is started again with its state" {
	unset PIZZA_KITCHEN_TIME_SCALE PIZZA_DATABASE_URL
	export PIZZA_HOME=$LIVE_HOME PIZZA_PORT_BASE=$LIVE_BASE
	pid() { "$PIZZACTL" status -o json | jq -r '.[] | select(.name == "hwd") | .pid'; }
	"$PIZZACTL" hw set timer-8 duration=12345 -o none
	old=$(pid)
	kill -9 "$old"
	restarted() { local now && now=$(pid) && [ -n "$now" ] && [ "$now" != null ] && [ "$now" != "$old" ]; }
	eventually 60 restarted
	eventually 60 field_is timer-8 .duration_seconds 12345
}
