#!/usr/bin/env bash
# Dependencies point one way (README, "Where things are"):
#   cli → tui → core/console → core/*        daemons → core/service → core/{db,bus,http} → core/base
# No daemon includes another's files, core/console includes no daemon, and nothing below core includes what is above it.
cd "$(dirname "$0")/.." || exit 1
bad=0

# forbid FILES PATTERN WHY: no file of the glob includes what matches.
forbid() {
	local hits
	hits=$(grep -rnE "^#include \"($2)" $1 --include='*.[ch]' 2>/dev/null)
	if [ -n "$hits" ]; then
		printf '%s\n%s\n' "$3:" "$hits"
		bad=1
	fi
}

forbid core "(cli|tui|daemons)/" "core includes what is above it"
forbid core/base "core/(config|db|bus|http|service|contract|console)/" "core/base includes other parts"
forbid "core/db core/bus core/http" "core/(service|console)/" "core/db, core/bus and core/http include core/service or core/console"
forbid core/config "core/(db|bus|http|service|console)/" "core/config includes what is above it"
forbid core/contract "core/(db|bus|http|service|console)/" "core/contract includes what is above it"
forbid core/service "core/console/" "core/service includes core/console"
forbid "cli tui" "daemons/" "a face includes a daemon"
forbid tui "cli/" "tui includes cli"
for d in daemons/*/; do
	d=${d#daemons/} d=${d%/}
	others=$(ls daemons | grep -vx "$d" | paste -sd'|')
	forbid "daemons/$d" "daemons/($others)/" "daemons/$d includes another daemon"
	[ "$d" = pizzad ] || forbid "daemons/$d" "core/console/" "daemons/$d includes core/console"
done
[ $bad = 0 ] && echo "ok 1 links point one way"
exit $bad
