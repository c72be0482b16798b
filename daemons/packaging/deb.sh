#!/bin/sh
# Builds the Debian package: deb.sh BUILD VERSION → BUILD/pizza_VERSION_ARCHITECTURE.deb
# It carries Kafka's jar files, so that what is installed runs without network and Maven.
set -eu
cd "$(dirname "$0")/../.."
build=$(cd "$1" && pwd) version=$2
kafka=$(sed -n 's/^#define KAFKA_VERSION[^"]*"\([^"]*\)".*/\1/p' core/config/programs.h)
jars=${XDG_CACHE_HOME:-$HOME/.cache}/pizza/kafka-$kafka
architecture=$(dpkg --print-architecture)
package=$build/pizza_${version}_$architecture.deb
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

fail() {
	echo "deb.sh: $1" >&2
	echo "  $2" >&2
	exit 1
}

command -v dpkg-shlibdeps >/dev/null || fail "dpkg-shlibdeps is not installed" "apt-get install dpkg-dev"
[ -f "$jars/kafka_2.13-$kafka.jar" ] || fail "Kafka's jar files are not in $jars" "make kafka fetches them"

umask 022
DESTDIR=$root PREFIX=/usr ZSHDIR=share/zsh/vendor-completions sh daemons/packaging/install.sh install "$build"
install -d "$root/usr/lib/pizza/kafka/kafka-$kafka" "$root/etc/pizza" "$root/DEBIAN"
install -m 644 "$jars"/*.jar "$root/usr/lib/pizza/kafka/kafka-$kafka"
install -m 644 man/pizza.yaml "$root/etc/pizza/pizza.yaml"
strip --strip-unneeded "$root"/usr/lib/pizza/pizza* "$root"/usr/lib/pizza/*d
find "$root/usr/share/man" -type f -exec gzip -9n {} +
mv "$root/usr/share/doc/pizza/LICENSE" "$root/usr/share/doc/pizza/copyright"

mkdir "$work/debian" # where dpkg-shlibdeps expects to be
printf 'Source: pizza\n\nPackage: pizza\nArchitecture: any\n' >"$work/debian/control"
shlibs=$(cd "$work" && dpkg-shlibdeps -O --ignore-missing-info "$root"/usr/lib/pizza/*d "$root/usr/lib/pizza/pizzactl" |
	sed 's/^shlibs:Depends=//')
size=$(du -sk --apparent-size "$root/usr" | cut -f1)
sed -e "s|@version@|$version|" -e "s|@architecture@|$architecture|" -e "s|@size@|$size|" -e "s|@shlibs@|$shlibs|" \
	daemons/packaging/debian/control.in >"$root/DEBIAN/control"
echo /etc/pizza/pizza.yaml >"$root/DEBIAN/conffiles"
install -m 755 daemons/packaging/debian/postinst daemons/packaging/debian/prerm daemons/packaging/debian/postrm "$root/DEBIAN"
(cd "$root" && find usr -type f -exec md5sum {} + >DEBIAN/md5sums)
dpkg-deb --root-owner-group -Zgzip -z1 --build "$root" "$package" >/dev/null
echo "$package"
