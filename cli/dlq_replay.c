/*
 * pizzactl dlq replay and jobs: a replay is a job of dlqd; here it is planned, started, followed and
 * reported.
 *
 * Nothing happens without --yes.  What becomes of a job that is followed: all letters taken 0, some failed 6,
 * all failed 1, stopped by --max-failures 4, not over after --wait 7.  Being interrupted leaves the job
 * running.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/dlq.h"
#include "cli/human.h"
#include "cli/interrupt.h"
#include "cli/resource.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/console/api.h"
#include "core/console/wait.h"

#define BAR 24

/* --- the plan --- */

static const char *plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

static void add_groups(struct buf *out, const json_t *groups)
{
	const char *name, *between = "";
	json_t *n;

	json_object_foreach ((json_t *)groups, name, n) {
		buf_adds(out, between);
		human_safe(out, name, strlen(name));
		if (json_object_size(groups) > 1)
			buf_addf(out, " (%lld)", (long long)json_integer_value(n));
		between = ", ";
	}
}

static void add_left_out(struct buf *out, const json_t *plan)
{
	static const struct {
		const char *name, *text;
	} reasons[] = {{"beyond_limit", "beyond --limit"},
		       {"quarantined", "quarantined (--force takes them too)"},
		       {"replaying", "in another job"},
		       {"unreadable", "unreadable, for no group"}};

	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		int64_t n = json_int_or(plan, reasons[i].name, 0);

		if (n > 0)
			buf_addf(out, "  left out: %lld %s\n", (long long)n, reasons[i].text);
	}
}

static void draw_plan(struct buf *out, const json_t *plan)
{
	int64_t chosen = json_int_or(plan, "chosen", 0), matched = json_int_or(plan, "matched", 0);
	double rate = json_number_value(json_object_get(plan, "rate"));
	char text[DURATION_TEXT_SIZE];

	if (chosen == 0) {
		buf_addf(out, "There is nothing to replay: %lld letter%s match%s.\n", (long long)matched,
			 plural(matched), matched == 1 ? "es" : "");
		add_left_out(out, plan);
		return;
	}
	buf_addf(out, "Would replay %lld of %lld letter%s (frozen at %.19sZ) to ", (long long)chosen,
		 (long long)matched, plural(matched), json_string_or(plan, "frozen_at", ""));
	add_groups(out, json_object_get(plan, "groups"));
	buf_adds(out, ", oldest first");
	if (rate > 0)
		buf_addf(out, ", %g/s, about %s", rate,
			 duration_format((int64_t)((double)chosen / rate * 1e6), text));
	buf_addf(out, ".\n  orders %lld   oldest ", (long long)json_int_or(plan, "orders", 0));
	buf_addf(out, "%.19sZ", json_string_or(plan, "oldest_failed_at", "-"));
	buf_addf(out, "   already replayed once or more %lld   over the replay cap %lld\n",
		 (long long)json_int_or(plan, "replayed_before", 0),
		 (long long)json_int_or(plan, "over_cap", 0));
	add_left_out(out, plan);
}

static int show_results(struct cli *c, const json_t *letters, struct error *err)
{
	struct output *o = NULL;
	int rc = cli_output_results(c, dlq_result_columns, &o, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < json_array_size(letters) && rc == 0; i++)
		rc = output_row(o, json_incref(json_array_get(letters, i)), err);
	return output_close(o, rc, err);
}

static int show_plan(struct cli *c, const json_t *plan, struct error *err)
{
	CLEANUP(buf_done) struct buf text = {0};
	int rc = 0;

	if (!cli_human(c)) {
		rc = show_results(c, json_object_get(plan, "letters"), err);
	} else {
		draw_plan(&text, plan);
		(void)cli_print(c, &text, false);
	}
	if (rc == 0 && json_int_or(plan, "chosen", 0) > 0)
		cli_say(c, "Nothing was done. Add --yes to do it.");
	return rc;
}

/* --- following --- */

struct progress {
	struct cli *cli;
	bool drawn; /* on a terminal: a line that is drawn over */
	bool live;
	char waiting[200]; /* what was told last */
};

static void draw_bar(struct buf *out, int64_t done, int64_t total, bool utf8)
{
	int64_t eighths = total > 0 ? done * BAR * 8 / total : 0;
	static const char *const parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};

	for (int64_t i = 0; i < BAR; i++) {
		int64_t left = eighths - i * 8;

		if (left >= 8)
			buf_adds(out, utf8 ? "█" : "#");
		else if (left > 0 && utf8)
			buf_adds(out, parts[left]);
		else
			buf_addc(out, utf8 ? ' ' : '.');
	}
}

static void draw_progress(struct progress *p, const json_t *job)
{
	CLEANUP(buf_done) struct buf line = {0};
	int64_t done = json_int_or(job, "done", 0), total = json_int_or(job, "total", 0);
	int64_t good = json_int_or(job, "applied", 0) + json_int_or(job, "duplicate", 0);
	double seconds = json_number_value(json_object_get(job, "seconds"));
	double speed = seconds > 0 ? (double)done / seconds : 0;
	char text[DURATION_TEXT_SIZE];

	if (!p->live)
		return;
	buf_addf(&line, "\rjob %lld  ", (long long)json_int_or(job, "job_id", 0));
	draw_bar(&line, done, total, p->cli->utf8);
	buf_addf(&line, "  %lld/%lld  %.1f/s  ok %lld  failed again %lld", (long long)done, (long long)total,
		 speed, (long long)good, (long long)json_int_or(job, "failed", 0));
	if (strcmp(json_string_or(job, "state", ""), "waiting") == 0) {
		buf_adds(&line, "  waits: ");
		human_safe(&line, json_string_or(job, "waiting_for", "?"),
			   strlen(json_string_or(job, "waiting_for", "?")));
	} else if (speed > 0 && done < total) {
		buf_addf(&line, "  %s left",
			 duration_format((int64_t)((double)(total - done) / speed * 1e6), text));
	}
	fprintf(stderr, "%s\033[K", buf_str(&line));
	fflush(stderr);
	p->drawn = true;
}

/* Without a terminal: once per reason. */
static void tell_waiting(struct progress *p, const json_t *job)
{
	const char *reason = json_string_or(job, "waiting_for", "");

	if (p->live || strcmp(reason, p->waiting) == 0)
		return;
	snprintf(p->waiting, sizeof(p->waiting), "%s", reason);
	if (*reason != '\0')
		cli_say(p->cli, "Job %lld waits: %s", (long long)json_int_or(job, "job_id", 0), reason);
}

/* Until it has ended (*ret_job, owned); ERR_TIMEOUT after --wait; interrupted: with the job as it is. */
static int await_job(struct progress *p, struct console *console, int64_t id, json_t **ret_job,
		     struct error *err)
{
	int64_t wait_ms = cli_ms(p->cli, "wait", -1);
	struct mono deadline = mono_add_ms(mono_now(), wait_ms);
	struct saga_watch *watch = dlq_watch(console);
	int rc;

	for (;;) {
		rc = dlq_job(console, id, false, ret_job, err);
		if (rc < 0)
			break;
		draw_progress(p, *ret_job);
		tell_waiting(p, *ret_job);
		if (interrupted || json_string_or(*ret_job, "finished_at", NULL) != NULL)
			break;
		if (wait_ms >= 0 && mono_left_ms(deadline) == 0) {
			rc = error_set(err, ERR_TIMEOUT, "replay", "job %lld is not over yet; it goes on",
				       (long long)id);
			error_hint(err, "pizzactl dlq jobs follow %lld", (long long)id);
			break;
		}
		json_decref(*ret_job);
		*ret_job = NULL;
		saga_watch_wait(watch, 250);
	}
	saga_watch_free(watch);
	if (p->drawn)
		fprintf(stderr, "\r\033[K");
	return rc;
}

static void summary(struct buf *out, const json_t *job)
{
	static const char *const words[] = {"failed", "held", "released"};
	static const char *const texts[] = {"failed again", "held behind a failed one", "not tried"};
	int64_t again = json_int_or(job, "duplicate", 0), good = json_int_or(job, "applied", 0) + again;
	int64_t tried = good + json_int_or(job, "failed", 0);
	double seconds = json_number_value(json_object_get(job, "seconds"));
	char text[DURATION_TEXT_SIZE];

	buf_addf(out, "replayed %lld of %lld: ok %lld", (long long)tried,
		 (long long)json_int_or(job, "total", 0), (long long)good);
	if (again > 0)
		buf_addf(out, " (%lld had taken effect before)", (long long)again);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (json_int_or(job, words[i], 0) > 0 || i == 0)
			buf_addf(out, ", %s %lld", texts[i], (long long)json_int_or(job, words[i], 0));
	buf_addf(out, "; %s after %s", json_string_or(job, "state", "?"),
		 duration_format((int64_t)(seconds * 1e6), text));
}

/* 0, or the error that its result amounts to. */
static int judge(const json_t *job, struct error *err)
{
	int64_t good = json_int_or(job, "applied", 0) + json_int_or(job, "duplicate", 0);
	int64_t total = json_int_or(job, "total", 0);
	const char *state = json_string_or(job, "state", "");
	CLEANUP(buf_done) struct buf text = {0};
	char what[32];
	int code = good == 0 ? ERR_FAILED : ERR_PARTLY;

	if (good == total)
		return 0;
	if (strcmp(state, "stopped") == 0)
		code = ERR_BREACHED;
	snprintf(what, sizeof(what), "job %lld", (long long)json_int_or(job, "job_id", 0));
	summary(&text, job);
	return error_set(err, code, what, "%s", buf_str(&text));
}

static int report(struct cli *c, struct console *console, const json_t *job, struct error *err)
{
	CLEANUP(buf_done) struct buf line = {0};
	AUTO_JSON json_t *full = NULL;
	int64_t id = json_int_or(job, "job_id", 0);
	int rc;

	if (!cli_human(c)) {
		rc = dlq_job(console, id, true, &full, err);
		if (rc == 0)
			rc = show_results(c, json_object_get(full, "letters"), err);
		if (rc < 0)
			return rc;
	}
	rc = judge(job, err);
	if (rc < 0 && isatty(STDERR_FILENO) == 1)
		error_hint(err, "pizzactl dlq jobs show %lld lists each letter's result", (long long)id);
	if (rc == 0 && cli_human(c)) {
		buf_addf(&line, "job %lld: ", (long long)id);
		summary(&line, job);
		buf_addc(&line, '\n');
		(void)cli_print(c, &line, true);
	}
	return rc;
}

int dlq_follow_job(struct cli *c, int64_t id, struct error *err)
{
	struct progress p = {.cli = c, .live = isatty(STDERR_FILENO) == 1 && !cli_flag(c, "quiet")};
	AUTO_JSON json_t *job = NULL;
	struct console *console = NULL;
	int rc = cli_console(c, &console, err);

	if (rc < 0)
		return rc;
	interrupt_catch();
	rc = await_job(&p, console, id, &job, err);
	if (rc < 0)
		return rc;
	if (json_string_or(job, "finished_at", NULL) == NULL) {
		cli_say(c, "Job %lld goes on; pizzactl dlq jobs follow %lld", (long long)id, (long long)id);
		return 0;
	}
	return report(c, console, job, err);
}

/* --- replay --- */

static int request_of(struct cli *c, json_t **ret, struct error *err)
{
	const char *rate = cli_text(c, "rate");
	json_t *selection = NULL, *body;
	char *end = NULL;
	int rc = dlq_chosen(c, &selection, err);

	if (rc < 0)
		return rc;
	body = json_pack("{s:o, s:s?, s:s?, s:b, s:b, s:b}", "selection", selection, "lock",
			 cli_text(c, "lock"), "max_failures", cli_text(c, "max-failures"), "force",
			 cli_flag(c, "force"), "letters", !cli_human(c), "dry_run", !dlq_serious(c));
	if (cli_given(c, "limit"))
		json_object_set_new(body, "limit", json_integer(cli_int(c, "limit", -1)));
	if (rate != NULL) {
		double n = strtod(rate, &end);

		if (end == rate || strcmp(end, "") != 0 || !(n > 0)) {
			json_decref(body);
			return error_set(err, ERR_USAGE, "--rate", "must be letters per second, above 0");
		}
		json_object_set_new(body, "rate", json_real(n));
	}
	*ret = body;
	return 0;
}

int dlq_replay(struct cli *c, struct error *err)
{
	AUTO_JSON json_t *body = NULL, *plan = NULL;
	struct console *console = NULL;
	int64_t job;
	int rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = request_of(c, &body, err);
	if (rc == 0)
		rc = dlq_post(console, "/jobs", body, &plan, err);
	if (rc < 0)
		return rc;
	if (!dlq_serious(c))
		return show_plan(c, plan, err);
	job = json_int_or(plan, "job_id", 0);
	if (job == 0) {
		if (!cli_human(c))
			return show_results(c, NULL, err);
		if (!cli_flag(c, "quiet"))
			return show_plan(c, plan, err);
		return 0;
	}
	if (cli_flag(c, "detach")) {
		cli_say(c, "Job %lld has %lld letters; pizzactl dlq jobs follow %lld", (long long)job,
			(long long)json_int_or(plan, "chosen", 0), (long long)job);
		return 0;
	}
	return dlq_follow_job(c, job, err);
}

/* --- jobs --- */

static int job_number(struct cli *c, int64_t *ret, struct error *err)
{
	const char *text = cli_argument(c, 1);

	if (text == NULL || *text == '\0' || strspn(text, "0123456789") != strlen(text)) {
		error_set(err, ERR_USAGE, "dlq jobs", "%s needs a job's number", cli_argument(c, 0));
		error_hint(err, "pizzactl dlq jobs lists them");
		return ERR_USAGE;
	}
	*ret = strtoll(text, NULL, 10);
	return 0;
}

static int jobs_show(struct cli *c, struct console *console, int64_t id, struct error *err)
{
	AUTO_JSON json_t *job = NULL;
	struct output *o = NULL;
	int rc = dlq_job(console, id, true, &job, err);

	if (rc == 0)
		rc = cli_output_of(c, dlq_job_columns, false, &o, err);
	if (rc < 0)
		return rc;
	rc = output_row(o, json_incref(job), err);
	rc = output_close(o, rc, err);
	return rc == 0 && cli_human(c) ? show_results(c, json_object_get(job, "letters"), err) : rc;
}

static int jobs_cancel(struct cli *c, struct console *console, int64_t id, struct error *err)
{
	AUTO_JSON json_t *job = NULL;
	char path[64];
	int rc;

	snprintf(path, sizeof(path), "/jobs/%lld/cancel", (long long)id);
	if (cli_flag(c, "dry-run")) {
		cli_say(c, "Nothing was done: job %lld would be cancelled.", (long long)id);
		return dlq_job(console, id, false, &job, err);
	}
	rc = dlq_post(console, path, NULL, &job, err);
	if (rc == 0)
		cli_say(c, "Job %lld ends after the letters under way.", (long long)id);
	return rc;
}

static int action_of(struct cli *c, const char *const *words, struct error *err)
{
	const char *word = cli_argument(c, 0);
	size_t len = word != NULL ? strlen(word) : 0;

	if (word == NULL)
		return 0;
	for (int i = 0; words[i] != NULL; i++)
		if (len > 0 && strncmp(words[i], word, len) == 0)
			return i;
	return error_set(err, ERR_USAGE, "dlq jobs", "\"%.40s\" is none of ls, show, cancel and follow",
			 word);
}

static const char *const job_actions[] = {"ls", "show", "cancel", "follow", NULL};

bool dlq_jobs_changing(const struct cli *c)
{
	const char *word = cli_argument(c, 0);

	return word != NULL && *word == 'c';
}

int dlq_jobs(struct cli *c, struct error *err)
{
	struct console *console = NULL;
	int64_t id = 0;
	int action = action_of(c, job_actions, err);
	int rc = action < 0 ? action : cli_console(c, &console, err);

	if (rc < 0)
		return rc;
	if (action == 0)
		return resource_list(
		    c, "dlqd", cli_flag(c, "open") ? "/api/v1/dlq/jobs?open=1" : "/api/v1/dlq/jobs", err);
	rc = job_number(c, &id, err);
	if (rc < 0)
		return rc;
	if (action == 1)
		return jobs_show(c, console, id, err);
	return action == 2 ? jobs_cancel(c, console, id, err) : dlq_follow_job(c, id, err);
}
