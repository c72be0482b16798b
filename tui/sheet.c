/*
 * Lines of styled text.
 */
#include "tui/sheet.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"

#define FACT_COLUMNS 16

void sheet_done(struct sheet *s)
{
	for (int i = 0; i < s->count; i++)
		free(s->spans[i].text);
	free(s->spans);
	*s = (struct sheet){0};
}

static void add_span(struct sheet *s, enum style style, char *text)
{
	s->spans = xreallocarray(s->spans, (size_t)s->count + 1, sizeof(*s->spans));
	s->spans[s->count++] = (struct sheet_span){text, style, s->lines};
}

static void add_format(struct sheet *s, enum style style, const char *fmt, va_list ap)
{
	struct buf text = {0};

	buf_addv(&text, fmt, ap);
	add_span(s, style, buf_take(&text));
}

void sheet_add(struct sheet *s, enum style style, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_format(s, style, fmt, ap);
	va_end(ap);
}

void sheet_end(struct sheet *s)
{
	s->lines++;
}

void sheet_line(struct sheet *s, enum style style, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_format(s, style, fmt, ap);
	va_end(ap);
	sheet_end(s);
}

void sheet_fact(struct sheet *s, const char *name, enum style style, const char *value)
{
	sheet_add(s, STYLE_DIM, "%-*s ", FACT_COLUMNS - 1, name);
	sheet_line(s, style, "%s", value);
}

/* Bytes of the first `width` characters. */
static size_t cut(const char *text, size_t len, int width)
{
	size_t i = 0;

	while (i < len && (width > 0 || (text[i] & 0xc0) == 0x80)) {
		width -= (text[i] & 0xc0) != 0x80;
		i++;
	}
	return i;
}

void sheet_text(struct sheet *s, enum style style, const char *text, int width)
{
	width = width > 8 ? width : 8;
	while (*text != '\0') {
		size_t line = strcspn(text, "\n"), part = cut(text, line, width);

		sheet_line(s, style, "%.*s", (int)part, text);
		text += part;
		text += part == line && *text == '\n';
	}
}

int sheet_search(const struct sheet *s, const char *text, int from, int step)
{
	int found = -1;

	for (int i = 0; i < s->count && *text != '\0'; i++) {
		int line = s->spans[i].line;

		if (strcasestr(s->spans[i].text, text) == NULL)
			continue;
		if (step > 0 && line >= from)
			return line;
		if (step < 0 && line < from)
			found = line;
	}
	return found;
}

void sheet_draw(const struct sheet *s, struct grid *g, struct rect r, int top, const char *marked)
{
	int x = 0, line = -1;

	for (int i = 0; i < s->count; i++) {
		const struct sheet_span *span = &s->spans[i];
		int y = span->line - top, before;

		if (y < 0 || y >= r.h)
			continue;
		if (span->line != line)
			x = 0;
		line = span->line;
		before = x;
		x += grid_text(g, r.x + x, r.y + y, r.w - x, span->style, span->text);
		if (marked != NULL && *marked != '\0' && strcasestr(span->text, marked) != NULL)
			grid_reverse(g, r.x + before, r.y + y, x - before);
	}
}
