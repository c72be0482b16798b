#!/usr/bin/env bash
# Runs every fuzz target for some seconds.  tests/fuzz/run.sh BUILD SECONDS [TARGET…]
# Seeds come from tests/fuzz/corpus/TARGET; what is found new is kept in BUILD/corpus/TARGET, and what fails in
# BUILD/failures/TARGET-*.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$1 seconds=$2
shift 2
targets=${*:-$(ls tests/fuzz/*.c | xargs -n 1 basename -s .c)}
bad=0
mkdir -p "$build/failures"
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1
for t in $targets; do
	mkdir -p "$build/corpus/$t"
	if "$build/fuzz/$t" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -close_fd_mask=1 \
		-artifact_prefix="$build/failures/$t-" -print_final_stats=1 \
		"$build/corpus/$t" "tests/fuzz/corpus/$t" >"$build/failures/$t.log" 2>&1; then
		awk -v t="$t" '/stat::number_of_executed_units/ { n = $2 } /cov:/ { for (i = 1; i < NF; i++) if ($i == "cov:") c = $(i + 1) }
			END { printf "ok  %-10s %10d inputs, %d edges\n", t, n, c }' "$build/failures/$t.log"
	else
		echo "BAD $t"
		grep -vE '^(INFO|#[0-9])' "$build/failures/$t.log" | tail -n 30
		bad=1
	fi
done
exit $bad
