# Shared by the scripts of tests/crash.  `build`, `work`, `keep` are set by the script; `home` is the system's.
home= clocks= live_checks=0 live_broken=0

say() {
	printf '== %s\n' "$*"
}

unset PIZZA_CONFIG PIZZA_CONTEXT CRASH_AT
export XDG_CONFIG_HOME=/nonexistent
export PIZZA_KITCHEN_OVENS=40 PIZZA_KITCHEN_DECKS=8 # every order becomes ready in time

# begin_system HOME: a system that is up, with crash points and, where the programs allow it, clocks that can be stepped.
begin_system() {
	export PIZZA_HOME=$1 PIZZA_PORT_BASE PIZZACTL=$build/bin/pizzactl
	PIZZA_PORT_BASE=$(free_port_base)
	home=$1
	if [ -e "$build/harness/clock.so" ]; then
		clocks=$work/clocks
		mkdir -p "$clocks"
		PIZZA_TEST_CLOCKS=$clocks LD_PRELOAD=$build/harness/clock.so "$PIZZACTL" up >"$work/up.log" 2>&1
	else
		"$PIZZACTL" up >"$work/up.log" 2>&1
	fi || {
		tail -n 5 "$work/up.log"
		return 1
	}
}

end_system() {
	[ -z "$home" ] && return
	"$PIZZACTL" down >"$work/down.log" 2>&1 || tail -n 3 "$work/down.log"
	home=
}

# watch_live PID: as long as the process runs, what must hold even now is checked from time to time.
watch_live() {
	local n=0
	while kill -0 "$1" 2>/dev/null; do
		sleep 1
		n=$((n + 1))
		if [ $((n % ${LIVE_EVERY:-300})) = 0 ]; then
			"$build/harness/check" --live --history "$history" >"$work/live.log" 2>&1
			case $? in
			0) live_checks=$((live_checks + 1)) ;;
			1)
				live_broken=$((live_broken + 1))
				fail "invariants are broken while faults run"
				grep -A 3 broken "$work/live.log"
				;;
			esac # else what it needs was away at the moment
		fi
	done
	say "while faults ran: $live_checks checks, $live_broken of them broken"
}

clean_up() {
	local p
	for p in ${client-} ${storm-}; do
		kill "$p" 2>/dev/null
	done
	end_system
	[ ! -d "$work/disk" ] || unmount_disks "$work/disk"
	if [ "$failed" != 0 ] && [ -n "${LOGS-}" ]; then
		mkdir -p "$LOGS"
		cp -r "$work"/*.log "$work"/history "$work"/home/log "$LOGS" 2>/dev/null
	fi
	if [ "$keep" = 1 ]; then
		say "kept: $work"
	else
		rm -rf "$work"
	fi
}
