#!/bin/sh
# Turns text files into a C table that ends with NULL: embed.sh TABLE FILE... (names are those of the files, without .txt)
set -eu
table=$1
shift
echo '#include "cli/embedded.h"'
echo
echo "const struct embedded $table[] = {"
for f in "$@"; do
	base=${f##*/}
	printf '    {"%s",\n' "${base%.txt}"
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/     "&\\n"/' "$f"
	echo '     ""},'
done
echo '    {NULL, NULL},'
echo '};'
