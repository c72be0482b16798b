/*
 * Actions: their commands, and doing them.
 */
#include "tui/action.h"

#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/api.h"
#include "core/console/guard.h"

struct job *job_new(const struct action *a, const json_t *rows, const char *value)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->action = a;
	j->rows = json_deep_copy(rows);
	snprintf(j->value, sizeof(j->value), "%s", value);
	return j;
}

void job_free(struct job *j)
{
	if (j == NULL)
		return;
	json_decref(j->rows);
	free(j->edited);
	free(j->told);
	free(j);
}

/* --- commands --- */

/* A word as a shell reads it. */
static void add_word(struct buf *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+@";

	if (*text != '\0' && strspn(text, plain) == strlen(text)) {
		buf_adds(out, text);
		return;
	}
	buf_addc(out, '\'');
	for (; *text != '\0'; text++)
		if (*text == '\'')
			buf_adds(out, "'\\''");
		else
			buf_addc(out, *text);
	buf_addc(out, '\'');
}

static void add_member(struct buf *out, const char *name, const json_t *row, const char *value)
{
	if (strcmp(name, "value") == 0)
		add_word(out, *value != '\0' ? value : "VALUE");
	else
		add_word(out, json_string_or(row, name, "?"));
}

/* One {member}; answers its length. */
static size_t add_place(struct buf *out, const char *format, const json_t *row, const json_t *rows,
			const char *value)
{
	size_t len = strcspn(format, "}");
	bool every = len > 4 && strncmp(format + len - 3, "...", 3) == 0;
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)(len - 1 - (every ? 3 : 0)), format + 1);
	for (size_t i = 0; every && i < json_array_size(rows); i++) {
		buf_adds(out, i > 0 ? " " : "");
		add_member(out, name, json_array_get(rows, i), value);
	}
	if (!every)
		add_member(out, name, row, value);
	return len + 1;
}

static void add_command(struct buf *out, const char *format, const json_t *row, const json_t *rows,
			const char *value)
{
	while (*format != '\0') {
		size_t len = strcspn(format, "{[]");

		buf_add(out, format, len);
		format += len;
		if (*format == '{')
			format += add_place(out, format, row, rows, value);
		else if (*format == '[' && *value == '\0')
			format += strcspn(format, "]");
		else if (*format != '\0')
			format++;
	}
}

void action_command(struct buf *out, const struct action *a, const json_t *rows, const char *value,
		    const char *reason, const char *context)
{
	size_t n = a->all || json_array_size(rows) == 0 ? 1 : json_array_size(rows);

	for (size_t i = 0; i < n; i++) {
		buf_adds(out, i > 0 ? "\n" : "");
		buf_adds(out, "pizzactl ");
		if (context != NULL) {
			buf_adds(out, "-C ");
			add_word(out, context);
			buf_addc(out, ' ');
		}
		add_command(out, a->command, json_array_get(rows, i), rows, value);
		if (*reason != '\0') {
			buf_adds(out, " --reason ");
			add_word(out, reason);
		}
	}
}

bool action_fits(const struct action *a, const json_t *row)
{
	for (const char *at = strchr(a->command, '{'); at != NULL; at = strchr(at + 1, '{')) {
		AUTO_FREE char *name = xasprintf("%.*s", (int)strcspn(at, ".}") - 1, at + 1);
		const json_t *member = json_object_get(row, name);

		if (strcmp(name, "value") != 0 && (member == NULL || json_is_null(member)))
			return false;
	}
	return true;
}

/* --- doing --- */

static const char *value_of(const struct job *j)
{
	return j->edited != NULL ? j->edited : j->value;
}

static int run_each(struct console *c, const struct job *j, struct buf *said, struct error *err)
{
	size_t n = json_array_size(j->rows), failed = 0;
	struct error first = {0};

	for (size_t i = 0; i < n; i++) {
		struct action_call call = {j->rows, json_array_get(j->rows, i), value_of(j), j->plan};
		struct error each = {0};
		int rc;

		buf_reset(said);
		rc = j->action->run(c, &call, said, &each);
		if (rc < 0 && failed++ == 0)
			first = each;
	}
	if (failed > 0) {
		*err = first;
		if (failed < n)
			return error_set(err, ERR_PARTLY, j->action->name, "%zu of %zu failed: %.200s",
					 failed, n, first.why);
		return first.code < 0 ? first.code : ERR_FAILED;
	}
	if (n > 1) {
		buf_reset(said);
		buf_addf(said, "%zu times %s", n, j->action->name);
	}
	return 0;
}

int job_run(struct console *c, const struct job *j, struct buf *said, struct error *err)
{
	struct action_call call = {j->rows, NULL, value_of(j), j->plan};

	guard_agree(j->agreed);
	guard_reason(j->reason[0] != '\0' ? j->reason : NULL);
	return j->action->all ? j->action->run(c, &call, said, err) : run_each(c, j, said, err);
}

int action_post(struct console *c, const char *daemon, const char *path, const json_t *row, json_t *body,
		struct error *err)
{
	AUTO_JSON json_t *owned = body;
	CLEANUP(buf_done) struct buf full = {0};
	struct api_request r = {.method = "POST", .daemon = daemon, .body = owned};
	size_t len = strcspn(path, "{"), end;
	char name[64];

	buf_add(&full, path, len);
	if (path[len] == '{') {
		end = strcspn(path + len, "}");
		snprintf(name, sizeof(name), "%.*s", (int)end - 1, path + len + 1);
		api_encode(&full, json_string_or(row, name, ""));
		buf_adds(&full, path + len + end + 1);
	}
	r.path = buf_str(&full);
	return api_call(c, &r, NULL, err);
}

int action_cancel_order(struct console *c, const struct action_call *call, struct buf *said,
			struct error *err)
{
	(void)said;
	return action_post(c, "orderd", "/api/v1/orders/{order_id}/cancel", call->row, json_object(), err);
}
