/*
 * The dashboard: full screen, or one screen of it for scripts.
 */
#ifndef PIZZA_TUI_TOP_H
#define PIZZA_TUI_TOP_H

#include <jansson.h>
#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/error.h"
#include "core/console/console.h"

struct top_options {
	const char *screen;  /* NULL: the first one */
	const char *subject; /* which one, or a filter; NULL */
	bool readonly;	     /* whatever the context allows */
	bool color;
	bool utf8;
	int width, height; /* of --once */
	bool ansi;	   /* of --once: with the terminal's escapes for colours */
	const char *theme; /* NULL: the first one */
	bool mouse;
	const char *record; /* a new file for all that comes; NULL */
	const char *replay; /* a recording to be shown instead of what runs; NULL */
};

/* ERR_NOT_FOUND lists the screens, with the nearest as a hint; ERR_USAGE: it needs a subject. */
int top_check(const struct top_options *o, struct error *err) MUST_USE;
/* The name of a screen and what it shows, counted from 0; NULL behind the last. */
const char *top_screen(int i, const char **ret_text);
/* The same of the themes. */
const char *top_theme(int i, const char **ret_text);
/* Runs until the user ends it.  stdin and stdout are a terminal. */
int top_run(struct console *c, const struct top_options *o, struct error *err) MUST_USE;
/*
 * One screen once everything on it has been asked for: its text in `text`, or its data in *ret_data (owned).
 * The first failure is the answer when none of its backends could be asked.
 */
int top_once(struct console *c, const struct top_options *o, struct buf *text, json_t **ret_data,
	     struct error *err) MUST_USE;

#endif
