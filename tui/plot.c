/*
 * Curves.
 */
#include "tui/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"

#define SCALE	   5 /* columns of the numbers at the left */
#define CELLS_MAX  256
#define HEIGHT_MAX 16

/* A plot in the making: a bit per dot, as braille numbers them. */
struct canvas {
	int w, h; /* cells */
	unsigned char dots[HEIGHT_MAX][CELLS_MAX];
	bool line[HEIGHT_MAX]; /* the level runs through this row */
	double low, high;
};

static int dot_row(const struct canvas *c, double value)
{
	double share = (value - c->low) / (c->high - c->low);
	int rows = c->h * 4, row = rows - 1 - (int)lround(share * (rows - 1));

	return row < 0 ? 0 : row >= rows ? rows - 1 : row;
}

static void set_dot(struct canvas *c, int x, int row)
{
	static const unsigned char bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};

	c->dots[row / 4][x / 2] |= bits[row % 4][x % 2];
}

/* From the point before to this one, so that the curve has no gaps. */
static void join(struct canvas *c, int x, int from, int to)
{
	int step = from < to ? 1 : -1;

	for (int row = from; row != to; row += step)
		set_dot(c, x, row);
	set_dot(c, x, to);
}

static void find_scale(struct canvas *c, const struct history *h, int first, double level)
{
	double low = isfinite(level) ? level : INFINITY, high = isfinite(level) ? level : -INFINITY;

	for (int i = first; i < h->count; i++) {
		low = fmin(low, h->points[i]);
		high = fmax(high, h->points[i]);
	}
	if (high - low < 10) { /* noise is no mountain */
		high += 5;
		low -= 5;
	}
	c->low = low;
	c->high = high;
}

static void draw_cells(const struct canvas *c, struct grid *g, struct rect r)
{
	for (int y = 0; y < c->h; y++)
		for (int x = 0; x < c->w; x++) {
			unsigned char dots = c->dots[y][x];
			char text[4] = {(char)0xe2, (char)(0xa0 | dots >> 6), (char)(0x80 | (dots & 0x3f)),
					0};

			if (dots != 0)
				grid_text(g, r.x + x, r.y + y, 1, STYLE_ACCENT, g->utf8 ? text : "*");
			else if (c->line[y])
				grid_text(g, r.x + x, r.y + y, 1, STYLE_DIM, "┈");
		}
}

void plot_draw(struct grid *g, struct rect r, const struct history *h, double level)
{
	struct canvas c = {.w = r.w - SCALE, .h = r.h < HEIGHT_MAX ? r.h : HEIGHT_MAX};
	int first, before = -1;

	c.w = c.w < CELLS_MAX ? c.w : CELLS_MAX;
	if (h == NULL || h->count == 0 || c.w < 4 || c.h < 1)
		return;
	first = h->count > c.w * 2 ? h->count - c.w * 2 : 0;
	find_scale(&c, h, first, level);
	if (isfinite(level))
		c.line[dot_row(&c, level) / 4] = true;
	for (int i = first; i < h->count; i++) {
		int x = c.w * 2 - (h->count - i), row = dot_row(&c, h->points[i]);

		join(&c, x, before < 0 ? row : before, row);
		before = row;
	}
	grid_printf(g, r.x, r.y, SCALE - 1, STYLE_DIM, "%4.0f", c.high);
	if (c.h > 1)
		grid_printf(g, r.x, r.y + c.h - 1, SCALE - 1, STYLE_DIM, "%4.0f", c.low);
	draw_cells(&c, g, (struct rect){r.x + SCALE, r.y, c.w, c.h});
}
