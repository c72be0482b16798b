/*
 * pizzactl: reads the command line, runs the command's function, reports its error, and ends with its exit
 * status.
 *
 * Invariants: data goes to stdout and everything else to stderr; what could not be written is a failure, a
 * reader who has left is none; exit statuses come from the error table.
 */
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/help.h"
#include "cli/human.h"
#include "cli/plugin.h"
#include "cli/terminal.h"
#include "cli/view.h"
#include "core/base/buf.h"
#include "core/base/log.h"
#include "core/base/mem.h"

/*
 * A closed descriptor 0, 1 or 2 would be taken by the next file opened.  They get /dev/null the wrong way
 * round, so that writing to a closed stdout still fails.
 */
static void keep_standard_files(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0)
			_exit(1);
}

/* Data is UTF-8 whatever the locale; only drawings become ASCII where the terminal cannot show others. */
static bool init_locale(void)
{
	bool utf8;

	setlocale(LC_CTYPE, "");
	utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	if (!utf8)
		setlocale(LC_CTYPE, "C.UTF-8");
	return utf8;
}

static bool wants_color(const struct cli *c)
{
	const char *word = invocation_text(&c->given, "color");
	const char *none = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (strcmp(word, "auto") != 0)
		return strcmp(word, "always") == 0;
	return c->tty && (none == NULL || *none == '\0') && term != NULL && strcmp(term, "dumb") != 0;
}

/* True where the data is asked for in a form for programs.  Looks at the words themselves: the command line
 * may be what is wrong. */
static bool wants_json_errors(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *value = NULL;

		if (argv[i] == NULL)
			break;
		if (strcmp(argv[i], "-o") == 0 || strcmp(argv[i], "--output") == 0)
			value = i + 1 < argc ? argv[i + 1] : "";
		else if (strncmp(argv[i], "-o", 2) == 0)
			value = argv[i] + 2;
		else if (strncmp(argv[i], "--output=", 9) == 0)
			value = argv[i] + 9;
		if (value != NULL && (strncmp(value, "json", 4) == 0 || strcmp(value, "yaml") == 0))
			return true;
	}
	return false;
}

/* What is no UTF-8 (an argument, a cut text) is made visible, so that the error still is JSON. */
static json_t *safe_text(const char *text)
{
	CLEANUP(buf_done) struct buf safe = {0};
	json_t *j = json_string(text);

	if (j != NULL)
		return j;
	human_safe(&safe, text, strlen(text));
	return json_string(buf_str(&safe));
}

static void report_json(const struct error *err)
{
	json_t *j = json_pack("{s:{s:s, s:i, s:o, s:o, s:o}}", "error", "code", error_word(err->code),
			      "status", error_exit_status(err->code), "what", safe_text(err->what), "why",
			      safe_text(err->why), "hint", safe_text(err->hint));

	json_dumpf(j, stderr, JSON_COMPACT);
	fputc('\n', stderr);
	json_decref(j);
}

/* Line by line: the place of a fault is shown on lines of its own. */
static void add_hint(struct buf *out, const char *hint)
{
	const char *lead = "\n  hint: ";

	for (const char *p = hint; *p != '\0';) {
		size_t len = strcspn(p, "\n");

		buf_adds(out, lead);
		human_safe(out, p, len);
		p += len + (p[len] == '\n');
		lead = "\n        ";
	}
}

static void report(const struct error *err, bool json)
{
	CLEANUP(buf_done) struct buf text = {0};

	if (json) {
		report_json(err);
		return;
	}
	buf_adds(&text, "pizzactl: ");
	human_safe(&text, err->what, strlen(err->what));
	buf_adds(&text, ": ");
	human_safe(&text, err->why, strlen(err->why));
	add_hint(&text, err->hint);
	fprintf(stderr, "%s\n", buf_str(&text));
}

/* What there is instead of the one that is not there. */
static void hint_list(const struct cli *c, struct error *err)
{
	const struct noun *noun = c->given.noun;

	for (const struct command *v = noun->commands; cli_arguments(c) > 0 && v->run != NULL; v++)
		if (v != c->given.command && v->verb != NULL && strcmp(v->verb, "ls") == 0)
			error_hint(err, "pizzactl %s ls lists them", noun->name);
}

static int run(struct cli *c, struct error *err)
{
	CLEANUP(buf_done) struct buf text = {0};
	int rc;

	if (c->given.help || c->given.command == NULL) {
		help_invocation(&text, &c->given);
		(void)cli_print(c, &text, false);
		return 0;
	}
	rc = cli_permit(c, err);
	if (rc == 0)
		rc = view_run(c, err);
	if (rc == ERR_NOT_FOUND && err->hint[0] == '\0')
		hint_list(c, err);
	return rc;
}

/* What was buffered must have reached its reader; a reader who has left did not want it. */
static int finish_stdout(const struct cli *c, int rc, struct error *err)
{
	int why = c->print_errno;

	if (why == 0 && fflush(stdout) != 0)
		why = errno;
	if (why == 0 || why == EPIPE || rc < 0)
		return rc;
	return error_set(err, ERR_IO, "write the output", "%s", strerror(why));
}

/* Of an unknown command: the plugin's errors, or those of the command line when there is none. */
static int run_plugin(int argc, char **argv, const struct cli *c, struct error *err)
{
	struct error why = {0};
	int rc = plugin_run(argc, argv, &c->given, &why);

	if (rc == ERR_NOT_FOUND && why.code == 0)
		return ERR_USAGE;
	*err = why;
	return rc;
}

int main(int argc, char **argv)
{
	struct cli c = {0};
	struct error err = {0};
	int rc;

	keep_standard_files();
	signal(SIGPIPE, SIG_IGN);
	log_set_level(LOG_ERROR);
	c.utf8 = init_locale();
	c.out = stdout;
	c.tty = isatty(STDOUT_FILENO) == 1;
	c.width = c.tty ? terminal_width() : 0;
	rc = command_parse(argc, argv, &c.given, &err);
	if (rc == ERR_USAGE && c.given.unknown_at > 0)
		rc = run_plugin(argc, argv, &c, &err);
	if (rc == 0) {
		c.color = wants_color(&c);
		rc = run(&c, &err);
	}
	rc = finish_stdout(&c, rc, &err);
	if (rc < 0)
		report(&err, wants_json_errors(argc, argv));
	console_close(c.console);
	invocation_done(&c.given);
	return error_exit_status(rc);
}
