#!/usr/bin/env bash
# Writes the manual pages (man/NAME.SECTION) and the example configuration (man/pizza.yaml) anew.
#   man/update.sh BUILD DATE            into man/
#   man/update.sh BUILD DATE --check    compares instead; 1 when something is stale
set -eu
shopt -s nullglob
cd "$(dirname "$0")/.."
build=$1 date=$2
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT

"$build/man/generate" pages "$new" "$date" "$build/bin"
"$build/man/generate" config >"$new/pizza.yaml"

stale=0
for page in "$new"/* man/*.[1-8] man/pizza.yaml; do
	name=${page##*/}
	cmp -s "$new/$name" "man/$name" && continue
	stale=1
	if [ "${3-}" = --check ]; then
		echo "man/$name is stale: run \`make man\` and commit what it changes"
		diff -u "man/$name" "$new/$name" | sed -n '3,12p' || true
	elif [ -e "$new/$name" ]; then
		cp "$new/$name" "man/$name" && echo "  man/$name"
	else
		rm -f "man/$name" && echo "  man/$name removed"
	fi
done
[ "${3-}" != --check ] || [ $stale = 0 ]
