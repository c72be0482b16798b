#!/usr/bin/env bash
# Prepares every SQL statement of every daemon against its freshly migrated database.
set -u
n=0 bad=0
for program in "$1"/bin/*d; do
	case $program in */pizzad) continue ;; esac
	n=$((n + 1))
	if "$program" --check-sql; then
		echo "ok $n $(basename "$program")"
	else
		echo "not ok $n $(basename "$program")"
		bad=1
	fi
done
exit $bad
