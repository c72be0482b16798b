#!/usr/bin/env bash
# The manual: nothing is stale or missing, every page is clean mdoc(7), and `pizzactl help` shows each of them.
#   tests/docs.sh BUILD
set -u
cd "$(dirname "$0")/.." || exit 1
build=$1
n=0 bad=0

check() { # check NAME COMMAND…
	local name=$1 out
	shift
	n=$((n + 1))
	if out=$("$@" 2>&1); then
		echo "ok $n $name"
	else
		printf 'not ok %d %s\n%s\n' $n "$name" "$out"
		bad=1
	fi
}

stale() {
	bash man/update.sh "$build" "$(sed -n 's/^DATE *:= *//p' Makefile)" --check
}

lint() {
	! mandoc -Tlint -W warning man/*.[1-8] | grep .
}

# What mandoc shows, and what help shows, of every page: its name and its summary.
shown() {
	local page name
	for page in man/*.[1-8]; do
		name=${page#man/} name=${name%.*}
		mandoc -T utf8 "$page" | col -b | grep -qF -- "$name" || { echo "mandoc $page"; return 1; }
		"$build/bin/pizzactl" help "$name" | head -n 1 | grep -q "^$name" || { echo "pizzactl help $name"; return 1; }
	done
}

config() {
	sed 's/^#\([a-z]\)/\1/' man/pizza.yaml >"$tmp/all.yaml"
	[ "$(grep -c '^[a-z]' "$tmp/all.yaml")" -gt 10 ] && "$build/bin/pizzactl" config validate "$tmp/all.yaml" -q &&
		"$build/bin/pizzactl" config validate man/pizza.yaml -q
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
check "pages and example configuration are those of the tables (make man)" stale
check "pages are clean mdoc" lint
check "mandoc and pizzactl help show every page" shown
check "the example configuration is valid, as it is and with every key" config
exit $bad
