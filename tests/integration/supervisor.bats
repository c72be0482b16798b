#!/usr/bin/env bats
# The supervisor alone: real PostgreSQL and Kafka, daemons that do nothing but speak its protocol (c/fake_daemon.c), in
# homes of its own.  PIZZACTL names the pizzactl to test; pizzad lies beside it.

load common

setup_file() {
	local d root
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	export PIZZACTL=${PIZZACTL:-$root/build/bin/pizzactl}
	PIZZAD=$(dirname "$(realpath "$PIZZACTL")")/pizzad
	export PIZZAD
	unset PIZZA_CONFIG
	T=$(mktemp -d /tmp/pizza-sup.XXXXXX)
	export T
	export PIZZA_BIN=$T/bin PIZZA_HOME=$T/one PIZZA_DRAIN_TIMEOUT=500ms XDG_CONFIG_HOME=$T/config
	PIZZA_PORT_BASE=$(free_base)
	export PIZZA_PORT_BASE
	mkdir -p "$PIZZA_BIN" "$PIZZA_HOME/fake"
	${CC:-cc} -D_GNU_SOURCE -I"$root" -o "$PIZZA_BIN/fake" "$root/tests/integration/c/fake_daemon.c" \
		"$root/core/service/notify_socket.c" "$root"/core/base/{error,text,buf,mem}.c
	DAEMONS=0
	for d in $(sed -n 's/.*\.name = "\([a-z]*d\)".*/\1/p' "$root/core/contract/daemons.c"); do
		ln "$PIZZA_BIN/fake" "$PIZZA_BIN/$d"
		DAEMONS=$((DAEMONS + 1))
	done
	export DAEMONS
	"$PIZZACTL" up
}

teardown_file() {
	local home
	for home in "$T"/*/; do
		PIZZA_HOME=$home "$PIZZACTL" down || true
	done
	rm -rf "$T"
}

# A port base of which nothing is in use, below the ports that outgoing connections get.
free_base() {
	local base p
	for _ in $(seq 50); do
		base=$((12000 + (RANDOM % 200) * 100))
		for p in 1 2 3 4 5 7 9 12 20 92 93 502; do
			(: </dev/tcp/127.0.0.1/$((base + p))) 2>/dev/null && continue 2
		done
		echo $base
		return
	done
}

field() { # field SERVICE JQ
	"$PIZZACTL" status -o json | jq -r ".[] | select(.name == \"$1\") | $2"
}

field_is() { # field_is SERVICE JQ VALUE
	[ "$(field "$1" "$2")" = "$3" ]
}

failed_with() { # failed_with SERVICE TEXT: it is between two tries
	"$PIZZACTL" status -o json | jq -e --arg name "$1" --arg text "$2" \
		'.[] | select(.name == $name) | .state == "failed" and (.reason | contains($text))' >/dev/null
}

# Processes of a home: those with its notification socket in their environment, and those of its pid files.
processes_of() {
	{
		grep -lzxsF "NOTIFY_SOCKET=$1/run/notify.sock" /proc/[0-9]*/environ | cut -d / -f 3
		cat "$1"/run/*.pid 2>/dev/null | cut -d ' ' -f 1
	} | sort -u
}

@test "everything is up" {
	[ "$("$PIZZACTL" status -o json | jq '[.[] | select(.state == "up")] | length')" = $((DAEMONS + 2)) ]
	field_is orderd .kind daemon
	field_is kafka .kind backing
	field_is orderd '.instances[0].port' 40001
	[ "$(field postgres .rss_bytes)" -gt 1000000 ]
	run "$PIZZACTL" up
	[ "$status" = 0 ]
	[[ $output == *already* ]]
}

@test "databases, roles and topics are there" {
	[ "$(sql postgres "SELECT count(*) FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba
		WHERE datname LIKE 'pizza\\_%' AND rolname = datname")" = $DAEMONS ]
	run psql -X -h "$PIZZA_HOME/run" -U pizza_order -d pizza_payment -c 'SELECT 1'
	[ "$status" != 0 ]
	[[ $output == *"permission denied"* ]]
	psql -X -q -h "$PIZZA_HOME/run" -U pizza_outbox -d pizza_payment -c 'SELECT 1'
	[ "$(kcat -b "127.0.0.1:$((PIZZA_PORT_BASE + 92))" -L -J | jq '[.topics[].topic | select(test("-events(-dlq)?$"))] | length')" = 14 ]
	[ "$(kcat -b "127.0.0.1:$((PIZZA_PORT_BASE + 92))" -L -J -t order-events | jq '.topics[0].partitions | length')" = \
		"$("$PIZZACTL" config get kafka.partitions)" ]
}

@test "nobody else may look into the home" {
	[ "$(stat -c %a "$PIZZA_HOME/run")" = 700 ]
	[ "$(stat -c %a "$PIZZA_HOME/run/pizzad.sock")" = 600 ]
	[ "$(stat -c %a "$PIZZA_HOME/operator.token")" = 600 ]
}

@test "a second instance on the same home is refused" {
	run "$PIZZAD"
	[ "$status" = 9 ]
	[[ $output == *"another pizzad (pid $(cat "$PIZZA_HOME/run/pizzad.lock"))"* ]]
}

@test "a killed daemon is started again, and it is said" {
	before=$(field orderd .pid)
	restarts=$(field orderd .restarts)
	kill -9 "$before"
	eventually 60 field_is orderd .restarts $((restarts + 1))
	eventually 60 field_is orderd .state up
	[ "$(field orderd .pid)" != "$before" ]
	grep -q 'orderd-1 failed: ended with signal 9 (Killed)' "$PIZZA_HOME/log/pizzad.log"
}

@test "a daemon that cannot start is failed, says why, is tried again, and recovers" {
	echo exit >"$PIZZA_HOME/fake/notifyd"
	run "$PIZZACTL" restart notifyd
	[ "$status" = 1 ]
	[[ $output == *"ended with status 3: the oven is cold"* ]]
	eventually 60 failed_with notifyd "the oven is cold; next try in"
	rm "$PIZZA_HOME/fake/notifyd"
	eventually 60 field_is notifyd .state up
}

@test "what a daemon says of itself is shown" {
	echo degraded >"$PIZZA_HOME/fake/paymentd"
	"$PIZZACTL" restart paymentd
	eventually 60 field_is paymentd .state degraded
	field_is paymentd .reason "no flour"
	rm "$PIZZA_HOME/fake/paymentd"
	"$PIZZACTL" restart paymentd
	field_is paymentd .state up
	field_is paymentd .reason ""
}

@test "stop and start; a stopped service stays down" {
	"$PIZZACTL" stop order
	field_is orderd .state down
	field_is orderd .pid null
	"$PIZZACTL" start orderd
	field_is orderd .state up
	run "$PIZZACTL" stop orderx
	[ "$status" = 3 ]
	[[ $output == *"did you mean orderd"* ]]
}

@test "one that does not end is killed" {
	echo stubborn >"$PIZZA_HOME/fake/menud"
	"$PIZZACTL" restart menud
	rm "$PIZZA_HOME/fake/menud"
	old=$(field menud .pid)
	"$PIZZACTL" restart menud
	[ ! -e "/proc/$old" ]
	grep -q 'menud-1 does not end; it is killed' "$PIZZA_HOME/log/pizzad.log"
}

@test "scale up and down, with its limits" {
	"$PIZZACTL" scale inventoryd=3
	field_is inventoryd .replicas 3
	field_is inventoryd '[.instances[].port] | join(",")' 40001,40002,40003
	"$PIZZACTL" restart inventoryd
	field_is inventoryd .replicas 3
	"$PIZZACTL" scale inventoryd=2
	field_is inventoryd '.instances | length' 2
	local more=$(($("$PIZZACTL" config get kafka.partitions) + 1))
	run "$PIZZACTL" scale inventoryd=$more
	[ "$status" = 0 ]
	[[ $output == *"1 of $more replicas get no partition"* ]]
	field_is inventoryd .replicas $more
	"$PIZZACTL" scale inventoryd=2
	run "$PIZZACTL" scale aggregatord=2
	[ "$status" = 2 ]
	run "$PIZZACTL" scale inventoryd=0
	[ "$status" = 2 ]
	[[ $output == *"pizzactl stop inventoryd"* ]]
}

@test "PostgreSQL killed comes back" {
	before=$(field postgres .pid)
	kill -9 "$before"
	eventually 60 sh -c "'$PIZZACTL' status -o json | jq -e '.[] | select(.name == \"postgres\") | .state == \"up\" and .pid != $before' >/dev/null"
	sql pizza_order "SELECT 1"
}

@test "Kafka stopped and started" {
	"$PIZZACTL" stop kafka
	field_is kafka .state down
	field_is orderd .state up
	"$PIZZACTL" up
	field_is kafka .state up
	kcat -b "127.0.0.1:$((PIZZA_PORT_BASE + 92))" -L -m 5 >/dev/null
}

joined() { # joined FILE: how many partitions kcat was given last
	grep -o 'assigned: .*' "$1" | tail -n 1 | grep -o '\[[0-9]*\]' | wc -l
}

has_joined() { # has_joined FILE PARTITIONS
	[ "$(joined "$1")" = "$2" ]
}

# Kafka gives a static member back what it had, whatever it subscribes to now.
@test "a daemon that reads another topic than before joins its group anew" {
	local kafka=127.0.0.1:$((PIZZA_PORT_BASE + 92)) partitions
	partitions=$(kcat -b "$kafka" -L -J -t order-events | jq '.topics[0].partitions | length')
	kcat -b "$kafka" -X group.instance.id=inventoryd-1 -X session.timeout.ms=300000 -G inventoryd order-events \
		>/dev/null 2>"$T/before" 3>&- &
	eventually 60 has_joined "$T/before" "$partitions"
	kill -9 $!
	grep -q '^inventoryd .*kitchen-events' "$PIZZA_HOME/subscriptions"
	sed -i '/^inventoryd /s/ kitchen-events//' "$PIZZA_HOME/subscriptions"
	"$PIZZACTL" stop kafka
	"$PIZZACTL" up
	grep -q 'inventoryd reads other topics than before' "$PIZZA_HOME/log/pizzad.log"
	grep -q '^inventoryd .*kitchen-events' "$PIZZA_HOME/subscriptions"
	kcat -b "$kafka" -X group.instance.id=inventoryd-2 -G inventoryd order-events kitchen-events \
		>/dev/null 2>"$T/after" 3>&- &
	eventually 60 has_joined "$T/after" $((2 * partitions))
	kill -9 $!
}

@test "SIGHUP reads the configuration again" {
	mkdir -p "$XDG_CONFIG_HOME/pizza"
	kill -HUP "$(cat "$PIZZA_HOME/run/pizzad.lock")"
	eventually 60 grep -q 'configuration read again' "$PIZZA_HOME/log/pizzad.log"
	field_is orderd .state up
}

@test "after SIGKILL of pizzad, up leaves nothing doubled, and the replicas are as before" {
	before=$(processes_of "$PIZZA_HOME")
	[ -n "$before" ]
	kill -9 "$(cat "$PIZZA_HOME/run/pizzad.lock")"
	run "$PIZZACTL" status
	PIZZA_KAFKA_PARTITIONS=7 "$PIZZACTL" up # which is for topics to come
	for p in $before; do
		[ ! -e "/proc/$p" ]
	done
	[ "$("$PIZZACTL" status -o json | jq '[.[] | select(.state == "up")] | length')" = $((DAEMONS + 2)) ]
	field_is inventoryd .replicas 2
	[ "$("$PIZZACTL" status -o json | jq '[.[].instances | length] | add')" = $((DAEMONS + 3)) ]
	# What the topics have counts, not what new ones would get.
	run "$PIZZACTL" scale inventoryd=5
	[ "$status" = 0 ]
	[[ $output == *"2 of 5 replicas get no partition: each topic has 3"* ]]
	"$PIZZACTL" scale inventoryd=2
}

@test "two installations side by side" {
	one=$(field orderd .pid)
	other=$(free_base)
	PIZZA_HOME=$T/two PIZZA_PORT_BASE=$other "$PIZZACTL" up
	[ "$(PIZZA_HOME=$T/two PIZZA_PORT_BASE=$other "$PIZZACTL" status -o json | jq '[.[] | select(.state == "up")] | length')" = $((DAEMONS + 2)) ]
	PIZZA_HOME=$T/two PIZZA_PORT_BASE=$other "$PIZZACTL" down
	[ -z "$(processes_of "$T/two")" ]
	field_is orderd .pid "$one"
}

# initdb wants the user it runs as to have a name.
@test "as root on a machine with no ordinary user" {
	[ "$(id -u)" = 0 ] || skip "not root"
	unshare -m true 2>/dev/null || skip "mount name spaces are not permitted"
	kafka=127.0.0.1:$((PIZZA_PORT_BASE + 92))
	mkdir -p "$T/bare/fake"
	grep -E '^(root|nobody):' /etc/passwd >"$T/passwd"
	PIZZA_HOME=$T/bare PIZZA_PORT_BASE=$(free_base) PIZZA_KAFKA_BOOTSTRAP=$kafka \
		unshare -m sh -c 'mount --bind "$0" /etc/passwd && exec "$1" up' "$T/passwd" "$PIZZACTL"
	PIZZA_HOME=$T/bare "$PIZZACTL" down
}

@test "a port in use is named, with who has it and what mends it" {
	PIZZA_HOME=$T/three run "$PIZZACTL" up
	[ "$status" = 9 ]
	[[ $output == *"port $((PIZZA_PORT_BASE + 92)) (Kafka) is in use by java (pid $(field kafka .pid))"* ]]
	[[ $output == *PIZZA_PORT_BASE=* ]]
	[ -z "$(processes_of "$T/three")" ]
}

@test "what is missing is said, with what mends it" {
	base=$(free_base)
	PIZZA_HOME=$T/four PIZZA_PORT_BASE=$base PIZZA_KAFKA_LIBS=/nowhere run "$PIZZACTL" up
	[ "$status" = 3 ]
	[[ $output == *"make kafka fetches them"* ]]
	PIZZA_HOME=/dev/null/home run "$PIZZACTL" up
	[ "$status" = 1 ]
	[[ $output == *PIZZA_HOME* ]]
	PIZZA_HOME=/tmp/$(printf 'x%.0s' $(seq 100)) run "$PIZZACTL" up
	[ "$status" = 2 ]
	[[ $output == *"too long"* && $output == *PIZZA_HOME* ]]
}

@test "down stops everything and leaves nothing behind" {
	pid=$(cat "$PIZZA_HOME/run/pizzad.lock")
	"$PIZZACTL" down
	eventually 60 test ! -e "/proc/$pid"
	[ -z "$(processes_of "$PIZZA_HOME")" ]
	[ ! -e "$PIZZA_HOME/run/pizzad.sock" ]
	[ -z "$(ls "$PIZZA_HOME"/run/*.pid 2>/dev/null)" ]
	run "$PIZZACTL" down
	[ "$status" = 0 ]
}
