#!/usr/bin/env bash
# clang-format, clang-tidy, cppcheck and the link directions over everything git tracks.
set -u
cd "$(dirname "$0")/.." || exit 1
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
printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -n 8 sh -c \
	'clang-tidy --quiet --warnings-as-errors="*" "$@" -- -std=gnu17 '"$includes"' 2>/dev/null' sh || bad=1
echo "links"
bash tests/links.sh || bad=1
[ $bad = 0 ] && echo "lint: clean"
exit $bad
