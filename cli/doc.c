/*
 * The light markup, read block by block.
 */
#include "cli/doc.h"

#include <ctype.h>
#include <string.h>

#include "core/base/mem.h"

static void end_entries(struct doc *d)
{
	if (!d->in_entries)
		return;
	d->in_entries = false;
	d->form->entries_end(d);
}

void doc_section(struct doc *d, const char *title)
{
	end_entries(d);
	d->form->section(d, title);
	d->after_heading = true;
}

void doc_subsection(struct doc *d, const char *title)
{
	end_entries(d);
	d->form->subsection(d, title);
	d->after_heading = true;
}

void doc_paragraph(struct doc *d, const char *text)
{
	end_entries(d);
	d->form->paragraph(d, text);
	d->after_heading = false;
}

void doc_literal(struct doc *d, const char *lines)
{
	end_entries(d);
	d->form->literal(d, lines);
	d->after_heading = false;
}

void doc_entry(struct doc *d, const char *term, const char *text)
{
	d->form->entry(d, term, text);
	d->in_entries = true;
	d->after_heading = false;
}

void doc_upper(struct doc *d, const char *text)
{
	for (; *text != '\0'; text++)
		buf_addc(&d->out, (char)toupper((unsigned char)*text));
}

void doc_end(struct doc *d)
{
	end_entries(d);
}

void doc_done(struct doc *d)
{
	buf_done(&d->out);
}

bool doc_word(const char **text, const char **ret, size_t *ret_len)
{
	const char *p = *text + strspn(*text, " \n\t"), *start = p;
	bool quoted = false;

	while (*p != '\0' && (quoted || strchr(" \n\t", *p) == NULL))
		if (*p++ == '`')
			quoted = !quoted;
	*text = p;
	*ret = start;
	*ret_len = (size_t)(p - start);
	return p > start;
}

/* --- blocks --- */

static bool is_literal(const char *line)
{
	return *line == '\t' || strncmp(line, "    ", 4) == 0;
}

static size_t line_length(const char *line)
{
	size_t len = strcspn(line, "\n");

	return len + (line[len] == '\n');
}

/* A block ends at an empty line, and an entry where the next one begins; literal lines may have empty ones
 * between. */
static size_t block_length(const char *text)
{
	const char *p = text + line_length(text);

	if (is_literal(text)) {
		while (is_literal(p) || (*p == '\n' && is_literal(p + strspn(p, "\n"))))
			p += line_length(p);
		return (size_t)(p - text);
	}
	if (*text == '#' || *text == '@')
		return (size_t)(p - text);
	while (*p != '\0' && *p != '\n' && *p != '@' && *p != '#' && strncmp(p, "- ", 2) != 0)
		p += line_length(p);
	return (size_t)(p - text);
}

static void write_literal(struct doc *d, const char *block)
{
	CLEANUP(buf_done) struct buf lines = {0};

	while (*block != '\0') {
		size_t len = line_length(block), skip = *block == '\t' ? 1 : is_literal(block) ? 4 : 0;

		buf_add(&lines, block + skip, len - skip);
		block += len;
	}
	doc_literal(d, buf_str(&lines));
}

static void write_entry(struct doc *d, char *block)
{
	char *text = strstr(block, " :: ");

	if (text == NULL) {
		doc_entry(d, block, "");
		return;
	}
	*text = '\0';
	doc_entry(d, block, text + 4);
}

/* block belongs to us; it lies at `place` of the prose. */
static void write_block(struct doc *d, char *block, const char *place)
{
	size_t len = strlen(block);

	if (is_literal(block)) {
		write_literal(d, block);
		return;
	}
	while (len > 0 && block[len - 1] == '\n')
		block[--len] = '\0';
	if (strncmp(block, "## ", 3) == 0)
		doc_subsection(d, block + 3);
	else if (strncmp(block, "# ", 2) == 0)
		doc_section(d, block + 2);
	else if (strncmp(block, "- ", 2) == 0)
		write_entry(d, block + 2);
	else if (*block != '@')
		doc_paragraph(d, block);
	else if ((d->part == NULL || !d->part(d, d->part_arg, block + 1)) && d->missing == NULL)
		d->missing = place;
}

void doc_prose(struct doc *d, const char *text)
{
	text += strspn(text, "\n");
	while (*text != '\0') {
		size_t len = block_length(text);
		AUTO_FREE char *block = xstrndup(text, len);

		write_block(d, block, text);
		text += len;
		text += strspn(text, "\n");
	}
}
