#!/usr/bin/env bash
# The crash harness: a live system of its own takes orders while it is killed, stopped and disturbed; afterwards the
# fifteen invariants are checked.
#
#   tests/crash/run.sh [--build DIR] [--orders N] [--kills N] [--seed S] [--rate R] [--pause MS]
#                      [--strike NAME] [--calm] [--no-disk] [--selftest] [--keep]
#
# DIR has programs with crash points (default build/crash: make B=build/crash CRASH=1 all harness).  The seed is printed;
# the same one draws the same orders and the same disturbances.  --rate 0 (default) spreads the orders over the time
# that the kills take.  --strike restricts the storm to one kind (storm/strike.c); --calm is without provider faults,
# foreign messages and wrong clocks.  --keep leaves the home folder.  --selftest seeds a violation of each invariant afterwards.
# Exit status 0: every order's outcome is known, everything came back, no invariant is broken.
set -u
cd "$(dirname "$0")/../.." || exit 1

build=build/crash orders=500 kills=10 seed=$((RANDOM * 32768 + RANDOM)) rate=0 pause=1500 disk=1 selftest=0 keep=0 strike= calm=
while [ $# -gt 0 ]; do
	case $1 in
	--build) build=$2 && shift ;;
	--orders) orders=$2 && shift ;;
	--kills) kills=$2 && shift ;;
	--seed) seed=$2 && shift ;;
	--rate) rate=$2 && shift ;;
	--pause) pause=$2 && shift ;;
	--strike) strike=$2 && shift ;;
	--calm) calm=1 ;;
	--no-disk) disk=0 ;;
	--selftest) selftest=1 ;;
	--keep) keep=1 ;;
	*)
		sed -n '2,13s/^# \{0,1\}//p' "$0" >&2
		exit 2
		;;
	esac
	shift
done
build=$(cd "$build" && pwd) || exit 2
LOGS=${LOGS-$build/logs} # where the logs of a run that failed are left
SECONDS_A_KILL=7 # what a kill takes, with the pause after it

. tests/ports.sh
. tests/crash/common.sh
. tests/crash/selftest.sh
. tests/crash/disk.sh
work=$(mktemp -d /tmp/pizza-crash.XXXXXX)
failed=0
trap clean_up EXIT
trap 'exit 130' INT TERM

fail() {
	echo "FAILED: $*"
	failed=1
}

# Read as a whole before it runs.
main() {
	say "seed $seed: $orders orders, $kills kills"
	begin_system "$work/home" || exit 1
	history=$work/history
	[ "$rate" = 0 ] && rate=$(awk "BEGIN { print $orders / ($kills * $SECONDS_A_KILL * 0.9 + 5) }")
	"$build/harness/client" --port $((PIZZA_PORT_BASE + 2)) --history "$history" --orders "$orders" --rate "$rate" --seed "$seed" \
		>"$work/client.log" 2>&1 &
	client=$!
	"$build/harness/storm" --history "$history" --kills "$kills" --seed "$seed" --pause "$pause" ${clocks:+--clocks "$clocks"} \
		${strike:+--strike "$strike"} ${calm:+--calm} \
		>"$work/storm.log" 2>&1 &
	storm=$!
	watch_live $storm
	wait $storm || fail "something did not come back (see below)"
	wait $client || fail "the outcome of some orders is not known"
	sed -n '/ kills in /,$p' "$work/storm.log"
	cat "$work/client.log"
	say "checking"
	"$build/harness/check" --history "$history" 2>&1 | tee "$work/check.log"
	[ "${PIPESTATUS[0]}" = 0 ] || fail "invariants are broken"
	[ $selftest = 0 ] || selftest || fail "the checker's own test"
	end_system
	[ $disk = 0 ] || disk_full || fail "a full disk"
	say "$([ $failed = 0 ] && echo passed || echo failed); seed $seed"
	exit $failed
}
main
