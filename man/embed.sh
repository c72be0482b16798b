#!/bin/sh
# Turns the manual's prose into a C table: embed.sh man/text/*.txt
set -eu
echo '#include "cli/page.h"'
echo
echo 'const struct page_text page_texts[] = {'
for f in "$@"; do
	base=${f##*/}
	printf '    {"%s",\n' "${base%.txt}"
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/     "&\\n"/' "$f"
	echo '     ""},'
done
echo '};'
echo "const int page_text_count = $#;"
