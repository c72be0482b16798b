/*
 * Reading files and stdin.
 */
#include "cli/input.h"

#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"

static void close_file(FILE **f)
{
	if (*f != NULL && *f != stdin)
		fclose(*f);
}

int input_read(const char *file, struct buf *out, struct error *err)
{
	CLEANUP(close_file) FILE *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
	char block[8192];
	size_t n;

	if (f == NULL)
		return error_errno(err, "%s", file);
	while ((n = fread(block, 1, sizeof(block), f)) > 0) {
		buf_add(out, block, n);
		if (out->len > INPUT_MAX)
			return error_set(err, ERR_TOO_LARGE, file, "has more than %d bytes", INPUT_MAX);
	}
	if (ferror(f))
		return error_errno(err, "%s", file);
	return 0;
}

int input_object(const char *file, json_t **ret, struct error *err)
{
	CLEANUP(buf_done) struct buf text = {0};
	int rc = input_read(file, &text, err);

	if (rc == 0)
		rc = json_parse_object(buf_str(&text), text.len, ret, err);
	if (rc == ERR_MALFORMED && err != NULL)
		snprintf(err->what, sizeof(err->what), "%s", strcmp(file, "-") == 0 ? "stdin" : file);
	return rc;
}
