/*
 * Cells.  A wide character takes two: the second has no text of its own, and whoever draws over one half
 * takes the other away.
 */
#include "tui/grid.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"

void grid_init(struct grid *g, int width, int height, bool utf8)
{
	struct cell *cells = g->cells;

	width = width > 0 ? width : 1;
	height = height > 0 ? height : 1;
	if (cells == NULL || g->width * g->height != width * height)
		cells = xreallocarray(cells, (size_t)width * (size_t)height, sizeof(*cells));
	*g = (struct grid){.width = width, .height = height, .utf8 = utf8, .cells = cells, .zones = g->zones};
	for (int i = 0; i < width * height; i++)
		cells[i] = (struct cell){.text = {L' '}};
}

void grid_done(struct grid *g)
{
	free(g->cells);
	free(g->zones);
	*g = (struct grid){0};
}

struct cell *grid_cell(const struct grid *g, int x, int y)
{
	return x >= 0 && y >= 0 && x < g->width && y < g->height ? &g->cells[y * g->width + x] : NULL;
}

/* Drawings for terminals that show nothing but ASCII. */
static wchar_t to_ascii(uint32_t c)
{
	static const struct {
		const wchar_t *from;
		const char *to;
	} drawings[] = {
	    {L"─═━┈│┃║┆┌┐└┘├┤╣┬┴┼", "-=-.|||:++++++++++"},
	    {L"▁▂▃▄▅▆▇█", ".:-=+*%#"},
	    {L"▏▎▍▌▋▊▉", "======="},
	    {L"▸▶◂◀›→←↑↓▲▼", ">><<>><^v^v"},
	    {L"●○◐✓✗⚠…·×░▒▓°", "*o+vx!~.x:%@C"},
	};

	for (size_t i = 0; i < ARRAY_LEN(drawings); i++) {
		const wchar_t *at = wcschr(drawings[i].from, (wchar_t)c);

		if (at != NULL)
			return (wchar_t)drawings[i].to[at - drawings[i].from];
	}
	return L'?';
}

/* Bytes of a text that are looked at: no screen is so wide, and some texts are longer than a book. */
#define TEXT_MOST 8192

/* The next character of safe text as this grid shows it, and its columns; 0 bytes at the end. */
static size_t next_glyph(const struct grid *g, const char *text, wchar_t *ret, int *ret_columns)
{
	uint32_t c = 0;
	size_t n = *text != '\0' ? text_decode(text, strnlen(text, 4), &c) : 0;

	*ret = (wchar_t)c;
	*ret_columns = c < 0x80 ? 1 : wcwidth((wchar_t)c);
	if (*ret_columns < 0) { /* nobody knows how wide it would be */
		*ret = g->utf8 ? L'\ufffd' : L'?';
		*ret_columns = 1;
	} else if (!g->utf8 && c >= 0x80) {
		*ret = to_ascii(c);
		*ret_columns = *ret_columns > 0 ? 1 : 0;
	}
	return n;
}

static int safe_columns(const struct grid *g, const char *text)
{
	wchar_t c;
	int columns, sum = 0;

	for (size_t n; (n = next_glyph(g, text, &c, &columns)) > 0; text += n)
		sum += columns;
	return sum;
}

int grid_columns(const struct grid *g, const char *text)
{
	CLEANUP(buf_done) struct buf safe = {0};

	text_safe(&safe, text, strnlen(text, TEXT_MOST));
	return safe_columns(g, buf_str(&safe));
}

/* Takes away the half of a wide character whose other half is drawn over. */
static void clear_halves(struct grid *g, int x, int y, int columns)
{
	struct cell *first = grid_cell(g, x, y), *behind = grid_cell(g, x + columns, y);

	if (first != NULL && first->text[0] == 0 && x > 0)
		first[-1].text[0] = L' ';
	if (behind != NULL && behind->text[0] == 0)
		behind->text[0] = L' ';
}

static void put(struct grid *g, int x, int y, wchar_t c, int columns, enum style style)
{
	struct cell *cell = grid_cell(g, x, y);

	if (columns == 0) { /* combines with what stands before it */
		cell = grid_cell(g, x - 1, y);
		if (cell != NULL && cell->text[0] == 0)
			cell = grid_cell(g, x - 2, y);
		if (cell != NULL)
			cell->text[1] = c;
		return;
	}
	if (cell == NULL || x + columns > g->width)
		return;
	clear_halves(g, x, y, columns);
	*cell = (struct cell){.text = {c}, .style = (unsigned char)style};
	if (columns == 2)
		cell[1] = (struct cell){.style = (unsigned char)style};
}

/* Draws safe text up to `max` columns, answers the columns. */
static int put_text(struct grid *g, int x, int y, int max, enum style style, const char *text)
{
	wchar_t c;
	int columns, used = 0;

	for (size_t n; (n = next_glyph(g, text, &c, &columns)) > 0; text += n) {
		if (used + columns > max)
			break;
		put(g, x + used, y, c, columns, style);
		used += columns;
	}
	return used;
}

int grid_text(struct grid *g, int x, int y, int max, enum style style, const char *text)
{
	CLEANUP(buf_done) struct buf safe = {0};
	int used;

	if (max <= 0)
		return 0;
	text_safe(&safe, text, strnlen(text, TEXT_MOST));
	if (safe_columns(g, buf_str(&safe)) <= max)
		return put_text(g, x, y, max, style, buf_str(&safe));
	used = put_text(g, x, y, max - 1, style, buf_str(&safe));
	return used + put_text(g, x + used, y, 1, style, "…");
}

int grid_printf(struct grid *g, int x, int y, int max, enum style style, const char *fmt, ...)
{
	CLEANUP(buf_done) struct buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&text, fmt, ap);
	va_end(ap);
	return grid_text(g, x, y, max, style, buf_str(&text));
}

int grid_right(struct grid *g, int x, int y, int max, enum style style, const char *text)
{
	int columns = grid_columns(g, text), skip = columns < max ? max - columns : 0;

	return skip + grid_text(g, x + skip, y, max - skip, style, text);
}

int grid_tail(struct grid *g, int x, int y, int max, enum style style, const char *text)
{
	CLEANUP(buf_done) struct buf safe = {0};
	const char *from;
	size_t len = strlen(text);
	wchar_t c;
	int columns, too_many;

	if (len > TEXT_MOST)
		text += len - TEXT_MOST;
	while ((*text & 0xc0) == 0x80) /* not within a character */
		text++;
	text_safe(&safe, text, strlen(text));
	from = buf_str(&safe);
	too_many = safe_columns(g, from) - max;
	if (too_many <= 0 || max <= 1)
		return grid_text(g, x, y, max, style, text);
	for (size_t n; too_many >= 0 && (n = next_glyph(g, from, &c, &columns)) > 0; from += n)
		too_many -= columns;
	put_text(g, x, y, 1, style, "…");
	return 1 + put_text(g, x + 1, y, max - 1, style, from);
}

void grid_fill(struct grid *g, struct rect r, enum style style)
{
	for (int y = r.y; y < r.y + r.h; y++)
		for (int x = r.x; x < r.x + r.w; x++)
			put(g, x, y, L' ', 1, style);
}

static void fill_line(struct grid *g, int x, int y, int w, const char *text)
{
	for (int i = 0; i < w; i++)
		put_text(g, x + i, y, 1, STYLE_FRAME, text);
}

struct rect grid_box(struct grid *g, struct rect r, const char *title)
{
	int right = r.x + r.w - 1, bottom = r.y + r.h - 1, used;

	if (r.w < 4 || r.h < 2)
		return (struct rect){r.x, r.y, 0, 0};
	fill_line(g, r.x, r.y, r.w, "─");
	fill_line(g, r.x, bottom, r.w, "─");
	for (int y = r.y + 1; y < bottom; y++) {
		put_text(g, r.x, y, 1, STYLE_FRAME, "│");
		put_text(g, right, y, 1, STYLE_FRAME, "│");
	}
	put_text(g, r.x, r.y, 1, STYLE_FRAME, "┌");
	put_text(g, right, r.y, 1, STYLE_FRAME, "┐");
	put_text(g, r.x, bottom, 1, STYLE_FRAME, "└");
	put_text(g, right, bottom, 1, STYLE_FRAME, "┘");
	if (title != NULL && r.w > 6) {
		used = grid_text(g, r.x + 2, r.y, r.w - 5, STYLE_TITLE, title);
		put_text(g, r.x + 1, r.y, 1, STYLE_FRAME, " ");
		put_text(g, r.x + 2 + used, r.y, 1, STYLE_FRAME, " ");
	}
	return (struct rect){r.x + 2, r.y + 1, r.w - 4, r.h - 2};
}

void grid_reverse(struct grid *g, int x, int y, int w)
{
	for (int i = x; i < x + w; i++) {
		struct cell *cell = grid_cell(g, i, y);

		if (cell != NULL)
			cell->reverse = true;
	}
}

static void add_wide(struct buf *out, wchar_t c)
{
	uint32_t u = (uint32_t)c;

	if (u < 0x80) {
		buf_addc(out, (char)u);
	} else if (u < 0x800) {
		buf_addc(out, (char)(0xc0 | u >> 6));
		buf_addc(out, (char)(0x80 | (u & 0x3f)));
	} else {
		if (u < 0x10000) {
			buf_addc(out, (char)(0xe0 | u >> 12));
		} else {
			buf_addc(out, (char)(0xf0 | u >> 18));
			buf_addc(out, (char)(0x80 | (u >> 12 & 0x3f)));
		}
		buf_addc(out, (char)(0x80 | (u >> 6 & 0x3f)));
		buf_addc(out, (char)(0x80 | (u & 0x3f)));
	}
}

void grid_add_cell(const struct cell *c, struct buf *out)
{
	for (int k = 0; k < 2 && c->text[k] != 0; k++)
		add_wide(out, c->text[k]);
}

int grid_line_end(const struct grid *g, int y)
{
	int end = g->width;

	while (end > 0 && g->cells[y * g->width + end - 1].text[0] == L' ')
		end--;
	return end;
}

void grid_dump(const struct grid *g, struct buf *out)
{
	for (int y = 0; y < g->height; y++) {
		int end = grid_line_end(g, y);

		for (int x = 0; x < end; x++)
			grid_add_cell(&g->cells[y * g->width + x], out);
		buf_addc(out, '\n');
	}
}

/* --- clicks --- */

void grid_zone(struct grid *g, struct rect at, enum zone_kind kind, int value)
{
	g->zones = xreallocarray(g->zones, (size_t)g->zone_count + 1, sizeof(*g->zones));
	g->zones[g->zone_count++] = (struct zone){at, kind, value};
}

const struct zone *grid_zone_at(const struct grid *g, int x, int y)
{
	for (int i = g->zone_count - 1; i >= 0; i--) {
		const struct rect *r = &g->zones[i].at;

		if (x >= r->x && x < r->x + r->w && y >= r->y && y < r->y + r->h)
			return &g->zones[i];
	}
	return NULL;
}
