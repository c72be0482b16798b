#!/bin/sh
# Turns SQL files into a C table of migrations: embed.sh NAME FILE... (FILE: NNNN_name.sql)
set -eu
name=$1
shift
echo '#include "core/db/db.h"'
echo
n=0
for f in "$@"; do
	n=$((n + 1))
	printf 'static const char sql_%d[] =\n' "$n"
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/    "&\\n"/' "$f"
	echo '    "";'
done
echo "extern const struct db_migration ${name}_migrations[];"
echo "extern const int ${name}_migration_count;"
echo "const struct db_migration ${name}_migrations[] = {"
i=0
for f in "$@"; do
	i=$((i + 1))
	base=${f##*/}
	version=$(expr "${base%%_*}" + 0)
	printf '    {%d, "%s", sql_%d},\n' "$version" "$base" "$i"
done
[ "$n" -gt 0 ] || echo '    {0, "", ""},'
echo '};'
echo "const int ${name}_migration_count = $n;"
