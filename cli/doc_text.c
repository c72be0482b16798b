/*
 * Manual pages as plain text, words wrapped, in the layout of man.
 */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/doc.h"
#include "cli/help.h"
#include "cli/human.h"
#include "core/base/mem.h"

#define INDENT	     4
#define ENTRY_INDENT 12

static void spaces(struct buf *out, size_t n)
{
	buf_addf(out, "%*s", (int)n, "");
}

/* A word without its backquotes. */
static void add_word(struct buf *out, const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (word[i] != '`')
			buf_addc(out, word[i]);
}

/* Words after `used` columns of the line, further lines indented; ends the line. */
static void wrap(struct doc *d, const char *text, size_t used, size_t indent)
{
	const char *word;
	size_t len;
	bool first = true;

	while (doc_word(&text, &word, &len)) {
		CLEANUP(buf_done) struct buf plain = {0};
		size_t width;

		add_word(&plain, word, len);
		width = (size_t)human_width(buf_str(&plain));
		if (!first && used + 1 + width > (size_t)d->width) {
			buf_addc(&d->out, '\n');
			spaces(&d->out, indent);
			used = indent;
		} else if (!first) {
			buf_addc(&d->out, ' ');
			used++;
		}
		buf_adds(&d->out, buf_str(&plain));
		used += width;
		first = false;
	}
	buf_addc(&d->out, '\n');
}

static void gap(struct doc *d)
{
	if (d->out.len > 0 && !d->after_heading)
		buf_addc(&d->out, '\n');
}

static void title(struct doc *d, const char *name, int section, const char *summary)
{
	if (section > 0)
		buf_addf(&d->out, "%s(%d) – ", name, section);
	else
		buf_addf(&d->out, "%s – ", name);
	wrap(d, summary, d->out.len, INDENT);
}

static void section(struct doc *d, const char *text)
{
	buf_addc(&d->out, '\n');
	doc_upper(d, text);
	buf_addc(&d->out, '\n');
}

static void subsection(struct doc *d, const char *text)
{
	buf_addf(&d->out, "\n  %s\n", text);
}

static void paragraph(struct doc *d, const char *text)
{
	gap(d);
	spaces(&d->out, INDENT);
	wrap(d, text, INDENT, INDENT);
}

static void literal(struct doc *d, const char *lines)
{
	gap(d);
	while (*lines != '\0') {
		size_t len = strcspn(lines, "\n");

		if (len > 0)
			spaces(&d->out, 2 * INDENT);
		buf_add(&d->out, lines, len);
		buf_addc(&d->out, '\n');
		lines += len + (lines[len] == '\n');
	}
}

static void entry(struct doc *d, const char *term, const char *text)
{
	CLEANUP(buf_done) struct buf plain = {0};
	size_t width, indent = INDENT + ENTRY_INDENT;

	if (!d->in_entries)
		gap(d);
	add_word(&plain, term, strlen(term));
	width = (size_t)human_width(buf_str(&plain));
	spaces(&d->out, INDENT);
	buf_adds(&d->out, buf_str(&plain));
	if (*text == '\0') {
		buf_addc(&d->out, '\n');
		return;
	}
	if (width + 2 > ENTRY_INDENT) {
		buf_addc(&d->out, '\n');
		spaces(&d->out, indent);
	} else {
		spaces(&d->out, ENTRY_INDENT - width);
	}
	wrap(d, text, indent, indent);
}

static void entries_end(struct doc *d)
{
	(void)d;
}

static void synopsis(struct doc *d, const struct noun *n, const struct command *c)
{
	CLEANUP(buf_done) struct buf text = {0};

	help_synopsis(&text, n, c);
	doc_literal(d, buf_str(&text));
}

const struct doc_form doc_text = {
    .title = title,
    .section = section,
    .subsection = subsection,
    .paragraph = paragraph,
    .literal = literal,
    .entry = entry,
    .entries_end = entries_end,
    .synopsis = synopsis,
};
