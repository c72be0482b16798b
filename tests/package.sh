#!/usr/bin/env bash
# What is installed, in its places: `make install` and `uninstall` below a DESTDIR, and the Debian package on a clean root, where it is
# installed, run without any network, takes an order, and is removed.  As root.
#   tests/package.sh BUILD VERSION
# Debian's packages come through apt; the clean root is kept in BUILD/clean-root.tar for the next time.
set -u
cd "$(dirname "$0")/.." || exit 1
build=$(cd "$1" && pwd) version=$2
work=$(mktemp -d /var/tmp/pizza-package.XXXXXX)
root=$work/root
n=0 bad=0

clean_up() {
	umount -l "$root/proc" "$root/dev" 2>/dev/null
	rm -rf "$work"
}
trap clean_up EXIT

check() { # check NAME COMMAND…
	local name=$1 out
	shift
	n=$((n + 1))
	if out=$("$@" 2>&1); then
		echo "ok $n $name"
	else
		printf 'not ok %d %s\n%s\n' $n "$name" "$(tail -n 40 <<<"$out")"
		bad=1
		return 1
	fi
}

# --- make install, make uninstall ---

installs() {
	make -s install B="$build" DESTDIR="$work/dest" PREFIX=/opt/pizza &&
		[ "$("$work/dest/opt/pizza/bin/pizzactl" version)" = "pizza $version" ] &&
		cmp man/pizza.yaml "$work/dest/opt/pizza/share/doc/pizza/examples/pizza.yaml" &&
		[ "$(find "$work/dest/opt/pizza/share/man" -type f | wc -l)" = "$(ls man/*.[1-8] | wc -l)" ] &&
		mandoc -T ascii "$work/dest/opt/pizza/share/man/man1/pizzactl-order.1" | col -b | grep -q 'pizzactl order create' &&
		grep -q '^ExecStart=/opt/pizza/bin/pizzad ' "$work/dest/opt/pizza/lib/systemd/system/pizza.service"
}

uninstalls() {
	mkdir -p "$work/dest/opt/pizza/share/man/man1" && touch "$work/dest/opt/pizza/share/man/man1/other.1"
	make -s uninstall B="$build" DESTDIR="$work/dest" PREFIX=/opt/pizza
	[ "$(find "$work/dest" ! -type d)" = "$work/dest/opt/pizza/share/man/man1/other.1" ] || { find "$work/dest"; return 1; }
	[ ! -e "$work/dest/opt/pizza/lib" ]
}

units() {
	command -v systemd-analyze >/dev/null || return 0
	local unit
	mkdir -p "$work/units/user"
	for unit in daemons/packaging/systemd/*.service daemons/packaging/systemd/*.timer; do
		sed 's|@bin@/[a-z]*|/bin/true|' "$unit" >"$work/units/${unit##*/}"
	done
	sed 's|@bin@/[a-z]*|/bin/true|' daemons/packaging/systemd/user/pizza.service >"$work/units/user/pizza.service"
	SYSTEMD_UNIT_PATH=$work/units: systemd-analyze verify --man=no "$work"/units/*.service "$work"/units/*.timer 2>&1 |
		grep "$work/units" && return 1
	systemd-analyze --user verify --man=no "$work/units/user/pizza.service" 2>&1 | grep "$work/units" && return 1
	return 0
}

# --- a clean root ---

clean_root() {
	local tar=$build/clean-root.tar
	if [ ! -e "$tar" ]; then
		command -v debootstrap >/dev/null || apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends debootstrap
		debootstrap --variant=minbase bookworm "$work/new" "$(mirror)" && tar -C "$work/new" -cf "$tar.new" . &&
			mv "$tar.new" "$tar" && rm -rf "$work/new" || return 1
	fi
	mkdir "$root" && tar -C "$root" -xf "$tar" || return 1
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	cp /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/" 2>/dev/null
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" && chmod 755 "$root/usr/sbin/policy-rc.d"
	# As an administrator does who wants no public server.
	mkdir -p "$root/etc/postgresql-common" && echo 'create_main_cluster = false' >"$root/etc/postgresql-common/createcluster.conf"
	mount -t proc proc "$root/proc" && mount --bind /dev "$root/dev"
}

mirror() {
	awk '/^URIs:/ { print $2; exit }  /^deb / { print $2; exit }' /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null
}

inside() {
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"
}

# Everything that has to do with us, outside of what dpkg and apt keep about all packages.
traces() {
	(cd "$root" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./var/cache/apt -o -path ./var/log -o -path ./var/lib/dpkg \
		-o -path ./var/lib/apt -o -path ./tmp \) -prune -o -iname '*pizza*' -print) | sort
	grep pizza "$root/etc/passwd" "$root/etc/group"
}

installs_package() {
	cp "$build/pizza_${version}_$(dpkg --print-architecture).deb" "$root/tmp/pizza.deb" || return 1
	inside apt-get -q -y update &&
		inside apt-get -q -y -o Dpkg::Options::=--force-confold install --no-install-recommends /tmp/pizza.deb &&
		[ "$(inside pizzactl version)" = "pizza $version" ] &&
		[ "$(inside stat -c '%U %a' /var/lib/pizza)" = "pizza 700" ] &&
		[ -z "$(inside dpkg --verify pizza)" ] &&
		inside pizzactl config validate /etc/pizza/pizza.yaml
}

# In a network of its own, in which there is nothing but the loopback; nothing of it outlives the command.
runs() {
	cat >"$root/tmp/run.sh" <<-'END'
		set -eu
		export PIZZA_HOME=/var/lib/pizza
		cd /
		pizzad --foreground >/tmp/pizzad.log 2>&1 &
		pid=$!
		pizzactl up -q --timeout 3m
		order=$(pizzactl order create --item margherita:large:2 --name Ivan --address 'Tverskaya 1' --wait paid -o name)
		[ "$(pizzactl saga show "$order" -o json | grep -c OrderPaid)" -ge 1 ]
		pizzactl status -o csv --columns name,state --no-headers | grep -v ,up && exit 1
		pizzactl help pizza.yaml | grep -q port_base
		pizzactl down -q
		wait $pid
	END
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/var/lib/pizza LC_ALL=C.UTF-8 \
		unshare --net --pid --fork --mount sh -c \
		"ip link set lo up && mount -t proc proc '$root/proc' && exec timeout 300 chroot '$root' runuser -u pizza -- sh /tmp/run.sh" ||
		{ tail -n 20 "$root/tmp/pizzad.log"; return 1; }
}

removes() {
	inside apt-get -q -y remove pizza || return 1
	[ "$(traces | grep -v '^./var/lib/pizza/')" = "./etc/pizza
./etc/pizza/pizza.yaml
./var/lib/pizza
$root/etc/passwd:$(grep '^pizza:' "$root/etc/passwd")
$root/etc/group:$(grep '^pizza:' "$root/etc/group")" ] || { traces | grep -v '^./var/lib/pizza/'; return 1; }
	[ -e "$root/var/lib/pizza/postgres/PG_VERSION" ]
}

purges() {
	inside apt-get -q -y purge pizza && [ -z "$(traces)" ] || { traces; return 1; }
}

check "make install puts everything into its place" installs
check "make uninstall leaves nothing, and touches nothing else" uninstalls
check "the systemd units are valid" units
check "a clean root" clean_root &&
	check "the package installs on it, with what it depends on" installs_package &&
	check "it runs as the user pizza without a network, and takes an order" runs &&
	check "removed, it leaves its state and its configuration alone" removes &&
	check "purged, it leaves no trace" purges
exit $bad
