/*
 * pizzactl up and down: the whole installation.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/human.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/config/paths.h"
#include "core/console/control.h"
#include "core/console/guard.h"

#define LINES_MAX 64

/*
 * What is shown of each service: on a terminal its line is redrawn (cut at the margin, not wrapped),
 * elsewhere a line is written when its state has changed.
 */
struct progress_lines {
	const struct cli *cli;
	bool redraw;
	bool color;
	int count;
	struct {
		char name[32];
		char state[16];
		char detail[200];
		int64_t elapsed_ms;
	} lines[LINES_MAX];
};

static void init_lines(struct progress_lines *p, const struct cli *c)
{
	const char *none = getenv("NO_COLOR");

	memset(p, 0, sizeof(*p));
	p->cli = c;
	p->redraw = isatty(STDERR_FILENO) == 1;
	p->color = p->redraw && (none == NULL || *none == '\0') && strcmp(cli_text(c, "color"), "never") != 0;
}

static int find_line(struct progress_lines *p, const char *name)
{
	int i = 0;

	while (i < p->count && strcmp(p->lines[i].name, name) != 0)
		i++;
	if (i == p->count && p->count < LINES_MAX) {
		snprintf(p->lines[i].name, sizeof(p->lines[i].name), "%s", name);
		p->count++;
		if (p->redraw)
			fputc('\n', stderr);
	}
	return i < LINES_MAX ? i : LINES_MAX - 1;
}

static void add_line(struct buf *out, const struct progress_lines *p, int i)
{
	const char *color = p->color ? human_state_color(p->lines[i].state) : NULL;
	char time[DURATION_TEXT_SIZE];

	buf_addf(out, "%-12s %s%-9s%s", p->lines[i].name, color != NULL ? color : "", p->lines[i].state,
		 color != NULL ? "\033[0m" : "");
	if (p->lines[i].elapsed_ms > 0)
		buf_addf(out, " %8s", duration_format(p->lines[i].elapsed_ms * 1000, time));
	if (p->lines[i].detail[0] != '\0') {
		buf_adds(out, "  ");
		human_safe(out, p->lines[i].detail, strlen(p->lines[i].detail));
	}
}

static void show_progress(void *arg, const struct control_progress *progress)
{
	struct progress_lines *p = arg;
	CLEANUP(buf_done) struct buf text = {0};
	int i = find_line(p, progress->service);
	bool changed = strcmp(p->lines[i].state, progress->state) != 0;

	snprintf(p->lines[i].state, sizeof(p->lines[i].state), "%s", progress->state);
	snprintf(p->lines[i].detail, sizeof(p->lines[i].detail), "%s",
		 progress->detail != NULL ? progress->detail : "");
	p->lines[i].elapsed_ms = progress->elapsed_ms;
	if (cli_flag(p->cli, "quiet") || (!p->redraw && !changed))
		return;
	add_line(&text, p, i);
	if (p->redraw)
		fprintf(stderr, "\033[%dA\r\033[K\033[?7l%s\033[?7h\033[%dB\r", p->count - i, buf_str(&text),
			p->count - i);
	else
		fprintf(stderr, "%s\n", buf_str(&text));
}

static int prepare(struct cli *c, struct error *err)
{
	struct console *console = NULL;

	return cli_console(c, &console, err);
}

/* 1 after saying what would be done, which is all that was asked for. */
static int tell_only(struct cli *c, const char *what, struct error *err)
{
	int rc = prepare(c, err);

	if (rc < 0 || !cli_flag(c, "dry-run"))
		return rc;
	rc = guard_local(what, err);
	if (rc < 0)
		return rc;
	cli_say(c, "Nothing was done: %s would be %s, %s.", paths_home(),
		strcmp(what, "up") == 0 ? "started" : "stopped",
		control_runs() ? "where pizzad runs now" : "where nothing runs now");
	return 1;
}

static int up(struct cli *c, struct error *err)
{
	struct progress_lines *lines;
	struct mono start = mono_now();
	char took[DURATION_TEXT_SIZE];
	bool already = false;
	int rc = tell_only(c, "up", err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	lines = xcalloc(1, sizeof(*lines));
	init_lines(lines, c);
	rc = control_up((int)cli_ms(c, "timeout", 120000), show_progress, lines, &already, err);
	free(lines);
	if (rc < 0)
		return rc;
	if (already)
		cli_say(c, "Everything is up already.");
	else
		cli_say(c, "Everything is up after %s.", duration_format(mono_since_us(start), took));
	return 0;
}

static int down(struct cli *c, struct error *err)
{
	struct progress_lines *lines;
	struct mono start = mono_now();
	char took[DURATION_TEXT_SIZE];
	bool was_running = false;
	int rc = tell_only(c, "down", err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	lines = xcalloc(1, sizeof(*lines));
	init_lines(lines, c);
	rc = control_down((int)cli_ms(c, "timeout", 60000), show_progress, lines, &was_running, err);
	free(lines);
	if (rc < 0)
		return rc;
	if (was_running)
		cli_say(c, "Everything is down after %s.", duration_format(mono_since_us(start), took));
	else
		cli_say(c, "Nothing was running.");
	return 0;
}

static const struct option_def up_options[] = {
    {.name = "timeout",
     .kind = VALUE_DURATION,
     .value = "D",
     .text = "how long to wait for it",
     .fallback = "2m"},
    {.name = NULL},
};

static const struct option_def down_options[] = {
    {.name = "timeout",
     .kind = VALUE_DURATION,
     .value = "D",
     .text = "how long to wait for it",
     .fallback = "60s"},
    {.name = NULL},
};

const struct noun noun_up = {
    .name = "up",
    .group = "system",
    .summary = "start everything and wait until it is ready",
    .commands =
	(const struct command[]){
	    {.summary = "start everything and wait until it is ready",
	     .options = up_options,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl up", "PIZZA_HOME=/tmp/second PIZZA_PORT_BASE=6000 pizzactl up"},
	     .run = up},
	    {.run = NULL},
	},
};

const struct noun noun_down = {
    .name = "down",
    .group = "system",
    .summary = "stop everything in order",
    .commands =
	(const struct command[]){
	    {.summary = "stop everything in order and wait for it",
	     .options = down_options,
	     .flags = COMMAND_CHANGES,
	     .examples = {"pizzactl down"},
	     .run = down},
	    {.run = NULL},
	},
};
