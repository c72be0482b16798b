/*
 * Giving the terminal back.  What a signal handler needs is worked out beforehand.
 */
#include "tui/rescue.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"

/* Behind everything else: it makes words such as "lines" its own. */
#include <curses.h>
#include <term.h>
#include <termios.h>

static struct termios before;
static char text[256];
static size_t text_len; /* 0: there is nothing to be done */

int rescue_begin(struct error *err)
{
	return tcgetattr(STDIN_FILENO, &before) < 0 ? error_errno(err, "terminal") : 0;
}

void rescue_prepare(void)
{
	static char *names[] = {"sgr0", "cnorm", "rmkx", "rmcup"};
	static const char mouse_off[] = "\033[?1000l\033[?1002l\033[?1006l";

	text_len = (size_t)snprintf(text, sizeof(text), "%s", mouse_off);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *part = tigetstr(names[i]);

		if (part != NULL && part != (char *)-1 && text_len + strlen(part) < sizeof(text))
			text_len += (size_t)snprintf(text + text_len, sizeof(text) - text_len, "%s", part);
	}
}

void rescue_end(void)
{
	text_len = 0;
}

void rescue_now(void)
{
	if (text_len > 0 && write(STDOUT_FILENO, text, text_len) >= 0)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
	text_len = 0;
}
