/*
 * Manual pages as mdoc(7): macros stand alone on their lines, a sentence ends its line, and everything else
 * is escaped.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/doc.h"
#include "core/base/mem.h"

#define LINE_COLUMNS 78

/* One UTF-8 character as \[uXXXX]; the bytes it has. */
static size_t add_character(struct buf *out, const char *text)
{
	unsigned char c = (unsigned char)*text;
	unsigned value = c >= 0xf0 ? c & 7u : c >= 0xe0 ? c & 15u : c & 31u;
	size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

	for (size_t i = 1; i < len && text[i] != '\0'; i++)
		value = value << 6 | ((unsigned char)text[i] & 63u);
	buf_addf(out, "\\[u%04X]", value);
	return len;
}

/* ASCII of code, which must come out as it is also when it is copied from the page. */
static void add_code(struct buf *out, char c)
{
	static const struct {
		char c;
		const char *text;
	} rows[] = {{'\\', "\\e"},  {'-', "\\-"},   {'\'', "\\(aq"},
		    {'`', "\\(ga"}, {'~', "\\(ti"}, {'^', "\\(ha"}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].c == c) {
			buf_adds(out, rows[i].text);
			return;
		}
	buf_addc(out, c);
}

static void escape_code(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		if ((unsigned char)text[i] >= 0x80)
			i += add_character(out, text + i);
		else
			add_code(out, text[i++]);
	}
}

/* Text with the markup: what stands between backquotes becomes bold. */
static void escape(struct buf *out, const char *text, size_t len)
{
	const char *end = text + len;
	bool code = false;

	while (text < end) {
		size_t part = strcspn(text, "`\\");

		part = part < (size_t)(end - text) ? part : (size_t)(end - text);
		if (code) {
			part = strcspn(text, "`");
			part = part < (size_t)(end - text) ? part : (size_t)(end - text);
			escape_code(out, text, part);
		} else {
			for (size_t i = 0; i < part;)
				if ((unsigned char)text[i] >= 0x80)
					i += add_character(out, text + i);
				else
					buf_addc(out, text[i++]);
		}
		text += part;
		if (text == end)
			break;
		if (*text == '`')
			buf_adds(out, code ? "\\fR" : "\\fB");
		else
			buf_adds(out, "\\e");
		code = code != (*text == '`');
		text++;
	}
}

/* "pizza.yaml(5)," → name, section and the punctuation behind it. */
static bool is_reference(const char *word, size_t len, size_t *ret_name)
{
	const char *open = memchr(word, '(', len);

	if (open == NULL || open == word || (size_t)(open - word) + 3 > len ||
	    !isdigit((unsigned char)open[1]) || open[2] != ')' || !isalpha((unsigned char)*word))
		return false;
	*ret_name = (size_t)(open - word);
	for (const char *p = open + 3; p < word + len; p++)
		if (strchr(".,;:)?!", *p) == NULL)
			return false;
	return memchr(word, '`', len) == NULL;
}

struct line {
	struct buf *out;
	size_t used; /* columns of the line; 0: it is empty */
};

static void end_line(struct line *l)
{
	if (l->used > 0)
		buf_addc(l->out, '\n');
	l->used = 0;
}

static void add_reference(struct line *l, const char *word, size_t len, size_t name)
{
	end_line(l);
	buf_addf(l->out, ".Xr %.*s %c", (int)name, word, word[name + 1]);
	for (size_t i = name + 3; i < len; i++)
		buf_addf(l->out, " %c", word[i]);
	buf_addc(l->out, '\n');
}

static bool ends_sentence(const char *word, size_t len)
{
	while (len > 0 && (word[len - 1] == ')' || word[len - 1] == '"'))
		len--;
	return len > 1 && strchr(".?!", word[len - 1]) != NULL;
}

static void add_word(struct line *l, const char *word, size_t len)
{
	CLEANUP(buf_done) struct buf escaped = {0};

	escape(&escaped, word, len);
	if (l->used > 0 && l->used + 1 + escaped.len > LINE_COLUMNS)
		end_line(l);
	if (l->used > 0)
		buf_addc(l->out, ' ');
	else if (*word == '.' || *word == '\'')
		buf_adds(l->out, "\\&");
	buf_adds(l->out, buf_str(&escaped));
	l->used += escaped.len + 1;
	if (ends_sentence(word, len))
		end_line(l);
}

static void words(struct doc *d, const char *text)
{
	struct line l = {.out = &d->out};
	const char *word;
	size_t len, name;

	while (doc_word(&text, &word, &len)) {
		if (is_reference(word, len, &name))
			add_reference(&l, word, len, name);
		else
			add_word(&l, word, len);
	}
	end_line(&l);
}

/* An argument of a macro. */
static void add_argument(struct buf *out, const char *text)
{
	CLEANUP(buf_done) struct buf escaped = {0};

	escape_code(&escaped, text, strlen(text));
	buf_adds(out, " \"");
	for (const char *p = buf_str(&escaped); *p != '\0'; p++)
		if (*p == '"')
			buf_adds(out, "\\(dq");
		else
			buf_addc(out, *p);
	buf_addc(out, '"');
}

static void title(struct doc *d, const char *name, int number, const char *summary)
{
	buf_addf(&d->out, ".\\\" Written by `make man`; its prose is in man/text.\n.Dd %s\n.Dt ", d->date);
	doc_upper(d, name);
	buf_addf(&d->out, " %d\n.Os Pizza\n.Sh NAME\n.Nm %s\n.Nd ", number, name);
	escape(&d->out, summary, strlen(summary));
	buf_addc(&d->out, '\n');
}

static void section(struct doc *d, const char *text)
{
	buf_adds(&d->out, ".Sh ");
	doc_upper(d, text);
	buf_addc(&d->out, '\n');
}

static void subsection(struct doc *d, const char *text)
{
	buf_adds(&d->out, ".Ss ");
	escape(&d->out, text, strlen(text));
	buf_addc(&d->out, '\n');
}

static void gap(struct doc *d)
{
	if (!d->after_heading)
		buf_adds(&d->out, ".Pp\n");
}

static void paragraph(struct doc *d, const char *text)
{
	gap(d);
	words(d, text);
}

static void literal(struct doc *d, const char *lines)
{
	buf_adds(&d->out, ".Bd -literal -offset indent\n");
	while (*lines != '\0') {
		size_t len = strcspn(lines, "\n");

		if (*lines == '.' || *lines == '\'')
			buf_adds(&d->out, "\\&");
		escape_code(&d->out, lines, len);
		buf_addc(&d->out, '\n');
		lines += len + (lines[len] == '\n');
	}
	buf_adds(&d->out, ".Ed\n");
}

static void entry(struct doc *d, const char *term, const char *text)
{
	if (!d->in_entries) {
		gap(d);
		buf_adds(&d->out, ".Bl -tag -width 14n -compact\n");
	}
	buf_adds(&d->out, ".It Sy");
	add_argument(&d->out, term);
	buf_addc(&d->out, '\n');
	words(d, text);
}

static void entries_end(struct doc *d)
{
	buf_adds(&d->out, ".El\n");
}

static void synopsis(struct doc *d, const struct noun *n, const struct command *c)
{
	buf_addf(&d->out, ".Nm pizzactl\n.Cm %s%s%s\n", n->name, c->verb != NULL ? " " : "",
		 c->verb != NULL ? c->verb : "");
	for (const struct argument_def *a = c->arguments; a != NULL && a->name != NULL; a++) {
		buf_adds(&d->out, a->optional ? ".Op Ar" : ".Ar");
		add_argument(&d->out, a->name);
		buf_adds(&d->out, a->repeat ? " ...\n" : "\n");
	}
	for (const struct option_def *o = c->options; o != NULL && o->name != NULL; o++) {
		if (o->letter != 0)
			buf_addf(&d->out, ".Op Fl %c", o->letter);
		else
			buf_addf(&d->out, ".Op Fl -%s", o->name);
		if (o->value != NULL) {
			buf_adds(&d->out, o->optional ? " Op Ar" : " Ar");
			add_argument(&d->out, o->value);
		}
		buf_addc(&d->out, '\n');
	}
}

const struct doc_form doc_mdoc = {
    .title = title,
    .section = section,
    .subsection = subsection,
    .paragraph = paragraph,
    .literal = literal,
    .entry = entry,
    .entries_end = entries_end,
    .synopsis = synopsis,
};
