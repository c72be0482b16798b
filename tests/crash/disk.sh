# A full disk, sourced by run.sh: a small system on three small file systems of its own, for PostgreSQL with its log, for
# Kafka's log and for the log files.  Each is filled to the last byte while orders come, and emptied again; the system
# must recover by itself and nothing may be lost.

# The mount points of the system, and what they are.
disks=(postgres:800m kafka:500m log:24m)

# mount_disks HOME: what lies in the folders of a system that is down moves to file systems of their own.
mount_disks() {
	local d name
	for d in "${disks[@]}"; do
		name=$1/${d%:*}
		mv "$name" "$name.was" && mkdir -m 700 "$name" || return 1
		mount -t tmpfs -o "size=${d#*:},mode=0700" pizza-test "$name" 2>/dev/null || return 1
		cp -a "$name.was/." "$name/" && rm -rf "$name.was" || return 1
	done
}

unmount_disks() {
	local d
	for d in "${disks[@]}"; do
		umount -l "$1/${d%:*}" 2>/dev/null
	done
}

# A saga from end to end: 0 as soon as an order is paid, 1 after 120 s.
flows() {
	local deadline=$((SECONDS + 120)) key=disk-$RANDOM$RANDOM
	printf '{"op":"probe","key":"%s","outcome":"unknown"}\n' "$key" >>"$history"
	until "$PIZZACTL" order create --item margherita --address "1 Disk Street" --idempotency-key "$key" \
		--wait paid >/dev/null 2>&1; do
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.1
	done
}

disk_full() {
	local d name began left bad=0
	say "full disks"
	begin_system "$work/disk" && "$PIZZACTL" down >"$work/down.log" 2>&1 || return 1
	if ! mount_disks "$work/disk"; then
		unmount_disks "$work/disk"
		echo "not done: a small file system cannot be mounted here (root can)"
		return 0
	fi
	history=$work/history-disk
	: >"$history"
	"$PIZZACTL" up >"$work/up.log" 2>&1 || return 1
	"$build/harness/client" --port $((PIZZA_PORT_BASE + 2)) --history "$history" --orders 400 --rate 8 --seed "$seed" \
		>"$work/client-disk.log" 2>&1 &
	client=$!
	for d in "${disks[@]}"; do
		name=${d%:*}
		[ $bad = 0 ] || break
		cat /dev/zero >"$work/disk/$name/filler" 2>/dev/null
		left=$(df --output=avail "$work/disk/$name" | tail -n 1)
		sleep 6
		rm -f "$work/disk/$name/filler"
		began=$(date +%s%N)
		if flows; then
			printf 'the disk of %s was full (%d bytes left) for 6 s: sagas flow %.2f s after there is room again\n' "$name" \
				$((left * 1024)) "$(awk "BEGIN { print ($(date +%s%N) - $began) / 1e9 }")"
		else
			echo "the disk of $name was full: sagas do not flow again"
			bad=1
		fi
	done
	wait $client || bad=1
	cat "$work/client-disk.log"
	"$build/harness/check" --history "$history" >"$work/check-disk.log" 2>&1 || bad=1
	grep -vE '^invariant .. held' "$work/check-disk.log"
	end_system
	if [ $bad != 0 ] && [ -n "${LOGS-}" ]; then
		mkdir -p "$LOGS" && cp -r "$work/disk/log" "$LOGS/log-disk"
	fi
	unmount_disks "$work/disk"
	return $bad
}
