#!/usr/bin/env bash
# Measures a system of its own and prints what was reached, beside it a limit or a peer measured in the same run, and
# their ratio.  The same goes to BUILD/bench.json.  tests/bench/run.sh BUILD; QUICK=1 takes a third of the time.
#
# Everything lives in a home below one temporary folder and on ports of its own; nothing is left behind.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/ports.sh
B=$(cd "${1:-build}" && pwd) || exit 1
BENCH=tests/bench
export LC_ALL=C
TMP=$(mktemp -d "${TMPDIR:-/tmp}/pizza-bench.XXXXXX")
chmod 700 "$TMP"
unset PIZZA_CONFIG PIZZA_CONTEXT PGUSER PGDATABASE PGOPTIONS
# Kafka's jar files come from the real cache; the user's configuration does not count.
export XDG_CACHE_HOME=${XDG_CACHE_HOME:-$HOME/.cache} XDG_CONFIG_HOME=$TMP/config
export PIZZA_HOME=$TMP/home PGHOST=$TMP/home/run
# Before the wrappers of psql in Debian, which take ten times as long to start.
PATH=$(printf '%s:' /usr/lib/postgresql/*/bin)$PATH

if [ -n "${QUICK:-}" ]; then
	SATURATE=3 RATE_TIME=6 CLIENTS="256" BURST=8000 PEER=5 PEER_SAGA=8 RATES="500 1000"
else
	SATURATE=6 RATE_TIME=20 CLIENTS="64 256 1000" BURST=15000 PEER=10 PEER_SAGA=15 RATES="500 1000"
fi
WAL_FILES=$((BURST / 100)) # of 16 MB
RUNS=20 LAG_PARTITIONS=2000 SAGA_BATCH=200
figures=() missed=0

say() {
	printf '· %s\n' "$*" >&2
}

fail() {
	printf 'bench: %s\n' "$*" >&2
	[ -d "$PIZZA_HOME/log" ] && tail -qn 5 "$PIZZA_HOME"/log/*.log | cut -c 1-300 >&2
	kill -s USR1 $$ # the whole run, also from within $(...)
	exit 1
}

clean_up() {
	[ -S "$PIZZA_HOME/run/pizzad.sock" ] && "$B/bin/pizzactl" down >/dev/null 2>&1
	rm -rf "$TMP"
}
trap clean_up EXIT
trap 'exit 130' INT TERM
trap 'exit 1' USR1

# --- small tools ---

pizzactl() {
	"$B/bin/pizzactl" "$@"
}

sql() {
	psql -XAtq -v ON_ERROR_STOP=1 -d "$1" -c "$2"
}

# calc EXPRESSION [FORMAT]
calc() {
	awk "BEGIN { printf \"${2:-%.3f}\", ($1) }"
}

# field NAME: a number out of a line of JSON
field() {
	sed -n "s/.*\"$1\":\(-\{0,1\}[0-9.]*\).*/\1/p"
}

# median, or another quantile, of numbers one a line
quantile() {
	sort -n | awk -v q="$1" '{ a[NR] = $1 } END { i = int(q * (NR - 1)) + 1; print a[i] }'
}

# Microseconds that a command takes as a whole process.
timed() {
	local before=$EPOCHREALTIME after
	"$@" >"$TMP/out" 2>"$TMP/err" || fail "$* failed: $(cat "$TMP/err")"
	after=$EPOCHREALTIME
	echo $((${after/./} - ${before/./}))
}

# Milliseconds: median of RUNS runs.
median_ms() {
	local i
	for i in $(seq "$RUNS"); do timed "$@"; done | quantile 0.5 | awk '{ printf "%.1f", $1 / 1000 }'
}

# wait_for SECONDS DATABASE SQL: until the condition holds; one session that looks twice a second, because what is measured
# shares the processors
wait_for() {
	sql "$2" "DO \$\$ BEGIN FOR i IN 1..2 * $1 LOOP IF ($3) THEN RETURN; END IF; PERFORM pg_sleep(0.5); END LOOP;
		RAISE EXCEPTION 'not within $1 s'; END \$\$" >/dev/null 2>&1
}

# --- the report ---

# figure NAME VALUE UNIT AIM "LIMIT'S NAME" LIMIT [DETAIL-JSON] [DETAIL-TEXT]
# AIM: ">=N", "<=N" or "-"; LIMIT: the limit's value in the same unit, or "-".
figure() {
	local name=$1 value=$2 unit=$3 aim=$4 peer=$5 limit=$6 detail=${7:-null} text=${8:-}
	local ratio=- met=- json
	[ "$limit" != - ] && ratio=$(calc "$limit > 0 ? $value / $limit : 0" %.2f)
	if [ "$aim" != - ]; then
		met=$(calc "($value $aim) ? 1 : 0" %d)
		[ "$met" = 1 ] || missed=$((missed + 1))
	fi
	printf '%-52s %9s %-9s %9s  %-34s %6s  %s\n' "$name" "$value" "$unit" "$limit" "$peer" "$ratio" \
		"$([ "$aim" = - ] || { printf '%s ' "$aim"; [ "$met" = 1 ] && echo yes || echo NO; })"
	[ -n "$text" ] && printf '    %s\n' "$text"
	json="{\"name\":\"$name\",\"value\":$value,\"unit\":\"$unit\""
	[ "$aim" != - ] && json+=",\"aim\":\"$aim\",\"met\":$([ "$met" = 1 ] && echo true || echo false)"
	[ "$peer" != - ] && json+=",\"limit\":{\"what\":\"$peer\",\"value\":$limit},\"ratio\":$ratio"
	figures+=("$json,\"detail\":$detail}")
}

header() {
	printf '\n%-52s %9s %-9s %9s  %-34s %6s  %s\n' "figure" "reached" "" "limit" "(measured in the same run)" "ratio" \
		"aim, met?"
}

# "P50 1.2 ms · P95 … · P99 … · 0 errors" of a load's JSON
latencies() {
	local json=$1
	printf 'P50 %s ms · P95 %s ms · P99 %s ms · max %s ms · %s errors' "$(field p50_ms <<<"$json")" \
		"$(field p95_ms <<<"$json")" "$(field p99_ms <<<"$json")" "$(field max_ms <<<"$json")" "$(field errors <<<"$json")"
}

host_json() {
	printf '{"cpu":"%s","cores":%s,"memory_mb":%s,"kernel":"%s","filesystem":"%s","postgresql":"%s","fsync":"%s",' \
		"$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" \
		"$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)" "$(uname -r)" \
		"$(df --output=fstype "$TMP" | tail -n 1)" "$(sql postgres 'SHOW server_version')" "$(sql postgres 'SHOW fsync')"
	printf '"synchronous_commit":"%s","shared_buffers":"%s","kafka":"%s","librdkafka":"%s","pizza":"%s","commit":"%s"}' \
		"$(sql postgres 'SHOW synchronous_commit')" "$(sql postgres 'SHOW shared_buffers')" \
		"$(sed -n '/kafka_2.13/,/<\/dep/s:.*<version>\(.*\)</version>.*:\1:p' daemons/pizzad/kafka/pom.xml)" \
		"$(pkg-config --modversion rdkafka)" "$(pizzactl version | head -n 1)" "$(git rev-parse --short HEAD 2>/dev/null)"
}

# --- CPU by process ---

# NAME CLOCK-TICKS lines: the daemons, Kafka, and PostgreSQL's processes by database
cpu_ticks() {
	local postmaster pids pid
	postmaster=$(sql postgres "SELECT pg_backend_pid()" >/dev/null && head -n 1 "$(sql postgres 'SHOW data_directory')/postmaster.pid")
	pids=$(pizzactl status -o json | tr ',{}' '\n\n\n' | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' | sort -u)
	for pid in $pids; do
		[ "$pid" != "$postmaster" ] && [ -r "/proc/$pid/stat" ] || continue
		awk '{ sub(/^[0-9]+ \(/, ""); name = $0; sub(/\).*/, "", name); sub(/.*\) /, ""); print name == "java" ? "kafka" : name, $12 + $13 }' "/proc/$pid/stat"
	done
	for pid in $(cat /proc/"$postmaster"/task/*/children); do
		printf '%s %s\n' "$(tr '\0' ' ' <"/proc/$pid/cmdline" | awk '{ print $3 ~ /^pizza_/ ? "postgres:" $3 : "postgres:other" }')" \
			"$(sed 's/.*) //' "/proc/$pid/stat" | awk '{ print $12 + $13 }')"
	done 2>/dev/null
}

# cpu_per_order BEFORE AFTER ORDERS: microseconds of CPU per order and process, highest first
cpu_per_order() {
	awk -v orders="$3" -v hz="$(getconf CLK_TCK)" 'FNR == NR { was[$1] += $2; next } { is[$1] += $2 }
		END { for (n in is) printf "%s %.0f\n", n, (is[n] - was[n]) * 1e6 / hz / orders }' "$1" "$2" | sort -k2nr | awk '$2 > 0'
}

# --- the system ---

up() {
	timed "$B/bin/pizzactl" up
}

load() {
	"$B/bench/load" --port $((PIZZA_PORT_BASE + 2)) --json "$@" || fail "the load client failed"
}

newest_order() {
	sql pizza_order "SELECT coalesce((SELECT order_id FROM orders ORDER BY order_id DESC LIMIT 1), '00000000-0000-0000-0000-000000000000')"
}

# all_ended AFTER-ID: until every later order has reached paid or another end
all_ended() {
	wait_for 240 pizza_order "NOT EXISTS (SELECT FROM orders WHERE order_id > '$1' AND status IN ('pending', 'reserved'))" ||
		fail "$(sql pizza_order "SELECT count(*) FROM orders WHERE order_id > '$1' AND status IN ('pending', 'reserved')") orders have not ended after 240 s"
}

# saga_json AFTER-ID: from created to paid (or cancelled) by the events' times, of the orders after that one; the kitchen
# goes on with them
saga_json() {
	local orders
	orders=$(sql pizza_order "SELECT count(*) FROM orders WHERE order_id > '$1'")
	wait_for 60 pizza_console "(SELECT count(coalesce(paid_at, undone_at)) = $orders FROM sagas WHERE order_id > '$1')" ||
		fail "the read model lacks some of $orders orders after 60 s"
	sql pizza_console "WITH s AS (SELECT created_at, paid_at, coalesce(paid_at, undone_at) AS end_at,
			1000 * extract(epoch FROM coalesce(paid_at, undone_at) - created_at) AS ms FROM sagas WHERE order_id > '$1')
		SELECT json_build_object('orders', count(*), 'paid', count(paid_at),
		'cancelled', count(*) FILTER (WHERE paid_at IS NULL),
		'seconds', round(extract(epoch FROM max(end_at) - min(created_at)), 2),
		'orders_per_second', round(count(*) / extract(epoch FROM max(end_at) - min(created_at))),
		'p50_ms', round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric, 1),
		'p95_ms', round(percentile_cont(0.95) WITHIN GROUP (ORDER BY ms)::numeric, 1),
		'p99_ms', round(percentile_cont(0.99) WITHIN GROUP (ORDER BY ms)::numeric, 1),
		'max_ms', round(max(ms)::numeric, 1)) FROM s" | tr -d ' '
}

saga_text() {
	printf 'end to end P50 %s ms · P95 %s ms · P99 %s ms; %s of %s paid, %s cancelled, in %s s' "$(field p50_ms <<<"$1")" \
		"$(field p95_ms <<<"$1")" "$(field p99_ms <<<"$1")" "$(field paid <<<"$1")" "$(field orders <<<"$1")" \
		"$(field cancelled <<<"$1")" "$(field seconds <<<"$1")"
}

# --- limits in PostgreSQL ---

# A database with each daemon's tables in a schema of its own, planned as the daemons plan (core/db, prefer_indexes).
make_bench_database() {
	local service folder
	sql postgres "CREATE DATABASE bench"
	sql postgres "ALTER DATABASE bench SET enable_seqscan = off"
	sql postgres "ALTER DATABASE bench SET enable_hashjoin = off"
	sql postgres "ALTER DATABASE bench SET enable_mergejoin = off"
	for service in order inventory payment sandbox notify console; do
		folder=daemons/${service/console/aggregator}
		{
			echo "CREATE SCHEMA pizza_$service; SET search_path = pizza_$service;"
			cat core/service/[0-9]*.sql "$folder"/[0-9]*.sql
		} | psql -Xq -v ON_ERROR_STOP=1 -d bench >/dev/null || fail "tables of $service"
	done
	psql -Xq -v ON_ERROR_STOP=1 -d bench -f $BENCH/saga-functions.sql || fail "functions"
}

# tps SCRIPT CLIENTS SECONDS [OPTIONS]
tps() {
	local script=$1 clients=$2 seconds=$3
	shift 3
	pgbench -n -M prepared -c "$clients" -j 2 -T "$seconds" "$@" -f "$BENCH/$script" bench >"$TMP/pgbench" 2>&1 ||
		fail "pgbench $script: $(grep error "$TMP/pgbench" | head -n 2)"
	sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$TMP/pgbench"
}

# --- measurements ---

# WAL files to use again, as a server has them after its first checkpoints.  Until then it allocates them as it writes, and
# now and then a commit waits 100 ms and more for the file system's journal.
recycle_wal() {
	say "$WAL_FILES WAL files to use again, as after the first checkpoints"
	sql postgres "ALTER SYSTEM SET min_wal_size = '$((WAL_FILES * 16))MB'"
	sql postgres "SELECT pg_reload_conf()" >/dev/null
	sql postgres "SET wal_init_zero = on; DO \$\$ BEGIN FOR i IN 1..$WAL_FILES LOOP
		PERFORM pg_logical_emit_message(false, 'bench', ''); PERFORM pg_switch_wal(); END LOOP; END \$\$"
	sql postgres "CHECKPOINT"
}

measure_start() {
	say "a new home in $PIZZA_HOME, ports from $PIZZA_PORT_BASE"
	first_up=$(up)
	recycle_wal
	say "up; a first load warms everything"
	start=$(newest_order)
	load --connections 16 --rate 200 --seconds 3 >/dev/null
	all_ended "$start"
}

# Fixed rates with the whole saga running: acceptance, end to end.
measure_rates() {
	local rate json saga
	for rate in $RATES 2000; do
		say "$rate orders/s offered for $RATE_TIME s"
		start=$(newest_order)
		json=$(load --connections 256 --rate "$rate" --seconds "$RATE_TIME")
		all_ended "$start"
		saga=$(saga_json "$start")
		figure "accepted at $rate/s, saga running: P99" "$(field p99_ms <<<"$json")" ms \
			"$([ "$rate" = 2000 ] && echo '<=50' || echo -)" - - "$json" "$(latencies "$json")"
		figure "saga to paid at $rate/s offered: P99" "$(field p99_ms <<<"$saga")" ms \
			"$([ "$rate" = 500 ] && echo '<=2000' || echo -)" - - "$saga" "$(saga_text "$saga")"
	done
}

# Orders as fast as they are accepted, then until all have ended.
measure_burst() {
	local clients json saga wal cpu
	cpu_ticks >"$TMP/cpu-before"
	wal=$(sql postgres "SELECT pg_current_wal_lsn()")
	burst_start=$(newest_order)
	for clients in $CLIENTS; do
		say "$BURST orders over $clients connections, saga running"
		json=$(load --connections "$clients" --count "$BURST" --seconds 60)
		burst_figures+=("$clients $json")
	done
	say "until all are paid"
	all_ended "$burst_start"
	cpu_ticks >"$TMP/cpu-after"
	burst_saga=$(saga_json "$burst_start")
	wal=$(sql postgres "SELECT round(pg_wal_lsn_diff(pg_current_wal_lsn(), '$wal') / $(field orders <<<"$burst_saga"))")
	cpu=$(cpu_per_order "$TMP/cpu-before" "$TMP/cpu-after" "$(field orders <<<"$burst_saga")")
	burst_detail="{\"saga\":$burst_saga,\"wal_bytes_per_order\":$wal,\"cpu_us_per_order\":{$(
		awk '{ printf "%s\"%s\":%s", (NR > 1 ? "," : ""), $1, $2 }' <<<"$cpu")}}"
	burst_text="$(saga_text "$burst_saga"); WAL $wal bytes an order
    CPU per order: $(awk '{ sum += $2; printf "%s%s %s us", (NR > 1 ? ", " : ""), $1, $2 } END { printf "; in all %d us", sum }' <<<"$cpu")"
}

measure_commands() {
	local id floor
	say "cold commands, $RUNS times each"
	id=$(newest_order)
	floor=$(median_ms "$B/bin/pizzactl" version)
	figure "pizzactl status, median of $RUNS" "$(median_ms "$B/bin/pizzactl" status)" ms "<50" "pizzactl version" "$floor"
	figure "pizzactl order ls --limit 50, median of $RUNS" "$(median_ms "$B/bin/pizzactl" order ls --limit 50)" ms "<50" "pizzactl version" "$floor"
	figure "pizzactl saga show, median of $RUNS" "$(median_ms "$B/bin/pizzactl" saga show "$id")" ms "<50" "pizzactl version" "$floor"
}

measure_up_down() {
	local down again
	say "down and up"
	down=$(timed "$B/bin/pizzactl" down)
	again=$(up)
	figure "pizzactl up, a new home" "$(calc "$first_up / 1e6" %.2f)" s - - -
	figure "pizzactl up, an initialised home" "$(calc "$again / 1e6" %.2f)" s "<10" - -
	figure "pizzactl down" "$(calc "$down / 1e6" %.2f)" s "<5" - -
}

stop() {
	local name
	for name in "$@"; do
		pizzactl stop "$name" >/dev/null 2>"$TMP/err" || fail "stop $name: $(cat "$TMP/err")"
	done
}

# orderd and outboxd alone: from the row to a consumer.
measure_latency() {
	local json line seconds=$((RATE_TIME / 2))
	say "500 events/s through the relay alone"
	load --connections 16 --rate 100 --seconds 2 >/dev/null # a relay connects to Kafka with its first event
	coproc LATENCY { "$B/bench/latency" --bootstrap "127.0.0.1:$((PIZZA_PORT_BASE + 92))" --type OrderCreated \
		--count $((500 * seconds)) --timeout $((seconds + 30)); }
	read -r line <&"${LATENCY[0]}"
	[ "$line" = ready ] || fail "latency does not start"
	load --connections 64 --rate 500 --seconds $seconds >/dev/null
	read -r json <&"${LATENCY[0]}"
	[ "$(field events <<<"$json")" = $((500 * seconds)) ] || fail "events are missing: $json"
	figure "commit to Kafka at 500 events/s: P50" "$(field p50_ms <<<"$json")" ms "<=10" - - "$json" \
		"row inserted to read by a consumer: P50 $(field p50_ms <<<"$json") ms · P95 $(field p95_ms <<<"$json") ms · P99 $(field p99_ms <<<"$json") ms"
}

# orderd alone against pgbench with the same transaction.
measure_accepting() {
	local clients json best=0
	make_bench_database
	for clients in $CLIENTS; do
		say "saturation for $SATURATE s over $clients connections, orderd alone"
		json=$(load --connections "$clients" --seconds "$SATURATE")
		alone_figures+=("$clients $json")
	done
	say "pgbench, the same transaction one by one, 32 clients"
	pgbench_order=$(calc "$(tps order.sql 32 "$PEER" -D n=0)" %.0f)
	say "pgbench, all writes of the saga, batches of $SAGA_BATCH, 2 connections"
	pgbench_saga=$(calc "$(tps saga.sql 2 "$PEER_SAGA" -D n=1000000 -D size=$SAGA_BATCH) * $SAGA_BATCH" %.0f)
	sql postgres "DROP DATABASE bench"
	for f in "${alone_figures[@]}"; do
		json=${f#* } clients=${f%% *}
		figure "accepted, orderd alone, $clients connections" "$(field accepted_per_second <<<"$json")" orders/s \
			"$([ "$clients" = 256 ] && echo '>=15000' || echo -)" "pgbench one by one, 32 clients" "$pgbench_order" \
			"$json" "$(latencies "$json")"
	done
	for f in "${burst_figures[@]}"; do
		json=${f#* } clients=${f%% *}
		figure "accepted, saga running, $clients connections" "$(field accepted_per_second <<<"$json")" orders/s - \
			"pgbench one by one, 32 clients" "$pgbench_order" "$json" "$(latencies "$json")"
	done
	figure "saga to paid at saturation" "$(field orders_per_second <<<"$burst_saga")" orders/s ">=1000" \
		"SQL-only saga, 2 connections" "$pgbench_saga" "$burst_detail" "$burst_text"
}

# What the relay has published, and when it said so: EVENTS SECONDS
published() {
	sql pizza_order "SELECT published_total, extract(epoch FROM updated_at) FROM outbox_position" | tr '|' ' '
}

# The outbox is full from measure_accepting; now the relay starts.
measure_drain() {
	local base total first now rate bytes json unpublished
	unpublished=$(sql pizza_order "SELECT count(*) FROM outbox o, outbox_position p WHERE NOT pg_visible_in_snapshot(o.xid, p.low)
		AND NOT (p.high IS NOT NULL AND pg_visible_in_snapshot(o.xid, p.high) AND o.seq <= p.done_seq)")
	bytes=$(sql pizza_order "SELECT round(avg(length(event_data))) FROM (SELECT event_data FROM outbox ORDER BY xid DESC LIMIT 10000) o")
	say "the relay drains $unpublished events of $bytes bytes (and their envelopes)"
	stop orderd
	base=$(published) && base=${base% *} total=$((base + unpublished))
	pizzactl start outboxd >/dev/null 2>&1 &
	until first=$(published) && [ "${first% *}" -gt "$base" ]; do sleep 0.02; done
	until now=$(published) && [ "${now% *}" -ge $total ]; do sleep 0.1; done
	wait $!
	rate=$(calc "(${now% *} - ${first% *}) / (${now#* } - ${first#* })" %.0f)
	stop outboxd
	say "a bare producer with as large messages"
	"$B/bench/lag" --bootstrap "$BOOTSTRAP" --setup --topic bench-producer \
		--partitions "$(pizzactl config get kafka.partitions)" || fail "create bench-producer"
	json=$("$B/bench/producer" --bootstrap "$BOOTSTRAP" --topic bench-producer --count "$unpublished" --data "$bytes") ||
		fail "the producer failed"
	figure "outbox drain" "$rate" events/s ">=25000" "librdkafka producer, full speed" \
		"$(field messages_per_second <<<"$json")" "{\"events\":$unpublished,\"data_bytes\":$bytes,\"producer\":$json}" \
		"$unpublished events of $bytes bytes of data"
}

measure_lag() {
	local bare own rows deadline=$((SECONDS + 60))
	say "a topic with $LAG_PARTITIONS partitions"
	"$B/bench/lag" --bootstrap "$BOOTSTRAP" --setup --partitions $LAG_PARTITIONS || fail "create bench-lag"
	until "$B/bench/lag" --bootstrap "$BOOTSTRAP" --partitions $LAG_PARTITIONS >"$TMP/out" 2>&1; do
		[ $SECONDS -lt $deadline ] || fail "the offsets of bench-lag: $(cat "$TMP/out")"
		sleep 0.5
	done
	rows=$(pizzactl lag --by partition | wc -l)
	[ "$rows" -ge $LAG_PARTITIONS ] || fail "pizzactl lag tells of $rows partitions only"
	bare=$(median_ms "$B/bench/lag" --bootstrap "$BOOTSTRAP" --partitions $LAG_PARTITIONS)
	own=$(median_ms "$B/bin/pizzactl" lag)
	figure "pizzactl lag over $LAG_PARTITIONS partitions, median of $RUNS" "$own" ms "<=60" "bare librdkafka, the same questions" \
		"$bare" null "whole process, summed by topic"
	own=$(median_ms "$B/bin/pizzactl" lag --by partition)
	figure "pizzactl lag --by partition" "$own" ms - "bare librdkafka, the same questions" "$bare" "{\"rows\":$rows}" "$rows lines"
}

# Groups that are behind: their first unread messages are read for their age, which the peer does not do.
measure_lag_behind() {
	local bare own
	say "the same with groups behind"
	bare=$(median_ms "$B/bench/lag" --bootstrap "$BOOTSTRAP" --partitions $LAG_PARTITIONS)
	own=$(median_ms "$B/bin/pizzactl" lag)
	figure "pizzactl lag, $(pizzactl lag -o json --where 'lag > 0' | grep -c '"lag":') topics behind, median of $RUNS" "$own" ms - \
		"bare librdkafka, the same questions" "$bare" null "and how long the first unread messages have waited"
}

# A kitchen of a thousand decks: the scheduler alone, and the hardware that a hwd of the bench's own plays, which
# kitchend's link reads at 10 Hz; the limit is a bare libmodbus loop over the same registers.
measure_kitchen() {
	local scheduled link bare hwd base=$PIZZA_PORT_BASE deadline=$((SECONDS + 20))
	say "tickets for 1000 decks"
	scheduled=$("$B/bench/kitchen" --schedule) || fail "the scheduler failed"
	figure "tickets scheduled over 1000 decks, one core" "$(field tickets_per_second <<<"$scheduled")" tickets/s ">=500" - - \
		"$scheduled" "$(field us_per_ticket <<<"$scheduled") us each, $(field waiting <<<"$scheduled") waiting"
	say "the registers of 125 ovens with 8 decks each"
	stop kitchend hwd
	export PIZZA_DATABASE_URL="postgresql://?host=$PIZZA_HOME/run" PIZZA_HOME=$TMP/ovens PIZZA_PORT_BASE
	export PIZZA_KITCHEN_OVENS=125 PIZZA_KITCHEN_DECKS=8 PIZZA_KITCHEN_PANS=0 PIZZA_KITCHEN_TIMERS=0
	PIZZA_PORT_BASE=$(free_port_base)
	mkdir -p "$PIZZA_HOME"
	"$B/bin/hwd" >"$TMP/hwd.log" 2>&1 &
	hwd=$!
	until curl -fsS -o "$TMP/out" "http://127.0.0.1:$((PIZZA_PORT_BASE + 12))/readyz" 2>"$TMP/err"; do
		[ $SECONDS -lt $deadline ] || fail "hwd does not answer: $(tail -n 3 "$TMP/hwd.log")"
		sleep 0.1
	done
	bare=$("$B/bench/kitchen" --bare) || fail "the bare loop failed"
	link=$("$B/bench/kitchen" --link) || fail "the link failed"
	kill $hwd
	wait $hwd
	unset PIZZA_DATABASE_URL PIZZA_KITCHEN_OVENS PIZZA_KITCHEN_DECKS PIZZA_KITCHEN_PANS PIZZA_KITCHEN_TIMERS
	export PIZZA_HOME=$TMP/home PIZZA_PORT_BASE=$base
	figure "1000 decks read at 10 Hz, CPU of the link" "$(field cpu_percent <<<"$link")" % - "bare libmodbus loop, same registers" \
		"$(field cpu_percent <<<"$bare")" "{\"link\":$link,\"bare\":$bare}" \
		"$(field reads_per_second <<<"$link") reads/s, $(field us_per_read <<<"$link") us each; bare $(field reads_per_second <<<"$bare"), $(field us_per_read <<<"$bare") us"
}

# Ticks of all CPUs, and those of them that the hypervisor gave to others.
cpu_stolen() {
	awk '/^cpu / { for (i = 2; i <= 9; i++) sum += $i; print sum, $9 }' /proc/stat
}

# stolen BEFORE AFTER: percent
stolen() {
	awk -v a="$1" -v b="$2" 'BEGIN { split(a, was); split(b, is); printf "%.1f", 100 * (is[2] - was[2]) / (is[1] - was[1] + 1e-9) }'
}

write_json() {
	{
		printf '{"at":"%s","quick":%s,"seconds":%s,"stolen_percent":%s,"host":%s,"figures":[\n' "$(date -u +%FT%TZ)" \
			"$([ -n "${QUICK:-}" ] && echo true || echo false)" $SECONDS "$stolen" "$host"
		printf '%s\n' "${figures[@]}" | sed '$!s/$/,/'
		printf ']}\n'
	} >"$B/bench.json"
}

PIZZA_PORT_BASE=$(free_port_base)
[ -n "$PIZZA_PORT_BASE" ] || fail "no free ports"
export PIZZA_PORT_BASE
BOOTSTRAP=127.0.0.1:$((PIZZA_PORT_BASE + 92))
burst_figures=() alone_figures=()

cpu_before=$(cpu_stolen)
measure_start
host=$(host_json)
printf '%s\n' "$host" | tr -d '{}"' | sed 's/,/, /g'
header
measure_rates
measure_burst
measure_commands
measure_up_down
measure_lag
measure_kitchen
stop aggregatord notifyd paymentd inventoryd sandboxd menud
measure_latency
stop outboxd
measure_accepting
measure_drain
measure_lag_behind
stolen=$(stolen "$cpu_before" "$(cpu_stolen)")
write_json
printf '\n%s figures, %s aims missed; %s s, %s %% of the CPU stolen by the hypervisor; the same in %s\n' ${#figures[@]} $missed \
	$SECONDS "$stolen" "$B/bench.json"
