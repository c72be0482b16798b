/*
 * One list per daemon with a database, and the supervisor's file through its socket, sorted by time.
 */
#include "core/console/audit.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/api.h"
#include "core/console/control.h"
#include "core/contract/daemons.h"

static int take(void *rows, json_t *row, struct error *err)
{
	(void)err;
	json_array_append_new(rows, row);
	return 0;
}

static void note_missing(struct buf *names, const char *name)
{
	buf_addf(names, "%s%s", names->len > 0 ? ", " : "", name);
}

static bool matches(const struct audit_filter *f, const json_t *row, const char *since)
{
	const char *action = json_string_or(row, "action", "");
	size_t len = f->action != NULL ? strlen(f->action) : 0;

	return (f->actor == NULL || strcmp(json_string_or(row, "actor", ""), f->actor) == 0) &&
	       (f->target == NULL || strcmp(json_string_or(row, "target", ""), f->target) == 0) &&
	       (f->action == NULL ||
		(strncmp(action, f->action, len) == 0 && (action[len] == '\0' || action[len] == '.'))) &&
	       (since == NULL || strcmp(json_string_or(row, "at", ""), since) >= 0);
}

static int compare(const void *left, const void *right)
{
	const json_t *a = *(json_t *const *)left, *b = *(json_t *const *)right;

	return strcmp(json_string_or(b, "at", ""), json_string_or(a, "at", ""));
}

static json_t *sorted(const json_t *rows, int64_t limit)
{
	size_t n = json_array_size(rows);
	AUTO_FREE json_t **list = xcalloc(n + 1, sizeof(json_t *));
	json_t *out = json_array();

	for (size_t i = 0; i < n; i++)
		list[i] = json_array_get(rows, i);
	qsort(list, n, sizeof(json_t *), compare);
	for (size_t i = 0; i < n && (limit < 0 || (int64_t)i < limit); i++)
		json_array_append(out, list[i]);
	return out;
}

static void read_supervisor(const struct audit_filter *f, const char *since, json_t *rows,
			    struct buf *missing)
{
	AUTO_JSON json_t *own = NULL;
	int rc = control_audit(&own, NULL);

	if (rc < 0 && rc != ERR_REFUSED) /* a remote installation's supervisor is not ours to ask */
		note_missing(missing, "pizzad");
	for (size_t i = 0; i < json_array_size(own); i++)
		if (matches(f, json_array_get(own, i), since))
			json_array_append(rows, json_array_get(own, i));
}

int audit_read(struct console *c, const struct audit_filter *f, json_t **ret, struct error *ret_missing,
	       struct error *err)
{
	CLEANUP(buf_done) struct buf path = {0}, missing = {0};
	AUTO_JSON json_t *rows = json_array();
	char text[CLOCK_TEXT_SIZE];
	const char *since =
	    f->since_ms >= 0 ? clock_format(clock_wall_us() - f->since_ms * 1000, text) : NULL;

	buf_adds(&path, "/api/v1/audit");
	api_query(&path, "actor", f->actor);
	api_query(&path, "action", f->action);
	api_query(&path, "target", f->target);
	api_query(&path, "since", since);
	for (int i = 0; i < DAEMON_COUNT; i++) {
		int rc = daemons[i].database == NULL
			     ? 0
			     : api_list(c, daemons[i].name, buf_str(&path), f->limit, take, rows, err);

		if (rc == ERR_UNAVAILABLE || rc == ERR_TIMEOUT)
			note_missing(&missing, daemons[i].name);
		else if (rc < 0)
			return rc;
	}
	read_supervisor(f, since, rows, &missing);
	if (missing.len > 0)
		error_set(ret_missing, ERR_PARTLY, "audit",
			  "what these did is missing, they cannot be asked: %s", buf_str(&missing));
	*ret = sorted(rows, f->limit);
	return 0;
}
