/*
 * Drawing a command's text in place, and appending its changes.  One thread.
 *
 * Invariant: the terminal is left as it was found, however the watch ends.
 */
#include "cli/watch.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/changes.h"
#include "cli/human.h"
#include "cli/interrupt.h"
#include "cli/terminal.h"
#include "core/base/clock.h"
#include "core/base/mem.h"

#define EVERY_MS 2000

/* Another screen, no cursor, long lines cut; and back. */
#define ENTER "\033[?1049h\033[?25l\033[?7l"
#define LEAVE "\033[?7h\033[?25h\033[?1049l"

/* --- one look --- */

/* Runs the command with what it writes in *ret (owned, also after a failure). */
static int look(struct cli *c, char **ret, struct error *err)
{
	size_t size = 0;
	int rc;

	*ret = NULL;
	c->out = open_memstream(ret, &size);
	if (c->out == NULL)
		abort();
	c->width = terminal_width();
	c->room = terminal_height();
	rc = c->given.command->run(c, err);
	fclose(c->out);
	c->out = stdout;
	return rc;
}

static void on_resize(int number)
{
	(void)number;
}

/* Until the next look, or a signal; notices when nobody reads any more. */
static void pause_for(struct cli *c, int64_t ms)
{
	struct pollfd reader = {.fd = STDOUT_FILENO};

	if (!interrupted && poll(&reader, 1, ms > INT32_MAX ? INT32_MAX : (int)ms) > 0)
		c->unread = true;
}

static int64_t interval(const struct cli *c)
{
	return cli_ms(c, "watch", EVERY_MS);
}

/* --- on a terminal --- */

struct screen {
	char *text;	  /* of the last look that went well; owned */
	int64_t at_us;	  /* when that was */
	struct error err; /* of the last look; code 0: none */
};

static void add_title(struct buf *out, const struct cli *c, const struct screen *s)
{
	char at[CLOCK_TEXT_SIZE], every[DURATION_TEXT_SIZE];
	const struct command *command = c->given.command;

	clock_format(s->at_us, at);
	buf_addf(out, "%s%s%s%s%s  %.8sZ, every %s\033[K\n\033[K\n", c->color ? "\033[1m" : "",
		 c->given.noun->name, command->verb != NULL ? " " : "",
		 command->verb != NULL ? command->verb : "", c->color ? "\033[0m" : "", at + 11,
		 duration_format(interval(c) * 1000, every));
}

static void add_lost(struct buf *out, const struct screen *s)
{
	char age[DURATION_TEXT_SIZE];

	buf_addf(out, "\033[7mstale for %s\033[0m  ", duration_format(clock_wall_us() - s->at_us, age));
	human_safe(out, s->err.what, strlen(s->err.what));
	buf_adds(out, ": ");
	human_safe(out, s->err.why, strlen(s->err.why));
	buf_adds(out, "\033[K");
}

/* As many lines as there is room for. */
static void draw(struct cli *c, const struct screen *s)
{
	CLEANUP(buf_done) struct buf frame = {0};
	int room = terminal_height() - 3;
	bool more = false;

	buf_adds(&frame, "\033[H");
	add_title(&frame, c, s);
	for (const char *p = s->text; *p != '\0'; room--) {
		size_t len = strcspn(p, "\n");

		if (room > 0)
			buf_addf(&frame, "%.*s\033[K\n", (int)len, p);
		else
			more = true;
		p += len + (p[len] == '\n');
	}
	if (s->err.code != 0)
		add_lost(&frame, s);
	else if (more)
		buf_adds(&frame, "there is more: --sort and --where choose\033[K");
	buf_adds(&frame, "\033[J");
	(void)cli_print(c, &frame, true);
}

static void keep(struct screen *s, int rc, char *text, const struct error *err)
{
	if (rc < 0 && s->text != NULL) {
		s->err = *err;
		free(text);
		return;
	}
	free(s->text);
	s->text = text;
	s->at_us = clock_wall_us();
	s->err.code = 0;
}

static int watch_screen(struct cli *c, struct error *err)
{
	struct sigaction resize = {.sa_handler = on_resize};
	struct screen s = {0};
	struct buf enter = {0}, leave = {0};
	char *text;
	int rc = look(c, &text, err);

	sigaction(SIGWINCH, &resize, NULL);
	keep(&s, rc, text, err);
	buf_adds(&enter, ENTER);
	buf_adds(&leave, LEAVE);
	if (rc >= 0 && cli_print(c, &enter, false) == 0) {
		while (!interrupted && !c->unread && c->print_errno == 0) {
			draw(c, &s);
			pause_for(c, interval(c));
			if (interrupted || c->unread)
				break;
			rc = look(c, &text, err);
			keep(&s, rc, text, err);
			rc = 0;
		}
		(void)cli_print(c, &leave, true);
	}
	buf_done(&enter);
	buf_done(&leave);
	free(s.text);
	return rc;
}

/* --- elsewhere --- */

static int watch_changes(struct cli *c, struct error *err)
{
	int rc, looks = 0;
	bool lost = false;

	c->changes = changes_new();
	do {
		rc = c->given.command->run(c, err);
		if (rc < 0 && (looks == 0 || rc == ERR_IO))
			break;
		if (rc < 0 && !lost)
			fprintf(stderr, "pizzactl: %s: %s; trying again\n", err->what, err->why);
		lost = rc < 0;
		looks++;
		pause_for(c, interval(c));
	} while (!interrupted && !c->unread);
	changes_free(c->changes);
	c->changes = NULL;
	return rc < 0 && (looks == 0 || rc == ERR_IO) ? rc : 0;
}

int watch_run(struct cli *c, struct error *err)
{
	enum output_format format = cli_format(c);
	enum command_shape shape = c->given.command->shape;

	if ((shape != SHAPE_LIST && shape != SHAPE_SHOW) || (c->given.command->flags & COMMAND_CHANGES) != 0)
		return error_set(err, ERR_USAGE, "--watch", "goes with commands that list or show something");
	if (!output_is_human(format) && format != OUTPUT_JSONL) {
		error_set(err, ERR_USAGE, "--watch",
			  "draws tables on a terminal, and writes jsonl otherwise; not %s",
			  output_format_words[format]);
		error_hint(err, "use -o jsonl");
		return ERR_USAGE;
	}
	interrupt_catch();
	c->watched = true;
	return c->tty && output_is_human(format) ? watch_screen(c, err) : watch_changes(c, err);
}
