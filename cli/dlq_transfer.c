/*
 * pizzactl dlq export and import: letters as JSON Lines, byte for byte.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/dlq.h"
#include "core/base/json.h"
#include "core/base/mem.h"

#define BATCH_LETTERS 100
#define BATCH_BYTES   (8 << 20)

/* --- export --- */

struct writer {
	struct cli *cli;
	int64_t count;
};

static int write_line(void *arg, json_t *row, struct error *err)
{
	struct writer *w = arg;
	AUTO_FREE char *text = json_text(row);
	CLEANUP(buf_done) struct buf line = {0};

	(void)err;
	json_decref(row);
	buf_adds(&line, text);
	buf_addc(&line, '\n');
	w->count++;
	return cli_print(w->cli, &line, false);
}

/* ids → one filter each: an export of many ids is rare. */
static int export_ids(struct cli *c, struct console *console, struct writer *w, struct error *err)
{
	int rc = 0;

	for (int i = 0; i < cli_arguments(c) && rc == 0; i++) {
		AUTO_JSON json_t *letter = NULL;
		CLEANUP(buf_done) struct buf where = {0};
		struct dlq_filter f = {.state = "any", .min_age_ms = -1};

		rc = dlq_letter(console, cli_argument(c, i), &letter, err);
		if (rc < 0)
			return rc;
		buf_addf(&where, "letter_id = '%s'", json_string_or(letter, "letter_id", ""));
		f.where = buf_str(&where);
		rc = dlq_letters(console, &f, true, -1, write_line, w, err);
	}
	return rc;
}

int dlq_export(struct cli *c, struct error *err)
{
	struct writer w = {.cli = c};
	struct console *console = NULL;
	struct dlq_filter f;
	int rc = cli_console(c, &console, err);

	if (rc == 0)
		rc = dlq_filter_of(c, &f, err);
	if (rc < 0)
		return rc;
	rc = cli_arguments(c) > 0
		 ? export_ids(c, console, &w, err)
		 : dlq_letters(console, &f, true, cli_int(c, "limit", -1), write_line, &w, err);
	if (rc == 0)
		cli_say(c, "%lld letter%s", (long long)w.count, w.count == 1 ? "" : "s");
	return rc;
}

/* --- import --- */

struct reader {
	struct cli *cli;
	struct console *console;
	json_t *letters; /* of the batch */
	int64_t lines[BATCH_LETTERS];
	size_t bytes;
	int64_t line, imported, known, damaged;
};

static void damage(struct reader *r, int64_t line, const char *why)
{
	r->damaged++;
	fprintf(stderr, "pizzactl: line %lld: %s\n", (long long)line, why);
}

static void take_result(struct reader *r, size_t i, const json_t *result)
{
	const char *outcome = json_string_or(result, "outcome", "");

	if (strcmp(outcome, "imported") == 0)
		r->imported++;
	else if (strcmp(outcome, "known") == 0)
		r->known++;
	else
		damage(r, r->lines[i], json_string_or(result, "reason", "was not taken"));
}

static int send_batch(struct reader *r, struct error *err)
{
	AUTO_JSON json_t *body =
	    json_pack("{s:O, s:b}", "letters", r->letters, "dry_run", !dlq_serious(r->cli));
	AUTO_JSON json_t *answer = NULL;
	const json_t *results;
	int rc = json_array_size(r->letters) > 0 ? dlq_post(r->console, "/import", body, &answer, err) : 0;

	if (rc < 0)
		return rc;
	results = json_object_get(answer, "results");
	for (size_t i = 0; i < json_array_size(r->letters); i++)
		take_result(r, i, json_array_get(results, i));
	json_array_clear(r->letters);
	r->bytes = 0;
	return 0;
}

static int take_line(struct reader *r, const char *text, size_t len, struct error *err)
{
	struct error why = {0};
	json_t *letter = NULL;

	r->line++;
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	if (len == 0)
		return 0;
	if (json_parse_object(text, len, &letter, &why) < 0) {
		damage(r, r->line, why.why);
		return 0;
	}
	r->lines[json_array_size(r->letters)] = r->line;
	json_array_append_new(r->letters, letter);
	r->bytes += len;
	return json_array_size(r->letters) == BATCH_LETTERS || r->bytes > BATCH_BYTES ? send_batch(r, err)
										      : 0;
}

static int read_lines(struct reader *r, FILE *f, struct error *err)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = getline(&line, &cap, f)) >= 0)
		rc = take_line(r, line, (size_t)n, err);
	if (rc == 0 && ferror(f))
		rc = error_errno(err, "read the letters");
	free(line);
	return rc == 0 ? send_batch(r, err) : rc;
}

int dlq_import(struct cli *c, struct error *err)
{
	const char *file = cli_argument(c, 0);
	bool is_stdin = file == NULL || strcmp(file, "-") == 0;
	struct reader r = {.cli = c};
	int rc = cli_console(c, &r.console, err);
	FILE *f;

	if (rc < 0)
		return rc;
	f = is_stdin ? stdin : fopen(file, "re");
	if (f == NULL)
		return error_errno(err, "%s", file);
	r.letters = json_array();
	rc = read_lines(&r, f, err);
	json_decref(r.letters);
	if (!is_stdin)
		fclose(f);
	if (rc < 0)
		return rc;
	cli_say(c, "%lld imported, %lld known already, %lld damaged%s", (long long)r.imported,
		(long long)r.known, (long long)r.damaged,
		dlq_serious(c) ? "" : ": nothing was done, add --yes to do it");
	if (r.damaged == 0)
		return 0;
	return error_set(err, ERR_PARTLY, "dlq import", "%lld of %lld lines could not be taken",
			 (long long)r.damaged, (long long)r.line);
}
