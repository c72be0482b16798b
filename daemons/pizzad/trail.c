/*
 * One line per change, each written with one write(2).
 */
#include "daemons/pizzad/trail.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/config/paths.h"
#include "core/service/audit.h"

#define ROWS_MAX 10000

static void file_name(char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%.4000s/audit.jsonl", paths_log());
}

static void append(const char *line)
{
	char path[PATH_MAX];
	int fd;

	file_name(path);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, line, strlen(line)) != (ssize_t)strlen(line))
		log_error("%s misses a line: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

void trail_write(const struct http_request *r, const char *action, const char *target,
		 const json_t *arguments, const struct error *why)
{
	AUTO_FREE char *outcome =
	    why == NULL ? xstrdup("ok") : xasprintf("%s: %s", error_word(why->code), why->why);
	AUTO_FREE char *text = NULL, *line = NULL;
	struct audit_origin origin;
	char at[CLOCK_TEXT_SIZE];
	json_t *row;

	audit_origin(r, NULL, &origin);
	row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?, s:s, s:O?}", "at", clock_format(clock_wall_us(), at),
			"daemon", "pizzad", "actor", origin.actor, "action", action, "target", target,
			"reason", origin.reason[0] != '\0' ? origin.reason : NULL, "outcome", outcome,
			"arguments", arguments);
	text = json_text(row);
	line = xasprintf("%s\n", text);
	append(line);
	json_decref(row);
}

json_t *trail_read(void)
{
	json_t *rows = json_array();
	char path[PATH_MAX], *line = NULL;
	size_t cap = 0;
	ssize_t n;
	FILE *f;

	file_name(path);
	f = fopen(path, "re");
	while (f != NULL && (n = getline(&line, &cap, f)) > 0) {
		json_t *row = json_loadb(line, (size_t)n, 0, NULL);

		if (row == NULL)
			continue;
		json_array_append_new(rows, row);
		if (json_array_size(rows) > ROWS_MAX)
			json_array_remove(rows, 0);
	}
	free(line);
	if (f != NULL)
		fclose(f);
	return rows;
}
