#!/bin/sh
# Installs what building, running and testing need on Debian and Ubuntu.  Asks nothing; does nothing when all is there.
# Installing PostgreSQL starts no public server: every installation has a private one.
set -eu

packages="gcc libc6-dev make pkg-config ca-certificates
	libpq-dev librdkafka-dev libmicrohttpd-dev libcurl4-openssl-dev libjansson-dev libyaml-dev
	libsodium-dev libsmartcols-dev libncurses-dev zlib1g-dev libmodbus-dev
	postgresql default-jre-headless maven
	libcmocka-dev bats kcat curl jq clang libclang-rt-dev clang-format clang-tidy cppcheck mandoc dpkg-dev zsh fish python3 python3-aiosmtpd python3-yaml tmux mbpoll"

fail() {
	echo "deps.sh: $1" >&2
	echo "  $2" >&2
	exit 1
}

installed() {
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

command -v dpkg-query >/dev/null || fail "this is neither Debian nor Ubuntu" \
	"install the equivalents of: $(echo $packages)"

missing=
for p in $packages; do
	installed "$p" || missing="$missing $p"
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ]; then
	sudo=
elif command -v sudo >/dev/null; then
	sudo=sudo
else
	fail "packages are missing and this is not root:$missing" "as root: apt-get install$missing"
fi

apt() {
	# A lock held by another apt is waited for.
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" </dev/null ||
		fail "apt-get $1 failed" "see the messages above; then run make deps again"
}

install() {
	apt install --no-install-recommends "$@"
}

echo "Installing:$missing"
apt update
if ! installed postgresql; then
	conf=/etc/postgresql-common/createcluster.conf
	installed postgresql-common || install postgresql-common
	if ! grep -q '^create_main_cluster *= *false' $conf 2>/dev/null; then
		$sudo sh -c "sed -i '/^ *create_main_cluster/d' $conf 2>/dev/null
			echo 'create_main_cluster = false' >>$conf"
	fi
fi
# shellcheck disable=SC2086
install $missing
