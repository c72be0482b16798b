# Shared by all bats tests.

# eventually SECONDS COMMAND…: tries until it succeeds; the deadline makes it fail, with what the last try said.
eventually() {
	local deadline=$((SECONDS + $1)) said=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/last-try
	shift
	until "$@" 2>"$said"; do
		if [ $SECONDS -ge $deadline ]; then
			echo "not within the deadline: $*" >&2
			cat "$said" >&2
			return 1
		fi
		sleep 0.1
	done
}

# ctl STATUS ARG…: pizzactl's stdout in $out, its stderr in $err; fails unless it ends with STATUS.
ctl() {
	local wanted=$1 status=0
	shift
	"$PIZZACTL" "$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" </dev/null || status=$?
	out=$(cat "$BATS_TEST_TMPDIR/out")
	err=$(cat "$BATS_TEST_TMPDIR/err")
	[ "$status" = "$wanted" ] || { echo "pizzactl $*: status $status, not $wanted; $err"; return 1; }
}
