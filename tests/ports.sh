# free_port_base: prints a port base whose whole range nobody listens in, nor at +502 (Modbus); PIZZA_PORTS="LOW HIGH" bounds it.
# Different runs try different ones, all below the ephemeral ports.
free_port_base() {
	local low=20000 high=31900 base
	[ -n "${PIZZA_PORTS-}" ] && read -r low high <<<"$PIZZA_PORTS"
	for _ in $(seq 50); do
		base=$((low + RANDOM % ((high - low) / 100 + 1) * 100))
		if ! awk -v lo=$base -v hi=$((base + 99)) 'FNR > 1 { split($2, a, ":"); p = 0
				for (i = 1; i <= length(a[2]); i++) p = p * 16 + index("0123456789ABCDEF", substr(a[2], i, 1)) - 1
				if ((p >= lo && p <= hi) || p == lo + 502) found = 1 } END { exit !found }' /proc/net/tcp /proc/net/tcp6; then
			echo $base
			return
		fi
	done
}
