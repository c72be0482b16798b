#!/usr/bin/env bash
# clang-format, clang-tidy, cppcheck and the link directions over everything git tracks.  clang-tidy takes minutes, so
# what it found clean is remembered in build/lint by the text after preprocessing, and not looked at again.
set -u
cd "$(dirname "$0")/.." || exit 1

# tidy FLAGS FILE…
tidy() {
	local flags=$1 f sum seen bad=0
	shift
	for f; do
		sum=$({ cat .clang-tidy; clang -E -P -std=gnu17 $flags "$f"; } 2>/dev/null | sha256sum)
		seen=build/lint/$f.sum
		[ "$(cat "$seen" 2>/dev/null)" = "$sum" ] && continue
		if clang-tidy --quiet --warnings-as-errors='*' "$f" -- -std=gnu17 $flags 2>/dev/null; then
			mkdir -p "$(dirname "$seen")" && echo "$sum" >"$seen"
		else
			bad=1
		fi
	done
	return $bad
}

if [ "${1:-}" = --tidy ]; then
	shift
	tidy "$@"
	exit
fi

bad=0
mapfile -t all < <(git ls-files '*.c' '*.h')
mapfile -t sources < <(git ls-files '*.c')
includes="-I. -Ibuild/gen -D_GNU_SOURCE -DPIZZA_VERSION=\"lint\" $(pkg-config --cflags libpq rdkafka libmicrohttpd jansson)"

echo "clang-format"
clang-format --dry-run -Werror "${all[@]}" || bad=1
echo "cppcheck"
cppcheck --quiet --library=tests/cppcheck.cfg --error-exitcode=1 --enable=warning,performance,portability --inline-suppr --std=c11 -j "$(nproc)" \
	--suppress=missingIncludeSystem --suppress=invalidPointerCast --suppress=varFuncNullUB -I. -D_GNU_SOURCE '-DPIZZA_VERSION="lint"' \
	"${sources[@]}" || bad=1
echo "clang-tidy"
printf '%s\0' "${sources[@]}" | xargs -0 -P "$(nproc)" -n 4 bash tests/lint.sh --tidy "$includes" || bad=1
echo "links"
bash tests/links.sh || bad=1
[ $bad = 0 ] && echo "lint: clean"
exit $bad
