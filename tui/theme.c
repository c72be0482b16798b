/*
 * The themes.
 */
#include "tui/theme.h"

#include <string.h>

#include "core/base/mem.h"

/* Of the 16 colours, in the order of ECMA-48. */
enum { BLACK, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, WHITE, BRIGHT };

const struct theme themes[] = {
    {"dark",
     "light text on a dark ground",
     {
	 [STYLE_PLAIN] = {0, -1, -1},
	 [STYLE_DIM] = {LOOK_DIM, -1, -1},
	 [STYLE_STRONG] = {LOOK_BOLD, -1, -1},
	 [STYLE_TITLE] = {LOOK_BOLD, CYAN, 80},
	 [STYLE_FRAME] = {LOOK_DIM, -1, -1},
	 [STYLE_GOOD] = {0, GREEN, 114},
	 [STYLE_WARN] = {LOOK_BOLD, YELLOW, 221},
	 [STYLE_BAD] = {LOOK_BOLD, RED, 203},
	 [STYLE_ACCENT] = {0, CYAN, 75},
	 [STYLE_KEY] = {LOOK_BOLD, MAGENTA, 176},
	 [STYLE_BAR] = {LOOK_BOLD, BLUE, 110},
     }},
    {"light",
     "dark text on a light ground",
     {
	 [STYLE_PLAIN] = {0, -1, -1},
	 [STYLE_DIM] = {0, BRIGHT + BLACK, 242},
	 [STYLE_STRONG] = {LOOK_BOLD, -1, -1},
	 [STYLE_TITLE] = {LOOK_BOLD, BLUE, 24},
	 [STYLE_FRAME] = {0, BRIGHT + BLACK, 246},
	 [STYLE_GOOD] = {0, GREEN, 28},
	 [STYLE_WARN] = {LOOK_BOLD, MAGENTA, 130},
	 [STYLE_BAD] = {LOOK_BOLD, RED, 160},
	 [STYLE_ACCENT] = {0, BLUE, 25},
	 [STYLE_KEY] = {LOOK_BOLD, MAGENTA, 90},
	 [STYLE_BAR] = {LOOK_BOLD, BLUE, 18},
     }},
    {"contrast",
     "the strongest colours, nothing dimmed",
     {
	 [STYLE_PLAIN] = {0, -1, -1},
	 [STYLE_DIM] = {0, -1, -1},
	 [STYLE_STRONG] = {LOOK_BOLD, -1, -1},
	 [STYLE_TITLE] = {LOOK_BOLD | LOOK_UNDERLINE, -1, -1},
	 [STYLE_FRAME] = {0, -1, -1},
	 [STYLE_GOOD] = {LOOK_BOLD, BRIGHT + GREEN, 46},
	 [STYLE_WARN] = {LOOK_BOLD | LOOK_UNDERLINE, BRIGHT + YELLOW, 226},
	 [STYLE_BAD] = {LOOK_BOLD | LOOK_UNDERLINE, BRIGHT + RED, 196},
	 [STYLE_ACCENT] = {LOOK_BOLD, BRIGHT + CYAN, 51},
	 [STYLE_KEY] = {LOOK_BOLD | LOOK_UNDERLINE, -1, -1},
	 [STYLE_BAR] = {LOOK_BOLD, -1, -1},
     }},
    {"mono",
     "no colours",
     {
	 [STYLE_PLAIN] = {0, -1, -1},
	 [STYLE_DIM] = {LOOK_DIM, -1, -1},
	 [STYLE_STRONG] = {LOOK_BOLD, -1, -1},
	 [STYLE_TITLE] = {LOOK_BOLD, -1, -1},
	 [STYLE_FRAME] = {LOOK_DIM, -1, -1},
	 [STYLE_GOOD] = {0, -1, -1},
	 [STYLE_WARN] = {LOOK_BOLD, -1, -1},
	 [STYLE_BAD] = {LOOK_BOLD | LOOK_UNDERLINE, -1, -1},
	 [STYLE_ACCENT] = {0, -1, -1},
	 [STYLE_KEY] = {LOOK_BOLD, -1, -1},
	 [STYLE_BAR] = {LOOK_BOLD, -1, -1},
     }},
    {.name = NULL},
};

const struct theme *theme_find(const char *name)
{
	for (const struct theme *t = themes; t->name != NULL; t++)
		if (strcmp(t->name, name) == 0)
			return t;
	return NULL;
}

static void add_look(struct buf *out, const struct look *l, bool reverse, bool colored)
{
	buf_adds(out, "\033[0");
	buf_adds(out, (l->attributes & LOOK_BOLD) != 0 ? ";1" : "");
	buf_adds(out, (l->attributes & LOOK_DIM) != 0 ? ";2" : "");
	buf_adds(out, (l->attributes & LOOK_UNDERLINE) != 0 ? ";4" : "");
	buf_adds(out, reverse ? ";7" : "");
	if (colored && l->color256 >= 0)
		buf_addf(out, ";38;5;%d", l->color256);
	buf_addc(out, 'm');
}

void theme_dump(const struct theme *t, const struct grid *g, bool colored, struct buf *out)
{
	for (int y = 0; y < g->height; y++) {
		const struct cell *row = &g->cells[y * g->width], *before = NULL;
		int end = grid_line_end(g, y);

		for (int x = 0; x < end; x++) {
			const struct cell *c = &row[x];

			if (before == NULL || before->style != c->style || before->reverse != c->reverse)
				add_look(out, &t->looks[c->style], c->reverse, colored);
			grid_add_cell(c, out);
			before = c;
		}
		buf_adds(out, before != NULL ? "\033[0m\n" : "\n");
	}
}
