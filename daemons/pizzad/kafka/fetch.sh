#!/bin/sh
# Fetches the pinned Kafka server (pom.xml) into the user's cache, once: $XDG_CACHE_HOME/pizza/kafka-VERSION.
# Silent and quick when it is there.  The folder appears as a whole or not at all.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
version=$(sed -n '/kafka_2.13/,/<\/dependency>/s:.*<version>\(.*\)</version>.*:\1:p' "$here/pom.xml")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pizza
target=$cache/kafka-$version

train() {
	exec sh "$here/train.sh" "$target"
}

[ -f "$target/kafka_2.13-$version.jar" ] && train

fail() {
	echo "fetch.sh: $1" >&2
	echo "  $2" >&2
	exit 1
}

command -v mvn >/dev/null || fail "Maven is not installed, and Kafka's jar files come through it" \
	"make deps installs it; or name a folder that has them: kafka.libs in pizza.yaml"
mkdir -p "$cache" || fail "cannot create $cache" "set XDG_CACHE_HOME to a folder that you may write to"

new=$(mktemp -d "$cache/.kafka-$version.XXXXXX")
log=$new.log
trap 'rm -rf "$new" "$log"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

echo "Fetching Apache Kafka $version (55 MB, once) into $target"
mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
	-DoutputDirectory="$new" >"$log" 2>&1 &
mvn=$!
trap 'kill $mvn 2>/dev/null; exit 130' INT
trap 'kill $mvn 2>/dev/null; exit 143' TERM

while kill -0 $mvn 2>/dev/null; do
	[ -t 1 ] && printf '\r  %s files, %s MB ' "$(ls "$new" | wc -l)" "$(du -sm "$new" | cut -f1)"
	sleep 1
done
[ -t 1 ] && printf '\r\033[K'

if ! wait $mvn || [ ! -f "$new/kafka_2.13-$version.jar" ]; then
	sed -n '/ERROR/p' "$log" | head -n 5 >&2
	fail "Maven could not download Kafka's jar files" \
		"check the network and ~/.m2/settings.xml (proxy, mirror), then try again"
fi

chmod 755 "$new"
# Somebody else may have been quicker; theirs is as good.
mv -T "$new" "$target" 2>/dev/null || [ -f "$target/kafka_2.13-$version.jar" ] ||
	fail "cannot create $target" "remove it, then try again"
rm -rf "$new" "$log"
train
