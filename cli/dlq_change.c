/*
 * pizzactl dlq discard, restore, edit and policy.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/dlq.h"
#include "cli/input.h"
#include "cli/resource.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/api.h"
#include "core/console/editor.h"

/* --- discard and restore --- */

static int change_letters(struct cli *c, const char *path, const char *done, struct error *err)
{
	AUTO_JSON json_t *selection = NULL, *body = NULL, *answer = NULL;
	struct console *console = NULL;
	struct output *o = NULL;
	const json_t *letters;
	int64_t changed;
	int rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = dlq_chosen(c, &selection, err);
	if (rc < 0)
		return rc;
	body = json_pack("{s:O, s:b}", "selection", selection, "dry_run", !dlq_serious(c));
	rc = dlq_post(console, path, body, &answer, err);
	if (rc == 0 && !cli_human(c)) {
		rc = cli_output_results(c, dlq_result_columns, &o, err);
		letters = json_object_get(answer, "letters");
		for (size_t i = 0; i < json_array_size(letters) && rc == 0; i++)
			rc = output_row(o, json_incref(json_array_get(letters, i)), err);
		rc = o != NULL ? output_close(o, rc, err) : rc;
	}
	if (rc < 0)
		return rc;
	changed = json_int_or(answer, "changed", 0);
	if (dlq_serious(c))
		cli_say(c, "%lld letter%s %s.", (long long)changed, changed == 1 ? "" : "s", done);
	else
		cli_say(c, "%lld of %lld letter%s would be %s. Nothing was done. Add --yes to do it.",
			(long long)changed, (long long)json_int_or(answer, "matched", 0),
			changed == 1 ? "" : "s", done);
	return 0;
}

int dlq_discard(struct cli *c, struct error *err)
{
	return change_letters(c, "/discard", "discarded", err);
}

int dlq_restore(struct cli *c, struct error *err)
{
	return change_letters(c, "/restore", "restored", err);
}

/* --- edit --- */

static int no_terminal(struct error *err)
{
	error_set(err, ERR_REFUSED, "dlq edit", "there is no terminal for an editor");
	error_hint(err, "give the change as --patch FILE (JSON Merge Patch)");
	return ERR_REFUSED;
}

/* Body of the request: the patch, or what the editor gave. */
static int edit_body(struct cli *c, const json_t *letter, json_t **ret, struct error *err)
{
	CLEANUP(buf_done) struct buf text = {0};
	AUTO_FREE char *before = NULL;
	json_t *patch = NULL;
	int rc;

	if (cli_text(c, "patch") != NULL) {
		rc = input_object(cli_text(c, "patch"), &patch, err);
		if (rc == 0)
			*ret = json_pack("{s:o}", "patch", patch);
		return rc;
	}
	if (isatty(STDIN_FILENO) != 1 || !c->tty)
		return no_terminal(err);
	before = dlq_text(letter);
	rc = editor_edit(before, &text, err);
	return rc < 0 ? rc : dlq_edit_body(buf_str(&text), ret, err);
}

static int show_edit(struct cli *c, const json_t *answer, struct error *err)
{
	CLEANUP(buf_done) struct buf text = {0};

	if (!cli_human(c))
		return cli_show(c, json_incref((json_t *)answer), err);
	dlq_draw_diff(&text, json_object_get(answer, "diff"), c->color, "  ");
	(void)cli_print(c, &text, true);
	return 0;
}

static int send_edit(struct cli *c, struct console *console, const char *id, json_t *body, struct error *err)
{
	AUTO_JSON json_t *answer = NULL;
	char path[96];
	int64_t job;
	int rc;

	json_object_set_new(body, "dry_run", json_boolean(!dlq_serious(c)));
	json_object_set_new(body, "replay", json_boolean(!cli_flag(c, "no-replay")));
	json_object_set_new(body, "force", json_boolean(cli_flag(c, "force")));
	snprintf(path, sizeof(path), "/letters/%s/edit", id);
	rc = dlq_post(console, path, body, &answer, err);
	if (rc == 0)
		rc = show_edit(c, answer, err);
	if (rc < 0)
		return rc;
	if (json_array_size(json_object_get(answer, "diff")) == 0)
		cli_say(c, "Nothing differs.");
	job = json_int_or(answer, "job_id", 0);
	if (job > 0)
		return cli_human(c) ? dlq_follow_job(c, job, err) : 0;
	if (!dlq_serious(c))
		cli_say(c, "Nothing was done. Add --yes to keep this and replay it.");
	return 0;
}

int dlq_edit(struct cli *c, struct error *err)
{
	AUTO_JSON json_t *letter = NULL, *body = NULL;
	struct console *console = NULL;
	int rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = dlq_letter(console, cli_argument(c, 0), &letter, err);
	if (rc == 0)
		rc = edit_body(c, letter, &body, err);
	return rc < 0 ? rc : send_edit(c, console, json_string_or(letter, "letter_id", ""), body, err);
}

/* --- policy --- */

static const char *const policy_actions[] = {"ls", "set", "rm", NULL};

bool dlq_policy_changing(const struct cli *c)
{
	const char *word = cli_argument(c, 0);

	return word != NULL && *word != 'l';
}

/* "30d" in milliseconds; "none" unsets. */
static int set_duration(const struct cli *c, const char *option, const char *member, json_t *body,
			struct error *err)
{
	const char *text = cli_text(c, option);
	int64_t ms;

	if (text == NULL)
		return 0;
	if (strcmp(text, "none") == 0)
		json_object_set_new(body, member, json_null());
	else if (duration_parse(text, &ms))
		json_object_set_new(body, member, json_integer(ms));
	else
		return error_set(err, ERR_USAGE, option, "must be a duration such as 12h, or none");
	return 0;
}

static int policy_body(const struct cli *c, json_t *body, struct error *err)
{
	int rc = set_duration(c, "expiry", "expiry_ms", body, err);

	if (rc == 0)
		rc = set_duration(c, "auto-replay", "auto_replay_ms", body, err);
	if (rc == 0 && cli_text(c, "replays") != NULL)
		json_object_set_new(body, "replays", json_integer(cli_int(c, "replays", 0)));
	if (rc == 0 && json_object_size(body) == 0) {
		error_set(err, ERR_USAGE, "dlq policy set", "nothing to set");
		error_hint(err, "such as --replays 3, --expiry 7d or --auto-replay 10m");
		return ERR_USAGE;
	}
	return rc;
}

static int change_policy(struct cli *c, bool set, struct error *err)
{
	AUTO_JSON json_t *body = set ? json_object() : NULL, *answer = NULL;
	CLEANUP(buf_done) struct buf path = {0};
	struct api_request r = {.method = set ? "PUT" : "DELETE", .daemon = "dlqd", .body = body};
	struct console *console = NULL;
	int rc = cli_console(c, &console, err);

	if (rc == 0 && cli_arguments(c) < 2)
		rc = error_set(err, ERR_USAGE, "dlq policy", "needs an error code, such as transient");
	if (rc == 0 && set)
		rc = policy_body(c, body, err);
	if (rc < 0)
		return rc;
	buf_adds(&path, "/api/v1/dlq/policies");
	api_segment(&path, cli_argument(c, 1));
	r.path = buf_str(&path);
	if (cli_flag(c, "dry-run"))
		return cli_change(c, r.method, r.daemon, r.path, json_incref(body), err);
	rc = api_call(console, &r, &answer, err);
	return rc < 0 ? rc : cli_list(c, json_incref(answer), err);
}

int dlq_policy(struct cli *c, struct error *err)
{
	const char *word = cli_argument(c, 0);
	int action = 0;

	while (word != NULL && policy_actions[action] != NULL && strcmp(policy_actions[action], word) != 0)
		action++;
	if (policy_actions[action] == NULL)
		return error_set(err, ERR_USAGE, "dlq policy", "\"%.40s\" is none of ls, set and rm", word);
	if (action == 0)
		return resource_list(c, "dlqd", "/api/v1/dlq/policies", err);
	return change_policy(c, action == 1, err);
}
