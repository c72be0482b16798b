#!/usr/bin/env bash
# Runs all tests and prints "N passed, N failed".  tests/run.sh BUILD [SUITE…]
#
# Suites: links docs unit asan c live asan-live crash.  Each test program's output goes to BUILD/test-logs; what fails is shown.
# Everything runs in homes of its own below one temporary folder and on ports of its own; nothing is left behind.
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/ports.sh
B=${1:-build}
shift
SUITES=${*:-links docs unit asan c live asan-live crash}
B=$(cd "$B" && pwd)
LOGS=$B/test-logs
TMP=$(mktemp -d /tmp/pizza-test.XXXXXX)
chmod 700 "$TMP"
mkdir -p "$LOGS"
passed=0 failed=0

export XDG_CONFIG_HOME=$TMP/config
export PIZZA_KITCHEN_TIME_SCALE=120 # pizzas bake in two seconds
export PIZZA_PAGER=cat # nobody is there to turn pages
unset PIZZA_HOME PIZZA_CONFIG PIZZA_CONTEXT PIZZA_PORT_BASE
# Kafka's jar files come from the real cache.
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/pizza

# What a log says of its failures: 40 lines of each failed TAP test, or the end of any other log; equal lines once.
failures() {
	if grep -q '^not ok [0-9]' "$1"; then
		awk '/^(not )?ok [0-9]/ { n = /^not/ ? 40 : 0; delete seen } n > 0 && !seen[$0]++ { print; n-- }' "$1"
	else
		grep -vE '^\[ +(RUN|OK) |^ok ' "$1" | awk '!seen[$0]++' | tail -n 60
	fi
}

# Counts of a finished log: cmocka's and TAP's own lines.
count() {
	local log=$1 status=$2 ok bad
	ok=$(grep -cE '^\[ +OK \]|^ok [0-9]+' "$log")
	bad=$(grep -cE '^\[  FAILED  \] [A-Za-z_0-9]+$|^not ok [0-9]+' "$log")
	if [ "$status" != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
	if [ "$status" = 0 ] && [ "$ok" = 0 ] && [ "$bad" = 0 ]; then ok=1; fi
	passed=$((passed + ok))
	failed=$((failed + bad))
	if [ "$bad" != 0 ]; then
		printf '  FAILED %s\n' "$(basename "$log" .log)"
		failures "$log" | sed 's/^/    /'
	fi
}

# run NAME COMMAND…: at most ten minutes each.
run() {
	local name=$1 start=$SECONDS
	shift
	timeout -k 10 600 "$@" >"$LOGS/$name.log" 2>&1 </dev/null
	local status=$?
	printf '  %-40s %3d s  %s\n' "$name" $((SECONDS - start)) "$([ $status = 0 ] && echo ok || echo "exit $status")"
	count "$LOGS/$name.log" $status
	return $status
}

# with_system BUILD NAME COMMAND…: the command with PIZZA_HOME and PIZZA_PORT_BASE of a system that is up.
with_system() {
	local build=$1 name=$2
	shift 2
	export PIZZA_HOME=$TMP/$name PIZZA_PORT_BASE
	PIZZA_PORT_BASE=$(free_port_base)
	export PIZZACTL=$build/bin/pizzactl
	if run "$name-up" "$PIZZACTL" up; then
		PATH=$build/bin:$PATH "$@"
		run "$name-down" "$PIZZACTL" down
	fi
	unset PIZZA_HOME PIZZA_PORT_BASE
}

suite_links() {
	run links bash tests/links.sh
}

suite_docs() {
	run docs bash tests/docs.sh "$B"
}

suite_unit() {
	local t
	for t in "$B"/tests/test_*; do
		case $t in *.d) continue ;; esac
		run "$(basename "$t")" "$t"
	done
}

suite_asan() {
	local t
	for t in "$B"/asan/tests/test_*; do
		case $t in *.d) continue ;; esac
		run "asan-$(basename "$t")" "$t"
	done
}

c_tests() {
	local t
	export PIZZA_TEST_DATABASE="host=$PIZZA_HOME/run user=$(id -un)"
	export PIZZA_TEST_KAFKA=127.0.0.1:$((PIZZA_PORT_BASE + 92))
	for t in "$B"/itests/test_*; do
		case $t in *.d) continue ;; esac
		run "$(basename "$t")" "$t"
	done
}

suite_c() {
	with_system "$B" c c_tests
}

live_tests() {
	local t
	for t in tests/console/*.bats tests/integration/*.bats; do
		[ -e "$t" ] && run "$(basename "$t")" bats --tap "$t"
	done
	run sql-statements bash tests/statements.sh "$B"
	run examples.bats bats --tap tests/manual/examples.bats
}

suite_live() {
	with_system "$B" live live_tests
}

asan_live_tests() {
	run asan-saga bats --tap tests/integration/saga.bats
}

suite_asan_live() {
	export ASAN_OPTIONS=abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1
	with_system "$B/asan" asan asan_live_tests
	run asan-reports sh -c "! grep -l 'ERROR: AddressSanitizer\|ERROR: LeakSanitizer\|runtime error:' $TMP/asan/log/*"
	unset ASAN_OPTIONS UBSAN_OPTIONS
}

# The short form of the crash harness; `make check-long` has the long one.
suite_crash() {
	run crash-harness env "LOGS=$LOGS/crash" bash tests/crash/run.sh --build "$B/crash" --orders 150 --kills 6 --no-disk
}

clean_up() {
	local home
	for home in "$TMP"/*/; do
		[ -S "$home/run/pizzad.sock" ] && PIZZA_HOME=$home "$B/bin/pizzactl" down >/dev/null 2>&1
	done
	if [ "$failed" != 0 ]; then
		mkdir -p "$LOGS/homes" && for home in "$TMP"/*/log; do
			[ -d "$home" ] && cp -r "$home" "$LOGS/homes/$(basename "$(dirname "$home")")"
		done
	fi
	rm -rf "$TMP"
}
trap clean_up EXIT
rm -rf "$LOGS/homes"

# A system in a home of the tests still finds the real cache.
export XDG_CACHE_HOME=${CACHE%/pizza}

for s in $SUITES; do
	echo "$s:"
	"suite_${s//-/_}"
done
echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
