/*
 * The terminal.
 */
#include "tui/display.h"

#include <errno.h>
#include <curses.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/base64.h"
#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "tui/keys.h"
#include "tui/rescue.h"

#define ESCAPE_MS 25

static SCREEN *screen;
static struct grid shown; /* what stands on the terminal */

static const struct theme *face;
static bool colored, clicked;

static attr_t attributes_of(const struct cell *c)
{
	unsigned look = face->looks[c->style].attributes;

	return ((look & LOOK_BOLD) != 0 ? A_BOLD : 0) | ((look & LOOK_DIM) != 0 ? A_DIM : 0) |
	       ((look & LOOK_UNDERLINE) != 0 ? A_UNDERLINE : 0) | (c->reverse ? A_REVERSE : A_NORMAL);
}

/* Bright ones become plain where there are but eight. */
static short color_of(const struct look *l)
{
	if (COLORS >= 256)
		return l->color256;
	return COLORS >= 16 || l->color16 < 0 ? l->color16 : (short)(l->color16 & 7);
}

static void use_theme(const struct theme *theme)
{
	face = theme;
	for (int i = 0; i < STYLE_COUNT && colored; i++)
		init_pair((short)(i + 1), color_of(&theme->looks[i]), -1);
	grid_done(&shown);
}

void display_face(const struct theme *theme, bool mouse)
{
	if (theme != face)
		use_theme(theme);
	if (mouse == clicked)
		return;
	clicked = mouse;
	mousemask(mouse ? BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON1_DOUBLE_CLICKED | BUTTON4_PRESSED |
			      BUTTON5_PRESSED
			: 0,
		  NULL);
	mouseinterval(0); /* a press is told at once */
}

bool display_mouse(int *ret_x, int *ret_y, int *ret_wheel)
{
	MEVENT e;

	if (getmouse(&e) != OK)
		return false;
	*ret_x = e.x;
	*ret_y = e.y;
	*ret_wheel = (e.bstate & BUTTON4_PRESSED) != 0 ? -1 : (e.bstate & BUTTON5_PRESSED) != 0 ? 1 : 0;
	return *ret_wheel != 0 ||
	       (e.bstate & (BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON1_DOUBLE_CLICKED)) != 0;
}

int display_open(bool color, struct error *err)
{
	const char *term = getenv("TERM");
	int rc = rescue_begin(err);

	if (rc < 0)
		return rc;
	screen = newterm(NULL, stdout, stdin);
	if (screen == NULL) {
		error_set(err, ERR_USAGE, "terminal", "\"%.40s\" is not known to this machine",
			  term != NULL ? term : "");
		error_hint(err, "TERM=xterm-256color pizzactl top, or pizzactl top --once");
		return ERR_USAGE;
	}
	set_term(screen);
	rescue_prepare();
	colored = color && has_colors();
	clicked = false;
	face = NULL;
	if (colored) {
		start_color();
		use_default_colors();
	}
	use_theme(&themes[0]);
	raw();
	noecho();
	nonl();
	set_escdelay(ESCAPE_MS);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	leaveok(stdscr, TRUE);
	return 0;
}

void display_close(void)
{
	if (screen == NULL)
		return;
	rescue_end();
	mousemask(0, NULL);
	endwin();
	delscreen(screen);
	screen = NULL;
	grid_done(&shown);
}

void display_leave(void)
{
	endwin();
}

void display_return(void)
{
	grid_done(&shown);
	clearok(stdscr, TRUE);
	refresh();
}

static int translate(wint_t c, bool special)
{
	static const struct {
		int from, to;
	} keys[] = {{KEY_UP, KEYCODE_UP},
		    {KEY_DOWN, KEYCODE_DOWN},
		    {KEY_LEFT, KEYCODE_LEFT},
		    {KEY_RIGHT, KEYCODE_RIGHT},
		    {KEY_PPAGE, KEYCODE_PAGE_UP},
		    {KEY_NPAGE, KEYCODE_PAGE_DOWN},
		    {KEY_HOME, KEYCODE_HOME},
		    {KEY_END, KEYCODE_END},
		    {KEY_ENTER, KEYCODE_ENTER},
		    {KEY_BTAB, KEYCODE_BACKTAB},
		    {KEY_BACKSPACE, KEYCODE_BACKSPACE},
		    {KEY_MOUSE, KEYCODE_MOUSE}};

	for (size_t i = 0; special && i < ARRAY_LEN(keys); i++)
		if (keys[i].from == (int)c)
			return keys[i].to;
	if (special)
		return KEYCODE_NONE;
	switch (c) {
	case '\r':
	case '\n':
		return KEYCODE_ENTER;
	case '\t':
		return KEYCODE_TAB;
	case 27:
		return KEYCODE_ESCAPE;
	case 8:
	case 127:
		return KEYCODE_BACKSPACE;
	default:
		return (int)c;
	}
}

bool display_key(int *ret)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
	wint_t c = 0;
	int rc = wget_wch(stdscr, &c);

	*ret = rc == ERR ? KEYCODE_NONE : translate(c, rc == KEY_CODE_YES);
	if (rc != ERR)
		return true;
	return poll(&p, 1, 0) <= 0 || (p.revents & (POLLHUP | POLLERR | POLLNVAL)) == 0;
}

void display_size(int *ret_width, int *ret_height)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
		if (size.ws_row != LINES || size.ws_col != COLS) {
			resizeterm(size.ws_row, size.ws_col);
			grid_done(&shown);
		}
		*ret_width = size.ws_col;
		*ret_height = size.ws_row;
		return;
	}
	*ret_width = COLS;
	*ret_height = LINES;
}

static void put_cell(int x, int y, const struct cell *c)
{
	cchar_t out;
	wchar_t text[3] = {c->text[0], c->text[1], 0};

	if (setcchar(&out, text, attributes_of(c), colored ? (short)(c->style + 1) : 0, NULL) == OK)
		mvadd_wch(y, x, &out);
}

static bool same_cell(const struct cell *a, const struct cell *b)
{
	return a->text[0] == b->text[0] && a->text[1] == b->text[1] && a->style == b->style &&
	       a->reverse == b->reverse;
}

void display_show(const struct grid *g, bool anew)
{
	size_t n = (size_t)g->width * (size_t)g->height;

	if (anew || shown.width != g->width || shown.height != g->height) {
		grid_init(&shown, g->width, g->height, g->utf8);
		erase();
		clearok(stdscr, TRUE);
		for (size_t i = 0; i < n; i++)
			shown.cells[i].style = STYLE_COUNT;
	}
	for (int y = 0; y < g->height; y++)
		for (int x = 0; x < g->width; x++) {
			const struct cell *c = &g->cells[y * g->width + x];

			if (c->text[0] != 0 && !same_cell(c, &shown.cells[y * g->width + x]))
				put_cell(x, y, c);
		}
	memcpy(shown.cells, g->cells, n * sizeof(*g->cells));
	refresh();
}

void display_copy(const char *text)
{
	AUTO_JSON json_t *coded = base64_json(text, strlen(text));
	CLEANUP(buf_done) struct buf out = {0};

	buf_addf(&out, "\033]52;c;%s\a", json_string_value(coded));
	if (write(STDOUT_FILENO, out.data, out.len) < 0)
		return; /* the terminal is gone, which is noticed elsewhere */
}
