/*
 * pizzactl top: the dashboard.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/config/config.h"
#include "tui/top.h"

#define WIDTH	   100 /* of --once where there is no terminal */
#define HEIGHT	   40
#define SIDE_LEAST 20
#define SIDE_MOST  1000

static int parse_size(const char *text, struct top_options *o, struct error *err)
{
	char *end = NULL;
	long w = strtol(text, &end, 10), h = 0;

	if (end != text && *end == 'x')
		h = strtol(end + 1, &end, 10);
	if (*end != '\0' || w < SIDE_LEAST || h < 5 || w > SIDE_MOST || h > SIDE_MOST) {
		error_set(err, ERR_USAGE, "--size", "\"%.20s\" is no size", text);
		error_hint(err, "columns and lines, such as 120x40");
		return ERR_USAGE;
	}
	o->width = (int)w;
	o->height = (int)h;
	return 0;
}

static int once(struct cli *c, struct console *console, struct top_options *o, struct error *err)
{
	CLEANUP(buf_done) struct buf text = {0};
	AUTO_JSON json_t *data = NULL;
	AUTO_FREE char *json = NULL;
	bool wants_json = strcmp(cli_text(c, "output"), "json") == 0;
	int rc = 0;

	o->ansi = strcmp(cli_text(c, "output"), "ansi") == 0;
	o->color = strcmp(cli_text(c, "color"), "never") != 0 && getenv("NO_COLOR") == NULL;
	o->width = c->tty ? c->width : WIDTH;
	o->height = c->tty ? terminal_height() : HEIGHT;
	if (cli_text(c, "size") != NULL)
		rc = parse_size(cli_text(c, "size"), o, err);
	if (rc < 0)
		return rc;
	rc = top_once(console, o, &text, wants_json ? &data : NULL, err);
	if (wants_json && data != NULL) {
		json = json_pretty(data);
		buf_reset(&text);
		buf_addf(&text, "%s\n", json);
	}
	(void)cli_print(c, &text, false);
	return rc;
}

/* The option, else the configuration. */
static int choose_face(struct cli *c, struct top_options *o, struct error *err)
{
	const char *text;

	o->theme = cli_text(c, "theme") != NULL ? cli_text(c, "theme") : config_string(CONFIG_CONSOLE_THEME);
	o->mouse = cli_text(c, "mouse") != NULL ? strcmp(cli_text(c, "mouse"), "on") == 0
						: config_bool(CONFIG_CONSOLE_MOUSE);
	for (int i = 0; top_theme(i, &text) != NULL; i++)
		if (strcmp(top_theme(i, &text), o->theme) == 0)
			return 0;
	error_set(err, ERR_USAGE, "console.theme", "\"%.40s\" is no theme", o->theme);
	error_hint(err, "dark, light, contrast or mono");
	return ERR_USAGE;
}

static int top(struct cli *c, struct error *err)
{
	struct top_options o = {.screen = cli_argument(c, 0),
				.subject = cli_argument(c, 1),
				.readonly = cli_flag(c, "readonly"),
				.record = cli_text(c, "record"),
				.replay = cli_text(c, "replay"),
				.color = c->color,
				.utf8 = c->utf8};
	struct console *console = NULL;
	int rc = top_check(&o, err);

	if (rc == 0)
		rc = cli_console(c, &console, err);
	if (rc == 0)
		rc = choose_face(c, &o, err);
	if (rc < 0)
		return rc;
	if (cli_flag(c, "once") || cli_given(c, "output"))
		return once(c, console, &o, err);
	if (!c->tty || isatty(STDIN_FILENO) != 1) {
		error_set(err, ERR_USAGE, "top", "needs a terminal");
		error_hint(err, "pizzactl top --once writes one screen as text, with -o json its data");
		return ERR_USAGE;
	}
	return top_run(console, &o, err);
}

static const char *const output_words[] = {"text", "json", "ansi", NULL};
static const char *const theme_words[] = {"dark", "light", "contrast", "mono", NULL};
static const char *const mouse_words[] = {"on", "off", NULL};

static const struct argument_def top_arguments[] = {
    {.name = "SCREEN", .text = "the screen to begin with", .optional = true},
    {.name = "ID", .text = "which one it shows, or what it is narrowed to", .optional = true},
    {.name = NULL},
};

static const struct option_def top_options[] = {
    {.name = "once", .kind = VALUE_FLAG, .text = "write one screen and end"},
    {.name = "output",
     .letter = 'o',
     .kind = VALUE_WORD,
     .value = "FORMAT",
     .text = "with --once: the screen's text, the same with colours, or its data",
     .fallback = "text",
     .words = output_words},
    {.name = "size",
     .kind = VALUE_TEXT,
     .value = "WxH",
     .text = "with --once: columns and lines of the screen"},
    {.name = "record",
     .kind = VALUE_TEXT,
     .value = "FILE",
     .text = "keep all that comes in a new file, for --replay"},
    {.name = "replay",
     .kind = VALUE_TEXT,
     .value = "FILE",
     .text = "show a recording: p pauses, [ ] { } wind; with --once its end"},
    {.name = "theme",
     .kind = VALUE_WORD,
     .value = "THEME",
     .text = "how it looks; else console.theme",
     .words = theme_words},
    {.name = "mouse",
     .kind = VALUE_WORD,
     .value = "WHETHER",
     .text = "whether clicks choose and open; else console.mouse",
     .words = mouse_words},
    {.name = "readonly", .kind = VALUE_FLAG, .text = "no changes, whatever the context allows"},
    {.name = NULL},
};

const struct noun noun_top = {
    .name = "top",
    .group = "system",
    .summary = "the dashboard: everything live, in full screen",
    .commands =
	(const struct command[]){
	    {.summary = "show the dashboard, or one screen of it",
	     .arguments = top_arguments,
	     .options = top_options,
	     .shape = SHAPE_TEXT,
	     .examples = {"pizzactl top", "pizzactl top sagas stuck", "pizzactl top lag --once -o json",
			  "pizzactl top --record incident.jsonl"},
	     .run = top},
	    {.run = NULL},
	},
};
