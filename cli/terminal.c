/*
 * Asks the terminal how large it is.  No state.
 */
#include "cli/terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int size_of(const char *variable, int fallback)
{
	const char *text = getenv(variable);

	return text != NULL && atoi(text) > 0 ? atoi(text) : fallback;
}

int terminal_width(void)
{
	struct winsize w;

	return size_of("COLUMNS", ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : 80);
}

int terminal_height(void)
{
	struct winsize w;

	return size_of("LINES", ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_row > 0 ? w.ws_row : 24);
}
